"""Linear combinations of internal coordinates, such as the symmetric stretch of two bonds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qmlmat.errors import InputError
from qmlmat.surfaces.paths.internal import Angle, Distance, Primitive
from qmlmat.surfaces.paths.path import Axis
from qmlmat.typing import FloatArray


@dataclass(frozen=True)
class Combination:
    """A linear combination of distances (Å), or of angles (degrees).

    Setting it changes its terms as little as possible (the least sum of squares), so that what
    is at right angles to it stays: a symmetric stretch leaves the asymmetric coordinate alone.

    Example:
        >>> Combination(((0.5, Distance(0, 1)), (0.5, Distance(0, 2))), "mean").axis("OHH").name
        'mean(r(O0-H1), r(O0-H2))'
    """

    terms: tuple[tuple[float, Primitive], ...]
    """Factor and coordinate of each term; all distances, or all angles."""
    name: str
    """What it is called; its axis adds the names of the terms in brackets."""

    noun: ClassVar[str] = "value"
    period: ClassVar[float | None] = None

    def __post_init__(self) -> None:
        kinds = {type(primitive) for _, primitive in self.terms}
        if len(kinds) != 1 or not kinds <= {Distance, Angle}:
            named = ", ".join(sorted(kind.__name__ for kind in kinds)) or "nothing"
            raise InputError(
                f'Combination("{self.name}") of {named}: the terms are distances only, or angles '
                "only. Use one kind."
            )
        if not all(math.isfinite(factor) and factor != 0.0 for factor, _ in self.terms):
            raise InputError(
                f'Combination("{self.name}"): a factor is 0 or not a finite number. Correct it, '
                "or leave that term out."
            )
        # the same atoms backwards are the same distance or angle
        different = {min(p.atoms, p.atoms[::-1]) for _, p in self.terms}
        if len(different) < len(self.terms):
            raise InputError(
                f'Combination("{self.name}"): a coordinate is there twice. Name different ones.'
            )

    @property
    def unit(self) -> str:
        """The unit of its terms."""
        return self.terms[0][1].unit

    @property
    def rule(self) -> str:
        """Which values it takes, for messages."""
        return f"finite values, in {'degrees' if self.unit == 'degree' else 'ångström'}"

    @property
    def atoms(self) -> tuple[int, ...]:
        """The atoms of all its terms."""
        return tuple(atom for _, primitive in self.terms for atom in primitive.atoms)

    def value(self, positions: FloatArray) -> float:
        """Return the combination at ``positions``, ``(n_atoms, 3)`` (Å), in its unit."""
        return sum(factor * primitive.value(positions) for factor, primitive in self.terms)

    def allows(self, value: float) -> bool:
        """Tell whether ``value`` is finite."""
        return math.isfinite(value)

    def axis(self, symbols: Sequence[str]) -> Axis:
        """Return its name and unit, e.g. ``symmetric(r(O0-H1), r(O0-H2))``."""
        names = ", ".join(primitive.axis(symbols).name for _, primitive in self.terms)
        return Axis(f"{self.name}({names})", self.unit)


Coordinate = Primitive | Combination
"""What an axis of a path can be."""


def symmetric(a: Primitive, b: Primitive) -> Combination:
    """Return the mean ``(a + b) / 2`` of two distances (Å) or two angles (degrees)."""
    return Combination(((0.5, a), (0.5, b)), "symmetric")


def asymmetric(a: Primitive, b: Primitive) -> Combination:
    """Return half the difference, ``(a - b) / 2``, of two distances (Å) or angles (degrees)."""
    return Combination(((0.5, a), (-0.5, b)), "asymmetric")


def difference(
    coordinate: Coordinate, value: float | FloatArray, other: float | FloatArray
) -> FloatArray:
    """Return ``value - other``, for a periodic coordinate the shorter way round (its unit)."""
    apart = np.asarray(value, dtype=np.float64) - other
    period = coordinate.period
    return apart if period is None else apart - period * np.round(apart / period)
