"""Pauli sums as Qiskit's ``SparsePauliOp``, and back.

Qubit w is wire w; Qiskit prints it last, and its states have it as the lowest bit of the index.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import Pauli, PauliList, SparsePauliOp

from qmlmat.errors import InputError
from qmlmat.operators.pauli import MAX_QUBITS, PauliSum
from qmlmat.typing import BoolArray, MaskArray


def to_sparse_pauli_op(pauli_sum: PauliSum) -> SparsePauliOp:
    """Return a sum as Qiskit's operator, its words in the same order.

    Args:
        pauli_sum: The sum, on at least one qubit.

    Raises:
        InputError: If there are no qubits.
    """
    n = pauli_sum.n_qubits
    if n == 0:
        raise InputError(
            "to_sparse_pauli_op: a sum on no qubits, which Qiskit does not have. Its value is "
            "PauliSum.constant."
        )
    if pauli_sum.n_terms == 0:
        return SparsePauliOp("I" * n, [0.0])
    words = PauliList.from_symplectic(_columns(pauli_sum.z, n), _columns(pauli_sum.x, n))
    return SparsePauliOp(words, pauli_sum.coefficients)


def from_sparse_pauli_op(operator: SparsePauliOp) -> PauliSum:
    """Return Qiskit's operator as a sum; equal words are added.

    Args:
        operator: With numbers as coefficients.

    Raises:
        InputError: If a coefficient is a parameter, or there are too many qubits.
    """
    if operator.coeffs.dtype == object:
        raise InputError(
            "from_sparse_pauli_op: coefficients with parameters. Use "
            "operator.assign_parameters(...) first."
        )
    if operator.num_qubits > MAX_QUBITS:
        raise InputError(
            f"from_sparse_pauli_op: {operator.num_qubits} qubits, at most {MAX_QUBITS}. Use an "
            "operator on fewer."
        )
    x, z = (_masks(columns) for columns in (operator.paulis.x, operator.paulis.z))
    return PauliSum.collected(operator.num_qubits, x, z, operator.coeffs)


def count_bases(operators: Sequence[SparsePauliOp]) -> int:
    """Return how many bases measure operators together, their words grouped qubit by qubit.

    Grouped as IBM's client-side estimator does: greedily, in the order of the words.

    Args:
        operators: On the same qubits.
    """
    words: dict[Pauli, None] = {}
    for operator in operators:
        for label in ObservablesArray.coerce(operator).ravel()[0]:
            words[Pauli(label)] = None
    return len(PauliList(list(words)).group_commuting(qubit_wise=True))


def _columns(masks: MaskArray, n_qubits: int) -> BoolArray:
    wires = np.arange(n_qubits, dtype=np.uint64)
    columns: BoolArray = (masks[:, None] >> wires & np.uint64(1)).astype(np.bool_)
    return columns


def _masks(columns: BoolArray) -> MaskArray:
    wires = np.arange(columns.shape[1], dtype=np.uint64)
    masks: MaskArray = (columns.astype(np.uint64) << wires).sum(axis=1, dtype=np.uint64)
    return masks
