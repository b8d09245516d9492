"""Grids and samples: which points there are, in which order, and where they begin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from qmlmat.errors import GeometryError, InputError
from qmlmat.surfaces import (
    Angle,
    Dihedral,
    Distance,
    asymmetric,
    bend,
    grid,
    line,
    sample,
    stretch,
    symmetric,
    twist,
)
from qmlmat.systems import Molecule

WATER = Molecule.from_xyz("O 0 0 0; H 0.9572 0 0; H -0.2399872 0.9266272 0")
PEROXIDE = Molecule.from_xyz("O 0 0 0; O 0 0 1.45; H 0.9 0 -0.2; H 0.3 0.85 1.65")
STRETCHES = (Distance(0, 1), Distance(0, 2))
BOX = [(Distance(0, 1), 0.8, 1.4), (Angle(1, 0, 2), 80.0, 140.0)]


def test_stretch_bend_and_twist_are_lines():
    """Each is the line of one coordinate."""
    for path, same in (
        (stretch(WATER, (0, 2), [0.9, 1.1]), line(WATER, Distance(0, 2), [1.1, 0.9])),
        (bend(WATER, (1, 0, 2), [90, 100]), line(WATER, Angle(1, 0, 2), [90.0, 100.0])),
        (twist(PEROXIDE, (2, 0, 1, 3), [0, 9]), line(PEROXIDE, Dihedral(2, 0, 1, 3), [0, 9])),
    ):
        assert path.inputs() == same.inputs()


def test_a_line_stretches_the_bond_bit_for_bit():
    """Frozen from stretch() before there were other coordinates (commit 678b240)."""
    molecule = Molecule(("N", "N"), [[0, 0, 0], [0.1, 0.2, 1.0977]])
    point = stretch(molecule, (0, 1), [1.3]).points[0]
    assert point.positions[1].tolist() == [0.1160462086, 0.2320924171, 1.2738392314]


def test_a_grid_of_water_has_every_pair_of_values():
    """Five symmetric times five asymmetric stretches: each point has both values."""
    means, halves = np.linspace(0.9, 1.3, 5), np.linspace(-0.2, 0.2, 5)
    axes = [symmetric(*STRETCHES), asymmetric(*STRETCHES)]
    path = grid(WATER, [(axes[0], means), (axes[1], halves)])
    assert (len(path), path.shape, path.n_axes) == (25, (5, 5), 2)
    assert path.grid_values(0) == pytest.approx(means)
    assert path.grid_values(1) == pytest.approx(halves)
    for point, row in zip(path.points, path.coordinates, strict=True):
        assert [axis.value(point.positions) for axis in axes] == pytest.approx(row, abs=1e-9)
        assert Angle(1, 0, 2).value(point.positions) == pytest.approx(104.52, abs=0.01)
    assert path.coordinates[path.root] == pytest.approx([1.0, 0.0])


def test_exchanging_like_atoms_mirrors_the_grid():
    """Water's two hydrogens are alike: the asymmetric coordinate only changes its sign."""
    path = grid(WATER, [(asymmetric(*STRETCHES), [-0.2, 0.2])])
    first, second = (point.positions for point in path.points)
    distances = [
        [np.linalg.norm(p[i] - p[j]) for i, j in ((0, 1), (0, 2), (1, 2))] for p in (first, second)
    ]
    assert distances[0][:2] == pytest.approx(distances[1][1::-1], abs=1e-9)
    assert distances[0][2] == pytest.approx(distances[1][2], abs=1e-9)


@given(st.permutations([0.9, 1.0, 1.1]), st.permutations([90.0, 100.0]))
def test_the_order_of_the_values_changes_nothing(lengths, angles):
    """A grid is the set of its points."""
    shuffled = grid(WATER, [(Distance(0, 1), lengths), (Angle(1, 0, 2), angles)])
    ascending = grid(WATER, [(Distance(0, 1), sorted(lengths)), (Angle(1, 0, 2), sorted(angles))])
    assert shuffled.inputs() == ascending.inputs()


def test_a_dihedral_is_nearest_the_short_way_round():
    """-175 degrees is nearer to 170 than 90 is."""
    molecule = PEROXIDE.with_positions(twist(PEROXIDE, (2, 0, 1, 3), [-175]).points[0].positions)
    path = twist(molecule, (2, 0, 1, 3), [-90, 90, 170])
    assert path.along()[path.root] == 170


