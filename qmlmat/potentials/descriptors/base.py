"""What every descriptor is: positions in, features out, whatever frame the molecule is in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from qmlmat.errors import InputError, nearest
from qmlmat.potentials.descriptors.permutations import (
    checked_symbols,
    permutations,
    transpositions,
)


class Descriptor(torch.nn.Module, ABC):
    """Numbers that say how a molecule is shaped, wherever it is and however it is turned.

    A descriptor belongs to one list of atoms and holds nothing to train. It is differentiable
    twice by the positions, on whatever device and in whatever precision they are; where a form is
    not smooth its own docstring says so. Atoms must not coincide.

    Args:
        symbols: Element symbols, one per atom, two at least.

    Raises:
        InputError: If there is one atom, or a symbol is no element.
    """

    atomwise: ClassVar[bool] = False
    """Whether every atom has its own features; they then move with their atom."""
    symbols: tuple[str, ...]
    """Element symbols, one per atom."""

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__()
        self.symbols = checked_symbols(type(self).__name__, symbols)

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the features, for tables, ``(n_features,)``."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return what the class is built from besides the symbols, as plain JSON values."""

    @classmethod
    @abstractmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> Descriptor:
        """Return the descriptor of ``settings()``."""

    @abstractmethod
    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return what ``forward`` does, of positions that have been checked."""

    @abstractmethod
    def feature_order(self, order: Sequence[int]) -> tuple[int, ...] | None:
        """Return where the features come from once equal atoms have changed places.

        Args:
            order: A permutation of equal atoms.

        Returns:
            ``source`` such that ``forward(x[:, order]) == forward(x)[..., source]`` (of an
            atom-wise descriptor in ``order`` along its atoms, too); ``None`` if the features are
            not the same ones in another order.
        """

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.names)

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.symbols)

    @property
    def permutation_invariant(self) -> bool:
        """Whether every feature keeps its place and value when equal atoms change places."""
        exchanges = transpositions(self.symbols)
        if self.atomwise:
            return not exchanges
        same = tuple(range(self.n_features))
        return all(self.feature_order(order) == same for order in exchanges)

    def feature_permutations(self) -> torch.Tensor:
        """Return what permutations of equal atoms do to the features, the identity first.

        ``features[:, feature_permutations()]``, ``(B, n_permutations, n_features)``, are the
        features of all permuted molecules without computing any of them again. Permutations
        that act alike are listed once: an average over the group does not change by it.

        Returns:
            Index array, ``(n_permutations, n_features)``; one row for invariant features.

        Raises:
            InputError: If features are not the same ones in another order, belong to atoms, or
                there are too many permutations.
        """
        name = type(self).__name__
        if self.atomwise:
            raise InputError(
                f"{name}.feature_permutations(): these features belong to atoms and move with "
                "them. Sum over the atoms instead."
            )
        if self.permutation_invariant:
            return torch.arange(self.n_features)[None]
        orders = [self.feature_order(order) for order in permutations(self.symbols).tolist()]
        known = [order for order in orders if order is not None]
        if len(known) < len(orders):
            raise InputError(
                f"{name}.feature_permutations(): exchanging equal atoms leads to coordinates that "
                "are not among its own. Add those of the equal atoms, or use Distances."
            )
        return torch.tensor(list(dict.fromkeys(known)))

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the features.

        Args:
            positions: Positions of the atoms, ``(B, n_atoms, 3)`` (Å).

        Returns:
            ``(B, n_features)``; ``(B, n_atoms, n_features)`` of an atom-wise descriptor.

        Raises:
            InputError: If the shape is another, or a number is not finite.
        """
        name, shape = type(self).__name__, tuple(positions.shape)
        if positions.ndim != 3 or shape[1:] != (self.n_atoms, 3):
            raise InputError(
                f"{name}(positions {shape}): the molecule {''.join(self.symbols)} has positions "
                f"of shape (B, {self.n_atoms}, 3). Put one geometry as positions[None]."
            )
        if not positions.is_floating_point():
            raise InputError(
                f"{name}(positions of type {positions.dtype}): derivatives need real numbers. "
                "Use positions.to(torch.float64)."
            )
        if not bool(torch.isfinite(positions).all()):
            raise InputError(
                f"{name}(positions): a coordinate is NaN or infinite. Remove such geometries, or "
                "shorten the step that led to them."
            )
        return self.features(positions)

    def config(self) -> dict[str, Any]:
        """Return plain JSON values from which ``from_config`` builds it again."""
        return {"kind": type(self).__name__, "symbols": list(self.symbols), **self.settings()}

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> Descriptor:
        """Return the descriptor, of whatever class, that ``config()`` was taken of.

        Args:
            config: Plain values: ``"kind"``, ``"symbols"``, and the settings of that class.

        Raises:
            InputError: If the kind is unknown, or settings are missing.

        Example:
            >>> from qmlmat.potentials.descriptors import Distances
            >>> Descriptor.from_config(Distances(("N", "N")).config()).names
            ('r(N0-N1)',)
        """
        kinds = {kind.__name__: kind for kind in _final_classes(Descriptor)}  # type: ignore[type-abstract]
        settings = dict(config)
        kind, symbols = str(settings.pop("kind", "")), settings.pop("symbols", ())
        if kind not in kinds:
            raise InputError(
                f'Descriptor.from_config(kind="{kind}"): no descriptor has this name. '
                f"{nearest(kind, kinds)}"
            )
        try:
            return kinds[kind].from_settings(symbols, settings)
        except (KeyError, TypeError) as error:
            raise InputError(
                f"Descriptor.from_config({dict(config)}): {kind} cannot be built from these "
                f"settings ({error}). Give what its config() returns."
            ) from error


def finite(call: str, name: str, value: float, *, above: float = -np.inf) -> float:
    """Return a setting as a number.

    Args:
        call: Who asks, for messages.
        name: Name of the setting.
        value: Its value.
        above: The value is larger than this.

    Raises:
        InputError: If it is not a finite number above ``above``.
    """
    number = float(value)
    if not np.isfinite(number) or number <= above:
        rule = "a finite number" if above == -np.inf else f"a finite number above {above:g}"
        raise InputError(f"{call}({name}={value!r}): give {rule}.")
    return number


def _final_classes(parent: type[Descriptor]) -> Iterator[type[Descriptor]]:
    for child in parent.__subclasses__():
        yield from _final_classes(child)
        if not child.__abstractmethods__:
            yield child
