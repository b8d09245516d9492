"""Error bars, jobs and shots: ``python -m benchmarks.shots [--quick]``.

Whether error bars cover what they should and eigenvalues are without bias; circuits, jobs and
transpilations of gradients and scans beside the naive route; shots for chemical accuracy by
grouping and allocation; shift-rule gradients beside the adjoint sweep.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from qiskit.primitives import StatevectorSampler

import qmlmat as qm
from benchmarks.naive import Spent, naive_gradient
from qmlmat.backends import Backend, Estimate
from qmlmat.backends.base import Capabilities, Evaluator
from qmlmat.backends.requests import Counts, ValueAndGradient
from qmlmat.operators.grouping import GroupingMethod, allocate_shots, group_words
from qmlmat.operators.mappings import QubitMapping
from qmlmat.solvers.measured import jackknife, measured_matrix
from qmlmat.systems import MolecularHamiltonian
from qmlmat.typing import FloatArray

SYSTEMS: dict[str, tuple[str, qm.ActiveSpace | None]] = {
    "H2": ("H 0 0 0; H 0 0 0.735", None),
    "LiH (2e,3o)": ("Li 0 0 0; H 0 0 1.595", qm.ActiveSpace(indices=(1, 2, 5))),
    "H2O (4e,4o)": (
        "O 0 0 0; H 0.9584 0 0; H -0.239035 0.928110 0",  # 104.44 degrees
        qm.ActiveSpace(4, 4),
    ),
}
"""STO-3G; bond lengths in Å."""
SMALL = ("H2", "LiH (2e,3o)")
LENGTHS = tuple(round(1.2 + 0.15 * k, 2) for k in range(10))
"""Bond lengths of the LiH scan (Å)."""
SINGLETS = {"H2": ("20", "ud", "02"), "LiH (2e,3o)": ("200", "ud0", "u0d", "020", "0ud", "002")}
"""Configuration state functions whose span is diagonalised."""
ACCURACY = 1.6e-3
"""Chemical accuracy (hartree)."""
GROUPINGS: tuple[GroupingMethod, ...] = ("qubit_wise", "commuting")
WANTED = (0.60, 0.76)
"""Share of 68 % error bars that must cover, 200 repetitions."""


@cache
def hamiltonian(system: str) -> MolecularHamiltonian:
    """Return a system's Hamiltonian."""
    xyz, space = SYSTEMS[system]
    return qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz), space)


def mappings(problem: MolecularHamiltonian) -> dict[str, QubitMapping]:
    """Return the mappings compared."""
    return {
        "Jordan-Wigner": problem.qubit_mapping(),
        "parity, reduced": problem.qubit_mapping("parity", reduced=True),
    }


@cache
def ground(system: str) -> qm.Solution:
    """Return the ground state of the screened uccsd circuit, found exactly."""
    return qm.solve(hamiltonian(system), qm.VQE("uccsd", screening=qm.Screening()))


def request(system: str) -> qm.Request:
    """Return the energy of this circuit."""
    problem, circuit = hamiltonian(system), ground(system).circuit
    assert circuit is not None
    reference = qm.Reference.hartree_fock(problem.norb, problem.nelec)
    return qm.Request(preparation=qm.Preparation(circuit, reference), observables=(problem,))


@dataclass
class Dealt:
    """A sampling backend that measures matrices for all repetitions at once and deals them out."""

    backend: qm.StatevectorBackend
    """What measures."""
    n_repetitions: int
    """How often."""
    _shares: dict[int, list[Estimate]] = field(default_factory=dict)

    @property
    def capabilities(self) -> Capabilities:
        """The backend's."""
        return self.backend.capabilities

    @property
    def shots(self) -> int | None:
        """The backend's."""
        return self.backend.shots

    def prepare(self, asked: qm.Request, *, seed: int | None = None) -> Evaluator:
        """Return the backend's evaluator."""
        return self.backend.prepare(asked, seed=seed)

    def run(
        self, requests: Sequence[qm.Request], *, seed: int | None = None
    ) -> list[Estimate | Counts]:
        """Return this repetition's share of what the first call measured."""
        if requests[0].role != "subspace":
            return self.backend.run(requests, seed=seed)
        (asked,) = requests
        place = len(asked.preparation.references)
        if not self._shares.get(place):
            self._shares[place] = self._measured(asked, seed)
        return [self._shares[place].pop()]

    def _measured(self, asked: qm.Request, seed: int | None) -> list[Estimate]:
        params = asked.preparation.params
        assert params is not None
        everything = replace(
            asked.preparation,
            params=np.tile(params, (self.n_repetitions, *[1] * (params.ndim - 1))),
        )
        (answer,) = self.backend.run([replace(asked, preparation=everything)], seed=seed)
        assert isinstance(answer, Estimate)
        return [
            replace(answer, values=values, variances=variances)
            for values, variances in zip(
                np.split(answer.values, self.n_repetitions),
                np.split(answer.variances, self.n_repetitions),
                strict=True,
            )
        ]


