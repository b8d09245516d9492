"""Compiled ``S_+`` and ``S_-`` on sector states, real or complex.

Tables are concatenated over the orbitals ``p``: where the rows that ``a†_(p alpha)`` acts on and
the columns that ``a_(p beta)`` acts on stand, where they go in the sector of one more alpha and
one fewer beta electron, with which signs, and where each orbital's entries begin.
"""

from __future__ import annotations

import numba


@numba.njit(cache=True, nogil=True)
def raise_spin(state, raised, alpha, beta):
    """Add ``sum_p a†_(p alpha) a_(p beta)`` of a state to a vector of the raised sector."""
    rows, to_rows, row_signs, row_begins = alpha
    columns, to_columns, column_signs, column_begins = beta
    for p in range(len(row_begins) - 1):
        for i in range(row_begins[p], row_begins[p + 1]):
            for j in range(column_begins[p], column_begins[p + 1]):
                sign = row_signs[i] * column_signs[j]
                raised[to_rows[i], to_columns[j]] += sign * state[rows[i], columns[j]]


@numba.njit(cache=True, nogil=True)
def lower_spin(raised, state, alpha, beta):
    """Add the adjoint of ``raise_spin`` to a vector of the sector."""
    rows, to_rows, row_signs, row_begins = alpha
    columns, to_columns, column_signs, column_begins = beta
    for p in range(len(row_begins) - 1):
        for i in range(row_begins[p], row_begins[p + 1]):
            for j in range(column_begins[p], column_begins[p + 1]):
                sign = row_signs[i] * column_signs[j]
                state[rows[i], columns[j]] += sign * raised[to_rows[i], to_columns[j]]
