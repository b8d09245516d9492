"""Several states by one circuit: errors, bounds, references that change, warm starts, refusals."""

import numpy as np
import pytest
from molecules import (
    BERYLLIUM_HYDRIDE,
    HYDROGEN,
    LITHIUM_HYDRIDE,
    RECTANGLE,
    WATER,
    hamiltonian,
    stretched_nitrogen,
)

import qmlmat as qm
from qmlmat.backends import Capabilities, Preparation
from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers.averages import StartState, Targets, lower_set, state_weights

MILLIHARTREE = 1e-3
MOLECULES = {
    "H4": RECTANGLE,
    "LiH": LITHIUM_HYDRIDE,
    "BeH2": BERYLLIUM_HYDRIDE,
    "H2O": WATER,
}


@pytest.mark.parametrize(("multiplicity", "n_states"), [(1, 3), (3, 2)])
@pytest.mark.parametrize("name", MOLECULES)
def test_the_lowest_states_are_found_to_a_twentieth_of_a_millihartree(name, multiplicity, n_states):
    """Three singlets and two triplets of four molecules, bounds from above, spins pure."""
    h = hamiltonian(MOLECULES[name])
    found = qm.solve(h, qm.SSVQE(multiplicity=multiplicity), n_states=n_states)
    assert found.status == "converged"
    assert found.errors.max() < 0.05 * MILLIHARTREE
    assert found.errors.min() > -1e-9
    assert found.multiplicities == (multiplicity,) * n_states
    exact = qm.solve(h, qm.Exact(multiplicity=multiplicity), n_states=n_states)
    np.testing.assert_allclose(found.energies, exact.energies, atol=0.05 * MILLIHARTREE)
    assert found.irreps == exact.irreps


def test_spins_and_irreps_are_found_side_by_side():
    """Water's four lowest states: singlets and triplets under one circuit, none mixed."""
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.SSVQE(), n_states=4)
    assert found.multiplicities == (1, 3, 1, 3)
    assert found.irreps == qm.solve(h, qm.Exact(), n_states=4).irreps
    assert 0 <= found.errors.max() < 0.1 * MILLIHARTREE


def test_an_irrep_alone_is_found():
    """Water's lowest two 1B1 states."""
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.SSVQE(multiplicity=1, irrep="B1"), n_states=2)
    assert found.irreps == ("B1", "B1")
    assert found.errors.max() < 0.05 * MILLIHARTREE


def test_an_open_shell_has_its_pair_and_its_next_state():
    """OH: the 2Pi pair, degenerate, and 2Sigma+."""
    h = hamiltonian("O 0 0 0; H 0 0 0.97", spin=1)
    found = qm.solve(h, qm.SSVQE(multiplicity=2), n_states=3)
    assert found.irreps == ("Pi", "Pi", "Sigma+")
    assert found.errors.max() < 0.1 * MILLIHARTREE
    assert found.levels == ((0, 1), (2,))


def test_states_are_orthonormal_and_belong_to_the_circuit():
    """Each is in the span of the circuit applied to the references; energies are expectations."""
    h = hamiltonian(RECTANGLE)
    found = qm.solve(h, qm.SSVQE(multiplicity=1), n_states=3)
    table = np.array([state.ravel() for state in found.states])
    np.testing.assert_allclose(table @ table.T, np.eye(3), atol=1e-10)
    vectors = qm.SectorBackend().state(Preparation(found.circuit, found.references, found.params))
    span = np.array([v.ravel() for v in vectors])
    np.testing.assert_allclose(table @ span.T @ span, table, atol=1e-10)
    for energy, state, residual in zip(found.energies, found.states, found.residuals, strict=True):
        assert h.expectation(state) == pytest.approx(energy, abs=1e-10)
        again = np.linalg.norm(h.matvec(state) - energy * state)
        assert residual == pytest.approx(again, abs=1e-9)


