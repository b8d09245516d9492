"""The search of a circuit's angles: what all solvers of circuits have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from qmlmat.backends import Backend, Preparation, Request, expectation
from qmlmat.backends.base import Evaluator
from qmlmat.backends.qubits import QubitEvaluator
from qmlmat.errors import CapabilityError
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.base import AnyHamiltonian, Iteration
from qmlmat.solvers.landscape import circuit_landscape
from qmlmat.solvers.noisy import ShotLoss, minimize_noisy, optimizer_under_shots
from qmlmat.solvers.optim_base import Landscape
from qmlmat.solvers.optimize import OptimizerFactory, Optimum, minimize, traits_of
from qmlmat.typing import FloatArray, Observable


@dataclass(frozen=True, kw_only=True)
class Search:
    """How the angles of a circuit are found: what the solvers of circuits have in common."""

    hamiltonian: AnyHamiltonian
    """What gives the orbital energies."""
    backend: Backend
    """Where circuits run."""
    optimizer: OptimizerFactory
    """What searches."""
    gradient_tolerance: float
    """Largest absolute derivative at which it has converged (hartree per radian)."""
    max_iterations: int
    """Most steps."""
    seed: int | None
    """Seed of everything random."""

    def evaluator(
        self, preparation: Preparation, objectives: Sequence[Observable | PauliSum]
    ) -> Evaluator:
        """Return what evaluates a circuit: each of its references with its own objective."""
        request = Request(preparation=preparation, observables=tuple(objectives), pairing="each")
        if not self.backend.capabilities.exact and all(one is objectives[0] for one in objectives):
            # Every reference has the same objective: points can then be measured together.
            request = replace(request, observables=tuple(objectives[:1]), pairing="all")
        return self.backend.prepare(request, seed=self.seed)

    def minimum(
        self,
        preparation: Preparation,
        evaluator: Evaluator,
        start: FloatArray,
        *,
        weights: FloatArray | None = None,
        known: Landscape | None = None,
    ) -> Optimum:
        """Return the minimum of the weighted sum of a circuit's expectations.

        Args:
            preparation: Circuit and references.
            evaluator: Its expectations, one for each reference.
            start: Where the angles begin, shape ``(n_params,)`` (radians).
            weights: Weights of the references, shape ``(n_references,)``; one by default.
            known: Curvature and inverse Hessian, where they are known already.

        Raises:
            CapabilityError: If the backend gives no gradients.
        """
        share = torch.ones(len(preparation.references), dtype=torch.float64)
        if weights is not None:
            share = torch.from_numpy(weights)
        if not self.backend.capabilities.gradient:
            raise CapabilityError(
                f"backend={type(self.backend).__name__}: the search of angles needs gradients, and "
                "this backend gives none. Use SectorBackend(), or exact_search=True."
            )
        if not self.backend.capabilities.exact:
            return self._noisy_minimum(preparation, evaluator, start, share.numpy())
        needs = set(traits_of(self.optimizer).needs)
        landscape = circuit_landscape(
            self.hamiltonian,
            preparation,
            self.backend,
            needs=needs if known is None else needs - {"curvature"},
            seed=self.seed,
        )
        if known is not None:
            landscape = replace(
                landscape, curvature=known.curvature, inverse_hessian=known.inverse_hessian
            )
        return minimize(
            lambda params: expectation(evaluator, params).reshape(-1) @ share,
            start,
            optimizer=self.optimizer,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            landscape=landscape,
        )

    def _noisy_minimum(
        self,
        preparation: Preparation,
        evaluator: Evaluator,
        start: FloatArray,
        weights: FloatArray,
    ) -> Optimum:
        """Return where a search under shot noise ends."""
        assert isinstance(evaluator, QubitEvaluator)
        assert evaluator.shots is not None
        optimizer, _ = optimizer_under_shots(self.optimizer)
        loss = ShotLoss(
            lambda shots: self.backend.prepare(
                replace(evaluator.request, shots=shots), seed=self.seed
            ),
            weights,
            evaluator.shots,
            is_paired=evaluator.is_paired and len(evaluator.sums) > 1,
        )
        needs = set(traits_of(optimizer).needs)
        return minimize_noisy(
            loss,
            start,
            optimizer=optimizer,
            gradient_tolerance=self.gradient_tolerance,
            max_iterations=self.max_iterations,
            landscape=circuit_landscape(
                self.hamiltonian, preparation, self.backend, needs=needs, seed=self.seed
            ),
        )


def joined(history: tuple[Iteration, ...], later: tuple[Iteration, ...]) -> tuple[Iteration, ...]:
    """Return the steps of two searches, one after the other."""
    if not history:
        return later
    number, spent = history[-1].iteration + 1, history[-1].n_evaluations
    return history + tuple(
        replace(i, iteration=number + i.iteration, n_evaluations=spent + i.n_evaluations)
        for i in later
    )
