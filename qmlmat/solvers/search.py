"""The search of a circuit's angles: what all solvers of circuits have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from qmlmat.backends import Preparation, Request, StateBackend, expectation
from qmlmat.backends.base import Evaluator
from qmlmat.solvers.base import Iteration
from qmlmat.solvers.landscape import circuit_landscape
from qmlmat.solvers.optim_base import Landscape
from qmlmat.solvers.optimize import OptimizerFactory, Optimum, minimize, traits_of
from qmlmat.systems import MolecularHamiltonian
from qmlmat.typing import FloatArray, Observable


@dataclass(frozen=True, kw_only=True)
class Search:
    """How the angles of a circuit are found: what the solvers of circuits have in common."""

    hamiltonian: MolecularHamiltonian
    """What gives the orbital energies."""
    backend: StateBackend
    """Where circuits run."""
    optimizer: OptimizerFactory
    """What searches."""
    gradient_tolerance: float
    """Largest absolute derivative at which it has converged (hartree per radian)."""
    max_iterations: int
    """Most steps."""
    seed: int | None
    """Seed of everything random."""

    def evaluator(self, preparation: Preparation, objectives: Sequence[Observable]) -> Evaluator:
        """Return what evaluates a circuit: each of its references with its own objective."""
        request = Request(preparation=preparation, observables=tuple(objectives), pairing="each")
        return self.backend.prepare(request)

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
        """
        share = torch.ones(len(preparation.references), dtype=torch.float64)
        if weights is not None:
            share = torch.from_numpy(weights)
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


def joined(history: tuple[Iteration, ...], later: tuple[Iteration, ...]) -> tuple[Iteration, ...]:
    """Return the steps of two searches, one after the other."""
    if not history:
        return later
    number, spent = history[-1].iteration + 1, history[-1].n_evaluations
    return history + tuple(
        replace(i, iteration=number + i.iteration, n_evaluations=spent + i.n_evaluations)
        for i in later
    )
