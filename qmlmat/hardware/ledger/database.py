"""The SQLite file of a ledger: made, checked, written in whole transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from qmlmat.errors import LedgerError
from qmlmat.hardware.ledger.schema import APPLICATION, SCHEMA, TABLES

_BUSY_S: Final = 30.0
"""How long another process's transaction is waited for; one takes milliseconds (s)."""

_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full. Free space, then run the same command again",
    sqlite3.SQLITE_READONLY: "it is read-only. Restore write permission of the folder and its "
    "files, or name a copy",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened. Restore permissions of the folder, or name "
    "another one",
    sqlite3.SQLITE_BUSY: "another process keeps it locked. Wait until that has ended, then run the "
    "same command again",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written. See to it, then run the same "
    "command again",
    sqlite3.SQLITE_CORRUPT: "the database is damaged. Restore a copy of the folder; what runs at "
    "the provider is not lost",
    sqlite3.SQLITE_NOTADB: "the file is not a database. Restore a copy of the folder, or name "
    "another folder; what runs at the provider is not lost",
}


class Database:
    """An open file; used by the thread that opened it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with self._telling():
            self._connection = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None)
        try:
            with self._telling():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        run = self._connection.execute
        application, version = (
            run(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        has_tables = run("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
        if has_tables and application != APPLICATION:
            raise LedgerError(
                f'ledger "{self.file}": this database was not made by qmlmat. It is left as it is; '
                "name another folder."
            )
        if has_tables and version != SCHEMA:
            raise LedgerError(
                f'ledger "{self.file}": its tables have version {version}, this qmlmat reads '
                f"{SCHEMA}. Use the version of qmlmat that wrote it, or name another folder."
            )
        check = run("PRAGMA quick_check(1)").fetchone()[0]
        if check != "ok":
            raise sqlite3.DatabaseError(check)
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run("PRAGMA foreign_keys = ON")
        if not has_tables:
            self._create()

    def _create(self) -> None:
        with self.transaction() as run:
            if run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return  # another process was first
            for statement in TABLES:
                run(statement)
            run(f"PRAGMA application_id = {APPLICATION}")
            run(f"PRAGMA user_version = {SCHEMA}")

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Give ``execute``; all of what is done with it is on disk at the end, or none.

        Raises:
            LedgerError: If the file cannot be written.
        """
        with self._telling():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection.execute
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return what a query finds.

        Raises:
            LedgerError: If the file cannot be read.
        """
        with self._telling():
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LedgerError(f'ledger "{self.file}": {_words(error)}.') from error


def _words(error: sqlite3.Error) -> str:
    text = " ".join(str(error).split())
    # the low byte of an extended code is the plain one: https://www.sqlite.org/rescode.html
    # quick_check only says what it found: no code means damage
    plain = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    remedy = _REMEDIES.get(plain)
    return (
        f"{text}. Restore a copy of the folder if this stays so"
        if remedy is None
        else (f"{remedy} ({text})")
    )
