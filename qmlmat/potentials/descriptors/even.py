"""Features that are even under a mirror, of a descriptor some of whose features are odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors.base import Descriptor


class Even(Descriptor):
    """Another descriptor's features, the odd ones squared.

    A mirror, or an exchange of equal atoms, that turns the sign of some features and leaves the
    others then leaves all: the parts of a dihedral about 90 degrees, or the sine part of any.
    Smooth wherever the descriptor is. What is odd itself may still be a factor of couplings.

    Args:
        descriptor: Whose features these are.
        odd: Numbers of the features that are odd.

    Raises:
        InputError: If there are no such features, or they belong to atoms.

    Example:
        >>> from qmlmat.potentials.descriptors import InternalCoordinates
        >>> from qmlmat.surfaces.paths.internal import Dihedral
        >>> peroxide = InternalCoordinates(("H", "O", "O", "H"), [Dihedral(0, 1, 2, 3)])
        >>> Even(peroxide, odd=[1]).names[1]
        '(ss sin d(H0-O1-O2-H3))^2'
    """

    _odd: torch.Tensor

    def __init__(self, descriptor: Descriptor, odd: Sequence[int]) -> None:
        super().__init__(descriptor.symbols)
        self.descriptor, self.odd = descriptor, tuple(odd)
        n_features = descriptor.n_features
        if descriptor.atomwise or not set(self.odd) <= set(range(n_features)):
            raise InputError(
                f"Even(odd={self.odd}): {type(descriptor).__name__} has {n_features} features"
                f"{' of each atom' * descriptor.atomwise}. Give a descriptor of the molecule, and "
                f"numbers from 0 to {n_features - 1}."
            )
        mask = torch.zeros(n_features, dtype=torch.bool)
        mask[list(self.odd)] = True
        self.register_buffer("_odd", mask, persistent=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features; odd ones in brackets, squared."""
        own = enumerate(self.descriptor.names)
        return tuple(f"({name})^2" if k in self.odd else name for k, name in own)

    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the features, odd ones squared, ``(B, n_features)``."""
        plain = self.descriptor(positions)
        return torch.where(self._odd, plain.square(), plain)

    def feature_order(self, order: Sequence[int]) -> tuple[int, ...] | None:
        """Return where the features come from, as the descriptor has it."""
        source = self.descriptor.feature_order(order)
        if source is None or any((k in self.odd) != (j in self.odd) for k, j in enumerate(source)):
            return None
        return source

    def settings(self) -> dict[str, Any]:
        """Return the descriptor's configuration, and which features are odd."""
        return {"descriptor": self.descriptor.config(), "odd": list(self.odd)}

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> Even:  # noqa: ARG003 - they are inside
        """Return the descriptor of these settings; the symbols are those of what is inside."""
        return cls(Descriptor.from_config(settings["descriptor"]), settings["odd"])
