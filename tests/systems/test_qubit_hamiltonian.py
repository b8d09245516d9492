"""Pauli sums and matrices as Hamiltonians: padding, levels, products, and what is refused."""

import numpy as np
import pytest
from small_models import random_matrix

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.systems import qubit_hamiltonian


def random_sum(n_qubits=3):
    """A Hermitian sum with all words of some qubits."""
    rng = np.random.default_rng(n_qubits)
    words = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(12)]
    return qm.PauliSum.from_words({word: rng.standard_normal() for word in words})


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_padding_adds_uncoupled_levels_far_above_the_spectrum(size):
    """The padded matrix has the matrix's levels, and those of padding beyond two ranges."""
    h = qm.MatrixHamiltonian(matrix=random_matrix(size, 0))
    assert 1 << h.n_qubits == len(h.padded) >= max(size, 2)
    levels = np.linalg.eigvalsh(h.padded)
    np.testing.assert_allclose(levels[:size], h.levels, atol=1e-12)
    np.testing.assert_allclose(levels[size:], h.padding, atol=1e-12)
    assert h.padding >= h.levels[-1] + 2 * (h.levels[-1] - h.levels[0])
    np.testing.assert_allclose(h.pauli_sum().matrix().toarray(), h.padded, atol=1e-12)


def test_one_level_has_a_range_of_its_own():
    """No level to compare with: padding lies two units above."""
    h = qm.MatrixHamiltonian(matrix=[[-3.0]])
    assert (h.n_qubits, h.padding) == (1, -1.0)
    assert h.spectrum(1).energies == pytest.approx([-3.0])


def test_matvec_is_the_matrix():
    """Of both kinds, for real and complex states, in their shape."""
    rng = np.random.default_rng(1)
    h, terms = qm.MatrixHamiltonian(matrix=random_matrix(5, 0)), random_sum()
    state = rng.standard_normal(5)
    np.testing.assert_allclose(h.matvec(state), h.matrix @ state, atol=1e-12)
    of_words = qm.QubitHamiltonian(terms=terms)
    vector = rng.standard_normal(8) + 1j * rng.standard_normal(8)
    np.testing.assert_allclose(of_words.matvec(vector), terms.matrix() @ vector, atol=1e-12)
    np.testing.assert_allclose(of_words.diagonal(), terms.matrix().diagonal().real, atol=1e-12)


def test_many_qubits_need_no_matrix(monkeypatch):
    """Word by word, as beyond 14 qubits, the product is the same."""
    h = qm.QubitHamiltonian(terms=random_sum(4))
    vector = np.random.default_rng(2).standard_normal((2, 16)).T @ [1, 1j]
    expected = h.terms.matrix() @ vector
    monkeypatch.setattr(qubit_hamiltonian, "MAX_MATRIX_QUBITS", 1)
    np.testing.assert_allclose(h.matvec(vector), expected, atol=1e-12)


@pytest.mark.parametrize("n_states", [1, 3])
def test_a_sparse_search_finds_the_dense_levels(monkeypatch, n_states):
    """Lanczos, as beyond 1024 states: energies, small residuals, largest component positive."""
    h = qm.QubitHamiltonian(terms=random_sum(5))
    dense = h.spectrum(n_states)
    monkeypatch.setattr(qubit_hamiltonian, "DENSE_DIMENSION", 4)
    sparse = h.spectrum(n_states)
    np.testing.assert_allclose(sparse.energies, dense.energies, atol=1e-9)
    assert sparse.residuals.max() < 1e-7
    for state in sparse.states:
        assert state[np.abs(state).argmax()].real > 0


def test_a_bloch_hamiltonian_is_a_matrix_with_a_k_and_names():
    """It is solved as any matrix."""
    h = qm.BlochHamiltonian(
        matrix=random_matrix(2, 0), k=(0.5, 0, 0), orbitals=("s", "p"), spin="up"
    )
    assert (h.unit, h.dimension, h.shape, h.mapping) == ("eV", 2, (2,), "binary")
    np.testing.assert_allclose(h.spectrum(2).energies, h.levels, atol=1e-12)


def test_the_matrix_is_a_copy_that_cannot_be_written_to():
    """A later change of the caller's array does not reach it."""
    mine = np.eye(2, dtype=complex)
    h = qm.MatrixHamiltonian(matrix=mine)
    mine[0, 0] = 7
    assert h.matrix[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        h.matrix[0, 0] = 7


def test_rounding_is_symmetrised_and_more_is_refused_with_its_entries():
    """1e-12 passes; a missing conjugate is named by its places."""
    almost = random_matrix(3, 0)
    almost[0, 1] += 1e-12
    h = qm.MatrixHamiltonian(matrix=almost)
    np.testing.assert_array_equal(h.matrix, h.matrix.conj().T)
    with pytest.raises(InputError, match=r"\[0, 1\] and \[1, 0\].*look for a missing conjugate"):
        qm.MatrixHamiltonian(matrix=[[0, 1j], [1j, 0]])


@pytest.mark.parametrize("padding", [0.5, 1.0, float("nan")])
def test_padding_inside_the_spectrum_is_refused(padding):
    """It would be found as a state."""
    with pytest.raises(InputError, match=r"Use one well above 1\.0000, or None"):
        qm.MatrixHamiltonian(matrix=np.diag([0, 0.5, 1.0]), padding=padding)
    assert qm.MatrixHamiltonian(matrix=np.diag([0, 0.5, 1.0]), padding=1.5).padding == 1.5


def test_other_unusable_matrices_are_refused():
    """Not square, empty, no numbers, too large, of an unknown unit, under a mapping."""
    for shape in ((2, 3), (0, 0), (4,)):
        with pytest.raises(InputError, match="use a square matrix with 1 to"):
            qm.MatrixHamiltonian(matrix=np.zeros(shape))
    with pytest.raises(InputError, match="Use finite numbers"):
        qm.MatrixHamiltonian(matrix=[[np.nan]])
    with pytest.raises(InputError, match="eV"):
        qm.MatrixHamiltonian(matrix=[[1]], unit="ev")
    with pytest.raises(InputError, match='Use "binary"'):
        qm.MatrixHamiltonian(matrix=[[1]]).pauli_sum("jordan_wigner")
    with pytest.raises(InputError, match="Use 1 to 2"):
        qm.MatrixHamiltonian(matrix=np.eye(2)).spectrum(3)


def test_unusable_sums_are_refused():
    """No sum, no qubits, not Hermitian, of an unknown unit, under a mapping."""
    for terms in ({"X": 1.0}, qm.PauliSum.identity(0)):
        with pytest.raises(InputError, match="use a PauliSum of one qubit or more"):
            qm.QubitHamiltonian(terms=terms)
    with pytest.raises(InputError, match="Use real coefficients"):
        qm.QubitHamiltonian(terms=qm.PauliSum.from_words({"X": 1j}))
    with pytest.raises(InputError, match="hartree"):
        qm.QubitHamiltonian(terms=qm.PauliSum.identity(1), unit="hartrees")
    with pytest.raises(InputError, match='Use "binary"'):
        qm.QubitHamiltonian(terms=qm.PauliSum.identity(1)).pauli_sum("parity")
