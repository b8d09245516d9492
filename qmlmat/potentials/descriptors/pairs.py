"""One number per pair of atoms: the distance, or a function of it that dies out."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch

from qmlmat.potentials.descriptors.base import Descriptor, finite
from qmlmat.surfaces.paths.internal import Distance
from qmlmat.units import BOHR_IN_ANGSTROM

MORSE_LENGTH: Final = 2.0 * BOHR_IN_ANGSTROM
"""Length of Morse variables, 2 bohr (Å): about that of a bond, so that stretching one halves it.

Customary where molecules are fitted by permutationally invariant polynomials, see Braams and
Bowman, doi:10.1080/01442350903234923.
"""


def atom_pairs(n_atoms: int) -> tuple[tuple[int, int], ...]:
    """Return all pairs of atoms in the order of the features: (0, 1), (0, 2), ..., (1, 2), ...

    Example:
        >>> atom_pairs(3)
        ((0, 1), (0, 2), (1, 2))
    """
    return tuple(itertools.combinations(range(n_atoms), 2))


class PairDescriptor(Descriptor):
    """A function of the distance of each pair of atoms, pairs in the order of ``atom_pairs``.

    Smooth wherever no two atoms coincide. Complete: geometries with the same features are
    the same up to translation, rotation and reflection. Invariant under permutations only where
    no two pairs can be exchanged, as in H2 or LiH; ``feature_permutations()`` otherwise.

    Args:
        symbols: Element symbols, one per atom, two at least.
    """

    _first: torch.Tensor
    _second: torch.Tensor

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(symbols)
        self.pairs = atom_pairs(self.n_atoms)
        first, second = torch.tensor(self.pairs).T
        self.register_buffer("_first", first, persistent=False)
        self.register_buffer("_second", second, persistent=False)

    @abstractmethod
    def function(self, lengths: torch.Tensor) -> torch.Tensor:
        """Return the function of distances (Å), elementwise."""

    @abstractmethod
    def function_name(self, length: str) -> str:
        """Return what the function of a distance with this name is called."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, e.g. ``r(O0-H1)``, ``(n_pairs,)``."""
        lengths = (Distance(i, j).axis(self.symbols).name for i, j in self.pairs)
        return tuple(self.function_name(length) for length in lengths)

    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the function of each distance, ``(B, n_pairs)``."""
        apart = positions[:, self._second] - positions[:, self._first]
        return self.function(torch.linalg.vector_norm(apart, dim=-1))

    def feature_order(self, order: Sequence[int]) -> tuple[int, ...]:
        """Return where each pair comes from once equal atoms have changed places."""
        place = {pair: index for index, pair in enumerate(self.pairs)}
        moved = (sorted((order[i], order[j])) for i, j in self.pairs)
        return tuple(place[i, j] for i, j in moved)


class Distances(PairDescriptor):
    """All interatomic distances (Å).

    Example:
        >>> water = Distances(("O", "H", "H"))
        >>> water(torch.tensor([[[0.0, 0, 0], [3, 0, 0], [0, 4, 0]]])).tolist()
        [[3.0, 4.0, 5.0]]
    """

    def function(self, lengths: torch.Tensor) -> torch.Tensor:
        """Return the distances themselves (Å)."""
        return lengths

    def function_name(self, length: str) -> str:
        """Return the distance's own name."""
        return length

    def settings(self) -> dict[str, Any]:
        """Return nothing: there are no settings."""
        return {}

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> Distances:
        """Return the descriptor of these atoms."""
        return cls(symbols, **settings)


class InverseDistances(PairDescriptor):
    """All inverse interatomic distances (1/Å): stiff at short range, flat at long range."""

    def function(self, lengths: torch.Tensor) -> torch.Tensor:
        """Return ``1 / r`` (1/Å)."""
        return 1.0 / lengths

    def function_name(self, length: str) -> str:
        """Return e.g. ``1/r(O0-H1)``."""
        return f"1/{length}"

    def settings(self) -> dict[str, Any]:
        """Return nothing: there are no settings."""
        return {}

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> InverseDistances:
        """Return the descriptor of these atoms."""
        return cls(symbols, **settings)


class MorseVariables(PairDescriptor):
    """``exp(-r / length)`` of all interatomic distances: between 0 and 1, and 0 far apart.

    Args:
        symbols: Element symbols, one per atom, two at least.
        length: Distance over which a variable falls to 1/e (Å); 2 bohr by default.

    Raises:
        InputError: If the length is not above 0.

    References:
        B. J. Braams, J. M. Bowman, Int. Rev. Phys. Chem. 28, 577 (2009),
        doi:10.1080/01442350903234923.
    """

    def __init__(self, symbols: Sequence[str], length: float = MORSE_LENGTH) -> None:
        super().__init__(symbols)
        self.length = finite("MorseVariables", "length", length, above=0.0)

    def function(self, lengths: torch.Tensor) -> torch.Tensor:
        """Return ``exp(-r / length)``."""
        return torch.exp(-lengths / self.length)

    def function_name(self, length: str) -> str:
        """Return e.g. ``exp(-r(O0-H1)/1.058)``."""
        return f"exp(-{length}/{self.length:.4g})"

    def settings(self) -> dict[str, Any]:
        """Return the length (Å)."""
        return {"length": self.length}

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> MorseVariables:
        """Return the descriptor of these atoms."""
        return cls(symbols, **settings)
