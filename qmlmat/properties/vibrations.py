"""Vibrational levels of a diatomic from points on its curve."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import make_interp_spline
from scipy.linalg import eigh
from scipy.optimize import minimize_scalar

from qmlmat.errors import InputError, QmlmatWarning
from qmlmat.properties.curve import Atom, DiatomicCurve, diatomic_curve
from qmlmat.typing import FloatArray
from qmlmat.units import BOHR_IN_ANGSTROM, HARTREE_IN_WAVENUMBER, Unit

SPLINE_DEGREE: Final = 5
"""Degree of the spline through the points; a cubic one shows how much that matters."""
LEFT_MARGIN: Final = 0.4
"""Shortest length of the grid, as a fraction of that of the curve."""
RIGHT_MARGIN: Final = 0.25
"""Grid beyond the longest length, as a fraction of the span of the curve."""
FIRST_DENSITY: Final = 1.5
"""Grid points per half wavelength of the fastest motion, at first."""
REFINEMENT: Final = 1.5
"""Factor of each refinement of the grid."""
GRID_TOLERANCE: Final = 1e-3
"""Change of every level at which refining the grid stops (cm-1)."""
MOST_POINTS: Final = 2000
"""Largest grid: a dense matrix of 32 MB."""
OUTSIDE_WEIGHT: Final = 1e-5
"""Probability beyond the curve's ends up to which a level is the curve's own.

