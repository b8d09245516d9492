"""Deflation: states one after the other, the weight that keeps them apart, and its refusals."""

import numpy as np
import pytest
from molecules import HYDROGEN, LITHIUM_HYDRIDE, RECTANGLE, WATER, hamiltonian

import qmlmat as qm
from qmlmat.backends import Preparation
from qmlmat.errors import InputError
from qmlmat.solvers.vqd import Projector, deflated
from qmlmat.systems.spectrum import spectral_range

MILLIHARTREE = 1e-3
MOLECULES = {"H4": RECTANGLE, "LiH": LITHIUM_HYDRIDE, "H2O": WATER}


@pytest.mark.parametrize(("multiplicity", "n_states"), [(1, 3), (3, 2)])
@pytest.mark.parametrize("name", MOLECULES)
def test_the_lowest_states_are_found_one_after_the_other(name, multiplicity, n_states):
    """A twentieth of a millihartree, pure spins, the exact irreps, nearly orthogonal."""
    h = hamiltonian(MOLECULES[name])
    found = qm.solve(h, qm.VQD(multiplicity=multiplicity), n_states=n_states)
    assert found.status == "converged"
    assert np.abs(found.errors).max() < 0.05 * MILLIHARTREE
    assert found.multiplicities == (multiplicity,) * n_states
    exact = qm.solve(h, qm.Exact(multiplicity=multiplicity), n_states=n_states)
    np.testing.assert_allclose(found.energies, exact.energies, atol=0.05 * MILLIHARTREE)
    table = np.array([state.ravel() for state in found.states])
    assert np.abs(table @ table.T - np.eye(n_states)).max() < 1e-2


def test_each_state_has_a_row_of_angles_and_a_reference_of_its_own():
    """The circuit with that row, on that reference, is that state."""
    h = hamiltonian(RECTANGLE)
    found = qm.solve(h, qm.VQD(multiplicity=1), n_states=3)
    assert found.params.shape == (3, found.circuit.n_params)
    assert len(found.references) == 3
    for state, row, reference in zip(found.states, found.params, found.references, strict=True):
        again = qm.SectorBackend().state(Preparation(found.circuit, reference, row))
        np.testing.assert_allclose(again, state, atol=1e-12)


def test_energies_and_residuals_are_those_of_the_states():
    """No penalty and no deflation is left in them; they ascend."""
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.VQD(), n_states=4)
    assert (np.diff(found.energies) > 0).all()
    for energy, state, residual in zip(found.energies, found.states, found.residuals, strict=True):
        assert h.expectation(state) == pytest.approx(energy, abs=1e-10)
        again = np.linalg.norm(h.matvec(state) - energy * state)
        assert residual == pytest.approx(again, abs=1e-9)


def test_an_energys_error_is_below_its_residual():
    """An exact level lies within the residual of each energy (Weinstein)."""
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.VQD(multiplicity=1), n_states=3)
    exact = h.spectrum(60).energies
    for energy, residual in zip(found.energies, found.residuals, strict=True):
        assert np.abs(exact - energy).min() <= residual


@pytest.mark.parametrize("xyz", MOLECULES.values(), ids=MOLECULES.keys())
def test_the_default_weight_is_above_every_excitation(xyz):
    """A few Lanczos steps: never below the sector's range, and not far above it."""
    h = hamiltonian(xyz)
    units = np.eye(h.dimension).reshape(-1, *h.shape)
    exact = np.linalg.eigvalsh([h.matvec(unit).ravel() for unit in units])
    estimate = spectral_range(h.matvec, h.shape)
    assert exact[-1] - exact[0] <= estimate < 3 * (exact[-1] - exact[0])


def same_reference_twice():
    """H2's Sigma_g+ states: two references of one irrep that both fall into the ground state."""
    ground, excited = qm.Reference.csf("20", (1, 1)), qm.Reference.csf("02", (1, 1))
    return {"references": (ground, excited), "spin_penalty": 0.0}


