"""Requests answered by PennyLane's devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pennylane as qml

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.pennylane.circuits import to_pennylane
from qmlmat.backends.pennylane.operators import to_pennylane as to_operator
from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.backends.qubits.jobs import (
    Batch,
    CountDoor,
    CountJob,
    ExpectationDoor,
    Measured,
    Usage,
    folded,
    reads_at_end,
)
from qmlmat.errors import CapabilityError, InputError


@dataclass(frozen=True, kw_only=True)
class PennyLaneBackend(QubitBackend):
    """Circuits on a PennyLane device.

    Without shots the device's exact expectations are taken, with shots its samples in bases of our
    own groups. All points, shifts and references of a call are one ``qml.execute``. Randomness is
    the device's: seed it there, ``qml.device("default.qubit", seed=1)``.

    Example:
        >>> import pennylane as qml
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
        >>> backend = qm.PennyLaneBackend(device=qml.device("default.qubit"))
        >>> round(qm.solve(h2, qm.VQE("uccsd"), backend=backend).energy, 6)
        -1.137306
    """

    device: Any
    """A PennyLane device."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.device, qml.devices.Device):
            raise InputError(
                f"PennyLaneBackend(device={self.device!r}): not a device. Use "
                'qml.device("default.qubit"), or any other of PennyLane\'s.'
            )

    @classmethod
    def of(
        cls,
        name: str,
        *,
        wires: int,
        seed: int | None = None,
        **settings: Any,  # noqa: ANN401 (the fields)
    ) -> PennyLaneBackend:
        """Return the backend of a device by name.

        Args:
            name: As ``qml.device`` has it.
            wires: Number of wires.
            seed: Seed of its shots, where the device takes one.
            settings: Fields of the backend.

        Raises:
            InputError: If PennyLane has no such device.
        """
        seeded = {} if seed is None or not name.startswith("default") else {"seed": seed}
        try:
            device = qml.device(name, wires=wires, **seeded)
        except qml.exceptions.DeviceError as error:
            raise InputError(
                f'PennyLaneBackend.of("{name}"): {error} Use "default.qubit" or "lightning.qubit".'
            ) from error
        return cls(device=device, **settings)

    @property
    def device_name(self) -> str:
        """What the device is called, in records."""
        return str(self.device.name)

    @property
    def counts_bits(self) -> bool:
        """Whether the device counts bit strings: all of them do."""
        return True

    def door(self, shots: int | None, seed: int | None) -> ExpectationDoor:
        """Return what measures expectations; see ``QubitBackend.door``."""
        door = _Door(self.device, self.usage)
        return door if shots is None else self.sampled(seed)

    def count_door(self, seed: int | None) -> CountDoor:  # noqa: ARG002 (the device's own)
        """Return what counts bit strings; see ``QubitBackend.count_door``."""
        return _Door(self.device, self.usage)


