"""Paths: which atoms move, which point starts from which, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest
from ase.data import chemical_symbols, covalent_radii
from hypothesis import given
from hypothesis import strategies as st

from qmlmat.errors import GeometryError, InputError
from qmlmat.surfaces import Axis, Geometry, Path, stretch
from qmlmat.surfaces.paths.bonds import COVALENT_RADII
from qmlmat.systems import Molecule

N2 = Molecule(("N", "N"), [[0, 0, 0], [0, 0, 1.0977]])
METHANOL = Molecule.from_xyz(
    "C 0 0 0; O 0 0 1.43; H 0 0.9 1.7; H 1.03 0 -0.36; H -0.51 0.89 -0.36; H -0.51 -0.89 -0.36"
)

lengths_lists = st.lists(
    st.integers(min_value=50, max_value=500), min_size=1, max_size=30, unique=True
).map(lambda values: [value / 100 for value in values])


@given(lengths_lists, st.data())
def test_every_point_follows_its_parent_and_the_tree_is_one(lengths, data):
    """Each point is evaluated once, after its parent, which is its neighbour towards the root."""
    root = data.draw(st.none() | st.integers(0, len(lengths) - 1))
    path = stretch(N2, (0, 1), lengths, root=root)
    order = path.order()
    assert sorted(order) == list(range(len(lengths)))
    assert order[0] == path.root
    for index in order[1:]:
        parent = path.parents[index]
        assert order.index(parent) < order.index(index)
        assert abs(parent - index) == 1


@given(lengths_lists, st.randoms())
def test_the_order_of_the_lengths_changes_nothing(lengths, random):
    """A path is the set of its points: any order of the lengths gives equal inputs."""
    shuffled = list(lengths)
    random.shuffle(shuffled)
    assert stretch(N2, (0, 1), shuffled).inputs() == stretch(N2, (0, 1), lengths).inputs()


@given(lengths_lists)
def test_the_bond_has_the_length_asked_for(lengths):
    """The stretched distance is the coordinate, to the ten decimals that are kept."""
    path = stretch(N2, (0, 1), lengths)
    for point, length in zip(path.points, path.along(), strict=True):
        assert point.distance(0, 1) == pytest.approx(length, abs=2e-10)


def test_the_root_is_the_point_nearest_the_molecules_own_length():
    """The scan begins where the molecule is."""
    path = stretch(N2, (0, 1), [3.0, 0.9, 1.1, 2.0])
    assert path.along()[path.root] == 1.1
    assert path.parents == (1, None, 1, 2)
    assert path.name == "r(N0-N1)"


def test_a_fragment_moves_as_one_and_the_rest_stays():
    """Stretching C-O of methanol carries the hydroxyl hydrogen along and leaves the methyl."""
    path = stretch(METHANOL, (0, 1), [1.43, 2.0])
    moved = path.points[1].positions - METHANOL.positions
    assert moved[[1, 2]] == pytest.approx(np.tile([0, 0, 0.57], (2, 1)), abs=1e-9)
    assert moved[[0, 3, 4, 5]] == pytest.approx(np.zeros((4, 3)), abs=1e-9)


def test_the_first_atom_named_is_the_one_that_stays():
    """Exchanging the two atoms of the bond exchanges which fragment moves."""
    path = stretch(METHANOL, (1, 0), [2.0])
    moved = path.points[0].positions - METHANOL.positions
    assert moved[[1, 2]] == pytest.approx(np.zeros((2, 3)), abs=1e-9)
    assert moved[0] == pytest.approx([0, 0, -0.57], abs=1e-9)


def test_inputs_give_the_same_path_back():
    """A path survives its plain values bit for bit."""
    path = stretch(METHANOL, (0, 1), [1.3, 1.43, 1.7])
    again = Path.from_inputs(path.inputs())
    assert again.inputs() == path.inputs()
    assert again.order() == path.order()


def test_covalent_radii_agree_with_ase():
    """The table is Cordero's, which ASE holds too."""
    ours = [COVALENT_RADII[symbol] for symbol in chemical_symbols[1:97]]
    assert ours == pytest.approx(covalent_radii[1:97])


