"""Which empty orbital belongs to which occupied one: pairs for perfect-pairing circuits."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from qmlmat.systems.hamiltonian import MolecularHamiltonian
from qmlmat.typing import IntArray


def exchange_pairs(hamiltonian: MolecularHamiltonian) -> IntArray:
    """Return the orbitals in an order in which HOMO and LUMO, HOMO-1 and LUMO+1, ... are pairs.

    A doubly occupied orbital ``i`` and an empty one ``a`` belong together, as bonding and
    antibonding ones do, where their exchange integral ``(ia|ia)`` is large: each of the highest
    occupied orbitals gets a partner, those with the largest sum. In order of energy alone a
    degenerate pair meets the other's partner: in N2 ``pi_x`` stands beside ``pi*_y``.

    Args:
        hamiltonian: The Hamiltonian; its reference fills the lowest orbitals.

    Returns:
        ``order[p]`` is the orbital that takes the place of orbital ``p``, shape ``(norb,)``:
        only empty ones change places; what has no partner keeps the order of energy.

    References:
        Perfect pairing: A. C. Hurley, J. E. Lennard-Jones, J. A. Pople, Proc. R. Soc. A 220, 446
        (1953), doi:10.1098/rspa.1953.0198.
    """
    low, high = min(hamiltonian.nelec), max(hamiltonian.nelec)
    exchange = np.einsum("iaia->ia", hamiltonian.two_body)[:low, high:]
    n_pairs = min(exchange.shape)
    highest_first = exchange[low - n_pairs :][::-1]
    _, partners = linear_sum_assignment(highest_first, maximize=True)
    lone = np.setdiff1d(np.arange(hamiltonian.norb - high), partners)
    return np.concatenate([np.arange(high), high + partners, high + lone])
