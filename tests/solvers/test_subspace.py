"""Rayleigh-Ritz in a span of states: against SciPy's generalised eigenproblem."""

import numpy as np
import pytest
import scipy.linalg
from molecules import LITHIUM_HYDRIDE, WATER, hamiltonian

from qmlmat.errors import QmlmatError
from qmlmat.solvers.subspace import rayleigh_ritz, spin_squares

ROUNDING = 1e-10  # products of some hundred float64 amplitudes


def dense(h):
    units = np.eye(h.dimension).reshape(-1, *h.shape)
    return np.column_stack([h.matvec(unit).ravel() for unit in units])


def random_states(h, n, *, phases=False, seed=3):
    """States that are neither orthogonal nor normalised."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(n, *h.shape))
    return found + 1j * rng.normal(size=found.shape) if phases else found


@pytest.mark.parametrize("phases", [False, True])
@pytest.mark.parametrize("n", [1, 4, 12])
def test_ritz_values_solve_the_generalised_eigenproblem(n, phases):
    """H c = E S c by SciPy, and c in the given states; real and complex ones."""
    h = hamiltonian(WATER)
    vectors = random_states(h, n, phases=phases)
    flat = vectors.reshape(n, -1)
    matrix = flat.conj() @ dense(h) @ flat.T
    overlap = flat.conj() @ flat.T
    found = rayleigh_ritz(h, vectors)
    np.testing.assert_allclose(found.energies, scipy.linalg.eigvalsh(matrix, overlap), atol=1e-9)
    assert found.n_kept == n
    assert found.condition == pytest.approx(np.linalg.cond(overlap), rel=1e-6)
    c = found.coefficients
    np.testing.assert_allclose(matrix @ c, overlap @ c * found.energies, atol=1e-7)


def test_ritz_vectors_are_orthonormal_and_have_their_residuals():
    """The states are what the coefficients say, and each residual is recomputed."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    vectors = random_states(h, 5)
    found = rayleigh_ritz(h, vectors)
    table = found.states.reshape(5, -1)
    np.testing.assert_allclose(table @ table.T, np.eye(5), atol=ROUNDING)
    combined = np.einsum("ik,iab->kab", found.coefficients, vectors)
    np.testing.assert_allclose(combined, found.states, atol=ROUNDING)
    for energy, state, residual in zip(found.energies, found.states, found.residuals, strict=True):
        assert h.expectation(state) == pytest.approx(energy, abs=ROUNDING)
        again = np.linalg.norm(h.matvec(state) - energy * state)
        assert residual == pytest.approx(again, abs=1e-9)


def test_ritz_values_are_upper_bounds_state_for_state():
    """Cauchy: the k-th is never below the k-th exact one, and more states lower it."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    exact = np.linalg.eigvalsh(dense(h))
    before = np.inf
    for n in (3, 6, 12, 25):
        energies = rayleigh_ritz(h, random_states(h, 25)[:n]).energies
        assert (energies >= exact[:n] - 1e-10).all()
        assert (energies[:3] <= before + 1e-10).all()
        before = energies[:3]
    np.testing.assert_allclose(energies, exact, atol=1e-8)


def test_an_invariant_subspace_gives_exact_states():
    """The span of eigenvectors, mixed at random: their energies, no residual."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    values, columns = np.linalg.eigh(dense(h))
    mixed = np.random.default_rng(0).normal(size=(4, 4)) @ columns[:, [0, 2, 5, 9]].T
    found = rayleigh_ritz(h, mixed.reshape(4, *h.shape))
    np.testing.assert_allclose(found.energies, values[[0, 2, 5, 9]], atol=1e-9)
    assert found.residuals.max() < 1e-7


def test_dependent_states_are_dropped():
    """A state twice, and the sum of two others: the same directions, the same energies."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    vectors = random_states(h, 4)
    more = np.concatenate([vectors, vectors[:1], (vectors[1] + vectors[2])[None]])
    found, plain = rayleigh_ritz(h, more), rayleigh_ritz(h, vectors)
    assert found.n_kept == 4
    assert found.condition > 1e12
    np.testing.assert_allclose(found.energies, plain.energies, atol=1e-9)


def test_the_threshold_decides_what_counts_as_dependent():
    """Two states that differ by 1e-3 have an eigenvalue of their overlap of some 1e-6."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    first, second = random_states(h, 2) / np.sqrt(h.dimension)
    pair = np.array([first, first + 1e-3 * second])
    assert rayleigh_ritz(h, pair, threshold=1e-8).n_kept == 2
    assert rayleigh_ritz(h, pair, threshold=1e-4).n_kept == 1


def test_images_at_hand_are_taken_as_they_are():
    """Nothing is multiplied twice: the same answer without any call of the Hamiltonian."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    vectors = random_states(h, 3)
    images = np.array([h.matvec(v) for v in vectors])

    class Silent:
        def matvec(self, state):
            raise AssertionError(f"called with {state.shape}")

    found, expected = rayleigh_ritz(Silent(), vectors, images=images), rayleigh_ritz(h, vectors)
    assert np.array_equal(found.energies, expected.energies)


@pytest.mark.parametrize("broken", [np.zeros((2, 5, 5)), np.full((1, 5, 5), np.nan)])
def test_states_that_vanish_or_are_no_numbers_are_refused(broken):
    with pytest.raises(QmlmatError, match="Check references and parameters"):
        rayleigh_ritz(hamiltonian(LITHIUM_HYDRIDE), broken)


def test_spins_of_states_are_told_one_by_one():
    """LiH: singlet, then triplet."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    assert spin_squares(h, h.spectrum(2).states) == pytest.approx([0, 2], abs=1e-8)
