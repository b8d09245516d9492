"""The figure of a scan along one coordinate: curves above, error below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.report.errors import comparable_columns
from qmlmat.report.labels import (
    ErrorScale,
    axis_label,
    column_label,
    error_scale,
    explanation,
    has_comparison,
)
from qmlmat.report.measured_plot import (
    draw_measured,
    draw_measured_errors,
    flags_sentence,
    measured_ends,
)
from qmlmat.report.state_plot import (
    draw_meetings,
    draw_state_errors,
    draw_states,
    meetings_sentence,
)
from qmlmat.report.style import (
    ALERT,
    BAND,
    BAND_INK,
    FAINT,
    INK,
    MARKERS,
    STATES,
    converged,
    draw_bars,
    failed,
    label_style,
    new_page,
    ring,
    set_ticks,
    style_axes,
    unmatched,
)
from qmlmat.surfaces import Scan
from qmlmat.surfaces.facts import column_names, solver_label
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

_COLUMNS: Final[tuple[tuple[str, Any], ...]] = (
    ("#CC79A7", (0, (6, 1.5, 1, 1.5))),
    ("#E69F00", (0, (1, 1))),
    ("#009E73", (0, (4, 1, 1, 1, 1, 1))),
    ("#56B4E9", (0, (8, 2))),
)
"""Colour and dash of each further energy; Hartree-Fock has its own."""

_LONG_LEGEND: Final = 5
"""Entries above which the legend is smaller, in two columns."""

_LEFT: Final = 0.115
"""Where axes begin (fraction of the width), unless their labels need more room."""

_MARGIN: Final = 0.05
"""Air above and below curves, of their height, as matplotlib leaves it."""

_EDGE: Final = 0.008
"""Least distance of a label from the page's edge (fraction of the width)."""

