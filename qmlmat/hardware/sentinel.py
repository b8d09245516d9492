"""The basis state of known energy that is measured in every job, and what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured
from qmlmat.hardware.task import Answer, Program, Sentinel
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import FloatArray

SENTINEL_SHOTS: Final = 1000
"""Most repetitions of a sentinel: a readout error of 1 % of one qubit is told to 0.3 %."""


@dataclass(frozen=True, kw_only=True)
class SentinelReading:
    """What a job's sentinel says."""

    energy: float
    """Energy measured (hartree, or the observable's own unit)."""
    stderr: float
    """Its standard error, with the scatter that is expected where none was seen."""
    exact: float
    """The state's energy."""

    @property
    def deviation(self) -> float:
        """Distance from the exact energy, in standard errors."""
        return (self.energy - self.exact) / self.stderr


def sentinel_of_batch(batch: Batch, *, expectations: bool = False) -> Sentinel | None:
    """Return the sentinel of a batch: the first determinant of its reference.

    Only the words of Z alone have a value in a basis state: one circuit measures them all.

    Args:
        batch: Whose reference and first observable.
        expectations: Whether the provider returns expectations.
    """
    if not batch.start or not batch.sums:
        return None
    mask, n_qubits = batch.start[0][0], batch.circuit.n_qubits
    first = batch.sums[0]
    tells = ((first.x == 0) & (first.z != 0)).any()
    shown = first if tells else _mean_bit(n_qubits)  # of X and Y alone it would always say zero
    return _sentinel(n_qubits, mask, shown, expectations=expectations)


def sentinel_of_counts(job: CountJob) -> Sentinel:
    """Return the sentinel of a circuit that counts: every qubit read as it is set, in ``|0>``."""
    n_qubits = job.circuit.n_qubits
    return _sentinel(n_qubits, 0, _mean_bit(n_qubits), expectations=False)


def _mean_bit(n_qubits: int) -> PauliSum:
    masks = np.uint64(1) << np.arange(n_qubits, dtype=np.uint64)
    return PauliSum.collected(
        n_qubits, np.zeros_like(masks), masks, np.full(n_qubits, 1 / n_qubits)
    )


def _sentinel(n_qubits: int, mask: int, observable: PauliSum, *, expectations: bool) -> Sentinel:
    is_diagonal = observable.x == 0
    masks = observable.z[is_diagonal]
    coefficients = observable.coefficients[is_diagonal].real
    exact = float(coefficients @ _signs(np.array([mask], dtype=np.uint64), masks)[0])
    flips = tuple(QubitGate("x", (w,)) for w in range(n_qubits) if mask >> w & 1)
    circuit = QubitCircuit(n_qubits, flips, 0, "sentinel")
    none = np.zeros((1, 0))
    program: Program
    if expectations:
        diagonal = PauliSum.collected(n_qubits, np.zeros_like(masks), masks, coefficients)
        program = Batch(circuit, none, (diagonal,), SENTINEL_SHOTS)
    else:
        program = CountJob(circuit.measured(), none, SENTINEL_SHOTS)
    return Sentinel(program, masks, np.asarray(coefficients), exact)


def read_sentinel(sentinel: Sentinel, answer: Answer) -> SentinelReading:
    """Return what a job's sentinel says.

    Args:
        sentinel: What was measured.
        answer: What came back.
    """
    if isinstance(answer, Measured):
        shots = sentinel.program.shots or SENTINEL_SHOTS
        energy, variance = float(answer.values[0, 0]), float(answer.variances[0, 0])
    else:
        table = _signs(answer.outcomes, sentinel.masks) @ sentinel.coefficients
        counts = answer.counts[0]
        shots = max(int(counts.sum()), 1)
        energy = float(counts @ table / shots)
        variance = float(counts @ (table - energy) ** 2 / shots / max(shots - 1, 1))
    # No bit flipped: one in so many shots may still be, with the largest change there is.
    least = 2 * float(np.abs(sentinel.coefficients[sentinel.masks != 0]).sum()) / shots
    return SentinelReading(
        energy=energy, stderr=float(np.hypot(np.sqrt(variance), least)), exact=sentinel.exact
    )


def expected_reading(sentinel: Sentinel, readout_errors: Sequence[float]) -> float:
    """Return the sentinel's energy where only the readout is wrong, as a calibration says.

    Args:
        sentinel: What is measured.
        readout_errors: Mean readout error of each qubit, by wire.
    """
    kept = 1.0 - 2.0 * np.asarray(readout_errors, dtype=np.float64)
    flips = sum(1 << g.wires[0] for g in sentinel.program.circuit.gates if g.name == "x")
    signs = _signs(np.array([flips], dtype=np.uint64), sentinel.masks)[0]
    factors = [
        np.prod([k for w, k in enumerate(kept) if mask >> w & 1])
        for mask in sentinel.masks.tolist()
    ]
    return float(sentinel.coefficients @ (signs * np.array(factors)))


def _signs(outcomes: np.ndarray, masks: np.ndarray) -> FloatArray:
    signs: FloatArray = 1.0 - 2.0 * (np.bitwise_count(outcomes[:, None] & masks) & 1)
    return signs
