"""Atom-centred symmetry functions, by the elements of the neighbours."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

import torch

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors.base import Descriptor, finite
from qmlmat.potentials.descriptors.pairs import atom_pairs
from qmlmat.systems.elements import atomic_number

CUTOFF: Final = 6.0
"""Default radius (Å): two or three bonds, and more than any molecule solved here is wide."""

N_RADIAL: Final = 8
"""Radial functions of the default grid."""

NEAREST: Final = 0.7
"""Centre of the first radial function (Å): no bond is shorter than that of H2, 0.74 Å."""


@dataclass(frozen=True, kw_only=True)
class Radial:
    """``G2 = sum_j exp(-width (R_ij - centre)^2) fc(R_ij)``."""

    width: float
    """Exponent (1/Å^2)."""
    centre: float = 0.0
    """Distance at which a neighbour counts most (Å)."""

    def __post_init__(self) -> None:
        finite("Radial", "width", self.width, above=0.0)
        finite("Radial", "centre", self.centre)


@dataclass(frozen=True, kw_only=True)
class Angular:
    """``G4 = 2^(1-zeta) sum_(j<k) (1 + sign cos(jik))^zeta exp(-width S) fc(R_ij) fc(R_ik) fc(R_jk)``.

    ``S`` is ``R_ij^2 + R_ik^2 + R_jk^2``. Without ``third_side``, ``R_jk`` is left out of both
    factors: that is G5, which sees also neighbours that are far from each other.
    """  # noqa: E501 (a formula)

    width: float
    """Exponent (1/Å^2)."""
    zeta: int
    """Power: the larger, the narrower the range of angles."""
    sign: int
    """1: largest at 0 degrees; -1: at 180."""
    third_side: bool = True
    """Whether the distance of the two neighbours counts: G4, else G5."""

    def __post_init__(self) -> None:
        finite("Angular", "width", self.width, above=0.0)
        if type(self.zeta) is not int or self.zeta < 1:
            raise InputError(
                f"Angular(zeta={self.zeta!r}): other powers are not smooth at straight angles. "
                "Give a whole number of at least 1."
            )
        if self.sign not in (1, -1):
            raise InputError(
                f"Angular(sign={self.sign!r}): a function is largest at 0 or at 180 degrees. "
                "Give 1 or -1."
            )


def radial_grid(cutoff: float) -> tuple[Radial, ...]:
    """Return eight radial functions evenly spaced from a short bond to the cutoff.

    Each is as wide as they are apart, ``width = 1 / (2 spacing^2)``.

    Args:
        cutoff: Radius (Å).

    Raises:
        InputError: If it is not above 0.7 Å.

    References:
        M. Gastegger, L. Schwiedrzik, M. Bittermann, F. Berzsenyi, P. Marquetand, J. Chem. Phys.
        148, 241709 (2018), doi:10.1063/1.5019667 (centred grids).
    """
    finite("radial_grid", "cutoff", cutoff, above=NEAREST)
    spacing = (cutoff - NEAREST) / N_RADIAL  # a function centred at the cutoff would be zero
    width = 0.5 / spacing**2
    return tuple(Radial(width=width, centre=NEAREST + k * spacing) for k in range(N_RADIAL))


def angular_grid(cutoff: float) -> tuple[Angular, ...]:
    """Return angular functions: powers 1 and 4, both signs, one as wide as the cutoff.

    Args:
        cutoff: Radius (Å).

    Raises:
        InputError: If it is not above 0.
    """
    width = 0.5 / finite("angular_grid", "cutoff", cutoff, above=0.0) ** 2
    return tuple(Angular(width=width, zeta=zeta, sign=sign) for zeta in (1, 4) for sign in (1, -1))


class BehlerParrinello(Descriptor):
    """Symmetry functions of every atom, one for each element or pair of elements around it.

    Features belong to atoms: exchanging equal atoms exchanges their rows and changes nothing else,
    so that a sum over atoms of a function per element is invariant. Around every atom are the same
    features, those of absent neighbours zero. Each pair of neighbours counts once.

    Smooth, at straight angles too, except at the cutoff: there the functions and their first
    derivatives go to zero, and the second derivatives jump. Not complete: atoms with other
    neighbourhoods can have the same features, though the fewer the finer the grids.

    Args:
        symbols: Element symbols, one per atom, two at least.
        cutoff: Radius beyond which neighbours do not count (Å).
        radial: Radial functions; ``radial_grid(cutoff)`` by default.
        angular: Angular functions; ``angular_grid(cutoff)`` by default.

    Raises:
        InputError: If the cutoff is not above 0.7 Å, or there are no functions.

    References:
        J. Behler, M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007),
        doi:10.1103/PhysRevLett.98.146401. J. Behler, J. Chem. Phys. 134, 074106 (2011),
        doi:10.1063/1.3553717.

    Example:
        >>> BehlerParrinello(("O", "H", "H"), radial=[Radial(width=1.0)], angular=[]).names
        ('G2 H 0', 'G2 O 0')
    """

    atomwise = True
    _pairs: torch.Tensor
    _receivers: torch.Tensor
    _triples: torch.Tensor
    _triple_receivers: torch.Tensor

    def __init__(
        self,
        symbols: Sequence[str],
        cutoff: float = CUTOFF,
        radial: Sequence[Radial] | None = None,
        angular: Sequence[Angular] | None = None,
    ) -> None:
        super().__init__(symbols)
        self.cutoff = finite("BehlerParrinello", "cutoff", cutoff, above=NEAREST)
        self.radial = radial_grid(cutoff) if radial is None else tuple(radial)
        self.angular = angular_grid(cutoff) if angular is None else tuple(angular)
        if not self.radial and not self.angular:
            raise InputError(
                "BehlerParrinello(radial=(), angular=()): there is nothing to compute. Give at "
                "least one function, or leave both out for the default grids."
            )
        self.elements = tuple(sorted(set(self.symbols), key=atomic_number))
        self._set_pairs()
        self._set_triples()

    def _set_pairs(self) -> None:
        """Set who sees whom: row ``atom * n_elements + element`` collects a pair's function."""
        pairs = atom_pairs(self.n_atoms)
        seen = [(i, j) for i, j in pairs] + [(j, i) for i, j in pairs]
        rows = [i * len(self.elements) + self._element(j) for i, j in seen]
        self.register_buffer("_pairs", torch.tensor(pairs).T.contiguous(), persistent=False)
        self.register_buffer("_receivers", torch.tensor(rows), persistent=False)

    def _set_triples(self) -> None:
        """Set the three sides ``ij, ik, jk`` around each atom ``i``, and who collects them."""
        place = {pair: index for index, pair in enumerate(atom_pairs(self.n_atoms))}
        place |= {(j, i): index for (i, j), index in place.items()}
        triples = [
            (i, j, k)
            for i in range(self.n_atoms)
            for j, k in itertools.combinations([a for a in range(self.n_atoms) if a != i], 2)
        ]
        kinds = [self._element_pair(j, k) for _, j, k in triples]
        self._element_pairs = tuple(sorted(set(kinds)))
        rows = [
            i * len(self._element_pairs) + self._element_pairs.index(kind)
            for (i, _, _), kind in zip(triples, kinds, strict=True)
        ]
        sides = [(place[i, j], place[i, k], place[j, k]) for i, j, k in triples]
        indices = torch.tensor(sides, dtype=torch.int64).reshape(-1, 3).T.contiguous()
        self.register_buffer("_triples", indices, persistent=False)
        receivers = torch.tensor(rows, dtype=torch.int64)
        self.register_buffer("_triple_receivers", receivers, persistent=False)

    def _element(self, atom: int) -> int:
        return self.elements.index(self.symbols[atom])

    def _element_pair(self, j: int, k: int) -> tuple[int, int]:
        first, second = sorted((self._element(j), self._element(k)))
        return first, second

    @property
    def names(self) -> tuple[str, ...]:
        """Names: ``G2 H 0`` is the first radial function of the hydrogen atoms around an atom."""
        radial = [f"G2 {e} {k}" for e in self.elements for k in range(len(self.radial))]
        return (
            *radial,
            *(
                f"{'G4' if function.third_side else 'G5'} "
                f"{self.elements[first]}{self.elements[second]} {k}"
                for first, second in self._element_pairs
                for k, function in enumerate(self.angular)
            ),
        )

    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the symmetry functions, ``(B, n_atoms, n_features)``."""
        first, second = self._pairs
        lengths = torch.linalg.vector_norm(positions[:, second] - positions[:, first], dim=-1)
        inside = 0.5 * (torch.cos(torch.pi / self.cutoff * lengths) + 1.0)
        fades = torch.where(lengths < self.cutoff, inside, 0.0)
        parts = []
        if self.radial:
            parts.append(self._radial_part(lengths, fades))
        if self.angular and self._element_pairs:
            parts.append(self._angular_part(lengths, fades))
        return torch.cat(parts, dim=-1)

    def _radial_part(self, lengths: torch.Tensor, fades: torch.Tensor) -> torch.Tensor:
        values = torch.stack(
            [torch.exp(-f.width * (lengths - f.centre) ** 2) * fades for f in self.radial], dim=-1
        )
        both_ways = torch.cat([values, values], dim=1)
        return self._collected(both_ways, self._receivers, len(self.elements))

    def _angular_part(self, lengths: torch.Tensor, fades: torch.Tensor) -> torch.Tensor:
        r_ij, r_ik, r_jk = (lengths[:, side] for side in self._triples)
        f_ij, f_ik, f_jk = (fades[:, side] for side in self._triples)
        # The law of cosines: sides suffice, and no product of vectors is kept.
        cosine = (r_ij**2 + r_ik**2 - r_jk**2) / (2.0 * r_ij * r_ik)
        near, fade = r_ij**2 + r_ik**2, f_ij * f_ik
        values = []
        for function in self.angular:
            squares = near + r_jk**2 if function.third_side else near
            angle = 2.0 ** (1 - function.zeta) * (1.0 + function.sign * cosine) ** function.zeta
            value = angle * torch.exp(-function.width * squares) * fade
            values.append(value * f_jk if function.third_side else value)
        return self._collected(
            torch.stack(values, dim=-1), self._triple_receivers, len(self._element_pairs)
        )

    def _collected(
        self, values: torch.Tensor, receivers: torch.Tensor, n_kinds: int
    ) -> torch.Tensor:
        """Return sums per atom and kind of neighbour, ``(B, n_atoms, n_kinds * n_functions)``."""
        n_points, _, n_functions = values.shape
        sums = values.new_zeros(n_points, self.n_atoms * n_kinds, n_functions)
        shape = (n_points, self.n_atoms, n_kinds * n_functions)
        return sums.index_add(1, receivers, values).reshape(shape)

    def feature_order(self, order: Sequence[int]) -> tuple[int, ...]:  # noqa: ARG002 (rows move)
        """Return that each feature keeps its place; the rows move with their atoms."""
        return tuple(range(self.n_features))

    def settings(self) -> dict[str, Any]:
        """Return the cutoff (Å) and the functions."""
        return {
            "cutoff": self.cutoff,
            "radial": [asdict(function) for function in self.radial],
            "angular": [asdict(function) for function in self.angular],
        }

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> BehlerParrinello:
        """Return the descriptor of these atoms."""
        remaining = dict(settings)
        radial = _functions(Radial, remaining.pop("radial"))
        angular = _functions(Angular, remaining.pop("angular"))
        return cls(symbols, radial=radial, angular=angular, **remaining)


_Function = TypeVar("_Function", Radial, Angular)


def _functions(kind: type[_Function], values: Sequence[Mapping[str, Any]]) -> list[_Function]:
    return [kind(**value) for value in values]
