"""Axes carried by a molecule: they turn with it, whatever the order of its atoms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.typing import FloatArray, IntArray

QUANTUM: Final = 1.618033989e-4
"""Lengths are compared in these steps (bohr): an irrational step, so that no typed decimal
falls on the edge between two of them."""
FINE_QUANTUM: Final = 1.618033989e-8
"""Step in which nearly equal choices of axes are compared again (bohr)."""
OFF_AXIS: Final = 1e-3
"""Distance from a point or axis at which an atom can carry a direction (bohr)."""
ANISOTROPY: Final = 1e-4
"""Relative difference of second moments at which the density carries a direction."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A point and three orthonormal axes, covariant with the molecule."""

    origin: FloatArray
    """Centre of nuclear charge, shape ``(3,)`` (bohr)."""
    axes: FloatArray
    """Rows x', y', z', shape ``(3, 3)``; a mirror image has mirrored axes."""
    atoms: FloatArray
    """Positions of the nuclei in the frame's coordinates, in an order that does not depend on
    how they were numbered, shape ``(n_atoms, 3)`` (bohr)."""

    def place(self, points: FloatArray) -> FloatArray:
        """Return where points ``(..., 3)`` given in the frame's coordinates lie (bohr)."""
        positions: FloatArray = self.origin + points @ self.axes
        return positions


def molecular_frame(charges: FloatArray, positions: FloatArray, moments: Moments) -> Frame:
    """Return the molecule's own axes.

    z' points from the centre of charge to an atom, x' towards a second one, y' to the side of
    a third: among all such choices, the one whose list of (charge, x', y', z') comes first.
    Choices that tie are images of each other under a symmetry of the nuclei; the electrons'
    dipole and quadrupole decide between them, should the density have a lower symmetry.
    Linear molecules and single atoms take the missing axes from the density's second moments
    and, where these are round too, from the laboratory: any choice is then equivalent.

    Args:
        charges: Nuclear charges, shape ``(n_atoms,)``.
        positions: Positions, shape ``(n_atoms, 3)`` (bohr).
        moments: First and second moments of the electron density about the origin.
    """
    origin = charges @ positions / charges.sum()
    centred = positions - origin
    about = moments.about(origin)
    best: list[tuple[tuple[int, ...], Frame]] = []
    for axes in _candidates(charges, centred, about):
        inside = centred @ axes.T
        order, nuclei = _canonical(charges, inside)
        electrons = _quantised(about.in_axes(axes) / 10).tolist()
        frame = Frame(origin=origin, axes=axes, atoms=inside[order])
        best.append(((*nuclei, *electrons), frame))
    return min(best, key=lambda entry: entry[0])[1]


@dataclass(frozen=True, kw_only=True)
class NuclearFrame:
    """Axes fixed by the nuclei alone, and those that their symmetry makes equivalent."""

    origin: FloatArray
    """Centre of nuclear charge, shape ``(3,)`` (bohr)."""
    axes: tuple[FloatArray, ...]
    """Rows x', y', z', each ``(3, 3)``: the chosen axes first, then those in which the nuclei
    have the same coordinates."""
    orders: tuple[IntArray, ...]
    """For each of ``axes`` the atoms in the order of their coordinates, shape ``(n_atoms,)``."""
    atoms: FloatArray
    """Positions in the chosen axes and order, shape ``(n_atoms, 3)`` (bohr)."""


def nuclear_frame(charges: FloatArray, positions: FloatArray) -> NuclearFrame:
    """Return axes that follow the nuclei, chosen as in ``molecular_frame`` but without electrons.

    Args:
        charges: Nuclear charges, shape ``(n_atoms,)``.
        positions: Positions, shape ``(n_atoms, 3)`` (bohr).
    """
    origin = charges @ positions / charges.sum()
    centred = positions - origin
    found: list[tuple[list[int], list[int], FloatArray, IntArray]] = []
    round_density = Moments(n_electrons=0.0, first=np.zeros(3), second=np.eye(3))
    for axes in _candidates(charges, centred, round_density):
        inside = centred @ axes.T
        order, nuclei = _canonical(charges, inside)
        fine = np.rint(inside[order] / FINE_QUANTUM).astype(np.int64).ravel().tolist()
        found.append((nuclei, fine, axes, order))
    found.sort(key=lambda choice: choice[:2])
    tied = [choice for choice in found if choice[0] == found[0][0]]
    _, _, axes, order = tied[0]
    return NuclearFrame(
        origin=origin,
        axes=tuple(choice[2] for choice in tied),
        orders=tuple(choice[3] for choice in tied),
        atoms=(centred @ axes.T)[order],
    )


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Moments of the electron density."""

    n_electrons: float
    """Integral of the density."""
    first: FloatArray
    """Integral of ``r``, shape ``(3,)`` (bohr)."""
    second: FloatArray
    """Integral of ``r r``, shape ``(3, 3)`` (bohr²)."""

    def about(self, origin: FloatArray) -> Moments:
        """Return the moments about another origin, ``(3,)`` (bohr)."""
        cross = np.outer(self.first, origin)
        second = self.second - cross - cross.T + self.n_electrons * np.outer(origin, origin)
        first = self.first - self.n_electrons * origin
        return Moments(n_electrons=self.n_electrons, first=first, second=second)

    def in_axes(self, axes: FloatArray) -> FloatArray:
        """Return first and second moments in a frame's coordinates, shape ``(9,)``."""
        second = axes @ self.second @ axes.T
        upper: FloatArray = second[np.triu_indices(3)]
        return np.concatenate([axes @ self.first, upper])


