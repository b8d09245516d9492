"""Exchanges of equal atoms, and what they do to features."""

import math

import pytest
import torch
from descriptors import HYDRONIUM, PEROXIDE, PEROXIDE_SET, WATER, cloud

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import (
    BehlerParrinello,
    CoulombMatrix,
    Distances,
    InternalCoordinates,
    permutations,
)
from qmlmat.potentials.descriptors.permutations import transpositions
from qmlmat.surfaces import Distance


@pytest.mark.parametrize("symbols", [WATER, HYDRONIUM, PEROXIDE, ("C", "H", "H", "H", "H"), "OCS"])
def test_all_permutations_of_equal_atoms_are_listed_once(symbols):
    """As many as factorials say, the identity first, elements in their places."""
    orders = permutations(symbols)
    assert len({tuple(order) for order in orders.tolist()}) == len(orders)
    assert len(orders) == math.prod(
        math.factorial(list(symbols).count(element)) for element in set(symbols)
    )
    assert orders[0].tolist() == list(range(len(symbols)))
    for order in orders:
        assert [symbols[atom] for atom in order] == list(symbols)


@pytest.mark.parametrize("symbols", [HYDRONIUM, PEROXIDE, ("H",) * 4])
def test_exchanges_of_two_generate_all_permutations(symbols):
    """So that invariance need only be checked for them."""
    reached = {tuple(range(len(symbols)))}
    while True:
        more = {
            tuple(order[atom] for atom in step)
            for order in reached
            for step in transpositions(symbols)
        }
        if more <= reached:
            break
        reached |= more
    assert reached == {tuple(order) for order in permutations(symbols).tolist()}


def test_permuted_features_are_those_of_permuted_molecules():
    """What a permutation-averaged kernel needs, without computing any feature again."""
    distances, x = Distances(HYDRONIUM), cloud(4)
    permuted = distances(x)[:, distances.feature_permutations()]
    again = torch.stack([distances(x[:, order]) for order in permutations(HYDRONIUM)], dim=1)
    torch.testing.assert_close(permuted, again)


def test_permutations_that_act_alike_are_listed_once():
    """H2 has two permutations of atoms and one of its distance."""
    assert Distances(("H", "H")).feature_permutations().tolist() == [[0]]
    assert CoulombMatrix(("H",) * 12).feature_permutations().tolist() == [list(range(12))]


def test_a_set_of_coordinates_that_is_not_closed_is_refused():
    """Exchanging the hydrogens alone makes O-H distances of HOOH that the set does not have."""
    chosen = InternalCoordinates(PEROXIDE, PEROXIDE_SET)
    assert not chosen.permutation_invariant
    with pytest.raises(InputError, match="Add those of the equal atoms, or use Distances"):
        chosen.feature_permutations()


def test_a_closed_set_of_coordinates_is_permuted():
    """The two bonds of water change places."""
    bonds = InternalCoordinates(WATER, [Distance(0, 1), Distance(0, 2)])
    assert bonds.feature_permutations().tolist() == [[0, 1], [1, 0]]


def test_features_of_atoms_are_not_permuted():
    with pytest.raises(InputError, match="Sum over the atoms instead"):
        BehlerParrinello(WATER).feature_permutations()


def test_too_many_permutations_are_refused():
    with pytest.raises(InputError, match="BehlerParrinello or CoulombMatrix"):
        permutations(("H",) * 8)
