"""Slow, obvious qubit simulation: the twin that every fast path is tested against."""

from __future__ import annotations

import numpy as np

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.ansatz.qubit_gates import GATE_KINDS, one_qubit_matrix


def dense_state(circuit: QubitCircuit, params=()) -> np.ndarray:
    """Return the state of a measurement-free circuit, shape ``(2**n,)``, wire 0 the highest bit."""
    state = np.zeros((2,) * circuit.n_qubits, dtype=np.complex128)
    state[(0,) * circuit.n_qubits] = 1.0
    for gate in circuit.gates:
        if gate.name == "barrier":
            continue
        angle = 0.0 if gate.angle is None else gate.angle.value(params)
        state = np.moveaxis(state, gate.wires, range(len(gate.wires)))
        state = (_matrix(gate.name, angle) @ state.reshape(1 << len(gate.wires), -1)).reshape(
            state.shape
        )
        state = np.moveaxis(state, range(len(gate.wires)), gate.wires)
    return state.reshape(-1)


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
