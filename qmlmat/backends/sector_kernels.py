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
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES: Final = 8
"""Amplitudes that go through the arithmetic together: a cache line of float64."""

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_INDEX = ir.IntType(64)
_CONTRACT = ("contract",)  # a * b + c may be rounded once; nothing else is reordered
_NJIT = numba.njit(cache=True, nogil=True)


# ------------------------------------------------------------------------- on one gate's pairs
# LLVM does not vectorise these loops by itself: it cannot know that the two rows of a pair do
# not overlap. So the vector instructions are written out. Every function below loops over the
# pairs begin..end of the tables and takes buffers of shape (n_sites, LANES).


def _splat(builder, value):
    first = builder.insert_element(
        ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, first, zeros)


def _load(builder, pointer):
    vector = builder.load(pointer)
    vector.align = 8
    return vector


def _store(builder, vector, pointer) -> None:
    builder.store(vector, pointer).align = 8


class _Pairs:
    """The loop over the pairs of one gate, for the code generators below."""

    def __init__(self, context, builder, signature, args) -> None:
        self.builder = builder
        self.data = [
            context.make_array(kind)(context, builder, value).data
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, args, strict=True)
        ]

    def over(self, firsts, seconds, begin, end):
        """Return a context that yields pointers-to-rows functions for the two sites of a pair."""
        self._tables = firsts, seconds
        return cgutils.for_range_slice(self.builder, begin, end, ir.Constant(begin.type, 1))

    def rows(self, pair, *buffers):
        """Return pointers to both rows of a pair in each buffer."""
        build = self.builder
        offsets = [
            build.mul(
                build.zext(build.load(build.gep(table, [pair])), _INDEX), ir.Constant(_INDEX, LANES)
            )
            for table in self._tables
        ]
        first, second = (
            [build.bitcast(build.gep(buffer, [offset]), _VECTOR.as_pointer()) for buffer in buffers]
            for offset in offsets
        )
        return list(zip(first, second, strict=True))

    def rotate(self, x, y, cosine, sine, to) -> None:
        """Store ``cosine * x - sine * y`` and ``cosine * y + sine * x``."""
        build, flags = self.builder, _CONTRACT
        new_x = build.fsub(
            build.fmul(cosine, x, flags=flags), build.fmul(sine, y, flags=flags), flags=flags
        )
        new_y = build.fadd(
            build.fmul(cosine, y, flags=flags), build.fmul(sine, x, flags=flags), flags=flags
        )
        _store(build, new_x, to[0])
        _store(build, new_y, to[1])

    def accumulator(self):
        """Return a vector variable that starts at zero."""
        zero = ir.Constant(_VECTOR, [0.0] * LANES)
        variable = cgutils.alloca_once(self.builder, _VECTOR)
        self.builder.store(zero, variable)
        return variable

    def add_bracket(self, total, bra, ket) -> None:
        """Add ``bra_y ket_x - bra_x ket_y`` to an accumulator, lane by lane."""
        build, flags = self.builder, _CONTRACT
        (u, v), (x, y) = bra, ket
        value = build.fadd(build.load(total), build.fmul(v, x, flags=flags), flags=flags)
        build.store(build.fsub(value, build.fmul(u, y, flags=flags), flags=flags), total)

    def sum_of(self, total):
        """Return the sum over the lanes of an accumulator."""
        build, vector = self.builder, self.builder.load(total)
        result = ir.Constant(ir.DoubleType(), 0.0)
        for lane in range(LANES):
            element = build.extract_element(vector, ir.Constant(ir.IntType(32), lane))
            result = build.fadd(result, element)
        return result


@intrinsic
def _rotate(typing, buffer, firsts, seconds, begin, end, cosine, sine):  # noqa: ARG001
    """Rotate the pairs of one buffer."""

    def generate(context, builder, signature, args):
        pairs = _Pairs(context, builder, signature, args)
        data, firsts, seconds, begin, end, cosine, sine = pairs.data
        cosines, sines = _splat(builder, cosine), _splat(builder, sine)
        with pairs.over(firsts, seconds, begin, end) as (pair, _):
            (to,) = pairs.rows(pair, data)
            x, y = _load(builder, to[0]), _load(builder, to[1])
            pairs.rotate(x, y, cosines, sines, to)
        return context.get_dummy_value()

    return types.void(buffer, firsts, seconds, begin, end, cosine, sine), generate


@intrinsic
def _bracket(typing, bra, ket, firsts, seconds, begin, end):  # noqa: ARG001
    """Return ``<bra| G |ket>``."""

    def generate(context, builder, signature, args):
        pairs = _Pairs(context, builder, signature, args)
        bra, ket, firsts, seconds, begin, end = pairs.data
        total = pairs.accumulator()
        with pairs.over(firsts, seconds, begin, end) as (pair, _):
            values = [(_load(builder, x), _load(builder, y)) for x, y in pairs.rows(pair, bra, ket)]
            pairs.add_bracket(total, *values)
        return pairs.sum_of(total)

    return types.float64(bra, ket, firsts, seconds, begin, end), generate


