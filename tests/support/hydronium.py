"""A closed-form surface of H3O+: Morse functions of its six distances, and their products."""

import numpy as np

from qmlmat.potentials.data import SurfaceData

SYMBOLS = ("O", "H", "H", "H")
MINIMUM = np.array([[0.0, 0, 0], [0.94, 0, 0.28], [-0.47, 0.81, 0.28], [-0.47, -0.81, 0.28]])


def hydronium(n_points, seed=0, spread=0.08):
    """Return geometries around the pyramid, moved at random, and their energies."""
    rng = np.random.default_rng(seed)
    positions = MINIMUM + spread * rng.normal(size=(n_points, 4, 3))
    return SurfaceData(symbols=SYMBOLS, positions=positions, energies=energies(positions))


def energies(positions):
    """Return energies, shape ``(n_points,)`` (hartree)."""
    bonds = np.linalg.norm(positions[:, 1:] - positions[:, :1], axis=-1)
    apart = positions[:, [1, 1, 2]] - positions[:, [2, 3, 3]]
    edges = np.linalg.norm(apart, axis=-1)
    stretch = (1 - np.exp(-2.2 * (bonds - 0.98))) ** 2
    repel = np.exp(-1.5 * (edges - 1.6))
    # The hydrogen atoms at the ends of an edge couple it to their bonds.
    coupled = repel * (stretch[:, [0, 0, 1]] + stretch[:, [1, 2, 2]])
    return 0.2 * stretch.sum(-1) + 0.03 * repel.sum(-1) + 0.02 * coupled.sum(-1)
