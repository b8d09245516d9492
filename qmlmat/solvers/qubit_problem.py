"""A Pauli sum or matrix and a circuit of qubit gates: what fits together, and what does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.ansatz import Ansatz, QubitCircuit
from qmlmat.backends import Backend, Preparation, Reference, StatevectorBackend
from qmlmat.backends.qubits import QubitBackend
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.systems import QubitHamiltonian, QubitModel
from qmlmat.typing import FloatArray

REAL_GATES: Final = frozenset({"x", "z", "h", "ry", "cx", "cz", "ch", "cry", "swap", "barrier"})
"""Gates with real matrices: states of circuits of these alone are real."""

IMAGINARY: Final = 1e-10
"""Largest coefficient of a word with an odd number of Y, relative to the largest of all or 1, that
counts as rounding."""

QUBIT_TEMPLATE: Final = 'Ansatz("hea_efficient_su2", depth=2)'
"""What errors recommend."""


@dataclass(frozen=True, kw_only=True, eq=False)
class QubitProblem:
    """A Hamiltonian without electrons, a circuit on its qubits, and where it is measured."""

    hamiltonian: QubitModel
    """The Hamiltonian, in its own dimension."""
    register: QubitHamiltonian
    """The same on all states of the qubits, those of padding included."""
    circuit: QubitCircuit
    """The circuit, from a basis state."""
    backend: QubitBackend
    """Where energies are measured."""
    seed: int | None
    """Seed of everything random."""

    @property
    def terms(self) -> PauliSum:
        """The words of the Hamiltonian on the register (its unit)."""
        return self.register.terms

    @property
    def has_states(self) -> bool:
        """Whether the backend's energies are those of states that can be had."""
        return isinstance(self.backend, StatevectorBackend) and self.backend.capabilities.exact

    def reference(self, index: int = 0) -> Reference:
        """Return a basis state of the register."""
        return Reference.determinant(format(index, f"0{self.register.n_qubits}b"))

    def vectors(self, preparation: Preparation) -> NDArray[np.complex128]:
        """Return the prepared states by exact simulation, ``(..., 2**n_qubits)``."""
        return StatevectorBackend().qubit_state(preparation)

    def own(self, vectors: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], FloatArray]:
        """Return states without padding, normalised, and the weights of padding they had.

        Args:
            vectors: States of the register, shape ``(n_states, 2**n_qubits)``.
        """
        kept = vectors[:, : self.hamiltonian.dimension]
        norms = np.linalg.norm(kept, axis=1)
        weights: FloatArray = np.maximum(1.0 - norms**2, 0.0)
        return kept / np.where(norms > 0, norms, 1.0)[:, None], weights


def qubit_problem(
    hamiltonian: QubitModel,
    ansatz: Ansatz,
    backend: Backend,
    *,
    name: str,
    layers: int = 1,
    seed: int | None,
) -> QubitProblem:
    """Return the problem that a solver's settings and a Hamiltonian make.

    Args:
        hamiltonian: A Pauli sum or matrix.
        ansatz: A template of qubit gates.
        backend: Where circuits run.
        name: The solver, for messages.
        layers: How often the template is applied, each time with angles of its own.
        seed: Seed of everything random.

    Raises:
        InputError: If the template is fermionic, or real where the Hamiltonian is not, or the
            backend maps electrons.
        CapabilityError: If the backend has no qubits.
    """
    kind = type(hamiltonian).__name__
    if ansatz.load().kind != "qubit":
        raise InputError(
            f'solve({kind}, {name}("{ansatz.template}")): a fermionic template moves electrons, '
            f"and this Hamiltonian has none. Name one of qubit gates: {name}({QUBIT_TEMPLATE})."
        )
    if not isinstance(backend, QubitBackend):
        raise CapabilityError(
            f"solve({kind}, backend={type(backend).__name__}): this Hamiltonian is solved on "
            "qubits. Leave the backend out, or use StatevectorBackend(), QiskitBackend or "
            "PennyLaneBackend."
        )
    if isinstance(backend.mapping, QubitMapping):
        raise InputError(
            f'solve({kind}, backend=...(mapping="{backend.mapping.name}")): a mapping places '
            "spin orbitals, and this Hamiltonian has none. Leave the mapping out."
        )
    one = ansatz.qubit_circuit(hamiltonian.n_qubits)
    circuit = one
    for _ in range(layers - 1):
        circuit = circuit.then(one)
    terms = hamiltonian.pauli_sum()
    _check_real(circuit, terms, f'solve({kind}, {name}("{ansatz.template}"))', hamiltonian.unit)
    return QubitProblem(
        hamiltonian=hamiltonian,
        register=QubitHamiltonian(terms=terms, unit=hamiltonian.unit),
        circuit=circuit,
        backend=backend,
        seed=seed,
    )


def _check_real(circuit: QubitCircuit, terms: PauliSum, call: str, unit: str) -> None:
    """Raise where a circuit of real states meets a Hamiltonian with an imaginary part.

    Raises:
        InputError: With what to use instead.
    """
    if not {gate.name for gate in circuit.gates} <= REAL_GATES:
        return
    sizes = np.abs(terms.coefficients)
    imaginary = sizes[np.bitwise_count(terms.x & terms.z) % 2 == 1].max(initial=0.0)
    if imaginary > IMAGINARY * max(1.0, sizes.max(initial=0.0)):
        raise InputError(
            f"{call}: the matrix has imaginary parts (words with an odd number of Y, up to "
            f"{imaginary:.3g} {unit}), and the states of this template are real. Use "
            f"{QUBIT_TEMPLATE}, whose states are complex."
        )


def check_no_electrons(
    hamiltonian: QubitModel, name: str, given: Mapping[str, Any], allowed: Mapping[str, Any]
) -> None:
    """Raise where a setting is for molecules and was set to something else than its default.

    Args:
        hamiltonian: Whose type the message names.
        name: The solver.
        given: Values of these settings.
        allowed: Of each setting the values that pass.

    Raises:
        InputError: If one was set.
    """
    for setting, values in allowed.items():
        if given[setting] not in values:
            raise InputError(
                f"solve({type(hamiltonian).__name__}, {name}({setting}={given[setting]!r})): this "
                "setting is for molecules, and this Hamiltonian has no electrons. Leave it out."
            )
