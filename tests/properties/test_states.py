"""Dipoles and transition dipoles: PySCF's transition densities, laws of the origin, guards."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from dense_fci import dense_fci
from molecules import WATER

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.systems import choose_orbitals

FROZEN = qm.ActiveSpace(freeze_core=True)
LIH = "Li 0 0 0; H 0 0 1.5949"
BH = "B 0 0 0; H 0 0 1.2324"


@cache
def solved(xyz, n_states, charge=0):
    """A molecule with the exact states of its frozen-core space."""
    molecule = qm.Molecule.from_xyz(xyz, charge=charge)
    hamiltonian = qm.molecular_hamiltonian(molecule, FROZEN)
    return molecule, qm.solve(hamiltonian, qm.Exact(), n_states=n_states)


def properties(xyz, n_states, **keywords):
    molecule, solution = solved(xyz, n_states)
    return qm.state_properties(molecule, FROZEN, solution, **keywords)


@pytest.mark.parametrize(("xyz", "n_states"), [(WATER, 10), (LIH, 13), (BH, 12)])
def test_strengths_are_those_of_pyscfs_dense_transition_densities(xyz, n_states):
    """Other orbitals, other states, one spectrum: summed over degenerate components, to 1e-6."""
    molecule, solution = solved(xyz, n_states)
    spectrum = qm.absorption_spectrum(molecule, FROZEN, solution)
    atoms = list(zip(molecule.symbols, molecule.positions.tolist(), strict=True))
    dense = dense_fci(atoms, n_core=1, n_states=n_states + 6)
    gaps = dense.energies - dense.energies[0]
    squares = (dense.dipoles[0] ** 2).sum(axis=1)
    assert len(spectrum.transitions) >= 6
    for line in spectrum.transitions:
        gap = solution.energies[list(line.states)].mean() - solution.energy
        same = np.abs(gaps - gap) < 1e-6
        assert same.sum() >= len(line.states)
        assert line.dipole_strengths.sum() == pytest.approx(squares[same].sum(), abs=1e-6)
        expected = (2 / 3 * gaps * squares)[same].sum()
        assert line.oscillator_strength == pytest.approx(expected, abs=1e-6)


def test_permanent_dipoles_are_pyscfs():
    """The states of water are not degenerate: state by state, along each axis."""
    found = properties(WATER, 10)
    molecule = found.molecule
    atoms = list(zip(molecule.symbols, molecule.positions.tolist(), strict=True))
    dense = dense_fci(atoms, n_core=1, n_states=10)
    assert found.dipoles == pytest.approx(dense.dipoles[1], abs=1e-6)


@pytest.mark.parametrize("xyz", [WATER, LIH])
def test_nothing_of_a_neutral_molecule_depends_on_the_origin(xyz):
    here, there = properties(xyz, 7), properties(xyz, 7, origin=(1.0, -2.0, 3.0))
    assert there.dipoles == pytest.approx(here.dipoles, abs=1e-10)
    assert there.transition_dipoles == pytest.approx(here.transition_dipoles, abs=1e-10)


def test_of_an_ion_only_the_permanent_dipoles_depend_on_the_origin():
    """They change by minus the charge times the shift."""
    molecule, solution = solved("He 0 0 0; H 0 0 0.9", 3, charge=1)
    here = qm.state_properties(molecule, FROZEN, solution, origin=(0, 0, 0))
    there = qm.state_properties(molecule, FROZEN, solution, origin=(0, 0, 0.529177210544))
    assert here.dipoles - there.dipoles == pytest.approx(np.tile([0, 0, 1.0], (3, 1)), abs=1e-10)
    apart = ~np.eye(3, dtype=bool)
    assert there.transition_dipoles[apart] == pytest.approx(
        here.transition_dipoles[apart], abs=1e-10
    )


def test_strengths_do_not_depend_on_how_the_molecule_lies():
    """Turned and shifted, water has the same spectrum; its dipole turns with it."""
    molecule, solution = solved(WATER, 6)
    turn = np.linalg.qr(np.random.default_rng(7).standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    moved = molecule.with_positions(molecule.positions @ turn.T + [1.0, 2.0, 3.0])
    again = qm.solve(qm.molecular_hamiltonian(moved, FROZEN), qm.Exact(), n_states=6)
    here = qm.state_properties(molecule, FROZEN, solution)
    there = qm.state_properties(moved, FROZEN, again)
    assert there.oscillator_strengths == pytest.approx(here.oscillator_strengths, abs=1e-6)
    assert there.dipoles == pytest.approx(here.dipoles @ turn.T, abs=1e-6)


def test_phases_of_states_change_no_strength():
    """States of a circuit with phases are complex; so are their transition dipoles."""
    molecule, solution = solved(LIH, 7)
    phases = np.exp(1j * np.arange(7))
    turned = replace(
        solution, states=tuple(p * s for p, s in zip(phases, solution.states, strict=True))
    )
    here = qm.state_properties(molecule, FROZEN, solution)
    there = qm.state_properties(molecule, FROZEN, turned)
    assert there.oscillator_strengths == pytest.approx(here.oscillator_strengths, abs=1e-12)
    expected = here.transition_dipoles * np.outer(phases.conj(), phases)[:, :, None]
    assert there.transition_dipoles == pytest.approx(expected, abs=1e-12)
    assert there.dipoles == pytest.approx(here.dipoles, abs=1e-12)


def test_strengths_upwards_and_downwards_differ_by_their_sign_only():
    strengths = properties(LIH, 7).oscillator_strengths
    assert strengths == pytest.approx(-strengths.T, abs=1e-15)


def test_overlapping_states_are_made_orthogonal_before_transitions():
    """As if the symmetrically orthogonal states had been given; permanent dipoles stay."""
    molecule, solution = solved("He 0 0 0; H 0 0 0.9", 3, charge=1)
    ground, excited, _ = solution.states
    mixed = np.sqrt(1 - 0.02**2) * excited + 0.02 * ground
    given = replace(solution, states=(ground, mixed), energies=solution.energies[:2])
    given = replace(given, spin_squares=None, residuals=None, irreps=None, configurations=None)
    given = replace(given, reference_energies=None)
    found = qm.state_properties(molecule, FROZEN, given)
    assert abs(found.overlaps[0, 1]) == pytest.approx(0.02)
    assert "made orthogonal" in found.notes[0]

    plus, minus = 0.5 / np.sqrt(1.02), 0.5 / np.sqrt(0.98)  # (1 + S)^(-1/2) of two vectors
    first = (plus + minus) * ground + (plus - minus) * mixed
    second = (plus - minus) * ground + (plus + minus) * mixed
    assert np.vdot(first, second) == pytest.approx(0, abs=1e-12)
    orbitals = found.orbitals
    operator = qm.systems.dipole.dipole_operator(molecule, orbitals)
    rdm = qm.systems.transition_one_rdm(first, second, orbitals.norb, orbitals.nelec)
    expected = operator.between(rdm, 0.0)
    assert found.transition_dipoles[0, 1] == pytest.approx(expected, abs=1e-12)
    far = qm.state_properties(molecule, FROZEN, given, origin=(0, 0, 50))
    assert far.transition_dipoles[0, 1] == pytest.approx(expected, abs=1e-9)


def test_the_same_state_twice_is_refused():
    molecule, solution = solved(LIH, 2)
    twice = replace(solution, states=(solution.states[0],) * 2)
    with pytest.raises(InputError, match="two are the same"):
        qm.state_properties(molecule, FROZEN, twice)


def test_states_of_every_solver_have_properties():
    """SSVQE's spectrum of LiH is near the exact one; qm.solve is all it takes."""
    molecule, exact = solved(LIH, 3)
    hamiltonian = qm.molecular_hamiltonian(molecule, FROZEN)
    found = qm.solve(hamiltonian, qm.SSVQE("uccgsd"), n_states=3)
    here = qm.state_properties(molecule, FROZEN, found)
    there = qm.state_properties(molecule, FROZEN, exact)
    assert here.dipoles == pytest.approx(there.dipoles, abs=1e-2)
    assert here.oscillator_strengths == pytest.approx(there.oscillator_strengths, abs=1e-3)


