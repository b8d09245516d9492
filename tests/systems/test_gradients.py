"""Nuclear gradients: finite differences of our own energies, PySCF's gradients, and refusals."""

import dataclasses

import numpy as np
import pytest
from pyscf import mcscf, scf

from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers import VQE, Exact, solve
from qmlmat.systems import ActiveSpace, Molecule, molecular_hamiltonian, one_rdm, two_rdm
from qmlmat.systems.active_orbitals import ActiveOrbitals, choose_orbitals
from qmlmat.systems.gradients import energy_gradient
from qmlmat.systems.mean_field import run_mean_field
from qmlmat.units import BOHR_IN_ANGSTROM

LITHIUM_HYDRIDE = "Li 0 0 0; H 0.2 0.1 1.7"
WATER = "O 0 0 0; H 0.75 0.05 0.6; H -0.8 0 0.55"  # no symmetry: every component counts
TIGHT = VQE("uccsd", gradient_tolerance=1e-8)  # so that the energies' noise is below the bar
PAIRS = VQE("puccd", gradient_tolerance=1e-8)  # depends on every rotation of orbitals
STEP = 2e-3  # bohr; the four-point formula's error is then below 1e-8 hartree per bohr


def _gradient(molecule, space, solver, turn=None):
    """The gradient, the active orbitals turned before the solver sees them where asked."""
    mean_field = run_mean_field(molecule)
    chosen = choose_orbitals(mean_field, space)
    active = chosen.active if turn is None else chosen.active @ turn
    orbitals = ActiveOrbitals(
        positions=chosen.positions, inactive=chosen.inactive, active=active, nelec=chosen.nelec
    )
    state = solve(molecular_hamiltonian(molecule, orbitals=orbitals), solver).states[0]
    rdms = (density(state, orbitals.norb, orbitals.nelec) for density in (one_rdm, two_rdm))
    return energy_gradient(mean_field, orbitals, *rdms)


def _difference(molecule, space, solver, atom, axis):
    """The four-point difference quotient of the solver's energies (hartree per bohr)."""
    start, energies = None, []
    for steps in (2, 1, -1, -2):
        positions = np.array(molecule.positions)
        positions[atom, axis] += steps * STEP * BOHR_IN_ANGSTROM
        start = solve(
            molecular_hamiltonian(molecule.with_positions(positions), space), solver, guess=start
        )
        energies.append(start.energy)
    return (8 * (energies[1] - energies[2]) - energies[0] + energies[3]) / (12 * STEP)


@pytest.mark.parametrize(
    ("xyz", "space", "solver"),
    [
        (LITHIUM_HYDRIDE, ActiveSpace(), Exact()),
        (LITHIUM_HYDRIDE, ActiveSpace(freeze_core=True), Exact()),
        (LITHIUM_HYDRIDE, ActiveSpace(2, 2), TIGHT),
        (LITHIUM_HYDRIDE, ActiveSpace(freeze_core=True), TIGHT),
        (LITHIUM_HYDRIDE, ActiveSpace(), TIGHT),
        (WATER, ActiveSpace(4, 4), Exact()),
        (WATER, ActiveSpace(6, 5), TIGHT),
        (WATER, ActiveSpace(6, 5), PAIRS),
        (WATER, ActiveSpace(), PAIRS),
        (WATER, ActiveSpace(freeze_core=True), TIGHT),
    ],
)
def test_a_gradient_is_the_difference_quotient_of_the_energies(xyz, space, solver):
    """With core, empty orbitals and a circuit that is not exact, to 1e-7 hartree per bohr."""
    molecule = Molecule.from_xyz(xyz)
    gradient = _gradient(molecule, space, solver)
    for atom, axis in ((0, 2), (1, 0)):
        expected = _difference(molecule, space, solver, atom, axis)
        assert gradient[atom, axis] == pytest.approx(expected, abs=1e-7)
    assert np.abs(gradient.sum(axis=0)).max() < 1e-10  # nothing pushes the whole molecule


@pytest.mark.parametrize("basis", ["sto-3g", "6-31g"])
def test_gradients_of_exact_states_are_those_of_pyscf(basis):
    """CASCI in Hartree-Fock orbitals, all atoms and axes."""
    molecule = Molecule.from_xyz(WATER, basis=basis)
    field = scf.RHF(molecule.to_pyscf()).run(conv_tol=1e-13)
    expected = mcscf.CASCI(field, 4, 4).run().nuc_grad_method().kernel()
    assert _gradient(molecule, ActiveSpace(4, 4), Exact()) == pytest.approx(expected, abs=2e-7)


