"""Where two rows of numbers come closest or change order, between the points: plain arrays."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.polynomial import Polynomial
from scipy.optimize import brentq

from qmlmat.typing import FloatArray

NEIGHBOURS: Final = 5
"""Points through which a gap is interpolated: the smallest, and two on either side."""


def gap_minimum(x: FloatArray, gaps: FloatArray, smallest: int) -> tuple[float, float]:
    """Return where a gap is smallest near its smallest value, and the gap there.

    The square is interpolated by a polynomial through that value and its neighbours: between two
    states that repel each other it is a parabola, and it is smooth where they cross.

    Args:
        x: Coordinates, ascending, ``(n_points,)``.
        gaps: The gap, ``(n_points,)``; NaN where unknown.
        smallest: The point with the smallest gap, an inner one.
    """
    near = _near(gaps, smallest)
    scale = float(gaps[near].max()) or 1.0
    centre, width = float(x[smallest]), float(np.ptp(x[near])) / 2
    t, square = (x[near] - centre) / width, (gaps[near] / scale) ** 2
    curve = Polynomial.fit(t, square, len(near) - 1).convert()
    low, high = ((x[near[len(near) // 2 + side]] - centre) / width for side in (-1, 1))
    roots = curve.deriv().roots()
    inside = roots.real[(np.abs(roots.imag) < 1e-9) & (low < roots.real) & (roots.real < high)]
    places = np.append(inside, 0.0)  # the point itself
    best = float(places[int(np.argmin(curve(places)))])
    return centre + width * best, scale * float(np.sqrt(max(float(curve(best)), 0.0)))


def _near(values: FloatArray, k: int) -> list[int]:
    """Return the known points around one, as many on both sides: three, or ``NEIGHBOURS``."""
    known = np.flatnonzero(np.isfinite(values)).tolist()
    place = known.index(k)
    reach = min(place, len(known) - 1 - place, NEIGHBOURS // 2)
    return [int(one) for one in known[place - reach : place + reach + 1]]


def dips(gaps: FloatArray, width: float) -> list[int]:
    """Return the inner points whose gap is smaller than both neighbours', and not degenerate."""
    inner = range(1, len(gaps) - 1)
    return [k for k in inner if width < gaps[k] < gaps[k - 1] and gaps[k] < gaps[k + 1]]


def sign_changes(difference: FloatArray, width: float) -> list[tuple[int, int, int]]:
    """Return where a difference changes its sign: both points, and the sign before."""
    found = []
    last: int | None = None
    for k, value in enumerate(difference):
        if not np.isfinite(value):
            last = None
        elif abs(value) > width:
            if last is not None and difference[last] * value < 0:
                found.append((last, k, int(np.sign(difference[last]))))
            last = k
    return found


def meeting(
    x: FloatArray, first: FloatArray, second: FloatArray, interval: tuple[int, int]
) -> tuple[float, float]:
    """Return where two curves meet within an interval, and the first one's value there.

    Both are interpolated by the polynomial through the ends of the interval and the next known
    point on either side.

    Args:
        x: Coordinates, ascending, ``(n_points,)``.
        first: Values of one curve, ``(n_points,)``; NaN where unknown.
        second: Values of the other.
        interval: Two points between which the difference changes its sign.
    """
    before, after = interval
    known = np.arange(max(before - 1, 0), min(after + 2, len(x)))
    known = known[np.isfinite(first[known]) & np.isfinite(second[known])]
    t = (x - x[before]) / (x[after] - x[before])

    def curve(values: FloatArray) -> Polynomial:
        return Polynomial.fit(t[known], values[known], len(known) - 1)

    place = float(brentq(curve(second - first), 0.0, 1.0))
    return float(x[before] + place * (x[after] - x[before])), float(curve(first)(place))
