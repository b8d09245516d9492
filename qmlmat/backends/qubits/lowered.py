"""Requests on qubits: each reference's circuit with one free angle for each gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.ansatz.circuit import Gate
from qmlmat.ansatz.excitation import NumberProduct
from qmlmat.ansatz.lowering import lowered_gate
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.ansatz.qubit_gates import GATE_KINDS
from qmlmat.ansatz.references import prepare_terms
from qmlmat.backends.qubits.shifts import ShiftRule, shift_rule
from qmlmat.backends.requests import Preparation, Reference
from qmlmat.errors import InputError
from qmlmat.operators.mappings import QubitMapping, qubit_mapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import FloatArray


@dataclass(frozen=True, eq=False)
class Untied:
    """A circuit whose gates have an angle each, so that each can be shifted alone."""

    circuit: QubitCircuit
    """The gates; parameter k is the angle of the k-th gate that has one."""
    combination: FloatArray
    """From parameters to angles, shape ``(n_angles, n_params)``."""
    offsets: FloatArray
    """Constant parts of the angles, shape ``(n_angles,)`` (radians)."""
    rules: tuple[ShiftRule, ...]
    """Shift rule of each angle."""
    flips: tuple[int, ...] | None = None
    """Mask of the qubits that the gate of each angle flips; ``None`` where electrons are not
    known to be kept."""

    def angles(self, params: FloatArray) -> FloatArray:
        """Return the angles at parameters ``(..., n_params)``, shape ``(..., n_angles)``."""
        found: FloatArray = params @ self.combination.T + self.offsets
        return found


@lru_cache(maxsize=256)
def untied(circuit: Circuit | QubitCircuit, mapping: QubitMapping | None) -> Untied:
    """Return a circuit on a mapping's qubits with one angle for each gate.

    Args:
        circuit: A fermionic circuit, or one of qubit gates.
        mapping: Where occupations stand; needed for a fermionic circuit.
    """
    if isinstance(circuit, QubitCircuit):
        return _untied_qubits(circuit)
    assert mapping is not None
    gates: list[QubitGate] = []
    rules, table = [], np.zeros((len(circuit.gates), circuit.n_params))
    for k, gate in enumerate(circuit.gates):
        lowered = lowered_gate(Gate(gate.generator, k), circuit.norb, mapping)
        table[k, gate.param] = gate.scale
        rules.append(shift_rule(_frequencies(lowered)))
        gates += lowered
    qubits = QubitCircuit(mapping.n_qubits, tuple(gates), len(circuit.gates), circuit.name)
    flips = tuple(_flipped(gate, circuit.norb, mapping) for gate in circuit.gates)
    return Untied(qubits, table, np.zeros(len(circuit.gates)), tuple(rules), flips)


def _flipped(gate: Gate, norb: int, mapping: QubitMapping) -> int:
    """Return the mask of the qubits that a fermionic gate flips."""
    if isinstance(gate.generator, NumberProduct):
        return 0
    modes = 0
    for shift, moves in ((0, gate.generator.alpha), (norb, gate.generator.beta)):
        for one, other in moves:
            modes ^= (1 << one | 1 << other) << shift
    return mapping.flips(modes)


def _frequencies(lowered: Sequence[QubitGate]) -> tuple[float, ...]:
    """Return the frequencies of an expectation in the angle of one fermionic gate."""
    turning = [g.name for g in lowered if g.angle is not None and g.angle.param is not None]
    names = set(turning) - {"gphase"}
    if not names:
        return ()  # nothing, or a global phase
    if names <= {"p", "cp"}:
        return (1.0,)  # eigenvalues 0 and 1 of a product of numbers
    if turning == ["ry"]:
        return (2.0,)  # no condition is left: eigenvalues +-i alone
    return (1.0, 2.0)


def _untied_qubits(circuit: QubitCircuit) -> Untied:
    gates: list[QubitGate] = []
    rows: list[FloatArray] = []
    offsets, rules = [], []
    for gate in circuit.gates:
        if gate.angle is None or gate.angle.param is None:
            gates.append(gate)
            continue
        row = np.zeros(circuit.n_params)
        row[gate.angle.param] = gate.angle.scale
        gates.append(replace(gate, angle=Angle(0.0, len(rows))))
        rows.append(row)
        offsets.append(gate.angle.offset)
        is_phase = gate.name == "gphase"
        rules.append(shift_rule(() if is_phase else GATE_KINDS[gate.name].frequencies))
    table = np.array(rows).reshape(len(rows), circuit.n_params)
    qubits = QubitCircuit(circuit.n_qubits, tuple(gates), len(rows), circuit.name)
    return Untied(qubits, table, np.array(offsets), tuple(rules))


def mapping_of(preparation: Preparation, mapping: str | QubitMapping) -> QubitMapping | None:
    """Return the mapping at a preparation's size; ``None`` where no occupations are mapped.

    Raises:
        InputError: If a mapping's name is unknown, or its size is not the circuit's.
    """
    circuit = preparation.circuit
    if isinstance(circuit, Circuit):
        if isinstance(mapping, str):
            return qubit_mapping(mapping, circuit.norb)
        if mapping.n_modes == circuit.n_qubits:
            return mapping
        raise InputError(
            f"mapping: made for {mapping.n_modes} spin orbitals, the circuit has "
            f"{circuit.n_qubits}. Make the mapping for the Hamiltonian: "
            "hamiltonian.qubit_mapping(...)."
        )
    if isinstance(mapping, QubitMapping):
        if mapping.n_qubits == circuit.n_qubits:
            return mapping
        raise InputError(
            f"mapping: {mapping.n_qubits} qubits, the circuit has {circuit.n_qubits}. Build the "
            f"circuit on {mapping.n_qubits} qubits."
        )
    return None if circuit.n_qubits % 2 else qubit_mapping(mapping, circuit.n_qubits // 2)


def frame_of(preparation: Preparation, mapping: QubitMapping | None) -> QubitMapping | None:
    """Return what the bits of references are: occupations under a mapping, or the qubits' own.

    A fermionic circuit acts on determinants. One of qubit gates acts on qubits: bits of their
    number are theirs, and only longer ones are occupations.
    """
    circuit = preparation.circuit
    if isinstance(circuit, Circuit) or mapping is None:
        return mapping
    lengths = {len(bits) for reference in preparation.references for bits, _ in reference.terms}
    return None if lengths == {circuit.n_qubits} else mapping


@lru_cache(maxsize=1024)
def reference_circuit(
    reference: Reference, mapping: QubitMapping | None, n_qubits: int
) -> QubitCircuit:
    """Return the circuit that prepares a reference.

    Args:
        reference: Determinants of the mapping's modes, or bits of the qubits without a mapping.
        mapping: Where occupations stand.
        n_qubits: Number of qubits.

    Raises:
        InputError: If the bits do not fit.
    """
    if mapping is None:
        rows = tuple(1 << w for w in range(n_qubits))
        mapping = QubitMapping("computational basis", n_qubits, rows)
    return prepare_terms(reference.terms, mapping)


def pauli_sum(observable: object, mapping: QubitMapping | None, n_qubits: int) -> PauliSum:
    """Return an observable as a sum of Pauli words on a circuit's qubits.

    Args:
        observable: A ``PauliSum``, or what has ``pauli_sum(mapping)``.
        mapping: Where occupations stand.
        n_qubits: The circuit's number of qubits.

    Raises:
        InputError: If the observable has other qubits, is not Hermitian, or cannot be mapped.
    """
    if isinstance(observable, PauliSum):
        found = observable
    elif hasattr(observable, "pauli_sum") and mapping is not None:
        found = observable.pauli_sum(mapping)
    else:
        raise InputError(
            f"Request: {type(observable).__name__} cannot be measured on {n_qubits} qubits here. "
            "Use a PauliSum on the circuit's qubits, or an observable with pauli_sum(mapping) and "
            "a mapping of that size."
        )
    if found.n_qubits != n_qubits:
        raise InputError(
            f"Request: the observable has {found.n_qubits} qubits, the circuit {n_qubits}. Use the "
            "same mapping for both."
        )
    if not found.is_hermitian:
        raise InputError("Request: the observable is not Hermitian. Measure its two parts apart.")
    return found


def reference_values(
    reference: Reference, mapping: QubitMapping | None, sums: Sequence[PauliSum]
) -> FloatArray:
    """Return the exact expectations of sums in a reference, shape ``(n_sums,)``."""
    masks = encoded_terms(reference, mapping)
    values = np.zeros(len(sums))
    for k, one in enumerate(sums):
        for bra, left in masks:
            for ket, right in masks:
                fits = one.x == np.uint64(bra ^ ket)
                z, x, c = one.z[fits], one.x[fits], one.coefficients[fits]
                phase = 1j ** (np.bitwise_count(x & z) & 3)
                sign = 1.0 - 2.0 * (np.bitwise_count(z & np.uint64(ket)) & 1)
                values[k] += float((left.conjugate() * right * (c * phase * sign).sum()).real)
    return values


def encoded_terms(
    reference: Reference, mapping: QubitMapping | None
) -> tuple[tuple[int, complex], ...]:
    """Return a reference's terms as masks of qubits that are 1, and amplitudes."""
    encoded = [
        (bits if mapping is None else mapping.encode(bits), complex(amplitude))
        for bits, amplitude in reference.terms
    ]
    return tuple(
        (sum(1 << w for w, bit in enumerate(bits) if bit == "1"), amplitude)
        for bits, amplitude in encoded
    )
