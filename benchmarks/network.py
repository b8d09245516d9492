"""Training a quantum neural network through PyTorch: ``python -m benchmarks.network [--quick]``.

Six qubits, ten layers of RY encodings of the inputs, Rot gates and a ring of CNOTs, weights shared
by the batch. ``circuit_states`` against default.qubit with parameter broadcasting and
backpropagation through PyTorch: values and the gradient by every weight; values and forces
(derivatives by the inputs that can be differentiated again); and the gradient by every weight of a
loss on both, which training on forces needs. Both sides are the same lines of PyTorch around
another circuit; their numbers are compared. lightning.qubit's adjoint sweep is timed on a few
inputs: it takes them one by one.

One thread; calls alternate; medians with the spread. Times are processor time, which counts every
thread and leaves out what others do on a busy machine. PyTorch's second derivatives through
default.qubit hold 4 GB at 2000 inputs.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pennylane as qml
import torch
from pennylane.measurements import MeasurementProcess

import qmlmat as qm
from benchmarks.report import about, write_json
from benchmarks.statevector import PENNYLANE, network
from qmlmat.backends.circuit_states import circuit_states

N_QUBITS = 6
CIRCUIT = network(N_QUBITS, 10)
N_WEIGHTS = CIRCUIT.n_params - N_QUBITS

Outputs: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Inputs ``(n_rows, n_qubits)`` and weights ``(n_weights,)`` to outputs ``(n_rows,)``."""
Task: TypeAlias = Callable[[Outputs, torch.Tensor, torch.Tensor], list[torch.Tensor]]
"""Outputs, inputs and weights to all numbers that are compared."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One task, on both sides."""

    what: str
    """What was computed, against whom."""
    batch: int
    """Number of inputs."""
    ours: tuple[float, float, float]
    """Least, median and greatest time of qmlmat by input (ms)."""
    theirs: tuple[float, float, float] | None
    """Those of the other program (ms); ``None``: not timed."""
    difference: float
    """Largest difference between the numbers of both, by the largest of them."""

    @property
    def ratio(self) -> float:
        """How many times as long the other program takes, of medians."""
        return math.nan if self.theirs is None else self.theirs[1] / self.ours[1]

    def text(self) -> str:
        """Return the row as it is printed."""
        start = f"{self.what:56} {self.batch:5} {_span(self.ours):26}"
        if self.theirs is None:
            return start
        return f"{start} {_span(self.theirs):26} {self.ratio:7.1f}x {self.difference:9.1e}"


def _span(times: tuple[float, float, float]) -> str:
    return f"{times[1]:.4f} ({times[0]:.4f}-{times[2]:.4f})"


