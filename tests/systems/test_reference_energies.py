"""Energies to eight digits, against frozen numbers and against PySCF run on its own."""

import numpy as np
import pytest
from pyscf import fci, gto, mcscf, scf

from qmlmat.systems import ActiveSpace, Molecule, molecular_hamiltonian, run_mean_field

FROZEN = 2e-8
"""Half a unit of the eighth printed digit, and the scatter between programs' constants."""
INDEPENDENT = 1e-10
"""Both sides converge their energies to about 1e-11 hartree."""


def water():
    half = np.radians(104.45) / 2
    x, y = 0.9584 * np.sin(half), 0.9584 * np.cos(half)
    return f"O 0 0 0; H {x} {y} 0; H {-x} {y} 0"


def diatomic(first, second, length):
    return f"{first} 0 0 0; {second} 0 0 {length}"


def ring(n_atoms, radius):
    angles = 2 * np.pi * np.arange(n_atoms) / n_atoms
    places = zip(radius * np.cos(angles), radius * np.sin(angles), strict=True)
    return "; ".join(f"H {x} {y} 0" for x, y in places)


CASES = [
    (diatomic("H", "H", 0.735), None, -1.11699900, -1.13730604),
    (diatomic("H", "H", 0.7414), None, -1.11668439, -1.13727017),
    (diatomic("H", "H", 0.75), None, -1.11615145, -1.13711707),
    (diatomic("H", "H", 2.0), None, -0.78379265, -0.94864111),
    (diatomic("Li", "H", 1.595), ActiveSpace(indices=(1, 2, 5)), -7.86202386, -7.88114508),
    (diatomic("Li", "H", 1.595), ActiveSpace(freeze_core=True), -7.86202386, -7.88217451),
    (diatomic("Li", "H", 1.595), ActiveSpace(), -7.86202386, -7.88240193),
    (diatomic("Li", "H", 1.547), ActiveSpace(), None, -7.88276219),
    (water(), ActiveSpace(4, 4), -74.96311986, -74.97057038),
    (water(), ActiveSpace(freeze_core=True), -74.96311986, -75.01268131),
    (water(), ActiveSpace(), -74.96311986, -75.01275931),
    (ring(6, 0.99), None, -3.15856259, -3.23774657),
]


def independent_energy(xyz, selection):
    """Return PySCF's own CASCI (or FCI) energy, with its own mean field and orbitals."""
    mole = gto.M(atom=xyz, basis="sto-3g", verbose=0)
    field = scf.RHF(mole)
    field.conv_tol, field.conv_tol_grad = 1e-12, 1e-8
    field.kernel()
    if not selection.core and selection.norb == mole.nao:
        solver = fci.FCI(field)
        solver.conv_tol = 1e-13
        return solver.kernel()[0]
    solver = mcscf.CASCI(field, selection.norb, sum(selection.nelec))
    solver.fcisolver.conv_tol = 1e-13
    orbitals = solver.sort_mo(list(selection.active), base=0)
    return solver.kernel(orbitals)[0]


@pytest.mark.parametrize(("xyz", "space", "hartree_fock", "exact"), CASES)
def test_exact_energy_agrees_with_frozen_number_and_with_pyscf(xyz, space, hartree_fock, exact):
    """STO-3G energies equal the published eight digits, and PySCF's own to 1e-10 hartree."""
    molecule = Molecule.from_xyz(xyz)
    field = run_mean_field(molecule)
    hamiltonian = molecular_hamiltonian(molecule, space, mean_field=field)
    energy = hamiltonian.spectrum().energies[0]
    assert energy == pytest.approx(exact, abs=FROZEN)
    if hartree_fock is not None:
        assert field.energy == pytest.approx(hartree_fock, abs=FROZEN)
    selection = (space or ActiveSpace()).select(field)
    assert energy == pytest.approx(independent_energy(xyz, selection), abs=INDEPENDENT)


def test_frozen_core_of_an_open_shell_agrees_with_pyscf():
    """ROHF with a frozen core: the doublet of NH2 equals PySCF's CASCI in ROHF orbitals."""
    xyz = "N 0 0 0; H 0 0.8 0.6; H 0 -0.8 0.6"
    hamiltonian = molecular_hamiltonian(
        Molecule.from_xyz(xyz, spin=1), ActiveSpace(freeze_core=True)
    )
    mole = gto.M(atom=xyz, spin=1, basis="sto-3g", verbose=0)
    field = scf.ROHF(mole)
    field.conv_tol, field.conv_tol_grad = 1e-12, 1e-8
    field.kernel()
    solver = mcscf.CASCI(field, 6, (4, 3))
    solver.fcisolver.conv_tol = 1e-13
    energy = solver.kernel()[0]
    assert hamiltonian.nelec == (4, 3)
    assert hamiltonian.mean_field_energy == pytest.approx(field.e_tot, abs=INDEPENDENT)
    assert hamiltonian.spectrum().energies[0] == pytest.approx(energy, abs=INDEPENDENT)


def test_larger_active_space_never_raises_the_energy():
    """Variational principle: adding orbitals to the active space cannot raise the energy."""
    molecule = Molecule.from_xyz(water())
    field = run_mean_field(molecule)
    energies = [
        molecular_hamiltonian(molecule, ActiveSpace(n, norb), mean_field=field)
        .spectrum()
        .energies[0]
        for n, norb in ((2, 2), (4, 4), (6, 5), (8, 6), (10, 7))
    ]
    assert np.all(np.diff(energies) <= 1e-12)
    assert energies[0] <= field.energy


def test_two_distant_molecules_have_twice_the_energy():
    """Size consistency: H2 and a second H2 30 Å away add up."""
    one = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.74"))
    two = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.74; H 0 30 0; H 0 30 0.74"))
    single = one.spectrum().energies[0]
    assert two.spectrum().energies[0] == pytest.approx(2 * single, abs=1e-7)  # r^-5 tail


def test_effective_core_potential_replaces_the_core_electrons():
    """With a potential for 28 electrons of iodine, HI has 26 left and no core to freeze."""
    molecule = Molecule.from_xyz("H 0 0 0; I 0 0 1.61", basis="def2-svp", ecp="def2-svp")
    field = run_mean_field(molecule)
    mole = gto.M(atom="H 0 0 0; I 0 0 1.61", basis="def2-svp", ecp={"I": "def2-svp"}, verbose=0)
    assert molecule.n_electrons == mole.nelectron == 26
    assert field.energy == pytest.approx(scf.RHF(mole).run(conv_tol=1e-12).e_tot, abs=1e-9)
    # Kr's 18 orbitals minus the 14 that the potential replaces: 4s and 4p of iodine.
    assert len(ActiveSpace(freeze_core=True).select(field).core) == 4
