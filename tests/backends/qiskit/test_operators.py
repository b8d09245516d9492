"""Pauli sums at Qiskit's door: the order of its qubits is undone here."""

import numpy as np
import pytest
from hypothesis import given, settings
from pauli_sums import dense, pauli_sums
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qmlmat.backends.qiskit.operators import from_sparse_pauli_op, to_sparse_pauli_op
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum


def reversed_wires(matrix):
    """A matrix with the order of its qubits reversed."""
    n = len(matrix).bit_length() - 1
    order = [*reversed(range(n)), *reversed(range(n, 2 * n))]
    return matrix.reshape((2,) * (2 * n)).transpose(order).reshape(matrix.shape)


@given(pauli_sums(4, real=False))
@settings(max_examples=30, deadline=None)
def test_the_matrix_is_the_same_with_reversed_qubits(pauli_sum):
    """Qiskit's qubit w is wire w, the lowest bit of its index first."""
    theirs = to_sparse_pauli_op(pauli_sum).to_matrix()
    np.testing.assert_allclose(reversed_wires(theirs), dense(pauli_sum), atol=1e-12)


@given(pauli_sums(4, real=False))
@settings(max_examples=30, deadline=None)
def test_there_and_back_is_the_same_sum(pauli_sum):
    """Words, order and coefficients."""
    found = from_sparse_pauli_op(to_sparse_pauli_op(pauli_sum))
    assert list(found.words()) == list(pauli_sum.words())


def test_labels_are_printed_from_the_other_end():
    """Wire 0 stands on the right of Qiskit's label; repeated words are added."""
    assert to_sparse_pauli_op(PauliSum.from_words({"XYZ": 2.0})).to_list() == [("ZYX", 2.0)]
    found = from_sparse_pauli_op(SparsePauliOp(["IIX", "IIX", "YII"], [0.5, 0.25, 1j]))
    assert dict(found.words()) == {"XII": 0.75, "IIY": 1j}


def test_nothing_is_a_zero_operator():
    """Qiskit has no operator without terms."""
    assert to_sparse_pauli_op(PauliSum(2, [], [], [])).to_list() == [("II", 0)]
    assert from_sparse_pauli_op(SparsePauliOp("II", [0.0])).n_terms == 0


def test_unusable_operators_are_refused():
    """Parameters, too many qubits, none."""
    with pytest.raises(InputError, match="assign_parameters"):
        from_sparse_pauli_op(SparsePauliOp(["X"], np.array([Parameter("a")])))
    with pytest.raises(InputError, match="at most 64"):
        from_sparse_pauli_op(SparsePauliOp("X" * 65))
    with pytest.raises(InputError, match=r"PauliSum\.constant"):
        to_sparse_pauli_op(PauliSum.identity(0))
