"""Laying one geometry onto another: against SciPy, and what no fit can decide."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from qmlmat.systems.alignment import laid_onto, turn_onto

SHAPE = np.random.default_rng(3).normal(size=(5, 3))
MIRROR = np.diag([1.0, 1.0, -1.0])


def test_a_turned_geometry_is_laid_back():
    """A shift and a rotation of the whole are undone."""
    turn = Rotation.from_rotvec([0.4, -1.1, 0.7]).as_matrix()
    np.testing.assert_allclose(laid_onto(SHAPE, SHAPE @ turn.T + 3.0), SHAPE, atol=1e-7)


def test_the_rotation_is_scipys():
    """Of two different shapes, too, the sum of squared distances is least."""
    other = SHAPE + 0.2 * np.random.default_rng(4).normal(size=SHAPE.shape)
    centred = [x - x.mean(axis=0) for x in (SHAPE, other)]
    expected = Rotation.align_vectors(*centred)[0].as_matrix()
    np.testing.assert_allclose(turn_onto(SHAPE, other), expected, atol=1e-7)


def test_a_mirror_image_is_turned_and_not_reflected():
    """Its determinant is +1."""
    assert np.linalg.det(turn_onto(SHAPE, SHAPE @ MIRROR)) == pytest.approx(1.0)


@pytest.mark.parametrize("n_atoms", [1, 3])
def test_what_nothing_decides_is_not_turned(n_atoms):
    """A single atom, or atoms on a line, keep their orientation about it."""
    line = np.outer(np.arange(n_atoms), [0.0, 0.0, 1.1])
    np.testing.assert_allclose(turn_onto(1.2 * line, line), np.eye(3), atol=1e-7)
