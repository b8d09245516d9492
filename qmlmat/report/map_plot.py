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
    WIDTH,
    converged,
    failed,
    label_style,
    new_page,
    ring,
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
    return Heights(values=above * (1e3 if small else 1.0), unit="meV" if small else "eV", lowest=lowest)


def minimum_sentence(scan: Scan) -> str:
    """Return where the lowest of the computed points is, and its energy."""
    lowest = heights(scan).lowest
    energy = f"{scan.energies[lowest, 0]:.6f} {scan.unit}"
    return f"Star: the lowest of the computed points, {energy} at {place(scan, lowest)}."


def draw_map(scan: Scan) -> Figure:
    """Return maps of the energy above its minimum and, with a reference, of the error.

    A grid is drawn as filled contours with the computed points as dots; points that form none are
    coloured dots. The error has a colour scale of its own.
    """
    has_errors = has_comparison(scan)
    caption = " ".join(part for part in (minimum_sentence(scan), explanation(scan)) if part)
    height = 3.0 if has_errors else 4.4
    page = new_page(scan, height, caption, left=0.085)
    n_panels = 2 if has_errors else 1
    wide = 0.89 if has_errors else 0.76
    grid = page.figure.add_gridspec(
        1, n_panels, left=0.085, right=0.085 + wide, top=page.top - 0.26 / page.figure.get_figheight(),
        bottom=page.bottom, wspace=0.42,
    )
    above = heights(scan)
    axes = page.figure.add_subplot(grid[0])
    shown = _draw_panel(axes, scan, above.values, _levels(above.values), "viridis")
    _bar(page.figure, axes, shown, f"energy above minimum ({above.unit})")
    _mark_points(axes, scan, above.lowest)
    if has_errors:
        scale = error_scale(scan)
        axes = page.figure.add_subplot(grid[1])
        errors = scan.errors * scale.factor
        shown = _draw_panel(axes, scan, errors, *_error_levels(errors))
        _bar(page.figure, axes, shown, f"error ({scale.unit})")
        _draw_accuracy(axes, scan, errors, scale.chemical_accuracy)
        _mark_points(axes, scan, None)
    return page.figure