def energy_coverage(n_repetitions: int, shots: int = 4000) -> list[tuple[str, float, float]]:
    """Return how often error bars of energies cover: what, share, mean deviation.

    The last is in units of its error.
    """
    found = []
    for system in SMALL:
        for name, mapping in mappings(hamiltonian(system)).items():
            for grouping in GROUPINGS:
                backend = qm.StatevectorBackend(mapping=mapping, shots=shots, grouping=grouping)
                params = np.tile(ground(system).params, (n_repetitions, 1))
                answer = backend.prepare(request(system), seed=11)(params)
                wrong = (answer.values[:, 0] - ground(system).energy) / answer.variances[
                    :, 0
                ] ** 0.5
                what = f"{system}, {name}, {grouping}"
                found.append((what, *_coverage(wrong)))
    return found


def _coverage(wrong: FloatArray) -> tuple[float, float]:
    return float((np.abs(wrong) < 1).mean()), float(wrong.mean() * np.sqrt(len(wrong)))


def gap_coverage(n_repetitions: int, shots: int = 20_000) -> list[tuple[str, float, float]]:
    """Return the same for gaps of q-sc-EOM, singlets."""
    found = []
    for system in SMALL:
        problem = hamiltonian(system)
        vqe = qm.VQE("uccsd", screening=qm.Screening(), exact_search=True)
        solver = qm.EOM(ground=vqe, multiplicity=1)
        exact = qm.solve(problem, solver, n_states=3).energies
        mapping = problem.qubit_mapping("parity", reduced=True)
        backend = Dealt(qm.StatevectorBackend(mapping=mapping, shots=shots), n_repetitions)
        wrong = []
        for seed in range(n_repetitions):
            measured = solver.eigenpairs(
                problem, n_states=3, guess=ground(system), backend=backend, seed=seed
            )
            errors = measured.gap_stderr
            assert errors is not None
            off = (measured.energies - measured.energies[0]) - (exact - exact[0])
            wrong.append(off[1:] / errors[1:])
        for k, one in enumerate(np.array(wrong).T, start=1):
            found.append((f"{system}, gap {k}", *_coverage(one)))
    return found


def bias(n_repetitions: int, shots: int = 2000) -> list[str]:
    """Return the bias of eigenvalues of measured matrices, without and with the jackknife."""
    text = [
        "",
        f"bias of the eigenvalues of a matrix over singlets, mHa; {shots} shots a state, "
        f"{n_repetitions} repetitions",
        f"{'':14s}{'level':>6s}{'as measured':>18s}{'jackknife':>18s}{'scatter':>10s}",
    ]
    for system, steps in SINGLETS.items():
        problem, found = hamiltonian(system), ground(system)
        references = tuple(qm.Reference.csf(one, problem.nelec) for one in steps)
        assert found.circuit is not None
        preparation = qm.Preparation(found.circuit, references, found.params)
        mapping = problem.qubit_mapping("parity", reduced=True)
        exact = np.linalg.eigvalsh(
            measured_matrix(problem, preparation, qm.StatevectorBackend(mapping=mapping)).blocks[0]
        )
        backend: Backend = Dealt(qm.StatevectorBackend(mapping=mapping, shots=shots), n_repetitions)
        raw, clean = [], []
        for seed in range(n_repetitions):
            blocks = measured_matrix(problem, preparation, backend, seed=seed).blocks
            answer = jackknife(blocks, np.linalg.eigvalsh)
            raw.append(answer.values + answer.bias - exact)
            clean.append(answer.values - exact)
        for k in range(len(exact)):
            without, with_it = (1e3 * np.array(rows)[:, k] for rows in (raw, clean))
            text.append(
                f"{system:14s}{k:6d}{_mean(without):>18s}{_mean(with_it):>18s}"
                f"{with_it.std(ddof=1):10.1f}"
            )
    return text


