"""Measured points with their error bars, beside the curves of the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.report.labels import error_scale, has_comparison
from qmlmat.report.style import STATES, draw_bars
from qmlmat.surfaces import Scan, band_table
from qmlmat.surfaces.facts import solver_label
from qmlmat.surfaces.measuring import is_flagged
from qmlmat.typing import BoolArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS: Final = (STATES[1], STATES[2], STATES[3])
"""One for each device."""
_MARKERS: Final = ("D", "v", "P")


def check_measured(scan: Scan, measured: Sequence[Scan]) -> None:
    """Refuse measured scans of other points or another unit than a scan's.

    Raises:
        InputError: If they do not belong together.
    """
    for other in measured:
        same = other.path.coordinates.shape == scan.path.coordinates.shape and np.allclose(
            other.path.coordinates, scan.path.coordinates
        )
        if not same or other.unit != scan.unit:
            raise InputError(
                f"plot_scan(measured=[{other!r}]): not of the points of {scan!r}. Give what "
                "scan.measured(...) of this scan returned."
            )


def draw_measured(axes: Axes, x: FloatArray, measured: Sequence[Scan]) -> None:
    """Draw the energies of all states; flagged points are hollow.

    Args:
        axes: Where.
        x: Where the points are, ``(n_points,)``.
        measured: The measured scans.
    """
    for place, one in enumerate(measured):
        _draw_series(
            axes, x, (one.energies, one.stderr), _is_flagged(one), place, solver_label(one)
        )


def draw_measured_errors(axes: Axes, x: FloatArray, measured: Sequence[Scan]) -> None:
    """Draw errors against the exact energies, in the small unit of the scan."""
    for place, one in enumerate(measured):
        scale = error_scale(one).factor
        values = (measured_errors(one), one.stderr * scale)
        _draw_series(
            axes, x, values, _is_flagged(one), place=place, label=f"{solver_label(one)} − exact"
        )


def measured_errors(measured: Scan) -> FloatArray:
    """Return errors of all states, ``(n_points, n_states)``, in the small unit of the scan."""
    table = measured.state_errors if measured.n_states > 1 else measured.errors[:, None]
    return table * error_scale(measured).factor


def measured_ends(measured: Sequence[Scan]) -> list[float]:
    """Return the ends of all error bars around errors, which a panel of errors has to hold."""
    ends = []
    for one in measured:
        if has_comparison(one):
            errors, bars = measured_errors(one), np.nan_to_num(one.stderr) * error_scale(one).factor
            both = np.concatenate([(errors - bars).ravel(), (errors + bars).ravel()])
            ends += both[np.isfinite(both)].tolist()
    return ends


def draw_measured_bands(axes: Axes, measured: Sequence[Scan]) -> None:
    """Draw measured bands along the path, spin by spin."""
    for place, one in enumerate(measured):
        bands, label = band_table(one), solver_label(one)
        for spin, indices in enumerate(bands.indices):
            values = (bands.energies[spin], one.stderr[indices])
            _draw_series(
                axes, bands.lengths, values, _is_flagged(one)[indices], place=place, label=label
            )
            label = "_spin"


def flags_sentence(measured: Sequence[Scan]) -> str:
    """Return a sentence on how many measured points are flagged; empty where none is."""
    flagged = sum(int(_is_flagged(one).sum()) for one in measured)
    if not flagged:
        return ""
    return f"Hollow: {flagged} measured {'point is' if flagged == 1 else 'points are'} flagged."


def _is_flagged(scan: Scan) -> BoolArray:
    return np.array([is_flagged(status) for status in scan.statuses])


def _draw_series(
    axes: Axes,
    x: FloatArray,
    values: tuple[FloatArray, FloatArray],
    flagged: BoolArray,
    *,
    place: int,
    label: str,
) -> None:
    """Draw values ``(n_points, n_states)`` with error bars, one colour for all states."""
    color, marker = _COLORS[place % len(_COLORS)], _MARKERS[place % len(_MARKERS)]
    style: dict[str, Any] = {"ls": "none", "marker": marker, "ms": 4.8, "mec": color, "mew": 1.2}
    for state in range(values[0].shape[1]):
        heights, bars = values[0][:, state], values[1][:, state]
        for mask, face in ((~flagged, color), (flagged, "white")):
            shown = mask & np.isfinite(heights)
            if shown.any():
                axes.plot(x[shown], heights[shown], mfc=face, label=label, zorder=4.5, **style)
                label = "_measured"
        draw_bars(axes, x, heights, bars, color=color)
