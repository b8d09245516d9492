"""Trained networks on devices: expectations, energies and their error bars."""

import numpy as np
import pytest
import torch

import qmlmat as qm
from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import CapabilityError
from qmlmat.potentials.descriptors import Distances, Symmetrised
from qmlmat.potentials.measured import measured_energies, measured_expectations, network_request
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential

WATER = ("O", "H", "H")
POSITIONS = np.array([[[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]]) * [[[1.0]], [[1.1]], [[1.25]]]


def network(n_outputs=1, *, n_features=3, readout="z_zz"):
    """A small circuit at its random start, moved away from the identity."""
    encoded = Encoding("reupload_dense", layers=2).circuit(3, n_features)
    made = QuantumNetwork(encoded, n_outputs, readout=readout, seed=3)
    with torch.no_grad():
        made.bias.add_(0.5)
    return made


def water(layers, n_states=1):
    """A model of water with a network of its symmetrised distances."""
    return NetworkPotential(Symmetrised(Distances(WATER)), layers, n_states=n_states)


def energies(model):
    """Its energies by the usual way."""
    with torch.no_grad():
        return model(model.as_tensor(POSITIONS)).numpy()


@pytest.mark.parametrize(
    "backend",
    [
        qm.StatevectorBackend(),
        qm.PennyLaneBackend.of("default.qubit", wires=3),
        qm.QiskitBackend.ideal(),
    ],
    ids=["own", "pennylane", "qiskit"],
)
def test_every_simulator_gives_the_model_s_own_energies(backend):
    """Exported to PennyLane and Qiskit, the trained circuit is the same circuit."""
    model = water(network(3), n_states=2)
    found = measured_energies(model, POSITIONS, backend)
    np.testing.assert_allclose(found.energies, energies(model), atol=1e-10)
    assert found.n_shots is None
    np.testing.assert_array_equal(found.stderr, 0.0)


def test_what_is_measured_is_what_the_network_says_and_the_sums_of_any_two():
    """In one order, so that a covariance is of the pair it is taken for."""
    one = network()
    asked = network_request(one, torch.zeros(1, 3, dtype=torch.float64)).observables
    single = [word.matrix().diagonal() for word in one.observables()]
    pairs = [a + b for k, a in enumerate(single) for b in single[k + 1 :]]
    for found, wanted in zip(asked, [*single, *pairs], strict=True):
        np.testing.assert_array_equal(found.matrix().diagonal(), wanted)


def test_classical_layers_before_and_behind_the_circuit_are_computed_here():
    """A row of layers with one circuit among them."""
    layers = torch.nn.Sequential(
        torch.nn.Linear(3, 2, dtype=torch.float64),
        torch.nn.Tanh(),
        network(2, n_features=2),
        torch.nn.Linear(2, 1, dtype=torch.float64),
    )
    model = water(layers)
    found = measured_energies(model, POSITIONS, qm.StatevectorBackend())
    np.testing.assert_allclose(found.energies, energies(model), atol=1e-12)


def test_covariances_are_those_of_products_of_signs():
    """cov(P, Q) = (<PQ> - <P><Q>) / shots, from the exact state."""
    made, shots = network(), 4000
    features = torch.tensor([[0.3, -0.2, 0.6]], dtype=torch.float64)
    found = measured_expectations(made, features, qm.StatevectorBackend(), shots=shots, seed=1)
    with torch.no_grad():
        state = qm.StatevectorBackend().qubit_state(_prepared(made, features))[0]
    signs = made.diagonals.numpy()
    weights = np.abs(state) ** 2
    mean = signs @ weights
    expected = ((signs * weights) @ signs.T - np.outer(mean, mean)) / shots
    np.testing.assert_allclose(found.covariances[0], expected, atol=0.1 * expected.max())
    assert found.n_shots == shots


def _prepared(made, features):
    from qmlmat.potentials.measured import network_request

    return network_request(made, features).preparation


def test_error_bars_are_as_wide_as_energies_scatter():
    """Fifty repetitions of 2,000 shots: within a third, both states."""
    model = water(network(3), n_states=2)
    exact = energies(model)
    runs = [
        measured_energies(model, POSITIONS[:1], qm.StatevectorBackend(), shots=2000, seed=seed)
        for seed in range(50)
    ]
    scaled = np.array([(run.energies - exact[:1]) / run.stderr for run in runs])
    assert 0.67 < np.sqrt(np.mean(scaled**2)) < 1.33


def test_a_model_without_a_circuit_is_refused():
    """Nothing to run."""
    model = water(Perceptron(3, (4,)))
    with pytest.raises(CapabilityError, match="one among them"):
        measured_energies(model, POSITIONS, qm.StatevectorBackend())