@dataclass(frozen=True, eq=False)
class _Door:
    """Both doors of one device."""

    device: Any
    usage: Usage

    def least_shots(self, batches: Sequence[Batch]) -> int:  # noqa: ARG002 (the door's own affair)
        """Return 1: expectations are asked for as they are."""
        return 1

    def expectations(self, batches: Sequence[Batch]) -> list[Measured]:
        """Return exact expectations of every batch."""
        tapes = []
        for batch in batches:
            wires = self._wires(batch.circuit.n_qubits)
            operators = [to_operator(one).map_wires(wires) for one in batch.sums]
            measurements = [qml.expval(operator) for operator in operators]
            points = [batch.angles] if batch.circuit.n_params else batch.angles
            tapes += [self._tape(batch.circuit, one, measurements, None) for one in points]
        self.usage.add(n_circuits=sum(len(b.angles) for b in batches), n_shots=0)
        answers = iter(self._execute(tapes))
        found = []
        for batch in batches:
            n_tapes = 1 if batch.circuit.n_params else len(batch.angles)
            rows = [
                np.atleast_1d(np.asarray(next(answers), dtype=np.float64)) for _ in range(n_tapes)
            ]
            shape = (len(batch.angles), len(batch.sums))
            table = np.stack(rows).reshape(shape) if n_tapes > 1 else _points_first(rows[0], shape)
            found.append(Measured(table, np.zeros_like(table)))
        return found

    def counts(self, jobs: Sequence[CountJob]) -> list[Histogram]:
        """Return the samples of every job as counts."""
        if not all(reads_at_end(job.circuit) for job in jobs):
            raise CapabilityError(
                "PennyLaneBackend: the circuit measures or resets before its end. Use "
                "StatevectorBackend() or QiskitBackend."
            )
        tapes = []
        for job in jobs:
            reads = [gate for gate in job.circuit.gates if gate.name == "measure"]
            labels = self._wires(job.circuit.n_qubits)
            order = [labels[g.wires[0]] for g in sorted(reads, key=lambda g: g.bit or 0)]
            circuit = folded(job.circuit, job.fold)
            bare = QubitCircuit(
                circuit.n_qubits,
                tuple(gate for gate in circuit.gates if gate.name != "measure"),
                circuit.n_params,
            )
            points = [job.angles] if bare.n_params else job.angles
            reading = [qml.sample(wires=order)]
            tapes += [self._tape(bare, one, reading, job.shots) for one in points]
        self.usage.add(
            n_circuits=sum(len(job.angles) for job in jobs),
            n_shots=sum(len(job.angles) * job.shots for job in jobs),
        )
        answers = iter(self._execute(tapes))
        found = []
        for job in jobs:
            n_tapes = 1 if job.circuit.n_params else len(job.angles)
            samples = np.concatenate(
                [np.asarray(next(answers), dtype=np.uint64).reshape(-1) for _ in range(n_tapes)]
            ).reshape(len(job.angles), job.shots, job.circuit.n_bits)
            found.append(_histogram(samples))
        return found

    def bit_qubits(self, circuit: QubitCircuit) -> tuple[int, ...]:
        """Return the wire of each bit."""
        reads = {gate.bit: gate.wires[0] for gate in circuit.gates if gate.name == "measure"}
        return tuple(reads[bit] for bit in range(circuit.n_bits))

    def _wires(self, n_qubits: int) -> dict[int, Any]:
        """Return the device's label of each of our wires."""
        labels = self.device.wires
        if labels is None:
            return {w: w for w in range(n_qubits)}
        if len(labels) < n_qubits:
            raise InputError(
                f"PennyLaneBackend: the circuit has {n_qubits} qubits, the device the wires "
                f"{labels.tolist()}. Make the device with wires={n_qubits}, or reduce the mapping."
            )
        return dict(zip(range(n_qubits), labels.tolist(), strict=False))

    def _tape(
        self, circuit: QubitCircuit, angles: np.ndarray, measurements: list[Any], shots: int | None
    ) -> Any:  # noqa: ANN401 (PennyLane's)
        wires = self._wires(circuit.n_qubits)
        gates = [gate.map_wires(wires) for gate in to_pennylane(circuit, angles)]
        return qml.tape.QuantumScript(gates, measurements, shots=shots)

    def _execute(self, tapes: list[Any]) -> Any:  # noqa: ANN401
        try:
            return qml.execute(tapes, self.device, diff_method=None)
        except (qml.exceptions.DeviceError, qml.exceptions.WireError) as error:
            raise CapabilityError(
                f"PennyLaneBackend(device={self.device.name}): {error} Use another device, or "
                "change shots."
            ) from error


def _points_first(answer: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return values with the points along the first axis; PennyLane lists observables first."""
    return answer.reshape(shape[1], shape[0]).T if shape[1] > 1 else answer.reshape(shape)


def _histogram(samples: np.ndarray) -> Histogram:
    """Return samples ``(n_points, shots, n_bits)`` as counts."""
    n_points, shots, n_bits = samples.shape
    outcomes = (samples << np.arange(n_bits, dtype=np.uint64)).sum(axis=2, dtype=np.uint64)
    rows = np.repeat(np.arange(n_points), shots)
    return Histogram.from_samples(
        n_bits, n_points, rows, outcomes.reshape(-1), np.ones(rows.size, dtype=np.int64)
    )
