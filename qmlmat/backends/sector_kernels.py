"""Compiled sweeps: every gate is a plane rotation of pairs of real amplitudes.

With ``G`` the gate's generator on real amplitudes (real and imaginary parts count as two), the
pair ``(x, y)`` of a table stands for ``G x = y``, ``G y = -x``, and the gate for

    x' = cos * x - sin * y        y' = cos * y + sin * x

Gates that follow one another and touch the same rows (or pairs of rows) of the state form a
*group*. A group is swept in blocks of ``LANES`` rows, *lanes*: a block's amplitudes are copied to
a small buffer with the lane innermost, all gates of the group act there as vector instructions,
and the block is copied back. Blocks are independent, so threads share them.

The flat arrays every sweep takes, made by ``qmlmat.backends.sector_program``:

- ``groups``, shape ``(n_groups, 7)``: begin and end of the group's lanes; begin, split and end of
  its sites; begin and end of its gates;
- ``lane_first, lane_second, lane_sign``: where a lane's two rows start in the state, and the
  factor of the second;
- ``sites``: where a row's amplitudes stand; up to the split in the first row, then in the second;
- ``gates``, shape ``(n_gates, 2)``: begin and end of each gate's pairs;
- ``firsts, seconds``: the pairs, as sites counted within the group.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from qmlmat.operators.barrier_kernels import meet
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


# ------------------------------------------------------------------------- on one gate's pairs
# Buffers are flat, ``buffer[LANES * site + lane]``; each function loops over the pairs begin..end.


@_NJIT
def _rotate(buffer, firsts, seconds, begin, end, cosine, sine):
    """Rotate the pairs of one buffer."""
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        x, y = load(_WIDTH, buffer, i), load(_WIDTH, buffer, j)
        store(buffer, i, scale_add(-sine, y, scale(cosine, x)))
        store(buffer, j, scale_add(sine, x, scale(cosine, y)))


@_NJIT
def _bracket(bra, ket, firsts, seconds, begin, end):
    """Return ``<bra| G |ket>``."""
    plus, minus = zero(_WIDTH), zero(_WIDTH)
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        plus = multiply_add(load(_WIDTH, bra, j), load(_WIDTH, ket, i), plus)
        minus = multiply_add(load(_WIDTH, bra, i), load(_WIDTH, ket, j), minus)
    return total(plus) - total(minus)


@_NJIT
def _bracket_and_rotate(bra, ket, firsts, seconds, begin, end, cosine, sine):
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
def _kick(to, source, firsts, seconds, begin, end, weight):
    """Add ``weight * G source`` to ``to``."""
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        x, y = load(_WIDTH, source, i), load(_WIDTH, source, j)
        store(to, i, scale_add(-weight, y, load(_WIDTH, to, i)))
        store(to, j, scale_add(weight, x, load(_WIDTH, to, j)))


@_NJIT
def _norm(buffer, firsts, seconds, begin, end):
    """Return ``<G state | G state>``."""
    squares = zero(_WIDTH)
    for pair in range(begin, end):
        i, j = LANES * np.intp(firsts[pair]), LANES * np.intp(seconds[pair])
        x, y = load(_WIDTH, buffer, i), load(_WIDTH, buffer, j)
        squares = multiply_add(x, x, multiply_add(y, y, squares))
    return total(squares)


# ------------------------------------------------------------------------------ blocks of lanes


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
def _lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end):
    """Write where the rows of a block's lanes start; lanes past the end repeat, with sign 0."""
    for w in range(LANES):
        which = min(lane + w, end - 1)
        starts[0, w], starts[1, w] = lane_first[which], lane_second[which]
        signs[0, w] = 1.0 if lane + w < end else 0.0
        signs[1, w] = lane_sign[which] * signs[0, w]


@_NJIT
def _gather(state, buffer, group, starts, signs, sites):
    begin, split, end = group[2], group[3], group[4]
    _gather_row(state, buffer, starts[0], signs[0], sites, begin, split, 0)
    if end > split:
        _gather_row(state, buffer, starts[1], signs[1], sites, split, end, split - begin)


