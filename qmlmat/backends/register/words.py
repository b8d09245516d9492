"""A sum of Pauli words among the determinants of one sector."""

from __future__ import annotations

from collections.abc import Iterator
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
"""Entries of one matrix that is kept: 0.2 GB where they are real. Larger ones are made anew, rows
at a time, whenever they are applied."""
CHUNK_ENTRIES: Final = 2**22
"""Entries of the rows made at a time, at most."""
MAX_FLIPS: Final = 16
"""Most bits that one word flips for which conservation is looked into."""
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

    @property
    def size(self) -> float:
        """How many entries of the matrix are kept at most."""
        groups = self._tables[0]
        return float(min(MAX_ENTRIES, self.layout.sector.dimension * len(groups)))

    @cached_property
    def leak(self) -> float:
        """Largest change of the electrons' numbers: 0 where the sum conserves them everywhere.

        Words that flip the same bits and have the same Z elsewhere are a function of the flipped
        bits; it must vanish wherever the flip changes a number.
        """
        groups, flips, signs, weights = self._tables
        half = (1 << self.layout.norb) - 1
        leak = 0.0
        for (begin, end), flip in zip(groups.tolist(), flips.tolist(), strict=True):
            bits = [bit for bit in range(flip.bit_length()) if flip >> bit & 1]
            if len(bits) > MAX_FLIPS:  # no sum of fewer than hundreds of words could cancel
                return float(np.abs(weights[begin:end]).max())
            own = signs[begin:end]
            elsewhere, place = np.unique(own & ~flip, return_inverse=True)
            inside = sum((own >> bit & 1) << k for k, bit in enumerate(bits))
            table = np.zeros((len(elsewhere), 1 << len(bits)), dtype=np.complex128)
            np.add.at(table, (place, inside), weights[begin:end])
            states = np.arange(1 << len(bits))
            leaves = np.zeros(len(states), dtype=bool)
            for spin in (half, ~half):
                members = sum(1 << k for k, bit in enumerate(bits) if spin >> bit & 1)
                leaves |= 2 * np.bitwise_count(states & members) != members.bit_count()
            leak = max(leak, float(np.abs(_signed_sums(table)[:, leaves]).max(initial=0.0)))
        return leak

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
    def _kept(self) -> scipy.sparse.csr_array | None:
        """The matrix, where it is small."""
        chunks: list[scipy.sparse.csr_array] = []
        n_entries = 0
        for rows in self._chunks():
            n_entries += rows.nnz
            if n_entries > MAX_ENTRIES:
                return None
            chunks.append(rows)
        return scipy.sparse.vstack(chunks, format="csr")

    def _chunks(self) -> Iterator[scipy.sparse.csr_array]:
        """Yield some rows of the matrix at a time."""
        sector = self.layout.sector
        groups, flips, signs, weights = self._tables
        floor = FLOOR * float(np.abs(weights).max(initial=0.0))
        step = max(1, min(sector.dimension, CHUNK_ENTRIES // max(1, len(flips))))
        columns = np.empty(step * max(1, len(flips)), dtype=np.int32)
        entries = np.empty(len(columns), dtype=np.complex128)
        for begin in range(0, sector.dimension, step):
            end = min(begin + step, sector.dimension)
            starts = np.empty(end - begin + 1, dtype=np.int32)
            word_rows(
                sector.alpha_strings, sector.beta_strings, begin, end, sector.norb,
                groups, flips, signs, weights, self._binomials, starts, columns, entries, floor,
            )  # fmt: skip
            found = entries[: starts[-1]]
            values: StateArray = found.real.copy() if self.is_real else found.copy()
            shape = (end - begin, sector.dimension)
            rows = (values, columns[: starts[-1]].copy(), starts)
            yield scipy.sparse.csr_array(rows, shape=shape)

    def apply(self, states: StateArray) -> StateArray:
        """Return the sum applied to states, shape ``(n_states, dimension)``."""
        columns = np.ascontiguousarray(states.T)
        if self._kept is not None:
            return np.ascontiguousarray((self._kept @ columns).T)
        return np.concatenate([rows @ columns for rows in self._chunks()]).T

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


def _signed_sums(table: StateArray) -> StateArray:
    """Return ``sum_z table[:, z] (-1)**(z & s)`` for every ``s``: a Walsh-Hadamard transform."""
    sums = table.copy()
    step = 1
    while step < sums.shape[1]:
        pairs = sums.reshape(len(sums), -1, 2, step)
        sums = np.stack(
            [pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], axis=2
        ).reshape(table.shape)
        step *= 2
    return sums