_ROOM: Final = 0.5
"""How far a further energy may stretch the upper panel, of the height of the rest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Abscissa:
    """Where the points are along the horizontal axis."""

    values: FloatArray
    label: str
    order: tuple[int, ...]
    joined: bool


def draw_curves(scan: Scan, measured: Sequence[Scan] = ()) -> Figure:
    """Return curves, error panel where there is a reference, and caption.

    Paths of one coordinate have it as the horizontal axis; others have the points' indices, and
    no lines between points, as neighbours there need not be neighbours in space.

    Args:
        scan: The scan.
        measured: The same points as devices measured them, drawn with their error bars.
    """
    has_errors = has_comparison(scan)
    x = _abscissa(scan)
    heights = [3.5, 1.75] if has_errors else [3.5]
    sentences = [explanation(scan), _beyond(scan, measured), _outside(scan)]
    sentences.append(flags_sentence(measured))
    if scan.n_states > 1:
        sentences.append(meetings_sentence(scan))
    caption = " ".join(part for part in sentences if part)
    page = new_page(scan, sum(heights), caption)
    grid = page.figure.add_gridspec(
        len(heights),
        1,
        height_ratios=heights,
        left=_LEFT,
        right=0.975,
        top=page.top,
        bottom=page.bottom,
        hspace=0.07,
    )
    upper = page.figure.add_subplot(grid[0])
    axes = [upper]
    margin = 0.03 * float(np.ptp(x.values)) or 0.1
    upper.set_xlim(x.values.min() - margin, x.values.max() + margin)  # also of an unfinished scan
    if x.joined:
        set_ticks(upper.xaxis, scan, 0, most=8)
    _draw_energies(upper, scan, x, measured)
    if has_errors:
        lower = page.figure.add_subplot(grid[1], sharex=upper)
        axes.append(lower)
        _draw_errors(lower, scan, x, measured)
        upper.tick_params(labelbottom=False)
    axes[-1].set_xlabel(x.label, **label_style())
    for one in axes:
        style_axes(one)
    _mark_failures(axes[-1], scan, x)
    _make_room(grid, axes)
    return page.figure


def _make_room(grid: GridSpec, axes: list[Axes]) -> None:
    """Move the axes to the right where long tick labels push their label off the page."""
    figure = axes[0].get_figure(root=True)
    if figure is None:
        return
    figure.align_ylabels(axes)
    figure.draw_without_rendering()  # tick labels are known only then
    start = min(one.yaxis.label.get_window_extent().x0 for one in axes)
    missing = _EDGE - start / figure.bbox.width
    if missing > 0:
        grid.left = _LEFT + missing
        for row, one in enumerate(axes):
            one.set_position(grid[row].get_position(figure))


def _abscissa(scan: Scan) -> _Abscissa:
    if scan.path.n_axes > 1:
        values = np.arange(len(scan.path), dtype=np.float64)
        label = f"index of the point ({scan.path.name})"
        return _Abscissa(values=values, label=label, order=tuple(range(len(values))), joined=False)
    values = scan.path.along()
    order = tuple(np.argsort(values, kind="stable").tolist())
    return _Abscissa(values=values, label=axis_label(scan), order=order, joined=True)


def _draw_energies(axes: Axes, scan: Scan, x: _Abscissa, measured: Sequence[Scan]) -> None:
    _draw_line(axes, x, scan.column("hartree_fock"), "Hartree–Fock", _column_style(scan, None))
    if scan.n_states > 1:
        draw_states(axes, scan, x.values, x.order if x.joined else None)
        draw_meetings(axes, scan, scan.energies)
    else:
        if has_comparison(scan):
            style: dict[str, Any] = {"ls": "-", "lw": 1.6, "color": INK, "zorder": 3}
            _draw_line(axes, x, scan.references, "exact in the active space", style)
        _draw_points(axes, scan, x, scan.energies[:, 0], state=0, label=solver_label(scan))
        draw_bars(axes, x.values, scan.energies[:, 0], scan.stderr[:, 0], color=STATES[0])
    draw_measured(axes, x.values, measured)
    if axes.lines:
        _draw_columns(axes, scan, x)
    _ring_unmatched(axes, scan, x, scan.energies[:, 0], label="orbitals not matched")
    axes.set_ylabel(f"energy ({scan.unit})", fontsize=10.5, color=INK)
    if axes.lines:
        _write_legend(axes)
    axes.ticklabel_format(axis="y", useOffset=False)


def _write_legend(axes: Axes) -> None:
    """Write the legend: in one column, or above the curves in several."""
    shown = len(axes.get_legend_handles_labels()[1])
    rows = 0
    style: dict[str, Any] = {"fontsize": 9.5}
    if shown > _LONG_LEGEND:
        n_columns = 2 if shown <= 2 * _LONG_LEGEND else 3
        rows = -(-shown // n_columns)
        style = {"ncols": n_columns, "fontsize": 8.5, "loc": "upper right"}
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + (0.06 + 0.08 * rows) * (high - low))
    style |= {"edgecolor": "none", "framealpha": 0.85, "handlelength": 2.4}
    for text in axes.legend(labelcolor=INK, **style).get_texts():
        text.set_parse_math(False)  # a function's name is the user's


def _draw_columns(axes: Axes, scan: Scan, x: _Abscissa) -> None:
    """Draw further energies; one that breaks down leaves the panel, rather than flatten it."""
    low, high = axes.get_ylim()
    room = _ROOM * (high - low)
    ends = [low, high]
    for name, near in _near(scan).items():
        if near.size:
            ends += [float(near.min()) - 0.05 * room, float(near.max()) + 0.05 * room]
            _draw_line(axes, x, scan.column(name), column_label(name), _column_style(scan, name))
    axes.set_ylim(min(ends), max(ends))


def _near(scan: Scan) -> dict[str, FloatArray]:
    """Return the values of each further energy that are near enough for the upper panel."""
    drawn = [scan.column("hartree_fock"), scan.energies.ravel()]
    drawn += [scan.references] if has_comparison(scan) else []
    shown = np.concatenate(drawn)
    shown = shown[np.isfinite(shown)]
    if not shown.size:
        return {}
    room = (_ROOM + _MARGIN) * (float(np.ptp(shown)) or np.inf)  # one value: all is near
    low, high = float(shown.min()) - room, float(shown.max()) + room
    columns = {name: scan.column(name) for name in column_names(scan) if name != "hartree_fock"}
    return {name: values[(values > low) & (values < high)] for name, values in columns.items()}


def _outside(scan: Scan) -> str:
    """Return a sentence on the methods that are so far off that they have no curve."""
    names = []
    for name, near in _near(scan).items():
        values = scan.column(name)
        if not near.size and np.isfinite(values).any():
            ends = f"{np.nanmin(values):.3f} to {np.nanmax(values):.3f}".replace("-", "−")
            names.append(f"{column_label(name)} ({ends} {scan.unit})")
    return f"Outside the energy panel: {', '.join(names)}." if names else ""


def _column_style(scan: Scan, name: str | None) -> dict[str, Any]:
    if name in {None, "hartree_fock"}:
        return {"ls": "--", "lw": 1.6, "color": FAINT, "zorder": 2}
    others = [one for one in column_names(scan) if one != "hartree_fock"]
    color, dash = _COLUMNS[others.index(str(name)) % len(_COLUMNS)]
    return {"ls": dash, "lw": 1.3, "color": color, "zorder": 2}


def _draw_line(
    axes: Axes, x: _Abscissa, values: FloatArray, label: str, style: dict[str, Any]
) -> None:
    """Draw a line through the points that are known; without neighbours, a dash at each."""
    known = [index for index in x.order if np.isfinite(values[index])]
    if not known:
        return
    if not x.joined:
        style = style | {"ls": "none", "marker": "_", "ms": 9, "mew": style["lw"]}
    axes.plot(x.values[known], values[known], label=label, **style)


def _draw_points(
    axes: Axes, scan: Scan, x: _Abscissa, values: FloatArray, *, state: int, label: str
) -> None:
    """Draw one series: filled where the solver converged, hollow where it had not."""
    done = converged(scan)
    color, marker = STATES[state % len(STATES)], MARKERS[state % len(MARKERS)]
    shared: dict[str, Any] = {"ls": "none", "marker": marker, "ms": 5.5, "mec": color, "mew": 1.3}
    for mask, face, text in (
        (done, color, label),
        (~done, "white", f"{label} (not converged)"),
    ):
        shown = mask & np.isfinite(values)
        if shown.any():
            axes.plot(x.values[shown], values[shown], mfc=face, label=text, zorder=4, **shared)


def _ring_unmatched(
    axes: Axes, scan: Scan, x: _Abscissa, values: FloatArray, *, label: str
) -> None:
    shown = unmatched(scan) & np.isfinite(values)
    if shown.any():
        axes.plot(x.values[shown], values[shown], label=label, zorder=5, **ring())


def _mark_failures(axes: Axes, scan: Scan, x: _Abscissa) -> None:
    mask = failed(scan)
    if mask.any():
        style: dict[str, Any] = {"ls": "none", "marker": "x", "ms": 6, "mew": 1.6, "color": ALERT}
        height = np.full(int(mask.sum()), 0.04)
        place = axes.get_xaxis_transform()
        axes.plot(x.values[mask], height, label="failed", transform=place, zorder=5, **style)


def _limits(scan: Scan, measured: Sequence[Scan]) -> tuple[float, float]:
    """Return the ends of the error panel, chosen by the solver's own errors and measured ones."""
    scale = error_scale(scan)
    errors = _own_errors(scan)
    bars = np.nan_to_num(scan.stderr) * scale.factor
    shown = np.isfinite(errors)
    ends = [*(errors - bars)[shown], *(errors + bars)[shown], *measured_ends(measured)]
    top = max(float(max(ends)) * 1.12, 1.6 * scale.chemical_accuracy)
    return min(float(min(ends)) * 1.12, -0.06 * top), top


