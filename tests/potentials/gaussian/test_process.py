"""Exact regression on matrices: likelihood, its derivative, and jitter."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from qmlmat.errors import InputError
from qmlmat.potentials.gaussian.process import FLOOR, factorised, log_likelihood

RNG = np.random.default_rng(0)
NOISE = torch.tensor(0.3, dtype=torch.float64)


def covariance(size):
    """Return a random covariance."""
    root = torch.from_numpy(RNG.normal(size=(size, size)))
    return root @ root.T / size


def test_the_likelihood_is_that_of_scipys_normal_distribution():
    """Of each column on its own, summed."""
    gram, targets = covariance(6), torch.from_numpy(RNG.normal(size=(6, 2)))
    matrix = gram.numpy() + (float(NOISE) + FLOOR * gram.diagonal().mean().item()) * np.eye(6)
    expected = multivariate_normal(np.zeros(6), matrix).logpdf(targets.numpy().T).sum()
    assert float(log_likelihood(gram, NOISE, targets)) == pytest.approx(expected, rel=1e-12)


def test_its_derivative_is_the_central_difference():
    """By every entry of the matrix, and by the noise."""
    root, targets = torch.from_numpy(RNG.normal(size=(4, 4))), torch.ones(4, 1).double()

    def value(root, noise):
        return log_likelihood(root @ root.T, noise.exp(), targets)

    arguments = root.requires_grad_(), NOISE.log().requires_grad_()
    assert torch.autograd.gradcheck(value, arguments)


def test_a_sound_matrix_takes_no_jitter_and_a_singular_one_the_least_that_works():
    """A covariance with a negative eigenvalue beyond the floor."""
    gram = covariance(5)
    lower, jitter = factorised(gram, NOISE)
    assert jitter == 0.0
    torch.testing.assert_close(
        lower @ lower.T, gram + NOISE * torch.eye(5).double(), atol=1e-9, rtol=0
    )
    singular = torch.ones(5, 5).double() - 3e-9 * torch.eye(5).double()
    _, jitter = factorised(singular, torch.zeros(()).double())
    assert jitter == 1e-8


def test_a_matrix_that_is_no_covariance_is_refused_and_of_no_likelihood():
    """A search that strays there turns back."""
    wrong = -torch.eye(3).double()
    nothing = torch.zeros(()).double()
    with pytest.raises(InputError, match="Leave out points that are there twice"):
        factorised(wrong, nothing)
    assert log_likelihood(wrong, nothing, torch.ones(3, 1).double()) == -torch.inf
