"""Classical networks: what a quantum network is compared with at an equal number of weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from qmlmat.errors import InputError


class Perceptron(torch.nn.Module):
    """Layers of ``tanh`` between features and outputs."""

    def __init__(
        self, n_features: int, hidden: Sequence[int], n_outputs: int = 1, *, seed: int = 0
    ) -> None:
        """Make the network.

        Args:
            n_features: Number of features.
            hidden: Units of each hidden layer.
            n_outputs: Number of outputs.
            seed: Seed of the start.
        """
        super().__init__()
        self.sizes = (n_features, *hidden, n_outputs)
        """Units of each layer."""
        self.seed = seed
        """Seed of the start."""
        if min(self.sizes) < 1:
            raise InputError(f"Perceptron(sizes {self.sizes}): every layer has 1 unit or more.")
        rng = torch.Generator().manual_seed(seed)
        self.layers = torch.nn.ModuleList()
        for n_in, n_out in pairwise(self.sizes):
            # torch's own start would be drawn from the global generator
            layer = torch.nn.utils.skip_init(torch.nn.Linear, n_in, n_out, dtype=torch.float64)  # type: ignore[no-untyped-call]
            with torch.no_grad():
                for values in (layer.weight, layer.bias):
                    values.uniform_(-(n_in**-0.5), n_in**-0.5, generator=rng)
            self.layers.append(layer)

    @classmethod
    def of_size(
        cls, n_features: int, n_weights: int, n_outputs: int = 1, *, seed: int = 0
    ) -> Perceptron:
        """Return a network of one hidden layer with the nearest number of weights.

        Args:
            n_features: Number of features.
            n_weights: Number of weights wanted.
            n_outputs: Number of outputs.
            seed: Seed of the start.
        """
        hidden = max(1, round((n_weights - n_outputs) / (n_features + 1 + n_outputs)))
        return cls(n_features, (hidden,), n_outputs, seed=seed)

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return self.sizes[-1]

    def forward(self, features: Tensor) -> Tensor:
        """Return outputs, shape ``(n_points, n_outputs)``.

        Args:
            features: Shape ``(n_points, n_features)``.
        """
        hidden = features
        for layer in self.layers[:-1]:
            hidden = torch.tanh(layer(hidden))
        outputs: Tensor = self.layers[-1](hidden)
        return outputs

    def config(self) -> dict[str, Any]:
        """Return plain values from which the network is built again, its numbers apart."""
        return {"sizes": list(self.sizes), "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Perceptron:
        """Return the network that ``config`` describes."""
        n_features, *hidden, n_outputs = config["sizes"]
        return cls(n_features, hidden, n_outputs, seed=config["seed"])
