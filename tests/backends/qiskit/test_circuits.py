"""Qubit circuits through Qiskit's door: the same state, and back."""

import numpy as np
import pytest
import qiskit
import qiskit.qasm3
from dense_qubits import dense_state
from hypothesis import given, settings
from qiskit.circuit import Parameter
from qiskit.quantum_info import Statevector
from qubit_circuits import bound_circuits, qubit_circuits

from qmlmat.ansatz.qasm import to_qasm
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.qiskit.circuits import from_qiskit, to_qiskit
from qmlmat.errors import InputError


def qiskit_state(circuit):
    """Qiskit's state in our order of wires."""
    return np.asarray(Statevector(circuit).reverse_qargs().data)


@settings(max_examples=40, deadline=None)
@given(bound_circuits())
def test_qiskit_finds_the_same_state_with_bound_and_with_free_parameters(case):
    """Global phase included; free parameters are bound in their order."""
    circuit, params = case
    expected = dense_state(circuit, params)
    assert np.abs(qiskit_state(to_qiskit(circuit, params)) - expected).max() < 1e-12
    free = to_qiskit(circuit)
    used = sorted({g.angle.param for g in circuit.gates if g.angle and g.angle.param is not None})
    bound = free.assign_parameters([params[k] for k in used])
    assert np.abs(qiskit_state(bound) - expected).max() < 1e-12


@settings(max_examples=40, deadline=None)
@given(bound_circuits())
def test_a_circuit_comes_back_from_qiskit(case):
    """Gates as they were, phases of all states gathered at the end."""
    circuit, params = case
    back = from_qiskit(to_qiskit(circuit))
    kept = [gate for gate in circuit.gates if gate.name != "gphase"]
    found = [gate for gate in back.gates if gate.name != "gphase"]
    assert [(g.name, g.wires) for g in kept] == [(g.name, g.wires) for g in found]
    if any(g.angle and g.angle.param is not None for g in kept):
        assert back.n_params == circuit.n_params
    expected = dense_state(circuit, params)
    assert np.abs(dense_state(back, params) - expected).max() < 1e-12


@settings(max_examples=25, deadline=None)
@given(bound_circuits())
def test_qiskit_reads_our_qasm_to_the_same_state(case):
    """Through qiskit-qasm3-import, parameters bound by their names; and back to ours."""
    circuit, params = case
    read = qiskit.qasm3.loads(to_qasm(circuit))
    bound = read.assign_parameters({p: params[int(p.name[6:])] for p in read.parameters})
    assert np.abs(qiskit_state(bound) - dense_state(circuit, params)).max() < 1e-12
    again = dense_state(from_qiskit(read), params)
    assert np.abs(again - dense_state(circuit, params)).max() < 1e-12


def test_more_than_ten_parameters_keep_their_numbers():
    """Qiskit sorts theta_10 before theta_2 where it reads text; vectors keep their order."""
    gates = tuple(QubitGate("ry", (k % 2,), Angle(0.0, k)) for k in range(12))
    circuit = QubitCircuit(2, gates, 12)
    assert from_qiskit(to_qiskit(circuit)).gates == gates
    assert from_qiskit(qiskit.qasm3.loads(to_qasm(circuit))).gates == gates


def test_measurements_and_resets_pass_both_ways():
    """Into one classical register; bits keep their numbers."""
    gates = (
        QubitGate("h", (0,)),
        QubitGate("measure", (0,), bit=1),
        QubitGate("reset", (0,)),
        QubitGate("measure", (1,), bit=0),
    )
    circuit = QubitCircuit(2, gates)
    found = to_qiskit(circuit)
    assert [register.size for register in found.cregs] == [2]
    assert from_qiskit(found).gates == gates


def test_what_qiskit_has_beyond_our_gates_is_refused_with_the_remedy():
    """Other gates, and angles that are not linear in one parameter."""
    circuit = qiskit.QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    with pytest.raises(InputError, match=r'"ccx" on qubits \(0, 1, 2\).*qiskit.transpile'):
        from_qiskit(circuit)
    a, b = Parameter("a"), Parameter("b")
    for angle in (a + b, a * a):
        circuit = qiskit.QuantumCircuit(1)
        circuit.rx(angle, 0)
        with pytest.raises(InputError, match="bind the parameters first"):
            from_qiskit(circuit)
    with pytest.raises(InputError, match=r"Give shape \(0,\)"):
        to_qiskit(QubitCircuit(1, ()), [0.1])
    named = qiskit.QuantumCircuit(1)
    named.rx(2 * b + 1, 0)
    named.barrier()
    named.ry(-a, 0)
    assert [g.angle for g in from_qiskit(named).gates] == [Angle(1.0, 1, 2.0), Angle(0.0, 0, -1.0)]


@settings(max_examples=30, deadline=None)
@given(qubit_circuits(0))
def test_the_inverse_undoes_the_circuit(circuit):
    """A circuit followed by its inverse is the identity, phase included."""
    state = qiskit_state(to_qiskit(circuit.then(circuit.inverse())))
    assert abs(state[0] - 1.0) < 1e-12


def test_a_users_gate_with_the_name_of_ours_is_refused():
    """Its name says nothing of its matrix."""
    own = qiskit.QuantumCircuit(1, name="x")
    own.h(0)
    circuit = qiskit.QuantumCircuit(1)
    circuit.append(own.to_gate(), [0])
    with pytest.raises(InputError, match='gate "x"'):
        from_qiskit(circuit)


def test_parameters_whose_names_look_alike_stay_apart():
    """``theta_01`` is not ``theta_1``."""
    circuit = qiskit.QuantumCircuit(1)
    circuit.rx(Parameter("theta_1"), 0)
    circuit.ry(Parameter("theta_01"), 0)
    assert sorted(gate.angle.param for gate in from_qiskit(circuit).gates) == [0, 1]


def test_parameters_that_are_not_finite_are_refused():
    """NaN is no angle."""
    circuit = QubitCircuit(1, (QubitGate("rx", (0,), Angle(param=0)),), 1)
    with pytest.raises(InputError, match="finite numbers"):
        to_qiskit(circuit, [float("nan")])
