"""Solvers that start from the ground state of another one: what they have in common."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from qmlmat.backends import Backend
from qmlmat.errors import InputError, QmlmatWarning, nearest
from qmlmat.solvers.adapt import ADAPTVQE
from qmlmat.solvers.averages import check_multiplicity
from qmlmat.solvers.base import Solution
from qmlmat.solvers.manifold import RANKS, Rank
from qmlmat.solvers.roots import Root, roots_of, roots_solution
from qmlmat.solvers.vqe import VQE
from qmlmat.systems import MolecularHamiltonian

MULTIREFERENCE: Final = 0.8
"""Weight of the Hartree-Fock determinant in the ground state below which excitations out of it
miss low states; N2 has 0.94 at 1.1 Å and 0.35 at 2.0 Å."""


@dataclass(frozen=True, kw_only=True)
class FromGroundState:
    """Abstract: excited states by excitations out of a ground state."""

    ground: VQE | ADAPTVQE = VQE("uccsd")  # noqa: RUF009 (frozen)
    """What finds the ground state."""
    manifold: Rank = "SD"
    """Which excitations out of the Hartree-Fock determinant: ``"S"``, ``"SD"``, ``"SDT"``, or
    ``"all"``."""
    multiplicity: int | None = None
    """``2s + 1`` of all states; ``None``: any."""
    irrep: str | None = None
    """Irrep of all states; ``None``: any."""

    def __post_init__(self) -> None:
        name = type(self).__name__
        if not isinstance(self.ground, VQE | ADAPTVQE):
            raise InputError(
                f"{name}(ground={self.ground!r}): not a solver of ground states. Use "
                'VQE("uccsd") or ADAPTVQE().'
            )
        ground = self.ground
        is_plain = ground.reference is None
        if isinstance(ground, ADAPTVQE):
            is_plain &= (ground.multiplicity, ground.irrep, ground.references) == (None,) * 3
        if not is_plain:
            raise InputError(
                f"{name}(ground={type(ground).__name__}(...)): excitations are out of the "
                "Hartree-Fock determinant, so its circuit must act on that. Leave reference, "
                "references, multiplicity and irrep of the ground state out."
            )
        if self.manifold not in RANKS:
            raise InputError(
                f'{name}(manifold="{self.manifold}"): no such manifold. '
                f"{nearest(str(self.manifold), tuple(RANKS))}"
            )
        check_multiplicity(name, self.multiplicity)

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            "solver": type(self).__name__.lower(),
            "ground": self.ground.inputs(),
            "manifold": self.manifold,
            "multiplicity": self.multiplicity,
            "irrep": self.irrep,
        }

    def ground_state(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the ground state, with a warning where it is multireference.

        Raises:
            InputError: If the guess does not fit.
            CapabilityError: If the backend gives no gradients or no states.
        """
        found = self.ground.eigenpairs(
            hamiltonian, n_states=1, guess=guess, backend=backend, seed=seed
        )
        if found.states is None:  # measured
            return found
        weight = float(np.abs(found.states[0][0, 0]) ** 2)
        if weight >= MULTIREFERENCE or self.manifold == "all":
            return found
        note = (
            f"The ground state is multireference: the Hartree-Fock determinant weighs {weight:.2f} "
            f'in it, and excitations of rank "{self.manifold}" out of it miss low states or are '
            "off by electronvolts. Use SSVQE()."
        )
        warnings.warn(note, QmlmatWarning, stacklevel=5)
        return replace(found, notes=(*found.notes, note))

    def wanted(self, hamiltonian: MolecularHamiltonian, roots: list[Root]) -> list[Root]:
        """Return the roots of the multiplicity and irrep asked for."""
        return roots_of(hamiltonian, roots, multiplicity=self.multiplicity, irrep=self.irrep)

    def finished(
        self,
        hamiltonian: MolecularHamiltonian,
        ground: Solution,
        roots: list[Root],
        n_states: int,
        notes: tuple[str, ...] = (),
    ) -> Solution:
        """Return the lowest roots, with the ground state's circuit and history.

        Raises:
            InputError: If there are not enough.
        """
        found = roots_solution(
            hamiltonian, roots, n_states, status=ground.status, notes=(*ground.notes, *notes)
        )
        return replace(found, circuit=ground.circuit, params=ground.params, history=ground.history)


def ground_root(ground: Solution) -> Root:
    """Return the ground state as a root."""
    assert ground.states is not None
    return Root(energy=ground.energy, state=ground.states[0])
