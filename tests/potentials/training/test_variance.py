"""Gradients at random starts: what vanishes with the number of qubits, and what does not."""

import numpy as np
import pytest
import torch
from learning import Pairs, morse_water
from learnt import Polynomial, hydrogen_data

from qmlmat.ansatz.encoding import Encoding
from qmlmat.backends.circuit_states import circuit_states
from qmlmat.errors import InputError
from qmlmat.potentials.base import Loss, Potential
from qmlmat.potentials.training import gradient_variance


class Expectation(Potential):
    """The expectation of one product of Z in the state of a circuit at random angles."""

    def __init__(self, n_qubits, layers, wires, seed=0):
        super().__init__(("H", "H"))
        self.n_qubits, self.n_layers, self.wires, self.seed = n_qubits, layers, wires, seed
        self.circuit = Encoding("reupload_dense", layers=layers).circuit(n_qubits, 1).circuit
        rng = torch.Generator().manual_seed(seed)
        angles = 2 * np.pi * torch.rand(self.circuit.n_params, generator=rng, dtype=torch.float64)
        self.angles = torch.nn.Parameter(angles)

    def energies(self, positions):
        real, imag = circuit_states(self.circuit, self.angles[None])
        index = np.arange(1 << self.n_qubits)
        signs = np.prod([1 - 2 * (index >> wire & 1) for wire in range(self.wires)], axis=0)
        value = ((real**2 + imag**2) @ torch.from_numpy(signs.astype(float)))[:, None]
        return value.expand(len(positions), 1)

    def objective(self, data, loss):  # noqa: ARG002 - no labels
        return lambda: self.energies(self.as_tensor(data.positions)).mean()

    def config(self):
        names = ("n_qubits", "wires", "seed")
        return {name: getattr(self, name) for name in names} | {"layers": self.n_layers}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def variance(n_qubits, layers, wires):
    model = Expectation(n_qubits, layers, wires)
    return gradient_variance(model, hydrogen_data(3), n_starts=40, seed=1).mean


def test_gradients_of_deep_circuits_and_global_observables_vanish_with_the_qubits():
    """Each two qubits cost a deep circuit's global observable more than half of the variance."""
    found = [variance(n, 8, n) for n in (2, 4, 6)]
    assert found[1] < 0.5 * found[0]
    assert found[2] < 0.5 * found[1]


def test_gradients_of_shallow_circuits_and_local_observables_stay():
    """By the angles within one qubit's light cone: their number does not grow with the circuit."""
    few, many = (variance(n, 1, 1) * Expectation(n, 1, 1).n_weights for n in (3, 6))
    assert many > 0.5 * few


def test_the_variance_is_that_of_gradients_at_models_made_by_hand():
    """Networks of the seeds that the seed gives, one by one."""
    data, model = morse_water(8), Pairs()
    found = gradient_variance(model, data, n_starts=3, seed=5)
    rng, gradients = np.random.default_rng(5), []
    for _ in range(3):
        start = Pairs(seed=int(rng.integers(2**31)))
        start.prepare(data)
        start.objective(data, Loss())().backward()
        gradients.append(start.network.layers[0].bias.grad.numpy())
    expected = np.var(gradients, axis=0, ddof=1).mean()
    np.testing.assert_allclose(found.by_parameter["network.layers.0.bias"], expected, rtol=1e-12)


def test_a_model_without_chance_and_a_single_start_are_refused():
    """There is nothing to vary."""
    with pytest.raises(InputError, match="models with a seed"):
        gradient_variance(Polynomial(), hydrogen_data(4))
    with pytest.raises(InputError, match="use 2 or more"):
        gradient_variance(Pairs(), morse_water(4), n_starts=1)