@pytest.mark.parametrize("method", ["sobol", "random"])
def test_a_sample_is_in_its_box_and_the_same_for_the_same_seed(method):
    """Points repeat with the seed, change with it, and have the coordinates they claim."""
    path = sample(WATER, BOX, 12, method=method, seed=3)
    assert path.inputs() == sample(WATER, BOX, 12, method=method, seed=3).inputs()
    assert path.inputs() != sample(WATER, BOX, 12, method=method, seed=4).inputs()
    assert path.shape is None
    for point, row in zip(path.points, path.coordinates, strict=True):
        values = [coordinate.value(point.positions) for coordinate, _, _ in BOX]
        assert values == pytest.approx(row, abs=1e-7)
        assert all(low <= value <= high for value, (_, low, high) in zip(row, BOX, strict=True))


def test_sobol_points_fill_the_box_evenly():
    """Of 16 points one lies in each sixteenth of either axis, and they beat random ones."""
    low, high = np.array([[row[1], row[2]] for row in BOX]).T
    unit, random = (
        (sample(WATER, BOX, 16, method=method).coordinates - low) / (high - low)
        for method in ("sobol", "random")
    )
    for column in unit.T:
        assert sorted((column * 16).astype(int)) == list(range(16))
    assert qmc.discrepancy(unit) < qmc.discrepancy(random)


def test_a_longer_sample_begins_with_the_shorter_one():
    """Points can be added to a Sobol sample within the same power of two."""
    few, many = (sample(WATER, BOX, n_points).coordinates for n_points in (9, 16))
    assert many[:9] == pytest.approx(few)


def test_the_root_of_a_sample_is_the_point_nearest_the_molecule():
    """Axes count by the size of the box, not by their unit."""
    path = sample(WATER, BOX, 20)
    own = [coordinate.value(WATER.positions) for coordinate, _, _ in BOX]
    size = np.array([high - low for _, low, high in BOX])
    assert path.root == np.linalg.norm((path.coordinates - own) / size, axis=1).argmin()
    assert sorted(path.order()) == list(range(20))


def test_a_sample_of_one_point_is_a_path():
    """The smallest sample."""
    assert sample(WATER, BOX, 1).parents == (None,)


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: bend(WATER, (1, 0, 2), [0.0]), "finite angles above 0 and up to 180"),
        (lambda: bend(WATER, (1, 0, 2), [181.0]), "finite angles above 0 and up to 180"),
        (lambda: bend(WATER, (1, 0), [90.0]), "3 different atoms"),
        (lambda: bend(WATER, (1, 0, 3), [90.0]), "the atoms 0 to 2"),
        (lambda: twist(PEROXIDE, (2, 0, 1, 3), [-180, 0, 180]), "Give each dihedral once"),
        (lambda: twist(PEROXIDE, (2, 0, 1, 3), [0.0], root=1), "points 0 to 0"),
        (lambda: line(WATER, symmetric(*STRETCHES), []), "at least one value"),
        (lambda: line(WATER, symmetric(*STRETCHES), [np.nan]), "finite values, in ångström"),
        (lambda: grid(WATER, []), "at least one axis"),
        (lambda: sample(WATER, [], 3), "at least one axis"),
        (lambda: sample(WATER, BOX, 0), "at least 1 point"),
        (lambda: sample(WATER, BOX, 3, method="sobo"), 'Did you mean "sobol"'),
        (lambda: sample(WATER, BOX, 3, seed=-1), "Use 1"),
        (lambda: sample(WATER, [(Distance(0, 1), 1.0, 0.9)], 3), "the lower one first"),
        (lambda: sample(WATER, [(Distance(0, 1), -1.0, 0.9)], 3), "lengths above 0"),
    ],
)
def test_what_is_no_grid_or_sample_is_refused(make, remedy):
    """Each slip is answered with what to give instead."""
    with pytest.raises(InputError, match=remedy):
        make()


def test_overlapping_atoms_are_named_with_their_coordinates():
    """Before anything is computed, and where on the grid."""
    axes = [(symmetric(*STRETCHES), [0.9, 0.2]), (asymmetric(*STRETCHES), [0.1])]
    with pytest.raises(GeometryError, match=r"symmetric\(r\(O0-H1\), r\(O0-H2\)\) = 0.2.*overlap"):
        grid(WATER, axes)
