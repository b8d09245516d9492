"""The natural gradient: geometry, imaginary time, and factors; SPSA: what its randomness means."""

import random
from functools import partial

import numpy as np
import pytest
import torch
from molecules import HYDROGEN, WATER, hamiltonian
from scipy.linalg import expm

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.solvers import SPSA, NaturalGradient
from qmlmat.solvers.landscape import backend_metric


def descend(loss, start, n_steps, **settings):
    """Where some steps of fixed length lead."""
    params = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = NaturalGradient([params], step_control=False, **settings)

    def closure():
        optimizer.zero_grad()
        value = loss(params)
        value.backward()
        return value

    for _ in range(n_steps):
        optimizer.step(closure)
    return params.detach()


@pytest.fixture
def hydrogen():
    """H2, its circuit and its energy in torch."""
    h = hamiltonian(HYDROGEN)
    preparation = qm.Preparation(
        qm.VQE("uccsd").circuit(h), qm.Reference.hartree_fock(h.norb, h.nelec)
    )
    evaluator = qm.SectorBackend().prepare(qm.Request(preparation=preparation, observables=(h,)))
    return h, preparation, lambda params: qm.expectation(evaluator, params)[0]


def test_a_step_is_imaginary_time(hydrogen):
    """With lr = dtau / 2 it follows exp(-dtau H) to second order: the metric is QFI / 4."""
    h, preparation, energy = hydrogen
    backend, circuit, start = qm.SectorBackend(), preparation.circuit, [0.4, -0.3, 0.7]
    shape = (h.dimension, h.dimension)
    matrix = np.array([h.matvec(row.reshape(2, 2)).ravel() for row in np.eye(4)]).reshape(shape)

    def state(params):
        angles = torch.as_tensor(params, dtype=torch.float64).numpy()
        return backend.state(qm.Preparation(circuit, preparation.reference, angles))

    misses = []
    for duration in (0.02, 0.01):
        params = descend(
            energy,
            start,
            1,
            metric=backend_metric(backend, preparation),
            lr=duration / 2,
            regularization=1e-12,
        )
        exact = expm(-duration * matrix) @ state(start).ravel()
        exact /= np.linalg.norm(exact)
        misses.append(np.linalg.norm(state(params).ravel() - exact))
    travelled = np.linalg.norm(state(start).ravel() - exact)
    assert misses[1] < 0.02 * travelled
    assert misses[0] / misses[1] == pytest.approx(4, rel=0.2)


def test_coordinates_do_not_matter(hydrogen):
    """Linear combinations of the angles, with the metric to match: the same states."""
    _, preparation, energy = hydrogen
    metric = backend_metric(qm.SectorBackend(), preparation)
    mix = torch.tensor([[2.0, 0.5, 0.0], [0.0, 0.3, 0.1], [0.2, 0.0, 5.0]], dtype=torch.float64)
    start = torch.tensor([0.4, -0.3, 0.7], dtype=torch.float64)
    settings = {"lr": 0.1, "regularization": 1e-13}
    plain = descend(energy, start.tolist(), 10, metric=metric, **settings)
    mixed = descend(
        lambda z: energy(mix @ z),
        torch.linalg.solve(mix, start).tolist(),
        10,
        metric=lambda z: mix.T @ metric(mix @ z) @ mix,
        **settings,
    )
    assert torch.allclose(mix @ mixed, plain, atol=1e-8)


def test_the_regularisation_is_relative_to_the_metric():
    """A metric in other units changes the step's length only, not its direction."""
    metric = torch.diag(torch.tensor([1.0, 1e-4], dtype=torch.float64))
    steps = [
        descend(
            lambda x: x.sum(),
            [0.0, 0.0],
            1,
            metric=lambda _, unit=unit: unit * metric,
            lr=unit,
            regularization=0.1,
        )
        for unit in (1.0, 1e-6)
    ]
    assert torch.allclose(steps[0], steps[1], rtol=1e-12)


def test_a_state_that_nothing_moves_has_no_metric():
    """An all-zero metric is plain descent, not a division by zero."""
    found = descend(lambda x: (x**2).sum(), [1.0], 1, metric=lambda _: torch.zeros(1, 1), lr=0.25)
    assert found.tolist() == [0.5]


