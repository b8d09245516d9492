"""Compiled sweeps over qubit states: forward, and backward with adjoint derivatives.

The tables and the layout of states are those of ``qmlmat.backends.statevector_op_kernels``.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from qmlmat.backends.statevector_op_kernels import (
    BATCH,
    LANES,
    LOW_BITS,
    apply_op,
    brackets,
    coefficients,
    negative,
    ones,
    parity,
)
from qmlmat.operators.lane_kernels import (
    load,
    multiply,
    multiply_add,
    scale,
    scale_add,
    store,
    total,
)

LARGE_ANGLE: Final = 1e6
"""Angles from which ``half_turns`` loses digits (radians)."""

_NJIT = numba.njit(cache=True, nogil=True)


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
    lanes, one = len(width), ones(width)
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
        one = ones(BATCH)
        roles = _roles(op[2], one)
        wa, wb = scale(total(ar), one), scale(total(br), roles)
        va, vb = scale(total(ai), roles), scale(total(bi), one)
        reals, imags = real.reshape((-1, LANES)), imag.reshape((-1, LANES))
        apply_op(reals, imags, op, LOW_BITS, signs, wa, va, wb, vb, BATCH)
    else:
        apply_op(real, imag, op, 0, signs, ar, ai, br, bi, width)


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
            ar, ai, br, bi = coefficients(op, cosine, sine, turns, factors, width)
            _step(real, imag, op, signs, ar, ai, br, bi, width)


@_NJIT
def _step_brackets(real, imag, left, down, op, width):
    """Return the brackets, many neighbouring amplitudes of one sample at a time where that goes."""
    if len(width) == 1 and op[9]:
        roles, one = _roles(op[2], ones(BATCH)), ones(width)
        kets = real.reshape((-1, LANES)), imag.reshape((-1, LANES))
        bras = left.reshape((-1, LANES)), down.reshape((-1, LANES))
        rx, ry, rz = brackets(kets[0], kets[1], bras[0], bras[1], op, LOW_BITS, BATCH)
        return (
            scale(total(rx), one),
            scale(total(multiply(roles, ry)), one),
            scale(total(multiply(roles, rz)), one),
        )
    return brackets(real, imag, left, down, op, 0, width)


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
        cosine = multiply_add(c, c, negative(multiply(s, s)))
        minus = negative(sine)
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
            ar, ai, br, bi = coefficients(op, cosine, sine, turns, factors, width)
            ai, br, bi = negative(ai), negative(br), negative(bi)
            for n in range(len(lefts)):
                left, down, gradient = lefts[n, block], downs[n, block], gradients[n, block]
                if op[8]:
                    rx, ry, rz = _step_brackets(real, imag, left, down, op, width)
                    _slopes(gradient, rx, ry, rz, cosine, sine, turns, factors, op, width)
                _step(left, down, op, signs, ar, ai, br, bi, width)
            _step(real, imag, op, signs, ar, ai, br, bi, width)
