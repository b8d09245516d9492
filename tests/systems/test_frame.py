"""The axes a molecule carries: the same from every side, for any symmetry."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from qmlmat.systems.frame import Moments, molecular_frame, nuclear_frame

SAME = 1e-9
"""Coordinates of a few bohr, turned in float64."""

lattice = st.tuples(*[st.integers(-2, 2)] * 3)
atoms = st.lists(st.tuples(st.sampled_from([1, 6]), lattice), min_size=1, max_size=7)


def moments_of(charges, positions):
    """Moments of a density that follows the nuclei, a little smeared out."""
    second = np.einsum("a,ai,aj->ij", charges, positions, positions) + np.eye(3) * charges.sum()
    return Moments(n_electrons=charges.sum(), first=charges @ positions, second=second)


def frame_of(charges, positions):
    return molecular_frame(charges, positions, moments_of(charges, positions))


@given(atoms=atoms, seed=st.integers(0, 1000))
def test_frame_is_carried_by_the_molecule(atoms, seed):
    """Turned, shifted, renumbered or mirrored: coordinates in the own frame do not change.

    Lattice points make many symmetric molecules, where several choices of axes tie.
    """
    sites = {site: charge for charge, site in atoms}
    charges = np.array(list(sites.values()), dtype=float)
    positions = 1.7 * np.array(list(sites), dtype=float)
    frame = frame_of(charges, positions)
    np.testing.assert_allclose(frame.axes @ frame.axes.T, np.eye(3), atol=SAME)
    rng = np.random.default_rng(seed)
    turn = Rotation.random(rng=rng).as_matrix() * rng.choice([-1, 1])
    order = rng.permutation(len(charges))
    other = frame_of(charges[order], (positions @ turn.T + rng.normal(size=3))[order])
    np.testing.assert_allclose(other.atoms, frame.atoms, atol=SAME)


@given(atoms=atoms, seed=st.integers(0, 1000))
def test_nuclei_alone_fix_the_same_coordinates_in_every_pose(atoms, seed):
    """Turned, renumbered or mirrored: one list of coordinates, and as many equivalent axes."""
    sites = {site: charge for charge, site in atoms}
    charges = np.array(list(sites.values()), dtype=float)
    positions = 1.7 * np.array(list(sites), dtype=float)
    frame = nuclear_frame(charges, positions)
    for axes, order in zip(frame.axes, frame.orders, strict=True):
        seen = (positions - frame.origin)[order] @ axes.T
        np.testing.assert_allclose(seen, frame.atoms, atol=SAME)
        np.testing.assert_array_equal(charges[order], charges[frame.orders[0]])
    rng = np.random.default_rng(seed)
    turn = Rotation.random(rng=rng).as_matrix() * rng.choice([-1, 1])
    order = rng.permutation(len(charges))
    other = nuclear_frame(charges[order], (positions @ turn.T + rng.normal(size=3))[order])
    np.testing.assert_allclose(other.atoms, frame.atoms, atol=SAME)
    assert len(other.axes) == len(frame.axes)


def test_places_and_atoms_use_the_same_coordinates():
    """The frame's coordinates of the nuclei lead back to the nuclei."""
    charges, positions = np.array([8.0, 1, 1]), np.array([[0, 0, 0], [1, 1, 0], [-1, 1, 0.5]])
    frame = frame_of(charges, positions)
    back = frame.place(frame.atoms)
    distances = np.linalg.norm(back[:, None] - positions[None], axis=2)
    assert distances.min(axis=1).max() < SAME


def test_density_orients_what_the_nuclei_leave_open():
    """Atoms and linear molecules take the missing axes from the density's extent."""
    turn = Rotation.random(rng=np.random.default_rng(4)).as_matrix()
    second = turn @ np.diag([1.0, 2.0, 4.0]) @ turn.T
    moments = Moments(n_electrons=1.0, first=np.zeros(3), second=second)
    atom = molecular_frame(np.array([8.0]), np.zeros((1, 3)), moments)
    np.testing.assert_allclose(np.abs(atom.axes @ turn), np.eye(3)[[1, 0, 2]], atol=1e-9)
    along = np.outer([-1, 1], turn[:, 0])
    linear = molecular_frame(np.array([7.0, 7.0]), along, moments)
    np.testing.assert_allclose(np.abs(linear.axes @ turn), np.eye(3)[[2, 1, 0]], atol=1e-9)
