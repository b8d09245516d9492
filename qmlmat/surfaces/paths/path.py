"""Ordered points, and the tree that fixes which point starts from which."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import numpy as np

from qmlmat.errors import GeometryError, InputError
from qmlmat.surfaces.paths.kpoint import (
    KPoint,
    check_kpoints,
    checked_cell,
    kpoint_inputs,
    stored_kpoints,
)
from qmlmat.typing import FloatArray

POSITION_DECIMALS: Final = 10
"""Decimals kept of a constructed position (Å): the same inputs give the same bits everywhere."""

SAME_POINT: Final = 1e-6
"""Two points whose positions differ by less than this are the same point (Å)."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """The atoms at one point of a path.

    Raises:
        GeometryError: If the positions are not finite numbers, three for each symbol.
    """

    symbols: tuple[str, ...]
    """Chemical symbols, shape ``(n_atoms,)``."""

    positions: FloatArray
    """Positions, shape ``(n_atoms, 3)`` (Å), read-only."""

    def __post_init__(self) -> None:
        positions = np.array(self.positions, dtype=np.float64)
        if positions.shape != (len(self.symbols), 3):
            raise GeometryError(
                f"Geometry(positions of shape {positions.shape}): {len(self.symbols)} atoms need "
                f"the shape ({len(self.symbols)}, 3). Give one row x, y, z (Å) for each symbol."
            )
        if not np.isfinite(positions).all():
            atom = int(np.argwhere(~np.isfinite(positions))[0, 0])
            raise GeometryError(
                f"Geometry(positions): atom {atom} ({self.symbols[atom]}) has a coordinate that is "
                "not a finite number. Correct its row."
            )
        positions.flags.writeable = False
        object.__setattr__(self, "symbols", tuple(self.symbols))
        object.__setattr__(self, "positions", positions)

    def distance(self, i: int, j: int) -> float:
        """Return the distance between atoms ``i`` and ``j`` (Å)."""
        return float(np.linalg.norm(self.positions[i] - self.positions[j]))


Point: TypeAlias = Geometry | KPoint
"""What a surface is evaluated at: of a molecule a geometry, of a crystal a k."""


@dataclass(frozen=True)
class Axis:
    """A coordinate along which points lie."""

    name: str
    """What it is, e.g. ``"r(N0-N1)"``."""

    unit: str = "angstrom"
    """Its unit: ``"angstrom"``, ``"degree"``, of a path through k ``"1/angstrom"`` or ``"1/a"``, or
    ``""`` for a bare number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Path:
    """Points along one or more coordinates, and the spanning tree of their warm starts.

    Each point but the root starts from the solution of its parent. The tree is part of the path,
    so results never depend on timing, on the number of workers or on an interruption.

    Raises:
        InputError: If the tree is not one tree, the numbers of entries differ, or geometries and
            k are mixed.
        GeometryError: If two geometries are the same, or their atoms differ.
    """

    points: tuple[Geometry, ...] | tuple[KPoint, ...]
    """All of them geometries, or all of them ``KPoint``, shape ``(n_points,)``."""

    coordinates: FloatArray
    """The coordinates of each point, shape ``(n_points, n_axes)`` (units of ``axes``)."""

    axes: tuple[Axis, ...]
    """What the coordinates are, shape ``(n_axes,)``."""

    shape: tuple[int, ...] | None = None
    """Numbers of points along the axes where they form a full grid, the last axis fastest;
    ``None`` where they do not."""

    root: int
    """Index of the point that is computed first, without a parent."""

    parents: tuple[int | None, ...]
    """Index of the point each point starts from, shape ``(n_points,)``; ``None`` for the root."""

    cell: FloatArray | None = None
    """Of a path through k: the primitive cell's vectors as rows, shape ``(3, 3)`` (the inverse of
    the first axis's unit)."""

    def __post_init__(self) -> None:
        coordinates = np.array(self.coordinates, dtype=np.float64)
        coordinates.flags.writeable = False
        object.__setattr__(self, "coordinates", coordinates)
        _check_counts(self)
        _check_shape(self)
        self._check_points()
        if len(self.order()) != len(self.points):
            raise InputError(
                f"Path(root={self.root}, parents={self.parents}): the points do not form one tree. "
                "Give every point but the root a parent, and let all of them lead to the root."
            )

    def _check_points(self) -> None:
        n_k = sum(isinstance(point, KPoint) for point in self.points)
        if n_k == len(self.points):
            object.__setattr__(self, "cell", checked_cell(self.cell))
            check_kpoints(self.kpoints, self.coordinates)
        elif n_k == 0 and self.cell is None:
            _check_geometries(self.geometries)
        else:
            raise InputError(
                f"Path: {n_k} of {len(self.points)} points are k, with cell={self.cell!r}. Give "
                "a Geometry at every point and no cell, or a KPoint at every point and the cell."
            )

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        """Return the axes and the number of points; the fields hold the rest."""
        shape = "" if self.shape is None or self.n_axes == 1 else f", shape={self.shape}"
        return f"Path({self.name}, {len(self)} points{shape}, root={self.root})"

    @property
    def n_axes(self) -> int:
        """Number of coordinates."""
        return len(self.axes)

    @property
    def name(self) -> str:
        """The names of the axes in one line, e.g. ``"r(N0-N1)"``."""
        return ", ".join(axis.name for axis in self.axes)

    @property
    def is_through_k(self) -> bool:
        """Whether the points are k of a crystal; else they are geometries."""
        return isinstance(self.points[0], KPoint)

    @property
    def geometries(self) -> tuple[Geometry, ...]:
        """The points of a path of geometries, shape ``(n_points,)``.

        Raises:
            InputError: If the points are k.
        """
        if self.is_through_k:
            raise InputError(
                f"Path.geometries: the points of {self!r} are k of a crystal. Use kpoints, or a "
                "scan of a molecule."
            )
        return cast("tuple[Geometry, ...]", self.points)

    @property
    def kpoints(self) -> tuple[KPoint, ...]:
        """The points of a path through k, shape ``(n_points,)``.

        Raises:
            InputError: If the points are geometries.
        """
        if not self.is_through_k:
            raise InputError(
                f"Path.kpoints: the points of {self!r} are geometries. Use geometries, or a scan "
                "over k: k_path(model)."
            )
        return cast("tuple[KPoint, ...]", self.points)

    def along(self, axis: int = 0) -> FloatArray:
        """Return one coordinate of every point, shape ``(n_points,)`` (unit of that axis)."""
        return self.coordinates[:, axis]

    def grid_values(self, axis: int) -> FloatArray:
        """Return the values along one axis of a grid, shape ``(shape[axis],)``.

        Raises:
            InputError: If the points do not form a grid.
        """
        if self.shape is None:
            raise InputError(
                f"Path.grid_values({axis}): the points of this path do not form a grid. Use "
                "coordinates, or make the path with grid()."
            )
        return np.moveaxis(self.along(axis).reshape(self.shape), axis, 0).reshape(
            self.shape[axis], -1
        )[:, 0]

    def order(self) -> tuple[int, ...]:
        """Return the indices in order of evaluation: parents before children, root first."""
        children: dict[int | None, list[int]] = {}
        for index, parent in enumerate(self.parents):
            children.setdefault(parent, []).append(index)
        found = [self.root]
        for index in found:  # grows while it is read: breadth first
            found += children.get(index, [])
        return tuple(found)

    def inputs(self) -> dict[str, Any]:
        """Return the plain values that define this path, as kept and compared by a store."""
        return {
            "axes": [[axis.name, axis.unit] for axis in self.axes],
            "shape": None if self.shape is None else list(self.shape),
            "coordinates": self.coordinates.tolist(),
            **self._point_inputs(),
            "root": self.root,
            "parents": list(self.parents),
        }

    def _point_inputs(self) -> dict[str, Any]:
        if self.cell is not None:
            return kpoint_inputs(self.kpoints, self.cell)
        return {
            "symbols": list(self.geometries[0].symbols),
            "positions": [point.positions.tolist() for point in self.geometries],
        }

    @classmethod
    def from_inputs(cls, values: Mapping[str, Any]) -> Path:
        """Return the path whose ``inputs()`` are ``values``."""
        return cls(
            points=stored_kpoints(values) if "k" in values else _stored_geometries(values),
            coordinates=np.array(values["coordinates"]),
            axes=tuple(Axis(name, unit) for name, unit in values["axes"]),
            shape=None if values["shape"] is None else tuple(values["shape"]),
            root=values["root"],
            parents=tuple(values["parents"]),
            cell=values.get("cell"),
        )


