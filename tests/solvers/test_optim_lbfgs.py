"""L-BFGS: conditions of a step, invariances, and what the orbital energies are worth."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from molecules import BERYLLIUM_HYDRIDE, LITHIUM_HYDRIDE, WATER, hamiltonian

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.solvers import Landscape, PreconditionedLBFGS, minimize
from qmlmat.solvers.landscape import orbital_curvatures
from qmlmat.solvers.optim_base import ARMIJO
from qmlmat.solvers.optim_lbfgs import WOLFE

H6, H6_STRETCHED = ("; ".join(f"H 0 0 {k * r}" for k in range(6)) for r in (1.0, 2.0))


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def trace(loss, start, n_steps, **settings):
    """Points an optimiser visits, its steps' ends."""
    params = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = PreconditionedLBFGS([params], **settings)

    def closure():
        optimizer.zero_grad()
        value = loss(params)
        value.backward()
        return value

    points = [params.detach().clone()]
    for _ in range(n_steps):
        optimizer.step(closure)
        points.append(params.detach().clone())
    return torch.stack(points)


def test_it_finds_the_bottom_of_rosenbrocks_valley():
    """Without any knowledge of the problem: plain L-BFGS, converged on the gradient."""
    found = minimize(
        rosenbrock,
        np.array([-1.2, 1.0]),
        optimizer=PreconditionedLBFGS,
        gradient_tolerance=1e-8,
        max_iterations=200,
    )
    assert found.status == "converged"
    assert found.params == pytest.approx([1.0, 1.0], abs=1e-7)


def test_every_step_satisfies_the_wolfe_conditions():
    """Enough descent, and enough of the slope gone: along Rosenbrock's valley."""
    points = trace(rosenbrock, [-1.2, 1.0], 25)
    for start, end in pairwise(points):
        before, after = (p.clone().requires_grad_() for p in (start, end))
        values = [rosenbrock(before), rosenbrock(after)]
        for value in values:
            value.backward()
        step = end - start
        assert values[1] <= values[0] + ARMIJO * float(before.grad @ step)
        assert after.grad @ step >= WOLFE * float(before.grad @ step)


def test_units_of_the_parameters_do_not_matter():
    """Parameters x = D z with curvatures D^2: the same points, for curvatures of any range."""
    curvature = np.array([200.0, 2.0])
    scale = torch.tensor([1e-3, 1e3], dtype=torch.float64)
    plain = trace(rosenbrock, [-1.2, 1.0], 12, curvature=curvature)
    scaled = trace(
        lambda z: rosenbrock(scale * z),
        (np.array([-1.2, 1.0]) / scale.numpy()).tolist(),
        12,
        curvature=curvature * scale.numpy() ** 2,
    )
    assert torch.allclose(scale * scaled, plain, atol=1e-9)


def test_units_of_the_loss_do_not_matter():
    """A loss a billion times smaller: the same points. torch's LBFGS drops such small pairs."""
    curvature = np.array([200.0, 2.0])
    plain = trace(rosenbrock, [-1.2, 1.0], 12, curvature=curvature)
    small = trace(lambda x: 1e-9 * rosenbrock(x), [-1.2, 1.0], 12, curvature=1e-9 * curvature)
    assert torch.allclose(small, plain, atol=1e-9)


def test_a_quadratic_with_known_curvatures_takes_one_step():
    """Newton's step, where the diagonal is the whole Hessian."""
    bends = torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)
    points = trace(
        lambda x: 0.5 * (bends * (x - 1) ** 2).sum(), [0.0, 0.0, 0.0], 1, curvature=bends.numpy()
    )
    assert points[1].tolist() == pytest.approx([1, 1, 1], abs=1e-14)


def test_a_kink_is_stalled_not_converged():
    """Where no step helps the driver says so."""
    found = minimize(
        lambda x: x.abs().sum(),
        np.array([1e-300]),
        optimizer=PreconditionedLBFGS,
        gradient_tolerance=1e-6,
        max_iterations=50,
    )
    assert found.status == "stalled"


@pytest.mark.parametrize("xyz", [WATER, BERYLLIUM_HYDRIDE, LITHIUM_HYDRIDE])
def test_orbital_energies_give_the_order_of_the_curvatures(xyz):
    """Against the exact diagonal of the Hessian at Hartree-Fock: within a factor of two."""
    h = hamiltonian(xyz)
    circuit = qm.VQE("uccsd").circuit(h)
    reference = qm.Reference.hartree_fock(h.norb, h.nelec)
    at = qm.Preparation(circuit, reference, np.zeros(circuit.n_params))
    exact = [
        qm.SectorBackend().hvp(at, h, unit)[k] for k, unit in enumerate(np.eye(circuit.n_params))
    ]
    ratios = orbital_curvatures(h, circuit) / exact
    assert ratios.min() > 0.5
    assert ratios.max() < 3.0


