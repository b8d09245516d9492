"""The page every figure is on: colours, title and caption, and what marks a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.report.labels import heading
from qmlmat.surfaces import Scan
from qmlmat.surfaces.facts import is_unmatched
from qmlmat.surfaces.surface import FINISHED
from qmlmat.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as Ruler
    from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart with every kind of colour vision: https://jfly.uni-koeln.de/color/
STATES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS: Final = ("o", "s", "^", "D", "v", "P")
INK: Final = "#222222"
FAINT: Final = "#767676"
BAND: Final = "#009E73"
BAND_INK: Final = "#006B4E"
ALERT: Final = "#D55E00"

WIDTH: Final = 7.4  # inches: a page's text width
_RIGHT: Final = 0.985  # fraction of the width at which texts end
_CAPTION: Final = 9.0  # points: size of the caption
_SIZES: Final = (12.5, 11.5, 10.5, 9.5, 8.5, 7.5)  # points: a heading takes the largest that fits
_HINTING: Final = 1.04  # at 100 dots per inch letters are wider, as each begins on a whole dot
_LINE: Final = 0.17  # inches: height of a line of the caption
_STEPS: Final = (1, 2, 5, 10, 15, 30, 45, 90)  # degrees between ticks


@dataclass(frozen=True, kw_only=True)
class Page:
    """A figure with its title and caption written, and the room left between them."""

    figure: Figure
    """The figure."""

    top: float
    """Upper end of the room (fraction of the height)."""

    bottom: float
    """Lower end of the room, above the labels below it (fraction of the height)."""


def new_page(scan: Scan, height: float, caption: str, *, left: float = 0.115) -> Page:
    """Return a figure with title and caption, and ``height`` inches for axes between them.

    Args:
        scan: What the figure is of.
        height: Height of the axes (inches); the labels below them come on top of it.
        caption: Sentences below.
        left: Where title and caption begin (fraction of the width).
    """
    lines = (scan.title, heading(scan)) if scan.title else (heading(scan), "")
    return titled_page(lines, height, caption, left=left)


def titled_page(
    lines: tuple[str, str], height: float, caption: str, *, left: float = 0.115
) -> Page:
    """Return a figure with a title, a line below it, which may be empty, and a caption.

    Args:
        lines: The title and the line below it.
        height: Height of the axes (inches); the labels below them come on top of it.
        caption: Sentences below.
        left: Where title and caption begin (fraction of the width).
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - no global state, no display

    text = _filled(caption, 72 * WIDTH * (_RIGHT - left))
    below = 0.12 + _LINE * (text.count("\n") + 1) if text else 0.0
    head, labels = 0.62 if lines[1] else 0.45, 0.55
    total = head + height + labels + below
    figure = Figure(figsize=(WIDTH, total), facecolor="white")
    _write_texts(figure, lines, text, left)
    return Page(figure=figure, top=1 - head / total, bottom=(labels + below) / total)


def _write_texts(figure: Figure, lines: tuple[str, str], caption: str, left: float) -> None:
    height = figure.get_figheight()
    first, second = lines
    plain: dict[str, Any] = {"parse_math": False}  # the user's words: a dollar is a dollar
    room = 72 * WIDTH * (_RIGHT - left)
    style: dict[str, Any] = {"weight": "bold", "color": INK, "va": "top"}
    style["fontsize"] = _fitting(first, room, weight="bold")
    figure.text(left, 1 - 0.17 / height, first, **style, **plain)
    if second:
        size = min(9.5, _fitting(second, room))
        style = {"fontsize": size, "color": FAINT, "va": "top"}
        figure.text(left, 1 - 0.42 / height, second, **style, **plain)
    if caption:
        style = {"fontsize": _CAPTION, "color": INK, "va": "bottom", "linespacing": 1.25}
        figure.text(left, 0.09 / height, caption, **style, **plain)


def _width(text: str, size: float, weight: str = "normal") -> float:
    """Return how wide a line of text is (points)."""
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415
    from matplotlib.textpath import text_to_path  # noqa: PLC0415

    font = FontProperties(size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return _HINTING * float(width)


def _filled(text: str, room: float) -> str:
    """Return the caption in lines that are at most ``room`` points wide."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer, _CAPTION) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def _fitting(text: str, room: float, weight: str = "normal") -> float:
    """Return the largest size at which a heading is at most ``room`` points wide."""
    fits = [size for size in _SIZES if _width(text, size, weight) <= room]
    return fits[0] if fits else _SIZES[-1]


def set_ticks(ruler: Ruler, scan: Scan, axis: int, *, most: int) -> None:
    """Put ticks at whole frames, and at round angles; other coordinates keep matplotlib's.

    Args:
        ruler: An axis of a figure.
        scan: What the figure is of.
        axis: The path's coordinate along it.
        most: Most steps between ticks.
    """
    from matplotlib.ticker import MaxNLocator, MultipleLocator  # noqa: PLC0415

    one, values = scan.path.axes[axis], scan.path.along(axis)
    if one.name == "frame" and not one.unit:
        ruler.set_major_locator(MaxNLocator(most, integer=True, steps=[1, 2, 5, 10]))
    if one.unit == "degree":
        span = float(np.ptp(values))
        steps = [step for step in _STEPS if 2 * step <= span <= most * step]
        if steps:
            ruler.set_major_locator(MultipleLocator(steps[0]))


def style_axes(axes: Axes) -> None:
    """Give axes the house's spines, ticks and horizontal lines."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=9.5, length=3.5)
    axes.grid(axis="y", color="#E6E6E6", lw=0.7)
    axes.set_axisbelow(True)


def label_style() -> dict[str, Any]:
    """Return how the label of an axis is written; the user's dollars are dollars."""
    return {"fontsize": 10.5, "color": INK, "parse_math": False}


def converged(scan: Scan) -> BoolArray:
    """Return which points have converged, shape ``(n_points,)``."""
    return np.array([status in FINISHED for status in scan.statuses])


def failed(scan: Scan) -> BoolArray:
    """Return which points failed, shape ``(n_points,)``."""
    return np.array([result is not None and result.failed for result in scan.results])


def unmatched(scan: Scan) -> BoolArray:
    """Return which points have other active orbitals than their parents, ``(n_points,)``."""
    return np.array([is_unmatched(result) for result in scan.results])


def ring() -> dict[str, Any]:
    """Return how points whose orbitals could not be matched are ringed."""
    return {"ls": "none", "marker": "s", "ms": 10, "mfc": "none", "mec": ALERT, "mew": 1.4}


def draw_bars(
    axes: Axes, x: FloatArray, values: FloatArray, errors: FloatArray, *, color: str
) -> None:
    """Draw error bars of one standard error where values have one.

    Args:
        axes: Where.
        x: Where the points are, ``(n_points,)``.
        values: The values, ``(n_points,)``.
        errors: Their standard errors, ``(n_points,)``; NaN for none.
        color: Colour of the values.
    """
    shown = np.isfinite(errors) & np.isfinite(values)
    if shown.any():
        bar: dict[str, Any] = {"ls": "none", "ecolor": color, "elinewidth": 1.1, "capsize": 2.5}
        axes.errorbar(x[shown], values[shown], yerr=errors[shown], zorder=3.5, **bar)
