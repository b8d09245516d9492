"""The durable record of a scan: an ASE database that ``ase db`` and ``ase gui`` read.

One SQLite file. Its metadata hold the inputs, their hash, and the user's own document, so that a
scan can be resumed from the file alone. Each finished point is one row of each sweep, committed as
it arrives: a killed scan loses the points it was at, and nothing else.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, Final

from qmlmat.errors import StoreError, StoreMismatchError
from qmlmat.provenance import content_hash, differences, provenance
from qmlmat.surfaces.paths.path import Point
from qmlmat.surfaces.running.schedule import OUTWARD, Step
from qmlmat.surfaces.storage.integrity import check_sqlite, damaged, reason
from qmlmat.surfaces.storage.migration import SCHEMA, migrated
from qmlmat.surfaces.storage.row import (
    K_DESCRIPTIONS,
    atoms,
    axis_keys,
    is_replaced,
    k_keys,
    searchable,
)
from qmlmat.surfaces.surface import PointResult

_KEY: Final = "qmlmat"
_MAX_DIFFERENCES: Final = 6


@dataclass(frozen=True, kw_only=True)
class StoreHeader:
    """What a store says about the scan it holds."""

    inputs: Mapping[str, Any]
    """All that the energies depend on, as plain values: the surface's and the path's inputs, and
    ``"return_sweep": True`` where there is one."""

    title: str = ""
    """What the scan is of, in a few words."""

    document: Mapping[str, Any] | None = None
    """The user's input file as plain values, with included files inlined; ``None`` from Python."""

    schema: int = SCHEMA
    """Version of the layout in the file; what is here is in today's."""

    inputs_hash: str = field(init=False)
    """SHA-256 of ``inputs``, 64 hexadecimal digits."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs_hash", content_hash(self.inputs))

    def to_metadata(self) -> dict[str, Any]:
        """Return the metadata of the ASE database."""
        axes = self.inputs["path"]["axes"]
        return {
            "title": self.title or "qmlmat scan",
            "key_descriptions": {
                "point": ["Point", "Index of the point along the path", ""],
                **{
                    key: [name, "Coordinate of the path", unit]
                    for key, (name, unit) in zip(axis_keys(len(axes)), axes, strict=True)
                },
                "total_energy": ["Energy", "Ground-state energy", ""],
                "reference": ["Reference", "Exact ground-state energy", ""],
                "error": ["Error", "Energy above the reference", ""],
                "n_params": ["Parameters", "Number of circuit parameters", ""],
                "spin_square": ["<S^2>", "Expectation of S^2 in the ground state", ""],
                "orbital_overlap": ["Overlap", "Of the active orbitals with the parent's", ""],
                "sweep": ["Sweep", "1: outward from the root, 2: return sweep", ""],
                **(K_DESCRIPTIONS if "k" in self.inputs["path"] else {}),
            },
            _KEY: {
                "schema": SCHEMA,
                "inputs": self.inputs,
                "inputs_hash": self.inputs_hash,
                "title": self.title,
                "document": self.document,
                "created": provenance(),
            },
        }


class ScanStore:
    """An open store; see the module's docstring. One process writes, any number may read."""

    header: StoreHeader
    """What the scan is of."""

    file: FilePath
    """Where the store is."""

    def __init__(self, file: FilePath, header: StoreHeader) -> None:
        self.file = file
        self.header = header

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> ScanStore:
        """Return the store in an existing file, which is not altered.

        Raises:
            StoreError: If there is no such file, or it is not an intact store of this package.
        """
        path = FilePath(file).expanduser().absolute()
        if not path.exists():
            raise StoreError(
                f'"{path}": there is no such store. Check the name, or make it: '
                "qmlmat scan INPUT.toml"
            )
        return cls(path, _read_header(path))

    @classmethod
    def open(cls, file: str | os.PathLike[str], header: StoreHeader) -> ScanStore:
        """Return the store for these inputs, made if it is not there, ready to be written.

        Raises:
            StoreMismatchError: If the file holds the scan of other inputs.
            StoreError: If the folder or file cannot be written, or the file is not a store.
        """
        path = FilePath(file).expanduser().absolute()
        if not path.exists():
            _create(path, header)
        store = cls.load(path)
        _check_writable(path)
        stored = store.header
        try:
            if stored.inputs_hash != header.inputs_hash:
                if store.rows():
                    raise StoreMismatchError(_mismatch(path, stored, header.inputs))
                _replace_header(path, header)  # nothing was computed: nothing can be mixed up
                return cls(path, header)
            header = _with_words_of(stored, header)
            if stored.schema != SCHEMA:
                _replace_header(path, header)  # one transaction: killed, it is all old or all new
            elif (stored.title, stored.document) != (header.title, header.document):
                _replace_words(path, header)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(_unwritable(path, error)) from error
        return cls(path, header)

    def results(self) -> dict[int, PointResult]:
        """Return the finished points by their index on the path, each from its last sweep.

        Raises:
            StoreError: If a row cannot be read.
        """
        rows = self.rows()
        return {index: rows[index, sweep] for index, sweep in sorted(rows)}

    def rows(self) -> dict[Step, PointResult]:
        """Return the finished points by index and sweep.

        Raises:
            StoreError: If a row cannot be read.
        """
        found: dict[Step, PointResult] = {}
        try:
            with _connect(self.file) as database:
                for row in database.select(sort="id"):
                    step = int(row.point), int(row.get("sweep", OUTWARD))
                    found.setdefault(step, PointResult.from_dict(row.data["result"]))
        except (*_READ_ERRORS, AttributeError) as error:
            raise StoreError(damaged(self.file, error)) from error
        return found

    def write(
        self,
        index: int,
        point: Point,
        result: PointResult,
        *,
        sweep: int = OUTWARD,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """Commit one finished point; it is on disk when this returns.

        A failure that is stored already for this point, of this sweep or a later one, is taken
        out in the same transaction.

        Args:
            index: The point's index on the path.
            point: Its geometry, or its k.
            result: What was computed there.
            sweep: 1 outward from the root, 2 in the return sweep.
            origin: Versions, host, process and time of the evaluation; by default this process.

        Raises:
            StoreError: If the row cannot be written, e.g. because the disk is full.
        """
        path = self.header.inputs["path"]
        place = path["coordinates"][index]
        data = {"result": result.to_dict(), "provenance": self._provenance(result, origin)}
        try:
            with _connect(self.file) as database:
                rows = database.select(point=index)
                database.delete([row.id for row in rows if is_replaced(row, sweep)])
                database.write(
                    atoms(point, result, path.get("cell")),
                    key_value_pairs=searchable(index, sweep, place, result) | k_keys(point),
                    data=data,
                )
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f'"{self.file}": point {index} could not be stored ({error}). Free space or '
                "restore write permission, then run the same command again: it resumes."
            ) from error

    def _provenance(self, result: PointResult, origin: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return where a result comes from: inputs, seed, settings, versions, process, time."""
        surface = self.header.inputs["surface"]
        return {
            "inputs_hash": self.header.inputs_hash,
            "seed": surface.get("seed"),
            "settings": surface.get("solver"),
            "wall_time": result.wall_time,
            **(origin or provenance()),
        }


_READ_ERRORS: Final = (sqlite3.Error, OSError, KeyError, TypeError, ValueError)


def _connect(file: FilePath) -> Any:  # noqa: ANN401 - ase is untyped
    from ase.db import connect  # noqa: PLC0415 - `import qmlmat` must not load ase

    return connect(str(file), type="db", use_lock_file=False)  # type: ignore[no-untyped-call]


def _create(file: FilePath, header: StoreHeader) -> None:
    """Make the store beside its place, then move it there: a kill leaves all of it or none."""
    if not file.parent.is_dir():
        raise StoreError(
            f'"{file}": the folder "{file.parent}" does not exist or is not a folder. '
            f'Make it first: mkdir -p "{file.parent}"'
        )
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        draft.touch(exist_ok=False)
        draft.unlink()  # the database must not exist before ASE makes it
        _replace_header(draft, header)
        _place(draft, file)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(_unwritable(file, error)) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _place(draft: FilePath, file: FilePath) -> None:
    try:
        file.hardlink_to(draft)  # unlike a rename it never replaces what is there
    except FileExistsError:
        return  # another process made it meanwhile: its header is compared next
    except OSError:  # a file system without links
        draft.rename(file)


def _unwritable(file: FilePath, error: OSError | sqlite3.Error) -> str:
    return (
        f'"{file}": the store cannot be written ({reason(error)}). Choose a folder you may '
        "write in: --store PATH"
    )


def _replace_header(file: FilePath, header: StoreHeader) -> None:
    """Write all the metadata; when and by what a scan was begun is kept."""
    with _connect(file) as database:
        database.count()  # makes the tables where there are none
        new, before = header.to_metadata(), database.metadata.get(_KEY, {})
        if "created" in before:
            new[_KEY] |= {"created": before["created"], "migrated": new[_KEY]["created"]}
        database.metadata = new


def _with_words_of(stored: StoreHeader, wanted: StoreHeader) -> StoreHeader:
    """Return ``wanted``, with the stored title and document where it brings none."""
    if wanted.document is not None:
        return wanted
    return replace(wanted, title=wanted.title or stored.title, document=stored.document)


def _replace_words(file: FilePath, header: StoreHeader) -> None:
    """Write the title and the document, on which no energy depends, and nothing else."""
    with _connect(file) as database:
        database.count()
        new, metadata = header.to_metadata(), database.metadata
        metadata["title"] = new["title"]
        metadata[_KEY] |= {name: new[_KEY][name] for name in ("title", "document")}
        database.metadata = metadata


def _check_writable(file: FilePath) -> None:
    # SQLite writes a journal beside the file, so the folder counts too
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        raise StoreError(
            f'"{file}": the store or its folder is read-only. Restore write permission, or copy '
            "the file to a folder you may write in and name it with --store PATH"
        )


def _read_header(file: FilePath) -> StoreHeader:
    check_sqlite(file)
    try:
        with _connect(file) as database:
            database.count()
            metadata = database.metadata.get(_KEY)
    except _READ_ERRORS as error:
        raise StoreError(damaged(file, error)) from error
    if not isinstance(metadata, dict) or "schema" not in metadata:
        raise StoreError(
            f'"{file}": this ASE database was not made by qmlmat scan. It is left as it is; choose '
            "another file for the scan: --store PATH"
        )
    if not isinstance(metadata["schema"], int) or not 1 <= metadata["schema"] <= SCHEMA:
        raise StoreError(
            f'"{file}": the store has layout {metadata["schema"]}, this qmlmat reads up to '
            f"{SCHEMA}. It was written by a newer one: pip install --upgrade qmlmat, or choose "
            "another file: --store PATH"
        )
    try:
        if content_hash(metadata["inputs"]) != metadata["inputs_hash"]:
            raise StoreError(damaged(file, "its inputs do not match their hash"))
        today = migrated(metadata)
        return StoreHeader(
            inputs=today["inputs"],
            title=today["title"],
            document=today["document"],
            schema=metadata["schema"],
        )
    except (KeyError, TypeError) as error:
        raise StoreError(damaged(file, error)) from error


def _mismatch(file: FilePath, stored: StoreHeader, wanted: Mapping[str, Any]) -> str:
    lines = differences(stored.inputs, wanted)
    shown = "; ".join(lines[:_MAX_DIFFERENCES])
    more = len(lines) - _MAX_DIFFERENCES
    rest = f"; and {more} more" if more > 0 else ""
    hint = ""
    if any(line.startswith("surface.orbitals:") for line in lines):
        kept = stored.inputs["surface"].get("orbitals")
        hint = f' (orbitals="{kept}"; in an input file: [active_space] orbitals = "{kept}")'
    return (
        f'"{file}": this store holds the scan of other inputs (stored against wanted): '
        f"{shown}{rest}. Go back to those inputs{hint}, or choose another file: --store PATH"
    )
