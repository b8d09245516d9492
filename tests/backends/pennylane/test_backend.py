"""Requests on PennyLane's devices: labels of wires, jobs, and refusals."""

import numpy as np
import pennylane as qml
import pytest
from molecules import HYDROGEN, hamiltonian

from qmlmat.ansatz import Ansatz
from qmlmat.backends import Preparation, Reference, Request, SectorBackend
from qmlmat.backends.pennylane.backend import PennyLaneBackend
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.mappings import qubit_mapping


def h2_request():
    """H2 at three angles, beside the exact answer."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    preparation = Preparation(circuit, Reference.hartree_fock(2, (1, 1)))
    request = Request(preparation=preparation, observables=(hamiltonian(HYDROGEN),))
    params = np.array([0.1, -0.2, 0.3])
    return request, params, SectorBackend().prepare(request)(params).values


@pytest.mark.parametrize("wires", [None, 4, 6, ["a", "b", "c", "d"]], ids=str)
@pytest.mark.parametrize("shots", [None, 2000])
def test_any_labels_of_wires_will_do(wires, shots):
    """None, more than needed, and words: exact, and by shots within five standard errors."""
    request, params, right = h2_request()
    device = qml.device("default.qubit", wires=wires, seed=7)
    backend = PennyLaneBackend(device=device, shots=shots)
    found = backend.prepare(request)(np.stack([params, params]))
    assert (np.abs(found.values - right) <= 5 * np.sqrt(found.variances) + 1e-10).all()
    assert backend.usage.n_jobs == 1


def test_too_few_wires_are_refused_with_the_remedy():
    """Three wires for four qubits; a reduced mapping fits."""
    request, params, right = h2_request()
    device = qml.device("default.qubit", wires=3)
    with pytest.raises(InputError, match="wires=4"):
        PennyLaneBackend(device=device).prepare(request)(params)
    reduced = qubit_mapping("parity", 2, reduced_for=(1, 1))
    found = PennyLaneBackend(device=device, mapping=reduced).prepare(request)(params)
    assert np.abs(found.values - right).max() < 1e-10


def test_what_is_no_device_is_refused_with_the_remedy():
    """A device's name."""
    with pytest.raises(InputError, match=r'qml\.device\("default\.qubit"\)'):
        PennyLaneBackend(device="default.qubit")


class Refusing(qml.devices.DefaultQubit):
    """A device that does nothing."""

    def execute(self, circuits, execution_config=None):  # noqa: ARG002 (PennyLane's)
        """Refuse."""
        raise qml.exceptions.DeviceError(f"{len(circuits)} circuits are too many.")


def test_what_the_device_cannot_do_is_said_in_its_own_words():
    """Its message, and what to do."""
    request, params, _ = h2_request()
    backend = PennyLaneBackend(device=Refusing())
    with pytest.raises(CapabilityError, match=r"circuits are too many\. Use another device"):
        backend.prepare(request)(params)


def test_gradients_take_one_job_and_as_many_circuits_as_shifts():
    """The value, and four shifts for each double and single of H2 with conditions left."""
    request, params, _ = h2_request()
    backend = PennyLaneBackend(device=qml.device("default.qubit"))
    evaluator = backend.prepare(request)
    evaluator.value_and_gradient(params)
    assert backend.usage.n_jobs == 1
    assert backend.usage.n_circuits == 1 + sum(len(r.shifts) for r in evaluator.ansatz.rules)
