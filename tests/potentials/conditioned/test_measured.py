"""A trained circuit on backends: exact ones agree, sampled ones within their error bars."""

import numpy as np
import pennylane as qml
import pytest

from qmlmat import Molecule, PennyLaneBackend, QiskitBackend, StatevectorBackend
from qmlmat.errors import InputError
from qmlmat.potentials.conditioned import (
    ConditionedCircuit,
    HamiltonianSource,
    LogRatio,
    circuit_requests,
    measure_circuit,
)
from qmlmat.surfaces import Geometry


def bond(length):
    return Geometry(("H", "H"), [[0, 0, 0], [0, 0, length]])


POINTS = [bond(0.7), bond(1.2)]


@pytest.fixture(scope="module")
def source():
    return HamiltonianSource(Molecule(("H", "H"), POINTS[0].positions))


def circuit(source, n_states=1):
    features = LogRatio("HH", (0, 1), 0.74)
    return ConditionedCircuit(source, "kupccgsd", features, n_states=n_states, seed=2)


def exact(model):
    return np.array([model.evaluate(point).energies for point in POINTS])


@pytest.mark.parametrize("n_states", [1, 2])
@pytest.mark.parametrize(
    "make",
    [
        StatevectorBackend,
        lambda: PennyLaneBackend(device=qml.device("default.qubit")),
        QiskitBackend.ideal,
    ],
    ids=["statevector", "pennylane", "qiskit"],
)
def test_exact_backends_give_the_energies_of_the_surface(source, make, n_states):
    """Qubits instead of determinants, the same states."""
    model = circuit(source, n_states)
    found = measure_circuit(model, POINTS, make())
    assert found.energies == pytest.approx(exact(model), abs=1e-8)
    assert found.stderr is None
    assert found.n_shots is None


@pytest.mark.parametrize(("n_states", "shots"), [(1, 4000), (2, 4000)])
def test_sampled_energies_are_within_their_error_bars(source, n_states, shots):
    """Four standard errors; the seed makes it the same draw every time."""
    model = circuit(source, n_states)
    found = measure_circuit(model, POINTS, StatevectorBackend(shots=shots), seed=5)
    again = measure_circuit(model, POINTS, StatevectorBackend(shots=shots), seed=5)
    assert found.energies.shape == (2, n_states)
    assert (np.abs(found.energies - exact(model)) < 4 * found.stderr).all()
    assert np.array_equal(found.energies, again.energies)
    assert found.n_shots == 2 * shots * (1 if n_states == 1 else 3)


def test_one_request_holds_all_points_references_and_superpositions(source):
    """Two points, two references and their superposition: six energies."""
    (request,) = circuit_requests(circuit(source, 2), POINTS)
    assert request.pairing == "each"
    assert len(request.observables) == 6
    assert request.preparation.params.shape == (2, 2)


def test_no_geometries_are_refused(source):
    with pytest.raises(InputError, match="give one at least"):
        measure_circuit(circuit(source), [], StatevectorBackend())
