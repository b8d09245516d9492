"""An excitation as a gate of Qiskit's: one object that any simulator can take apart."""

from __future__ import annotations

from typing import Any

from qiskit.circuit import Gate

from qmlmat.ansatz import circuit as fermionic
from qmlmat.ansatz.excitation import Excitation
from qmlmat.ansatz.lowering import fermionic_sign, lowered_gate
from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.backends.register.generators import Step, Transfer
from qmlmat.errors import InputError
from qmlmat.operators.mappings import qubit_mapping


class ExcitationGate(Gate):  # type: ignore[misc] # Qiskit's is untyped here
    """``exp(angle (T - T†))`` of an excitation ``T`` of the gate's own qubits, in their order.

    Signs of fermions are those of the gate's qubits alone, by Jordan-Wigner: on a larger register
    give it every qubit between those that electrons leave and enter, or at least those that stand
    between an odd number of such pairs. ``definition`` is made of ``cx`` and rotations.
    """

    def __init__(self, excitation: Excitation, angle: Any, *, label: str | None = None) -> None:  # noqa: ANN401
        """Make the gate.

        Args:
            excitation: The moves; qubit p of the gate is alpha orbital p, and beta has none.
            angle: A number or a parameter expression (radians).
            label: What drawings call it.

        Raises:
            InputError: If beta electrons move.
        """
        if excitation.beta:
            raise InputError(
                f"ExcitationGate({excitation}): the gate's qubits are one row. Give every move as "
                "alpha's, e.g. Excitation(alpha=((0, 2), (1, 3)))."
            )
        self.excitation = excitation
        super().__init__("excitation", excitation.max_orbital + 1, [angle], label=label)

    def _define(self) -> None:
        mapping = qubit_mapping("jordan_wigner", self.num_qubits)
        gates = lowered_gate(fermionic.Gate(self.excitation, 0), self.num_qubits, mapping)
        circuit = to_qiskit(QubitCircuit(self.num_qubits, tuple(gates), 1, str(self.excitation)))
        self.definition = circuit.assign_parameters(self.params)

    def inverse(self, annotated: bool = False) -> ExcitationGate:  # noqa: ARG002
        """Return the gate of the opposite angle."""
        return ExcitationGate(self.excitation, -self.params[0])

    def __eq__(self, other: object) -> bool:
        """Return whether another gate has the same moves and angle."""
        if not isinstance(other, ExcitationGate):
            return False
        same: bool = self.params == other.params
        return same and self.excitation == other.excitation

    __hash__ = Gate.__hash__

    def step(self, wires: tuple[int, ...]) -> Step:
        """Return what the gate does on some wires of a register.

        Args:
            wires: The wire of each of the gate's qubits.
        """
        moves = self.excitation.alpha
        parity = constant = 0
        if not self.excitation.qubit:
            mapping = qubit_mapping("jordan_wigner", self.num_qubits)
            parity, constant = fermionic_sign(moves, mapping)
        turned = tuple(wire for k, wire in enumerate(wires) if parity >> k & 1)
        sources, targets = (tuple(wires[move[k]] for move in moves) for k in (0, 1))
        return Step(Transfer(sources, targets, turned), -1.0 if constant else 1.0)
