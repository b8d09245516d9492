"""Spanning trees: which point starts from which, whatever the units of the axes."""

import numpy as np
import pytest

from qmlmat.surfaces.paths.tree import grid_tree, nearest_tree


def test_a_grid_is_a_comb_through_its_root():
    """3 x 4 points, root (1, 1): a spine along the first axis, teeth along the second."""
    expected = (1, 5, 1, 2, 5, None, 5, 6, 9, 5, 9, 10)
    assert grid_tree((3, 4), 5) == expected


def test_a_grid_in_three_dimensions_is_a_comb_of_combs():
    """2 x 2 x 3 points, root (0, 0, 1): the last axis in which a point is off leads back."""
    expected = (1, None, 1, 4, 1, 4, 7, 1, 7, 10, 7, 10)
    assert grid_tree((2, 2, 3), 1) == expected


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)])
def test_a_parent_is_a_neighbour_nearer_the_root_and_teeth_are_independent(shape):
    """Every step is one grid point towards the root, later axes before earlier ones."""
    root = int(np.prod(shape)) // 2
    places = np.array(np.unravel_index(np.arange(np.prod(shape)), shape)).T
    for index, parent in enumerate(grid_tree(shape, root)):
        if parent is None:
            assert index == root
            continue
        away, left = abs(places[index] - places[root]), abs(places[parent] - places[root])
        (axis,) = np.flatnonzero(away != left)
        assert away[axis] - left[axis] == 1
        assert axis == np.flatnonzero(away)[-1]


@pytest.mark.parametrize("axis", [0, 1])
def test_the_units_of_an_axis_do_not_change_the_tree_of_scattered_points(axis):
    """An angle in degrees beside a length in ångström counts by its spread."""
    places = np.random.default_rng(5).random((20, 2))
    scale = np.ones(2)
    scale[axis] = 100.0
    assert nearest_tree(places * scale, 3) == nearest_tree(places, 3)


def test_scattered_points_start_from_the_nearest_in_spreads_of_the_axes():
    """Five degrees of sixty are less than 0.5 of 1 Å."""
    places = np.array([[0.8, 80.0], [0.8, 85.0], [1.3, 80.0], [1.8, 140.0]])
    assert nearest_tree(places, 0) == (None, 0, 0, 2)


def test_an_axis_along_which_nothing_varies_does_not_count():
    """No division by a spread of zero."""
    places = np.array([[0.0, 7.0], [2.0, 7.0], [1.0, 7.0]])
    assert nearest_tree(places, 0) == (None, 2, 0)
