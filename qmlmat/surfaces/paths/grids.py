"""Paths along internal coordinates: lines, grids, and scattered points in a box."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.stats import qmc

from qmlmat.errors import InputError, nearest
from qmlmat.surfaces.paths.bonds import refuse_overlap
from qmlmat.surfaces.paths.combination import Coordinate, difference
from qmlmat.surfaces.paths.internal import Angle, Dihedral, Distance
from qmlmat.surfaces.paths.path import POSITION_DECIMALS, SAME_POINT, Geometry, Path
from qmlmat.surfaces.paths.placing import check_known, place, where
from qmlmat.surfaces.paths.tree import grid_tree, nearest_tree
from qmlmat.systems import Molecule
from qmlmat.typing import FloatArray

Values = Sequence[float] | FloatArray
"""Values of one coordinate, ``(n_points,)`` (Å or degrees)."""


def stretch(
    molecule: Molecule,
    bond: tuple[int, int] = (0, 1),
    lengths: Values = (),
    *,
    root: int | None = None,
) -> Path:
    """Return the path along which one bond is stretched.

    Atom ``bond[0]`` and its fragment stay; atom ``bond[1]`` and all that hangs on it move along
    the bond. The points are in ascending order of length, whatever the order given. Each starts
    from its neighbour on the side of the root.

    Args:
        molecule: The molecule, at any geometry with the fragments as they should stay.
        bond: Indices of the two atoms, counted from 0.
        lengths: Bond lengths, ``(n_points,)`` (Å).
        root: Index of the first point, counted in ascending order of length. By default the
            point nearest the molecule's own bond length.

    Raises:
        InputError: If the bond, a length or the root cannot be used.
        GeometryError: If the bond is in a ring, or atoms would overlap.
    """
    i, j = _atoms("stretch(bond", bond, 2)
    return _grid("stretch", molecule, [(Distance(i, j), lengths)], root)


def bend(
    molecule: Molecule, atoms: tuple[int, int, int], angles: Values, *, root: int | None = None
) -> Path:
    """Return the path along which the angle ``atoms`` is bent.

    The side of the last atom turns about the vertex, the atom in the middle.

    Args:
        molecule: The molecule, at any geometry with the fragments as they should stay.
        atoms: The three atoms, counted from 0, the vertex in the middle.
        angles: Angles, ``(n_points,)`` (degrees, above 0 and up to 180).
        root: Index of the first point in ascending order; by default the one nearest the
            molecule's own angle.

    Raises:
        InputError: If the atoms, an angle or the root cannot be used.
        GeometryError: If the vertex and the last atom are in a ring, or atoms would overlap.
    """
    i, j, k = _atoms("bend(atoms", atoms, 3)
    return _grid("bend", molecule, [(Angle(i, j, k), angles)], root)


def twist(
    molecule: Molecule,
    atoms: tuple[int, int, int, int],
    dihedrals: Values,
    *,
    root: int | None = None,
) -> Path:
    """Return the path along which one side of a bond is turned about it.

    Args:
        molecule: The molecule, at any geometry with the fragments as they should stay.
        atoms: The four atoms of the dihedral, counted from 0; the side of the third turns.
        dihedrals: Dihedrals, ``(n_points,)`` (degrees; 190 is the same as -170).
        root: Index of the first point in ascending order; by default the one nearest the
            molecule's own dihedral.

    Raises:
        InputError: If the atoms, a dihedral or the root cannot be used.
        GeometryError: If the bond is in a ring, or atoms would overlap.
    """
    i, j, k, l = _atoms("twist(atoms", atoms, 4)  # noqa: E741 - the fourth of i, j, k, l
    return _grid("twist", molecule, [(Dihedral(i, j, k, l), dihedrals)], root)


def line(
    molecule: Molecule, coordinate: Coordinate, values: Values, *, root: int | None = None
) -> Path:
    """Return the path along one internal coordinate, in ascending order of its values.

    Args:
        molecule: The molecule, at any geometry with the fragments as they should stay.
        coordinate: What changes, e.g. ``symmetric(Distance(0, 1), Distance(0, 2))``.
        values: Its values, ``(n_points,)`` (Å or degrees).
        root: Index of the first point in ascending order; by default the one nearest the
            molecule's own value.

    Raises:
        InputError: If the coordinate, a value or the root cannot be used.
        GeometryError: If a bond is in a ring, or atoms would overlap.
    """
    return _grid("line", molecule, [(coordinate, values)], root)


def grid(
    molecule: Molecule,
    axes: Sequence[tuple[Coordinate, Values]],
    *,
    root: int | None = None,
) -> Path:
    """Return the full grid of the values of several internal coordinates.

    Points are in ascending order along each axis, the last axis fastest.

    Args:
        molecule: The molecule, at any geometry with the fragments as they should stay.
        axes: Coordinate and values of each axis (Å or degrees).
        root: Index of the first point; by default the point nearest the molecule's own values.

    Raises:
        InputError: If a coordinate, a value or the root cannot be used.
        GeometryError: If a bond is in a ring, or atoms would overlap.

    Example:
        >>> from qmlmat.surfaces.paths.internal import Angle, Distance
        >>> water = Molecule.from_xyz("O 0 0 0; H 0.96 0 0; H -0.24 0.93 0")
        >>> path = grid(water, [(Distance(0, 1), [0.9, 1.0]), (Angle(1, 0, 2), [90, 100, 110])])
        >>> path.shape, path.coordinates[path.root].tolist()
        ((2, 3), [1.0, 100.0])
    """
    if not axes:
        raise InputError(
            "grid(axes=[]): a grid has at least one axis. Give coordinates with their values."
        )
    return _grid("grid", molecule, axes, root)


def sample(
    molecule: Molecule,
    box: Sequence[tuple[Coordinate, float, float]],
    n_points: int,
    *,
    method: Literal["sobol", "random"] = "sobol",
    seed: int = 0,
) -> Path:
    """Return scattered points in a box of internal coordinates.

    The root is the point nearest the molecule's own values, with each axis scaled by the box;
    each other point starts from its neighbour in the minimum spanning tree.

    Args:
        molecule: The molecule, at any geometry with the fragments as they should stay.
        box: Coordinate, lowest and highest value of each axis (Å or degrees).
        n_points: Number of points; powers of two are spread most evenly by ``"sobol"``.
        method: ``"sobol"``, a scrambled Sobol sequence that fills the box evenly, or ``"random"``,
            independent uniform points.
        seed: Seed of the points.

    Raises:
        InputError: If the box, the number of points, the method or the seed cannot be used.
        GeometryError: If a bond is in a ring, or atoms would overlap.

    References:
        A. B. Owen, ACM Trans. Model. Comput. Simul. 8, 71 (1998), doi:10.1145/272991.273010.
    """
    _check_box(molecule, box)
    _check_draw(n_points, method, seed)
    coordinates = [coordinate for coordinate, _, _ in box]
    low, high = (np.array([row[k] for row in box], dtype=np.float64) for k in (1, 2))
    unit = _unit_points(n_points, len(box), method, seed)
    table = np.clip(np.round(low + (high - low) * unit, POSITION_DECIMALS), low, high)
    apart = np.stack(
        [
            difference(c, column, c.value(molecule.positions))
            for c, column in zip(coordinates, table.T, strict=True)
        ],
        axis=1,
    )
    root = int(np.argmin(np.round(np.linalg.norm(apart / (high - low), axis=1), 9)))
    return Path(
        points=_points("sample", molecule, coordinates, table),
        coordinates=table,
        axes=tuple(coordinate.axis(molecule.symbols) for coordinate in coordinates),
        root=root,
        parents=nearest_tree(table, root),
    )


def _unit_points(n_points: int, n_axes: int, method: str, seed: int) -> FloatArray:
    """Return points in the unit cube, ``(n_points, n_axes)``."""
    rng = np.random.default_rng(seed)
    if method == "random":
        return rng.random((n_points, n_axes))
    # a power of two is drawn and the first ones kept: other numbers unbalance the scrambling
    sequence = qmc.Sobol(n_axes, scramble=True, seed=rng)
    drawn: FloatArray = sequence.random_base2((n_points - 1).bit_length())[:n_points]
    return drawn


def _grid(
    call: str,
    molecule: Molecule,
    axes: Sequence[tuple[Coordinate, Values]],
    root: int | None,
) -> Path:
    coordinates = [coordinate for coordinate, _ in axes]
    for coordinate in coordinates:
        check_known(call, coordinate, molecule.n_atoms)
    columns = [_ascending(call, molecule, coordinate, values) for coordinate, values in axes]
    shape = tuple(len(column) for column in columns)
    if root is None:
        nearest_ones = [
            int(np.argmin(np.round(np.abs(difference(c, column, c.value(molecule.positions))), 9)))
            for c, column in zip(coordinates, columns, strict=True)
        ]
        root = int(np.ravel_multi_index(nearest_ones, shape))
    elif not 0 <= root < math.prod(shape):
        raise InputError(
            f"{call}(root={root}): the path has the points 0 to {math.prod(shape) - 1}, counted in "
            "ascending order, the last axis fastest. Give one of them, or leave root out."
        )
    table = np.array(list(itertools.product(*columns)))
    return Path(
        points=_points(call, molecule, coordinates, table),
        coordinates=table,
        axes=tuple(coordinate.axis(molecule.symbols) for coordinate in coordinates),
        shape=shape,
        root=root,
        parents=grid_tree(shape, root),
    )


def _points(
    call: str, molecule: Molecule, coordinates: Sequence[Coordinate], table: FloatArray
) -> tuple[Geometry, ...]:
    """Return the molecule at each row of the table; overlapping atoms are refused."""
    points = []
    for row in table.tolist():
        positions = place(molecule, coordinates, row)
        place_name = f"{call}({where(molecule.symbols, coordinates, row)})"
        refuse_overlap(place_name, molecule.symbols, positions)
        points.append(Geometry(molecule.symbols, positions))
    return tuple(points)


def _atoms(call: str, atoms: Sequence[int], n_atoms: int) -> Sequence[int]:
    if len(atoms) != n_atoms:
        raise InputError(
            f"{call}={tuple(atoms)}): {n_atoms} different atoms of the molecule are needed. Give "
            "whole numbers, counted from 0 in the order of the molecule's rows."
        )
    return atoms


def _ascending(call: str, molecule: Molecule, coordinate: Coordinate, values: Values) -> FloatArray:
    name, noun = coordinate.axis(molecule.symbols).name, coordinate.noun
    column = np.array(values, dtype=np.float64)
    if column.ndim != 1 or column.size == 0:
        raise InputError(
            f"{call}({name}: {noun}s of shape {column.shape}): at least one {noun} is needed. "
            f"Give a list of {coordinate.rule}."
        )
    for value in column.tolist():
        if not coordinate.allows(value):
            raise InputError(f"{call}({name} = {value}): not possible. Give {coordinate.rule}.")
    column.sort()
    near = np.abs(difference(coordinate, column[:, None], column[None, :])) < SAME_POINT
    twice = np.argwhere(np.triu(near, k=1))
    if twice.size:
        raise InputError(
            f"{call}({name} = {column[twice[0, 1]]:.10g}): this {noun} is there twice. "
            f"Give each {noun} once."
        )
    return column


def _check_box(molecule: Molecule, box: Sequence[tuple[Coordinate, float, float]]) -> None:
    if not box:
        raise InputError(
            "sample(box=[]): a box has at least one axis. Give coordinates, each with its lowest "
            "and highest value."
        )
    for coordinate, low, high in box:
        check_known("sample", coordinate, molecule.n_atoms)
        name = coordinate.axis(molecule.symbols).name
        if not (coordinate.allows(low) and coordinate.allows(high) and low < high):
            raise InputError(
                f"sample({name} from {low} to {high}): not a side of a box. Give "
                f"{coordinate.rule}, the lower one first."
            )


def _check_draw(n_points: int, method: str, seed: int) -> None:
    if n_points < 1:
        raise InputError(f"sample(n_points={n_points}): use at least 1 point.")
    if method not in ("sobol", "random"):
        raise InputError(
            f'sample(method="{method}"): not known. {nearest(method, ["sobol", "random"])}'
        )
    if seed < 0:
        raise InputError(f"sample(seed={seed}): a seed is not negative. Use {-seed}.")