def our_outputs(inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return ``<Z>`` of wire 0: probabilities times a diagonal."""
    angles = torch.cat([inputs, weights.expand(len(inputs), -1)], dim=1)
    real, imag = circuit_states(CIRCUIT, angles)
    diagonal = torch.ones(1 << N_QUBITS, dtype=torch.float64)
    diagonal[1 << N_QUBITS - 1 :] = -1.0
    return (real * real + imag * imag) @ diagonal


def their_outputs(device: str, method: str) -> Outputs:
    """Return ``<Z>`` of wire 0 by a device of PennyLane."""

    @qml.qnode(qml.device(device, wires=N_QUBITS), interface="torch", diff_method=method)
    def node(inputs: torch.Tensor, weights: torch.Tensor) -> MeasurementProcess:
        for gate in CIRCUIT.gates:
            if gate.angle is None:
                PENNYLANE[gate.name](wires=gate.wires)
                continue
            param = gate.angle.param or 0
            angle = inputs[..., param] if param < N_QUBITS else weights[param - N_QUBITS]
            PENNYLANE[gate.name](angle, wires=gate.wires)
        return qml.expval(qml.Z(0))

    return node


def gradient(outputs: Outputs, inputs: torch.Tensor, weights: torch.Tensor) -> list[torch.Tensor]:
    """Return values, and the gradient of their sum by the weights."""
    weights.grad = None
    values = outputs(inputs, weights)
    values.sum().backward()
    return [values, weights.grad]


def forces(outputs: Outputs, inputs: torch.Tensor, weights: torch.Tensor) -> list[torch.Tensor]:
    """Return values, and their derivatives by the inputs, differentiable."""
    variables = inputs.detach().requires_grad_()
    values = outputs(variables, weights)
    return [values, *torch.autograd.grad(values.sum(), variables, create_graph=True)]


def force_training(
    outputs: Outputs, inputs: torch.Tensor, weights: torch.Tensor
) -> list[torch.Tensor]:
    """Return values, forces, and the gradient by the weights of a loss on both."""
    weights.grad = None
    values, slopes = forces(outputs, inputs, weights)
    ((values**2).mean() + (slopes**2).mean()).backward()
    return [values, slopes, weights.grad]


TASKS: dict[str, Task] = {
    "values and gradient by the weights": gradient,
    "values and forces": forces,
    "gradient by the weights of a loss on both": force_training,
}


def problem(batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random inputs, and weights that ask for a gradient (radians)."""
    rng = np.random.default_rng(0)
    weights = torch.tensor(rng.normal(size=N_WEIGHTS), requires_grad=True)
    return torch.tensor(rng.normal(size=(batch, N_QUBITS))), weights


def compared(what: str, task: Task, theirs: Outputs, batch: int, rounds: int) -> Row:
    """Time a task on both sides, alternating; ours three times in each round."""
    inputs, weights = problem(batch)
    mine, other = (partial(task, side, inputs, weights) for side in (our_outputs, theirs))
    difference = _difference(mine(), other())  # the first calls, too
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        times[0].extend(_seconds(mine) for _ in range(3))
        times[1].append(_seconds(other))
    ours, others = (_by_input(part, batch) for part in times)
    return Row(what=what, batch=batch, ours=ours, theirs=others, difference=difference)


def one_by_one(few: int, rounds: int) -> Row:
    """Time lightning.qubit's adjoint sweep on a few inputs, and ours on as many."""
    lightning = their_outputs("lightning.qubit", "adjoint")

    def looped(inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return torch.stack([lightning(row, weights) for row in inputs])

    what = "values and gradient, lightning.qubit adjoint"
    return compared(what, gradient, looped, few, rounds)


def scaling(batches: Sequence[int], rounds: int) -> list[Row]:
    """Time our tasks at several sizes of the batch: the time by input should not change."""
    rows = []
    for what, task in TASKS.items():
        for batch in batches:
            inputs, weights = problem(batch)
            task(our_outputs, inputs, weights)
            call = partial(task, our_outputs, inputs, weights)
            times = [_seconds(call) for _ in range(rounds)]
            ours = _by_input(times, batch)
            rows.append(Row(what=what, batch=batch, ours=ours, theirs=None, difference=math.nan))
    return rows


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _by_input(seconds: Sequence[float], batch: int) -> tuple[float, float, float]:
    times = [1e3 * one / batch for one in seconds]
    return min(times), statistics.median(times), max(times)


def _difference(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    pairs = [(x.detach(), y.detach()) for x, y in zip(ours, theirs, strict=True)]
    return max(float((x - y).abs().max() / y.abs().max().clamp_min(1.0)) for x, y in pairs)


def versions() -> dict[str, str]:
    """Return the versions of the programs."""
    return {name: version(name) for name in ("torch", "pennylane", "pennylane-lightning", "numba")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small batches, one round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows there")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    qm.set_num_threads(1)
    before = about(1)
    batch, rounds = (40, 1) if options.quick else (2000, 5)
    broadcast = their_outputs("default.qubit", "backprop")
    print(f"{N_QUBITS} qubits, {N_WEIGHTS} weights; ms by input: median (least-greatest)")
    print(f"{'':56} {'batch':>5} {'ours':26} {'theirs':26} {'ratio':>8} {'difference':>9}")
    rows = []
    for what, task in TASKS.items():
        rows.append(compared(f"{what}, default.qubit", task, broadcast, batch, rounds))
        print(rows[-1].text())
    rows.append(one_by_one(5, 1))
    print(rows[-1].text())
    for row in scaling((20, 40) if options.quick else (250, 500, 1000, 2000, 4000), 3 * rounds):
        rows.append(row)
        print(row.text())
    print(", ".join(f"{name} {number}" for name, number in versions().items()))
    if options.json:
        found = {"about": before, "versions": versions(), "rows": [asdict(row) for row in rows]}
        write_json(found, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
