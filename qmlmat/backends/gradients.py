"""The torch door: expectations as differentiable functions of parameter tensors."""

from __future__ import annotations

from typing import Any

import torch

from qmlmat.backends.base import Evaluator
from qmlmat.errors import InputError


def expectation(evaluator: Evaluator, params: torch.Tensor) -> torch.Tensor:
    """Return the evaluator's expectations, differentiable by ``params``.

    Args:
        evaluator: A prepared request.
        params: Circuit parameters, float64, shape ``(..., n_params)`` (radians).

    Returns:
        Float64 tensor of the shape of ``Estimate.values``; its backward pass uses the
        backend's own gradient.

    Raises:
        InputError: If ``params`` is not a float64 tensor on the CPU.
    """
    if params.dtype != torch.float64 or params.device.type != "cpu":
        raise InputError(
            f"expectation(params): a {params.dtype} tensor on {params.device}. Use "
            'params.to("cpu", torch.float64).'
        )
    if not torch.is_grad_enabled():  # autograd would still say that a gradient is needed
        params = params.detach()
    values: torch.Tensor = _Expectation.apply(params, evaluator)  # type: ignore[no-untyped-call]
    return values


class _Expectation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, params: torch.Tensor, evaluator: Evaluator) -> torch.Tensor:  # noqa: ANN401 (torch's context)
        array = params.detach().numpy()
        ctx.params_ndim = params.ndim
        if not ctx.needs_input_grad[0]:
            return torch.from_numpy(evaluator(array).values.copy())
        answer = evaluator.value_and_gradient(array)
        ctx.save_for_backward(torch.from_numpy(answer.gradient))
        return torch.from_numpy(answer.values.copy())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        (gradient,) = ctx.saved_tensors
        weighted = upstream.unsqueeze(-1) * gradient
        # Several references, and several observables of one state: their derivatives add up.
        extra = tuple(range(ctx.params_ndim - 1, weighted.ndim - 1))
        return weighted.sum(extra) if extra else weighted, None
