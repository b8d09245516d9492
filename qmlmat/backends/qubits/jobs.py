"""What devices are asked for, and the record of what was spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Batch:
    """One circuit at many angles, and what is measured in each of its states."""

    circuit: QubitCircuit
    """The circuit, nothing measured yet."""
    angles: FloatArray
    """Its parameters, shape ``(n_points, n_params)`` (radians)."""
    sums: tuple[PauliSum, ...]
    """What is measured."""
    shots: int | None = None
    """Repetitions of each point; ``None`` where exact."""
    symmetry: Symmetry | None = None
    """What is known of every state beforehand."""
    start: tuple[tuple[int, complex], ...] = ()
    """The reference, as masks of qubits and amplitudes; tells which groups need the shots."""


@dataclass(frozen=True, eq=False)
class Symmetry:
    """What is known of a state beforehand, for post-selection."""

    mapping: QubitMapping
    """Where the occupations stand."""
    nelec: tuple[int, int]
    """Electrons by spin."""
    words: PauliSum
    """Z words that the observables keep; the coefficients are their values, 1 or -1."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Expectations of a batch."""

    values: FloatArray
    """Shape ``(n_points, n_sums)``."""
    variances: FloatArray
    """Variances of ``values`` as estimators, same shape; zero where exact."""
    n_shots: int | None = None
    """Repetitions spent; ``None`` where exact."""
    calibration: FloatArray | None = None
    """How ``values`` move at other readout errors that the calibration allows, in the same draws
    for all batches, shape ``(n_draws, n_points, n_sums)``; ``None`` without readout correction.
    Their variance is in ``variances``."""


@dataclass(frozen=True, eq=False)
class CountJob:
    """One measured circuit at many angles."""

    circuit: QubitCircuit
    """The circuit; bit w is wire w."""
    angles: FloatArray
    """Its parameters, shape ``(n_points, n_params)`` (radians)."""
    shots: int
    """Repetitions of each point."""
    fold: int = 1
    """Odd factor by which everything before the measurement is folded, ``U (U† U)^k``."""
    is_physical: bool = False
    """Whether wires are the device's own qubits, to be used as they are."""


@dataclass
class Usage:
    """What was sent to a device so far."""

    n_jobs: int = 0
    """Submissions."""
    n_circuits: int = 0
    """Circuits with angles and a basis of measurement, each counted once however often repeated."""
    n_shots: int = 0
    """Repetitions."""
    n_transpiled: int = 0
    """Circuits made ready for the device."""

    def add(self, *, n_circuits: int, n_shots: int) -> None:
        """Count one submission."""
        self.n_jobs += 1
        self.n_circuits += n_circuits
        self.n_shots += n_shots


@runtime_checkable
class ExpectationDoor(Protocol):
    """A device that returns expectations."""

    def expectations(self, batches: Sequence[Batch]) -> list[Measured]:
        """Return the expectations of every batch, by one submission."""
        ...

    def least_shots(self, batches: Sequence[Batch]) -> int:
        """Return the fewest shots with which every batch can be measured."""
        ...


@runtime_checkable
class GradientDoor(Protocol):
    """A simulator that differentiates by itself."""

    def slopes(self, batches: Sequence[Batch]) -> list[tuple[FloatArray, FloatArray]]:
        """Return values ``(n_points, n_sums)`` and derivatives ``(n_points, n_sums, n_params)``."""
        ...


@runtime_checkable
class CountDoor(Protocol):
    """A device that returns counts of bit strings."""

    def counts(self, jobs: Sequence[CountJob]) -> list[Histogram]:
        """Return the counts of every job, by one submission."""
        ...

    def bit_qubits(self, circuit: QubitCircuit) -> tuple[int, ...]:
        """Return the device's qubit that each bit of a measured circuit is read from."""
        ...


def folded(circuit: QubitCircuit, factor: int) -> QubitCircuit:
    """Return ``U (U† U)^k`` with ``factor = 2 k + 1``, barriers between, the same parameters.

    Measurements at the end stay there.
    """
    if factor == 1:
        return circuit
    fence = (QubitGate("barrier", ()),)
    there = tuple(gate for gate in circuit.gates if gate.name != "measure")
    back = replace(circuit, gates=there).inverse().gates
    gates = there + (fence + back + fence + there) * ((factor - 1) // 2)
    return replace(circuit, gates=gates + circuit.gates[len(there) :])


def reads_at_end(circuit: QubitCircuit) -> bool:
    """Return whether a circuit measures each qubit at most once, after everything else on it."""
    read: set[int] = set()
    for gate in circuit.gates:
        if gate.name == "reset" or read & set(gate.wires):
            return False
        if gate.name == "measure":
            read.add(gate.wires[0])
    return True
