"""LiH: its avoided crossing by one circuit, and a circuit that two qubits hold on devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pennylane as qml
import torch

import qmlmat as qm
from benchmarks.learning.conditioned_runs import MILLIHARTREE, Plan, exact_singlets, trained
from qmlmat.potentials.conditioned import (
    ConditionedCircuit,
    EigenvectorContinuation,
    HamiltonianSource,
    MeasuredCurve,
    SubspaceReadout,
    measure_circuit,
)
from qmlmat.potentials.descriptors import Distances, InverseDistances
from qmlmat.surfaces import Geometry
from qmlmat.typing import FloatArray
from qmlmat.units import HARTREE_IN_EV

LIH_RANGE = (0.8, 5.0)
"""Bond lengths (Å)."""
LONGER = 3
"""Times as many steps as for H4: with four layers the training geometries are wrong by 4 and 10 mHa
after 400 steps, by 1 and 2 mHa after 1,500."""


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
    source = HamiltonianSource(qm.Molecule(("Li", "H"), bond(1.6).positions))
    exact = exact_singlets(source, test, 2)

    def make(seed: int) -> ConditionedCircuit:
        features = Distances(("Li", "H"))
        ansatz = qm.Ansatz("kupccgsd", k=3)
        return ConditionedCircuit(source, ansatz, features, n_states=2, hidden=6, seed=seed)

    positions = torch.from_numpy(np.array([point.positions for point in test]))
    direct, read, seconds, remark = [], [], [], ""
    longer = replace(plan, n_steps=LONGER * plan.n_steps)
    for seed in range(plan.n_seeds):
        model, taken = trained(make, training, longer, seed)
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
        sampling = {
            "PennyLane": qm.PennyLaneBackend.of(
                "default.qubit", wires=mapping.n_qubits, seed=1, mapping=mapping, shots=shots
            ),
            "Qiskit": qm.QiskitBackend.ideal(seed=1, mapping=mapping, shots=shots),
        }
        for name, backend in sampling.items():
            found = measure_circuit(model, points, backend, seed=1)
            rows.append(measured_row(f"{name}, {shots} shots", found, exact))
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
