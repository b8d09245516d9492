"""Is this file a store? Found out without altering it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path as FilePath
from typing import Final

from qmlmat.errors import StoreError

SQLITE_MAGIC: Final = b"SQLite format 3\x00"
"""How every SQLite database begins: https://www.sqlite.org/fileformat.html"""


def check_sqlite(file: FilePath) -> None:
    """Refuse what is not an intact SQLite database with ASE's tables, without touching it."""
    if file.is_dir():
        raise StoreError(f'"{file}": this is a folder. Name a file in it: --store PATH')
    try:
        with file.open("rb") as stream:
            start = stream.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise StoreError(
            f'"{file}": the store cannot be read ({reason(error)}). Restore read permission, or '
            "choose another file: --store PATH"
        ) from error
    if start != SQLITE_MAGIC:
        what = "the file is empty" if not start else "it is not a SQLite database"
        raise StoreError(damaged(file, what))
    try:
        # ase would make its tables in a foreign database: look before it does
        with closing(_look(file)) as connection:
            check = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise StoreError(damaged(file, error)) from error
    if check != "ok":
        raise StoreError(damaged(file, check))
    if not {"systems", "information"} <= names:
        raise StoreError(
            f'"{file}": this SQLite database was not made by qmlmat scan. It is left as it is; '
            "choose another file for the scan: --store PATH"
        )


def _look(file: FilePath) -> sqlite3.Connection:
    # Read-only, so that nothing of somebody else's is touched; but a journal left by a killed
    # scan has to be rolled back by SQLite before the file can be read at all.
    killed = file.with_name(f"{file.name}-journal").exists()
    uri = f"{file.absolute().as_uri()}?mode={'rw' if killed else 'ro'}"
    return sqlite3.connect(uri, uri=True, timeout=20)


def damaged(file: FilePath, cause: object) -> str:
    """Return the message for a file that cannot be read as a store."""
    text = " ".join(str(cause).split()) or type(cause).__name__
    return (
        f'"{file}": this is not a readable store ({text}). It is left as it is; restore a copy, or '
        "choose another file and compute again: --store PATH"
    )


def reason(error: OSError | sqlite3.Error) -> str:
    """Return what the system says, in a few words."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
