"""What circuits cost, as Qiskit counts it."""

from hypothesis import given, settings
from qubit_circuits import qubit_circuits

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.ansatz.resources import circuit_resources
from qmlmat.backends.qiskit.circuits import to_qiskit


@settings(max_examples=40, deadline=None)
@given(qubit_circuits())
def test_gates_and_layers_are_those_that_qiskit_counts(circuit):
    """Gates of one and of two qubits, and both depths."""
    found, theirs = circuit_resources(circuit), to_qiskit(circuit)
    sizes = [len(item.qubits) for item in theirs.data]
    assert (found.one_qubit_gates, found.two_qubit_gates) == (sizes.count(1), sizes.count(2))
    assert found.depth == theirs.depth()
    assert found.two_qubit_depth == theirs.depth(lambda item: len(item.qubits) == 2)
    assert (found.n_params, found.n_qubits) == (circuit.n_params, circuit.n_qubits)


def test_measurements_resets_and_barriers_cost_nothing():
    """Only gates are counted."""
    gates = (QubitGate("h", (0,)), QubitGate("barrier", ()), QubitGate("reset", (0,)))
    found = circuit_resources(QubitCircuit(2, (*gates, QubitGate("cx", (0, 1)))).measured())
    assert (found.one_qubit_gates, found.two_qubit_gates, found.depth) == (1, 1, 2)
