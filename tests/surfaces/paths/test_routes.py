"""Routes: from one geometry to another, through frames, along a vibration."""

import subprocess
import sys

import ase.io
import numpy as np
import pytest
from ase import Atoms
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from qmlmat.errors import GeometryError, InputError
from qmlmat.surfaces import Geometry, displace, frames, interpolate, stretch
from qmlmat.systems import Molecule, normal_modes

WATER = Molecule.from_xyz("O 0 0 0; H 0.9572 0 0; H -0.2399872 0.9266272 0")
WIDE = Molecule.from_xyz("O 0 0 0; H 1.1 0 0; H -0.5 1.0 0")
HCN = Molecule.from_xyz("H 0 0 -1.066; C 0 0 0; N 0 0 1.153")
HNC = Molecule.from_xyz("H 0 0 2.15; C 0 0 0; N 0 0 1.17")
# at the minimum of Hartree-Fock/STO-3G: no warning
HYDROGEN = Molecule.from_xyz("H 0 0 0; H 0 0 0.712")
XYZ = "2\n\nH 0 0 0\nH 0 0 0.7\n2\n\nH 0 0 0\nH 0 0 0.9\n"


def _distances(positions):
    return np.linalg.norm(positions[:, None] - positions[None, :], axis=-1)


@given(st.integers(0, 99), st.integers(2, 7))
def test_where_the_end_lies_in_space_changes_nothing(seed, n_points):
    """The end is laid onto the start: a rigid motion of it gives the same path."""
    turned = Rotation.random(random_state=seed).apply(WIDE.positions.copy()) + np.array(
        [3.0, -1.0, 2.0]
    )
    path = interpolate(WATER, WIDE, n_points)
    again = interpolate(WATER, WIDE.with_positions(turned), n_points)
    assert again.coordinates == pytest.approx(path.coordinates, abs=1e-8)
    for one, other in zip(path.points, again.points, strict=True):
        assert one.positions == pytest.approx(other.positions, abs=1e-8)


def test_a_mirror_image_is_another_geometry():
    """The end is rotated onto the start and never reflected."""
    chiral = Molecule.from_xyz("O 0 0 0; O 0 0 1.45; H 0.9 0 -0.2; H 0.3 0.85 1.65")
    mirrored = chiral.with_positions(chiral.positions * [1, -1, 1])
    assert interpolate(chiral, mirrored, 2).along()[1] > 0.5
    with pytest.raises(GeometryError, match="the same geometry"):
        interpolate(chiral, chiral.with_positions(chiral.positions * [-1, -1, 1]), 3)


@pytest.mark.parametrize("method", ["linear", "idpp"])
def test_both_ends_are_on_the_way_and_the_coordinate_is_its_length(method):
    """Distances at the ends are those given; steps add up to the arc length."""
    path = interpolate(WATER, WIDE, 5, method=method)
    assert _distances(path.points[0].positions) == pytest.approx(_distances(WATER.positions))
    assert _distances(path.points[-1].positions) == pytest.approx(_distances(WIDE.positions))
    steps = [
        np.linalg.norm(b.positions - a.positions)
        for a, b in zip(path.points, path.points[1:], strict=False)
    ]
    assert path.along() == pytest.approx(np.cumsum([0.0, *steps]), abs=1e-9)
    assert (path.name, path.axes[0].unit, path.parents) == (
        "arc length",
        "angstrom",
        (None, 0, 1, 2, 3),
    )


def test_idpp_leads_atoms_round_each_other_where_the_straight_way_collides():
    """Hydrogen cyanide to isocyanide: on the line the atoms collide, off it they do not."""
    with pytest.raises(GeometryError, match=r'overlap.*Use method="idpp"'):
        interpolate(HCN, HNC, 7)
    path = interpolate(HCN, HNC, 7, method="idpp")
    nearest = min(_distances(p.positions)[np.triu_indices(3, 1)].min() for p in path.points)
    assert nearest > 0.9
    assert interpolate(HCN, HNC, 7, method="idpp").inputs() == path.inputs()


def test_a_way_can_begin_anywhere():
    """Each point starts from its neighbour on the side of the root."""
    assert interpolate(WATER, WIDE, 4, root=2).parents == (1, 2, None, 2)


@pytest.mark.parametrize("suffix", ["xyz", "traj"])
def test_frames_come_back_from_a_file(tmp_path, suffix):
    """What ASE wrote is read back: the same atoms, in the same order, to the file's digits."""
    path = stretch(WATER, (0, 1), [0.9, 1.0, 1.1])
    file = tmp_path / f"all.{suffix}"
    ase.io.write(file, [Atoms(p.symbols, positions=p.positions) for p in path.points])
    for source in (file, str(file)):
        again = frames(source, molecule=WATER)
        for one, other in zip(path.points, again.points, strict=True):
            assert other.symbols == one.symbols
            assert other.positions == pytest.approx(one.positions, abs=1e-8)
    assert again.along().tolist() == [0, 1, 2]
    assert (again.axes[0].name, again.axes[0].unit) == ("frame", "")
    assert again.parents == (None, 0, 1)


