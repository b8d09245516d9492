"""States as the statevector kernels hold them: blocks of samples, complex parts apart."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from qmlmat.typing import FloatArray

Width: TypeAlias = tuple[int, ...]
"""As many integers as there are samples in a block; see ``statevector_op_kernels``."""

Planes: TypeAlias = tuple[FloatArray, FloatArray]
"""Real and imaginary parts, shape ``(..., n_blocks, 2**n_qubits, n_lanes)``."""


def blocked(rows: FloatArray, width: Width) -> FloatArray:
    """Return rows ``(n_rows, n)`` as blocks ``(n_blocks, n, n_lanes)``; missing rows are zero."""
    lanes = len(width)
    n_blocks = -(-len(rows) // lanes)
    padded = np.zeros((n_blocks * lanes, rows.shape[1]))
    padded[: len(rows)] = rows
    by_block = padded.reshape(n_blocks, lanes, rows.shape[1])
    return np.ascontiguousarray(by_block.transpose(0, 2, 1))


def unblocked(planes: Planes, rows: NDArray[np.complex128]) -> None:
    """Write blocks of states to rows ``(n_rows, 2**n_qubits)``."""
    for plane, target in zip(planes, (rows.real, rows.imag), strict=True):
        flat = plane.transpose(0, 2, 1).reshape(-1, rows.shape[1])
        target[...] = flat[: len(rows)]


def zero_states(n_rows: int, size: int, width: Width) -> Planes:
    """Return ``|0...0>`` for a number of rows."""
    shape = (-(-n_rows // len(width)), size, len(width))
    real, imag = np.zeros(shape), np.zeros(shape)
    real[:, 0] = 1.0
    return real, imag


def taken(planes: Planes, places: NDArray[np.intp]) -> Planes:
    """Return amplitudes in another order."""
    return np.take(planes[0], places, axis=-2), np.take(planes[1], places, axis=-2)
