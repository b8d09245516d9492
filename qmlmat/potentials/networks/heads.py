"""From a network's outputs to energies: one state, or states that cross, as eigenvalues."""

from __future__ import annotations

import torch
from torch import Tensor


def n_outputs(n_states: int) -> int:
    """Return how many outputs a network needs: the entries of a symmetric matrix."""
    return n_states * (n_states + 1) // 2


def diabatic_matrix(outputs: Tensor, n_states: int, coupling: Tensor | None = None) -> Tensor:
    """Return symmetric matrices ``W``, shape ``(n_points, n_states, n_states)``.

    Their eigenvalues are the energies. Entries are smooth functions of the geometry where the
    eigenvalues have cusps, so states that cross are learnt together.

    Args:
        outputs: Shape ``(n_points, n_states (n_states + 1) / 2)``: the diagonal first, then the
            rows of the upper triangle.
        n_states: Number of states.
        coupling: A factor of every entry off the diagonal, shape ``(n_points,)``: odd under a
            mirror that forbids the coupling of states of different symmetry on it.

    References:
        H. Köppel, W. Domcke, L. S. Cederbaum, Adv. Chem. Phys. 57, 59 (1984),
        doi:10.1002/9780470142813.ch2.
    """
    diagonal, upper = outputs[:, :n_states], outputs[:, n_states:]
    if coupling is not None:
        upper = upper * coupling[:, None]
    row, column = torch.triu_indices(n_states, n_states, offset=1)
    matrix = torch.diag_embed(diagonal)
    if len(row):
        matrix = matrix.index_put((torch.arange(len(outputs))[:, None], row, column), upper)
        matrix = matrix.index_put((torch.arange(len(outputs))[:, None], column, row), upper)
    return matrix


def eigenvalues(matrix: Tensor) -> Tensor:
    """Return ascending eigenvalues of symmetric matrices, shape ``(n_points, n_states)``.

    Of one and of two states in closed form, whose derivatives stay finite next to a crossing.
    """
    n_states = matrix.shape[-1]
    if n_states == 1:
        return matrix[:, 0]
    if n_states == 2:
        mean = 0.5 * (matrix[:, 0, 0] + matrix[:, 1, 1])
        half = 0.5 * (matrix[:, 0, 0] - matrix[:, 1, 1])
        square = half.square() + matrix[:, 0, 1].square()
        apart = square > 0  # the root has no slope where the states touch; 0 is one of its limits
        radius = torch.where(apart, torch.where(apart, square, 1.0).sqrt(), 0.0)
        return torch.stack([mean - radius, mean + radius], dim=1)
    found: Tensor = torch.linalg.eigvalsh(matrix)
    return found
