"""The sign symmetries of a Hamiltonian, read from its integrals alone."""

from __future__ import annotations

from typing import Final

import numpy as np

from qmlmat.systems.hamiltonian import MolecularHamiltonian
from qmlmat.typing import FloatArray, IntArray

FORBIDDEN: Final = 1e-6
"""Integrals below this count as zero by symmetry (hartree).

In gauge-fixed orbitals those that symmetry forbids reach 1e-7 at most (N2 at 4 Å; 5e-12 near
equilibrium in N2, H2O, H6, BeH2, C2H4), for Hartree-Fock stops at a gradient of 1e-8. A wrong
symmetry would need every integral that breaks it to be below this: what it drops then counts to
second order, except between degenerate states."""


def orbital_parities(hamiltonian: MolecularHamiltonian) -> IntArray:
    """Return a label of every orbital's symmetry: the irreps of an Abelian group, from integrals.

    A symmetry is a choice of signs ``s[p] = +-1`` under which no integral changes:
    ``s[p] s[q] = 1`` wherever ``h[p, q]`` is not zero, and ``s[p] s[q] s[r] s[s] = 1`` wherever
    ``(pq|rs)`` is not. Bit ``k`` of a label is set where the orbital changes sign under the k-th
    independent symmetry. These are the mirror planes, the inversion and the two-fold axes of the
    molecule, as far as the orbitals are adapted to them, and whatever else the integrals allow.
    A product of moves keeps all of them if the XOR of the labels of all the orbitals it moves
    from and to is 0.

    Minus for all orbitals is the parity of the number of electrons and says nothing: orbital 0 has
    label 0. Orbitals without symmetry, as localised ones, all have label 0.

    Args:
        hamiltonian: The Hamiltonian; integrals up to ``FORBIDDEN`` count as zero.

    Returns:
        Labels, shape ``(norb,)``.

    References:
        S. Bravyi, J. M. Gambetta, A. Mezzacapo, K. Temme, arXiv:1701.08213 (2017).

    Example:
        >>> from qmlmat.systems import Molecule, molecular_hamiltonian
        >>> h2 = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.7414"))
        >>> orbital_parities(h2)
        array([0, 1])
    """
    norb = hamiltonian.norb
    # Fixing the sign of orbital 0 is one more condition: that the bit of orbital 0 alone is even.
    conditions = _reduced(np.append(_odd_sets(hamiltonian.one_body, hamiltonian.two_body), 1), norb)
    pivots = [(int(row) & -int(row)).bit_length() - 1 for row in conditions]
    labels = np.zeros(norb, dtype=np.int64)
    for k, free in enumerate(sorted(set(range(norb)) - set(pivots))):
        labels[free] |= 1 << k
        labels[pivots] |= (conditions >> free & 1) << k
    return labels


def _odd_sets(one_body: FloatArray, two_body: FloatArray) -> IntArray:
    """Return, as bit masks, which orbitals occur an odd number of times in an integral not zero."""
    bits = np.int64(1) << np.arange(len(one_body), dtype=np.int64)
    pairs = bits[:, None] ^ bits
    quartets = pairs[:, :, None, None] ^ pairs
    return np.union1d(
        pairs[np.abs(one_body) > FORBIDDEN], quartets[np.abs(two_body) > FORBIDDEN]
    ).astype(np.int64)


def _reduced(rows: IntArray, n_bits: int) -> IntArray:
    """Return the reduced echelon form over GF(2) of rows given as bit masks, by the lowest bit."""
    done = np.zeros(0, dtype=np.int64)
    for k in range(n_bits):
        having = np.flatnonzero(rows >> k & 1)
        if having.size:
            pivot = rows[having[0]]
            rows = np.where(rows >> k & 1, rows ^ pivot, rows)
            done = np.append(np.where(done >> k & 1, done ^ pivot, done), pivot)
            rows = np.unique(rows)
    return done
