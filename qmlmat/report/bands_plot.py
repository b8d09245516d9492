"""The figure of bands along a path through special points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.report.band_words import (
    edges_sentence,
    error_sentence,
    known_edges,
    point_symbols,
    splitting_sentence,
)
from qmlmat.report.labels import marks_sentences
from qmlmat.report.measured_plot import draw_measured_bands, flags_sentence
from qmlmat.report.style import (
    ALERT,
    BAND,
    BAND_INK,
    FAINT,
    INK,
    STATES,
    converged,
    draw_bars,
    failed,
    label_style,
    new_page,
    style_axes,
)
from qmlmat.surfaces import BandEdges, BandTable, Scan, band_table
from qmlmat.surfaces.facts import solver_label
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT: Final = 4.3  # inches
_LEGIBLE: Final = 0.055  # share of the panel's height from which a gap has room for its number
_LEGEND: Final = 0.11  # room for the legend above the bands, of their height

_STYLES: Final[tuple[dict[str, Any], ...]] = (
    {"color": STATES[0], "marker": "o", "ms": 4.2},
    {"color": STATES[1], "marker": "s", "ms": 2.4},  # smaller: both are seen where they meet
)
"""Colour and marker of spin up, or of bands of no definite spin, and of spin down."""


def draw_bands(scan: Scan, measured: Sequence[Scan] = ()) -> Figure:
    """Return the figure of a scan over k, complete or not; see ``plot_bands`` and ``plot_scan``."""
    bands, edges = band_table(scan), known_edges(scan)
    page = new_page(scan, _HEIGHT, f"{_caption(scan, edges)} {flags_sentence(measured)}".strip())
    axes = page.figure.add_axes((0.115, page.bottom, 0.86, page.top - page.bottom))
    style_axes(axes)
    axes.grid(visible=False)
    axes.set_xlim(bands.lengths[0], bands.lengths[-1])
    _draw_plain(axes, bands)
    for place, spin in enumerate(bands.spins):
        _draw_spin(axes, scan, bands, place, label=_label(scan, spin))
    draw_measured_bands(axes, measured)
    if edges is not None:
        _mark_edges(axes, bands, edges, scan)
    _mark_failures(axes, scan, bands)
    _name_points(axes, bands)
    _finish(axes)
    return page.figure


def _caption(scan: Scan, edges: BandEdges | None) -> str:
    n_done = sum(result is not None for result in scan.results)
    so_far = "" if scan.is_complete else f"{n_done} of {len(scan.path)} points computed so far."
    said = [] if edges is None else [edges_sentence(edges), splitting_sentence(edges)]
    return " ".join(
        part for part in (so_far, *said, error_sentence(scan), *marks_sentences(scan)) if part
    )


def _label(scan: Scan, spin: str | None) -> str:
    name = solver_label(scan)
    return name if spin is None else f"{name}, spin {spin}"


def _draw_plain(axes: Axes, bands: BandTable) -> None:
    """Draw the bands by plain diagonalisation, which are under the solver's markers."""
    label = "plain diagonalisation"
    for levels in bands.exact:
        for band in levels.T:
            if np.isfinite(band).any():
                axes.plot(bands.lengths, band, color=FAINT, lw=0.9, zorder=2, label=label)
                label = "_plain"


def _draw_spin(axes: Axes, scan: Scan, bands: BandTable, place: int, *, label: str) -> None:
    """Draw the bands of one spin, filled where the solver converged and hollow where not."""
    indices = bands.indices[place]
    done = converged(scan)[indices]
    style = _STYLES[place]
    color: str = style["color"]
    for band in range(bands.energies.shape[2]):
        values: FloatArray = bands.energies[place, :, band]
        marks: dict[str, Any] = {**style, "ls": "none", "mew": 0.8, "zorder": 3 + 0.1 * place}
        marks["clip_on"] = False  # whole at both ends of the path
        axes.plot(bands.lengths[done], values[done], label=label, **marks)
        axes.plot(bands.lengths[~done], values[~done], label="_open", mfc="white", **marks)
        draw_bars(axes, bands.lengths, values, scan.stderr[indices, band], color=color)
        label = "_band"


def _mark_edges(axes: Axes, bands: BandTable, edges: BandEdges, scan: Scan) -> None:
    """Ring the valence maximum and the conduction minimum, and write the gap where it is."""
    x = scan.path.along()
    ring: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 9.5, "mfc": "none", "mec": INK}
    ring["clip_on"] = False
    label = "band edges"
    for edge in (edges.valence, edges.conduction):
        axes.plot([x[edge.index]], [edge.energy], label=label, mew=1.2, zorder=5, **ring)
        label = "_edge"
    words: dict[str, Any] = {"color": BAND_INK, "fontsize": 9.5, "va": "center", "ha": "center"}
    if edges.kind == "insulator":
        low, high = edges.valence.energy, edges.conduction.energy
        axes.axhspan(low, high, color=BAND, alpha=0.10, lw=0, zorder=1)
        text = f"gap {edges.gap:.3f} eV, {'direct' if edges.is_direct else 'indirect'}"
        bottom, top = axes.get_ylim()
        if edges.gap > _LEGIBLE * (top - bottom):  # no band is there
            axes.text(_widest(bands), (low + high) / 2, text, **words)
    elif edges.kind == "semimetal":
        near = float(x[edges.valence.index] / bands.lengths[-1])
        shift, side = (-14, "right") if near > 0.5 else (14, "left")
        axes.annotate(
            "no gap",
            xy=(x[edges.valence.index], edges.valence.energy),
            xytext=(shift, 0),
            textcoords="offset points",
            **words | {"ha": side},
        )


def _widest(bands: BandTable) -> float:
    """Return the middle of the longest way between special points and the ends of the path."""
    named = [float(bands.lengths[k]) for k, point in enumerate(bands.points) if point.label]
    places = [float(bands.lengths[0]), *named, float(bands.lengths[-1])]
    ends = max(pairwise(places), key=lambda pair: pair[1] - pair[0])
    return sum(ends) / 2


def _mark_failures(axes: Axes, scan: Scan, bands: BandTable) -> None:
    mask = failed(scan)[bands.indices].any(axis=0)
    if mask.any():
        style: dict[str, Any] = {"ls": "none", "marker": "x", "ms": 6, "mew": 1.6, "color": ALERT}
        height = np.full(int(mask.sum()), 0.04)
        place = axes.get_xaxis_transform()
        axes.plot(bands.lengths[mask], height, label="failed", transform=place, zorder=6, **style)


def _name_points(axes: Axes, bands: BandTable) -> None:
    """Put a tick and a line at each special point."""
    named = [k for k, point in enumerate(bands.points) if point.label]
    places = [float(bands.lengths[k]) for k in named]
    axes.set_xticks(places, [point_symbols(bands.points[k].label) for k in named])
    axes.tick_params(axis="x", labelsize=11)
    for place in places[1:-1]:
        axes.axvline(place, ymax=1 / (1 + _LEGEND), color="#D0D0D0", lw=0.8, zorder=0)


def _finish(axes: Axes) -> None:
    axes.set_xlabel("wave vector", **label_style())
    axes.set_ylabel("energy (eV)", **label_style())
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + _LEGEND * (high - low))
    handles, names = axes.get_legend_handles_labels()
    style: dict[str, Any] = {"fontsize": 8.5, "edgecolor": "none", "framealpha": 0.0}
    legend = axes.legend(handles, names, loc="upper center", ncols=len(names), **style)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a solver's name is no formula
