"""The statevector simulator against Qiskit and PennyLane, bit orders and gradients."""

import numpy as np
import pennylane as qml
import pytest
import torch
from qubit_peers import apply_pennylane, qiskit_state
from random_qubits import random_circuit, random_sum

from qmlmat.backends.statevector_program import compile_qubit_circuit

ROUNDING = 1e-12  # float64, tens of gates on a normalised vector
SEEDS = range(6)


def problem(seed):
    """A circuit of every gate on two to seven qubits, and one row of parameters."""
    rng = np.random.default_rng(seed)
    n_qubits = 2 + seed
    return random_circuit(rng, n_qubits, 60, 4), rng.normal(size=4), rng


@pytest.mark.parametrize("seed", SEEDS)
def test_states_are_qiskits_in_reversed_bit_order(seed):
    """Statevector of the same gates, its qubits reversed."""
    circuit, params, _ = problem(seed)
    state = compile_qubit_circuit(circuit).states(params[None])[0]
    assert state == pytest.approx(qiskit_state(circuit, params), abs=ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_states_are_pennylanes_in_the_same_bit_order(seed):
    """default.qubit on the same gates."""
    circuit, params, _ = problem(seed)

    @qml.qnode(qml.device("default.qubit", wires=circuit.n_qubits))
    def reference():
        apply_pennylane(circuit, params)
        return qml.state()

    state = compile_qubit_circuit(circuit).states(params[None])[0]
    assert state == pytest.approx(reference(), abs=ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_expectations_and_gradients_are_pennylanes(seed):
    """Backpropagation through default.qubit; words written out letter by letter."""
    circuit, params, rng = problem(seed)
    observable = random_sum(rng, circuit.n_qubits)
    coefficients, words = zip(*[(c.real, w) for w, c in observable.words()], strict=True)
    terms = [qml.pauli.string_to_pauli_word(word) for word in words]

    @qml.qnode(qml.device("default.qubit", wires=circuit.n_qubits), diff_method="backprop")
    def reference(angles):
        apply_pennylane(circuit, angles)
        return qml.expval(qml.Hamiltonian(coefficients, terms))

    angles = torch.tensor(params, requires_grad=True)
    energy = reference(angles)
    energy.backward()
    program = compile_qubit_circuit(circuit)
    values, gradient = program.value_and_gradient(params[None], (observable,))
    assert values[0, 0] == pytest.approx(energy.item(), abs=ROUNDING)
    assert gradient[0, 0] == pytest.approx(angles.grad.numpy(), abs=1e-11)
