"""Chosen internal coordinates as features."""

import numpy as np
import pytest
import torch
from descriptors import PEROXIDE, PEROXIDE_SET, WATER, cloud

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import InternalCoordinates
from qmlmat.surfaces import Angle, Dihedral, Distance, symmetric


def test_features_are_functions_of_the_coordinates_values():
    """Length, cosine of the angle, and the dihedral's parts times the sines of its two angles."""
    x = cloud(4, 5)
    rows = []
    for one in x.numpy():
        dihedral, first, left, middle, right, last = (c.value(one) for c in PEROXIDE_SET)
        sines = np.sin(np.radians(left)) * np.sin(np.radians(right))
        turn = np.radians(dihedral)
        rows.append([
            sines * np.cos(turn), sines * np.sin(turn), first, np.cos(np.radians(left)), middle,
            np.cos(np.radians(right)), last,
        ])  # fmt: skip
    descriptor = InternalCoordinates(PEROXIDE, PEROXIDE_SET)
    np.testing.assert_allclose(descriptor(x).numpy(), np.array(rows), atol=1e-12)
    assert descriptor.names[:4] == (
        "ss cos d(H0-O1-O2-H3)", "ss sin d(H0-O1-O2-H3)", "r(H0-O1)", "cos a(H0-O1-O2)"
    )  # fmt: skip


def test_only_the_sine_of_a_dihedral_knows_left_from_right():
    """Reflection changes its sign and no other feature."""
    x = cloud(4)
    descriptor = InternalCoordinates(PEROXIDE, PEROXIDE_SET)
    mirror = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
    signs = torch.tensor([1.0, -1, 1, 1, 1, 1, 1], dtype=torch.float64)
    torch.testing.assert_close(descriptor(x * mirror), descriptor(x) * signs)


def test_a_straight_angle_has_no_kink():
    """The cosine bends like a parabola when water is straightened, to either side alike."""
    descriptor = InternalCoordinates(WATER, [Angle(1, 0, 2)])
    x = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [-1, 0, 0]]], dtype=torch.float64)
    (slope,) = torch.autograd.grad(descriptor(x.requires_grad_()).sum(), x)
    assert slope.abs().max() < 1e-12
    sideways = torch.zeros_like(x)
    sideways[0, 0, 1] = 1e-3
    left, right = descriptor(x - sideways).detach(), descriptor(x + sideways).detach()
    torch.testing.assert_close(left, right)
    assert float(left) == pytest.approx(-1 + 2e-6, abs=1e-10)


@pytest.mark.parametrize(
    ("coordinates", "remedy"),
    [
        ([], "Give Distance, Angle and Dihedral"),
        ([Distance(0, 1), Distance(1, 0)], "each once"),
        ([Angle(1, 0, 2), Angle(2, 0, 1)], "each once"),
        ([symmetric(Distance(0, 1), Distance(0, 2))], "Give Distance, Angle and Dihedral"),
        ([Distance(0, 3)], "Count its 3 atoms from 0 to 2"),
        ([Dihedral(0, 1, 2, 3)], "Count its 3 atoms from 0 to 2"),
    ],
)
def test_coordinates_that_cannot_be_read_are_refused(coordinates, remedy):
    with pytest.raises(InputError, match=remedy):
        InternalCoordinates(WATER, coordinates)
