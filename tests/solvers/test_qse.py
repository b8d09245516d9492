"""Quantum subspace expansion: exact limits, bounds, a dense twin, and its condition number."""

import numpy as np
import pytest
import scipy.linalg
from molecules import HYDROGEN, LITHIUM_HYDRIDE, RECTANGLE, WATER, hamiltonian

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.solvers.manifold import manifolds
from qmlmat.solvers.qse import condition_note

CHAIN = "H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3"
MULTIREFERENCE = "ignore:The ground state is multireference"


@pytest.mark.parametrize("xyz", [HYDROGEN, LITHIUM_HYDRIDE, RECTANGLE], ids=["H2", "LiH", "H4"])
def test_the_whole_manifold_is_exact(xyz):
    """Every level of the sector, whatever the ground state: the span is the sector."""
    h = hamiltonian(xyz)
    found = qm.solve(h, qm.QSE(manifold="all"), n_states=h.dimension)
    np.testing.assert_allclose(found.energies, h.spectrum(h.dimension).energies, atol=1e-8)


@pytest.mark.filterwarnings(MULTIREFERENCE)
@pytest.mark.parametrize("multiplicity", [1, 3])
def test_energies_solve_the_generalised_eigenproblem_of_each_block(multiplicity):
    """H c = E S c by SciPy in G_i|psi> and, for its own spin and irrep, |psi>."""
    h = hamiltonian(RECTANGLE)
    ground = qm.solve(h, qm.VQE("uccsd")).states[0]
    expected = []
    for manifold in manifolds(h, "SD", multiplicity=multiplicity):
        vectors = list(manifold.applied(ground)) if manifold.size else []
        vectors += [ground] * manifold.holds_ground
        flat = np.array(vectors).reshape(len(vectors), -1)
        images = np.array([h.matvec(v).ravel() for v in vectors])
        expected += scipy.linalg.eigvalsh(flat @ images.T, flat @ flat.T).tolist()
    found = qm.solve(h, qm.QSE(multiplicity=multiplicity), n_states=4)
    np.testing.assert_allclose(found.energies, sorted(expected)[:4], atol=1e-8)


@pytest.mark.filterwarnings(MULTIREFERENCE)
@pytest.mark.parametrize("xyz", [CHAIN, WATER], ids=["H4", "H2O"])
def test_energies_are_upper_bounds_that_fall_with_the_manifold(xyz):
    """Singles, doubles, triples, all: state for state."""
    h = hamiltonian(xyz)
    before = np.full(3, np.inf)
    for manifold in ("S", "SD", "SDT", "all"):
        found = qm.solve(h, qm.QSE(manifold=manifold, multiplicity=1), n_states=3)
        assert found.errors.min() > -1e-9
        assert (found.energies <= before + 1e-9).all()
        before = found.energies
    np.testing.assert_allclose(found.errors, 0.0, atol=1e-8)


def test_the_ground_state_is_never_worse_than_the_circuits():
    """It is in the span, which can only lower it."""
    h = hamiltonian(WATER)
    ground = qm.solve(h, qm.VQE("puccd"))
    found = qm.solve(h, qm.QSE(ground=qm.VQE("puccd"), multiplicity=1), n_states=1)
    assert found.energy < ground.energy - 1e-3
    assert found.errors[0] >= 0


@pytest.mark.filterwarnings(MULTIREFERENCE)
def test_states_are_those_of_the_energies():
    h = hamiltonian(CHAIN)
    found = qm.solve(h, qm.QSE(), n_states=5)
    for energy, state in zip(found.energies, found.states, strict=True):
        assert np.linalg.norm(state) == pytest.approx(1.0, abs=1e-12)
        assert h.expectation(state) == pytest.approx(energy, abs=1e-9)
    assert None not in found.multiplicities
    assert found.params.shape == (found.circuit.n_params,)


def test_the_condition_number_is_said():
    """A note with the largest of all blocks; without bound where states are dependent."""
    found = qm.solve(hamiltonian(WATER), qm.QSE(), n_states=2)
    (note,) = [n for n in found.notes if "Condition number" in n]
    assert 1.0 <= float(note.split(": ")[1].rstrip(".")) < 10
    assert condition_note([1.0, 3e4]) == "Condition number of the overlap matrix: 3.0e+04."
    assert condition_note([np.inf]) == "Condition number of the overlap matrix: above 1e+15."


@pytest.mark.filterwarnings(MULTIREFERENCE)
def test_a_high_threshold_drops_directions_and_never_falls_below_exact():
    """Of 0.5 little is left: higher energies, still bounds."""
    h = hamiltonian(RECTANGLE)
    fine = qm.solve(h, qm.QSE(multiplicity=1), n_states=2)
    coarse = qm.solve(h, qm.QSE(multiplicity=1, threshold=0.5), n_states=2)
    assert coarse.energies.sum() > fine.energies.sum() + 1e-6
    assert coarse.errors.min() > -1e-9


@pytest.mark.parametrize("threshold", [-1e-3, 1.0, np.nan])
def test_thresholds_that_make_no_sense_are_refused(threshold):
    with pytest.raises(InputError, match="Use about 1e-8"):
        qm.QSE(threshold=threshold)


def test_open_shells_are_refused():
    """OH: excitation operators over an open shell have no definite spin."""
    h = hamiltonian("O 0 0 0; H 0 0 0.97", spin=1)
    with pytest.raises(InputError, match=r'QSE: .*Use EOM\("q-sc-EOM"\), or SSVQE\(\)'):
        qm.solve(h, qm.QSE(), n_states=2)


def test_more_states_than_the_subspace_holds_are_refused():
    with pytest.raises(InputError, match="a manifold of higher rank"):
        qm.solve(hamiltonian(HYDROGEN), qm.QSE(multiplicity=3), n_states=2)


def test_the_settings_are_in_the_record():
    inputs = qm.QSE(threshold=1e-6, manifold="S").inputs()
    assert (inputs["solver"], inputs["threshold"], inputs["manifold"]) == ("qse", 1e-6, "S")
