"""The dipole operator: PySCF's Hartree-Fock dipole, its origin, and the energy in a field."""

import numpy as np
import pytest
from molecules import LITHIUM_HYDRIDE, WATER
from pyscf import scf

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.systems import choose_orbitals
from qmlmat.systems.dipole import charge_centre, dipole_operator
from qmlmat.systems.molden import write_molden


def orbitals_of(molecule, **space):
    return choose_orbitals(qm.run_mean_field(molecule), qm.ActiveSpace(**space))


@pytest.mark.parametrize("keywords", [{}, {"charge": 1, "spin": 1}, {"basis": "6-31g"}])
def test_the_dipole_of_the_reference_is_that_of_pyscfs_hartree_fock(keywords):
    """Closed and open shells, with nuclei and frozen core, at PySCF's origin."""
    molecule = qm.Molecule.from_xyz(WATER, **keywords)
    orbitals = orbitals_of(molecule, freeze_core=True)
    operator = dipole_operator(molecule, orbitals, origin=(0, 0, 0))
    n_alpha, n_beta = orbitals.nelec
    filled = np.zeros(orbitals.norb)
    filled[:n_alpha] += 1
    filled[:n_beta] += 1
    mole = molecule.to_pyscf()
    field = (scf.ROHF if molecule.spin else scf.RHF)(mole).run(conv_tol=1e-12, conv_tol_grad=1e-8)
    expected = field.dip_moment(unit="AU", verbose=0)
    assert operator.between(np.diag(filled), 1.0) == pytest.approx(expected, abs=1e-6)


def test_the_dipole_of_a_state_is_the_slope_of_its_energy_in_a_field():
    """Hellmann and Feynman: ``mu = -dE/dF`` of the exact ground state, by central differences."""
    molecule = qm.Molecule.from_xyz(LITHIUM_HYDRIDE)
    orbitals = orbitals_of(molecule, freeze_core=True)
    operator = dipole_operator(molecule, orbitals)
    bare = qm.molecular_hamiltonian(molecule, orbitals=orbitals)

    def energy(field):
        changed = qm.MolecularHamiltonian(
            one_body=bare.one_body + field * operator.position[2],
            two_body=bare.two_body,
            core_energy=bare.core_energy - field * operator.rest[2],
            nelec=bare.nelec,
        )
        return changed.spectrum().energies[0]

    step = 1e-3
    slope = (energy(step) - energy(-step)) / (2 * step)
    state = bare.spectrum().states[0]
    moment = operator.between(bare.one_rdm(state), 1.0)
    assert moment[2] == pytest.approx(-slope, abs=1e-4)  # the error of the difference, step^2
    assert moment[:2] == pytest.approx([0, 0], abs=1e-9)


def test_without_a_word_the_origin_is_the_centre_of_nuclear_charge():
    molecule = qm.Molecule.from_xyz("He 0 0 0; H 0 0 0.9", charge=1)
    assert charge_centre(molecule) == pytest.approx([0, 0, 0.3])
    assert dipole_operator(molecule, orbitals_of(molecule)).origin == pytest.approx([0, 0, 0.3])


def test_core_potentials_leave_their_ions():
    """Sodium behind an effective core potential counts with one charge, not eleven."""
    molecule = qm.Molecule.from_xyz("Na 0 0 0; H 0 0 2.0", basis="lanl2dz", ecp="lanl2dz")
    assert charge_centre(molecule) == pytest.approx([0, 0, 1.0])


def test_a_place_that_is_none_and_orbitals_of_another_molecule_are_refused():
    molecule = qm.Molecule.from_xyz(LITHIUM_HYDRIDE)
    orbitals = orbitals_of(molecule)
    with pytest.raises(InputError, match=r"Give three finite numbers"):
        dipole_operator(molecule, orbitals, origin=(0, 0))
    with pytest.raises(InputError, match=r"with_positions\(orbitals.positions\)"):
        dipole_operator(molecule.with_positions(2 * molecule.positions), orbitals)
    larger = qm.Molecule.from_xyz(LITHIUM_HYDRIDE, basis="6-31g")
    with pytest.raises(InputError, match=r"Use the molecule they were made for"):
        dipole_operator(larger, orbitals)


def test_a_molden_file_that_cannot_be_written_is_said(tmp_path):
    molecule = qm.Molecule.from_xyz(LITHIUM_HYDRIDE)
    with pytest.raises(InputError, match="Choose a file you may write"):
        write_molden(molecule, np.eye(6), np.zeros(6), tmp_path / "none" / "file.molden")