def test_the_average_falls_from_the_references_to_the_states():
    """The history is that of the weighted average, penalty included; it ends near the states'."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    found = qm.solve(h, qm.SSVQE(multiplicity=1), n_states=2)
    assert found.history[0].energy > found.history[-1].energy
    assert found.history[-1].energy == pytest.approx(found.energies.mean(), abs=1e-6)
    assert found.history[-1].gradient_norm < 1e-4


def test_a_neighbours_angles_are_a_cheaper_start():
    """H4 at 1.52 Å from the solution at 1.50: the same energies, at most half the evaluations."""
    near = hamiltonian(RECTANGLE.replace("1.5", "1.52"))
    solver = qm.SSVQE(multiplicity=1)
    guess = qm.solve(hamiltonian(RECTANGLE), solver, n_states=3)
    cold = qm.solve(near, solver, n_states=3)
    warm = qm.solve(near, solver, n_states=3, guess=guess)
    spent, needed = (s.history[-1].n_evaluations for s in (cold, warm))
    assert 2 * needed < spent
    assert warm.errors.max() < 0.05 * MILLIHARTREE


def test_weights_are_scaled_and_recorded():
    """2, 1, 1 and 4, 2, 2 are the same; equal ones are the default."""
    h = hamiltonian(HYDROGEN)
    one, other = (
        qm.solve(h, qm.SSVQE(weights=w), n_states=3) for w in ((2.0, 1.0, 1.0), (4.0, 2.0, 2.0))
    )
    assert np.array_equal(one.energies, other.energies)
    assert qm.SSVQE(weights=(2.0, 1.0)).inputs()["weights"] == [2.0, 1.0]
    np.testing.assert_allclose(state_weights("SSVQE", (3, 1), 2), [0.75, 0.25])
    np.testing.assert_allclose(state_weights("SSVQE", None, 4), [0.25] * 4)


def test_a_larger_weight_serves_its_state():
    """One layer is not enough for H4's singlets: the ground state gains by its weight."""
    h = hamiltonian(RECTANGLE)
    equal = qm.solve(h, qm.SSVQE(multiplicity=1, layers=1, n_surplus=0), n_states=3)
    first = qm.solve(
        h, qm.SSVQE(multiplicity=1, layers=1, n_surplus=0, weights=(10.0, 1.0, 1.0)), n_states=3
    )
    assert first.errors[0] < equal.errors[0]
    assert equal.errors[0] > MILLIHARTREE


@pytest.mark.parametrize("n_surplus", [0, 2])
def test_wrong_references_are_exchanged_where_surplus_ones_are_looked_at(monkeypatch, n_surplus):
    """The third of water's singlets in the place of the second: the check finds it, else nothing.

    Without surplus the answer is an upper bound all the same, and the note names what is missing.
    """
    find = Targets.find

    def misled(self, hamiltonian, n_states, *, n_surplus=0):
        found = find(self, hamiltonian, n_states, n_surplus=n_surplus or 1)
        return (found[0], found[2], found[1], *found[3:])[: n_states + n_surplus]

    monkeypatch.setattr(Targets, "find", misled)
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.SSVQE(multiplicity=1, n_surplus=n_surplus), n_states=2)
    exact = qm.solve(h, qm.Exact(multiplicity=1), n_states=2)
    if n_surplus:
        np.testing.assert_allclose(found.energies, exact.energies, atol=0.05 * MILLIHARTREE)
        assert found.irreps == exact.irreps
    else:
        assert found.energies[1] > exact.energies[1] + 10 * MILLIHARTREE
        assert "that were not found" in found.notes[0]


def test_references_that_carry_the_lowest_states_stay():
    """The right ones in front: no exchange. The wrong ones: the order in which they matter."""
    h = hamiltonian(WATER)
    backend = qm.SectorBackend()
    starts = Targets(multiplicity=1).find(h, 2, n_surplus=2)
    circuit = qm.SSVQE().circuit(h)
    state = Preparation(circuit, starts[0].reference, np.zeros(circuit.n_params))
    assert lower_set(h, backend, state, starts, 2) is None
    assert lower_set(h, backend, state, starts[:2], 2) is None
    wrong = (starts[0], starts[3], starts[2], starts[1])
    again = lower_set(h, backend, state, wrong, 2)
    assert set(again[:2]) == set(starts[:2])
    assert set(again) == set(starts)


