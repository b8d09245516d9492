"""What qmlmat's child measures about itself: call overhead, first calls and memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problem import load_problem
from benchmarks.workers.qmlmat_jobs import evaluator_of, hamiltonian_of, uccsd


class Stopwatch:
    """Adds up the time spent in wrapped calls, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, float] = {}
        self.calls = 0

    @property
    def seconds(self) -> float:
        """Time in all wrapped calls."""
        return sum(self.by_name.values())

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, timed."""

        def timed(*args: object) -> object:
            start = time.perf_counter()
            result = function(*args)
            spent = time.perf_counter() - start
            self.by_name[name] = self.by_name.get(name, 0.0) + spent
            self.calls += 1
            return result

        return timed


@contextmanager
def timed_kernels() -> Iterator[Stopwatch]:
    """Time every call from Python into qmlmat's compiled kernels and PySCF's C sigma build."""
    from numba.core.dispatcher import Dispatcher  # noqa: PLC0415
    from pyscf.fci import direct_spin1  # noqa: PLC0415

    watch = Stopwatch()
    places = [
        (module, name, value)
        for module_name, module in list(sys.modules.items())
        if module_name.startswith("qmlmat.")
        for name, value in list(vars(module).items())
        if isinstance(value, Dispatcher)
    ]
    sigma = "FCIcontract_2e_spin1"
    places.append((direct_spin1.libfci, sigma, getattr(direct_spin1.libfci, sigma)))
    for place, name, function in places:
        setattr(place, name, watch.wrap(name, function))
    try:
        yield watch
    finally:
        for place, name, function in places:
            setattr(place, name, function)


def overhead(request: Mapping[str, Any]) -> dict[str, float]:
    """Return the median whole call, the time in compiled code during a call, and the rest.

    Whole calls and calls with timed kernels alternate. The conversion of arguments at the door
    of a compiled function counts as the function's.
    """
    job = uccsd(load_problem(request["problem"]))
    whole, inside, calls = [], [], 0
    for _ in range(int(request["runs"])):
        start = time.perf_counter()
        job.run()
        whole.append(time.perf_counter() - start)
        with timed_kernels() as watch:
            job.run()
        inside.append(watch.seconds)
        calls = watch.calls
    medians = float(np.median(whole)), float(np.median(inside))
    return {"whole": medians[0], "kernels": medians[1], "calls": calls}


def profile(request: Mapping[str, Any]) -> dict[str, float]:
    """Return the median time of a whole call and of each compiled function in it (s)."""
    job = uccsd(load_problem(request["problem"]))
    samples: dict[str, list[float]] = {"whole": []}
    for _ in range(int(request["runs"])):
        with timed_kernels() as watch:
            start = time.perf_counter()
            job.run()
            samples["whole"].append(time.perf_counter() - start)
        rest = samples["whole"][-1] - watch.seconds
        for name, seconds in {**watch.by_name, "everything else": rest}.items():
            samples.setdefault(name, []).append(seconds)
    return {name: float(np.median(times)) for name, times in samples.items()}


def memory(request: Mapping[str, Any]) -> dict[str, float]:
    """Return resident sizes (bytes) around one energy + gradient in a fresh process, and its time.

    A small chain loads the compiled code first. ``peak`` is the largest resident size during the
    call, ``peak_again`` during a second one, which finds all tables made.
    """
    uccsd(load_problem(request["small"]))
    hamiltonian = hamiltonian_of(load_problem(request["problem"]))
    start = _resident()
    evaluator = evaluator_of(hamiltonian)
    params = load_problem(request["problem"]).params(evaluator.n_params)
    sizes = {"vector": 8 * hamiltonian.dimension, "start": start, "before": _resident()}
    clock = time.perf_counter()
    sizes["peak"] = _peak_of(lambda: evaluator.value_and_gradient(params))
    seconds = time.perf_counter() - clock
    sizes["after"] = _resident()
    sizes["peak_again"] = _peak_of(lambda: evaluator.value_and_gradient(params))
    return {**sizes, "seconds": seconds}


def _peak_of(call: Callable[[], object]) -> int:
    """Return the largest resident size during a call (bytes)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # sets the mark back
    call()
    return _status("VmHWM")


def first_calls(request: Mapping[str, Any]) -> dict[str, float]:
    """Return the first and the second energy + gradient of this process (s)."""
    evaluator = evaluator_of(hamiltonian_of(load_problem(request["problem"])))
    params = load_problem(request["problem"]).params(evaluator.n_params)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        evaluator.value_and_gradient(params)
        times.append(time.perf_counter() - start)
    return {"first": times[0], "second": times[1]}


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return 1024 * int(line.split()[1])
    raise ValueError(f"no {field} in /proc/self/status")


def _resident() -> int:
    return _status("VmRSS")
