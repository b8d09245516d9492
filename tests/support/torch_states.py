"""Slow, obvious qubit simulation in plain PyTorch: every derivative is automatic."""

from __future__ import annotations

import torch

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.ansatz.qubit_gates import GATE_KINDS, one_qubit_matrix


def torch_states(circuit: QubitCircuit, angles: torch.Tensor) -> torch.Tensor:
    """Return complex states, shape ``(n_rows, 2**n_qubits)``, wire 0 the highest bit."""
    state = torch.zeros((len(angles), *(2,) * circuit.n_qubits), dtype=torch.complex128)
    state[(slice(None), *(0,) * circuit.n_qubits)] = 1.0
    for gate in circuit.gates:
        if gate.name != "barrier":
            state = _applied(gate, state, angles)
    return state.reshape(len(angles), -1)


def _applied(gate: QubitGate, state: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    matrices = _matrices(gate, angles)
    wires = [1 + wire for wire in gate.wires]
    to = list(range(1, 1 + len(wires)))
    moved = torch.movedim(state, wires, to)
    flat = moved.reshape(len(state), 1 << len(wires), -1)
    return torch.movedim((matrices @ flat).reshape(moved.shape), to, wires)


def _matrices(gate: QubitGate, angles: torch.Tensor) -> torch.Tensor:
    """Return the gate's matrix of each row, or one for all."""
    values = torch.zeros(len(angles), dtype=torch.float64)
    if gate.angle is not None:
        values = values + gate.angle.offset
        if gate.angle.param is not None:
            values = values + gate.angle.scale * angles[:, gate.angle.param]
    kind = GATE_KINDS[gate.name]
    if gate.name == "gphase":
        return torch.exp(1j * values)[:, None, None]
    if gate.name == "swap":
        return torch.eye(4, dtype=torch.complex128)[[0, 2, 1, 3]]
    small = _small(kind.base or gate.name, values)
    if not kind.controls:
        return small
    rows = [torch.eye(2, dtype=torch.complex128).expand_as(small), torch.zeros_like(small)]
    top, bottom = torch.cat(rows, -1), torch.cat([rows[1], small], -1)
    return torch.cat([top, bottom], -2)


def _small(name: str, values: torch.Tensor) -> torch.Tensor:
    """Return a one-qubit gate's matrices: exponentials of half the angle times a Pauli matrix."""
    if not GATE_KINDS[name].has_angle:
        return torch.from_numpy(one_qubit_matrix(name).copy())
    pauli = torch.from_numpy(one_qubit_matrix({"p": "z"}.get(name, name[1:])).copy())
    c, s = torch.cos(values / 2)[:, None, None], torch.sin(values / 2)[:, None, None]
    turn = c * torch.eye(2, dtype=torch.complex128) - 1j * s * pauli
    return torch.exp(0.5j * values)[:, None, None] * turn if name == "p" else turn
