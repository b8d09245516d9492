"""Graphene and hexagonal boron nitride: one pi orbital on each site of a honeycomb."""

from __future__ import annotations

from typing import Final

import numpy as np

from qmlmat.systems.tight_binding import TightBindingModel
from qmlmat.typing import FloatArray

GRAPHENE_A: Final = 2.4595
"""Lattice constant of graphene (angstrom), as in pybinding's repository of materials."""
BORON_NITRIDE_A: Final = GRAPHENE_A * 56 / 55
"""Lattice constant of h-BN (angstrom): the two lattices match after 55 and 56 cells."""
HOPPING: Final = -2.8
"""Hopping between neighbours in graphene (eV)."""
VACUUM: Final = 20.0
"""Length of the third lattice vector of a sheet (angstrom); nothing hops along it."""

SPECIAL_POINTS: Final = {
    "G": (0.0, 0.0, 0.0),
    "K": (2 / 3, -1 / 3, 0.0),
    "M": (0.5, 0.0, 0.0),
    "K1": (-2 / 3, 1 / 3, 0.0),
    "M1": (0.0, 0.5, 0.0),
}
"""Momenta of a hexagonal cell: K on the x axis, M1 on the y axis (reciprocal lattice vectors)."""


def hexagonal_cell(a: float, height: float) -> FloatArray:
    """Return lattice vectors at 120 degrees, a1 along x, shape ``(3, 3)`` (unit of ``a``).

    Args:
        a: Lattice constant.
        height: Length of the third vector, along z.
    """
    half = np.sqrt(3.0) / 2.0
    return np.array([[a, 0.0, 0.0], [-a / 2, half * a, 0.0], [0.0, 0.0, height]])


def graphene(*, t: float = HOPPING, onsite: float = 0.0) -> TightBindingModel:
    """Return the pi bands of graphene, which touch at K.

    Args:
        t: Hopping between neighbours (eV).
        onsite: Energy of a pi orbital (eV), the place of the Dirac point.

    References:
        A. H. Castro Neto et al., Rev. Mod. Phys. 81, 109 (2009),
        doi:10.1103/RevModPhys.81.109.

    Example:
        >>> import qmlmat as qm
        >>> qm.graphene().bands([0, 0, 0]).round(6).tolist()
        [-8.4, 8.4]
    """
    return _honeycomb("graphene", GRAPHENE_A, t=t, energies={"C1 pz": onsite, "C2 pz": onsite})


def hexagonal_boron_nitride(
    *, t: float = HOPPING, nitrogen: float = -1.4, boron: float = 3.34
) -> TightBindingModel:
    """Return the pi bands of a sheet of hexagonal boron nitride, with their gap at K.

    Args:
        t: Hopping between neighbours (eV); by default graphene's.
        nitrogen: Energy of a pi orbital on nitrogen (eV).
        boron: Energy of a pi orbital on boron (eV).

    Example:
        >>> import qmlmat as qm
        >>> qm.hexagonal_boron_nitride().at("K").levels.round(6).tolist()
        [-1.4, 3.34]
    """
    energies = {"N pz": nitrogen, "B pz": boron}
    return _honeycomb("hexagonal boron nitride", BORON_NITRIDE_A, t=t, energies=energies)


def _honeycomb(name: str, a: float, *, t: float, energies: dict[str, float]) -> TightBindingModel:
    """Return two sites, at (1/3, 2/3) and (2/3, 1/3) of the cell, and hoppings between them."""
    neighbours = [(0, 0, 0), (-1, 0, 0), (0, 1, 0)]  # cells of the three neighbours of site 1
    translations = sorted({*neighbours, *((-x, -y, -z) for x, y, z in neighbours)})
    hoppings = np.zeros((len(translations), 2, 2), dtype=np.complex128)
    hoppings[translations.index((0, 0, 0))] = np.diag(list(energies.values()))
    for x, y, z in neighbours:
        hoppings[translations.index((x, y, z)), 0, 1] = t
        hoppings[translations.index((-x, -y, -z)), 1, 0] = t
    return TightBindingModel(
        name=name,
        cell=hexagonal_cell(a, VACUUM),
        translations=np.array(translations),
        hoppings=hoppings,
        orbitals=tuple(energies),
        special_points=SPECIAL_POINTS,
        default_path="GKMG",
        n_occupied=1,
        source="Castro Neto et al., Rev. Mod. Phys. 81, 109 (2009); parameters of pybinding",
    )
