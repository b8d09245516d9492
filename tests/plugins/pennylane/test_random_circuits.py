"""Two hundred random circuits: states, probabilities, energies and gradients of other devices."""

import jax
import numpy as np
import pennylane as qml
import pytest
import torch
from conserving_tapes import KINDS, ORDERS, random_circuit, random_observable

pytestmark = pytest.mark.filterwarnings(
    "ignore:jax.core:DeprecationWarning"  # PennyLane 0.45 with JAX 0.10
)

EXACT = 1e-10  # float64; energies of order ten
N_CIRCUITS = 200
IN_BLOCKS = 20
"""Circuits of one test."""

NOT_LIGHTNING = ("PCPhase", "OrbitalRotation")
"""Lightning 0.45: adjoint gradients of PCPhase raise, those of OrbitalRotation are zero."""
LIGHTNING = tuple(name for name in KINDS if name not in NOT_LIGHTNING)


@pytest.fixture(autouse=True)
def _jax_in_float64():
    with jax.enable_x64(True):
        yield


def drawn(seed):
    """A circuit, an observable, parameters, a few wires; every fourth circuit has every gate."""
    rng = np.random.default_rng(seed)
    order = ORDERS[seed % 3]
    if seed % 4:
        circuit = random_circuit(seed, order, names=LIGHTNING)
    else:  # fewer wires: for the slow simulator
        n_wires = int(2 * rng.integers(2, 5))
        circuit = random_circuit(seed, order, n_wires=n_wires, names=tuple(KINDS))
    observable = random_observable(seed, circuit.n_wires, order, is_real=bool(seed % 2))
    wires = rng.permutation(circuit.n_wires)[: rng.integers(1, circuit.n_wires)].tolist()
    return circuit, observable, rng.normal(size=circuit.n_params), wires


def energy_of(device, circuit, observable, **keywords):
    """The expectation as a QNode of the parameters."""

    @qml.qnode(device, **keywords)
    def energy(params):
        circuit.queue(params)
        return qml.expval(observable)

    return energy


def states_of(device, circuit, wires):
    """The state, and probabilities of all and of some wires, as a QNode."""

    @qml.qnode(device, diff_method=None)
    def states(params):
        circuit.queue(params)
        return qml.state(), qml.probs(), qml.probs(wires=wires)

    return states


def by_autograd(energy, params):
    """Value and gradient."""
    gradient = qml.grad(energy)
    slope = gradient(qml.numpy.array(params, requires_grad=True))
    return gradient.forward, slope


def by_torch(energy, params):
    """Value and gradient; both are float64 though torch's default is float32."""
    leaf = torch.tensor(params, dtype=torch.float64, requires_grad=True)
    value = energy(leaf)
    assert value.dtype == torch.float64
    value.backward()
    return value.detach(), leaf.grad


def by_jax(energy, params):
    """Value and gradient."""
    return jax.value_and_grad(energy)(jax.numpy.array(params))


def peer(circuit):
    """The device that answers independently."""
    hard = any(gate.name in NOT_LIGHTNING for gate in circuit.gates)
    return qml.device("default.qubit" if hard else "lightning.qubit", wires=circuit.n_wires)


def sector(circuit):
    """Our device."""
    return qml.device("qmlmat.sector", wires=circuit.n_wires, spin_order=circuit.order)


@pytest.mark.filterwarnings("ignore:Output seems independent of input")
@pytest.mark.parametrize("block", range(0, N_CIRCUITS, IN_BLOCKS))
def test_states_probabilities_energies_and_gradients_are_those_of_other_devices(block):
    """All spin orders, 4 to 12 wires; by autograd and torch, an eighth also by JAX."""
    for seed in range(block, block + IN_BLOCKS):
        circuit, observable, params, wires = drawn(seed)
        theirs, ours = peer(circuit), sector(circuit)
        right = states_of(theirs, circuit, wires)(params)
        found = states_of(ours, circuit, wires)(params)
        for one, other in zip(found, right, strict=True):
            assert np.shape(one) == np.shape(other)
            assert np.abs(one - other).max() < EXACT, seed
        value, slope = by_autograd(
            energy_of(theirs, circuit, observable, diff_method="adjoint"), params
        )
        energy = energy_of(ours, circuit, observable)
        interfaces = [by_autograd, by_torch]
        if seed // 3 % 8 == 0:  # JAX takes as long as all others together
            interfaces.append(by_jax)
        for interface in interfaces:
            my_value, my_slope = interface(energy, params)
            assert np.shape(my_value) == ()
            assert abs(float(my_value) - float(value)) < EXACT, (seed, interface)
            assert np.abs(np.asarray(my_slope) - slope).max() < EXACT, (seed, interface)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Output seems independent of input")
@pytest.mark.parametrize("block", range(0, N_CIRCUITS, IN_BLOCKS))
def test_energies_and_gradients_by_jax_are_those_of_other_devices(block):
    """All two hundred."""
    for seed in range(block, block + IN_BLOCKS):
        circuit, observable, params, _ = drawn(seed)
        value, slope = by_autograd(
            energy_of(peer(circuit), circuit, observable, diff_method="adjoint"), params
        )
        my_value, my_slope = by_jax(energy_of(sector(circuit), circuit, observable), params)
        assert abs(float(my_value) - float(value)) < EXACT, seed
        assert np.abs(np.asarray(my_slope) - slope).max() < EXACT, seed