There the curve is a guess; wrong by 1 eV, it moves such a level by 0.1 cm-1.
"""

Potential = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, kw_only=True)
class VibrationalLevels:
    """Bound levels of one curve and one rotational quantum number, ascending."""

    energies: FloatArray
    """Energies above the minimum of the curve without rotation, ``(n_levels,)`` (cm-1)."""
    zero_point_energy: float
    """Energy of the lowest level above that minimum (cm-1)."""
    n_bound: int
    """Levels below the energy at the longest length."""
    rotation: int
    """Rotational quantum number ``J``."""
    grid_change: FloatArray
    """Change of each level with the last refinement of the grid, ``(n_levels,)`` (cm-1)."""
    interpolation_change: FloatArray
    """Change of each level with a cubic instead of a quintic spline, ``(n_levels,)`` (cm-1).

    The error of the quintic spline is as a rule much smaller.
    """
    outside: FloatArray
    """Probability of lengths outside the curve, ``(n_levels,)``."""
    n_grid: int
    """Grid points."""


def vibrational_levels(
    lengths: ArrayLike,
    energies: ArrayLike,
    *,
    atoms: tuple[Atom, Atom],
    unit: Unit = "hartree",
    n_levels: int | None = None,
    rotation: int = 0,
) -> VibrationalLevels:
    r"""Return the vibrational levels of a diatomic, from the radial Schrödinger equation.

    ``-1/(2 mu) d^2/dr^2 + E(r) + J (J + 1) / (2 mu r^2)`` in a basis of sinc functions on a
    uniform grid of spacing ``d``, where the kinetic energy between points ``i`` and ``j`` is
    ``(-1)^(i-j) / (2 mu d^2)`` times ``pi^2 / 3`` or, off the diagonal, ``2 / (i - j)^2``. The grid
    is refined until no level within the curve changes by more than 1e-3 cm-1, to 2000 points.

    ``E(r)`` is a quintic spline in ``(r - r0) / (r + r0)``. Towards shorter lengths the curve goes
    on with the slope and the curvature, if positive, of its end, towards longer ones it is
    constant: extend the scan rather than rely on this. Levels are bound that lie below the energy
    at the longest length; those held by a centrifugal barrier only are not among them.

    Args:
        lengths: Bond lengths, ascending, ``(n_points,)`` (Å).
        energies: Energies, ``(n_points,)`` (``unit``); points with NaN are left out.
        atoms: Both atoms, as symbols of elements (most common isotopes) or masses (u).
        unit: Unit of ``energies``.
        n_levels: How many of the lowest levels; ``None``: every bound one.
        rotation: Rotational quantum number ``J``.

    Raises:
        InputError: If shapes, order, masses or unit are wrong, if no minimum lies inside the
            curve, if it falls towards its shortest length, or if fewer levels are bound.
        GeometryError: If a symbol is no element.

    Warns:
        QmlmatWarning: If a level reaches beyond the ends of the curve, or the grid is too coarse.

    References:
        D. T. Colbert, W. H. Miller, J. Chem. Phys. 96, 1982 (1992), doi:10.1063/1.462100.

    Example:
        >>> r = np.arange(0.3, 4.0, 0.05)
        >>> morse = 0.17 * (1 - np.exp(-1.9 * (r - 0.74))) ** 2
        >>> levels = vibrational_levels(r, morse, atoms=("H", "H"), n_levels=2)
        >>> levels.energies.round(1)
        array([2092.5, 6096.4])
    """
    call = "vibrational_levels"
    if rotation < 0 or (n_levels is not None and n_levels < 1):
        raise InputError(
            f"{call}(n_levels={n_levels}, rotation={rotation}): n_levels counts from 1, rotation "
            "from 0. Use n_levels=None for every bound level."
        )
    curve = diatomic_curve(call, lengths, energies, atoms, unit)
    potential, bottom = _potential(curve, SPLINE_DEGREE)
    solved, change = _converged(curve, potential, n_levels, rotation)
    n_bound = len(solved.values)
    wanted = n_bound if n_levels is None else n_levels
    if not 1 <= wanted <= n_bound:
        raise InputError(
            f"{call}(n_levels={n_levels}, rotation={rotation}): {n_bound} levels lie below the "
            f"energy at {curve.lengths[-1]:g} Å. Use n_levels up to that, or extend the scan."
        )
    cubic, cubic_bottom = _potential(curve, 3)
    other = _solve(curve, cubic, solved.n_grid, rotation).values - cubic_bottom
    values = solved.values[:wanted] - bottom
    levels = VibrationalLevels(
        energies=values * HARTREE_IN_WAVENUMBER,
        zero_point_energy=float(values[0] * HARTREE_IN_WAVENUMBER),
        n_bound=n_bound,
        rotation=rotation,
        grid_change=change[:wanted] * HARTREE_IN_WAVENUMBER,
        interpolation_change=_change(values, other) * HARTREE_IN_WAVENUMBER,
        outside=solved.outside[:wanted],
        n_grid=solved.n_grid,
    )
    _warn(levels, curve)
    return levels


@dataclass(frozen=True, kw_only=True)
class _Solved:
    """The bound levels on one grid, ascending."""

    n_grid: int
    """Grid points."""
    values: FloatArray
    """Energies, ``(n_bound,)`` (hartree)."""
    outside: FloatArray
    """Probability outside the curve, ``(n_bound,)``."""


def _potential(curve: DiatomicCurve, degree: int) -> tuple[Potential, float]:
    """Return the interpolated curve, of lengths in Å, and its minimum (hartree)."""
    r, e = curve.lengths, curve.energies
    lowest = int(np.argmin(e))

    def reduced(lengths: FloatArray | float) -> FloatArray:
        return np.asarray((lengths - r[lowest]) / (lengths + r[lowest]))

    spline = make_interp_spline(reduced(r), e, k=degree)
    # The end's derivatives by the length: z' = 2 r0 / (r + r0)^2, z'' = -2 z' / (r + r0).
    start, total = reduced(r[0]), r[0] + r[lowest]
    first = 2 * r[lowest] / total**2
    slope = float(spline(start, 1)) * first
    bend = float(spline(start, 2)) * first**2 - 2 * slope / total
    if slope >= 0:
        raise InputError(
            f"{curve.call}(lengths from {r[0]:g} Å): the curve falls towards its shortest length, "
            "so that nothing holds the atoms apart. Set the points before the wall to NaN."
        )

    def potential(lengths: FloatArray) -> FloatArray:
        inside = spline(reduced(np.clip(lengths, r[0], r[-1])))
        before = np.minimum(lengths - r[0], 0.0)
        return np.asarray(inside + slope * before + max(bend, 0.0) / 2 * before**2)

    found = minimize_scalar(
        lambda length: float(spline(reduced(length))),
        bounds=(r[lowest - 1], r[lowest + 1]),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return potential, min(float(found.fun), float(e[lowest]))


def _solve(curve: DiatomicCurve, potential: Potential, n_grid: int, rotation: int) -> _Solved:
    """Return the levels on a grid of ``n_grid`` points."""
    r = curve.lengths
    grid = np.linspace(LEFT_MARGIN * r[0], r[-1] + RIGHT_MARGIN * (r[-1] - r[0]), n_grid)
    bohr = grid / BOHR_IN_ANGSTROM
    apart = np.arange(n_grid)[:, None] - np.arange(n_grid)[None, :]
    matrix = np.where(apart % 2, -2.0, 2.0) / np.where(apart, apart, 1) ** 2
    np.fill_diagonal(matrix, np.pi**2 / 3)
    matrix /= 2 * curve.mass * (bohr[1] - bohr[0]) ** 2
    centrifugal = rotation * (rotation + 1) / (2 * curve.mass * bohr**2)
    matrix[np.diag_indices(n_grid)] += potential(grid) + centrifugal
    values, vectors = eigh(matrix, subset_by_value=(-np.inf, curve.energies[-1]))
    beyond = (grid < r[0]) | (grid > r[-1])
    return _Solved(n_grid=n_grid, values=values, outside=(vectors[beyond] ** 2).sum(axis=0))


def _converged(
    curve: DiatomicCurve, potential: Potential, n_levels: int | None, rotation: int
) -> tuple[_Solved, FloatArray]:
    """Return the levels on a grid fine enough, and their changes from the last one (hartree)."""
    depth = curve.energies[-1] - curve.energies.min()
    wave_number = np.sqrt(2 * curve.mass * depth) / BOHR_IN_ANGSTROM
    r = curve.lengths
    span = r[-1] + RIGHT_MARGIN * (r[-1] - r[0]) - LEFT_MARGIN * r[0]
    n_grid = min(int(FIRST_DENSITY * span * wave_number / np.pi) + 50, MOST_POINTS)
    coarse = _solve(curve, potential, n_grid, rotation)
    while True:
        n_grid = min(int(REFINEMENT * n_grid), MOST_POINTS)
        fine = _solve(curve, potential, n_grid, rotation)
        change = _change(fine.values, coarse.values)
        judged = fine.outside[:n_levels] <= OUTSIDE_WEIGHT
        largest = float(change[:n_levels][judged].max(initial=0.0))
        if largest * HARTREE_IN_WAVENUMBER < GRID_TOLERANCE or n_grid == MOST_POINTS:
            return fine, change
        coarse = fine


def _change(values: FloatArray, others: FloatArray) -> FloatArray:
    """Return by how much ``values`` differ from ``others``; infinite where one has no partner."""
    change = np.full(len(values), np.inf)
    shared = min(len(values), len(others))
    change[:shared] = abs(values[:shared] - others[:shared])
    return change


def _warn(levels: VibrationalLevels, curve: DiatomicCurve) -> None:
    """Warn of levels that owe something to more than the curve."""
    reaching = np.flatnonzero(levels.outside > OUTSIDE_WEIGHT)
    if reaching.size:
        warnings.warn(
            f"{curve.call}: the levels from v = {reaching[0]} on reach beyond the curve, which "
            f"ends at {curve.lengths[0]:g} and {curve.lengths[-1]:g} Å (probability "
            f"{levels.outside[reaching].max():.0e}). Extend the scan, or ask for "
            f"n_levels={max(int(reaching[0]), 1)}.",
            QmlmatWarning,
            stacklevel=3,
        )
    change = levels.grid_change[levels.outside <= OUTSIDE_WEIGHT].max(initial=0.0)
    if change > GRID_TOLERANCE:
        warnings.warn(
            f"{curve.call}: with {levels.n_grid} grid points the levels still change by "
            f"{change:.1e} cm-1. Ask for fewer, or end the scan earlier.",
            QmlmatWarning,
            stacklevel=3,
        )
