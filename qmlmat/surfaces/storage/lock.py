"""One scan at a time: the lock a scan holds on its store while it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath

from qmlmat.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows has none: there the user sees to it
    fcntl = None  # type: ignore[assignment]


@contextmanager
def writing(file: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock of a store, in the file ``.NAME.lock`` beside it.

    The lock is the operating system's and ends with the process, however that dies; a file left
    behind means nothing. It is not on the store itself, since closing that would drop SQLite's own
    locks. Where there can be none (no folder, a file system without locks) none is taken, and
    what is wrong with the place is for the store to say.

    Raises:
        StoreError: If another scan holds the lock.
    """
    held = None if fcntl is None else _acquire(_lock_file(FilePath(file).expanduser()))
    try:
        yield
    finally:
        if held is not None:
            descriptor, lock = held
            lock.unlink(missing_ok=True)  # while it is held: nobody can take it in between
            os.close(descriptor)


def _lock_file(file: FilePath) -> FilePath:
    try:
        whole = file.resolve()  # two names of one store are one lock
    except (OSError, RuntimeError):  # a loop of links
        whole = file.absolute()
    return whole.with_name(f".{whole.name}.lock")


def _acquire(lock: FilePath) -> tuple[int, FilePath] | None:
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StoreError(
                f'"{lock.with_name(lock.name[1:].removesuffix(".lock"))}": another scan is writing '
                "this store. Wait until it has ended, or choose another file: --store PATH"
            ) from None
        except OSError:
            os.close(descriptor)
            return None
        try:
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor, lock
        except FileNotFoundError:
            pass  # the scan that held it removed it between our two steps
        os.close(descriptor)
