"""What the sweeps over qubit states are made of: one op on one block of samples.

A block holds ``LANES`` samples, or one, the sample innermost; real and imaginary parts are apart:
``real[block, index, lane]``. Every gate acts in a *frame*, see
``qmlmat.backends.statevector_frames``: its qubit is a parity of the index, its flip a mask.

``ops``, shape ``(n_ops, 10)``:

- kind: ``GENERAL``, ``DIAGONAL`` or ``SIGNS``;
- flip: the mask that turns the qubit over (``GENERAL``);
- row: the bits of the index whose parity is the qubit (``SIGNS``: bits that matter);
- pivot: a bit that flip and row have in common (``GENERAL``);
- control, wanted: where ``parity(index & control)`` is not ``wanted`` the op is the identity;
- begin, end: its rotations in ``turns`` (of ``SIGNS``: its lines of ``signs``);
- whether one of them has a parameter;
- whether neither flip nor control nor signs have one of the lowest bits (``LOW_BITS``). On one
  sample such an op takes ``LANES`` neighbouring amplitudes at a time, as if they were samples.

``turns``, shape ``(n_turns, 3)``: axis (0, 1, 2 for X, Y, Z), which angle, which parameter or -1.
``factors``, shape ``(n_turns, 2)``: the sign of the angle, and its derivative by the parameter.
``signs``, shape ``(n_signs, 4)``: two masks and two bits; where both ``parity(index & mask) ^ bit``
are 1 the sign changes. A run of rotations of one qubit is ``[[a, -b*], [b, a*]]``.
"""

from __future__ import annotations

from typing import Final

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from qmlmat.operators.lane_kernels import (
    Lanes,
    load,
    multiply,
    multiply_add,
    scale,
    scale_add,
    store,
    zero,
)

LANES: Final = 8
"""Samples of a block."""
BATCH: Final = (0,) * LANES
"""Width of the kernels on blocks of samples."""
LOW_BITS: Final = 3
"""Bits of a lane's number."""
SINGLE: Final = (0,)
"""Width of the kernels on one sample."""

GENERAL: Final = 0
"""Kind of an op that mixes pairs of amplitudes."""
DIAGONAL: Final = 1
"""Kind of an op that turns phases by an angle."""
SIGNS: Final = 2
"""Kind of an op that changes signs."""

_NJIT = numba.njit(cache=True, nogil=True)


@intrinsic
def negative(_, x):
    """Return minus a vector."""

    def generate(_context, builder, _signature, args):
        return builder.fneg(args[0])

    return x(x), generate


@intrinsic
def ones(_, width):
    """Return a vector of ones."""

    def generate(context, _builder, signature, _args):
        vector = context.get_value_type(signature.return_type)
        return ir.Constant(vector, [1.0] * vector.count)

    return Lanes(width.count)(width), generate


@intrinsic
def parity(_, mask):  # noqa: ARG001
    """Return the number of bits of a mask modulo 2."""

    def generate(_context, builder, _signature, args):
        return builder.and_(builder.ctpop(args[0]), ir.Constant(args[0].type, 1))

    return types.int64(types.int64), generate


@_NJIT
def turned(axis, c, s, ar, ai, br, bi):
    """Return ``a`` and ``b`` after one more rotation, of cosine ``c`` and sine ``s``."""
    m = negative(s)
    if axis == 0:
        return (
            multiply_add(s, bi, multiply(c, ar)),
            multiply_add(m, br, multiply(c, ai)),
            multiply_add(s, ai, multiply(c, br)),
            multiply_add(m, ar, multiply(c, bi)),
        )
    if axis == 1:
        return (
            multiply_add(m, br, multiply(c, ar)),
            multiply_add(m, bi, multiply(c, ai)),
            multiply_add(s, ar, multiply(c, br)),
            multiply_add(s, ai, multiply(c, bi)),
        )
    return (
        multiply_add(s, ai, multiply(c, ar)),
        multiply_add(m, ar, multiply(c, ai)),
        multiply_add(m, bi, multiply(c, br)),
        multiply_add(s, br, multiply(c, bi)),
    )


@_NJIT
def _product(cosines, sines, turns, factors, begin, end, width):
    """Return ``a`` and ``b`` of a run of rotations: real and imaginary parts, by lane."""
    lanes = len(width)
    ar, ai, br, bi = ones(width), zero(width), zero(width), zero(width)
    for g in range(begin, end):
        axis, at = turns[g, 0], lanes * turns[g, 1]
        c, s = load(width, cosines, at), scale(factors[g, 0], load(width, sines, at))
        if g > begin:
            ar, ai, br, bi = turned(axis, c, s, ar, ai, br, bi)
        elif axis == 0:
            ar, bi = c, negative(s)
        elif axis == 1:
            ar, br = c, s
        else:
            ar, ai = c, negative(s)
    return ar, ai, br, bi


@_NJIT
def coefficients(op, cosines, sines, turns, factors, width):
    """Return ``a`` and ``b`` of an op."""
    if op[0] == SIGNS:
        return ones(width), zero(width), zero(width), zero(width)
    return _product(cosines, sines, turns, factors, op[6], op[7], width)


