"""The bands of a scan over k at the special points, as a table for a terminal."""

from __future__ import annotations

from typing import Final

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from qmlmat.report.band_words import known_edges, point_symbols
from qmlmat.report.labels import heading
from qmlmat.report.printed import PrintableTable
from qmlmat.surfaces import BandTable, Scan, band_table
from qmlmat.surfaces.facts import is_exact
from qmlmat.surfaces.surface import FAILED

ARROWS: Final = {"up": " ↑", "down": " ↓", None: ""}
"""How a band's spin is written."""

_NONE: Final = "–"


def bands_table(scan: Scan) -> Table:
    """Return a table of the bands at the special points of a path; ``print`` shows it as text.

    Energies of each band and spin, the gap and the spin splitting of the valence band in eV; the
    largest difference from plain diagonalisation of any band there in meV. What is not known at
    any of the points has no column.

    Args:
        scan: A scan of ``BandSurface`` along ``k_path``.

    Raises:
        InputError: If the scan is of a molecule.

    Example:
        >>> import qmlmat as qm
        >>> sheet = qm.graphene()
        >>> bands = qm.scan(qm.BandSurface(sheet, qm.Exact()), qm.k_path(sheet, n_points=7))
        >>> bands_table(bands).row_count
        3
    """
    bands = band_table(scan)
    table = PrintableTable(
        title=heading(scan),
        title_justify="left",
        title_style="bold",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    columns = [*_energies(bands), *_edges(scan, bands), *_quality(scan, bands)]
    table.add_column("k")
    for title, _ in columns:
        table.add_column(title, justify="left" if title == "status" else "right", no_wrap=True)
    for row, label in enumerate(bands.labels):
        table.add_row(point_symbols(label), *(cells[row] for _, cells in columns))
    return table


def _energies(bands: BandTable) -> list[tuple[str, list[str]]]:
    places = list(bands.labels.values())
    return [
        (
            f"band {band + 1}{ARROWS[spin]}\neV",
            [_number(x, 4) for x in bands.energies[s, places, band]],
        )
        for band in range(bands.energies.shape[2])
        for s, spin in enumerate(bands.spins)
    ]


def _edges(scan: Scan, bands: BandTable) -> list[tuple[str, list[str]]]:
    edges = known_edges(scan)
    if edges is None:
        return []
    gaps = [_number(edges.point_gaps[name], 4) for name in bands.labels]
    columns = [("gap\neV", gaps)]
    if edges.valence_splittings:
        split = [_number(edges.valence_splittings[name], 4) for name in bands.labels]
        columns.append(("splitting\neV", split))
    return columns


def _quality(scan: Scan, bands: BandTable) -> list[tuple[str, list[str]]]:
    places = list(bands.labels.values())
    columns = []
    errors = np.abs(bands.errors[:, places])
    if not is_exact(scan) and np.isfinite(errors).any():
        largest = 1e3 * np.nan_to_num(errors, nan=-1.0).max(axis=(0, 2))
        columns.append(("error\nmeV", [_number(x if x >= 0 else np.nan, 4) for x in largest]))
    words = [_status(scan, bands.indices[:, place].tolist()) for place in places]
    if set(words) != {"converged"}:
        columns.append(("status", words))
    return columns


def _status(scan: Scan, indices: list[int]) -> str:
    """Return the statuses of the points at one k, each once."""
    words = [FAILED if s.startswith(FAILED) else s for s in (scan.statuses[i] for i in indices)]
    return ", ".join(dict.fromkeys(words)).replace("_", " ")


def _number(value: float, decimals: int) -> str:
    if not np.isfinite(value):
        return _NONE
    return f"{round(float(value), decimals) + 0.0:.{decimals}f}"  # rounding noise is not "-0.0000"
