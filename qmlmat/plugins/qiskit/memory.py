"""What primitives keep between calls: translated circuits, and observables on a sector."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qmlmat.backends.qiskit.operators import from_sparse_pauli_op
from qmlmat.backends.register.layout import Layout, SpinOrder, check_spin_order, checked_nelec
from qmlmat.backends.register.observables import KEPT, SectorObservable
from qmlmat.backends.register.recent import Recent
from qmlmat.plugins.qiskit.translation import Translation, translate

_MAX_CIRCUITS: Final = 32.0


@dataclass(frozen=True, eq=False)
class Memory:
    """Of one primitive."""

    what: str
    """The primitive's name, for messages."""
    nelec: tuple[int, int] | None
    """Electrons of its circuits by spin; ``None``: as many as each prepares."""
    spin_order: SpinOrder | None
    """Where the spin orbitals stand."""
    _circuits: Recent = field(default_factory=lambda: Recent(_MAX_CIRCUITS))
    _coerced: Recent = field(default_factory=lambda: Recent(_MAX_CIRCUITS))
    _observables: Recent = field(default_factory=lambda: Recent(KEPT))

    def translation(self, circuit: QuantumCircuit) -> Translation:
        """Return a circuit for the register; one that was changed in place is read again.

        Raises:
            CapabilityError: If a gate does not conserve the electrons, or is no gate.
            InputError: If the electrons or the number of qubits do not fit.
        """
        # The key holds the circuit, so no other one can get its id.
        known = self._circuits.get(id(circuit))
        if known is not None and known[0] is circuit and _same(circuit, known[1]):
            found: Translation = known[2]
            return found
        found = translate(self.what, circuit, self.nelec, self.spin_order)
        self._circuits.put(id(circuit), (circuit, circuit.copy(), found))
        return found

    def coerced(self, operator: SparsePauliOp) -> ObservablesArray:
        """Return an operator as primitives take it.

        Raises:
            ValueError: If it is zero or not Hermitian (Qiskit's error).
        """
        paulis = operator.paulis
        arrays = (paulis.x, paulis.z, paulis.phase, operator.coeffs)
        key = (operator.num_qubits, *(array.tobytes() for array in arrays))
        found: ObservablesArray | None = self._coerced.get(key)
        if found is None:
            found = ObservablesArray.coerce(operator)
            self._coerced.put(key, found)
        return found

    def observable(self, layout: Layout, operator: SparseObservable) -> SectorObservable:
        """Return an observable on a sector; it may leave the sector."""
        key = (layout, *contents(operator))
        found: SectorObservable | None = self._observables.get(key)
        if found is None:
            words = SparsePauliOp.from_sparse_observable(operator.as_paulis())
            found = SectorObservable(layout, from_sparse_pauli_op(words))
            self._observables.put(key, found, found.size)
        return found


def make_memory(what: str, nelec: tuple[int, int] | None, spin_order: SpinOrder | None) -> Memory:
    """Return the memory of a new primitive.

    Args:
        what: The primitive's name, for messages.
        nelec: Electrons by spin; ``None``: as many as each circuit prepares.
        spin_order: Where the spin orbitals stand.

    Raises:
        InputError: If ``nelec`` or ``spin_order`` cannot be used.
    """
    check_spin_order(what, spin_order)
    return Memory(what, checked_nelec(what, nelec), spin_order)


def contents(operator: SparseObservable) -> tuple[Hashable, ...]:
    """Return what tells an observable from others."""
    arrays = (operator.coeffs, operator.bit_terms, operator.indices, operator.boundaries)
    return operator.num_qubits, *(np.asarray(array).tobytes() for array in arrays)


def _same(circuit: QuantumCircuit, copy: QuantumCircuit) -> bool:
    return bool(
        circuit.num_qubits == copy.num_qubits
        and circuit.global_phase == copy.global_phase
        and circuit.clbits == copy.clbits
        and circuit.data == copy.data
    )


def shortened(operator: SparseObservable) -> str:
    """Return the first two terms, lowest qubit last as Qiskit writes them."""
    named = []
    for letters, qubits, weight in operator.to_sparse_list()[:2]:
        label = ["I"] * operator.num_qubits
        for letter, qubit in zip(letters, qubits, strict=True):
            label[-1 - qubit] = letter
        named.append(f'"{"".join(label)}": {weight.real:g}')
    return f"{{{', '.join(named)}{', ...' if len(operator) > len(named) else ''}}}"
