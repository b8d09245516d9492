"""Orders of candidates that need no model."""

import numpy as np
import pytest

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.potentials.active.candidates import (
    candidates_of,
    grid_order,
    random_order,
    sobol_order,
)

H2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
WATER = qm.Molecule.from_xyz("O 0 0 0; H 0.7575 0.5871 0; H -0.7575 0.5871 0")
CURVE = qm.stretch(H2, lengths=np.linspace(0.5, 3.0, 26))


def test_a_grid_on_a_curve_is_even_and_has_the_ends():
    """Every fifth of 26 points."""
    assert grid_order(candidates_of(CURVE), 6) == [0, 5, 10, 15, 20, 25]


def test_a_grid_in_two_dimensions_has_as_many_values_as_fit():
    """Of seven points six are used: three times two."""
    path = qm.grid(WATER, [(qm.Distance(0, 1), [0.9, 1.0, 1.1]), (qm.Angle(1, 0, 2), [90, 100])])
    order = grid_order(candidates_of(path), 7)
    assert sorted(order) == [0, 1, 2, 3, 4, 5]
    assert len(grid_order(candidates_of(path), 5)) == 4


def test_a_sobol_sequence_covers_every_part_of_a_curve():
    """Of its first eight points two are in each quarter, and all candidates come once."""
    pool = candidates_of(CURVE)
    order = sobol_order(pool, 3)
    assert sorted(order) == list(range(26))
    quarters = np.histogram(pool.unit_box[order[:8], 0], bins=4, range=(-0.001, 1.001))[0]
    assert quarters.min() >= 1
    assert sobol_order(pool, 3) == order != sobol_order(pool, 4)


def test_a_random_order_is_that_of_its_seed():
    """Every candidate once."""
    pool = candidates_of(CURVE)
    assert sorted(random_order(pool, 0)) == list(range(26))
    assert random_order(pool, 0) == random_order(pool, 0) != random_order(pool, 1)


def test_a_list_of_geometries_has_no_grid():
    """It can be drawn from, though."""
    pool = candidates_of(CURVE.geometries)
    assert len(random_order(pool, 0)) == 26
    for order in (lambda: grid_order(pool, 4), lambda: sobol_order(pool, 0)):
        with pytest.raises(InputError, match="Give a path"):
            order()


def test_candidates_that_are_none_are_refused():
    """One point, k points, or two molecules."""
    with pytest.raises(InputError, match="two geometries or more"):
        candidates_of(CURVE.geometries[:1])
    other = qm.Geometry(("Li", "H"), CURVE.geometries[0].positions)
    with pytest.raises(InputError, match="one molecule"):
        candidates_of([CURVE.geometries[0], other])
