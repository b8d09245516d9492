"""Matrices as sums of Pauli words."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum, reversed_bits, word_phase

MAX_DENSE_QUBITS: Final = 10
"""Most qubits of a matrix that is taken apart: a million words."""


def matrix_pauli_sum(matrix: ArrayLike) -> PauliSum:
    """Return the sum of Pauli words that is a matrix.

    For each pattern of flips the entries ``M[i ^ x, i]`` are Walsh-Hadamard transformed. Wire 0 is
    the highest bit of a row's number, as in ``PauliSum.matrix``.

    Args:
        matrix: Shape ``(2**n_qubits, 2**n_qubits)``.

    Raises:
        InputError: If it has another shape, or more than ``MAX_DENSE_QUBITS`` qubits.

    Example:
        >>> dict(matrix_pauli_sum([[1, 2], [2, 1]]).words())
        {'I': (1+0j), 'X': (2+0j)}
    """
    entries: NDArray[np.complex128] = np.asarray(matrix, dtype=np.complex128)
    size = entries.shape[0] if entries.ndim else 0
    n_qubits = max(size, 1).bit_length() - 1
    if entries.shape != (1 << n_qubits,) * 2 or n_qubits > MAX_DENSE_QUBITS:
        raise InputError(
            f"matrix_pauli_sum(matrix of shape {entries.shape}): use a square matrix of a power of "
            f"two rows, at most {1 << MAX_DENSE_QUBITS}."
        )
    index = np.arange(size, dtype=np.uint64)
    by_flip = entries[(index[:, None] ^ index).astype(np.int64), index.astype(np.int64)]
    for bit in range(n_qubits):
        pairs = by_flip.reshape(size, -1, 2, 1 << bit)
        low, high = pairs[:, :, 0], pairs[:, :, 1]
        by_flip = np.stack([low + high, low - high], axis=2).reshape(size, size)
    x, z = (np.repeat(index, size), np.tile(index, size))
    phases = word_phase(x, z)
    flips, signs = (reversed_bits(mask, n_qubits) for mask in (x, z))
    return PauliSum.collected(n_qubits, flips, signs, by_flip.ravel() / size * phases.conj())
