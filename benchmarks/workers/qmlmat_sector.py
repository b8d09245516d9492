"""qmlmat's own child."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from benchmarks.workers import qmlmat_jobs as jobs
from benchmarks.workers import qmlmat_probes as probes
from benchmarks.workers.serve import Maker, serve
from benchmarks.workers.water_grid import qmlmat_grid


def _connect() -> Mapping[str, Maker]:
    from qmlmat.operators.parallel import get_num_threads, set_num_threads  # noqa: PLC0415

    set_num_threads(get_num_threads())  # what the parent wrote into the environment
    import_module("qmlmat._api")  # all public names at once
    return {
        "uccsd": jobs.uccsd,
        "sigma": jobs.sigma,
        "complex sigma": jobs.complex_sigma,
        "batch": jobs.batch,
        "one by one": jobs.one_by_one,
        "lucj": jobs.lucj,
        "lucj state": jobs.lucj_state,
    }


if __name__ == "__main__":
    serve(
        ("qmlmat", "numpy", "numba", "pyscf"),
        _connect,
        {
            "write": jobs.write_chain,
            "overhead": probes.overhead,
            "profile": probes.profile,
            "memory": probes.memory,
            "first calls": probes.first_calls,
            "water grid": qmlmat_grid,
        },
    )
