"""Pairs of orbitals: bonding beside antibonding, whatever the order of energies."""

from itertools import permutations

import numpy as np
import pytest

from qmlmat.systems import ActiveSpace, Molecule, exchange_pairs, molecular_hamiltonian


def nitrogen(length):
    molecule = Molecule.from_xyz(f"N 0 0 0; N 0 0 {length}", basis="cc-pvdz")
    return molecular_hamiltonian(molecule, ActiveSpace(10, 8))


@pytest.mark.parametrize("length", [0.9, 1.1, 2.0, 3.0])
def test_degenerate_orbitals_of_nitrogen_meet_their_own_partners(length):
    """pi_x with pi*_x, not with pi*_y: of all ways to pair, the one with the most exchange."""
    h = nitrogen(length)
    order, n = exchange_pairs(h), h.nelec[0]
    assert sorted(order) == list(range(h.norb))
    assert order[:n].tolist() == list(range(n))

    def total(partners):
        pairs = zip((n - 1, n - 2, n - 3), partners, strict=True)
        return sum(h.two_body[i, a, i, a] for i, a in pairs)

    found = total(order[n:])
    assert found == pytest.approx(max(map(total, permutations(range(n, h.norb)))), abs=1e-12)
    assert found > total((n, n + 1, n + 2)) + 0.05  # in order of energy


def test_what_has_no_partner_keeps_the_order_of_energy():
    """LiH: one occupied orbital, four empty ones; a radical's single electron stays where it is."""
    lithium_hydride = molecular_hamiltonian(
        Molecule.from_xyz("Li 0 0 0; H 0 0 1.6"), ActiveSpace(freeze_core=True)
    )
    order = exchange_pairs(lithium_hydride)
    assert (np.diff(order[2:]) > 0).all()
    radical = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 1; H 0 0 2", spin=1))
    assert exchange_pairs(radical).tolist() == [0, 1, 2]
    helium = molecular_hamiltonian(Molecule.from_xyz("He 0 0 0;"))
    assert exchange_pairs(helium).tolist() == [0]
