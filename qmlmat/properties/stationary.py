"""Minima, saddle points and maxima of a surface known on a regular grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import maximum_filter, minimum_filter

from qmlmat.errors import InputError
from qmlmat.typing import BoolArray, FloatArray

MOST_DIMENSIONS: Final = 3
"""Coordinates of a grid at most."""
STENCIL: Final = 6
"""Grid points along each axis that the interpolant of a cell passes through."""
FEWEST_POINTS: Final = 4
"""Points that an axis needs: a cubic is the least that bends differently at different places."""
NEWTON_STEPS: Final = 30
"""Newton steps from the centre of a cell; more than ten are rare."""
STEP_TOLERANCE: Final = 1e-12
"""Last Newton step, in cells: beyond, rounding."""
SLOPE_TOLERANCE: Final = 1e-6
"""Gradient over one cell that counts as zero, as a fraction of the same variation as ``FLAT``."""
OVERLAP: Final = 0.05
"""How far outside its cell a point may lie, in cells, where two interpolants meet."""
SAME: Final = 0.2
"""Two points closer than this, in cells, are one, found from two cells."""
SAME_ENERGY: Final = 1e-9
"""Energies closer than this fraction of the grid's range are equal, for the order of points."""
FLAT: Final = 1e-6
"""A curvature over one cell this small has no certain sign, as a fraction of what the energy
varies between the grid points around it."""
PLATEAU: Final = 1e-7
"""Where the energy varies less, as a fraction of all it varies, ripples are rounding or noise."""

Kind = Literal["minimum", "saddle", "maximum", "degenerate"]
"""What a stationary point is; "degenerate" where an eigenvalue of the curvature vanishes."""


@dataclass(frozen=True, kw_only=True)
class StationaryPoint:
    """A point of a surface where the gradient vanishes."""

    coordinates: FloatArray
    """Where, ``(n_dimensions,)`` (the units of the axes)."""
    energy: float
    """Energy (the unit of the grid)."""
    kind: Kind
    """Minimum, saddle, maximum or degenerate."""
    index: int
    """Directions in which the energy falls: 0 of a minimum, 1 of a transition state."""
    curvatures: FloatArray
    """Eigenvalues of the second derivatives, ascending, ``(n_dimensions,)``.

    Energy per product of axis units, which are compared as they are: scale axes of different
    units first.
    """
    at_edge: bool
    """Whether it lies in an outermost cell, where the interpolant leans on one side only."""


@dataclass(frozen=True, kw_only=True)
class EdgeMinimum:
    """A grid point on the edge, below its neighbours: the surface goes on falling outside."""

    coordinates: FloatArray
    """Where, ``(n_dimensions,)`` (the units of the axes)."""
    energy: float
    """Energy (the unit of the grid)."""


def stationary_points(
    axes: Sequence[ArrayLike], energies: ArrayLike
) -> tuple[StationaryPoint, ...]:
    """Return the stationary points of a surface on a regular grid, by ascending energy.

    In each cell next to which every component of the gradient changes sign, the polynomial through
    the six nearest grid points of each axis is searched by Newton's method; what it finds within
    the cell counts, once. Two points in one cell are not told apart: use a finer grid. The axes
    need not be evenly spaced. A cell whose polynomial would need a NaN is skipped, as is one
    around which the energy varies by less than 1e-7 of all it varies: ripples of a plateau.

    Args:
        axes: One ascending array per coordinate, one to three of them, of at least four points.
        energies: Energies, shape ``(len(axes[0]), len(axes[1]), ...)`` or, as of a scan,
            ``(n_points,)`` with the last axis fastest; NaN where unknown.

    Raises:
        InputError: If shapes do not match, an axis is not ascending or too short.

    Returns:
        Points inside the grid. A minimum at its edge is none: see ``edge_minima``.

    Example:
        >>> x = np.linspace(-1.5, 1.5, 13)
        >>> for point in stationary_points([x], (x**2 - 1) ** 2 - 0.5):
        ...     print(point.kind, round(point.energy, 6))
        minimum -0.5
        minimum -0.5
        maximum 0.5
    """
    grid, values = _checked("stationary_points", axes, energies)
    found: list[tuple[FloatArray, StationaryPoint]] = []
    for cell in np.argwhere(_candidates(grid, values)):
        point = _search(grid, values, tuple(int(i) for i in cell))
        if point is None:
            continue
        place = _in_cells(grid, point.coordinates)
        if all(np.linalg.norm(place - other) > SAME for other, _ in found):
            found.append((place, point))
    if not found:
        return ()
    # Points that symmetry makes equal differ by rounding; their coordinates then decide.
    digit = SAME_ENERGY * (np.nanmax(values) - np.nanmin(values))
    ordered = sorted(found, key=lambda item: (round(item[1].energy / digit), *item[0].round(6)))
    return tuple(point for _, point in ordered)


