"""Stationary points: those that analytic surfaces are known to have."""

from __future__ import annotations

import numpy as np
import pytest

from qmlmat.errors import InputError
from qmlmat.properties import edge_minima, stationary_points

X, Y = np.linspace(-1.5, 1.2, 55), np.linspace(-0.3, 2.0, 47)


def muller_brown(x, y):
    """K. Müller, L. D. Brown, Theor. Chim. Acta 53, 75 (1979), doi:10.1007/BF00547608."""
    height, x0, y0 = (-200, -100, -170, 15), (1, 0, -0.5, -1), (0, 0.5, 1.5, 1)
    a, b, c = (-1, -1, -6.5, 0.7), (0, 0, 11, 0.6), (-10, -10, -6.5, 0.7)
    return sum(
        height[k]
        * np.exp(
            a[k] * (x - x0[k]) ** 2 + b[k] * (x - x0[k]) * (y - y0[k]) + c[k] * (y - y0[k]) ** 2
        )
        for k in range(4)
    )


def on_grid(function, *axes):
    return function(*np.meshgrid(*axes, indexing="ij"))


def test_the_potential_of_muller_and_brown_has_three_minima_and_two_saddles():
    """Places and energies as published with the surface."""
    found = stationary_points([X, Y], on_grid(muller_brown, X, Y))
    assert [p.kind for p in found] == ["minimum"] * 3 + ["saddle"] * 2
    assert [p.index for p in found] == [0, 0, 0, 1, 1]
    places = [(-0.558, 1.442), (0.623, 0.028), (-0.050, 0.467), (0.212, 0.293), (-0.822, 0.624)]
    assert np.array([p.coordinates for p in found]) == pytest.approx(np.array(places), abs=1e-3)
    energies = [-146.700, -108.167, -80.768, -72.249, -40.665]
    assert [p.energy for p in found] == pytest.approx(energies, abs=2e-3)
    assert not any(p.at_edge for p in found)


def test_the_gradient_of_the_surface_vanishes_where_it_is_said_to():
    """Central differences of the function itself, not of its interpolant."""
    h = 1e-5
    for p in stationary_points([X, Y], on_grid(muller_brown, X, Y)):
        x, y = p.coordinates
        slope = [
            (muller_brown(x + h, y) - muller_brown(x - h, y)) / (2 * h),
            (muller_brown(x, y + h) - muller_brown(x, y - h)) / (2 * h),
        ]
        assert np.abs(slope).max() < 0.2  # curvatures are hundreds to thousands


def test_a_quadratic_is_found_exactly_with_its_curvatures():
    """Interpolation by polynomials is exact for a polynomial, on uneven axes too."""
    x, y = np.linspace(-1, 1, 9) ** 3 + 2 * np.linspace(-1, 1, 9), np.linspace(-1, 2, 7)
    matrix = np.array([[3.0, 1.0], [1.0, -2.0]])
    centre = np.array([0.3, 0.4])

    def quadratic(u, v):
        d = np.stack([u - centre[0], v - centre[1]])
        return 0.5 * np.einsum("i...,ij,j...->...", d, matrix, d) - 7

    (point,) = stationary_points([x, y], on_grid(quadratic, x, y))
    assert (point.kind, point.index) == ("saddle", 1)
    assert point.coordinates == pytest.approx(centre, abs=1e-10)
    assert point.energy == pytest.approx(-7, abs=1e-12)
    assert point.curvatures == pytest.approx(np.linalg.eigvalsh(matrix), abs=1e-9)


def test_a_double_well_has_two_minima_and_a_barrier():
    """In one dimension the barrier is a maximum; equal minima come in order of place."""
    x = np.linspace(-1.5, 1.5, 13)
    left, right, top = stationary_points([x], (x**2 - 1) ** 2)
    assert [p.kind for p in (left, right, top)] == ["minimum", "minimum", "maximum"]
    places = [p.coordinates[0] for p in (left, right, top)]
    assert places == pytest.approx([-1, 1, 0], abs=1e-10)
    curvatures = [p.curvatures[0] for p in (left, right, top)]
    assert curvatures == pytest.approx([8, 8, -4], abs=1e-8)


def test_three_dimensions_have_saddles_of_two_kinds():
    """The index counts the directions in which the energy falls."""
    x = np.linspace(-1.4, 1.4, 12)
    found = stationary_points(
        [x] * 3, on_grid(lambda u, v, w: (u**2 - 1) ** 2 + v**2 + w**4 - 0.5 * w**2, x, x, x)
    )
    assert sorted(p.index for p in found) == [0, 0, 0, 0, 1, 1, 1, 1, 2]


def test_turning_the_axes_turns_the_points():
    """Exchange of the axes and reversal of one exchange and reverse the coordinates."""
    energies = on_grid(muller_brown, X, Y)
    plain = stationary_points([X, Y], energies)
    turned = stationary_points([Y, -X[::-1]], energies[::-1].T)
    for one, other in zip(plain, turned, strict=True):
        swapped = [other.coordinates[1] * -1, other.coordinates[0]]
        assert one.coordinates == pytest.approx(swapped, abs=1e-5)  # between two cells
        assert one.kind == other.kind


