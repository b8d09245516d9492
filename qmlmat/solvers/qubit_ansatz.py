"""Templates of qubit gates in a solver: on which qubits, from which state, at which angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.ansatz import Ansatz, QubitCircuit
from qmlmat.backends import Backend, Reference
from qmlmat.backends.qubits import QubitBackend
from qmlmat.errors import CapabilityError
from qmlmat.operators.mappings import QubitMapping, qubit_mapping
from qmlmat.systems import MolecularHamiltonian
from qmlmat.typing import FloatArray

SPREAD: Final = 0.1
"""Half width of the uniform distribution that angles start from, about the Hartree-Fock state
(radians): there itself most have no slope."""


@dataclass(frozen=True, kw_only=True)
class QubitAnsatz:
    """A circuit of qubit gates for a Hamiltonian under a mapping."""

    circuit: QubitCircuit
    """The circuit, from ``|0...0>``."""
    mapping: QubitMapping
    """Where occupations stand."""
    hartree_fock: str
    """The Hartree-Fock determinant on the qubits, wire 0 on the left."""

    @property
    def reference(self) -> Reference:
        """What the circuit acts on."""
        return Reference.determinant("0" * self.circuit.n_qubits)

    def start(self, seed: int) -> FloatArray:
        """Return angles near those of the Hartree-Fock state, shape ``(n_params,)`` (radians).

        The last Y rotation of each qubit that is 1 turns it over; all others are near zero.

        Args:
            seed: Seed of the draws.
        """
        params = np.random.default_rng(seed).uniform(-SPREAD, SPREAD, self.circuit.n_params)
        last = {}
        for gate in self.circuit.gates:
            if gate.name == "ry" and gate.angle is not None and gate.angle.param is not None:
                last[gate.wires[0]] = gate.angle.param
        for wire, bit in enumerate(self.hartree_fock):
            if bit == "1" and wire in last:
                params[last[wire]] += np.pi
        return params


def qubit_ansatz(
    ansatz: Ansatz, hamiltonian: MolecularHamiltonian, backend: Backend
) -> QubitAnsatz:
    """Return a template of kind ``"qubit"`` on the qubits of a backend's mapping.

    Raises:
        CapabilityError: If the backend simulates a sector of electrons, not qubits.
        TemplateError: If the template or an option is unknown.
    """
    if not isinstance(backend, QubitBackend):
        raise CapabilityError(
            f'VQE("{ansatz.template}"): a circuit of qubit gates does not keep the electrons, so '
            "it runs on qubits: solve(..., backend=StatevectorBackend(mapping=...))."
        )
    mapping = backend.mapping
    if isinstance(mapping, str):
        mapping = qubit_mapping(mapping, hamiltonian.norb)
    return QubitAnsatz(
        circuit=ansatz.qubit_circuit(mapping.n_qubits),
        mapping=mapping,
        hartree_fock=mapping.encode(hamiltonian.sector.hartree_fock_bits()),
    )
