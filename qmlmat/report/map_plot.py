"""The figure of a scan over two coordinates: a map of the energy, and of its error beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.report.labels import axis_label, error_scale, explanation, has_comparison, place
from qmlmat.report.style import (
    ALERT,
    BAND_INK,
    FAINT,
    INK,
    converged,
    failed,
    label_style,
    new_page,
    ring,
    set_ticks,
    unmatched,
)
from qmlmat.surfaces import Scan
from qmlmat.typing import FloatArray
from qmlmat.units import HARTREE_IN_MILLIHARTREE, hartree_to_ev

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

_SMALL: Final = 0.2
"""Up to this range (hartree, or 30 times that in eV) energies are shown in the small unit."""

_WALL: Final = 2.5
"""Levels end where energies climb beyond this multiple of their third quartile: a wall."""

_N_LEVELS: Final = 12

_TINY: Final = 1e-6
"""Errors below this (mHa or meV) are not told apart."""

_ROUNDING: Final = 1e-9
"""Share of the levels' range by which a value may be above the last of them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Heights:
    """Energies above the lowest computed one."""

    values: FloatArray
    """Energies of the ground state, shape ``(n_points,)`` (``unit``); NaN where unknown."""

    unit: str
    """``"mHa"``, ``"meV"`` or ``"eV"``."""

    lowest: int
    """Index of the lowest point."""


def heights(scan: Scan) -> Heights:
    """Return energies above the minimum in a unit in which they are neither tiny nor huge."""
    energies = scan.energies[:, 0]
    lowest = int(np.nanargmin(energies))
    above = energies - energies[lowest]
    highest = float(np.nanmax(above))
    if scan.unit == "hartree":
        small, factor = highest <= _SMALL, hartree_to_ev(1.0)
        values = above * (HARTREE_IN_MILLIHARTREE if small else factor)
        return Heights(values=values, unit="mHa" if small else "eV", lowest=lowest)
    small = highest <= 1.0
    return Heights(
        values=above * (1e3 if small else 1.0), unit="meV" if small else "eV", lowest=lowest
    )


def minimum_sentence(scan: Scan) -> str:
    """Return where the lowest of the computed points is, and its energy."""
    lowest = heights(scan).lowest
    energy = f"{scan.energies[lowest, 0]:.6f} {scan.unit}"
    return f"Star: the lowest of the computed points, {energy} at {place(scan, lowest)}."


def top_level(values: FloatArray) -> float:
    """Return where the scale of heights ends: at the highest, or on the wall towards it."""
    known = values[np.isfinite(values)]
    wall = _WALL * float(np.quantile(known, 0.75))
    return min(float(known.max()), wall) or 1.0


def draw_map(scan: Scan) -> Figure:
    """Return maps of the energy above its minimum and, with a reference, of the error.

    A grid is drawn as filled contours with the computed points as dots; points that form none are
    coloured dots. The error has a colour scale of its own.
    """
    has_errors = has_comparison(scan)
    dashed = "Dashed: chemical accuracy." if _crosses_accuracy(scan) else ""
    parts = (minimum_sentence(scan), explanation(scan), dashed)
    caption = " ".join(part for part in parts if part)
    page = new_page(scan, 2.9 if has_errors else 4.2, caption, left=0.105)
    grid = page.figure.add_gridspec(
        1,
        2 if has_errors else 1,
        left=0.105,
        right=0.925 if has_errors else 0.9,
        top=page.top,
        bottom=page.bottom,
        wspace=0.58,
    )
    above = heights(scan)
    axes = page.figure.add_subplot(grid[0])
    levels = _nice(0.0, top_level(above.values))
    shown = _draw_panel(axes, scan, above.values, levels, "viridis")
    _bar(page.figure, axes, shown, f"energy above the minimum ({above.unit})")
    _mark_points(axes, scan, above.lowest)
    if has_errors:
        scale = error_scale(scan)
        errors = scan.errors * scale.factor
        axes = page.figure.add_subplot(grid[1])
        shown = _draw_panel(axes, scan, errors, *_error_levels(errors))
        _bar(page.figure, axes, shown, f"error ({scale.unit})")
        if _crosses_accuracy(scan):
            _draw_accuracy(axes, scan, errors, scale.chemical_accuracy)
        _mark_points(axes, scan, None)
    return page.figure


def is_drawable_grid(scan: Scan) -> bool:
    """Return whether contours can be drawn: a grid of two axes with a complete cell."""
    shape = scan.path.shape
    if shape is None or len(shape) != 2:
        return False
    known = np.isfinite(scan.energies[:, 0]).reshape(shape)
    return bool((known[1:, 1:] & known[:-1, 1:] & known[1:, :-1] & known[:-1, :-1]).any())


