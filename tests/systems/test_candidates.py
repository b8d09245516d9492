"""AVAS and natural orbitals: against PySCF's own, and what they leave alone."""

import numpy as np
import pytest
from pyscf import mcscf, mp, scf
from pyscf.mcscf import avas

from qmlmat.errors import ActiveSpaceError
from qmlmat.systems import ActiveSpace, Molecule, choose_orbitals, molecular_hamiltonian
from qmlmat.systems.mean_field import run_mean_field

NITROGEN = Molecule.from_xyz("N 0 0 0; N 0 0 1.3", basis="6-31g")
WATER = Molecule.from_xyz("O 0 0 0; H 0 0.757 0.587; H 0 -0.757 0.587", basis="6-31g")
TRIPLET = Molecule.from_xyz("O 0 0 0; O 0 0 1.2", spin=2)


def pyscf_field(molecule):
    field = scf.RHF(molecule.to_pyscf()).set(verbose=0, conv_tol=1e-12)
    field.kernel()
    return field


@pytest.mark.parametrize(
    ("molecule", "labels"),
    [(NITROGEN, ("N 2p",)), (NITROGEN, ("N 2s", "N 2p")), (WATER, ("O 2p", "H 1s"))],
)
def test_avas_is_pyscfs_avas(molecule, labels):
    """The same numbers of electrons and orbitals, and the same energy of the space."""
    field = pyscf_field(molecule)
    norb, n_electrons, orbitals = avas.avas(field, list(labels), verbose=0)
    casci = mcscf.CASCI(field, norb, n_electrons)
    casci.verbose = 0
    hamiltonian = molecular_hamiltonian(molecule, ActiveSpace(avas=labels))
    assert (hamiltonian.norb, sum(hamiltonian.nelec)) == (norb, n_electrons)
    expected = casci.kernel(orbitals)[0]
    assert hamiltonian.spectrum().energies[0] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("molecule", "labels"), [(NITROGEN, ("N 2p",)), (WATER, ("O 2p", "H 1s"))], ids=["N2", "H2O"]
)
def test_avas_orbitals_are_semicanonical(molecule, labels):
    """Fock is diagonal among the active occupied and among the active empty orbitals."""
    field = run_mean_field(molecule)
    found = choose_orbitals(field, ActiveSpace(avas=labels))
    overlap = molecule.to_pyscf().intor("int1e_ovlp")
    share = field.mo_coeff.T @ overlap @ found.active
    fock = share.T @ np.diag(field.mo_energy) @ share
    for kind in found.classes:
        block = fock[kind, kind]
        np.testing.assert_allclose(block, np.diag(block.diagonal()), atol=1e-8)


def test_avas_with_counts_takes_the_largest_shares():
    """As many electrons and orbitals as the threshold gives are the same ones."""
    first = molecular_hamiltonian(NITROGEN, ActiveSpace(avas="N 2p"))
    counts = ActiveSpace(sum(first.nelec), first.norb, avas=("N 2p",))
    second = molecular_hamiltonian(NITROGEN, counts)
    expected = first.spectrum().energies[0]
    assert second.spectrum().energies[0] == pytest.approx(expected, abs=1e-10)


def test_avas_keeps_unpaired_electrons_active():
    """Triplet O2: both pi* electrons are in the space, which is PySCF's."""
    field = scf.ROHF(TRIPLET.to_pyscf()).set(verbose=0)
    field.kernel()
    norb, n_electrons, _ = avas.avas(field, ["O 2p"], verbose=0, openshell_option=3)
    hamiltonian = molecular_hamiltonian(TRIPLET, ActiveSpace(avas=("O 2p",)))
    assert hamiltonian.nelec[0] - hamiltonian.nelec[1] == 2
    assert (hamiltonian.norb, sum(hamiltonian.nelec)) == (norb, n_electrons)


def test_natural_orbitals_are_those_of_pyscfs_mp2():
    """Their occupations are the eigenvalues of the density matrix."""
    method = mp.MP2(pyscf_field(WATER))
    method.verbose = 0
    method.kernel()
    expected = np.sort(np.linalg.eigvalsh(method.make_rdm1()))[::-1]
    found = ActiveSpace(4, 4, natural=True).candidates(run_mean_field(WATER))
    np.testing.assert_allclose(-found.mo_energy, expected, atol=1e-7)


def test_natural_orbitals_keep_the_hartree_fock_determinant():
    """They turn occupied and empty orbitals apart: the reference's energy is Hartree-Fock's."""
    field = run_mean_field(WATER)
    hamiltonian = molecular_hamiltonian(WATER, ActiveSpace(6, 6, natural=True), mean_field=field)
    assert hamiltonian.mean_field_energy == pytest.approx(field.energy, abs=1e-9)


def test_natural_orbitals_correlate_more_than_canonical_ones():
    """In a basis with several shells, the natural (8e,8o) lies far below the canonical one."""
    energies = [
        molecular_hamiltonian(WATER, ActiveSpace(8, 8, natural=n)).spectrum().energies[0]
        for n in (True, False)
    ]
    assert energies[0] < energies[1] - 0.01


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: ActiveSpace(natural=True), "Give n_electrons and norb"),
        (lambda: ActiveSpace(4, 4, natural=True, avas=("O 2p",)), "no avas"),
        (lambda: ActiveSpace(avas=("O 2p",), freeze_core=True), "Use only one"),
        (lambda: ActiveSpace(avas=("O 2p",), threshold=1.5), r"threshold=0\.2"),
        (lambda: molecular_hamiltonian(WATER, ActiveSpace(avas=("N 2p",))), r"Known: .*O 2p"),
        (lambda: molecular_hamiltonian(TRIPLET, ActiveSpace(4, 3, natural=True)), "canonical"),
        (
            lambda: molecular_hamiltonian(WATER, ActiveSpace(avas=("O 2p",), threshold=0.999999)),
            "Include an occupied orbital",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, remedy):
    """One sentence, with what to do."""
    with pytest.raises(ActiveSpaceError, match=remedy):
        make()
