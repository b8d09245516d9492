"""Internal coordinates: their values, and setting them without touching anything else."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from qmlmat.errors import GeometryError, InputError
from qmlmat.surfaces import Angle, Combination, Dihedral, Distance, asymmetric, place, symmetric
from qmlmat.surfaces.paths.bonds import bonded_pairs, moving_fragment
from qmlmat.surfaces.paths.combination import difference
from qmlmat.systems import Molecule

WATER = Molecule.from_xyz("O 0 0 0; H 0.9572 0 0; H -0.2399872 0.9266272 0")
METHANOL = Molecule.from_xyz(
    "C 0 0 0; O 0 0 1.43; H 0 0.9 1.7; H 1.03 0 -0.36; H -0.51 0.89 -0.36; H -0.51 -0.89 -0.36"
)
PEROXIDE = Molecule.from_xyz("O 0 0 0; O 0 0 1.45; H 0.9 0 -0.2; H 0.3 0.85 1.65")
CO2 = Molecule.from_xyz("C 0 0 0; O 0 0 1.16; O 0 0 -1.16")
RING = Molecule.from_xyz("H 0 0 0; H 0.7 0 0; H 0.35 0.61 0", spin=1)
STRETCHES = (Distance(0, 1), Distance(0, 2))
READ_BACK = 1e-7  # positions keep ten decimals: 1e-10 Å at a lever of 0.1 Å, in degrees

clouds = st.lists(
    st.tuples(*[st.floats(-3, 3).map(lambda x: round(x, 3))] * 3), min_size=4, max_size=4
)
lengths = st.floats(0.8, 3.0)


def _is_bulky(cloud) -> bool:
    """No three neighbours are on a line."""
    sides = np.diff(np.array(cloud), axis=0)
    return min(np.linalg.norm(np.cross(sides[k], sides[k + 1])) for k in (0, 1)) > 1e-2


@given(clouds.filter(_is_bulky))
def test_values_agree_with_ase(cloud):
    """An independent program reads the same distances, angles and signed dihedrals."""
    atoms = Atoms("H4", positions=cloud)
    positions = np.array(cloud)
    assert Distance(0, 3).value(positions) == pytest.approx(atoms.get_distance(0, 3))
    assert Angle(0, 1, 2).value(positions) == pytest.approx(atoms.get_angle(0, 1, 2), abs=1e-5)
    dihedral = Dihedral(0, 1, 2, 3)
    apart = difference(dihedral, dihedral.value(positions), atoms.get_dihedral(0, 1, 2, 3))
    assert abs(apart) < 1e-5  # ASE takes the arc cosine, which loses half the digits


@given(clouds.filter(_is_bulky), st.integers(0, 99))
def test_values_do_not_depend_on_place_and_axes(cloud, seed):
    """Rigid motion changes no internal coordinate; reflection only the sign of a dihedral."""
    positions = np.array(cloud)
    moved = Rotation.random(random_state=seed).apply(positions + np.array([1.0, -2.0, 3.0]))
    for coordinate in (Distance(0, 1), Angle(0, 1, 2), Dihedral(0, 1, 2, 3)):
        change = difference(coordinate, coordinate.value(moved), coordinate.value(positions))
        assert abs(change) < 1e-6
    mirrored = Dihedral(0, 1, 2, 3).value(positions * [1, 1, -1])
    assert abs(
        difference(Dihedral(0, 1, 2, 3), -mirrored, Dihedral(0, 1, 2, 3).value(positions))
    ) < (1e-6)


@given(lengths, st.floats(20, 179), st.floats(-400, 400))
def test_what_is_set_is_read_back(length, angle, dihedral):
    """Three kinds of coordinate of methanol hold together, to the ten decimals of positions."""
    coordinates = [Distance(0, 1), Angle(0, 1, 2), Dihedral(3, 0, 1, 2)]
    positions = place(METHANOL, coordinates, [length, angle, dihedral])
    for coordinate, target in zip(coordinates, (length, angle, dihedral), strict=True):
        assert abs(difference(coordinate, coordinate.value(positions), target)) < READ_BACK


@given(lengths, st.floats(20, 179), st.floats(-180, 180))
def test_fragments_are_rigid(length, angle, dihedral):
    """Distances within either side of the bond stay as they were."""
    coordinates = [Distance(0, 1), Angle(0, 1, 2), Dihedral(3, 0, 1, 2)]
    positions = place(METHANOL, coordinates, [length, angle, dihedral])
    methyl, own = [0, 3, 4, 5], METHANOL.positions
    assert positions[methyl] == pytest.approx(own[methyl], abs=1e-9)
    assert Distance(1, 2).value(positions) == pytest.approx(Distance(1, 2).value(own), abs=1e-9)


@given(st.floats(0.6, 2.0))
def test_a_symmetric_stretch_leaves_the_rest_where_it_is(mean):
    """Of the asymmetric coordinate and the angle nothing changes."""
    other, bend = asymmetric(*STRETCHES), Angle(1, 0, 2)
    positions = place(WATER, [symmetric(*STRETCHES)], [mean])
    assert symmetric(*STRETCHES).value(positions) == pytest.approx(mean, abs=1e-9)
    assert other.value(positions) == pytest.approx(other.value(WATER.positions), abs=1e-9)
    assert bend.value(positions) == pytest.approx(bend.value(WATER.positions), abs=READ_BACK)


def test_symmetric_and_asymmetric_set_both_bonds():
    """The mean and half the difference are the sum and difference of what they are set to."""
    positions = place(WATER, [symmetric(*STRETCHES), asymmetric(*STRETCHES)], [1.2, 0.3])
    assert [bond.value(positions) for bond in STRETCHES] == pytest.approx([1.5, 0.9], abs=1e-9)


def test_angles_combine_too():
    """Both angles of hydrogen peroxide open by the same amount."""
    both = symmetric(Angle(1, 0, 2), Angle(0, 1, 3))
    half = asymmetric(Angle(1, 0, 2), Angle(0, 1, 3))
    positions = place(PEROXIDE, [both], [115.0])
    assert both.value(positions) == pytest.approx(115.0, abs=READ_BACK)
    assert half.value(positions) == pytest.approx(half.value(PEROXIDE.positions), abs=READ_BACK)


def test_a_straight_molecule_bends():
    """Three atoms on a line have no plane; the one it bends in is fixed."""
    positions = place(CO2, [Angle(1, 0, 2)], [120.0])
    assert Angle(1, 0, 2).value(positions) == pytest.approx(120.0, abs=READ_BACK)
    assert positions[2, 1] == 0.0
    straight = place(CO2.with_positions(positions), [Angle(1, 0, 2)], [180.0])
    assert Angle(1, 0, 2).value(straight) == pytest.approx(180.0, abs=1e-6)


def test_a_dihedral_turns_all_that_hangs_on_its_side():
    """Staggering methanol keeps the methyl group's own angles."""
    start = METHANOL.positions
    turned = place(METHANOL, [Dihedral(2, 1, 0, 3)], [180.0])
    assert turned[[0, 1, 2]] == pytest.approx(start[[0, 1, 2]], abs=1e-9)
    for angle in (Angle(3, 0, 4), Angle(4, 0, 5), Angle(1, 0, 5)):
        assert angle.value(turned) == pytest.approx(angle.value(start), abs=READ_BACK)


