"""Factors of couplings between states: what makes them vanish where symmetry says so."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import Descriptor
from qmlmat.potentials.registry import built, described


class FeatureFactor(torch.nn.Module):
    """One feature of a descriptor as the factor of couplings.

    A feature that is odd under a mirror, or under the exchange of two equal atoms, makes the
    coupling odd: states of different symmetry do not mix where it is zero. Two examples are the
    cosine part of a dihedral, and a coordinate that measures how far a molecule is from a plane.
    """

    def __init__(self, descriptor: Descriptor, index: int = 0) -> None:
        """Make the factor.

        Args:
            descriptor: From positions to features, e.g. ``InternalCoordinates`` of one dihedral.
            index: Which feature.

        Raises:
            InputError: If there is no such feature, or features belong to atoms.
        """
        super().__init__()
        if descriptor.atomwise or not 0 <= index < descriptor.n_features:
            raise InputError(
                f"FeatureFactor(index={index}): {type(descriptor).__name__} has "
                f"{descriptor.n_features} features{' of each atom' * descriptor.atomwise}. Give a "
                "descriptor of the molecule, and the number of one of its features."
            )
        self.descriptor, self.index = descriptor, index

    def forward(self, positions: Tensor) -> Tensor:
        """Return the feature, shape ``(n_points,)``.

        Args:
            positions: Shape ``(n_points, n_atoms, 3)`` (Å).
        """
        found: Tensor = self.descriptor(positions)[:, self.index]
        return found

    def config(self) -> dict[str, Any]:
        """Return plain values from which the factor is built again."""
        return {"descriptor": described(self.descriptor), "index": self.index}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FeatureFactor:
        """Return the factor that ``config`` describes."""
        return cls(built(config["descriptor"]), config["index"])
