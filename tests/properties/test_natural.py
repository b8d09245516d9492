"""Natural orbitals, Molden files and one-orbital entropies."""

import numpy as np
import pytest
from molecules import WATER
from pyscf.tools import molden

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.systems import choose_orbitals

FROZEN = qm.ActiveSpace(freeze_core=True)


@pytest.fixture(scope="module")
def water():
    molecule = qm.Molecule.from_xyz(WATER)
    hamiltonian = qm.molecular_hamiltonian(molecule, FROZEN)
    return qm.state_properties(
        molecule, FROZEN, qm.solve(hamiltonian, qm.Exact(), n_states=3)
    ), hamiltonian


def test_natural_occupations_add_up_and_their_orbitals_are_orthonormal(water):
    found, _ = water
    overlap = found.molecule.to_pyscf().intor("int1e_ovlp")
    for natural in found.natural_orbitals:
        assert natural.occupations.sum() == pytest.approx(8)
        assert (np.diff(natural.occupations) <= 1e-12).all()
        turned = natural.coefficients
        assert turned.T @ overlap @ turned == pytest.approx(np.eye(6), abs=1e-10)


def test_a_broken_bond_has_two_unpaired_electrons():
    """H2 at 6 Å: both natural orbitals hold one electron; near equilibrium one holds nearly two.

    Each of the canonical orbitals holds both electrons or none, with even odds: ln 2.
    """
    for length, unpaired, entropy in ((6.0, 2.0, np.log(2)), (0.74, 0.0, 0.0)):
        molecule = qm.Molecule.from_xyz(f"H 0 0 0; H 0 0 {length}")
        solution = qm.solve(qm.molecular_hamiltonian(molecule), qm.Exact(multiplicity=1))
        found = qm.state_properties(molecule, None, solution)
        assert found.natural_orbitals[0].n_unpaired == pytest.approx(unpaired, abs=0.11)
        assert found.orbital_entropies[0] == pytest.approx(entropy, abs=0.07)


def test_entropies_are_those_of_the_density_matrices(water):
    """From the diagonals of PySCF's one- and two-particle density matrices."""
    found, hamiltonian = water
    for state, entropies in zip(found.solution.states, found.orbital_entropies, strict=True):
        n_a, n_b = np.diagonal(hamiltonian.one_rdm(state, spin_resolved=True), axis1=1, axis2=2)
        both = np.einsum("pppp->p", hamiltonian.two_rdm(state, spin_resolved=True)[1])
        ways = np.array([1 - n_a - n_b + both, n_a - both, n_b - both, both])
        expected = -(ways * np.log(np.maximum(ways, 1e-300))).sum(axis=0)
        assert entropies == pytest.approx(expected, abs=1e-10)


def test_a_determinant_has_no_entropy_and_ln_4_is_the_most():
    state = np.zeros((2, 2))
    state[0, 0] = 1
    assert qm.orbital_entropies(state, 2, (1, 1)) == pytest.approx([0, 0], abs=1e-15)
    even = np.full((2, 2), 0.5)
    assert qm.orbital_entropies(even, 2, (1, 1)) == pytest.approx(np.log(4) * np.ones(2))


def test_a_state_of_another_size_has_no_entropies():
    with pytest.raises(InputError, match="does not belong to norb=2"):
        qm.orbital_entropies(np.zeros((3, 3)), 2, (1, 1))


def test_molden_files_hold_core_and_natural_orbitals(water, tmp_path):
    """PySCF reads them back: coefficients up to what the file's digits keep, and occupations."""
    found, _ = water
    natural = found.natural_orbitals[1]
    file = natural.to_molden(found.molecule, tmp_path / "state1.molden")
    _, _, coefficients, occupations, _, _ = molden.load(str(file))
    expected = np.hstack([natural.orbitals.inactive, natural.coefficients])
    assert np.abs(coefficients) == pytest.approx(np.abs(expected), abs=1e-6)
    assert occupations == pytest.approx([2.0, *natural.occupations], abs=1e-5)


def test_orbitals_of_another_geometry_are_not_written(water, tmp_path):
    found, _ = water
    moved = found.molecule.with_positions(1.1 * found.molecule.positions)
    with pytest.raises(InputError, match="another geometry"):
        found.natural_orbitals[0].to_molden(moved, tmp_path / "x.molden")


def test_natural_orbitals_of_any_density_matrix():
    """A public function of an array: that of a state of one's own."""
    molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
    orbitals = choose_orbitals(qm.run_mean_field(molecule), qm.ActiveSpace())
    natural = qm.natural_orbitals(np.array([[0.5, 0.0], [0.0, 1.5]]), orbitals)
    assert natural.occupations == pytest.approx([1.5, 0.5])
    assert natural.rotation == pytest.approx(np.array([[0, 1], [1, 0]]))
