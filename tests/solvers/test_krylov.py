"""Real-time Krylov subspaces: against matrix exponentials, and towards the exact states."""

import numpy as np
import pytest
import scipy.linalg
from molecules import HYDROGEN, LITHIUM_HYDRIDE, RECTANGLE, WATER, hamiltonian, stretched_nitrogen

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.solvers.krylov import _evolved
from qmlmat.solvers.references import reference_state
from qmlmat.systems.spectrum import spectral_range

MILLIHARTREE = 1e-3


def dense(h):
    units = np.eye(h.dimension).reshape(-1, *h.shape)
    return np.column_stack([h.matvec(unit).ravel() for unit in units])


@pytest.mark.parametrize("xyz", [LITHIUM_HYDRIDE, RECTANGLE], ids=["LiH", "H4"])
def test_evolved_states_are_those_of_a_matrix_exponential(xyz):
    """The cosine and sine of k dt (H - <H>) applied to the state, by SciPy's dense expm."""
    h = hamiltonian(xyz)
    state = np.random.default_rng(0).normal(size=h.shape)
    state /= np.linalg.norm(state)
    step, shift = 0.7, h.expectation(state)
    found = _evolved(h, state, step, 3)
    assert len(found) == 7
    assert np.array_equal(found[0], state)
    shifted = dense(h) - shift * np.eye(h.dimension)
    for k in (1, 2, 3):
        evolved = scipy.linalg.expm(-1j * k * step * shifted) @ state.ravel()
        np.testing.assert_allclose(found[2 * k - 1].ravel(), evolved.real, atol=1e-10)
        np.testing.assert_allclose(found[2 * k].ravel(), evolved.imag, atol=1e-10)


def test_the_real_span_gives_what_complex_states_of_both_directions_give():
    """exp(-i k dt H)|r> for k = -2 ... 2, solved as it stands: the same lowest energy."""
    h = hamiltonian(RECTANGLE)
    reference = qm.Reference.hartree_fock(h.norb, h.nelec)
    step = np.pi / spectral_range(h.matvec, h.shape)
    start = reference_state(reference, h.sector).ravel()
    matrix = dense(h)
    span = np.array([scipy.linalg.expm(-1j * k * step * matrix) @ start for k in range(-2, 3)])
    expected = scipy.linalg.eigvalsh(span.conj() @ matrix @ span.T, span.conj() @ span.T)
    found = qm.solve(h, qm.Krylov(n_steps=2, references=(reference,), n_surplus=0, threshold=1e-12))
    assert found.energy == pytest.approx(expected[0], abs=1e-7)


@pytest.mark.parametrize("multiplicity", [1, 3])
@pytest.mark.parametrize("xyz", [RECTANGLE, WATER], ids=["H4", "H2O"])
def test_more_steps_lead_to_the_exact_states(xyz, multiplicity):
    """Bounds from above; the sum of the errors falls by a hundred from one step to eight."""
    h = hamiltonian(xyz)
    sums = []
    for n_steps in (1, 3, 8):
        solver = qm.Krylov(n_steps=n_steps, multiplicity=multiplicity)
        found = qm.solve(h, solver, n_states=3)
        assert found.errors.min() > -1e-9
        assert found.multiplicities == (multiplicity,) * 3
        sums.append(found.errors.sum())
    assert sums[0] > sums[1] - 1e-9
    assert sums[2] < max(1e-2 * sums[0], 1e-10)
    assert sums[2] < 2e-3 * MILLIHARTREE


def test_twice_the_steps_leave_a_fifth_of_the_error_of_stretched_nitrogen():
    """N2 at 2.0 Å: one level of each spin, within 2 mHa with 5 steps, 0.2 mHa with 10."""
    h = stretched_nitrogen(2.0)
    few, more = (qm.solve(h, qm.Krylov(n_steps=n), n_states=4) for n in (5, 10))
    for found, limit in ((few, 2.0), (more, 0.2)):
        assert found.multiplicities == (1, 3, 5, 7)
        assert -1e-9 < found.errors.min() <= found.errors.max() < limit * MILLIHARTREE
    assert more.errors.max() < 0.2 * few.errors.max()


def test_states_are_orthonormal_and_their_energies_expectations():
    h = hamiltonian(WATER)
    found = qm.solve(h, qm.Krylov(), n_states=5)
    table = np.array([state.ravel() for state in found.states])
    np.testing.assert_allclose(table @ table.T, np.eye(5), atol=1e-6)
    for energy, state in zip(found.energies, found.states, strict=True):
        assert h.expectation(state) == pytest.approx(energy, abs=1e-8)
    assert found.circuit is found.params is None
    assert found.status == "converged"


def test_the_time_step_is_half_a_period_of_the_widest_gap():
    """It is pi over the spectral range, said in a note; another may be given."""
    h = hamiltonian(WATER)
    step = np.pi / spectral_range(h.matvec, h.shape)
    found = qm.solve(h, qm.Krylov(), n_states=1)
    assert f"Time step {step:.4f} 1/hartree." in found.notes
    other = qm.solve(h, qm.Krylov(time_step=0.1), n_states=1)
    assert "Time step 0.1000 1/hartree." in other.notes
    assert any("Condition number" in note for note in found.notes)


def test_surplus_references_help_the_highest_state():
    """H4, one step, singlets: once they share the irreps of the states, energies fall."""
    h = hamiltonian(RECTANGLE)
    few, more = (
        qm.solve(h, qm.Krylov(n_steps=1, n_surplus=n, multiplicity=1), n_states=2) for n in (0, 5)
    )
    assert (more.energies <= few.energies + 1e-9).all()
    assert more.energies.sum() < few.energies.sum()


def test_an_irrep_alone_is_found():
    found = qm.solve(hamiltonian(WATER), qm.Krylov(multiplicity=3, irrep="A2"), n_states=2)
    assert found.irreps == ("A2", "A2")
    assert found.errors.max() < 0.05 * MILLIHARTREE


def test_settings_that_make_no_sense_are_refused():
    """Each message holds the remedy."""
    for settings, remedy in (
        ({"n_steps": 0}, "at least 1"),
        ({"time_step": 0.0}, "None takes pi"),
        ({"time_step": np.inf}, "None takes pi"),
        ({"threshold": 2.0}, "Use about 1e-8"),
        ({"n_surplus": -1}, "0 for none"),
        ({"multiplicity": 0}, "1 for singlets"),
        ({"references": ("20",)}, r"Reference\.csf"),
    ):
        with pytest.raises(InputError, match=remedy):
            qm.Krylov(**settings)
    h = hamiltonian(HYDROGEN)
    reference = (qm.Reference.csf("20", (1, 1)),)
    with pytest.raises(InputError, match="Give one for each state"):
        qm.solve(h, qm.Krylov(references=reference), n_states=2)
    with pytest.raises(InputError, match="Use one of 1, 3"):
        qm.solve(h, qm.Krylov(multiplicity=5))


def test_the_settings_are_in_the_record():
    inputs = qm.Krylov(n_steps=3, time_step=0.2).inputs()
    assert (inputs["solver"], inputs["n_steps"], inputs["time_step"]) == ("krylov", 3, 0.2)
    assert "references" not in inputs
