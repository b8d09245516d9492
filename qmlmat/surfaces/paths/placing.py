"""Setting several internal coordinates of a molecule at once, by rigid motions of fragments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from qmlmat.errors import GeometryError, InputError
from qmlmat.surfaces.paths.bonds import moving_fragment
from qmlmat.surfaces.paths.combination import Coordinate, difference
from qmlmat.surfaces.paths.internal import Primitive
from qmlmat.surfaces.paths.path import POSITION_DECIMALS
from qmlmat.systems import Molecule
from qmlmat.typing import FloatArray

PLACED: Final = 1e-9
"""A coordinate this close to its target is set (Å or degrees)."""

MAX_SWEEPS: Final = 100
"""Times all coordinates are set one after the other; those that do not interfere need once."""


def place(
    molecule: Molecule, coordinates: Sequence[Coordinate], targets: Sequence[float]
) -> FloatArray:
    """Return positions at which the internal coordinates have the values asked for.

    Combinations are first resolved into values of their terms, changed as little as possible from
    the molecule's own (by the pseudo-inverse). Then each distance, angle and dihedral is set by a
    rigid motion of the fragment behind its bond, one after the other until all hold. Fragments are
    those of the molecule's own geometry. Positions are rounded to ten decimals.

    Args:
        molecule: The molecule, at any geometry with the fragments as they should stay.
        coordinates: What is set.
        targets: The values, one for each coordinate (Å or degrees).

    Returns:
        Positions, ``(n_atoms, 3)`` (Å).

    Raises:
        InputError: If the coordinates name atoms that do not exist, or depend on each other.
        GeometryError: If a bond is in a ring, or the targets cannot hold together.

    Example:
        >>> from qmlmat.surfaces.paths.internal import Angle, Distance
        >>> water = Molecule.from_xyz("O 0 0 0; H 0.96 0 0; H -0.24 0.93 0")
        >>> bent = place(water, [Distance(0, 1), Angle(1, 0, 2)], [1.2, 90.0])
        >>> float(bent[1, 0]), abs(float(bent[2, 0])) < 1e-9
        (1.2, True)
    """
    if len(targets) != len(coordinates):
        raise InputError(
            f"place({len(coordinates)} coordinates, {len(targets)} targets): each coordinate has "
            "one target. Give as many of one as of the other."
        )
    positions = np.asarray(molecule.positions, dtype=np.float64)
    goals = _goals(molecule, coordinates, targets)
    fragments = [_fragment(molecule, primitive) for primitive in goals]
    for _ in range(MAX_SWEEPS):
        for (primitive, goal), fragment in zip(goals.items(), fragments, strict=True):
            positions = primitive.moved(positions, fragment, goal)
        off = {p: abs(difference(p, p.value(positions), goal)) for p, goal in goals.items()}
        if max(off.values()) <= PLACED:
            rounded: FloatArray = np.round(positions, POSITION_DECIMALS) + 0.0  # no negative zeros
            return rounded
    worst = max(off, key=lambda primitive: off[primitive])
    raise GeometryError(
        f"place({where(molecule.symbols, coordinates, targets)}): "
        f"{worst.axis(molecule.symbols).name} stays {off[worst]:.3g} away from its value, because "
        "setting one coordinate changes another. Choose coordinates of different bonds, or make "
        "the path with interpolate() or frames()."
    )


def where(
    symbols: Sequence[str], coordinates: Sequence[Coordinate], values: Sequence[float]
) -> str:
    """Return coordinates and their values in words, e.g. ``r(O0-H1) = 0.96``."""
    named = zip(coordinates, values, strict=True)
    return ", ".join(f"{c.axis(symbols).name} = {value:.10g}" for c, value in named)


def check_known(call: str, coordinate: Coordinate, n_atoms: int) -> None:
    """Refuse a coordinate of atoms that the molecule does not have.

    Raises:
        InputError: If an atom is beyond the last.
    """
    if max(coordinate.atoms) >= n_atoms:
        raise InputError(
            f"{call}: the molecule has the atoms 0 to {n_atoms - 1}, and {coordinate} names atom "
            f"{max(coordinate.atoms)}. Give whole numbers, counted from 0 in the order of the "
            "molecule's rows."
        )


def _goals(
    molecule: Molecule, coordinates: Sequence[Coordinate], targets: Sequence[float]
) -> dict[Primitive, float]:
    """Return the value of each distance, angle and dihedral, in order of appearance."""
    for coordinate in coordinates:
        check_known("place", coordinate, molecule.n_atoms)
    primitives: dict[tuple[int, ...], Primitive] = {}
    for coordinate in coordinates:
        for _, primitive in coordinate.terms:
            primitives.setdefault(_key(primitive), primitive)
    matrix = _factors(coordinates, list(primitives))
    if np.linalg.matrix_rank(matrix) < len(coordinates):
        names = "; ".join(c.axis(molecule.symbols).name for c in coordinates)
        raise InputError(
            f"place({names}): one of these coordinates follows from the others. Leave one out."
        )
    own = np.array([primitive.value(molecule.positions) for primitive in primitives.values()])
    change = [
        float(difference(c, target, c.value(molecule.positions)))
        for c, target in zip(coordinates, targets, strict=True)
    ]
    resolved = own + np.linalg.pinv(matrix) @ change
    goals = dict(zip(primitives.values(), resolved.tolist(), strict=True))
    for coordinate, target in zip(coordinates, targets, strict=True):
        if isinstance(coordinate, Primitive):  # as given, to the last bit
            goals[primitives[_key(coordinate)]] = float(target)
    for primitive, goal in goals.items():
        if not primitive.allows(goal):
            raise GeometryError(
                f"place({where(molecule.symbols, coordinates, targets)}): this takes "
                f"{where(molecule.symbols, [primitive], [goal])}, which atoms cannot have. "
                f"Give {primitive.rule}."
            )
    return goals


def _factors(coordinates: Sequence[Coordinate], keys: list[tuple[int, ...]]) -> FloatArray:
    """Return the factor of each primitive in each coordinate, ``(n_coordinates, n_primitives)``."""
    matrix = np.zeros((len(coordinates), len(keys)))
    for row, coordinate in zip(matrix, coordinates, strict=True):
        for factor, primitive in coordinate.terms:
            row[keys.index(_key(primitive))] += factor
    return matrix


def _key(primitive: Primitive) -> tuple[int, ...]:
    """Return the atoms, read from either end, which tells equal coordinates."""
    return min(primitive.atoms, primitive.atoms[::-1])


def _fragment(molecule: Molecule, primitive: Primitive) -> list[int]:
    fragment = moving_fragment(molecule.symbols, molecule.positions, primitive.bond)
    stays, moves = primitive.atoms[0], primitive.atoms[-1]
    if stays in fragment or moves not in fragment:
        name = primitive.axis(molecule.symbols).name
        raise GeometryError(
            f"{primitive}: {name} cannot be set by moving the side of atom {primitive.bond[1]}, "
            f"because atom {stays} would move too or atom {moves} would not. Name atoms that "
            "follow each other along bonds, or make the path with interpolate() or frames()."
        )
    return list(fragment)
