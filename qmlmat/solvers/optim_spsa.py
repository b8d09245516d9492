"""Simultaneous perturbation: descent from two values of the loss, whatever the dimension."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import numpy as np
import torch

from qmlmat.solvers.optim_base import Closure, FlatOptimizer, Traits, Values, check_setting

GAIN_DECAY: Final = 0.602
"""Exponent of the step's gain sequence, Spall's practical choice (1)."""

PERTURBATION_DECAY: Final = 0.101
"""Exponent of the perturbation's, likewise (1)."""


PERTURBATION: Final = 0.02
"""Default gain of the perturbations (radians)."""

NOISY_PERTURBATION: Final = 0.2
"""Likewise for energies with shot noise (radians)."""

GAIN: Final = 8.0
"""Default gain times the number of parameters (radians squared per hartree)."""


class SPSA(FlatOptimizer):
    """Steps along slopes between two random opposite points; the loss may be noisy.

    Step ``k = 0, 1, ...`` moves by ``-a_k (L(x + c_k d) - L(x - c_k d)) / (2 c_k) d`` with signs
    ``d_i = +-1``, ``a_k = lr / (k + 1 + stability)^0.602`` and
    ``c_k = perturbation / (k + 1)^0.101``. The closure returns the loss and does not call
    ``backward()``. Draws depend on ``seed`` and the step's number only: never on global state, and
    a run that is resumed from ``state_dict`` continues as if uninterrupted.

    Args:
        params: Tensors of one real dtype, in one group.
        seed: Seed of the directions; ``None``: a fresh one, kept in ``state_dict``. VQE hands on
            that of ``solve``.
        lr: Gain of the steps, ``a`` (parameter squared per loss); ``None``: ``8 / n_params``. On a
            quadratic of curvature ``h`` the steps' noise adds up to more than they gain where
            ``a_k h n_params > 2``; with the default the first steps have ``0.5 h``, and a circuit's
            ``h`` is about 1 to 4 hartree per radian squared.
        perturbation: Gain of the perturbations, ``c`` (parameter's unit); ``None``: 0.02, and 0.2
            for a noisy loss, whose noise over ``2 c`` is that of the slopes.
        stability: Steps by which the gain's decay is delayed, about a tenth of the steps planned.
        averages: Directions averaged in each step; each costs two evaluations.
        blocking: Whether a step is taken back where it raises the loss by more than
            ``blocking_tolerance``; costs one evaluation a step.
        blocking_tolerance: See there; about twice the standard deviation of a noisy loss.
        values: The loss at many points at once; VQE gives it where points cost a job each.
        is_noisy: Whether the loss is known up to noise only.

    Raises:
        InputError: If a setting makes no sense, or there are several parameter groups.

    References:
        J. C. Spall, IEEE Trans. Autom. Control 37, 332 (1992); gain sequences and blocking: IEEE
        Trans. Aerosp. Electron. Syst. 34, 817 (1998).
    """

    # One gradient costs a few values; between two checks this spends forty.
    traits: ClassVar[Traits] = Traits(
        needs=("seed", "values", "is_noisy"), check_every=20, may_stand_still=True
    )

    def __init__(  # noqa: PLR0913 - the method's own settings
        self,
        params: Any,  # noqa: ANN401 (torch's own union of iterables)
        *,
        seed: int | None = None,
        lr: float | None = None,
        perturbation: float | None = None,
        stability: float = 100.0,
        averages: int = 1,
        blocking: bool = False,
        blocking_tolerance: float = 0.0,
        values: Values | None = None,
        is_noisy: bool = False,
    ) -> None:
        name = type(self).__name__
        if perturbation is None:
            perturbation = NOISY_PERTURBATION if is_noisy else PERTURBATION
        for setting, value in (("lr", 1.0 if lr is None else lr), ("perturbation", perturbation)):
            check_setting(name, setting, value, is_fine=value > 0, rule="must be positive.")
        for setting, value in (
            ("stability", stability),
            ("blocking_tolerance", blocking_tolerance),
            ("seed", 0 if seed is None else seed),
        ):
            check_setting(name, setting, value, is_fine=value >= 0, rule="must not be negative.")
        check_setting(name, "averages", averages, is_fine=averages >= 1, rule="must be at least 1.")
        super().__init__(
            params,
            {
                "seed": np.random.SeedSequence().entropy if seed is None else seed,
                "lr": lr,
                "perturbation": perturbation,
                "stability": stability,
                "averages": averages,
                "blocking": blocking,
                "blocking_tolerance": blocking_tolerance,
            },
        )
        self.several = values
        if lr is None:
            self.settings["lr"] = GAIN / max(1, self.point().numel())

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float:  # type: ignore[override]
        """Take one step; return the loss where it began, or near it without blocking.

        Without blocking this is the mean of the step's evaluations.
        """
        settings, start = self.settings, self.point()
        number = int(self.memory.get("step", 0))
        self.memory["step"] = number + 1
        gain = settings["lr"] / (number + 1 + settings["stability"]) ** GAIN_DECAY
        size = settings["perturbation"] / (number + 1) ** PERTURBATION_DECAY
        rng = np.random.default_rng([settings["seed"], number])
        signs = [
            torch.as_tensor(rng.choice([-1.0, 1.0], len(start)), dtype=start.dtype)
            for _ in range(settings["averages"])
        ]
        points = [start + side * size * one for one in signs for side in (1.0, -1.0)]
        values = self.values(points, closure)
        slopes = torch.zeros_like(start)
        for one, above, below in zip(signs, values[::2], values[1::2], strict=True):
            slopes += (above - below) / (2 * size * settings["averages"]) * one
        self.move_to(start)
        if settings["blocking"]:
            return self._move_unless_higher(start, start - gain * slopes, closure)
        self.move_to(start - gain * slopes)
        return float(np.mean(values))

    def _move_unless_higher(
        self, start: torch.Tensor, end: torch.Tensor, closure: Closure | None
    ) -> float:
        before = self.memory.get("loss")
        if before is None:
            before = self.value(closure)
        self.move_to(end)
        after = self.value(closure)
        if after <= before + self.settings["blocking_tolerance"]:
            self.memory["loss"] = after
        else:
            self.move_to(start)
            self.memory["loss"] = before
        return float(before)