def test_an_open_shell_has_a_gradient_where_its_orbitals_do_not_matter():
    """OH with all orbitals active: full CI does not depend on how ROHF turns them."""
    molecule = Molecule.from_xyz("O 0 0 0; H 0 0 1.0", spin=1)
    gradient = _gradient(molecule, ActiveSpace(), Exact())
    expected = _difference(molecule, ActiveSpace(), Exact(), 1, 2)
    assert gradient[1, 2] == pytest.approx(expected, abs=1e-7)


def test_an_open_shell_is_refused_where_its_orbitals_matter():
    """The response of ROHF orbitals is not known here."""
    molecule = Molecule.from_xyz("O 0 0 0; H 0 0 1.0", spin=1)
    with pytest.raises(CapabilityError, match="closed shell alone"):
        _gradient(molecule, ActiveSpace(freeze_core=True), Exact())


def test_orbitals_that_are_not_canonical_are_refused():
    """Half a core orbital in the active space has no known response."""
    molecule = Molecule.from_xyz(WATER)
    field = run_mean_field(molecule)
    chosen = choose_orbitals(field, ActiveSpace(4, 4))
    both = np.hstack([chosen.inactive[:, -1:], chosen.active[:, :1]])
    mixed = both @ np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    orbitals = ActiveOrbitals(
        positions=chosen.positions,
        inactive=np.hstack([chosen.inactive[:, :-1], mixed[:, :1]]),
        active=np.hstack([mixed[:, 1:], chosen.active[:, 1:]]),
        nelec=chosen.nelec,
    )
    state = molecular_hamiltonian(molecule, orbitals=orbitals).spectrum().states[0]
    with pytest.raises(CapabilityError, match="canonical orbitals of a closed shell"):
        energy_gradient(field, orbitals, one_rdm(state, 4, (2, 2)), two_rdm(state, 4, (2, 2)))


def test_turning_active_orbitals_matters_to_a_circuit_alone():
    """An exact state has the same gradient in turned orbitals; a circuit's is refused."""
    molecule = Molecule.from_xyz(WATER)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    straight = _gradient(molecule, ActiveSpace(4, 4), Exact())
    turned = _gradient(molecule, ActiveSpace(4, 4), Exact(), turn=turn)
    assert turned == pytest.approx(straight, abs=1e-8)
    with pytest.raises(CapabilityError, match='orbitals="canonical"'):
        _gradient(molecule, ActiveSpace(4, 4), PAIRS, turn=turn)


def test_orbitals_that_meet_by_accident_have_no_response():
    """A circuit's energy depends on how two orbitals of one level are turned: no derivative."""
    molecule = Molecule.from_xyz(WATER)
    field = run_mean_field(molecule)
    levels = np.array(field.mo_energy)
    levels[3] = levels[2]
    orbitals = choose_orbitals(field, ActiveSpace(freeze_core=True))
    hamiltonian = molecular_hamiltonian(molecule, orbitals=orbitals)
    state = solve(hamiltonian, PAIRS).states[0]
    rdms = (hamiltonian.one_rdm(state), hamiltonian.two_rdm(state))
    with pytest.raises(CapabilityError, match="degenerate shell as a whole"):
        energy_gradient(dataclasses.replace(field, mo_energy=levels), orbitals, *rdms)


def test_density_matrices_of_other_orbitals_are_refused():
    """Shapes and geometries must be those of the orbitals."""
    molecule = Molecule.from_xyz(WATER)
    field = run_mean_field(molecule)
    orbitals = choose_orbitals(field, ActiveSpace(4, 4))
    with pytest.raises(InputError, match="over 4 active orbitals"):
        energy_gradient(field, orbitals, np.eye(3), np.zeros((3,) * 4))
    moved = ActiveOrbitals(
        positions=orbitals.positions + 0.1,
        inactive=orbitals.inactive,
        active=orbitals.active,
        nelec=orbitals.nelec,
    )
    with pytest.raises(InputError, match="different geometries"):
        energy_gradient(field, moved, np.eye(4), np.zeros((4,) * 4))
