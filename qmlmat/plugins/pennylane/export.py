"""Fermionic circuits as PennyLane's gates, each of which conserves the electrons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml
from pennylane.operation import Operator

from qmlmat.ansatz.circuit import Circuit
from qmlmat.ansatz.excitation import Excitation, NumberProduct
from qmlmat.ansatz.lowering import fermionic_sign
from qmlmat.backends.requests import Reference
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.mappings import qubit_mapping


def conserving_gates(
    circuit: Circuit,
    params: Any,  # noqa: ANN401 (an array of any framework PennyLane knows)
    *,
    reference: Reference | None = None,
) -> list[Operator]:
    """Return a fermionic circuit as PennyLane's operators; nothing is queued.

    By Jordan-Wigner: wire p is alpha orbital p, wire ``norb + p`` beta orbital p (the order
    ``"blocked"``). ``BasisState`` prepares the determinant, ``FermionicSingleExcitation`` and
    ``FermionicDoubleExcitation`` move electrons (without the signs of fermions
    ``SingleExcitation`` and ``DoubleExcitation``), phase shifts are products of numbers.
    (``qmlmat.backends.pennylane.circuits.to_pennylane`` is for qubit circuits.)

    Args:
        circuit: The circuit.
        params: Parameters, shape ``(n_params,)`` (radians).
        reference: The determinant to start from; by default the lowest orbitals are occupied.

    Raises:
        CapabilityError: If an excitation moves more than two electrons.
        InputError: If there is another number of parameters, or the reference is no single
            determinant of the circuit's qubits.

    Example:
        >>> import qmlmat as qm
        >>> gates = conserving_gates(qm.Ansatz("uccsd").circuit(2, (1, 1)), [0.1, 0.2, 0.3])
        >>> [gate.name for gate in gates][:2]
        ['BasisState', 'FermionicSingleExcitation']
    """
    if np.shape(params) != (circuit.n_params,):
        raise InputError(
            f"conserving_gates: params of shape {np.shape(params)}, the circuit has "
            f"{circuit.n_params} parameters. Give shape ({circuit.n_params},)."
        )
    reference = reference or Reference.hartree_fock(circuit.norb, circuit.nelec)
    bits, amplitude = reference.terms[0]
    if len(reference.terms) > 1 or len(bits) != circuit.n_qubits or amplitude != 1.0:
        raise InputError(
            f"conserving_gates(reference={reference}): qml.BasisState prepares one determinant of "
            f"{circuit.n_qubits} wires. Use Reference.determinant(bits), and rotate from there."
        )
    with qml.QueuingManager.stop_recording():
        start = qml.BasisState([int(bit) for bit in bits], wires=range(circuit.n_qubits))
        return [
            start,
            *(
                _gate(gate.generator, circuit.norb, gate.scale * params[gate.param])
                for gate in circuit.gates
            ),
        ]


def _gate(
    generator: Excitation | NumberProduct,
    norb: int,
    angle: Any,  # noqa: ANN401
) -> Operator:
    if isinstance(generator, NumberProduct):
        wires = [*generator.alpha, *(norb + p for p in generator.beta)]
        shift = qml.PhaseShift(angle, wires=wires[-1])
        return qml.ctrl(shift, control=wires[:-1]) if len(wires) > 1 else shift
    moves = [*generator.alpha, *((norb + i, norb + a) for i, a in generator.beta)]
    if len(moves) > 2:
        raise CapabilityError(
            f"conserving_gates: {generator} moves {len(moves)} electrons; PennyLane's gates move "
            "one or two. Use a template of singles and doubles, or to_pennylane of the lowered "
            "circuit."
        )
    sources, targets = zip(*moves, strict=True)
    if generator.qubit:
        kind = qml.SingleExcitation if len(moves) == 1 else qml.DoubleExcitation
        return kind(2.0 * angle, wires=[*targets, *sources])
    mask, constant = fermionic_sign(moves, qubit_mapping("jordan_wigner", norb))
    string = [wire for wire in range(2 * norb) if mask >> wire & 1]
    turned = -2.0 * angle if constant else 2.0 * angle
    if len(moves) == 1:
        return qml.FermionicSingleExcitation(turned, wires=[*sources, *string, *targets])
    # Any wires may stand between the two of a pair: only their signs matter.
    first = [sources[0], *string, sources[1]]
    return qml.FermionicDoubleExcitation(-turned, wires1=first, wires2=list(targets))
