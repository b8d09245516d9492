"""The quantum natural gradient: steepest descent in the geometry of states, not of angles."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final

import torch

from qmlmat.errors import InputError
from qmlmat.solvers.optim_base import (
    ARMIJO,
    ROUNDING,
    Closure,
    FlatOptimizer,
    Metric,
    Traits,
    check_setting,
)

METRIC_ROUNDING: Final = 1e-14
"""Shift that is added at least: a metric is a difference of terms of order 1, and where it vanishes
their rounding is left, which may be singular."""
MAX_HALVINGS: Final = 30
"""Halvings of a step after which there is no descent to be had."""


class NaturalGradient(FlatOptimizer):
    """Steps along ``-(g + eps I)^-1 gradient`` with the Fubini-Study metric ``g`` of the state.

    ``g_ij = Re <d_i psi|d_j psi> - <d_i psi|psi><psi|d_j psi>`` is a quarter of the quantum Fisher
    information; programs that divide by the latter take steps a quarter as long at the same
    ``lr``. A step of ``lr = dtau / 2`` is imaginary time evolution by ``dtau``.

    With ``step_control`` (the default) ``lr`` is the first trial length only. Later ones are
    Barzilai and Borwein's in the metric, ``s.g s / s.y`` of the last step ``s`` and change of
    gradient ``y``, halved until the loss descends. Without, every step has length ``lr``. The
    closure computes gradients.

    Args:
        params: Tensors of one real dtype, in one group.
        metric: The metric at parameters, shape ``(n_params,)`` to ``(n_params, n_params)``;
            VQE supplies its backend's. For a network that makes the circuit's parameters, give
            ``J^T g J`` with its Jacobian ``J``.
        lr: Step length, or the first one tried (radians squared per hartree).
        regularization: Tikhonov's ``eps`` as a fraction of the mean diagonal of the metric, so
            that it means the same for any number and scale of parameters.
        step_control: Whether the loss decides how long steps are.
        metric_every: Steps for which one metric serves.
        max_step: Longest step, as a vector's norm: where metric and gradient are measured, a
            nearly singular metric makes steps of any length.

    Raises:
        InputError: If a setting makes no sense, or there are several parameter groups.

    References:
        J. Stokes, J. Izaac, N. Killoran, G. Carleo, Quantum 4, 269 (2020).
        J. Barzilai, J. M. Borwein, IMA J. Numer. Anal. 8, 141 (1988), doi:10.1093/imanum/8.1.141.
    """

    traits: ClassVar[Traits] = Traits(needs=("metric",))

    def __init__(  # noqa: PLR0913 (settings by name)
        self,
        params: Any,  # noqa: ANN401 (torch's own union of iterables)
        *,
        metric: Metric,
        lr: float = 0.25,
        regularization: float = 1e-3,
        step_control: bool = True,
        metric_every: int = 1,
        max_step: float = math.inf,
    ) -> None:
        name = type(self).__name__
        check_setting(name, "lr", lr, is_fine=lr > 0, rule="must be positive. Use 0.25.")
        check_setting(
            name,
            "regularization",
            regularization,
            is_fine=regularization > 0,
            rule="must be positive: the metric may be singular. Use 1e-3.",
        )
        check_setting(
            name, "metric_every", metric_every, is_fine=metric_every >= 1, rule="must be >= 1."
        )
        check_setting(name, "max_step", max_step, is_fine=max_step > 0, rule="must be positive.")
        if not callable(metric):
            raise InputError(
                f"NaturalGradient(metric={metric!r}): not a function. Give one from parameters to "
                "their metric, e.g. of SectorBackend().metric, or leave it to VQE."
            )
        super().__init__(
            params,
            {
                "lr": lr,
                "regularization": regularization,
                "step_control": step_control,
                "metric_every": metric_every,
                "max_step": max_step,
            },
        )
        self._metric = metric

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float:  # type: ignore[override]
        """Take one step; return the loss where it began."""
        start = self.point()
        loss, gradient = self.slope(closure)
        if not gradient.any():
            return loss
        metric = self._regular_metric(start)
        direction = -torch.linalg.solve(metric, gradient)
        length = self.settings["lr"]
        longest_allowed = self.settings["max_step"] / float(direction.norm())
        if not self.settings["step_control"]:
            self.move_to(start + min(length, longest_allowed) * direction)
            return loss
        length = min(self.memory.get("length", length), longest_allowed)
        slope = float(direction @ gradient)
        for _ in range(MAX_HALVINGS):
            self.move_to(start + length * direction)
            value, there = self.slope(closure)
            if value <= loss + ARMIJO * length * slope + ROUNDING * abs(loss):
                step, change = length * direction, there - gradient
                curvature = float(step @ change)
                longest = 10.0 * length
                ideal = float(step @ metric @ step) / curvature if curvature > 0 else longest
                self.memory["length"] = min(ideal, longest)
                return loss
            length *= 0.5
        self.move_to(start)
        self.memory.clear()
        return loss

    def _regular_metric(self, point: torch.Tensor) -> torch.Tensor:
        memory = self.memory
        age = memory.get("age", 0)
        if "metric" not in memory or age >= self.settings["metric_every"]:
            memory["metric"], age = self._metric(point).to(point.dtype), 0
        memory["age"] = age + 1
        metric: torch.Tensor = memory["metric"]
        shift = self.settings["regularization"] * float(metric.diagonal().mean())
        # A state that no parameter moves has no metric at all; then this is plain descent.
        shift = max(shift, METRIC_ROUNDING) if shift else 1.0
        return metric + shift * torch.eye(len(point), dtype=point.dtype)
