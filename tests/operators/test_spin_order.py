"""Hamiltonians on spin orbitals in another order, and their integrals read back from words."""

import numpy as np
import pytest
from problems import random_hamiltonian

from qmlmat.operators.jordan_wigner import molecular_pauli_sum, read_integrals
from qmlmat.operators.pauli import PauliSum
from qmlmat.operators.spin_order import in_blocks, passing_signs, with_bits

EXACT = 1e-12  # float64, integrals of order one


def largest(words):
    """Largest coefficient of a sum."""
    return np.abs(words.coefficients).max(initial=0.0)


@pytest.mark.parametrize("norb", [1, 2, 3, 4])
def test_integrals_are_read_back_from_their_words(norb):
    """With the constant; no word is left."""
    h = random_hamiltonian(np.random.default_rng(norb), norb, (1, 1))
    found, rest = read_integrals(molecular_pauli_sum(h.one_body, h.two_body, h.core_energy))
    assert np.abs(found.one_body - h.one_body).max() < EXACT
    assert np.abs(found.two_body - h.two_body).max() < EXACT
    assert abs(found.constant - h.core_energy) < EXACT
    assert largest(rest) < EXACT


def test_what_is_no_molecule_is_left_over():
    """The sum is the integrals' words and the rest, whatever was put in."""
    h = random_hamiltonian(np.random.default_rng(7), 3, (1, 1))
    other = PauliSum.from_words({"XIXIII": 0.3, "YIYIII": 0.3, "IZIIII": -0.2})
    words = molecular_pauli_sum(h.one_body, h.two_body) + other
    found, rest = read_integrals(words)
    own = molecular_pauli_sum(found.one_body, found.two_body, found.constant)
    assert largest(own + rest - words) < EXACT
    assert largest(rest) > 0.1


def test_reordering_fermions_twice_does_nothing():
    """A product of CZ gates is its own inverse."""
    h = random_hamiltonian(np.random.default_rng(3), 3, (2, 1))
    words = molecular_pauli_sum(h.one_body, h.two_body)
    assert largest(in_blocks(words) - words) > 1e-3
    assert largest(in_blocks(in_blocks(words)) - words) < EXACT


def test_reordering_is_a_change_of_signs_of_determinants():
    """Its matrix is diagonal, with the signs that ``passing_signs`` gives."""
    h = random_hamiltonian(np.random.default_rng(4), 2, (1, 1))
    words = molecular_pauli_sum(h.one_body, h.two_body)
    every = np.arange(4)
    low_first = passing_signs(every, every, 2)  # by masks: bit p is orbital p
    reversed_masks = [int(format(mask, "02b")[::-1], 2) for mask in range(4)]
    signs = low_first[np.ix_(reversed_masks, reversed_masks)].ravel()
    before, after = words.matrix().toarray(), in_blocks(words).matrix().toarray()
    assert np.abs(signs[:, None] * before * signs - after).max() < EXACT


def test_bits_of_masks_are_moved_and_moved_back():
    """A permutation and its inverse."""
    words = PauliSum.from_words({"XYZI": 1.0, "ZIIX": -0.5})
    bits = np.array([2, 0, 3, 1])
    assert dict(with_bits(words, bits).words()) == {"YIXZ": 1.0, "IXZI": -0.5}
    assert largest(with_bits(with_bits(words, bits), np.argsort(bits)) - words) == 0.0
