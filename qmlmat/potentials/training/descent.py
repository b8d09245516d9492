"""The steps of a training: Adam, then L-BFGS, one after the other, with the best weights kept."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from qmlmat.errors import InputError
from qmlmat.potentials.base import Objective
from qmlmat.potentials.training.result import FitStatus, FitStep
from qmlmat.potentials.training.settings import Training
from qmlmat.solvers.optim_lbfgs import PreconditionedLBFGS

HISTORY_SIZE: Final = 100
"""Pairs that L-BFGS remembers: about as many as a shallow network has weights."""


@dataclass(frozen=True)
class _Seen:
    """A point at which the loss is known."""

    point: Tensor
    """The weights, shape ``(n_weights,)``."""
    loss: Tensor
    """The loss."""
    gradients: list[Tensor]
    """Its derivatives by each parameter."""


class Slope:
    """The loss as a closure with gradients that evaluates no point of two steps in a row twice."""

    def __init__(self, objective: Objective, params: Sequence[Tensor]) -> None:
        self._objective, self._params = objective, params
        self._seen: list[_Seen] = []
        self.n_evaluations = 0
        """Evaluations of the loss with its gradient."""

    def point(self) -> Tensor:
        """Return a copy of the weights, shape ``(n_weights,)``."""
        return torch.cat([torch.zeros(0), *(p.detach().reshape(-1) for p in self._params)])

    def __call__(self) -> Tensor:
        """Return the loss here and set the gradients."""
        here = self.point()
        found = next((seen for seen in reversed(self._seen) if torch.equal(seen.point, here)), None)
        if found is None:
            found = self._evaluate(here)
            self._seen.append(found)
        self._last = found
        for param, gradient in zip(self._params, found.gradients, strict=True):
            param.grad = gradient.clone()
        return found.loss

    def _evaluate(self, point: Tensor) -> _Seen:
        self.n_evaluations += 1
        with torch.enable_grad():
            loss = self._objective()
            found = torch.autograd.grad(loss, self._params, allow_unused=True)
        pairs = zip(self._params, found, strict=True)
        gradients = [torch.zeros_like(param) if g is None else g for param, g in pairs]
        return _Seen(point, loss.detach(), gradients)

    def here(self) -> tuple[float, float]:
        """Return loss and largest absolute derivative here, and forget other points."""
        self()
        self._seen = [self._last]
        return float(self._last.loss), max(
            (float(g.abs().max()) for g in self._last.gradients if g.numel()), default=0.0
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """All that a training goes on from, in copies that later steps leave alone."""

    point: Tensor
    """The weights, shape ``(n_weights,)``."""

    best_point: Tensor
    """The best weights, shape ``(n_weights,)``."""

    best: FitStep
    """The step of these."""

    history: tuple[FitStep, ...]
    """All steps."""

    memory: dict[int, Any]
    """What the optimiser remembers: the state of its ``state_dict``."""

    n_evaluations: int
    """Evaluations of the loss with its gradient."""


class Descent:
    """A training in the middle: where it is, and what it remembers."""

    def __init__(
        self,
        params: Sequence[Tensor],
        objective: Objective,
        validation: Objective | None,
        training: Training,
    ) -> None:
        self.params, self.training = params, training
        self.slope = Slope(objective, params)
        self._validation = validation
        self.optimizer: torch.optim.Optimizer | None = None
        self.stage = "start"
        self.history: list[FitStep] = []
        self.status: FitStatus = "iteration_limit"
        self.best_point = self.slope.point()
        self.best: FitStep = self._measured()

    @property
    def step(self) -> int:
        """Number of steps taken."""
        return self.history[-1].step

    @property
    def n_steps(self) -> int:
        """Most steps there will be."""
        return self.training.n_adam + self.training.n_lbfgs

    def steps(self) -> Iterator[FitStep]:
        """Take the steps that are left, one at a time; ``status`` says how they ended."""
        while self._may_go_on() and self.step < self.n_steps:
            before = self.slope.point()
            self._move()
            if torch.equal(before, self.slope.point()):
                self.status = "stalled"
                return
            yield self._measured()

    def check_start(self) -> None:
        """Refuse a loss that is not finite before the first step.

        Raises:
            InputError: If it is not.
        """
        if self.step == 0 and not math.isfinite(self.best.loss + self.best.gradient_norm):
            raise InputError(
                f"fit: loss {self.best.loss}, largest derivative {self.best.gradient_norm} at the "
                "start. Look at the model's weights and the data: they must be finite."
            )

    def _may_go_on(self) -> bool:
        last = self.history[-1]
        if not math.isfinite(last.loss) or not math.isfinite(last.gradient_norm):
            self.status = "not_finite"
        elif last.gradient_norm <= self.training.gradient_tolerance:
            self.status = "converged"
        elif self._validation is not None and self._waited() >= self.training.patience:
            self.status = "early_stop"
        return self.status == "iteration_limit"

    def _waited(self) -> int:
        """Return the number of steps of L-BFGS without a lower validation loss.

        Those of Adam do not count: its first steps are long, and the loss of a few points may rise
        by chance long before it falls.
        """
        return self.step - max(self.best.step, self.training.n_adam)

    def _move(self) -> None:
        n_adam = self.training.n_adam
        stage = "adam" if self.step < n_adam else "lbfgs"
        if stage != self.stage:
            self.stage, self.optimizer = stage, self._made(stage)
        assert self.optimizer is not None
        if stage == "adam":
            fall = 0.5 * (1.0 + math.cos(math.pi * self.step / n_adam))
            self.optimizer.param_groups[0]["lr"] = self.training.learning_rate * fall
        self.optimizer.step(self.slope)  # type: ignore[arg-type]

    def _made(self, stage: str) -> torch.optim.Optimizer:
        """Return the optimiser of a stage, with nothing learnt."""
        if stage == "adam":
            return torch.optim.Adam(self.params, lr=self.training.learning_rate)
        return PreconditionedLBFGS(self.params, history_size=HISTORY_SIZE)

    def _measured(self) -> FitStep:
        loss, norm = self.slope.here()
        held_out = None
        if self._validation is not None:
            with torch.no_grad():
                held_out = float(self._validation())
        number = len(self.history)
        found = FitStep(
            step=number, stage=self.stage, loss=loss, gradient_norm=norm, validation=held_out
        )
        self.history.append(found)
        if number == 0 or _measure(found) < _measure(self.best):
            self.best, self.best_point = found, self.slope.point()
        return found

    def snapshot(self) -> Snapshot:
        """Return where the training is."""
        memory = {} if self.optimizer is None else self.optimizer.state_dict()["state"]
        return Snapshot(
            point=self.slope.point(),
            best_point=self.best_point,
            best=self.best,
            history=tuple(self.history),
            memory=copy.deepcopy(memory),
            n_evaluations=self.slope.n_evaluations,
        )

    def restore(self, found: Snapshot) -> None:
        """Go to where another run of the same training was."""
        set_point(self.params, found.point)
        self.history, self.best = list(found.history), found.best
        self.best_point = found.best_point
        self.stage = self.history[-1].stage
        if self.stage != "start":
            self.optimizer = self._made(self.stage)
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": found.memory, "param_groups": groups})
        self.slope.n_evaluations = found.n_evaluations - 1  # the point here is evaluated again
        self.slope.here()

    def take_best(self) -> None:
        """Give the model the best weights."""
        set_point(self.params, self.best_point)


def _measure(step: FitStep) -> float:
    """What is to be low; never NaN."""
    value = step.loss if step.validation is None else step.validation
    return value if math.isfinite(value) and math.isfinite(step.loss) else math.inf


@torch.no_grad()
def set_point(params: Sequence[Tensor], point: Tensor) -> None:
    """Set weights from a vector, shape ``(n_weights,)``."""
    begin = 0
    for param in params:
        param.copy_(point[begin : begin + param.numel()].view_as(param))
        begin += param.numel()
