"""Slow, obvious qubit simulation: the twin that every fast path is tested against."""

from __future__ import annotations

import numpy as np

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.ansatz.qubit_gates import GATE_KINDS, one_qubit_matrix


def dense_state(circuit: QubitCircuit, params=()) -> np.ndarray:
    """Return the state of a measurement-free circuit, shape ``(2**n,)``, wire 0 the highest bit."""
    state = _zero_state(circuit.n_qubits)
    for gate in circuit.gates:
        state = _applied(gate, state, params)
    return state.reshape(-1)


def dense_outcomes(circuit: QubitCircuit, params=()) -> dict[int, float]:
    """Return the probability of each outcome of a circuit that measures and resets on the way.

    Bit w of an outcome is classical bit w. Every record of results is followed on its own.
    """
    branches = [(0, _zero_state(circuit.n_qubits))]  # record, state whose norm is its chance
    for gate in circuit.gates:
        if gate.name not in ("measure", "reset"):
            branches = [(bits, _applied(gate, state, params)) for bits, state in branches]
            continue
        split = []
        for bits, state in branches:
            for result in (0, 1):
                kept = np.take(state, result, axis=gate.wires[0])
                parts = [np.zeros_like(kept), np.zeros_like(kept)]
                parts[result if gate.name == "measure" else 0] = kept
                record = bits if gate.bit is None else bits | result << gate.bit
                if kept.any():
                    split.append((record, np.stack(parts, axis=gate.wires[0])))
        branches = split
    found: dict[int, float] = {}
    for bits, state in branches:
        found[bits] = found.get(bits, 0.0) + float((np.abs(state) ** 2).sum())
    return found


def _zero_state(n_qubits: int) -> np.ndarray:
    state = np.zeros((2,) * n_qubits, dtype=np.complex128)
    state[(0,) * n_qubits] = 1.0
    return state


def _applied(gate: QubitGate, state: np.ndarray, params) -> np.ndarray:
    if gate.name == "barrier":
        return state
    angle = 0.0 if gate.angle is None else gate.angle.value(params)
    moved = np.moveaxis(state, gate.wires, range(len(gate.wires)))
    turned = (_matrix(gate.name, angle) @ moved.reshape(1 << len(gate.wires), -1)).reshape(
        moved.shape
    )
    return np.moveaxis(turned, range(len(gate.wires)), gate.wires)


def _matrix(name: str, angle: float) -> np.ndarray:
    if name == "gphase":
        return np.array([[np.exp(1j * angle)]])
    if name == "swap":
        return np.eye(4)[[0, 2, 1, 3]]
    kind = GATE_KINDS[name]
    if kind.controls:
        matrix = np.eye(4, dtype=np.complex128)
        matrix[2:, 2:] = one_qubit_matrix(kind.base, angle)
        return matrix
    return one_qubit_matrix(name, angle)
