"""Counts of gates and layers: as Qiskit counts them, before and after transpilation."""

import pytest
from hypothesis import given, settings
from qubit_circuits import qubit_circuits

from qmlmat.ansatz import Ansatz
from qmlmat.ansatz.lowering import lower
from qmlmat.ansatz.resources import circuit_resources
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.backends.qiskit.devices import fake_device
from qmlmat.backends.qiskit.resources import counted, transpiled_resources
from qmlmat.errors import InputError
from qmlmat.operators.mappings import qubit_mapping


@settings(max_examples=40, deadline=None)
@given(qubit_circuits())
def test_counts_are_those_of_qiskit(circuit):
    """Gates by number of qubits, and depths."""
    found, theirs = circuit_resources(circuit), to_qiskit(circuit)
    assert found.depth == theirs.depth()
    assert found.two_qubit_depth == theirs.depth(lambda item: len(item.qubits) == 2)
    assert found.two_qubit_gates == theirs.num_nonlocal_gates()
    assert found.one_qubit_gates + found.two_qubit_gates == theirs.size()
    assert counted(theirs, n_params=circuit.n_params).two_qubit_gates == found.two_qubit_gates


def test_transpilation_to_a_line_adds_two_qubit_gates():
    """H2 in Jordan-Wigner on a line of five qubits: measurements do not count."""
    circuit = lower(Ansatz("uccsd").circuit(2, (1, 1)), qubit_mapping("jordan_wigner", 2))
    device = fake_device("manila")
    found = transpiled_resources(circuit.measured(), device, seed=1)
    assert (found.n_params, found.n_qubits) == (3, 4)
    assert found.two_qubit_gates > circuit_resources(circuit).two_qubit_gates
    assert found == transpiled_resources(circuit, device, seed=1)


def test_a_circuit_too_large_for_the_device_is_refused():
    """Six qubits on five."""
    circuit = lower(Ansatz("puccd").circuit(3, (1, 1)), qubit_mapping("jordan_wigner", 3))
    with pytest.raises(InputError, match="Use a larger device"):
        transpiled_resources(circuit, fake_device("manila"), seed=1)
