"""Geometry-conditioned circuits: ``python -m benchmarks.learning.conditioned [--quick] [--only h4]``.

H4 from a rectangle through the square: the circuit itself, its read-out in the span of the training
geometries, exact eigenvector continuation, and Gaussian processes on labels; in three gauges of the
orbitals, for the ground state and for three singlets. LiH through its avoided crossing: the smallest
gap of two singlets and where it is. And a circuit that two qubits hold, on devices.

Errors are of 55 geometries, R = 0.25 + 0.055 i (i = 0..49) Å and the five of training, against full
CI of the same Hamiltonian. For each seed the network starts three times, and the start that ends in
the lowest loss counts: no label is looked at. Printed are medians over seeds, with their range.

Circuit, read-out and continuation look at the Hamiltonian of each test geometry; the Gaussian
process on E knows labels only, that on E - E(HF) Hartree-Fock of the test geometry, too.

Published for the same training and test geometries: nl-meta-VQE (arXiv:2009.13545, its data file).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pennylane as qml
import torch

import qmlmat as qm
from qmlmat.potentials.conditioned import (
    ConditionedCircuit,
    EigenvectorContinuation,
    HamiltonianSource,
    LogRatio,
    MeasuredCurve,
    SubspaceReadout,
    measure_circuit,
)
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import InternalCoordinates, InverseDistances
from qmlmat.potentials.gaussian import GaussianProcess, RationalQuadratic
from qmlmat.potentials.training import Training, fit
from qmlmat.surfaces import Geometry
from qmlmat.systems.blocks import symmetry_states
from qmlmat.typing import FloatArray

MILLIHARTREE = 1e3
HARTREE_IN_EV = 27.211386245988
SIDE = 1.23
"""Fixed side of the rectangle (Å), where the square is."""
WIDTH = 0.2
"""Of the feature of the swap, in ln R."""
FIVE = (0.5, 1.0, 1.5, 2.0, 2.5)
NINE = (0.35, 0.65, 0.95, 1.15, 1.35, 1.6, 1.9, 2.3, 2.8)
PUBLISHED = {"nl-meta-VQE": (3.88, 40.0), "the same, angles optimised": (1.74, 14.9)}
"""Mean and largest error (mHa)."""
LIH_GAP = (2.0194, 2.975)
"""Smallest gap of the two lowest singlets of LiH (eV), and where it is (Å): full CI, STO-3G."""
LIH_RANGE = (0.8, 5.0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is computed."""

    n_seeds: int = 3
    """Trainings, each of several starts."""
    n_starts: int = 3
    """Starts of each."""
    n_steps: int = 500
    """Most steps of L-BFGS."""
    n_test: int = 50
    """Unseen geometries of H4."""
    n_gap: int = 85
    """Geometries of LiH."""
    shots: tuple[int, ...] = (1_000, 10_000)
    """Shots for an energy."""


FULL = Plan()
QUICK = Plan(n_seeds=1, n_starts=1, n_steps=40, n_test=6, n_gap=15, shots=(1_000,))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One arm."""

    arm: str
    """What predicts."""
    state: int
    """Which state."""
    mae: tuple[float, ...]
    """Mean absolute errors, for each seed (mHa)."""
    largest: tuple[float, ...]
    """Largest errors, for each seed (mHa)."""
    n_weights: int = 0
    """Trainable numbers."""
    seconds: float = 0.0
    """Of training one seed, all starts, median (s)."""
    remark: str = ""
    """What else to know."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A circuit and its network."""

    layers: int
    """Layers of k-UpCCGSD."""
    hidden: int
    """Units of the hidden layer."""
    n_states: int = 1
    """Number of states."""
    width: float | None = WIDTH
    """Of the feature of the swap; ``None``: the plain ``|ln|``."""


# ------------------------------------------------------------------------------------------- H4


