"""Features brought to -1 to 1."""

import pytest
import torch
from descriptors import WATER, cloud

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import BehlerParrinello, Distances, Standardise, Symmetrised


def test_training_features_fill_minus_one_to_one():
    """Each touches both ends; the map is linear."""
    features = Distances(WATER)(cloud(3, 20))
    scaled = Standardise(3)
    scaled.prepare(features)
    values = scaled(features)
    ones = torch.ones(3, dtype=torch.float64)
    torch.testing.assert_close(values.amin(0), -ones)
    torch.testing.assert_close(values.amax(0), ones)
    torch.testing.assert_close(scaled(features.mean(0)), values.mean(0))


def test_nothing_changes_before_data_are_seen():
    features = Distances(WATER)(cloud(3))
    assert torch.equal(Standardise(3)(features), features)


def test_features_that_symmetry_keeps_at_zero_are_not_blown_up():
    """The difference of two equal bonds is rounding: it must not become a feature of size 1."""
    x = cloud(3, 10)
    x[:, 1] = torch.tensor([[0.3, 0.7, 0.1]]) * torch.linspace(1, 2, 10)[:, None]
    x[:, 0] = 0.0
    x[:, 2] = x[:, 1] @ torch.tensor([[0.0, 1, 0], [0.6, 0, 0.8], [0.8, 0, -0.6]]).double()
    features = Symmetrised(Distances(WATER))(x)
    scaled = Standardise(3)
    scaled.prepare(features)
    assert scaled(features)[:, 2].abs().max() < 1e-12
    assert scaled.half_range[2] == 1.0


def test_atoms_share_the_ranges_of_their_features():
    descriptor = BehlerParrinello(WATER)
    features = descriptor(cloud(3, 20))
    scaled = Standardise(descriptor.n_features)
    scaled.prepare(features)
    assert scaled(features).shape == features.shape
    assert scaled(features).abs().max() <= 1.0 + 1e-12


def test_what_was_learnt_is_saved():
    """Buffers travel with the weights, and a copy in single precision stays in it."""
    features = Distances(WATER)(cloud(3, 20))
    scaled, again = Standardise(3), Standardise(3)
    scaled.prepare(features)
    again.load_state_dict(scaled.state_dict())
    assert torch.equal(again(features), scaled(features))
    assert again.to(torch.float32)(features.float()).dtype == torch.float32


def test_derivatives_pass_through_and_do_not_reach_the_ranges():
    features = torch.tensor([[1.0], [3.0]], dtype=torch.float64, requires_grad=True)
    scaled = Standardise(1)
    scaled.prepare(features)
    (slope,) = torch.autograd.grad(scaled(features).sum(), features)
    assert slope.flatten().tolist() == [1.0, 1.0]
    assert list(scaled.parameters()) == []


@pytest.mark.parametrize(
    ("features", "remedy"),
    [
        (torch.zeros(4, 2), "Use those of the same descriptor"),
        (torch.zeros(0, 3), "at least one geometry"),
        (torch.full((2, 3), float("nan")), "Remove what is NaN"),
    ],
)
def test_features_without_ranges_are_refused(features, remedy):
    with pytest.raises(InputError, match=remedy):
        Standardise(3).prepare(features)


def test_no_features_are_refused():
    with pytest.raises(InputError, match="Give the descriptor's n_features"):
        Standardise(0)
