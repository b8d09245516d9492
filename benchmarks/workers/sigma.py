"""The yardstick: one PySCF sigma build with prepared integrals and link tables."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import numpy as np

from benchmarks.problem import Problem
from benchmarks.workers.serve import Job, Maker, serve


def _connect() -> Mapping[str, Maker]:
    import_module("pyscf.fci")  # a missing program is an answer
    return {"sigma": sigma}


def sigma(problem: Problem) -> Job:
    """Return ``H|psi>`` of a random state."""
    from pyscf import fci  # noqa: PLC0415

    norb, nelec = problem.norb, problem.nelec
    absorbed = fci.direct_spin1.absorb_h1e(problem.one_body, problem.two_body, norb, nelec, 0.5)
    links = [fci.cistring.gen_linkstr_index_trilidx(range(norb), n) for n in nelec]
    shape = tuple(len(table) for table in links)
    state = np.random.default_rng(0).normal(size=shape)

    def contract(vector: np.ndarray) -> np.ndarray:
        image: np.ndarray = fci.direct_spin1.contract_2e(absorbed, vector, norb, nelec, links)
        return image

    reference = np.zeros(shape)
    reference[0, 0] = 1.0
    image = contract(state)
    energies = {
        "zero_energy": float(contract(reference)[0, 0]) + problem.core_energy,
        "energy": float(np.vdot(state, image) / np.vdot(state, state)) + problem.core_energy,
    }
    return Job(lambda: contract(state), energies)


if __name__ == "__main__":
    serve(("pyscf", "numpy"), _connect)
