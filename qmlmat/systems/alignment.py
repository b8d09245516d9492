"""One geometry laid onto another as a whole: shifted and turned, never reflected."""

from __future__ import annotations

from typing import Final

import numpy as np

from qmlmat.typing import FloatArray

LINEAR: Final = 1e-9
"""Second moment, as a share of the first, up to which nothing decides the turn about an axis."""

BIAS: Final = 1e-9
"""Share of the identity added then: it keeps atoms on a line, or a single one, as they are."""


def turn_onto(target: FloatArray, positions: FloatArray) -> FloatArray:
    """Return the rotation ``(3, 3)`` that brings positions closest to others, their centres aside.

    Args:
        target: Where to, ``(n_atoms, 3)``.
        positions: What is turned, ``(n_atoms, 3)``, in the same unit.

    References:
        W. Kabsch, Acta Cryst. A 32, 922 (1976), doi:10.1107/S0567739476001873.
    """
    first, second = (x - x.mean(axis=0) for x in (positions, target))
    moments = second.T @ first
    left, values, right = np.linalg.svd(moments)
    if values[1] <= LINEAR * values[0]:
        moments = moments + BIAS * max(values[0], 1.0) * np.eye(3)
        left, _, right = np.linalg.svd(moments)
    proper = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation: FloatArray = left @ proper @ right
    return rotation


def laid_onto(target: FloatArray, positions: FloatArray) -> FloatArray:
    """Return positions shifted and turned as a whole, nearest to ``target``; shapes as given."""
    centred = positions - positions.mean(axis=0)
    laid: FloatArray = centred @ turn_onto(target, positions).T + target.mean(axis=0)
    return laid