def _own_errors(scan: Scan) -> FloatArray:
    """Return the solver's errors of all states, ``(n_points, n_states)``, in the small unit."""
    table = scan.state_errors if scan.n_states > 1 else scan.errors[:, None]
    return table * error_scale(scan).factor


def _column_errors(scan: Scan) -> dict[str, FloatArray]:
    factor = error_scale(scan).factor
    return {
        name: (scan.column(name) - scan.references) * factor for name in comparable_columns(scan)
    }


def _beyond(scan: Scan, measured: Sequence[Scan]) -> str:
    """Return a sentence on the methods whose errors leave the error panel."""
    if not has_comparison(scan):
        return ""
    low, high = _limits(scan, measured)
    names = [
        f"{column_label(name)} (up to {np.nanmax(np.abs(errors)):.3g} {error_scale(scan).unit})"
        for name, errors in _column_errors(scan).items()
        if ((errors < low) | (errors > high)).any()
    ]
    return f"Beyond the error panel: {', '.join(names)}." if names else ""


def _draw_errors(axes: Axes, scan: Scan, x: _Abscissa, measured: Sequence[Scan]) -> None:
    scale = error_scale(scan)
    errors = scan.errors * scale.factor
    low, high = _limits(scan, measured)
    axes.axhspan(0.0, scale.chemical_accuracy, color=BAND, alpha=0.13, lw=0, zorder=0)
    axes.axhline(0.0, color=INK, lw=1.0, zorder=1)
    axes.axhline(scale.chemical_accuracy, color=BAND, lw=1.1, ls=":", zorder=1)
    known = [index for index in x.order if np.isfinite(errors[index])]
    if x.joined and scan.n_states == 1:
        axes.plot(x.values[known], errors[known], color=STATES[0], lw=1.0, zorder=3)
    for name, values in _column_errors(scan).items():
        if ((values >= low) & (values <= high)).any():
            _draw_line(axes, x, values, f"{column_label(name)} − exact", _column_style(scan, name))
    if scan.n_states > 1:
        draw_state_errors(axes, scan, x.values, x.order if x.joined else None)
    else:
        _draw_points(axes, scan, x, errors, state=0, label=f"{solver_label(scan)} − exact")
        draw_bars(axes, x.values, errors, scan.stderr[:, 0] * scale.factor, color=STATES[0])
    draw_measured_errors(axes, x.values, measured)
    _ring_unmatched(axes, scan, x, errors, label="_rings")
    axes.set_ylim(low, high)
    _label_accuracy(axes, x.values[known], errors[known], scale)
    axes.set_ylabel(f"error ({scale.unit})", fontsize=10.5, color=INK)


