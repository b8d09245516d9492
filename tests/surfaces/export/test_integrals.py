"""FCIDUMP files, read back by PySCF."""

import numpy as np
import pytest
from pyscf import fci
from pyscf.tools import fcidump
from scans import hydrogen, troubled, water

from qmlmat.errors import InputError
from qmlmat.surfaces import export_scan, load_scan


def test_the_integrals_give_the_energies_of_the_scan(tmp_path):
    """Full CI of what PySCF reads is each point's exact energy."""
    scan = hydrogen()
    done = export_scan(scan, tmp_path / "h2", "fcidump")
    for index, file in enumerate(done.files[:-1]):
        read = fcidump.read(str(file), verbose=False)
        n_alpha = (read["NELEC"] + read["MS2"]) // 2
        energy, _ = fci.direct_spin1.kernel(
            read["H1"], read["H2"], read["NORB"], (n_alpha, read["NELEC"] - n_alpha)
        )
        assert energy + read["ECORE"] == pytest.approx(scan.references[index], abs=1e-9)


def test_no_hartree_fock_is_needed(tmp_path, monkeypatch):
    """The integrals are those of the stored orbitals."""
    scan = hydrogen()

    def never(*_args, **_kwargs):
        raise AssertionError("computed again")

    monkeypatch.setattr("pyscf.scf.hf.SCF.kernel", never)
    assert len(export_scan(scan, tmp_path / "h2", "fcidump").files) == 5


def test_failed_points_have_no_file(tmp_path):
    """The numbers of the files stay those of the points."""
    done = export_scan(troubled(), tmp_path / "h2", "fcidump")
    assert [file.name for file in done.files] == [
        "point_001.fcidump", "point_002.fcidump", "points.csv",
    ]  # fmt: skip
    assert done.notes == ("Left out, without an energy: points 0, 3.",)


def test_a_function_has_no_integrals(tmp_path):
    """It is refused before a folder is made."""
    with pytest.raises(InputError, match="or the format csv"):
        export_scan(water(), tmp_path / "water", "fcidump")
    assert not (tmp_path / "water").exists()


def test_a_store_gives_the_same_integrals(tmp_path):
    """Orbitals are stored to the last digit."""
    from qmlmat.surfaces import ScanStore, StoreHeader

    scan = hydrogen()
    store = ScanStore.open(tmp_path / "h2.db", StoreHeader(inputs=scan.inputs))
    for index, (point, result) in enumerate(zip(scan.path.points, scan.results, strict=True)):
        store.write(index, point, result)
    one = export_scan(scan, tmp_path / "one", "fcidump")
    two = export_scan(load_scan(tmp_path / "h2.db"), tmp_path / "two", "fcidump")
    for left, right in zip(one.files[:-1], two.files[:-1], strict=True):
        a, b = (fcidump.read(str(file), verbose=False) for file in (left, right))
        np.testing.assert_array_equal(a["H1"], b["H1"])
        np.testing.assert_array_equal(a["H2"], b["H2"])
