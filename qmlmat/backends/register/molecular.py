"""Electronic Hamiltonians recognised in sums of Pauli words, and applied through their integrals.

A molecule's Hamiltonian has thousands of words, but acts on a sector as one product of matrices of
its integrals, many times faster than word by word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from qmlmat.backends.register.layout import Layout, SpinOrder
from qmlmat.operators.jordan_wigner import Integrals, read_integrals
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.spin_order import in_blocks, passing_signs, with_bits
from qmlmat.systems.sigma import SigmaBuilder
from qmlmat.typing import FloatArray, IntArray, StateArray

ROUNDING: Final = 1e-12
"""Words left of a molecule's Hamiltonian are rounding if their coefficients together are this much
of those of all words."""
MIN_WORDS: Final = 20
"""Words from which it is worth while to look for a molecule."""


@dataclass(frozen=True, eq=False)
class MolecularForm:
    """A molecule's Hamiltonian among the determinants of a layout."""

    layout: Layout
    """The determinants."""
    spin_order: SpinOrder
    """Where the molecule's spin orbitals stand."""
    integrals: Integrals
    """The integrals."""

    @cached_property
    def _sectors(self) -> list[tuple[Layout, IntArray | None]]:
        """Layouts of fixed electrons of each spin, and where their determinants stand in ours."""
        if self.layout.spin_order is not None:
            return [(self.layout, None)]
        n_wires, n_electrons = self.layout.n_wires, sum(self.layout.nelec)
        found: list[tuple[Layout, IntArray | None]] = []
        for n_alpha in range(n_electrons + 1):
            if max(n_alpha, n_electrons - n_alpha) <= n_wires // 2:
                own = Layout(n_wires, (n_alpha, n_electrons - n_alpha), self.spin_order)
                strings = own.keys(range(n_wires - 1, -1, -1)).astype(np.int64)
                found.append((own, np.searchsorted(self.layout.sector.alpha_strings, strings)))
        return found

    @cached_property
    def _sigmas(self) -> list[SigmaBuilder]:
        one, two = self.integrals.one_body, self.integrals.two_body
        return [
            SigmaBuilder(one, two, own.nelec, constant=self.integrals.constant)
            for own, _ in self._sectors
        ]

    @cached_property
    def _signs(self) -> list[FloatArray | float]:
        """What turns amplitudes of qubits into those of fermions in order of spin."""
        if self.spin_order == "blocked":
            return [1.0] * len(self._sectors)
        sectors = [own.sector for own, _ in self._sectors]
        return [passing_signs(s.alpha_strings, s.beta_strings, s.norb).ravel() for s in sectors]

    def apply(self, states: StateArray) -> StateArray:
        """Return the Hamiltonian applied to states, shape ``(n_states, dimension)``."""
        found = np.zeros_like(states)
        for (own, places), sigma, signs in zip(
            self._sectors, self._sigmas, self._signs, strict=True
        ):
            part = (states if places is None else states[:, places]) * signs
            if places is None:
                found = sigma.apply(part.reshape(-1, *own.sector.shape)).reshape(part.shape) * signs
            elif part.any():
                image = sigma.apply(part.reshape(-1, *own.sector.shape)).reshape(part.shape)
                found[:, places] = image * signs
        return found


def find_molecular_form(layout: Layout, words: PauliSum) -> tuple[MolecularForm | None, PauliSum]:
    """Return the molecule whose Hamiltonian makes up most of a sum, and the rest of the sum.

    Args:
        layout: The determinants. Without a spin order both are tried, and only a sum that is
            nothing but a molecule is found.
        words: The sum on the wires: bit w is wire w.
    """
    if words.n_terms < MIN_WORDS or layout.n_wires % 2:
        return None, words
    orders: tuple[SpinOrder, ...] = ("interleaved", "blocked")
    for order in orders if layout.spin_order is None else (layout.spin_order,):
        bits = Layout(layout.n_wires, (0, 0), order).bits
        blocked = with_bits(words, bits)
        blocked = in_blocks(blocked) if order == "interleaved" else blocked
        integrals, rest = read_integrals(blocked)
        if _size(rest) <= ROUNDING * _size(words):
            empty = PauliSum.collected(words.n_qubits, [], [], [])
            return MolecularForm(layout, order, integrals), empty
        if layout.spin_order is not None and 2 * rest.n_terms < words.n_terms:
            # The reordering is its own inverse.
            rest = in_blocks(rest) if order == "interleaved" else rest
            return MolecularForm(layout, order, integrals), with_bits(rest, np.argsort(bits))
    return None, words


def _size(words: PauliSum) -> float:
    """Return the sum of all coefficients' sizes but the identity's."""
    return float(np.abs(words.coefficients[(words.x | words.z) != 0]).sum())