def test_a_metric_that_is_rounding_alone_is_no_obstacle():
    """Singular entries of 1e-17, as of a state in one configuration: a finite step downhill."""
    rounding = 5e-17 * torch.tensor([[1.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    found = descend(
        lambda x: (x**2).sum(),
        [1.0, 2.0],
        1,
        metric=lambda _: rounding,
        regularization=1e-5,
        max_step=0.3,
    )
    step = found - torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert float(step.norm()) == pytest.approx(0.3, abs=1e-9)
    assert (step < 0).all()


@pytest.mark.parametrize("step_control", [True, False])
def test_no_step_is_longer_than_the_longest_allowed(step_control):
    """A metric of 1e-9 asks for steps of any length: each is cut, its direction is kept."""
    params = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    optimizer = NaturalGradient(
        [params],
        metric=lambda _: 1e-9 * torch.eye(2, dtype=torch.float64),
        step_control=step_control,
        max_step=0.3,
    )

    def closure():
        optimizer.zero_grad()
        value = (params**2).sum()
        value.backward()
        return value

    for _ in range(4):
        before = params.detach().clone()
        optimizer.step(closure)
        step = params.detach() - before
        assert float(step.norm()) == pytest.approx(0.3, abs=1e-12)
        downhill = -before / before.norm()
        assert torch.allclose(step / step.norm(), downhill, atol=1e-9)


def test_steps_that_are_short_enough_are_as_they_were():
    """A generous limit changes no bit; none is the default."""
    found = [
        descend(lambda x: (x**2).sum(), [1.0], 5, metric=lambda _: torch.eye(1), lr=0.25, **more)
        for more in ({}, {"max_step": 10.0})
    ]
    assert torch.equal(*found)


@pytest.mark.parametrize("longest", [0.0, -1.0])
def test_a_longest_step_that_is_none_is_refused(longest):
    """It must be positive."""
    with pytest.raises(InputError, match=r"max_step=.*must be positive"):
        NaturalGradient([torch.zeros(2)], metric=lambda _: torch.eye(2), max_step=longest)


def test_a_metric_may_serve_several_steps():
    """H2O: the same bottom with a fifth of the metrics."""
    counts = {}

    class Counting(qm.SectorBackend):
        def metric(self, preparation):
            counts[every] = counts.get(every, 0) + 1
            return super().metric(preparation)

    for every in (1, 5):
        solver = qm.VQE("uccsd", optimizer=partial(NaturalGradient, metric_every=every))
        solution = qm.solve(hamiltonian(WATER), solver, backend=Counting())
        assert solution.is_converged
        assert 1e3 * solution.error == pytest.approx(0.0975, abs=5e-4)
    assert 3 * counts[5] <= counts[1]


# ------------------------------------------------------------------------------------- SPSA


def quadratic(x):
    return (torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64) * (x - 1) ** 2).sum()


def step_of(**settings):
    """The first step on the quadratic from zero."""
    params = torch.zeros(3, dtype=torch.float64)
    SPSA([params], stability=0.0, **settings).step(lambda: quadratic(params))
    return params


def test_spsa_follows_the_gradient_on_average():
    """Unbiased: the mean of 2000 directions is -a_0 times the slope, within its scatter."""
    mean = step_of(seed=1, lr=0.1, averages=2000)
    slope = torch.tensor([-2.0, -4.0, -6.0], dtype=torch.float64)
    scatter = 0.1 * float(slope.norm()) / 2000**0.5
    assert torch.allclose(mean, -0.1 * slope, atol=5 * scatter)


def test_spsa_leaves_all_global_generators_alone():
    """And none of them sways it."""
    torch.manual_seed(1)
    random.seed(1)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = step_of(seed=3)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()
    assert np.array_equal(before[2], np.random.get_state()[1])  # noqa: NPY002
    torch.manual_seed(2)
    assert torch.equal(first, step_of(seed=3))
    assert not torch.equal(first, step_of(seed=4))


def test_spsa_without_a_seed_draws_one_and_keeps_it():
    """Two runs differ, and each can be continued: the seed is part of its state."""
    params = torch.zeros(3, dtype=torch.float64)
    seeds = [SPSA([params]).state_dict()["param_groups"][0]["seed"] for _ in range(2)]
    assert seeds[0] != seeds[1]  # 128 bits of the system's entropy
    assert torch.equal(step_of(seed=seeds[0]), step_of(seed=seeds[0]))


def test_blocked_steps_never_raise_the_loss():
    """Each step is taken or taken back."""
    params = torch.zeros(3, dtype=torch.float64)
    optimizer = SPSA([params], seed=2, lr=0.4, stability=0.0, blocking=True)
    values = []
    for _ in range(40):
        optimizer.step(lambda: quadratic(params))
        values.append(float(quadratic(params)))
    assert values == sorted(values, reverse=True)
    assert len(set(values)) < len(values)  # some were taken back
    assert values[-1] < values[0]
