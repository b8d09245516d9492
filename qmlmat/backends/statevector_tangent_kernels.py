"""Compiled sweeps over qubit states and their tangents: derivatives of adjoint derivatives.

A tangent is the derivative of a state along a direction in the space of parameters. An op is
``[[a, -b*], [b, a*]]``, linear in ``a`` and ``b``, so its derivative is the same form of their
derivatives. Under a control that derivative is zero, not the identity, where the op does not act.
The tables and the layout of states are those of ``qmlmat.backends.statevector_op_kernels``.
"""

from __future__ import annotations

import numba

from qmlmat.backends.statevector_op_kernels import (
    DIAGONAL,
    SIGNS,
    brackets,
    change_signs,
    negative,
    ones,
    pair,
    parity,
    turned,
)
from qmlmat.operators.lane_kernels import (
    add,
    load,
    multiply,
    multiply_add,
    scale,
    scale_add,
    store,
    zero,
)

_NJIT = numba.njit(cache=True, nogil=True)


@_NJIT
def _coefficients(op, rates, cosines, sines, turns, factors, width):
    """Return ``a`` and ``b`` of an op, and their derivatives along the direction."""
    lanes = len(width)
    ar, ai, br, bi = ones(width), zero(width), zero(width), zero(width)
    er, ei, fr, fi = zero(width), zero(width), zero(width), zero(width)
    if op[0] == SIGNS:
        return ar, ai, br, bi, er, ei, fr, fi
    for g in range(op[6], op[7]):
        axis, at = turns[g, 0], lanes * turns[g, 1]
        c, s = load(width, cosines, at), scale(factors[g, 0], load(width, sines, at))
        er, ei, fr, fi = turned(axis, c, s, er, ei, fr, fi)
        if turns[g, 2] >= 0:  # the derivatives of cosine and sine are -sine and cosine
            rate = scale(0.5 * factors[g, 1], load(width, rates, lanes * turns[g, 2]))
            gr, gi, hr, hi = turned(axis, negative(s), c, ar, ai, br, bi)
            er, ei = multiply_add(rate, gr, er), multiply_add(rate, gi, ei)
            fr, fi = multiply_add(rate, hr, fr), multiply_add(rate, hi, fi)
        ar, ai, br, bi = turned(axis, c, s, ar, ai, br, bi)
    return ar, ai, br, bi, er, ei, fr, fi


@_NJIT
def _plus(p, q, s, t, x, y, u, v, ar, ai, br, bi):
    """Return the pair ``p + iq, s + it`` plus ``[[a, -b*], [b, a*]]`` times ``x + iy, u + iv``."""
    ci, cr, di = negative(ai), negative(br), negative(bi)
    return (
        multiply_add(di, v, multiply_add(cr, u, multiply_add(ci, y, multiply_add(ar, x, p)))),
        multiply_add(bi, u, multiply_add(cr, v, multiply_add(ai, x, multiply_add(ar, y, q)))),
        multiply_add(ai, v, multiply_add(ar, u, multiply_add(di, y, multiply_add(br, x, s)))),
        multiply_add(ci, u, multiply_add(ar, v, multiply_add(bi, x, multiply_add(br, y, t)))),
    )


@_NJIT
def _turn(real, imag, slope, rise, op, ar, ai, br, bi, er, ei, fr, fi, width):
    """Apply an op to a state ``real + i imag``, and its derivative to ``slope + i rise``."""
    lanes, flip, row, pivot, control = len(width), op[1], op[2], op[3], op[4]
    nothing = zero(width)
    for k in range(len(real) >> 1):
        first = pair(k, row, pivot)
        if control and parity(first & control) != op[5]:
            continue
        i, j = lanes * first, lanes * (first ^ flip)
        x, y = load(width, real, i), load(width, imag, i)
        u, v = load(width, real, j), load(width, imag, j)
        p, q = load(width, slope, i), load(width, rise, i)
        s, t = load(width, slope, j), load(width, rise, j)
        p, q, s, t = _plus(nothing, nothing, nothing, nothing, p, q, s, t, ar, ai, br, bi)
        p, q, s, t = _plus(p, q, s, t, x, y, u, v, er, ei, fr, fi)
        x, y, u, v = _plus(nothing, nothing, nothing, nothing, x, y, u, v, ar, ai, br, bi)
        store(slope, i, p)
        store(rise, i, q)
        store(slope, j, s)
        store(rise, j, t)
        store(real, i, x)
        store(imag, i, y)
        store(real, j, u)
        store(imag, j, v)


