"""Qubit circuits as PennyLane's tapes, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pennylane as qml
from pennylane.operation import Operator
from pennylane.tape import QuantumScript

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import CapabilityError, InputError

_MAKERS: Final[Mapping[str, Callable[..., Operator]]] = MappingProxyType(
    {
        "x": qml.PauliX,
        "y": qml.PauliY,
        "z": qml.PauliZ,
        "h": qml.Hadamard,
        "s": qml.S,
        "sdg": lambda wires: qml.adjoint(qml.S(wires)),
        "t": qml.T,
        "tdg": lambda wires: qml.adjoint(qml.T(wires)),
        "sx": qml.SX,
        "rx": qml.RX,
        "ry": qml.RY,
        "rz": qml.RZ,
        "p": qml.PhaseShift,
        "cx": qml.CNOT,
        "cy": qml.CY,
        "cz": qml.CZ,
        "ch": qml.CH,
        "crx": qml.CRX,
        "cry": qml.CRY,
        "crz": qml.CRZ,
        "cp": qml.ControlledPhaseShift,
        "swap": qml.SWAP,
    }
)
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {maker.__name__: name for name, maker in _MAKERS.items() if isinstance(maker, type)}
    | {"Adjoint(S)": "sdg", "Adjoint(T)": "tdg", "U1": "p"}
)
_MAX_DEPTH: Final = 20  # of decompositions within one another


def to_pennylane(circuit: QubitCircuit, params: Any = ()) -> list[Operator]:  # noqa: ANN401
    """Return a circuit as PennyLane's operators, first acting first; nothing is queued.

    Args:
        circuit: The circuit.
        params: Parameters, shape ``(n_params,)``, or ``(n_points, n_params)`` for gates broadcast
            over points (radians); an array of any framework PennyLane knows.

    Raises:
        InputError: If there is another number of parameters.
        CapabilityError: If the circuit measures or resets.
    """
    shape = np.shape(params)
    if len(shape) not in {1, 2} or shape[-1] != circuit.n_params:
        raise InputError(
            f"to_pennylane: params of shape {shape}, the circuit has {circuit.n_params} "
            f"parameters. Give shape ({circuit.n_params},) or (n_points, {circuit.n_params})."
        )
    if not circuit.is_unitary:
        raise CapabilityError(
            "to_pennylane: the circuit measures or resets. Leave the measurements to PennyLane "
            "(qml.expval, qml.counts), or run it on the statevector or the Qiskit backend."
        )
    with qml.QueuingManager.stop_recording():
        return [_operator(gate, params) for gate in circuit.gates if gate.name != "barrier"]


def from_pennylane(
    operations: QuantumScript | Iterable[Operator], n_qubits: int | None = None
) -> QubitCircuit:
    """Return PennyLane's operators as a circuit without free parameters.

    What has no counterpart is decomposed as PennyLane does it.

    Args:
        operations: A tape, whose measurements are left out, or operators, first acting first.
        n_qubits: Number of qubits; without it as many as the wires need.

    Raises:
        InputError: If a wire is no whole number, an angle is a batch of angles, or an operator has
            neither a counterpart nor a decomposition.
    """
    found = operations.operations if isinstance(operations, QuantumScript) else operations
    with qml.QueuingManager.stop_recording():
        gates = [gate for operator in found for gate in _gates(operator, _MAX_DEPTH)]
    if n_qubits is None:
        n_qubits = 1 + max((wire for gate in gates for wire in gate.wires), default=-1)
    return QubitCircuit(n_qubits, tuple(gates))


def _operator(gate: QubitGate, params: Any) -> Operator:  # noqa: ANN401
    if gate.angle is None:
        return _MAKERS[gate.name](wires=list(gate.wires))
    angle: Any = gate.angle.offset
    if gate.angle.param is not None:
        angle = gate.angle.scale * params[..., gate.angle.param] + angle
    if gate.name == "gphase":
        return qml.GlobalPhase(-angle)  # PennyLane's is exp(-i phi)
    return _MAKERS[gate.name](angle, wires=list(gate.wires))


def _gates(operator: Operator, depth: int) -> list[QubitGate]:
    wires = tuple(operator.wires)
    if not all(isinstance(wire, int | np.integer) for wire in wires):
        raise InputError(
            f"from_pennylane: {operator.name} on wires {wires}. Use wires 0, 1, 2, ..., e.g. by "
            "qml.map_wires."
        )
    wires = tuple(int(wire) for wire in wires)
    if operator.name in {"Identity", "Barrier"}:
        return []
    if operator.name == "GlobalPhase":
        return [QubitGate("gphase", (), Angle(-_number(operator)))]
    name = _NAMES.get(operator.name)
    if name is not None:
        angle = Angle(_number(operator)) if operator.num_params else None
        return [QubitGate(name, wires, angle)]
    if not depth or not getattr(operator, "has_decomposition", False):
        raise InputError(
            f"from_pennylane: {operator.name} on wires {wires} has neither a counterpart nor a "
            f"decomposition. Use {', '.join(_NAMES)}, or what decomposes into them."
        )
    return [gate for part in operator.decomposition() for gate in _gates(part, depth - 1)]


def _number(operator: Operator) -> float:
    value = np.asarray(qml.math.unwrap([operator.data[0]])[0], dtype=np.float64)
    if value.ndim:
        raise InputError(
            f"from_pennylane: {operator.name} has angles of shape {value.shape}. Give one tape for "
            "each point (qml.transforms.broadcast_expand)."
        )
    return float(value)
