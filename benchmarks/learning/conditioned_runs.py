"""What benchmarks of conditioned circuits share: how much is computed, and how it is trained."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.potentials.conditioned import ConditionedCircuit, HamiltonianSource
from qmlmat.potentials.training import Training, fit
from qmlmat.surfaces import Geometry
from qmlmat.systems.blocks import symmetry_states
from qmlmat.typing import FloatArray
from qmlmat.units import HARTREE_IN_MILLIHARTREE

MILLIHARTREE: Final = HARTREE_IN_MILLIHARTREE
"""Millihartree in a hartree."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is computed."""

    n_seeds: int = 3
    """Trainings, each of several starts."""
    n_starts: int = 3
    """Starts of each."""
    n_steps: int = 500
    """Most steps of L-BFGS."""
    n_test: int = 50
    """Unseen geometries of H4."""
    n_gap: int = 85
    """Geometries of LiH."""
    shots: tuple[int, ...] = (1_000, 10_000)
    """Shots for an energy."""


FULL = Plan()
QUICK = Plan(n_seeds=1, n_starts=1, n_steps=40, n_test=6, n_gap=15, shots=(1_000,))


def exact_singlets(source: HamiltonianSource, points: Sequence[Geometry], n: int) -> FloatArray:
    """Return the lowest singlets, shape ``(n_points, n)`` (hartree)."""
    return np.array(
        [symmetry_states(source.at(p).hamiltonian, n, multiplicity=1).energies for p in points]
    )


def trained(
    make: Callable[[int], ConditionedCircuit], points: Sequence[Geometry], plan: Plan, seed: int
) -> tuple[ConditionedCircuit, float]:
    """Return the model of the lowest loss of several starts, and the seconds of all of them."""
    recipe = Training(n_adam=0, n_lbfgs=plan.n_steps, gradient_tolerance=1e-9)
    start, fits = time.perf_counter(), []
    for k in range(plan.n_starts):
        model = make(plan.n_starts * seed + k)
        fits.append(fit(model, model.training_points(points), training=recipe))
    best = min(fits, key=lambda found: found.best.loss)
    assert isinstance(best.model, ConditionedCircuit)
    return best.model, time.perf_counter() - start
