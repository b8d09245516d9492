"""Training data in files: what is written is read back, and what is damaged is named."""

import numpy as np
import pytest
from learning import morse_water

import qmlmat as qm
from qmlmat.errors import InputError, StoreError
from qmlmat.potentials.data import SurfaceData
from qmlmat.surfaces import export_scan


def same(first, second, **tolerance):
    """Compare all numbers."""
    assert first.symbols == second.symbols
    np.testing.assert_allclose(first.positions, second.positions, **tolerance)
    np.testing.assert_allclose(first.energies, second.energies, **tolerance)
    np.testing.assert_allclose(first.forces, second.forces, **tolerance)


def test_npz_keeps_every_bit(tmp_path):
    """Saved and loaded data have the same hash."""
    data = morse_water(5)
    data.save(tmp_path / "water.npz")
    assert SurfaceData.load(tmp_path / "water.npz").content_hash() == data.content_hash()


def test_forces_may_be_left_out(tmp_path):
    """A file without forces gives data without."""
    data = SurfaceData(symbols=("H", "H"), positions=[[[0, 0, 0], [0, 0, 1]]], energies=[-1.0])
    data.save(tmp_path / "h2.npz")
    assert SurfaceData.load(tmp_path / "h2.npz").forces is None


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A short scan of H2 with forces and its store."""
    molecule = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.Exact(), forces=True)
    file = tmp_path_factory.mktemp("scan") / "h2.db"
    path = qm.stretch(molecule, (0, 1), [0.7, 0.9, 1.2])
    return qm.scan(surface, path, store=file), file


def test_a_store_a_scan_and_its_export_are_the_same_data(scan, tmp_path):
    """Hartree and eV meet: extended XYZ keeps eight decimals of positions."""
    found, store = scan
    data = SurfaceData.from_scan(found)
    same(SurfaceData.load(store), data, rtol=0, atol=1e-12)
    file = export_scan(found, tmp_path / "h2.extxyz", "extxyz").file
    same(SurfaceData.load(file), data, rtol=0, atol=1e-7)


def test_a_foreign_xyz_gives_energies_and_forces_in_our_units(tmp_path):
    """27.2 eV are one hartree."""
    file = tmp_path / "one.extxyz"
    header = "Properties=species:S:1:pos:R:3:forces:R:3 energy=-27.211386245981"
    file.write_text(f"2\n{header}\nH 0 0 0 0 0 1\nH 0 0 1 0 0 -1\n")
    data = SurfaceData.load(file)
    np.testing.assert_allclose(data.energies, [[-1.0]], rtol=1e-12)
    np.testing.assert_allclose(data.forces[0, 0, 2], 1.0 / 27.211386245981, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("a.npz", b"PK\x03\x04 cut", "Restore a copy"),
        ("a.extxyz", b"3\n\nH 0 0 0\n", "Each frame is"),
        ("a.extxyz", b"2\n\nH 0 0 0\nH 0 0 1\n", "Write energy="),
        ("a.extxyz", b"1\nenergy=1\nH 0 0 0\n1\nenergy=1\nO 0 0 0\n", "Give one molecule"),
        ("a.extxyz", b"1\nenergy=nan\nH 0 0 0\n", "not finite"),
        ("a.extxyz", b"", "Each frame is|a file with geometries"),
        ("a.csv", b"1,2\n", "Write the data in one of these"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path, name, content, remedy):
    """Damaged, of another kind, without energies, of two molecules, not finite."""
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError, match=remedy) as caught:
        SurfaceData.load(file)
    assert str(file) in str(caught.value)


def test_missing_arrays_and_files_are_named(tmp_path):
    """Which name is missing, and which are there."""
    np.savez(tmp_path / "a.npz", R=np.zeros(3))
    with pytest.raises(InputError, match=r"no symbols, .* only R\. Name the arrays"):
        SurfaceData.load(tmp_path / "a.npz")
    with pytest.raises(InputError, match="no such file"):
        SurfaceData.load(tmp_path / "b.npz")
    with pytest.raises(StoreError, match="a folder that exists"):
        morse_water(3).save(tmp_path / "nowhere" / "c.npz")


def test_a_pickle_in_an_npz_is_not_opened(tmp_path):
    """An array of objects could run code."""
    np.savez(tmp_path / "a.npz", symbols=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="not a readable"):
        SurfaceData.load(tmp_path / "a.npz")