def edge_minima(axes: Sequence[ArrayLike], energies: ArrayLike) -> tuple[EdgeMinimum, ...]:
    """Return the grid points on the edge that lie below all their neighbours, lowest first.

    There the surface falls towards the outside: extend the grid to see where to. A point beside
    a minimum that ``stationary_points`` finds, at most one cell away, is left out.

    Args:
        axes: One ascending array per coordinate, one to three of them, of at least four points.
        energies: Energies, shape ``(len(axes[0]), len(axes[1]), ...)``; NaN where unknown.

    Raises:
        InputError: If shapes do not match, an axis is not ascending or too short.

    Example:
        >>> x = np.linspace(0.5, 2.0, 7)
        >>> [point.coordinates.tolist() for point in edge_minima([x], x**2)]
        [[0.5]]
    """
    grid, values = _checked("edge_minima", axes, energies)
    filled = np.where(np.isfinite(values), values, np.inf)
    ring = np.ones((3,) * len(grid), dtype=np.bool_)
    ring[(1,) * len(grid)] = False
    lowest = filled < minimum_filter(filled, footprint=ring, mode="constant", cval=np.inf)
    wells = [
        _in_cells(grid, point.coordinates)
        for point in stationary_points(axes, energies)
        if point.kind == "minimum"
    ]
    points = [
        EdgeMinimum(
            coordinates=np.array([axis[i] for axis, i in zip(grid, place, strict=True)]),
            energy=float(values[tuple(place)]),
        )
        for place in np.argwhere(lowest)
        if any(i in (0, n - 1) for i, n in zip(place, values.shape, strict=True))
        and all(abs(place - well).max() > 1 for well in wells)
    ]
    return tuple(sorted(points, key=lambda point: (point.energy, *point.coordinates)))


