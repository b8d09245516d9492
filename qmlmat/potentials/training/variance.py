"""How gradients spread over random starts: whether a circuit lies on a barren plateau."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qmlmat.errors import InputError
from qmlmat.potentials.base import Loss, Potential
from qmlmat.potentials.data import SurfaceData


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientVariance:
    """Variances of the loss's derivatives over random starts of one model."""

    by_parameter: Mapping[str, float]
    """Mean variance of the derivatives by each parameter tensor's numbers (squared units of the
    loss per squared unit of the parameter)."""

    mean: float
    """Mean variance of the derivatives by all weights (likewise)."""

    n_starts: int
    """Number of starts."""


def gradient_variance(
    model: Potential,
    data: SurfaceData,
    *,
    n_starts: int = 20,
    seed: int = 0,
    loss: Loss | None = None,
) -> GradientVariance:
    """Return how the loss's derivatives vary over random starts of a model.

    The variance over starts of a circuit without a plateau does not fall exponentially with its
    qubits. Compare sizes; one number says little. The model itself is left alone.

    Args:
        model: What starts are of: built again with other seeds.
        data: What the loss is of.
        n_starts: Number of starts.
        seed: Seed of their seeds.
        loss: What counts.

    Raises:
        InputError: If there are fewer than two starts, or nothing in the model is random.
        CapabilityError: If a part of the model is the user's own.

    References:
        J. R. McClean et al., Nat. Commun. 9, 4812 (2018), doi:10.1038/s41467-018-07090-4.
        M. Cerezo et al., Nat. Commun. 12, 1791 (2021), doi:10.1038/s41467-021-21728-w.
    """
    if n_starts < 2:
        raise InputError(f"gradient_variance(n_starts={n_starts}): use 2 or more.")
    config = model.config()
    if _with_seed(config, 1) == _with_seed(config, 2):
        raise InputError(
            f"gradient_variance({type(model).__name__}): nothing in the model is drawn at random. "
            "It is a question about models with a seed, such as circuits and networks."
        )
    rng = np.random.default_rng(seed)
    starts = []
    for _ in range(n_starts):
        start = type(model).from_config(_with_seed(config, int(rng.integers(2**31))))
        start.prepare(data)
        named = {name: p for name, p in start.named_parameters() if p.requires_grad}
        value = start.objective(data, loss or Loss())()
        found = torch.autograd.grad(value, list(named.values()), materialize_grads=True)
        starts.append(dict(zip(named, found, strict=True)))
    spread = {name: torch.stack([s[name] for s in starts]).var(dim=0) for name in starts[0]}
    return GradientVariance(
        by_parameter={name: float(values.mean()) for name, values in spread.items()},
        mean=float(torch.cat([values.reshape(-1) for values in spread.values()]).mean()),
        n_starts=n_starts,
    )


def _with_seed(config: Any, seed: int) -> Any:  # noqa: ANN401 - a tree of plain values
    """Return a configuration with every seed in it replaced."""
    if isinstance(config, dict):
        return {
            key: seed if key == "seed" and isinstance(value, int) else _with_seed(value, seed)
            for key, value in config.items()
        }
    return [_with_seed(part, seed) for part in config] if isinstance(config, list) else config
