"""Features brought to the size that networks and circuits want."""

from __future__ import annotations

from typing import Final

import torch

from qmlmat.errors import InputError

ROUNDINGS: Final = 1e3
"""Range below which a feature is constant, in roundings of its size or of 1, whichever is larger.

The latter since features that vanish by symmetry are noise around 0; others are of order 1.
"""


class Standardise(torch.nn.Module):
    """Features mapped linearly so that those of the training data fill -1 to 1.

    Ranges, not variances: a feature becomes the angle of a gate, and angles repeat. Whatever the
    distribution, training data then lie within one known stretch of the circle, no outlier is
    wrapped onto other geometries, and a value beyond 1 says that a prediction extrapolates.
    Networks are as well served by it, so that all arms of a comparison see the same numbers.

    Until ``prepare`` has seen data it changes nothing. What it learns is in buffers, saved with
    the model. A feature that is constant in the data becomes its deviation from that constant.

    Args:
        n_features: Number of features.

    Raises:
        InputError: If there are none.

    Example:
        >>> scaled = Standardise(1)
        >>> scaled.prepare(torch.tensor([[1.0], [2.0], [5.0]]))
        >>> scaled(torch.tensor([[1.0], [3.0], [7.0]])).flatten().tolist()
        [-1.0, 0.0, 2.0]
    """

    centre: torch.Tensor
    """Middle of each feature's range, ``(n_features,)``."""
    half_range: torch.Tensor
    """Half of each feature's range, ``(n_features,)``; 1 for a constant one."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        if type(n_features) is not int or n_features < 1:
            raise InputError(
                f"Standardise(n_features={n_features!r}): there is nothing to scale. Give the "
                "descriptor's n_features."
            )
        self.n_features = n_features
        self.register_buffer("centre", torch.zeros(n_features, dtype=torch.float64))
        self.register_buffer("half_range", torch.ones(n_features, dtype=torch.float64))

    @torch.no_grad()
    def prepare(self, features: torch.Tensor) -> None:
        """Set the ranges to those of training features, and of no others.

        Args:
            features: ``(..., n_features)``; of atom-wise ones all atoms share a feature's range.

        Raises:
            InputError: If there are none, or one is not finite.
        """
        self._check(features)
        rows = features.reshape(-1, self.n_features)
        if len(rows) == 0 or not bool(torch.isfinite(rows).all()):
            raise InputError(
                f"Standardise.prepare(features {tuple(features.shape)}): ranges need at least one "
                "geometry, and finite numbers. Remove what is NaN or infinite from the data."
            )
        low, high = rows.amin(dim=0), rows.amax(dim=0)
        half = 0.5 * (high - low)
        size = torch.maximum(low.abs(), high.abs()).clamp(min=1.0)
        constant = half <= ROUNDINGS * torch.finfo(features.dtype).eps * size
        self.centre.copy_(0.5 * (low + high))
        self.half_range.copy_(torch.where(constant, 1.0, half))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return ``(features - centre) / half_range``.

        Args:
            features: ``(..., n_features)``.

        Raises:
            InputError: If the number of features is another.
        """
        self._check(features)
        dtype = features.dtype
        return (features - self.centre.to(dtype)) / self.half_range.to(dtype)

    def _check(self, features: torch.Tensor) -> None:
        if features.ndim < 1 or features.shape[-1] != self.n_features:
            raise InputError(
                f"Standardise(features {tuple(features.shape)}): it was made for "
                f"{self.n_features} features in the last place. Use those of the same descriptor."
            )
