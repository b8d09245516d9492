"""Layered circuits on the N2 curve: ``python -m benchmarks.layers [--quick]``.

Error above the exact ground state against the number of parameters: `uccsd`, `tups` and `kupccgsd`,
10 electrons in 8 orbitals, cc-pVDZ, 0.9 to 3.0 Å. Layered circuits have many minima. So each is
searched from random starts at a few anchors; then the lowest solutions are carried along the curve,
to and fro, and at every point the lowest energy stays. What is printed is an upper bound of what a
circuit can do: more starts, steps or branches find lower minima.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

import qmlmat as qm

GRADIENT_TOLERANCE = 1e-4
"""Where a search ends (hartree per radian). It may be a saddle point: tighter tolerances slide off
some of them within thousands of steps; here the other starts and the sweeps have to find a way."""

MAX_STEPS = 250
"""Most steps of one search; the next sweep goes on from where it stopped."""

START_WIDTH = 1.0
"""Half width of the uniform distribution of random starts (radians). The ``initial="random"`` of
``VQE`` has 0.1, near Hartree-Fock: many such searches end in the same poor minimum."""

LENGTHS = tuple(round(0.9 + 0.1 * k, 1) for k in range(22))
"""Bond lengths (Å)."""

ANCHORS = (0.9, 1.1, 2.0, 3.0)
"""Where random starts are tried (Å). Between 0.9 and 1.1 the highest occupied orbitals change their
order: nothing carries over there."""

N_STARTS = 5
"""Random starts at each anchor, besides the one from MP2 amplitudes."""

N_SWEEPS = 2
"""How often solutions are carried along the curve: to longer bonds, then to shorter ones."""

CIRCUITS: dict[str, qm.Ansatz] = {
    "uccsd": qm.Ansatz("uccsd"),
    **{f"tups, depth {n}": qm.Ansatz("tups", depth=n) for n in (1, 2, 3, 4, 6)},
    **{f"kupccgsd, k = {n}": qm.Ansatz("kupccgsd", k=n) for n in (1, 2, 3)},
}
"""What is compared."""

QUICK = {
    name: CIRCUITS[name] for name in ("uccsd", "tups, depth 1", "tups, depth 2", "kupccgsd, k = 1")
}
QUICK_LENGTHS = (1.1,)
QUICK_STARTS = 1
QUICK_STEPS = 20


@dataclass(frozen=True)
class Effort:
    """How hard a layered circuit is searched."""

    n_starts: int = N_STARTS
    """Random starts at each anchor."""
    n_sweeps: int = N_SWEEPS
    """Sweeps along the curve."""
    max_steps: int = MAX_STEPS
    """Most steps of one search."""
    seed: int = 1
    """Seed of the random starts."""


@dataclass
class Curve:
    """One circuit along the curve."""

    circuit: str
    n_params: int
    lengths: list[float]
    """Bond lengths (Å)."""
    errors: list[float] = field(default_factory=list)
    """Energy minus the exact one, by length (millihartree)."""
    statuses: list[str] = field(default_factory=list)
    """How the search that won ended, by length."""
    spin_squares: list[float] = field(default_factory=list)
    """Expectations of S^2, by length."""
    evaluations: int = 0
    """Energies, most with their gradient, of all searches together."""
    seconds: float = 0.0

    @property
    def spread(self) -> float:
        """Largest minus smallest error: how far the curve is from parallel (millihartree)."""
        return max(self.errors) - min(self.errors)


class Search:
    """The lowest solution of one circuit at each length so far."""

    def __init__(
        self, ansatz: qm.Ansatz, problems: Mapping[float, qm.MolecularHamiltonian], effort: Effort
    ) -> None:
        self.problems = problems
        self.effort = effort
        self.best: dict[float, qm.Solution] = {}
        self.evaluations = 0
        self._solver = qm.VQE(
            ansatz, gradient_tolerance=GRADIENT_TOLERANCE, max_iterations=effort.max_steps
        )
        self._tried: set[tuple[float, float, float]] = set()

    def start(self, length: float) -> None:
        """Search at one length from MP2 amplitudes."""
        self._solve(length, None)

    def random_starts(self, length: float) -> None:
        """Search at one length from random angles."""
        circuit = self._solver.circuit(self.problems[length])
        rng = np.random.default_rng([self.effort.seed, round(1000 * length)])
        for _ in range(self.effort.n_starts):
            angles = rng.uniform(-START_WIDTH, START_WIDTH, circuit.n_params)
            guess = qm.Solution(
                energies=np.array([np.nan]),
                unit="hartree",
                status="iteration_limit",
                params=angles,
                circuit=circuit,
            )
            self._solve(length, guess)

    def sweep(self, lengths: Sequence[float]) -> None:
        """Carry solutions from each length to the next, in the order given."""
        for here, there in pairwise(lengths):
            if here not in self.best:
                continue
            attempt = (here, there, self.best[here].energy)
            if attempt not in self._tried:
                self._tried.add(attempt)
                self._solve(there, self.best[here])

    def _solve(self, length: float, guess: qm.Solution | None) -> None:
        found = qm.solve(self.problems[length], self._solver, guess=guess)
        self.evaluations += found.history[-1].n_evaluations
        if length not in self.best or found.energy < self.best[length].energy:
            self.best[length] = found


def nitrogen(lengths: Sequence[float]) -> dict[float, qm.MolecularHamiltonian]:
    """Return the Hamiltonians of N2 by bond length (Å)."""
    return {
        length: qm.molecular_hamiltonian(
            qm.Molecule.from_xyz(f"N 0 0 0; N 0 0 {length}", basis="cc-pvdz"),
            qm.ActiveSpace(10, 8),
        )
        for length in lengths
    }


def curve(
    name: str,
    ansatz: qm.Ansatz,
    problems: Mapping[float, qm.MolecularHamiltonian],
    effort: Effort,
) -> Curve:
    """Return what a circuit reaches at each length."""
    lengths = sorted(problems)
    search = Search(ansatz, problems, effort)
    begin = time.perf_counter()
    if ansatz.load().repeat is None:  # MP2 amplitudes lead to its minimum
        for length in lengths:
            search.start(length)
    else:
        for length in [anchor for anchor in ANCHORS if anchor in problems]:
            search.start(length)
            search.random_starts(length)
        for number in range(effort.n_sweeps):
            search.sweep(lengths[::-1] if number % 2 else lengths)
    found = [search.best[length] for length in lengths]
    return Curve(
        circuit=name,
        n_params=found[0].params.size,
        lengths=lengths,
        errors=[1e3 * solution.error for solution in found],
        statuses=[solution.status for solution in found],
        spin_squares=[float(solution.spin_squares[0]) for solution in found],
        evaluations=search.evaluations,
        seconds=time.perf_counter() - begin,
    )


def curves(
    circuits: Mapping[str, qm.Ansatz],
    lengths: Sequence[float],
    effort: Effort,
    say: Callable[[str], None] = lambda _: None,
) -> list[Curve]:
    """Return one curve for each circuit."""
    problems = nitrogen(lengths)
    found = []
    for name, ansatz in circuits.items():
        say(name)
        found.append(curve(name, ansatz, problems, effort))
    return found


def lines(found: Sequence[Curve]) -> list[str]:
    """Return two tables as text: a summary by circuit, and the errors by length."""
    text = [
        "error above exact, mHa",
        f"{'':18s}{'params':>7s}{'max':>9s}{'mean':>9s}{'max-min':>9s}{'E+grad':>8s}{'s':>7s}",
    ]
    text += [
        f"{row.circuit:18s}{row.n_params:7d}{max(row.errors):9.3f}{np.mean(row.errors):9.3f}"
        f"{row.spread:9.3f}{row.evaluations:8d}{row.seconds:7.1f}"
        for row in found
    ]
    text += ["", "Å     " + "".join(f"{row.circuit:>17s}" for row in found)]
    text += [
        f"{length:<6.2f}" + "".join(f"{row.errors[k]:17.3f}" for row in found)
        for k, length in enumerate(found[0].lengths)
    ]
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one point, few layers, 20 steps")
    parser.add_argument("--seed", type=int, default=1, help="seed of the starts (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the curves there")
    options = parser.parse_args(arguments)
    qm.set_num_threads(1)
    effort = Effort(seed=options.seed)
    if options.quick:
        effort = Effort(n_starts=QUICK_STARTS, max_steps=QUICK_STEPS, seed=options.seed)
    found = curves(
        QUICK if options.quick else CIRCUITS,
        QUICK_LENGTHS if options.quick else LENGTHS,
        effort,
        say=lambda what: sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {what}\n") and None,
    )
    print("\n".join(lines(found)))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
