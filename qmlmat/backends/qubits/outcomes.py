"""What counts say: values of outcomes, what is kept of them, means and their variances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob, Symmetry, reads_at_end
from qmlmat.backends.qubits.mitigation import acceptance_message
from qmlmat.backends.qubits.settings import Setting
from qmlmat.backends.statevector_program import MAX_QUBITS, compile_qubit_circuit
from qmlmat.errors import MeasurementError
from qmlmat.operators.pauli import reversed_bits
from qmlmat.typing import BoolArray, FloatArray, MaskArray

LOG_IMPOSSIBLE: Final = -50.0
"""Logarithm of the probability below which all bits are not 0 by chance."""


def ratio(
    counts: np.ndarray,
    table: FloatArray,
    kept: FloatArray | BoolArray,
    shots: int,
    *,
    done: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Return means of values over the shots that are kept, and their variances.

    ``mean(table) / mean(kept)``; the variance is that of ``table - ratio * kept`` over the shots,
    to first order in the deviation of the denominator.

    Args:
        counts: How often each outcome was seen, shape ``(n_points, n_outcomes)``.
        table: Value of each outcome, shape ``(n_outcomes, n_sums)``.
        kept: Weight of each outcome among those kept, shape ``(n_outcomes,)``.
        shots: Repetitions, for messages.
        done: Whether ``table`` has the weights in it already.

    Raises:
        MeasurementError: If nothing is kept.
    """
    totals = counts.sum(axis=1)[:, None]
    weight = kept.astype(np.float64)
    values = table if done else table * weight[:, None]
    share = (counts @ weight)[:, None] / totals
    if not (share > 0).all():
        raise MeasurementError(acceptance_message(shots))
    mean = counts @ values / totals / share
    second = counts @ values**2 - 2 * mean * (counts @ (values * weight[:, None]))
    second = second + mean**2 * (counts @ weight**2)[:, None]
    variance = second / totals / np.maximum(totals - 1, 1) / share**2
    return mean, np.maximum(variance, 0.0)


def per_outcome(
    symmetry: Symmetry | None, setting: Setting, outcomes: MaskArray, keeps: bool
) -> tuple[FloatArray, BoolArray]:
    """Return the sums' value at each outcome, ``(n_outcomes, n_sums)``, and which are kept."""
    group = setting.group
    table = _signs(outcomes, group.diagonal) @ setting.weights
    kept = np.ones(len(outcomes), dtype=bool)
    if not keeps or symmetry is None:
        return table, kept
    for mask, value in zip(*group.symmetry_values(symmetry.words), strict=True):
        kept &= _signs(outcomes, np.array([mask], dtype=np.uint64))[:, 0] == value
    if not group.gates:  # occupations themselves are measured
        kept &= _has_electrons(outcomes, symmetry)
    return table, kept


def _has_electrons(outcomes: MaskArray, symmetry: Symmetry) -> BoolArray:
    norb = symmetry.mapping.n_modes // 2
    occupied = [
        (np.bitwise_count(outcomes & np.uint64(mask)) & 1) ^ constant
        for mask, constant in symmetry.mapping.occupations
    ]
    found: BoolArray = np.ones(len(outcomes), dtype=bool)
    for modes, n in zip((occupied[:norb], occupied[norb:]), symmetry.nelec, strict=True):
        found &= np.sum(modes, axis=0, dtype=np.int64) == n
    return found


def _signs(outcomes: MaskArray, masks: MaskArray) -> FloatArray:
    signs: FloatArray = 1.0 - 2.0 * (np.bitwise_count(outcomes[:, None] & masks) & 1)
    return signs


def check_counts(job: CountJob, answer: Histogram) -> None:
    """Raise unless every point has its shots: some simulators succeed without counts.

    Raises:
        MeasurementError: If shots are missing, or all bits of all shots are 0 where that is
            next to impossible without noise: samplers make that of missing counts.
    """
    seen = answer.counts.sum(axis=1)
    if (seen < job.shots).any():
        raise MeasurementError(
            f"A device returned {int(seen.min())} of {job.shots} shots of a circuit without saying "
            "why. Simulate only the qubits that are used (restricted(device, qubits)), or lower "
            "the number of qubits."
        )
    is_small = 1 <= job.circuit.n_qubits <= MAX_QUBITS
    if answer.outcomes.any() or not (is_small and reads_at_end(job.circuit)):
        return
    bare = tuple(gate for gate in job.circuit.gates if gate.name != "measure")
    exact = compile_qubit_circuit(replace(job.circuit, gates=bare)).states(job.angles)
    read = _masked([gate.wires[0] for gate in job.circuit.gates if gate.name == "measure"])
    n_qubits = job.circuit.n_qubits
    is_zero = (reversed_bits(np.arange(1 << n_qubits, dtype=np.uint64), n_qubits) & read) == 0
    chance = (np.abs(exact[:, is_zero]) ** 2).sum(axis=1)
    if (job.shots * np.log(np.clip(chance, 1e-300, 1.0))).sum() < LOG_IMPOSSIBLE:
        raise MeasurementError(
            f"A device returned 0 for every bit of {job.shots} shots of a circuit that does not "
            "end there: its counts are missing. Simulate only the qubits that are used "
            "(restricted(device, qubits))."
        )


def _masked(wires: Sequence[int]) -> np.uint64:
    return np.uint64(sum(1 << wire for wire in wires))