def test_a_bond_in_a_ring_is_refused():
    """Neither side of a ring's bond can move alone."""
    ring = Molecule.from_xyz("H 0 0 0; H 0.7 0 0; H 0.35 0.61 0", spin=1)
    with pytest.raises(GeometryError, match="Choose a bond outside the ring"):
        stretch(ring, (0, 1), [1.0])


@pytest.mark.parametrize(
    ("lengths", "remedy"),
    [
        ([1.0, 1.1, 1.0], "Give each length once"),
        ([1.0, float("nan")], "finite lengths above 0"),
        ([1.0, -1.0], "finite lengths above 0"),
        ([0.0], "finite lengths above 0"),
        ([], "at least one length"),
        ([[1.0]], "at least one length"),
        ([0.1], "overlap"),
    ],
)
def test_lengths_that_are_no_bond_lengths_are_refused(lengths, remedy):
    """Each slip is answered with what to give instead, before anything is computed."""
    with pytest.raises(InputError, match=remedy):
        stretch(N2, (0, 1), lengths)


@pytest.mark.parametrize("bond", [(0, 0), (0, 2), (-1, 0), (0,), (0, 0.5), (0, True)])
def test_a_bond_is_two_atoms_of_the_molecule(bond):
    """Atoms are counted from 0 and must exist."""
    with pytest.raises(InputError, match="counted from 0"):
        stretch(N2, bond, [1.0])


@pytest.mark.parametrize("root", [-1, 2])
def test_the_root_is_a_point_of_the_path(root):
    """An index beyond the path names the range."""
    with pytest.raises(InputError, match="points 0 to 1"):
        stretch(N2, (0, 1), [1.0, 1.1], root=root)


def _points(n_points: int) -> tuple[Geometry, ...]:
    return tuple(
        Geometry(("H", "H"), np.array([[0, 0, 0], [0, 0, 0.7 + k]])) for k in range(n_points)
    )


def _path(**changes):
    values = {
        "points": _points(3),
        "coordinates": np.arange(3.0)[:, None],
        "axes": (Axis("r"),),
        "root": 0,
        "parents": (None, 0, 1),
    }
    return Path(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"parents": (None, 2, 1)}, "do not form one tree"),
        ({"parents": (None, None, 1)}, "do not form one tree"),
        ({"parents": (None, 0, 7)}, "do not form one tree"),
        ({"parents": (None, 0)}, "one parent for each point"),
        ({"coordinates": np.arange(2.0)[:, None]}, "one parent for each point"),
        ({"coordinates": np.array([[0], [1], [np.inf]])}, "not a finite number"),
        ({"root": 1}, "the root is one of the points"),
        ({"root": 5}, "the root is one of the points"),
        ({"points": ()}, "at least one point"),
        ({"points": (*_points(2), _points(1)[0])}, "points 0 and 2 are the same"),
        ({"points": (*_points(2), Geometry(("He",), np.zeros((1, 3))))}, "the same atoms"),
    ],
)
def test_a_path_that_is_not_one_tree_of_different_points_is_refused(changes, rule):
    """Every rule of a path is checked when it is made."""
    with pytest.raises(InputError, match=rule):
        _path(**changes)


def test_a_hand_made_tree_is_followed():
    """A branched tree is evaluated parents first."""
    path = _path(root=1, parents=(1, None, 1))
    assert path.order() == (1, 0, 2)
    assert len(path) == 3


@pytest.mark.parametrize(
    ("positions", "rule"),
    [([[0, 0, 0]], "2 atoms need"), ([[0, 0, 0], [0, 0, np.nan]], "atom 1 .H. has a coordinate")],
)
def test_a_geometry_has_three_finite_numbers_for_each_atom(positions, rule):
    """NaN and missing rows are named."""
    with pytest.raises(GeometryError, match=rule):
        Geometry(("H", "H"), np.array(positions))


def test_positions_cannot_be_changed_afterwards():
    """A geometry is a value."""
    with pytest.raises(ValueError, match="read-only"):
        _points(1)[0].positions[0, 0] = 1.0


def test_lengths_are_ascending():
    """The points are in the order of their coordinate."""
    path = stretch(N2, (0, 1), [2.0, 1.0, 3.0])
    assert all(a < b for a, b in pairwise(path.along()))
