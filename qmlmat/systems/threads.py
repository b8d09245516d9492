"""Threads where they pay: PySCF's small kernels spend longer waiting for threads than working."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from pyscf import lib


def threads_for(size: int, *, worth_it: int) -> AbstractContextManager[object]:
    """Return a context in which PySCF runs on one thread if the work is small.

    Larger work keeps the caller's number of threads. Measured on two cores: the sigma builds of
    N2 (10e,8o) are twice as slow on two threads as on one, and ten times on a busy machine.

    Args:
        size: How large the work is.
        worth_it: Size from which several threads pay.
    """
    return lib.with_omp_threads(1) if size < worth_it else nullcontext()
