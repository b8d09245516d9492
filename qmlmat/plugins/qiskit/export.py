"""Fermionic circuits as Qiskit's, in gates that each conserve the electrons."""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, ParameterVector
from qiskit.circuit.library import CPhaseGate, MCPhaseGate, PhaseGate

from qmlmat.ansatz.circuit import Circuit
from qmlmat.ansatz.excitation import Excitation, NumberProduct
from qmlmat.ansatz.lowering import fermionic_sign
from qmlmat.backends.requests import Reference
from qmlmat.errors import InputError
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.plugins.qiskit.excitation import ExcitationGate


def conserving_circuit(
    circuit: Circuit, params: ArrayLike | None = None, *, reference: Reference | None = None
) -> QuantumCircuit:
    """Return a fermionic circuit as Qiskit's: each gate one that conserves the electrons.

    By Jordan-Wigner: qubit p is alpha orbital p, qubit ``norb + p`` beta orbital p. X gates prepare
    the determinant, excitations are ``ExcitationGate``, products of numbers phase gates. All of it
    transpiles to any basis; ``SectorEstimator`` and ``SectorSampler`` take the gates as they are.
    (``qmlmat.backends.qiskit.circuits.to_qiskit`` is for qubit circuits: elementary gates.)

    Args:
        circuit: The circuit.
        params: Parameters, shape ``(n_params,)`` (radians); without them they stay free, elements
            of one ``ParameterVector`` named ``theta``, in order.
        reference: The determinant to start from; by default the lowest orbitals are occupied.

    Raises:
        InputError: If there is another number of parameters, they are not finite, or the reference
            is no single determinant of the circuit's qubits.

    Example:
        >>> import qmlmat as qm
        >>> found = conserving_circuit(qm.Ansatz("uccsd").circuit(2, (1, 1)))
        >>> dict(found.count_ops())
        {'excitation': 3, 'x': 2}
    """
    angles = _angles(circuit, params)
    found = _start(circuit, reference)
    for gate in circuit.gates:
        angle = angles[gate.param] if gate.scale == 1.0 else gate.scale * angles[gate.param]
        found.append(*_gate(gate.generator, circuit.norb, angle))
    return found


def _angles(circuit: Circuit, params: ArrayLike | None) -> Sequence[Any]:
    if params is None:
        return list(ParameterVector("theta", circuit.n_params))
    numbers = np.asarray(params, dtype=np.float64)
    if numbers.shape != (circuit.n_params,) or not np.isfinite(numbers).all():
        raise InputError(
            f"conserving_circuit: params of shape {numbers.shape}, the circuit has "
            f"{circuit.n_params} parameters. Give shape ({circuit.n_params},), finite numbers "
            "(radians), or none to leave them free."
        )
    values: list[float] = numbers.tolist()
    return values


def _start(circuit: Circuit, reference: Reference | None) -> QuantumCircuit:
    """Return the circuit that prepares the determinant."""
    if reference is None:
        reference = Reference.hartree_fock(circuit.norb, circuit.nelec)
    bits, amplitude = reference.terms[0]
    if len(reference.terms) > 1 or len(bits) != circuit.n_qubits:
        raise InputError(
            f"conserving_circuit(reference={reference}): X gates prepare one determinant of "
            f"{circuit.n_qubits} qubits. Use Reference.determinant(bits), and rotate from there."
        )
    phase = cmath.phase(amplitude)
    found = QuantumCircuit(circuit.n_qubits, name=circuit.name, global_phase=phase)
    for wire, bit in enumerate(bits):
        if bit == "1":
            found.x(wire)
    return found


def _gate(
    generator: Excitation | NumberProduct,
    norb: int,
    angle: Any,  # noqa: ANN401 (a number or an expression)
) -> tuple[Gate, list[int]]:
    """Return a gate and its qubits."""
    if isinstance(generator, NumberProduct):
        wires = [*generator.alpha, *(norb + p for p in generator.beta)]
        if len(wires) == 1:
            return PhaseGate(angle), wires
        if len(wires) == 2:
            return CPhaseGate(angle), wires
        return MCPhaseGate(angle, len(wires) - 1), wires
    moves = [*generator.alpha, *((norb + i, norb + a) for i, a in generator.beta)]
    between = 0
    if not generator.qubit:
        between, _ = fermionic_sign(moves, qubit_mapping("jordan_wigner", norb))
    touched = {wire for move in moves for wire in move}
    wires = sorted(touched | {w for w in range(2 * norb) if between >> w & 1})
    # Wires between an even number of the moves' ends change no sign: the gate leaves them out.
    place = {wire: k for k, wire in enumerate(wires)}
    local = tuple((place[i], place[a]) for i, a in moves)
    return ExcitationGate(Excitation(alpha=local, qubit=generator.qubit), angle), wires