def test_an_average_of_states_has_natural_orbitals():
    """Equal weights are the mean of the density matrices; one weight is one state."""
    found = properties(LIH, 3)
    mean = found.averaged()
    assert mean.occupations.sum() == pytest.approx(2)
    turned = mean.rotation @ np.diag(mean.occupations) @ mean.rotation.T
    assert turned == pytest.approx(found.one_rdms.mean(axis=0), abs=1e-12)
    single = found.averaged([0, 5, 0])
    assert single.occupations == pytest.approx(found.natural_orbitals[1].occupations)


@pytest.mark.parametrize("weights", [[1, 2], [1, -1, 1], [0, 0, 0], [1, np.nan, 1]])
def test_weights_that_cannot_be_are_refused(weights):
    with pytest.raises(InputError, match="give 3 weights"):
        properties(LIH, 3).averaged(weights)


def test_states_of_another_size_are_refused():
    molecule, solution = solved(LIH, 2)
    with pytest.raises(InputError, match="active space that the Hamiltonian was made with"):
        qm.state_properties(molecule, None, solution)


def test_states_of_another_geometry_or_space_of_the_same_size_are_refused():
    """Their energy in the orbitals given is not the solution's."""
    molecule, solution = solved(LIH, 2)
    longer = molecule.with_positions(1.01 * molecule.positions)
    with pytest.raises(InputError, match="another molecule, geometry or active space"):
        qm.state_properties(longer, FROZEN, solution)
    with pytest.raises(InputError, match="another molecule, geometry or active space"):
        qm.state_properties(molecule, qm.ActiveSpace(indices=(0, 2, 3, 4, 5)), solution)


def test_orbitals_of_another_geometry_are_refused():
    molecule, solution = solved(LIH, 2)
    longer = molecule.with_positions(1.01 * molecule.positions)
    elsewhere = choose_orbitals(qm.run_mean_field(longer), FROZEN)
    with pytest.raises(InputError, match="another geometry"):
        qm.state_properties(molecule, elsewhere, solution)


def test_a_solution_without_states_and_a_space_that_is_none_are_refused():
    molecule, solution = solved(LIH, 2)
    stored = qm.Solution.from_dict(solution.to_dict())
    with pytest.raises(InputError, match="Use one fresh from solve"):
        qm.state_properties(molecule, FROZEN, stored)
    with pytest.raises(InputError, match="Give the ActiveSpace"):
        qm.state_properties(molecule, "frozen", solution)
