"""The figure of a training: how wrong the model is at each point, and how the loss fell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.report.plots import check_plot_file, save_figure
from qmlmat.report.style import (
    ALERT,
    FAINT,
    INK,
    MARKERS,
    STATES,
    label_style,
    style_axes,
    titled_page,
)
from qmlmat.units import HARTREE_IN_MILLIHARTREE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from qmlmat.potentials.data import SurfaceData
    from qmlmat.potentials.training import Fit

_HEIGHT: Final = 2.9  # inches
_STAGES: Final = {"adam": "Adam", "lbfgs": "L-BFGS"}


def plot_fit(
    fit: Fit, points: Mapping[str, SurfaceData], file: str | os.PathLike[str], *, title: str = ""
) -> Path:
    """Draw a training and return the file written: errors over energy, and the loss over steps.

    Args:
        fit: What ``fit`` returned.
        points: Points with known energies, by what they are called, e.g. ``"test"``.
        file: Where to write; the ending chooses among PNG, PDF and SVG.
        title: What is written over the figure.

    Raises:
        InputError: If the file has another ending or cannot be written, or there are no points.
    """
    path = check_plot_file(file, call="plot_fit")
    return save_figure(draw_fit(fit, points, title=title), path, call="plot_fit")


def draw_fit(fit: Fit, points: Mapping[str, SurfaceData], *, title: str = "") -> Figure:
    """Return the figure of a training; see ``plot_fit``."""
    if not points:
        raise InputError("plot_fit(points={}): give points with known energies.")
    model = fit.model
    about = f"{''.join(model.symbols)} · {type(model).__name__} · {model.n_weights} weights"
    page = titled_page((title, about) if title else (about, ""), _HEIGHT, _caption(fit))
    room = page.top - page.bottom
    left = page.figure.add_axes((0.115, page.bottom, 0.44, room))
    right = page.figure.add_axes((0.665, page.bottom, 0.32, room))
    _draw_errors(left, fit, points)
    _draw_history(right, fit)
    return page.figure


def _draw_errors(axes: Axes, fit: Fit, points: Mapping[str, SurfaceData]) -> None:
    from qmlmat.potentials.training.errors import predicted  # noqa: PLC0415 - rarely needed

    lowest = min(float(data.energies.min()) for data in points.values())
    for number, (name, data) in enumerate(points.items()):
        known = data.energies[:, : fit.model.n_states]
        found, _ = predicted(fit.model, data, forces=False)
        axes.plot(
            (known - lowest).ravel() * HARTREE_IN_MILLIHARTREE,
            (found - known).ravel() * HARTREE_IN_MILLIHARTREE,
            ls="none",
            marker=MARKERS[number % len(MARKERS)],
            ms=3.2,
            color=STATES[number % len(STATES)],
            alpha=0.75,
            mew=0,
            label=f"{name} ({len(data)})",
        )
    axes.axhline(0.0, color=FAINT, lw=0.8)
    style_axes(axes)
    axes.set_xlabel("Energy above the lowest (mHa)", **label_style())
    axes.set_ylabel("Predicted − known (mHa)", **label_style())
    axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)


def _draw_history(axes: Axes, fit: Fit) -> None:
    steps = [step.step for step in fit.history]
    axes.plot(steps, [step.loss for step in fit.history], color=STATES[0], lw=1.2, label="train")
    held_out = [np.nan if s.validation is None else s.validation for s in fit.history]
    if np.isfinite(held_out).any():
        axes.plot(steps, held_out, color=STATES[1], lw=1.2, ls="--", label="validation")
    axes.axvline(fit.best.step, color=ALERT, lw=0.8, ls=":")
    # A likelihood has either sign; a mean square is read on a logarithmic scale.
    if min(step.loss for step in fit.history) > 0:
        axes.set_yscale("log")
    style_axes(axes)
    axes.set_xlabel("Step", **label_style())
    axes.set_ylabel("Loss", **label_style())
    axes.legend(frameon=False, fontsize=8.5, labelcolor=INK)


def _caption(fit: Fit) -> str:
    stages = [_STAGES[name] for name in _STAGES if any(s.stage == name for s in fit.history)]
    how = f"{', then '.join(stages)}: " if stages else ""
    return (
        f"{how}{fit.history[-1].step} steps, {fit.status}. The dotted line marks the step whose "
        "weights were kept."
    )
