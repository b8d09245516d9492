"""Expectations of an estimator, counts of a sampler: Qiskit's V2 primitives as doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.backends.qiskit.pubs import bound_angles, histogram, measured, read_qubits
from qmlmat.backends.qiskit.transpiling import Transpiler
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured, Usage, reads_at_end
from qmlmat.errors import CapabilityError


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
            parts = [next(answers).data for _ in range(n_pubs)]
            points = len(batch.angles)
            found.append(measured(parts, n_points=points, sums=batch.sums, shots=batch.shots))
        return found


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
            parts = [next(answers).data for _ in range(n_pubs)]
            found.append(histogram(job.circuit.n_bits, len(job.angles), parts))
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
        return read_qubits(self.transpiler.ready(circuit), circuit.n_bits)
