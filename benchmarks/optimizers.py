"""Optimisers of one circuit on five molecules: ``python -m benchmarks.optimizers [--quick]``.

What each spends until the largest derivative is below 1e-6 hartree per radian: energies with and
without their gradient, metrics, seconds. What is printed is from one run in one process; seconds
drift on shared machines, the counts do not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
import torch

import qmlmat as qm
from qmlmat.backends import Evaluator, ValueAndGradient
from qmlmat.solvers import SPSA, NaturalGradient, PreconditionedLBFGS, Rotosolve, minimize
from qmlmat.solvers.landscape import circuit_landscape
from qmlmat.solvers.optimize import traits_of
from qmlmat.solvers.starts import starting_params
from qmlmat.systems import mp2_amplitudes

GRADIENT_TOLERANCE = 1e-6
"""Where the search has converged (hartree per radian)."""

WATER = "O 0 0 0; H 0.7575408 0 0.5870796; H -0.7575408 0 0.5870796"
H6, H6_STRETCHED = ("; ".join(f"H 0 0 {k * r:g}" for k in range(6)) for r in (1.0, 2.0))
MOLECULES = {
    "LiH 1.595": "Li 0 0 0; H 0 0 1.595",
    "H2O": WATER,
    "BeH2": "H 0 0 -1.3264; Be 0 0 0; H 0 0 1.3264",
    "H6 1.0": H6,
    "H6 2.0": H6_STRETCHED,
}
"""STO-3G, frozen core; lengths in ångström."""

OPTIMIZERS: dict[str, tuple[Any, int]] = {
    "PreconditionedLBFGS": (PreconditionedLBFGS, 1000),
    "  without curvatures": (partial(PreconditionedLBFGS, curvature=None), 1000),
    "torch LBFGS": (torch.optim.LBFGS, 1000),
    "  history 5": (partial(torch.optim.LBFGS, history_size=5), 1000),
    "  history 100": (partial(torch.optim.LBFGS, history_size=100), 1000),
    "torch Adam, lr 0.02": (partial(torch.optim.Adam, lr=0.02), 1000),
    "NaturalGradient": (NaturalGradient, 1000),
    "  metric_every=5": (partial(NaturalGradient, metric_every=5), 1000),
    "  fixed step 0.25": (partial(NaturalGradient, step_control=False), 1000),
    "Rotosolve": (Rotosolve, 100),
    "SPSA": (SPSA, 1000),
    "  averages=4": (partial(SPSA, averages=4), 1000),
    "  blocking": (partial(SPSA, blocking=True), 1000),
}
"""Factory, and most steps."""

QUICK = ("PreconditionedLBFGS", "torch LBFGS", "NaturalGradient", "Rotosolve", "SPSA")
QUICK_STEPS = 100
SCIPY = "scipy L-BFGS-B"


@dataclass
class Counts:
    """What a search asked the backend for."""

    values: int = 0
    """Energies alone."""
    gradients: int = 0
    """Energies with their gradient."""
    metrics: int = 0
    """Metrics."""


@dataclass(frozen=True)
class CountingEvaluator:
    """An evaluator that keeps the books."""

    inner: Evaluator
    counts: Counts

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return self.inner.n_params

    def __call__(self, params: np.ndarray) -> Any:  # noqa: ANN401
        """Return the expectations."""
        self.counts.values += 1
        return self.inner(params)

    def value_and_gradient(self, params: np.ndarray) -> ValueAndGradient:
        """Return expectations and derivatives."""
        self.counts.gradients += 1
        return self.inner.value_and_gradient(params)


@dataclass(frozen=True)
class CountingBackend(qm.SectorBackend):
    """The exact backend, counting."""

    counts: Counts = field(default_factory=Counts, compare=False)

    def prepare(self, request: qm.Request) -> Any:  # noqa: ANN401
        """Return a counting evaluator."""
        return CountingEvaluator(super().prepare(request), self.counts)

    def metric(self, preparation: qm.Preparation) -> np.ndarray:
        """Return the metric."""
        self.counts.metrics += 1
        return super().metric(preparation)


@dataclass(frozen=True)
class Row:
    """One search."""

    molecule: str
    optimizer: str
    status: str
    steps: int
    values: int
    gradients: int
    metrics: int
    seconds: float
    gradient_norm: float
    """Largest derivative at the end (hartree per radian)."""
    above_exact: float
    """Energy minus the exact one (hartree)."""
    above_minimum: float = np.nan
    """Energy minus the lowest of this table's (hartree)."""


