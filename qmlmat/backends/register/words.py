"""A sum of Pauli words among the determinants of one sector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import scipy.sparse
from scipy.special import comb

from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.word_kernels import word_means, word_rows
from qmlmat.operators.pauli import PauliSum, word_phase
from qmlmat.typing import FloatArray, IntArray, StateArray

MAX_ENTRIES: Final = 2**24
"""Entries of a matrix that is kept: 0.2 GB where they are real. Larger ones are made anew, rows at
a time, whenever they are applied."""
CHUNK_ENTRIES: Final = 2**22
"""Entries of the rows made at a time, at most."""
FLOOR: Final = 1e-14
"""Entries up to it, relative to the largest coefficient, are rounding."""


@dataclass(frozen=True, eq=False)
class WordMatrix:
    """The matrix of a sum; bit w of its masks is alpha orbital w, then those of beta follow."""

    layout: Layout
    """The determinants."""
    words: PauliSum
    """The sum."""

    @cached_property
    def is_real(self) -> bool:
        """Whether every entry is real."""
        return bool((self._tables[-1].imag == 0).all())

    @cached_property
    def leak(self) -> float:
        """Largest entry between a determinant of the sector and one outside."""
        return self._made[1]

    @cached_property
    def _tables(self) -> tuple[Any, ...]:
        flips, first = np.unique(self.words.x.astype(np.int64), return_index=True)
        bounds = np.append(first, self.words.n_terms)  # words are sorted by what they flip
        groups = np.stack([bounds[:-1], bounds[1:]], axis=1).astype(np.int64)
        phases = word_phase(self.words.x, self.words.z)
        return groups, flips, self.words.z.astype(np.int64), phases * self.words.coefficients

    @cached_property
    def _binomials(self) -> IntArray:
        numbers = np.arange(self.layout.norb + 1)
        return np.asarray(comb(numbers[:, None], numbers).round(), dtype=np.int64)

    @cached_property
    def _made(self) -> tuple[scipy.sparse.csr_array | None, float]:
        """The matrix where it is small, and the largest entry that leaves the sector."""
        kept: list[scipy.sparse.csr_array] = []
        n_entries, leak = 0, 0.0
        for rows, escaped in self._chunks():
            leak = max(leak, escaped)
            n_entries += rows.nnz
            if n_entries > MAX_ENTRIES:
                kept.clear()
            else:
                kept.append(rows)
        if n_entries > MAX_ENTRIES:
            return None, leak
        return scipy.sparse.vstack(kept, format="csr"), leak

    def _chunks(self) -> Any:  # noqa: ANN401 (a generator of pairs)
        """Yield some rows of the matrix at a time, and their largest entry that leaves."""
        sector = self.layout.sector
        groups, flips, signs, weights = self._tables
        floor = FLOOR * float(np.abs(weights).max(initial=0.0))
        step = max(1, min(sector.dimension, CHUNK_ENTRIES // max(1, len(flips))))
        columns = np.empty(step * max(1, len(flips)), dtype=np.int32)
        entries = np.empty(len(columns), dtype=np.complex128)
        for begin in range(0, sector.dimension, step):
            end = min(begin + step, sector.dimension)
            starts = np.empty(end - begin + 1, dtype=np.int32)
            escaped = word_rows(
                sector.alpha_strings, sector.beta_strings, begin, end, sector.norb,
                groups, flips, signs, weights, self._binomials, starts, columns, entries, floor,
            )  # fmt: skip
            found = entries[: starts[-1]]
            values: StateArray = found.real.copy() if self.is_real else found.copy()
            shape = (end - begin, sector.dimension)
            rows = (values, columns[: starts[-1]].copy(), starts)
            yield scipy.sparse.csr_array(rows, shape=shape), escaped

    def apply(self, states: StateArray) -> StateArray:
        """Return the sum applied to states, shape ``(n_states, dimension)``."""
        columns = np.ascontiguousarray(states.T)
        matrix, _ = self._made
        if matrix is not None:
            return np.ascontiguousarray((matrix @ columns).T)
        return np.concatenate([rows @ columns for rows, _ in self._chunks()]).T

    def means(self, state: StateArray) -> FloatArray:
        """Return every word's own expectation in a state, shape ``(n_terms,)``.

        What words of no sector, which only together conserve it, have in common with it counts.
        """
        sector = self.layout.sector
        groups, flips, signs, _ = self._tables
        found = np.zeros(self.words.n_terms)
        word_means(
            sector.alpha_strings, sector.beta_strings, sector.norb,
            np.ascontiguousarray(state, dtype=np.complex128), groups, flips, signs,
            word_phase(self.words.x, self.words.z), self._binomials, found,
        )  # fmt: skip
        return found
