"""Which atoms are bonded or overlap, and which fragment moves with a bond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from qmlmat.errors import GeometryError
from qmlmat.systems.molecule import MIN_DISTANCE
from qmlmat.typing import FloatArray

# fmt: off
COVALENT_RADII: Final[dict[str, float]] = {
    "H": 0.31, "He": 0.28, "Li": 1.28, "Be": 0.96, "B": 0.84, "C": 0.76, "N": 0.71, "O": 0.66,
    "F": 0.57, "Ne": 0.58, "Na": 1.66, "Mg": 1.41, "Al": 1.21, "Si": 1.11, "P": 1.07, "S": 1.05,
    "Cl": 1.02, "Ar": 1.06, "K": 2.03, "Ca": 1.76, "Sc": 1.70, "Ti": 1.60, "V": 1.53, "Cr": 1.39,
    "Mn": 1.39, "Fe": 1.32, "Co": 1.26, "Ni": 1.24, "Cu": 1.32, "Zn": 1.22, "Ga": 1.22,
    "Ge": 1.20, "As": 1.19, "Se": 1.20, "Br": 1.20, "Kr": 1.16, "Rb": 2.20, "Sr": 1.95,
    "Y": 1.90, "Zr": 1.75, "Nb": 1.64, "Mo": 1.54, "Tc": 1.47, "Ru": 1.46, "Rh": 1.42,
    "Pd": 1.39, "Ag": 1.45, "Cd": 1.44, "In": 1.42, "Sn": 1.39, "Sb": 1.39, "Te": 1.38,
    "I": 1.39, "Xe": 1.40, "Cs": 2.44, "Ba": 2.15, "La": 2.07, "Ce": 2.04, "Pr": 2.03,
    "Nd": 2.01, "Pm": 1.99, "Sm": 1.98, "Eu": 1.98, "Gd": 1.96, "Tb": 1.94, "Dy": 1.92,
    "Ho": 1.92, "Er": 1.89, "Tm": 1.90, "Yb": 1.87, "Lu": 1.87, "Hf": 1.75, "Ta": 1.70,
    "W": 1.62, "Re": 1.51, "Os": 1.44, "Ir": 1.41, "Pt": 1.36, "Au": 1.36, "Hg": 1.32,
    "Tl": 1.45, "Pb": 1.46, "Bi": 1.48, "Po": 1.40, "At": 1.50, "Rn": 1.50, "Fr": 2.60,
    "Ra": 2.21, "Ac": 2.15, "Th": 2.06, "Pa": 2.00, "U": 1.96, "Np": 1.90, "Pu": 1.87,
    "Am": 1.80, "Cm": 1.69,
}
# fmt: on
"""Covalent radii (Å): Cordero et al., Dalton Trans. 2008, 2832, doi:10.1039/b801115j, table 2."""

DEFAULT_RADIUS: Final = 1.6
"""Radius of the elements beyond curium, which the table does not reach (Å)."""

TOLERANCE: Final = 1.25
"""Atoms closer than this multiple of the sum of their radii count as bonded."""


def bonded_pairs(symbols: Sequence[str], positions: FloatArray) -> set[tuple[int, int]]:
    """Return the bonds ``(i, j)``, ``i < j``, found from distances and covalent radii.

    Args:
        symbols: Chemical symbols, ``(n_atoms,)``.
        positions: Positions, ``(n_atoms, 3)`` (Å).

    Example:
        >>> sorted(bonded_pairs(("O", "H", "H"), np.array([[0, 0, 0], [0, 0.76, 0.59],
        ...                                                [0, -0.76, 0.59]])))
        [(0, 1), (0, 2)]
    """
    radii = np.array([COVALENT_RADII.get(symbol, DEFAULT_RADIUS) for symbol in symbols])
    distances = np.linalg.norm(positions[:, None] - positions[None, :], axis=-1)
    near = np.triu(distances < TOLERANCE * (radii[:, None] + radii[None, :]), k=1)
    return {(int(i), int(j)) for i, j in np.argwhere(near)}


def moving_fragment(
    symbols: Sequence[str], positions: FloatArray, bond: tuple[int, int]
) -> tuple[int, ...]:
    """Return the atoms on the far side of ``bond``: those that follow atom ``bond[1]``.

    The atoms that stay connected to ``bond[1]`` once the bond itself is cut, in ascending order.

    Args:
        symbols: Chemical symbols, ``(n_atoms,)``.
        positions: Positions, ``(n_atoms, 3)`` (Å).
        bond: The fixed atom and the moving atom.

    Raises:
        GeometryError: If the two atoms stay connected without the bond, as in a ring, so that no
            side can move alone.
    """
    fixed, moving = bond
    bonds = bonded_pairs(symbols, positions) - {(min(bond), max(bond))}
    reached = {moving}
    frontier = [moving]
    while frontier:
        atom = frontier.pop()
        ends = {j if i == atom else i for i, j in bonds if atom in (i, j)} - reached
        reached |= ends
        frontier += ends
    if fixed in reached:
        raise GeometryError(
            f"The bond {bond}: {symbols[fixed]}{fixed} and {symbols[moving]}{moving} are in a ring "
            "or not bonded to each other, so neither side can move alone. Choose a bond outside "
            "the ring, or make the path with interpolate() or frames()."
        )
    return tuple(sorted(reached))


def refuse_overlap(place: str, symbols: Sequence[str], positions: FloatArray) -> None:
    """Refuse positions at which two atoms overlap.

    Args:
        place: What messages begin with: the call, and where on the path.
        symbols: Chemical symbols, ``(n_atoms,)``.
        positions: Positions, ``(n_atoms, 3)`` (Å).

    Raises:
        GeometryError: If two atoms are nearer to each other than any bond.
    """
    distances = np.linalg.norm(positions[:, None] - positions[None, :], axis=-1)
    np.fill_diagonal(distances, np.inf)
    i, j = (int(k) for k in np.unravel_index(np.argmin(distances), distances.shape))
    if distances[i, j] < MIN_DISTANCE:
        raise GeometryError(
            f"{place}: atoms {i} ({symbols[i]}) and {j} ({symbols[j]}) are {distances[i, j]:.3f} Å "
            f"apart and overlap. Keep them at least {MIN_DISTANCE} Å apart; positions and lengths "
            "are in ångström."
        )