def test_too_small_a_weight_lets_the_second_state_fall_into_the_first():
    """H2's second Sigma_g+ lies 1.6 hartree up: a weight of 0.1 does not hold it there.

    The default does, to a microhartree, though the second state is the sector's highest.
    """
    h = hamiltonian(HYDROGEN)
    kept = qm.solve(h, qm.VQD(**same_reference_twice()), n_states=2)
    levels = qm.solve(h, qm.Exact(irrep="Sigma_g+"), n_states=2).energies
    np.testing.assert_allclose(kept.energies, levels, atol=1e-6)
    nudged = np.full((2, kept.circuit.n_params), 0.05)
    guess = qm.Solution(
        energies=kept.energies,
        unit="hartree",
        status="converged",
        params=nudged,
        circuit=kept.circuit,
    )
    fallen = qm.solve(h, qm.VQD(deflation=0.1, **same_reference_twice()), n_states=2, guess=guess)
    held = qm.solve(h, qm.VQD(**same_reference_twice()), n_states=2, guess=guess)
    assert held.energies[1] == pytest.approx(levels[1], abs=1e-6)
    assert fallen.energies[1] < levels[1] - 1.0
    overlap = np.vdot(fallen.states[0], fallen.states[1])
    assert abs(overlap) > 0.9


def test_the_deflated_observable_raises_the_states_named_and_no_others():
    """H + beta |psi><psi|: the level of psi moves by beta; nothing else does."""
    h = hamiltonian(HYDROGEN)
    exact = h.spectrum(4)
    observable = deflated(h, exact.states[:1], 3.0)
    for k, (energy, state) in enumerate(zip(exact.energies, exact.states, strict=True)):
        image = observable.matvec(state)
        np.testing.assert_allclose(image, (energy + (3.0 if k == 0 else 0.0)) * state, atol=1e-9)
    assert deflated(h, [], 3.0) is h


def test_the_projector_is_that_of_complex_states_too():
    """sum_j |psi_j><psi_j| by a dense matrix, on flat and on shaped vectors."""
    rng = np.random.default_rng(4)
    states = rng.normal(size=(2, 3, 2)) + 1j * rng.normal(size=(2, 3, 2))
    vector = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    flat = states.reshape(2, -1)
    expected = (flat.T @ flat.conj()) @ vector.ravel()
    projector = Projector(3, (1, 2), tuple(states))
    np.testing.assert_allclose(projector.matvec(vector), expected.reshape(3, 2), atol=1e-12)
    np.testing.assert_allclose(projector.matvec(vector.ravel()), expected, atol=1e-12)


def test_a_guess_gives_each_state_its_own_angles():
    """Started from its own answer nothing moves; from a neighbour's it is cheaper."""
    h, near = hamiltonian(RECTANGLE), hamiltonian(RECTANGLE.replace("1.5", "1.52"))
    solver = qm.VQD(multiplicity=1)
    found = qm.solve(h, solver, n_states=3)
    again = qm.solve(h, solver, n_states=3, guess=found)
    assert len(again.history) <= 6
    np.testing.assert_allclose(again.energies, found.energies, atol=1e-8)
    cold = qm.solve(near, solver, n_states=3)
    warm = qm.solve(near, solver, n_states=3, guess=found)
    assert warm.history[-1].n_evaluations < cold.history[-1].n_evaluations
    assert np.abs(warm.errors).max() < 0.05 * MILLIHARTREE


def test_one_row_of_angles_starts_every_state():
    """The guess may be of a single state, or of fewer than are asked for."""
    h = hamiltonian(RECTANGLE)
    one = qm.solve(h, qm.VQD(multiplicity=1), n_states=1)
    several = qm.solve(h, qm.VQD(multiplicity=1), n_states=2, guess=one)
    assert np.abs(several.errors).max() < 0.05 * MILLIHARTREE


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")
def test_one_search_cut_short_is_the_status_of_all():
    found = qm.solve(hamiltonian(WATER), qm.VQD(multiplicity=1, max_iterations=1), n_states=2)
    assert found.status == "iteration_limit"


@pytest.mark.parametrize("beta", [0, -1.0, np.inf, np.nan])
def test_weights_that_make_no_sense_are_refused(beta):
    with pytest.raises(InputError, match=r"None takes 1\.5 spectral ranges"):
        qm.VQD(deflation=beta)


def test_the_weight_is_part_of_the_record():
    assert qm.VQD(deflation=2.0).inputs()["deflation"] == 2.0
    assert qm.VQD().inputs()["deflation"] is None
    assert qm.VQD().inputs()["solver"] == "vqd"
