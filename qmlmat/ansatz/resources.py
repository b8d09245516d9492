"""What a qubit circuit costs: parameters, gates, depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.ansatz.qubit_gates import GATE_KINDS


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Counts of a circuit's gates; measurements, resets and phases of all states are left out."""

    n_params: int
    """Number of parameters."""
    n_qubits: int
    """Number of qubits."""
    one_qubit_gates: int
    """Number of one-qubit gates."""
    two_qubit_gates: int
    """Number of two-qubit gates; a controlled rotation and a swap count as one."""
    depth: int
    """Number of layers of gates that act at the same time."""
    two_qubit_depth: int
    """Number of layers of two-qubit gates, one-qubit gates taken as free."""

    @classmethod
    def of_gates(
        cls, wires: Sequence[tuple[int, ...]], *, n_params: int, n_qubits: int
    ) -> Resources:
        """Return the counts of gates given by their wires, first acting first.

        Args:
            wires: For each gate the wires it acts on.
            n_params: Number of parameters.
            n_qubits: Number of qubits.
        """
        pairs = [one for one in wires if len(one) == 2]
        return cls(
            n_params=n_params,
            n_qubits=n_qubits,
            one_qubit_gates=sum(len(one) == 1 for one in wires),
            two_qubit_gates=len(pairs),
            depth=_depth(wires),
            two_qubit_depth=_depth(pairs),
        )


def circuit_resources(circuit: QubitCircuit) -> Resources:
    """Return what a circuit costs as it is, on a device that links all qubits and has all gates.

    Args:
        circuit: The circuit.

    Example:
        >>> from qmlmat.ansatz import Ansatz
        >>> from qmlmat.ansatz.lowering import lower
        >>> from qmlmat.operators.mappings import qubit_mapping
        >>> lowered = lower(Ansatz("uccsd").circuit(2, (1, 1)), qubit_mapping("jordan_wigner", 2))
        >>> circuit_resources(lowered).two_qubit_gates
        17
    """
    gates = [g.wires for g in circuit.gates if GATE_KINDS[g.name].is_unitary and g.wires]
    return Resources.of_gates(gates, n_params=circuit.n_params, n_qubits=circuit.n_qubits)


def _depth(wires: Sequence[tuple[int, ...]]) -> int:
    layers: dict[int, int] = {}
    for one in wires:
        layer = 1 + max(layers.get(wire, 0) for wire in one)
        layers.update(dict.fromkeys(one, layer))
    return max(layers.values(), default=0)