def _checked(
    call: str, axes: Sequence[ArrayLike], energies: ArrayLike
) -> tuple[list[FloatArray], FloatArray]:
    """Return the arguments as arrays."""
    grid = [np.asarray(axis, dtype=np.float64) for axis in axes]
    values = np.asarray(energies, dtype=np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    if not 1 <= len(grid) <= MOST_DIMENSIONS:
        raise InputError(
            f"{call}({len(grid)} axes): a grid has one to {MOST_DIMENSIONS} coordinates. Give one "
            "array per coordinate, a single one as [x]."
        )
    for k, axis in enumerate(grid):
        ascending = axis.ndim == 1 and np.isfinite(axis).all() and (np.diff(axis) > 0).all()
        if not ascending or len(axis) < FEWEST_POINTS:
            raise InputError(
                f"{call}(axes[{k}] of shape {axis.shape}): an axis is a one-dimensional ascending "
                f"array of at least {FEWEST_POINTS} points. Sort it, drop duplicates, or add some."
            )
    shape = tuple(len(axis) for axis in grid)
    n_points = int(np.prod(shape))
    if values.shape in {(n_points,), (n_points, 1)}:
        values = values.reshape(shape)  # a scan's energies, the last axis fastest
    if values.shape != shape:
        raise InputError(
            f"{call}(energies of shape {values.shape}): these axes need shape {shape}, or a scan's "
            f"({n_points},), the last axis fastest; of several states give one: energies[:, 0]."
        )
    return grid, values


def _candidates(grid: list[FloatArray], values: FloatArray) -> BoolArray:
    """Return the cells near which each component of the gradient takes both signs."""
    cells = np.ones(tuple(n - 1 for n in values.shape), dtype=np.bool_)
    for axis, coordinates in enumerate(grid):
        slope = np.gradient(values, coordinates, axis=axis, edge_order=2)
        # Four grid points along each axis: those of the cell and the next ones on either side.
        low = minimum_filter(np.where(np.isnan(slope), np.inf, slope), size=4, mode="nearest")
        high = maximum_filter(np.where(np.isnan(slope), -np.inf, slope), size=4, mode="nearest")
        upper = tuple(slice(1, None) for _ in grid)  # a filter of four points is centred there
        cells &= (low[upper] <= 0) & (high[upper] >= 0)
    return cells


def _search(
    grid: list[FloatArray], values: FloatArray, cell: tuple[int, ...]
) -> StationaryPoint | None:
    """Return the stationary point in one cell, or ``None``."""
    patch, scale = _patch(grid, values, cell)
    if not scale > PLATEAU * np.nanmax(abs(values - np.nanmin(values))):
        return None
    x = np.zeros(len(grid))
    for _ in range(NEWTON_STEPS):
        _, gradient, hessian = _taylor(patch, x)
        step = np.linalg.lstsq(hessian, -gradient, rcond=None)[0]
        x = x + step * min(1.0, 1.0 / max(abs(step).max(), 1e-300))
        if abs(x).max() > 3:  # left for good: the cell is -1/2 to 1/2
            return None
        if abs(step).max() < STEP_TOLERANCE:
            break
    energy, gradient, hessian = _taylor(patch, x)
    if abs(x).max() > 0.5 + OVERLAP or abs(gradient).max() > SLOPE_TOLERANCE * scale:
        return None
    widths = np.array([axis[i + 1] - axis[i] for axis, i in zip(grid, cell, strict=True)])
    centres = np.array([(axis[i + 1] + axis[i]) / 2 for axis, i in zip(grid, cell, strict=True)])
    place = centres + widths * x
    if any(not axis[0] <= p <= axis[-1] for axis, p in zip(grid, place, strict=True)):
        return None
    uncertain = abs(np.linalg.eigvalsh(hessian)).min() <= FLAT * scale
    curvatures = np.asarray(np.linalg.eigvalsh(hessian / np.outer(widths, widths)))
    return StationaryPoint(
        coordinates=place,
        energy=energy,
        kind="degenerate" if uncertain else _kind(curvatures),
        index=int((curvatures < 0).sum()),
        curvatures=curvatures.astype(np.float64),
        at_edge=any(i in (0, len(axis) - 2) for i, axis in zip(cell, grid, strict=True)),
    )


def _kind(curvatures: FloatArray) -> Kind:
    falling = int((curvatures < 0).sum())
    if falling == 0:
        return "minimum"
    return "maximum" if falling == len(curvatures) else "saddle"


def _patch(
    grid: list[FloatArray], values: FloatArray, cell: tuple[int, ...]
) -> tuple[FloatArray, float]:
    """Return the coefficients of the polynomial around a cell, and how much its points differ.

    The cell goes from -1/2 to 1/2. The difference is NaN where an energy is missing.
    """
    slices, inverses = [], []
    for axis, i in zip(grid, cell, strict=True):
        n = min(STENCIL, len(axis))
        first = min(max(i + 1 - n // 2, 0), len(axis) - n)
        slices.append(slice(first, first + n))
        width, centre = axis[i + 1] - axis[i], (axis[i + 1] + axis[i]) / 2
        scaled = (axis[slices[-1]] - centre) / width
        inverses.append(np.linalg.inv(np.vander(scaled, increasing=True)))
    patch = values[tuple(slices)]
    scale = float(patch.max() - patch.min())  # NaN where one is
    for k, inverse in enumerate(inverses):
        patch = np.moveaxis(np.tensordot(inverse, patch, axes=(1, k)), 0, k)
    return patch, scale


def _taylor(patch: FloatArray, x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return value, gradient and second derivatives of the polynomial at ``x`` (cells)."""
    table = patch
    for (
        coordinate
    ) in x:  # each axis of powers gives way to one of derivatives 0, 1 and 2, at the end
        powers = np.arange(table.shape[0])
        rows = np.zeros((3, len(powers)))
        rows[0] = coordinate**powers
        rows[1, 1:] = powers[1:] * rows[0, :-1]
        rows[2, 2:] = powers[2:] * powers[1:-1] * rows[0, :-2]
        table = np.tensordot(table, rows, axes=(0, 1))
    n = len(x)
    first = np.eye(n, dtype=np.int64)
    gradient = np.array([table[tuple(first[k])] for k in range(n)])
    hessian = np.array([[table[tuple(first[k] + first[m])] for m in range(n)] for k in range(n)])
    return float(table[(0,) * n]), gradient, hessian


def _in_cells(grid: list[FloatArray], coordinates: FloatArray) -> FloatArray:
    """Return a point's position in grid steps from the first corner."""
    return np.array(
        [
            np.interp(c, axis, np.arange(len(axis)))
            for axis, c in zip(grid, coordinates, strict=True)
        ]
    )
