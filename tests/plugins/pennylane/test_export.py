"""Our fermionic circuits in PennyLane's gates: the same states, on any of its devices."""

import numpy as np
import pennylane as qml
import pytest
from problems import SECTORS, TEMPLATES

import qmlmat as qm
from qmlmat.ansatz import Circuit, Excitation, Gate, NumberProduct
from qmlmat.backends import Preparation, Reference, SectorBackend
from qmlmat.backends.register.layout import Layout
from qmlmat.errors import CapabilityError, InputError
from qmlmat.plugins.pennylane.export import conserving_gates

STATE = 1e-12


def state(gates, device):
    """The state PennyLane prepares."""

    def circuit():
        for gate in gates:
            qml.apply(gate)
        return qml.state()

    return qml.QNode(circuit, device)()


def on_register(circuit, params, bits):
    """The sector backend's state among all those of the qubits."""
    right = SectorBackend().state(Preparation(circuit, Reference.determinant(bits), params))
    found = np.zeros(1 << circuit.n_qubits, dtype=np.complex128)
    found[Layout(circuit.n_qubits, circuit.nelec, "blocked").states.astype(int)] = right.ravel()
    return found


@pytest.mark.parametrize("device", ["qmlmat.sector", "default.qubit"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_prepares_the_state_of_the_sector_backend(template, device):
    """Signs of fermions included; also on a simulator that knows nothing of sectors."""
    for norb, nelec in SECTORS:
        if template == "puccd" and nelec[0] != nelec[1]:
            continue
        circuit = qm.Ansatz(template).circuit(norb, nelec)
        params = np.random.default_rng(norb).normal(size=circuit.n_params)
        bits = "".join("1" * n + "0" * (norb - n) for n in nelec)
        found = state(conserving_gates(circuit, params), qml.device(device, wires=2 * norb))
        assert np.abs(found - on_register(circuit, params, bits)).max() < STATE


def test_moves_in_any_order_and_products_of_three_numbers_keep_their_signs():
    """Moves that cross each other, of one spin and of both, from another determinant."""
    generators = [
        Excitation(alpha=((0, 3), (2, 1))),
        Excitation(alpha=((0, 1), (2, 3))),
        Excitation(alpha=((3, 0),), beta=((0, 2),)),
        Excitation(beta=((3, 0),)),
        Excitation(alpha=((1, 0),), beta=((1, 3),), qubit=True),
        Excitation(beta=((0, 3),), qubit=True),
        NumberProduct(alpha=(0, 2), beta=(1,)),
        NumberProduct(beta=(2,)),
    ]
    gates = tuple(Gate(generator, k, 0.5 + k) for k, generator in enumerate(generators))
    circuit = Circuit(4, (2, 1), gates, len(gates))
    params = np.random.default_rng(5).normal(size=len(gates))
    bits = "10100100"
    found = state(
        conserving_gates(circuit, params, reference=Reference.determinant(bits)),
        qml.device("default.qubit", wires=8),
    )
    assert np.abs(found - on_register(circuit, params, bits)).max() < STATE


def test_what_pennylane_cannot_say_is_refused():
    """Three electrons at once, sums of determinants, other numbers of parameters."""
    triple = Circuit(3, (2, 1), (Gate(Excitation(((0, 2),), ((0, 1),)), 0),), 1)
    with pytest.raises(InputError, match=r"Give shape \(1,\)"):
        conserving_gates(triple, [0.1, 0.2])
    both = Reference((("110100", 0.6), ("101100", 0.8)))
    with pytest.raises(InputError, match="one determinant"):
        conserving_gates(triple, [0.1], reference=both)
    moves = Excitation(((0, 2), (1, 3)), ((0, 2),))
    with pytest.raises(CapabilityError, match="moves 3 electrons"):
        conserving_gates(Circuit(4, (2, 1), (Gate(moves, 0),), 1), [0.1])
