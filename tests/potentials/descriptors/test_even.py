"""Odd features squared: even under mirrors and exchanges that turn their signs."""

import numpy as np
import pytest
import torch

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import BehlerParrinello, Descriptor, Even, InternalCoordinates
from qmlmat.surfaces.paths.internal import Angle, Dihedral

IMINE = ("N", "C", "H", "H", "H")
COORDINATES = [Angle(4, 0, 1), Dihedral(4, 0, 1, 2)]


def geometry():
    """Formaldimine with its CH2 group planar and the other hydrogen anywhere."""
    return torch.tensor(
        [[[0.0, 0, 0], [1.5, 0, 0], [2.0, 0.94, 0], [2.0, -0.94, 0], [-0.6, 0.2, -0.76]]],
        dtype=torch.float64,
    )


def test_a_mirror_and_an_exchange_leave_all_features():
    """The two hydrogens of CH2 change places; then the molecule is reflected and turned."""
    even = Even(InternalCoordinates(IMINE, COORDINATES), odd=[1, 2])
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    expected = even(geometry())
    torch.testing.assert_close(even(geometry()[:, [0, 1, 3, 2, 4]]), expected, atol=1e-12, rtol=0)
    moved = geometry() @ torch.from_numpy(-turn) + 0.7
    torch.testing.assert_close(even(moved), expected, atol=1e-12, rtol=0)


def test_features_can_be_differentiated_twice():
    """What training on forces needs."""
    even = Even(InternalCoordinates(IMINE, COORDINATES), odd=[1, 2])
    assert torch.autograd.gradcheck(even, (geometry().requires_grad_(),))
    assert torch.autograd.gradgradcheck(even, (geometry().requires_grad_(),))


def test_a_descriptor_comes_back_from_its_configuration():
    """With its name and what is odd."""
    even = Even(InternalCoordinates(IMINE, COORDINATES), odd=[1])
    again = Descriptor.from_config(even.config())
    assert again.names == even.names
    assert torch.equal(again(geometry()), even(geometry()))


def test_features_that_are_not_there_are_refused():
    """Numbers from 0; not of single atoms."""
    with pytest.raises(InputError, match="numbers from 0 to 2"):
        Even(InternalCoordinates(IMINE, COORDINATES), odd=[3])
    with pytest.raises(InputError, match="of each atom"):
        Even(BehlerParrinello(IMINE), odd=[0])
