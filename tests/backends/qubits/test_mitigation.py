"""Readout errors of all bits at once, against matrices of Kronecker products."""

from functools import reduce

import numpy as np
import pytest

from qmlmat.backends.qubits.mitigation import Readout, inverse_confusion, turned
from qmlmat.errors import InputError


def kronecker(matrices: np.ndarray) -> np.ndarray:
    """The product over bits; bit 0 is the last factor, the fastest in the index."""
    return reduce(np.kron, list(matrices)[::-1], np.eye(1))


def confusion(errors: np.ndarray) -> np.ndarray:
    """``M[read, true]`` of each bit."""
    return np.array([[[1 - up, down], [up, 1 - down]] for up, down in errors])


@pytest.mark.parametrize("n_bits", [1, 2, 3, 5])
@pytest.mark.parametrize("n_columns", [1, 4])
def test_turned_is_a_kronecker_product(n_bits, n_columns):
    """Any matrices, bit w of the index being bit w."""
    rng = np.random.default_rng(n_bits)
    matrices = rng.normal(size=(n_bits, 2, 2))
    table = rng.normal(size=(1 << n_bits, n_columns))
    np.testing.assert_allclose(turned(table, matrices), kronecker(matrices) @ table, atol=1e-12)


def test_several_sets_of_matrices_turn_one_table():
    """Each draw of the readout errors by itself."""
    rng = np.random.default_rng(0)
    matrices, table = rng.normal(size=(3, 5, 4, 2, 2)), rng.normal(size=(16, 2))
    found = turned(table, matrices)
    assert found.shape == (3, 5, 16, 2)
    for i in range(3):
        for j in range(5):
            np.testing.assert_allclose(found[i, j], kronecker(matrices[i, j]) @ table, atol=1e-12)


@pytest.mark.parametrize("n_bits", [1, 3, 4])
def test_inverses_undo_the_confusion(n_bits):
    """The true distribution comes back from the one that is read."""
    rng = np.random.default_rng(n_bits)
    errors = rng.uniform(0, 0.2, (n_bits, 2))
    matrix = kronecker(confusion(errors))
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0)  # whatever is true, something is read
    np.testing.assert_allclose(
        kronecker(inverse_confusion(errors)), np.linalg.inv(matrix), atol=1e-12
    )
    true = rng.dirichlet(np.ones(1 << n_bits))
    found = Readout(errors).inverse((matrix @ true)[:, None])[:, 0]
    np.testing.assert_allclose(found, true, atol=1e-12)


def test_functions_of_what_is_read_have_the_true_mean():
    """``(M^-1)^T f`` over what is read is ``f`` over what is true."""
    rng = np.random.default_rng(6)
    errors = rng.uniform(0, 0.2, (3, 2))
    true, f = rng.dirichlet(np.ones(8)), rng.normal(size=(8, 2))
    read = kronecker(confusion(errors)) @ true
    np.testing.assert_allclose(read @ Readout(errors).inverse_transposed(f), true @ f, atol=1e-12)


def test_errors_of_many_calibrations_are_inverted_together():
    """Leading axes are draws."""
    errors = np.random.default_rng(1).uniform(0, 0.3, (7, 3, 2))
    found = inverse_confusion(errors)
    assert found.shape == (7, 3, 2, 2)
    for draw, inverse in zip(errors, found, strict=True):
        np.testing.assert_allclose(inverse, np.linalg.inv(confusion(draw)), atol=1e-12)


def test_a_bit_that_is_half_wrong_is_refused():
    """Nothing is left to invert."""
    with pytest.raises(InputError, match="Use other qubits"):
        Readout(np.array([[0.01, 0.02], [0.5, 0.5]]))
