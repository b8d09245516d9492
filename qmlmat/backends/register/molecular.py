"""Electronic Hamiltonians recognised in sums of Pauli words: their integrals read back.

A molecule's Hamiltonian has thousands of words, but acts on a sector as one product of matrices of
its integrals, many times faster than word by word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from qmlmat.backends.register.layout import Layout, SpinOrder
from qmlmat.operators.jordan_wigner import molecular_pauli_sum
from qmlmat.operators.pauli import PauliSum, word_phase
from qmlmat.systems.sigma import SigmaBuilder
from qmlmat.typing import FloatArray, IntArray, MaskArray, StateArray

ROUNDING: Final = 1e-12
"""Words left of a molecule's Hamiltonian are rounding if their coefficients together are this much
of those of all words."""
MIN_WORDS: Final = 20
"""Words from which it is worth while to look for a molecule."""


@dataclass(frozen=True, eq=False, repr=False)
class Integrals:
    """What ``molecular_pauli_sum`` takes."""

    one_body: FloatArray
    """``h[p, q]``, shape ``(norb, norb)``."""
    two_body: FloatArray
    """``(pq|rs)``, shape ``(norb,) * 4``."""
    constant: float
    """Multiple of the identity."""


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


def with_bits(words: PauliSum, bits: IntArray) -> PauliSum:
    """Return a sum whose masks have bit w moved to bit ``bits[w]``, a permutation."""
    masks: list[MaskArray] = []
    for mask in (words.x, words.z):
        moved = np.zeros_like(mask)
        for old, new in enumerate(bits.tolist()):
            moved |= (mask >> np.uint64(old) & np.uint64(1)) << np.uint64(new)
        masks.append(moved)
    return PauliSum.collected(words.n_qubits, masks[0], masks[1], words.coefficients)


def _size(words: PauliSum) -> float:
    """Return the sum of all coefficients' sizes but the identity's."""
    return float(np.abs(words.coefficients[(words.x | words.z) != 0]).sum())


def read_integrals(words: PauliSum) -> tuple[Integrals, PauliSum]:
    """Return a sum's electronic Hamiltonian of real orbitals, and what is left of the sum.

    Of words that act on both spins the coefficients are the repulsion integrals; with those taken
    off, what acts on one pair of alpha orbitals gives the others. What is left is zero for the
    Jordan-Wigner form of a molecule.

    Args:
        words: The sum; all alpha and then all beta orbitals, an even number of qubits.
    """
    norb = words.n_qubits // 2
    rows, columns = np.tril_indices(norb)
    alpha = _pair_words(rows, columns, 0)
    beta = _pair_words(rows, columns, norb)
    weight = np.where(rows == columns, -0.5, 0.5)
    found = _coefficients(words, alpha[0][:, None] | beta[0], alpha[1][:, None] | beta[1])
    coulomb = found / np.multiply.outer(weight, weight)
    coulomb = 0.5 * (coulomb + coulomb.T)
    place = np.zeros((norb, norb), dtype=np.int64)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    two_body = coulomb[place[:, :, None, None], place]
    rest = words - molecular_pauli_sum(np.zeros((norb, norb)), two_body)
    one_body = (_coefficients(rest, *alpha) / weight)[place]
    constant = rest.constant + float(_minus_identity(one_body))
    integrals = Integrals(one_body, two_body, constant)
    return integrals, words - molecular_pauli_sum(one_body, two_body, constant)


def _minus_identity(one_body: FloatArray) -> float:
    """Return what the identity's coefficient lacks of the constant: ``n = (1 - Z) / 2``."""
    return -float(np.trace(one_body))  # half for each spin


def _pair_words(rows: IntArray, columns: IntArray, shift: int) -> tuple[MaskArray, MaskArray]:
    """Return the words ``Z`` of equal and ``XZ..ZX`` of different orbitals, as masks."""
    one = np.uint64(1)
    p, q = (columns + shift).astype(np.uint64), (rows + shift).astype(np.uint64)
    equal = rows == columns
    x = np.where(equal, np.uint64(0), (one << p) | (one << q))
    # For equal orbitals (1 << q) - (1 << (p + 1)) would be negative.
    between = np.where(equal, one << p, (one << q) - (one << np.minimum(p + one, q)))
    return x, between


def _coefficients(words: PauliSum, x: MaskArray, z: MaskArray) -> FloatArray:
    """Return the real coefficients of some words, 0 for those that the sum has not."""
    order = {key: k for k, key in enumerate(zip(words.x.tolist(), words.z.tolist(), strict=True))}
    values = np.append(words.coefficients.real, 0.0)
    keys = zip(x.ravel().tolist(), z.ravel().tolist(), strict=True)
    return values[[order.get(key, -1) for key in keys]].reshape(x.shape)


def in_blocks(words: PauliSum) -> PauliSum:
    """Return the words of alternating orbitals with the signs of fermions in order of spin.

    Of a sum whose wires were alpha and beta by turns, but whose masks have all alpha before all
    beta. Reordering the fermions is one CZ for each pair of an alpha and a beta orbital that pass
    each other: beta ``q`` and alpha ``p > q``.
    """
    norb = words.n_qubits // 2
    x, z, edges = words.x, words.z.copy(), np.zeros(words.n_terms, dtype=np.int64)
    for p in range(norb):
        below = np.uint64(((1 << p) - 1) << norb)  # beta orbitals that alpha p passes
        flipped = (x >> np.uint64(p) & np.uint64(1)).astype(bool)
        z[flipped] ^= below
        edges[flipped] += np.bitwise_count(x[flipped] & below)
        passed = (np.bitwise_count(x & below) & 1).astype(np.uint64)
        z ^= passed << np.uint64(p)
    factor = word_phase(x, words.z) * word_phase(x, z).conj() * (1.0 - 2.0 * (edges & 1))
    return PauliSum.collected(words.n_qubits, x, z, words.coefficients * factor)


def passing_signs(alphas: IntArray, betas: IntArray, norb: int) -> FloatArray:
    """Return the sign of each determinant under that reordering, shape ``(n_alpha, n_beta)``."""
    passed = np.zeros(len(alphas), dtype=np.int64)
    for p in range(norb):
        passed ^= np.where(alphas >> p & 1, (1 << p) - 1, 0)
    signs: FloatArray = 1.0 - 2.0 * (np.bitwise_count(passed[:, None] & betas) & 1)
    return signs
