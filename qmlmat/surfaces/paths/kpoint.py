"""Points in reciprocal space: what a scan of a crystal visits in place of geometries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from qmlmat.errors import InputError, nearest
from qmlmat.typing import FloatArray

SPINS: Final = {"up": 0.5, "down": -0.5}
"""Spin of a block of bands, and its coordinate on a path."""


@dataclass(frozen=True)
class KPoint:
    """A crystal momentum, and the spin of the bands that are wanted there.

    Raises:
        InputError: If ``k`` is not three finite numbers, or there is no such spin.

    Example:
        >>> KPoint((0.5, 0, 0), label="M").k
        (0.5, 0.0, 0.0)
    """

    k: tuple[float, float, float]
    """In units of the reciprocal lattice vectors, shape ``(3,)``."""

    spin: str | None = None
    """``"up"`` or ``"down"`` for the bands of one spin; ``None`` for all there are."""

    label: str = ""
    """Name of a special point, e.g. ``"K"``; ``""`` elsewhere."""

    def __post_init__(self) -> None:
        k = np.array(self.k, dtype=np.float64)
        if k.shape != (3,) or not np.isfinite(k).all():
            raise InputError(
                f"KPoint(k={self.k!r}): k is three finite numbers, in units of the reciprocal "
                "lattice vectors. Give e.g. (0.5, 0.0, 0.0)."
            )
        if self.spin is not None and self.spin not in SPINS:
            raise InputError(
                f'KPoint(spin="{self.spin}"): not known. {nearest(str(self.spin), SPINS)} '
                "None stands for the bands of both."
            )
        object.__setattr__(self, "k", tuple(k.tolist()))


def checked_cell(cell: object) -> FloatArray:
    """Return the vectors of a cell, read-only, ``(3, 3)``.

    Raises:
        InputError: If they are not three independent vectors.
    """
    vectors = np.array(cell, dtype=np.float64)
    if vectors.shape != (3, 3) or not abs(np.linalg.det(vectors)) > 0:  # refuses NaN, too
        raise InputError(
            f"Path(cell={cell!r}): points in reciprocal space need the primitive cell: three "
            "independent vectors as rows. Make such a path with k_path(model)."
        )
    vectors.flags.writeable = False
    return vectors


def check_kpoints(points: Sequence[KPoint], coordinates: FloatArray) -> None:
    """Refuse a point that is there twice; one k may lie at two places of a path.

    Raises:
        InputError: If two points are the same.
    """
    seen: dict[Any, int] = {}
    for index, (point, place) in enumerate(zip(points, coordinates.tolist(), strict=True)):
        first = seen.setdefault((point.k, point.spin, *place), index)
        if first != index:
            raise InputError(
                f"Path(points): points {first} and {index} are the same k, spin and coordinates. "
                "Give each once."
            )


def kpoint_inputs(points: Sequence[KPoint], cell: FloatArray) -> dict[str, Any]:
    """Return the plain values that define the points of a path."""
    return {
        "cell": cell.tolist(),
        "k": [list(point.k) for point in points],
        "spins": [point.spin for point in points],
        "labels": [point.label for point in points],
    }


def stored_kpoints(values: Mapping[str, Any]) -> tuple[KPoint, ...]:
    """Return the points whose ``kpoint_inputs`` are among ``values``."""
    rows = zip(values["k"], values["spins"], values["labels"], strict=True)
    return tuple(KPoint(tuple(k), spin, label) for k, spin, label in rows)
