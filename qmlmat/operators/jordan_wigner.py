"""Jordan-Wigner forms straight from integrals, and back, without products of operator objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmlmat.errors import InputError
from qmlmat.operators.pauli import MAX_QUBITS, PauliSum, word_phase
from qmlmat.typing import FloatArray, IntArray, MaskArray


def molecular_pauli_sum(
    one_body: FloatArray, two_body: FloatArray, constant: float = 0.0
) -> PauliSum:
    """Return the Jordan-Wigner form of an electronic Hamiltonian with real orbitals.

    With ``F_P = E_pq + E_qp`` (``E_pp`` for equal orbitals) the Hamiltonian is
    ``sum_P h'_P F_P + 1/2 sum_PQ (P|Q) F_P F_Q``, and each ``F`` is a sum of at most four words: so
    only products of about ``2 norb**2`` words are formed.

    Args:
        one_body: ``h[p, q]``, symmetric, shape ``(norb, norb)`` (hartree).
        two_body: ``(pq|rs)`` with its eightfold symmetry, ``(norb,) * 4`` (hartree).
        constant: Multiple of the identity (hartree).

    Raises:
        InputError: If there are more than 32 orbitals.
    """
    norb = len(one_body)
    if 2 * norb > MAX_QUBITS:
        raise InputError(
            f"Jordan-Wigner of {norb} orbitals: {2 * norb} qubits, at most {MAX_QUBITS}. Use a "
            "smaller active space."
        )
    rows, columns = np.tril_indices(norb)
    pairs = np.arange(len(rows))
    effective = one_body - 0.5 * np.einsum("pqqs->ps", two_body)
    coulomb = two_body[rows, columns][:, rows, columns]
    # Words of every F: the identity (of equal orbitals), then Z, or XZ..ZX and YZ..ZY.
    x, z, pair, weight = [], [], [], []
    diagonal = rows == columns
    for shift in (0, norb):
        p = (columns + shift).astype(np.uint64)
        q = (rows + shift).astype(np.uint64)
        one = np.uint64(1)
        ends = (one << p) | (one << q)
        between = (one << q) - (one << (p + one))
        x += [np.zeros(norb, np.uint64), ends[~diagonal], ends[~diagonal]]
        z += [(one << p)[diagonal], between[~diagonal], (between | ends)[~diagonal]]
        pair += [pairs[diagonal], pairs[~diagonal], pairs[~diagonal]]
        weight += [np.full(norb, -0.5), *[np.full(norb * (norb - 1) // 2, 0.5)] * 2]
    x.append(np.zeros(1, np.uint64))
    z.append(np.zeros(1, np.uint64))
    word_x, word_z = np.concatenate(x), np.concatenate(z)
    place, factor = np.concatenate(pair), np.concatenate(weight)
    # F_P = sum_w maps[w, P] word_w; the last word is the identity.
    maps = np.zeros((len(word_x), len(pairs)))
    maps[np.arange(len(place)), place] = factor
    maps[-1, diagonal] = 1.0
    linear = maps @ effective[rows, columns]
    upper, lower = np.triu_indices(len(word_x))
    quadratic = 0.5 * (maps @ coulomb @ maps.T)[upper, lower]
    quadratic[upper != lower] *= 2.0
    ux, uz, lx, lz = word_x[upper], word_z[upper], word_x[lower], word_z[lower]
    crossed = np.bitwise_count(uz & lx)
    commute = ((crossed + np.bitwise_count(ux & lz)) & 1) == 0  # others cancel: V W + W V = 0
    used = commute & (quadratic != 0.0)
    ux, uz, lx, lz = ux[used], uz[used], lx[used], lz[used]
    phase = word_phase(ux, uz) * word_phase(lx, lz) * word_phase(ux ^ lx, uz ^ lz).conj()
    sign = 1.0 - 2.0 * (crossed[used] & 1)
    return PauliSum.collected(
        2 * norb,
        np.concatenate([word_x, ux ^ lx, [np.uint64(0)]]),
        np.concatenate([word_z, uz ^ lz, [np.uint64(0)]]),
        np.concatenate([linear, quadratic[used] * phase.real * sign, [constant]]),
    )


@dataclass(frozen=True, eq=False, repr=False)
class Integrals:
    """What ``molecular_pauli_sum`` takes."""

    one_body: FloatArray
    """``h[p, q]``, shape ``(norb, norb)``."""
    two_body: FloatArray
    """``(pq|rs)``, shape ``(norb,) * 4``."""
    constant: float
    """Multiple of the identity."""


def read_integrals(words: PauliSum) -> tuple[Integrals, PauliSum]:
    """Return a sum's electronic Hamiltonian of real orbitals, and what is left of the sum.

    Of words that act on both spins the coefficients are the repulsion integrals; with those taken
    off, what acts on one pair of alpha orbitals gives the others. What is left is zero for the
    Jordan-Wigner form of a molecule.

    Args:
        words: The sum; all alpha and then all beta orbitals, an even number of qubits.
    """
    norb = words.n_qubits // 2
    rows, columns = np.tril_indices(norb)
    alpha = _pair_words(rows, columns, 0)
    beta = _pair_words(rows, columns, norb)
    weight = np.where(rows == columns, -0.5, 0.5)
    found = _coefficients(words, alpha[0][:, None] | beta[0], alpha[1][:, None] | beta[1])
    coulomb = found / np.multiply.outer(weight, weight)
    coulomb = 0.5 * (coulomb + coulomb.T)
    place = np.zeros((norb, norb), dtype=np.int64)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    two_body = coulomb[place[:, :, None, None], place]
    rest = words - molecular_pauli_sum(np.zeros((norb, norb)), two_body)
    one_body = (_coefficients(rest, *alpha) / weight)[place]
    constant = rest.constant + float(_minus_identity(one_body))
    integrals = Integrals(one_body, two_body, constant)
    return integrals, words - molecular_pauli_sum(one_body, two_body, constant)


def _minus_identity(one_body: FloatArray) -> float:
    """Return what the identity's coefficient lacks of the constant: ``n = (1 - Z) / 2``."""
    return -float(np.trace(one_body))  # half for each spin


def _pair_words(rows: IntArray, columns: IntArray, shift: int) -> tuple[MaskArray, MaskArray]:
    """Return the words ``Z`` of equal and ``XZ..ZX`` of different orbitals, as masks."""
    one = np.uint64(1)
    p, q = (columns + shift).astype(np.uint64), (rows + shift).astype(np.uint64)
    equal = rows == columns
    x = np.where(equal, np.uint64(0), (one << p) | (one << q))
    # For equal orbitals (1 << q) - (1 << (p + 1)) would be negative.
    between = np.where(equal, one << p, (one << q) - (one << np.minimum(p + one, q)))
    return x, between


def _coefficients(words: PauliSum, x: MaskArray, z: MaskArray) -> FloatArray:
    """Return the real coefficients of some words, 0 for those that the sum has not."""
    order = {key: k for k, key in enumerate(zip(words.x.tolist(), words.z.tolist(), strict=True))}
    values = np.append(words.coefficients.real, 0.0)
    keys = zip(x.ravel().tolist(), z.ravel().tolist(), strict=True)
    return values[[order.get(key, -1) for key in keys]].reshape(x.shape)
