"""FCIDUMP files: nothing is lost on the way, and PySCF finds our exact energy in them."""

import numpy as np
import pytest
from molecules import WATER
from pyscf import ao2mo, fci
from pyscf.tools import fcidump

from qmlmat.errors import InputError
from qmlmat.systems import (
    ActiveSpace,
    MolecularHamiltonian,
    Molecule,
    from_fcidump,
    molecular_hamiltonian,
    to_fcidump,
)

OXYGEN = molecular_hamiltonian(
    Molecule.from_xyz("O 0 0 0; O 0 0 1.2", spin=2), ActiveSpace(freeze_core=True)
)
SMALL = molecular_hamiltonian(Molecule.from_xyz(WATER), ActiveSpace(4, 4))
UNRESTRICTED = " &FCI NORB=1,NELEC=1,MS2=1,\n  ORBSYM=1,\n  ISYM=1,\n  {}\n &END\n 0.1 1 1 0 0\n"


@pytest.mark.parametrize("hamiltonian", [SMALL, OXYGEN], ids=["singlet", "triplet"])
def test_hamiltonian_survives_a_file(hamiltonian, tmp_path):
    """Integrals, core energy and electrons come back as they were."""
    to_fcidump(hamiltonian, tmp_path / "FCIDUMP")
    back = from_fcidump(tmp_path / "FCIDUMP")
    np.testing.assert_allclose(back.one_body, hamiltonian.one_body, rtol=0, atol=1e-12)
    np.testing.assert_allclose(back.two_body, hamiltonian.two_body, rtol=0, atol=1e-12)
    assert back.core_energy == hamiltonian.core_energy
    assert back.nelec == hamiltonian.nelec


@pytest.mark.parametrize("hamiltonian", [SMALL, OXYGEN], ids=["singlet", "triplet"])
def test_pyscf_finds_our_exact_energy_in_the_file(hamiltonian, tmp_path):
    """Its own FCI on what its own reader reads."""
    file = str(tmp_path / "FCIDUMP")
    to_fcidump(hamiltonian, file)
    read = fcidump.read(file, verbose=False)
    assert set(read["ORBSYM"]) == {1}
    counts = [(read["NELEC"] + k * read["MS2"]) // 2 for k in (1, -1)]
    repulsion = ao2mo.restore(1, read["H2"], read["NORB"])
    energy, _ = fci.direct_spin1.kernel(read["H1"], repulsion, read["NORB"], counts)
    exact = hamiltonian.spectrum().energies[0]
    assert energy + read["ECORE"] == pytest.approx(exact, abs=1e-9)


def test_more_beta_electrons_come_back_as_alpha(tmp_path):
    """MS2 has no sign; the energies do not depend on it."""
    flipped = MolecularHamiltonian(
        one_body=SMALL.one_body, two_body=SMALL.two_body, core_energy=1.0, nelec=(1, 3)
    )
    to_fcidump(flipped, tmp_path / "FCIDUMP")
    back = from_fcidump(tmp_path / "FCIDUMP")
    assert back.nelec == (3, 1)
    assert back.spectrum().energies[0] == pytest.approx(flipped.spectrum().energies[0], abs=1e-10)


def test_missing_core_energy_is_noted(tmp_path):
    """It is then zero, and a note says so."""
    file = tmp_path / "FCIDUMP"
    file.write_text(UNRESTRICTED.format("UHF=.FALSE.,"), encoding="utf-8")
    assert "no core energy" in from_fcidump(file).notes[0]
    assert from_fcidump(file).mean_field_energy == 0.1


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "starts with &FCI"),
        ("H 0 0 0\nH 0 0 1\n", "starts with &FCI"),
        (" &FCI NORB=2,NELEC=2,MS2=0,\n &END\n", "cut off"),
        (" &FCI NORB=1,NELEC=1,MS2=1,\n &END\n 0.1 2 2 0 0\n", "cut off"),
        (" &FCI NORB=1,NELEC=1,MS2=1,\n &END\n 0.1 1 1\n", "cut off"),
        (" &FCI NORB=1,NELEC=1,MS2=0,\n &END\n 0.1 1 1 0 0\n", "Correct the file's first lines"),
        (UNRESTRICTED.format("UHF=.TRUE.,"), "restricted ones"),
        (UNRESTRICTED.format("IUHF=1,"), "restricted ones"),
    ],
)
def test_refused_file_names_the_remedy(text, remedy, tmp_path):
    """Other files, cut-off ones, unrestricted ones: one line each."""
    file = tmp_path / "FCIDUMP"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=remedy):
        from_fcidump(file)


def test_missing_file_and_missing_folder_are_named(tmp_path):
    """Neither reading nor writing ends in a traceback."""
    with pytest.raises(InputError, match="no such file"):
        from_fcidump(tmp_path / "nothing")
    with pytest.raises(InputError, match="a folder that exists"):
        to_fcidump(SMALL, tmp_path / "nowhere" / "FCIDUMP")
