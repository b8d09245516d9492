"""Hypothesis strategies of qubit circuits."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.ansatz.qubit_gates import GATE_KINDS

NUMBERS = st.one_of(
    st.floats(-7, 7, allow_subnormal=False),
    st.sampled_from([0.0, math.pi, -math.pi / 2, math.pi / 4, 1.0, -1.0]),
)


@st.composite
def qubit_circuits(draw, max_params=3):
    """Measurement-free circuits of every gate, with fixed angles and angles of a parameter."""
    n_qubits, n_params = draw(st.integers(2, 4)), draw(st.integers(0, max_params))
    gates = []
    for name in draw(st.lists(st.sampled_from(sorted(GATE_KINDS)), max_size=20)):
        kind = GATE_KINDS[name]
        if not kind.is_unitary or name == "barrier":
            continue
        wires = tuple(draw(st.permutations(range(n_qubits)))[: kind.n_wires])
        angle = None
        if kind.has_angle:
            param = draw(st.sampled_from([None, *range(n_params)]))
            scale = 1.0 if param is None else draw(NUMBERS.filter(lambda x: abs(x) > 1e-3))
            angle = Angle(draw(NUMBERS), param, scale)
        gates.append(QubitGate(name, wires, angle))
    return QubitCircuit(n_qubits, tuple(gates), n_params)


@st.composite
def bound_circuits(draw, max_params=3):
    """A circuit, and values of its parameters."""
    circuit = draw(qubit_circuits(max_params))
    values = draw(st.lists(NUMBERS, min_size=circuit.n_params, max_size=circuit.n_params))
    return circuit, values
