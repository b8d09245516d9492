"""Calls of a solver that active learning saves: ``python -m benchmarks.learning.active [--quick]``.

Two surfaces whose energies are known everywhere, so that errors are known after each call:
LiH in STO-3G (4 electrons in 6 orbitals) from 0.8 to 5 Å, and water in STO-3G with frozen core in a
box of both stretches and the bend, each symmetric pair of geometries once. The solver is exact
diagonalisation; what is counted is how often it is asked. Strategies: the largest standard error of
a Gaussian process (rational quadratic kernel, and the kernel of a circuit's states); the spread of
a committee of quantum networks; and without a model a regular grid in the coordinates, one in Morse
variables of lengths (closer where energies rise steeply), a Sobol sequence, and random points.

For each model: how many calls reach, and keep, the error that a grid of some number of points has.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import qmlmat as qm
from qmlmat.ansatz.encoding import Encoding
from qmlmat.potentials.active import ActiveLearning, Strategy, active_learning
from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import Descriptor, MorseVariables, Symmetrised
from qmlmat.potentials.descriptors.pairs import MORSE_LENGTH
from qmlmat.potentials.gaussian import GaussianProcess, QuantumKernel, RationalQuadratic
from qmlmat.potentials.networks.quantum import QuantumNetwork
from qmlmat.potentials.regression import NetworkPotential
from qmlmat.potentials.training import Training

GRIDS = ("grid", "grid, Morse")
"""Regular grids; the first one's errors are those that the others are to reach."""

LIKELIHOOD = Training(n_adam=0, n_lbfgs=60, validation_fraction=0.0)
"""Recipe of Gaussian processes."""

NETWORK = Training(n_adam=150, n_lbfgs=100, validation_fraction=0.0)
"""Recipe of networks."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A surface with its candidates, its test set, and the sizes of grids."""

    name: str
    """What it is."""
    path: qm.Path
    """The candidates."""
    morse: qm.Path
    """The same ones; the first coordinate, a length, is its Morse variable."""
    table: dict[bytes, float]
    """Energy of each candidate by its positions (hartree)."""
    test: SurfaceData
    """Points between the candidates."""
    grids: tuple[int, ...]
    """Numbers of points of the grids."""
    budget: int
    """Most calls of the other strategies."""
    n_start: int
    """Calls before a model is asked."""

    def surface(self) -> tuple[qm.FunctionSurface, list[int]]:
        """Return a surface that looks energies up, and a list with an entry for each call."""
        calls: list[int] = []

        def energy(positions: np.ndarray) -> float:
            calls.append(1)
            return self.table[positions.tobytes()]

        return qm.FunctionSurface(energy, name=self.name), calls


@dataclass(frozen=True, kw_only=True)
class Row:
    """One strategy with one model at one problem."""

    problem: str
    """The problem."""
    model: str
    """The model."""
    strategy: str
    """The strategy."""
    calls: dict[int, tuple[int | None, ...]]
    """For each size of grid the calls after which its error was reached, for each seed."""
    rmse: dict[int, tuple[float, ...]]
    """Error after as many calls as the grid has points, for each seed (mHa)."""
    seconds: float
    """Processor time (s)."""


def lih(*, quick: bool, folder: Path | None) -> Problem:
    """Return the dissociation curve of LiH."""
    molecule = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(), qm.Exact())
    every = np.linspace(0.8, 5.0, 31 if quick else 169)
    candidates = qm.stretch(molecule, lengths=every[::2])
    return Problem(
        name="LiH",
        path=candidates,
        morse=_in_morse_variables(candidates),
        table=_table(surface, candidates, folder, "lih_candidates"),
        test=_data(surface, qm.stretch(molecule, lengths=every[1::2]), folder, "lih_test"),
        grids=(4, 6) if quick else (6, 8, 10, 12, 16),
        budget=6 if quick else 16,
        n_start=3,
    )


