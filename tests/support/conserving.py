"""Circuits and observables of Qiskit's that conserve the electrons, drawn at random."""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import (
    CCZGate,
    CPhaseGate,
    CRZGate,
    CSGate,
    CSwapGate,
    CZGate,
    DiagonalGate,
    MCPhaseGate,
    PhaseGate,
    RZGate,
    RZZGate,
    SwapGate,
    TGate,
    XXPlusYYGate,
    iSwapGate,
)
from qiskit.quantum_info import SparsePauliOp

from qmlmat.ansatz import Excitation
from qmlmat.plugins.qiskit import ExcitationGate

ALPHA = 0
BETA = 1


def spins(n_qubits: int, spin_order: str | None) -> list[int]:
    """The spin of every qubit; all are one where there is no order."""
    if spin_order is None:
        return [ALPHA] * n_qubits
    if spin_order == "blocked":
        return [ALPHA] * (n_qubits // 2) + [BETA] * (n_qubits // 2)
    return [ALPHA, BETA] * (n_qubits // 2)


def random_circuit(rng, n_qubits: int, spin_order: str | None, n_params: int) -> QuantumCircuit:
    """A determinant, exchanges between qubits of one spin, and phases of any."""
    theta = ParameterVector("t", n_params)
    own = np.array(spins(n_qubits, spin_order))
    circuit = QuantumCircuit(n_qubits, global_phase=rng.normal())
    for wire in rng.permutation(n_qubits)[: n_qubits // 2]:
        circuit.x(int(wire))
    for k in range(4 * n_qubits):
        angle = rng.normal() * theta[k % n_params] + theta[(k + 1) % n_params]
        if k % 3 == 0:
            angle = float(rng.normal())
        elif k % 7 == 0:
            angle = theta[0] * theta[1].sin()
        same = rng.permutation(np.flatnonzero(own == rng.choice(own))).tolist()
        wires = rng.permutation(n_qubits).tolist()
        gate, n = _gate(rng, angle)
        conserving = isinstance(gate, SwapGate | iSwapGate | XXPlusYYGate | ExcitationGate)
        if isinstance(gate, CSwapGate):
            control = next(w for w in wires if w not in same[:2])
            circuit.append(gate, [control, *same[:2]])
        elif n <= (len(same) if conserving else n_qubits):
            circuit.append(gate, (same if conserving else wires)[:n])
    return circuit


def _gate(rng, angle):
    """A gate and the number of its qubits."""
    beta = rng.choice([0.0, np.pi / 2, -np.pi / 2, np.pi, rng.normal()])
    diagonal = np.exp(1j * rng.normal(size=4))
    gates = [
        (XXPlusYYGate(angle, beta), 2),
        (XXPlusYYGate(angle, angle), 2),
        (XXPlusYYGate(0.7, angle), 2),
        (ExcitationGate(Excitation(((0, 1),)), angle), 2),
        (ExcitationGate(Excitation(((2, 0),)), angle), 3),
        (ExcitationGate(Excitation(((0, 2), (3, 1))), angle), 4),
        (SwapGate(), 2),
        (iSwapGate(), 2),
        (CSwapGate(ctrl_state=int(rng.integers(2))), 3),
        (PhaseGate(angle), 1),
        (RZGate(angle), 1),
        (RZZGate(angle), 2),
        (CPhaseGate(angle, ctrl_state=int(rng.integers(2))), 2),
        (CRZGate(angle), 2),
        (MCPhaseGate(angle, 3), 4),
        (CZGate(), 2),
        (CSGate(), 2),
        (CCZGate(), 3),
        (TGate(), 1),
        (DiagonalGate(diagonal.tolist()), 2),
    ]
    # Exchanges half of the time: only they make superpositions.
    return gates[rng.integers(9)] if rng.random() < 0.5 else gates[rng.integers(9, len(gates))]


def random_observable(rng, n_qubits: int, spin_order: str | None) -> SparsePauliOp:
    """A Hermitian sum that conserves the electrons; its words alone do not."""
    own = np.array(spins(n_qubits, spin_order))
    terms = [("", [], rng.normal())]
    for _ in range(6):
        wires = rng.permutation(n_qubits).tolist()
        terms.append(("ZZ", wires[:2], rng.normal()))
        p, q = rng.permutation(np.flatnonzero(own == own[wires[0]])).tolist()[:2]
        z = next(w for w in wires if w not in {p, q})
        one, two = rng.normal(size=2)
        terms += [("XXZ", [p, q, z], one), ("YYZ", [p, q, z], one)]
        terms += [("XY", [p, q], two), ("YX", [p, q], -two)]
    return SparsePauliOp.from_sparse_list(terms, num_qubits=n_qubits)
