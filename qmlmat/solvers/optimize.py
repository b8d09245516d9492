"""The one optimisation driver: any torch optimiser, stopped by the gradient, honest about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from qmlmat.errors import InputError
from qmlmat.solvers.base import Iteration, Status
from qmlmat.typing import FloatArray

OptimizerFactory = Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]
"""An optimiser class, or a ``functools.partial`` of one with its settings."""

MAX_RESTARTS: Final = 2
"""How often an optimiser that stopped moving gets a fresh memory before it counts as stalled."""


@dataclass(frozen=True)
class Optimum:
    """Where an optimisation ended: the best point seen."""

    params: FloatArray
    """Parameters, shape ``(n_params,)``."""
    status: Status
    """How it stopped."""
    history: tuple[Iteration, ...]
    """Every step, the start included."""


class _Objective:
    """The loss as a torch closure that never evaluates the same point twice in a row."""

    def __init__(self, loss: Callable[[torch.Tensor], torch.Tensor], start: FloatArray) -> None:
        self.params = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        self.n_evaluations = 0
        self._loss = loss
        self._point: torch.Tensor | None = None
        self._value = torch.zeros(())
        self._gradient = torch.zeros(0)

    def __call__(self) -> torch.Tensor:
        point = self.params.detach()
        if self._point is None or not torch.equal(point, self._point):
            self.params.grad = None
            value = self._loss(self.params)
            value.backward()  # type: ignore[no-untyped-call]
            self.n_evaluations += 1
            self._point = point.clone()
            self._value = value.detach()
            gradient = self.params.grad
            self._gradient = torch.zeros_like(point) if gradient is None else gradient.clone()
        self.params.grad = self._gradient.clone()
        return self._value

    def iteration(self, number: int) -> Iteration:
        """Return the record of the current point, evaluating it if need be."""
        value = float(self())
        norm = float(self._gradient.abs().max()) if self._gradient.numel() else 0.0
        return Iteration(number, value, norm, self.n_evaluations)


def minimize(
    loss: Callable[[torch.Tensor], torch.Tensor],
    start: FloatArray,
    *,
    optimizer: OptimizerFactory,
    gradient_tolerance: float,
    max_iterations: int,
) -> Optimum:
    """Return the minimum of a differentiable loss, and how the search ended.

    Converged means that the largest absolute derivative is at most ``gradient_tolerance``.

    Args:
        loss: Float64 parameters, shape ``(n_params,)``, to a scalar.
        start: Where to begin, shape ``(n_params,)``.
        optimizer: Any ``torch.optim.Optimizer`` class or partial. ``torch.optim.LBFGS`` is given
            a strong-Wolfe line search, one iteration per step and a memory of 20, unless a
            partial says otherwise.
        gradient_tolerance: Largest absolute derivative at which to stop.
        max_iterations: Most optimiser steps.

    Raises:
        InputError: If the loss or its gradient is not finite at the start.
    """
    objective = _Objective(loss, start)
    history = [objective.iteration(0)]
    best, best_params = history[0], start.copy()
    if not np.isfinite([best.energy, best.gradient_norm]).all():
        raise InputError("minimize: the loss is not finite at the start. Check the parameters.")
    stepper = make_optimizer(optimizer, objective.params)
    restarts = 0
    while best.gradient_norm > gradient_tolerance and len(history) <= max_iterations:
        before = objective.params.detach().clone()
        stepper.step(objective)  # type: ignore[arg-type]
        if torch.equal(before, objective.params.detach()):
            if restarts == MAX_RESTARTS:
                return Optimum(best_params, "stalled", tuple(history))
            restarts += 1
            stepper = make_optimizer(optimizer, objective.params)
            continue
        history.append(objective.iteration(len(history)))
        if _is_better(history[-1], best, gradient_tolerance):
            best, best_params = history[-1], objective.params.detach().numpy().copy()
    converged = best.gradient_norm <= gradient_tolerance
    return Optimum(best_params, "converged" if converged else "iteration_limit", tuple(history))


def _is_better(new: Iteration, old: Iteration, tolerance: float) -> bool:
    """A converged point that is not higher wins; else the lower one; never a NaN."""
    if new.gradient_norm <= tolerance:
        return new.energy <= old.energy + tolerance
    return new.energy < old.energy


def make_optimizer(factory: OptimizerFactory, params: torch.Tensor) -> torch.optim.Optimizer:
    """Return the optimiser of one parameter tensor; LBFGS with settings that suit a circuit."""
    if getattr(factory, "func", factory) is not torch.optim.LBFGS:
        return factory([params])
    settings: dict[str, Any] = {
        "max_iter": 1,
        "max_eval": 25,
        "history_size": 20,
        "tolerance_grad": 0.0,
        "tolerance_change": 0.0,
        "line_search_fn": "strong_wolfe",
    }
    return torch.optim.LBFGS([params], **(settings | getattr(factory, "keywords", {})))


def describe_optimizer(factory: OptimizerFactory) -> dict[str, Any]:
    """Return an optimiser's name and settings as plain values, for the record.

    Raises:
        InputError: If it is neither an optimiser class nor a partial of one: a record could not
            tell two such functions apart.
    """
    inner = getattr(factory, "func", factory)
    if not (isinstance(inner, type) and issubclass(inner, torch.optim.Optimizer)):
        raise InputError(
            f"VQE(optimizer={factory!r}): not an optimiser. Use a torch.optim.Optimizer class such "
            "as torch.optim.Adam, or functools.partial(torch.optim.Adam, lr=0.02)."
        )
    settings = dict(getattr(factory, "keywords", None) or {})
    return {
        "name": f"{inner.__module__}.{inner.__qualname__}",
        "settings": {
            key: value if isinstance(value, bool | int | float | str) else repr(value)
            for key, value in sorted(settings.items())
        },
    }
