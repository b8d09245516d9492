"""Hamiltonians on configurations, word by word: no matrix is formed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.operators.pauli import PauliSum, word_phase
from qmlmat.typing import IntArray, MaskArray

MAX_ENTRIES: Final = 1 << 22
"""Words times configurations that are looked at together."""
ZERO: Final = 1e-13
"""Elements below it, relative to the sum of all coefficients, vanish."""


@dataclass(frozen=True, eq=False)
class Connected:
    """The elements of an operator between some configurations and those it leads to."""

    rows: IntArray
    """Which configuration, shape ``(n_elements,)``, ascending."""
    partners: MaskArray
    """The configuration on the other side, shape ``(n_elements,)``."""
    elements: NDArray[np.complex128]
    """``<row|O|partner>``, shape ``(n_elements,)`` (the operator's unit)."""


@dataclass(frozen=True, eq=False)
class Words:
    """A Pauli sum with its words ordered by what they flip."""

    terms: PauliSum
    """The sum; its words are sorted by their flips."""

    @cached_property
    def flips(self) -> MaskArray:
        """The distinct patterns of flips, the identity's too, shape ``(n_flips,)``."""
        return np.unique(self.terms.x)

    @cached_property
    def _begins(self) -> IntArray:
        return np.searchsorted(self.terms.x, self.flips).astype(np.int64)

    @cached_property
    def _factors(self) -> NDArray[np.complex128]:
        return self.terms.coefficients * word_phase(self.terms.x, self.terms.z)

    @cached_property
    def _threshold(self) -> float:
        return ZERO * float(np.abs(self.terms.coefficients).sum())

    def connected(self, masks: MaskArray) -> Connected:
        """Return the elements between configurations and all that the words lead to.

        With ``P = i**|x & z| X**x Z**z``, ``<s|P|s ^ x> = i**|x & z| (-1)**|z & (s ^ x)|``.

        Args:
            masks: Configurations, shape ``(n_configurations,)``.
        """
        step = max(1, MAX_ENTRIES // max(1, self.terms.n_terms))
        parts = [self._part(masks[k : k + step], k) for k in range(0, len(masks), step)]
        if not parts:
            return Connected(np.zeros(0, int), np.zeros(0, np.uint64), np.zeros(0, complex))
        columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Connected(*columns)

    def _part(
        self, masks: MaskArray, offset: int
    ) -> tuple[IntArray, MaskArray, NDArray[np.complex128]]:
        if not self.terms.n_terms:
            return np.zeros(0, int), np.zeros(0, np.uint64), np.zeros(0, complex)
        partners = masks[:, None] ^ self.flips
        # (-1)**|z & (s ^ x)| = (-1)**|z & s| (-1)**|z & x|: the second is the word's own.
        own = self._factors * (1.0 - 2.0 * (np.bitwise_count(self.terms.z & self.terms.x) & 1))
        turned = np.bitwise_count(masks[:, None] & self.terms.z) & np.uint8(1)
        signed = own * (1.0 - 2.0 * turned)
        elements = np.add.reduceat(signed, self._begins, axis=1)
        rows, columns = np.nonzero(np.abs(elements) > self._threshold)
        return rows + offset, partners[rows, columns], elements[rows, columns]
