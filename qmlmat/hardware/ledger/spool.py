"""Files of a ledger: whole or absent, on disk before anything relies on them, private."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from qmlmat.errors import CorruptResultError, LedgerError

FOLDERS: Final = ("payloads", "raw", "calibrations", "targets", "jobs")
"""What a ledger keeps as files: what is sent, what came back, what the device was like, where runs
go, and jobs of local devices."""
DATABASE: Final = "ledger.db"
"""Name of the database beside them."""


def open_folder(folder: Path) -> None:
    """Make a ledger's folder where there is none, and close it to others, whatever the umask.

    Raises:
        LedgerError: If it cannot be made, is no ledger's, or lost its database.
    """
    file = folder / DATABASE
    with _telling(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = {entry.name for entry in folder.iterdir()}
        if not file.exists() and there - set(FOLDERS):
            raise LedgerError(
                f'ledger "{folder}": the folder holds other things and no {DATABASE}. Name a new '
                "or an empty one."
            )
        if _is_empty(file) and any(_holds_files(folder / name) for name in FOLDERS):
            raise LedgerError(
                f'ledger "{folder}": there are stored jobs, but {DATABASE} is missing or empty. '
                "Restore it from a copy; what runs at the provider is not lost."
            )
        folder.chmod(0o700)
        for name in FOLDERS:
            (folder / name).mkdir(mode=0o700, exist_ok=True)
            (folder / name).chmod(0o700)
        _create(file)


def write_file(folder: Path, name: str, content: bytes) -> str:
    """Write a file that is whole or absent and on disk at the end; return its SHA-256.

    Args:
        folder: Where.
        name: Its name there.
        content: What is in it.

    Raises:
        LedgerError: If it cannot be written.
    """
    draft = folder / f".{name}.{os.getpid()}.new"
    with _telling(folder):
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                draft.chmod(0o600)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(folder / name)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        _sync(folder)
    return hashlib.sha256(content).hexdigest()


def read_file(folder: Path, name: str, sha: str) -> bytes:
    """Return the content of a file, exactly as it was written.

    Raises:
        CorruptResultError: If it is missing or altered.
    """
    file = folder / name
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CorruptResultError(
            f'"{file}": the stored file cannot be read ({error.strerror}). Restore it from a copy.'
        ) from error
    if hashlib.sha256(content).hexdigest() != sha:
        raise CorruptResultError(f'"{file}": the stored file was altered. Restore it from a copy.')
    return content


def _create(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    finally:
        file.chmod(0o600)  # SQLite gives its other files the mode of this one
        _sync(file.parent)


def _is_empty(file: Path) -> bool:
    return not file.exists() or file.stat().st_size == 0


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _sync(folder: Path) -> None:
    # a new name is on disk only when its folder is
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerError(
            f'ledger "{folder}": cannot be written ({error.strerror or error}). Free space or '
            "restore write permission, then run the same command again: nothing was lost."
        ) from error
