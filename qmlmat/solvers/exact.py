"""Exact diagonalisation in the sector: what every other solver is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qmlmat.backends import StateBackend
from qmlmat.solvers.base import Solution
from qmlmat.systems import MolecularHamiltonian, spin_square


@dataclass(frozen=True)
class Exact:
    """The lowest eigenpairs of the sector, dense or by Davidson (full CI in the active space)."""

    def inputs(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {"solver": "exact"}

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,  # noqa: ARG002 (exact needs none)
        backend: StateBackend,  # noqa: ARG002
        seed: int | None,  # noqa: ARG002
    ) -> Solution:
        """Return the lowest eigenpairs; see ``solve``."""
        spectrum = hamiltonian.spectrum(n_states)
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
