"""Solvers of several states by circuits of one ansatz: what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qmlmat.ansatz import Ansatz, Circuit
from qmlmat.backends import Backend, Reference
from qmlmat.errors import InputError
from qmlmat.solvers.averages import Targets
from qmlmat.solvers.base import AnyHamiltonian, Solution
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optimize import OptimizerFactory, describe_optimizer
from qmlmat.solvers.qubit_problem import QubitProblem, check_no_electrons, qubit_problem
from qmlmat.solvers.references import N_CONFIGURATIONS
from qmlmat.solvers.screening import Screening, screened
from qmlmat.solvers.search import Search
from qmlmat.solvers.starts import carried_over
from qmlmat.solvers.variational import (
    ansatz_circuit,
    check_count,
    check_search,
    check_state_settings,
)
from qmlmat.systems import MolecularHamiltonian, QubitModel
from qmlmat.typing import FloatArray


@dataclass(frozen=True)
class CircuitStates:
    """Abstract: several states from references under circuits of one ansatz."""

    ansatz: str | Ansatz = Ansatz("uccgsd", spin_tied=True)  # noqa: RUF009 (frozen)
    """Template's name, path of a template, or an ``Ansatz`` with options. Spin-tied ones keep
    singlets and triplets apart."""
    layers: int = 2
    """How often the ansatz is applied, each time with angles of its own."""
    multiplicity: int | None = None
    """``2s + 1`` of all states; ``None``: any."""
    irrep: str | None = None
    """Irrep of all states, such as ``"A1"`` or ``"Sigma_g+"``; ``None``: any."""
    references: tuple[Reference, ...] | None = None
    """Orthogonal references; ``None``: roots of a small selected CI."""
    n_configurations: int = N_CONFIGURATIONS
    """Configurations of that CI for each reference."""
    spin_penalty: float = 0.05
    """Weight of ``<S^2> - s(s + 1)``, or of its square, with s the reference's spin (hartree)."""
    screening: Screening | None = Screening()  # noqa: RUF009 (frozen)
    """Which generators of the ansatz are left out; by default those that change the irrep."""
    optimizer: OptimizerFactory = PreconditionedLBFGS
    """Any ``torch.optim.Optimizer`` class, or ``functools.partial`` of one."""
    gradient_tolerance: float = 1e-4
    """Largest absolute derivative of the average at which the search has converged (hartree per
    radian): energies are then good to about its square."""
    max_iterations: int = 1000
    """Most optimiser steps."""

    def __post_init__(self) -> None:
        name = type(self).__name__
        if isinstance(self.ansatz, str):
            object.__setattr__(self, "ansatz", Ansatz(self.ansatz))
        if not isinstance(self.ansatz, Ansatz):
            raise InputError(
                f"{name}(ansatz={self.ansatz!r}): not an ansatz. Use a template's name such as "
                '"uccgsd", or an Ansatz with options.'
            )
        describe_optimizer(self.optimizer, owner=name)
        check_search(
            name,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            spin_penalty=self.spin_penalty,
        )
        check_state_settings(name, None, self.screening)
        check_count(name, "layers", self.layers)
        self.targets.check(name)

    @property
    def targets(self) -> Targets:
        """Which states are looked for, and from which references."""
        return Targets(
            multiplicity=self.multiplicity,
            irrep=self.irrep,
            references=self.references,
            n_configurations=self.n_configurations,
        )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        assert isinstance(self.ansatz, Ansatz)
        return {
            "solver": type(self).__name__.lower(),
            "ansatz": self.ansatz.inputs(),
            "layers": self.layers,
            **self.targets.inputs(),
            "spin_penalty": self.spin_penalty,
            "screening": None if self.screening is None else self.screening.inputs(),
            "optimizer": describe_optimizer(self.optimizer, owner=type(self).__name__),
            "gradient_tolerance": self.gradient_tolerance,
            "max_iterations": self.max_iterations,
        }

    def circuit(self, hamiltonian: MolecularHamiltonian) -> Circuit:
        """Return the circuit at the Hamiltonian's size, screened and with all layers.

        Raises:
            TemplateError: If the ansatz is unknown or broken.
        """
        assert isinstance(self.ansatz, Ansatz)
        one = screened(ansatz_circuit(self.ansatz, hamiltonian), self.screening, hamiltonian)
        return one.circuit.repeated(self.layers)

    def on_qubits(
        self, hamiltonian: QubitModel, backend: Backend, seed: int | None
    ) -> QubitProblem:
        """Return the problem that the settings make of a Pauli sum or matrix.

        Raises:
            InputError: If the ansatz or another setting is for electrons.
            CapabilityError: If the backend has no qubits.
        """
        assert isinstance(self.ansatz, Ansatz)
        name, usual = type(self).__name__, CircuitStates()
        allowed = {
            "multiplicity": (None,),
            "irrep": (None,),
            "references": (None,),
            "n_configurations": (usual.n_configurations,),
            "spin_penalty": (usual.spin_penalty, 0.0),
            "screening": (usual.screening, None),
        }
        problem = qubit_problem(
            hamiltonian, self.ansatz, backend, name=name, layers=self.layers, seed=seed
        )
        check_no_electrons(hamiltonian, name, vars(self), allowed)
        return problem

    def search(self, hamiltonian: AnyHamiltonian, backend: Backend, seed: int | None) -> Search:
        """Return how the angles are found."""
        return Search(
            hamiltonian=hamiltonian,
            backend=backend,
            optimizer=self.optimizer,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            seed=seed,
        )


def starting_angles(guess: Solution | None, circuit: Circuit) -> FloatArray:
    """Return a guess's angles in a circuit, zeros where there is none.

    Raises:
        InputError: If the guess has nothing in common with the circuit.
    """
    if guess is None or guess.params is None:
        return np.zeros(circuit.n_params)
    params, _ = carried_over(guess, circuit)
    return params
