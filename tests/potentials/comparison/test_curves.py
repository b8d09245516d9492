"""Learning curves: exponents and the data an error takes, against power laws in closed form."""

import pytest

from qmlmat.potentials.comparison.curves import learning_curve

SIZES = [10, 20, 40, 80]


def test_the_exponent_of_a_power_law_is_found():
    """Both seeds follow N^-1.5, whatever their prefactors."""
    series = [[a * n**-1.5 for n in SIZES] for a in (1.0, 3.0)]
    curve = learning_curve("a", SIZES, series[0], series)
    assert curve.exponent == pytest.approx(1.5, abs=1e-12)
    assert curve.exponent_stderr == pytest.approx(0.0, abs=1e-12)


def test_the_uncertainty_is_that_of_the_mean_over_seeds():
    """Exponents 1 and 2 have the standard deviation 0.707, and of two seeds the error 0.5."""
    series = [[1.0 / n for n in SIZES], [1.0 / n**2 for n in SIZES]]
    curve = learning_curve("a", SIZES, series[0], series)
    assert curve.exponent == pytest.approx(1.5)
    assert curve.exponent_stderr == pytest.approx(0.5)


def test_one_seed_has_an_exponent_without_uncertainty_and_one_size_none():
    """Nothing is claimed that cannot be known."""
    one = learning_curve("a", SIZES, [1.0, 0.5, 0.25, 0.125], [[1.0, 0.5, 0.25, 0.125]])
    assert one.exponent == pytest.approx(1.0)
    assert one.exponent_stderr is None
    assert learning_curve("a", [10], [1.0], [[1.0], [2.0]]).exponent is None


def test_failed_runs_are_left_out_of_the_line():
    """The other sizes of the seed still count."""
    curve = learning_curve("a", SIZES, [1.0, None, 0.25, 0.125], [[1.0, None, 0.25, 0.125]])
    assert curve.sizes == (10, 40, 80)
    assert curve.exponent == pytest.approx(1.0)


def test_the_data_an_error_takes_lie_on_the_power_law_between_sizes():
    """From 1 at 10 to 1/2 at 20 the error 2^-1/2 is at 10 sqrt 2."""
    curve = learning_curve("a", SIZES, [1.0, 0.5, 0.25, 0.125], [])
    assert curve.size_needed(0.5**0.5) == pytest.approx(10 * 2**0.5)
    assert curve.size_needed(0.125) == pytest.approx(80.0)
    assert curve.size_needed(2.0) == 10.0
    assert curve.size_needed(0.1) is None
