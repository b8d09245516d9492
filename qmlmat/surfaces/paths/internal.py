"""Internal coordinates: distances, angles and dihedrals."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.spatial.transform import Rotation

from qmlmat.errors import GeometryError, InputError
from qmlmat.surfaces.paths.path import Axis
from qmlmat.typing import FloatArray

STRAIGHT: Final = 1e-6
"""Sine of an angle below which three atoms count as lying on one line."""


class Primitive(ABC):
    """A distance, an angle or a dihedral: what the rigid motion of one fragment can set.

    Atoms are counted from 0. The atoms named last move, those named first stay.
    """

    letter: ClassVar[str]
    """First letter of its name: ``"r"``, ``"a"`` or ``"d"``."""
    unit: ClassVar[str]
    """``"angstrom"`` or ``"degree"``."""
    noun: ClassVar[str]
    """What messages call it."""
    rule: ClassVar[str]
    """Which values it takes, for messages."""
    period: ClassVar[float | None] = None
    """Values this far apart are the same (``unit``); ``None`` if none are."""

    @property
    @abstractmethod
    def atoms(self) -> tuple[int, ...]:
        """The atoms, counted from 0."""

    @property
    @abstractmethod
    def bond(self) -> tuple[int, int]:
        """The bond whose far side moves when the coordinate is set."""

    @abstractmethod
    def value(self, positions: FloatArray) -> float:
        """Return the coordinate of ``positions``, ``(n_atoms, 3)`` (Å), in its unit."""

    @abstractmethod
    def allows(self, value: float) -> bool:
        """Tell whether atoms can have this value (``unit``)."""

    @abstractmethod
    def moved(self, positions: FloatArray, fragment: list[int], target: float) -> FloatArray:
        """Return positions with the fragment moved as a rigid body until the target holds.

        Args:
            positions: Where the atoms are, ``(n_atoms, 3)`` (Å).
            fragment: The atoms behind ``bond``.
            target: The value asked for (``unit``).
        """

    @property
    def terms(self) -> tuple[tuple[float, Primitive], ...]:
        """The coordinate as a linear combination: itself, once."""
        return ((1.0, self),)

    def axis(self, symbols: Sequence[str]) -> Axis:
        """Return its name and unit among atoms with these symbols, e.g. ``r(O0-H1)``."""
        names = "-".join(f"{symbols[atom]}{atom}" for atom in self.atoms)
        return Axis(f"{self.letter}({names})", self.unit)


@dataclass(frozen=True)
class Distance(Primitive):
    """The distance between two atoms (Å); atom ``j`` and what hangs on it moves.

    Example:
        >>> Distance(0, 1).value(np.array([[0, 0, 0], [0, 3.0, 4.0]]))
        5.0
    """

    i: int
    """The atom that stays."""
    j: int
    """The atom that moves."""

    letter: ClassVar[str] = "r"
    unit: ClassVar[str] = "angstrom"
    noun: ClassVar[str] = "length"
    rule: ClassVar[str] = "finite lengths above 0, in ångström"

    def __post_init__(self) -> None:
        _check_atoms(self.atoms, "Distance", "a bond is two")

    @property
    def atoms(self) -> tuple[int, ...]:
        """The two atoms."""
        return (self.i, self.j)

    @property
    def bond(self) -> tuple[int, int]:
        """The two atoms themselves."""
        return (self.i, self.j)

    def value(self, positions: FloatArray) -> float:
        """Return the distance (Å)."""
        return float(np.linalg.norm(positions[self.j] - positions[self.i]))

    def allows(self, value: float) -> bool:
        """Tell whether ``value`` is finite and above 0."""
        return math.isfinite(value) and value > 0.0

    def moved(self, positions: FloatArray, fragment: list[int], target: float) -> FloatArray:
        """Return positions with the fragment shifted along the line through the two atoms."""
        along = positions[self.j] - positions[self.i]
        own = float(np.linalg.norm(along))
        result = positions.copy()
        result[fragment] += along * ((target - own) / own)
        return result


@dataclass(frozen=True)
class Angle(Primitive):
    """The angle ``i-j-k`` with its vertex at ``j``, 0 to 180 degrees; ``k``'s side turns.

    Example:
        >>> round(Angle(1, 0, 2).value(np.array([[0, 0, 0], [1, 0, 0], [0, 1.0, 0]])), 9)
        90.0
    """

    i: int
    """The end that stays."""
    j: int
    """The vertex."""
    k: int
    """The end that moves."""

    letter: ClassVar[str] = "a"
    unit: ClassVar[str] = "degree"
    noun: ClassVar[str] = "angle"
    rule: ClassVar[str] = "finite angles above 0 and up to 180, in degrees"

    def __post_init__(self) -> None:
        _check_atoms(self.atoms, "Angle", "an angle is three")

    @property
    def atoms(self) -> tuple[int, ...]:
        """The three atoms, the vertex in the middle."""
        return (self.i, self.j, self.k)

    @property
    def bond(self) -> tuple[int, int]:
        """The vertex and the end that moves."""
        return (self.j, self.k)

    def value(self, positions: FloatArray) -> float:
        """Return the angle, 0 to 180 degrees."""
        u, v = positions[self.i] - positions[self.j], positions[self.k] - positions[self.j]
        return math.degrees(math.atan2(np.linalg.norm(np.cross(u, v)), u @ v))

    def allows(self, value: float) -> bool:
        """Tell whether ``value`` is above 0 and at most 180."""
        return math.isfinite(value) and 0.0 < value <= 180.0

    def moved(self, positions: FloatArray, fragment: list[int], target: float) -> FloatArray:
        """Return positions with the fragment turned in the plane of the three atoms.

        Three atoms on a line have no plane: they bend towards the Cartesian axis that is most
        nearly at right angles to the line (the first such axis).
        """
        vertex = positions[self.j]
        u, v = positions[self.i] - vertex, positions[self.k] - vertex
        normal = np.cross(u, v)
        if np.linalg.norm(normal) < STRAIGHT * np.linalg.norm(u) * np.linalg.norm(v):
            side = np.eye(3)[int(np.argmin(np.round(np.abs(u) / np.linalg.norm(u), 9)))]
            normal = np.cross(u, side)
        return _turned(positions, fragment, vertex, normal, target - self.value(positions))


@dataclass(frozen=True)
class Dihedral(Primitive):
    """The dihedral ``i-j-k-l``, above -180 and up to 180 degrees; ``k``'s side turns about ``j-k``.

    Positive where, seen from ``j`` to ``k``, the bond in front is turned clockwise to cover the
    one behind. Targets may be any number of degrees: 190 is the same as -170.

    References:
        IUPAC Compendium of Chemical Terminology, "torsion angle", doi:10.1351/goldbook.T06406.

    Example:
        >>> across = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 1.0], [-1, 0, 1]])
        >>> round(Dihedral(0, 1, 2, 3).value(across), 9)
        180.0
    """

    i: int
    """The end that stays."""
    j: int
    """The atom of the bond that stays."""
    k: int
    """The atom of the bond whose side turns."""
    l: int  # noqa: E741 - the fourth of i, j, k, l
    """The end that moves."""

    letter: ClassVar[str] = "d"
    unit: ClassVar[str] = "degree"
    noun: ClassVar[str] = "dihedral"
    rule: ClassVar[str] = "finite dihedrals, in degrees"
    period: ClassVar[float | None] = 360.0

    def __post_init__(self) -> None:
        _check_atoms(self.atoms, "Dihedral", "a dihedral is four")

    @property
    def atoms(self) -> tuple[int, ...]:
        """The four atoms, in order."""
        return (self.i, self.j, self.k, self.l)

    @property
    def bond(self) -> tuple[int, int]:
        """The two atoms in the middle."""
        return (self.j, self.k)

    def value(self, positions: FloatArray) -> float:
        """Return the dihedral, above -180 and up to 180 degrees; 0 where atoms are on a line."""
        first, middle, last = np.diff(positions[list(self.atoms)], axis=0)
        before, after = np.cross(first, middle), np.cross(middle, last)
        angle = math.degrees(
            math.atan2(np.linalg.norm(middle) * (first @ after), float(before @ after))
        )
        return 180.0 if angle == -180.0 else angle

    def allows(self, value: float) -> bool:
        """Tell whether ``value`` is finite."""
        return math.isfinite(value)

    def moved(self, positions: FloatArray, fragment: list[int], target: float) -> FloatArray:
        """Return positions with the fragment turned about the bond in the middle.

        Raises:
            GeometryError: If three neighbours lie on a line, so that nothing can be turned.
        """
        first, middle, last = np.diff(positions[list(self.atoms)], axis=0)
        for a, b, three in ((first, middle, self.atoms[:3]), (middle, last, self.atoms[1:])):
            sine = np.linalg.norm(np.cross(a, b)) / (np.linalg.norm(a) * np.linalg.norm(b))
            if sine < STRAIGHT:
                raise GeometryError(
                    f"{self}: atoms {', '.join(map(str, three))} lie on a line, so the dihedral "
                    "has no value. Choose other atoms, or bend them first."
                )
        turn = target - self.value(positions)
        return _turned(positions, fragment, positions[self.k], middle, turn)


def _check_atoms(atoms: tuple[int, ...], call: str, what: str) -> None:
    whole = all(isinstance(a, int | np.integer) and not isinstance(a, bool) for a in atoms)
    if not whole or min(atoms) < 0 or len(set(atoms)) != len(atoms):
        raise InputError(
            f"{call}{atoms}: {what} different atoms of the molecule. Give whole numbers, counted "
            "from 0 in the order of the molecule's rows."
        )


def _turned(
    positions: FloatArray, fragment: list[int], origin: FloatArray, about: FloatArray, turn: float
) -> FloatArray:
    """Return positions with some atoms turned by degrees about an axis through ``origin``."""
    rotation = Rotation.from_rotvec(about * (math.radians(turn) / np.linalg.norm(about)))
    result = positions.copy()
    result[fragment] = origin + rotation.apply(positions[fragment] - origin)
    return result
