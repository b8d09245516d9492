"""The one optimisation driver: any torch optimiser, stopped by the gradient, honest about it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from qmlmat.errors import InputError
from qmlmat.solvers.base import Iteration, Status
from qmlmat.solvers.optim_base import Landscape, Traits
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
    best: Iteration
    """The step at which they were met."""
    status: Status
    """How it stopped."""
    history: tuple[Iteration, ...]
    """Every step, the start included."""
    optimizer: torch.optim.Optimizer
    """The optimiser as it was left, with what it has learnt."""


class _Objective:
    """The loss as a torch closure that never evaluates the same point twice in a row.

    It computes the gradient where autograd is on, and the loss alone under ``torch.no_grad()``.
    """

    def __init__(self, loss: Callable[[torch.Tensor], torch.Tensor], start: FloatArray) -> None:
        self.params = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        self.n_evaluations = 0
        self._loss = loss
        self._point: torch.Tensor | None = None
        self._value = torch.zeros(())
        self._gradient: torch.Tensor | None = None

    def __call__(self) -> torch.Tensor:
        point = self.params.detach()
        is_new = self._point is None or not torch.equal(point, self._point)
        if is_new or (torch.is_grad_enabled() and self._gradient is None):
            self._evaluate()
            self._point = point.clone()
        if self._gradient is not None:
            self.params.grad = self._gradient.clone()
        return self._value

    def _evaluate(self) -> None:
        self.n_evaluations += 1
        self.params.grad = None
        value = self._loss(self.params)
        self._value, self._gradient = value.detach(), None
        if torch.is_grad_enabled():
            value.backward()  # type: ignore[no-untyped-call]
            gradient = self.params.grad
            self._gradient = torch.zeros_like(self.params) if gradient is None else gradient.clone()

    def iteration(self, number: int) -> Iteration:
        """Return the record of the current point, evaluating it if need be."""
        with torch.enable_grad():
            value = float(self())
        assert self._gradient is not None
        norm = float(self._gradient.abs().max()) if self._gradient.numel() else 0.0
        return Iteration(number, value, norm, self.n_evaluations)


def minimize(
    loss: Callable[[torch.Tensor], torch.Tensor],
    start: FloatArray,
    *,
    optimizer: OptimizerFactory,
    gradient_tolerance: float,
    max_iterations: int,
    landscape: Landscape | None = None,
) -> Optimum:
    """Return the minimum of a differentiable loss, and how the search ended.

    Converged means that the largest absolute derivative is at most ``gradient_tolerance``, for
    every optimiser. One that takes no gradients is judged by the exact gradient all the same: the
    driver evaluates it after each sweep of ``Rotosolve`` and each twentieth step of ``SPSA``
    (``Traits.check_every``), and these points make the history.

    Args:
        loss: Float64 parameters, shape ``(n_params,)``, to a scalar.
        start: Where to begin, shape ``(n_params,)``.
        optimizer: Any ``torch.optim.Optimizer`` class or partial. ``torch.optim.LBFGS`` is given
            a strong-Wolfe line search, one iteration per step and a memory of 20, unless a
            partial says otherwise.
        gradient_tolerance: Largest absolute derivative at which to stop.
        max_iterations: Most optimiser steps.
        landscape: What else is known of the loss; an optimiser with ``traits`` takes from it what
            its ``needs`` name.

    Raises:
        InputError: If the loss or its gradient is not finite at the start, or the optimiser needs
            what the landscape does not hold.
    """
    objective = _Objective(loss, start)
    history = [objective.iteration(0)]
    best, best_params = history[0], start.copy()
    if not np.isfinite([best.energy, best.gradient_norm]).all():
        raise InputError("minimize: the loss is not finite at the start. Check the parameters.")
    stepper = make_optimizer(optimizer, objective.params, landscape)
    traits = traits_of(optimizer)
    restarts = n_steps = 0
    while best.gradient_norm > gradient_tolerance and n_steps < max_iterations:
        before = objective.params.detach().clone()
        stepper.step(objective)  # type: ignore[arg-type]
        if not traits.may_stand_still and torch.equal(before, objective.params.detach()):
            if restarts == MAX_RESTARTS:
                return Optimum(best_params, best, "stalled", tuple(history), stepper)
            restarts += 1
            stepper = make_optimizer(optimizer, objective.params, landscape)
            continue
        n_steps += 1
        if n_steps % traits.check_every and n_steps < max_iterations:
            continue
        history.append(objective.iteration(n_steps))
        if _is_better(history[-1], best, gradient_tolerance):
            best, best_params = history[-1], objective.params.detach().numpy().copy()
    converged = best.gradient_norm <= gradient_tolerance
    status: Status = "converged" if converged else "iteration_limit"
    return Optimum(best_params, best, status, tuple(history), stepper)


def _is_better(new: Iteration, old: Iteration, tolerance: float) -> bool:
    """A converged point that is not higher wins; else the lower one; never a NaN."""
    if new.gradient_norm <= tolerance:
        return new.energy <= old.energy + tolerance
    return new.energy < old.energy


def traits_of(factory: OptimizerFactory) -> Traits:
    """Return what an optimiser class, or a partial of one, tells the driver."""
    traits: Traits = getattr(getattr(factory, "func", factory), "traits", Traits())
    return traits


def make_optimizer(
    factory: OptimizerFactory, params: torch.Tensor, landscape: Landscape | None = None
) -> torch.optim.Optimizer:
    """Return the optimiser of one parameter tensor, with what it needs of the landscape.

    LBFGS of torch gets settings that suit a circuit.

    Raises:
        InputError: If the optimiser cannot be made without something that is not known.
    """
    inner, given = getattr(factory, "func", factory), getattr(factory, "keywords", {})
    settings: dict[str, Any] = {}
    if inner is torch.optim.LBFGS:
        settings = {
            "max_iter": 1,
            "max_eval": 25,
            "history_size": 20,
            "tolerance_grad": 0.0,
            "tolerance_change": 0.0,
            "line_search_fn": "strong_wolfe",
        }
    for name in traits_of(factory).needs:
        known = getattr(landscape, name, None)
        if known is not None:
            settings[name] = known
        elif name not in given and name in _required(inner):
            raise InputError(
                f"minimize(optimizer={inner.__name__}): it needs its {name}. Give it by "
                f"functools.partial({inner.__name__}, {name}=...), or in minimize(landscape=...)."
            )
    left = {name: value for name, value in settings.items() if name not in given}
    return factory([params], **left)


def _required(kind: Callable[..., object]) -> set[str]:
    """Return the arguments that have no default."""
    parameters = inspect.signature(kind).parameters.values()
    return {p.name for p in parameters if p.default is p.empty}


def describe_optimizer(factory: OptimizerFactory, *, owner: str = "VQE") -> dict[str, Any]:
    """Return an optimiser's name and settings as plain values, for the record.

    Args:
        factory: An optimiser class, or a partial of one.
        owner: Whose it is, for messages.

    Raises:
        InputError: If it is neither an optimiser class nor a partial of one: a record could not
            tell two such functions apart.
    """
    inner = getattr(factory, "func", factory)
    if not (isinstance(inner, type) and issubclass(inner, torch.optim.Optimizer)):
        raise InputError(
            f"{owner}(optimizer={factory!r}): not an optimiser. Use a torch.optim.Optimizer class "
            "such as torch.optim.Adam, or functools.partial(torch.optim.Adam, lr=0.02)."
        )
    settings = dict(getattr(factory, "keywords", None) or {})
    return {
        "name": f"{inner.__module__}.{inner.__qualname__}",
        "settings": {
            key: value if isinstance(value, bool | int | float | str) else repr(value)
            for key, value in sorted(settings.items())
        },
    }
