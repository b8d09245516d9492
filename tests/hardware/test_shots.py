"""Shots for an error, or for a budget: predictions hold, and what fits is said."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hardware_plans import energy_requests, reduced, target

from qmlmat.errors import BudgetError, CapabilityError
from qmlmat.hardware.cost import is_affordable
from qmlmat.hardware.plan import MeasurementPlan
from qmlmat.hardware.shots import (
    affordable_shots,
    choose_shots,
    expected_errors,
    least_shots,
    simulated,
)


def plan(n: int = 2, where=None, **keywords) -> MeasurementPlan:
    """The energies of H2 at some lengths."""
    values = {"mapping": reduced()} | keywords
    return MeasurementPlan.from_requests(energy_requests(n), where or target(), **values)


def scatter(one: MeasurementPlan, n: int = 200) -> np.ndarray:
    """Standard deviation of each energy over simulated repetitions."""
    energies = [
        [float(np.ravel(answer.values)[0]) for answer in simulated(one, seed=seed)]
        for seed in range(1, n + 1)
    ]
    return np.std(energies, axis=0, ddof=1)


@pytest.mark.parametrize("mitigation", [{}, {"symmetry": True}], ids=["bare", "symmetry"])
def test_predicted_errors_are_the_scatter(mitigation):
    """Over 200 repetitions, whose scatter is itself known to 5 %."""
    one = plan(2, target(mitigation=mitigation), shots=4000)
    np.testing.assert_allclose(scatter(one), expected_errors(one), rtol=0.15)


def test_chosen_shots_reach_the_error():
    """By the scatter of repetitions, and not by many more shots than that takes."""
    one = choose_shots(plan(2), 2e-3)
    found = scatter(one)
    assert (found < 1.15 * 2e-3).all()
    assert (found > 0.7 * 2e-3).all()  # rows of a circuit share the largest number of shots


def test_half_the_error_takes_four_times_the_shots():
    """Errors go as one over the square root."""
    one, two = (choose_shots(plan(1), error).shots[0] for error in (4e-3, 2e-3))
    assert two == pytest.approx(4 * one, rel=0.01)


def test_the_targets_error_is_taken_where_none_is_given():
    """``[sampling] target_error`` is in hartree; without it the plan stays as it is."""
    where = target(sampling={"shots": None, "target_error": 4e-3})
    assert choose_shots(plan(1, where)).shots == choose_shots(plan(1), 4e-3).shots
    one = plan(1)
    assert choose_shots(one) is one


def test_requests_with_shots_of_their_own_keep_them():
    """They are not ours to choose."""
    named = replace(energy_requests(1)[0], shots=777)
    one = MeasurementPlan.from_requests([named], target(), mapping=reduced())
    assert choose_shots(one, 1e-3).chosen[0].shots == 777


def test_a_large_error_still_takes_the_fewest_shots():
    """Each basis is measured at least twice, or there is no error bar."""
    one = choose_shots(plan(1), 10.0)
    assert list(one.shots) == least_shots(one)
    assert expected_errors(one)[0] is not None


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("local_aer", {"budget": {"max_shots": 50_000}}),
        ("local_aer", {"budget": {"max_jobs": 4}, "mode": {"max_executions_per_job": 20_000}}),
        ("ibm_open", {"budget": {"max_qpu_seconds": 30}, "mitigation": {"readout": None}}),
        ("braket_garnet", {"budget": {"max_usd": 100.0}, "mitigation": {"readout": None}}),
    ],
    ids=["shots", "jobs", "seconds", "dollars"],
)
def test_affordable_shots_are_the_most_that_fit(name, tables):
    """They fit, and one per cent more does not."""
    one = plan(2, target(name, **tables))
    most = affordable_shots(one)
    assert is_affordable(one.with_shots(most).cost, one.target)
    assert not is_affordable(one.with_shots(int(1.01 * most) + 1).cost, one.target)


def test_a_budget_for_nothing_is_refused():
    """Not even the fewest shots fit."""
    with pytest.raises(BudgetError, match="max_shots"):
        affordable_shots(plan(2, target(budget={"max_shots": 5})))


def test_over_budget_says_what_fits():
    """The number it names does fit, and so does the error."""
    one = plan(2, target(budget={"max_shots": 50_000}))
    with pytest.raises(BudgetError, match="The budget allows") as caught:
        choose_shots(one, 1e-4)
    shots = int(re.search(r"shots = (\d+)", str(caught.value)).group(1))
    error = float(re.search(r"errors up to ([\d.]+)e-3", str(caught.value)).group(1)) * 1e-3
    fitting = one.with_shots(shots)
    assert is_affordable(fitting.cost, one.target)
    assert max(expected_errors(fitting)) == pytest.approx(error, rel=0.05)


def test_what_cannot_be_simulated_has_no_expected_error():
    """The provider's own estimator, and counts."""
    where = target(
        "ibm_open", primitive="estimator", mitigation={"readout": None, "symmetry": None}
    )
    assert expected_errors(plan(1, where)) == (None,)
    with pytest.raises(CapabilityError, match=r"from_requests\(\.\.\., shots="):
        simulated(plan(1, where))
    bits = [replace(energy_requests(1)[0], observables=None)]
    assert expected_errors(MeasurementPlan.from_requests(bits, target(), mapping=reduced())) == (
        None,
    )
