"""Slow twin of the sigma builder: creation and annihilation operators, one determinant at a time.

Bits of a determinant: alpha orbital ``p`` is bit ``p``, beta orbital ``p`` is bit ``norb + p``.
"""

from itertools import product

import numpy as np


def annihilate(bits, mode):
    """Return (sign, bits) of ``a_mode |bits>``, sign 0 if it vanishes."""
    if not bits >> mode & 1:
        return 0, bits
    return 1 - 2 * ((bits & ((1 << mode) - 1)).bit_count() % 2), bits ^ (1 << mode)


def create(bits, mode):
    """Return (sign, bits) of ``a†_mode |bits>``, sign 0 if it vanishes."""
    if bits >> mode & 1:
        return 0, bits
    return 1 - 2 * ((bits & ((1 << mode) - 1)).bit_count() % 2), bits | (1 << mode)


def string_of(bits, operators):
    """Return (sign, bits) of a product of ("+" or "-", mode), the rightmost acting first."""
    sign = 1
    for kind, mode in reversed(operators):
        step, bits = (create if kind == "+" else annihilate)(bits, mode)
        sign *= step
        if not sign:
            return 0, bits
    return sign, bits


def determinants(sector):
    """Return the bits of every determinant, in the order of a flattened state."""
    return [
        int(a) | int(b) << sector.norb
        for a, b in product(sector.alpha_strings, sector.beta_strings)
    ]


def matrix(sector, terms):
    """Return the dense matrix of ``sum coefficient * product`` in the sector."""
    basis = determinants(sector)
    place = {bits: k for k, bits in enumerate(basis)}
    dense = np.zeros((len(basis), len(basis)))
    for column, bits in enumerate(basis):
        for coefficient, operators in terms:
            sign, image = string_of(bits, operators)
            if sign:
                dense[place[image], column] += sign * coefficient
    return dense


def hamiltonian_terms(one_body, two_body):
    """Return ``sum h a†a + 1/2 sum (pq|rs) a†_p a†_r a_s a_q`` over both spins."""
    norb = len(one_body)
    shifts = (0, norb)
    terms = [
        (one_body[p, q], (("+", p + s), ("-", q + s)))
        for p, q in product(range(norb), repeat=2)
        for s in shifts
    ]
    terms += [
        (0.5 * two_body[p, q, r, t], (("+", p + s), ("+", r + u), ("-", t + u), ("-", q + s)))
        for p, q, r, t in product(range(norb), repeat=4)
        for s, u in product(shifts, repeat=2)
        if p + s != r + u and q + s != t + u
    ]
    return terms


def random_integrals(norb, rng):
    """Return real integrals with the permutation symmetry of orbitals."""
    one = rng.normal(size=(norb, norb))
    two = rng.normal(size=(norb,) * 4)
    two = two + two.transpose(1, 0, 2, 3)
    two = two + two.transpose(0, 1, 3, 2)
    return one + one.T, two + two.transpose(2, 3, 0, 1)