@_NJIT
def _turn_diagonal(real, imag, op, shift, ar, ai, width):
    """Multiply amplitudes by ``a``, or by its conjugate where the qubit is 1."""
    lanes, row, control, wanted = len(width), op[2] >> shift, op[4] >> shift, op[5]
    for index in range(len(real)):
        if control and parity(index & control) != wanted:
            continue
        at = lanes * index
        ti = scale(1.0 - 2.0 * parity(index & row), ai)
        x, y = load(width, real, at), load(width, imag, at)
        store(real, at, multiply_add(negative(ti), y, multiply(ar, x)))
        store(imag, at, multiply_add(ti, x, multiply(ar, y)))


@_NJIT
def pair(k, row, pivot):
    """Return the k-th index at which the qubit is 0."""
    low = (1 << pivot) - 1
    index = ((k & ~low) << 1) | (k & low)
    return index | (parity(index & row) << pivot)


@_NJIT
def _turn(real, imag, op, shift, ar, ai, br, bi, width):
    """Apply ``[[a, -b*], [b, a*]]`` to the qubit."""
    lanes, flip, row, pivot = len(width), op[1] >> shift, op[2] >> shift, op[3] - shift
    control, wanted = op[4] >> shift, op[5]
    ci, cr, di = negative(ai), negative(br), negative(bi)
    for k in range(len(real) >> 1):
        first = pair(k, row, pivot)
        if control and parity(first & control) != wanted:
            continue
        i, j = lanes * first, lanes * (first ^ flip)
        x, y = load(width, real, i), load(width, imag, i)
        u, v = load(width, real, j), load(width, imag, j)
        store(
            real,
            i,
            multiply_add(di, v, multiply_add(cr, u, multiply_add(ci, y, multiply(ar, x)))),
        )
        store(
            imag,
            i,
            multiply_add(bi, u, multiply_add(cr, v, multiply_add(ai, x, multiply(ar, y)))),
        )
        store(
            real,
            j,
            multiply_add(ai, v, multiply_add(ar, u, multiply_add(di, y, multiply(br, x)))),
        )
        store(
            imag,
            j,
            multiply_add(ci, u, multiply_add(ar, v, multiply_add(bi, x, multiply(br, y)))),
        )


@_NJIT
def change_signs(real, imag, op, shift, signs, width):
    """Change the signs that lines of ``signs`` name."""
    lanes, begin, end = len(width), op[6], op[7]
    for index in range(len(real)):
        odd = 0
        for k in range(begin, end):
            first = parity(index & (signs[k, 0] >> shift)) ^ signs[k, 1]
            odd ^= first & (parity(index & (signs[k, 2] >> shift)) ^ signs[k, 3])
        if odd:
            at = lanes * index
            store(real, at, negative(load(width, real, at)))
            store(imag, at, negative(load(width, imag, at)))


@_NJIT
def apply_op(real, imag, op, shift, signs, ar, ai, br, bi, width):
    """Apply one op."""
    if op[0] == SIGNS:
        change_signs(real, imag, op, shift, signs, width)
    elif op[0] == DIAGONAL:
        _turn_diagonal(real, imag, op, shift, ar, ai, width)
    else:
        _turn(real, imag, op, shift, ar, ai, br, bi, width)


@_NJIT
def _bracket_diagonal(real, imag, left, down, op, shift, width):
    """Return ``Im <bra|Z|ket>`` of the qubit."""
    lanes, row, control, wanted = len(width), op[2] >> shift, op[4] >> shift, op[5]
    rz = zero(width)
    for index in range(len(real)):
        if control and parity(index & control) != wanted:
            continue
        at = lanes * index
        part = multiply(load(width, left, at), load(width, imag, at))
        part = multiply_add(negative(load(width, down, at)), load(width, real, at), part)
        rz = scale_add(1.0 - 2.0 * parity(index & row), part, rz)
    return rz


@_NJIT
def _bracket(real, imag, left, down, op, shift, width):
    """Return ``Im <bra|P|ket>`` for P = X, Y, Z of the qubit."""
    lanes, flip, row, pivot = len(width), op[1] >> shift, op[2] >> shift, op[3] - shift
    control, wanted = op[4] >> shift, op[5]
    rx, ry, rz = zero(width), zero(width), zero(width)
    for k in range(len(real) >> 1):
        first = pair(k, row, pivot)
        if control and parity(first & control) != wanted:
            continue
        i, j = lanes * first, lanes * (first ^ flip)
        x, y = load(width, real, i), load(width, imag, i)
        u, v = load(width, real, j), load(width, imag, j)
        p, q = load(width, left, i), load(width, down, i)
        s, t = load(width, left, j), load(width, down, j)
        m, n = negative(q), negative(t)
        rx = multiply_add(p, v, multiply_add(m, u, multiply_add(s, y, multiply_add(n, x, rx))))
        ry = multiply_add(s, x, multiply_add(t, y, ry))
        ry = multiply_add(negative(p), u, multiply_add(m, v, ry))
        rz = multiply_add(p, y, multiply_add(m, x, rz))
        rz = multiply_add(negative(s), v, multiply_add(t, u, rz))
    return rx, ry, rz


@_NJIT
def brackets(real, imag, left, down, op, shift, width):
    """Return what ``_bracket`` does, of any op."""
    if op[0] == DIAGONAL:
        rz = _bracket_diagonal(real, imag, left, down, op, shift, width)
        return zero(width), zero(width), rz
    return _bracket(real, imag, left, down, op, shift, width)
