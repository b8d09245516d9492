"""Where curves of several states meet, or nearly: smallest gaps, crossings, avoided crossings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.polynomial import Polynomial
from scipy.optimize import brentq

from qmlmat.errors import InputError
from qmlmat.solvers.base import LEVEL_WIDTH
from qmlmat.surfaces.continuation import Label
from qmlmat.surfaces.curves import state_labels
from qmlmat.typing import FloatArray, IntArray
from qmlmat.units import Unit, hartree_to_ev

if TYPE_CHECKING:
    from qmlmat.surfaces.scan import Scan

NEIGHBOURS: Final = 5
"""Points through which a gap is interpolated: the smallest, and two on either side."""


@dataclass(frozen=True, kw_only=True)
class GapMinimum:
    """The smallest gap between two states along a path."""

    coordinate: float
    """Where it is, between points (unit of the path's axis)."""
    gap: float
    """The gap there (``unit``)."""
    grid_coordinate: float
    """The point of the path with the smallest gap (unit of the path's axis)."""
    grid_gap: float
    """The gap at that point (``unit``)."""
    states: tuple[int, int]
    """The two states; curves where those were asked for."""
    unit: Unit
    """Unit of the gaps."""
    multiplicity: int | None = None
    """The multiplicity among whose states they are counted; ``None``: all states."""
    irrep: str = ""
    """The irrep among whose states they are counted; ``""``: all states."""


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A place where curves change their order in energy."""

    coordinate: float
    """Where, between points (unit of the path's axis)."""
    energy: float
    """Energy there (``unit``)."""
    rising: tuple[int, ...]
    """The curves that are below before it and above after it; several where degenerate."""
    falling: tuple[int, ...]
    """The curves that are above before it and below after it; several where degenerate."""
    points: tuple[int, int]
    """Indices of the points between which it is."""
    unit: Unit
    """Unit of the energy."""


def minimum_gap(
    scan: Scan,
    i: int = 0,
    j: int = 1,
    *,
    multiplicity: int | None = None,
    irrep: str = "",
    followed: bool = False,
) -> GapMinimum:
    """Return the smallest gap between two states along a path of one coordinate.

    Between points the square of the gap is interpolated by the polynomial through the smallest
    value and its neighbours, up to five: where two states repel each other it is a parabola.

    Args:
        scan: The scan.
        i: The lower state, counted from 0.
        j: The upper state.
        multiplicity: Count states of this ``2s + 1`` alone: with 1, ``i=0, j=1`` are S0 and S1.
        irrep: Count states of this irrep alone.
        followed: Whether ``i`` and ``j`` are curves, followed through crossings, rather than
            states in the order of energy.

    Raises:
        InputError: If the path has several coordinates, if there are no such states, if fewer
            than three points know both, or if the smallest gap is at an end of the range.
    """
    call = f"minimum_gap(scan, {i}, {j})"
    x = _coordinate(scan, call)
    if followed:
        table = _followed(scan, call)
    else:
        table = _of_label(scan, Label(multiplicity=multiplicity, irrep=irrep))
    if not (0 <= i < table.shape[1] and 0 <= j < table.shape[1]) or i == j:
        raise InputError(
            f"{call}: there are {table.shape[1]} {'curves' if followed else 'such states'}, "
            "counted from 0. Use two of them, or compute more states: n_states=."
        )
    gaps = np.abs(table[:, j] - table[:, i])
    known = np.argsort(x, kind="stable")
    known = known[np.isfinite(gaps[known])]
    if len(known) < 3:
        raise InputError(
            f"{call}: {len(known)} points know both states, a minimum takes three. Compute more "
            "points, or more states: n_states=."
        )
    smallest = int(np.argmin(gaps[known]))
    if smallest in {0, len(known) - 1}:
        raise InputError(
            f"{call}: the smallest gap is at the end of the range, {x[known[smallest]]:g}, so no "
            "minimum lies inside. Extend the scan beyond it."
        )
    return _minimum(
        scan.unit,
        x[known],
        gaps[known],
        smallest,
        states=(i, j),
        label=Label(multiplicity=multiplicity, irrep=irrep),
    )


def crossings(scan: Scan) -> tuple[Crossing, ...]:
    """Return where followed curves change their order, ascending along the path.

    Curves count as degenerate, and not as crossing, while they are within ``LEVEL_WIDTH`` of each
    other. Curves that are degenerate on both sides cross as one.

    Args:
        scan: A scan of one coordinate with several states.

    Raises:
        InputError: If the path has several coordinates, or the states cannot be followed.
    """
    x = _coordinate(scan, "crossings(scan)")
    table = _followed(scan, "crossings(scan)")
    order = np.argsort(x, kind="stable")
    width = _level_width(scan.unit)
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for a, b in combinations(range(table.shape[1]), 2):
        for k, m, sign in _changes(table[order, b] - table[order, a], width):
            pair = (a, b) if sign > 0 else (b, a)
            found.setdefault((k, m), []).append(pair)
    merged = [
        _crossing(scan.unit, x[order], table[order], order=order, interval=interval, curves=group)
        for interval, pairs in found.items()
        for group in _as_levels(table[order], interval, pairs, width)
    ]
    return tuple(sorted(merged, key=lambda one: (one.coordinate, one.rising, one.falling)))


def avoided_crossings(scan: Scan) -> tuple[GapMinimum, ...]:
    """Return the local minima of gaps between neighbours of one multiplicity and irrep.

    Neighbours in energy among the states of equal labels. Where labels are not known, or where the
    irrep is not, curves that cross are left out: they are in ``crossings``. The states of each
    minimum are counted among those of its label.

    Args:
        scan: A scan of one coordinate with several states.

    Raises:
        InputError: If the path has several coordinates.
    """
    x = _coordinate(scan, "avoided_crossings(scan)")
    order = np.argsort(x, kind="stable")
    x = x[order]
    places = {one.points for one in crossings(scan)} if scan.curves is not None else set()
    spans = [(min(scan.path.along()[list(p)]), max(scan.path.along()[list(p)])) for p in places]
    found = []
    for label in _labels(scan):
        table = _of_label(scan, label)[order]
        for n in range(table.shape[1] - 1):
            gaps = table[:, n + 1] - table[:, n]
            for k in _dips(gaps, _level_width(scan.unit)):
                if not label.irrep and any(
                    low <= x[k + 1] and x[k - 1] <= high for low, high in spans
                ):
                    continue
                found.append(_minimum(scan.unit, x, gaps, k, states=(n, n + 1), label=label))
    return tuple(sorted(found, key=lambda one: (one.coordinate, one.states)))


def _coordinate(scan: Scan, call: str) -> FloatArray:
    if scan.path.n_axes != 1:
        raise InputError(
            f"{call}: the path has {scan.path.n_axes} coordinates, this takes one. Use "
            "scan.gaps(i, j), which has a value at each point, or a path along one coordinate."
        )
    return scan.path.along()


def _followed(scan: Scan, call: str) -> FloatArray:
    table = scan.followed_energies
    if table is None:
        raise InputError(
            f"{call}: the states of this scan cannot be followed. It takes several states "
            "(n_states=) of a SolverSurface, small enough to be kept, and a store of this version."
        )
    return table


def _level_width(unit: Unit) -> float:
    return LEVEL_WIDTH if unit == "hartree" else hartree_to_ev(LEVEL_WIDTH)


def _of_label(scan: Scan, wanted: Label) -> FloatArray:
    """Return the energies of the states of a label, ``(n_points, n)``, ascending; NaN: none."""
    rows = [
        []
        if result is None or result.failed
        else [
            float(energy)
            for energy, label in zip(result.energies, state_labels(result), strict=True)
            if wanted.multiplicity in {None, label.multiplicity}
            and wanted.irrep in {"", label.irrep}
        ]
        for result in scan.results
    ]
    table = np.full((len(rows), max((len(row) for row in rows), default=0)), np.nan)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table


def _labels(scan: Scan) -> tuple[Label, ...]:
    known = (r for r in scan.results if r is not None and not r.failed)
    found = {label for result in known for label in state_labels(result)}
    return tuple(sorted(found, key=lambda one: (one.multiplicity or 0, one.irrep)))


def _minimum(
    unit: Unit,
    x: FloatArray,
    gaps: FloatArray,
    smallest: int,
    *,
    states: tuple[int, int],
    label: Label,
) -> GapMinimum:
    """Return the minimum of a gap near its smallest value, which is inside."""
    near = _near(x, gaps, smallest)
    scale = float(gaps[near].max()) or 1.0
    centre, width = float(x[smallest]), float(np.ptp(x[near])) / 2
    t, square = (x[near] - centre) / width, (gaps[near] / scale) ** 2
    curve = Polynomial.fit(t, square, len(near) - 1).convert()
    low, high = ((x[smallest + side] - centre) / width for side in (-1, 1))
    roots = curve.deriv().roots()
    inside = roots.real[(np.abs(roots.imag) < 1e-9) & (low < roots.real) & (roots.real < high)]
    places = np.append(inside, 0.0)  # the point itself
    best = float(places[int(np.argmin(curve(places)))])
    return GapMinimum(
        coordinate=centre + width * best,
        gap=scale * float(np.sqrt(max(float(curve(best)), 0.0))),
        grid_coordinate=centre,
        grid_gap=float(gaps[smallest]),
        states=states,
        unit=unit,
        multiplicity=label.multiplicity,
        irrep=label.irrep,
    )


def _near(x: FloatArray, values: FloatArray, k: int) -> list[int]:
    """Return the known points around one, as many on both sides: three, or ``NEIGHBOURS``."""
    known = np.flatnonzero(np.isfinite(values)).tolist()
    place = known.index(k)
    reach = min(place, len(known) - 1 - place, NEIGHBOURS // 2)
    return [int(one) for one in known[place - reach : place + reach + 1]] if len(x) else []


def _dips(gaps: FloatArray, width: float) -> list[int]:
    """Return the inner points whose gap is smaller than both neighbours', and not degenerate."""
    inner = range(1, len(gaps) - 1)
    return [k for k in inner if width < gaps[k] < min(gaps[k - 1], gaps[k + 1])]


def _changes(difference: FloatArray, width: float) -> list[tuple[int, int, int]]:
    """Return where a difference changes its sign: both points, and the sign before."""
    found = []
    last: int | None = None
    for k, value in enumerate(difference):
        if not np.isfinite(value):
            last = None
        elif abs(value) > width:
            if last is not None and difference[last] * value < 0:
                found.append((last, k, int(np.sign(difference[last]))))
            last = k
    return found


_Pair = tuple[int, int]


def _as_levels(
    table: FloatArray, interval: _Pair, pairs: Sequence[_Pair], width: float
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return ``(rising, falling)`` sets of curves, degenerate ones together."""

    def level(curve: int) -> tuple[int, ...]:
        same = (np.abs(table[list(interval)] - table[list(interval), curve][:, None]) < width).all(
            axis=0
        )
        return tuple(int(one) for one in np.flatnonzero(same))

    return list(dict.fromkeys((level(low), level(high)) for low, high in pairs))


def _crossing(
    unit: Unit,
    x: FloatArray,
    table: FloatArray,
    *,
    order: IntArray,
    interval: _Pair,
    curves: tuple[tuple[int, ...], tuple[int, ...]],
) -> Crossing:
    """Return a crossing, with its place by interpolation of the difference of two curves."""
    before, after = interval
    low, high = curves[0][0], curves[1][0]
    known = [
        k
        for k in range(max(before - 1, 0), min(after + 2, len(x)))
        if np.isfinite(table[k, [low, high]]).all()
    ]
    t = (x - x[before]) / (x[after] - x[before])

    def curve(values: FloatArray) -> Polynomial:
        return Polynomial.fit(t[known], values[known], len(known) - 1)

    difference = curve(table[:, high] - table[:, low])
    place = float(brentq(difference, 0.0, 1.0))
    return Crossing(
        coordinate=float(x[before] + place * (x[after] - x[before])),
        energy=float(curve(table[:, low])(place)),
        rising=curves[0],
        falling=curves[1],
        points=(int(order[before]), int(order[after])),
        unit=unit,
    )
