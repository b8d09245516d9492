"""States as stacks of real vectors: what real operators act on.

The operators of a molecule are real, so a complex state is two real ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.typing import FloatArray, StateArray


def checked_state(
    call: str, state: ArrayLike, sector: Sector, *, stacked: bool = False
) -> StateArray:
    """Return ``state`` as a contiguous array of float64 or complex128, in its shape.

    Raises:
        InputError: If it has another size.
    """
    array = np.asarray(state)
    stack = stacked and array.ndim == 3 and array.shape[1:] == sector.shape
    if not stack and array.shape not in (sector.shape, (sector.dimension,)):
        several = f" or (n_states, {sector.shape[0]}, {sector.shape[1]})" if stacked else ""
        raise InputError(
            f"{call}(state): shape {array.shape} does not belong to norb={sector.norb}, "
            f"nelec={sector.nelec}. Use shape {sector.shape}{several}."
        )
    return np.ascontiguousarray(array, dtype=np.complex128 if array.dtype.kind == "c" else float)


def real_planes(array: StateArray, sector: Sector) -> FloatArray:
    """Return states as real vectors, shape ``(n_planes, n_alpha_strings, n_beta_strings)``.

    Of complex states all the real parts come first, then all the imaginary parts.
    """
    if array.dtype == np.complex128:
        array = np.stack([array.real, array.imag])
    return array.reshape(-1, *sector.shape)


def joined_planes(planes: FloatArray, like: StateArray) -> StateArray:
    """Return real vectors put together as ``real_planes`` took ``like`` apart."""
    if like.dtype != np.complex128:
        return planes.reshape(like.shape)
    whole = np.empty(like.shape, dtype=np.complex128)
    whole.real, whole.imag = planes.reshape(2, *like.shape)
    result: StateArray = whole
    return result
