"""Braket's simulators on this machine: ideal, or density matrices with depolarising noise."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob, folded
from qmlmat.errors import CapabilityError, MissingExtraError
from qmlmat.hardware.adapters.base import DeviceFacts, Payload, Snapshot
from qmlmat.hardware.adapters.braket_circuits import to_braket
from qmlmat.hardware.adapters.local.engine import n_executions
from qmlmat.hardware.config.tables import Noise
from qmlmat.hardware.task import from_plain, to_plain
from qmlmat.provenance import canonical_json
from qmlmat.typing import FloatArray

MAX_QUBITS: Final[Mapping[str, int]] = {"braket_sv": 24, "braket_dm": 12}
"""Largest registers: a vector of 2**24 amplitudes, a matrix of 4**12 elements."""

_NOISELESS: Final = frozenset({"I", "GPhase", "Barrier"})
"""What is no gate of a device."""

_ONE_AT_A_TIME: Final = threading.Lock()  # its compiled loops have once aborted an interpreter


class BraketEngine:
    """Braket's local simulator. Outcomes are drawn by us, so that a seed says what they are."""

    def __init__(self, device: str, noise: Noise | None) -> None:
        """Make the simulator.

        Args:
            device: ``"braket_sv"`` or ``"braket_dm"``.
            noise: Noise of ``"braket_dm"``.
        """
        self._name = device
        self._noise = noise

    def capabilities(self) -> DeviceFacts:
        """Return what it can do; see ``Engine``."""
        return DeviceFacts(name=self._name, n_qubits=MAX_QUBITS[self._name], is_simulator=True)

    def snapshot(self) -> Snapshot | None:
        """Return ``None``: its noise is not calibrated."""
        return None

    def compile(self, jobs: Sequence[CountJob], layout: Sequence[int] | None) -> Payload:
        """Return the circuits as they are: every qubit is like every other; see ``Engine``."""
        for job in jobs:
            if job.circuit.n_qubits > MAX_QUBITS[self._name]:
                raise CapabilityError(
                    f"local:{self._name}: {job.circuit.n_qubits} qubits, and "
                    f"{MAX_QUBITS[self._name]} fit. Use a reduced or tapered mapping."
                )
            to_braket(job.circuit)  # refuses what Braket cannot run, before it is sent
        n_qubits = max(job.circuit.n_qubits for job in jobs)
        content = {
            "noise": None if self._noise is None else self._noise.model_dump(),
            "programs": [to_plain(job) for job in jobs],
        }
        return Payload(
            content=canonical_json(content).encode(),
            bit_qubits=tuple(_bit_wires(job) for job in jobs),
            layout=tuple(range(n_qubits)) if layout is None else tuple(layout),
            n_executions=n_executions(jobs),
        )

    def run(self, content: Mapping[str, Any], seed: int) -> list[Histogram]:
        """Return the counts; see ``Engine``."""
        noise = None if content["noise"] is None else Noise(**content["noise"])
        rng = np.random.default_rng(seed)
        found = []
        for tree in content["programs"]:
            job = from_plain(tree)
            if isinstance(job, CountJob):
                found.append(self._counts(job, noise, rng))
        return found

    def _counts(self, job: CountJob, noise: Noise | None, rng: np.random.Generator) -> Histogram:
        rows = []
        for angles in job.angles:
            weights = self._probabilities(job, angles, noise)
            rows.append(rng.multinomial(job.shots, weights))
        counts = np.array(rows, dtype=np.int64)
        seen = np.flatnonzero(counts.any(axis=0))
        return Histogram(job.circuit.n_bits, seen.astype(np.uint64), counts[:, seen])

    def _probabilities(self, job: CountJob, angles: FloatArray, noise: Noise | None) -> FloatArray:
        """Return each outcome's probability, ``(2**n_bits,)``; bit w of the index is bit w."""
        try:
            from braket.devices import LocalSimulator  # noqa: PLC0415 (an optional package)
        except ImportError as error:
            raise MissingExtraError(
                'Braket\'s simulators come with its SDK. Type: pip install "qmlmat[braket]"'
            ) from error
        gates = tuple(gate for gate in job.circuit.gates if gate.name != "measure")
        bare = type(job.circuit)(job.circuit.n_qubits, gates, job.circuit.n_params)
        wires = _bit_wires(job)
        circuit = _noisy(to_braket(folded(bare, job.fold), angles), noise, wires)
        circuit.probability(target=list(reversed(wires)))  # Braket's first target weighs most
        with _ONE_AT_A_TIME:
            result = LocalSimulator(self._name).run(circuit, shots=0).result()
        weights = np.clip(np.asarray(result.values[0], dtype=np.float64), 0.0, None)
        normalised: FloatArray = weights / weights.sum()
        return normalised


def _noisy(ideal: Any, noise: Noise | None, wires: Sequence[int]) -> Any:  # noqa: ANN401 (Braket's)
    """Return a circuit with noise after each gate and before each measurement."""
    if noise is None:
        return ideal
    found = type(ideal)()
    for step in ideal.instructions:
        found.add_instruction(step)
        if step.operator.name in _NOISELESS:
            continue
        qubits = list(step.target)
        if len(qubits) == 2 and noise.two_qubit:
            found.two_qubit_depolarizing(*qubits, probability=noise.two_qubit)
        elif len(qubits) == 1 and noise.one_qubit:
            found.depolarizing(qubits[0], probability=noise.one_qubit)
    if noise.readout:
        for wire in wires:
            found.bit_flip(wire, probability=noise.readout)
    return found


def _bit_wires(job: CountJob) -> tuple[int, ...]:
    """Return the wire that each bit is read from."""
    reads = {gate.bit: gate.wires[0] for gate in job.circuit.gates if gate.bit is not None}
    return tuple(reads[bit] for bit in range(job.circuit.n_bits))
