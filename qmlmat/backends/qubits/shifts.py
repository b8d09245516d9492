"""Shift rules: derivatives of expectations from expectations at shifted angles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qmlmat.errors import InputError
from qmlmat.typing import FloatArray


@dataclass(frozen=True, eq=False)
class ShiftRule:
    """``dE/dx = sum_k weights[k] E(x + shifts[k])``, exact for the frequencies it was made for."""

    shifts: FloatArray
    """Shifts of the angle, shape ``(n_shifts,)`` (radians)."""
    weights: FloatArray
    """Weight of each, shape ``(n_shifts,)`` (per radian)."""


def shift_rule(frequencies: Sequence[float]) -> ShiftRule:
    """Return the rule with fewest evaluations for an angle.

    Args:
        frequencies: Positive multiples ``w, 2 w, ..., R w`` of one frequency (per radian): of an
            excitation 1 and 2, so that the familiar two-term rule would be wrong.

    Raises:
        InputError: If the frequencies are not such multiples.

    References:
        D. Wierichs, J. Izaac, C. Wang, C. Y.-Y. Lin, Quantum 6, 677 (2022),
        doi:10.22331/q-2022-03-30-677.

    Example:
        >>> shift_rule((1.0,)).weights
        array([ 0.5, -0.5])
        >>> len(shift_rule((1.0, 2.0)).shifts)
        4
    """
    order = len(frequencies)
    if not order:
        return ShiftRule(np.zeros(0), np.zeros(0))
    unit = min(frequencies)
    expected = unit * np.arange(1, order + 1)
    if unit <= 0 or not np.allclose(sorted(frequencies), expected, rtol=1e-12, atol=0.0):
        raise InputError(
            f"shift_rule(frequencies={tuple(frequencies)}): not multiples w, 2w, ..., Rw of one "
            "frequency. Give each gate an angle of its own."
        )
    number = np.arange(1, 2 * order + 1)
    shifts = (2 * number - 1) * math.pi / (2 * order)
    weights = (-1.0) ** (number - 1) * unit / (4 * order * np.sin(shifts / 2) ** 2)
    return ShiftRule(np.where(shifts > math.pi, shifts - 2 * math.pi, shifts) / unit, weights)
