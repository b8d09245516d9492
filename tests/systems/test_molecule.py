"""Molecules: what they count, how they are read, what they refuse."""

import numpy as np
import pytest

from qmlmat.errors import BasisError, GeometryError, InputError, QmlmatWarning
from qmlmat.systems import Molecule, run_mean_field
from qmlmat.systems.elements import core_orbitals


def h2(**settings):
    return Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]], **settings)


def test_counts_electrons_and_writes_the_formula():
    """Electrons are protons minus charge; formulas follow Hill's order."""
    molecule = Molecule.from_xyz("O 0 0 0; H 0 0 1; C 0 1.2 0; H 0 2 1", charge=1, spin=1)
    assert molecule.n_electrons == 15
    assert molecule.formula == "CH2O"
    assert Molecule.from_xyz("O 0 0 0; H 0 0 1; H 0 1 0").formula == "H2O"
    assert Molecule.from_xyz("Cl 0 0 0; Na 0 0 2.4").formula == "NaCl"


def test_symbols_may_be_in_any_case_or_atomic_numbers():
    """The spelling of an element does not matter."""
    assert Molecule(("he", "7"), [[0, 0, 0], [0, 0, 2]], spin=1).symbols == ("He", "N")
    assert Molecule("He", [[0, 0, 0]]).symbols == ("He",)


def test_positions_cannot_be_changed():
    """A molecule is a value: its positions are a read-only copy."""
    source = np.array([[0, 0, 0], [0, 0, 0.74]])
    molecule = Molecule(("H", "H"), source)
    source[1, 2] = 5
    assert molecule.positions[1, 2] == 0.74
    with pytest.raises(ValueError, match="read-only"):
        molecule.positions[0, 0] = 1.0


def test_equality_is_by_value():
    """Two molecules of equal atoms and settings are equal and hash alike."""
    assert h2() == h2()
    assert hash(h2()) == hash(h2())
    assert h2() != h2(basis="6-31g")
    assert h2() != h2().with_positions([[0, 0, 0], [0, 0, 0.75]])
    assert h2() != "H2"


def test_inputs_are_plain_values_without_positions():
    """What provenance hashes: everything but the geometry."""
    assert h2(basis="6-31g").inputs() == {
        "symbols": ["H", "H"],
        "charge": 0,
        "spin": 0,
        "basis": "6-31g",
        "ecp": None,
    }


def test_ase_round_trip():
    """ase.Atoms carry symbols and positions there and back."""
    molecule = Molecule.from_xyz("O 0 0 0.1; H 0 0.7 0.6; H 0 -0.7 0.6")
    atoms = molecule.to_ase()
    assert atoms.info["basis"] == "sto-3g"
    assert Molecule.from_ase(atoms) == molecule


def test_periodic_atoms_are_refused():
    """A crystal is no molecule."""
    atoms = h2().to_ase()
    atoms.cell, atoms.pbc = [5, 5, 5], True
    with pytest.raises(GeometryError, match="pbc = False"):
        Molecule.from_ase(atoms)


def test_dummy_atoms_are_refused():
    """ASE's placeholder X is no element."""
    atoms = h2().to_ase()
    atoms.symbols[0] = "X"
    with pytest.raises(GeometryError, match="symbol of the periodic table"):
        Molecule.from_ase(atoms)


def test_pyscf_molecule_has_the_same_atoms():
    """The PySCF door hands over positions in ångström."""
    mole = h2(charge=-1, spin=1).to_pyscf()
    assert (mole.nelectron, mole.spin) == (3, 1)
    np.testing.assert_allclose(mole.atom_coords(unit="Angstrom"), h2().positions, atol=1e-14)


@pytest.mark.parametrize(
    ("symbol", "count"),
    [("He", 0), ("Li", 1), ("Ne", 1), ("Na", 5), ("Ar", 5), ("K", 9), ("I", 18), ("Au", 27)],
)
def test_core_is_the_noble_gas_below(symbol, count):
    """1s of Li to Ne, 1s2s2p of Na to Ar, and so on."""
    assert core_orbitals(symbol) == count


@pytest.mark.parametrize(
    ("symbols", "positions", "remedy"),
    [
        (("H", "H"), [[0, 0, 0], [0, 0, 0.1]], r"atoms 0 \(H\) and 1 \(H\).*at least 0.2"),
        (("H", "H"), [[0, 0, 0], [0, 0, np.nan]], "atom 1.*finite coordinates"),
        (("H", "H"), [[0, 0, 0], [0, 0]], r"not a table of numbers.*shape \(2, 3\)"),
        (("H",), [["a", "b", "c"]], "three numbers per atom"),
        (("H", "H"), [[0, 0, 0]], r"shape \(2, 3\)"),
        ((), np.zeros((0, 3)), "at least one atom"),
        (("Hq",), [[0, 0, 0]], 'Did you mean "H'),
        (("Xx", "H"), [[0, 0, 0], [0, 0, 1]], "symbol of the periodic table"),
        (("?",), [[0, 0, 0]], "atomic number"),
    ],
)
def test_impossible_geometry_is_refused(symbols, positions, remedy):
    """Each message names the atom and says what to do."""
    with pytest.raises(GeometryError, match=remedy):
        Molecule(symbols, positions)