@_NJIT
def _scatter(state, buffer, group, starts, signs, sites):
    begin, split, end = group[2], group[3], group[4]
    _scatter_row(state, buffer, starts[0], signs[0], sites, begin, split, 0)
    if end > split:
        _scatter_row(state, buffer, starts[1], signs[1], sites, split, end, split - begin)


@_NJIT
def _share(group, part, n_parts):
    """Return the first and the last lane of one part's blocks of a group."""
    n_lanes = group[1] - group[0]
    n_blocks = (n_lanes + LANES - 1) // LANES
    first = group[0] + LANES * (part * n_blocks // n_parts)
    last = group[0] + LANES * ((part + 1) * n_blocks // n_parts)
    return first, min(last, group[1])


@_NJIT
def _buffers(n_vectors, groups):
    """Return working memory for the group with most sites, ``(n_vectors, n_sites * LANES)``."""
    n_sites = 1
    for group in groups:
        n_sites = max(n_sites, group[4] - group[2])
    return np.empty((n_vectors, n_sites * LANES))


@_NJIT
def _turns(angles, groups):
    """Return the cosines and sines of all gates; only those of the groups' gates are filled in."""
    cosines, sines = np.empty(len(angles)), np.empty(len(angles))
    for group in groups:
        for g in range(group[5], group[6]):
            cosines[g], sines[g] = np.cos(angles[g]), np.sin(angles[g])
    return cosines, sines


# --------------------------------------------------------------------------------------- sweeps


@_NJIT
def forward(states, angles, tables, which, part, n_parts, counter):
    """Apply the gates of some groups to each state in place, first gate first.

    Args:
        states: Flat states, shape ``(n_states, size)``.
        angles: Rotation angles of each state, shape ``(n_states, n_gates)`` (radians).
        tables: The program's arrays, see the module's text.
        which: The groups, ``(begin, end)``.
        part: Which share of each group's blocks.
        n_parts: Number of shares.
        counter: Where the threads of the shares meet, see ``meet``.
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    buffer = _buffers(1, groups[which[0] : which[1]])[0]
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    for n in range(len(states)):
        state, angle = states[n], angles[n]
        cosines, sines = _turns(angle, groups[which[0] : which[1]])
        for group in groups[which[0] : which[1]]:
            begin, end = _share(group, part, n_parts)
            for lane in range(begin, end, LANES):
                _lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
                _gather(state, buffer, group, starts, signs, sites)
                for g in range(group[5], group[6]):
                    _rotate(buffer, firsts, seconds, gates[g, 0], gates[g, 1], cosines[g], sines[g])
                _scatter(state, buffer, group, starts, signs, sites)
            meet(counter, n_parts)


@_NJIT
def backward(kets, bras, angles, slopes, tables, which, part, n_parts, counter):
    """Undo the gates of some groups on kets and bras, collecting the adjoint derivatives.

    Where ``ket = U|reference>`` and ``bra = O ket``, entry ``g`` of ``slopes`` grows by this
    part's share of the derivative of ``<O>`` by the angle of gate ``g``,
    ``2 Re <bra_g| G |ket_g>``, both vectors taken just after gate ``g``.

    Args:
        kets: Flat states, shape ``(n_states, size)``.
        bras: Flat states, shape ``(n_states, size)``.
        angles: Rotation angles, shape ``(n_states, n_gates)`` (radians).
        slopes: Derivatives, shape ``(n_states, n_gates)``, added to.
        tables: The program's arrays, see the module's text.
        which: The groups, ``(begin, end)``; walked from the last to the first.
        part: Which share of each group's blocks.
        n_parts: Number of shares.
        counter: Where the threads of the shares meet, see ``meet``.

    References:
        T. Jones, J. Gacon, arXiv:2009.02823 (2020).
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    buffers = _buffers(2, groups[which[0] : which[1]])
    x, y = buffers[0], buffers[1]
    for n in range(len(kets)):
        ket, bra, angle, slope = kets[n], bras[n], angles[n], slopes[n]
        cosines, sines = _turns(angle, groups[which[0] : which[1]])
        for number in range(which[1] - 1, which[0] - 1, -1):
            group = groups[number]
            begin, end = _share(group, part, n_parts)
            for lane in range(begin, end, LANES):
                _lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
                _gather(ket, x, group, starts, signs, sites)
                _gather(bra, y, group, starts, signs, sites)
                for g in range(group[6] - 1, group[5] - 1, -1):
                    slope[g] += 2.0 * _bracket_and_rotate(
                        y, x, firsts, seconds, gates[g, 0], gates[g, 1], cosines[g], -sines[g]
                    )
                _scatter(ket, x, group, starts, signs, sites)
                _scatter(bra, y, group, starts, signs, sites)
            meet(counter, n_parts)


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


@_NJIT
def brackets(bra, ket, values, tables, which, part, n_parts, counter):
    """Add this part's share of ``<bra| G_g |ket>`` to ``values[g]``, without applying any gate.

    Args:
        bra: Flat state, shape ``(size,)``.
        ket: Flat state, shape ``(size,)``.
        values: Shape ``(n_gates,)``, added to.
        tables: The program's arrays, see the module's text.
        which: The groups, ``(begin, end)``.
        part: Which share of each group's blocks.
        n_parts: Number of shares.
        counter: Where the threads of the shares meet, see ``meet``.
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    buffers = _buffers(2, groups[which[0] : which[1]])
    x, y = buffers[0], buffers[1]
    for group in groups[which[0] : which[1]]:
        begin, end = _share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            _lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
            _gather(ket, x, group, starts, signs, sites)
            _gather(bra, y, group, starts, signs, sites)
            for g in range(group[5], group[6]):
                values[g] += _bracket(y, x, firsts, seconds, gates[g, 0], gates[g, 1])
        meet(counter, n_parts)


@_NJIT
def tangent_forward(state, tangent, angles, rates, tables, which, part, n_parts, counter):
    """Apply some groups to a state and to its derivative along ``rates``, in place.

    Args:
        state: Flat state, shape ``(size,)``.
        tangent: Its derivative, shape ``(size,)``.
        angles: Rotation angles, shape ``(n_gates,)`` (radians).
        rates: Change of the angles, shape ``(n_gates,)``.
        tables: The program's arrays, see the module's text.
        which: The groups, ``(begin, end)``.
        part: Which share of each group's blocks.
        n_parts: Number of shares.
        counter: Where the threads of the shares meet, see ``meet``.
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    buffers = _buffers(2, groups[which[0] : which[1]])
    x, y = buffers[0], buffers[1]
    cosines, sines = _turns(angles, groups[which[0] : which[1]])
    for group in groups[which[0] : which[1]]:
        begin, end = _share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            _lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
            _gather(state, x, group, starts, signs, sites)
            _gather(tangent, y, group, starts, signs, sites)
            for g in range(group[5], group[6]):
                first, last = gates[g, 0], gates[g, 1]
                _rotate(x, firsts, seconds, first, last, cosines[g], sines[g])
                _rotate(y, firsts, seconds, first, last, cosines[g], sines[g])
                _kick(y, x, firsts, seconds, first, last, rates[g])
            _scatter(state, x, group, starts, signs, sites)
            _scatter(tangent, y, group, starts, signs, sites)
        meet(counter, n_parts)


@_NJIT
def tangent_backward(vectors, angles, rates, curves, tables, which, part, n_parts, counter):
    """Undo some groups on ket, bra and their derivatives, collecting second derivatives.

    Entry ``g`` of ``curves`` grows by this part's share of the derivative along ``rates`` of
    what ``backward`` collects, ``2 Re (<bra'| G |ket> + <bra| G |ket'>)``.

    Args:
        vectors: Ket, bra, and the derivatives of both, shape ``(4, size)``.
        angles: Rotation angles, shape ``(n_gates,)`` (radians).
        rates: Change of the angles, shape ``(n_gates,)``.
        curves: Shape ``(n_gates,)``, added to.
        tables: The program's arrays, see the module's text.
        which: The groups, ``(begin, end)``; walked from the last to the first.
        part: Which share of each group's blocks.
        n_parts: Number of shares.
        counter: Where the threads of the shares meet, see ``meet``.
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    cosines, sines = _turns(angles, groups[which[0] : which[1]])
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    buffers = _buffers(4, groups[which[0] : which[1]])
    ket, bra, moving_ket, moving_bra = buffers[0], buffers[1], buffers[2], buffers[3]
    for number in range(which[1] - 1, which[0] - 1, -1):
        group = groups[number]
        begin, end = _share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            _lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
            for v in range(4):
                x = vectors[v]
                _gather(x, buffers[v], group, starts, signs, sites)
            for g in range(group[6] - 1, group[5] - 1, -1):
                first, last = gates[g, 0], gates[g, 1]
                _kick(moving_ket, ket, firsts, seconds, first, last, -rates[g])
                _kick(moving_bra, bra, firsts, seconds, first, last, -rates[g])
                # The kicks leave this sum as it is: <bra| G G |ket> enters it twice, with
                # opposite signs.
                curves[g] += 2.0 * (
                    _bracket_and_rotate(
                        moving_bra, ket, firsts, seconds, first, last, cosines[g], -sines[g]
                    )
                    + _bracket_and_rotate(
                        bra, moving_ket, firsts, seconds, first, last, cosines[g], -sines[g]
                    )
                )
            for v in range(4):
                x = vectors[v]
                _scatter(x, buffers[v], group, starts, signs, sites)
        meet(counter, n_parts)


@_NJIT
def metric_backward(
    vectors,
    angles,
    births,
    weights,
    products,
    norms,
    tables,
    which,
    part,
    n_parts,
    counter,
):
    """Undo some groups on a state and on tangent vectors that start at their own gates.

    Tangent ``births[g]`` gains ``weights[g] * G_g state`` as the sweep passes gate ``g`` (none
    where ``births[g]`` is 0). ``products[g, v]`` grows by this part's share of
    ``<G_g state | vector v>`` with the parts of vector ``v`` born at later gates, and
    ``norms[g]`` by that of ``<G_g state | G_g state>``.

    Args:
        vectors: The state, then the tangents, shape ``(1 + n_tangents, size)``.
        angles: Rotation angles, shape ``(n_gates,)`` (radians).
        births: Which vector starts at each gate, shape ``(n_gates,)``; 0 for none.
        weights: Factor of what starts there, shape ``(n_gates,)``.
        products: Shape ``(n_gates, 1 + n_tangents)``, added to.
        norms: Shape ``(n_gates,)``, added to.
        tables: The program's arrays, see the module's text.
        which: The groups, ``(begin, end)``; walked from the last to the first.
        part: Which share of each group's blocks.
        n_parts: Number of shares.
        counter: Where the threads of the shares meet, see ``meet``.
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    cosines, sines = _turns(angles, groups[which[0] : which[1]])
    n_vectors = vectors.shape[0]
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    buffers = _buffers(n_vectors, groups[which[0] : which[1]])
    for number in range(which[1] - 1, which[0] - 1, -1):
        group = groups[number]
        begin, end = _share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            _lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
            for v in range(n_vectors):
                x = vectors[v]
                _gather(x, buffers[v], group, starts, signs, sites)
            for g in range(group[6] - 1, group[5] - 1, -1):
                first, last = gates[g, 0], gates[g, 1]
                norms[g] += _norm(buffers[0], firsts, seconds, first, last)
                for v in range(1, n_vectors):
                    products[g, v] += _bracket(buffers[v], buffers[0], firsts, seconds, first, last)
                for v in range(n_vectors):
                    _rotate(buffers[v], firsts, seconds, first, last, cosines[g], -sines[g])
                if births[g] > 0:
                    _kick(buffers[births[g]], buffers[0], firsts, seconds, first, last, weights[g])
            for v in range(n_vectors):
                x = vectors[v]
                _scatter(x, buffers[v], group, starts, signs, sites)
        meet(counter, n_parts)
