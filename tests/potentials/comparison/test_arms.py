"""The arms that stand beside a quantum model: equal weights, no entanglers, frozen, classical."""

import numpy as np
import pytest
import torch

from qmlmat.ansatz.encoding import Encoding
from qmlmat.potentials.comparison import kernel_arms, network_arms
from qmlmat.potentials.comparison.arms import without_entanglers
from qmlmat.potentials.descriptors import Distances, MorseVariables

WATER = ("O", "H", "H")


def _made(arms, seed=0):
    return {arm.name: arm.make(seed) for arm in arms}


def test_the_perceptron_has_as_many_weights_as_the_network():
    """Within ten percent, as an equal number is meant."""
    for n_qubits in (2, 4):
        models = _made(network_arms(MorseVariables(WATER), n_qubits=n_qubits))
        assert models["MLP"].n_weights == pytest.approx(models["QNN"].n_weights, rel=0.1)


def test_one_arm_has_no_entangling_gates_and_one_trains_its_last_layer_alone():
    """Otherwise they are the network."""
    models = _made(network_arms(MorseVariables(WATER)))
    gates = {
        name: [len(gate.wires) for gate in models[name].network.encoded.circuit.gates]
        for name in ("QNN", "QNN without entanglers")
    }
    assert max(gates["QNN"]) == 2
    assert max(gates["QNN without entanglers"]) == 1
    frozen = models["QNN frozen"]
    assert frozen.n_weights == 5  # four expectations and a constant
    assert torch.equal(frozen.network.scales, models["QNN"].network.scales)


def test_every_arm_is_a_model_of_the_same_states_that_knows_no_order_of_equal_atoms():
    """Exchanging the hydrogen atoms of water changes no prediction."""
    rng = np.random.default_rng(0)
    positions = torch.tensor(rng.normal(size=(2, 3, 3)) + np.arange(3)[:, None] * 2.0)
    for name, model in _made(network_arms(Distances(WATER), n_states=2)).items():
        assert model.n_states == 2
        if not name.startswith("GP"):
            swapped = model(positions[:, [0, 2, 1]])
            torch.testing.assert_close(swapped, model(positions), atol=1e-10, rtol=0)


def test_kernel_arms_are_gaussian_processes_with_and_without_entanglers():
    """Six distances have six qubits."""
    models = _made(kernel_arms(MorseVariables(("O", "H", "H", "H"))))
    assert list(models) == ["GP quantum kernel", "GP product kernel", "GP RQ", "GP RBF+RQ"]
    circuits = [models[name].kernel.encoded.circuit for name in list(models)[:2]]
    assert [circuit.n_qubits for circuit in circuits] == [6, 6]
    assert max(len(gate.wires) for gate in circuits[1].gates) == 1


def test_an_encoding_without_entanglers_keeps_its_other_options():
    """Its depth, say."""
    bare = without_entanglers(Encoding("reupload_dense", layers=2))
    assert dict(bare.options) == {"layers": 2, "entangler": "none"}


def test_a_seed_is_a_start():
    """Equal seeds, equal models."""
    arm = network_arms(Distances(WATER))[0]
    one, same, other = arm.make(1), arm.make(1), arm.make(2)
    assert torch.equal(one.network.scales, same.network.scales)
    assert not torch.equal(one.network.scales, other.network.scales)