@pytest.mark.parametrize(
    ("settings", "error", "remedy"),
    [
        ({"spin": 1}, InputError, "spin=0 or 2"),
        ({"charge": 1}, InputError, "spin=1"),
        ({"spin": 4}, InputError, "spin=0 or 2"),
        ({"spin": -2}, InputError, "spin=2"),
        ({"charge": 2}, InputError, "charge <= 1"),
        ({"charge": 0.5}, InputError, "whole number"),
        ({"spin": True}, InputError, "whole number"),
        ({"basis": "cc-pvdx"}, BasisError, 'Did you mean "cc-pvdz"'),
        ({"basis": "6-31q*"}, BasisError, 'Did you mean "6-31g'),
        ({"basis": "zzzzzz"}, BasisError, 'Use one of "sto-3g"'),
        ({"ecp": "lanl2dx"}, BasisError, 'Did you mean "lanl2dz"'),
        ({"ecp": "def2-svp"}, BasisError, "Leave ecp out"),
    ],
)
def test_impossible_settings_are_refused(settings, error, remedy):
    """Charge, spin, basis and potentials: each message says what would work."""
    with pytest.raises(error, match=remedy):
        h2(**settings)


def test_basis_without_the_element_names_one_that_has_it():
    """STO-3G ends before xenon; the message offers a set that does not."""
    with pytest.raises(BasisError, match=r'no functions for Xe.*"def2-svp"'):
        Molecule(("Xe",), [[0, 0, 0]])


def test_potentials_apply_where_they_exist():
    """In HI only iodine loses electrons; hydrogen keeps its own."""
    molecule = Molecule.from_xyz("H 0 0 0; I 0 0 1.6", basis="def2-svp", ecp="def2-svp")
    assert molecule.n_electrons == 26
    assert molecule.to_pyscf().nelectron == 26


@pytest.mark.parametrize(
    ("xyz", "basis", "ecp", "remedy"),
    [
        ("H 0 0 0; Cl 0 0 1.27", "lanl2dz", None, r'on Cl .*Add ecp="lanl2dz"'),
        ("H 0 0 0; I 0 0 1.6", "def2-TZVPP", None, 'Add ecp="def2-TZVPP"'),
        ("C 0 0 0; O 0 0 1.1", "ccecp-cc-pvdz", None, 'Add ecp="ccecp"'),
        ("Cl 0 0 0; I 0 0 2.3", "lanl2dz", "def2-svp", 'on Cl .*Add ecp="lanl2dz"'),
    ],
)
def test_basis_without_its_potentials_is_refused(xyz, basis, ecp, remedy):
    """A valence basis without its potential has no core: HCl came out at -104 hartree."""
    with pytest.raises(BasisError, match=remedy):
        Molecule.from_xyz(xyz, basis=basis, ecp=ecp)


def test_valence_basis_needs_no_potential_where_it_has_all_electrons():
    """LANL2DZ treats all electrons of the first row, def2 those up to krypton."""
    assert Molecule.from_xyz("C 0 0 0; O 0 0 1.1", basis="lanl2dz").n_electrons == 14
    assert Molecule.from_xyz("H 0 0 0; Cl 0 0 1.27", basis="def2-svp").n_electrons == 18


@pytest.mark.parametrize(
    ("symbol", "basis", "ecp"), [("Cl", "cc-pvdz", "lanl2dz"), ("I", "def2-svp", "lanl2dz")]
)
def test_potential_with_a_foreign_basis_is_said_once(symbol, basis, ecp):
    """The core functions of an all-electron basis are wasted, its valence not made for it."""
    with pytest.warns(QmlmatWarning, match=r"was not made for it\. Use"):
        molecule = Molecule((symbol,), [[0, 0, 0]], spin=1, basis=basis, ecp=ecp)
    run_mean_field(molecule)  # says no more: warnings are errors here


def test_potential_with_its_family_is_quiet():
    """A basis of the same family and core, though of another name, suits the potential."""
    h = "H 0 0 0; I 0 0 1.6"
    assert Molecule.from_xyz(h, basis="def2-tzvp", ecp="def2-svp").n_electrons == 26
    assert Molecule.from_xyz("C 0 0 0", basis="bfd-vdz", ecp="bfd").n_electrons == 4


def test_edited_basis_file_changes_the_inputs(tmp_path):
    """What provenance hashes includes the functions of a basis set of one's own."""
    path = tmp_path / "mine.nw"
    path.write_text("H S\n  1.0 1.0\n")
    before = h2(basis=str(path))
    inputs = before.inputs()
    assert inputs["basis"] == str(path)
    assert before.inputs() == inputs
    path.write_text("H S\n  1.1 1.0\n")
    assert h2(basis=str(path)).inputs() != inputs
