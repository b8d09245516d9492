"""Compiled sweeps over qubit states: fused rotations on blocks of samples.

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
import numpy as np
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
    total,
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

LARGE_ANGLE: Final = 1e6
"""Angles from which ``half_turns`` loses digits (radians)."""

GENERAL: Final = 0
"""Kind of an op that mixes pairs of amplitudes."""
DIAGONAL: Final = 1
"""Kind of an op that turns phases by an angle."""
SIGNS: Final = 2
"""Kind of an op that changes signs."""

_NJIT = numba.njit(cache=True, nogil=True)


@intrinsic
def _negative(_, x):
    """Return minus a vector."""

    def generate(_context, builder, _signature, args):
        return builder.fneg(args[0])

    return x(x), generate


@intrinsic
def _one(_, width):
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
def half_turns(blocks, offsets, scales, params, cosines, sines, width):
    """Write cosines and sines of ``offset + scale * param``.

    By Cody and Waite's reduction to an eighth of a turn, and polynomials: good to two units in the
    last place.

    Args:
        blocks: Parameters, shape ``(n_blocks, n_params, n_lanes)`` (radians).
        offsets: Constant part of each angle, shape ``(n_angles,)``.
        scales: Factor of its parameter; both small enough for angles below ``LARGE_ANGLE``.
        params: Its parameter, or -1.
        cosines: What is written, shape ``(n_blocks, n_angles, n_lanes)``.
        sines: What is written, same shape.
        width: ``BATCH`` or ``SINGLE``.
    """
    lanes, one = len(width), _one(width)
    for block in range(len(blocks)):
        for k in range(len(offsets)):
            x = scale(offsets[k], one)
            if params[k] >= 0:
                x = scale_add(scales[k], load(width, blocks[block], lanes * params[k]), x)
            cosine, sine = _cosine_and_sine(x, one)
            store(cosines[block], lanes * k, cosine)
            store(sines[block], lanes * k, sine)


@_NJIT
def _rounded(x, one):
    """Return each lane rounded to an integer: adding 1.5 * 2**52 leaves no bits for fractions."""
    return scale_add(-6755399441055744.0, one, scale_add(6755399441055744.0, one, x))


@_NJIT
def _cosine_and_sine(x, one):
    """Return both, by lane; coefficients of Cephes (S. L. Moshier), pi / 2 in three parts."""
    n = _rounded(scale(0.6366197723675814, x), one)  # quarter turns
    r = scale_add(-1.57079632673412561417e00, n, x)
    r = scale_add(-6.07710050630396597660e-11, n, r)
    r = scale_add(-2.02226624879595063154e-21, n, r)
    z = multiply(r, r)
    p = scale_add(-2.50507477628578072866e-8, one, scale(1.58962301576546568060e-10, z))
    p = multiply_add(p, z, scale(2.75573136213857245213e-6, one))
    p = multiply_add(p, z, scale(-1.98412698295895385996e-4, one))
    p = multiply_add(p, z, scale(8.33333333332211858878e-3, one))
    p = multiply_add(p, z, scale(-1.66666666666666307295e-1, one))
    sine = multiply_add(multiply(p, z), r, r)
    q = scale_add(2.08757008419747316778e-9, one, scale(-1.13585365213876817300e-11, z))
    q = multiply_add(q, z, scale(-2.75573141792967388112e-7, one))
    q = multiply_add(q, z, scale(2.48015872888517045348e-5, one))
    q = multiply_add(q, z, scale(-1.38888888888730564116e-3, one))
    q = multiply_add(q, z, scale(4.16666666666665929218e-2, one))
    cosine = multiply_add(multiply(q, z), z, scale_add(-0.5, z, one))
    half = _rounded(scale_add(-0.25, one, scale(0.5, n)), one)  # floor(n / 2)
    odd = scale_add(-2.0, half, n)
    whole = _rounded(scale_add(-0.25, one, scale(0.5, half)), one)
    minus = scale_add(-2.0, scale_add(-2.0, whole, half), one)  # -1 in the second half turn
    even = scale_add(-1.0, odd, one)
    turned = multiply_add(odd, cosine, multiply(even, sine))
    cosine = multiply_add(scale(-1.0, odd), sine, multiply(even, cosine))
    return multiply(minus, cosine), multiply(minus, turned)


@_NJIT
def _product(cosines, sines, turns, factors, begin, end, width):
    """Return ``a`` and ``b`` of a run of rotations: real and imaginary parts, by lane."""
    lanes = len(width)
    ar, ai, br, bi = _one(width), zero(width), zero(width), zero(width)
    for g in range(begin, end):
        at = lanes * turns[g, 1]
        c, s = load(width, cosines, at), scale(factors[g, 0], load(width, sines, at))
        m = _negative(s)
        if g == begin:
            axis = turns[g, 0]
            if axis == 0:
                ar, bi = c, m
            elif axis == 1:
                ar, br = c, s
            else:
                ar, ai = c, m
        elif turns[g, 0] == 0:
            ar, ai, br, bi = (
                multiply_add(s, bi, multiply(c, ar)),
                multiply_add(m, br, multiply(c, ai)),
                multiply_add(s, ai, multiply(c, br)),
                multiply_add(m, ar, multiply(c, bi)),
            )
        elif turns[g, 0] == 1:
            ar, ai, br, bi = (
                multiply_add(m, br, multiply(c, ar)),
                multiply_add(m, bi, multiply(c, ai)),
                multiply_add(s, ar, multiply(c, br)),
                multiply_add(s, ai, multiply(c, bi)),
            )
        else:
            ar, ai, br, bi = (
                multiply_add(s, ai, multiply(c, ar)),
                multiply_add(m, ar, multiply(c, ai)),
                multiply_add(m, bi, multiply(c, br)),
                multiply_add(s, br, multiply(c, bi)),
            )
    return ar, ai, br, bi


@_NJIT
def _coefficients(op, cosines, sines, turns, factors, width):
    """Return ``a`` and ``b`` of an op."""
    if op[0] == SIGNS:
        return _one(width), zero(width), zero(width), zero(width)
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
        store(real, at, multiply_add(_negative(ti), y, multiply(ar, x)))
        store(imag, at, multiply_add(ti, x, multiply(ar, y)))


@_NJIT
def _pair(k, row, pivot):
    """Return the k-th index at which the qubit is 0."""
    low = (1 << pivot) - 1
    index = ((k & ~low) << 1) | (k & low)
    return index | (parity(index & row) << pivot)


@_NJIT
def _turn(real, imag, op, shift, ar, ai, br, bi, width):
    """Apply ``[[a, -b*], [b, a*]]`` to the qubit."""
    lanes, flip, row, pivot = len(width), op[1] >> shift, op[2] >> shift, op[3] - shift
    control, wanted = op[4] >> shift, op[5]
    ci, cr, di = _negative(ai), _negative(br), _negative(bi)
    for k in range(len(real) >> 1):
        first = _pair(k, row, pivot)
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
def _change_signs(real, imag, op, shift, signs, width):
    """Change the signs that lines of ``signs`` name."""
    lanes, begin, end = len(width), op[6], op[7]
    for index in range(len(real)):
        odd = 0
        for k in range(begin, end):
            first = parity(index & (signs[k, 0] >> shift)) ^ signs[k, 1]
            odd ^= first & (parity(index & (signs[k, 2] >> shift)) ^ signs[k, 3])
        if odd:
            at = lanes * index
            store(real, at, _negative(load(width, real, at)))
            store(imag, at, _negative(load(width, imag, at)))


@_NJIT
def _apply(real, imag, op, shift, signs, ar, ai, br, bi, width):
    """Apply one op."""
    if op[0] == SIGNS:
        _change_signs(real, imag, op, shift, signs, width)
    elif op[0] == DIAGONAL:
        _turn_diagonal(real, imag, op, shift, ar, ai, width)
    else:
        _turn(real, imag, op, shift, ar, ai, br, bi, width)


@_NJIT
def _roles(row, one):
    """Return -1 in lanes whose number makes the qubit 1, else 1."""
    signs = np.empty(LANES)
    for lane in range(LANES):
        signs[lane] = 1.0 - 2.0 * parity(lane & row)
    return multiply(load(BATCH, signs, 0), one)


@_NJIT
def _step(real, imag, op, signs, ar, ai, br, bi, width):
    """Apply one op, to many neighbouring amplitudes of one sample at a time where that goes.

    In lanes where the qubit is turned over, ``X U X`` acts: ``a`` becomes ``a*``, ``b`` ``-b*``.
    """
    if len(width) == 1 and op[9]:
        one = _one(BATCH)
        roles = _roles(op[2], one)
        wa, wb = scale(total(ar), one), scale(total(br), roles)
        va, vb = scale(total(ai), roles), scale(total(bi), one)
        reals, imags = real.reshape((-1, LANES)), imag.reshape((-1, LANES))
        _apply(reals, imags, op, LOW_BITS, signs, wa, va, wb, vb, BATCH)
    else:
        _apply(real, imag, op, 0, signs, ar, ai, br, bi, width)


@_NJIT
def forward(reals, imags, cosines, sines, tables, width):
    """Apply a program to blocks of states in place.

    Args:
        reals: Real parts, shape ``(n_blocks, 2**n_qubits, n_lanes)``.
        imags: Imaginary parts, same shape.
        cosines: Cosines of half the angles, shape ``(n_blocks, n_angles, n_lanes)``.
        sines: Sines of half the angles, same shape.
        tables: ``ops, turns, factors, signs``, see the module's text.
        width: ``BATCH`` or ``SINGLE``.
    """
    ops, turns, factors, signs = tables
    for block in range(len(reals)):
        real, imag, cosine, sine = reals[block], imags[block], cosines[block], sines[block]
        for op in ops:
            ar, ai, br, bi = _coefficients(op, cosine, sine, turns, factors, width)
            _step(real, imag, op, signs, ar, ai, br, bi, width)


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
        part = multiply_add(_negative(load(width, down, at)), load(width, real, at), part)
        rz = scale_add(1.0 - 2.0 * parity(index & row), part, rz)
    return rz


@_NJIT
def _bracket(real, imag, left, down, op, shift, width):
    """Return ``Im <bra|P|ket>`` for P = X, Y, Z of the qubit."""
    lanes, flip, row, pivot = len(width), op[1] >> shift, op[2] >> shift, op[3] - shift
    control, wanted = op[4] >> shift, op[5]
    rx, ry, rz = zero(width), zero(width), zero(width)
    for k in range(len(real) >> 1):
        first = _pair(k, row, pivot)
        if control and parity(first & control) != wanted:
            continue
        i, j = lanes * first, lanes * (first ^ flip)
        x, y = load(width, real, i), load(width, imag, i)
        u, v = load(width, real, j), load(width, imag, j)
        p, q = load(width, left, i), load(width, down, i)
        s, t = load(width, left, j), load(width, down, j)
        m, n = _negative(q), _negative(t)
        rx = multiply_add(p, v, multiply_add(m, u, multiply_add(s, y, multiply_add(n, x, rx))))
        ry = multiply_add(s, x, multiply_add(t, y, ry))
        ry = multiply_add(_negative(p), u, multiply_add(m, v, ry))
        rz = multiply_add(p, y, multiply_add(m, x, rz))
        rz = multiply_add(_negative(s), v, multiply_add(t, u, rz))
    return rx, ry, rz


@_NJIT
def _brackets(real, imag, left, down, op, shift, width):
    """Return what ``_bracket`` does, of any op."""
    if op[0] == DIAGONAL:
        rz = _bracket_diagonal(real, imag, left, down, op, shift, width)
        return zero(width), zero(width), rz
    return _bracket(real, imag, left, down, op, shift, width)


@_NJIT
def _step_brackets(real, imag, left, down, op, width):
    """Return the brackets, many neighbouring amplitudes of one sample at a time where that goes."""
    if len(width) == 1 and op[9]:
        roles, one = _roles(op[2], _one(BATCH)), _one(width)
        kets = real.reshape((-1, LANES)), imag.reshape((-1, LANES))
        bras = left.reshape((-1, LANES)), down.reshape((-1, LANES))
        rx, ry, rz = _brackets(kets[0], kets[1], bras[0], bras[1], op, LOW_BITS, BATCH)
        return (
            scale(total(rx), one),
            scale(total(multiply(roles, ry)), one),
            scale(total(multiply(roles, rz)), one),
        )
    return _brackets(real, imag, left, down, op, 0, width)


@_NJIT
def _slopes(gradient, rx, ry, rz, cosines, sines, turns, factors, op, width):
    """Add the derivatives by the angles of a run, last rotation first."""
    lanes, begin, end = len(width), op[6], op[7]
    for g in range(end - 1, begin - 1, -1):
        axis, at = turns[g, 0], lanes * turns[g, 2]
        if turns[g, 2] >= 0:
            slope = rx if axis == 0 else (ry if axis == 1 else rz)
            store(gradient, at, scale_add(factors[g, 1], slope, load(width, gradient, at)))
        if g == begin:
            break
        at = lanes * turns[g, 1]
        c, s = load(width, cosines, at), scale(factors[g, 0], load(width, sines, at))
        sine = scale(2.0, multiply(c, s))
        cosine = multiply_add(c, c, _negative(multiply(s, s)))
        minus = _negative(sine)
        if axis == 0:
            ry, rz = (
                multiply_add(sine, rz, multiply(cosine, ry)),
                multiply_add(minus, ry, multiply(cosine, rz)),
            )
        elif axis == 1:
            rz, rx = (
                multiply_add(sine, rx, multiply(cosine, rz)),
                multiply_add(minus, rz, multiply(cosine, rx)),
            )
        else:
            rx, ry = (
                multiply_add(sine, ry, multiply(cosine, rx)),
                multiply_add(minus, rx, multiply(cosine, ry)),
            )


@_NJIT
def backward(reals, imags, lefts, downs, gradients, cosines, sines, tables, width):
    """Undo a program on kets and bras, adding the derivatives of ``<bra|ket>``'s real part, twice.

    With ``|bra> = O |ket>`` these are the derivatives of the expectation of ``O``.

    Args:
        reals: Real parts of the kets, shape ``(n_blocks, 2**n_qubits, n_lanes)``.
        imags: Their imaginary parts.
        lefts: Real parts of the bras, shape ``(n_bras, n_blocks, 2**n_qubits, n_lanes)``.
        downs: Their imaginary parts.
        gradients: What is added to, shape ``(n_bras, n_blocks, n_params, n_lanes)``.
        cosines: As in ``forward``.
        sines: As in ``forward``.
        tables: As in ``forward``.
        width: ``BATCH`` or ``SINGLE``.
    """
    ops, turns, factors, signs = tables
    for block in range(len(reals)):
        real, imag, cosine, sine = reals[block], imags[block], cosines[block], sines[block]
        for k in range(len(ops) - 1, -1, -1):
            op = ops[k]
            ar, ai, br, bi = _coefficients(op, cosine, sine, turns, factors, width)
            ai, br, bi = _negative(ai), _negative(br), _negative(bi)
            for n in range(len(lefts)):
                left, down, gradient = lefts[n, block], downs[n, block], gradients[n, block]
                if op[8]:
                    rx, ry, rz = _step_brackets(real, imag, left, down, op, width)
                    _slopes(gradient, rx, ry, rz, cosine, sine, turns, factors, op, width)
                _step(left, down, op, signs, ar, ai, br, bi, width)
            _step(real, imag, op, signs, ar, ai, br, bi, width)
