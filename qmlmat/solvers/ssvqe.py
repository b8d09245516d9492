"""Several states with one circuit: the average energy is minimised, then the span diagonalised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np

from qmlmat.ansatz import Ansatz, Circuit
from qmlmat.backends import Preparation, Reference, StateBackend
from qmlmat.errors import InputError
from qmlmat.solvers.averages import (
    Average,
    Targets,
    averaged_solution,
    check_backend,
    lower_set,
    state_weights,
)
from qmlmat.solvers.base import Iteration, Solution
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optimize import OptimizerFactory, Optimum, describe_optimizer
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
from qmlmat.systems import MolecularHamiltonian

MAX_ROUNDS: Final = 4
"""How often the references are changed for others whose states are lower."""


@dataclass(frozen=True)
class SSVQE:
    """Lowest states by one circuit that acts on one reference for each of them.

    ``sum_k w_k <r_k|U† H U|r_k>`` is minimised over the angles, and the Hamiltonian diagonalised in
    the span of all ``U|r_k>``. The energies are upper bounds on the exact ones, state for state.
    After the search the span is enlarged by ``n_surplus`` further references under the same
    circuit: where states of theirs are lower, they take the others' place and the search goes on.

    References:
        K. M. Nakanishi, K. Mitarai, K. Fujii, Phys. Rev. Res. 1, 033062 (2019),
        doi:10.1103/PhysRevResearch.1.033062 (SSVQE). R. M. Parrish, E. G. Hohenstein,
        P. L. McMahon, T. J. Martínez, Phys. Rev. Lett. 122, 230401 (2019),
        doi:10.1103/PhysRevLett.122.230401 (final diagonalisation).

    Example:
        >>> import qmlmat as qm
        >>> lih = qm.molecular_hamiltonian(qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.6"))
        >>> found = qm.solve(lih, qm.SSVQE(multiplicity=1), n_states=2)
        >>> found.irreps, bool((found.errors < 5e-5).all())
        (('Sigma+', 'Sigma+'), True)
    """

    ansatz: str | Ansatz = Ansatz("uccgsd", spin_tied=True)  # noqa: RUF009 (frozen)
    """Template's name, path of a template, or an ``Ansatz`` with options. Spin-tied ones keep
    singlets and triplets apart."""
    layers: int = 2
    """How often the ansatz is applied, each time with angles of its own."""
    multiplicity: int | None = None
    """``2s + 1`` of all states; ``None``: any."""
    irrep: str | None = None
    """Irrep of all states, such as ``"A1"`` or ``"Sigma_g+"``; ``None``: any."""
    weights: tuple[float, ...] | None = None
    """Weights of the references, scaled to add up to 1; ``None``: equal."""
    references: tuple[Reference, ...] | None = None
    """Orthogonal references; ``None``: roots of a small selected CI."""
    n_configurations: int = N_CONFIGURATIONS
    """Configurations of that CI for each reference."""
    n_surplus: int = 2
    """Further references with which the result is checked."""
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

    is_variational: ClassVar[bool] = True
    """Whether each energy is an upper bound on the exact one of the same place."""

    def __post_init__(self) -> None:
        if isinstance(self.ansatz, str):
            object.__setattr__(self, "ansatz", Ansatz(self.ansatz))
        if not isinstance(self.ansatz, Ansatz):
            raise InputError(
                f"SSVQE(ansatz={self.ansatz!r}): not an ansatz. Use a template's name such as "
                '"uccgsd", or an Ansatz with options.'
            )
        describe_optimizer(self.optimizer, owner="SSVQE")
        check_search(
            "SSVQE",
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            spin_penalty=self.spin_penalty,
        )
        check_state_settings("SSVQE", None, self.screening)
        check_count("SSVQE", "layers", self.layers)
        if type(self.n_surplus) is not int or self.n_surplus < 0:
            raise InputError(
                f"SSVQE(n_surplus={self.n_surplus!r}): a whole number, 0 for no check."
            )
        self._targets.check("SSVQE")

    @property
    def _targets(self) -> Targets:
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
            "solver": "ssvqe",
            "ansatz": self.ansatz.inputs(),
            "layers": self.layers,
            **self._targets.inputs(),
            "weights": None if self.weights is None else list(self.weights),
            "n_surplus": self.n_surplus,
            "spin_penalty": self.spin_penalty,
            "screening": None if self.screening is None else self.screening.inputs(),
            "optimizer": describe_optimizer(self.optimizer, owner="SSVQE"),
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

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: StateBackend,
        seed: int | None,
    ) -> Solution:
        """Return the lowest eigenpairs; see ``solve``.

        Raises:
            InputError: If no such states exist, or guess, references or weights do not fit.
            CapabilityError: If the backend gives no gradients or no states.
        """
        check_backend("SSVQE", backend)
        weights = state_weights("SSVQE", self.weights, n_states)
        circuit = self.circuit(hamiltonian)
        search = Search(
            hamiltonian=hamiltonian,
            backend=backend,
            optimizer=self.optimizer,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            seed=seed,
        )
        starts = self._targets.find(hamiltonian, n_states, n_surplus=self.n_surplus)
        params = np.zeros(circuit.n_params)
        if guess is not None and guess.params is not None:
            params, _ = carried_over(guess, circuit)
        history: tuple[Iteration, ...] = ()
        for _ in range(MAX_ROUNDS):
            average = Average(
                hamiltonian=hamiltonian,
                starts=starts[:n_states],
                weights=weights,
                spin_penalty=self.spin_penalty,
            )
            preparation = Preparation(circuit, average.references)
            evaluator = search.evaluator(preparation, average.objectives)
            optimum = search.minimum(preparation, evaluator, params, weights=weights)
            history, params = _joined(history, optimum), optimum.params
            preparation = replace(preparation, params=params)
            others = lower_set(hamiltonian, backend, preparation, starts, n_states)
            if others is None:
                break
            starts = others
        return averaged_solution(
            average, preparation, backend, status=optimum.status, history=history
        )


def _joined(history: tuple[Iteration, ...], optimum: Optimum) -> tuple[Iteration, ...]:
    """Return the steps of several searches, one after the other."""
    if not history:
        return optimum.history
    number, spent = history[-1].iteration + 1, history[-1].n_evaluations
    later = [
        replace(i, iteration=number + i.iteration, n_evaluations=spent + i.n_evaluations)
        for i in optimum.history
    ]
    return (*history, *later)