def _label_accuracy(axes: Axes, x: FloatArray, y: FloatArray, scale: ErrorScale) -> None:
    """Write "chemical accuracy" at the end of its line, above or below, where it hides least."""
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    width, height = 0.36 * (high - low), 0.16 * (top - bottom)  # of the text, with some air
    fine = np.linspace(x.min(), x.max(), 200)
    curve = np.interp(fine, x, y)
    level = scale.chemical_accuracy
    hidden = {}
    for side, (start, stop) in {"right": (high - width, high), "left": (low, low + width)}.items():
        for place, floor in {"bottom": level, "top": level - height}.items():
            inside = (fine > start) & (fine < stop) & (curve > floor) & (curve < floor + height)
            # below the line the text must also fit between it and zero
            hidden[side, place] = int(inside.sum()) + (1 if place == "top" else 0)
            if place == "top" and level < height:
                hidden[side, place] += 1
    side, place = min(hidden, key=lambda spot: hidden[spot])
    axes.annotate(
        f"chemical accuracy, {level:.3f} {scale.unit}",
        xy=(1.0 if side == "right" else 0.0, level),
        xycoords=("axes fraction", "data"),
        xytext=(-6 if side == "right" else 6, 3 if place == "bottom" else -3),
        textcoords="offset points",
        ha=side,
        va=place,
        fontsize=8.5,
        color=BAND_INK,
    )
