"""Meetings of two rows of numbers, against curves whose meetings are known."""

import numpy as np
import pytest

from qmlmat.surfaces.meetings import dips, gap_minimum, meeting, sign_changes

X = np.arange(0.0, 2.01, 0.2)


@pytest.mark.parametrize("place", [0.83, 1.0, 1.17])
def test_the_gap_of_two_states_that_repel_is_found_between_points(place):
    """sqrt(a^2 x^2 + d^2): its square is a parabola, so the answer is exact."""
    gaps = np.sqrt(9.0 * (X - place) ** 2 + 0.01)
    found = gap_minimum(X, gaps, int(np.argmin(gaps)))
    assert found == pytest.approx((place, 0.1), abs=1e-7)


def test_unknown_points_are_left_out_and_unequal_steps_do_not_matter():
    x = X**1.3
    gaps = np.sqrt((x - 1.1) ** 2 + 0.04)
    smallest = int(np.argmin(gaps))
    gaps[smallest - 2] = np.nan
    assert gap_minimum(x, gaps, smallest) == pytest.approx((1.1, 0.2), abs=1e-7)


def test_a_gap_that_closes_is_not_negative():
    place, gap = gap_minimum(X, np.abs(X - 0.9), 4)
    assert place == pytest.approx(0.9, abs=1e-6)
    assert 0 <= gap < 1e-6


def test_curves_meet_where_their_polynomials_do():
    """A line and a cubic: interpolation through four points is exact."""
    first, second = -1.0 + 0.5 * X, -1.0 + X**3
    (change,) = sign_changes(first[1:] - second[1:], 1e-4)
    assert change[2] == 1
    place, energy = meeting(X, first, second, (change[0] + 1, change[1] + 1))
    assert place == pytest.approx(0.5**0.5, abs=1e-7)
    assert energy == pytest.approx(-1 + 0.5 * 0.5**0.5, abs=1e-7)


def test_degenerate_points_delay_a_crossing_and_a_touch_is_none():
    width = 1e-4
    assert sign_changes(np.array([1.0, 1e-5, -1.0]), width) == [(0, 2, 1)]
    assert sign_changes(np.array([1.0, 1e-5, 1.0]), width) == []
    assert sign_changes(np.array([1e-6, -1e-6, 1e-6]), width) == []
    assert sign_changes(np.array([1.0, np.nan, -1.0]), width) == []


def test_a_dip_needs_both_neighbours_and_a_gap():
    assert dips(np.array([3.0, 2.0, 3.0]), 1e-4) == [1]
    assert dips(np.array([3.0, 1e-6, 3.0]), 1e-4) == []
    assert dips(np.array([np.nan, 2.0, 3.0]), 1e-4) == []
