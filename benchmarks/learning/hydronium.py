"""Hydronium, six dimensions: ``python -m benchmarks.learning.hydronium --data FILE [--quick]``.

Gaussian processes on CCSD(T) energies of H3O+ up to 21,000 1/cm (the "Hydronium" set of QM-22),
Morse variables of 2 bohr, averaged over the six permutations of the hydrogen atoms: kernels of
quantum states with entanglers, without, and grown; classical kernels. One random order of points
for each seed: all sizes of training sets are its beginning, 5,000 test points its end. A kernel's
numbers come from the likelihood of points among the smallest training set, for all sizes.

Published on random points of the same surface: 65.8 1/cm at 500 (classical composite kernel,
arXiv:1907.08717) and 16 at 2,000 (quantum and classical, arXiv:2407.15961). A product of cos^2
averaged over permutations reaches 57 at 2,000; classical kernels 11 to 17.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import QmlmatWarning
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import MorseVariables
from qmlmat.potentials.gaussian import (
    RBF,
    GaussianProcess,
    Growing,
    Kernel,
    QuantumKernel,
    RationalQuadratic,
    Sum,
    grow_kernel,
)
from qmlmat.potentials.gaussian.quantum import Profile
from qmlmat.potentials.training import Training, fit
from qmlmat.potentials.training.errors import errors_of

MISSING = """no numbers: the data are missing ({}).
The set is "Hydronium" of QM-22 (Apache-2.0; J. M. Bowman et al., J. Chem. Phys. 156, 240901 (2022),
doi:10.1063/5.0089200; github.com/jmbowma/QM-22). Give --data FILE, an .npz with symbols (4,),
positions_angstrom (N, 4, 3) and energies_hartree (N,)."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is computed."""

    sizes: tuple[int, ...] = (500, 1000, 2000)
    """Points of training sets."""
    n_test: int = 5000
    """Points of the test set."""
    n_seeds: int = 3
    """Random orders of the points."""
    n_likelihood: int = 400
    """Points whose likelihood gives a kernel's numbers."""
    n_lbfgs: int = 150
    """Most steps of L-BFGS."""
    growing: Growing = Growing(max_steps=4, n_iterations=20)  # noqa: RUF009 (frozen)
    """How circuits are grown."""


