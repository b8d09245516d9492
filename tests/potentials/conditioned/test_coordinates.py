"""The coordinate of a swap."""

import math

import pytest
import torch

from qmlmat.errors import InputError
from qmlmat.potentials.conditioned import LogRatio
from qmlmat.potentials.descriptors import Descriptor

H4 = ("H",) * 4


def rectangle(length):
    return torch.tensor(
        [[[0, 0, 0], [0, 0, 1.23], [length, 0, 0], [length, 0, 1.23]]], dtype=torch.float64
    )


def test_both_sides_of_the_swap_have_the_same_distance_from_it():
    """|ln| is what the angles depend on, ln tells the sides apart."""
    features = LogRatio(H4, (0, 2), 1.23)
    near, far = (features(rectangle(1.23 * factor))[0].tolist() for factor in (2.0, 0.5))
    assert near == pytest.approx([math.log(2), math.log(2)])
    assert far == pytest.approx([-math.log(2), math.log(2)])


def test_the_mixing_is_a_right_angle_at_the_swap_and_falls_off_with_its_width():
    """atan(width / |ln|): that of a two-level crossing."""
    features = LogRatio(H4, (0, 2), 1.23, width=0.2)
    assert features(rectangle(1.23))[0, 1].item() == pytest.approx(math.pi / 2)
    place = rectangle(1.23 * math.exp(0.2))
    assert features(place)[0, 1].item() == pytest.approx(math.pi / 4)


def test_derivatives_are_the_central_differences():
    """Away from the cusp; twice, as force training needs."""
    features = LogRatio(H4, (0, 2), 1.23, width=0.2)
    place = rectangle(1.6).requires_grad_()
    assert torch.autograd.gradcheck(features, place)
    assert torch.autograd.gradgradcheck(features, place)


def test_only_permutations_that_keep_the_pair_keep_the_features():
    """Turning the rectangle over exchanges its two sides of that length."""
    features = LogRatio(H4, (0, 2), 1.23)
    assert features.feature_order((2, 3, 0, 1)) == (0, 1)
    assert features.feature_order((1, 0, 2, 3)) is None


def test_it_is_built_again_from_its_configuration():
    features = LogRatio(H4, (0, 2), 1.23, width=0.2)
    again = Descriptor.from_config(features.config())
    assert torch.equal(again(rectangle(0.7)), features(rectangle(0.7)))


@pytest.mark.parametrize(
    ("atoms", "length", "width", "remedy"),
    [
        ((0, 0), 1.0, None, "two different atoms"),
        ((0, 4), 1.0, None, "counted from 0"),
        ((0, 1), -1.0, None, "above 0"),
        ((0, 1), 1.0, 0.0, "above 0"),
    ],
)
def test_no_pair_and_no_length_are_refused(atoms, length, width, remedy):
    with pytest.raises(InputError, match=remedy):
        LogRatio(H4, atoms, length, width=width)
