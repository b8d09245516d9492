"""Real-time Krylov subspaces: references evolved in time, and the Hamiltonian in their span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.sparse.linalg import LinearOperator, expm_multiply

from qmlmat.backends import Backend, Reference
from qmlmat.errors import InputError
from qmlmat.solvers.averages import Targets
from qmlmat.solvers.base import Solution
from qmlmat.solvers.qse import check_threshold, condition_note
from qmlmat.solvers.references import N_CONFIGURATIONS, reference_state
from qmlmat.solvers.roots import Root, ritz_roots, roots_of, roots_solution
from qmlmat.solvers.subspace import OVERLAP_THRESHOLD, rayleigh_ritz
from qmlmat.solvers.variational import check_count
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.spectrum import spectral_range
from qmlmat.typing import StateArray


@dataclass(frozen=True, kw_only=True)
class Krylov:
    """Lowest states in the span of references evolved in real time.

    ``exp(-i k dt H)|r>`` for ``k = -n_steps ... n_steps`` and one reference for each state, with
    surplus ones; ``H c = E S c`` by canonical orthogonalisation. For a real Hamiltonian and real
    references the span is that of the real vectors ``cos(k dt H)|r>`` and ``sin(k dt H)|r>``,
    which are what is diagonalised here. Time evolution is exact: a device needs a product formula
    and has its error, too.

    References:
        R. M. Parrish, P. L. McMahon, arXiv:1909.08925 (2019). Thresholding: E. N. Epperly, L. Lin,
        Y. Nakatsukasa, SIAM J. Matrix Anal. Appl. 43, 1263 (2022), doi:10.1137/21M145954X.
    """

    n_steps: int = 5
    """Steps in each direction of time: ``2 n_steps + 1`` states for each reference."""
    time_step: float | None = None
    """``dt`` (1/hartree); ``None``: pi divided by the spectral range, which keeps phases apart."""
    threshold: float = OVERLAP_THRESHOLD
    """Eigenvalues of ``S``, relative to its largest, up to which directions are dropped."""
    multiplicity: int | None = None
    """``2s + 1`` of all states; ``None``: any."""
    irrep: str | None = None
    """Irrep of all states; ``None``: any."""
    references: tuple[Reference, ...] | None = None
    """Orthogonal references; ``None``: roots of a small selected CI."""
    n_configurations: int = N_CONFIGURATIONS
    """Configurations of that CI for each reference."""
    n_surplus: int = 2
    """References beyond the number of states."""

    is_variational: ClassVar[bool] = True
    """Whether each energy is an upper bound on the exact one of the same place."""

    def __post_init__(self) -> None:
        check_count("Krylov", "n_steps", self.n_steps)
        check_threshold("Krylov", self.threshold)
        self.targets.check("Krylov")
        step = self.time_step
        if step is not None and not 0 < step < np.inf:
            raise InputError(
                f"Krylov(time_step={step!r}): positive and finite, in 1/hartree. None takes pi "
                "divided by the spectral range."
            )
        if type(self.n_surplus) is not int or self.n_surplus < 0:
            raise InputError(f"Krylov(n_surplus={self.n_surplus!r}): a whole number, 0 for none.")

    @property
    def targets(self) -> Targets:
        """Which states are looked for, and from which references."""
        return Targets(
            multiplicity=self.multiplicity,
            irrep=self.irrep,
            references=self.references,
            n_configurations=self.n_configurations,
        )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            "solver": "krylov",
            "n_steps": self.n_steps,
            "time_step": self.time_step,
            "threshold": self.threshold,
            "n_surplus": self.n_surplus,
            **self.targets.inputs(),
        }

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,  # noqa: ARG002 (no parameters)
        backend: Backend,  # noqa: ARG002 (no circuit)
        seed: int | None,  # noqa: ARG002
    ) -> Solution:
        """Return the lowest states of the subspace; see ``solve``.

        Raises:
            InputError: If no such states exist, or the subspace holds fewer.
        """
        starts = self.targets.find(hamiltonian, n_states, n_surplus=self.n_surplus)
        step = self.time_step
        if step is None:
            step = np.pi / spectral_range(hamiltonian.matvec, hamiltonian.shape)
        by_symmetry: dict[tuple[int, int | None], list[StateArray]] = {}
        for start in starts:
            state = reference_state(start.reference, hamiltonian.sector)
            evolved = _evolved(hamiltonian, state, step, self.n_steps)
            by_symmetry.setdefault((start.spin, start.label), []).extend(evolved)
        roots: list[Root] = []
        conditions = []
        for vectors in by_symmetry.values():
            found = rayleigh_ritz(hamiltonian, vectors, threshold=self.threshold)
            conditions.append(found.condition)
            roots += ritz_roots(found)
        roots = roots_of(hamiltonian, roots, multiplicity=self.multiplicity, irrep=self.irrep)
        notes = (condition_note(conditions), f"Time step {step:.4f} 1/hartree.")
        return roots_solution(hamiltonian, roots, n_states, status="converged", notes=notes)


def _evolved(
    hamiltonian: MolecularHamiltonian, state: StateArray, step: float, n_steps: int
) -> list[StateArray]:
    """Return the real and imaginary parts of a real state at every time, the state first."""
    size, shift = state.size, hamiltonian.expectation(state)

    def apply(vector: StateArray) -> StateArray:
        image: StateArray = (
            -1j * step * (hamiltonian.matvec(vector.ravel()) - shift * vector.ravel())
        )
        return image

    def adjoint(vector: StateArray) -> StateArray:
        return -apply(vector)

    operator = LinearOperator((size, size), matvec=apply, rmatvec=adjoint, dtype=np.complex128)
    trace = -1j * step * (hamiltonian.diagonal().sum() - size * shift)
    found, vector = [state], state.ravel().astype(np.complex128)
    for _ in range(n_steps):
        vector = expm_multiply(operator, vector, traceA=trace)
        found += [vector.real.reshape(state.shape), vector.imag.reshape(state.shape)]
    return found
