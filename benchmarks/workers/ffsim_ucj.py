"""ffsim: preparation of a two-layer, spin-balanced LUCJ state; it has no gradient there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import numpy as np

from benchmarks.problem import Problem, random_jastrow
from benchmarks.workers.serve import Job, Maker, serve


def _connect() -> Mapping[str, Maker]:
    import_module("ffsim")  # a missing program is an answer
    return {"lucj state": lucj_state}


def lucj_state(problem: Problem) -> Job:
    """Return the state of random orbital rotations and local Coulomb phases."""
    import ffsim  # noqa: PLC0415

    norb, nelec, jastrow = problem.norb, problem.nelec, random_jastrow(problem)
    operator = ffsim.UCJOpSpinBalanced(
        diag_coulomb_mats=jastrow.coulomb, orbital_rotations=jastrow.rotations
    )

    def run() -> np.ndarray:
        start = ffsim.hartree_fock_state(norb, nelec)
        state: np.ndarray = ffsim.apply_unitary(start, operator, norb=norb, nelec=nelec, copy=False)
        return state

    hamiltonian = ffsim.linear_operator(
        ffsim.MolecularHamiltonian(problem.one_body, problem.two_body, problem.core_energy),
        norb=norb,
        nelec=nelec,
    )
    state = run()
    return Job(run, {"energy": float(np.vdot(state, hamiltonian @ state).real)})


if __name__ == "__main__":
    serve(("ffsim", "numpy"), _connect)
