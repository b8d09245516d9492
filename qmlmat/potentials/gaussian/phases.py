"""Circuits of quantum kernels: uploads of features, and phases of chosen pairs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate

UPLOAD: Final = ("ry", "rz")
"""The rotations by which a feature enters."""


def phase_encoding(n_qubits: int, layers: Sequence[Sequence[tuple[int, int]]]) -> EncodedCircuit:
    """Return uploads of one feature to each qubit, with phases of chosen pairs between them.

    With every pair in each layer it is the encoding ``"morse_kernel"``.

    Args:
        n_qubits: Number of qubits and of features.
        layers: Pairs of qubits of each layer.
    """
    uploads = [QubitCircuit(n_qubits, _rotations(name, n_qubits), n_qubits) for name in UPLOAD]
    own = np.eye(n_qubits, dtype=np.bool_)
    upload = EncodedCircuit(uploads[0], own).then(EncodedCircuit(uploads[1], own))
    found = upload
    for pairs in layers:
        gates = [gate for number, pair in enumerate(pairs) for gate in _phase(pair, number)]
        phases = QubitCircuit(n_qubits, tuple(gates), len(pairs))
        nothing = np.zeros((len(pairs), n_qubits), dtype=np.bool_)
        found = found.then(EncodedCircuit(phases, nothing)).then(upload)
    return found


def _rotations(name: str, n_qubits: int) -> tuple[QubitGate, ...]:
    return tuple(QubitGate(name, (wire,), Angle(0.0, wire)) for wire in range(n_qubits))


def _phase(pair: tuple[int, int], number: int) -> tuple[QubitGate, ...]:
    turn = QubitGate("rz", (pair[1],), Angle(0.0, number))
    return QubitGate("cx", pair), turn, QubitGate("cx", pair)
