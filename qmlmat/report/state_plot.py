"""Several states in the figure of a scan: followed curves, where they meet, and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from qmlmat.report.labels import error_scale, unit_symbol
from qmlmat.report.style import FAINT, INK, MARKERS, STATES, converged, draw_bars
from qmlmat.surfaces import Scan, avoided_crossings, crossings
from qmlmat.surfaces.continuation import Label
from qmlmat.surfaces.crossings import states_of
from qmlmat.surfaces.facts import curve_names, curve_sets, is_exact, known_of
from qmlmat.typing import FloatArray
from qmlmat.units import hartree_to_ev

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LISTED: Final = 4
"""Crossings that the caption names."""

_DASHES: Final = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
"""Dash of each multiplicity, in the order in which they appear."""


def state_table(scan: Scan, table: FloatArray) -> FloatArray:
    """Return values over states as values over what is drawn: curves where they are followed.

    Args:
        scan: The scan.
        table: Values, ``(n_points, n_states)``.
    """
    return table if scan.curves is None else scan.curves.along(table)


def draw_states(axes: Axes, scan: Scan, x: FloatArray, order: Sequence[int] | None) -> None:
    """Draw each curve with its name: a line where points are joined, and markers.

    Exact energies are pale lines behind. Degenerate curves are drawn as one.

    Args:
        axes: Where.
        scan: A scan of several states.
        x: Where the points are, ``(n_points,)``.
        order: The points in the order in which they are joined; ``None``: they are not.
    """
    names = curve_names(scan)
    energies = state_table(scan, scan.energies)
    exact = state_table(scan, scan.state_references)
    behind = np.isfinite(exact).any() and not is_exact(scan)
    for place, curves in enumerate(curve_sets(scan)):
        style = _style(scan, place, curves[0])
        label = names[curves[0]] if len(curves) == 1 else f"{names[curves[0]]} (×{len(curves)})"
        if behind and order is not None:
            levels = known_of(exact, curves)
            known = [k for k in order if np.isfinite(levels[k])]
            name = "exact in the active space" if place == 0 else "_exact"
            ends: dict[str, Any] = {"lw": 3.2, "color": FAINT, "alpha": 0.35, "zorder": 2}
            axes.plot(x[known], levels[known], label=name, **ends)
        _draw_curve(axes, scan, x, energies[:, curves[0]], order, label=label, style=style)
        bars = state_table(scan, scan.stderr)[:, curves[0]]
        draw_bars(axes, x, energies[:, curves[0]], bars, color=style["color"])


def draw_state_errors(axes: Axes, scan: Scan, x: FloatArray, order: Sequence[int] | None) -> None:
    """Draw the error of each curve, in the colours of ``draw_states``."""
    errors = state_table(scan, scan.state_errors) * error_scale(scan).factor
    for place, curves in enumerate(curve_sets(scan)):
        style = _style(scan, place, curves[0])
        _draw_curve(axes, scan, x, known_of(errors, curves), order, label="_error", style=style)
        bars = state_table(scan, scan.stderr)[:, curves[0]] * error_scale(scan).factor
        draw_bars(axes, x, known_of(errors, curves), bars, color=style["color"])


def draw_meetings(axes: Axes, scan: Scan, table: FloatArray) -> None:
    """Mark crossings by rings, and avoided crossings by bars from one state to the other.

    Args:
        axes: Where.
        scan: A scan of one coordinate whose states are followed.
        table: Energies of its states, ``(n_points, n_states)``.
    """
    if scan.curves is None or scan.path.n_axes != 1:
        return
    met = crossings(scan)
    if met:
        ring: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 10, "mfc": "none", "mec": INK}
        axes.plot(
            [one.coordinate for one in met],
            [one.energy for one in met],
            label="crossing",
            zorder=5,
            mew=1.0,
            **ring,
        )
    x = scan.path.along()
    label = "avoided crossing"
    for one in avoided_crossings(scan):
        index = int(np.argmin(np.abs(x - one.grid_coordinate)))
        label_of = Label(multiplicity=one.multiplicity, irrep=one.irrep)
        states = states_of(scan, label_of, exactly=True)[index, list(one.states)]
        low, high = table[index, states]
        bar: dict[str, Any] = {"color": INK, "lw": 1.2, "ls": ":", "marker": "_", "ms": 7}
        middle = (low + high) / 2
        ends = [middle - one.gap / 2, middle + one.gap / 2]
        axes.plot([one.coordinate] * 2, ends, label=label, zorder=5, **bar)
        label = "_avoided"


def meetings_sentence(scan: Scan) -> str:
    """Return where curves cross, and the smallest gaps where they avoid it; empty where neither."""
    if scan.curves is None or scan.path.n_axes != 1:
        return ""
    names, unit = curve_names(scan), unit_symbol(scan.path.axes[0].unit)
    met = dict.fromkeys(
        f"{names[one.rising[0]]} and {names[one.falling[0]]} at "
        f"{one.coordinate:.3f} {unit}".rstrip()
        for one in crossings(scan)
    )
    to_ev = hartree_to_ev(1.0) if scan.unit == "hartree" else 1.0
    gaps = [
        f"{one.gap * to_ev:.3f} eV at {one.coordinate:.3f} {unit}".rstrip()
        for one in avoided_crossings(scan)
    ]
    return " ".join(
        part for part in (_listed("Crossings", list(met)), _listed("Avoided, gap", gaps)) if part
    )


def _listed(what: str, texts: Sequence[str]) -> str:
    """Return the first few of some texts in a sentence, and how many more there are."""
    if not texts:
        return ""
    more = f", and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return f"{what}: {'; '.join(texts[:_LISTED])}{more}."


def _style(scan: Scan, place: int, curve: int) -> dict[str, Any]:
    """Return colour, marker and dash: spins differ in their dash."""
    label = None if scan.curves is None else scan.curves.labels[curve].multiplicity
    spins = [] if scan.curves is None else [one.multiplicity for one in scan.curves.labels]
    dash = _DASHES[list(dict.fromkeys(spins)).index(label) % len(_DASHES)] if spins else "-"
    n = len(STATES)
    marker = MARKERS[(place + place // n) % len(MARKERS)]
    return {"color": STATES[place % n], "marker": marker, "ls": dash}


def _draw_curve(  # noqa: PLR0913 - one series
    axes: Axes,
    scan: Scan,
    x: FloatArray,
    values: FloatArray,
    order: Sequence[int] | None,
    *,
    label: str,
    style: dict[str, Any],
) -> None:
    """Draw one series, filled where the solver converged and hollow where it had not."""
    places = range(len(x)) if order is None else order
    known = [index for index in places if np.isfinite(values[index])]
    if not known:
        return
    color, done = style["color"], converged(scan)
    marks: dict[str, Any] = {"marker": style["marker"], "ms": 4.5, "mec": color}
    dash = style["ls"] if order is not None else "none"
    face = color if done[known].any() else "white"
    axes.plot(x[known], values[known], color=color, ls=dash, lw=1.1, mfc=face, label=label, **marks)
    hollow = [index for index in known if not done[index]]
    if hollow and face != "white":
        axes.plot(x[hollow], values[hollow], ls="none", mfc="white", label="_open", **marks)
