"""Aer: without noise, or with that of a snapshot of a device of IBM, on the qubits in use."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from qiskit import QuantumCircuit, qpy

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qiskit.devices import NoisySampler, best_qubits, fake_device, restricted
from qmlmat.backends.qiskit.pubs import bound_angles, histogram, read_qubits
from qmlmat.backends.qiskit.transpiling import Transpiler
from qmlmat.backends.qubits.jobs import CountJob, Usage
from qmlmat.errors import CapabilityError, InputError
from qmlmat.hardware.adapters.base import DeviceFacts, Payload, Snapshot
from qmlmat.hardware.adapters.local.engine import n_executions
from qmlmat.hardware.config.tables import Layout
from qmlmat.hardware.task import from_plain, to_plain
from qmlmat.provenance import canonical_json

MAX_QUBITS: Final = 26
"""Largest register: Aer returns no counts where its memory ends, and says that all went well."""


class AerEngine:
    """Aer, ideal or with the noise of a fake device."""

    def __init__(self, device: str, layout: Layout) -> None:
        """Make the simulator.

        Args:
            device: ``"aer"``, or a fake device as ``"fake_manila"``.
            layout: How circuits are made ready.
        """
        self._name = device
        self._settings = layout
        self._ready: dict[Any, Any] = {}

    @property
    def is_ideal(self) -> bool:
        """Whether there is no noise."""
        return self._name == "aer"

    @cached_property
    def _device(self) -> Any:  # noqa: ANN401 (Qiskit's)
        return fake_device(self._name)

    def capabilities(self) -> DeviceFacts:
        """Return what it can do; see ``Engine``."""
        if self.is_ideal:
            return DeviceFacts(
                name=self._name, n_qubits=MAX_QUBITS, mid_circuit=True, is_simulator=True
            )
        return DeviceFacts(
            name=self._name,
            n_qubits=self._device.num_qubits,
            mid_circuit="reset" in self._device.target.operation_names,
            is_simulator=True,
            notes=("Noise is that of one day in the past.",),
        )

    def snapshot(self) -> Snapshot | None:
        """Return the errors of the fake device; see ``Engine``."""
        if self.is_ideal:
            return None
        device = self._device
        links: dict[tuple[int, int], float] = {}
        reads: dict[int, float] = {}
        for name in device.target.operation_names:
            for where, entry in (device.target[name] or {}).items():
                error = getattr(entry, "error", None)
                if where is None or error is None:
                    continue
                if len(where) == 2:
                    links[where] = min(float(error), links.get(where, 1.0))
                elif name == "measure":
                    reads[where[0]] = float(error)
        return Snapshot(
            device=self._name,
            taken=time.time(),
            calibrated=device.properties().last_update_date.timestamp(),
            readout_errors=reads,
            two_qubit_errors=links,
        )

    def compile(self, jobs: Sequence[CountJob], layout: Sequence[int] | None) -> Payload:
        """Return circuits in the device's gates, each transpiled once; see ``Adapter.compile``."""
        qubits = self._layout(max(job.circuit.n_qubits for job in jobs), layout)
        transpiler = self._transpiler(qubits)
        ready: dict[int, QuantumCircuit] = {}
        chosen = []
        for job in jobs:
            if job.is_physical:
                circuit = transpiler.ready(job.circuit, is_physical=True)
            else:
                circuit = transpiler.folded(job.circuit, job.fold)
            ready[id(circuit)] = circuit
            chosen.append(circuit)
        places = list(ready)
        content = {
            "layout": list(qubits),
            "qpy": _packed(list(ready.values())),
            "circuits": [places.index(id(circuit)) for circuit in chosen],
            "programs": [to_plain(job) for job in jobs],
        }
        depths = [c.depth(lambda one: one.operation.num_qubits == 2) for c in ready.values()]
        return Payload(
            content=canonical_json(content).encode(),
            bit_qubits=tuple(
                read_qubits(circuit, job.circuit.n_bits)
                for circuit, job in zip(chosen, jobs, strict=True)
            ),
            layout=qubits,
            n_executions=n_executions(jobs),
            facts={
                "n_transpiled": len(ready),
                "two_qubit_depth": max(depths),
                "seed_transpiler": self._settings.seed_transpiler,
            },
        )

    def run(self, content: Mapping[str, Any], seed: int) -> list[Histogram]:
        """Return the counts; see ``Engine``."""
        circuits = _unpacked(content["qpy"])
        jobs = [from_plain(tree) for tree in content["programs"]]
        layout = tuple(content["layout"])
        part = None if self.is_ideal else restricted(self._device, layout)
        bound, pubs = [], []
        for job, place in zip(jobs, content["circuits"], strict=True):
            values = bound_angles(circuits[place], job.angles)
            bound.append(len(values))
            pubs += [(circuits[place], one, job.shots) for one in values]
        answers = iter(NoisySampler(part, seed=seed).run(pubs).result())
        return [
            histogram(
                job.circuit.n_bits, len(job.angles), [next(answers).data for _ in range(n_pubs)]
            )
            for job, n_pubs in zip(jobs, bound, strict=True)
        ]

    def _layout(self, n_qubits: int, given: Sequence[int] | None) -> tuple[int, ...]:
        if self.is_ideal:
            if n_qubits > MAX_QUBITS:
                raise CapabilityError(
                    f"local:{self._name}: {n_qubits} qubits, and {MAX_QUBITS} fit. Use a reduced "
                    "or tapered mapping, or a smaller active space."
                )
            return tuple(range(n_qubits))
        chosen = self._settings.initial_layout if given is None else given
        if chosen is None:
            try:
                return tuple(best_qubits(self._device, n_qubits))
            except InputError as error:
                raise CapabilityError(f"local:{self._name}: {error}") from error
        if len(chosen) < n_qubits:
            raise CapabilityError(
                f"local:{self._name}: a circuit of {n_qubits} qubits, and the layout has "
                f"{len(chosen)}. Name more qubits in [layout] initial_layout, or start a run of "
                "another name."
            )
        return tuple(int(qubit) for qubit in chosen)

    def _transpiler(self, qubits: tuple[int, ...]) -> Transpiler:
        is_given = self._settings.initial_layout == qubits and not self.is_ideal
        return Transpiler(
            device=None if self.is_ideal else restricted(self._device, qubits),
            optimization_level=self._settings.optimization_level,
            seed=self._settings.seed_transpiler,
            cache=self._ready.setdefault(qubits, {}),
            usage=Usage(),
            initial_layout=tuple(range(len(qubits))) if is_given else None,
        )


def _packed(circuits: list[QuantumCircuit]) -> str:
    stream = io.BytesIO()
    qpy.dump(circuits, stream)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _unpacked(text: str) -> list[QuantumCircuit]:
    found: list[QuantumCircuit] = qpy.load(io.BytesIO(base64.b64decode(text)))
    return found