def rectangle(length: float) -> Geometry:
    """Return four hydrogen atoms."""
    return Geometry(
        ("H",) * 4, np.array([[0, 0, 0], [0, 0, SIDE], [length, 0, 0], [length, 0, SIDE]])
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """A source, where to train, and where to test against what."""

    source: HamiltonianSource
    training: tuple[Geometry, ...]
    test: tuple[Geometry, ...]
    exact: FloatArray
    """Shape ``(n_test, n_states)`` (hartree)."""
    exact_training: FloatArray
    """Shape ``(n_training, n_states)`` (hartree)."""


def exact_singlets(source: HamiltonianSource, points: Sequence[Geometry], n: int) -> FloatArray:
    """Return the lowest singlets, shape ``(n_points, n)`` (hartree)."""
    return np.array(
        [symmetry_states(source.at(p).hamiltonian, n, multiplicity=1).energies for p in points]
    )


def h4_problem(plan: Plan, lengths: Sequence[float], gauge: Any, n_states: int) -> Problem:  # noqa: ANN401 (a literal)
    """Return H4 with some training geometries and the test geometries."""
    training = tuple(rectangle(length) for length in lengths)
    unseen = 0.25 + 0.055 * np.linspace(0, 49, plan.n_test)
    test = tuple(rectangle(float(length)) for length in (*unseen, *FIVE))
    molecule = qm.Molecule(("H",) * 4, rectangle(1.5).positions)
    source = HamiltonianSource(molecule, orbitals=gauge, anchors=training)
    return Problem(
        source=source,
        training=training,
        test=test,
        exact=exact_singlets(source, test, n_states),
        exact_training=exact_singlets(source, training, n_states),
    )


def trained(
    make: Callable[[int], ConditionedCircuit], points: Sequence[Geometry], plan: Plan, seed: int
) -> tuple[ConditionedCircuit, float]:
    """Return the model of the lowest loss of several starts, and the seconds of all of them."""
    recipe = Training(n_adam=0, n_lbfgs=plan.n_steps, gradient_tolerance=1e-9)
    start, fits = time.perf_counter(), []
    for k in range(plan.n_starts):
        model = make(plan.n_starts * seed + k)
        fits.append(fit(model, model.training_points(points), training=recipe))
    best = min(fits, key=lambda found: found.best.loss)
    assert isinstance(best.model, ConditionedCircuit)
    return best.model, time.perf_counter() - start


def circuit_rows(problem: Problem, setting: Setting, plan: Plan, name: str) -> list[Row]:
    """Return the errors of a circuit and of its read-out, state by state."""

    def make(seed: int) -> ConditionedCircuit:
        features = LogRatio(("H",) * 4, (0, 2), SIDE, width=setting.width)
        ansatz = qm.Ansatz("kupccgsd", k=setting.layers)
        return ConditionedCircuit(
            problem.source,
            ansatz,
            features,
            n_states=setting.n_states,
            hidden=setting.hidden,
            seed=seed,
        )

    positions = torch.from_numpy(np.array([point.positions for point in problem.test]))
    direct, read, seconds, remarks = [], [], [], []
    for seed in range(plan.n_seeds):
        model, taken = trained(make, problem.training, plan, seed)
        seconds.append(taken)
        direct.append(model.energies(positions).detach().numpy())
        readout = SubspaceReadout(model, problem.training)
        found = [readout.read(point) for point in problem.test[: plan.n_test]]
        read.append(np.array([readout.evaluate(p).energies for p in problem.test]))
        condition = np.median([each.condition for each in found])
        sizes = f"{max(each.n_kept for each in found)} of {found[0].n_space} dimensions"
        nearly = ", nearly complete" if any(each.is_nearly_complete for each in found) else ""
        remarks.append(f"{sizes}{nearly}, condition {condition:.0e}")
    known = {"n_weights": model.n_weights, "seconds": float(np.median(seconds))}
    rows = []
    for state in range(setting.n_states):
        rows.append(row(f"{name}, direct", state, direct, problem.exact, known))
        known_read = {**known, "remark": remarks[0]}
        rows.append(row(f"{name}, read-out", state, read, problem.exact, known_read))
    return rows


def row(
    arm: str,
    state: int,
    energies: Sequence[FloatArray],
    exact: FloatArray,
    known: dict[str, Any] | None = None,
) -> Row:
    """Return the errors of one state, one entry for each seed."""
    errors = [MILLIHARTREE * np.abs(each[:, state] - exact[:, state]) for each in energies]
    return Row(
        arm=arm,
        state=state,
        mae=tuple(float(e.mean()) for e in errors),
        largest=tuple(float(e.max()) for e in errors),
        **(known or {}),
    )


def continuation_rows(problem: Problem, n_states: int) -> list[Row]:
    """Return the errors of eigenvector continuation."""
    surface = EigenvectorContinuation(
        problem.source, problem.training, n_states=n_states, multiplicity=1
    )
    found = [surface.read(point) for point in problem.test]
    energies = np.array([each.solution.energies for each in found])
    remark = f"{found[0].n_kept} of {found[0].n_space} dimensions"
    return [
        row("eigenvector continuation", k, [energies], problem.exact, {"remark": remark})
        for k in range(n_states)
    ]


def gaussian_rows(problem: Problem) -> list[Row]:
    """Return the errors of Gaussian processes on the ground state's labels."""
    symbols = problem.training[0].symbols
    length = InternalCoordinates(symbols, [qm.Distance(0, 2)])
    rows = []
    for name, is_difference in (("GP on E", False), ("GP on E - E(HF)", True)):
        base = [
            hartree_fock(problem, points, is_difference)
            for points in (problem.training, problem.test)
        ]
        data = SurfaceData(
            symbols=symbols,
            positions=np.array([point.positions for point in problem.training]),
            energies=problem.exact_training[:, :1] - base[0],
        )
        model = GaussianProcess(length, RationalQuadratic(torch.arange(1)[None]))
        fit(model, data)
        positions = torch.from_numpy(np.array([point.positions for point in problem.test]))
        with torch.no_grad():
            energies = model.energies(positions).numpy() + base[1]
        rows.append(row(name, 0, [energies], problem.exact, {"n_weights": model.n_weights}))
    return rows


def hartree_fock(problem: Problem, points: Sequence[Geometry], is_wanted: bool) -> FloatArray:
    """Return Hartree-Fock energies, or zeros, shape ``(n_points, 1)`` (hartree)."""
    energies = [problem.source.at(point).mean_field.energy for point in points]
    return np.array(energies)[:, None] * float(is_wanted)


def h4_rows(plan: Plan) -> list[Row]:
    """Return the ground state of H4, five training geometries, canonical orbitals."""
    problem = h4_problem(plan, FIVE, "canonical", 1)
    rows = circuit_rows(problem, Setting(layers=3, hidden=4), plan, "3 layers, mixing feature")
    plain = Setting(layers=2, hidden=4, width=None)
    rows += circuit_rows(problem, plain, plan, "2 layers, plain feature")
    return rows + continuation_rows(problem, 1) + gaussian_rows(problem)


def gauge_rows(plan: Plan) -> list[Row]:
    """Return the same in the other gauges."""
    rows = []
    for gauge in ("tracked", "fixed"):
        problem = h4_problem(plan, FIVE, gauge, 1)
        for setting, name in (
            (Setting(layers=3, hidden=4), "3 layers, mixing feature"),
            (Setting(layers=2, hidden=4, width=None), "2 layers, plain feature"),
        ):
            rows += circuit_rows(problem, setting, plan, f"{gauge}: {name}")
        rows += [
            Row(**{**asdict(r), "arm": f"{gauge}: {r.arm}"}) for r in continuation_rows(problem, 1)
        ]
    return rows


def excited_rows(plan: Plan) -> list[Row]:
    """Return three singlets of H4, nine training geometries."""
    problem = h4_problem(plan, NINE, "canonical", 3)
    setting = Setting(layers=4, hidden=6, n_states=3)
    return circuit_rows(problem, setting, plan, "4 layers") + continuation_rows(problem, 3)


# ------------------------------------------------------------------------------------------ LiH


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The smallest gap of two states along a bond, and the errors of both."""

    arm: str
    """What predicts."""
    gap: tuple[float, ...]
    """For each seed (eV)."""
    place: tuple[float, ...]
    """For each seed (Å)."""
    mae: tuple[float, float]
    """Mean absolute errors of both states, median over seeds (mHa)."""
    n_weights: int = 0
    """Trainable numbers."""
    seconds: float = 0.0
    """Of training one seed, all starts, median (s)."""
    remark: str = ""
    """What else to know."""


def bond(length: float) -> Geometry:
    """Return LiH."""
    return Geometry(("Li", "H"), np.array([[0, 0, 0], [0, 0, length]]))


def smallest(lengths: FloatArray, energies: FloatArray) -> tuple[float, float]:
    """Return the smallest gap (eV) and its place (Å), from the parabola through three points."""
    gaps = HARTREE_IN_EV * (energies[:, 1] - energies[:, 0])
    middle = int(np.clip(gaps.argmin(), 1, len(gaps) - 2))
    some = slice(middle - 1, middle + 2)
    curve = np.polynomial.Polynomial.fit(lengths[some], gaps[some], 2).convert()
    place = -curve.coef[1] / (2 * curve.coef[2])
    return float(curve(place)), float(place)


def lih_gaps(plan: Plan) -> list[Gap]:
    """Return the avoided crossing of LiH, nine Chebyshev points."""
    low, high = LIH_RANGE
    nodes = 0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.pi * (np.arange(9) + 0.5) / 9)
    training = [bond(float(length)) for length in nodes]
    lengths = np.linspace(low, high, plan.n_gap)
    test = [bond(float(length)) for length in lengths]
    source = HamiltonianSource(
        qm.Molecule(("Li", "H"), bond(1.6).positions), orbitals="tracked", anchors=training
    )
    exact = exact_singlets(source, test, 2)

    def make(seed: int) -> ConditionedCircuit:
        features = InverseDistances(("Li", "H"))
        ansatz = qm.Ansatz("kupccgsd", k=2)
        return ConditionedCircuit(source, ansatz, features, n_states=2, hidden=6, seed=seed)

    positions = torch.from_numpy(np.array([point.positions for point in test]))
    direct, read, seconds, remark = [], [], [], ""
    for seed in range(plan.n_seeds):
        model, taken = trained(make, training, plan, seed)
        seconds.append(taken)
        direct.append(model.energies(positions).detach().numpy())
        readout = SubspaceReadout(model, training)
        found = [readout.read(point) for point in test]
        read.append(np.array([each.solution.energies for each in found]))
        remark = (
            f"{found[0].n_kept} of {found[0].n_space} dimensions, condition "
            f"{np.median([each.condition for each in found]):.0e}"
        )
    known = {"n_weights": model.n_weights, "seconds": float(np.median(seconds))}
    surface = EigenvectorContinuation(source, training, n_states=2, multiplicity=1)
    continued = np.array([surface.evaluate(point).energies for point in test])
    return [
        gap_row("exact", [exact], exact, lengths),
        gap_row("direct", direct, exact, lengths, known),
        gap_row("read-out", read, exact, lengths, {**known, "remark": remark}),
        gap_row("eigenvector continuation", [continued], exact, lengths),
    ]


def gap_row(
    arm: str,
    energies: Sequence[FloatArray],
    exact: FloatArray,
    lengths: FloatArray,
    known: dict[str, Any] | None = None,
) -> Gap:
    """Return where the states of each seed come closest, and their errors."""
    found = [smallest(lengths, each) for each in energies]
    errors = np.array([MILLIHARTREE * np.abs(each - exact).mean(axis=0) for each in energies])
    middle = np.median(errors, axis=0)
    return Gap(
        arm=arm,
        gap=tuple(gap for gap, _ in found),
        place=tuple(place for _, place in found),
        mae=(float(middle[0]), float(middle[1])),
        **(known or {}),
    )


# -------------------------------------------------------------------------------------- devices


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A curve as a device gives it."""

    where: str
    """Backend and noise."""
    mae: float
    """Mean absolute error against the circuit's exact energies (mHa)."""
    stderr: float | None
    """Mean standard error (mHa)."""
    n_shots: int | None
    """Shots, all points together."""


def device_rows(plan: Plan) -> list[Measured]:
    """Return LiH in two electrons and two orbitals, on two qubits, measured along its bond."""
    points = [bond(length) for length in (1.2, 1.6, 2.4, 3.2)]
    molecule = qm.Molecule(("Li", "H"), points[1].positions)
    source = HamiltonianSource(molecule, qm.ActiveSpace(2, 2))

    def make(seed: int) -> ConditionedCircuit:
        return ConditionedCircuit(
            source, qm.Ansatz("kupccgsd", k=1), InverseDistances(("Li", "H")), seed=seed
        )

    model, _ = trained(make, points, plan, 0)
    mapping = source.at(points[0]).hamiltonian.qubit_mapping("parity", reduced=True)
    exact = np.array([model.evaluate(point).energies for point in points])
    pennylane = qm.PennyLaneBackend(device=qml.device("default.qubit"), mapping=mapping)
    rows = [
        measured_row("PennyLane, exact", measure_circuit(model, points, pennylane), exact),
        measured_row(
            "Qiskit, exact",
            measure_circuit(model, points, qm.QiskitBackend.ideal(mapping=mapping)),
            exact,
        ),
    ]
    stack = qm.Mitigation(readout=True, symmetry=True, reference=True)
    for shots in plan.shots:
        ideal = qm.StatevectorBackend(shots=shots, mapping=mapping)
        rows.append(
            measured_row(
                f"simulated, {shots} shots", measure_circuit(model, points, ideal, seed=1), exact
            )
        )
        for name, mitigation in (("raw", None), ("mitigated", stack)):
            noisy = qm.QiskitBackend.on_fake(
                "manila",
                n_qubits=mapping.n_qubits,
                seed=1,
                mapping=mapping,
                shots=shots,
                **({} if mitigation is None else {"mitigation": mitigation}),
            )
            found = measure_circuit(model, points, noisy, seed=1)
            rows.append(measured_row(f"fake manila, {name}, {shots} shots", found, exact))
    return rows


def measured_row(where: str, found: MeasuredCurve, exact: FloatArray) -> Measured:
    """Return how far a measured curve is from the circuit's own."""
    return Measured(
        where=where,
        mae=float(MILLIHARTREE * np.abs(found.energies - exact).mean()),
        stderr=None if found.stderr is None else float(MILLIHARTREE * found.stderr.mean()),
        n_shots=found.n_shots,
    )


# --------------------------------------------------------------------------------------- tables


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median, and the range where there are several."""
    middle = f"{np.median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def error_lines(title: str, rows: Sequence[Row]) -> list[str]:
    """Return a table of errors."""
    lines = ["", title, "", "| arm | state | MAE (mHa) | largest (mHa) | weights | s | span |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    lines += [
        f"| {r.arm} | S{r.state} | {spread(r.mae)} | {spread(r.largest, 1)} | {r.n_weights or '-'} "
        f"| {f'{r.seconds:.0f}' if r.seconds else '-'} | {r.remark or '-'} |"
        for r in rows
    ]
    return lines


def gap_lines(rows: Sequence[Gap]) -> list[str]:
    """Return the table of the avoided crossing."""
    lines = ["", f"LiH: published here {LIH_GAP[0]} eV at {LIH_GAP[1]} Å", ""]
    lines.append("| arm | gap (eV) | R (Å) | MAE S0, S1 (mHa) | weights | s | span |")
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    lines += [
        f"| {r.arm} | {spread(r.gap, 4)} | {spread(r.place, 3)} | {r.mae[0]:.2f}, {r.mae[1]:.2f} | "
        f"{r.n_weights or '-'} | {f'{r.seconds:.0f}' if r.seconds else '-'} | {r.remark or '-'} |"
        for r in rows
    ]
    return lines


def device_lines(rows: Sequence[Measured]) -> list[str]:
    """Return the table of devices."""
    lines = ["", "LiH (2e,2o) on two qubits, four bond lengths", ""]
    lines += ["| where | MAE (mHa) | standard error (mHa) | shots |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {r.where} | {r.mae:.2f} | {'-' if r.stderr is None else f'{r.stderr:.2f}'} | "
        f"{r.n_shots or '-'} |"
        for r in rows
    ]
    return lines


PARTS: dict[str, tuple[Callable[[Plan], Sequence[Any]], Callable[[Any], list[str]]]] = {
    "h4": (h4_rows, lambda rows: error_lines("H4, five training geometries", rows)),
    "gauges": (gauge_rows, lambda rows: error_lines("H4, other gauges", rows)),
    "excited": (excited_rows, lambda rows: error_lines("H4, nine training geometries", rows)),
    "lih": (lih_gaps, gap_lines),
    "devices": (device_rows, device_lines),
}
"""What is computed, and how it is printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, print their tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few steps and points")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path, help="file for the rows")
    options = parser.parse_args(arguments)
    plan = QUICK if options.quick else FULL
    kept: dict[str, list[dict[str, Any]]] = {}
    for name in options.only:
        compute, lines = PARTS[name]
        rows = compute(plan)
        kept[name] = [asdict(each) for each in rows]
        sys.stdout.write("\n".join(lines(rows)) + "\n")
        sys.stdout.flush()
        if options.json:
            options.json.write_text(json.dumps(kept, indent=1))
    for name, (mean, most) in PUBLISHED.items():
        sys.stdout.write(f"published, H4 S0, {name}: MAE {mean} mHa, largest {most} mHa\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