def test_names_and_units():
    """An axis says which atoms, counted from 0, and in which unit."""
    symbols = ("O", "H", "H", "H")
    axes = [
        coordinate.axis(symbols)
        for coordinate in (
            Distance(0, 1),
            Angle(1, 0, 2),
            Dihedral(2, 0, 1, 3),
            symmetric(*STRETCHES),
            asymmetric(Angle(1, 0, 2), Angle(1, 0, 3)),
        )
    ]
    assert [(axis.name, axis.unit) for axis in axes] == [
        ("r(O0-H1)", "angstrom"),
        ("a(H1-O0-H2)", "degree"),
        ("d(H2-O0-H1-H3)", "degree"),
        ("symmetric(r(O0-H1), r(O0-H2))", "angstrom"),
        ("asymmetric(a(H1-O0-H2), a(H1-O0-H3))", "degree"),
    ]


def test_the_two_sides_of_a_bond_are_the_molecule():
    """Every atom is on one side of a bond that is in no ring, and on one only."""
    for i, j in bonded_pairs(METHANOL.symbols, METHANOL.positions):
        sides = [
            moving_fragment(METHANOL.symbols, METHANOL.positions, bond) for bond in ((i, j), (j, i))
        ]
        assert sorted(sides[0] + sides[1]) == list(range(METHANOL.n_atoms))


