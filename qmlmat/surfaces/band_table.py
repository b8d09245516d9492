"""The points of a scan over k as bands: energies by spin, k and number of the band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmlmat.errors import InputError
from qmlmat.surfaces.facts import mapping, surface_inputs
from qmlmat.surfaces.paths.kpoint import KPoint
from qmlmat.surfaces.scan import Scan
from qmlmat.typing import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class BandTable:
    """The bands of a scan over k."""

    points: tuple[KPoint, ...]
    """The k along the path, each once for all spins, shape ``(n_k,)``."""

    lengths: FloatArray
    """Length of the path up to each k, shape ``(n_k,)`` (unit of the path's first axis)."""

    spins: tuple[str | None, ...]
    """Whose bands, shape ``(n_spins,)``: ``"up"``, ``"down"``, or ``None`` for all in one."""

    indices: IntArray
    """Index of each point on the scan's path, shape ``(n_spins, n_k)``."""

    energies: FloatArray
    """Energies, ascending, shape ``(n_spins, n_k, n_bands)`` (eV); NaN where there are none."""

    exact: FloatArray
    """The same by plain diagonalisation; NaN where unknown."""

    n_occupied: int | None
    """Number of occupied bands of all spins together; ``None`` where the model does not say."""

    @property
    def labels(self) -> dict[str, int]:
        """Place of each special point on the path, the first where it is passed twice."""
        found: dict[str, int] = {}
        for place, point in enumerate(self.points):
            if point.label:
                found.setdefault(point.label, place)
        return found

    @property
    def errors(self) -> FloatArray:
        """Energies above plain diagonalisation, same shape (eV); NaN where unknown."""
        return self.energies - self.exact


def band_table(scan: Scan) -> BandTable:
    """Return the bands of a scan over k, complete or not.

    Raises:
        InputError: If the scan is of a molecule.
    """
    path = scan.path
    if not path.is_through_k:
        raise InputError(
            f"{scan!r}: these points are geometries, and bands are over k. Use "
            "scan(BandSurface(model, solver), k_path(model))."
        )
    spins = tuple(dict.fromkeys(point.spin for point in path.kpoints))
    rows = [[i for i, point in enumerate(path.kpoints) if point.spin == spin] for spin in spins]
    first = [path.kpoints[i].k for i in rows[0]]
    if any([path.kpoints[i].k for i in row] != first for row in rows):
        raise InputError(
            f"{scan!r}: the two spins are not at the same k. Use a path of k_path(model)."
        )
    indices = np.array(rows, dtype=np.int64)
    return BandTable(
        points=tuple(path.kpoints[i] for i in rows[0]),
        lengths=path.along()[indices[0]],
        spins=spins,
        indices=indices,
        energies=scan.energies[indices],
        exact=scan.state_references[indices],
        n_occupied=surface_inputs(scan).get("n_occupied"),
    )


def n_spin_blocks(scan: Scan) -> int:
    """Return how many blocks of spin the model of a scan has, 1 where it has no spin."""
    blocks = mapping(mapping(surface_inputs(scan).get("model")).get("spin_blocks"))
    return max(1, len(blocks))
