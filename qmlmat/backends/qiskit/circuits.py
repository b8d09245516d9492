"""Qubit circuits as Qiskit's, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Instruction, ParameterExpression, ParameterVector
from qiskit.circuit.library import get_standard_gate_name_mapping

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.ansatz.qubit_gates import GATE_KINDS
from qmlmat.errors import InputError

_OURS_BY_NUMBER: Final = re.compile(r"theta_(0|[1-9]\d*)")


def to_qiskit(circuit: QubitCircuit, params: ArrayLike | None = None) -> QuantumCircuit:
    """Return a circuit as Qiskit's: wire w is qubit w, bit b is classical bit b.

    Qiskit prints bit strings and orders state vectors with qubit 0 last; we have wire 0 first.

    Args:
        circuit: The circuit. Phases of all states become the ``global_phase``.
        params: Parameters, shape ``(n_params,)`` (radians); without them they stay free, elements
            of one ``ParameterVector`` named ``theta``, in order.

    Raises:
        InputError: If there is another number of parameters, or they are not finite.
    """
    values: Sequence[Any]
    if params is None:
        values = list(ParameterVector("theta", circuit.n_params))
    else:
        numbers = np.asarray(params, dtype=np.float64)
        if numbers.shape != (circuit.n_params,) or not np.isfinite(numbers).all():
            raise InputError(
                f"to_qiskit: params of shape {numbers.shape}, the circuit has {circuit.n_params} "
                f"parameters. Give shape ({circuit.n_params},), finite numbers (radians), or none "
                "to leave them free."
            )
        values = numbers.tolist()
    registers = [QuantumRegister(circuit.n_qubits, "q")]
    if circuit.n_bits:
        registers.append(ClassicalRegister(circuit.n_bits, "c"))
    found = QuantumCircuit(*registers, name=circuit.name)
    for gate in circuit.gates:
        _append(found, gate, values)
    return found


def from_qiskit(circuit: QuantumCircuit) -> QubitCircuit:
    """Return one of Qiskit's circuits as ours: qubit q is wire q.

    Parameters are numbered as in ``circuit.parameters``; elements of one ``ParameterVector``, and
    parameters that are all called ``theta_0``, ``theta_1``, ..., by their own number.

    Args:
        circuit: Qiskit's circuit. Barriers and ``id`` are left out.

    Raises:
        InputError: If a gate is none of ours, or an angle is not linear in one parameter.
    """
    numbers, n_params = _numbered(circuit)
    gates: list[QubitGate] = []
    for item in circuit.data:
        name = item.operation.name
        if name in {"barrier", "id"}:
            continue
        wires = tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
        if name == "global_phase":
            name = "gphase"
        if name not in GATE_KINDS or item.operation.base_class is not _base_class(name):
            known = [k for k in GATE_KINDS if k not in {"barrier", "gphase", "measure", "reset"}]
            raise InputError(
                f'from_qiskit: the gate "{name}" on qubits {wires} has no counterpart. Use '
                f"qiskit.transpile(circuit, basis_gates={known}, optimization_level=0) first."
            )
        angle = _angle(item.operation, numbers) if GATE_KINDS[name].has_angle else None
        bit = circuit.find_bit(item.clbits[0]).index if name == "measure" else None
        gates.append(QubitGate(name, wires, angle, bit))
    gates += [QubitGate("gphase", (), a) for a in _angles(circuit.global_phase, numbers)]
    return QubitCircuit(circuit.num_qubits, tuple(gates), n_params, circuit.name or "custom")


def _append(circuit: QuantumCircuit, gate: QubitGate, values: Sequence[Any]) -> None:
    if gate.name == "measure":
        circuit.measure(gate.wires[0], gate.bit)
    elif gate.name == "reset":
        circuit.reset(gate.wires[0])
    elif gate.angle is None:
        getattr(circuit, gate.name)(*gate.wires)
    elif gate.name == "gphase":
        circuit.global_phase += gate.angle.value(values)
    else:
        getattr(circuit, gate.name)(gate.angle.value(values), *gate.wires)


@cache
def _base_class(name: str) -> type:
    """Return Qiskit's own class of a gate: a user's gate may have the name, and be another."""
    known = get_standard_gate_name_mapping()["global_phase" if name == "gphase" else name]
    found: type = known.base_class
    return found


def _numbered(circuit: QuantumCircuit) -> tuple[dict[Any, int], int]:
    """Return the number of each parameter, and how many there are."""
    free = list(circuit.parameters)
    vectors = {id(p.vector): p.vector for p in free if hasattr(p, "vector")}
    if len(vectors) == 1 and all(hasattr(p, "vector") for p in free):
        (vector,) = vectors.values()
        return {p: p.index for p in free}, len(vector)
    matches = [_OURS_BY_NUMBER.fullmatch(p.name) for p in free]
    own = [int(match[1]) for match in matches if match]
    if free and len(own) == len(free):
        return dict(zip(free, own, strict=True)), 1 + max(own)
    return {p: k for k, p in enumerate(free)}, len(free)


def _angle(operation: Instruction, numbers: dict[Any, int]) -> Angle:
    angles = _angles(operation.params[0], numbers)
    if len(angles) > 1:
        raise InputError(_not_linear(operation.params[0]))
    return angles[0] if angles else Angle()


def _angles(value: Any, numbers: dict[Any, int]) -> list[Angle]:  # noqa: ANN401
    """Return a linear expression as a sum of angles, each of one parameter at most."""
    if not isinstance(value, ParameterExpression):
        return [Angle(float(value))] if value else []
    slopes = {numbers[p]: _float(value.gradient(p), value) for p in value.parameters}
    offset = float(value.bind(dict.fromkeys(value.parameters, 0.0)))
    found = [Angle(0.0, param, slopes[param]) for param in sorted(slopes) if slopes[param]]
    if found:
        found[0] = Angle(offset, found[0].param, found[0].scale)
        return found
    return [Angle(offset)] if offset else []


def _float(slope: Any, value: ParameterExpression) -> float:  # noqa: ANN401
    if isinstance(slope, ParameterExpression) and slope.parameters:
        raise InputError(_not_linear(value))
    return float(slope)


def _not_linear(value: ParameterExpression) -> str:
    return (
        f"from_qiskit: the angle {value}. Use angles that are linear in one parameter, or bind the "
        "parameters first (circuit.assign_parameters)."
    )
