"""Compiled sigma build: a Hamiltonian applied to real sector vectors.

    H = H_alpha + H_beta + sum (pq|rs) E^alpha_pq E^beta_rs

Rows of the result are made from lanes, which share every index and coefficient: several rows of
the state are copied, transposed, into a buffer ``x[string, lane]``, a sparse one-spin operator
turns it into ``y``, and ``y`` is added to the rows of the result.

- Same spin: sparse one-spin matrices; lanes are consecutive rows (beta) or columns (alpha).
- Mixed, alpha excited: for each pair ``p > q`` the rows that ``E_pq`` or ``E_qp`` connects are
  lanes, on which the beta operator ``sum_rs (pq|rs) E_rs`` acts.
- Mixed, alpha not excited: ``sum_p (pp|rs)`` differs from row to row; it joins the same-spin part
  of beta, with a coefficient for each lane.
"""

from __future__ import annotations

import numba
import numpy as np

from qmlmat.operators.lane_kernels import (
    SQUARE,
    add,
    load,
    multiply,
    multiply_add,
    scale_add,
    store,
    transpose,
    zero,
)


@numba.njit(cache=True, nogil=True)
def _gather(x, states, offsets, signs, n_columns, width):
    """Copy rows into lanes: ``x[column, lane] = signs[lane] * states[offsets[lane] + column]``."""
    count = len(width)
    for lane in range(0, count, 4):
        i, j, m, n = offsets[lane], offsets[lane + 1], offsets[lane + 2], offsets[lane + 3]
        sign = load(SQUARE, signs, lane)
        for column in range(0, n_columns - 3, 4):
            a, b, c, d = transpose(
                load(SQUARE, states, i + column),
                load(SQUARE, states, j + column),
                load(SQUARE, states, m + column),
                load(SQUARE, states, n + column),
            )
            store(x, column * count + lane, multiply(sign, a))
            store(x, (column + 1) * count + lane, multiply(sign, b))
            store(x, (column + 2) * count + lane, multiply(sign, c))
            store(x, (column + 3) * count + lane, multiply(sign, d))
    for column in range(n_columns // 4 * 4, n_columns):
        for lane in range(count):
            x[column * count + lane] = signs[lane] * states[offsets[lane] + column]


@numba.njit(cache=True, nogil=True)
def _scatter(y, image, offsets, n_lanes, n_columns, width):
    """Add lanes to rows: ``image[offsets[lane] + column] += y[column, lane]``."""
    count = len(width)
    for lane in range(0, n_lanes - 3, 4):
        i, j, m, n = offsets[lane], offsets[lane + 1], offsets[lane + 2], offsets[lane + 3]
        for column in range(0, n_columns - 3, 4):
            a, b, c, d = transpose(
                load(SQUARE, y, column * count + lane),
                load(SQUARE, y, (column + 1) * count + lane),
                load(SQUARE, y, (column + 2) * count + lane),
                load(SQUARE, y, (column + 3) * count + lane),
            )
            store(image, i + column, add(a, load(SQUARE, image, i + column)))
            store(image, j + column, add(b, load(SQUARE, image, j + column)))
            store(image, m + column, add(c, load(SQUARE, image, m + column)))
            store(image, n + column, add(d, load(SQUARE, image, n + column)))
    for lane in range(n_lanes):
        first = n_columns // 4 * 4 if lane < n_lanes // 4 * 4 else 0
        for column in range(first, n_columns):
            image[offsets[lane] + column] += y[column * count + lane]


@numba.njit(cache=True, nogil=True)
def _apply_matrix(x, y, columns, values, low, high, width):
    """Write rows of a sparse matrix times ``x``: ``y[row - low] = sum_k values[row, k] x[...]``."""
    count, n_elements = len(width), columns.shape[1]
    for row in range(low, high):
        total = zero(width)
        for k in range(n_elements):
            total = scale_add(values[row, k], load(width, x, columns[row, k] * count), total)
        store(y, (row - low) * count, total)


@numba.njit(cache=True, nogil=True)
def _apply_singles(x, y, singles, codes, table, diagonal, width):
    """Write ``y[row] = diagonal[row] x[row] + sum_k table[codes[row, k]] x[singles[row, k]]``."""
    count, (n_rows, n_singles) = len(width), singles.shape
    for row in range(n_rows):
        total = scale_add(diagonal[row], load(width, x, row * count), zero(width))
        for k in range(n_singles):
            place = singles[row, k] * count
            total = scale_add(table[codes[row, k]], load(width, x, place), total)
        store(y, row * count, total)


@numba.njit(cache=True, nogil=True)
def _add_fields(x, y, singles, codes, fields, occupied, width):
    """Add single excitations whose coefficients differ between lanes to ``y``."""
    count, (n_rows, n_singles) = len(width), singles.shape
    for row in range(n_rows):
        total, diagonal = load(width, y, row * count), zero(width)
        for k in range(occupied.shape[1]):
            p = np.intp(occupied[row, k])
            diagonal = add(load(width, fields, (p * (p + 3) // 2) * count), diagonal)
        total = multiply_add(diagonal, load(width, x, row * count), total)
        for k in range(n_singles):
            field = load(width, fields, np.intp(codes[row, k]) * count)
            total = multiply_add(field, load(width, x, singles[row, k] * count), total)
        store(y, row * count, total)


@numba.njit(cache=True, nogil=True)
def _beta_part(states, image, low, high, integrals, a_occupied, beta, values, width):
    """Add what leaves the alpha string as it is; lanes are consecutive rows."""
    occupied, singles, codes, columns = beta
    count = len(width)
    n_vectors, n_rows, n_columns = states.shape
    n_pairs, n_lanes = integrals.shape[0], n_vectors * (high - low)
    x, y = np.empty(n_columns * count), np.empty(n_columns * count)
    fields = np.empty(2 * n_pairs * count)
    offsets, signs = np.empty(count, dtype=np.intp), np.ones(count)
    flat, flat_image = states.reshape(states.size), image.reshape(image.size)
    for first in range(0, n_lanes, count):
        fields[:] = 0.0
        for lane in range(count):
            which = min(first + lane, n_lanes - 1)
            row = low + which % (high - low)
            offsets[lane] = (which // (high - low) * n_rows + row) * n_columns
            for k in range(a_occupied.shape[1]):
                p = np.intp(a_occupied[row, k])
                for pair in range(n_pairs):
                    fields[pair * count + lane] += integrals[p * (p + 3) // 2, pair]
        for k in range(n_pairs * count):
            fields[n_pairs * count + k] = -fields[k]
        _gather(x, flat, offsets, signs, n_columns, width)
        _apply_matrix(x, y, columns, values, 0, n_columns, width)
        if a_occupied.shape[1]:
            _add_fields(x, y, singles, codes, fields, occupied, width)
        _scatter(y, flat_image, offsets, min(count, n_lanes - first), n_columns, width)


@numba.njit(cache=True, nogil=True)
def _alpha_part(states, image, low, high, columns, values, width):
    """Add the same-spin alpha part; lanes are consecutive columns."""
    count = len(width)
    n_vectors, n_rows, n_columns = states.shape
    x, y = np.zeros(n_rows * count), np.empty((high - low) * count)
    for v in range(n_vectors):
        for first in range(0, n_columns, count):
            here = min(count, n_columns - first)
            for row in range(n_rows):
                for lane in range(here):
                    x[row * count + lane] = states[v, row, first + lane]
            _apply_matrix(x, y, columns, values, low, high, width)
            for row in range(low, high):
                for lane in range(here):
                    image[v, row, first + lane] += y[(row - low) * count + lane]


@numba.njit(cache=True, nogil=True)
def _mixed_part(states, image, low, high, integrals, lanes, beta, width):
    """Add what excites the alpha string; lanes are the rows one pair of orbitals connects."""
    pair_start, lane_from, lane_to, lane_sign = lanes
    occupied, singles, codes, _ = beta
    count = len(width)
    n_vectors, n_rows, n_columns = states.shape
    n_pairs = integrals.shape[0]
    x, y = np.empty(n_columns * count), np.empty(n_columns * count)
    table, diagonal = np.empty(2 * n_pairs), np.empty(n_columns)
    sources, targets = np.empty(count, dtype=np.intp), np.empty(count, dtype=np.intp)
    signs = np.empty(count)
    flat, flat_image = states.reshape(states.size), image.reshape(image.size)
    for pair in range(n_pairs):
        begin, end = pair_start[pair], pair_start[pair + 1]
        start = begin + np.searchsorted(lane_to[begin:end], low)
        stop = begin + np.searchsorted(lane_to[begin:end], high)
        n_lanes = n_vectors * (stop - start)
        if n_lanes == 0:
            continue
        for k in range(n_pairs):
            table[k], table[n_pairs + k] = integrals[pair, k], -integrals[pair, k]
        for column in range(n_columns):
            diagonal[column] = 0.0
            for k in range(occupied.shape[1]):
                p = np.intp(occupied[column, k])
                diagonal[column] += integrals[pair, p * (p + 3) // 2]
        for first in range(0, n_lanes, count):
            for lane in range(count):
                which = min(first + lane, n_lanes - 1)
                plane, link = which // (stop - start) * n_rows, start + which % (stop - start)
                sources[lane] = (plane + lane_from[link]) * n_columns
                targets[lane] = (plane + lane_to[link]) * n_columns
                signs[lane] = lane_sign[link]
            _gather(x, flat, sources, signs, n_columns, width)
            _apply_singles(x, y, singles, codes, table, diagonal, width)
            _scatter(y, flat_image, targets, min(count, n_lanes - first), n_columns, width)


@numba.njit(cache=True, nogil=True)
def sigma_rows(
    states,
    image,
    low,
    high,
    constant,
    integrals,
    alpha,
    lanes,
    beta,
    alpha_matrix,
    beta_values,
    width,
):
    """Write rows ``low <= row < high`` of the Hamiltonian applied to each of several vectors.

    Args:
        states: Real sector vectors, shape ``(n_vectors, n_alpha_strings, n_beta_strings)``.
        image: The result, shape as ``states``.
        low: First row written.
        high: Row after the last one written.
        constant: Multiple of the identity added (hartree).
        integrals: ``(pq|rs)`` by pairs, shape ``(n_pairs, n_pairs)`` (hartree).
        alpha: Occupied orbitals of the alpha strings, ``(n_alpha_strings, n_alpha)``.
        lanes: ``pair_start, lane_from, lane_to, lane_sign`` of alpha; see ``SpinTables``.
        beta: ``occupied, singles, codes, columns`` of beta.
        alpha_matrix: ``columns, values`` of alpha's same-spin Hamiltonian (hartree).
        beta_values: Values of beta's same-spin Hamiltonian (hartree).
        width: Tuple with as many elements as there are lanes.
    """
    for v in range(states.shape[0]):
        for row in range(low, high):
            for column in range(states.shape[2]):
                image[v, row, column] = constant * states[v, row, column]
    _beta_part(states, image, low, high, integrals, alpha, beta, beta_values, width)
    columns, values = alpha_matrix
    _alpha_part(states, image, low, high, columns, values, width)
    _mixed_part(states, image, low, high, integrals, lanes, beta, width)
