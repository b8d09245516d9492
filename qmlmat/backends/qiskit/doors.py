"""Expectations of an estimator, counts of a sampler: Qiskit's V2 primitives as doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.backends.qiskit.transpiling import Transpiler
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured, Usage, reads_at_end
from qmlmat.errors import CapabilityError, MeasurementError
from qmlmat.typing import FloatArray


@dataclass(frozen=True, eq=False)
class EstimatorDoor:
    """Expectations of an estimator."""

    primitive: Any
    """A ``BaseEstimatorV2``."""
    transpiler: Transpiler
    """What makes circuits ready."""
    usage: Usage
    """What was sent so far."""

    def least_shots(self, batches: Sequence[Batch]) -> int:  # noqa: ARG002 (the door's own affair)
        """Return 1: expectations are asked for as they are."""
        return 1

    def expectations(self, batches: Sequence[Batch]) -> list[Measured]:
        """Return the expectations of every batch, one PUB each, in one job."""
        pubs = []
        for batch in batches:
            circuit = self.transpiler.ready(batch.circuit)
            operators = [to_sparse_pauli_op(one) for one in batch.sums]
            if circuit.layout is not None:
                operators = [operator.apply_layout(circuit.layout) for operator in operators]
            precision = 0.0 if batch.shots is None else batch.shots**-0.5
            pubs += [
                (circuit, operators, values[:, None, :], precision)
                for values in bound_angles(circuit, batch.angles)
            ]
        points = sum(len(batch.angles) for batch in batches)
        self.usage.add(
            n_circuits=points, n_shots=sum(len(b.angles) * (b.shots or 0) for b in batches)
        )
        try:
            answers = iter(self.primitive.run(pubs).result())
        except (ValueError, ZeroDivisionError) as error:
            if all(batch.shots is not None for batch in batches):
                raise
            raise CapabilityError(
                f"QiskitBackend({type(self.primitive).__name__}, shots=None): this "
                f"estimator gives no exact expectations ({error}). Set shots=4096."
            ) from error
        found = []
        for batch in batches:
            n_pubs = len(bound_angles(self.transpiler.ready(batch.circuit), batch.angles))
            found.append(self._checked(batch, [next(answers).data for _ in range(n_pubs)]))
        return found

    @staticmethod
    def _checked(batch: Batch, parts: list[Any]) -> Measured:
        shape = (len(batch.angles), len(batch.sums))
        values, errors = (
            np.concatenate([np.ravel(getattr(one, name)) for one in parts])
            .astype(np.float64)
            .reshape(shape)
            for name in ("evs", "stds")
        )
        if not (np.isfinite(values).all() and np.isfinite(errors).all()):
            raise MeasurementError(
                "QiskitBackend: the estimator returned expectations without a finite error. Use "
                "more shots, or another extrapolation of its resilience options."
            )
        is_diagonal = np.array([not one.x.any() for one in batch.sums])
        if batch.shots is not None and (errors[:, ~is_diagonal] == 0).any():
            raise MeasurementError(
                "QiskitBackend: the estimator returned an error of exactly zero for an observable "
                "that is not diagonal: its counts are missing. Simulate only the qubits that are "
                "used (restricted(device, qubits))."
            )
        if batch.shots is None and errors.any():
            raise CapabilityError(
                "QiskitBackend(shots=None): this estimator samples. Set shots=4096."
            )
        n_shots = None if batch.shots is None else batch.shots * len(batch.angles)
        return Measured(values, errors**2, n_shots)


@dataclass(frozen=True, eq=False)
class SamplerDoor:
    """Counts of a sampler."""

    primitive: Any
    """A ``BaseSamplerV2``."""
    transpiler: Transpiler
    """What makes circuits ready."""
    usage: Usage
    """What was sent so far."""

    def counts(self, jobs: Sequence[CountJob]) -> list[Histogram]:
        """Return the counts of every job, one PUB each, in one job."""
        self._check_reads(jobs)
        pubs = []
        for job in jobs:
            circuit = self._ready(job)
            pubs += [(circuit, values, job.shots) for values in bound_angles(circuit, job.angles)]
        self.usage.add(
            n_circuits=sum(len(job.angles) for job in jobs),
            n_shots=sum(len(job.angles) * job.shots for job in jobs),
        )
        answers = iter(self.primitive.run(pubs).result())
        found = []
        for job in jobs:
            n_pubs = len(bound_angles(self._ready(job), job.angles))
            found.append(bits_histogram(job, [next(answers).data for _ in range(n_pubs)]))
        return found

    def _check_reads(self, jobs: Sequence[CountJob]) -> None:
        at_end = all(reads_at_end(job.circuit) for job in jobs)
        if isinstance(self.primitive, StatevectorSampler) and not at_end:
            raise CapabilityError(
                "QiskitBackend(primitive=StatevectorSampler): the circuit measures or resets "
                "before its end. Use StatevectorBackend(), or a sampler of Aer or of a device."
            )

    def _ready(self, job: CountJob) -> QuantumCircuit:
        if job.is_physical:
            return self.transpiler.ready(job.circuit, is_physical=True)
        return self.transpiler.folded(job.circuit, job.fold)

    def bit_qubits(self, circuit: QubitCircuit) -> tuple[int, ...]:
        """Return the device's qubit that each bit is read from."""
        return measured_qubits(self.transpiler.ready(circuit))


def measured_qubits(circuit: QuantumCircuit) -> tuple[int, ...]:
    """Return the qubit that each bit of a circuit ready for a device is read from."""
    found = {}
    for instruction in circuit.data:
        if instruction.operation.name == "measure":
            bit = circuit.find_bit(instruction.clbits[0]).index
            found[bit] = circuit.find_bit(instruction.qubits[0]).index
    return tuple(found[bit] for bit in sorted(found))


def bound_angles(circuit: QuantumCircuit, angles: FloatArray) -> list[FloatArray]:
    """Return the angles of the parameters that the transpiled circuit still has, for each PUB.

    All points are one PUB; of a circuit without free angles each is one, since an array of no
    angles is taken for one point by some primitives.
    """
    places = [parameter.index for parameter in circuit.parameters]
    return [angles[:, places]] if places else [np.zeros((1, 0))] * len(angles)


def bits_histogram(job: CountJob, parts: list[Any]) -> Histogram:
    """Return a sampler's bits as counts; Qiskit's bit w is our bit w."""
    n_points = len(job.angles)
    arrays = [np.asarray(bits.array, dtype=np.uint64) for part in parts for bits in part.values()]
    # each (..., shots, bytes), highest byte first
    raw = np.concatenate([one.reshape(-1, *one.shape[-2:]) for one in arrays])
    raw = raw.reshape(n_points, -1, raw.shape[-1])
    places = 8 * np.arange(raw.shape[-1] - 1, -1, -1, dtype=np.uint64)
    outcomes = (raw << places).sum(axis=2, dtype=np.uint64)
    rows = np.repeat(np.arange(n_points), outcomes.shape[1])
    return Histogram.from_samples(
        job.circuit.n_bits,
        n_points,
        rows,
        outcomes.reshape(-1),
        np.ones(rows.size, dtype=np.int64),
    )
