"""Rows of a comparison's table: medians and quartiles over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A number over several seeds."""

    median: float
    """The median."""

    low: float
    """The lower quartile."""

    high: float
    """The upper quartile."""

    def overlaps(self, other: Spread) -> bool:
        """Return whether the interquartile ranges overlap."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, kw_only=True)
class ComparisonRow:
    """One arm at one size of the training set: medians over seeds."""

    arm: str
    """Name of the arm."""

    size: int
    """Number of training points."""

    n_runs: int
    """Number of seeds."""

    n_failed: int
    """Number of seeds at which training failed; they are in no median."""

    n_exhausted: int
    """Number of seeds at which training was stopped by its budget and not by itself."""

    n_late: int
    """Number of seeds trained after errors on the test set had been looked at."""

    information: str
    """What a prediction looks at: ``"labels"`` or ``"hamiltonian"``."""

    n_weights: int
    """Number of trainable numbers."""

    rmse: Spread | None
    """Root of the mean squared error (hartree); ``None`` where every seed failed."""

    mae: Spread | None
    """Mean absolute error (hartree)."""

    largest: Spread | None
    """Largest absolute error (hartree)."""

    wall_time: float
    """Median time of a training (s)."""


def spread_of(values: Sequence[float]) -> Spread | None:
    """Return median and quartiles of numbers; ``None`` of none."""
    if not values:
        return None
    low, median, high = np.percentile(values, [25, 50, 75]).tolist()
    return Spread(median=median, low=low, high=high)