def water(*, quick: bool, folder: Path | None) -> Problem:
    """Return water with both stretches and the bend; the exchange of hydrogen atoms is left out."""
    molecule = qm.Molecule.from_xyz("O 0 0 0; H 0.7575 0.5871 0; H -0.7575 0.5871 0")
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(freeze_core=True), qm.Exact())
    bonds = qm.Distance(0, 1), qm.Distance(0, 2)
    box = [
        (qm.symmetric(*bonds), 0.85, 1.45),
        (qm.asymmetric(*bonds), 0.0, 0.25),
        (qm.Angle(1, 0, 2), 75.0, 145.0),
    ]
    candidates = qm.sample(molecule, box, 16 if quick else 256, seed=0)
    test = qm.sample(molecule, box, 16 if quick else 128, method="random", seed=1)
    return Problem(
        name="water",
        path=candidates,
        morse=_in_morse_variables(candidates),
        table=_table(surface, candidates, folder, "water_candidates"),
        test=_data(surface, test, folder, "water_test"),
        grids=(8,) if quick else (27, 48),
        budget=8 if quick else 48,
        n_start=4 if quick else 10,
    )


def _scan(surface: qm.SolverSurface, path: qm.Path, folder: Path | None, name: str) -> qm.Scan:
    store = None if folder is None else folder / f"{name}.db"
    return qm.scan(surface, path, store=store)


def _in_morse_variables(path: qm.Path) -> qm.Path:
    coordinates = path.coordinates.copy()
    coordinates[:, 0] = np.exp(-coordinates[:, 0] / MORSE_LENGTH)
    return dataclasses.replace(path, coordinates=coordinates)


def _table(
    surface: qm.SolverSurface, path: qm.Path, folder: Path | None, name: str
) -> dict[bytes, float]:
    energies = _scan(surface, path, folder, name).energies[:, 0]
    rows = zip(path.geometries, energies, strict=True)
    return {point.positions.tobytes(): float(energy) for point, energy in rows}


def _data(surface: qm.SolverSurface, path: qm.Path, folder: Path | None, name: str) -> SurfaceData:
    return SurfaceData.from_scan(_scan(surface, path, folder, name))


PROBLEMS: dict[str, Callable[..., Problem]] = {"LiH": lih, "water": water}
"""The problems."""


def classical(descriptor: Descriptor, seed: int) -> Potential:
    """Return a Gaussian process with a rational quadratic kernel."""
    kernel = RationalQuadratic(descriptor.feature_permutations())
    return GaussianProcess(descriptor, kernel, seed=seed)


def quantum(descriptor: Descriptor, seed: int) -> Potential:
    """Return a Gaussian process with the kernel of a circuit's states."""
    size = descriptor.n_features
    encoded = Encoding("morse_kernel").circuit(size, size)
    kernel = QuantumKernel(encoded, descriptor.feature_permutations(), seed=seed)
    return GaussianProcess(descriptor, kernel, seed=seed)


def network(descriptor: Descriptor, seed: int) -> Potential:
    """Return a network of two qubits and three layers."""
    features = descriptor if descriptor.permutation_invariant else Symmetrised(descriptor)
    encoded = Encoding("reupload_dense", layers=3).circuit(2, features.n_features)
    return NetworkPotential(features, QuantumNetwork(encoded, seed=seed))


@dataclass(frozen=True)
class Model:
    """A model, its strategy, and how it is trained."""

    make: Callable[[Descriptor, int], Potential]
    """Returns an untrained one."""
    strategy: Strategy
    """How it says where it is least sure."""
    training: Training
    """Its recipe."""
    baselines: tuple[Strategy, ...] = ("sobol", "random")
    """Strategies that it is compared with, beside the grid."""


MODELS: dict[str, Model] = {
    "GP RQ": Model(classical, "variance", LIKELIHOOD),
    "GP quantum kernel": Model(quantum, "variance", LIKELIHOOD),
    "QNN committee": Model(network, "committee", NETWORK, ()),
}
"""The models; a grid of the committee's networks is learnt by one network."""


