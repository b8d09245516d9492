"""ADAPT-VQE: a circuit that grows, one element of a pool after the other, to fit the states."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from qmlmat.ansatz import Ansatz, Circuit
from qmlmat.backends import Backend, Reference, StateBackend
from qmlmat.errors import InputError
from qmlmat.provenance import content_hash
from qmlmat.solvers.averages import (
    Average,
    StartState,
    Targets,
    averaged_solution,
    check_backend,
    state_weights,
)
from qmlmat.solvers.base import Iteration, Solution, Status
from qmlmat.solvers.growth import Grown, Growth, PerStep
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optimize import OptimizerFactory, describe_optimizer
from qmlmat.solvers.references import N_CONFIGURATIONS
from qmlmat.solvers.screening import Screened, Screening, screened
from qmlmat.solvers.variational import (
    ansatz_circuit,
    check_count,
    check_search,
    check_state_settings,
    reference_of,
    state_inputs,
    warn_of_mixed_irreps,
)
from qmlmat.systems import MolecularHamiltonian


@dataclass(frozen=True)
class ADAPTVQE:
    """Lowest states by a circuit that grows from a pool until no element has a slope.

    The steepest element is appended and all angles are searched again. The slope of an element is
    the derivative of the energy by its angle if it were appended at zero. Growth stops at the
    largest of them, never by looking at the exact energy. Among equal slopes the first in the pool
    wins. Angles are recycled, and so is what the search has learnt of the inverse Hessian.

    For several states the circuit acts on one reference for each of them, what counts is the
    weighted average of their energies, and the Hamiltonian is diagonalised in their span.

    A guess is gone on from: its circuit and angles are the start, whatever solver made it. Where
    it is of another geometry, inherited elements that turn out to be without use are dropped.

    References:
        H. R. Grimsley, S. E. Economou, E. Barnes, N. J. Mayhall, Nat. Commun. 10, 3007 (2019),
        doi:10.1038/s41467-019-10988-2. Several elements at once: P. G. Anastasiou et al., Phys.
        Rev. Res. 6, 013254 (2024), doi:10.1103/PhysRevResearch.6.013254 (TETRIS). Recycled
        Hessian: M. Ramôa et al., Quantum Sci. Technol. 10, 015031 (2025). Troughs: H. R. Grimsley
        et al., npj Quantum Inf. 9, 19 (2023), doi:10.1038/s41534-023-00681-0. Several states:
        H. R. Grimsley, F. A. Evangelista, arXiv:2409.11210 (2024).

    Example:
        >>> import qmlmat as qm
        >>> chain = qm.Molecule.from_xyz("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3")
        >>> found = qm.solve(qm.molecular_hamiltonian(chain), qm.ADAPTVQE())
        >>> found.circuit.n_params, found.status, found.error < 1e-5
        (11, 'converged', True)
    """

    pool: str | Ansatz | Circuit = Ansatz("uccgsd", spin_tied=True)  # noqa: RUF009 (frozen)
    """The elements to choose from: the parameters of a template, or of a circuit of your own."""
    optimizer: OptimizerFactory = PreconditionedLBFGS
    """Any ``torch.optim.Optimizer`` class, or ``functools.partial`` of one."""
    gradient_tolerance: float = 1e-3
    """Largest slope of the pool at which growth stops (hartree per radian); the angles' own
    derivatives are brought below a tenth of it."""
    operators_per_step: PerStep = 1
    """Elements appended between two searches: the steepest ones, or with ``"tetris"`` as many as
    act on different spin orbitals."""
    max_operators: int = 1000
    """Most elements in the circuit."""
    max_iterations: int = 1000
    """Most optimiser steps of one search."""
    spin_penalty: float = 0.0
    """Weight of ``<S^2> - s(s + 1)`` with s the lowest spin of the sector (hartree); about 0.05
    where bonds break."""
    reference: Reference | None = None
    """Of one state, what the circuit acts on; ``None``: the Hartree-Fock determinant."""
    screening: Screening | None = None
    """Which elements of the pool are left out; ``None``: none. A guess keeps those it has."""
    multiplicity: int | None = None
    """``2s + 1`` of all states; ``None``: any."""
    irrep: str | None = None
    """Irrep of all states; ``None``: any."""
    weights: tuple[float, ...] | None = None
    """Of several states, the weights of the references, scaled to add up to 1; ``None``: equal."""
    references: tuple[Reference, ...] | None = None
    """Of several states, orthogonal references; ``None``: roots of a small selected CI."""
    n_configurations: int = N_CONFIGURATIONS
    """Configurations of that CI for each reference."""

    limits: ClassVar[tuple[str, ...]] = ("gradient_tolerance", "max_operators", "max_iterations")
    """Settings that say when to stop: a checkpoint is gone on from with others, too."""

    def __post_init__(self) -> None:
        if isinstance(self.pool, str):
            object.__setattr__(self, "pool", Ansatz(self.pool))
        if not isinstance(self.pool, Ansatz | Circuit):
            raise InputError(
                f"ADAPTVQE(pool={self.pool!r}): not a pool. Use a template's name such as "
                '"uccgsd", an Ansatz with options, or a Circuit with one parameter per element.'
            )
        describe_optimizer(self.optimizer, owner="ADAPTVQE")
        check_search(
            "ADAPTVQE",
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            spin_penalty=self.spin_penalty,
        )
        check_state_settings("ADAPTVQE", self.reference, self.screening)
        self._targets.check("ADAPTVQE")
        if self.reference is not None and self._targets != Targets():
            raise InputError(
                "ADAPTVQE(reference=...): it is that of the ground state. With multiplicity, irrep "
                "or n_configurations give references=(...) instead."
            )
        check_count("ADAPTVQE", "max_operators", self.max_operators)
        if self.operators_per_step != "tetris":
            check_count("ADAPTVQE", "operators_per_step", self.operators_per_step)

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
        pool, weights = self.pool, self.weights
        assert not isinstance(pool, str)
        return {
            "solver": "adapt-vqe",
            "pool": pool.inputs()
            if isinstance(pool, Ansatz)
            else {"circuit_hash": content_hash(pool.to_dict() | {"name": ""})},
            "optimizer": describe_optimizer(self.optimizer),
            "gradient_tolerance": self.gradient_tolerance,
            "operators_per_step": self.operators_per_step,
            "max_operators": self.max_operators,
            "max_iterations": self.max_iterations,
            "spin_penalty": self.spin_penalty,
            **state_inputs(self.reference, self.screening),
            # No key for the defaults: older stores keep their hash.
            **({} if self._targets == Targets() else self._targets.inputs()),
            **({} if weights is None else {"weights": list(weights)}),
        }

    def pool_circuit(self, hamiltonian: MolecularHamiltonian) -> Circuit:
        """Return the pool at the Hamiltonian's size, one parameter for each element.

        Raises:
            InputError: If the pool is a circuit of another sector.
            TemplateError: If the pool's template is unknown or broken.
        """
        return self._screened(hamiltonian).circuit

    def _screened(self, hamiltonian: MolecularHamiltonian) -> Screened:
        pool, (norb, nelec) = self.pool, (hamiltonian.norb, hamiltonian.nelec)
        assert not isinstance(pool, str)
        circuit = ansatz_circuit(pool, hamiltonian) if isinstance(pool, Ansatz) else pool
        if (circuit.norb, circuit.nelec) != (norb, nelec):
            raise InputError(
                f"ADAPTVQE(pool=...): a circuit on norb={circuit.norb}, nelec={circuit.nelec}, the "
                f"Hamiltonian on norb={norb}, nelec={nelec}. Build the pool for the Hamiltonian's "
                "size."
            )
        return screened(circuit, self.screening, hamiltonian)

    def eigenpairs(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        n_states: int,
        guess: Solution | None,
        backend: Backend,
        seed: int | None,
    ) -> Solution:
        """Return the lowest states; see ``solve``.

        Raises:
            InputError: If no such states exist, or pool, guess, references or weights do not fit.
            CapabilityError: If the backend gives no gradients or no states.
        """
        backend = check_backend("ADAPTVQE", backend)
        chosen = self._screened(hamiltonian)
        average = self._average(hamiltonian, n_states)
        growth = self._growth(average, chosen.circuit, backend, seed)
        step = deque(self._steps(growth, guess), maxlen=1).pop()
        return _solution(growth, step, chosen.note)

    def steps(
        self,
        hamiltonian: MolecularHamiltonian,
        *,
        guess: Solution | None = None,
        backend: Backend,
        seed: int | None = None,
    ) -> Iterator[Solution]:
        """Yield the solution after each step; all but the last have the status of a cut run.

        Any of them is a guess to go on from.

        Args:
            hamiltonian: The Hamiltonian.
            guess: Where to start; by default the reference.
            backend: Where circuits run.
            seed: Seed of everything random in the optimiser.

        Raises:
            InputError: If pool or guess are of another sector.
            CapabilityError: If the backend gives no gradients or no states.
        """
        backend = check_backend("ADAPTVQE", backend)
        chosen = self._screened(hamiltonian)
        growth = self._growth(self._average(hamiltonian, 1), chosen.circuit, backend, seed)
        for step in self._steps(growth, guess):
            yield _solution(growth, step, chosen.note)

    def _steps(self, growth: Growth, guess: Solution | None) -> Iterator[_Step]:
        """Yield the circuit after each step, and how the growth ends."""
        grown = growth.empty() if guess is None or guess.params is None else _from(guess, growth)
        history: tuple[Iteration, ...] = ()
        status: Status | None = None
        while status is None:
            slopes = growth.slopes(grown)
            steepest = float(np.abs(slopes).max(initial=0.0))
            n_params = grown.params.size
            entry = Iteration(len(history), grown.energy, steepest, grown.n_evaluations, n_params)
            history = (*history, entry)
            if steepest <= self.gradient_tolerance:
                status = _end(growth, grown)
            elif n_params >= self.max_operators:
                status = "iteration_limit"
            elif len(history) > 1 and not entry.energy < history[-2].energy:
                # The angles of new elements could not be brought lower: more of them will not help.
                status = "stalled" if grown.status == "converged" else grown.status
            yield _Step(grown, history, status)
            if status is None:
                room = self.max_operators - n_params
                grown = growth.extended(grown, slopes, self.operators_per_step, room)

    def _average(self, hamiltonian: MolecularHamiltonian, n_states: int) -> Average:
        """Return what is minimised: the energy, or the average of several states' energies."""
        starts: tuple[StartState, ...]
        if n_states == 1 and self._targets == Targets():
            reference = reference_of(hamiltonian, self.reference)
            warn_of_mixed_irreps(hamiltonian, reference, self.screening)
            starts = (StartState(reference, abs(hamiltonian.nelec[0] - hamiltonian.nelec[1])),)
        elif self.reference is not None:
            raise InputError(
                f"solve(ADAPTVQE(reference=...), n_states={n_states}): one reference makes one "
                "state. Give references=(...), one for each state, or none."
            )
        else:
            starts = self._targets.find(hamiltonian, n_states)[:n_states]
        return Average(
            hamiltonian=hamiltonian,
            starts=starts,
            weights=state_weights("ADAPTVQE", self.weights, n_states),
            spin_penalty=self.spin_penalty,
        )

    def _growth(
        self, average: Average, pool: Circuit, backend: StateBackend, seed: int | None
    ) -> Growth:
        return Growth(
            average=average,
            pool=pool,
            backend=backend,
            optimizer=self.optimizer,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            seed=seed,
        )


