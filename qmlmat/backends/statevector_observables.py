"""Sums of Pauli words made ready for the statevector kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from qmlmat.backends.statevector_blocks import Planes, Width
from qmlmat.backends.statevector_op_kernels import SINGLE
from qmlmat.backends.statevector_sum_kernels import apply_sparse, apply_words
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum, reversed_bits, word_phase
from qmlmat.typing import FloatArray

MAX_CANDIDATES: Final = 1 << 25
"""Most entries that are looked at for a sparse matrix: distinct flips times basis states."""
MAX_ENTRIES: Final = 1 << 22
"""Most entries of a sparse matrix (fifty megabytes); else words are applied one by one."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A Hermitian sum as arrays of one of the kernels."""

    arrays: tuple[NDArray[Any], ...]
    """The kernel's arguments between the values and the width."""
    is_sparse: bool
    """Whether they are a sparse matrix; else groups of words."""

    def apply(
        self,
        kets: Planes,
        bras: Planes,
        values: FloatArray,
        width: Width,
    ) -> None:
        """Write the operator times ``kets`` to ``bras``, and the expectations to ``values``.

        Args:
            kets: Real and imaginary parts, shape ``(n_blocks, 2**n_qubits, n_lanes)``.
            bras: Where the products go, same shapes.
            values: Where the expectations go, shape ``(n_blocks, n_lanes)``.
            width: Samples of a block.
        """
        kernel: Callable[..., None] = apply_sparse if self.is_sparse else apply_words
        kernel(*kets, *bras, values, *self.arrays, width)


_MADE: Final[WeakKeyDictionary[PauliSum, Measured]] = WeakKeyDictionary()  # by identity


def measured(observable: PauliSum) -> Measured:
    """Return a sum made ready; remembered as long as the sum lives.

    Raises:
        InputError: If a coefficient is not real.
    """
    found = _MADE.get(observable)
    if found is None:
        found = _MADE[observable] = _made(observable)
    return found


def _made(observable: PauliSum) -> Measured:
    if not observable.is_hermitian:
        raise InputError(
            "PauliSum: a coefficient is not real, so it is no observable. Measure (A + A†) / 2 and "
            "(A - A†) / 2i instead."
        )
    order = np.argsort(observable.x, kind="stable")
    words = observable.coefficients.real * word_phase(observable.x, observable.z)
    # X**x Z**z: signs first, from the column's bits.
    flips, begins = np.unique(
        reversed_bits(observable.x[order], observable.n_qubits), return_index=True
    )
    masks = reversed_bits(observable.z[order], observable.n_qubits).astype(np.int64)
    borders = np.append(np.sort(begins), len(order))
    ends = borders[np.searchsorted(borders, begins) + 1]
    groups = np.stack([flips.astype(np.int64), begins, ends], axis=1).astype(np.int64)
    weights = np.stack([words[order].real, words[order].imag], axis=1)
    if len(groups) << observable.n_qubits <= MAX_CANDIDATES:
        arrays = _sparse(observable.n_qubits, groups, masks, weights)
        if arrays is not None:
            return Measured(arrays, is_sparse=True)
    return Measured((groups, masks, weights), is_sparse=False)


def apply_each(ready: list[Measured], kets: Planes, bras: Planes, values: FloatArray) -> None:
    """Apply to each sample an observable of its own; arguments as of ``Measured.apply``."""
    n_blocks, size, lanes = kets[0].shape
    singles = [
        np.ascontiguousarray(plane.transpose(0, 2, 1)).reshape(-1, 1, size, 1) for plane in kets
    ]
    found = np.zeros_like(singles[0]), np.zeros_like(singles[1])
    flat = values.reshape(-1, 1, 1)
    for k, one in enumerate(ready):
        one.apply((singles[0][k], singles[1][k]), (found[0][k], found[1][k]), flat[k], SINGLE)
    for bra, plane in zip(bras, found, strict=True):
        bra[...] = plane.reshape(n_blocks, lanes, size).transpose(0, 2, 1)


def _sparse(
    n_qubits: int, groups: NDArray[np.int64], masks: NDArray[np.int64], weights: FloatArray
) -> tuple[NDArray[Any], ...] | None:
    """Return the rows, columns and entries of the matrix; ``None`` if there are too many."""
    index = np.arange(1 << n_qubits)
    negligible = 1e-16 * np.abs(weights).max(initial=0.0)
    rows, columns, entries, total = [index[:0]], [index[:0]], [np.zeros(0, np.complex128)], 0
    for flip, begin, end in groups.tolist():
        values = _diagonal(n_qubits, masks[begin:end], weights[begin:end])
        (kept,) = np.nonzero(np.abs(values) > negligible * (end - begin))
        total += len(kept)
        if total > MAX_ENTRIES:
            return None
        rows.append(kept ^ flip)
        columns.append(kept)
        entries.append(values[kept])
    places = np.concatenate(rows), np.concatenate(columns)
    matrix = scipy.sparse.csr_array((np.concatenate(entries), places), shape=(len(index),) * 2)
    values = matrix.data
    phases = values.imag.copy() if values.imag.any() else np.zeros(0)
    return (
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int32),
        values.real.copy(),
        phases,
    )


def _diagonal(
    n_qubits: int, masks: NDArray[np.int64], weights: FloatArray
) -> NDArray[np.complex128]:
    """Return ``sum_k weights[k] (-1)**|index & masks[k]|`` by a fast Walsh-Hadamard transform."""
    values = np.zeros(1 << n_qubits, dtype=np.complex128)
    values[masks] = weights[:, 0] + 1j * weights[:, 1]
    if len(masks) == 1:
        signs = np.bitwise_count(np.arange(len(values)) & masks[0]) & 1
        result: NDArray[np.complex128] = values[masks[0]] * (1.0 - 2.0 * signs)
        return result
    for bit in range(n_qubits):
        pairs = values.reshape(-1, 2, 1 << bit)
        values = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1)
    return values.reshape(-1)
