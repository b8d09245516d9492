"""Pauli sums at PennyLane's door: wires are numbers, wire 0 the highest bit."""

import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from pauli_sums import dense, pauli_sums

from qmlmat.backends.pennylane.operators import from_pennylane, to_pennylane
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum


@given(pauli_sums(4, real=False))
@settings(max_examples=30, deadline=None)
def test_the_matrix_is_the_same(pauli_sum):
    """PennyLane's order of wires is ours."""
    theirs = qml.matrix(to_pennylane(pauli_sum), wire_order=range(pauli_sum.n_qubits))
    np.testing.assert_allclose(theirs, dense(pauli_sum), atol=1e-12)


@given(pauli_sums(4, real=False))
@settings(max_examples=30, deadline=None)
def test_there_and_back_is_the_same_sum(pauli_sum):
    """Words, order and coefficients."""
    found = from_pennylane(to_pennylane(pauli_sum), pauli_sum.n_qubits)
    assert list(found.words()) == list(pauli_sum.words())


def test_real_sums_can_be_measured():
    """A device's expectation is that of the matrix."""
    pauli_sum = PauliSum.from_words({"XY": 0.5, "ZI": -0.25, "II": 1.5})
    device = qml.device("default.qubit", wires=2)

    @qml.qnode(device)
    def measured():
        qml.Hadamard(0)
        qml.RX(0.3, 1)
        qml.CZ([0, 1])
        return qml.expval(to_pennylane(pauli_sum))

    state = qml.matrix(qml.prod(qml.CZ([0, 1]), qml.RX(0.3, 1), qml.Hadamard(0)), wire_order=[0, 1])
    expected = np.vdot(state[:, 0], dense(pauli_sum) @ state[:, 0]).real
    assert float(measured()) == pytest.approx(expected, abs=1e-12)


def test_sums_products_and_multiples_are_read():
    """Whatever PennyLane can write as Pauli words."""
    operator = 0.5 * (qml.X(0) @ qml.Y(2)) - 2 * qml.Z(1) + qml.Identity(0)
    expected = {"XIY": 0.5, "IZI": -2.0, "III": 1.0}
    assert dict(from_pennylane(operator).words()) == expected
    assert from_pennylane(operator, 5).n_qubits == 5
    assert from_pennylane(qml.Z(0) @ qml.Z(0)).constant == 1.0


def test_nothing_is_a_zero_operator():
    """The empty sum."""
    assert from_pennylane(to_pennylane(PauliSum(2, [], [], [])), 2).n_terms == 0


def test_unusable_operators_are_refused():
    """Not Pauli words, labels for wires, too few qubits."""
    with pytest.raises(InputError, match="pauli_decompose"):
        from_pennylane(qml.RX(0.1, 0))
    with pytest.raises(InputError, match="map_wires"):
        from_pennylane(qml.X("a"))
    with pytest.raises(InputError, match="Use n_qubits=4"):
        from_pennylane(qml.X(3), 2)
