"""What bands say: their edges, gaps, spin splittings, and how far they are from exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from qmlmat.errors import InputError
from qmlmat.surfaces.band_table import BandTable, band_table, n_spin_blocks
from qmlmat.surfaces.scan import Scan
from qmlmat.typing import FloatArray, IntArray

SAME_ENERGY: Final = 1e-4
"""Difference below which two energies are not told apart (eV): what a solver leaves open."""

Kind = Literal["insulator", "semimetal", "metal"]
"""Whether there is a gap, bands touch, or they overlap."""


@dataclass(frozen=True, kw_only=True)
class BandEdge:
    """Where a band is highest or lowest along a path."""

    energy: float
    """Energy (eV)."""

    k: tuple[float, float, float]
    """Where, shape ``(3,)`` (reciprocal lattice vectors)."""

    place: str
    """The same in words: ``"K"``, or ``"0.25 from G to K"``."""

    spin: str | None
    """``"up"`` or ``"down"``; ``None`` where spins are not told apart, or are degenerate."""

    index: int
    """Index of the point on the scan's path."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BandEdges:
    """Edges and gaps of the bands along a path; elsewhere in the zone they may be closer."""

    valence: BandEdge
    """The highest occupied level."""

    conduction: BandEdge
    """The lowest empty level."""

    kind: Kind
    """``"insulator"``; ``"semimetal"`` where valence and conduction band touch within
    ``SAME_ENERGY``; ``"metal"`` where they overlap."""

    gap: float
    """Conduction minimum above the valence maximum (eV); 0 without a gap."""

    is_direct: bool
    """Whether no indirect gap is smaller than the smallest direct one, within ``SAME_ENERGY``."""

    direct_gap: float
    """Smallest gap at one k (eV)."""

    direct_at: str
    """Where that is, in words."""

    point_gaps: Mapping[str, float]
    """Gap at each special point (eV); NaN where it was not computed."""

    valence_splittings: Mapping[str, float]
    """Distance of spin up and spin down in the valence band at each special point (eV); empty
    where spins are not told apart."""

    conduction_splittings: Mapping[str, float]
    """The same in the conduction band (eV)."""

    errors: FloatArray
    """Largest difference from plain diagonalisation of each band, at any k and spin, shape
    ``(n_bands,)`` (eV); NaN where unknown."""


def band_edges(scan: Scan) -> BandEdges:
    """Return edges and gaps of the bands of a scan over k, complete or not.

    Points without energies are left out. Bands are filled from the lowest at each k, the model's
    ``n_occupied`` of both spins together.

    Args:
        scan: A scan of ``BandSurface`` along ``k_path``.

    Raises:
        InputError: If the scan is of a molecule, the model does not say how many bands are
            occupied, or no point has energies of the bands on both sides.

    Example:
        >>> import qmlmat as qm
        >>> layer = qm.hexagonal_boron_nitride()
        >>> bands = qm.scan(qm.BandSurface(layer, qm.Exact()), qm.k_path(layer, n_points=31))
        >>> edges = qm.band_edges(bands)
        >>> round(edges.gap, 6), edges.valence.place, edges.is_direct
        (4.74, 'K', True)
    """
    table = band_table(scan)
    known = np.isfinite(table.energies).all(axis=(0, 2))
    if not known.any():
        raise InputError(
            "band_edges(scan): at no k have the bands of all spins been computed. Go on with the "
            "scan first, with the same store."
        )
    filled = _filled(scan, table)
    levels, spins = _sorted_levels(table)
    top, bottom = levels[:, filled - 1], levels[:, filled]
    gaps = np.where(known, bottom - top, np.nan)
    high = int(np.nanargmax(np.where(known, top, np.nan)))
    low = int(np.nanargmin(np.where(known, bottom, np.nan)))
    gap, narrow = float(bottom[low] - top[high]), int(np.nanargmin(gaps))
    return BandEdges(
        valence=_edge(table, levels, spins, high, filled - 1),
        conduction=_edge(table, levels, spins, low, filled),
        kind=_kind(gap),
        gap=gap if _kind(gap) == "insulator" else 0.0,
        is_direct=bool(gaps[narrow] <= gap + SAME_ENERGY),
        direct_gap=float(gaps[narrow]),
        direct_at=place_words(table, narrow),
        point_gaps={name: float(gaps[place]) for name, place in table.labels.items()},
        valence_splittings=_splittings(table, filled - 1),
        conduction_splittings=_splittings(table, filled),
        errors=largest_differences(table.errors),
    )