def _stored_geometries(values: Mapping[str, Any]) -> tuple[Geometry, ...]:
    symbols = tuple(values["symbols"])
    return tuple(Geometry(symbols, np.array(rows)) for rows in values["positions"])


def _check_counts(path: Path) -> None:
    n_points = len(path.points)
    if n_points == 0:
        raise InputError("Path(points=()): a path needs at least one point. Give a geometry.")
    shape = (n_points, len(path.axes))
    if not path.axes or path.coordinates.shape != shape or len(path.parents) != n_points:
        raise InputError(
            f"Path: {n_points} points, {len(path.axes)} axes, coordinates of shape "
            f"{path.coordinates.shape} and {len(path.parents)} parents. Give one row of "
            "coordinates, with a number for each axis, and one parent for each point."
        )
    if not np.isfinite(path.coordinates).all():
        raise InputError("Path(coordinates): a coordinate is not a finite number. Correct it.")
    if not 0 <= path.root < n_points or path.parents[path.root] is not None:
        raise InputError(
            f"Path(root={path.root}): the root is one of the points 0 to {n_points - 1} and has "
            "the parent None. Correct root or parents."
        )


def _check_shape(path: Path) -> None:
    if path.shape is None:
        return
    if len(path.shape) == path.n_axes and math.prod(path.shape) == len(path):
        table = path.coordinates.reshape(*path.shape, path.n_axes)
        fine = all(
            (table[..., k] == np.take(table[..., k], [0], axis=other)).all()
            for k in range(path.n_axes)
            for other in range(path.n_axes)
            if other != k
        )
        if fine:
            return
    raise InputError(
        f"Path(shape={path.shape}): the coordinates of the {len(path)} points are not a grid of "
        "this shape, with the last axis fastest. Give the points in that order, or leave shape out."
    )


def _check_geometries(points: tuple[Geometry, ...]) -> None:
    symbols = points[0].symbols
    for index, point in enumerate(points):
        if point.symbols != symbols:
            raise GeometryError(
                f"Path(points): point {index} has the atoms {point.symbols}, point 0 has {symbols}."
                " Give the same atoms in the same order at every point."
            )
    positions = np.stack([point.positions for point in points])
    for index in range(1, len(positions)):
        apart = np.abs(positions[:index] - positions[index]).max(axis=(1, 2))
        if apart.min() < SAME_POINT:
            raise GeometryError(
                f"Path(points): points {int(apart.argmin())} and {index} are the same geometry. "
                "Give each geometry once."
            )
