"""What our optimisers share: one flat vector, a closure, and what they tell solver and driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import torch

from qmlmat.errors import InputError
from qmlmat.typing import FloatArray

Closure = Callable[[], torch.Tensor]
"""Returns the loss at the parameters; with gradients, it calls ``backward()`` too."""

Metric = Callable[[torch.Tensor], torch.Tensor]
"""Parameters, shape ``(n_params,)``, to their Fubini-Study metric, ``(n_params, n_params)``."""

Values = Callable[[torch.Tensor], torch.Tensor]
"""Points, shape ``(n_points, n_params)``, to the loss at each, ``(n_points,)``, all at once."""

Harmonics = Sequence[tuple[float, int]]
"""Frequencies of the loss along each parameter: ``(w, R)`` stands for ``w, 2 w, ..., R w``."""

ARMIJO: Final = 1e-4
"""Fraction of the promised descent a step must keep (Nocedal and Wright, sec. 3.1)."""

ROUNDING: Final = 1e-14
"""Differences of the loss below this fraction of it are noise: some ten roundings in float64."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What an optimiser class tells the driver, as its class attribute ``traits``."""

    needs: tuple[str, ...] = ()
    """Constructor arguments a solver fills in unless they are given: fields of ``Landscape``."""
    check_every: int = 1
    """Steps between two exact gradients, by which the driver judges convergence."""
    may_stand_still: bool = False
    """Whether a step that changes nothing is part of the method rather than the end of it."""


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """What a solver knows of its loss besides value and gradient; ``None``: not known."""

    metric: Metric | None = None
    """The Fubini-Study metric at a point, shape ``(n_params, n_params)`` (per radian squared)."""
    curvature: FloatArray | None = None
    """Rough positive second derivatives, shape ``(n_params,)`` (hartree per radian squared)."""
    inverse_hessian: FloatArray | None = None
    """What an earlier search learnt of the inverse Hessian, symmetric and positive definite,
    shape ``(n_params, n_params)`` (radians squared per hartree)."""
    harmonics: Harmonics | None = None
    """Frequencies along each parameter (1)."""
    seed: int | None = None
    """Seed of everything random."""
    values: Values | None = None
    """The loss at many points at once: on a device, one job instead of many."""
    is_noisy: bool | None = None
    """Whether the loss is known up to noise only."""


class FlatOptimizer(torch.optim.Optimizer):
    """Abstract: an optimiser of all its tensors as one vector, in one parameter group."""

    traits: ClassVar[Traits] = Traits()
    """What the driver should know."""

    def __init__(self, params: Any, settings: dict[str, Any]) -> None:  # noqa: ANN401 (torch's)
        super().__init__(params, settings)
        tensors = self._tensors()
        if len({tensor.dtype for tensor in tensors}) > 1 or tensors[0].is_complex():
            raise InputError(
                f"{type(self).__name__}(params): tensors of one real dtype make one vector, these "
                f"are {sorted({str(tensor.dtype) for tensor in tensors})}. Convert the module, "
                "e.g. module.double()."
            )

    def _tensors(self) -> list[torch.Tensor]:
        if len(self.param_groups) != 1:
            raise InputError(
                f"{type(self).__name__}(params): {len(self.param_groups)} parameter groups. All "
                "parameters move as one vector: give them as one group."
            )
        tensors: list[torch.Tensor] = self.param_groups[0]["params"]
        return tensors

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the one parameter group."""
        self._tensors()
        return self.param_groups[0]

    @property
    def memory(self) -> dict[str, Any]:
        """What is kept from step to step; part of ``state_dict``."""
        memory: dict[str, Any] = self.state[self._tensors()[0]]
        return memory

    def point(self) -> torch.Tensor:
        """Return a copy of the parameters, shape ``(n_params,)``."""
        return torch.cat([tensor.detach().reshape(-1) for tensor in self._tensors()])

    @torch.no_grad()
    def move_to(self, point: torch.Tensor) -> None:
        """Set the parameters, shape ``(n_params,)``."""
        begin = 0
        for tensor in self._tensors():
            tensor.copy_(point[begin : begin + tensor.numel()].view_as(tensor))
            begin += tensor.numel()

    def slope(self, closure: Closure | None) -> tuple[float, torch.Tensor]:
        """Return loss and gradient, shape ``(n_params,)``, where the parameters are now."""
        with torch.enable_grad():
            value = float(torch.as_tensor(self._given(closure)()).detach())
        parts = [
            torch.zeros_like(tensor).reshape(-1) if tensor.grad is None else tensor.grad.reshape(-1)
            for tensor in self._tensors()
        ]
        return value, torch.cat(parts).clone()

    def value(self, closure: Closure | None) -> float:
        """Return the loss where the parameters are now, without gradients.

        Raises:
            InputError: If the closure calls ``backward()``.
        """
        given = self._given(closure)
        try:
            with torch.no_grad():
                return float(torch.as_tensor(given()).detach())
        except RuntimeError as error:
            if "does not require grad" not in str(error):
                raise
            raise InputError(
                f"{type(self).__name__}.step(closure): the closure calls backward(), and this "
                "optimiser takes no gradients. Return the loss only."
            ) from error

    def values(self, points: Sequence[torch.Tensor], closure: Closure | None) -> list[float]:
        """Return the loss at points, each ``(n_params,)``, all at once where that is possible.

        The parameters are left at the last point.
        """
        several: Values | None = getattr(self, "several", None)
        if several is not None:
            return [float(value) for value in several(torch.stack(list(points)))]
        found = []
        for point in points:
            self.move_to(point)
            found.append(self.value(closure))
        return found

    def _given(self, closure: Closure | None) -> Closure:
        if closure is None:
            raise InputError(
                f"{type(self).__name__}.step(): it evaluates the loss at several points. Call "
                "step(closure) with a function that returns the loss."
            )
        return closure


def check_setting(owner: str, name: str, value: float, *, is_fine: bool, rule: str) -> None:
    """Raise unless a setting is fine.

    Raises:
        InputError: If it is not; the message holds the rule.
    """
    if not is_fine:
        raise InputError(f"{owner}({name}={value!r}): {rule}")
