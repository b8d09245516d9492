"""How a circuit grows: which elements of a pool come next, and the search after each step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np

from qmlmat.ansatz import Circuit, Gate
from qmlmat.backends import Preparation, StateBackend
from qmlmat.errors import QmlmatError
from qmlmat.solvers.averages import Average
from qmlmat.solvers.base import Status
from qmlmat.solvers.landscape import orbital_curvatures
from qmlmat.solvers.optim_base import Landscape
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optimize import OptimizerFactory
from qmlmat.solvers.search import Search
from qmlmat.typing import FloatArray

SEARCH_FRACTION: Final = 0.1
"""The angles are searched until their derivatives are below this fraction of the pool's tolerance;
slopes that differ by less than that count as equal."""

TROUGH_VARIANCE: Final = 1.6e-3
"""Energy variance above which a state without slopes counts as stuck (hartree squared): with
excitations of about one hartree it is as far from an eigenstate as chemical accuracy."""

PerStep = int | Literal["tetris"]
"""How many elements a step appends; ``"tetris"``: as many as act on different spin orbitals."""


@dataclass(frozen=True, kw_only=True)
class Grown:
    """A circuit at the minimum of its angles."""

    circuit: Circuit
    """The circuit so far."""
    params: FloatArray
    """Its angles, shape ``(n_params,)`` (radians)."""
    inverse_hessian: FloatArray
    """What the search has learnt, shape ``(n_params, n_params)`` (radians squared per hartree)."""
    energy: float
    """What is minimised, penalty included (hartree)."""
    status: Status
    """How the search of the angles ended."""
    n_evaluations: int
    """Evaluations so far."""
    moved: bool
    """Whether the angles were not at a minimum before the search."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """A circuit grows on one Hamiltonian: everything that stays the same meanwhile."""

    average: Average
    """What is minimised."""
    pool: Circuit
    """The elements, one parameter each."""
    backend: StateBackend
    """Where circuits run."""
    optimizer: OptimizerFactory
    """What searches the angles."""
    gradient_tolerance: float
    """Slope of an element up to which it is of no use (hartree per radian)."""
    max_iterations: int
    """Most optimiser steps of one search."""
    seed: int | None
    """Seed of everything random in the optimiser."""

    @cached_property
    def elements(self) -> list[tuple[Gate, ...]]:
        """The gates of each element of the pool."""
        return self.pool.elements()

    @cached_property
    def supports(self) -> list[frozenset[tuple[int, int]]]:
        """The spin orbitals that each element acts on, as (spin, orbital)."""
        return [_support(gates) for gates in self.elements]

    def empty(self) -> Grown:
        """Return the circuit without a gate."""
        circuit = Circuit(self.pool.norb, self.pool.nelec, (), 0, name="adapt")
        return self.searched(circuit, np.zeros(0), np.zeros((0, 0)), 0)

    def inherited(
        self, circuit: Circuit, params: FloatArray, inverse_hessian: FloatArray | None
    ) -> Grown:
        """Return a circuit of elsewhere at its minimum here.

        Where its angles had to move, elements are dropped whose slope at zero angle would be
        below the tolerance, by their orbital curvatures: they would not be chosen either.

        Args:
            circuit: The circuit.
            params: Its angles there, shape ``(n_params,)``.
            inverse_hessian: What is known of it, shape ``(n_params, n_params)``.
        """
        learnt = np.zeros((0, 0)) if inverse_hessian is None else inverse_hessian
        found = self.searched(replace(circuit, name="adapt"), params, learnt, 0)
        if not found.moved:
            return found
        curvature = orbital_curvatures(self.average.hamiltonian, circuit)
        kept = np.flatnonzero(np.abs(found.params) * curvature > self.gradient_tolerance)
        if kept.size == found.params.size:
            return found
        return self.searched(
            found.circuit.restricted(kept.tolist()),
            found.params[kept],
            found.inverse_hessian[np.ix_(kept, kept)],
            found.n_evaluations,
        )

    def slopes(self, grown: Grown) -> FloatArray:
        """Return the slopes of the pool's elements, shape ``(n_pool,)`` (hartree per radian).

        Raises:
            QmlmatError: If one is not finite.
        """
        average, slopes = self.average, np.zeros(self.pool.n_params)
        for weight, reference, objective in zip(
            average.weights, average.references, average.objectives, strict=True
        ):
            state = Preparation(grown.circuit, reference, grown.params)
            slopes += weight * self.backend.pool_gradients(state, objective, self.pool)
        if not np.isfinite(slopes).all():
            raise QmlmatError(
                f"ADAPTVQE: {np.count_nonzero(~np.isfinite(slopes))} slopes of the pool are not "
                "finite. Check the Hamiltonian and the pool."
            )
        return slopes

    def extended(self, grown: Grown, slopes: FloatArray, per_step: PerStep, room: int) -> Grown:
        """Return the circuit with the steepest elements appended, at its new minimum.

        Args:
            grown: The circuit so far.
            slopes: Slopes of the pool's elements there, shape ``(n_pool,)``.
            per_step: How many elements.
            room: At most as many.
        """
        chosen = choose(
            slopes, self.supports, per_step=per_step, tolerance=self.gradient_tolerance
        )[:room]
        gates, n_params = list(grown.circuit.gates), grown.circuit.n_params
        for number, k in enumerate(chosen, start=n_params):
            gates += [Gate(g.generator, number, g.scale) for g in self.elements[k]]
        return self.searched(
            replace(grown.circuit, gates=tuple(gates), n_params=n_params + len(chosen)),
            np.concatenate([grown.params, np.zeros(len(chosen))]),
            grown.inverse_hessian,
            grown.n_evaluations,
        )

    def searched(
        self, circuit: Circuit, params: FloatArray, inverse_hessian: FloatArray, n_evaluations: int
    ) -> Grown:
        """Return a circuit with its angles at the minimum next to where they are.

        Args:
            circuit: The circuit.
            params: Where the search begins, shape ``(n_params,)``.
            inverse_hessian: What is known of it for the first angles, shape ``(n, n)``; the
                inverse of orbital curvatures stands in for the others.
            n_evaluations: Evaluations so far.
        """
        preparation = Preparation(circuit, self.average.references)
        known = len(inverse_hessian)
        curvature = orbital_curvatures(self.average.hamiltonian, circuit)
        start = np.diag(1.0 / curvature)
        start[:known, :known] = inverse_hessian
        search = Search(
            hamiltonian=self.average.hamiltonian,
            backend=self.backend,
            optimizer=self.optimizer,
            gradient_tolerance=SEARCH_FRACTION * self.gradient_tolerance,
            max_iterations=self.max_iterations,
            seed=self.seed,
        )
        optimum = search.minimum(
            preparation,
            search.evaluator(preparation, self.average.objectives),
            params,
            weights=self.average.weights,
            known=Landscape(curvature=curvature, inverse_hessian=start),
        )
        teacher = optimum.optimizer
        return Grown(
            circuit=circuit,
            params=optimum.params,
            inverse_hessian=(
                teacher.inverse_hessian() if isinstance(teacher, PreconditionedLBFGS) else start
            ),
            energy=optimum.best.energy,
            status=optimum.status,
            n_evaluations=n_evaluations + optimum.history[-1].n_evaluations,
            moved=len(optimum.history) > 1,
        )

    def prepared(self, grown: Grown) -> Preparation:
        """Return the state of a circuit."""
        return Preparation(grown.circuit, self.average.references, grown.params)

    def is_stuck(self, grown: Grown) -> bool:
        """Return whether states on which the pool has no slope are far from all eigenstates."""
        states = self.backend.state(self.prepared(grown))
        images = np.array(
            [o.matvec(state) for o, state in zip(self.average.objectives, states, strict=True)]
        )
        # What sticks out of the span: within it the Hamiltonian is diagonalised.
        flat, products = states.reshape(len(states), -1), images.reshape(len(states), -1)
        outside = products - (products @ flat.conj().T) @ flat
        variance = self.average.weights @ np.linalg.norm(outside, axis=1) ** 2
        return bool(variance > TROUGH_VARIANCE)


def choose(
    slopes: FloatArray,
    supports: list[frozenset[tuple[int, int]]],
    *,
    per_step: PerStep,
    tolerance: float,
) -> list[int]:
    """Return which elements of a pool are appended, the steepest first.

    Slopes that differ by less than a tenth of the tolerance are equal; the first in the pool wins.

    Args:
        slopes: Slopes of the elements, shape ``(n_pool,)`` (hartree per radian).
        supports: Spin orbitals each element acts on.
        per_step: How many elements.
        tolerance: Slopes up to this are none (hartree per radian).

    Example:
        >>> apart = [frozenset({(0, 0)}), frozenset({(0, 1)}), frozenset({(0, 0)})]
        >>> choose(np.array([0.3, -0.5, 0.5]), apart, per_step="tetris", tolerance=1e-3)
        [1, 2]
    """
    left = np.abs(slopes)
    chosen: list[int] = []
    while left.size and left.max() > tolerance and len(chosen) != per_step:
        first = int(np.argmax(left >= left.max() - SEARCH_FRACTION * tolerance))
        chosen.append(first)
        left[first] = 0.0
        if per_step == "tetris":
            left[[bool(support & supports[first]) for support in supports]] = 0.0
    return chosen


def _support(gates: tuple[Gate, ...]) -> frozenset[tuple[int, int]]:
    return frozenset(
        (spin, int(orbital))
        for gate in gates
        for spin, part in enumerate((gate.generator.alpha, gate.generator.beta))
        for orbital in np.ravel(part)
    )