class Problem:
    """The energy of a molecule's `uccsd` circuit, from MP2 amplitudes."""

    def __init__(self, name: str, xyz: str) -> None:
        self.name = name
        molecule = qm.Molecule.from_xyz(xyz)
        self.hamiltonian = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(freeze_core=True))
        circuit = qm.VQE("uccsd").circuit(self.hamiltonian)
        reference = qm.Reference.hartree_fock(self.hamiltonian.norb, self.hamiltonian.nelec)
        self.preparation = qm.Preparation(circuit, reference)
        self.start = starting_params(circuit, mp2_amplitudes(self.hamiltonian))
        self.exact = float(self.hamiltonian.spectrum().energies[0])

    def run(self, name: str, *, max_steps: int | None = None, seed: int = 1) -> Row:
        """Return what one of the optimisers does."""
        optimizer, steps = OPTIMIZERS[name]
        backend = CountingBackend()
        request = qm.Request(preparation=self.preparation, observables=(self.hamiltonian,))
        begin = time.perf_counter()
        evaluator = backend.prepare(request)
        found = minimize(
            lambda params: qm.expectation(evaluator, params)[0],
            self.start,
            optimizer=optimizer,
            gradient_tolerance=GRADIENT_TOLERANCE,
            max_iterations=steps if max_steps is None else min(steps, max_steps),
            landscape=circuit_landscape(
                self.hamiltonian,
                self.preparation,
                backend,
                needs=traits_of(optimizer).needs,
                seed=seed,
            ),
        )
        seconds = time.perf_counter() - begin
        best = min(found.history, key=lambda step: step.energy)
        return Row(
            molecule=self.name,
            optimizer=name,
            status=found.status,
            steps=found.history[-1].iteration,
            **asdict(backend.counts),
            seconds=seconds,
            gradient_norm=min(best.gradient_norm, found.history[-1].gradient_norm),
            above_exact=best.energy - self.exact,
        )

    def run_scipy(self) -> Row:
        """Return what SciPy's L-BFGS-B does from the same start, as a yardstick."""
        request = qm.Request(preparation=self.preparation, observables=(self.hamiltonian,))
        evaluator = qm.SectorBackend().prepare(request)

        def loss(params: np.ndarray) -> tuple[float, np.ndarray]:
            answer = evaluator.value_and_gradient(params)
            return float(answer.values[0]), answer.gradient[0]

        begin = time.perf_counter()
        found = scipy.optimize.minimize(
            loss,
            self.start,
            jac=True,
            method="L-BFGS-B",
            options={"maxcor": 20, "gtol": GRADIENT_TOLERANCE, "ftol": 0, "maxiter": 1000},
        )
        seconds = time.perf_counter() - begin
        norm = float(np.abs(found.jac).max())
        return Row(
            molecule=self.name,
            optimizer=SCIPY,
            status="converged" if norm <= GRADIENT_TOLERANCE else "stalled",
            steps=int(found.nit),
            values=0,
            gradients=int(found.nfev),
            metrics=0,
            seconds=seconds,
            gradient_norm=norm,
            above_exact=float(found.fun) - self.exact,
        )


def table(
    names: Sequence[str],
    *,
    quick: bool = False,
    seed: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Return one row for each molecule and optimiser."""
    rows: list[Row] = []
    for molecule, xyz in MOLECULES.items():
        say(molecule)
        problem = Problem(molecule, xyz)
        for name in ("PreconditionedLBFGS", "NaturalGradient", "Rotosolve"):
            problem.run(name, max_steps=1)  # compiles, fills caches
        steps = QUICK_STEPS if quick else None
        found = [problem.run(name, max_steps=steps, seed=seed) for name in names]
        if not quick:
            found.append(problem.run_scipy())
        lowest = min(row.above_exact for row in found)
        rows += [replace(row, above_minimum=row.above_exact - lowest) for row in found]
    return rows


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table as text, and the sums of the evaluations over the molecules."""
    head = f"{'':22s}{'steps':>6s}{'E':>7s}{'E+grad':>7s}{'metric':>7s}{'s':>7s}"
    text = []
    for molecule in dict.fromkeys(row.molecule for row in rows):
        text += [
            "",
            f"{molecule}",
            f"{head}{'max|g|':>9s}{'E-min, Ha':>11s}{'E-exact, mHa':>14s}",
        ]
        text += [
            f"{row.optimizer:22s}{row.steps:6d}{row.values:7d}{row.gradients:7d}{row.metrics:7d}"
            f"{row.seconds:7.2f}{row.gradient_norm:9.0e}{row.above_minimum:11.1e}"
            f"{1e3 * row.above_exact:14.5f}{'' if row.status == 'converged' else '  ' + row.status}"
            for row in rows
            if row.molecule == molecule
        ]
    text += ["", "all five", f"{head}{'converged':>11s}"]
    for name in dict.fromkeys(row.optimizer for row in rows):
        own = [row for row in rows if row.optimizer == name]
        sums = [sum(getattr(row, key) for row in own) for key in ("steps", "values", "gradients")]
        text.append(
            f"{name:22s}{sums[0]:6d}{sums[1]:7d}{sums[2]:7d}{sum(r.metrics for r in own):7d}"
            f"{sum(r.seconds for r in own):7.2f}"
            f"{sum(r.status == 'converged' for r in own):7d}/{len(own)}"
        )
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="five optimisers, 100 steps at most")
    parser.add_argument("--seed", type=int, default=1, help="seed of SPSA (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args(arguments)
    qm.set_num_threads(1)
    rows = table(
        QUICK if options.quick else tuple(OPTIMIZERS),
        quick=options.quick,
        seed=options.seed,
        say=lambda what: sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {what}\n") and None,
    )
    print("\n".join(lines(rows)))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