def test_a_point_on_a_grid_line_is_found_once():
    """Cells that meet there see the same point."""
    x = np.linspace(-1, 1, 9)
    assert len(stationary_points([x, x], on_grid(lambda u, v: u**2 + v**2, x, x))) == 1


def test_a_minimum_at_the_edge_is_not_stationary_but_known():
    """The surface goes on falling outside the grid."""
    x = np.linspace(0.5, 2.0, 9)
    energies = on_grid(lambda u, v: u**2 + (v - 1.2) ** 2, x, x)
    assert stationary_points([x, x], energies) == ()
    (edge,) = edge_minima([x, x], energies)
    assert edge.coordinates == pytest.approx([0.5, 1.25])


def test_a_minimum_in_the_outermost_cell_is_marked_and_not_an_edge_minimum():
    """It is inside, but the interpolant leans on one side only."""
    x = np.linspace(0, 1, 9)
    (point,) = stationary_points([x], (x - 0.02) ** 2)
    assert point.at_edge
    assert edge_minima([x], (x - 0.02) ** 2) == ()


def test_missing_energies_hide_their_neighbourhood_only():
    """A hole around one minimum leaves the other points as they were."""
    energies = on_grid(muller_brown, X, Y)
    whole = stationary_points([X, Y], energies)
    energies[np.argmin(abs(X - 0.62)), np.argmin(abs(Y - 0.03))] = np.nan
    rest = stationary_points([X, Y], energies)
    assert [p.coordinates.tolist() for p in rest] == [
        p.coordinates.tolist() for i, p in enumerate(whole) if i != 1
    ]
    assert stationary_points([X, Y], np.full_like(energies, np.nan)) == ()


def test_a_plateau_is_no_row_of_minima():
    """Dissociated molecules: ripples of 1e-10 beside a well of 0.1 are noise."""
    x = np.linspace(0.4, 8.0, 80)
    noise = 1e-11 * np.random.default_rng(0).standard_normal(80)
    energies = 0.17 * (1 - np.exp(-4.0 * (x - 0.74))) ** 2 + noise
    assert [p.kind for p in stationary_points([x], energies)] == ["minimum"]
    assert stationary_points([x], np.zeros(80)) == ()


def test_a_monkey_saddle_is_called_degenerate():
    """Where the curvature vanishes, its sign says nothing."""
    x = np.linspace(-1, 1, 9)
    (point,) = stationary_points([x, x], on_grid(lambda u, v: u**3 - 3 * u * v**2, x, x))
    assert point.kind == "degenerate"


@pytest.mark.parametrize("function", [stationary_points, edge_minima])
@pytest.mark.parametrize(
    ("axes", "shape", "remedy"),
    [
        ([], (), "Give one array per coordinate"),
        ([np.arange(5)] * 4, (5,) * 4, "one to 3 coordinates"),
        ([np.arange(5), np.arange(6)], (6, 5), "last axis fastest"),
        ([np.arange(3)], (3,), "at least 4 points"),
        ([np.arange(5)[::-1]], (5,), "Sort it"),
        ([np.ones(5)], (5,), "drop duplicates"),
        ([np.ones((5, 5))], (5, 5), "one-dimensional"),
    ],
)
def test_a_grid_that_is_none_is_refused_with_a_remedy(function, axes, shape, remedy):
    with pytest.raises(InputError, match=remedy):
        function(axes, np.zeros(shape))


def test_a_scans_energies_need_no_reshaping():
    """One energy after the other, the last axis fastest, or as a column."""
    x, y = np.linspace(-1, 1, 9), np.linspace(-2, 2, 11)
    bowl = (x[:, None] - 0.1) ** 2 + 2 * (y[None, :] + 0.3) ** 2
    expected = stationary_points((x, y), bowl)
    for energies in (bowl.ravel(), bowl.reshape(-1, 1)):
        (found,) = stationary_points((x, y), energies)
        np.testing.assert_array_equal(found.coordinates, expected[0].coordinates)


@pytest.mark.parametrize("falls", [0.3, 1e-3])
def test_a_gentle_saddle_is_a_saddle(falls):
    """What counts is the sign of a curvature, not its size."""
    x = np.linspace(-1, 1, 9)
    energies = on_grid(lambda u, v: 0.5 * (3 * u**2 - falls * v**2), x, x)
    (point,) = stationary_points([x, x], energies)
    assert point.curvatures == pytest.approx([-falls, 3], abs=1e-9)
    assert (point.kind, point.index) == ("saddle", 1)
    (top,) = stationary_points([x, x], on_grid(lambda u, v: -falls * (u**2 + v**2), x, x))
    assert (top.kind, top.index) == ("maximum", 2)


def test_the_unit_of_energy_does_not_change_what_a_point_is():
    """Hartree in place of millihartree: the same minima and saddles, at the same places."""
    energies = on_grid(muller_brown, X, Y)
    plain, scaled = (stationary_points([X, Y], factor * energies) for factor in (1.0, 1e-3))
    assert [p.kind for p in scaled] == [p.kind for p in plain]
    for one, other in zip(plain, scaled, strict=True):
        assert other.coordinates == pytest.approx(one.coordinates, abs=1e-9)
