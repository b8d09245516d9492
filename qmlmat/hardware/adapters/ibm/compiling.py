"""Programs made ready for a device of IBM: one layout, each circuit transpiled once, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_ibm_runtime.exceptions import IBMInputValueError
from qiskit_ibm_runtime.utils import validate_isa_circuits, validate_rzz_pubs

from qmlmat.backends.qiskit.devices import best_qubits, restricted
from qmlmat.backends.qiskit.operators import count_bases
from qmlmat.backends.qiskit.pubs import bound_angles, read_qubits
from qmlmat.backends.qiskit.transpiling import Transpiler
from qmlmat.backends.qubits.jobs import Batch, CountJob, Usage
from qmlmat.errors import CapabilityError, InputError
from qmlmat.hardware.adapters.base import Payload
from qmlmat.hardware.adapters.ibm.content import Content, Part
from qmlmat.hardware.adapters.ibm.options import estimator_options, sampler_options
from qmlmat.hardware.config.target import IbmTarget
from qmlmat.hardware.executions import Overhead, common_shots, executions, repeats, shared_shots
from qmlmat.hardware.task import Program, Task


@dataclass(kw_only=True, eq=False)
class Compiler:
    """Makes tasks of one target ready for one device."""

    target: IbmTarget
    """What the target says."""
    device: Any
    """The device, a ``BackendV2``."""
    transpilers: dict[tuple[int, ...], Transpiler] = field(default_factory=dict)
    """What makes circuits ready, by layout."""

    def compile(self, task: Task, layout: Sequence[int] | None) -> Payload:
        """Return what will be sent for a task; see ``Adapter.compile``."""
        programs = task.measured
        kind = CountJob if self.target.primitive == "sampler" else Batch
        if not programs or not all(isinstance(one, kind) for one in programs):
            raise CapabilityError(
                f'ibm: primitive = "{self.target.primitive}" measures only programs of the kind '
                f"{kind.__name__}, at least one. Change primitive in the target."
            )
        chosen = self._layout(programs, layout)
        shots = _unit(programs)
        ready = [self._ready(one, chosen) for one in programs]
        marked = [_is_marked(*pair, shots) for pair in zip(programs, ready, strict=True)]
        circuits, numbers = self._embedded(ready, marked, chosen)
        parts = [
            _part(one, circuit, shots, chosen) for one, circuit in zip(programs, ready, strict=True)
        ]
        parts = [replace(one, circuit=number) for one, number in zip(parts, numbers, strict=True)]
        content = self._content(task, shots, circuits, parts)
        pubs = content.pubs()
        self._check(circuits, pubs)
        n_executions = _executions(content, pubs, self.target)
        options = sampler_options if kind is CountJob else estimator_options
        content = replace(content, options=options(self.target, shots, n_executions))
        return Payload(
            content=content.to_bytes(),
            bit_qubits=tuple(
                read_qubits(circuit, one.circuit.n_bits) if isinstance(one, CountJob) else ()
                for one, circuit in zip(programs, ready, strict=True)
            ),
            layout=chosen,
            n_executions=n_executions,
            facts={
                "depth": max(circuit.depth() for circuit in circuits),
                "two_qubit_gates": max(circuit.num_nonlocal_gates() for circuit in circuits),
                "seed_transpiler": self.target.layout.seed_transpiler,
            },
        )

    def _layout(self, programs: Sequence[Program], layout: Sequence[int] | None) -> tuple[int, ...]:
        """Return the device's qubits by wire.

        Raises:
            InputError: If there are fewer than wires.
        """
        n_wires = max(one.circuit.n_qubits for one in programs)
        chosen = self.target.layout.initial_layout if layout is None else layout
        if chosen is None:
            chosen = best_qubits(self.device, n_wires)
        if len(chosen) < n_wires:
            raise InputError(
                f"ibm: a layout of {len(chosen)} qubits for circuits of {n_wires}. Name one for "
                "each wire in [layout] initial_layout, or leave it out."
            )
        return tuple(int(qubit) for qubit in chosen)

    def _ready(self, program: Program, layout: tuple[int, ...]) -> QuantumCircuit:
        """Return a circuit in the device's gates, qubit k for wire k of the layout.

        The device is restricted to the layout, so that no routing leaves it.
        """
        if layout not in self.transpilers:
            self.transpilers[layout] = Transpiler(
                device=restricted(self.device, layout),
                optimization_level=self.target.layout.optimization_level,
                seed=self.target.layout.seed_transpiler,
                cache={},
                usage=Usage(),
            )
        transpiler = self.transpilers[layout]
        if isinstance(program, Batch):
            return transpiler.ready(program.circuit)
        if program.is_physical:
            return transpiler.ready(program.circuit, is_physical=True)
        return transpiler.folded(program.circuit, program.fold)

    def _embedded(
        self, ready: Sequence[QuantumCircuit], marked: Sequence[bool], layout: Sequence[int]
    ) -> tuple[tuple[QuantumCircuit, ...], list[int]]:
        """Return the different circuits on the whole device, and each program's number.

        Those marked get an angle that does nothing, a phase of ``|0>``: an array of it repeats a
        circuit within one PUB.
        """
        found: dict[tuple[int, bool], int] = {}
        whole: list[QuantumCircuit] = []
        keys = [(id(circuit), mark) for circuit, mark in zip(ready, marked, strict=True)]
        for key, circuit in zip(keys, ready, strict=True):
            if key not in found:
                found[key] = len(whole)
                register = QuantumRegister(self.device.num_qubits, "q")
                one = QuantumCircuit(register, *circuit.cregs, name=f"c{len(whole)}")
                if key[1]:
                    one.rz(Parameter("nothing"), layout[0])
                one.compose(circuit, qubits=layout, clbits=circuit.clbits, inplace=True)
                whole.append(one)
        return tuple(whole), [found[key] for key in keys]

    def _content(
        self,
        task: Task,
        shots: int,
        circuits: tuple[QuantumCircuit, ...],
        parts: Sequence[Part],
    ) -> Content:
        return Content(
            primitive=self.target.primitive,
            device=self.device.name,
            n_qubits=self.device.num_qubits,
            fractional=self.target.layout.fractional_gates,
            mode=self.target.mode.kind,
            run=f"qmlmat-run.{hashlib.sha256(task.run.encode()).hexdigest()[:16]}",
            shots=shots,
            options={},
            circuits=circuits,
            parts=tuple(parts),
        )

    def _check(self, circuits: Sequence[QuantumCircuit], pubs: Sequence[Any]) -> None:
        """Refuse what the device would refuse after it is sent.

        Raises:
            CapabilityError: If a gate is not the device's, or an angle is outside its range.
        """
        kind = SamplerPub if self.target.primitive == "sampler" else EstimatorPub
        try:
            validate_isa_circuits(circuits, self.device.target)
            validate_rzz_pubs([kind.coerce(pub) for pub in pubs])
        except IBMInputValueError as error:
            raise CapabilityError(
                f"ibm: {self.device.name} cannot run a circuit ({error.message}). Set [layout] "
                "fractional_gates = false, or another optimization_level."
            ) from error


def _unit(programs: Sequence[Program]) -> int:
    """Return the shots of every PUB: a job of IBM's has one number."""
    batches = [one for one in programs if isinstance(one, Batch)]
    if batches:
        return common_shots(batches)
    return shared_shots([one for one in programs if isinstance(one, CountJob)])


