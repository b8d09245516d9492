"""The naive route to a gradient: a job, transpiled anew, for each shift and group of words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from qiskit.primitives import BaseSamplerV2
from qiskit.transpiler import generate_preset_pass_manager

from qmlmat.ansatz.qubit_circuit import QubitGate
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.backends.qiskit.transpiling import SIMULATED_BASIS
from qmlmat.backends.qubits import QubitEvaluator
from qmlmat.operators.grouping import group_words
from qmlmat.typing import FloatArray


@dataclass
class Spent:
    """What was sent to a device."""

    n_jobs: int = 0
    """Submissions."""
    n_circuits: int = 0
    """Circuits with angles and a basis of measurement."""
    n_transpiled: int = 0
    """Transpilations."""

    def __str__(self) -> str:
        return f"{self.n_jobs} jobs, {self.n_circuits} circuits, {self.n_transpiled} transpiled"


def naive_gradient(
    evaluator: QubitEvaluator, params: FloatArray, sampler: BaseSamplerV2, *, shots_per_circuit: int
) -> tuple[FloatArray, Spent]:
    """Return the gradient of the first observable, shape ``(n_params,)``, and what it took.

    The energy itself is measured, too, as every optimiser's step does.

    Args:
        evaluator: Its circuit, observable and shift rules are used.
        params: Shape ``(n_params,)`` (radians).
        sampler: What counts bit strings.
        shots_per_circuit: Repetitions of each group.
    """
    spent = Spent()
    angles = evaluator.ansatz.angles(params[None])[0]
    _energy(evaluator, angles, sampler, shots_per_circuit, spent)
    slopes = np.zeros(len(angles))
    for k, rule in enumerate(evaluator.ansatz.rules):
        for shift, weight in zip(rule.shifts, rule.weights, strict=True):
            moved = angles.copy()
            moved[k] += shift
            slopes[k] += weight * _energy(evaluator, moved, sampler, shots_per_circuit, spent)
    return slopes @ evaluator.ansatz.combination, spent


def _energy(
    evaluator: QubitEvaluator,
    angles: FloatArray,
    sampler: BaseSamplerV2,
    shots: int,
    spent: Spent,
) -> float:
    """Return the expectation at some angles, one job for each qubit-wise group."""
    (total, *_), (circuit, *_) = evaluator.sums, evaluator.circuits
    energy = float(total.constant)
    for group in group_words(total, "qubit_wise"):
        rotation = tuple(QubitGate(name, wires) for name, wires in group.gates)
        measured = to_qiskit(replace(circuit, gates=circuit.gates + rotation).measured())
        bound = measured.assign_parameters(dict(zip(measured.parameters, angles, strict=True)))
        manager = generate_preset_pass_manager(1, basis_gates=list(SIMULATED_BASIS))
        (answer,) = sampler.run([manager.run(bound)], shots=shots).result()
        spent.n_jobs += 1
        spent.n_circuits += 1
        spent.n_transpiled += 1
        ((_, bits),) = answer.data.items()
        for outcome, times in bits.get_int_counts().items():
            parity = np.bitwise_count(group.diagonal & np.uint64(outcome)) & 1
            words = group.coefficients.real * group.signs * (1.0 - 2.0 * parity)
            energy += float(words.sum()) * times / shots
    return energy
