"""What the sweeps are made of: rotations of pairs, and blocks of lanes copied in and out.

The arrays are those of ``qmlmat.backends.sector_kernels``; the amplitude of a site in a lane stands
in a buffer at ``LANES * site + lane``.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from qmlmat.operators.lane_kernels import (
    SQUARE,
    load,
    multiply,
    multiply_add,
    scale,
    scale_add,
    store,
    total,
    transpose,
    zero,
)

LANES: Final = 8
"""Amplitudes that go through the arithmetic together: a cache line of float64."""

_WIDTH: Final = (0,) * LANES
_NJIT = numba.njit(cache=True, nogil=True)


# ------------------- on the pairs begin..end of one gate


@_NJIT
def rotate(buffer, firsts, seconds, begin, end, cosine, sine):
    """Rotate the pairs of one buffer."""
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        x, y = load(_WIDTH, buffer, i), load(_WIDTH, buffer, j)
        store(buffer, i, scale_add(-sine, y, scale(cosine, x)))
        store(buffer, j, scale_add(sine, x, scale(cosine, y)))


@_NJIT
def bracket(bra, ket, firsts, seconds, begin, end):
    """Return ``<bra| G |ket>``."""
    plus, minus = zero(_WIDTH), zero(_WIDTH)
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        plus = multiply_add(load(_WIDTH, bra, j), load(_WIDTH, ket, i), plus)
        minus = multiply_add(load(_WIDTH, bra, i), load(_WIDTH, ket, j), minus)
    return total(plus) - total(minus)


@_NJIT
def bracket_and_rotate(bra, ket, firsts, seconds, begin, end, cosine, sine):
    """Return ``<bra| G |ket>`` and rotate both."""
    plus, minus = zero(_WIDTH), zero(_WIDTH)
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        x, y = load(_WIDTH, ket, i), load(_WIDTH, ket, j)
        u, v = load(_WIDTH, bra, i), load(_WIDTH, bra, j)
        plus, minus = multiply_add(v, x, plus), multiply_add(u, y, minus)
        store(ket, i, scale_add(-sine, y, scale(cosine, x)))
        store(ket, j, scale_add(sine, x, scale(cosine, y)))
        store(bra, i, scale_add(-sine, v, scale(cosine, u)))
        store(bra, j, scale_add(sine, u, scale(cosine, v)))
    return total(plus) - total(minus)


@_NJIT
def kick(to, source, firsts, seconds, begin, end, weight):
    """Add ``weight * G source`` to ``to``."""
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        x, y = load(_WIDTH, source, i), load(_WIDTH, source, j)
        store(to, i, scale_add(-weight, y, load(_WIDTH, to, i)))
        store(to, j, scale_add(weight, x, load(_WIDTH, to, j)))


@_NJIT
def norm(buffer, firsts, seconds, begin, end):
    """Return ``<G state | G state>``."""
    squares = zero(_WIDTH)
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        x, y = load(_WIDTH, buffer, i), load(_WIDTH, buffer, j)
        squares = multiply_add(x, x, multiply_add(y, y, squares))
    return total(squares)


# ------------------- blocks of lanes


@_NJIT
def _are_consecutive(starts):
    """Return whether the lanes are neighbours in memory; targets of moves need not be sorted."""
    steps = 0
    for lane in range(1, LANES):
        steps += starts[lane] == starts[lane - 1] + 1
    return steps == LANES - 1


@_NJIT
def _gather_row(state, buffer, starts, signs, sites, begin, end, first_site):
    """Copy one row of every lane into a buffer; lanes with sign 0 become zero."""
    consecutive = _are_consecutive(starts)
    every = load(_WIDTH, signs, 0)
    k = begin
    while k < end:
        at, to = sites[k], LANES * (first_site + k - begin)
        if consecutive:
            store(buffer, to, multiply(every, load(_WIDTH, state, starts[0] + at)))
            k += 1
        elif k + 3 < end and sites[k + 3] == at + 3:
            for half in range(0, LANES, 4):
                a, b, c, d = transpose(
                    load(SQUARE, state, starts[half] + at),
                    load(SQUARE, state, starts[half + 1] + at),
                    load(SQUARE, state, starts[half + 2] + at),
                    load(SQUARE, state, starts[half + 3] + at),
                )
                sign = load(SQUARE, signs, half)
                store(buffer, to + half, multiply(sign, a))
                store(buffer, to + half + LANES, multiply(sign, b))
                store(buffer, to + half + 2 * LANES, multiply(sign, c))
                store(buffer, to + half + 3 * LANES, multiply(sign, d))
            k += 4
        else:
            for lane in range(LANES):
                buffer[to + lane] = signs[lane] * state[starts[lane] + at]
            k += 1


@_NJIT
def _scatter_row(state, buffer, starts, signs, sites, begin, end, first_site):
    """Copy a buffer back to one row of every lane whose sign is not 0."""
    full = signs[LANES - 1] != 0.0
    consecutive = full and _are_consecutive(starts)
    every = load(_WIDTH, signs, 0)
    k = begin
    while k < end:
        at, source = sites[k], LANES * (first_site + k - begin)
        if consecutive:
            store(state, starts[0] + at, multiply(every, load(_WIDTH, buffer, source)))
            k += 1
        elif full and k + 3 < end and sites[k + 3] == at + 3:
            for half in range(0, LANES, 4):
                sign = load(SQUARE, signs, half)
                a, b, c, d = transpose(
                    multiply(sign, load(SQUARE, buffer, source + half)),
                    multiply(sign, load(SQUARE, buffer, source + half + LANES)),
                    multiply(sign, load(SQUARE, buffer, source + half + 2 * LANES)),
                    multiply(sign, load(SQUARE, buffer, source + half + 3 * LANES)),
                )
                store(state, starts[half] + at, a)
                store(state, starts[half + 1] + at, b)
                store(state, starts[half + 2] + at, c)
                store(state, starts[half + 3] + at, d)
            k += 4
        else:
            for lane in range(LANES):
                if signs[lane] != 0.0:
                    state[starts[lane] + at] = signs[lane] * buffer[source + lane]
            k += 1


@_NJIT
def find_lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end):
    """Write where the rows of a block's lanes start; lanes past the end repeat, with sign 0."""
    for w in range(LANES):
        which = min(lane + w, end - 1)
        starts[0, w], starts[1, w] = lane_first[which], lane_second[which]
        signs[0, w] = 1.0 if lane + w < end else 0.0
        signs[1, w] = lane_sign[which] * signs[0, w]


