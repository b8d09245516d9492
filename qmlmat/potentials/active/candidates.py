"""Where energies may be asked for, and orders of these places that need no model."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.stats import qmc

from qmlmat.errors import InputError
from qmlmat.surfaces import Geometry, Path
from qmlmat.typing import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Geometries of one molecule that may be chosen."""

    geometries: tuple[Geometry, ...]
    """The geometries, shape ``(n_candidates,)``."""

    unit_box: FloatArray | None
    """Coordinates of each, scaled to 0 to 1, shape ``(n_candidates, n_axes)``; ``None`` where the
    geometries lie along no coordinates."""

    def __len__(self) -> int:
        return len(self.geometries)

    @property
    def positions(self) -> FloatArray:
        """Positions, shape ``(n_candidates, n_atoms, 3)`` (Å)."""
        return np.array([geometry.positions for geometry in self.geometries])


def candidates_of(given: Path | Sequence[Geometry]) -> Candidates:
    """Return the candidates on a path, whose coordinates are known, or in a list.

    Raises:
        InputError: If there are fewer than two, of different atoms, or they are no geometries.
    """
    box = None
    if isinstance(given, Path):
        points: Sequence[Geometry] = given.geometries
        low, high = given.coordinates.min(axis=0), given.coordinates.max(axis=0)
        box = (given.coordinates - low) / np.where(high > low, high - low, 1.0)
    else:
        points = given
    if len(points) < 2 or not all(isinstance(point, Geometry) for point in points):
        raise InputError(
            f"active_learning(candidates of {len(points)} points): give two geometries or more, "
            "e.g. a path: sample(molecule, box, n_points=200, seed=0)."
        )
    if len({point.symbols for point in points}) > 1:
        raise InputError("active_learning(candidates): give geometries of one molecule.")
    return Candidates(geometries=tuple(points), unit_box=box)


def grid_order(candidates: Candidates, n_points: int) -> list[int]:
    """Return the candidates nearest to a regular grid that has ``n_points`` points or fewer.

    The edges are in it. With several coordinates each has as many values as fit.

    Args:
        candidates: The candidates.
        n_points: Most points.

    Raises:
        InputError: If the candidates lie along no coordinates.
    """
    box = _box(candidates, "grid")
    counts = [1] * box.shape[1]
    while True:
        axis = int(np.argmin(counts))
        counts[axis] += 1
        if prod(counts) > n_points:
            counts[axis] -= 1
            break
    values = [np.linspace(0.0, 1.0, n) if n > 1 else np.array([0.5]) for n in counts]
    return _nearest(box, np.array(list(itertools.product(*values))))


def sobol_order(candidates: Candidates, seed: int) -> list[int]:
    """Return all candidates in the order in which a scrambled Sobol sequence comes near them.

    Args:
        candidates: The candidates.
        seed: Seed of the scrambling.

    Raises:
        InputError: If the candidates lie along no coordinates.

    References:
        I. M. Sobol, USSR Comput. Math. Math. Phys. 7, 86 (1967),
        doi:10.1016/0041-5553(67)90144-9; A. B. Owen, J. Complexity 14, 466 (1998),
        doi:10.1006/jcom.1998.0487 (scrambling).
    """
    box = _box(candidates, "sobol")
    power = int(np.ceil(np.log2(len(box))))
    points = qmc.Sobol(box.shape[1], rng=np.random.default_rng(seed)).random_base2(power)
    return _nearest(box, points[: len(box)])


def random_order(candidates: Candidates, seed: int) -> list[int]:
    """Return all candidates in random order.

    Args:
        candidates: The candidates.
        seed: Seed of the draw.
    """
    return [int(i) for i in np.random.default_rng(seed).permutation(len(candidates))]


def _box(candidates: Candidates, strategy: str) -> FloatArray:
    if candidates.unit_box is None:
        raise InputError(
            f'active_learning(strategy="{strategy}"): a list of geometries has no coordinates. '
            'Give a path, e.g. grid(...) or sample(...), or use "random", "variance" or '
            '"committee".'
        )
    return candidates.unit_box


def _nearest(box: FloatArray, wanted: FloatArray) -> list[int]:
    """Return for each wanted place the nearest candidate that is not taken yet."""
    free = np.ones(len(box), dtype=np.bool_)
    order: list[int] = []
    for place in wanted:
        distance = np.where(free, np.linalg.norm(box - place, axis=1), np.inf)
        order.append(int(distance.argmin()))
        free[order[-1]] = False
    return order
