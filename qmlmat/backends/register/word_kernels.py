"""Compiled rows of a sum of Pauli words among the determinants of a sector."""

from __future__ import annotations

import numba
import numpy as np

from qmlmat.backends.statevector_op_kernels import parity

_NJIT = numba.njit(cache=True, nogil=True)


@_NJIT
def _count(mask):
    """Return the number of set bits of a mask of up to 62."""
    mask -= mask >> 1 & 0x5555555555555555
    mask = (mask & 0x3333333333333333) + (mask >> 2 & 0x3333333333333333)
    mask = (mask + (mask >> 4)) & 0x0F0F0F0F0F0F0F0F
    mask += mask >> 8
    mask += mask >> 16
    return (mask + (mask >> 32)) & 0x7F


@_NJIT
def _rank(string, n_orbitals, binomials):
    """Return where a string stands among those with as many electrons, ascending."""
    rank, electron = 0, 1
    for orbital in range(n_orbitals):
        if string >> orbital & 1:
            rank += binomials[orbital, electron]
            electron += 1
    return rank


@_NJIT
def word_rows(
    alphas,
    betas,
    first,
    last,
    n_orbitals,
    groups,
    flips,
    signs,
    weights,
    binomials,
    starts,
    columns,
    entries,
    floor,
):
    """Write rows ``first`` to ``last`` of the matrix in compressed form.

    Args:
        alphas: Occupation strings of alpha, ascending.
        betas: Those of beta.
        first: The first row, a determinant's flat index.
        last: The row after the last.
        n_orbitals: Orbitals of each spin; beta's bits of a mask follow alpha's.
        groups: Begin and end of the words of each group, shape ``(n_groups, 2)``.
        flips: What all words of a group flip, shape ``(n_groups,)``.
        signs: Where each word turns signs, shape ``(n_words,)``.
        weights: Factor of each word, complex, shape ``(n_words,)``.
        binomials: ``binomials[n, k]``, shape ``(n_orbitals + 1, n_orbitals + 1)``.
        starts: Where each row's entries start, shape ``(last - first + 1,)``; written.
        columns: Column of each entry; written.
        entries: Value of each entry; written.
        floor: Entries up to it are left out.
    """
    half = (1 << n_orbitals) - 1
    n_alpha, n_beta = _count(alphas[0]), _count(betas[0])
    place = 0
    starts[0] = 0
    for row in range(first, last):
        i, j = row // len(betas), row % len(betas)
        state = alphas[i] | (betas[j] << n_orbitals if n_beta else 0)
        for g in range(len(flips)):
            column = state ^ flips[g]
            alpha, beta = column & half, column >> n_orbitals
            if _count(alpha) != n_alpha or _count(beta) != n_beta:
                continue
            value = 0.0 + 0.0j
            for k in range(groups[g, 0], groups[g, 1]):
                value += (1.0 - 2.0 * parity(column & signs[k])) * weights[k]
            if abs(value) <= floor:
                continue
            if alpha != alphas[i]:
                target = _rank(alpha, n_orbitals, binomials) * len(betas)
            else:
                target = i * len(betas)
            if beta != (betas[j] if n_beta else 0):
                target += _rank(beta, n_orbitals, binomials)
            else:
                target += j
            columns[place] = target
            entries[place] = value
            place += 1
        starts[row - first + 1] = place


@_NJIT
def word_means(alphas, betas, n_orbitals, state, groups, flips, signs, weights, binomials, means):
    """Add each word's expectation in one state to ``means``; see ``word_rows``.

    Args:
        alphas: Occupation strings of alpha, ascending.
        betas: Those of beta.
        n_orbitals: Orbitals of each spin.
        state: Amplitudes, complex, shape ``(dimension,)``.
        groups: Begin and end of the words of each group, shape ``(n_groups, 2)``.
        flips: What all words of a group flip, shape ``(n_groups,)``.
        signs: Where each word turns signs, shape ``(n_words,)``.
        weights: Phase of each word, complex, shape ``(n_words,)``.
        binomials: ``binomials[n, k]``.
        means: Shape ``(n_words,)``, added to.
    """
    half = (1 << n_orbitals) - 1
    n_alpha, n_beta = _count(alphas[0]), _count(betas[0])
    for row in range(len(state)):
        if state[row] == 0.0:
            continue
        i, j = row // len(betas), row % len(betas)
        here = alphas[i] | (betas[j] << n_orbitals if n_beta else 0)
        for g in range(len(flips)):
            other = here ^ flips[g]
            alpha, beta = other & half, other >> n_orbitals
            if _count(alpha) != n_alpha or _count(beta) != n_beta:
                continue
            column = _rank(alpha, n_orbitals, binomials) * len(betas)
            column += _rank(beta, n_orbitals, binomials)
            overlap = np.conj(state[row]) * state[column]
            for k in range(groups[g, 0], groups[g, 1]):
                sign = 1.0 - 2.0 * parity(other & signs[k])
                means[k] += sign * (overlap * weights[k]).real
