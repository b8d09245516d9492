"""What circuits and answers of V2 primitives look like: angles, bits, expectations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Measured
from qmlmat.errors import CapabilityError, MeasurementError
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import FloatArray


def bound_angles(circuit: QuantumCircuit, angles: FloatArray) -> list[FloatArray]:
    """Return the angles of the parameters that a transpiled circuit still has, for each PUB.

    All points are one PUB; of a circuit without free angles each is one, since an array of no
    angles is taken for one point by some primitives.

    Args:
        circuit: The circuit, transpiled.
        angles: Of the circuit before, shape ``(n_points, n_params)`` (radians).
    """
    places = [parameter.index for parameter in circuit.parameters]
    return [angles[:, places]] if places else [np.zeros((1, 0))] * len(angles)


def read_qubits(circuit: QuantumCircuit, n_bits: int) -> tuple[int, ...]:
    """Return the qubit of a transpiled circuit that each bit is read from.

    Args:
        circuit: The circuit, each bit read once.
        n_bits: Number of bits.
    """
    found = {}
    for instruction in circuit.data:
        if instruction.operation.name == "measure":
            bit = circuit.find_bit(instruction.clbits[0]).index
            found[bit] = circuit.find_bit(instruction.qubits[0]).index
    return tuple(found[bit] for bit in range(n_bits))


def histogram(n_bits: int, n_points: int, parts: Sequence[Any]) -> Histogram:
    """Return a sampler's bits as counts, one row for each point; Qiskit's bit w is our bit w.

    Args:
        n_bits: Number of bits of an outcome.
        n_points: Number of points.
        parts: The PUBs' data, points in order.
    """
    arrays = [np.asarray(bits.array, dtype=np.uint64) for part in parts for bits in part.values()]
    # each (..., shots, bytes), highest byte first
    raw = np.concatenate([one.reshape(-1, *one.shape[-2:]) for one in arrays])
    raw = raw.reshape(n_points, -1, raw.shape[-1])
    places = 8 * np.arange(raw.shape[-1] - 1, -1, -1, dtype=np.uint64)
    outcomes = (raw << places).sum(axis=2, dtype=np.uint64)
    rows = np.repeat(np.arange(n_points), outcomes.shape[1])
    return Histogram.from_samples(
        n_bits, n_points, rows, outcomes.reshape(-1), np.ones(rows.size, dtype=np.int64)
    )


def measured(
    parts: Sequence[Any], *, n_points: int, sums: Sequence[PauliSum], shots: int | None
) -> Measured:
    """Return an estimator's values as expectations of a batch.

    Args:
        parts: The PUBs' data, points in order.
        n_points: Number of points.
        sums: What was measured at each.
        shots: Repetitions of each point; ``None`` where exact.

    Raises:
        MeasurementError: If an error bar is not finite, or counts are missing.
        CapabilityError: If exact values were asked for, and the estimator samples.
    """
    values, errors = (
        np.concatenate([np.ravel(getattr(one, name)) for one in parts])
        .astype(np.float64)
        .reshape(n_points, len(sums))
        for name in ("evs", "stds")
    )
    if not (np.isfinite(values).all() and np.isfinite(errors).all()):
        raise MeasurementError(
            "The estimator returned expectations without a finite error. Use more shots, or "
            "another extrapolation of its resilience options."
        )
    is_diagonal = np.array([not one.x.any() for one in sums])
    if shots is not None and (errors[:, ~is_diagonal] == 0).any():
        raise MeasurementError(
            "The estimator returned an error of exactly zero for an observable that is not "
            "diagonal: its counts are missing. Simulate only the qubits that are used "
            "(restricted(device, qubits))."
        )
    if shots is None and errors.any():
        raise CapabilityError("QiskitBackend(shots=None): this estimator samples. Set shots=4096.")
    return Measured(values, errors**2, None if shots is None else shots * n_points)
