"""Sums over atoms: invariances that hold exactly, and far fragments that add."""

import numpy as np
import pytest
import torch

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import InputError
from qmlmat.potentials.additive import AdditivePotential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import BehlerParrinello, Distances, Radial
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.registry import built, described

WATER = ("O", "H", "H")


def waters(n_points=6):
    """Bent molecules with a made-up energy."""
    rng = np.random.default_rng(0)
    frame = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    positions = frame + 0.1 * rng.normal(size=(n_points, 3, 3))
    return SurfaceData(symbols=WATER, positions=positions, energies=rng.normal(size=n_points))


def points(n_points=6):
    """Their positions, as a tensor."""
    return torch.from_numpy(waters(n_points).positions.copy())


def model(kind="circuit", descriptor=None):
    """A prepared model of water at its random start."""
    descriptor = descriptor or BehlerParrinello(WATER, cutoff=4.0)
    networks = {}
    for seed, element in enumerate(("H", "O")):
        if kind == "circuit":
            encoded = Encoding("reupload_dense", layers=1).circuit(2, descriptor.n_features)
            networks[element] = QuantumNetwork(encoded, seed=seed)
        else:
            networks[element] = Perceptron(descriptor.n_features, (3,), seed=seed)
    made = AdditivePotential(descriptor, networks)
    made.prepare(waters())
    return made


@pytest.mark.parametrize("kind", ["circuit", "perceptron"])
def test_energies_know_neither_place_nor_axes_nor_the_order_of_equal_atoms(kind):
    """To 1e-10 hartree; forces turn and change places with the atoms."""
    made, rng = model(kind), np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    positions = points()
    moved = positions[:, [0, 2, 1]] @ torch.from_numpy(turn) + 1.5
    energies, forces = made.energies_and_forces(positions)
    again, turned = made.energies_and_forces(moved)
    torch.testing.assert_close(again, energies, atol=1e-10, rtol=0)
    expected = forces[:, [0, 2, 1]] @ torch.from_numpy(turn)
    torch.testing.assert_close(turned, expected, atol=1e-10, rtol=0)


def test_forces_are_central_differences():
    """To 1e-7 hartree/Å, and they add up to zero."""
    made, step = model(), 1e-5
    position = waters(1).positions[0]
    steps = np.eye(9).reshape(9, 3, 3) * step
    with torch.no_grad():
        up, down = (made(torch.from_numpy(position + s * steps))[:, 0] for s in (1, -1))
    slope = ((up - down) / (2 * step)).reshape(3, 3)
    forces = made.forces(points(1))[0]
    torch.testing.assert_close(forces, -slope, atol=1e-7, rtol=0)
    assert forces.sum(dim=0).abs().max() < 1e-10


def test_far_molecules_add_their_energies():
    """Radial functions alone, so that two waters have the features of one: size consistency."""
    radial = [Radial(width=2.0, centre=1.0), Radial(width=2.0, centre=2.0)]
    one = model(descriptor=BehlerParrinello(WATER, 4.0, radial, angular=[]))
    pair = AdditivePotential(BehlerParrinello(WATER * 2, 4.0, radial, angular=[]), one.networks)
    numbers = {k: v for k, v in one.state_dict().items() if not k.startswith("domain")}
    pair.load_state_dict(numbers, strict=False)
    first, second = points(2)
    both = torch.cat([first, second + torch.tensor([20.0, 0.0, 0.0])])[None]
    with torch.no_grad():
        apart = one(torch.stack([first, second])).sum()
        torch.testing.assert_close(pair(both)[0, 0], apart, atol=1e-12, rtol=0)


def test_atoms_of_an_element_share_a_network():
    """Weights are those of two networks, whatever the number of atoms."""
    made = model("perceptron")
    assert made.n_weights == 2 * (3 * (made.descriptor.n_features + 1) + 4)
    assert made.atom_energies(points()).shape == (6, 3)


def test_a_model_comes_back_from_its_configuration():
    """Numbers travel as state."""
    made = model()
    again = built(described(made))
    again.load_state_dict(made.state_dict())
    positions = points()
    with torch.no_grad():
        assert torch.equal(made(positions), again(positions))


def test_features_of_the_molecule_are_refused():
    """They say nothing of one atom."""
    with pytest.raises(InputError, match="BehlerParrinello"):
        AdditivePotential(Distances(WATER), {"O": Perceptron(3, (2,)), "H": Perceptron(3, (2,))})


def test_an_element_without_a_network_is_refused():
    """Its atoms would add nothing."""
    descriptor = BehlerParrinello(WATER)
    network = Perceptron(descriptor.n_features, (2,))
    with pytest.raises(InputError, match=r"one network for each of \['H', 'O'\]"):
        AdditivePotential(descriptor, {"O": network})


def test_a_network_of_several_outputs_is_refused():
    """An atom adds one number."""
    descriptor = BehlerParrinello(WATER)
    networks = {e: Perceptron(descriptor.n_features, (2,), 2) for e in "OH"}
    with pytest.raises(InputError, match="n_outputs=1"):
        AdditivePotential(descriptor, networks)
