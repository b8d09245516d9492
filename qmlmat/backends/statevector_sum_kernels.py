"""Compiled products of Hermitian sums with qubit states, and expectations.

States are blocks of samples, see ``qmlmat.backends.statevector_op_kernels``.
"""

from __future__ import annotations

import numba
import numpy as np

from qmlmat.backends.statevector_op_kernels import parity
from qmlmat.operators.lane_kernels import add, load, multiply, scale_add, store, zero

_NJIT = numba.njit(cache=True, nogil=True)


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
                    sign = 1.0 - 2.0 * parity(column & masks[k])
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
