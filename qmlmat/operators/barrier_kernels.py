"""A meeting point of threads inside compiled code, which the interpreter's lock does not slow.

Threads that hand work to each other through Python need some 100 microseconds each time; a sweep
has to do it after each group of gates.
"""

from __future__ import annotations

import sys

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_PATIENCE = 2_000  # looks, some microseconds, before the processor is offered to others


@intrinsic
def _arrive(_, counter):
    """Add one to ``counter[0]`` and return what it was."""

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", data, ir.Constant(ir.IntType(64), 1), "seq_cst")

    return types.int64(counter), generate


@intrinsic
def _arrivals(_, counter):
    """Return ``counter[0]`` as other threads left it."""

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load_atomic(data, "seq_cst", 8)

    return types.int64(counter), generate


@intrinsic
def _give_way(_):
    """Let another thread have the processor, where the system offers a call for it."""

    def generate(context, builder, _signature, _args):
        if sys.platform != "win32":
            kind = ir.FunctionType(ir.IntType(32), [])
            function = cgutils.get_or_insert_function(builder.module, kind, "sched_yield")
            builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), generate


@numba.njit(cache=True, nogil=True)
def meet(counter, n_threads):
    """Return when all threads have called this as often as the caller.

    Args:
        counter: int64 array of shape ``(1,)``, zero at first, the same one for all threads.
        n_threads: How many threads meet.
    """
    if n_threads == 1:
        return
    goal = (_arrive(counter) // n_threads + 1) * n_threads
    looks = 0
    while _arrivals(counter) < goal:
        looks += 1
        if looks > _PATIENCE:
            _give_way()
