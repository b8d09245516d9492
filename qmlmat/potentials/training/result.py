"""What a training gives: the model, how it got there, and how wrong it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from qmlmat.potentials.base import Potential
from qmlmat.potentials.training.errors import Errors
from qmlmat.potentials.training.settings import Training

FitStatus = Literal["converged", "iteration_limit", "early_stop", "stalled", "not_finite"]
"""How a training stopped."""

FIT_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "converged": "The gradient is below its tolerance.",
        "iteration_limit": (
            "All steps were taken before the gradient was below its tolerance: raise n_lbfgs if "
            "the error matters more than the time."
        ),
        "early_stop": (
            "The validation loss did not fall any more; the weights are those at which it was "
            "lowest. More data help, or fewer weights."
        ),
        "stalled": "The optimiser could not lower the loss any further in floating-point numbers.",
        "not_finite": (
            "The loss became infinite or not a number; the weights are the best before that. Use a "
            "smaller learning_rate, or look for a wrong energy in the data."
        ),
    }
)
"""What each status means, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class FitStep:
    """One step of a training."""

    step: int
    """Number of steps before this point."""

    stage: str
    """What moved the weights here: ``"start"``, ``"adam"`` or ``"lbfgs"``."""

    loss: float
    """Training loss (units of the model's objective)."""

    gradient_norm: float
    """Largest absolute derivative of the loss."""

    validation: float | None = None
    """Loss on the points that were set aside; ``None`` where there are none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A trained model and the record of its training."""

    model: Potential
    """The model, with the weights of ``best``."""

    status: FitStatus
    """How training stopped; ``FIT_ADVICE`` says what it means."""

    history: tuple[FitStep, ...]
    """Every step, the start included."""

    best: FitStep
    """The step whose weights the model has: the lowest validation loss, else the lowest loss."""

    train_errors: Errors | None
    """Errors at the points of training; ``None`` where the model does not look at labels."""

    validation_errors: Errors | None
    """Errors at the points that were set aside, or given."""

    training: Training
    """The recipe."""

    seed: int
    """Seed of the draw of validation points."""

    data_hash: str
    """Hash of the data that were given, validation points drawn from them included."""

    n_points: int
    """Number of these points."""

    n_evaluations: int
    """Evaluations of the loss with its gradient."""

    wall_time: float
    """Time of the training (s), that before an interruption included."""

    notes: tuple[str, ...] = ()
    """What a reader should know."""

    def record(self) -> dict[str, Any]:
        """Return how the model was trained, as plain values."""
        return {
            "settings": self.training.inputs(),
            "seed": self.seed,
            "data_hash": self.data_hash,
            "n_points": self.n_points,
            "status": self.status,
            "n_steps": self.history[-1].step,
            "best_step": self.best.step,
            "n_evaluations": self.n_evaluations,
            "wall_time": self.wall_time,
        }

    def __repr__(self) -> str:
        """Return how it ended in one line; the fields hold the rest."""
        errors = self.validation_errors or self.train_errors
        where = "validation" if self.validation_errors else "train"
        wrong = "" if errors is None else f", {where} RMSE {errors.rmse_cm1:.3g} cm-1"
        return (
            f"Fit({type(self.model).__name__}, {self.status}, {self.history[-1].step} steps, "
            f"loss {self.best.loss:.3g}{wrong})"
        )