def _quantised(values: ArrayLike) -> IntArray:
    steps: IntArray = np.rint(np.asarray(values) / QUANTUM).astype(np.int64)
    return steps


def _canonical(charges: FloatArray, coordinates: FloatArray) -> tuple[IntArray, list[int]]:
    """Return a numbering of the atoms that ignores theirs, and the geometry as one list."""
    keys = np.column_stack([-_quantised(charges), -_quantised(coordinates)[:, ::-1]])
    order = np.lexsort(keys.T[::-1])
    return order, keys[order].ravel().tolist()


def _fingerprints(charges: FloatArray, centred: FloatArray) -> list[tuple[int, ...]]:
    """Return, per atom, its charge and its sorted distances to centre and other atoms."""
    distances = np.linalg.norm(centred[:, None] - centred[None], axis=2)
    prints = []
    for i, charge in enumerate(charges):
        others = sorted(
            zip(_quantised(distances[i]).tolist(), _quantised(charges).tolist(), strict=True)
        )
        radius = _quantised(np.linalg.norm(centred[i])).item()
        prints.append((-_quantised(charge).item(), radius, *(v for pair in others for v in pair)))
    return prints


def _candidates(charges: FloatArray, centred: FloatArray, about: Moments) -> Iterator[FloatArray]:
    prints = _fingerprints(charges, centred)
    radii = np.linalg.norm(centred, axis=1)
    away = [i for i in range(len(charges)) if radii[i] > OFF_AXIS]
    if not away:
        yield _atom_axes(about)
        return
    first = min(prints[i] for i in away)
    for i in away:
        if prints[i] == first:
            yield from _candidates_along(centred[i] / radii[i], prints, centred, about)


def _candidates_along(
    z: FloatArray, prints: list[tuple[int, ...]], centred: FloatArray, about: Moments
) -> Iterator[FloatArray]:
    heights = centred @ z
    off = centred - np.outer(heights, z)
    radii = np.linalg.norm(off, axis=1)
    away = [i for i in range(len(prints)) if radii[i] > OFF_AXIS]
    if not away:
        yield _linear_axes(z, about)
        return
    keys = {i: (prints[i], *_quantised(np.array([-heights[i], radii[i]])).tolist()) for i in away}
    second = min(keys.values())
    for i in away:
        if keys[i] == second:
            x = off[i] / radii[i]
            y = np.cross(z, x)
            # Both senses of y': the list of coordinates chooses, so that mirror images agree.
            yield np.array([x, y, z])
            if np.abs(centred @ y).max() > OFF_AXIS:
                yield np.array([x, -y, z])


def _linear_axes(z: FloatArray, about: Moments) -> FloatArray:
    """Return axes with the given z', x' along the density's longer perpendicular extent."""
    lab = np.eye(3)[int(np.argmin(np.abs(z)))]
    u = lab - z * (lab @ z)
    u /= np.linalg.norm(u)
    plane = np.array([u, np.cross(z, u)])
    values, vectors = np.linalg.eigh(plane @ about.second @ plane.T)
    x = vectors[:, 1] @ plane if values[1] - values[0] > ANISOTROPY * values[1] else u
    return np.array([x, np.cross(z, x), z])


def _atom_axes(about: Moments) -> FloatArray:
    """Return the axes of a single atom: those of its density, z' the most distinct."""
    values, vectors = np.linalg.eigh(about.second)
    gaps = np.diff(values)
    if gaps.max() <= ANISOTROPY * values[2]:
        return np.eye(3)
    z = vectors[:, 2 if gaps[1] > gaps[0] else 0]
    return _linear_axes(z, about)
