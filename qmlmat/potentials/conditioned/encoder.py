"""The network that turns a geometry's features into the angles of a circuit."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import nn

LAST_LAYER: Final = 0.1
"""Factor of the last layer's numbers at the start: the first states are nearly the references, but
not exactly, where many derivatives vanish by symmetry."""


def tanh_encoder(n_features: int, hidden: int, n_angles: int, *, seed: int) -> nn.Sequential:
    """Return a network with one hidden layer of tanh units and small first angles, in float64.

    Args:
        n_features: Numbers that describe a geometry.
        hidden: Units of the hidden layer.
        n_angles: Angles of the circuit.
        seed: Seed of its first weights.
    """
    network = nn.Sequential(
        nn.Linear(n_features, hidden, dtype=torch.float64),
        nn.Tanh(),
        nn.Linear(hidden, n_angles, dtype=torch.float64),
    )
    draw_weights(network, seed)
    return network


def draw_weights(network: nn.Sequential, seed: int) -> None:
    """Draw the weights of a ``tanh_encoder`` anew.

    Args:
        network: The network, changed in place.
        seed: Seed of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer in layers:
            bound = 1.0 / math.sqrt(layer.in_features)
            for tensor in (layer.weight, layer.bias):
                tensor.uniform_(-bound, bound, generator=generator)
        for tensor in (layers[-1].weight, layers[-1].bias):
            tensor.mul_(LAST_LAYER)
