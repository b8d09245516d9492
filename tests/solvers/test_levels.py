"""What a solution says of its states: matched exact levels, missing ones, cut ones, the record."""

import json

import numpy as np
import pytest
from molecules import (
    BERYLLIUM_HYDRIDE,
    HYDROGEN,
    LITHIUM_HYDRIDE,
    WATER,
    hamiltonian,
    stretched_nitrogen,
)

import qmlmat as qm
from qmlmat.solvers import levels
from qmlmat.solvers.levels import with_levels
from qmlmat.systems.blocks import symmetry_states


def solution(h, states, *, shift=0.0):
    """A solution made of some states, its energies shifted."""
    energies = np.array([h.expectation(state) for state in states]) + shift
    return qm.Solution(
        energies=energies,
        unit="hartree",
        status="converged",
        states=tuple(states),
        spin_squares=np.array([qm.spin_square(v, h.norb, h.nelec) for v in states]),
    )


def test_exact_states_have_no_error_and_nothing_is_missing():
    """Water's six lowest, singlets and triplets of four irreps."""
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.Exact(), n_states=6)
    np.testing.assert_allclose(found.errors, 0.0, atol=1e-10)
    assert found.reference_energy == found.energy
    assert len(found.irreps) == len(found.configurations) == 6
    assert found.notes == ()


def test_each_state_is_compared_with_the_exact_one_of_its_kind():
    """The second 1A1 and the first 3B1 of water, the states between left out.

    By energy alone the second would be compared with the first excited state.
    """
    h = hamiltonian(WATER)
    ground, second = symmetry_states(h, 2, multiplicity=1, irrep="A1").states
    triplet = symmetry_states(h, 1, multiplicity=3, irrep="B1")
    given = solution(h, [ground, triplet.states[0], second], shift=1e-3)
    found = with_levels(given, h)
    np.testing.assert_allclose(found.errors, 1e-3, atol=1e-9)
    assert found.irreps == ("A1", "B1", "A1")
    assert found.reference_energies[1] == pytest.approx(triplet.energies[0], abs=1e-9)


def test_a_state_of_no_definite_spin_or_irrep_is_compared_with_nothing():
    """NaN for it, and a number for the others."""
    h = hamiltonian(WATER)
    exact = symmetry_states(h, 3)
    spins = solution(h, [exact.states[0], (exact.states[1] + exact.states[2]) / np.sqrt(2)])
    singlets = symmetry_states(h, 2, multiplicity=1)
    irreps = solution(h, [(singlets.states[0] + singlets.states[1]) / np.sqrt(2)])
    found, other = with_levels(spins, h), with_levels(irreps, h)
    assert np.isnan(found.errors).tolist() == [False, True]
    assert found.multiplicities == (1, None)
    assert np.isnan(other.errors).all()
    assert other.irreps == ("",)
    assert found.notes == other.notes == ()


def test_missing_levels_are_named_with_their_energies():
    """LiH without its first triplet: the note says which, and where."""
    h = hamiltonian(LITHIUM_HYDRIDE, freeze_core=False)
    exact = symmetry_states(h, 4)
    assert exact.spins[:3] == (0, 2, 0)
    found = with_levels(solution(h, [exact.states[k] for k in (0, 2, 3)]), h)
    above = 27.211386 * (exact.energies[1] - exact.energies[0])
    assert found.notes == (
        f"Exact states below the last one that were not found: 3 Sigma+ at {above:.3f} eV.",
    )


def test_a_missing_level_is_named_though_it_is_the_last_of_the_lowest():
    """N2 at 2.0 Å: four states, of which the fourth should have been the septet."""
    h = stretched_nitrogen(2.0)
    exact = symmetry_states(h, 5)
    assert exact.spins == (0, 2, 4, 6, 2)
    found = with_levels(solution(h, [exact.states[k] for k in (0, 1, 2, 4)]), h)
    (note,) = found.notes
    assert "7 Sigma_u+ at 2.059 eV" in note
    whole = with_levels(solution(h, exact.states[:4]), h)
    assert whole.notes == ()


