"""Matrices as sums of Pauli words: there and back, and what is no such matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmlmat.errors import InputError
from qmlmat.operators.decomposition import MAX_DENSE_QUBITS, matrix_pauli_sum
from qmlmat.operators.pauli import PauliSum


@given(n_qubits=st.integers(0, 4), seed=st.integers(0, 99))
def test_the_sum_of_a_matrix_has_that_matrix(n_qubits, seed):
    """Any square matrix of a power of two rows, Hermitian or not."""
    size = 1 << n_qubits
    parts = np.random.default_rng(seed).standard_normal((2, size, size))
    matrix = parts[0] + 1j * parts[1]
    np.testing.assert_allclose(matrix_pauli_sum(matrix).matrix().toarray(), matrix, atol=1e-12)


@given(
    words=st.dictionaries(
        st.text("IXYZ", min_size=3, max_size=3),
        st.floats(0.1, 10.0),
        min_size=1,
        max_size=8,
    )
)
def test_the_matrix_of_a_sum_gives_that_sum(words):
    """Word for word, with real coefficients of Hermitian words."""
    terms = PauliSum.from_words(words)
    found = matrix_pauli_sum(terms.matrix().toarray())
    assert dict(found.words()).keys() == words.keys()
    for word, value in found.words():
        assert value == pytest.approx(words[word], abs=1e-12)


def test_coefficients_are_traces_with_the_words():
    """``Tr(P A) / 2**n`` by products of the words' own matrices."""
    single = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    parts = np.random.default_rng(3).standard_normal((2, 4, 4))
    matrix = parts[0] + 1j * parts[1]
    found = dict(matrix_pauli_sum(matrix).words())
    for left, one in single.items():
        for right, other in single.items():
            trace = np.trace(np.kron(one, other) @ matrix) / 4
            assert found[left + right] == pytest.approx(trace, abs=1e-12)


def test_a_hermitian_matrix_has_real_coefficients():
    """And so is a projector's, whose identity has the coefficient of one state in all."""
    vector = np.random.default_rng(4).standard_normal(8) * np.exp(1j * np.arange(8))
    vector /= np.linalg.norm(vector)
    terms = matrix_pauli_sum(np.outer(vector, vector.conj()))
    assert terms.is_hermitian
    assert terms.constant == pytest.approx(1 / 8)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4,), (0, 0)])
def test_other_shapes_are_refused(shape):
    """Pad a matrix to a power of two first."""
    with pytest.raises(InputError, match="use a square matrix of a power of two rows"):
        matrix_pauli_sum(np.zeros(shape))


def test_too_many_qubits_are_refused():
    """Four to the power of eleven words are too many."""
    with pytest.raises(InputError, match=f"at most {1 << MAX_DENSE_QUBITS}"):
        matrix_pauli_sum(np.zeros((1 << 11, 1 << 11)))
