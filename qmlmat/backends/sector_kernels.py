"""Compiled sweeps over the gates of a circuit, acting on sector vectors in place.

An excitation rotates pairs of determinants: with ``T|source> = sign |target>``,

    exp(angle (T - T†)):  source' = cos * source - sign * sin * target
                          target' = cos * target + sign * sin * source

Pairs of determinants are pairs of alpha strings times pairs of beta strings. The tables of all
distinct one-spin excitations are concatenated; table k stands at ``start[k]:start[k + 1]``, and
the table number -1 says that this spin is untouched.
"""

from __future__ import annotations

import numba
import numpy as np

from qmlmat.typing import FloatArray, IntArray


@numba.njit(cache=True)
def rotate(state, alpha, beta, start, source, target, sign, cosine, sine):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Rotate ``state`` in place by one gate.

    Args:
        state: Sector vector, shape ``(n_alpha_strings, n_beta_strings)``.
        alpha: Table number of the alpha part, or -1.
        beta: Table number of the beta part, or -1.
        start: Offsets of the tables, shape ``(n_tables + 1,)``.
        source: Source strings of all tables.
        target: Target strings of all tables.
        sign: Signs of all tables.
        cosine: Cosine of the angle.
        sine: Sine of the angle.
    """
    if beta < 0:
        for p in range(start[alpha], start[alpha + 1]):
            s, t, sine_p = source[p], target[p], sine * sign[p]
            for column in range(state.shape[1]):
                x, y = state[s, column], state[t, column]
                state[s, column] = cosine * x - sine_p * y
                state[t, column] = cosine * y + sine_p * x
    elif alpha < 0:
        for row in range(state.shape[0]):
            for q in range(start[beta], start[beta + 1]):
                s, t, sine_q = source[q], target[q], sine * sign[q]
                x, y = state[row, s], state[row, t]
                state[row, s] = cosine * x - sine_q * y
                state[row, t] = cosine * y + sine_q * x
    else:
        for p in range(start[alpha], start[alpha + 1]):
            row_s, row_t, sine_p = source[p], target[p], sine * sign[p]
            for q in range(start[beta], start[beta + 1]):
                s, t, sine_pq = source[q], target[q], sine_p * sign[q]
                x, y = state[row_s, s], state[row_t, t]
                state[row_s, s] = cosine * x - sine_pq * y
                state[row_t, t] = cosine * y + sine_pq * x


@numba.njit(cache=True)
def bracket(bra, ket, alpha, beta, start, source, target, sign):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return ``<bra| T - T† |ket>`` of one gate's excitation; arguments as in ``rotate``."""
    total = 0.0
    if beta < 0:
        for p in range(start[alpha], start[alpha + 1]):
            s, t = source[p], target[p]
            part = 0.0
            for column in range(ket.shape[1]):
                part += bra[t, column] * ket[s, column] - bra[s, column] * ket[t, column]
            total += sign[p] * part
    elif alpha < 0:
        for row in range(ket.shape[0]):
            for q in range(start[beta], start[beta + 1]):
                s, t = source[q], target[q]
                total += sign[q] * (bra[row, t] * ket[row, s] - bra[row, s] * ket[row, t])
    else:
        for p in range(start[alpha], start[alpha + 1]):
            row_s, row_t = source[p], target[p]
            part = 0.0
            for q in range(start[beta], start[beta + 1]):
                s, t = source[q], target[q]
                part += sign[q] * (bra[row_t, t] * ket[row_s, s] - bra[row_s, s] * ket[row_t, t])
            total += sign[p] * part
    return total


@numba.njit(cache=True)
def _forward(state, alpha, beta, start, source, target, sign, angles):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for g in range(alpha.shape[0]):
        rotate(
            state,
            alpha[g],
            beta[g],
            start,
            source,
            target,
            sign,
            np.cos(angles[g]),
            np.sin(angles[g]),
        )


@numba.njit(cache=True)
def _backward(ket, bra, alpha, beta, start, source, target, sign, angles, slopes):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for g in range(alpha.shape[0] - 1, -1, -1):
        slopes[g] = 2.0 * bracket(bra, ket, alpha[g], beta[g], start, source, target, sign)
        cosine, sine = np.cos(angles[g]), -np.sin(angles[g])
        rotate(ket, alpha[g], beta[g], start, source, target, sign, cosine, sine)
        rotate(bra, alpha[g], beta[g], start, source, target, sign, cosine, sine)


def forward(
    state: FloatArray,
    gates: tuple[IntArray, IntArray],
    tables: tuple[IntArray, IntArray, IntArray, FloatArray],
    angles: FloatArray,
) -> None:
    """Apply all gates to ``state`` in place, first gate first.

    Args:
        state: Sector vector, shape ``(n_alpha_strings, n_beta_strings)``.
        gates: Table numbers of the alpha and of the beta parts, each shape ``(n_gates,)``.
        tables: ``start, source, target, sign`` as in ``rotate``.
        angles: Rotation angles, shape ``(n_gates,)`` (radians).
    """
    _forward(state, *gates, *tables, angles)


def backward(
    ket: FloatArray,
    bra: FloatArray,
    gates: tuple[IntArray, IntArray],
    tables: tuple[IntArray, IntArray, IntArray, FloatArray],
    angles: FloatArray,
) -> FloatArray:
    """Return the adjoint sweep's derivatives, shape ``(n_gates,)``, undoing the gates in place.

    With ``ket = U|reference>`` and ``bra = O ket``, entry ``g`` is the derivative of ``<O>`` by
    the angle of gate ``g``: ``2 <bra_g| T - T† |ket_g>``, both vectors taken just after gate g.

    References:
        T. Jones, J. Gacon, arXiv:2009.02823 (2020).
    """
    slopes = np.empty(angles.shape[0])
    _backward(ket, bra, *gates, *tables, angles, slopes)
    return slopes
