"""Lowest eigenpairs of a Hermitian operator: dense when small, else block Davidson."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal

from qmlmat.errors import InputError, QmlmatError
from qmlmat.typing import FloatArray, StateArray

DENSE_LIMIT: Final = 1200
"""Dimension up to which the whole matrix is diagonalised."""
RESIDUAL_TOLERANCE: Final = 1e-7
"""Largest norm of ``H x - E x`` of a returned state (hartree); energies are good to its square."""
SURPLUS: Final = 3
"""Roots computed beyond those asked for, so that a late one is not missed."""
NOISE: Final = 0.03
"""Norm of the random part of a start vector: every symmetry is present from the start."""
MAX_ITERATIONS: Final = 500
"""Davidson iterations before giving up."""
MEMORY: Final = 4e9
"""Size that basis and images may reach before Davidson restarts (bytes)."""
SEED: Final = 20240229
"""Seed of the random parts: the same operator gives the same answer."""

LANCZOS_STEPS: Final = 12
"""Steps from which the spectral range is estimated."""
ROUND: Final = 1e-12
"""Norm below which a Lanczos vector is rounding: the space is exhausted."""

MatVec = Callable[[StateArray], StateArray]


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """The lowest eigenpairs, ascending."""

    energies: FloatArray
    """Eigenvalues, shape ``(n_states,)`` (the operator's unit)."""
    states: tuple[StateArray, ...]
    """Normalised eigenvectors, each in the operator's shape; largest component positive."""
    residuals: FloatArray
    """Norms of ``H x - E x``, shape ``(n_states,)`` (the operator's unit)."""


def lowest_states(
    matvec: MatVec, diagonal: FloatArray, n_states: int, *, dense_limit: int = DENSE_LIMIT
) -> Spectrum:
    """Return the lowest eigenpairs of a real symmetric operator.

    Args:
        matvec: The operator, from and to arrays of the shape of ``diagonal``.
        diagonal: Its diagonal; its shape is that of a state.
        n_states: Number of eigenpairs.
        dense_limit: Dimension up to which the whole matrix is diagonalised.

    Raises:
        InputError: If there are not that many states.
        QmlmatError: If a state does not converge.
    """
    if not 1 <= n_states <= diagonal.size:
        raise InputError(
            f"spectrum(n_states={n_states}): the sector has {diagonal.size} states. "
            f"Use n_states from 1 to {diagonal.size}."
        )

    def flat(vector: FloatArray) -> FloatArray:
        return np.asarray(matvec(vector.reshape(diagonal.shape))).ravel()

    if diagonal.size <= dense_limit:
        matrix = np.column_stack([flat(unit) for unit in np.eye(diagonal.size)])
        _, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
        vectors = vectors[:, :n_states]
    else:
        vectors = _davidson(flat, diagonal.ravel(), n_states)
    return _checked(flat, vectors, diagonal.shape)


def spectral_range(matvec: MatVec, shape: tuple[int, ...]) -> float:
    """Return an upper estimate of the highest eigenvalue minus the lowest.

    A few Lanczos steps give both ends from inside; the last residual bounds what is missing.

    Args:
        matvec: The operator.
        shape: Shape of a state.

    References:
        Y. Zhou, R.-C. Li, Linear Algebra Appl. 435, 480 (2011), doi:10.1016/j.laa.2010.06.034.
    """
    vector = np.random.default_rng(SEED).standard_normal(shape)
    vector /= np.linalg.norm(vector)
    before, beta = np.zeros(shape), 0.0
    diagonal, beside = [], []
    for _ in range(min(LANCZOS_STEPS, vector.size)):
        image = np.asarray(matvec(vector)) - beta * before
        diagonal.append(float(np.vdot(vector, image)))
        image -= diagonal[-1] * vector
        beta = float(np.linalg.norm(image))
        beside.append(beta)
        if beta < ROUND:
            break
        before, vector = vector, image / beta
    values = eigvalsh_tridiagonal(diagonal, beside[: len(diagonal) - 1])
    return float(values[-1] - values[0] + 2 * beside[-1])


def _checked(
    flat: Callable[[FloatArray], FloatArray], vectors: FloatArray, shape: tuple[int, ...]
) -> Spectrum:
    energies, states, residuals = [], [], []
    for vector in vectors.T:
        image = flat(vector)
        energy = float(vector @ image / (vector @ vector))
        energies.append(energy)
        residuals.append(float(np.linalg.norm(image - energy * vector)))
        state = vector * np.sign(vector[np.abs(vector).argmax()])
        state = np.ascontiguousarray(state).reshape(shape)
        state.flags.writeable = False
        states.append(state)
    order = np.argsort(energies, kind="stable")
    return Spectrum(
        energies=np.array(energies)[order],
        states=tuple(states[k] for k in order),
        residuals=np.array(residuals)[order],
    )


def _start(diagonal: FloatArray, n_vectors: int) -> FloatArray:
    """Return the lowest determinants with a random part, shape ``(dimension, n_vectors)``."""
    rng = np.random.default_rng(SEED)
    vectors = rng.standard_normal((diagonal.size, n_vectors))
    # Weigh the noise towards low determinants: white noise would be nearly all high energy.
    vectors /= (1.0 + diagonal - diagonal.min())[:, None] ** 2
    vectors *= NOISE / np.linalg.norm(vectors, axis=0)
    lowest = np.argsort(diagonal, kind="stable")[:n_vectors]
    vectors[lowest, np.arange(n_vectors)] += 1.0
    return np.linalg.qr(vectors)[0]


def _davidson(
    flat: Callable[[FloatArray], FloatArray], diagonal: FloatArray, n_states: int
) -> FloatArray:
    """Return converged eigenvectors, shape ``(dimension, n_states)``.

    References:
        E. R. Davidson, J. Comput. Phys. 17, 87 (1975), doi:10.1016/0021-9991(75)90065-0.
    """
    n_block = min(n_states + SURPLUS, diagonal.size)
    affordable = int(MEMORY // (16 * diagonal.size))
    max_space = max(min(12 * n_block, affordable), 3 * n_block)
    basis = _start(diagonal, n_block)
    images = np.column_stack([flat(column) for column in basis.T])
    worst = np.inf
    for _ in range(MAX_ITERATIONS):
        values, small = np.linalg.eigh(basis.T @ images)
        values, small = values[:n_block], small[:, :n_block]
        vectors, products = basis @ small, images @ small
        residuals = products - vectors * values
        norms = np.linalg.norm(residuals, axis=0)
        worst = float(norms[:n_states].max())
        # The surplus roots need not be sharp, only near enough to show their order.
        if worst < RESIDUAL_TOLERANCE and norms.max() < 1e-3:
            found: FloatArray = vectors[:, :n_states]
            return found
        if basis.shape[1] + n_block > max_space:
            basis, images = vectors, products
        open_roots = [
            k
            for k in range(n_block)
            if norms[k] > (0.3 * RESIDUAL_TOLERANCE if k < n_states else 3e-4)
        ]
        gaps = values[open_roots] - diagonal[:, None]
        gaps[np.abs(gaps) < 1e-2] = 1e-2
        new = _orthonormal(residuals[:, open_roots] / gaps, basis)
        if new.shape[1] == 0:
            break
        basis = np.hstack([basis, new])
        images = np.hstack([images, np.column_stack([flat(column) for column in new.T])])
    raise QmlmatError(
        f"spectrum(n_states={n_states}): a residual is still {worst:.1e} hartree after "
        f"{MAX_ITERATIONS} Davidson iterations. Use fewer states, or a smaller active space."
    )


def _orthonormal(vectors: FloatArray, basis: FloatArray) -> FloatArray:
    """Return an orthonormal basis of what ``vectors`` add to ``basis``."""
    kept: list[FloatArray] = []
    for vector in (vectors / np.linalg.norm(vectors, axis=0)).T:
        rest = vector
        for _ in range(2):  # twice is enough: Gram-Schmidt to working precision
            rest = rest - basis @ (basis.T @ rest)
            for other in kept:
                rest = rest - other * (other @ rest)
            norm = np.linalg.norm(rest)
            if norm < 1e-8:
                break
            rest = rest / norm
        else:
            kept.append(rest)
    return np.column_stack(kept) if kept else np.empty((basis.shape[0], 0))
