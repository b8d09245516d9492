"""How a model is trained: the recipe and its limits."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from qmlmat.errors import InputError
from qmlmat.potentials.base import Loss


@dataclass(frozen=True, kw_only=True)
class Training:
    """Adam, then L-BFGS, on all points at once.

    Raises:
        InputError: If a number is out of its range.
    """

    n_adam: int = 300
    """Most steps of Adam."""

    learning_rate: float = 0.05
    """Size of Adam's first steps (units of a weight); it falls to 0 along half a cosine."""

    n_lbfgs: int = 1000
    """Most steps of L-BFGS."""

    loss: Loss = field(default_factory=Loss)
    """What counts."""

    validation_fraction: float = 0.0
    """Part of the points that is not trained on but says which weights are kept and when to stop.

    By default none: of few points without noise, a tenth is worth more in training (water, 100
    points, a circuit of 105 weights: 0.1 raised the error at new points by half). Not used where
    ``fit`` is given points for it, or by a model that needs none."""

    patience: int = 100
    """Steps of L-BFGS without a lower validation loss after which training stops."""

    gradient_tolerance: float = 1e-7
    """Largest absolute derivative of the loss at which training has converged."""

    def __post_init__(self) -> None:
        for name, low in (("n_adam", 0), ("n_lbfgs", 0), ("patience", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise InputError(f"Training({name}={value!r}): use a whole number from {low}.")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0.0):
            raise InputError(f"Training(learning_rate={self.learning_rate}): use a number above 0.")
        if not 0.0 <= self.validation_fraction < 1.0:
            raise InputError(
                f"Training(validation_fraction={self.validation_fraction}): use 0 to below 1."
            )
        if not self.gradient_tolerance >= 0.0:
            raise InputError(
                f"Training(gradient_tolerance={self.gradient_tolerance}): use 0 or more."
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings as plain values, for records."""
        return asdict(self)
