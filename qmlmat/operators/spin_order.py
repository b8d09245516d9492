"""Spin orbitals in another order: alpha and beta by turns, or all alpha and then all beta."""

from __future__ import annotations

import numpy as np

from qmlmat.operators.pauli import PauliSum, word_phase
from qmlmat.typing import FloatArray, IntArray, MaskArray


def with_bits(words: PauliSum, bits: IntArray) -> PauliSum:
    """Return a sum whose masks have bit w moved to bit ``bits[w]``, a permutation."""
    masks: list[MaskArray] = []
    for mask in (words.x, words.z):
        moved = np.zeros_like(mask)
        for old, new in enumerate(bits.tolist()):
            moved |= (mask >> np.uint64(old) & np.uint64(1)) << np.uint64(new)
        masks.append(moved)
    return PauliSum.collected(words.n_qubits, masks[0], masks[1], words.coefficients)


def in_blocks(words: PauliSum) -> PauliSum:
    """Return the words of alternating orbitals with the signs of fermions in order of spin.

    Of a sum whose wires were alpha and beta by turns, but whose masks have all alpha before all
    beta. Reordering the fermions is one CZ for each pair of an alpha and a beta orbital that pass
    each other: beta ``q`` and alpha ``p > q``.
    """
    norb = words.n_qubits // 2
    x, z, edges = words.x, words.z.copy(), np.zeros(words.n_terms, dtype=np.int64)
    for p in range(norb):
        below = np.uint64(((1 << p) - 1) << norb)  # beta orbitals that alpha p passes
        flipped = (x >> np.uint64(p) & np.uint64(1)).astype(bool)
        z[flipped] ^= below
        edges[flipped] += np.bitwise_count(x[flipped] & below)
        passed = (np.bitwise_count(x & below) & 1).astype(np.uint64)
        z ^= passed << np.uint64(p)
    factor = word_phase(x, words.z) * word_phase(x, z).conj() * (1.0 - 2.0 * (edges & 1))
    return PauliSum.collected(words.n_qubits, x, z, words.coefficients * factor)


def passing_signs(alphas: IntArray, betas: IntArray, norb: int) -> FloatArray:
    """Return the sign of each determinant under that reordering, shape ``(n_alpha, n_beta)``."""
    passed = np.zeros(len(alphas), dtype=np.int64)
    for p in range(norb):
        passed ^= np.where(alphas >> p & 1, (1 << p) - 1, 0)
    signs: FloatArray = 1.0 - 2.0 * (np.bitwise_count(passed[:, None] & betas) & 1)
    return signs
