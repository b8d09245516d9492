"""Learning curves: how an error falls with the number of training points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """Median errors over the number of training points, and the power law through them."""

    arm: str
    """Name of the arm."""

    sizes: tuple[int, ...]
    """Numbers of training points at which there is an error, ascending."""

    rmse: tuple[float, ...]
    """Median errors (hartree), shape ``(n_sizes,)``."""

    exponent: float | None
    """``p`` of ``error ~ size^-p``, the mean over seeds; ``None`` with fewer than two sizes."""

    exponent_stderr: float | None
    """Standard error of ``exponent`` over seeds; ``None`` with fewer than two seeds."""

    def size_needed(self, rmse: float) -> float | None:
        """Return how many training points give an error, between the sizes on a power law.

        Args:
            rmse: The error (hartree).

        Returns:
            The smallest size where it is below the error already; ``None`` if the error is not
            reached with the largest.
        """
        if self.rmse and self.rmse[0] <= rmse:
            return float(self.sizes[0])
        points = zip(self.sizes, self.rmse, strict=True)
        for (few, before), (many, after) in pairwise(points):
            if after <= rmse:
                part = np.log(before / rmse) / np.log(before / after)
                return float(few * (many / few) ** part)
        return None


def learning_curve(
    arm: str,
    sizes: Sequence[int],
    medians: Sequence[float | None],
    series: Sequence[Sequence[float | None]],
) -> LearningCurve:
    """Return an arm's learning curve.

    A seed's training sets are parts of each other, so its errors are not independent: each seed
    gives one exponent, and their spread is the uncertainty.

    Args:
        arm: Its name.
        sizes: Numbers of training points, ascending.
        medians: Median error at each size (hartree); ``None`` where all failed.
        series: Errors of each seed at each size (hartree), shape ``(n_seeds, n_sizes)``; ``None``
            where it failed.
    """
    known = [(n, e) for n, e in zip(sizes, medians, strict=True) if e is not None]
    slopes = [slope for row in series if (slope := _slope(sizes, row)) is not None]
    spread = float(np.std(slopes, ddof=1) / len(slopes) ** 0.5) if len(slopes) > 1 else None
    return LearningCurve(
        arm=arm,
        sizes=tuple(n for n, _ in known),
        rmse=tuple(e for _, e in known),
        exponent=float(np.mean(slopes)) if slopes else None,
        exponent_stderr=spread,
    )


def _slope(sizes: Sequence[int], errors: Sequence[float | None]) -> float | None:
    known = [(n, e) for n, e in zip(sizes, errors, strict=True) if e is not None and e > 0.0]
    if len(known) < 2:
        return None
    x, y = np.log(np.array(known, dtype=np.float64)).T
    x = x - x.mean()
    return float(-(x @ y) / (x @ x))
