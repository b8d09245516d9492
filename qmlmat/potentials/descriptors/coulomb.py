"""The spectrum of the Coulomb matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from qmlmat.potentials.descriptors.base import Descriptor
from qmlmat.potentials.descriptors.pairs import atom_pairs
from qmlmat.systems.elements import atomic_number
from qmlmat.units import BOHR_IN_ANGSTROM


class CoulombMatrix(Descriptor):
    """Eigenvalues of the Coulomb matrix, descending (hartree).

    The matrix has ``Z_i Z_j / R_ij`` off the diagonal and ``0.5 Z_i^2.4`` on it. Its eigenvalues
    do not change when atoms, equal or not, are listed in another order. They are sorted by value,
    not by absolute value as in the paper: a value that changes its sign would make the latter jump.

    Continuous everywhere. Not smooth where two eigenvalues meet, as they do in molecules with a
    threefold axis: there they have a kink, and the derivatives given are those of one of the
    possible choices, finite, and without the infinite coupling of the two. Differentiable twice,
    not three times. Not complete from three atoms on: the trace is fixed, so that ``n_atoms - 1``
    numbers vary, fewer than a molecule has coordinates.

    Args:
        symbols: Element symbols, one per atom, two at least.

    References:
        M. Rupp, A. Tkatchenko, K.-R. Müller, O. A. von Lilienfeld, Phys. Rev. Lett. 108, 058301
        (2012), doi:10.1103/PhysRevLett.108.058301.
    """

    _charges: torch.Tensor
    _pairs: torch.Tensor

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(symbols)
        charges = [float(atomic_number(symbol)) for symbol in self.symbols]
        pairs = torch.tensor(atom_pairs(self.n_atoms)).T
        self.register_buffer("_pairs", pairs.contiguous(), persistent=False)
        charge = torch.tensor(charges, dtype=torch.float64)
        self.register_buffer("_charges", charge, persistent=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names, ``coulomb 1`` the largest."""
        return tuple(f"coulomb {k + 1}" for k in range(self.n_atoms))

    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the eigenvalues, ``(B, n_atoms)`` (hartree)."""
        return _eigenvalues(self.matrix(positions)).flip(-1)

    def matrix(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the Coulomb matrix, ``(B, n_atoms, n_atoms)`` (hartree).

        Args:
            positions: Positions of the atoms, ``(B, n_atoms, 3)`` (Å).
        """
        charges = self._charges.to(positions.dtype)
        first, second = self._pairs
        lengths = torch.linalg.vector_norm(positions[:, second] - positions[:, first], dim=-1)
        repulsion = charges[first] * charges[second] * BOHR_IN_ANGSTROM / lengths
        matrix = torch.diag(0.5 * charges**2.4).repeat(len(positions), 1, 1)
        matrix[:, first, second] = repulsion
        matrix[:, second, first] = repulsion
        return matrix

    def feature_order(self, order: Sequence[int]) -> tuple[int, ...]:  # noqa: ARG002 (invariant)
        """Return that the features stay where they are."""
        return tuple(range(self.n_features))

    def settings(self) -> dict[str, Any]:
        """Return nothing: there are no settings."""
        return {}

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> CoulombMatrix:
        """Return the descriptor of these atoms."""
        return cls(symbols, **settings)


def _eigenvalues(matrix: torch.Tensor) -> torch.Tensor:
    """Return ascending eigenvalues whose first and second derivatives are never NaN.

    PyTorch's own divide by the distance of two eigenvalues, also where it is zero. Here they are
    written as second-order perturbation theory around themselves, which has the same value and
    the same two derivatives, and the terms of equal eigenvalues are left out.
    """
    with torch.no_grad():
        values, vectors = torch.linalg.eigh(matrix)
        gaps = values[..., :, None] - values[..., None, :]
        largest = values.abs().amax(dim=-1)[..., None, None]
        apart = gaps.abs() > torch.finfo(matrix.dtype).eps ** 0.5 * largest
        weights = torch.where(apart, 1.0 / torch.where(apart, gaps, 1.0), 0.0)
    turned = vectors.transpose(-1, -2) @ matrix @ vectors
    coupling = turned - turned.detach()  # zero but for its derivative, free of rounding
    second: torch.Tensor = (weights * coupling**2).sum(dim=-1)
    return torch.diagonal(turned, dim1=-2, dim2=-1) + second
