"""Models whose energies are written down, and molecules of two atoms with a calculator."""

import numpy as np
import torch
from ase import Atoms

from qmlmat.plugins.ase import SurfaceCalculator
from qmlmat.potentials.base import Potential

DEPTH, WIDTH, LENGTH = 0.17, 1.9, 0.75  # a Morse curve: hartree, 1/Å, Å
GAP, STIFFNESS, LONGER = 0.4, 0.9, 1.1  # a harmonic curve above it: hartree, hartree/Å², Å


class Written(Potential):
    """A model whose energies are written down: nothing to train."""

    def objective(self, data, loss):
        raise NotImplementedError

    def config(self):
        return {}

    @classmethod
    def from_config(cls, config):  # noqa: ARG003
        return cls()

    def known_between(self, low, high):
        """Say that it was trained where every distance is in this range (Å)."""
        self.domain.low.fill_(low)
        self.domain.high.fill_(high)
        return self


class TwoCurves(Written):
    """H2: Morse in the ground state, harmonic in the excited one; half of each is its error."""

    def __init__(self):
        super().__init__(("H", "H"), 2)
        self.known_between(0.4, 1.6)

    def energies(self, positions):
        length = (positions[:, 1] - positions[:, 0]).norm(dim=-1)
        morse = DEPTH * (1 - torch.exp(-WIDTH * (length - LENGTH))) ** 2
        return torch.stack([morse, GAP + 0.5 * STIFFNESS * (length - LONGER) ** 2], dim=1)

    def stderr(self, positions):
        return 0.5 * self.energies(positions)


def stretched(length, model="H2", **settings):
    """Return a hydrogen molecule along a slanted axis, with a calculator."""
    axis = np.array([2.0, 3.0, 6.0]) / 7.0
    atoms = Atoms(model, [np.zeros(3), length * axis])
    atoms.calc = SurfaceCalculator(**settings)
    return atoms, axis
