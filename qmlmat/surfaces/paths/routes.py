"""Paths between or through given geometries: interpolation, lists of frames, normal modes."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from qmlmat.errors import GeometryError, InputError, nearest
from qmlmat.surfaces.paths.bonds import refuse_overlap
from qmlmat.surfaces.paths.idpp import idpp_images
from qmlmat.surfaces.paths.path import POSITION_DECIMALS, SAME_POINT, Axis, Geometry, Path
from qmlmat.surfaces.paths.tree import grid_tree
from qmlmat.systems import Molecule, normal_modes
from qmlmat.systems.alignment import laid_onto
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from ase import Atoms

MODE_DECIMALS: Final = 6
"""Decimals kept of a computed normal mode, so that its noise does not reach the positions."""


def interpolate(
    start: Molecule | Geometry,
    end: Molecule | Geometry,
    n_points: int,
    *,
    method: Literal["linear", "idpp"] = "linear",
    root: int = 0,
) -> Path:
    """Return a path from one geometry to another, both included.

    The end is first laid onto the start: shifted and rotated as a whole so that the sum of squared
    displacements is least (Kabsch), without reflection. The coordinate is the arc length: the
    length of the way of all atoms together, without masses, ``sum sqrt(sum_atoms |step|²)``.

    Args:
        start: The first geometry.
        end: The last one, with the same atoms in the same order.
        n_points: Number of points, at least 2.
        method: ``"linear"``, in which each atom goes straight; or ``"idpp"``, which then makes
            the distances between atoms change evenly, so that atoms go round each other. Where
            the straight ways collide, atoms are nudged aside first, always in the same way. Each
            point is laid onto the one before. An IDPP path knows nothing of energies: it is a
            sensible start for a search, and not the reaction path.
        root: Index of the point that is computed first.

    Raises:
        InputError: If the number of points, the method or the root cannot be used.
        GeometryError: If the atoms differ, start and end are the same, or atoms would overlap.

    References:
        W. Kabsch, Acta Cryst. A 32, 922 (1976), doi:10.1107/S0567739476001873.
        S. Smidstrup et al., J. Chem. Phys. 140, 214106 (2014), doi:10.1063/1.4878664.

    Example:
        >>> short, long = (Molecule(("H", "H"), [[0, 0, 0], [0, 0, r]]) for r in (0.7, 1.1))
        >>> [round(point.distance(0, 1), 9) for point in interpolate(short, long, 3).points]
        [0.7, 0.9, 1.1]
    """
    symbols = tuple(start.symbols)
    _check_ends(symbols, tuple(end.symbols), n_points, method)
    first = np.asarray(start.positions, dtype=np.float64)
    last = laid_onto(first, np.asarray(end.positions, dtype=np.float64))
    if np.abs(last - first).max() < SAME_POINT:
        raise GeometryError(
            "interpolate(start, end): once laid onto each other they are the same geometry. Give "
            "two different ones."
        )
    if method == "idpp":
        images = idpp_images(first, last, n_points)
    else:
        images = first + np.linspace(0.0, 1.0, n_points)[:, None, None] * (last - first)
    images = np.round(images, POSITION_DECIMALS) + 0.0  # no negative zeros
    for index, positions in enumerate(images):
        name = f'interpolate(method="{method}"), point {index}'
        try:
            refuse_overlap(name, symbols, positions)
        except GeometryError as error:
            hint = 'Use method="idpp"' if method == "linear" else "Give a geometry in between"
            raise GeometryError(f"{error} {hint}.") from None
    steps: FloatArray = np.sqrt((np.diff(images, axis=0) ** 2).sum(axis=(1, 2)))
    arc = np.concatenate((np.zeros(1), np.cumsum(steps))).round(POSITION_DECIMALS)
    return _chain(
        "interpolate",
        [Geometry(symbols, positions) for positions in images],
        arc,
        Axis("arc length", "angstrom"),
        root,
    )


def frames(
    source: str | os.PathLike[str] | Sequence[Atoms | Geometry | Molecule],
    *,
    molecule: Molecule | None = None,
    root: int = 0,
) -> Path:
    r"""Return the path through a list of geometries, in their order; nothing is moved.

    Args:
        source: Name of a file with several frames in a format that ASE reads (XYZ, ``.traj``); or
            the text of a multi-frame XYZ file; or a sequence of ``ase.Atoms``, ``Geometry`` or
            ``Molecule``.
        molecule: Where given, every frame must have its atoms, in its order.
        root: Index of the frame that is computed first.

    Raises:
        InputError: If the source holds no frames, or the root is none of them.
        GeometryError: If the file cannot be read, the atoms differ between frames, overlap or
            are periodic, or two frames are the same.

    Example:
        >>> path = frames("2\n\nH 0 0 0\nH 0 0 0.7\n2\n\nH 0 0 0\nH 0 0 0.9\n")
        >>> len(path), path.name, path.parents
        (2, 'frame', (None, 0))
    """
    given = (
        _read(source) if isinstance(source, str | os.PathLike) else [_geometry(f) for f in source]
    )
    if not given:
        raise InputError("frames(source): there are no frames in it. Give at least one geometry.")
    symbols = given[0].symbols if molecule is None else molecule.symbols
    for index, frame in enumerate(given):
        if frame.symbols != symbols:
            raise GeometryError(
                f"frames(source): frame {index} has the atoms {' '.join(frame.symbols)}, and "
                f"{'frame 0' if molecule is None else 'the molecule'} has {' '.join(symbols)}. "
                "Give the same atoms in the same order in every frame."
            )
        refuse_overlap(f"frames(source), frame {index}", symbols, frame.positions)
    return _chain("frames", given, np.arange(float(len(given))), Axis("frame", ""), root)


def displace(
    molecule: Molecule,
    mode: int | FloatArray,
    amounts: Sequence[float] | FloatArray,
    *,
    root: int | None = None,
) -> Path:
    """Return the path along a normal mode, or along any direction of all atoms together.

    Args:
        molecule: The molecule, in the middle of the vibration.
        mode: Index of a mode of ``normal_modes(molecule)``, counted from 0 in ascending order of
            frequency; or a direction, ``(n_atoms, 3)``, of any length.
        amounts: Displacements along the direction of unit length, ``(n_points,)`` (Å).
        root: Index of the first point in ascending order; by default the one nearest 0.

    Raises:
        InputError: If the mode, an amount or the root cannot be used.
        GeometryError: If atoms would overlap.

    Example:
        >>> hydrogen = Molecule.from_xyz("H 0 0 0; H 0 0 0.7")
        >>> path = displace(hydrogen, np.array([[0, 0, -1.0], [0, 0, 1]]), [0.0, 0.2 ** 0.5])
        >>> round(path.points[1].distance(0, 1) - 0.7, 9) == round(0.4 ** 0.5, 9)
        True
    """
    name, direction = _direction(molecule, mode)
    values = np.array(amounts, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise InputError(
            f"displace(amounts={amounts!r}): at least one finite displacement is needed. Give a "
            "list (Å), e.g. [-0.1, 0.0, 0.1]."
        )
    values.sort()
    points = []
    for value in values.tolist():
        positions = np.round(molecule.positions + value * direction, POSITION_DECIMALS) + 0.0
        refuse_overlap(f"displace({name} = {value:.10g} Å)", molecule.symbols, positions)
        points.append(Geometry(molecule.symbols, positions))
    chosen = int(np.argmin(np.round(np.abs(values), 9))) if root is None else root
    return _chain("displace", points, values, Axis(name, "angstrom"), chosen)


def _direction(molecule: Molecule, mode: int | FloatArray) -> tuple[str, FloatArray]:
    """Return the name and the unit vector, ``(n_atoms, 3)``, of a mode or direction."""
    if isinstance(mode, int | np.integer) and not isinstance(mode, bool):
        modes = normal_modes(molecule).modes
        if not 0 <= mode < len(modes):
            raise InputError(
                f"displace(mode={mode}): {molecule.formula} has the modes 0 to {len(modes) - 1}, "
                "in ascending order of frequency. Give one of them."
            )
        vector = np.round(modes[mode], MODE_DECIMALS)
        return f"mode {mode}", vector / np.linalg.norm(vector)
    vector = np.array(mode, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if vector.shape != molecule.positions.shape or not np.isfinite(length) or length == 0.0:
        raise InputError(
            f"displace(mode of shape {vector.shape}): a direction has a finite row x, y, z for "
            f"each atom, not all 0: the shape ({molecule.n_atoms}, 3). Give that, or the index of "
            "a normal mode."
        )
    return "displacement", vector / length


def _check_ends(start: tuple[str, ...], end: tuple[str, ...], n_points: int, method: str) -> None:
    if start != end:
        raise GeometryError(
            f"interpolate(start, end): the start has the atoms {' '.join(start)}, the end "
            f"{' '.join(end)}. Give the same atoms in the same order."
        )
    if n_points < 2:
        raise InputError(f"interpolate(n_points={n_points}): both ends are points. Use at least 2.")
    if method not in ("linear", "idpp"):
        raise InputError(
            f'interpolate(method="{method}"): not known. {nearest(method, ["linear", "idpp"])}'
        )


def _chain(
    call: str, points: Sequence[Geometry], values: FloatArray, axis: Axis, root: int
) -> Path:
    """Return the path on which each point starts from its neighbour on the side of the root."""
    if not 0 <= root < len(points):
        raise InputError(
            f"{call}(root={root}): the path has the points 0 to {len(points) - 1}, in order. Give "
            "one of them, or leave root out."
        )
    return Path(
        points=tuple(points),
        coordinates=values[:, None],
        axes=(axis,),
        shape=(len(points),),
        root=root,
        parents=grid_tree((len(points),), root),
    )


def _geometry(frame: Any) -> Geometry:  # noqa: ANN401 - ASE is untyped
    if isinstance(frame, Geometry):
        return frame
    if isinstance(frame, Molecule):
        return Geometry(frame.symbols, frame.positions)
    if any(frame.pbc):
        raise GeometryError(
            "frames(source): a frame is periodic, a molecule is not. Use atoms.pbc = False for a "
            "molecule in a box."
        )
    return Geometry(tuple(frame.get_chemical_symbols()), frame.positions)


def _read(source: str | os.PathLike[str]) -> list[Geometry]:
    """Return the frames of a file, or of the text of an XYZ file."""
    import ase.io  # noqa: PLC0415 - loaded only where it is used
    from ase.io.formats import UnknownFileTypeError  # noqa: PLC0415

    text = isinstance(source, str) and "\n" in source
    name = "frames(text)" if text else f'frames("{os.fspath(source)}")'
    try:
        if text:
            read = ase.io.read(io.StringIO(str(source)), index=":", format="extxyz")
        else:
            read = ase.io.read(FilePath(source).expanduser(), index=":")
    except FileNotFoundError:
        raise GeometryError(
            f"{name}: there is no such file. Check the path, or give the frames themselves."
        ) from None
    except (OSError, ValueError, KeyError, IndexError, UnknownFileTypeError) as error:
        raise GeometryError(
            f"{name}: the frames cannot be read ({' '.join(str(error).split())}). Give a file of "
            "several geometries that ASE reads, such as XYZ: for each frame the number of atoms, "
            'a comment, and lines like "N 0.0 0.0 1.1" (Å).'
        ) from None
    return [_geometry(atoms) for atoms in read]
