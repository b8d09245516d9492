"""Shift rules: exact derivatives from values at shifted angles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmlmat.backends.qubits.shifts import shift_rule
from qmlmat.errors import InputError


def polynomial(coefficients, unit):
    """A trigonometric polynomial of frequencies 0, w, 2 w, ..., and its derivative."""
    orders = unit * np.arange(len(coefficients))

    def value(x):
        waves = np.exp(1j * np.multiply.outer(x, orders))
        return (waves @ coefficients).real

    def slope(x):
        return (np.exp(1j * x * orders) @ (1j * orders * coefficients)).real

    return value, slope


@given(
    order=st.integers(1, 6),
    unit=st.sampled_from([0.5, 1.0, 2.0, 0.37]),
    x=st.floats(-7, 7),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_rule_is_exact_for_polynomials_of_its_frequencies(order, unit, x, seed):
    """The derivative of any sum of its frequencies, from twice as many values as frequencies."""
    rng = np.random.default_rng(seed)
    value, slope = polynomial(rng.normal(size=order + 1) + 1j * rng.normal(size=order + 1), unit)
    rule = shift_rule(unit * np.arange(1, order + 1))
    assert len(rule.shifts) == 2 * order
    assert abs(rule.weights @ value(x + rule.shifts) - slope(x)) < 1e-12 * (1 + order) ** 2


def test_the_rule_does_not_see_a_constant():
    """Its weights add up to zero."""
    for order in range(1, 7):
        assert abs(shift_rule(range(1, order + 1)).weights.sum()) < 1e-13


def test_the_two_term_rule_would_be_wrong_for_an_excitation():
    """Of frequencies 1 and 2 together; and four terms are right for 1 alone, and for 2 alone."""
    value, slope = polynomial(np.array([0.3, 1.0 + 0.2j, 0.5 - 0.4j]), 1.0)
    two, four = shift_rule((1.0,)), shift_rule((1.0, 2.0))
    assert abs(two.weights @ value(0.4 + two.shifts) - slope(0.4)) > 0.1
    assert abs(four.weights @ value(0.4 + four.shifts) - slope(0.4)) < 1e-13


def test_no_frequency_takes_no_evaluations():
    """A global phase has no derivative."""
    rule = shift_rule(())
    assert (rule.shifts.shape, rule.weights.shape) == ((0,), (0,))


@pytest.mark.parametrize("frequencies", [(1.0, 3.0), (2.0, 3.0), (0.0,), (-1.0,), (1.0, 1.0)])
def test_other_frequencies_are_refused_with_the_remedy(frequencies):
    """Gaps, zeros, negative ones and repetitions."""
    with pytest.raises(InputError, match="an angle of its own"):
        shift_rule(frequencies)
