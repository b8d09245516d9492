"""L-BFGS for exact gradients: scaled by the problem's own curvatures, one line search a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import torch

from qmlmat.errors import InputError
from qmlmat.solvers.optim_base import (
    ARMIJO,
    ROUNDING,
    Closure,
    FlatOptimizer,
    Traits,
    check_setting,
)
from qmlmat.typing import FloatArray

WOLFE: Final = 0.9
"""Fraction of the slope that must be gone after a step (Nocedal and Wright, sec. 3.1)."""

SMALLEST_CURVATURE: Final = 1e-10
"""Cosine between step and change of gradient below which a pair says nothing of the curvature."""


class PreconditionedLBFGS(FlatOptimizer):
    """L-BFGS whose first inverse Hessian is a diagonal the problem supplies.

    ``H_0 = gamma / curvature`` with ``gamma = s.y / (y.y / curvature)`` of the last step ``s`` and
    change of gradient ``y``; the first step is ``-gradient / curvature`` itself. For a circuit VQE
    takes the curvatures from orbital energies (``qmlmat.solvers.landscape``), which halves the
    evaluations; without them this is plain L-BFGS. Unlike ``torch.optim.LBFGS`` it keeps learning
    from small steps: a pair is dropped for its angle, not for its size.

    ``H_0`` may also be a whole matrix, such as ``inverse_hessian()`` of an earlier search of nearly
    the same problem; it is not rescaled. ADAPT-VQE hands it on from step to step.

    A step satisfies the Wolfe conditions, in their approximate form where the loss's change is
    lost in rounding. The closure computes gradients.

    Args:
        params: Tensors of one real dtype, in one group.
        lr: First trial length of each line search, in units of the quasi-Newton step.
        history_size: Pairs remembered.
        curvature: Rough positive second derivatives, shape ``(n_params,)`` (loss per squared
            parameter); ``None``: one for all, and a cautious first step.
        inverse_hessian: Symmetric and positive definite, shape ``(n_params, n_params)`` (squared
            parameter per loss); where it is given, the curvatures are not used.
        max_evaluations: Most evaluations of one line search.

    Raises:
        InputError: If a setting makes no sense, or there are several parameter groups.

    References:
        J. Nocedal, Math. Comp. 35, 773 (1980). W. W. Hager and H. Zhang, SIAM J. Optim. 16, 170
        (2005): approximate Wolfe conditions. A. S. Lewis and M. L. Overton, Math. Program. 141,
        135 (2013): the bracketing.
    """

    traits: ClassVar[Traits] = Traits(needs=("curvature", "inverse_hessian"))

    def __init__(
        self,
        params: Any,  # noqa: ANN401 (torch's own union of iterables)
        *,
        lr: float = 1.0,
        history_size: int = 50,
        curvature: FloatArray | None = None,
        inverse_hessian: FloatArray | None = None,
        max_evaluations: int = 25,
    ) -> None:
        name = type(self).__name__
        check_setting(name, "lr", lr, is_fine=lr > 0, rule="must be positive. Use 1.0.")
        for setting, size in (("history_size", history_size), ("max_evaluations", max_evaluations)):
            check_setting(name, setting, size, is_fine=size >= 1, rule="must be at least 1.")
        super().__init__(
            params,
            {"lr": lr, "history_size": history_size, "max_evaluations": max_evaluations},
        )
        self._inverse = self._inverse_curvature(curvature)
        self._matrix = self._start_matrix(inverse_hessian)

    def _start_matrix(self, matrix: FloatArray | None) -> torch.Tensor | None:
        if matrix is None:
            return None
        point = self.point()
        given = np.asarray(matrix, dtype=np.float64)
        if given.shape != (point.numel(),) * 2 or not np.isfinite(given).all():
            raise InputError(
                f"PreconditionedLBFGS(inverse_hessian): shape {given.shape}. Give finite numbers, "
                f"shape ({point.numel()}, {point.numel()}), or leave it out."
            )
        return torch.as_tensor(given, dtype=point.dtype)

    def _inverse_curvature(self, curvature: FloatArray | None) -> torch.Tensor | None:
        if curvature is None:
            return None
        point = self.point()
        given = np.asarray(curvature, dtype=np.float64)
        if given.shape != tuple(point.shape) or not (np.isfinite(given) & (given > 0)).all():
            raise InputError(
                f"PreconditionedLBFGS(curvature): shape {given.shape}, least value "
                f"{given.min(initial=np.inf):g}. Give one positive number for each of the "
                f"{point.numel()} parameters."
            )
        return torch.as_tensor(1.0 / given, dtype=point.dtype)

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float:  # type: ignore[override]
        """Move along one quasi-Newton direction; return the loss where the step began."""
        start = self.point()
        loss, gradient = self.slope(closure)
        direction = -self._inverse_hessian(gradient)
        slope = float(direction @ gradient)
        if not slope < 0:
            self._forget()
            direction = -self._first_inverse_hessian(gradient)
            slope = float(direction @ gradient)
            if not slope < 0:
                return loss

        def along(length: float) -> _Trial:
            self.move_to(start + length * direction)
            value, there = self.slope(closure)
            return _Trial(length, value, float(direction @ there), there)

        first = self.settings["lr"] * self._first_length(gradient)
        origin = _Trial(0.0, loss, slope, gradient)
        found = line_search(along, origin, first, self.settings["max_evaluations"])
        self.move_to(start + found.length * direction)
        if found.length == 0:
            self._forget()
        else:
            self._remember(found.length * direction, found.gradient - gradient)
        return loss

    def _forget(self) -> None:
        """Begin anew from the curvatures: what was learnt, here or elsewhere, misleads."""
        self.memory.clear()
        self._matrix = None

    def _first_length(self, gradient: torch.Tensor) -> float:
        """One; without any knowledge of scale, a step of at most one in the 1-norm."""
        is_scaled = self._inverse is not None or self._matrix is not None
        if is_scaled or self.memory.get("steps"):
            return 1.0
        return min(1.0, 1.0 / float(gradient.abs().sum()))

    def _inverse_hessian(self, gradient: torch.Tensor) -> torch.Tensor:
        """The two-loop recursion."""
        steps, changes = self.memory.get("steps", []), self.memory.get("changes", [])
        rest, weights = gradient.clone(), []
        for step, change in zip(reversed(steps), reversed(changes), strict=True):
            weight = (step @ rest) / (step @ change)
            rest -= weight * change
            weights.append(weight)
        result = self._first_inverse_hessian(rest)
        for step, change, weight in zip(steps, changes, reversed(weights), strict=True):
            result = result + step * (weight - (change @ result) / (step @ change))
        return result

    def _first_inverse_hessian(self, vector: torch.Tensor) -> torch.Tensor:
        """Return ``H_0`` times a vector."""
        if self._matrix is not None:
            return self._matrix @ vector
        inverse = 1.0 if self._inverse is None else self._inverse
        if not self.memory.get("steps"):
            return inverse * vector
        step, change = self.memory["steps"][-1], self.memory["changes"][-1]
        gamma = (step @ change) / (change @ (inverse * change))
        scaled: torch.Tensor = gamma * inverse * vector
        return scaled

    @torch.no_grad()
    def inverse_hessian(self) -> FloatArray:
        """Return what is known of the inverse Hessian, shape ``(n_params, n_params)``.

        The search direction is minus this matrix times the gradient.
        """
        matrix = self._matrix
        if matrix is None:
            matrix = torch.diag(self._first_inverse_hessian(torch.ones_like(self.point())))
        steps, changes = self.memory.get("steps", []), self.memory.get("changes", [])
        for step, change in zip(steps, changes, strict=True):
            product, inner = matrix @ change, step @ change
            twice = torch.outer(product, step) / inner
            weight = (inner + change @ product) / inner**2
            matrix = matrix + weight * torch.outer(step, step) - twice - twice.T
        result: FloatArray = matrix.double().numpy()
        return result

    def _remember(self, step: torch.Tensor, change: torch.Tensor) -> None:
        if step @ change <= SMALLEST_CURVATURE * step.norm() * change.norm():
            return
        for name, vector in (("steps", step), ("changes", change)):
            kept = [*self.memory.get(name, []), vector]
            self.memory[name] = kept[-self.settings["history_size"] :]


@dataclass(frozen=True)
class _Trial:
    """One point of a line search."""

    length: float
    """Multiple of the direction."""
    value: float
    """The loss."""
    slope: float
    """Its derivative along the direction."""
    gradient: torch.Tensor
    """Its gradient."""


def line_search(
    along: Callable[[float], _Trial], origin: _Trial, first: float, max_evaluations: int
) -> _Trial:
    """Return a point that satisfies the Wolfe conditions, else the lowest one met.

    Args:
        along: The point at a length.
        origin: The point at length zero, with a negative slope.
        first: Length tried first.
        max_evaluations: Most calls of ``along``.
    """
    low, high, best, length = origin, None, origin, first
    for _ in range(max_evaluations):
        trial = along(length)
        if not _descends(trial, origin):
            high = trial
        elif trial.slope < WOLFE * origin.slope:
            low = trial
        else:
            return trial
        if trial.value < best.value:
            best = trial
        length = 2.0 * length if high is None else _between(low, high)
    return best


def _descends(trial: _Trial, origin: _Trial) -> bool:
    """The first Wolfe condition, or by slopes where the loss's change is rounding."""
    if trial.value <= origin.value + ARMIJO * trial.length * origin.slope:
        return True
    is_noise = abs(trial.value - origin.value) <= ROUNDING * abs(origin.value)
    return is_noise and trial.slope <= (2 * ARMIJO - 1) * origin.slope


def _between(low: _Trial, high: _Trial) -> float:
    """The minimum of the cubic through two points, kept off the ends of the bracket."""
    width = high.length - low.length
    middle = low.length + 0.5 * width
    if not np.isfinite([high.value, high.slope]).all():
        return middle
    d1 = low.slope + high.slope - 3 * (low.value - high.value) / (low.length - high.length)
    square = d1**2 - low.slope * high.slope
    if square < 0:
        return middle
    d2 = np.sqrt(square)
    denominator = high.slope - low.slope + 2 * d2
    if denominator == 0:
        return middle
    length = high.length - width * (high.slope + d2 - d1) / denominator
    return float(np.clip(length, low.length + 0.1 * width, high.length - 0.1 * width))
