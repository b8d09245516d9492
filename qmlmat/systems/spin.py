"""The operator ``S^2`` on sector states, real or complex."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from qmlmat.operators.sector import Sector
from qmlmat.systems.planes import checked_state
from qmlmat.typing import IntArray, StateArray


@lru_cache(maxsize=32)
def _raising_tables(norb: int, nelec: tuple[int, int]) -> tuple[tuple[IntArray, ...], ...]:
    """Return, per orbital ``p``, what ``a†_(p alpha) a_(p beta)`` does to the strings.

    Each entry holds ``(rows, columns, to_rows, to_columns, row_signs, column_signs)``: where
    the strings it acts on stand, where they go in the sector of one more alpha and one fewer
    beta electron, and with which sign.
    """
    sector, raised = Sector(norb, nelec), Sector(norb, (nelec[0] + 1, nelec[1] - 1))
    tables = []
    for p in range(norb):
        bit = np.int64(1 << p)
        rows = np.flatnonzero(sector.alpha_strings & bit == 0)
        columns = np.flatnonzero(sector.beta_strings & bit)
        alpha, beta = sector.alpha_strings[rows], sector.beta_strings[columns]
        below = bit - 1
        tables.append(
            (
                rows,
                columns,
                np.searchsorted(raised.alpha_strings, alpha | bit),
                np.searchsorted(raised.beta_strings, beta ^ bit),
                1 - 2 * (np.bitwise_count(alpha & below).astype(np.int64) % 2),
                1 - 2 * (np.bitwise_count(beta & below).astype(np.int64) % 2),
            )
        )
    return tuple(tables)


def apply_spin_square(state: StateArray, norb: int, nelec: tuple[int, int]) -> StateArray:
    """Return ``S^2`` applied to a sector state, as ``S_- S_+ + S_z (S_z + 1)``.

    Args:
        state: Sector vector, shape ``(n_alpha_strings, n_beta_strings)``.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
    """
    sector = Sector(norb, nelec)
    vector = checked_state("apply_spin_square", state, sector).reshape(sector.shape)
    n_alpha, n_beta = sector.nelec
    half = 0.5 * (n_alpha - n_beta)
    image: StateArray = half * (half + 1) * vector
    if n_alpha < norb and n_beta > 0:
        tables = _raising_tables(norb, sector.nelec)
        raised = np.zeros(Sector(norb, (n_alpha + 1, n_beta - 1)).shape, dtype=vector.dtype)
        for rows, columns, to_rows, to_columns, row_signs, column_signs in tables:
            moved = vector[np.ix_(rows, columns)] * row_signs[:, None] * column_signs
            raised[np.ix_(to_rows, to_columns)] += moved
        for rows, columns, to_rows, to_columns, row_signs, column_signs in tables:
            moved = raised[np.ix_(to_rows, to_columns)] * row_signs[:, None] * column_signs
            image[np.ix_(rows, columns)] += moved
    return image.reshape(np.shape(state))


def spin_square(state: StateArray, norb: int, nelec: tuple[int, int]) -> float:
    """Return the expectation of ``S^2`` in a state, which need not be normalised.

    Example:
        >>> spin_square(np.array([[1.0, 0.0], [0.0, 0.0]]), 2, (1, 1))
        0.0
    """
    vector = np.asarray(state).ravel()
    image = apply_spin_square(vector, norb, nelec)
    return float(np.vdot(vector, image).real / np.vdot(vector, vector).real)
