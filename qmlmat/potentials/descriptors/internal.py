"""Chosen bonds, angles and dihedrals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import torch

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors.base import Descriptor
from qmlmat.surfaces.paths.internal import Angle, Dihedral, Distance

Internal: TypeAlias = Distance | Angle | Dihedral
"""A coordinate that can be a feature."""

KINDS: Final[dict[int, type[Internal]]] = {2: Distance, 3: Angle, 4: Dihedral}
"""Coordinates by the number of their atoms."""


class InternalCoordinates(Descriptor):
    """Bond lengths (Å), cosines of angles, and dihedrals, in the order given.

    An angle is its cosine: seen from a bent molecule the two are as good, but at 180 degrees an
    angle has a kink, and its cosine has none. A dihedral is two features, its cosine and its
    sine, so that -180 and 180 degrees are the same; both times the sines of the two angles that
    it leans on, since where one of them is straight the dihedral has no value and the product
    goes to zero smoothly. Everything is therefore smooth wherever no two atoms of a bond coincide.

    The sine part changes its sign under reflection: an energy must be even in all of these
    together. Invariant under permutations only if each coordinate is exchanged with itself;
    ``feature_permutations()`` needs the set to hold, with a coordinate, those of equal atoms.

    Args:
        symbols: Element symbols, one per atom, two at least.
        coordinates: ``Distance``, ``Angle`` and ``Dihedral`` values, atoms counted from 0.

    Raises:
        InputError: If there are none, one is given twice, or is of another kind or other atoms.

    Example:
        >>> bent = InternalCoordinates(("O", "H", "H"), [Distance(0, 1), Angle(1, 0, 2)])
        >>> bent(torch.tensor([[[0.0, 0, 0], [2, 0, 0], [0, 1, 0]]])).tolist()
        [[2.0, 0.0]]
    """

    _bonds: torch.Tensor
    _angles: torch.Tensor
    _dihedrals: torch.Tensor
    _places: torch.Tensor

    def __init__(self, symbols: Sequence[str], coordinates: Sequence[Internal]) -> None:
        super().__init__(symbols)
        self.coordinates = tuple(coordinates)
        _check(self.coordinates, self.n_atoms)
        self._labels = [label for c in self.coordinates for label in _labels(c)]
        for size, name in ((2, "_bonds"), (3, "_angles"), (4, "_dihedrals")):
            own = [c.atoms for c in self.coordinates if len(c.atoms) == size]
            atoms = torch.tensor(own, dtype=torch.int64).reshape(-1, size).T
            self.register_buffer(name, atoms.contiguous(), persistent=False)
        # Computed are all bonds, all angles, all cosines, all sines; asked for is another order.
        kinds = [(len(atoms), part) for atoms, part in self._labels]
        computed = sorted(range(len(kinds)), key=lambda k: (kinds[k], k))
        self.register_buffer("_places", torch.argsort(torch.tensor(computed)), persistent=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names, e.g. ``r(O0-H1)``, ``cos a(H1-O0-H2)``, ``ss cos d(H2-O0-O1-H3)``."""
        return tuple(
            name
            for coordinate in self.coordinates
            for name in _names(coordinate, coordinate.axis(self.symbols).name)
        )

    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return lengths, cosines, and dihedral parts, ``(B, n_features)``."""
        parts = (
            _lengths(positions[:, self._bonds]),
            _cosines(positions[:, self._angles]),
            *_dihedral_parts(positions[:, self._dihedrals]),
        )
        return torch.cat(parts, dim=1)[:, self._places]

    def feature_order(self, order: Sequence[int]) -> tuple[int, ...] | None:
        """Return where each coordinate comes from, or ``None`` if one is not in the set."""
        place = {label: index for index, label in enumerate(self._labels)}
        moved = [(_one_way([order[a] for a in atoms]), part) for atoms, part in self._labels]
        if not all(label in place for label in moved):
            return None
        return tuple(place[label] for label in moved)

    def settings(self) -> dict[str, Any]:
        """Return the atoms of each coordinate: two are a bond, three an angle, four a dihedral."""
        return {"coordinates": [list(coordinate.atoms) for coordinate in self.coordinates]}

    @classmethod
    def from_settings(
        cls, symbols: Sequence[str], settings: Mapping[str, Any]
    ) -> InternalCoordinates:
        """Return the descriptor of these atoms."""
        remaining = dict(settings)
        atoms = remaining.pop("coordinates")
        return cls(symbols, [KINDS[len(own)](*own) for own in atoms], **remaining)


_Label: TypeAlias = tuple[tuple[int, ...], int]
"""Atoms, and which of the features of their coordinate."""


def _one_way(atoms: Sequence[int]) -> tuple[int, ...]:
    """Return the atoms from the end with the lower number: both ways are the same coordinate."""
    return min(tuple(atoms), tuple(reversed(atoms)))


def _labels(coordinate: Internal) -> list[_Label]:
    n_parts = 2 if isinstance(coordinate, Dihedral) else 1
    return [(_one_way(coordinate.atoms), part) for part in range(n_parts)]


def _names(coordinate: Internal, name: str) -> tuple[str, ...]:
    if isinstance(coordinate, Dihedral):
        return (f"ss cos {name}", f"ss sin {name}")
    return (f"cos {name}",) if isinstance(coordinate, Angle) else (name,)


def _lengths(points: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = torch.linalg.vector_norm(points[:, 1] - points[:, 0], dim=-1)
    return found


def _cosines(points: torch.Tensor) -> torch.Tensor:
    u, v = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    lengths = torch.linalg.vector_norm(u, dim=-1) * torch.linalg.vector_norm(v, dim=-1)
    found: torch.Tensor = (u * v).sum(dim=-1) / lengths
    return found


def _dihedral_parts(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ``sin(a) sin(b) cos(d)`` and ``sin(a) sin(b) sin(d)``."""
    first, middle, last = (points[:, k + 1] - points[:, k] for k in range(3))
    before = torch.linalg.cross(first, middle, dim=-1)
    after = torch.linalg.cross(middle, last, dim=-1)
    ends = torch.linalg.vector_norm(first, dim=-1) * torch.linalg.vector_norm(last, dim=-1)
    axis = torch.linalg.vector_norm(middle, dim=-1)
    cosine = (before * after).sum(dim=-1) / (ends * axis**2)
    sine = (first * after).sum(dim=-1) / (ends * axis)
    return cosine, sine


def _check(coordinates: Sequence[Internal], n_atoms: int) -> None:
    rule = "Give Distance, Angle and Dihedral values, each once."
    if not coordinates:
        raise InputError(f"InternalCoordinates(coordinates=()): there is nothing to read. {rule}")
    for coordinate in coordinates:
        if not isinstance(coordinate, Internal):
            raise InputError(
                f"InternalCoordinates(coordinates): {coordinate!r} is no single coordinate. {rule}"
            )
        if max(coordinate.atoms) >= n_atoms:
            raise InputError(
                f"InternalCoordinates(coordinates): {coordinate} names an atom the molecule does "
                f"not have. Count its {n_atoms} atoms from 0 to {n_atoms - 1}."
            )
    if len({_one_way(c.atoms) for c in coordinates}) < len(coordinates):
        raise InputError(f"InternalCoordinates(coordinates): one is there twice. {rule}")