@dataclass(frozen=True)
class _Step:
    """A circuit at the minimum of its angles, measured against the pool."""

    grown: Grown
    """The circuit."""
    history: tuple[Iteration, ...]
    """All steps so far."""
    status: Status | None
    """How the growth ends here; ``None`` where it goes on."""


def _solution(growth: Growth, step: _Step, note: str) -> Solution:
    """Return a step as a solution; one that goes on is a run cut here."""
    found = averaged_solution(
        growth.average,
        growth.prepared(step.grown),
        growth.backend,
        status=step.status or "iteration_limit",
        history=step.history,
        notes=(note,) if note else (),
    )
    return replace(found, inverse_hessian=step.grown.inverse_hessian)


def _from(guess: Solution, growth: Growth) -> Grown:
    """Return the circuit of a guess at its minimum here."""
    known, pool = guess.circuit, growth.pool
    if not isinstance(known, Circuit) or (known.norb, known.nelec) != (pool.norb, pool.nelec):
        raise InputError(
            "solve(ADAPTVQE, guess=...): the guess has no circuit of this active space. Take a "
            "guess from the same molecule and active space, or none."
        )
    assert guess.params is not None
    params = guess.params[0] if guess.params.ndim == 2 else guess.params
    return growth.inherited(known, params, guess.inverse_hessian)


def _end(growth: Growth, grown: Grown) -> Status:
    """Return the status of a state on which the pool has no slope."""
    if grown.status != "converged":
        return grown.status
    return "gradient_trough" if growth.is_stuck(grown) else "converged"