@intrinsic
def _bracket_and_rotate(typing, bra, ket, firsts, seconds, begin, end, cosine, sine):  # noqa: ARG001
    """Return ``<bra| G |ket>`` and rotate both."""

    def generate(context, builder, signature, args):
        pairs = _Pairs(context, builder, signature, args)
        bra, ket, firsts, seconds, begin, end, cosine, sine = pairs.data
        cosines, sines = _splat(builder, cosine), _splat(builder, sine)
        total = pairs.accumulator()
        with pairs.over(firsts, seconds, begin, end) as (pair, _):
            rows = pairs.rows(pair, bra, ket)
            values = [(_load(builder, x), _load(builder, y)) for x, y in rows]
            pairs.add_bracket(total, *values)
            for to, (x, y) in zip(rows, values, strict=True):
                pairs.rotate(x, y, cosines, sines, to)
        return pairs.sum_of(total)

    return types.float64(bra, ket, firsts, seconds, begin, end, cosine, sine), generate


@intrinsic
def _kick(typing, to, source, firsts, seconds, begin, end, weight):  # noqa: ARG001
    """Add ``weight * G source`` to ``to``."""

    def generate(context, builder, signature, args):
        pairs = _Pairs(context, builder, signature, args)
        to, source, firsts, seconds, begin, end, weight = pairs.data
        weights, flags = _splat(builder, weight), _CONTRACT
        with pairs.over(firsts, seconds, begin, end) as (pair, _):
            target, start = pairs.rows(pair, to, source)
            x, y = (_load(builder, pointer) for pointer in start)
            first, second = (_load(builder, pointer) for pointer in target)
            first = builder.fsub(first, builder.fmul(weights, y, flags=flags), flags=flags)
            second = builder.fadd(second, builder.fmul(weights, x, flags=flags), flags=flags)
            _store(builder, first, target[0])
            _store(builder, second, target[1])
        return context.get_dummy_value()

    return types.void(to, source, firsts, seconds, begin, end, weight), generate


@_NJIT
def _norm(buffer, firsts, seconds, begin, end):
    """Return ``<G state | G state>`` over the pairs."""
    total = 0.0
    for pair in range(begin, end):
        for lane in range(LANES):
            total += buffer[firsts[pair], lane] ** 2 + buffer[seconds[pair], lane] ** 2
    return total


# ------------------------------------------------------------------------------ blocks of lanes


@_NJIT
def _gather(state, buffer, group, lane_first, lane_second, lane_sign, sites, lane, width):
    begin, split, end = group[2], group[3], group[4]
    if width < LANES:
        buffer[: end - begin] = 0.0
    for k in range(begin, split):
        for w in range(width):
            buffer[k - begin, w] = state[lane_first[lane + w] + sites[k]]
    for k in range(split, end):
        for w in range(width):
            buffer[k - begin, w] = lane_sign[lane + w] * state[lane_second[lane + w] + sites[k]]


@_NJIT
def _scatter(state, buffer, group, lane_first, lane_second, lane_sign, sites, lane, width):
    begin, split, end = group[2], group[3], group[4]
    for k in range(begin, split):
        for w in range(width):
            state[lane_first[lane + w] + sites[k]] = buffer[k - begin, w]
    for k in range(split, end):
        for w in range(width):
            state[lane_second[lane + w] + sites[k]] = lane_sign[lane + w] * buffer[k - begin, w]


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
    """Return working memory for the group with most sites, ``(n_vectors, n_sites, LANES)``."""
    n_sites = 1
    for group in groups:
        n_sites = max(n_sites, group[4] - group[2])
    return np.empty((n_vectors, n_sites, LANES))


# --------------------------------------------------------------------------------------- sweeps


