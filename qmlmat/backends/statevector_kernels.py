"""Compiled sweeps over qubit states: fused rotations on blocks of samples.

A block holds ``LANES`` samples, or one, the sample innermost; real and imaginary parts are apart:
``real[block, index, lane]``. Every gate acts in a *frame* (``qmlmat.backends.statevector_program``):
its qubit is a parity of the index, and its flip is a mask. ``ops``, shape ``(n_ops, 9)``:

- kind: ``GENERAL``, ``DIAGONAL`` or ``SIGNS``;
- flip: the mask that turns the qubit over (``GENERAL``);
- row: the bits of the index whose parity is the qubit;
- pivot: a bit that flip and row have in common (``GENERAL``);
- control, wanted: where ``parity(index & control)`` is not ``wanted`` the op is the identity;
- begin, end: its rotations in ``turns`` (of ``SIGNS``: its lines of ``signs``);
- whether one of them has a parameter.

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
    add,
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
def _parity(_, mask):
    """Return the number of bits of a mask modulo 2."""

    def generate(_context, builder, _signature, args):
        return builder.and_(builder.ctpop(args[0]), ir.Constant(args[0].type, 1))

    return types.int64(types.int64), generate


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
def _turn_diagonal(real, imag, op, ar, ai, width):
    """Multiply amplitudes by ``a``, or by its conjugate where the qubit is 1."""
    lanes, row, control, wanted = len(width), op[2], op[4], op[5]
    for index in range(len(real)):
        if control and _parity(index & control) != wanted:
            continue
        at = lanes * index
        ti = scale(1.0 - 2.0 * _parity(index & row), ai)
        x, y = load(width, real, at), load(width, imag, at)
        store(real, at, multiply_add(_negative(ti), y, multiply(ar, x)))
        store(imag, at, multiply_add(ti, x, multiply(ar, y)))


@_NJIT
def _pair(k, row, pivot):
    """Return the k-th index at which the qubit is 0."""
    low = (1 << pivot) - 1
    index = ((k & ~low) << 1) | (k & low)
    return index | (_parity(index & row) << pivot)


@_NJIT
def _turn(real, imag, op, ar, ai, br, bi, width):
    """Apply ``[[a, -b*], [b, a*]]`` to the qubit."""
    lanes, flip, row, pivot, control, wanted = len(width), op[1], op[2], op[3], op[4], op[5]
    ci, cr, di = _negative(ai), _negative(br), _negative(bi)
    for k in range(len(real) >> 1):
        first = _pair(k, row, pivot)
        if control and _parity(first & control) != wanted:
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
def _change_signs(real, imag, signs, begin, end, width):
    """Change the signs that lines of ``signs`` name."""
    lanes = len(width)
    for index in range(len(real)):
        odd = 0
        for k in range(begin, end):
            first = _parity(index & signs[k, 0]) ^ signs[k, 1]
            odd ^= first & (_parity(index & signs[k, 2]) ^ signs[k, 3])
        if odd:
            at = lanes * index
            store(real, at, _negative(load(width, real, at)))
            store(imag, at, _negative(load(width, imag, at)))


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
            if op[0] == SIGNS:
                _change_signs(real, imag, signs, op[6], op[7], width)
                continue
            ar, ai, br, bi = _product(cosine, sine, turns, factors, op[6], op[7], width)
            if op[0] == DIAGONAL:
                _turn_diagonal(real, imag, op, ar, ai, width)
            else:
                _turn(real, imag, op, ar, ai, br, bi, width)


@_NJIT
def _bracket_diagonal(real, imag, left, down, op, width):
    """Return ``Im <bra|Z|ket>`` of the qubit."""
    lanes, row, control, wanted = len(width), op[2], op[4], op[5]
    rz = zero(width)
    for index in range(len(real)):
        if control and _parity(index & control) != wanted:
            continue
        at = lanes * index
        part = multiply(load(width, left, at), load(width, imag, at))
        part = multiply_add(_negative(load(width, down, at)), load(width, real, at), part)
        rz = scale_add(1.0 - 2.0 * _parity(index & row), part, rz)
    return rz


@_NJIT
def _bracket(real, imag, left, down, op, width):
    """Return ``Im <bra|P|ket>`` for P = X, Y, Z of the qubit."""
    lanes, flip, row, pivot, control, wanted = len(width), op[1], op[2], op[3], op[4], op[5]
    rx, ry, rz = zero(width), zero(width), zero(width)
    for k in range(len(real) >> 1):
        first = _pair(k, row, pivot)
        if control and _parity(first & control) != wanted:
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
def _slopes(gradient, rx, ry, rz, cosines, sines, turns, factors, begin, end, width):
    """Add the derivatives by the angles of a run, last rotation first."""
    lanes = len(width)
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
            begin, end = op[6], op[7]
            if op[0] == SIGNS:
                _change_signs(real, imag, signs, begin, end, width)
                for n in range(len(lefts)):
                    _change_signs(lefts[n, block], downs[n, block], signs, begin, end, width)
                continue
            ar, ai, br, bi = _product(cosine, sine, turns, factors, begin, end, width)
            ai, br, bi = _negative(ai), _negative(br), _negative(bi)
            for n in range(len(lefts)):
                left, down, gradient = lefts[n, block], downs[n, block], gradients[n, block]
                rx, ry, rz = zero(width), zero(width), zero(width)
                if op[0] == DIAGONAL:
                    if op[8]:
                        rz = _bracket_diagonal(real, imag, left, down, op, width)
                    _turn_diagonal(left, down, op, ar, ai, width)
                else:
                    if op[8]:
                        rx, ry, rz = _bracket(real, imag, left, down, op, width)
                    _turn(left, down, op, ar, ai, br, bi, width)
                if op[8]:
                    _slopes(gradient, rx, ry, rz, cosine, sine, turns, factors, begin, end, width)
            if op[0] == DIAGONAL:
                _turn_diagonal(real, imag, op, ar, ai, width)
            else:
                _turn(real, imag, op, ar, ai, br, bi, width)


@_NJIT
def apply_sparse(reals, imags, lefts, downs, values, starts, columns, entries, phases, width):
    """Set bras to a sparse matrix times kets, and values to the expectations.

    Args:
        reals: Real parts of the kets, shape ``(n_blocks, 2**n_qubits, n_lanes)``.
        imags: Their imaginary parts.
        lefts: Real parts of the bras, same shape.
        downs: Their imaginary parts.
        values: Expectations, shape ``(n_blocks, n_lanes)``.
        starts: Where each row's entries start, shape ``(2**n_qubits + 1,)``.
        columns: Column of each entry.
        entries: Real part of each entry.
        phases: Imaginary part of each entry; empty: all are real.
        width: ``BATCH`` or ``SINGLE``.
    """
    lanes = len(width)
    for block in range(len(reals)):
        real, imag, value = reals[block], imags[block], zero(width)
        for row in range(len(real)):
            x, y = zero(width), zero(width)
            for k in range(starts[row], starts[row + 1]):
                at = lanes * np.intp(columns[k])
                u, v = load(width, real, at), load(width, imag, at)
                x, y = scale_add(entries[k], u, x), scale_add(entries[k], v, y)
                if len(phases):
                    x, y = scale_add(-phases[k], v, x), scale_add(phases[k], u, y)
            at = lanes * row
            store(lefts[block], at, x)
            store(downs[block], at, y)
            value = add(value, multiply(load(width, real, at), x))
            value = add(value, multiply(load(width, imag, at), y))
        store(values, lanes * block, value)


@_NJIT
def apply_words(reals, imags, lefts, downs, values, groups, masks, weights, width):
    """Set bras to a sum of Pauli words times kets, and values to the expectations.

    Args:
        reals: Real parts of the kets, shape ``(n_blocks, 2**n_qubits, n_lanes)``.
        imags: Their imaginary parts.
        lefts: Real parts of the bras, same shape.
        downs: Their imaginary parts.
        values: Expectations, shape ``(n_blocks, n_lanes)``.
        groups: Flip of each group of words, begin and end of its words, shape ``(n_groups, 3)``.
        masks: Where each word turns signs, in bits of the index.
        weights: Real and imaginary part of each word's factor, shape ``(n_words, 2)``.
        width: ``BATCH`` or ``SINGLE``.
    """
    lanes = len(width)
    for block in range(len(reals)):
        real, imag, value = reals[block], imags[block], zero(width)
        for row in range(len(real)):
            x, y = zero(width), zero(width)
            for group in range(len(groups)):
                column = row ^ groups[group, 0]
                entry, phase = 0.0, 0.0
                for k in range(groups[group, 1], groups[group, 2]):
                    sign = 1.0 - 2.0 * _parity(column & masks[k])
                    entry += sign * weights[k, 0]
                    phase += sign * weights[k, 1]
                at = lanes * column
                u, v = load(width, real, at), load(width, imag, at)
                x = scale_add(-phase, v, scale_add(entry, u, x))
                y = scale_add(phase, u, scale_add(entry, v, y))
            at = lanes * row
            store(lefts[block], at, x)
            store(downs[block], at, y)
            value = add(value, multiply(load(width, real, at), x))
            value = add(value, multiply(load(width, imag, at), y))
        store(values, lanes * block, value)
