"""What a worker process finds when it starts: threads, and who is not to interrupt it."""

from __future__ import annotations

import inspect
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Final

from qmlmat.operators.parallel import MAX_THREADS, set_num_threads

_THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def use_threads(n_threads: int) -> None:
    """Set the number of threads of the numerical libraries that are loaded."""
    set_num_threads(min(n_threads, MAX_THREADS))
    for module, setter in (("torch", "set_num_threads"), ("pyscf.lib", "num_threads")):
        if module in sys.modules:
            getattr(sys.modules[module], setter)(n_threads)
    numba = sys.modules.get("numba")
    if numba is not None and n_threads < numba.config.NUMBA_NUM_THREADS:
        numba.set_num_threads(n_threads)


def threads_wanted() -> str:
    """Return how many threads a worker has: OMP_NUM_THREADS, or one."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return asked if asked.isdecimal() and int(asked) else "1"


def end_if_imported_again() -> None:
    """End a worker that runs the user's script instead of importing it, without a traceback.

    That is what becomes of a script without ``if __name__ == "__main__":``. The scan that started
    the worker sees it end and says so.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == "__mp_main__":
            raise SystemExit(1)
        frame = frame.f_back


@contextmanager
def one_thread() -> Iterator[None]:
    """Let processes that start here read numbers of threads from their first moment on.

    A spawned process imports the user's script, numpy with it, before anything of ours runs.
    """
    wanted = threads_wanted()
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update({name: given or wanted for name, given in before.items()})
    try:
        yield
    finally:
        for name, given in before.items():
            if given is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = given


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, from their first moment on.

    The terminal sends it to them, too; the scan ends them. A mask is inherited, and is this
    thread's own, unlike a handler.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # its start would lift the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
