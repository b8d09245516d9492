"""Paths through special points: corners, lengths, spins and the tree."""

from dataclasses import replace

import numpy as np
import pytest
from bands import MOS2, PATH

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.provenance import content_hash
from qmlmat.surfaces import Path, k_path

SHEET = qm.graphene()
A = np.linalg.norm(SHEET.cell[0])


def test_special_points_are_points_of_the_path_exactly():
    """To the last bit: a gap that closes at K alone is seen only there."""
    path = k_path(SHEET, n_points=23)
    named = [point for point in path.kpoints if point.label]
    assert [point.label for point in named] == ["G", "K", "M", "G"]
    for point in named:
        assert point.k == tuple(SHEET.special_points[point.label])
    assert len(path) == 23


def test_the_coordinate_is_the_length_along_the_path():
    """Gamma to K is 4 pi / 3a, K to M half of it, M to Gamma 2 pi / (sqrt 3 a)."""
    path = k_path(SHEET, n_points=40)
    ends = [path.along()[i] for i, point in enumerate(path.kpoints) if point.label]
    steps = np.array([4 * np.pi / 3, 2 * np.pi / 3, 2 * np.pi / np.sqrt(3)]) / A
    np.testing.assert_allclose(np.diff(ends), steps, atol=1e-9)
    assert path.axes[0].unit == "1/angstrom"
    assert np.ptp(np.diff(path.along())) < 0.3 * np.diff(path.along()).mean()  # evenly spread


def test_without_a_lattice_constant_lengths_are_in_units_of_it():
    """The LDA table of third neighbours has none."""
    path = k_path(qm.monolayer("MoS2", model="tnn", functional="lda"), "GK", n_points=3)
    assert path.axes[0].unit == "1/a"
    assert path.along()[-1] == pytest.approx(4 * np.pi / 3)


def test_both_spins_are_one_path_and_one_tree():
    """Neighbours of one spin are parents and children; down hangs on up at the root alone."""
    assert PATH.shape == (10, 2)
    assert [axis.name for axis in PATH.axes] == ["k", "spin"]
    assert PATH.kpoints[PATH.root].spin == "up"
    crossing = [
        (index, parent)
        for index, parent in enumerate(PATH.parents)
        if parent is not None and PATH.kpoints[parent].spin != PATH.kpoints[index].spin
    ]
    ((index, parent),) = crossing
    assert parent == PATH.root
    assert PATH.kpoints[index].k == PATH.kpoints[parent].k
    assert {p.spin: s for p, s in zip(PATH.kpoints, PATH.along(1), strict=True)} == {
        "up": 0.5,
        "down": -0.5,
    }


def test_one_spin_can_be_had_alone():
    path = k_path(MOS2, "GK", n_points=4, spin="down")
    assert {point.spin for point in path.kpoints} == {"down"}
    assert path.axes[1].name == "spin"


@pytest.mark.parametrize("path", [PATH, k_path(SHEET, "GM", n_points=5)])
def test_a_path_comes_back_from_its_inputs(path):
    """As a store keeps it: the same points, labels, tree and hash."""
    back = Path.from_inputs(path.inputs())
    assert back.kpoints == path.kpoints
    assert content_hash(back.inputs()) == content_hash(path.inputs())


def test_paths_of_geometries_have_the_hash_they_had():
    """Stores made before there were paths through k go on; the hash is of commit 51fc66e."""
    h2 = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    found = content_hash(qm.stretch(h2, (0, 1), [0.6, 0.75, 0.9]).inputs())
    assert found == "1394c50b78c1f4773edd5d92ca84a02384e45e3856490b0a954c3ad0f6bd65f2"


@pytest.mark.parametrize(
    ("model", "arguments", "remedy"),
    [
        (SHEET, {"path": "GQ"}, "Known: G, K, K1, M, M1"),
        (SHEET, {"path": "G"}, "Name at least two"),
        (SHEET, {"path": ""}, "Name at least two"),
        (SHEET, {"path": "GK,MG"}, "without a break"),
        (SHEET, {"path": "GKKM"}, "Name each point once"),
        (SHEET, {"n_points": 3}, "Use n_points=4 or more"),
        (SHEET, {"spin": "up"}, "Leave spin out"),
        (MOS2, {"spin": "upp"}, 'Did you mean "up"'),
    ],
)
def test_a_path_that_cannot_be_is_refused(model, arguments, remedy):
    """With what to do instead."""
    with pytest.raises(InputError, match=remedy):
        k_path(model, **arguments)


def test_a_model_without_special_points_needs_them():
    """Nothing is guessed from the lattice."""
    bare = replace(SHEET, special_points={}, default_path="")
    with pytest.raises(InputError, match='"G" is no special point of graphene'):
        k_path(bare, "GK")
