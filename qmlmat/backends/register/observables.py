"""Observables on a register: a molecule's Hamiltonian, other words, and the rest outside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.molecular import MolecularForm, find_molecular_form, with_bits
from qmlmat.backends.register.words import WordMatrix
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import StateArray

LEAK: Final = 1e-10
"""Largest entry out of the sector that an observable may have."""


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
        return WordMatrix(self.layout, with_bits(self.words, self.layout.bits))

    @cached_property
    def _pieces(self) -> tuple[MolecularForm | None, WordMatrix | None]:
        molecule, rest = find_molecular_form(self.layout, self.words)
        if molecule is None:
            return None, self.masked
        rest = with_bits(rest, self.layout.bits)
        return molecule, WordMatrix(self.layout, rest) if rest.n_terms else None

    @cached_property
    def is_real(self) -> bool:
        """Whether real states stay real."""
        words = self._pieces[1]
        return words is None or words.is_real

    @property
    def _leak(self) -> float:
        """Largest amplitude with which it changes the electrons' numbers."""
        words = self._pieces[1]
        return 0.0 if words is None else words.leak

    @property
    def conserves(self) -> bool:
        """Whether the operator maps the sector to itself."""
        return self._leak <= LEAK

    def check_conserves(self, what: str) -> None:
        """Raise unless the operator maps the sector to itself.

        Raises:
            InputError: If it does not.
        """
        if not self.conserves:
            raise InputError(
                f"{what} leaves the sector: it changes the number of electrons "
                f"(spin_order={self.layout.spin_order!r}), with amplitudes up to "
                f"{self._leak:.1e}. Measure an operator that conserves the electrons"
                + (
                    ", or use spin_order=None if it conserves the number of all electrons."
                    if self.layout.spin_order is not None
                    else "."
                )
            )

    def apply(self, states: StateArray) -> StateArray:
        """Return the operator applied to states, shape ``(n_states, dimension)``."""
        molecule, words = self._pieces
        if molecule is None:
            assert words is not None
            return words.apply(states)
        image = molecule.apply(states)
        return image if words is None else image + words.apply(states)
