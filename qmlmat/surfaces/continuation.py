"""Which state at one geometry continues which curve of another: plain arrays, no chemistry.

Within a degenerate level any states span the same space, so what is followed are subspaces: each
curve, or each set of curves that has never been told apart, has a direction, or a subspace, among
the states of every point. Turning the states of a level turns these with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from qmlmat.solvers.base import LEVEL_WIDTH
from qmlmat.typing import FloatArray, IntArray, StateArray

CONTINUED: Final = 0.25
"""Squared overlap from which a state continues a curve: below it, three quarters of the state are
something else."""

CLEAR: Final = 0.5
"""Squared overlap below which a continuation is doubtful, and said to be."""

_BARRED: Final = -1.0


@dataclass(frozen=True, kw_only=True)
class Label:
    """What a state is known to be."""

    multiplicity: int | None = None
    """``2s + 1``; ``None`` where unknown, or mixed."""
    irrep: str = ""
    """Irreducible representation; ``""`` where unknown, or mixed."""

    def bars(self, other: Label, share: float) -> bool:
        """Return whether a state of this label is none of the other.

        Another spin always bars. Another irrep does not where the two are mostly the same state:
        the axes after which irreps are named may change from one geometry to the next.

        Args:
            other: The other label.
            share: Squared overlap of the two.
        """
        spins = {self.multiplicity, other.multiplicity} - {None}
        irreps = {self.irrep, other.irrep} - {""}
        return len(spins) > 1 or (len(irreps) > 1 and share <= CLEAR)

    def with_what(self, other: Label) -> Label:
        """Return this label, with the other's parts where it has none."""
        return Label(
            multiplicity=self.multiplicity or other.multiplicity, irrep=self.irrep or other.irrep
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """Curves that no geometry so far has told apart: one, or a degenerate set."""

    curves: tuple[int, ...]
    """Their numbers, ascending."""
    frame: StateArray
    """Their subspace among the states of a point, orthonormal, ``(n_states, n_curves)``."""
    label: Label
    """What its states are."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Continuation:
    """The curves at one point."""

    bundles: tuple[Bundle, ...]
    """All curves of the point, in order of energy."""
    numbers: tuple[int, ...]
    """The curve of each state, ``(n_states,)``; in ascending order within a level."""
    entered: tuple[int, ...] = ()
    """Curves that begin here although there is a point before."""
    ended: tuple[int, ...] = ()
    """Curves of the point before that have no state here."""
    doubtful: tuple[tuple[int, float], ...] = ()
    """Curves whose squared overlap with the point before is below ``CLEAR``, with that."""


def first_curves(energies: FloatArray, labels: Sequence[Label], start: int = 0) -> Continuation:
    """Return the curves of a point that continues nothing: numbers in the order of energy.

    Args:
        energies: Energies, ascending, ``(n_states,)``.
        labels: What each state is.
        start: The first number.
    """
    n_states = len(energies)
    bundles = tuple(
        Bundle(
            curves=tuple(start + k for k in level),
            frame=np.eye(n_states)[:, list(level)],
            label=labels[level[0]],
        )
        for level in levels_of(energies, labels)
    )
    numbers = tuple(range(start, start + n_states))
    return Continuation(bundles=bundles, numbers=numbers)


def levels_of(energies: FloatArray, labels: Sequence[Label]) -> tuple[tuple[int, ...], ...]:
    """Return the states of each level: within ``LEVEL_WIDTH`` of the next, and of one label."""
    levels: list[list[int]] = []
    for k, label in enumerate(labels):
        for level in levels:
            last = level[-1]
            if labels[last] == label and energies[k] - energies[last] < LEVEL_WIDTH:
                level.append(k)
                break
        else:
            levels.append([k])
    return tuple(map(tuple, levels))


def continued_curves(
    before: Continuation,
    overlaps: StateArray,
    energies: FloatArray,
    labels: Sequence[Label],
    start: int,
) -> Continuation:
    """Return the curves of a point, from those of the point before it.

    Each curve goes to the level with which its subspace overlaps most, all together (an assignment
    problem, in which a level takes as many curves as it has states); never to one of another
    multiplicity or irrep. What overlaps by less than ``CONTINUED`` begins a new curve. Signs of
    states, and turns within levels, change nothing.

    Args:
        before: The curves of the point before.
        overlaps: Overlaps of its states with those here, ``(n_states_before, n_states)``.
        energies: Energies here, ascending, ``(n_states,)``.
        labels: What each state here is.
        start: The first number of a new curve.
    """
    levels = levels_of(energies, labels)
    shares = [bundle.frame.conj().T @ overlaps for bundle in before.bundles]
    counts = _assigned(before.bundles, shares, levels, labels)
    found: list[tuple[tuple[int, ...], Bundle]] = []
    doubtful: list[tuple[int, float]] = []
    arriving: list[list[Bundle]] = [[] for _ in levels]
    for row, bundle in enumerate(before.bundles):
        waiting = list(bundle.curves)
        for column, level in enumerate(levels):
            directions, weights = _directions(shares[row][:, list(level)], counts[row, column])
            own, waiting = waiting[: len(weights)], waiting[len(weights) :]
            if own:
                arrived = Bundle(curves=tuple(own), frame=directions, label=bundle.label)
                arriving[column].append(arrived)
                doubtful += [(c, w) for c, w in zip(own, weights, strict=True) if w < CLEAR]
    next_number = start
    for level, arrived_here in zip(levels, arriving, strict=True):
        for bundle in _level_bundles(level, arrived_here, labels[level[0]], next_number):
            full = np.zeros((len(energies), len(bundle.curves)), dtype=bundle.frame.dtype)
            full[list(level)] = bundle.frame
            found.append((level, Bundle(curves=bundle.curves, frame=full, label=bundle.label)))
            next_number += sum(curve >= start for curve in bundle.curves)
    return _continuation(before, found, levels, start, tuple(doubtful))


def _continuation(
    before: Continuation,
    found: list[tuple[tuple[int, ...], Bundle]],
    levels: tuple[tuple[int, ...], ...],
    start: int,
    doubtful: tuple[tuple[int, float], ...],
) -> Continuation:
    numbers: dict[int, int] = {}
    for level in levels:
        curves = sorted(c for own, bundle in found if own == level for c in bundle.curves)
        numbers |= dict(zip(level, curves, strict=True))
    here = set(numbers.values())
    return Continuation(
        bundles=tuple(bundle for _, bundle in found),
        numbers=tuple(numbers[k] for k in range(len(numbers))),
        entered=tuple(sorted(curve for curve in here if curve >= start)),
        ended=tuple(sorted(set(before.numbers) - here)),
        doubtful=doubtful,
    )


def _assigned(
    bundles: Sequence[Bundle],
    shares: Sequence[StateArray],
    levels: Sequence[tuple[int, ...]],
    labels: Sequence[Label],
) -> IntArray:
    """Return how many curves of each bundle go to each level, ``(n_bundles, n_levels)``."""
    rows = [row for row, bundle in enumerate(bundles) for _ in bundle.curves]
    columns = [column for column, level in enumerate(levels) for _ in level]
    weight = np.zeros((len(bundles), len(levels)))
    for row, bundle in enumerate(bundles):
        for column, level in enumerate(levels):
            part = shares[row][:, list(level)]
            # a mean over what both can have in common: the same however the level is turned
            share = float((np.abs(part) ** 2).sum()) / min(part.shape)
            barred = bundle.label.bars(labels[level[0]], share)
            weight[row, column] = _BARRED if barred else share
    chosen_rows, chosen_columns = linear_sum_assignment(
        weight[np.ix_(rows, columns)], maximize=True
    )
    counts = np.zeros(weight.shape, dtype=np.int64)
    for row, column in zip(chosen_rows, chosen_columns, strict=True):
        at = rows[row], columns[column]
        counts[at] += weight[at] > 0
    return counts


def _directions(share: StateArray, count: int) -> tuple[StateArray, list[float]]:
    """Return where the curves of a bundle go in a level, at most ``count`` of them.

    Returns:
        Directions among the states of the level, ``(n_level, n)``, and squared overlaps.
    """
    _, values, right = np.linalg.svd(share, full_matrices=False)
    n = int((values[:count] ** 2 >= CONTINUED).sum())
    return right[:n].conj().T * values[:n], [float(value**2) for value in values[:n]]


def _level_bundles(
    level: tuple[int, ...],
    arrived: Sequence[Bundle],
    label: Label,
    start: int,
) -> Iterator[Bundle]:
    """Yield the bundles of a level: those that arrive, and one of what is left."""
    size = len(level)
    directions = np.hstack([np.zeros((size, 0)), *(bundle.frame for bundle in arrived)])
    left, _, right = np.linalg.svd(directions, full_matrices=True)
    n = directions.shape[1]
    nearest = left[:, :n] @ right[:n]  # orthonormal, as close as possible to where they arrive
    place = 0
    for bundle in arrived:
        frame = nearest[:, place : place + len(bundle.curves)]
        place += len(bundle.curves)
        yield Bundle(curves=bundle.curves, frame=frame, label=label.with_what(bundle.label))
    if n < size:
        curves = tuple(range(start, start + size - n))
        yield Bundle(curves=curves, frame=left[:, n:], label=label)
