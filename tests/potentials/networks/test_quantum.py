"""The quantum network: expectations of a circuit at angles that are affine in the features."""

import numpy as np
import pytest
import torch
from dense_qubits import dense_state

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import InputError
from qmlmat.potentials.networks.quantum import QuantumNetwork

ENCODED = Encoding("reupload_dense", layers=2).circuit(3, 2)
FEATURES = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 2)))


@pytest.mark.parametrize("readout", ["z", "z_zz"])
def test_outputs_are_those_of_dense_states(readout):
    """Matrices of gates multiplied by hand, Pauli sums as matrices, the linear layer by numpy."""
    network = QuantumNetwork(ENCODED, 2, readout=readout, seed=4)
    with torch.no_grad():
        found = network(FEATURES).numpy()
        linear, bias = network.linear_map().numpy(), network.bias.numpy()
        mixing, offset = network.mixing.numpy(), network.offset.numpy()
    matrices = [word.matrix() for word in network.observables()]
    for features, outputs in zip(FEATURES.numpy(), found, strict=True):
        state = dense_state(ENCODED.circuit, linear @ features + bias)
        means = np.array([np.vdot(state, matrix @ state).real for matrix in matrices])
        np.testing.assert_allclose(outputs, mixing @ means + offset, atol=1e-12)


def test_the_linear_map_has_entries_where_the_pattern_has():
    """Angles that take one feature have one factor."""
    encoded = Encoding("morse_kernel", entangler="ring").circuit(3, 3)
    network = QuantumNetwork(encoded)
    np.testing.assert_array_equal(network.linear_map().detach() != 0, encoded.pattern)
    assert network.scales.numel() == encoded.n_scales


def test_the_same_seed_starts_at_the_same_weights():
    """And leaves the global generator alone."""
    before = torch.random.get_rng_state()
    one, two, other = (QuantumNetwork(ENCODED, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(one(FEATURES), two(FEATURES))
    assert not torch.equal(one(FEATURES), other(FEATURES))


def test_a_frozen_circuit_trains_its_linear_layer_alone():
    """A quantum extreme learning machine."""
    network = QuantumNetwork(ENCODED, frozen=True)
    trained = [name for name, p in network.named_parameters() if p.requires_grad]
    assert trained == ["mixing", "offset"]


def test_outputs_can_be_differentiated_twice_by_features_and_weights():
    """Forces, and the training on them."""
    network = QuantumNetwork(Encoding("reupload_dense", layers=1).circuit(2, 2))
    features = FEATURES[:2].clone().requires_grad_()
    assert torch.autograd.gradgradcheck(network, (features,))
    (slope,) = torch.autograd.grad(network(features).sum(), features, create_graph=True)
    slope.square().sum().backward()
    step, weights = 1e-5, network.scales
    losses = []
    for sign in (1, -1):
        with torch.no_grad():
            weights[3] += sign * step
        moving = features.detach().requires_grad_()
        (found,) = torch.autograd.grad(network(moving).sum(), moving)
        losses.append(found.square().sum().item())
        with torch.no_grad():
            weights[3] -= sign * step
    assert weights.grad[3].item() == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-8)


def test_a_network_in_single_precision_agrees():
    """float32 in, float32 out, to its own precision."""
    network = QuantumNetwork(ENCODED)
    with torch.no_grad():
        double = network(FEATURES)
        single = network.to(torch.float32)(FEATURES.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, double, atol=1e-5)  # angles of some radians


def test_a_network_comes_back_from_its_configuration():
    """Numbers travel as state."""
    network = QuantumNetwork(ENCODED, 3, readout="z_zz", seed=7)
    again = QuantumNetwork.from_config(network.config())
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(FEATURES), network(FEATURES))


def test_wrong_numbers_of_features_and_unknown_readouts_are_refused():
    """The message says what fits."""
    with pytest.raises(InputError, match="3 features for an encoding of 2"):
        QuantumNetwork(ENCODED)(torch.zeros(1, 3, dtype=torch.float64))
    with pytest.raises(InputError, match='use "z" or "z_zz"'):
        QuantumNetwork(ENCODED, readout="x")
