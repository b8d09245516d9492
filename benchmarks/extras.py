"""Measures qmlmat against itself: threads, overhead, first calls, imports, batches, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from benchmarks.parent import ROOT, Runner, Timing, WorkerError, alternate, one_worker, ratio
from benchmarks.programs import OWN, TENCIRCHEM

Chains = Mapping[int, Mapping[str, Any]]
"""Path and sizes of each chain by its length."""

SURFACE_ROUNDS = 3
"""Times the water surface is computed by each program, after a first time that does not count."""

IMPORTS = {
    "empty interpreter": "pass",
    "import numpy, torch": "import numpy, torch",
    "import qmlmat": "import qmlmat",
    "names of a first run": "import qmlmat as q; q.VQE, q.SectorBackend, q.molecular_hamiltonian",
}
"""Programs of the import measurement."""


def threads(chains: Chains) -> dict[str, Any]:
    """Return energy + gradient at H12 on one thread and on two, alternating.

    A control says how much two processors are worth just then: two processes of one thread each,
    at the same time, against one alone.
    """
    path = chains[12]["path"]
    with ExitStack() as stack:
        one, two, other = (
            Runner.load(stack.enter_context(one_worker(OWN, threads=n)), "uccsd", path, 5)
            for n in (1, 2, 1)
        )
        together: list[float] = []
        for _ in range(5):
            alternate((one, two), 1)
            alone = len(one.samples)
            for runner in (one, other):
                runner.post()
            for runner in (one, other):
                runner.read()
            together += [*one.samples[alone:], *other.samples[-1:]]
            del one.samples[alone:]
    for runner in (one, two, other):
        if runner.failure:
            raise WorkerError(runner.failure)
    return {
        "atoms": 12,
        "one": one.timing.plain(),
        "two": two.timing.plain(),
        "speedup": ratio(one.timing, two.timing),
        "two_processes": 2.0 * ratio(one.timing, Timing(tuple(together))),
    }


def overhead(chains: Chains) -> dict[str, Any]:
    """Return what one call at H4 costs beyond compiled code (s)."""
    with one_worker(OWN) as worker:
        found: dict[str, Any] = worker.ask(
            {"do": "overhead", "problem": str(chains[4]["path"]), "runs": 400}
        )["value"]
    if found["calls"] < 2:  # the sigma build and at least one kernel of ours
        return {**found, "status": "not measured", "reason": "the kernels' calls were not seen"}
    return {"atoms": 4, **found, "overhead": found["whole"] - found["kernels"]}


def profile(chains: Chains) -> dict[str, Any]:
    """Return where the time of one call goes at H10 and H12 (s)."""
    rows = []
    with one_worker(OWN) as worker:
        for length, runs in ((10, 15), (12, 5)):
            request = {"do": "profile", "problem": str(chains[length]["path"]), "runs": runs}
            rows.append({"atoms": length, "parts": worker.ask(request)["value"]})
    return {"rows": rows}


def first_calls(chains: Chains) -> dict[str, Any]:
    """Return the first and the second call of fresh processes, compilation cache cold and warm."""
    length = 6
    found: dict[str, Any] = {"atoms": length}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cold", "warm"):
            with one_worker(OWN, extra={"NUMBA_CACHE_DIR": folder}) as worker:
                problem = str(chains[length]["path"])
                found[name] = worker.ask({"do": "first calls", "problem": problem})["value"]
    return found


def imports(_: Chains) -> dict[str, Any]:
    """Return the best of five fresh interpreters for each program (s)."""
    best: dict[str, float] = dict.fromkeys(IMPORTS, float("inf"))
    for _round in range(5):
        for name, program in IMPORTS.items():
            start = time.perf_counter()
            try:
                subprocess.run(
                    [sys.executable, "-c", program], check=True, cwd=ROOT, capture_output=True
                )
            except subprocess.CalledProcessError as error:
                words = error.stderr.decode(errors="replace").strip().splitlines()
                raise WorkerError(f"failed: {name}: {words[-1][:200]}") from None
            best[name] = min(best[name], time.perf_counter() - start)
    return {"best": best}


def batch(chains: Chains) -> dict[str, Any]:
    """Return 64 parameter vectors in one call against one by one, one thread."""
    rows = []
    with one_worker(OWN) as worker:
        for length in (4, 6, 8):
            path = chains[length]["path"]
            runners = [Runner.load(worker, job, path, 7) for job in ("batch", "one by one")]
            alternate(runners, 7)
            together, single = (runner.timing for runner in runners)
            difference = runners[0].facts["gradient"] - runners[1].facts["gradient"]
            rows.append(
                {
                    "atoms": length,
                    "vectors": runners[0].facts["vectors"],
                    "batch": together.plain(),
                    "one_by_one": single.plain(),
                    "speedup": ratio(single, together),
                    "difference": abs(difference),
                }
            )
    return {"rows": rows}


def memory(chains: Chains) -> dict[str, Any]:
    """Return the memory one energy + gradient adds at H10 and H12, in sector vectors."""
    return {"rows": [_memory(chains, length) for length in (10, 12)]}


def _memory_request(chains: Chains, length: int) -> dict[str, object]:
    paths = {"small": str(chains[4]["path"]), "problem": str(chains[length]["path"])}
    return {"do": "memory", **paths}


def _memory(chains: Chains, length: int) -> dict[str, Any]:
    with one_worker(OWN) as worker:
        sizes: dict[str, Any] = worker.ask(_memory_request(chains, length))["value"]
        sizes["process_peak"] = worker.ask({"do": "stats"})["peak_memory"]
    sizes["vectors"] = (sizes["peak"] - sizes["before"]) / sizes["vector"]
    sizes["vectors_again"] = (sizes["peak_again"] - sizes["after"]) / sizes["vector"]
    return {"atoms": length, **sizes}


def surface(_: Chains) -> dict[str, Any]:
    """Return a whole water surface of 10 x 10 points beside TenCirChem-NG, alternating."""
    rounds: dict[str, list[dict[str, Any]]] = {OWN.name: [], TENCIRCHEM.name: []}
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        workers = {OWN.name: stack.enter_context(one_worker(OWN))}
        try:
            workers[TENCIRCHEM.name] = stack.enter_context(one_worker(TENCIRCHEM))
        except WorkerError as error:
            found["missing"] = f"{TENCIRCHEM.name}: {error}"
        for number in range(SURFACE_ROUNDS + 1):
            for name, worker in workers.items():
                value = worker.ask({"do": "water grid"})["value"]
                if number:  # the first warms up
                    rounds[name].append(value)
    for name in workers:
        timing = Timing(tuple(value["seconds"] for value in rounds[name]))
        last = rounds[name][-1]
        found[name] = {**timing.plain(), **{k: last[k] for k in last if k != "seconds"}}
        found[name]["busy_threads"] = last["cpu"] / last["seconds"]
    if TENCIRCHEM.name in workers:
        found["speedup"] = found[TENCIRCHEM.name]["median"] / found[OWN.name]["median"]
        sums = [found[name]["exact_sum"] for name in workers]
        found["exact_difference"] = abs(sums[0] - sums[1]) / found[OWN.name]["points"]
    return found


def large(chains: Chains) -> dict[str, Any]:
    """Return time and memory of one energy + gradient at H14, 11.8 million determinants."""
    with one_worker(OWN, threads=os.cpu_count() or 1) as worker:
        found: dict[str, Any] = worker.ask(_memory_request(chains, 14))["value"]
        found["process_peak"] = worker.ask({"do": "stats"})["peak_memory"]
    found["vectors"] = (found["peak"] - found["before"]) / found["vector"]
    found["vectors_again"] = (found["peak_again"] - found["after"]) / found["vector"]
    return {"atoms": 14, "threads": os.cpu_count(), **found}


EXTRAS: dict[str, tuple[Callable[[Chains], dict[str, Any]], tuple[int, ...]]] = {
    "threads": (threads, (12,)),
    "overhead": (overhead, (4,)),
    "profile": (profile, (10, 12)),
    "first_calls": (first_calls, (6,)),
    "imports": (imports, ()),
    "batch": (batch, (4, 6, 8)),
    "surface": (surface, ()),
    "memory": (memory, (4, 10, 12)),
}
"""Measurements by name, each with the chains it needs; ``large`` only where asked."""
