"""Exact Gaussian process regression on matrices: factors, likelihoods, predictions."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from qmlmat.errors import InputError

FLOOR: Final = 1e-11
"""Smallest variance of noise, in units of the mean variance of the prior: the rounding of a few
thousand points' kernel in float64."""
JITTERS: Final = (0.0, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
"""What is added to the diagonal in turn, in the same units, until the matrix can be factorised."""


def factorised(gram: Tensor, noise: Tensor) -> tuple[Tensor, float]:
    """Return the lower Cholesky factor of ``gram + noise``, and the jitter that it took.

    Jitter is noise that nobody asked for, added where the matrix is singular to rounding.

    Args:
        gram: The kernel of training points, shape ``(n_points, n_points)``.
        noise: Variance of noise; ``FLOOR`` times the mean of the diagonal is added.

    Returns:
        The factor, shape ``(n_points, n_points)``, and what of ``JITTERS`` was added to the
        diagonal, in units of its mean.

    Raises:
        InputError: If no jitter suffices.
    """
    level = gram.detach().diagonal().mean()
    eye = torch.eye(len(gram), dtype=gram.dtype)
    for jitter in JITTERS:
        lower, info = torch.linalg.cholesky_ex(gram + (noise + (FLOOR + jitter) * level) * eye)
        if not info:
            return lower, jitter
    raise InputError(
        f"GaussianProcess: the kernel of {len(gram)} points is no positive matrix, whatever is "
        f"added to its diagonal (up to {JITTERS[-1]:g} of it). Leave out points that are there "
        "twice, and use float64."
    )


def log_likelihood(gram: Tensor, noise: Tensor, targets: Tensor) -> Tensor:
    """Return the logarithm of the marginal likelihood, summed over columns of targets.

    ``log p = -y K^-1 y / 2 - log det K / 2 - n log(2 pi) / 2``. Its derivative by ``K`` is written
    down, ``(K^-1 y y K^-1 - K^-1) / 2``, so it can be differentiated once. Minus infinity where
    the matrix cannot be factorised.

    Args:
        gram: The kernel of training points, shape ``(n_points, n_points)``.
        noise: Variance of noise.
        targets: What is learnt, around zero, shape ``(n_points, n_columns)``.
    """
    n_points, n_columns = targets.shape
    try:
        with torch.no_grad():
            lower, _ = factorised(gram, noise)
    except InputError:  # a step of the search that went too far; it still has a graph
        return noise * 0 + gram.sum() * 0 - math.inf
    with torch.no_grad():
        inverse = torch.cholesky_inverse(lower)
        solved = inverse @ targets
        half_logdet = lower.diagonal().log().sum()
        value = -0.5 * (targets * solved).sum() - n_columns * half_logdet
        value -= 0.5 * n_points * n_columns * math.log(2 * math.pi)
        slope = 0.5 * (solved @ solved.T - n_columns * inverse)
        # The floor moves with the diagonal.
        by_level = FLOOR * slope.trace() / n_points
        slope.diagonal().add_(by_level)
    by_noise = slope.trace() - n_points * by_level
    change = ((gram - gram.detach()) * slope).sum() + (noise - noise.detach()) * by_noise
    return value + change
