"""The statevector simulator behind requests: exact with adjoint gradients, or sampled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.base import QubitBackend
from qmlmat.backends.qubits.jobs import (
    Batch,
    CountDoor,
    CountJob,
    ExpectationDoor,
    Measured,
    Usage,
)
from qmlmat.backends.qubits.lowered import frame_of, mapping_of, reference_circuit, untied
from qmlmat.backends.requests import Preparation, given_params
from qmlmat.backends.statevector_metric import fubini_study_metric
from qmlmat.backends.statevector_program import compile_qubit_circuit
from qmlmat.backends.statevector_shots import run_shots
from qmlmat.typing import FloatArray


@dataclass(frozen=True, kw_only=True)
class StatevectorBackend(QubitBackend):
    """Simulation of qubit circuits on state vectors of the register, up to 16 qubits.

    Without shots expectations are exact and gradients come from one adjoint sweep; with shots bit
    strings are drawn and everything goes as on a device without noise.

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
        >>> backend = qm.StatevectorBackend(mapping=h2.qubit_mapping("parity", reduced=True))
        >>> round(qm.solve(h2, qm.VQE("uccsd"), backend=backend).energy, 8)
        -1.13730604
    """

    @property
    def device_name(self) -> str:
        """What the device is called, in records."""
        return "statevector"

    @property
    def counts_bits(self) -> bool:
        """Whether the device counts bit strings: it does."""
        return True

    def door(self, shots: int | None, seed: int | None) -> ExpectationDoor:
        """Return what measures expectations; see ``QubitBackend.door``."""
        return ExactDoor(self.usage) if shots is None else self.sampled(seed)

    def count_door(self, seed: int | None) -> CountDoor:
        """Return what draws bit strings; see ``QubitBackend.count_door``."""
        return SampledDoor(self.usage, np.random.default_rng(seed))

    def qubit_state(self, preparation: Preparation) -> NDArray[np.complex128]:
        """Return the prepared states on the register.

        Args:
            preparation: Circuit, references and parameters.

        Returns:
            Shape ``(..., [n_references,] 2**n_qubits)``; wire 0 is the highest bit of the index.

        Raises:
            InputError: If parameters are missing, or something does not fit.
        """
        mapping = mapping_of(preparation, self.mapping)
        frame = frame_of(preparation, mapping)
        ansatz = untied(preparation.circuit, mapping)
        n_qubits = ansatz.circuit.n_qubits
        params = given_params(preparation, "StatevectorBackend.qubit_state")
        n_points = math.prod(params.shape[:-1])
        angles = ansatz.angles(params).reshape(n_points, len(ansatz.rules))
        states = [
            compile_qubit_circuit(
                reference_circuit(reference, frame, n_qubits).then(ansatz.circuit)
            ).states(angles)
            for reference in preparation.references
        ]
        table = np.stack(states, axis=1)
        return table.reshape(*params.shape[:-1], *preparation.batch_axes, 1 << n_qubits)

    def metric(self, preparation: Preparation) -> FloatArray:
        """Return the Fubini-Study metric, shape ``([n_references,] n_params, n_params)``.

        Args:
            preparation: Circuit, references and parameters ``(n_params,)``.

        Raises:
            InputError: If parameters are missing, or something does not fit.
        """
        mapping = mapping_of(preparation, self.mapping)
        ansatz, frame = untied(preparation.circuit, mapping), frame_of(preparation, mapping)
        params = given_params(preparation, "StatevectorBackend.metric")
        tables = []
        for reference in preparation.references:
            start = reference_circuit(reference, frame, ansatz.circuit.n_qubits)
            program = compile_qubit_circuit(start.then(ansatz.circuit))
            of_angles = fubini_study_metric(program, ansatz.angles(params)[None])[0]
            tables.append(ansatz.combination.T @ of_angles @ ansatz.combination)
        table = np.array(tables)
        return table if preparation.batch_axes else table[0]


@dataclass(frozen=True, eq=False)
class ExactDoor:
    """Exact expectations and adjoint gradients."""

    usage: Usage
    """What was computed so far."""

    def least_shots(self, batches: Sequence[Batch]) -> int:  # noqa: ARG002 (the door's own affair)
        """Return 1: expectations are asked for as they are."""
        return 1

    def expectations(self, batches: Sequence[Batch]) -> list[Measured]:
        """Return the expectations of every batch."""
        self.usage.add(n_circuits=sum(len(batch.angles) for batch in batches), n_shots=0)
        found = []
        for batch in batches:
            values = compile_qubit_circuit(batch.circuit).expectations(batch.angles, batch.sums)
            found.append(Measured(values, np.zeros_like(values)))
        return found

    def slopes(self, batches: Sequence[Batch]) -> list[tuple[FloatArray, FloatArray]]:
        """Return values ``(n_points, n_sums)`` and derivatives ``(n_points, n_sums, n_params)``."""
        self.usage.add(n_circuits=sum(len(batch.angles) for batch in batches), n_shots=0)
        return [
            compile_qubit_circuit(batch.circuit).value_and_gradient(batch.angles, batch.sums)
            for batch in batches
        ]


@dataclass(frozen=True, eq=False)
class SampledDoor:
    """Bit strings drawn from exact states."""

    usage: Usage
    """What was drawn so far."""
    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    """Source of randomness."""

    def counts(self, jobs: Sequence[CountJob]) -> list[Histogram]:
        """Return the counts of every job; folding changes nothing without noise."""
        self.usage.add(
            n_circuits=sum(len(job.angles) for job in jobs),
            n_shots=sum(len(job.angles) * job.shots for job in jobs),
        )
        return [run_shots(job.circuit, job.angles, job.shots, self.rng) for job in jobs]

    def bit_qubits(self, circuit: QubitCircuit) -> tuple[int, ...]:
        """Return the wire of each bit."""
        reads = {gate.bit: gate.wires[0] for gate in circuit.gates if gate.name == "measure"}
        return tuple(reads[bit] for bit in range(circuit.n_bits))
