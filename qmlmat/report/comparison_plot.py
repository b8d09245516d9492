"""The figure of a comparison: learning curves with their spread, and predictions beside labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.report.plots import check_plot_file, save_figure
from qmlmat.report.style import (
    FAINT,
    INK,
    MARKERS,
    STATES,
    label_style,
    style_axes,
    titled_page,
)
from qmlmat.systems.formula import chemical_formula
from qmlmat.units import HARTREE_IN_MILLIHARTREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qmlmat.potentials.comparison import Comparison

_HEIGHT: Final = 3.3  # inches
_ROW: Final = 0.21  # inches: height of a row of the legend
_COLUMNS: Final = 3
_SHOWN: Final = 3
"""Arms in the panel of predictions: more hide each other."""


def plot_comparison(
    comparison: Comparison, file: str | os.PathLike[str], *, title: str = ""
) -> Path:
    """Draw a comparison and return the file written.

    On the left the median RMSE of each arm over the number of training points, with the
    interquartile range over seeds, both on logarithmic scales. On the right the errors of
    predictions over the energy of the test points, of the first arm and the two of lowest error, at
    the largest training set and the first seed.

    Args:
        comparison: The comparison.
        file: Where to write; the ending chooses among PNG, PDF and SVG.
        title: What is written over the figure.

    Raises:
        InputError: If the file has another ending or cannot be written.
    """
    path = check_plot_file(file, call="plot_comparison")
    figure = draw_comparison(comparison, title=title)
    return save_figure(figure, path, call="plot_comparison")


def draw_comparison(comparison: Comparison, *, title: str = "") -> Figure:
    """Return the figure of a comparison; see ``plot_comparison``."""
    formula = chemical_formula(comparison.splits.test.symbols)
    test, seeds = len(comparison.splits.test), len(comparison.seeds)
    below = (
        f"{formula} · {test} test points · {seeds} seeds, the same training sets and budget for "
        "every arm"
    )
    head = (title, below) if title else (below, "")
    legend = 0.15 + _ROW * -(-len(comparison.arms) // _COLUMNS)
    page = titled_page(head, _HEIGHT + legend, "")
    height = (page.top - page.bottom) * _HEIGHT / (_HEIGHT + legend)
    left = page.figure.add_axes((0.115, page.bottom, 0.365, height))
    right = page.figure.add_axes((0.595, page.bottom, 0.385, height))
    _draw_curves(left, comparison)
    _draw_errors(right, comparison)
    page.figure.legend(
        *left.get_legend_handles_labels(),
        loc="upper left",
        bbox_to_anchor=(0.1, page.top + 0.015),
        ncols=_COLUMNS,
        fontsize=9,
        frameon=False,
        labelcolor=INK,
    )
    return page.figure


def _style(index: int) -> dict[str, Any]:
    return {"color": STATES[index % len(STATES)], "marker": MARKERS[index % len(MARKERS)]}


def _draw_curves(axes: Axes, comparison: Comparison) -> None:
    from matplotlib.ticker import LogLocator  # noqa: PLC0415 - loads matplotlib

    for index, arm in enumerate(comparison.arms):
        rows = [comparison.row(arm, size) for size in comparison.sizes]
        known = [(row.size, row.rmse) for row in rows if row.rmse is not None]
        sizes = np.array([size for size, _ in known])
        low, median, high = (
            np.array([getattr(spread, name) for _, spread in known]) * HARTREE_IN_MILLIHARTREE
            for name in ("low", "median", "high")
        )
        style = _style(index)
        dashed = "--" if index else "-"
        axes.plot(sizes, median, ls=dashed, lw=1.5, ms=5, label=arm, **style)
        if len(sizes) > 1:
            axes.fill_between(sizes, low, high, color=style["color"], alpha=0.15, lw=0)
        elif len(sizes):
            bars = [median - low, high - median]
            axes.errorbar(sizes, median, yerr=bars, ls="none", capsize=3, ecolor=style["color"])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(comparison.sizes, [str(size) for size in comparison.sizes])
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    style_axes(axes)
    axes.set_xlabel("training points", **label_style())
    axes.set_ylabel("RMSE on the test set (mHa)", **label_style())


def _draw_errors(axes: Axes, comparison: Comparison) -> None:
    """Draw predicted minus computed energies over computed ones."""
    size, seed = comparison.sizes[-1], comparison.seeds[0]
    test = comparison.splits.test.energies
    axes.axhline(0.0, color=FAINT, lw=0.8)
    for arm in _shown(comparison):
        run = next(run for run in comparison.runs if run.key == (arm, size, seed))
        if run.predictions is None:
            continue
        energies = test[:, : run.predictions.shape[1]]
        above = (energies - test.min()) * HARTREE_IN_MILLIHARTREE
        wrong = (run.predictions - energies) * HARTREE_IN_MILLIHARTREE
        style = _style(comparison.arms.index(arm))
        axes.plot(above.ravel(), wrong.ravel(), ls="none", ms=3, alpha=0.7, mew=0, **style)
    style_axes(axes)
    axes.set_xlabel("energy above the lowest (mHa)", **label_style())
    axes.set_ylabel(f"error with {size} points (mHa)", **label_style())


def _shown(comparison: Comparison) -> list[str]:
    """Return the first arm and the ones of lowest error."""
    first, size = comparison.arms[0], comparison.sizes[-1]
    spreads = {arm: comparison.row(arm, size).rmse for arm in comparison.arms[1:]}
    others = {arm: spread.median for arm, spread in spreads.items() if spread is not None}
    return [first, *sorted(others, key=others.__getitem__)[: _SHOWN - 1]]
