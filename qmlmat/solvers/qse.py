"""Quantum subspace expansion: the Hamiltonian in the span of excitations of a ground state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from qmlmat.backends import Backend
from qmlmat.errors import InputError
from qmlmat.solvers.averages import check_backend
from qmlmat.solvers.base import Solution
from qmlmat.solvers.ground import FromGroundState
from qmlmat.solvers.manifold import check_closed_shell, manifolds
from qmlmat.solvers.roots import Root, ritz_roots
from qmlmat.solvers.subspace import OVERLAP_THRESHOLD, rayleigh_ritz
from qmlmat.systems import MolecularHamiltonian

LARGEST_CONDITION: Final = 1e15
"""Condition number from which nothing but rounding is known of it (float64)."""


@dataclass(frozen=True, kw_only=True)
class QSE(FromGroundState):
    """Lowest states in the span of the ground state and of excitations applied to it.

    ``H c = E S c`` with ``H_ij = <psi|G_i† H G_j|psi>`` and ``S_ij = <psi|G_i† G_j|psi>``, by
    canonical orthogonalisation. The condition of ``S`` is said in a note: it multiplies the noise
    of measured matrices.

    References:
        J. R. McClean, M. E. Kimchi-Schwartz, J. Carter, W. A. de Jong, Phys. Rev. A 95, 042308
        (2017), doi:10.1103/PhysRevA.95.042308.
    """

    threshold: float = OVERLAP_THRESHOLD
    """Eigenvalues of ``S``, relative to its largest, up to which directions are dropped."""

    is_variational: ClassVar[bool] = True
    """Whether each energy is an upper bound on the exact one of the same place."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_threshold("QSE", self.threshold)

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {**super().inputs(), "threshold": self.threshold}

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the lowest states of the subspace; see ``solve``.

        Raises:
            InputError: If the subspace holds fewer states, or Hartree-Fock is an open shell.
            CapabilityError: If the backend gives no gradients or no states.
        """
        check_closed_shell("QSE", hamiltonian)
        backend = check_backend("QSE", backend)
        ground = self.ground_state(hamiltonian, guess=guess, backend=backend, seed=seed)
        assert ground.states is not None
        (state,) = ground.states
        roots: list[Root] = []
        conditions = [1.0]
        for manifold in manifolds(
            hamiltonian, self.manifold, multiplicity=self.multiplicity, irrep=self.irrep
        ):
            vectors = manifold.applied(state) if manifold.size else np.zeros((0, *state.shape))
            if manifold.holds_ground:
                vectors = np.concatenate([state[None], vectors])
            if not np.linalg.norm(vectors) > 0:
                continue
            found = rayleigh_ritz(hamiltonian, vectors, threshold=self.threshold)
            conditions.append(found.condition)
            roots += ritz_roots(found)
        roots = self.wanted(hamiltonian, roots)
        return self.finished(hamiltonian, ground, roots, n_states, (condition_note(conditions),))


def check_threshold(name: str, threshold: float) -> None:
    """Raise unless a threshold of overlaps makes sense.

    Raises:
        InputError: If it is not in [0, 1).
    """
    if not 0 <= threshold < 1:
        raise InputError(
            f"{name}(threshold={threshold!r}): relative to the largest eigenvalue of the overlap "
            "matrix, from 0 to below 1. Use about 1e-8 without noise."
        )


def condition_note(conditions: list[float]) -> str:
    """Return a note on how nearly dependent the states of a subspace are."""
    worst = max(conditions, default=1.0)
    known = f"{worst:.1e}" if worst < LARGEST_CONDITION else f"above {LARGEST_CONDITION:.0e}"
    return f"Condition number of the overlap matrix: {known}."