def _mean(values: FloatArray) -> str:
    return f"{values.mean():.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def counting() -> list[str]:
    """Return circuits, jobs and transpilations of gradients and a scan, beside the naive route."""
    text = [
        "",
        "on a Qiskit sampler; naive: one job, transpiled anew, for each point, shift and "
        "qubit-wise group",
        f"{'':34s}{'jobs':>6s}{'circuits':>10s}{'transpiled':>12s}{'naive, each':>13s}",
    ]
    text += [
        _counted(f"{system}, one gradient", [(hamiltonian(system), ground(system))], gradient=True)
        for system in SMALL
    ]
    scan = scan_requests()
    text.append(_counted("LiH, 10 points, energies", scan, gradient=False))
    text.append(_counted("LiH, 10 points, gradients", scan, gradient=True))
    return text


def scan_requests() -> list[tuple[MolecularHamiltonian, qm.Solution]]:
    """Return Hamiltonian and ground state along the LiH scan, the same circuit everywhere."""
    found = []
    for length in LENGTHS:
        molecule = qm.Molecule.from_xyz(f"Li 0 0 0; H 0 0 {length}")
        problem = qm.molecular_hamiltonian(molecule, SYSTEMS["LiH (2e,3o)"][1])
        found.append((problem, qm.solve(problem, qm.VQE("uccsd"))))
    return found


def measured_together(
    points: Sequence[tuple[MolecularHamiltonian, qm.Solution]],
    backend: qm.QiskitBackend,
    *,
    gradient: bool,
) -> int:
    """Measure all points by one submission; return the number of shifts of one gradient."""
    problem, found = points[0]
    assert found.circuit is not None
    reference = qm.Reference.hartree_fock(problem.norb, problem.nelec)
    asked = qm.Request(
        preparation=qm.Preparation(found.circuit, reference),
        observables=tuple(one for one, _ in points),
        pairing="each",
    )
    evaluator = backend.prepare(asked)
    params = np.array([one.params for _, one in points])
    answer = evaluator.value_and_gradient(params) if gradient else evaluator(params)
    if isinstance(answer, ValueAndGradient):
        assert answer.gradient.shape == params.shape
    return sum(len(rule.shifts) for rule in evaluator.ansatz.rules)


def _counted(
    what: str, points: Sequence[tuple[MolecularHamiltonian, qm.Solution]], *, gradient: bool
) -> str:
    mapping = points[0][0].qubit_mapping("parity", reduced=True)
    backend = qm.QiskitBackend.ideal(seed=1, mapping=mapping, shots=200)
    n_shifts = measured_together(points, backend, gradient=gradient)
    groups = [len(group_words(one.pauli_sum(mapping), "qubit_wise")) for one, _ in points]
    naive = sum(groups) * (1 + n_shifts if gradient else 1)
    usage = backend.usage
    return f"{what:34s}{usage.n_jobs:6d}{usage.n_circuits:10d}{usage.n_transpiled:12d}{naive:13d}"


def run_both(shots: int = 20_000) -> list[str]:
    """Return what one gradient of H2 takes both ways, really run."""
    mapping = hamiltonian("H2").qubit_mapping()
    backend = qm.QiskitBackend.ideal(seed=1, mapping=mapping, shots=shots)
    params = np.array([0.1])
    start = time.perf_counter()
    evaluator = backend.prepare(request("H2"))
    ours = evaluator.value_and_gradient(params)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    theirs, spent = naive_gradient(
        evaluator,
        params,
        StatevectorSampler(seed=np.random.default_rng(2)),
        shots_per_circuit=shots // 2,
    )
    naive_seconds = time.perf_counter() - start
    exact = qm.SectorBackend().prepare(request("H2")).value_and_gradient(params)
    assert ours.gradient_variances is not None
    usage = backend.usage
    used = Spent(usage.n_jobs, usage.n_circuits, usage.n_transpiled)
    return [
        "",
        "H2, Jordan-Wigner, one gradient, both ways run on a Qiskit sampler (hartree per radian):",
        f"  exact {exact.gradient[0, 0]:.4f}; here {ours.gradient[0, 0]:.4f} ± "
        f"{ours.gradient_variances[0, 0] ** 0.5:.4f}, {used}, {seconds:.2f} s;",
        f"  naive {theirs[0]:.4f}, {spent}, {naive_seconds:.2f} s",
    ]


