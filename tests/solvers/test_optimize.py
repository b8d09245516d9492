"""The optimisation driver on functions whose minima are known."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch

from qmlmat.errors import InputError
from qmlmat.solvers.optimize import describe_optimizer, make_optimizer, minimize


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def test_lbfgs_finds_the_bottom_of_rosenbrocks_valley():
    """The default search converges on the gradient, and its history descends."""
    found = minimize(
        rosenbrock,
        np.array([-1.2, 1.0]),
        optimizer=torch.optim.LBFGS,
        gradient_tolerance=1e-8,
        max_iterations=200,
    )
    assert found.status == "converged"
    assert found.params == pytest.approx([1.0, 1.0], abs=1e-7)
    energies = [step.energy for step in found.history]
    assert energies == sorted(energies, reverse=True)
    assert found.history[0].iteration == 0
    assert found.history[-1].gradient_norm <= 1e-8


def test_a_partial_of_lbfgs_changes_only_what_it_names():
    """A learning rate keeps the line search; another search is the user's to choose."""
    params = torch.zeros(1, dtype=torch.float64)
    (group,) = make_optimizer(partial(torch.optim.LBFGS, lr=0.5), params).param_groups
    assert (group["lr"], group["line_search_fn"], group["max_iter"]) == (0.5, "strong_wolfe", 1)
    free = partial(torch.optim.LBFGS, line_search_fn=None)
    assert make_optimizer(free, params).param_groups[0]["line_search_fn"] is None


def test_no_point_is_evaluated_twice_in_a_row():
    """The line search's last point is the next step's first: it costs nothing."""
    seen = []

    def loss(x):
        seen.append(tuple(x.detach().tolist()))
        return rosenbrock(x)

    found = minimize(
        loss,
        np.array([-1.2, 1.0]),
        optimizer=torch.optim.LBFGS,
        gradient_tolerance=1e-6,
        max_iterations=100,
    )
    assert all(a != b for a, b in pairwise(seen))
    assert found.history[-1].n_evaluations == len(seen)


def test_the_best_point_is_returned_not_the_last():
    """A step too long climbs; the answer is where it was lowest."""
    found = minimize(
        lambda x: (x**4).sum(),
        np.array([0.9]),
        optimizer=partial(torch.optim.SGD, lr=0.7),
        gradient_tolerance=1e-12,
        max_iterations=5,
    )
    assert found.status == "iteration_limit"
    assert float(found.params[0] ** 4) == min(step.energy for step in found.history)


def test_a_higher_stationary_point_is_no_answer():
    """A jump onto a flat spot further up has no gradient, and is not what was asked for."""

    class Jump(torch.optim.SGD):
        def step(self, closure):
            closure()
            with torch.no_grad():
                self.param_groups[0]["params"][0].copy_(torch.tensor([10.0]))

    found = minimize(
        lambda x: torch.where(x < 5, x**2, 1 + (x - 10) ** 2).sum(),
        np.array([0.1]),
        optimizer=Jump,
        gradient_tolerance=1e-6,
        max_iterations=5,
    )
    assert found.params[0] == pytest.approx(0.1, abs=1e-15)
    assert found.status != "converged"


def test_an_optimiser_that_cannot_move_is_stalled_not_converged():
    """A kink: the gradient never vanishes and no step helps."""
    found = minimize(
        lambda x: x.abs().sum(),
        np.array([0.0]) + 1e-300,
        optimizer=torch.optim.LBFGS,
        gradient_tolerance=1e-6,
        max_iterations=50,
    )
    assert found.status == "stalled"


def test_a_start_that_is_no_number_is_refused():
    """NaN does not spread."""
    with pytest.raises(InputError, match="not finite at the start"):
        minimize(
            lambda x: (x * np.nan).sum(),
            np.ones(1),
            optimizer=torch.optim.LBFGS,
            gradient_tolerance=1e-6,
            max_iterations=5,
        )


def test_a_loss_that_ignores_its_parameters_is_converged_at_once():
    """No gradient is a zero gradient."""
    found = minimize(
        lambda x: 0.0 * x.sum() + 2.0,
        np.ones(2),
        optimizer=torch.optim.LBFGS,
        gradient_tolerance=1e-6,
        max_iterations=5,
    )
    assert found.status == "converged"
    assert len(found.history) == 1


def test_the_record_names_optimiser_and_settings():
    """What enters the hash of a scan."""
    record = describe_optimizer(partial(torch.optim.Adam, lr=0.1, betas=(0.9, 0.99)))
    assert record["name"].endswith("Adam")
    assert record["settings"] == {"betas": "(0.9, 0.99)", "lr": 0.1}
    assert describe_optimizer(torch.optim.LBFGS)["settings"] == {}