def learnt(
    problem: Problem, model: Model, strategy: str, *, budget: int, seed: int
) -> ActiveLearning:
    """Return what one strategy learns; refuses a count of calls that is not the surface's."""
    kind: Strategy = "grid" if strategy in GRIDS else strategy  # type: ignore[assignment]
    surface, calls = problem.surface()
    descriptor = MorseVariables(problem.test.symbols)
    found = active_learning(
        surface,
        problem.morse if strategy == "grid, Morse" else problem.path,
        lambda start: model.make(descriptor, start),
        budget=budget,
        strategy=kind,
        n_start=problem.n_start,
        test=problem.test,
        training=model.training,
        seed=seed,
    )
    if len(calls) != found.n_calls:
        raise RuntimeError(f"{len(calls)} calls were counted as {found.n_calls}")
    return found


def measured(problem: Problem, name: str, seeds: Sequence[int]) -> list[Row]:
    """Return a model's rows at one problem, and print them as they come."""
    model, rows = MODELS[name], []
    limits: dict[int, float] = {}
    for strategy in (*GRIDS, model.strategy, *model.baselines):
        start = time.process_time()
        sizes = problem.grids if strategy in GRIDS else (problem.budget,)
        runs = {
            n: [learnt(problem, model, strategy, budget=n, seed=seed) for seed in seeds]
            for n in sizes
        }
        last = runs[sizes[-1]]
        errors = {n: tuple(_rmse(run, n) for run in runs.get(n, last)) for n in problem.grids}
        limits = limits or {n: float(np.median(values)) for n, values in errors.items()}
        calls = {n: _calls(runs, limit) for n, limit in limits.items()}
        seconds = time.process_time() - start
        rows.append(
            Row(
                problem=problem.name,
                model=name,
                strategy=strategy,
                calls=calls,
                rmse=errors,
                seconds=seconds,
            )
        )
        print(printed(rows[-1]), flush=True)
    return rows


def _calls(runs: dict[int, list[ActiveLearning]], limit: float) -> tuple[int | None, ...]:
    """Return after how many calls each seed has an error at or below a limit (mHa)."""
    if len(runs) == 1:
        return tuple(run.calls_to_reach(limit / 1e3) for run in next(iter(runs.values())))
    # Of grids each size is a run of its own: the smallest from which on all of them reach it.
    found = []
    for series in zip(*runs.values(), strict=True):
        good = [_rmse(run, n) <= limit * (1 + 1e-9) for n, run in zip(runs, series, strict=True)]
        kept = [n for k, n in enumerate(runs) if all(good[k:])]
        found.append(kept[0] if kept else None)
    return tuple(found)


def _rmse(run: ActiveLearning, n_calls: int) -> float:
    """Return the error after the last step of at most so many calls (mHa)."""
    steps = [step for step in run.steps if step.n_calls <= n_calls and step.errors is not None]
    last = steps[-1].errors if steps else None
    return float("nan") if last is None else 1e3 * last.rmse


def median_calls(calls: Sequence[int | None]) -> float:
    """Return the median; infinite where half of the seeds or more never got there."""
    return float(np.median([np.inf if n is None else n for n in calls]))


def printed(row: Row) -> str:
    """Return a row as text."""
    cells = []
    for n, calls in row.calls.items():
        needed, error = median_calls(calls), float(np.median(row.rmse[n]))
        words = f"{needed:5.1f}" if np.isfinite(needed) else "never"
        cells.append(f"{n:3d}: {words} calls, {error:8.4f} mHa")
    head = f"{row.problem:6} {row.model:18} {row.strategy:11}"
    return f"{head} {' | '.join(cells)} | {row.seconds:6.1f} s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--quick", action="store_true", help="a few points, to see that it runs")
    parser.add_argument("--problem", action="append", choices=list(PROBLEMS))
    parser.add_argument("--model", action="append", choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where scans of the solver are kept")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    seeds = range(1 if given.quick else given.seeds)
    print("grid size: median calls that reach its error, median error at that many calls")
    for name in given.problem or PROBLEMS:
        problem = PROBLEMS[name](quick=given.quick, folder=given.folder)
        for model in given.model or MODELS:
            rows += measured(problem, model, seeds)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


class _Raw(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


if __name__ == "__main__":
    sys.exit(main())
