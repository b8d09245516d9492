"""Curves of several states: followed by overlap over a scan's tree, from what its points keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.surfaces.continuation import (
    Continuation,
    Label,
    continued_curves,
    first_curves,
)
from qmlmat.surfaces.paths.path import Path
from qmlmat.surfaces.surface import PointResult
from qmlmat.systems import Molecule, state_overlaps
from qmlmat.systems.following import active_overlap
from qmlmat.typing import FloatArray, IntArray, StateArray
from qmlmat.units import ev_to_hartree

NO_CURVE: Final = -1
"""Stands for the curve of a state that does not exist."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """The states of a scan's points, told apart by what they are rather than by energy."""

    numbers: IntArray
    """The curve to which each state belongs, ``(n_points, n_states)``; -1 where there is none."""
    labels: tuple[Label, ...]
    """What is known of each curve, ``(n_curves,)``."""
    origins: tuple[int, ...]
    """The point at which each curve begins, ``(n_curves,)``."""
    notes: Mapping[int, tuple[str, ...]]
    """What to know about points, one sentence each."""

    @property
    def n_curves(self) -> int:
        """Number of curves."""
        return len(self.labels)

    def along(self, table: FloatArray) -> FloatArray:
        """Return a table over states as one over curves, ``(n_points, n_curves)``.

        Args:
            table: Values, ``(n_points, n_states)``.
        """
        found = np.full((len(table), self.n_curves), np.nan)
        points, states = np.nonzero(self.numbers != NO_CURVE)
        found[points, self.numbers[points, states]] = table[points, states]
        return found


def state_labels(result: PointResult) -> tuple[Label, ...]:
    """Return what is known of each state of a point, ``(n_states,)``."""
    solution, n_states = result.solution, len(result.energies)
    spins = None if solution is None else solution.multiplicities
    irreps = None if solution is None else solution.irreps
    return tuple(
        Label(
            multiplicity=None if spins is None else spins[k],
            irrep="" if irreps is None else irreps[k],
        )
        for k in range(n_states)
    )


def followed_curves(
    path: Path, results: Sequence[PointResult | None], molecule: Molecule
) -> Curves | None:
    """Return the curves of a scan of several states; ``None`` where they cannot be followed.

    From the root on, the states of each point are compared with those of the nearest ancestor
    that has any, in the orbitals of both: CI vectors by the overlap of the active orbitals. The
    overlap of the doubly occupied orbitals below them is left out: it is a factor near one that
    all pairs of states have in common, and changes no comparison.

    The numbers follow from the results and the tree: who computed a point, when, or in which
    sweep, makes no difference.

    Args:
        path: The geometries, and the tree.
        results: What was found at each point.
        molecule: The molecule, at any geometry.
    """
    usable = {k: r for k, r in enumerate(results) if r is not None and _has_energies(r)}
    if not usable or not all(_has_states(result) for result in usable.values()):
        return None
    found: dict[int, Continuation] = {}
    labels: list[Label] = []
    origins: list[int] = []
    for index in path.order():
        if index not in usable:
            continue
        source = _ancestor(path, index, found)
        here = _continued(molecule, usable, index, source=source, found=found, start=len(labels))
        found[index] = here
        for bundle in here.bundles:
            for curve in bundle.curves:
                if curve >= len(labels):
                    labels += [Label()] * (curve + 1 - len(labels))
                    origins += [index] * (curve + 1 - len(origins))
                labels[curve] = labels[curve].with_what(bundle.label)
    return Curves(
        numbers=_numbers(len(path), found),
        labels=tuple(labels),
        origins=tuple(origins),
        notes={k: _notes(here) for k, here in found.items() if _notes(here)},
    )


def _has_energies(result: PointResult) -> bool:
    return not result.failed and result.energies.size > 0


def _has_states(result: PointResult) -> bool:
    solution = result.solution
    if solution is None or solution.states is None or result.orbitals is None:
        return False
    return len(solution.states) == len(result.energies) > 1


def _ancestor(path: Path, index: int, found: Mapping[int, Continuation]) -> int | None:
    """Return the nearest ancestor with states: the one a point started from, if it has not failed.

    Where the root failed, several points have none; each after the first continues the first.
    """
    parent = path.parents[index]
    while parent is not None and parent not in found:
        parent = path.parents[parent]
    return next(iter(found), None) if parent is None else parent


def _continued(
    molecule: Molecule,
    results: Mapping[int, PointResult],
    index: int,
    *,
    source: int | None,
    found: Mapping[int, Continuation],
    start: int,
) -> Continuation:
    result = results[index]
    energies = result.energies if result.unit == "hartree" else ev_to_hartree(1) * result.energies
    labels = state_labels(result)
    if source is None:
        return first_curves(energies, labels, start)
    overlaps = point_overlaps(molecule, results[source], result)
    return continued_curves(found[source], overlaps, energies, labels, start)


def point_overlaps(molecule: Molecule, before: PointResult, result: PointResult) -> StateArray:
    """Return the overlaps of the states of two points, ``(n_states_before, n_states)``.

    Args:
        molecule: The molecule, at any geometry.
        before: What was found at one point, with states and orbitals.
        result: What was found at the other, likewise.
    """
    parent, orbitals = before.orbitals, result.orbitals
    assert parent is not None
    assert orbitals is not None
    assert before.solution is not None
    assert result.solution is not None
    states_before, states = before.solution.states, result.solution.states
    assert states_before is not None
    assert states is not None
    if (parent.norb, parent.nelec) != (orbitals.norb, orbitals.nelec):
        return np.zeros((len(states_before), len(states)))
    overlap = active_overlap(
        molecule.with_positions(orbitals.positions),
        orbitals,
        molecule.with_positions(parent.positions),
        parent,
    )
    return state_overlaps(states_before, states, overlap, orbitals.nelec)


def _numbers(n_points: int, found: Mapping[int, Continuation]) -> IntArray:
    n_states = max(len(here.numbers) for here in found.values())
    table = np.full((n_points, n_states), NO_CURVE, dtype=np.int64)
    for index, here in found.items():
        table[index, : len(here.numbers)] = here.numbers
    return table


def _notes(here: Continuation) -> tuple[str, ...]:
    notes = []
    if here.entered:
        ended = f"; ended: {_listed(here.ended)}" if here.ended else ""
        notes.append(
            f"Curve {_listed(here.entered)} begins here{ended}: no state of the neighbouring point "
            "is continued by it. A state has come from outside the computed ones, or the step is "
            "too long: take more states (n_states) or smaller steps."
        )
    notes += [
        f"Curve {curve} is followed to here with a squared overlap of {share:.2f} only: take "
        "smaller steps where it matters."
        for curve, share in here.doubtful
    ]
    return tuple(notes)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
