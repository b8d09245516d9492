"""The figure of a grid over two coordinates as a surface in perspective."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.report.labels import axis_label, explanation
from qmlmat.report.map_plot import heights, minimum_sentence, top_level
from qmlmat.report.style import ALERT, INK, converged, label_style, new_page, set_ticks, unmatched
from qmlmat.surfaces import Scan
from qmlmat.typing import FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ELEVATION: Final = 34
"""How far the viewer looks down (degrees)."""

_ASIDE: Final = 55
"""Between the first axis and the direction of the viewer: not along a diagonal (degrees)."""


def draw_surface(scan: Scan) -> Figure:
    """Return the energy above its minimum over the two coordinates of a grid.

    A steep wall is cut off where the levels of the map end; the mesh joins the computed points.
    """
    above = heights(scan)
    top = top_level(above.values)
    values = np.where(above.values <= top, above.values, np.nan)
    n_cut = int((above.values > top).sum())
    cut = f"Cut off above {top:.3g} {above.unit} ({n_cut} points)." if n_cut else ""
    parts = (
        "Corners of the mesh: the computed points.",
        minimum_sentence(scan),
        cut,
        explanation(scan),
    )
    page = new_page(scan, 5.0, " ".join(part for part in parts if part), left=0.085)
    height = page.figure.get_figheight()
    bottom = page.bottom - 0.5 / height  # the labels are inside the box
    axes: Any = page.figure.add_axes(
        (0.06, bottom, 0.86, page.top + 0.06 - bottom), projection="3d"
    )
    x, y = scan.path.along(0), scan.path.along(1)
    shape = scan.path.shape
    axes.plot_surface(
        x.reshape(shape),
        y.reshape(shape),
        values.reshape(shape),
        rstride=1,
        cstride=1,
        cmap="viridis",
        vmin=0.0,
        vmax=top,
        edgecolor="white",
        linewidth=0.3,
        alpha=0.9,
    )
    for mask, label, style in (
        (~converged(scan), "_not converged", {"marker": "o", "ms": 5, "mfc": "white", "mec": INK}),
        (
            unmatched(scan),
            "_orbitals not matched",
            {"marker": "s", "ms": 9, "mfc": "none", "mec": ALERT},
        ),
    ):
        shown = mask & np.isfinite(values)
        if shown.any():
            axes.plot(x[shown], y[shown], values[shown], ls="none", label=label, **style)
    low = above.lowest
    star: dict[str, Any] = {"marker": "*", "ms": 13, "mfc": "white", "mec": INK, "zorder": 9}
    axes.plot(x[[low]], y[[low]], values[[low]], ls="none", label="_minimum", **star)
    axes.set_xlabel(axis_label(scan, 0), labelpad=8, **label_style())
    axes.set_ylabel(axis_label(scan, 1), labelpad=8, **label_style())
    axes.set_zlabel(f"energy above the minimum ({above.unit})", labelpad=6, **label_style())
    set_ticks(axes.xaxis, scan, 0, most=6)
    set_ticks(axes.yaxis, scan, 1, most=6)
    axes.tick_params(labelsize=8.5, colors=INK)
    axes.set_box_aspect((1.0, 1.0, 0.7), zoom=1.0)
    axes.view_init(elev=_ELEVATION, azim=_azimuth(scan, above.values))
    return page.figure


def _azimuth(scan: Scan, values: FloatArray) -> float:
    """Return the direction of the viewer, over the lowest corner, so that it hides least."""
    x, y = (scan.path.along(axis).reshape(scan.path.shape) for axis in (0, 1))
    corners = [(i, j) for i in (0, -1) for j in (0, -1)]
    table = np.nan_to_num(values.reshape(scan.path.shape), nan=np.inf)
    i, j = min(corners, key=lambda corner: table[corner])
    azimuth = _ASIDE if x[i, j] > x[-1 - i, j] else 180 - _ASIDE
    return azimuth if y[i, j] > y[i, -1 - j] else -azimuth