FULL = Plan()
QUICK = Plan(
    sizes=(30, 50),
    n_test=40,
    n_seeds=1,
    n_likelihood=30,
    n_lbfgs=3,
    growing=Growing(n_points=20, n_iterations=2, max_steps=1, max_layers=1),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One arm at one size."""

    arm: str
    """The kernel."""
    n_weights: int
    """Trainable numbers."""
    size: int
    """Points of the training set."""
    rmse: tuple[float, ...]
    """Root of the mean squared error, for each seed (1/cm)."""
    mae: tuple[float, ...]
    """Mean absolute error, for each seed (1/cm)."""
    seconds: tuple[float, ...]
    """Processor time of training, growth included, for each seed (s)."""


@dataclass(frozen=True)
class Case:
    """What makes a kernel."""

    descriptor: MorseVariables
    """Its features."""
    data: SurfaceData
    """The smallest training set."""
    seed: int
    """Seed of everything."""
    plan: Plan
    """How much is computed."""

    def quantum(self, entangler: str, profile: Profile = "rational") -> Kernel:
        """Return the kernel of the template's circuit."""
        size = self.descriptor.n_features
        encoded = Encoding("morse_kernel", entangler=entangler).circuit(size, size)
        permutations = self.descriptor.feature_permutations()
        return QuantumKernel(encoded, permutations, profile=profile, seed=self.seed)

    def grown(self) -> Kernel:
        """Return the kernel of a circuit grown for these data."""
        return grow_kernel(self.descriptor, self.data, growing=self.plan.growing).kernel

    def classical(self, kind: str) -> Kernel:
        """Return a classical kernel."""
        permutations = self.descriptor.feature_permutations()
        if kind == "RQ":
            return RationalQuadratic(permutations)
        if kind == "RBF+RQ":
            return Sum(RBF(permutations), RationalQuadratic(permutations))
        return RationalQuadratic(permutations[:1])


ARMS: dict[str, Callable[[Case], Kernel]] = {
    "quantum, entangled": lambda case: case.quantum("full"),
    "quantum, no entanglers": lambda case: case.quantum("none"),
    "quantum, grown": lambda case: case.grown(),
    "fidelity alone, entangled": lambda case: case.quantum("full", "fidelity"),
    "fidelity alone, no entanglers": lambda case: case.quantum("none", "fidelity"),
    "RQ": lambda case: case.classical("RQ"),
    "RBF+RQ": lambda case: case.classical("RBF+RQ"),
    "RQ, not symmetrised": lambda case: case.classical("unsymmetrised"),
}
"""The kernels."""


def load(path: Path) -> SurfaceData:
    """Return the data of a file."""
    with np.load(path) as file:
        return SurfaceData(
            symbols=tuple(str(symbol) for symbol in file["symbols"]),
            positions=file["positions_angstrom"],
            energies=file["energies_hartree"],
        )


def measured(arm: str, data: SurfaceData, seed: int, plan: Plan) -> list[Row]:
    """Return the errors of one arm at every size, for one seed."""
    order = np.random.default_rng(seed).permutation(len(data))
    test = data.subset(order[-plan.n_test :])
    first = data.subset(order[: plan.sizes[0]])
    descriptor = MorseVariables(data.symbols)
    start = time.process_time()
    kernel = ARMS[arm](Case(descriptor, first, seed, plan))
    model = GaussianProcess(descriptor, kernel, n_likelihood=plan.n_likelihood, seed=seed)
    fit(model, first, training=Training(n_adam=0, n_lbfgs=plan.n_lbfgs))
    seconds = time.process_time() - start
    rows = []
    for size in plan.sizes:
        model.condition(data.subset(order[:size]))
        with torch.no_grad():
            errors = errors_of(model, test)
        rows.append(
            Row(
                arm=arm,
                n_weights=model.n_weights,
                size=size,
                rmse=(errors.rmse_cm1,),
                mae=(errors.mae_cm1,),
                seconds=(seconds,),
            )
        )
    return rows


def table(data: SurfaceData, arms: Sequence[str], plan: Plan) -> list[Row]:
    """Return the errors of all arms, and print them as they come."""
    rows: list[Row] = []
    for arm in arms:
        runs = [measured(arm, data, seed, plan) for seed in range(plan.n_seeds)]
        for same in zip(*runs, strict=True):
            row = Row(
                arm=arm,
                n_weights=max(run.n_weights for run in same),
                size=same[0].size,
                rmse=tuple(run.rmse[0] for run in same),
                mae=tuple(run.mae[0] for run in same),
                seconds=tuple(run.seconds[0] for run in same),
            )
            rows.append(row)
            print(printed(row), flush=True)
    return rows


HEADER = (
    f"{'kernel':30} {'weights':>7} {'N':>5} {'RMSE (range)':>20} {'MAE (range)':>18} {'train':>6}"
)


def printed(row: Row) -> str:
    """Return one line of the table; medians over seeds, lowest and highest in brackets."""
    rmse, mae = (
        f"{np.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"
        for values in (row.rmse, row.mae)
    )
    seconds = f"{np.median(row.seconds):.0f} s"
    return f"{row.arm:30} {row.n_weights:7} {row.size:5} {rmse:>20} {mae:>18} {seconds:>6}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the set, an .npz file")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--quick", action="store_true", help="see whether it runs")
    parser.add_argument("--json", type=Path, help="write the results there")
    chosen = parser.parse_args(arguments)
    if chosen.data is None or not chosen.data.is_file():
        print(MISSING.format("no --data" if chosen.data is None else chosen.data))
        return 0
    torch.set_num_threads(1)
    start = time.process_time()
    print(HEADER)
    with warnings.catch_warnings():
        warnings.simplefilter("always", QmlmatWarning)
        rows = table(load(chosen.data), chosen.arms, QUICK if chosen.quick else FULL)
    print(f"Energies in 1/cm; {time.process_time() - start:.0f} s of processor time.")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
