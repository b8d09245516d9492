"""Words for bands: special points as they are written, and what edges and errors say."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.surfaces import BandEdge, BandEdges, Scan, band_edges
from qmlmat.surfaces.band_edges import SAME_ENERGY, largest_differences
from qmlmat.surfaces.facts import is_exact
from qmlmat.typing import FloatArray

_LABEL: Final = re.compile(r"\b([A-Z])([0-9]*)\b")
_PRIMES: Final = {"": "", "1": "′", "2": "″"}


def point_symbols(words: str) -> str:
    """Return special points as they are written: Γ for ``"G"``, K′ for ``"K1"``.

    Args:
        words: A label, or words with labels in them, e.g. ``"0.25 from G to K"``.
    """

    def written(found: re.Match[str]) -> str:
        letter, number = found.groups()
        return ("Γ" if letter == "G" else letter) + _PRIMES.get(number, number)

    return _LABEL.sub(written, words)


def known_edges(scan: Scan) -> BandEdges | None:
    """Return the edges of a scan's bands; ``None`` where they are not known."""
    try:
        return band_edges(scan)
    except InputError:  # no number of occupied bands, or not enough bands
        return None


def edges_sentence(edges: BandEdges) -> str:
    """Return what the edges say, e.g. ``"Gap 1.5849 eV, direct at K."``."""
    top, bottom = _edge(edges.valence), _edge(edges.conduction)
    if edges.kind == "semimetal":
        where = top if top == bottom else f"{top} and {bottom}"
        return f"No gap: valence and conduction band touch at {where}."
    if edges.kind == "metal":
        overlap = edges.valence.energy - edges.conduction.energy
        return (
            f"No gap: bands overlap by {overlap:.4f} eV, valence maximum at {top}, conduction "
            f"minimum at {bottom}; smallest distance at one k {edges.direct_gap:.4f} eV at "
            f"{point_symbols(edges.direct_at)}."
        )
    if edges.is_direct:
        # Where edges lie apart by less than energies are told apart, neither is the place.
        is_one = edges.valence.place == edges.conduction.place
        where = top if is_one else point_symbols(edges.direct_at)
        return f"Gap {edges.gap:.4f} eV, direct at {where}."
    return (
        f"Gap {edges.gap:.4f} eV, indirect: valence maximum at {top}, conduction minimum at "
        f"{bottom}; smallest direct gap {edges.direct_gap:.4f} eV at "
        f"{point_symbols(edges.direct_at)}."
    )


def splitting_sentence(edges: BandEdges) -> str:
    """Return the largest spin splittings at special points; empty where spins are not apart."""
    parts = []
    for band, table in (
        ("valence", edges.valence_splittings),
        ("conduction", edges.conduction_splittings),
    ):
        known = {name: value for name, value in table.items() if np.isfinite(value)}
        name = max(known, key=known.__getitem__, default="")
        if name and known[name] > SAME_ENERGY:
            parts.append(f"{band} band {known[name]:.4f} eV at {point_symbols(name)}")
    if not edges.valence_splittings:
        return ""
    return f"Largest spin splitting at a special point: {'; '.join(parts) or 'none'}."


def error_sentence(scan: Scan) -> str:
    """Return the largest differences from plain diagonalisation; empty where none is known."""
    errors = np.abs(scan.state_errors)
    known = np.isfinite(errors)
    if is_exact(scan) or not known.any():
        return ""
    return difference_sentence(largest_differences(errors))


def difference_sentence(largest: FloatArray) -> str:
    """Return the largest difference of each band from plain diagonalisation, in meV.

    Args:
        largest: The differences, ``(n_bands,)`` (eV).
    """
    listed = ", ".join(f"{1e3 * value:.2g}" for value in largest)
    bands = "one band" if len(largest) == 1 else f"bands 1 to {len(largest)}"
    return f"Largest difference from plain diagonalisation: {listed} meV ({bands})."


def _edge(edge: BandEdge) -> str:
    return point_symbols(edge.place) + ("" if edge.spin is None else f" (spin {edge.spin})")
