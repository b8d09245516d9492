"""The relaxed band between two geometries: converged, smooth, and without turning as a whole."""

from itertools import pairwise

import numpy as np
import pytest

from qmlmat.errors import QmlmatWarning
from qmlmat.surfaces import interpolate
from qmlmat.surfaces.paths import idpp
from qmlmat.systems import Molecule
from qmlmat.systems.alignment import laid_onto

HCN = Molecule.from_xyz("H 0 0 -1.066; C 0 0 0; N 0 0 1.153")
HNC = Molecule.from_xyz("H 0 0 2.15; C 0 0 0; N 0 0 1.17")
PEROXIDE = Molecule.from_xyz("O 0 0 0; O 0 0 1.45; H 0.9 0 -0.2; H 0.3 0.85 1.65")
MIRRORED = PEROXIDE.with_positions(PEROXIDE.positions * [1, -1, 1])


def _distances(points):
    apart = [np.linalg.norm(p.positions[:, None] - p.positions, axis=-1) for p in points]
    return np.array(apart)[:, *np.triu_indices(len(points[0].symbols), 1)]


@pytest.mark.parametrize(
    ("ends", "length"), [((HCN, HNC), 2.17), ((PEROXIDE, MIRRORED), 0.915)], ids=["HCN", "HOOH"]
)
def test_the_length_of_the_way_does_not_depend_on_the_number_of_points(ends, length):
    """No image turns as a whole, so the arc length converges."""
    lengths = [interpolate(*ends, n, method="idpp").along()[-1] for n in (9, 17, 33, 65)]
    assert lengths == pytest.approx([length] * 4, rel=0.01)


@pytest.mark.parametrize("n_points", [9, 17, 65])
def test_distances_change_smoothly_on_the_way(n_points):
    """Hydrogen comes steadily nearer to nitrogen; second differences hardly change sign."""
    distances = _distances(interpolate(HCN, HNC, n_points, method="idpp").points)
    assert (np.diff(distances[:, 1]) < 0).all()
    second = np.diff(distances, 2, axis=0)
    curved = np.abs(second) > 0.05 * np.abs(second).max(axis=0)
    turns = (second[1:] * second[:-1] < 0) & curved[1:] & curved[:-1]
    assert (turns.sum(axis=0) <= 2).all()  # alternating ones would turn at every point


def test_the_ends_are_the_given_geometries():
    """Moved as a whole at most, to nine decimals."""
    points = interpolate(HCN, HNC, 33, method="idpp").points
    np.testing.assert_array_equal(points[0].positions, HCN.positions)
    given = _distances([HNC])[0]
    assert _distances(points)[-1] == pytest.approx(given, abs=1e-8)


def test_each_point_is_laid_onto_the_one_before():
    """No rotation of a point would bring it nearer to its neighbour."""
    points = interpolate(PEROXIDE, MIRRORED, 17, method="idpp").points
    for one, other in pairwise(points):
        nearest = laid_onto(one.positions, other.positions)
        assert other.positions == pytest.approx(nearest, abs=1e-8)


def test_two_points_are_the_two_ends():
    """There is nothing to relax."""
    path = interpolate(PEROXIDE, MIRRORED, 2, method="idpp")
    assert path.inputs() == interpolate(PEROXIDE, MIRRORED, 2).inputs()


def test_the_gradient_is_the_central_difference():
    """Of the sum over pairs, at any images."""
    random = np.random.default_rng(1)
    images, wanted = random.normal(size=(2, 4, 3)), 1 + random.random((2, 4, 4))
    others = ~np.eye(4, dtype=bool)
    _, gradient = idpp._misfit(images, (wanted + wanted.swapaxes(1, 2)) / 2, others)
    step = np.zeros_like(images)
    step[1, 2, 0] = 1e-6
    ends = [
        idpp._misfit(images + sign * step, (wanted + wanted.swapaxes(1, 2)) / 2, others)[0]
        for sign in (1, -1)
    ]
    assert gradient[1, 2, 0] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_a_band_that_does_not_converge_is_said_to(monkeypatch):
    """With a remedy."""
    monkeypatch.setattr(idpp, "STEPS", 3)
    with pytest.warns(QmlmatWarning, match=r"not converged in 3 steps.*a geometry in between"):
        interpolate(HCN, HNC, 5, method="idpp")