@_NJIT
def gather(state, buffer, group, starts, signs, sites):
    """Copy a block's amplitudes from the state to a buffer."""
    begin, split, end = group[2], group[3], group[4]
    _gather_row(state, buffer, starts[0], signs[0], sites, begin, split, 0)
    if end > split:
        _gather_row(state, buffer, starts[1], signs[1], sites, split, end, split - begin)


@_NJIT
def scatter(state, buffer, group, starts, signs, sites):
    """Copy a block's amplitudes back to the state."""
    begin, split, end = group[2], group[3], group[4]
    _scatter_row(state, buffer, starts[0], signs[0], sites, begin, split, 0)
    if end > split:
        _scatter_row(state, buffer, starts[1], signs[1], sites, split, end, split - begin)


@_NJIT
def share(group, part, n_parts):
    """Return the first and the last lane of one part's blocks of a group."""
    n_lanes = group[1] - group[0]
    n_blocks = (n_lanes + LANES - 1) // LANES
    first = group[0] + LANES * (part * n_blocks // n_parts)
    last = group[0] + LANES * ((part + 1) * n_blocks // n_parts)
    return first, min(last, group[1])


@_NJIT
def make_buffers(n_vectors, groups):
    """Return working memory for the group with most sites, ``(n_vectors, n_sites * LANES)``."""
    n_sites = 1
    for group in groups:
        n_sites = max(n_sites, group[4] - group[2])
    return np.empty((n_vectors, n_sites * LANES))


@_NJIT
def turns(angles, groups):
    """Return the cosines and sines of all gates; only those of the groups' gates are filled in."""
    cosines, sines = np.empty(len(angles)), np.empty(len(angles))
    for group in groups:
        for g in range(group[5], group[6]):
            cosines[g], sines[g] = np.cos(angles[g]), np.sin(angles[g])
    return cosines, sines


@_NJIT
def inner(bra, ket):
    """Return the inner product of two flat states of real amplitudes.

    Not the linear-algebra library's: its threads would go on spinning beside those of the sweeps.
    """
    result = zero(_WIDTH)
    whole = len(ket) // LANES * LANES
    for k in range(0, whole, LANES):
        result = multiply_add(load(_WIDTH, bra, k), load(_WIDTH, ket, k), result)
    rest = 0.0
    for k in range(whole, len(ket)):
        rest += bra[k] * ket[k]
    return total(result) + rest