def shots_needed() -> list[str]:
    """Return the shots for chemical accuracy, by grouping and allocation."""
    text = [
        "",
        "thousands of shots for an error of 1.6 mHa, by how they are shared among the groups:",
        "alike, by the groups' weights, as here (expected near the reference), by exact deviations",
        f"{'':44s}{'groups':>7s}{'alike':>8s}{'weights':>9s}{'here':>8s}{'exact':>8s}",
    ]
    for system in SYSTEMS:
        for name, mapping in mappings(hamiltonian(system)).items():
            for grouping in GROUPINGS:
                n_groups, numbers = _needed(system, mapping, grouping)
                row = "".join(
                    f"{n / 1e3:{w}.0f}" for n, w in zip(numbers, (8, 9, 8, 8), strict=True)
                )
                text.append(f"{f'{system}, {name}, {grouping}':44s}{n_groups:7d}{row}")
    return text


def _needed(
    system: str, mapping: QubitMapping, grouping: GroupingMethod
) -> tuple[int, tuple[float, ...]]:
    """Return the number of groups, and the shots by each way of sharing them."""
    problem, found = hamiltonian(system), ground(system)
    groups = group_words(problem.pauli_sum(mapping), grouping)
    asked = request(system)
    prepared = qm.Preparation(asked.preparation.circuit, asked.preparation.reference, found.params)
    (state,) = np.atleast_2d(qm.StatevectorBackend(mapping=mapping).qubit_state(prepared))
    deviations = np.array([group.deviation(state) for group in groups])
    total = 10_000_000
    shares = (
        np.full(len(groups), total / len(groups)),
        allocate_shots(groups, total),
        allocate_shots(groups, total, deviations=deviations),
    )
    alike, weights, best = (
        float((deviations**2 / share).sum()) * total / ACCURACY**2 for share in shares
    )
    shots = 40_000
    backend = qm.StatevectorBackend(mapping=mapping, grouping=grouping, shots=shots)
    answer = backend.prepare(asked, seed=5)(np.tile(found.params, (20, 1)))
    here = float(answer.variances.mean()) * shots / ACCURACY**2
    return len(groups), (alike, weights, here, best)


def gradients() -> list[str]:
    """Return shift-rule gradients on a Qiskit estimator beside the adjoint sweep."""
    text = ["", "shift rule on Qiskit's StatevectorEstimator against the adjoint sweep"]
    for system in SMALL:
        problem = hamiltonian(system)
        chosen = {
            **mappings(problem),
            "Bravyi-Kitaev": problem.qubit_mapping("bravyi_kitaev"),
            "tapered": problem.qubit_mapping(tapered=True),
        }
        asked = request(system)
        params = np.random.default_rng(3).normal(size=(2, asked.preparation.circuit.n_params))
        exact = qm.SectorBackend().prepare(asked).value_and_gradient(params)
        for name, mapping in chosen.items():
            backend = qm.QiskitBackend.ideal(mapping=mapping)
            found = backend.prepare(asked).value_and_gradient(params)
            worst = float(np.abs(found.gradient - exact.gradient).max())
            assert worst < 1e-8, worst
            text.append(
                f"  {system:12s} {name:16s} largest difference {worst:.0e} hartree per radian, "
                f"{len(params)} points, {backend.usage.n_circuits} states, "
                f"jobs {backend.usage.n_jobs}"
            )
    return text


def coverage_table(rows: Sequence[tuple[str, float, float]], title: str) -> list[str]:
    """Return coverages as text."""
    text = ["", title]
    text += [f"  {what:44s}{share:7.1%}   {mean:+.1f}" for what, share, mean in rows]
    mean = np.mean([share for _, share, _ in rows])
    return [*text, f"  {'all together':44s}{mean:7.1%}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where error bars cover too often or not often enough."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shots", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repetitions, no verdict")
    options = parser.parse_args(arguments)
    qm.set_num_threads(1)
    n_repetitions = 5 if options.quick else 200
    start = time.perf_counter()
    energies, gaps = energy_coverage(n_repetitions), gap_coverage(n_repetitions)
    print(
        f"68 % error bars that cover, {n_repetitions} repetitions, and mean deviation in units of "
        "its error"
    )
    print("\n".join(coverage_table(energies, "energies of uccsd, 4,000 shots")))
    print("\n".join(coverage_table(gaps, "gaps of q-sc-EOM, 20,000 shots a state")))
    parts: tuple[Callable[[], list[str]], ...] = (counting, run_both, shots_needed, gradients)
    for part in (lambda: bias(n_repetitions), *parts):
        print("\n".join(part()), flush=True)
    seconds = time.perf_counter() - start
    print(f"\n{seconds:.0f} s ({time.process_time():.0f} s of one core)")
    low, high = WANTED
    covers = all(low <= share <= high for _, share, _ in [*energies, *gaps])
    return int(not (covers or options.quick))


if __name__ == "__main__":
    sys.exit(main())
