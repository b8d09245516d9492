"""Molecules and descriptors that the tests of every descriptor go through."""

import torch

from qmlmat.potentials.descriptors import (
    Angular,
    BehlerParrinello,
    CoulombMatrix,
    Distances,
    InternalCoordinates,
    InverseDistances,
    MorseVariables,
    Radial,
    Symmetrised,
)
from qmlmat.surfaces import Angle, Dihedral, Distance

WATER = ("O", "H", "H")
HYDRONIUM = ("H", "O", "H", "H")
PEROXIDE = ("H", "O", "O", "H")
FORMALDEHYDE = ("C", "H", "O", "H")

PEROXIDE_SET = (
    Dihedral(0, 1, 2, 3), Distance(0, 1), Angle(0, 1, 2), Distance(1, 2), Angle(3, 2, 1),
    Distance(3, 2),
)  # fmt: skip
"""All internal coordinates of HOOH, closed under both exchanges made at once only."""

DESCRIPTORS = {
    "distances": Distances(HYDRONIUM),
    "inverse": InverseDistances(FORMALDEHYDE),
    "morse": MorseVariables(HYDRONIUM, length=0.9),
    "internal": InternalCoordinates(PEROXIDE, PEROXIDE_SET),
    "water": InternalCoordinates(WATER, [Distance(0, 1), Distance(2, 0), Angle(1, 0, 2)]),
    "fundamental": Symmetrised(MorseVariables(HYDRONIUM)),
    "all": Symmetrised(Distances(FORMALDEHYDE), degree=2, polynomials="all"),
    "coulomb": CoulombMatrix(FORMALDEHYDE),
    "behler": BehlerParrinello(HYDRONIUM),
    "behler g5": BehlerParrinello(
        PEROXIDE,
        4.0,
        [Radial(width=0.5, centre=1.0)],
        [Angular(width=0.1, zeta=2, sign=1, third_side=False)],
    ),
}
"""One of every kind, and of every form where a kind has more than one."""


def cloud(n_atoms: int, n_geometries: int = 3, seed: int = 0) -> torch.Tensor:
    """Return geometries whose atoms are scattered but keep 0.6 Å apart, ``(B, n_atoms, 3)``."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    while len(found) < n_geometries:
        shape = (n_atoms, 3)
        positions = 0.8 * torch.randn(shape, generator=generator, dtype=torch.float64)
        if torch.pdist(positions).min() > 0.6:
            found.append(positions)
    return torch.stack(found)
