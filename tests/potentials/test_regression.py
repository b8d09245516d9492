"""Potentials that are a network of a descriptor: laws of nature, training, hybrids."""

import numpy as np
import pytest
import torch

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import InputError
from qmlmat.potentials.base import Loss
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Distances, InternalCoordinates, Symmetrised
from qmlmat.potentials.networks.couplings import FeatureFactor
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.storage import load_potential, save_potential
from qmlmat.potentials.training import Training, fit
from qmlmat.surfaces.paths.internal import Dihedral

WATER = ("O", "H", "H")
LINEAR = {"dtype": torch.float64}


@torch.enable_grad()
def waters(n_points=12, n_states=3):
    """Bent molecules, energies and forces of springs between all atoms, other states above."""
    rng = np.random.default_rng(0)
    frame = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    positions = frame + 0.08 * rng.normal(size=(n_points, 3, 3))
    moving = torch.from_numpy(positions.copy()).requires_grad_()
    lengths = Distances(WATER)(moving)
    energy = 0.3 * (lengths - torch.tensor([0.96, 0.96, 1.5])).square().sum(dim=1)
    (slope,) = torch.autograd.grad(energy.sum(), moving)
    energies = energy.detach().numpy()[:, None] + 0.2 * np.arange(n_states)
    return SurfaceData(symbols=WATER, positions=positions, energies=energies, forces=-slope.numpy())


def circuit(n_outputs=1, n_features=3):
    """A small circuit at its random start."""
    encoded = Encoding("reupload_dense", layers=1).circuit(2, n_features)
    return QuantumNetwork(encoded, n_outputs, readout="z_zz", seed=2)


def hybrids():
    """Classical layers before a circuit, and behind it."""
    return {
        "before": torch.nn.Sequential(
            torch.nn.Linear(3, 2, **LINEAR), torch.nn.Tanh(), circuit(n_features=2)
        ),
        "behind": torch.nn.Sequential(circuit(2), torch.nn.Linear(2, 1, **LINEAR)),
    }


def model(network, n_states=1):
    """A prepared model of water."""
    made = NetworkPotential(Symmetrised(Distances(WATER)), network, n_states=n_states)
    made.prepare(waters())
    return made


def points(n_points=12):
    """Positions, as a tensor."""
    return torch.from_numpy(waters(n_points).positions.copy())


