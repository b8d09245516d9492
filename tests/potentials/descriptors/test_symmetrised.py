"""Invariant polynomials: how many there are, what they are, and that they tell shapes apart."""

import itertools

import numpy as np
import pytest
import torch
from descriptors import HYDRONIUM, WATER, cloud

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import (
    BehlerParrinello,
    Distances,
    InternalCoordinates,
    MorseVariables,
    Symmetrised,
    permutations,
)
from qmlmat.potentials.descriptors.invariants import feature_orbits, monomial_orbits
from qmlmat.surfaces import Angle, Distance


def test_water_has_the_sum_the_third_side_and_the_squared_difference():
    """The set that spectroscopists use, up to factors."""
    x = cloud(3)
    a, b, c = Distances(WATER)(x).T
    expected = torch.stack([(a + b) / 2, c, ((a - b) / 2) ** 2], dim=1)
    torch.testing.assert_close(Symmetrised(Distances(WATER))(x), expected)


def test_coordinates_of_water_are_symmetrised_alike():
    """Mean bond, cosine of the angle, squared difference."""
    inner = InternalCoordinates(WATER, [Distance(0, 1), Distance(0, 2), Angle(1, 0, 2)])
    x = cloud(3)
    a, b, c = inner(x).T
    expected = torch.stack([(a + b) / 2, c, ((a - b) / 2) ** 2], dim=1)
    torch.testing.assert_close(Symmetrised(inner)(x), expected)


@pytest.mark.parametrize(
    ("symbols", "n_invariants"),
    [("OCS", 3), ("OHH", 3), ("HHH", 3), ("CHOH", 7), ("OOHH", 7), ("OHHH", 9), ("HHHH", 9),
     ("CHHHH", 31)],
)  # fmt: skip
def test_fundamental_invariants_are_few_and_end_at_degree_five(symbols, n_invariants):
    """Nine for four equal atoms, as known of graphs of four points, and nothing new above 5."""
    descriptor = Symmetrised(Distances(symbols))
    assert descriptor.n_features == n_invariants
    if len(symbols) < 5:  # nothing new appears one degree higher
        assert Symmetrised(Distances(symbols), degree=6).n_features == n_invariants


@pytest.mark.parametrize("symbols", ["OHH", "HHH", "OHHH", "HHHH"])
def test_averaged_monomials_are_as_many_as_molien_counts(symbols):
    """The series 1/|G| sum_g 1 / det(1 - t g) counts invariant polynomials by degree."""
    degree, inner = 3, Distances(symbols)
    group = [inner.feature_order(order) for order in permutations(symbols).tolist()]
    counts = np.zeros(degree + 1)
    for order in group:
        series = np.eye(degree + 1)[0]
        for length in _cycle_lengths(order):
            geometric = np.array([float(k % length == 0) for k in range(degree + 1)])
            series = np.convolve(series, geometric)[: degree + 1]
        counts += series / len(group)
    descriptor = Symmetrised(inner, degree=degree, polynomials="all")
    assert descriptor.n_features == round(counts[1:].sum())


def _cycle_lengths(order):
    left = set(range(len(order)))
    while left:
        start = here = left.pop()
        length = 1
        while order[here] != start:
            here = order[here]
            left.discard(here)
            length += 1
        yield length


def test_averaged_monomials_are_averages_over_the_group():
    """Each against products of the features of all permuted molecules."""
    inner = MorseVariables(HYDRONIUM)
    descriptor = Symmetrised(inner, degree=3, polynomials="all")
    group = inner.feature_permutations()
    x = cloud(4)
    everyone = inner(x)[:, group]
    columns = [
        everyone[:, :, list(orbit[0])].prod(dim=-1).mean(dim=1)
        for degree in (1, 2, 3)
        for orbit in monomial_orbits(group.numpy(), range(6), degree)
    ]
    expected = torch.stack(columns, dim=1)
    values = descriptor(x)
    assert values.shape == expected.shape
    torch.testing.assert_close(values.sort(dim=1).values, expected.sort(dim=1).values)


