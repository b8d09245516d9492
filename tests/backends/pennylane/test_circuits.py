"""Qubit circuits through PennyLane's door: the same state, broadcast, and back."""

import importlib.util

import numpy as np
import pennylane as qml
import pytest
from dense_qubits import dense_state
from hypothesis import given, settings
from qubit_circuits import bound_circuits

from qmlmat.ansatz.qasm import to_qasm
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.pennylane.circuits import from_pennylane, to_pennylane
from qmlmat.errors import CapabilityError, InputError


def pennylane_state(operators, wires):
    """PennyLane's state from |0...0>."""
    tape = qml.tape.QuantumScript(operators, [qml.state()])
    tape = qml.map_wires(tape, {wire: k for k, wire in enumerate(wires)})[0][0]
    device = qml.device("default.qubit", wires=len(wires))
    return np.asarray(qml.execute([tape], device)[0])


@settings(max_examples=40, deadline=None)
@given(bound_circuits())
def test_pennylane_finds_the_same_state(case):
    """Global phase included, whose sign PennyLane defines the other way."""
    circuit, params = case
    state = pennylane_state(to_pennylane(circuit, np.array(params)), range(circuit.n_qubits))
    assert np.abs(state - dense_state(circuit, params)).max() < 1e-12


@settings(max_examples=25, deadline=None)
@given(bound_circuits())
def test_a_batch_of_parameters_is_broadcast(case):
    """Row k of the batch gives the state of row k."""
    circuit, params = case
    if not any(g.angle and g.angle.param is not None for g in circuit.gates):
        return
    rows = np.array([params, [0.7 * value + 0.1 for value in params]])
    states = pennylane_state(to_pennylane(circuit, rows), range(circuit.n_qubits))
    for row, state in zip(rows, np.atleast_2d(states), strict=True):
        assert np.abs(state - dense_state(circuit, row)).max() < 1e-12


@settings(max_examples=40, deadline=None)
@given(bound_circuits())
def test_a_circuit_comes_back_from_pennylane(case):
    """The same gates, angles bound."""
    circuit, params = case
    tape = qml.tape.QuantumScript(to_pennylane(circuit, np.array(params)))
    back = from_pennylane(tape, circuit.n_qubits)
    assert [(g.name, g.wires) for g in back.gates] == [(g.name, g.wires) for g in circuit.gates]
    assert np.abs(dense_state(back) - dense_state(circuit, params)).max() < 1e-12


@pytest.mark.skipif(importlib.util.find_spec("openqasm3") is None, reason="needs openqasm3[parser]")
@settings(max_examples=25, deadline=None)
@given(bound_circuits())
def test_pennylane_reads_our_qasm_to_the_same_state(case):
    """Without the include line, which it refuses; its gphase has the opposite sign."""
    pytest.importorskip("antlr4")
    circuit, params = case
    text = to_qasm(circuit).replace('include "stdgates.inc";\n', "")
    inputs = {f"theta_{k}": value for k, value in enumerate(params)}
    with qml.queuing.AnnotatedQueue() as queue:
        qml.from_qasm3(text)(**inputs)
    found = qml.tape.QuantumScript.from_queue(queue).operations
    turned = [qml.GlobalPhase(-op.data[0]) if op.name == "GlobalPhase" else op for op in found]
    state = pennylane_state(turned, [f"q[{w}]" for w in range(circuit.n_qubits)])
    assert np.abs(state - dense_state(circuit, params)).max() < 1e-12


def test_what_has_no_counterpart_is_decomposed():
    """A double excitation of PennyLane, and a rotation about a Pauli word."""
    operators = [
        qml.X(0),
        qml.X(1),
        qml.DoubleExcitation(0.3, [0, 1, 2, 3]),
        qml.PauliRot(0.4, "XYZ", [0, 2, 3]),
    ]
    state = pennylane_state(operators, range(4))
    assert np.abs(dense_state(from_pennylane(operators)) - state).max() < 1e-12


def test_what_cannot_pass_is_refused_with_the_remedy():
    """Measurements, other sizes, named wires, batches."""
    measured = QubitCircuit(1, (QubitGate("measure", (0,), bit=0),))
    with pytest.raises(CapabilityError, match="Leave the measurements to PennyLane"):
        to_pennylane(measured)
    free = QubitCircuit(1, (QubitGate("rx", (0,), Angle(0.0, 0)),), 1)
    with pytest.raises(InputError, match=r"Give shape \(1,\) or \(n_points, 1\)"):
        to_pennylane(free, np.zeros(3))
    with pytest.raises(InputError, match="map_wires"):
        from_pennylane([qml.X("a")])
    with pytest.raises(InputError, match="broadcast_expand"):
        from_pennylane(to_pennylane(free, np.zeros((2, 1))))
    with pytest.raises(InputError, match="neither a counterpart"):
        from_pennylane([qml.measurements.MidMeasureMP(qml.wires.Wires(0))])
