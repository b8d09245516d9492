"""Roots of several symmetries put together: the lowest of them as a solution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qmlmat.errors import InputError
from qmlmat.solvers.base import Solution, Status
from qmlmat.solvers.subspace import Subspace, spin_squares
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.blocks import is_linear_irrep, state_irreps
from qmlmat.typing import StateArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Root:
    """An energy with the state it belongs to."""

    energy: float
    """Energy (hartree)."""
    state: StateArray
    """Normalised state, shape ``(n_alpha_strings, n_beta_strings)``."""


def ritz_roots(found: Subspace) -> list[Root]:
    """Return the roots of a subspace."""
    return [
        Root(energy=float(energy), state=state)
        for energy, state in zip(found.energies, found.states, strict=True)
    ]


def roots_of(
    hamiltonian: MolecularHamiltonian,
    roots: Iterable[Root],
    *,
    multiplicity: int | None,
    irrep: str | None,
) -> list[Root]:
    """Return the roots of a multiplicity and an irrep, ascending.

    A root that mixes spins counts as of the multiplicity nearest to its <S^2>. Irreps of linear
    molecules are told by their angular momentum; those of the Abelian group are taken as given.

    Args:
        hamiltonian: The Hamiltonian.
        roots: Roots, of the irrep in the Abelian group.
        multiplicity: ``2s + 1``; ``None``: any.
        irrep: Name; ``None``: any.
    """
    found = sorted(roots, key=lambda root: root.energy)
    if multiplicity is not None:
        squares = spin_squares(hamiltonian, [root.state for root in found])
        near = np.round(np.sqrt(1 + 4 * np.maximum(squares, 0)))
        found = [root for root, value in zip(found, near, strict=True) if value == multiplicity]
    if irrep is None or not is_linear_irrep(hamiltonian.point_group, irrep):
        return found
    names = state_irreps(hamiltonian, tuple(root.state for root in found))
    assert names is not None
    return [root for root, name in zip(found, names, strict=True) if name == irrep]


def roots_solution(
    hamiltonian: MolecularHamiltonian,
    roots: Iterable[Root],
    n_states: int,
    *,
    status: Status,
    notes: Sequence[str] = (),
) -> Solution:
    """Return the lowest roots as a solution.

    Args:
        hamiltonian: The Hamiltonian.
        roots: Roots of all symmetries.
        n_states: How many are wanted.
        status: How the solver stopped.
        notes: What the user should know.

    Raises:
        InputError: If there are fewer.
    """
    lowest = sorted(roots, key=lambda root: root.energy)
    if len(lowest) < n_states:
        raise InputError(
            f"solve(n_states={n_states}): the subspace holds {len(lowest)} states of this kind. "
            "Ask for fewer, or take a larger subspace: a manifold of higher rank, more references "
            "or steps."
        )
    lowest = lowest[:n_states]
    states = tuple(root.state for root in lowest)
    residuals = []
    for state in states:
        image = hamiltonian.matvec(state)
        mean = np.vdot(state, image).real
        residuals.append(float(np.linalg.norm(image - mean * state)))
    return Solution(
        energies=np.array([root.energy for root in lowest]),
        unit=hamiltonian.unit,
        status=status,
        states=states,
        residuals=np.array(residuals),
        spin_squares=spin_squares(hamiltonian, states),
        notes=tuple(notes),
    )
