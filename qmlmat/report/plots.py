"""The figure of a scan: curves above, error below. The only file that knows matplotlib."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.report.labels import (
    ErrorScale,
    axis_label,
    error_scale,
    explanation,
    has_comparison,
    heading,
    solver_label,
)
from qmlmat.surfaces import Scan
from qmlmat.surfaces.integrity import SQLITE_MAGIC
from qmlmat.surfaces.surface import CONVERGED
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS: Final = (".png", ".pdf", ".svg")
"""Endings of the files a figure can be written to."""

# Okabe and Ito's palette, told apart with every kind of colour vision: https://jfly.uni-koeln.de/color/
_STATES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_INK: Final = "#222222"
_FAINT: Final = "#767676"
_BAND: Final = "#009E73"
_BAND_INK: Final = "#006B4E"

_WIDTH: Final = 7.4  # inches: a page's text width
_DPI: Final = 200
_CAPTION_COLUMNS: Final = 100  # characters that fit the width at the caption's size


def plot_scan(scan: Scan, file: str | os.PathLike[str]) -> Path:
    """Draw a scan and return the file written.

    Args:
        scan: The scan, complete or not.
        file: Where to write; the ending chooses among PNG, PDF and SVG.

    Raises:
        InputError: If the file has another ending, or cannot be written.
    """
    path = check_plot_file(file)
    figure = draw_scan(scan)
    try:
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def check_plot_file(file: str | os.PathLike[str]) -> Path:
    """Return ``file`` as a path after checking, before any work, that a figure may go there.

    Raises:
        InputError: If it has an unknown ending, is a folder or a store, or cannot be written.
    """
    path = Path(file).expanduser()
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f'plot_scan("{path}"): a figure\'s name ends in {", ".join(FORMATS)}. Name it so.'
        )
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(
            f'plot_scan("{path}"): "{path if path.is_dir() else path.parent}" is not '
            f"{'a file' if path.is_dir() else 'a folder'}. "
            "Choose another name, or make the folder first: mkdir -p FOLDER"
        )
    _check_place(path)
    return path


def _check_place(path: Path) -> None:
    """Refuse a place that cannot be written, and one that holds a database."""
    try:
        if path.exists():
            with path.open("r+b") as stream:
                start = stream.read(len(SQLITE_MAGIC))
        else:
            start = b""
            draft = path.with_name(f".{path.name}.{os.getpid()}.new")
            draft.touch(exist_ok=False)
            draft.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error
    if start == SQLITE_MAGIC:
        raise InputError(
            f'plot_scan("{path}"): this file is a database, perhaps the store of a scan, and is '
            "left as it is. Choose another name for the figure."
        )


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f'plot_scan("{path}"): the figure cannot be written ({error.strerror or error}). '
        "Choose a file you may write."
    )


def draw_scan(scan: Scan) -> Figure:
    """Return the figure of a scan: curves, error panel where there is a reference, caption."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - no global state, no display

    has_errors = has_comparison(scan)
    caption = textwrap.fill(explanation(scan), _CAPTION_COLUMNS)
    n_lines = caption.count("\n") + 1 if caption else 0
    heights = [3.5, 1.75] if has_errors else [3.5]
    caption_height = 0.12 + 0.17 * n_lines if n_lines else 0.0
    head = 0.62 if scan.title else 0.45
    figure = Figure(
        figsize=(_WIDTH, head + sum(heights) + 0.55 + caption_height), facecolor="white"
    )
    total = figure.get_figheight()
    grid = figure.add_gridspec(
        len(heights),
        1,
        height_ratios=heights,
        left=0.115,
        right=0.975,
        top=1 - head / total,
        bottom=(0.55 + caption_height) / total,
        hspace=0.07,
    )
    upper = figure.add_subplot(grid[0])
    axes = [upper]
    _draw_curves(upper, scan)
    if has_errors:
        lower = figure.add_subplot(grid[1], sharex=upper)
        axes.append(lower)
        _draw_errors(lower, scan)
        upper.tick_params(labelbottom=False)
    label: dict[str, Any] = {"fontsize": 10.5, "color": _INK, "parse_math": False}
    axes[-1].set_xlabel(axis_label(scan), **label)
    x = scan.path.along()
    margin = 0.03 * float(np.ptp(x)) or 0.1
    upper.set_xlim(float(x.min()) - margin, float(x.max()) + margin)  # also of an unfinished scan
    for one in axes:
        _style(one)
    _mark_failures(axes[-1], scan)
    _write_texts(figure, scan, caption)
    return figure