@_NJIT
def _turn_diagonal(real, imag, slope, rise, op, ar, ai, er, ei, width):
    """Do what ``_turn`` does where ``b`` is zero."""
    lanes, row, control = len(width), op[2], op[4]
    for index in range(len(real)):
        if control and parity(index & control) != op[5]:
            continue
        at, sign = lanes * index, 1.0 - 2.0 * parity(index & row)
        ti, ui = scale(sign, ai), scale(sign, ei)
        x, y = load(width, real, at), load(width, imag, at)
        p, q = load(width, slope, at), load(width, rise, at)
        u = multiply_add(negative(ti), q, multiply(ar, p))
        v = multiply_add(ti, p, multiply(ar, q))
        store(slope, at, multiply_add(negative(ui), y, multiply_add(er, x, u)))
        store(rise, at, multiply_add(ui, x, multiply_add(er, y, v)))
        store(real, at, multiply_add(negative(ti), y, multiply(ar, x)))
        store(imag, at, multiply_add(ti, x, multiply(ar, y)))


@_NJIT
def _step(real, imag, slope, rise, op, signs, ar, ai, br, bi, er, ei, fr, fi, width):
    """Apply one op to a state and its tangent."""
    if op[0] == SIGNS:
        change_signs(real, imag, op, 0, signs, width)
        change_signs(slope, rise, op, 0, signs, width)
    elif op[0] == DIAGONAL:
        _turn_diagonal(real, imag, slope, rise, op, ar, ai, er, ei, width)
    else:
        _turn(real, imag, slope, rise, op, ar, ai, br, bi, er, ei, fr, fi, width)


@_NJIT
def tangent_forward(reals, imags, slopes, rises, rates, cosines, sines, tables, width):
    """Apply a program to blocks of states and of their tangents in place.

    Args:
        reals: Real parts of the states, shape ``(n_blocks, 2**n_qubits, n_lanes)``.
        imags: Their imaginary parts.
        slopes: Real parts of the tangents, same shape.
        rises: Their imaginary parts.
        rates: The direction, shape ``(n_blocks, n_params, n_lanes)``.
        cosines: Cosines of half the angles, shape ``(n_blocks, n_angles, n_lanes)``.
        sines: Sines of half the angles, same shape.
        tables: ``ops, turns, factors, signs`` of ``qmlmat.backends.statevector_op_kernels``.
        width: ``BATCH``.
    """
    ops, turns, factors, signs = tables
    for block in range(len(reals)):
        rate, cosine, sine = rates[block], cosines[block], sines[block]
        for op in ops:
            ar, ai, br, bi, er, ei, fr, fi = _coefficients(
                op, rate, cosine, sine, turns, factors, width
            )
            _step(
                reals[block], imags[block], slopes[block], rises[block], op, signs,
                ar, ai, br, bi, er, ei, fr, fi, width,
            )  # fmt: skip


