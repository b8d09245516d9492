"""The statevector simulator against Qiskit and PennyLane, bit orders and gradients."""

import numpy as np
import pennylane as qml
import pytest
import qiskit
import qiskit.quantum_info
import torch
from random_qubits import random_circuit, random_sum

from qmlmat.backends.statevector_program import compile_qubit_circuit

ROUNDING = 1e-12  # float64, tens of gates on a normalised vector
SEEDS = range(6)


def problem(seed):
    """A circuit of every gate on two to seven qubits, and one row of parameters."""
    rng = np.random.default_rng(seed)
    n_qubits = 2 + seed
    return random_circuit(rng, n_qubits, 60, 4), rng.normal(size=4), rng


def qiskit_state(circuit, params):
    """The state by Qiskit; its qubit 0 is the lowest bit of the index, ours the highest."""
    program = qiskit.QuantumCircuit(circuit.n_qubits)
    for gate in circuit.gates:
        angle = () if gate.angle is None else (gate.angle.value(params),)
        if gate.name == "barrier":
            program.barrier()
        elif gate.name == "gphase":
            program.global_phase += angle[0]
        else:
            getattr(program, gate.name)(*angle, *gate.wires)
    state = qiskit.quantum_info.Statevector(program).data.reshape((2,) * circuit.n_qubits)
    return state.transpose().reshape(-1)


PENNYLANE = {
    "x": qml.X, "y": qml.Y, "z": qml.Z, "h": qml.Hadamard, "s": qml.S, "t": qml.T, "sx": qml.SX,
    "rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "p": qml.PhaseShift, "cx": qml.CNOT, "cy": qml.CY,
    "cz": qml.CZ, "ch": qml.CH, "crx": qml.CRX, "cry": qml.CRY, "crz": qml.CRZ,
    "cp": qml.ControlledPhaseShift, "swap": qml.SWAP,
}  # fmt: skip


def apply_pennylane(circuit, params):
    """Queue the circuit's gates; ``params`` may be traced."""
    for gate in circuit.gates:
        angle = None
        if gate.angle is not None:
            angle = gate.angle.offset
            if gate.angle.param is not None:
                angle = angle + gate.angle.scale * params[gate.angle.param]
        if gate.name == "barrier":
            qml.Barrier()
        elif gate.name == "gphase":
            qml.GlobalPhase(-angle)  # PennyLane's is exp(-i phi)
        elif gate.name in ("sdg", "tdg"):
            qml.adjoint(PENNYLANE[gate.name[0]](wires=gate.wires))
        elif angle is None:
            PENNYLANE[gate.name](wires=gate.wires)
        else:
            PENNYLANE[gate.name](angle, wires=gate.wires)


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
