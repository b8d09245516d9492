"""Files of training data: arrays in npz, structures in extended XYZ."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from qmlmat.errors import InputError, StoreError
from qmlmat.surfaces import Geometry, load_scan
from qmlmat.surfaces.storage.integrity import SQLITE_MAGIC
from qmlmat.units import ev_to_hartree

KEYS: Final = ("symbols", "positions_angstrom", "energies_hartree")
"""Arrays that an npz file has; ``forces_hartree_per_angstrom`` may be there, too."""
FORCES: Final = "forces_hartree_per_angstrom"

_DAMAGED: Final = (
    OSError,
    ValueError,
    TypeError,  # one bare array of numpy, which opens as no context
    EOFError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a file that is no npz, or no longer one, ends with."""

Arrays = dict[str, Any]
"""The fields of ``SurfaceData``."""


def is_store(path: Path) -> bool:
    """Return whether a file is the store of a scan.

    Raises:
        InputError: If there is no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    except FileNotFoundError:
        raise InputError(f'"{path}": there is no such file. Check the name of the data.') from None
    except OSError as error:
        raise InputError(
            f'"{path}": the data cannot be read ({error.strerror}). Give a .npz or .extxyz file, '
            "or the store of a scan."
        ) from error


def read_arrays(path: Path) -> Arrays:
    """Return the fields of ``SurfaceData`` from a file.

    Args:
        path: ``.npz`` with the keys ``KEYS``, or ``.extxyz``/``.xyz`` with energies.

    Raises:
        InputError: If the file is damaged, of another kind, or lacks something.
    """
    if path.suffix == ".npz":
        return _from_npz(path)
    if path.suffix in (".extxyz", ".xyz"):
        return _from_extxyz(path)
    raise InputError(
        f'"{path}": neither an .npz file, nor an .extxyz file, nor the store of a scan. Write the '
        "data in one of these: SurfaceData(...).save(...), or qmlmat export --format extxyz."
    )


def load_geometries(path: str | os.PathLike[str]) -> list[Geometry]:
    """Return the geometries of a file, whose energies, if it has any, are not looked at.

    Args:
        path: ``.npz`` with ``symbols`` and ``positions_angstrom``, ``.xyz`` or ``.extxyz``, or the
            store of a scan.

    Raises:
        GeometryError: If positions do not fit the atoms.
        InputError: If the file is missing, damaged or of another kind.
        StoreError: If it is the store of a scan that cannot be read.
    """
    file = Path(path).expanduser()
    if is_store(file):
        return list(load_scan(file).path.geometries)
    if file.suffix == ".npz":
        arrays = _npz_arrays(file, KEYS[:2])
        symbols = tuple(str(symbol) for symbol in arrays[KEYS[0]])
        return [Geometry(symbols, positions) for positions in arrays[KEYS[1]]]
    if file.suffix in (".extxyz", ".xyz"):
        return [
            Geometry(tuple(atoms.get_chemical_symbols()), atoms.get_positions())
            for atoms in read_frames(file)
        ]
    raise InputError(
        f'"{file}": not a file of geometries. Give .xyz, .extxyz, .npz, or the store of a scan.'
    )


def write_npz(path: str | os.PathLike[str], fields: Arrays) -> None:
    """Write the fields of ``SurfaceData`` as npz.

    Raises:
        StoreError: If the file cannot be written.
    """
    forces = {} if fields["forces"] is None else {FORCES: fields["forces"]}
    named = zip(
        KEYS, (np.array(fields["symbols"]), fields["positions"], fields["energies"]), strict=True
    )
    try:
        with Path(path).open("wb") as stream:  # by name, numpy would add ".npz" to it
            np.savez_compressed(stream, **dict(named), **forces)
    except OSError as error:
        raise StoreError(
            f'"{path}": the data cannot be written ({error.strerror}). Give a name in a folder '
            "that exists and is writable."
        ) from error


def _from_npz(path: Path) -> Arrays:
    arrays = _npz_arrays(path, KEYS)
    symbols, positions, energies = (arrays[name] for name in KEYS)
    return {
        "symbols": tuple(str(symbol) for symbol in symbols),
        "positions": positions,
        "energies": energies,
        "forces": arrays.get(FORCES),
    }


def _npz_arrays(path: Path, wanted: tuple[str, ...]) -> Arrays:
    try:
        # Opened here: of a damaged file numpy would leave it open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
    except _DAMAGED as error:
        raise InputError(
            f'"{path}": not a readable .npz file ({error}). Restore a copy, or write it again: '
            "SurfaceData(...).save(...)."
        ) from error
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise InputError(
            f'"{path}": no {", ".join(missing)} in it, only {", ".join(arrays) or "nothing"}. '
            f"Name the arrays {', '.join(KEYS)} and, if there are forces, {FORCES}."
        )
    bare = [name for name in wanted if not arrays[name].ndim]
    if bare:
        raise InputError(
            f'"{path}": {", ".join(bare)} is a single value. Give arrays: a symbol for each atom, '
            "positions and energies for each geometry."
        )
    return arrays


def _from_extxyz(path: Path) -> Arrays:
    frames = read_frames(path)
    symbols = tuple(frames[0].get_chemical_symbols())
    rows = [_frame(path, index, atoms, symbols) for index, atoms in enumerate(frames)]
    if len({len(energies) for energies, _ in rows}) > 1:
        raise InputError(
            f'"{path}": frames with different numbers of energies. Give as many states in each.'
        )
    known = [forces for _, forces in rows if forces is not None]
    return {
        "symbols": symbols,
        "positions": np.array([atoms.get_positions() for atoms in frames]),
        "energies": np.array([energies for energies, _ in rows]),
        "forces": np.array(known) if len(known) == len(rows) else None,
    }


def read_frames(path: Path) -> list[Any]:
    """Return the frames of an XYZ file, as ASE's atoms, at least one.

    Raises:
        InputError: If the file is missing, damaged or empty.
    """
    from ase.io import read  # noqa: PLC0415 - `import qmlmat` must not load ase

    try:
        frames = read(path, index=":", format="extxyz")
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f'"{path}": not a readable XYZ file ({error or type(error).__name__}). Each frame is a '
            "line with the number of atoms, a comment, and a line for each atom."
        ) from error
    if not frames:
        raise InputError(f'"{path}": no frame in it. Give a file with geometries.')
    return list(frames)


def _frame(path: Path, index: int, atoms: Any, symbols: tuple[str, ...]) -> tuple[Any, Any]:  # noqa: ANN401 - ase is untyped
    """Return energies and forces of a frame (hartree, hartree/Å)."""
    found = tuple(atoms.get_chemical_symbols())
    if found != symbols:
        raise InputError(
            f'"{path}": frame {index} has the atoms {"".join(found)}, frame 0 {"".join(symbols)}. '
            "Give one molecule, its atoms in one order."
        )
    known = {} if atoms.calc is None else atoms.calc.results
    if "energies_hartree" in atoms.info:  # of all states, as `qmlmat export` writes them
        energies = np.atleast_1d(atoms.info["energies_hartree"])
    elif "energy" in known:
        energies = np.array([ev_to_hartree(known["energy"])])
    else:
        raise InputError(
            f'"{path}": frame {index} has no energy. Write energy=... (eV) in its comment line, or '
            "use qmlmat export --format extxyz."
        )
    forces = known.get("forces")
    return energies, None if forces is None else forces * ev_to_hartree(1.0)