def _draw_curves(axes: Axes, scan: Scan) -> None:
    x = scan.path.along()
    hartree_fock = scan.column("hartree_fock")
    known = np.isfinite(hartree_fock)
    if known.any():
        style: dict[str, Any] = {"ls": "--", "lw": 1.6, "color": _FAINT, "zorder": 2}
        axes.plot(x[known], hartree_fock[known], label="Hartree–Fock", **style)
    known = np.isfinite(scan.references)
    if has_comparison(scan):
        style = {"ls": "-", "lw": 1.6, "color": _INK, "zorder": 3}
        axes.plot(x[known], scan.references[known], label="exact in the active space", **style)
    name = solver_label(scan)
    for state in range(scan.n_states):
        label = name if scan.n_states == 1 else f"{name}, state {state}"
        _draw_points(axes, scan, scan.energies[:, state], state=state, label=label)
    axes.set_ylabel(f"energy ({scan.unit})", fontsize=10.5, color=_INK)
    if axes.lines:
        style = {"edgecolor": "none", "framealpha": 0.85, "handlelength": 2.4}
        for text in axes.legend(fontsize=9.5, labelcolor=_INK, **style).get_texts():
            text.set_parse_math(False)  # a function's name is the user's
    axes.ticklabel_format(axis="y", useOffset=False)


def _draw_errors(axes: Axes, scan: Scan) -> None:
    scale = error_scale(scan)
    errors = scan.errors * scale.factor
    finite = errors[np.isfinite(errors)]
    top = max(float(finite.max()) * 1.12, 1.6 * scale.chemical_accuracy)
    bottom = min(float(finite.min()) * 1.12, -0.06 * top)
    axes.axhspan(0.0, scale.chemical_accuracy, color=_BAND, alpha=0.13, lw=0, zorder=0)
    axes.axhline(0.0, color=_INK, lw=1.0, zorder=1)
    axes.axhline(scale.chemical_accuracy, color=_BAND, lw=1.1, ls=":", zorder=1)
    known = np.isfinite(errors)
    axes.plot(scan.path.along()[known], errors[known], color=_STATES[0], lw=1.0, zorder=3)
    _draw_points(axes, scan, errors, state=0, label=f"{solver_label(scan)} − exact")
    axes.set_ylim(bottom, top)
    _label_accuracy(axes, scan.path.along()[known], errors[known], scale)
    axes.set_ylabel(f"error ({scale.unit})", fontsize=10.5, color=_INK)


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
        color=_BAND_INK,
    )


def _draw_points(axes: Axes, scan: Scan, values: FloatArray, *, state: int, label: str) -> None:
    """Draw one series: filled where the solver converged, hollow where it had not."""
    converged = np.array([status == CONVERGED for status in scan.statuses])
    color, marker = _STATES[state % len(_STATES)], _MARKERS[state % len(_MARKERS)]
    shared: dict[str, Any] = {
        "ls": "none",
        "marker": marker,
        "ms": 5.5,
        "mec": color,
        "mew": 1.3,
        "zorder": 4,
    }
    for mask, face, text in (
        (converged, color, label),
        (~converged, "white", f"{label} (not converged)"),
    ):
        shown = mask & np.isfinite(values)
        if shown.any():
            axes.plot(scan.path.along()[shown], values[shown], mfc=face, label=text, **shared)


def _mark_failures(axes: Axes, scan: Scan) -> None:
    failed = np.array([result is not None and result.failed for result in scan.results])
    if failed.any():
        x = scan.path.along()[failed]
        axes.plot(
            x,
            np.full(x.shape, 0.04),
            ls="none",
            marker="x",
            ms=6,
            mew=1.6,
            color=_STATES[1],
            label="failed",
            transform=axes.get_xaxis_transform(),
            zorder=5,
        )


def _style(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.tick_params(colors=_INK, labelsize=9.5, length=3.5)
    axes.grid(axis="y", color="#E6E6E6", lw=0.7)
    axes.set_axisbelow(True)


def _write_texts(figure: Figure, scan: Scan, caption: str) -> None:
    height = figure.get_figheight()
    left = figure.axes[0].get_position().x0
    first, second = (scan.title, heading(scan)) if scan.title else (heading(scan), "")
    plain: dict[str, Any] = {"parse_math": False}  # the user's words: a dollar is a dollar
    style: dict[str, Any] = {"fontsize": 12.5, "weight": "bold", "color": _INK, "va": "top"}
    figure.text(left, 1 - 0.17 / height, first, **style, **plain)
    if second:
        style = {"fontsize": 9.5, "color": _FAINT, "va": "top"}
        figure.text(left, 1 - 0.42 / height, second, **style, **plain)
    if caption:
        style = {"fontsize": 9, "color": _INK, "va": "bottom", "linespacing": 1.25}
        figure.text(left, 0.09 / height, caption, **style, **plain)