@pytest.mark.parametrize(
    ("molecule", "coordinates", "targets", "remedy"),
    [
        (RING, [Distance(0, 1)], [1.0], r"interpolate\(\) or frames\(\)"),
        (WATER, [Distance(1, 2)], [1.0], "not bonded to each other"),
        (WATER, [Angle(0, 1, 2)], [100.0], "not bonded to each other"),
        (METHANOL, [Angle(3, 1, 0)], [100.0], "follow each other along bonds"),
        (CO2.with_positions(CO2.positions), [Distance(0, 3)], [1.0], "the atoms 0 to 2"),
        (WATER, [symmetric(*STRETCHES), *STRETCHES], [1.0] * 3, "Leave one out"),
        (WATER, [symmetric(*STRETCHES), asymmetric(*STRETCHES)], [1.0, 2.0], "r.O0-H2. = -1"),
        (WATER, [Distance(0, 1)], [1.0, 2.0], "each coordinate has one target"),
    ],
)
def test_what_cannot_be_set_is_refused(molecule, coordinates, targets, remedy):
    """Rings, unbonded atoms, coordinates that follow from others, impossible values."""
    with pytest.raises(InputError, match=remedy):
        place(molecule, coordinates, targets)


def test_coordinates_that_contradict_each_other_are_refused():
    """The three angles round a planar centre add up: two at 170 leave 20 for the third, not 90."""
    ammonia = Molecule.from_xyz("N 0 0 0; H 0 0 1; H 0.9 0 -0.4; H -0.6 0.7 -0.4")
    angles = [Angle(1, 0, 2), Angle(2, 0, 3), Angle(1, 0, 3)]
    with pytest.raises(GeometryError, match="changes another"):
        place(ammonia, angles, [170.0, 170.0, 90.0])


def test_a_dihedral_of_atoms_on_a_line_is_refused():
    """Acetylene has none."""
    acetylene = Molecule.from_xyz("H 0 0 -1.06; C 0 0 0; C 0 0 1.2; H 0 0 2.26")
    with pytest.raises(GeometryError, match="bend them first"):
        place(acetylene, [Dihedral(0, 1, 2, 3)], [90.0])


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: Distance(0, 0), "a bond is two different atoms"),
        (lambda: Angle(0, 1, -1), "counted from 0"),
        (lambda: Dihedral(0, 1, 2, 1), "a dihedral is four different atoms"),
        (lambda: Distance(0, 1.0), "whole numbers"),
        (lambda: symmetric(Distance(0, 1), Angle(0, 1, 2)), "Use one kind"),
        (lambda: symmetric(Dihedral(0, 1, 2, 3), Dihedral(0, 1, 2, 4)), "Use one kind"),
        (lambda: Combination((), "none"), "Use one kind"),
        (lambda: Combination(((0.0, Distance(0, 1)),), "zero"), "leave that term out"),
    ],
)
def test_what_is_no_coordinate_is_refused(make, remedy):
    """Each coordinate is checked when it is made."""
    with pytest.raises(InputError, match=remedy):
        make()


@pytest.mark.parametrize("again", [Distance(0, 1), Distance(1, 0)])
def test_a_coordinate_combined_with_itself_is_refused(again):
    """Neither its mean with itself nor the difference is a coordinate of its own."""
    for combine in (symmetric, asymmetric):
        with pytest.raises(InputError, match="Name different ones"):
            combine(Distance(0, 1), again)
