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

import numba
import numpy as np

from qmlmat.backends.block_kernels import (
    LANES,
    bracket,
    bracket_and_rotate,
    find_lanes,
    gather,
    kick,
    make_buffers,
    norm,
    rotate,
    scatter,
    share,
    turns,
)
from qmlmat.operators.barrier_kernels import meet

_NJIT = numba.njit(cache=True, nogil=True)


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
    buffer = make_buffers(1, groups[which[0] : which[1]])[0]
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    for n in range(len(states)):
        state, angle = states[n], angles[n]
        cosines, sines = turns(angle, groups[which[0] : which[1]])
        for group in groups[which[0] : which[1]]:
            begin, end = share(group, part, n_parts)
            for lane in range(begin, end, LANES):
                find_lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
                gather(state, buffer, group, starts, signs, sites)
                for g in range(group[5], group[6]):
                    rotate(buffer, firsts, seconds, gates[g, 0], gates[g, 1], cosines[g], sines[g])
                scatter(state, buffer, group, starts, signs, sites)
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
    buffers = make_buffers(2, groups[which[0] : which[1]])
    x, y = buffers[0], buffers[1]
    for n in range(len(kets)):
        ket, bra, angle, slope = kets[n], bras[n], angles[n], slopes[n]
        cosines, sines = turns(angle, groups[which[0] : which[1]])
        for number in range(which[1] - 1, which[0] - 1, -1):
            group = groups[number]
            begin, end = share(group, part, n_parts)
            for lane in range(begin, end, LANES):
                find_lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
                gather(ket, x, group, starts, signs, sites)
                gather(bra, y, group, starts, signs, sites)
                for g in range(group[6] - 1, group[5] - 1, -1):
                    slope[g] += 2.0 * bracket_and_rotate(
                        y, x, firsts, seconds, gates[g, 0], gates[g, 1], cosines[g], -sines[g]
                    )
                scatter(ket, x, group, starts, signs, sites)
                scatter(bra, y, group, starts, signs, sites)
            meet(counter, n_parts)


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
    buffers = make_buffers(2, groups[which[0] : which[1]])
    x, y = buffers[0], buffers[1]
    for group in groups[which[0] : which[1]]:
        begin, end = share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            find_lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
            gather(ket, x, group, starts, signs, sites)
            gather(bra, y, group, starts, signs, sites)
            for g in range(group[5], group[6]):
                values[g] += bracket(y, x, firsts, seconds, gates[g, 0], gates[g, 1])
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
    buffers = make_buffers(2, groups[which[0] : which[1]])
    x, y = buffers[0], buffers[1]
    cosines, sines = turns(angles, groups[which[0] : which[1]])
    for group in groups[which[0] : which[1]]:
        begin, end = share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            find_lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
            gather(state, x, group, starts, signs, sites)
            gather(tangent, y, group, starts, signs, sites)
            for g in range(group[5], group[6]):
                first, last = gates[g, 0], gates[g, 1]
                rotate(x, firsts, seconds, first, last, cosines[g], sines[g])
                rotate(y, firsts, seconds, first, last, cosines[g], sines[g])
                kick(y, x, firsts, seconds, first, last, rates[g])
            scatter(state, x, group, starts, signs, sites)
            scatter(tangent, y, group, starts, signs, sites)
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
    cosines, sines = turns(angles, groups[which[0] : which[1]])
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    buffers = make_buffers(4, groups[which[0] : which[1]])
    ket, bra, moving_ket, moving_bra = buffers[0], buffers[1], buffers[2], buffers[3]
    for number in range(which[1] - 1, which[0] - 1, -1):
        group = groups[number]
        begin, end = share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            find_lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
            for v in range(4):
                x = vectors[v]
                gather(x, buffers[v], group, starts, signs, sites)
            for g in range(group[6] - 1, group[5] - 1, -1):
                first, last = gates[g, 0], gates[g, 1]
                kick(moving_ket, ket, firsts, seconds, first, last, -rates[g])
                kick(moving_bra, bra, firsts, seconds, first, last, -rates[g])
                # The kicks leave this sum as it is: <bra| G G |ket> enters it twice, with
                # opposite signs.
                curves[g] += 2.0 * (
                    bracket_and_rotate(
                        moving_bra, ket, firsts, seconds, first, last, cosines[g], -sines[g]
                    )
                    + bracket_and_rotate(
                        bra, moving_ket, firsts, seconds, first, last, cosines[g], -sines[g]
                    )
                )
            for v in range(4):
                x = vectors[v]
                scatter(x, buffers[v], group, starts, signs, sites)
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
    cosines, sines = turns(angles, groups[which[0] : which[1]])
    n_vectors = vectors.shape[0]
    starts, signs = np.empty((2, LANES), np.intp), np.empty((2, LANES))
    buffers = make_buffers(n_vectors, groups[which[0] : which[1]])
    for number in range(which[1] - 1, which[0] - 1, -1):
        group = groups[number]
        begin, end = share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            find_lanes(starts, signs, lane_first, lane_second, lane_sign, lane, end)
            for v in range(n_vectors):
                x = vectors[v]
                gather(x, buffers[v], group, starts, signs, sites)
            for g in range(group[6] - 1, group[5] - 1, -1):
                first, last = gates[g, 0], gates[g, 1]
                norms[g] += norm(buffers[0], firsts, seconds, first, last)
                for v in range(1, n_vectors):
                    products[g, v] += bracket(buffers[v], buffers[0], firsts, seconds, first, last)
                for v in range(n_vectors):
                    rotate(buffers[v], firsts, seconds, first, last, cosines[g], -sines[g])
                if births[g] > 0:
                    kick(buffers[births[g]], buffers[0], firsts, seconds, first, last, weights[g])
            for v in range(n_vectors):
                x = vectors[v]
                scatter(x, buffers[v], group, starts, signs, sites)
        meet(counter, n_parts)