@pytest.mark.parametrize("symbols", ["OHH", "HHH", "OHHH", "OOHH", "HHHH"])
def test_fundamental_invariants_generate_every_averaged_monomial(symbols):
    """Each is a polynomial of them: a linear fit of their products leaves nothing."""
    inner, degree = Distances(symbols), 3
    x = cloud(len(symbols), 200, seed=3)
    small = Symmetrised(inner)
    values = small(x)
    powers = [
        values[:, list(chosen)].prod(dim=1)
        for length in range(degree + 1)
        for chosen in itertools.combinations_with_replacement(range(small.n_features), length)
    ]
    products = torch.stack(powers, dim=1)
    products = products / products.abs().amax(dim=0)
    targets = Symmetrised(inner, degree=degree, polynomials="all")(x)
    fitted = products @ torch.linalg.lstsq(products, targets, driver="gelsd").solution
    torch.testing.assert_close(fitted, targets, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("symbols", ["OHH", "OHHH", "OOHH", "HHHH", "CHHHH"])
def test_inequivalent_geometries_have_different_features(symbols):
    """Distances of distances, up to permutation, and distances of features vanish together."""
    inner = Distances(symbols)
    descriptor = Symmetrised(inner)
    x = cloud(len(symbols), 40, seed=7)
    y = x[:, permutations(symbols)[-1]]
    lengths, group = inner(x), inner.feature_permutations()
    apart = (lengths[:, None, None] - inner(y)[:, group][None]).abs().amax(-1).amin(-1)
    told = (descriptor(x)[:, None] - descriptor(y)[None]).abs().amax(-1)
    equivalent = apart < 1e-10
    assert torch.equal(equivalent, torch.eye(40, dtype=torch.bool))
    assert told[equivalent].max() < 1e-10
    assert told[~equivalent].min() > 1e-3


def test_the_same_lengths_in_another_arrangement_are_told_apart():
    """Three short and three long sides of H4: a corner, a triangle or a path of short ones.

    Sums over all sides cannot tell them apart.
    """
    pairs = list(itertools.combinations(range(4), 2))
    shapes = [{(0, 1), (0, 2), (0, 3)}, {(0, 1), (0, 2), (1, 2)}, {(0, 1), (1, 2), (2, 3)}]
    lengths = torch.tensor(
        [[1.0 if pair in short else 1.3 for pair in pairs] for short in shapes],
        dtype=torch.float64,
    )
    x = torch.stack([_embedded(row) for row in lengths])
    inner = Distances("HHHH")
    torch.testing.assert_close(inner(x), lengths)
    values = Symmetrised(inner)(x)
    for one, other in itertools.combinations(range(3), 2):
        assert (values[one] - values[other]).abs().max() > 1e-4


def _embedded(lengths):
    """Return four points with these six distances (classical multidimensional scaling)."""
    squares = torch.zeros(4, 4, dtype=torch.float64)
    rows, columns = torch.triu_indices(4, 4, 1)
    squares[rows, columns] = squares[columns, rows] = lengths**2
    centre = torch.eye(4, dtype=torch.float64) - 0.25
    values, vectors = torch.linalg.eigh(-0.5 * centre @ squares @ centre)
    assert values.min() > -1e-12
    return vectors[:, 1:] * values[1:].clamp(min=0).sqrt()


def test_orbits_are_sets_that_the_group_turns_into_each_other():
    group = Distances(HYDRONIUM).feature_permutations().numpy()
    assert feature_orbits(group) == ((0, 3, 4), (1, 2, 5))


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ({"degree": 0}, "Use 5 for up to five atoms"),
        ({"degree": 2.0}, "Use 5 for up to five atoms"),
        ({"polynomials": "fundamentals"}, 'Did you mean "fundamental"'),
    ],
)
def test_other_degrees_and_kinds_are_refused(arguments, remedy):
    with pytest.raises(InputError, match=remedy):
        Symmetrised(Distances(WATER), **arguments)


def test_lists_that_would_not_end_are_refused():
    with pytest.raises(InputError, match="Use a lower degree, or BehlerParrinello"):
        Symmetrised(Distances(("C",) * 9))


def test_features_of_atoms_are_refused():
    with pytest.raises(InputError, match="Sum over the atoms instead"):
        Symmetrised(BehlerParrinello(WATER), degree=1)
