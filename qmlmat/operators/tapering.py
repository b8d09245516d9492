"""Pauli symmetries found from a sum, and sums with fewer qubits where their values are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum, word, word_phase
from qmlmat.typing import BoolArray, MaskArray

Word: TypeAlias = tuple[int, int]
"""Masks ``(x, z)`` of one Hermitian Pauli word, as in ``PauliSum``."""

SYMMETRY_TOLERANCE: Final = 1e-8
"""Coefficients up to it do not break a symmetry: rounding of integrals (the sum's unit). An energy
changes in second order when such words are left out."""


def z2_symmetries(
    pauli_sum: PauliSum, *, tolerance: float = SYMMETRY_TOLERANCE
) -> tuple[Word, ...]:
    """Return independent Pauli words that commute with a sum's words and with each other.

    As many as there are; words of Z alone come first.

    Args:
        pauli_sum: The sum.
        tolerance: Words with coefficients up to it are not asked (the sum's unit).

    References:
        S. Bravyi, J. M. Gambetta, A. Mezzacapo, K. Temme, arXiv:1701.08213.

    Example:
        >>> z2_symmetries(PauliSum.from_words({"XX": 1.0, "YY": 0.5, "ZI": 0.2}))
        ((0, 3),)
    """
    n = pauli_sum.n_qubits
    asked = np.abs(pauli_sum.coefficients) > tolerance
    rows = _independent_rows(pauli_sum.x[asked], pauli_sum.z[asked], n)
    # A kernel vector has the symmetry's z where the rows have x, and the reverse.
    candidates = [(v >> n, v & ((1 << n) - 1)) for v in _kernel(rows, 2 * n)]
    found: list[Word] = [(0, z) for z in symmetry_masks(pauli_sum, tolerance=tolerance)]
    basis: dict[int, int] = {}
    for symmetry in found:
        _insert(basis, symmetry[0] | symmetry[1] << n)
        candidates = _commuting_with(symmetry, candidates)
    while candidates:
        chosen, *candidates = candidates
        if _insert(basis, chosen[0] | chosen[1] << n):
            found.append(chosen)
            candidates = _commuting_with(chosen, candidates)
    return tuple(found)


def symmetry_masks(
    pauli_sum: PauliSum, *, tolerance: float = SYMMETRY_TOLERANCE
) -> tuple[int, ...]:
    """Return the independent symmetries that are words of Z alone, as masks.

    In Jordan-Wigner form they are parities of occupations, as ``QubitMapping.tapered`` takes them:
    of electrons of each spin, and of irreps.

    Args:
        pauli_sum: The sum.
        tolerance: Words with coefficients up to it are not asked (the sum's unit).
    """
    asked = np.abs(pauli_sum.coefficients) > tolerance
    flips = np.unique(pauli_sum.x[asked])
    rows = _independent_rows(flips, np.zeros_like(flips), pauli_sum.n_qubits)
    return tuple(_kernel(rows, pauli_sum.n_qubits))


def symmetry_values(symmetries: Sequence[Word], bits: str) -> tuple[int, ...]:
    """Return the values, 1 or -1, of symmetries in the state of given bits.

    Args:
        symmetries: Words of Z alone.
        bits: Values of the qubits, wire 0 on the left.

    Raises:
        InputError: If a symmetry flips qubits, so that bits do not have a value of it.
    """
    flipping = [word(x, z, len(bits)) for x, z in symmetries if x]
    if flipping:
        raise InputError(
            f"symmetry_values: {flipping[0]} has no value in a state of given bits. Choose 1 or -1 "
            "for it, or use symmetry_masks."
        )
    ones = sum(1 << w for w, bit in enumerate(bits) if bit == "1")
    return tuple(1 - 2 * ((z & ones).bit_count() & 1) for _, z in symmetries)


def symmetrized(
    pauli_sum: PauliSum, symmetries: Sequence[Word], *, tolerance: float = SYMMETRY_TOLERANCE
) -> PauliSum:
    """Return a sum without words that break symmetries by no more than rounding.

    Args:
        pauli_sum: The sum.
        symmetries: Words that should commute with it.
        tolerance: Largest coefficient left out (the sum's unit).
    """
    breaking = _breaking(pauli_sum, symmetries) & (np.abs(pauli_sum.coefficients) <= tolerance)
    if not breaking.any():
        return pauli_sum
    x, z, values = pauli_sum.x, pauli_sum.z, pauli_sum.coefficients
    return PauliSum(pauli_sum.n_qubits, x[~breaking], z[~breaking], values[~breaking])


def taper(
    pauli_sum: PauliSum,
    symmetries: Sequence[Word],
    values: Sequence[int],
    *,
    tolerance: float = SYMMETRY_TOLERANCE,
) -> PauliSum:
    """Return a sum restricted to given values of symmetries, with one qubit fewer for each.

    Clifford gates ``(S + P) / sqrt(2)`` turn every symmetry ``S`` into a letter ``P`` on one qubit,
    whose value then stands for the letter. Its spectrum is that of the sum on states of these
    values. For symmetries of Z alone, ``QubitMapping.tapered`` does the same for circuits, too.

    Args:
        pauli_sum: The sum.
        symmetries: Independent commuting words that commute with the sum.
        values: For each symmetry 1 or -1.
        tolerance: Words with coefficients up to it may break a symmetry, and are left out.

    Raises:
        InputError: If a word breaks a symmetry, or the symmetries are not independent or commuting.

    References:
        S. Bravyi, J. M. Gambetta, A. Mezzacapo, K. Temme, arXiv:1701.08213.
    """
    _check_values(symmetries, values)
    kept = symmetrized(pauli_sum, symmetries, tolerance=tolerance)
    broken = _breaking(kept, symmetries)
    if broken.any():
        k = int(np.flatnonzero(broken)[0])
        name = word(int(kept.x[k]), int(kept.z[k]), kept.n_qubits)
        raise InputError(
            f"taper: the word {name}, coefficient {kept.coefficients[k]:.3g}, does not commute "
            "with the symmetries. Use those that z2_symmetries finds for this sum."
        )
    pivots = _pivots(symmetries, values, pauli_sum.n_qubits)
    x, z, coefficients = kept.x, kept.z, kept.coefficients
    for symmetry, _, letter in pivots:
        turned = _anticommute(x, z, letter)
        for factor in (symmetry, letter):
            new_x, new_z, phase = _times(x, z, factor)
            x, z = np.where(turned, new_x, x), np.where(turned, new_z, z)
            coefficients = np.where(turned, phase * coefficients, coefficients)
    gone = 0
    for _, value, letter in pivots:
        qubit = letter[0] | letter[1]
        present = ((x | z) & np.uint64(qubit)) != 0
        coefficients = np.where(present, value * coefficients, coefficients)
        gone |= qubit
    wires = [w for w in range(pauli_sum.n_qubits) if not gone >> w & 1]
    return PauliSum.collected(
        len(wires), _compressed(x, wires), _compressed(z, wires), coefficients
    )


def _check_values(symmetries: Sequence[Word], values: Sequence[int]) -> None:
    if len(values) != len(symmetries) or any(value not in {1, -1} for value in values):
        raise InputError(
            f"taper: {len(symmetries)} symmetries and the values {list(values)}. Give 1 or -1 for "
            "every symmetry."
        )


def _pivots(
    symmetries: Sequence[Word], values: Sequence[int], n_qubits: int
) -> list[tuple[Word, int, Word]]:
    """Return the symmetries, multiplied so that each alone anticommutes with a letter of its own.

    Triples of symmetry, value and letter. Symmetries commute, so a qubit serves one of them.
    """
    rows = list(zip(symmetries, values, strict=True))
    letters: list[Word] = []
    for k in range(len(rows)):
        symmetry, value = rows[k]
        used = sum(x | z for x, z in letters)
        free = (symmetry[0] | symmetry[1]) & ~used
        commuting = all(_commute(symmetry, other) for other, _ in rows)
        if not free or not commuting:
            names = [word(x, z, n_qubits) for x, z in symmetries]
            raise InputError(
                f"taper(symmetries={names}): they do not commute, or one is a product of others. "
                "Use those that z2_symmetries finds."
            )
        qubit = free & -free
        letter = (qubit, 0) if symmetry[1] & qubit else (0, qubit)
        letters.append(letter)
        for j, (other, sign) in enumerate(rows):
            if j != k and not _commute(other, letter):
                both_x, both_z = (np.array([mask], dtype=np.uint64) for mask in other)
                x, z, phase = _times(both_x, both_z, symmetry)
                rows[j] = ((int(x[0]), int(z[0])), round(sign * value * phase[0].real))
    return [(*row, letter) for row, letter in zip(rows, letters, strict=True)]


def _breaking(pauli_sum: PauliSum, symmetries: Sequence[Word]) -> BoolArray:
    broken = np.zeros(pauli_sum.n_terms, dtype=np.bool_)
    for symmetry in symmetries:
        broken |= _anticommute(pauli_sum.x, pauli_sum.z, symmetry)
    return broken


def _anticommute(x: MaskArray, z: MaskArray, other: Word) -> BoolArray:
    crossed = np.bitwise_count(x & np.uint64(other[1])) + np.bitwise_count(z & np.uint64(other[0]))
    odd: BoolArray = (crossed & 1).astype(np.bool_)
    return odd


def _times(
    x: MaskArray, z: MaskArray, factor: Word
) -> tuple[MaskArray, MaskArray, NDArray[np.complex128]]:
    """Return the words times a word on their right: masks and phases."""
    other_x, other_z = (np.uint64(mask) for mask in factor)
    phase = word_phase(x, z) * word_phase(np.array([other_x]), np.array([other_z]))
    phase = phase * (1.0 - 2.0 * (np.bitwise_count(z & other_x) & 1))
    return x ^ other_x, z ^ other_z, phase * word_phase(x ^ other_x, z ^ other_z).conj()


def _commute(one: Word, other: Word) -> bool:
    return ((one[0] & other[1]).bit_count() + (one[1] & other[0]).bit_count()) % 2 == 0


def _commuting_with(symmetry: Word, words: list[Word]) -> list[Word]:
    """Return a basis of those products of words that commute with a symmetry."""
    odd = next((w for w in words if not _commute(w, symmetry)), None)
    if odd is None:
        return words
    return [
        w if _commute(w, symmetry) else (w[0] ^ odd[0], w[1] ^ odd[1]) for w in words if w != odd
    ]


def _independent_rows(x: MaskArray, z: MaskArray, n_qubits: int) -> list[int]:
    """Return a basis of the span of words ``x | z << n_qubits``, modulo 2."""
    parts, basis = [x.copy(), z.copy()], []
    for part in (0, 1):
        for w in range(n_qubits):
            holders = np.flatnonzero(parts[part] >> np.uint64(w) & np.uint64(1))
            if not len(holders):
                continue
            pivot = int(parts[0][holders[0]]), int(parts[1][holders[0]])
            basis.append(pivot[0] | pivot[1] << n_qubits)
            for array, mask in zip(parts, pivot, strict=True):
                array[holders] ^= np.uint64(mask)
    return basis


def _kernel(rows: Sequence[int], size: int) -> list[int]:
    """Return a basis of the vectors that share an even number of bits with every row."""
    reduced: dict[int, int] = {}
    for row in rows:
        left = row
        for pivot, other in reduced.items():
            if left >> pivot & 1:
                left ^= other
        if left:
            pivot = (left & -left).bit_length() - 1
            reduced = {p: o ^ left if o >> pivot & 1 else o for p, o in reduced.items()}
            reduced[pivot] = left
    free = [column for column in range(size) if column not in reduced]
    return [
        1 << column | sum(1 << pivot for pivot, row in reduced.items() if row >> column & 1)
        for column in free
    ]


def _insert(basis: dict[int, int], vector: int) -> bool:
    """Add a vector to an echelon basis; return whether it was independent."""
    while vector:
        top = vector.bit_length()
        if top not in basis:
            basis[top] = vector
            return True
        vector ^= basis[top]
    return False


def _compressed(masks: MaskArray, wires: Sequence[int]) -> MaskArray:
    """Return masks with the given wires moved to the first places, the others dropped."""
    found = np.zeros_like(masks)
    for k, w in enumerate(wires):
        found |= (masks >> np.uint64(w) & np.uint64(1)) << np.uint64(k)
    return found
