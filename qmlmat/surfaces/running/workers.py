"""Worker processes: started clean, on one thread each, and never outliving the scan."""

from __future__ import annotations

import os
import pickle
import platform
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing import connection, get_context, parent_process
from queue import SimpleQueue
from typing import Any, Final

from qmlmat.errors import InputError
from qmlmat.surfaces.running.starting import (
    one_thread,
    threads_wanted,
    use_threads,
    without_interrupts,
)
from qmlmat.surfaces.running.task import Outcome, Task, perform, portable
from qmlmat.surfaces.surface import Surface

MAX_STARTS: Final = 2
"""How many processes in a row may die while they start before the scan gives up."""

GOODBYE: Final = 2.0
"""Time after which a worker whose pipe has ended has an exit code, or never will (s)."""


class WorkerDied(BrokenExecutor):
    """A worker process ended while it was computing; the pool has another one."""


class LocalPool(Executor):
    """Processes on this machine that evaluate one surface.

    Unlike Python's own pool it knows which task a dead process was at, goes on with the others,
    and cannot hang on half an answer: each worker has a pipe of its own, and ends with it.
    """

    def __init__(self, surface: Surface, n_workers: int) -> None:
        self._surface = packed(surface, n_workers)
        self._lock = threading.Lock()
        self._closed = False
        self._workers: set[_Worker] = set()
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        # its threads only wait for the processes
        self._threads = ThreadPoolExecutor(n_workers, thread_name_prefix="qmlmat-worker")
        try:
            for _ in range(n_workers):
                self._idle.put(self._start())
        except BaseException:
            self.close(at_once=True)
            raise

    def submit(self, fn: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        """Call ``fn(surface, *args)`` in a worker.

        The future raises ``WorkerDied`` if the process ends before it has answered.
        """
        return self._threads.submit(self._call, partial(fn, **kwargs), args)

    def close(self, *, at_once: bool = False) -> None:
        """End the processes: kill them, or let the idle ones go, which takes them a second."""
        with self._lock:
            self._closed = True
            workers = tuple(self._workers)
        for worker in workers:
            worker.end(at_once=at_once)
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in workers:  # nobody listens any more
            worker.hang_up()

    def _start(self) -> _Worker:
        with self._lock:
            if self._closed:
                raise WorkerDied("the pool is closed")
            worker = _Worker(self._surface)
            self._workers.add(worker)
        return worker

    def _call(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever fn returns
        worker = self._idle.get()
        try:
            for _ in range(MAX_STARTS):
                if worker.is_ready():
                    return worker.ask(fn, args)
                worker = self._another(worker)
            raise InputError(_NO_START)
        except WorkerDied:
            with suppress(WorkerDied):  # the pool is closed
                worker = self._another(worker)
            raise
        finally:
            self._idle.put(worker)

    def _another(self, dead: _Worker) -> _Worker:
        dead.end(at_once=True)
        dead.hang_up()
        with self._lock:
            self._workers.discard(dead)
        return self._start()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, surface: bytes) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, surface), name="qmlmat-worker", daemon=True
        )
        with one_thread(), without_interrupts():
            self._process.start()
        theirs.close()  # the worker's death then ends the pipe
        self._is_ready = False

    def is_ready(self) -> bool:
        """Wait until the process has started; ``False`` if it has died instead.

        Raises:
            InputError: If the surface cannot be made in another process.
        """
        if not self._is_ready:
            try:
                kind, what = self._pipe.recv()
            except (EOFError, OSError):
                return False
            if kind == "unfit":
                raise InputError(_unfit("unpickled", what))
            self._is_ready = True
        return True

    def ask(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever fn returns
        """Return what ``fn(surface, *args)`` is there.

        Raises:
            WorkerDied: If the process ends before it has answered.
            InputError: If the answer cannot be sent.
        """
        try:
            self._pipe.send((fn, args))
            kind, what = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise WorkerDied(self._end_in_words()) from error
        if kind == "unfit":
            raise InputError(
                f"scan(workers=...): a result cannot be sent from its worker ({what}). Let "
                "evaluate return what can be pickled, or use workers=1."
            )
        return what

    def end(self, *, at_once: bool) -> None:
        """Let the process go, or kill it; one that is still starting would not hear."""
        if at_once or not self._is_ready:
            self._process.kill()
            self._process.join()
        else:
            with suppress(OSError):
                self._pipe.send(None)

    def hang_up(self) -> None:
        """Close the pipe."""
        self._pipe.close()

    def _end_in_words(self) -> str:
        self._process.join(GOODBYE)
        code = self._process.exitcode
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"ended by {signal.Signals(-code).name}"
        return f"exit code {code}"


def packed(surface: Surface, n_workers: int) -> bytes:
    """Return the surface as bytes.

    Raises:
        InputError: If it cannot be sent to other processes.
    """
    try:
        return pickle.dumps(surface)
    except Exception as error:  # whatever its parts do when they are taken apart
        reason = f"{type(error).__name__}: {error}"
        raise InputError(_unfit("pickled", reason, n_workers)) from error


def perform_elsewhere(surface: Surface, task: Task, home: tuple[str, int]) -> Outcome:
    """Return what becomes of a task that somebody else's executor runs.

    In another process than ``home`` (host, process) it is one thread, or OMP_NUM_THREADS.
    """
    if home == (platform.node(), os.getpid()):
        return perform(surface, task)
    use_threads(int(threads_wanted()))
    return portable(perform(surface, task))


def _serve(pipe: connection.Connection, surface: bytes) -> None:
    """Evaluate what is asked for until there is nothing more: a worker's life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # not for its children
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        evaluated = pickle.loads(surface)
        use_threads(int(threads_wanted()))
    except Exception as error:  # noqa: BLE001 - told to the scan
        pipe.send(("unfit", f"{type(error).__name__}: {error}"))
        return
    pipe.send(("ready", None))
    with suppress(EOFError, OSError):
        while (asked := pipe.recv()) is not None:
            fn, args = asked
            answer = fn(evaluated, *args)
            try:
                message = pickle.dumps(("done", answer))
            except Exception as error:  # noqa: BLE001 - told to the scan
                message = pickle.dumps(("unfit", f"{type(error).__name__}: {error}"))
            pipe.send_bytes(message)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def perform_here(surface: Surface, task: Task) -> Outcome:
    """Return what becomes of a task in a worker of our own."""
    return portable(perform(surface, task))


def _unfit(what: str, reason: str, n_workers: int | None = None) -> str:
    given = "..." if n_workers is None else n_workers
    return (
        f"scan(workers={given}): the surface cannot be {what} ({reason}), and so not be sent to "
        "other processes. Define its function at the top of a module, not as a lambda, inside "
        "another function or in a notebook; or use workers=1, or a ThreadPoolExecutor."
    )


_NO_START: Final = (
    f"scan(workers=...): {MAX_STARTS} worker processes ended while they started. A script needs "
    'its calls under `if __name__ == "__main__":`, since each worker imports it; what else may be '
    "wrong is on stderr. Or use workers=1."
)