def place_words(table: BandTable, place: int) -> str:
    """Return where a k of a path is: a special point, or how far it is from one to the next."""
    if table.points[place].label:
        return table.points[place].label
    named = [k for k, point in enumerate(table.points) if point.label]
    before = max((k for k in named if k < place), default=None)
    after = min((k for k in named if k > place), default=None)
    if before is None or after is None:
        return f"k = ({', '.join(f'{x:.4f}' for x in table.points[place].k)})"
    start, end = table.lengths[before], table.lengths[after]
    share = (table.lengths[place] - start) / (end - start)
    return f"{share:.2f} from {table.points[before].label} to {table.points[after].label}"


def _filled(scan: Scan, table: BandTable) -> int:
    """Return how many of the levels at one k are occupied, of the spins that there are."""
    if table.n_occupied is None:
        raise InputError(
            "band_edges(scan): the model does not say how many bands are occupied. Make it with "
            "n_occupied=..., and scan it again."
        )
    filled, odd = divmod(table.n_occupied * len(table.spins), n_spin_blocks(scan))
    if table.spins == (None,):
        filled, odd = table.n_occupied, 0
    n_levels = len(table.spins) * table.energies.shape[2]
    if odd or not 1 <= filled < n_levels:
        raise InputError(
            f"band_edges(scan): {table.n_occupied} bands are occupied, and the scan has "
            f"{n_levels} of the spins {table.spins}. Scan both spins, and one band more than are "
            "occupied (n_states)."
        )
    return filled


def _sorted_levels(table: BandTable) -> tuple[FloatArray, IntArray]:
    """Return the levels at each k, ascending, ``(n_k, n_levels)``, and the place of their spins."""
    n_spins, n_k, n_bands = table.energies.shape
    levels = np.moveaxis(table.energies, 0, 1).reshape(n_k, n_spins * n_bands)
    order = np.argsort(levels, axis=1, kind="stable")
    return np.take_along_axis(levels, order, axis=1), order // n_bands


def _edge(
    table: BandTable, levels: FloatArray, spins: IntArray, place: int, level: int
) -> BandEdge:
    energy, owner = float(levels[place, level]), int(spins[place, level])
    near = np.abs(levels[place] - energy) < SAME_ENERGY
    is_one = len(set(spins[place, near].tolist())) == 1
    return BandEdge(
        energy=energy,
        k=table.points[place].k,
        place=place_words(table, place),
        spin=table.spins[owner] if is_one else None,
        index=int(table.indices[owner, place]),
    )


def _kind(gap: float) -> Kind:
    if abs(gap) < SAME_ENERGY:
        return "semimetal"
    return "insulator" if gap > 0 else "metal"


def _splittings(table: BandTable, level: int) -> dict[str, float]:
    """Return how far the spins of a band are apart at each special point (eV)."""
    if len(table.spins) != 2:
        return {}
    band = level // 2
    apart = np.abs(table.energies[0, :, band] - table.energies[1, :, band])
    return {name: float(apart[place]) for name, place in table.labels.items()}


def largest_differences(errors: FloatArray) -> FloatArray:
    """Return the largest absolute value of each band, ``(n_bands,)``; NaN where none is known.

    Args:
        errors: Differences, shape ``(..., n_bands)`` (eV).
    """
    sizes = np.nan_to_num(np.abs(errors), nan=-1.0).reshape(-1, errors.shape[-1]).max(axis=0)
    return np.where(sizes < 0, np.nan, sizes)