@pytest.mark.parametrize("initial", ["mp2", "random"])
def test_it_takes_at_most_three_quarters_of_the_evaluations(initial):
    """LiH, H2O, BeH2, H6 at 1 and 2 Å: the minima of torch's LBFGS, for less."""
    spent = {torch.optim.LBFGS: 0, PreconditionedLBFGS: 0}
    for xyz in (LITHIUM_HYDRIDE, WATER, BERYLLIUM_HYDRIDE, H6, H6_STRETCHED):
        energies = []
        for optimizer in spent:
            solver = qm.VQE("uccsd", optimizer=optimizer, initial=initial)
            solution = qm.solve(hamiltonian(xyz), solver, seed=1)
            assert solution.is_converged
            spent[optimizer] += solution.history[-1].n_evaluations
            energies.append(solution.energy)
        assert energies[0] == pytest.approx(energies[1], abs=1e-9)
    assert spent[PreconditionedLBFGS] < 0.75 * spent[torch.optim.LBFGS]


def quadratic(matrix):
    """Half x·A·x, whose Hessian is A."""
    tensor = torch.tensor(matrix)
    return lambda x: 0.5 * x @ tensor @ x


def positive_matrix(size, seed=0):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(size, size))
    return factor @ factor.T + 0.5 * np.eye(size)


def test_what_was_learnt_of_the_inverse_hessian_can_be_handed_on():
    """A second search, from elsewhere, with it and without; the true inverse takes one step."""
    matrix, loss = positive_matrix(12), quadratic(positive_matrix(12))
    settings = {"optimizer": PreconditionedLBFGS, "gradient_tolerance": 1e-9, "max_iterations": 99}
    learnt = minimize(loss, np.arange(1.0, 13.0), **settings).optimizer.inverse_hessian()
    assert np.allclose(learnt, learnt.T, atol=1e-12)
    assert np.linalg.eigvalsh(learnt).min() > 0
    start = np.linspace(2, -3, 12)
    cold, warm, exact = (
        minimize(loss, start, **settings, landscape=Landscape(inverse_hessian=known))
        for known in (None, learnt, np.linalg.inv(matrix))
    )
    assert 2 * warm.best.n_evaluations < cold.best.n_evaluations
    assert exact.best.iteration == 1


def test_the_matrix_it_gives_is_the_one_it_steps_by():
    """The next step, at full length, is minus the matrix times the gradient; in every form."""
    matrix = positive_matrix(5, seed=3)
    for settings in ({}, {"curvature": np.diag(matrix)}, {"inverse_hessian": 0.3 * np.eye(5)}):
        params = torch.tensor(np.linspace(0.5, 2, 5), dtype=torch.float64, requires_grad=True)
        optimizer = PreconditionedLBFGS([params], **settings)

        def closure(optimizer=optimizer, params=params):
            optimizer.zero_grad()
            value = quadratic(matrix)(params)
            value.backward()
            return value

        for _ in range(3):
            optimizer.step(closure)
        closure()
        direction = optimizer._inverse_hessian(params.grad)
        assert optimizer.inverse_hessian() @ params.grad.numpy() == pytest.approx(
            direction.numpy(), abs=1e-10
        )


def test_a_matrix_that_does_not_fit_is_refused():
    params = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for wrong in (np.eye(3), np.full((2, 2), np.nan)):
        with pytest.raises(InputError, match="leave it out"):
            PreconditionedLBFGS([params], inverse_hessian=wrong)


def test_a_matrix_that_misleads_is_dropped():
    """Where the first direction climbs, or is none, the search begins anew without it."""
    matrix = positive_matrix(6)
    loss, start = quadratic(matrix), np.arange(1.0, 7.0)
    settings = {"optimizer": PreconditionedLBFGS, "gradient_tolerance": 1e-8, "max_iterations": 200}
    wrong = -np.linalg.inv(matrix)
    for known in (wrong, np.zeros((6, 6))):
        found = minimize(loss, start, **settings, landscape=Landscape(inverse_hessian=known))
        assert found.status == "converged"
        assert found.best.n_evaluations < 60


def test_steps_across_negative_curvature_teach_nothing():
    """A well that is concave at the start: what is learnt stays positive definite."""

    def well(x):
        return (1 - torch.exp(-(x**2).sum())) + 1e-3 * (x**4).sum()

    params = torch.tensor([1.4, 0.3], dtype=torch.float64, requires_grad=True)
    optimizer = PreconditionedLBFGS([params], max_evaluations=1)

    def closure():
        optimizer.zero_grad()
        value = well(params)
        value.backward()
        return value

    smallest = []
    for _ in range(12):
        optimizer.step(closure)
        smallest.append(np.linalg.eigvalsh(optimizer.inverse_hessian()).min())
    assert min(smallest) > 0