@pytest.mark.parametrize("n_states", [1, 2])
def test_energies_know_neither_place_nor_axes_nor_the_order_of_equal_atoms(n_states):
    """To 1e-10 hartree, reflections included; forces turn and change places with the atoms."""
    made = model(circuit(n_states * (n_states + 1) // 2), n_states)
    turn = torch.from_numpy(np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0])
    energies, forces = made.energies_and_forces(points())
    again, turned = made.energies_and_forces(points()[:, [0, 2, 1]] @ turn + 1.5)
    torch.testing.assert_close(again, energies, atol=1e-10, rtol=0)
    torch.testing.assert_close(turned, forces[:, [0, 2, 1]] @ turn, atol=1e-10, rtol=0)


@pytest.mark.parametrize("state", [0, 1])
def test_forces_are_central_differences(state):
    """To 1e-7 hartree/Å, in either state of a diabatic model; they add up to zero."""
    made, step = model(circuit(3), 2), 1e-5
    steps = torch.eye(9, dtype=torch.float64).reshape(9, 3, 3) * step
    with torch.no_grad():
        up, down = (made(points(1) + sign * steps)[:, state] for sign in (1, -1))
    slope = ((up - down) / (2 * step)).reshape(3, 3)
    forces = made.forces(points(1), state=state)[0]
    torch.testing.assert_close(forces, -slope, atol=1e-7, rtol=0)
    assert forces.sum(dim=0).abs().max() < 1e-10


@pytest.mark.parametrize("n_states", [1, 2])
def test_the_loss_of_forces_has_the_slope_of_differences_by_every_weight(n_states):
    """Mixed second derivatives, through the circuit and the eigenvalues."""
    made = model(circuit(n_states * (n_states + 1) // 2), n_states)
    objective = made.objective(waters(4), Loss(force_weight=2.0))
    weights = list(made.parameters())
    slopes = torch.autograd.grad(objective(), weights)
    rng, step = np.random.default_rng(3), 1e-5
    for weight, slope in zip(weights, slopes, strict=True):
        direction = torch.from_numpy(rng.normal(size=tuple(weight.shape)))
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weight.add_(sign * step * direction)
            values.append(objective().item())
            with torch.no_grad():
                weight.sub_(sign * step * direction)
        expected = (values[0] - values[1]) / (2 * step)
        assert float((slope * direction).sum()) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_states_come_in_the_order_of_energy():
    """Whatever the weights: eigenvalues ascend."""
    energies = model(circuit(6), 3)(points()).detach()
    assert (energies.diff(dim=1) >= 0).all()


def test_a_coupling_that_is_odd_under_a_mirror_leaves_energies_even():
    """Peroxide's dihedral and its negative: the sine part turns its sign, energies do not."""
    symbols = ("H", "O", "O", "H")
    factor = FeatureFactor(InternalCoordinates(symbols, [Dihedral(0, 1, 2, 3)]), 1)
    network = Perceptron(6, (4,), 3, seed=0)
    made = NetworkPotential(Distances(symbols), network, n_states=2, coupling=factor)
    position = np.array([[[0.3, 0.9, 0.5], [0, 0, 0], [1.4, 0, 0], [1.6, 0.9, -0.4]]])
    one, other = (torch.from_numpy(position * [1.0, 1.0, sign]) for sign in (1, -1))
    with torch.no_grad():
        torch.testing.assert_close(made(one), made(other), atol=1e-12, rtol=0)
        coupled, mirrored = made.matrices(one)[0, 0, 1], made.matrices(other)[0, 0, 1]
    assert float(coupled) == pytest.approx(-float(mirrored))
    assert abs(float(coupled)) > 1e-3


@pytest.mark.parametrize("place", ["before", "behind"])
def test_classical_layers_and_a_circuit_are_trained_and_stored_together(place, tmp_path):
    """The loss falls by half at least, weights of every part move, and energies come back."""
    made = NetworkPotential(Symmetrised(Distances(WATER)), hybrids()[place])
    start = [p.detach().clone() for p in made.parameters()]
    training = Training(n_adam=5, n_lbfgs=15, validation_fraction=0.0)
    found = fit(made, waters(), training=training)
    assert found.best.loss < 0.5 * found.history[0].loss
    assert all(not torch.equal(a, b) for a, b in zip(start, made.parameters(), strict=True))
    save_potential(made, tmp_path / "hybrid")
    again = load_potential(tmp_path / "hybrid")
    with torch.no_grad():
        assert torch.equal(again(points()), made(points()))


def test_a_frozen_circuit_trains_its_linear_layer_alone():
    """A quantum extreme learning machine: as many weights as expectations, and a constant."""
    network = QuantumNetwork(Encoding("reupload_dense", layers=1).circuit(2, 3), frozen=True)
    made = NetworkPotential(Symmetrised(Distances(WATER)), network)
    angles = network.bias.detach().clone()
    fit(made, waters(), training=Training(n_adam=2, n_lbfgs=2, validation_fraction=0.0))
    assert made.n_weights == 3
    assert torch.equal(network.bias, angles)


def test_a_network_with_too_few_outputs_is_refused():
    """Two states need three entries of a symmetric matrix."""
    with pytest.raises(InputError, match="n_outputs=3"):
        NetworkPotential(Distances(WATER), circuit(2), n_states=2)


def test_forces_that_the_data_do_not_have_are_refused():
    """They would be zero otherwise."""
    made = model(circuit())
    data = waters()
    bare = SurfaceData(symbols=WATER, positions=data.positions, energies=data.energies)
    with pytest.raises(InputError, match="forces=True"):
        made.objective(bare, Loss(force_weight=1.0))