def test_references_of_your_own_are_taken():
    """LiH's HOMO to LUMO singlet and triplet by hand."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    nelec = h.nelec
    singlet, triplet = (qm.Reference.csf(s, nelec) for s in ("ud000", "uu000"))
    given = (qm.Reference.csf("20000", nelec), singlet, triplet)
    found = qm.solve(h, qm.SSVQE(references=given), n_states=3)
    assert found.references == given
    assert found.multiplicities == (1, 3, 1)
    assert found.errors.max() < 0.05 * MILLIHARTREE
    assert len(qm.SSVQE(references=given).inputs()["references"]) == 3
    with pytest.raises(
        InputError, match="3 references were given. Give one for each".replace(".", r"\.")
    ):
        qm.solve(h, qm.SSVQE(references=given), n_states=4)


def test_a_reference_that_mixes_spins_counts_as_of_the_lowest():
    """One determinant of an open shell: the penalty leads it to the singlet."""
    h = hamiltonian(HYDROGEN)
    targets = Targets(references=(qm.Reference.determinant("1001"),))
    assert targets.find(h, 1) == (StartState(targets.references[0], 0),)


def test_stretched_nitrogen_has_its_triplets_to_chemical_accuracy():
    """N2 at 2.0 Å, (10e, 8o): where equations of motion are off by many millihartree."""
    h = stretched_nitrogen(2.0)
    found = qm.solve(h, qm.SSVQE(multiplicity=3), n_states=1)
    assert found.errors.max() < 1.6 * MILLIHARTREE


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")
def test_a_search_cut_short_says_so():
    found = qm.solve(hamiltonian(WATER), qm.SSVQE(max_iterations=2), n_states=2)
    assert found.status == "iteration_limit"
    assert found.errors.min() > 0


def test_settings_that_make_no_sense_are_refused():
    """Each message holds the remedy."""
    h = hamiltonian(HYDROGEN)
    for settings, remedy in (
        ({"ansatz": 3}, "Use a template's name"),
        ({"layers": 0}, "whole number of at least 1"),
        ({"multiplicity": 0}, "1 for singlets, 3 for triplets"),
        ({"multiplicity": 1.0}, "1 for singlets, 3 for triplets"),
        ({"n_surplus": -1}, "0 for no check"),
        ({"n_surplus": True}, "0 for no check"),
        ({"references": ("20",)}, r"Reference\.csf"),
        ({"references": ()}, r"Reference\.csf"),
        ({"n_configurations": 0}, "at least 1"),
        ({"gradient_tolerance": 0}, "positive and finite"),
        ({"spin_penalty": -1}, "about 0.05 hartree".replace(".", r"\.")),
        ({"screening": True}, r"Screening\(\) for the point group"),
        ({"optimizer": print}, r"SSVQE\(.*torch\.optim\.Optimizer class"),
    ):
        with pytest.raises(InputError, match=remedy):
            qm.SSVQE(**settings)
    for weights in ((1.0,), (1.0, 0.0), (1.0, -1.0), (1.0, np.nan)):
        with pytest.raises(InputError, match="Give one for each state"):
            qm.solve(h, qm.SSVQE(weights=weights), n_states=2)
    with pytest.raises(InputError, match="Use one of 1, 3"):
        qm.solve(h, qm.SSVQE(multiplicity=5))
    with pytest.raises(InputError, match="has 1 states of multiplicity 3"):
        qm.solve(h, qm.SSVQE(multiplicity=3), n_states=2)
    with pytest.raises(InputError, match="no irrep of Dooh"):
        qm.solve(h, qm.SSVQE(irrep="A1"))


def test_a_backend_without_gradients_is_refused():
    class ShotsOnly(qm.SectorBackend):
        capabilities = Capabilities(exact=False, gradient=False, state=False, counts=True)

    with pytest.raises(CapabilityError, match=r"Use SectorBackend\(\)"):
        qm.solve(hamiltonian(HYDROGEN), qm.SSVQE(), n_states=2, backend=ShotsOnly())


def test_a_guess_of_another_molecule_is_refused():
    guess = qm.solve(hamiltonian(LITHIUM_HYDRIDE), qm.VQE("uccsd"))
    with pytest.raises(InputError, match="guess"):
        qm.solve(hamiltonian(HYDROGEN), qm.SSVQE(), n_states=2, guess=guess)
