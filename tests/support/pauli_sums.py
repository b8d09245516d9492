"""Pauli sums drawn at random, and their matrices by Kronecker products: the slow twin."""

from functools import reduce

import numpy as np
from hypothesis import strategies as st

from qmlmat.operators.pauli import PauliSum

LETTERS = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def dense_word(word: str) -> np.ndarray:
    """The matrix of a word; wire 0, on the left, is the highest bit of the index."""
    return reduce(np.kron, [LETTERS[letter] for letter in word], np.eye(1))


def dense(pauli_sum: PauliSum) -> np.ndarray:
    """The matrix of a sum, word by word."""
    zero = np.zeros((1 << pauli_sum.n_qubits,) * 2, dtype=complex)
    return sum((c * dense_word(word) for word, c in pauli_sum.words()), zero)


@st.composite
def pauli_sums(draw, max_qubits: int = 4, *, real: bool = True) -> PauliSum:
    """Sums of a few words with coefficients of order one."""
    n = draw(st.integers(1, max_qubits))
    words = draw(st.lists(st.text("IXYZ", min_size=n, max_size=n), min_size=1, max_size=12))
    numbers = st.floats(-2, 2).filter(lambda c: abs(c) > 1e-3)
    values = numbers if real else st.builds(complex, numbers, numbers)
    return PauliSum.from_words({word: draw(values) for word in words})
