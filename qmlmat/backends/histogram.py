"""How often each outcome was seen, for a batch of circuits at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qmlmat.errors import InputError
from qmlmat.operators.pauli import MAX_QUBITS
from qmlmat.typing import FloatArray, IntArray, MaskArray


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of outcomes; the rows are parameter vectors, circuits or repetitions.

    Bit w of an outcome is wire (or classical bit) w; printed, wire 0 stands on the left.
    """

    n_bits: int
    """Number of bits of an outcome."""
    outcomes: MaskArray
    """The distinct outcomes, sorted, shape ``(n_outcomes,)``."""
    counts: IntArray
    """How often each was seen, shape ``(n_rows, n_outcomes)``."""

    def __post_init__(self) -> None:
        if not 0 <= self.n_bits <= MAX_QUBITS:
            raise InputError(
                f"Histogram(n_bits={self.n_bits}): from 0 to {MAX_QUBITS} bits. Measure fewer."
            )
        outcomes = np.asarray(self.outcomes, dtype=np.uint64)
        counts = np.asarray(self.counts, dtype=np.int64)
        if outcomes.ndim != 1 or counts.shape[1:] != outcomes.shape or (counts < 0).any():
            raise InputError(
                f"Histogram: outcomes of shape {outcomes.shape} and counts of shape "
                f"{counts.shape}. Give shapes (k,) and (n_rows, k), and no negative count."
            )
        if (outcomes[1:] <= outcomes[:-1]).any():
            raise InputError("Histogram: outcomes repeat or are not sorted. Use from_samples.")
        for name, array in (("outcomes", outcomes), ("counts", counts)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def from_samples(
        cls, n_bits: int, n_rows: int, rows: IntArray, outcomes: MaskArray, counts: IntArray
    ) -> Histogram:
        """Return the histogram of outcomes that may repeat: their counts are added.

        Args:
            n_bits: Number of bits of an outcome.
            n_rows: Number of rows.
            rows: The row of each outcome, shape ``(n,)``.
            outcomes: The outcomes, shape ``(n,)``.
            counts: How often each was seen, shape ``(n,)``; zeros are dropped.
        """
        seen = counts > 0
        distinct, place = np.unique(outcomes[seen], return_inverse=True)
        total = np.zeros((n_rows, len(distinct)), dtype=np.int64)
        np.add.at(total, (rows[seen], place), counts[seen])
        return cls(n_bits, distinct, total)

    @classmethod
    def from_dicts(cls, dicts: Sequence[Mapping[str, int]]) -> Histogram:
        """Return the histogram with one row for each mapping of bit strings to counts.

        Args:
            dicts: Bit string (wire 0 on the left) to number of times.

        Raises:
            InputError: If there is no bit string, or they differ in length.

        Example:
            >>> Histogram.from_dicts([{"01": 3, "11": 1}]).probabilities().tolist()
            [[0.75, 0.25]]
        """
        lengths = {len(bits) for counts in dicts for bits in counts}
        if len(lengths) != 1 or any(set(bits) - set("01") for counts in dicts for bits in counts):
            raise InputError(
                f"Histogram.from_dicts: bit strings of lengths {sorted(lengths)}. Give strings of "
                "0 and 1 of one length, at least one."
            )
        triples = [
            (row, sum(1 << w for w, bit in enumerate(bits) if bit == "1"), count)
            for row, counts in enumerate(dicts)
            for bits, count in counts.items()
        ]
        rows, outcomes, counts = zip(*triples, strict=True)
        return cls.from_samples(
            lengths.pop(),
            len(dicts),
            np.array(rows),
            np.array(outcomes, dtype=np.uint64),
            np.array(counts, dtype=np.int64),
        )

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.counts)

    @property
    def n_shots(self) -> IntArray:
        """Shots of each row, shape ``(n_rows,)``."""
        total: IntArray = self.counts.sum(axis=1)
        return total

    def probabilities(self) -> FloatArray:
        """Return how often each outcome was seen among a row's shots, shape as ``counts``.

        Raises:
            InputError: If a row has no shots.
        """
        if (self.n_shots == 0).any():
            raise InputError(
                f"Histogram.probabilities(): row {int(np.argmin(self.n_shots))} has no shots. Run "
                "more shots, or leave the row out."
            )
        shares: FloatArray = self.counts / self.n_shots[:, None]
        return shares

    def parities(self, masks: MaskArray) -> FloatArray:
        """Return means of ``(-1)**|outcome & mask|``, shape ``(n_rows, n_masks)``.

        Args:
            masks: Which bits count, shape ``(n_masks,)``.

        Raises:
            InputError: If a row has no shots.
        """
        chosen = np.asarray(masks, dtype=np.uint64).reshape(-1)
        signs = 1.0 - 2.0 * (np.bitwise_count(self.outcomes[:, None] & chosen) & 1)
        means: FloatArray = self.probabilities() @ signs
        return means

    def to_dict(self, row: int = 0) -> dict[str, int]:
        """Return one row as bit strings (wire 0 on the left) with their counts; zeros left out."""
        return {
            "".join(str(outcome >> w & 1) for w in range(self.n_bits)): count
            for outcome, count in zip(
                self.outcomes.tolist(), self.counts[row].tolist(), strict=True
            )
            if count
        }