def test_frames_can_be_objects_or_text():
    """Atoms, geometries, molecules and the text of a file are the same to it."""
    atoms = [Atoms("H2", [[0, 0, 0], [0, 0, r]]) for r in (0.7, 0.9)]
    geometries = [Geometry(("H", "H"), a.positions) for a in atoms]
    paths = [
        frames(source) for source in (XYZ, atoms, geometries, [Molecule.from_ase(a) for a in atoms])
    ]
    assert all(path.inputs() == paths[0].inputs() for path in paths)


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ([], "at least one geometry"),
        ("nonsense\nhere\n", "the frames cannot be read"),
        ("3\n\nH 0 0 0\nH 0 0 0.7\n", "the frames cannot be read"),
        ("missing.xyz", "there is no such file"),
        (XYZ + "1\n\nH 0 0 0\n", "frame 2 has the atoms H, and frame 0 has H H"),
        (XYZ + XYZ, "points 0 and 2 are the same"),
        (XYZ.replace("0.9", "0.1"), "frame 1: atoms 0 .H. and 1 .H. are 0.100 Å apart"),
        ([Atoms("H2", [[0, 0, 0], [0, 0, 1]], cell=[5, 5, 5], pbc=True)], "atoms.pbc = False"),
    ],
)
def test_what_are_no_frames_is_refused(source, remedy):
    """Missing, broken, mixed, repeated, overlapping or periodic frames."""
    with pytest.raises(InputError, match=remedy):
        frames(source)


def test_frames_of_another_molecule_are_refused():
    """Their atoms are compared with the molecule's."""
    with pytest.raises(GeometryError, match="the molecule has O H H"):
        frames(XYZ, molecule=WATER)


def test_a_vibration_of_a_diatomic_is_its_stretch():
    """Both atoms move by 1/sqrt(2) of the amount, away from each other."""
    path = displace(HYDROGEN, 0, [0.1, -0.1, 0.0])
    found = [point.distance(0, 1) for point in path.points]
    assert found == pytest.approx(0.712 + np.sqrt(2) * np.array([-0.1, 0, 0.1])) or (
        found == pytest.approx(0.712 - np.sqrt(2) * np.array([-0.1, 0, 0.1]))
    )
    assert (path.name, path.root, path.parents) == ("mode 0", 1, (1, None, 1))


def test_a_mode_by_index_is_the_mode_by_its_vector():
    """The index names a row of normal_modes, to the six decimals that are kept."""
    with pytest.warns(UserWarning, match="gradient"):
        by_index = displace(WATER, 1, [-0.1, 0.1])
    with pytest.warns(UserWarning, match="gradient"):
        vector = normal_modes(WATER).modes[1]
    by_vector = displace(WATER, 5.0 * vector, [-0.1, 0.1])
    assert by_vector.name == "displacement"
    for one, other in zip(by_index.points, by_vector.points, strict=True):
        assert one.positions == pytest.approx(other.positions, abs=1e-6)


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: interpolate(WATER, HCN, 3), "the same atoms in the same order"),
        (lambda: interpolate(WATER, WIDE, 1), "at least 2"),
        (lambda: interpolate(WATER, WIDE, 3, method="idp"), 'Did you mean "idpp"'),
        (lambda: interpolate(WATER, WIDE, 3, root=3), "points 0 to 2"),
        (lambda: displace(HYDROGEN, 1, [0.1]), "the modes 0 to 0"),
        (lambda: displace(HYDROGEN, np.zeros((2, 3)), [0.1]), "not all 0"),
        (lambda: displace(HYDROGEN, np.ones(3), [0.1]), r"the shape \(2, 3\)"),
        (lambda: displace(HYDROGEN, np.eye(2, 3), []), "at least one finite displacement"),
        (lambda: displace(HYDROGEN, [[0, 0, 1], [0, 0, 0]], [0.6]), "= 0.6 Å.*overlap"),
    ],
)
def test_what_is_no_route_is_refused(make, remedy):
    """Each slip is answered with what to give instead."""
    with pytest.raises(InputError, match=remedy):
        make()


def test_ase_is_loaded_only_where_it_is_used():
    """Paths along internal coordinates do not need it."""
    script = (
        "import sys\n"
        "from qmlmat.surfaces import Geometry, interpolate, stretch\n"
        "from qmlmat.systems import Molecule\n"
        "stretch(Molecule.from_xyz('H 0 0 0; H 0 0 0.7'), (0, 1), [0.7])\n"
        "print('ase' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"]
