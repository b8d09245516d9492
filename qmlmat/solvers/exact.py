"""Exact diagonalisation in the sector: what every other solver is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qmlmat.backends import Backend
from qmlmat.errors import InputError
from qmlmat.solvers.averages import check_multiplicity
from qmlmat.solvers.base import AnyHamiltonian, Solution
from qmlmat.solvers.levels import cut_notes
from qmlmat.solvers.subspace import spin_squares
from qmlmat.systems import MolecularHamiltonian, QubitModel, spin_square
from qmlmat.systems.blocks import (
    check_number,
    is_linear_irrep,
    symmetry_blocks,
    symmetry_states,
)


@dataclass(frozen=True)
class Exact:
    """The lowest eigenpairs of the sector, dense or by Davidson (full CI in the active space).

    Several states, or those of one multiplicity or irrep, are found in blocks of one spin and one
    irrep, each dense where it is small, else by Davidson with surplus roots: states that meet
    are kept apart, and none is missed. All residuals are checked.
    """

    multiplicity: int | None = None
    """``2s + 1`` of all states; ``None``: any."""
    irrep: str | None = None
    """Irrep of all states, such as ``"A1"`` or ``"Sigma_g+"``; ``None``: any."""

    is_variational: ClassVar[bool] = True
    """Whether each energy is an upper bound on the exact one of the same place."""
    takes_models: ClassVar[bool] = True
    """It takes Pauli sums and matrices, too."""

    def __post_init__(self) -> None:
        check_multiplicity("Exact", self.multiplicity)

    def inputs(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        chosen = {"multiplicity": self.multiplicity, "irrep": self.irrep}
        # No key without: older stores keep their hash.
        return {"solver": "exact", **{k: v for k, v in chosen.items() if v is not None}}

    def eigenpairs(
        self,
        hamiltonian: AnyHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,  # noqa: ARG002 (exact needs none)
        backend: Backend,  # noqa: ARG002
        seed: int | None,  # noqa: ARG002
    ) -> Solution:
        """Return the lowest eigenpairs; see ``solve``.

        Raises:
            InputError: If there are no such states.
        """
        if not isinstance(hamiltonian, MolecularHamiltonian):
            return self._of_model(hamiltonian, n_states)
        if n_states > 1 or self.multiplicity is not None or self.irrep is not None:
            return self._by_symmetry(hamiltonian, n_states)
        spectrum = hamiltonian.spectrum(1)
        squares = [spin_square(v, hamiltonian.norb, hamiltonian.nelec) for v in spectrum.states]
        return Solution(
            energies=spectrum.energies,
            unit=hamiltonian.unit,
            status="converged",
            states=tuple(spectrum.states),
            residuals=spectrum.residuals,
            spin_squares=np.array(squares),
            reference_energy=float(spectrum.energies[0]),
        )

    def _of_model(self, hamiltonian: QubitModel, n_states: int) -> Solution:
        """Return states of a Pauli sum or matrix, which has neither spins nor irreps."""
        if self != Exact():
            raise InputError(
                f"solve({type(hamiltonian).__name__}, {self}): it has no electrons, so no spins "
                "and irreps. Use Exact()."
            )
        spectrum = hamiltonian.spectrum(n_states)
        return Solution(
            energies=spectrum.energies,
            unit=hamiltonian.unit,
            status="converged",
            states=tuple(spectrum.states),
            residuals=spectrum.residuals,
        )

    def _by_symmetry(self, hamiltonian: MolecularHamiltonian, n_states: int) -> Solution:
        """Return states of pure spin and irrep, each its own exact level."""
        spin, irrep = self.multiplicity, self.irrep
        blocks = symmetry_blocks(hamiltonian, multiplicity=spin, irrep=irrep)
        n_known = sum(block.size for block in blocks)
        check_number(n_states, n_known, spin, irrep)
        n_roots = n_states if is_linear_irrep(hamiltonian.point_group, irrep) else n_states + 1
        found = symmetry_states(hamiltonian, min(n_roots, n_known), multiplicity=spin, irrep=irrep)
        states, energies = found.states[:n_states], found.energies[:n_states]
        return Solution(
            energies=energies,
            unit=hamiltonian.unit,
            status="converged",
            states=states,
            residuals=found.residuals[:n_states],
            spin_squares=spin_squares(hamiltonian, states),
            reference_energy=float(energies[0]),
            reference_energies=energies,
            irreps=None if found.irreps is None else found.irreps[:n_states],
            notes=cut_notes(found, n_states),
        )
