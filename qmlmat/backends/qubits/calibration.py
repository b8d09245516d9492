"""How often a device reads its qubits wrong: two circuits, and what their counts say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.typing import FloatArray


def calibration_jobs(qubits: Sequence[int], shots: int) -> list[CountJob]:
    """Return the two circuits that tell the readout errors of a device's qubits.

    All of the qubits are left in ``|0>``, then all flipped to ``|1>``.

    Args:
        qubits: The device's qubits, each once.
        shots: Repetitions of each circuit.
    """
    size = max(qubits) + 1
    reads = tuple(QubitGate("measure", (q,), bit=k) for k, q in enumerate(qubits))
    flips = tuple(QubitGate("x", (q,)) for q in qubits)
    none = np.zeros((1, 0))
    return [
        CountJob(QubitCircuit(size, gates + reads), none, shots, is_physical=True)
        for gates in ((), flips)
    ]


def readout_errors(answers: Sequence[Histogram]) -> FloatArray:
    """Return ``p(1|0)`` and ``p(0|1)`` of each qubit, shape ``(n_qubits, 2)``.

    Args:
        answers: The counts of the two circuits of ``calibration_jobs``.
    """
    masks = np.uint64(1) << np.arange(answers[0].n_bits, dtype=np.uint64)
    zeros, ones = (answer.parities(masks)[0] for answer in answers)
    return np.column_stack([(1 - zeros) / 2, (1 + ones) / 2])
