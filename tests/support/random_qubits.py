"""Random qubit circuits and Pauli sums, and a dense simulation of circuits that measure."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from dense_qubits import dense_state

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.ansatz.qubit_gates import GATE_KINDS
from qmlmat.operators.pauli import PauliSum

UNITARY = tuple(name for name, kind in GATE_KINDS.items() if kind.is_unitary)


def random_gate(rng, n_qubits, n_params, names=UNITARY):
    """A gate with an angle that may be fixed, scaled, negative, or shared."""
    fitting = [name for name in names if GATE_KINDS[name].n_wires <= n_qubits]
    name = fitting[rng.integers(len(fitting))]
    wires = tuple(int(w) for w in rng.permutation(n_qubits)[: GATE_KINDS[name].n_wires])
    if not GATE_KINDS[name].has_angle:
        return QubitGate(name, wires)
    param = int(rng.integers(n_params)) if n_params and rng.random() < 0.7 else None
    return QubitGate(name, wires, Angle(float(rng.normal()), param, float(rng.normal())))


def random_circuit(rng, n_qubits, n_gates, n_params, names=UNITARY):
    """A circuit of random gates on random wires."""
    gates = tuple(random_gate(rng, n_qubits, n_params, names) for _ in range(n_gates))
    return QubitCircuit(n_qubits, gates, n_params)


def random_sum(rng, n_qubits, n_words=6):
    """A Hermitian sum of random words."""
    x, z = rng.integers(0, 1 << n_qubits, (2, n_words), dtype=np.uint64)
    return PauliSum.collected(n_qubits, x, z, rng.normal(size=n_words))


@st.composite
def problems(draw):
    """A random circuit of up to six qubits, parameters of up to eleven rows, and a generator."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_params = draw(st.integers(0, 4))
    circuit = random_circuit(rng, draw(st.integers(1, 6)), draw(st.integers(0, 40)), n_params)
    return circuit, rng.normal(size=(draw(st.integers(1, 11)), n_params)), rng


def dense_records(circuit, params=()):
    """Probability of each record of classical bits (bit w at 2**w), by density matrices."""
    dimension = 1 << circuit.n_qubits
    start = np.zeros((dimension, dimension), dtype=np.complex128)
    start[0, 0] = 1.0
    records = {0: start}
    for gate in circuit.gates:
        if gate.name not in ("measure", "reset"):
            matrix = _gate_matrix(circuit, gate, params)
            records = {bits: matrix @ rho @ matrix.conj().T for bits, rho in records.items()}
            continue
        found: dict[int, np.ndarray] = {}
        for bits, rho in records.items():
            for outcome in (0, 1):
                kraus = _kraus(circuit.n_qubits, gate, outcome)
                key = bits
                if gate.bit is not None:
                    key = (bits & ~(1 << gate.bit)) | outcome << gate.bit
                found[key] = found.get(key, 0) + kraus @ rho @ kraus.T
        records = found
    return {bits: np.trace(rho).real for bits, rho in records.items()}


def _kraus(n_qubits, gate, outcome):
    small = np.zeros((2, 2))
    small[outcome if gate.name == "measure" else 0, outcome] = 1.0
    (wire,) = gate.wires
    return np.kron(np.kron(np.eye(1 << wire), small), np.eye(1 << (n_qubits - 1 - wire)))


def _gate_matrix(circuit, gate, params):
    columns = []
    for index in range(1 << circuit.n_qubits):
        ones = [w for w in range(circuit.n_qubits) if index >> (circuit.n_qubits - 1 - w) & 1]
        gates = (*(QubitGate("x", (w,)) for w in ones), gate)
        columns.append(dense_state(QubitCircuit(circuit.n_qubits, gates, circuit.n_params), params))
    return np.stack(columns, axis=1)
