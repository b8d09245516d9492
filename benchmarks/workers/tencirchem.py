"""TenCirChem-NG's ``civector`` engine, on NumPy or (argument ``jax``) on its JAX backend.

Its operators are ours: spin orbital ``p`` is beta orbital p, ``norb + p`` alpha orbital p, and
``(t1, t2, f2, f1)`` is ``a†_t1 a†_t2 a_f2 a_f1``, so equal lists give equal energies.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.problem import Problem, digest
from benchmarks.workers.serve import Job, Maker, serve
from benchmarks.workers.water_grid import tencirchem_grid


def _connect() -> Mapping[str, Maker]:
    import tencirchem  # noqa: PLC0415 (a missing program is an answer)

    if "jax" in sys.argv:
        import_module("jax")
        tencirchem.set_backend("jax")
    return {"uccsd": equal_list, "own list": own_list}


def _new(kind: Any, problem: Problem, *, init_method: str) -> Any:  # noqa: ANN401
    return kind.from_integral(
        problem.one_body,
        problem.two_body,
        problem.nelec,
        problem.core_energy,
        engine="civector",
        init_method=init_method,
        mo_coeff=np.eye(problem.norb),  # our orbitals, not its own mean field's
        run_mp2=init_method == "mp2",
        run_ccsd=False,
        run_fci=False,
    )


def equal_list(problem: Problem) -> Job:
    """Return one energy + gradient of our generators in our order."""
    from tencirchem import UCC  # noqa: PLC0415

    ucc = _new(UCC, problem, init_method="zeros")
    operators = []
    for alpha, beta in problem.moves():
        moves = [(i + problem.norb, a + problem.norb) for i, a in alpha] + beta
        operators.append((*[a for _, a in moves], *[i for i, _ in reversed(moves)]))
    ucc.ex_ops, ucc.param_ids = operators, list(range(len(operators)))
    return _job(ucc, problem)


def own_list(problem: Problem) -> Job:
    """Return one energy + gradient of its default UCCSD: symmetry-allowed, spin-adapted."""
    from tencirchem import UCCSD  # noqa: PLC0415

    return _job(_new(UCCSD, problem, init_method="mp2"), problem)


def _job(ucc: Any, problem: Problem) -> Job:  # noqa: ANN401
    n_params = max(ucc.param_ids) + 1
    params = problem.params(n_params)
    zero, _ = ucc.energy_and_grad(np.zeros(n_params))
    energy, gradient = ucc.energy_and_grad(params)
    facts = {
        "gates": len(ucc.ex_ops),
        "params": n_params,
        "zero_energy": float(zero),
        "energy": float(energy),
        "gradient": digest(np.asarray(gradient)),
    }
    vectors = problem.vectors(n_params)
    return Job(lambda: ucc.energy_and_grad(next(vectors)), facts)


if __name__ == "__main__":
    serve(
        ("tencirchem-ng", "tensorcircuit-ng", "jax", "numpy"),
        _connect,
        {"water grid": tencirchem_grid},
    )