def _nice(low: float, high: float) -> FloatArray:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    return np.asarray(MaxNLocator(_N_LEVELS).tick_values(low, high), dtype=np.float64)


def _error_levels(errors: FloatArray) -> tuple[FloatArray, str]:
    """Return levels and colours: from zero up where no error is negative, else about zero."""
    known = errors[np.isfinite(errors)]
    size = max(float(np.abs(known).max()), _TINY)
    if known.min() >= -0.02 * size:
        return _nice(0.0, size), "YlOrRd"
    return _nice(-size, size), "RdBu_r"


def _draw_panel(
    axes: Axes, scan: Scan, values: FloatArray, levels: FloatArray, colors: str
) -> ScalarMappable:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    x, y = scan.path.along(0), scan.path.along(1)
    axes.set_xlabel(axis_label(scan, 0), **label_style())
    axes.set_ylabel(axis_label(scan, 1), **label_style())
    axes.tick_params(colors=INK, labelsize=9, length=3.5)
    set_ticks(axes.xaxis, scan, 0, most=5)
    set_ticks(axes.yaxis, scan, 1, most=6)
    for end, pad in ((axes.set_xlim, x), (axes.set_ylim, y)):
        margin = 0.04 * float(np.ptp(pad)) or 0.1
        end(float(pad.min()) - margin, float(pad.max()) + margin)
    if not is_drawable_grid(scan):
        known = np.isfinite(values)
        ends = {"vmin": levels[0], "vmax": levels[-1], "cmap": colors}
        return axes.scatter(x[known], y[known], c=values[known], s=60, zorder=2, **ends)
    table = np.ma.masked_invalid(values.reshape(scan.path.shape)).T
    place = scan.path.grid_values(0), scan.path.grid_values(1), table
    extend = "max" if np.nanmax(values) > levels[-1] + _ROUNDING * np.ptp(levels) else "neither"
    shown = axes.contourf(*place, levels=levels, cmap=colors, extend=extend)
    lines = axes.contour(*place, levels=levels[1::2], colors=INK, linewidths=0.6, alpha=0.7)
    for text in axes.clabel(lines, fmt="%g", fontsize=8, inline_spacing=2, colors=INK, zorder=7):
        text.set_alpha(1.0)
        text.set_path_effects([withStroke(linewidth=2.2, foreground="white")])
    return shown


def _bar(figure: Figure, axes: Axes, shown: ScalarMappable, label: str) -> None:
    bar = figure.colorbar(shown, ax=axes, pad=0.03, fraction=0.06)
    bar.set_label(label, fontsize=9.5, color=INK)
    bar.ax.tick_params(labelsize=8.5, colors=INK, length=3)
    bar.outline.set_edgecolor(FAINT)


def _crosses_accuracy(scan: Scan) -> bool:
    """Return whether a line of chemical accuracy can be drawn: errors lie on both sides of it."""
    if not (has_comparison(scan) and is_drawable_grid(scan)):
        return False
    scale = error_scale(scan)
    errors = scan.errors * scale.factor
    return bool(np.nanmin(errors) < scale.chemical_accuracy < np.nanmax(errors))


def _draw_accuracy(axes: Axes, scan: Scan, errors: FloatArray, level: float) -> None:
    table = np.ma.masked_invalid(errors.reshape(scan.path.shape)).T
    place = scan.path.grid_values(0), scan.path.grid_values(1), table
    style: dict[str, Any] = {"colors": [BAND_INK], "linewidths": 1.8, "linestyles": "--"}
    axes.contour(*place, levels=[level], zorder=3, **style)


def _mark_points(axes: Axes, scan: Scan, lowest: int | None) -> None:
    """Draw the computed points, and how far each can be trusted."""
    x, y = scan.path.along(0), scan.path.along(1)
    known, done = np.isfinite(scan.energies[:, 0]), converged(scan)
    dot: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 2.6, "mec": "white", "mew": 0.4}
    hollow = dot | {"ms": 5, "mec": INK, "mew": 1.1}
    cross: dict[str, Any] = {"ls": "none", "marker": "x", "ms": 6, "mew": 1.6, "color": ALERT}
    star: dict[str, Any] = {"ls": "none", "marker": "*", "ms": 13, "mfc": "white", "mec": INK}
    if is_drawable_grid(scan):
        axes.plot(x[known & done], y[known & done], mfc=INK, label="_points", zorder=4, **dot)
    for mask, label, style in (
        (known & ~done, "_not converged", hollow | {"mfc": "white"}),
        (failed(scan), "_failed", cross),
        (unmatched(scan), "_orbitals not matched", ring()),
    ):
        if mask.any():
            axes.plot(x[mask], y[mask], label=label, zorder=5, **style)
    if lowest is not None:
        axes.plot(x[[lowest]], y[[lowest]], label="_minimum", zorder=6, **star)
