"""XYZ text and files."""

import numpy as np
import pytest

from qmlmat.errors import GeometryError
from qmlmat.systems import Molecule

TEXT = "2\nnitrogen\nN 0 0 0\nN 0.0 0.0 1.1\n"


@pytest.mark.parametrize(
    "text",
    [TEXT, "N 0 0 0; N 0 0 1.1", "N 0 0 0\nN 0 0 1.1", "7 0 0 0\n 7 0 0 1.1e0 extra\n\n"],
)
def test_all_spellings_of_one_molecule_agree(text):
    """Header lines, semicolons, atomic numbers, further columns: the same molecule."""
    molecule = Molecule.from_xyz(text)
    assert molecule.symbols == ("N", "N")
    np.testing.assert_array_equal(molecule.positions, [[0, 0, 0], [0, 0, 1.1]])


def test_comment_line_may_hold_semicolons():
    """Under a count, the second line is free text."""
    molecule = Molecule.from_xyz("2\nenergy=-1; forces; N 0 0 0\nN 0 0 0\nN 0 0 1.1\n")
    assert molecule.formula == "N2"


def test_further_columns_of_numbers_are_ignored():
    """Forces or labels after the coordinates, with or without a count."""
    row = "H 0 0 0 0.1 0.2 0.3 tail"
    assert Molecule.from_xyz(f"{row}; H 0 0 0.8 0.1 0.2 0.3").n_atoms == 2
    assert Molecule.from_xyz(f"1\nF marks what may move\n{row} F 0.1 0.2 0.3", spin=1).n_atoms == 1


def test_single_atom_on_one_line_is_text():
    """One line with a symbol and three numbers is an atom, not a path."""
    assert Molecule.from_xyz("He 0 0 0").formula == "He"


@pytest.mark.parametrize("as_text", [True, False])
def test_file_is_read(tmp_path, as_text):
    """A path may be a string or a Path."""
    path = tmp_path / "n2.xyz"
    path.write_text(TEXT + "\n\n")
    molecule = Molecule.from_xyz(str(path) if as_text else path, basis="6-31g")
    assert molecule.n_electrons == 14
    assert molecule.basis == "6-31g"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("nowhere.xyz", "no such file.*as text"),
        ("N 0 0 0; N 0 zero 1", 'line 2: "N 0 zero 1".*three coordinates'),
        ("2\ncomment\nN 0 0 0\nN 0 0\n", "line 4.*three coordinates"),
        ("3\ncomment\nN 0 0 0\nN 0 0 1.1\n", "promises 3 atoms.*Correct the count"),
        ("1\nA\nHe 0 0 0\n1\nB\nHe 0 0 1\n", "one geometry per file"),
        ("1\nProperties=pos:R:3:species:S:1\n0 0 0 He\n", "ase.io.read"),
        (";", "holds no atoms"),
        ("He 0 0 0 He 0 0 3.0", 'more than one atom.*separate them by ";"'),
        ("He 0 0 0; He 0 0 3.0 1 he 0 3 0", "line 2.*more than one atom"),
        (None, "neither a path nor text.*atoms as text"),
        ("Qq 0 0 0; N 0 0 1", "symbol of the periodic table"),
    ],
)
def test_unreadable_text_is_refused(text, remedy):
    """The message quotes the line and shows a good one."""
    with pytest.raises(GeometryError, match=remedy):
        Molecule.from_xyz(text)


def test_folder_is_no_file(tmp_path):
    """A folder given as the file is refused with its reason."""
    with pytest.raises(GeometryError, match="readable text file"):
        Molecule.from_xyz(tmp_path)
