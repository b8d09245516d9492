"""Z-matrices: distances, angles and dihedrals come out as written; PySCF builds the same shapes."""

import subprocess
import sys

import numpy as np
import pytest
from pyscf import gto
from scipy.spatial.distance import pdist

from qmlmat.errors import GeometryError
from qmlmat.systems import Molecule

WATER = "O\nH 1 0.96\nH 1 0.96 2 104.5"
PEROXIDE = "H\nO 1 0.97\nO 2 1.45 1 100.0\nH 3 0.97 2 100.0 1 115.0"
ETHANE = "\n".join(
    ["C", "C 1 1.53", "H 1 1.09 2 111"]
    + [f"H 1 1.09 2 111 3 {d}" for d in (120, -120)]
    + [f"H 2 1.09 1 111 3 {d}" for d in (180, 60, -60)]
)


def angle(a, b, c):
    u, v = a - b, c - b
    return np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))


def dihedral(a, b, c, d):
    axis = (c - b) / np.linalg.norm(c - b)
    u, v = (x - axis * (axis @ x) for x in (a - b, d - c))
    return np.degrees(np.arctan2(np.cross(axis, u) @ v, u @ v))


@pytest.mark.parametrize("text", [WATER, PEROXIDE, ETHANE])
def test_shapes_agree_with_pyscf(text):
    """All distances, and the handedness of the first four atoms."""
    ours = Molecule.from_zmatrix(text)
    atoms = gto.mole.from_zmatrix(text)
    theirs = np.array([position for _, position in atoms])
    assert ours.symbols == tuple(symbol for symbol, _ in atoms)
    np.testing.assert_allclose(pdist(ours.positions), pdist(theirs), atol=1e-10)
    if len(theirs) > 3:
        turned = dihedral(*ours.positions[[3, 0, 1, 2]])
        assert turned == pytest.approx(dihedral(*theirs[[3, 0, 1, 2]]), abs=1e-8)


def test_distance_angle_and_dihedral_are_those_written():
    """HOOH, with the sign of IUPAC's dihedral."""
    h, o, p, k = Molecule.from_zmatrix(PEROXIDE).positions
    assert np.linalg.norm(o - p) == pytest.approx(1.45)
    assert angle(o, p, k) == pytest.approx(100.0)
    assert dihedral(h, o, p, k) == pytest.approx(115.0)


@pytest.mark.parametrize(
    "text",
    [
        "O; H 1 0.96; H 1 0.96 2 104.5",
        "O1\nH2 O1 r\nH3 O1 r H2 a\n\nr 0.96\na=104.5\n",
        "\n  O  ! first; of three\nH,1,r\nH,1,r,2,a\nVariables:\n r 0.96\n a 104.5\n",
        "8; 1 1 r; 1 1 r 2 a; r = 0.96; a = 104.5",
    ],
)
def test_all_spellings_of_water_agree(text):
    """Labels, variables, comments, commas, atomic numbers: the same molecule."""
    molecule = Molecule.from_zmatrix(text)
    assert molecule.symbols == ("O", "H", "H")
    np.testing.assert_array_equal(molecule.positions, Molecule.from_zmatrix(WATER).positions)


def test_given_variables_win_over_those_in_the_text():
    """A scan keeps the text and changes one number."""
    molecule = Molecule.from_zmatrix("H\nH 1 r\n\nr = 0.7", variables={"r": 1.5})
    assert pdist(molecule.positions) == pytest.approx([1.5])


def test_minus_turns_a_variable_dihedral_round():
    """``d`` and ``-d`` make mirror images."""
    text = "H; O 1 0.97; O 2 1.45 1 100; H 3 0.97 2 100 1 {}; d = 115"
    left, right = (Molecule.from_zmatrix(text.format(d)).positions for d in ("d", "-d"))
    np.testing.assert_allclose(left * [1, 1, -1], right, atol=1e-12)


def test_dummy_atom_makes_a_linear_molecule():
    """CO2 by a place beside the axis, which is no atom of the result."""
    molecule = Molecule.from_zmatrix("X; C 1 1; O 2 1.16 1 90; O 2 1.16 1 90 3 180 0")
    assert molecule.symbols == ("C", "O", "O")
    assert angle(*molecule.positions[[1, 0, 2]]) == pytest.approx(180.0)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "Write one a line"),
        ("X", "Write one a line"),
        ("H; H 1 r", r'Add a line "r = ..."'),
        ("H; H 1 r; r = x", "Give a finite number"),
        ("H; H 1 nan", "neither a number nor a variable"),
        ("H; H 1 -1", "Use a positive one"),
        ("H; H 2 1", "Use a number from 1 to 1"),
        ("H; H 0 1", "Use a number from 1 to 1"),
        ("H; O 1 1; H 2 1 3 90", "Use a number from 1 to 2"),
        ("H; H 1 1; H H 1 2 90", "2 atoms have this label"),
        ("H; O 1 1; H 2 1 2 90", "Use different atoms"),
        ("H; O 1 1; H 2 1 1 190", "Use one from 0 to 180"),
        ("H; C 1 1; C 2 1 1 180; H 3 1 2 90 1 0", "add a dummy atom X"),
        ("H; O 1 1; O 2 1.4 1 99; H 3 1 2 99 1 99 1", "needs 7"),
        ("0 1; H; H 1 1", "no charge and no spin"),
        ("H\nH 1 r\n\nr is 1", 'Write "r = 0.96"'),
        ("Q; H 1 1", "Use a symbol of the periodic table"),
        (None, "Give the Z-matrix itself"),
    ],
)
def test_refused_text_names_the_remedy(text, remedy):
    """Each thing that may be wrong, in one line."""
    with pytest.raises(GeometryError, match=remedy):
        Molecule.from_zmatrix(text)


def test_unused_variable_is_refused_with_the_nearest():
    """A misspelt variable would leave the scan where it was."""
    with pytest.raises(GeometryError, match='Did you mean "bond"'):
        Molecule.from_zmatrix("H; H 1 bond; bond = 1", variables={"bnod": 2.0})


def test_ase_is_loaded_only_by_reading():
    """Importing the systems does not load ASE."""
    script = "import sys, qmlmat.systems; print('ase' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"]
