"""A closed-form surface of a small molecule, and potentials that learn it in no time."""

from __future__ import annotations

import numpy as np
import torch

from qmlmat.potentials.base import Potential
from qmlmat.potentials.data import SurfaceData


def hydrogen_data(n_points, *, seed=0, low=0.5, high=3.0):
    """Return points of a Morse curve of H2, drawn at random."""
    rng = np.random.default_rng(seed)
    lengths = np.sort(rng.uniform(low, high, n_points))
    positions = np.zeros((n_points, 2, 3))
    positions[:, 1, 2] = lengths
    return SurfaceData(symbols=("H", "H"), positions=positions, energies=morse(lengths))


def morse(lengths):
    """Return a Morse curve (hartree) at lengths (Å)."""
    return 0.17 * (1.0 - np.exp(-1.9 * (lengths - 0.74))) ** 2 - 1.17


class Polynomial(Potential):
    """A polynomial of the first distance: least squares, by ``condition`` alone."""

    def __init__(self, degree=3, *, n_states=1, symbols=("H", "H"), start=0.0):
        super().__init__(symbols, n_states)
        self.degree = degree
        self.coefficients = torch.nn.Parameter(
            torch.full((degree + 1, n_states), start, dtype=torch.float64)
        )

    def powers(self, positions):
        """Return powers of a distance that is between 0 and 1 or so."""
        length = (positions[:, 0] - positions[:, 1]).norm(dim=-1) / 3.0
        return torch.stack([length**k for k in range(self.degree + 1)], dim=1)

    def energies(self, positions):
        """Return the polynomial."""
        return self.powers(positions) @ self.coefficients

    def objective(self, data, loss):  # noqa: ARG002 - the protocol's arguments
        """Return a loss that is at its minimum already: nothing is searched for."""
        return lambda: 0.0 * self.coefficients.square().sum()

    def condition(self, data):
        """Solve for the coefficients."""
        energies = self.as_tensor(data.energies[:, : self.n_states])
        rows = self.powers(self.as_tensor(data.positions))
        with torch.no_grad():
            self.coefficients.copy_(torch.linalg.lstsq(rows, energies).solution)

    def config(self):
        """Return the settings."""
        return {"degree": self.degree, "n_states": self.n_states}

    @classmethod
    def from_config(cls, config):
        """Return the model of these settings."""
        return cls(config["degree"], n_states=config["n_states"])


class Nearest(Polynomial):
    """A cubic whose standard error is the distance to the nearest point it was trained on."""

    def condition(self, data):
        """Keep the lengths, too."""
        super().condition(data)
        self.lengths = self.powers(self.as_tensor(data.positions))[:, 1]

    def stderr(self, positions):
        """Return the distance to the nearest training length, for every state."""
        apart = self.powers(positions)[:, 1, None] - self.lengths
        return apart.abs().min(dim=1, keepdim=True).values.expand(-1, self.n_states)
