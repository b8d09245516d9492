"""Sums of Pauli words on symplectic bit masks: what qubit devices measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from qmlmat.errors import InputError
from qmlmat.typing import MaskArray

MAX_QUBITS: Final = 64
"""Most qubits of a sum: one mask is one 64-bit word."""
MAX_MATRIX_QUBITS: Final = 14
"""Most qubits for which a matrix is made."""
NEGLIGIBLE: Final = 1e-14
"""Coefficients up to it, relative to the largest of a sum or to 1, are rounding."""

_POWERS_OF_I: Final = np.array([1, 1j, -1, -1j])
_LETTERS: Final = "IXZY"  # by x + 2 z


@dataclass(frozen=True, eq=False)
class PauliSum:
    """``sum_k coefficients[k] P_k`` with Hermitian words ``P_k`` of X, Y and Z.

    Bit w of a mask is wire w. ``P = i**|x & z| X**x Z**z``: where both bits are set stands a Y. The
    words are distinct and sorted by ``(x, z)``; make sums by ``PauliSum.collected``,
    ``from_words``, or a mapping.
    """

    n_qubits: int
    """Number of qubits."""
    x: MaskArray
    """Where each word flips, shape ``(n_terms,)``."""
    z: MaskArray
    """Where each word turns signs, shape ``(n_terms,)``."""
    coefficients: NDArray[np.complex128]
    """Coefficient of each word, shape ``(n_terms,)`` (the operator's unit)."""

    def __post_init__(self) -> None:
        _check_n_qubits(self.n_qubits)
        for name, dtype in (("x", np.uint64), ("z", np.uint64), ("coefficients", np.complex128)):
            array = np.asarray(getattr(self, name), dtype=dtype).reshape(-1)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if not len(self.x) == len(self.z) == len(self.coefficients):
            raise InputError(
                f"PauliSum: {len(self.x)} x masks, {len(self.z)} z masks and "
                f"{len(self.coefficients)} coefficients. Give one of each for every word."
            )
        if self.n_qubits < MAX_QUBITS and ((self.x | self.z) >> np.uint64(self.n_qubits)).any():
            raise InputError(
                f"PauliSum(n_qubits={self.n_qubits}): a mask has bits beyond the qubits. Use more "
                "qubits; bit w of a mask is wire w."
            )
        _check_finite(self.coefficients)

    @classmethod
    def collected(
        cls, n_qubits: int, x: ArrayLike, z: ArrayLike, coefficients: ArrayLike
    ) -> PauliSum:
        """Return the sum of words that may repeat: coefficients are added, zeros dropped.

        Raises:
            InputError: If coefficients are not finite, or words do not fit the qubits.
        """
        xs, zs = (np.asarray(a, dtype=np.uint64).reshape(-1) for a in (x, z))
        values = np.asarray(coefficients, dtype=np.complex128).reshape(-1)
        if not len(xs) == len(zs) == len(values):
            return cls(n_qubits, xs, zs, values)  # which says what is wrong
        _check_finite(values)
        if n_qubits <= 32:  # both masks are one sortable word
            key = (xs << np.uint64(32)) | zs
            order = np.argsort(key, kind="stable")
            first = np.flatnonzero(np.diff(key[order], prepend=~key[order][:1]))
        else:
            order = np.lexsort((zs, xs))
            new = (np.diff(xs[order]) != 0) | (np.diff(zs[order]) != 0)
            first = np.flatnonzero(np.concatenate([np.ones(min(1, len(xs)), bool), new]))
        sums = np.add.reduceat(values[order], first) if len(first) else values[:0]
        kept = np.abs(sums) > NEGLIGIBLE * max(1.0, np.abs(values).max(initial=0.0))
        chosen = order[first[kept]]
        return cls(n_qubits, xs[chosen], zs[chosen], sums[kept])

    @classmethod
    def from_words(cls, words: Mapping[str, complex]) -> PauliSum:
        """Return the sum of words given as strings, wire 0 on the left.

        Raises:
            InputError: If a word has other letters than I, X, Y, Z, words differ in length, or a
                coefficient is not finite.

        Example:
            >>> PauliSum.from_words({"XX": 0.5, "IZ": -1.0}).n_terms
            2
        """
        lengths = {len(word) for word in words}
        _check_n_qubits(max(lengths, default=0))
        if len(lengths) > 1 or any(set(word) - set("IXYZ") for word in words):
            raise InputError(
                f"PauliSum.from_words({list(words)[:4]}): words of I, X, Y, Z and of one length, "
                "wire 0 on the left."
            )
        x, z = (
            np.array([_mask(word, letters) for word in words], dtype=np.uint64)
            for letters in ("XY", "ZY")
        )
        return cls.collected(lengths.pop() if lengths else 0, x, z, list(words.values()))

    @classmethod
    def identity(cls, n_qubits: int, coefficient: complex = 1.0) -> PauliSum:
        """Return a multiple of the identity."""
        return cls.collected(n_qubits, [0], [0], [coefficient])

    @property
    def n_terms(self) -> int:
        """Number of words."""
        return len(self.x)

    @property
    def is_hermitian(self) -> bool:
        """Whether every coefficient is real, to rounding."""
        scale = max(1.0, float(np.abs(self.coefficients).max(initial=0.0)))
        return bool((np.abs(self.coefficients.imag) <= 1e-12 * scale).all())

    @cached_property
    def constant(self) -> float:
        """Coefficient of the identity, its real part."""
        return float(self.coefficients[(self.x | self.z) == 0].real.sum())

    def words(self) -> Iterator[tuple[str, complex]]:
        """Yield each word, wire 0 on the left, with its coefficient."""
        for x, z, c in zip(self.x.tolist(), self.z.tolist(), self.coefficients, strict=True):
            yield word(x, z, self.n_qubits), complex(c)

    def __add__(self, other: PauliSum) -> PauliSum:
        """Return the sum of both."""
        self._check_same(other, "+")
        return PauliSum.collected(
            self.n_qubits,
            np.concatenate([self.x, other.x]),
            np.concatenate([self.z, other.z]),
            np.concatenate([self.coefficients, other.coefficients]),
        )

    def __sub__(self, other: PauliSum) -> PauliSum:
        """Return the difference of both."""
        return self + (-1.0) * other

    def __rmul__(self, factor: complex) -> PauliSum:
        """Return the sum times a number."""
        return PauliSum(self.n_qubits, self.x, self.z, factor * self.coefficients)

    def __matmul__(self, other: PauliSum) -> PauliSum:
        """Return the product of both operators; ``other`` acts first."""
        self._check_same(other, "@")
        x = self.x[:, None] ^ other.x
        z = self.z[:, None] ^ other.z
        phase = word_phase(self.x, self.z)[:, None] * word_phase(other.x, other.z)
        phase = phase * word_phase(x, z).conj()
        sign = 1.0 - 2.0 * (np.bitwise_count(self.z[:, None] & other.x) & 1)
        values = self.coefficients[:, None] * other.coefficients * phase * sign
        return PauliSum.collected(self.n_qubits, x, z, values)

    def adjoint(self) -> PauliSum:
        """Return the Hermitian conjugate."""
        return PauliSum(self.n_qubits, self.x, self.z, self.coefficients.conj())

    def matrix(self) -> scipy.sparse.csr_array:
        """Return the sparse matrix, ``(2**n_qubits, 2**n_qubits)``; wire 0 is the highest bit.

        Raises:
            InputError: If there are more than ``MAX_MATRIX_QUBITS`` qubits.
        """
        if self.n_qubits > MAX_MATRIX_QUBITS:
            raise InputError(
                f"PauliSum.matrix(): {self.n_qubits} qubits; at most {MAX_MATRIX_QUBITS} make a "
                "matrix. Use the sector's matvec."
            )
        dimension = 1 << self.n_qubits
        index = np.arange(dimension, dtype=np.uint64)
        flips, first = np.unique(reversed_bits(self.x, self.n_qubits), return_inverse=True)
        signs = reversed_bits(self.z, self.n_qubits)
        values = self.coefficients * word_phase(self.x, self.z)
        rows, columns, data = [], [], []
        for k, flip in enumerate(flips):
            column = np.zeros(dimension, dtype=np.complex128)
            for z, c in zip(signs[first == k], values[first == k], strict=True):
                column += c * (1.0 - 2.0 * (np.bitwise_count(index & z) & 1))
            rows.append(index ^ flip)
            columns.append(index)
            data.append(column)
        if not data:
            return scipy.sparse.csr_array((dimension, dimension), dtype=np.complex128)
        entries = np.concatenate(data)
        places = np.concatenate(rows).astype(np.int64), np.concatenate(columns).astype(np.int64)
        return scipy.sparse.csr_array((entries, places), shape=(dimension, dimension))

    def _check_same(self, other: PauliSum, symbol: str) -> None:
        if not isinstance(other, PauliSum):
            raise InputError(
                f"PauliSum {symbol} {type(other).__name__}: both are sums. For a number c use "
                "PauliSum.identity(n_qubits, c)."
            )
        if self.n_qubits != other.n_qubits:
            raise InputError(
                f"PauliSum {symbol} PauliSum: {self.n_qubits} and {other.n_qubits} qubits. Use "
                "sums on the same qubits."
            )


def _check_n_qubits(n_qubits: int) -> None:
    if not isinstance(n_qubits, int | np.integer) or not 0 <= n_qubits <= MAX_QUBITS:
        raise InputError(
            f"PauliSum(n_qubits={n_qubits!r}): a whole number from 0 to {MAX_QUBITS}. Use a "
            "smaller active space where there are more."
        )


def _check_finite(coefficients: NDArray[np.complex128]) -> None:
    if not np.isfinite(coefficients).all():
        raise InputError(
            "PauliSum: a coefficient is NaN or infinite. Give finite numbers; look for where the "
            "integrals or weights became NaN."
        )


def _mask(word: str, letters: str) -> int:
    return sum(1 << w for w, letter in enumerate(word) if letter in letters)


def word(x: int, z: int, n_qubits: int) -> str:
    """Return a word's letters, wire 0 on the left."""
    return "".join(_LETTERS[(x >> w & 1) + 2 * (z >> w & 1)] for w in range(n_qubits))


def word_phase(x: MaskArray, z: MaskArray) -> NDArray[np.complex128]:
    """Return ``i**|x & z|``, the factor between ``X**x Z**z`` and the Hermitian word."""
    phases: NDArray[np.complex128] = _POWERS_OF_I[np.bitwise_count(x & z) & 3]
    return phases


def reversed_bits(masks: MaskArray, n_qubits: int) -> MaskArray:
    """Return masks with wire w at bit ``n_qubits - 1 - w``: as wires stand in a state's index."""
    found = np.zeros_like(masks)
    for w in range(n_qubits):
        found |= (masks >> np.uint64(w) & np.uint64(1)) << np.uint64(n_qubits - 1 - w)
    return found