def test_a_level_cut_by_the_number_of_states_is_said():
    """BeH2's Pi pair: one of them is a cut, both are not, and either one is as good."""
    h = hamiltonian(BERYLLIUM_HYDRIDE)
    exact = symmetry_states(h, 3)
    assert exact.irreps[1] == exact.irreps[2]
    for k in (1, 2):
        (note,) = with_levels(solution(h, [exact.states[0], exact.states[k]]), h).notes
        assert "n_states=2 cuts a degenerate level" in note
        assert "one more, or one fewer" in note
    assert with_levels(solution(h, exact.states), h).notes == ()


def test_the_last_state_of_a_sector_cuts_nothing():
    """All four of H2: there is no next one."""
    h = hamiltonian(HYDROGEN)
    found = qm.solve(h, qm.Exact(), n_states=4)
    assert found.notes == ()
    assert found.multiplicities == (1, 3, 1, 1)
    triplets = qm.solve(h, qm.Exact(multiplicity=3), n_states=1)
    assert triplets.reference_energies == pytest.approx(found.energies[1:2], abs=1e-10)


def test_states_asked_for_by_kind_are_compared_with_that_kind():
    """The error of a triplet is the distance to the exact triplet, not to the ground state."""
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.SSVQE(multiplicity=3), n_states=1)
    exact = symmetry_states(h, 1, multiplicity=3).energies[0]
    assert found.reference_energy == pytest.approx(exact, abs=1e-10)
    assert 0 < found.error == pytest.approx(found.energy - exact, abs=1e-10)
    assert found.error < 5e-5


def test_a_sector_too_large_for_exact_levels_says_so(monkeypatch):
    h = hamiltonian(WATER)
    monkeypatch.setattr(levels, "LEVELS_DIMENSION", 100)
    found = qm.solve(h, qm.Krylov(), n_states=2)
    assert found.reference_energies is None
    assert found.errors is None
    assert "No exact levels: the sector has 225 determinants." in found.notes
    assert len(found.irreps) == 2


def test_a_molecule_without_symmetry_is_compared_by_multiplicity_alone():
    h = hamiltonian("H 0 0 0; H 0.3 0 1.1; H 1.4 0.2 0.5; H 0.1 1.3 1.7")
    found = qm.solve(h, qm.Exact(), n_states=5)
    assert found.irreps is None
    np.testing.assert_allclose(found.errors, 0.0, atol=1e-10)
    singlets = [found.states[k] for k, m in enumerate(found.multiplicities) if m == 1]
    (note,) = with_levels(solution(h, singlets), h).notes
    assert "not found: 3 at " in note


def test_one_state_of_any_kind_is_left_as_it_was():
    """No levels are computed beside a ground state: stores stay the same."""
    found = qm.solve(hamiltonian(HYDROGEN), qm.Exact())
    assert found.irreps is None
    assert found.configurations is None
    assert found.reference_energies is None


def test_a_record_of_several_states_gives_back_every_digit():
    """References, irreps, configurations, exact levels; NaN too."""
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.SSVQE(layers=1, max_iterations=3), n_states=2)
    back = qm.Solution.from_dict(json.loads(json.dumps(found.to_dict())))
    assert back.references == found.references
    assert len(back.references) == 2
    assert back.irreps == found.irreps
    assert back.configurations == found.configurations
    for name in ("energies", "params", "residuals", "spin_squares", "reference_energies"):
        np.testing.assert_array_equal(getattr(back, name), getattr(found, name))
    assert back.circuit == found.circuit
    assert back.states is None
    assert back.to_dict() == found.to_dict()


def test_angles_of_each_state_survive_the_record():
    """VQD has a row of angles for each state."""
    h = hamiltonian(HYDROGEN)
    found = qm.solve(h, qm.VQD(layers=1), n_states=3)
    back = qm.Solution.from_dict(json.loads(json.dumps(found.to_dict())))
    assert back.params.shape == found.params.shape == (3, found.circuit.n_params)
    np.testing.assert_array_equal(back.params, found.params)


def test_a_record_of_an_earlier_version_has_none_of_the_new_fields():
    """Stores from before several states are read as they are."""
    tree = qm.solve(hamiltonian(HYDROGEN), qm.VQE("uccsd")).to_dict()
    for name in ("references", "irreps", "configurations", "reference_energies"):
        tree.pop(name)
    back = qm.Solution.from_dict(json.loads(json.dumps(tree)))
    assert back.references is back.irreps is None
    assert back.configurations is back.reference_energies is back.errors is None
    assert back.energies.shape == (1,)
