"""Where an export may go: nothing of other making is replaced unasked."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Final

from qmlmat.errors import InputError
from qmlmat.surfaces.export.csv_table import FIRST_COLUMN, LAST_COLUMN
from qmlmat.surfaces.export.structures import MADE_BY
from qmlmat.surfaces.storage.integrity import SQLITE_MAGIC

_MARKS: Final = {
    "csv": (f"{FIRST_COLUMN},".encode(), LAST_COLUMN.encode()),
    "extxyz": (MADE_BY.encode(),),
    "netcdf": (b"\x89HDF", b"qmlmat_version"),
}
"""What every export in a format holds."""

TABLE: Final = "points.csv"
"""The file that says, in a folder of points, where each of them is."""

_POINT: Final = re.compile(r"point_\d{3,}")


def check_file(file: FilePath, format: str, *, force: bool) -> None:
    """Refuse a place that cannot be written, or that holds something else than an export.

    Raises:
        InputError: With the remedy.
    """
    _check_parent(file)
    if file.is_dir():
        raise InputError(
            f'export_scan("{file}"): this is a folder, and the format {format} is one file. Name '
            "a file in it."
        )
    if not file.exists():
        return
    if _is_database(file):
        raise InputError(
            f'export_scan("{file}"): this file is a database, perhaps the store of a scan, and is '
            "left as it is. Choose another name."
        )
    if not force and file.stat().st_size and not _holds(file, *_MARKS[format]):
        raise InputError(
            f'export_scan("{file}"): this file is not an export of a scan in the format {format}, '
            "and is left as it is. Choose another name, or replace it: force=True, --force"
        )


def check_folder(folder: FilePath, ending: str, *, force: bool) -> None:
    """Make the folder, or refuse one that holds something else than an export.

    Raises:
        InputError: With the remedy.
    """
    _check_parent(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(
            f'export_scan("{folder}"): this is a file, and a folder is needed for a file of each '
            "point. Choose another name."
        )
    try:
        folder.mkdir(exist_ok=True)
        table = folder / TABLE  # written first: without it no file of a point is ours
        ours = {table, *point_files(folder, ending)} if _is_table(table) else set()
        other = sorted(file.name for file in folder.iterdir() if file not in ours)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if other and not force:
        raise InputError(
            f'export_scan("{folder}"): the folder holds "{other[0]}", which is not of an export '
            "of a scan. Choose another folder, or write into it all the same: force=True, --force"
        )


def point_files(folder: FilePath, ending: str) -> list[FilePath]:
    """Return the files of points in a folder."""
    return [
        file
        for file in folder.iterdir()
        if file.suffix == ending and _POINT.fullmatch(file.stem) and file.is_file()
    ]


def written(file: FilePath, write: Callable[[FilePath], None]) -> None:
    """Write a file beside its place, then move it there: a failure leaves what was there.

    Args:
        file: Where the file goes.
        write: Writes it to the path it is given.

    Raises:
        InputError: If it cannot be written.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        write(draft)
        draft.replace(file)
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _is_table(file: FilePath) -> bool:
    return file.is_file() and _holds(file, *_MARKS["csv"])


def _check_parent(path: FilePath) -> None:
    if not path.parent.is_dir():
        raise InputError(
            f'export_scan("{path}"): the folder "{path.parent}" does not exist or is not a folder. '
            f'Make it first: mkdir -p "{path.parent}"'
        )


def _is_database(file: FilePath) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    except OSError as error:
        raise _unwritable(file, error) from error


def _holds(file: FilePath, *marks: bytes) -> bool:
    """Return whether all marks are in a file, wherever they stand."""
    try:
        if file.stat().st_size == 0:
            return False
        with (
            file.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            return all(content.find(mark) >= 0 for mark in marks)
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(path: FilePath, error: OSError) -> InputError:
    return InputError(
        f'export_scan("{path}"): the export cannot be written ({error.strerror or error}). Choose '
        "a place you may write to."
    )
