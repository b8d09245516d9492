"""Observables on a register: a molecule's Hamiltonian, other words, and the rest outside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.molecular import in_blocks, passing_signs, read_integrals
from qmlmat.backends.register.words import WordMatrix
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.systems.sigma import SigmaBuilder
from qmlmat.typing import FloatArray, MaskArray, StateArray

ROUNDING: Final = 1e-12
"""Words left of a molecule's Hamiltonian are rounding if their coefficients together are this much
of those of all words."""
LEAK: Final = 1e-10
"""Largest entry out of the sector that an observable may have."""
MIN_WORDS: Final = 20
"""Words from which it is worth while to look for a molecule."""


@dataclass(frozen=True, eq=False)
class SectorObservable:
    """A Hermitian operator among the determinants of a layout."""

    layout: Layout
    """The determinants."""
    words: PauliSum
    """The operator on the layout's wires: bit w is wire w."""

    @cached_property
    def masked(self) -> WordMatrix:
        """All words, with masks of alpha and then beta orbitals."""
        return WordMatrix(self.layout, _moved(self.words, self.layout))

    @cached_property
    def _pieces(self) -> tuple[SigmaBuilder | None, WordMatrix | None]:
        words = self.masked.words
        if self.layout.spin_order is None or words.n_terms < MIN_WORDS:
            return None, self.masked
        is_turned = self.layout.spin_order == "interleaved"
        integrals, rest = read_integrals(in_blocks(words) if is_turned else words)
        if 2 * rest.n_terms >= words.n_terms and _size(rest) > ROUNDING * _size(words):
            return None, self.masked
        sigma = SigmaBuilder(
            integrals.one_body, integrals.two_body, self.layout.nelec, constant=integrals.constant
        )
        if _size(rest) <= ROUNDING * _size(words):
            return sigma, None
        # The reordering is its own inverse.
        return sigma, WordMatrix(self.layout, in_blocks(rest) if is_turned else rest)

    @cached_property
    def _signs(self) -> FloatArray | None:
        """What turns amplitudes of qubits into those of fermions in order of spin."""
        if self.layout.spin_order != "interleaved":
            return None
        sector = self.layout.sector
        return passing_signs(sector.alpha_strings, sector.beta_strings, sector.norb).ravel()

    @cached_property
    def is_real(self) -> bool:
        """Whether real states stay real."""
        words = self._pieces[1]
        return words is None or words.is_real

    def check_conserves(self, what: str) -> None:
        """Raise unless the operator maps the sector to itself.

        Raises:
            InputError: If it does not.
        """
        words = self._pieces[1]
        if words is not None and words.leak > LEAK:
            raise InputError(
                f"{what} leaves the sector: it connects states of nelec={self.layout.nelec} "
                f"(spin_order={self.layout.spin_order!r}) with others by as much as "
                f"{words.leak:.1e}. Measure an operator that conserves the electrons"
                + (
                    ", or use spin_order=None if it conserves the number of all electrons."
                    if self.layout.spin_order is not None
                    else "."
                )
            )

    def apply(self, states: StateArray) -> StateArray:
        """Return the operator applied to states, shape ``(n_states, dimension)``."""
        sigma, words = self._pieces
        found = None if words is None else words.apply(states)
        if sigma is None:
            assert found is not None
            return found
        shape = self.layout.sector.shape
        turned = states if self._signs is None else states * self._signs
        image = sigma.apply(turned.reshape(-1, *shape)).reshape(states.shape)
        if self._signs is not None:
            image = image * self._signs
        return image if found is None else image + found


def _moved(words: PauliSum, layout: Layout) -> PauliSum:
    """Return a sum with its masks' bits where the layout has the wires' orbitals."""
    masks: list[MaskArray] = []
    for mask in (words.x, words.z):
        moved = np.zeros_like(mask)
        for wire, bit in enumerate(layout.bits.tolist()):
            moved |= (mask >> np.uint64(wire) & np.uint64(1)) << np.uint64(bit)
        masks.append(moved)
    n_qubits = max(words.n_qubits, 2 * layout.norb if layout.spin_order else layout.norb)
    return PauliSum.collected(n_qubits, masks[0], masks[1], words.coefficients)


def _size(words: PauliSum) -> float:
    return float(np.abs(words.coefficients).sum())