@_NJIT
def _add_tangents(
    gradient, rx, ry, rz, tx, ty, tz, rates, cosines, sines, turns, factors, op, width
):
    """Add the tangents ``t`` of the brackets ``r`` by the angles of a run, last rotation first."""
    lanes, begin, end = len(width), op[6], op[7]
    for g in range(end - 1, begin - 1, -1):
        axis, at = turns[g, 0], lanes * turns[g, 2]
        rate = zero(width)
        if turns[g, 2] >= 0:
            found = tx if axis == 0 else (ty if axis == 1 else tz)
            store(gradient, at, scale_add(factors[g, 1], found, load(width, gradient, at)))
            rate = scale(factors[g, 1], load(width, rates, at))
        if g == begin:
            break
        at = lanes * turns[g, 1]
        c, s = load(width, cosines, at), scale(factors[g, 0], load(width, sines, at))
        sine = scale(2.0, multiply(c, s))
        cosine = multiply_add(c, c, negative(multiply(s, s)))
        if axis == 0:
            ry, rz, ty, tz = _turned_back(ry, rz, ty, tz, cosine, sine, rate)
        elif axis == 1:
            rz, rx, tz, tx = _turned_back(rz, rx, tz, tx, cosine, sine, rate)
        else:
            rx, ry, tx, ty = _turned_back(rx, ry, tx, ty, cosine, sine, rate)


@_NJIT
def _turned_back(p, q, s, t, cosine, sine, rate):
    """Return two brackets ``p, q`` before a rotation about the third axis, and their tangents."""
    minus = negative(sine)
    x = multiply_add(sine, q, multiply(cosine, p))
    y = multiply_add(minus, p, multiply(cosine, q))
    u = multiply_add(sine, t, multiply(cosine, s))
    v = multiply_add(minus, s, multiply(cosine, t))
    return x, y, multiply_add(rate, y, u), multiply_add(negative(rate), x, v)


@_NJIT
def tangent_backward(
    reals, imags, slopes, rises, lefts, downs, sides, falls, gradients, rates, cosines, sines,
    tables, width,
):  # fmt: skip
    """Undo a program on kets, bras and tangents, adding the tangents of ``backward``'s gradients.

    Args:
        reals: Real parts of the kets, shape ``(n_blocks, 2**n_qubits, n_lanes)``.
        imags: Their imaginary parts.
        slopes: Real parts of the kets' tangents, same shape.
        rises: Their imaginary parts.
        lefts: Real parts of the bras, same shape.
        downs: Their imaginary parts.
        sides: Real parts of the bras' tangents, same shape.
        falls: Their imaginary parts.
        gradients: What is added to, shape ``(n_blocks, n_params, n_lanes)``.
        rates: As in ``tangent_forward``.
        cosines: As in ``tangent_forward``.
        sines: As in ``tangent_forward``.
        tables: As in ``tangent_forward``.
        width: ``BATCH``.
    """
    ops, turns, factors, signs = tables
    for block in range(len(reals)):
        real, imag, slope, rise = reals[block], imags[block], slopes[block], rises[block]
        left, down, side, fall = lefts[block], downs[block], sides[block], falls[block]
        rate, cosine, sine = rates[block], cosines[block], sines[block]
        for k in range(len(ops) - 1, -1, -1):
            op = ops[k]
            if op[8]:
                rx, ry, rz = brackets(real, imag, left, down, op, 0, width)
                tx, ty, tz = brackets(slope, rise, left, down, op, 0, width)
                ux, uy, uz = brackets(real, imag, side, fall, op, 0, width)
                _add_tangents(
                    gradients[block], rx, ry, rz, add(tx, ux), add(ty, uy), add(tz, uz),
                    rate, cosine, sine, turns, factors, op, width,
                )  # fmt: skip
            ar, ai, br, bi, er, ei, fr, fi = _coefficients(
                op, rate, cosine, sine, turns, factors, width
            )
            ai, br, bi = negative(ai), negative(br), negative(bi)
            ei, fr, fi = negative(ei), negative(fr), negative(fi)
            _step(real, imag, slope, rise, op, signs, ar, ai, br, bi, er, ei, fr, fi, width)
            _step(left, down, side, fall, op, signs, ar, ai, br, bi, er, ei, fr, fi, width)
