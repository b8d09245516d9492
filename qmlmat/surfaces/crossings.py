"""Where curves of several states meet, or nearly: smallest gaps, crossings, avoided crossings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.solvers.base import LEVEL_WIDTH
from qmlmat.surfaces.continuation import Label
from qmlmat.surfaces.curves import state_labels
from qmlmat.surfaces.meetings import dips, gap_minimum, meeting, sign_changes
from qmlmat.typing import FloatArray, IntArray
from qmlmat.units import Unit, hartree_to_ev

if TYPE_CHECKING:
    from qmlmat.surfaces.scan import Scan

NONE: Final = -1
"""Stands for a state that does not exist."""


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
        states = states_of(scan, Label(multiplicity=multiplicity, irrep=irrep))
        table = _at(scan.energies, states)
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
        for k, m, sign in sign_changes(table[order, b] - table[order, a], width):
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
    met = [] if scan.curves is None else [x[_span(order, one)] for one in crossings(scan)]
    found = []
    for label in _labels(scan):
        states = states_of(scan, label, exactly=True)[order]
        table = _at(scan.energies[order], states)
        curves = states if scan.curves is None else _at(scan.curves.numbers[order], states)
        for n in range(table.shape[1] - 1):
            gaps = table[:, n + 1] - table[:, n]
            found += [
                _minimum(scan.unit, x, gaps, k, states=(n, n + 1), label=label)
                for k in dips(gaps, _level_width(scan.unit))
                if _same_pair(curves[k - 1 : k + 2, n : n + 2])
                and (label.irrep or not any(_overlap(x[k - 1 : k + 2], span) for span in met))
            ]
    return tuple(sorted(found, key=lambda one: (one.coordinate, one.states)))


def _same_pair(curves: FloatArray | IntArray) -> bool:
    """Return whether two states are the same two curves at all points, in whichever order."""
    ordered = np.sort(curves, axis=1)
    return bool((ordered == ordered[0]).all())


def _span(order: IntArray, one: Crossing) -> list[int]:
    return sorted(int(np.flatnonzero(order == point)[0]) for point in one.points)


def _overlap(near: FloatArray, span: FloatArray) -> bool:
    return bool(near[0] < span[1] and span[0] < near[-1])


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


def states_of(scan: Scan, wanted: Label, *, exactly: bool = False) -> IntArray:
    """Return the states of a label, ascending in energy, ``(n_points, n)``; -1: none.

    Args:
        scan: The scan.
        wanted: The label; what it leaves open may be anything.
        exactly: Whether what it leaves open must be open in a state, too.
    """
    rows = [
        []
        if result is None or result.failed
        else [
            k
            for k, label in enumerate(state_labels(result))
            if label == wanted
            or (
                not exactly
                and wanted.multiplicity in {None, label.multiplicity}
                and wanted.irrep in {"", label.irrep}
            )
        ]
        for result in scan.results
    ]
    table = np.full((len(rows), max((len(row) for row in rows), default=0)), NONE, dtype=np.int64)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table


def _at(table: FloatArray | IntArray, states: IntArray) -> FloatArray:
    """Return the values of chosen states, ``(n_points, n)``; NaN where there is none."""
    values = np.take_along_axis(table, np.maximum(states, 0), axis=1)
    return np.where(states == NONE, np.nan, values)


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
    place, gap = gap_minimum(x, gaps, smallest)
    return GapMinimum(
        coordinate=place,
        gap=gap,
        grid_coordinate=float(x[smallest]),
        grid_gap=float(gaps[smallest]),
        states=states,
        unit=unit,
        multiplicity=label.multiplicity,
        irrep=label.irrep,
    )


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
    low, high = curves[0][0], curves[1][0]
    place, energy = meeting(x, table[:, low], table[:, high], interval)
    return Crossing(
        coordinate=place,
        energy=energy,
        rising=curves[0],
        falling=curves[1],
        points=(int(order[interval[0]]), int(order[interval[1]])),
        unit=unit,
    )
