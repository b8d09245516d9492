"""The search under shot noise: more shots as the gradient drowns, and an end where it has drowned.

A noisy energy cannot say which point is best (the lowest is the luckiest), nor can a noisy gradient
fall below a tolerance by itself. So this driver judges by the norm test: while the squared gradient
stands out of its variance the shots suffice; else they are doubled; and where they are at their
most, three such steps in a row end the search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import torch

from qmlmat.backends.base import Evaluator
from qmlmat.errors import InputError
from qmlmat.solvers.base import Iteration, Status
from qmlmat.solvers.optim_base import Landscape
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS
from qmlmat.solvers.optimize import OptimizerFactory, Optimum, make_optimizer, traits_of
from qmlmat.typing import FloatArray

SHOT_OPTIMIZER: Final = partial(torch.optim.Adam, lr=0.05)
"""What searches under shot noise where nothing else is named."""
FIRST_SHARE: Final = 16
"""The search begins with this fraction of the shots, 1 / FIRST_SHARE."""
NORM_TEST: Final = 4.0
"""Squared gradient over its variance below which it counts as drowned."""
QUIET_STEPS: Final = 3
"""Steps with a drowned gradient at full shots that end the search."""
AVERAGED: Final = 10
"""Points at the end over which the angles are averaged, at most."""

SAME_BASIN: Final = 0.5
"""Largest difference of an angle up to which points are averaged (radians): further ones are other
minima, as Rotosolve finds where angles differ by a period."""

NEEDS_EXACT: Final = (PreconditionedLBFGS, torch.optim.LBFGS)
"""Optimisers whose line searches compare energies digit by digit."""


def optimizer_under_shots(factory: OptimizerFactory) -> tuple[OptimizerFactory, tuple[str, ...]]:
    """Return the optimiser that searches under shot noise, and what to say of it.

    Raises:
        InputError: If an optimiser was chosen, with settings, that needs exact energies.
    """
    if factory is PreconditionedLBFGS:
        note = (
            "Under shots Adam (lr=0.05) searched instead of PreconditionedLBFGS, whose line search "
            "needs exact energies."
        )
        return SHOT_OPTIMIZER, (note,)
    inner = getattr(factory, "func", factory)
    if inner in NEEDS_EXACT:
        raise InputError(
            f"optimizer={inner.__name__}: its line search needs exact energies, and this backend "
            "samples. Use functools.partial(torch.optim.Adam, lr=0.05), SPSA or Rotosolve."
        )
    return factory, ()


@dataclass(eq=False)
class ShotLoss:
    """A weighted sum of measured expectations, with its variance, at a growing number of shots."""

    prepare: Callable[[int], Evaluator]
    """Makes the evaluator for a number of shots."""
    weights: FloatArray
    """Weight of each expectation, shape ``(n_references,)``."""
    most: int
    """Shots at most."""
    is_paired: bool = False
    """Whether each reference has an observable of its own."""
    is_averaged: bool = True
    """Whether the last points are averaged: angles are, a network's parameters are not."""
    quiet_steps: int = QUIET_STEPS
    """Steps with a drowned gradient at full shots that end the search."""

    def __post_init__(self) -> None:
        least = getattr(self.prepare(self.most), "least_shots", 1)
        self.shots = min(self.most, max(8 * least, self.most // FIRST_SHARE))
        self.n_evaluations = 0
        self._evaluators: dict[int, Evaluator] = {}

    @property
    def evaluator(self) -> Evaluator:
        """The evaluator at the present number of shots."""
        if self.shots not in self._evaluators:
            self._evaluators[self.shots] = self.prepare(self.shots)
        return self._evaluators[self.shots]

    def values(self, points: torch.Tensor) -> torch.Tensor:
        """Return the loss at points ``(n_points, n_params)``, one submission, ``(n_points,)``."""
        self.n_evaluations += len(points)
        array = points.detach().numpy()
        if self.is_paired:  # one observable for each reference: point by point
            found = np.array([self.evaluator(row).values.reshape(-1) for row in array])
        else:
            found = self.evaluator(array).values.reshape(len(points), -1)
        return torch.from_numpy(found @ self.weights)

    def slope(self, point: torch.Tensor) -> tuple[float, FloatArray, FloatArray]:
        """Return loss, gradient and the gradient's variances at a point."""
        self.n_evaluations += 1
        answer = self.evaluator.value_and_gradient(point.detach().numpy())
        assert answer.gradient_variances is not None
        shape = (len(self.weights), answer.gradient.shape[-1])
        gradient = self.weights @ answer.gradient.reshape(shape)
        noise = self.weights**2 @ answer.gradient_variances.reshape(shape)
        return float(self.weights @ answer.values.reshape(-1)), gradient, noise

    def grow(self) -> bool:
        """Double the shots; return whether they were at their most already."""
        if self.shots >= self.most:
            return True
        self.shots = min(self.most, 2 * self.shots)
        return False


def minimize_noisy(
    loss: ShotLoss,
    start: FloatArray,
    *,
    optimizer: OptimizerFactory,
    gradient_tolerance: float,
    max_iterations: int,
    landscape: Landscape,
) -> Optimum:
    """Return where a search under shot noise ends: the mean of its last points.

    Args:
        loss: What is minimised.
        start: Where to begin, shape ``(n_params,)`` (radians).
        optimizer: Any that needs no exact energies.
        gradient_tolerance: Largest absolute derivative that counts as none, where shots resolve it.
        max_iterations: Most steps.
        landscape: What is known of the loss; values of many points at once are added.

    References:
        R. H. Byrd, G. M. Chin, J. Nocedal, Y. Wu, Math. Program. 134, 127 (2012),
        doi:10.1007/s10107-012-0572-5 (norm test).
    """
    point = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    judge = _Judge(loss, gradient_tolerance)

    def closure() -> torch.Tensor:
        if not torch.is_grad_enabled():
            return loss.values(point.detach()[None])[0]
        value, gradient = judge.slope(point)
        point.grad = torch.from_numpy(gradient.copy())
        return torch.tensor(value, dtype=torch.float64)

    known = replace(landscape, values=loss.values, is_noisy=True)
    stepper = make_optimizer(optimizer, point, known)
    takes_values = "values" in traits_of(optimizer).needs
    if takes_values:  # differences of energies need them all
        loss.shots = loss.most
    every = traits_of(optimizer).check_every
    status: Status | None = judge.look(point, 0) if takes_values else None
    for step in range(1, max_iterations + 1):
        if status is not None:
            break
        judge.visit(point)
        stepper.step(closure)  # type: ignore[arg-type]
        if not takes_values:
            status = judge.verdict(step - 1)
        elif step % every == 0 or step == max_iterations:
            status = judge.look(point, step)
    params = judge.mean(point)
    best = judge.history[-1] if judge.history else Iteration(0, np.nan, np.nan, 0)
    return Optimum(params, best, status or "iteration_limit", tuple(judge.history), stepper)


class _Judge:
    """Decides by the norm test, and keeps the record."""

    def __init__(self, loss: ShotLoss, tolerance: float) -> None:
        self.loss, self.tolerance = loss, tolerance
        self.history: list[Iteration] = []
        self._quiet = 0
        self._last: tuple[float, FloatArray, FloatArray] | None = None
        self._tail: list[FloatArray] = []

    def slope(self, point: torch.Tensor) -> tuple[float, FloatArray]:
        self._last = self.loss.slope(point)
        return self._last[0], self._last[1]

    def look(self, point: torch.Tensor, step: int) -> Status | None:
        """Measure the gradient here and judge."""
        self.slope(point)
        return self.verdict(step)

    def verdict(self, step: int) -> Status | None:
        """Return how the search ends, if it does."""
        assert self._last is not None
        value, gradient, noise = self._last
        largest = float(np.abs(gradient).max()) if gradient.size else 0.0
        self.history.append(Iteration(step, value, largest, self.loss.n_evaluations))
        if largest <= self.tolerance and float(noise.sum()) <= self.tolerance**2:
            return "converged"
        if float(gradient @ gradient) >= NORM_TEST * float(noise.sum()):
            self._quiet = 0
            return None
        self._quiet = self._quiet + 1 if self.loss.grow() else 0
        return "noise_limit" if self._quiet >= self.loss.quiet_steps else None

    def visit(self, point: torch.Tensor) -> None:
        """Remember a point of the end of the search."""
        if self._quiet == 0:
            self._tail.clear()
        self._tail = [*self._tail, point.detach().numpy().copy()][-AVERAGED:]

    def mean(self, point: torch.Tensor) -> FloatArray:
        """Return the mean of the last points."""
        last: FloatArray = point.detach().numpy()
        near = [p for p in self._tail if np.abs(p - last).max(initial=0.0) < SAME_BASIN]
        is_mean = self._quiet and self.loss.is_averaged
        return np.mean([*near, last], axis=0) if is_mean else last.copy()
