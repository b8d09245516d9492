"""The read-out that subspace methods share: the Hamiltonian in a span of states, diagonalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.errors import QmlmatError
from qmlmat.systems import MolecularHamiltonian, spin_square
from qmlmat.typing import FloatArray, Hamiltonian, Observable, StateArray

OVERLAP_THRESHOLD: Final = 1e-8
"""Eigenvalues of the overlap matrix, relative to the largest, below which directions are dropped:
in float64 noise in H is then at most 1e-8 of what is kept."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subspace:
    """The Hamiltonian's eigenpairs in the span of some states (Rayleigh-Ritz)."""

    energies: FloatArray
    """Ritz values, ascending, shape ``(n_kept,)`` (hartree)."""
    states: StateArray
    """Normalised Ritz vectors, shape ``(n_kept, n_alpha_strings, n_beta_strings)``."""
    residuals: FloatArray
    """Norms ``||(H - E) psi||``, shape ``(n_kept,)`` (hartree)."""
    coefficients: FloatArray
    """Ritz vectors in the given states, as columns, shape ``(n_vectors, n_kept)``."""
    condition: float
    """Condition number of the overlap matrix of the given states; infinite where dependent."""

    @property
    def n_kept(self) -> int:
        """Number of independent directions."""
        return len(self.energies)


def rayleigh_ritz(
    hamiltonian: Hamiltonian | Observable,
    vectors: Sequence[StateArray] | StateArray,
    *,
    threshold: float = OVERLAP_THRESHOLD,
    images: StateArray | None = None,
) -> Subspace:
    """Return the Hamiltonian's eigenpairs in the span of vectors, by canonical orthogonalisation.

    ``H c = E S c`` is solved in the eigenvectors of ``S`` above the threshold.

    Args:
        hamiltonian: The Hamiltonian, or one with penalties.
        vectors: States, each in the Hamiltonian's shape; they need not be orthogonal.
        threshold: Eigenvalues of ``S`` dropped, relative to the largest.
        images: ``H`` applied to each, where it is known already.

    Raises:
        QmlmatError: If all vectors vanish, or one is not finite.

    References:
        P.-O. Löwdin, Adv. Quantum Chem. 5, 185 (1970), doi:10.1016/S0065-3276(08)60339-1.
    """
    table = np.asarray(vectors)
    flat = table.reshape(len(table), -1)
    if not np.isfinite(flat).all() or not flat.any():
        raise QmlmatError(
            "rayleigh_ritz: the states of the subspace vanish or are not finite. Check references "
            "and parameters."
        )
    if images is None:
        images = np.array([hamiltonian.matvec(vector) for vector in table])
    products = np.asarray(images).reshape(len(table), -1)
    overlap = flat.conj() @ flat.T
    weights, turns = np.linalg.eigh(0.5 * (overlap + overlap.conj().T))
    kept = weights > threshold * weights[-1]
    basis = turns[:, kept] / np.sqrt(weights[kept])
    matrix = basis.conj().T @ (flat.conj() @ products.T) @ basis
    energies, small = np.linalg.eigh(0.5 * (matrix + matrix.conj().T))
    coefficients = basis @ small
    states, applied = coefficients.T @ flat, coefficients.T @ products
    norms = np.linalg.norm(states, axis=1, keepdims=True)
    states, applied = states / norms, applied / norms
    residuals = np.linalg.norm(applied - energies[:, None] * states, axis=1)
    smallest = float(weights[0])
    return Subspace(
        energies=energies,
        states=states.reshape(-1, *table.shape[1:]),
        residuals=residuals,
        coefficients=coefficients,
        condition=float(weights[-1]) / smallest if smallest > 0 else np.inf,
    )


def spin_squares(hamiltonian: MolecularHamiltonian, states: Sequence[StateArray]) -> FloatArray:
    """Return <S^2> of each state, shape ``(n_states,)``."""
    norb, nelec = hamiltonian.norb, hamiltonian.nelec
    return np.array([spin_square(state, norb, nelec) for state in states])
