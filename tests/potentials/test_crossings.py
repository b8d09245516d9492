"""Conical intersections of models: found where they are, and the sign they leave."""

import numpy as np
import pytest
import torch

from qmlmat.errors import InputError
from qmlmat.potentials.crossings import berry_sign, locate_intersection
from qmlmat.potentials.descriptors import Distances
from qmlmat.potentials.networks.couplings import FeatureFactor
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.registry import built, described
from qmlmat.potentials.regression import NetworkPotential

CROSSING = (1.3, 0.9)
"""Bond lengths of a chain of atoms where the linear model below has its intersection (Å)."""


class Cone(torch.nn.Module):
    """``W = ((x, y), (y, -x))`` of two distances about the crossing: a cone in closed form."""

    def forward(self, features):
        x, y = (features[:, k] - CROSSING[k] for k in (0, 1))
        return torch.stack([x, -x, y], dim=1)


def geometry(values):
    """A bent chain with the two bond lengths."""
    return np.array([[values[0], 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, values[1], 0.0]])


class Bonds(Distances):
    """The two bonds of the chain alone."""

    @property
    def names(self):
        return super().names[:2]

    def features(self, positions):
        return super().features(positions)[:, [0, 2]]


def cone():
    """The model, its features as they are."""
    return NetworkPotential(Bonds(("H", "O", "F")), Cone(), n_states=2)


def circle(centre, radius, n_points=24):
    """Geometries around a circle of the two lengths."""
    turns = np.linspace(0, 2 * np.pi, n_points, endpoint=False)
    around = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return np.array([geometry(centre + radius * turn) for turn in around])


def test_an_intersection_is_found_where_the_cone_has_its_tip():
    """In closed form, to a thousandth of a millihartree and 1e-5 Å."""
    found = locate_intersection(cone(), geometry, [(0.8, 2.0), (0.7, 1.6)])
    np.testing.assert_allclose(found.coordinates, CROSSING, atol=1e-5)
    assert found.gap < 1e-6


@pytest.mark.parametrize("state", [0, 1])
def test_a_loop_around_the_tip_turns_the_sign_of_either_state(state):
    """Longuet-Higgins' theorem; a loop beside the tip leaves the sign."""
    assert berry_sign(cone(), circle(CROSSING, 0.2), state=state) == -1
    assert berry_sign(cone(), circle((1.6, 0.9), 0.2), state=state) == 1


def test_energies_follow_smooth_entries_across_the_tip():
    """Adiabatic energies have a kink there, the matrix has none."""
    model = cone()
    lengths = CROSSING[0] + np.linspace(-0.1, 0.1, 21)
    line = torch.from_numpy(np.array([geometry((x, CROSSING[1])) for x in lengths]))
    bend = model.matrices(line)[:, 0, 0].diff(n=2).abs().max()
    kink = model.energies(line)[:, 0].diff(n=2).abs().max()
    assert bend < 1e-12
    assert kink > 0.01
    assert (model.energies(line).diff(dim=1) >= 0).all()


def test_a_loop_of_too_few_points_is_refused():
    """Neighbouring states would hardly overlap."""
    with pytest.raises(InputError, match="Use more points"):
        berry_sign(cone(), circle(CROSSING, 0.2, n_points=4))


def test_states_that_the_model_does_not_have_are_refused():
    """Two of one state, no intersection."""
    model = NetworkPotential(Distances(("H", "O", "F")), Perceptron(3, (2,)))
    with pytest.raises(InputError, match="has 1 states"):
        locate_intersection(model, geometry, [(0.8, 2.0)])
    with pytest.raises(InputError, match="one of several"):
        berry_sign(model, circle(CROSSING, 0.2))


def test_a_factor_is_a_feature_and_comes_back_from_its_configuration():
    """Distances of the chain, the last of three."""
    factor = FeatureFactor(Distances(("H", "O", "F")), 2)
    again = built(described(factor))
    positions = torch.from_numpy(circle(CROSSING, 0.2, 3))
    assert torch.equal(factor(positions), factor.descriptor(positions)[:, 2])
    assert torch.equal(factor(positions), again(positions))


def test_a_factor_without_a_feature_is_refused():
    """Counted from zero."""
    with pytest.raises(InputError, match="has 3 features"):
        FeatureFactor(Distances(("H", "O", "F")), 3)
