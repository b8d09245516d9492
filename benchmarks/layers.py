"""Fixed, layered and growing circuits on the N2 curve: ``python -m benchmarks.layers [--quick]``.

Error above the exact ground state against the number of parameters: `uccsd`, `tups`, `kupccgsd` and
ADAPT-VQE, 10 electrons in 8 orbitals, cc-pVDZ, 0.9 to 3.0 Å, each by the scan a user would run: a
point starts from its neighbour, and for layered circuits, which have many minima, from three random
points besides. What is printed for those is an upper bound of what the circuit can do.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import qmlmat as qm
from qmlmat.solvers import Solver

N_STARTS = 4
"""Searches at each point, the one from the neighbour included."""

MAX_STEPS = 200
"""Most steps of one search."""

TOLERANCE = 1e-5
"""Largest derivative at the end (hartree per radian). At 1e-4 many searches end on plateaus, tens
of millihartree too high."""

LENGTHS = tuple(round(0.9 + 0.1 * k, 1) for k in range(22))
"""Bond lengths (Å)."""


def layered(ansatz: qm.Ansatz) -> Solver:
    """Return the solver of a layered circuit."""
    return qm.VQE(ansatz, n_starts=N_STARTS, gradient_tolerance=TOLERANCE, max_iterations=MAX_STEPS)


SOLVERS: dict[str, Solver] = {
    "uccsd": qm.VQE("uccsd"),
    **{f"tups, depth {n}": layered(qm.Ansatz("tups", depth=n)) for n in (1, 2, 4, 8)},
    **{f"kupccgsd, k = {n}": layered(qm.Ansatz("kupccgsd", k=n)) for n in (1, 2, 3)},
    "ADAPT, slopes 1e-2": qm.ADAPTVQE(gradient_tolerance=1e-2, spin_penalty=0.05),
    "ADAPT, slopes 1e-3": qm.ADAPTVQE(operators_per_step=4, spin_penalty=0.05),
}
"""What is compared."""

QUICK: dict[str, Solver] = {
    "uccsd": SOLVERS["uccsd"],
    "tups, depth 1": qm.VQE(qm.Ansatz("tups", depth=1), n_starts=2, max_iterations=20),
    "ADAPT, slopes 1e-2": SOLVERS["ADAPT, slopes 1e-2"],
}


@dataclass(frozen=True)
class Curve:
    """One solver along the curve."""

    solver: str
    n_params: tuple[int, ...]
    """Parameters, by length."""
    lengths: tuple[float, ...]
    """Bond lengths (Å)."""
    errors: tuple[float, ...]
    """Energy minus the exact one, by length (millihartree)."""
    spin_squares: tuple[float, ...]
    """Expectations of S^2, by length."""
    evaluations: int
    """Energies, most with their gradient, of all searches together."""
    seconds: float


def curve(name: str, solver: Solver, lengths: Sequence[float]) -> Curve:
    """Return what a solver reaches at each length."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.1", basis="cc-pvdz")
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(10, 8), solver, orbitals="canonical")
    begin = time.perf_counter()
    scan = qm.scan(surface, qm.stretch(molecule, (0, 1), lengths))
    seconds = time.perf_counter() - begin
    found = [result.solution for result in scan.results]
    return Curve(
        solver=name,
        n_params=tuple(solution.params.size for solution in found),
        lengths=tuple(lengths),
        errors=tuple((1e3 * scan.errors).tolist()),
        spin_squares=tuple(float(solution.spin_squares[0]) for solution in found),
        evaluations=sum(solution.history[-1].n_evaluations for solution in found),
        seconds=seconds,
    )


def curves(
    solvers: Mapping[str, Solver],
    lengths: Sequence[float],
    say: Callable[[str], None] = lambda _: None,
) -> list[Curve]:
    """Return one curve for each solver."""
    found = []
    for name, solver in solvers.items():
        say(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", qm.QmlmatWarning)  # <S^2> stands in the table
            found.append(curve(name, solver, lengths))
    return found


def lines(found: Sequence[Curve]) -> list[str]:
    """Return two tables as text: a summary by solver, and the errors by length."""
    text = [
        "error above exact, mHa",
        f"{'':20s}{'params':>9s}{'max':>9s}{'mean':>9s}{'max-min':>9s}{'<S^2>':>9s}{'E+grad':>8s}"
        f"{'s':>7s}",
    ]
    for row in found:
        low, high = min(row.n_params), max(row.n_params)
        params = str(low) if low == high else f"{low}-{high}"
        text.append(
            f"{row.solver:20s}{params:>9s}{max(row.errors):9.3f}{np.mean(row.errors):9.3f}"
            f"{max(row.errors) - min(row.errors):9.3f}{max(row.spin_squares):9.0e}"
            f"{row.evaluations:8d}{row.seconds:7.1f}"
        )
    text += ["", "Å     " + "".join(f"{row.solver:>20s}" for row in found)]
    text += [
        f"{length:<6.2f}" + "".join(f"{row.errors[k]:20.3f}" for row in found)
        for k, length in enumerate(found[0].lengths)
    ]
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two points, three solvers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the curves there")
    options = parser.parse_args(arguments)
    qm.set_num_threads(1)
    found = curves(
        QUICK if options.quick else SOLVERS,
        (1.0, 1.1) if options.quick else LENGTHS,
        say=lambda what: sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {what}\n") and None,
    )
    print("\n".join(lines(found)))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
