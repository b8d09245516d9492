"""The figure of an absorption spectrum: its lines, and the curve they make when broadened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.properties import AbsorptionSpectrum, BroadenedSpectrum, LineShape, Transition
from qmlmat.report.plots import check_plot_file, save_figure
from qmlmat.report.spectrum_table import spectrum_heading
from qmlmat.report.style import FAINT, INK, STATES, label_style, style_axes, titled_page
from qmlmat.units import EV_NANOMETRE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DARK: Final = 1e-4
"""Oscillator strength below which a line is a mark on the axis."""

NAMED: Final = 0.02
"""Share of the strongest line from which a line has its term written over it."""

_HEIGHT: Final = 3.4  # inches
_ROOM: Final = 1.22  # height of the panel, of its highest line
_APART: Final = 0.035  # least distance of two terms (fraction of the width)
_LENGTHS: Final = (20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 700, 1000, 2000)


def plot_spectrum(
    spectrum: AbsorptionSpectrum,
    file: str | os.PathLike[str],
    *,
    width: float = 0.3,
    shape: LineShape = "gaussian",
    title: str = "",
) -> Path:
    """Draw a spectrum and return the file written: lines, and the curve they make.

    Args:
        spectrum: The spectrum.
        file: Where to write; the ending chooses among PNG, PDF and SVG.
        width: Full width at half maximum of each line (eV); a choice, not a result.
        shape: ``"gaussian"`` or ``"lorentzian"``.
        title: What is written over the figure.

    Raises:
        InputError: If the file has another ending or cannot be written, if no line goes upwards, or
            if there is no such width or shape.
    """
    path = check_plot_file(file, call="plot_spectrum")
    figure = draw_spectrum(spectrum, width=width, shape=shape, title=title)
    return save_figure(figure, path, call="plot_spectrum")


def draw_spectrum(
    spectrum: AbsorptionSpectrum,
    *,
    width: float = 0.3,
    shape: LineShape = "gaussian",
    title: str = "",
) -> Figure:
    """Return the figure of a spectrum; see ``plot_spectrum``."""
    lines = [line for line in spectrum.transitions if line.energy > 0]
    if not lines:
        raise InputError(
            "plot_spectrum(spectrum): no line goes upwards from the initial state. Ask for more "
            "states, or take initial=0."
        )
    curve = spectrum.broadened(width=width, shape=shape)
    heading = spectrum_heading(spectrum)
    head = (title, heading) if title else (heading, "")
    page = titled_page(head, _HEIGHT, _caption(lines, curve))
    room = page.top - page.bottom
    axes = page.figure.add_axes((0.115, page.bottom, 0.785, room - 0.1))
    _draw_curve(axes, curve)
    _draw_lines(axes, lines, curve)
    return page.figure


def _caption(lines: list[Transition], curve: BroadenedSpectrum) -> str:
    name = curve.shape.capitalize()
    text = (
        f"Vertical lines: oscillator strengths at fixed nuclei. Curve: {name}s of {curve.width:g} "
        "eV full width at half maximum, a width that is chosen, not computed."
    )
    n_dark = sum(line.oscillator_strength < DARK for line in lines)
    if n_dark:
        text += f" Grey ticks: dark transitions, of strength below {DARK:.4f}."
    return text


def _draw_curve(axes: Axes, curve: BroadenedSpectrum) -> None:
    right = axes.twinx()
    style_axes(right)
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    right.spines["right"].set_color(FAINT)
    right.spines["left"].set_visible(False)
    values = curve.absorptivity / 1e3
    right.fill_between(curve.energies, values, color=STATES[0], alpha=0.13, lw=0)
    right.plot(curve.energies, values, color=STATES[0], lw=1.6)
    right.set_ylim(0, _ROOM * max(float(values.max()), 1e-6))
    right.set_ylabel("absorptivity (10³ L mol⁻¹ cm⁻¹)", **label_style() | {"color": STATES[0]})
    right.tick_params(axis="y", colors=STATES[0])


def _draw_lines(axes: Axes, lines: list[Transition], curve: BroadenedSpectrum) -> None:
    style_axes(axes)
    axes.grid(visible=False)
    axes.set_zorder(2)  # lines over the curve of the right-hand axis
    axes.patch.set_visible(False)
    low, high = float(curve.energies[0]), float(curve.energies[-1])
    strongest = max(*(line.oscillator_strength for line in lines), DARK)
    axes.set_xlim(low, high)
    axes.set_ylim(0, _ROOM * strongest)
    bright = [line for line in lines if line.oscillator_strength >= DARK]
    dark = [line.energy for line in lines if line.oscillator_strength < DARK]
    axes.vlines(
        [line.energy for line in bright],
        0,
        [line.oscillator_strength for line in bright],
        color=INK,
        lw=2.0,
    )
    tick: dict[str, Any] = {"ls": "none", "marker": "|", "ms": 9, "mew": 1.3, "color": FAINT}
    axes.plot(dark, np.zeros(len(dark)), clip_on=False, zorder=5, **tick)
    _write_terms(axes, [one for one in bright if one.oscillator_strength >= NAMED * strongest])
    axes.set_xlabel("excitation energy (eV)", **label_style())
    axes.set_ylabel("oscillator strength", **label_style())
    _wavelengths(axes, low, high)


def _write_terms(axes: Axes, lines: list[Transition]) -> None:
    """Write each line's term over it; where two would meet, over the stronger one."""
    low, high = axes.get_xlim()
    taken: list[float] = []
    for line in sorted(lines, key=lambda one: -one.oscillator_strength):
        length = max(len(line.label), 4) * _APART / 2
        if all(abs(line.energy - other) > length * (high - low) for other in taken):
            taken.append(line.energy)
            axes.annotate(
                line.label,
                xy=(line.energy, line.oscillator_strength),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                color=INK,
                parse_math=False,
            )


def _wavelengths(axes: Axes, low: float, high: float) -> None:
    """Put the wavelengths on the upper edge."""
    top = axes.twiny()
    style_axes(top)
    top.grid(visible=False)
    top.spines["top"].set_visible(True)
    top.spines["top"].set_color(FAINT)
    top.set_xlim(low, high)
    shown: list[tuple[float, int]] = []
    for length in _LENGTHS:  # from the right, with room for each number
        place = EV_NANOMETRE / length
        if low <= place <= high and all(abs(place - at) > 0.06 * (high - low) for at, _ in shown):
            shown.append((place, length))
    top.set_xticks([at for at, _ in shown], [str(length) for _, length in shown])
    top.set_xlabel("wavelength (nm)", **label_style())
