"""H4 from a rectangle through the square: circuits, read-outs and their rivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

import qmlmat as qm
from benchmarks.learning.conditioned_runs import MILLIHARTREE, Plan, exact_singlets, trained
from qmlmat.potentials.conditioned import (
    ConditionedCircuit,
    EigenvectorContinuation,
    HamiltonianSource,
    LogRatio,
    SubspaceReadout,
)
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.descriptors import InternalCoordinates
from qmlmat.potentials.gaussian import GaussianProcess, RationalQuadratic
from qmlmat.potentials.training import fit
from qmlmat.surfaces import Geometry
from qmlmat.typing import FloatArray

SIDE = 1.23
"""Fixed side of the rectangle (Å), where the square is."""
WIDTH = 0.2
"""Of the feature of the swap, in ln R."""
FIVE = (0.5, 1.0, 1.5, 2.0, 2.5)
"""Training geometries of the published benchmark (Å)."""
NINE = (0.35, 0.65, 0.95, 1.15, 1.35, 1.6, 1.9, 2.3, 2.8)
"""Training geometries for several states (Å)."""


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
