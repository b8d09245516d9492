"""Which parities of a circuit's states are known beforehand: for post-selection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from qmlmat.backends.qubits.jobs import Symmetry
from qmlmat.backends.requests import Preparation
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import FloatArray

STILL: Final = 1e-4
"""Angle up to which a gate counts as not turned (radians): it moves 1e-8 of a state."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownParities:
    """Parities that observables and gates keep, so that the reference tells them."""

    preparation: Preparation
    """A fermionic circuit and its references."""
    mapping: QubitMapping
    """Where occupations stand."""
    flips: tuple[int, ...]
    """The qubits that each gate flips, a mask for each angle."""
    sums: tuple[PauliSum, ...]
    """The observables."""
    symmetry_words: Callable[[PauliSum], tuple[int, ...]]
    """Finds the Z words that a sum keeps."""
    _found: dict[tuple[int, frozenset[int]], Symmetry] = field(default_factory=dict, repr=False)

    def at(self, reference: int, angles: FloatArray) -> Symmetry:
        """Return what is known of the states of one reference at some angles.

        Args:
            reference: Its number.
            angles: Shape ``(n_points, n_angles)``; gates that none of them turns break nothing.
        """
        turned = np.abs(angles).max(axis=0, initial=0.0) > STILL
        flips = frozenset(np.array(self.flips, dtype=np.uint64)[turned].tolist())
        if (reference, flips) not in self._found:
            self._found[reference, flips] = self._of(reference, flips)
        return self._found[reference, flips]

    def _of(self, reference: int, flips: frozenset[int]) -> Symmetry:
        x, z = (np.concatenate([getattr(one, name) for one in self.sums]) for name in "xz")
        sizes = np.abs(np.concatenate([one.coefficients for one in self.sums]))
        kept = PauliSum.collected(
            self.mapping.n_qubits,
            np.concatenate([x, np.array(sorted(flips), dtype=np.uint64)]),
            np.concatenate([z, np.zeros(len(flips), dtype=np.uint64)]),
            np.concatenate([sizes, np.ones(len(flips))]),
        )
        terms = self.preparation.references[reference].terms
        bits = [self.mapping.encode(term) for term, _ in terms]
        nelec = self.preparation.fermionic.nelec
        return _known(self.mapping, nelec, self.symmetry_words(kept), bits)


def _known(
    mapping: QubitMapping, nelec: tuple[int, int], masks: tuple[int, ...], bits: list[str]
) -> Symmetry:
    """Return electrons and parities; those in which a reference's determinants differ left out."""
    rows = [sum(1 << w for w, bit in enumerate(one) if bit == "1") for one in bits]
    kept, values = [], []
    for mask in masks:
        found = {(row & mask).bit_count() & 1 for row in rows}
        if len(found) == 1:
            kept.append(mask)
            values.append(1.0 - 2.0 * found.pop())
    zeros = np.zeros(len(kept), dtype=np.uint64)
    words = PauliSum.collected(mapping.n_qubits, zeros, np.array(kept, dtype=np.uint64), values)
    return Symmetry(mapping, nelec, words)
