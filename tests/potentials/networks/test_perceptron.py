"""The classical arm: layers of tanh."""

import numpy as np
import pytest
import torch

from qmlmat.errors import InputError
from qmlmat.potentials.networks.perceptron import Perceptron


def test_outputs_are_those_of_numpy():
    """Two hidden layers by hand."""
    network = Perceptron(2, (4, 3), 2, seed=1)
    features = np.random.default_rng(0).normal(size=(5, 2))
    hidden = features
    for k, layer in enumerate(network.layers):
        hidden = hidden @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        hidden = np.tanh(hidden) if k < 2 else hidden
    found = network(torch.from_numpy(features)).detach()
    np.testing.assert_allclose(found, hidden, atol=1e-14)


@pytest.mark.parametrize("n_weights", [50, 101, 105, 200])
def test_a_network_of_a_size_has_as_many_weights_within_a_tenth(n_weights):
    """What an honest comparison asks for."""
    network = Perceptron.of_size(3, n_weights)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(n_weights, rel=0.1)


def test_the_same_seed_starts_at_the_same_weights():
    """And leaves the global generator alone."""
    before = torch.random.get_rng_state()
    one, two = Perceptron(2, (3,), seed=5), Perceptron(2, (3,), seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_a_layer_without_units_is_refused():
    """Nothing would get through."""
    with pytest.raises(InputError, match="1 unit or more"):
        Perceptron(2, (0,))


def test_a_network_comes_back_from_its_configuration():
    """Numbers travel as state."""
    network = Perceptron(3, (5, 4), 2, seed=9)
    again = Perceptron.from_config(network.config())
    assert again.sizes == (3, 5, 4, 2)
    assert all(
        torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True)
    )