@_NJIT
def forward(states, angles, tables, which, part, n_parts):
    """Apply the gates of some groups to each state in place, first gate first.

    Args:
        states: Flat states, shape ``(n_states, size)``.
        angles: Rotation angles of each state, shape ``(n_states, n_gates)`` (radians).
        tables: The program's arrays, see the module's text.
        which: The groups, ``(begin, end)``.
        part: Which share of each group's blocks.
        n_parts: Number of shares.
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    buffer = _buffers(1, groups)[0]
    for n in range(len(states)):
        state, angle = states[n], angles[n]
        cosines, sines = np.cos(angle), np.sin(angle)
        for group in groups[which[0] : which[1]]:
            begin, end = _share(group, part, n_parts)
            for lane in range(begin, end, LANES):
                w = min(LANES, end - lane)
                _gather(state, buffer, group, lane_first, lane_second, lane_sign, sites, lane, w)
                for g in range(group[5], group[6]):
                    _rotate(buffer, firsts, seconds, gates[g, 0], gates[g, 1], cosines[g], sines[g])
                _scatter(state, buffer, group, lane_first, lane_second, lane_sign, sites, lane, w)


@_NJIT
def backward(kets, bras, angles, slopes, tables, which, part, n_parts):
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

    References:
        T. Jones, J. Gacon, arXiv:2009.02823 (2020).
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    buffers = _buffers(2, groups)
    x, y = buffers[0], buffers[1]
    for n in range(len(kets)):
        ket, bra, angle, slope = kets[n], bras[n], angles[n], slopes[n]
        cosines, sines = np.cos(angle), np.sin(angle)
        for number in range(which[1] - 1, which[0] - 1, -1):
            group = groups[number]
            begin, end = _share(group, part, n_parts)
            for lane in range(begin, end, LANES):
                w = min(LANES, end - lane)
                _gather(ket, x, group, lane_first, lane_second, lane_sign, sites, lane, w)
                _gather(bra, y, group, lane_first, lane_second, lane_sign, sites, lane, w)
                for g in range(group[6] - 1, group[5] - 1, -1):
                    slope[g] += 2.0 * _bracket_and_rotate(
                        y, x, firsts, seconds, gates[g, 0], gates[g, 1], cosines[g], -sines[g]
                    )
                _scatter(ket, x, group, lane_first, lane_second, lane_sign, sites, lane, w)
                _scatter(bra, y, group, lane_first, lane_second, lane_sign, sites, lane, w)


@_NJIT
def brackets(bra, ket, values, tables, which, part, n_parts):
    """Add this part's share of ``<bra| G_g |ket>`` to ``values[g]``, without applying any gate.

    Args:
        bra: Flat state, shape ``(size,)``.
        ket: Flat state, shape ``(size,)``.
        values: Shape ``(n_gates,)``, added to.
        tables: The program's arrays, see the module's text.
        which: The groups, ``(begin, end)``.
        part: Which share of each group's blocks.
        n_parts: Number of shares.
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    buffers = _buffers(2, groups)
    x, y = buffers[0], buffers[1]
    for group in groups[which[0] : which[1]]:
        begin, end = _share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            w = min(LANES, end - lane)
            _gather(ket, x, group, lane_first, lane_second, lane_sign, sites, lane, w)
            _gather(bra, y, group, lane_first, lane_second, lane_sign, sites, lane, w)
            for g in range(group[5], group[6]):
                values[g] += _bracket(y, x, firsts, seconds, gates[g, 0], gates[g, 1])


@_NJIT
def tangent_forward(state, tangent, angles, rates, tables, which, part, n_parts):
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
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    buffers = _buffers(2, groups)
    x, y = buffers[0], buffers[1]
    cosines, sines = np.cos(angles), np.sin(angles)
    for group in groups[which[0] : which[1]]:
        begin, end = _share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            w = min(LANES, end - lane)
            _gather(state, x, group, lane_first, lane_second, lane_sign, sites, lane, w)
            _gather(tangent, y, group, lane_first, lane_second, lane_sign, sites, lane, w)
            for g in range(group[5], group[6]):
                first, last = gates[g, 0], gates[g, 1]
                _rotate(x, firsts, seconds, first, last, cosines[g], sines[g])
                _rotate(y, firsts, seconds, first, last, cosines[g], sines[g])
                _kick(y, x, firsts, seconds, first, last, rates[g])
            _scatter(state, x, group, lane_first, lane_second, lane_sign, sites, lane, w)
            _scatter(tangent, y, group, lane_first, lane_second, lane_sign, sites, lane, w)


@_NJIT
def tangent_backward(vectors, angles, rates, curves, tables, which, part, n_parts):
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
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    cosines, sines = np.cos(angles), np.sin(angles)
    buffers = _buffers(4, groups)
    ket, bra, moving_ket, moving_bra = buffers[0], buffers[1], buffers[2], buffers[3]
    for number in range(which[1] - 1, which[0] - 1, -1):
        group = groups[number]
        begin, end = _share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            w = min(LANES, end - lane)
            for v in range(4):
                x = vectors[v]
                _gather(x, buffers[v], group, lane_first, lane_second, lane_sign, sites, lane, w)
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
                _scatter(x, buffers[v], group, lane_first, lane_second, lane_sign, sites, lane, w)


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
    """
    groups, lane_first, lane_second, lane_sign, sites, gates, firsts, seconds = tables
    cosines, sines = np.cos(angles), np.sin(angles)
    n_vectors = vectors.shape[0]
    buffers = _buffers(n_vectors, groups)
    for number in range(which[1] - 1, which[0] - 1, -1):
        group = groups[number]
        begin, end = _share(group, part, n_parts)
        for lane in range(begin, end, LANES):
            w = min(LANES, end - lane)
            for v in range(n_vectors):
                x = vectors[v]
                _gather(x, buffers[v], group, lane_first, lane_second, lane_sign, sites, lane, w)
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
                _scatter(x, buffers[v], group, lane_first, lane_second, lane_sign, sites, lane, w)
