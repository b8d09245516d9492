"""From outputs to energies: symmetric matrices and their eigenvalues."""

import numpy as np
import pytest
import torch

from qmlmat.potentials.networks.heads import diabatic_matrix, eigenvalues, n_outputs


@pytest.mark.parametrize("n_states", [1, 2, 3, 4])
def test_energies_are_the_eigenvalues_of_the_matrix_of_outputs(n_states):
    """Numpy's eigenvalues of a matrix filled by hand, ascending."""
    rng = np.random.default_rng(n_states)
    outputs = rng.normal(size=(5, n_outputs(n_states)))
    found = eigenvalues(diabatic_matrix(torch.from_numpy(outputs), n_states)).numpy()
    for row, energies in zip(outputs, found, strict=True):
        matrix = np.diag(row[:n_states])
        matrix[np.triu_indices(n_states, 1)] = row[n_states:]
        expected = np.linalg.eigvalsh(np.triu(matrix) + np.triu(matrix, 1).T)
        np.testing.assert_allclose(energies, expected, atol=1e-13)


@pytest.mark.parametrize("n_states", [2, 3])
def test_energies_can_be_differentiated_twice(n_states):
    """What training on forces needs."""
    rng = np.random.default_rng(0)
    outputs = torch.from_numpy(rng.normal(size=(2, n_outputs(n_states)))).requires_grad_()

    def energies(x):
        return eigenvalues(diabatic_matrix(x, n_states))

    assert torch.autograd.gradcheck(energies, (outputs,))
    assert torch.autograd.gradgradcheck(energies, (outputs,))


def test_a_coupling_factor_multiplies_what_is_off_the_diagonal_alone():
    """Zero on the mirror plane: the states cross there."""
    outputs = torch.tensor([[1.0, 2.0, 0.5], [1.0, 2.0, 0.5]])
    matrix = diabatic_matrix(outputs, 2, coupling=torch.tensor([0.0, -2.0]))
    assert matrix.tolist() == [[[1, 0], [0, 2]], [[1, -1], [-1, 2]]]


def test_two_states_that_touch_have_finite_slopes():
    """At a crossing the closed form gives no NaN."""
    outputs = torch.tensor([[1.0, 1.0, 0.0]], requires_grad=True)
    eigenvalues(diabatic_matrix(outputs, 2)).sum().backward()
    assert torch.isfinite(outputs.grad).all()
