"""A small potential and a surface in closed form, for tests of training."""

import numpy as np
import torch

from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData
from qmlmat.potentials.networks.perceptron import Perceptron
from qmlmat.potentials.regression import label_objective

SYMBOLS = ("O", "H", "H")


class Pairs(Potential):
    """A perceptron of the three distances of water."""

    def __init__(self, hidden=(5,), seed=0):
        super().__init__(SYMBOLS)
        self.network = Perceptron(3, hidden, seed=seed)
        self.register_buffer("shift", torch.zeros((), dtype=torch.float64))
        self.register_buffer("scale", torch.ones((), dtype=torch.float64))

    def energies(self, positions):
        a, b = [0, 0, 1], [1, 2, 2]
        distances = (positions[:, a] - positions[:, b]).norm(dim=-1)
        return self.shift + self.scale * self.network((distances - 1.3) / 0.3)

    def prepare(self, data):
        super().prepare(data)
        energies = self.as_tensor(data.energies)
        self.shift.copy_(energies.mean())
        self.scale.copy_(energies.std())

    def objective(self, data, loss):
        return label_objective(self, data, loss, self.scale)

    def config(self):
        return {"hidden": list(self.network.sizes[1:-1]), "seed": self.network.seed}

    @classmethod
    def from_config(cls, config):
        return cls(tuple(config["hidden"]), config["seed"])


def morse_water(n_points, seed=0):
    """Return bent molecules whose energy is a Morse function of each of three distances."""
    rng = np.random.default_rng(seed)
    first, second = rng.uniform(0.8, 1.4, n_points), rng.uniform(0.8, 1.4, n_points)
    angle = np.deg2rad(rng.uniform(80.0, 130.0, n_points))
    zero = np.zeros(n_points)
    places = [
        np.stack([zero, zero, zero], axis=-1),
        np.stack([first, zero, zero], axis=-1),
        np.stack([second * np.cos(angle), second * np.sin(angle), zero], axis=-1),
    ]
    positions = np.stack(places, axis=1)
    energies, forces = np.zeros(n_points), np.zeros_like(positions)
    for i, j, depth, width, best in (
        (0, 1, 0.2, 2.0, 1.0),
        (0, 2, 0.2, 2.0, 1.0),
        (1, 2, 0.05, 1.0, 1.6),
    ):
        apart = positions[:, j] - positions[:, i]
        distance = np.linalg.norm(apart, axis=-1)
        fall = np.exp(-width * (distance - best))
        energies += depth * (1.0 - fall) ** 2
        pull = (2.0 * depth * width * fall * (1.0 - fall) / distance)[:, None] * apart
        forces[:, i] += pull
        forces[:, j] -= pull
    return SurfaceData(
        symbols=SYMBOLS, positions=positions, energies=energies - 76.0, forces=forces
    )