def _is_marked(program: Program, ready: QuantumCircuit, shots: int) -> bool:
    """Return whether a circuit that counts has no angle by which it could be repeated."""
    if isinstance(program, Batch) or ready.num_parameters:
        return False
    return len(program.angles) * repeats(program.shots, shots) > 1


def _part(program: Program, ready: QuantumCircuit, shots: int, layout: Sequence[int]) -> Part:
    n_points = len(program.angles)
    if isinstance(program, Batch):
        ends = range(program.circuit.n_qubits)
        if ready.layout is not None:
            ends = ready.layout.final_index_layout(filter_ancillas=True)
        return Part(
            circuit=0,
            values=tuple(bound_angles(ready, program.angles)),
            n_points=n_points,
            sums=program.sums,
            places=tuple(layout[k] for k in ends),
        )
    times = repeats(program.shots, shots)
    values = np.zeros((1, 0))
    if ready.num_parameters:
        (values,) = bound_angles(ready, program.angles)
        values = np.repeat(values[:, None, :], times, axis=1)
    elif _is_marked(program, ready, shots):
        values = np.zeros((n_points, times, 1))
    return Part(circuit=0, values=(values,), n_points=n_points, n_bits=program.circuit.n_bits)


def _executions(content: Content, pubs: Sequence[tuple[Any, ...]], target: IbmTarget) -> int:
    """Return the circuit executions, counted from what is sent."""
    if content.primitive == "sampler":
        return content.shots * sum(int(np.prod(values.shape[:-1])) for _, values in pubs)
    configurations = sum(count_bases(operators) * len(values) for _, operators, values in pubs)
    return executions(content.shots, configurations, Overhead.of(target.resilience))
