"""Threads of the compiled kernels: how many, and how work is shared among them.

The kernels release the interpreter's lock, so plain Python threads carry them. There is no pool of
a runtime library to start, to fork, or to spin while others work.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from qmlmat.errors import InputError

MAX_THREADS: Final = 256
"""Most threads the kernels use."""

_chosen: list[int] = []  # what set_num_threads was last told; empty: nothing yet
_here = threading.local()  # .busy: this thread is already doing one part of something


def set_num_threads(n_threads: int) -> None:
    """Set how many threads the exact simulator's kernels use in this process.

    Args:
        n_threads: Number of threads, 1 to ``MAX_THREADS``.

    Raises:
        InputError: If ``n_threads`` is below 1 or above ``MAX_THREADS``.
    """
    if not 1 <= n_threads <= MAX_THREADS:
        raise InputError(
            f"set_num_threads({n_threads}): not a number of threads. Use 1 to {MAX_THREADS}."
        )
    _chosen[:] = [int(n_threads)]


def get_num_threads() -> int:
    """Return how many threads the kernels use.

    What ``set_num_threads`` was told; else the first number in ``OMP_NUM_THREADS``, as PySCF and
    PyTorch read it; else the processors this process may run on. One inside a part of work that
    is already shared.
    """
    if getattr(_here, "busy", False):
        return 1
    if _chosen:
        return _chosen[0]
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if asked.isdecimal() and int(asked):
        return min(int(asked), MAX_THREADS)
    if hasattr(os, "sched_getaffinity"):  # Linux; elsewhere a process may run anywhere
        return min(len(os.sched_getaffinity(0)), MAX_THREADS)
    return min(os.cpu_count() or 1, MAX_THREADS)


def run_parts(task: Callable[[int], object], n_parts: int) -> None:
    """Call ``task(part)`` for each part, at the same time, and wait for all.

    Args:
        task: Does one part of the work; parts must not write to the same place.
        n_parts: Number of parts; 1 runs in the calling thread.

    Raises:
        Exception: Whatever a part raised, after all have ended.
    """
    if n_parts == 1:
        task(0)
        return

    def flagged(part: int) -> None:
        _here.busy = True
        try:
            task(part)
        finally:
            _here.busy = False

    others = [_pool().submit(flagged, part) for part in range(1, n_parts)]
    try:
        flagged(0)
    finally:
        errors = [future.exception() for future in others]
    for error in errors:
        if error is not None:
            raise error


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    # It starts a thread only where none is idle.
    return ThreadPoolExecutor(MAX_THREADS - 1, thread_name_prefix="qmlmat")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
