"""What every optimiser of ours promises, as a `torch.optim.Optimizer` and to the one driver."""

from functools import partial

import numpy as np
import pytest
import torch
from molecules import HYDROGEN, LITHIUM_HYDRIDE, WATER, hamiltonian

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.solvers import (
    SPSA,
    Landscape,
    NaturalGradient,
    PreconditionedLBFGS,
    Rotosolve,
    minimize,
)
from qmlmat.solvers.optim_base import Traits

TARGET = torch.tensor([0.5, -0.3, 0.2], dtype=torch.float64)


def waves(x):
    """A loss of frequencies 1 and 2 along each parameter, lowest at TARGET."""
    shift = x - TARGET
    return (3 - 2 * shift.cos() - (2 * shift).cos()).sum() + 0.1 * shift.sin().prod()


def flat_metric(x):
    return torch.eye(len(x), dtype=x.dtype)


OPTIMIZERS = [
    PreconditionedLBFGS,
    partial(NaturalGradient, metric=flat_metric),
    partial(SPSA, seed=5, lr=0.5, stability=10.0),
    Rotosolve,
]
every_optimizer = pytest.mark.parametrize(
    "make", OPTIMIZERS, ids=["PreconditionedLBFGS", "NaturalGradient", "SPSA", "Rotosolve"]
)


class Problem:
    """Two tensors, and the closures that PyTorch's own optimisers and ours take."""

    def __init__(self, make):
        self.pieces = [
            torch.zeros(1, 2, dtype=torch.float64, requires_grad=True),
            torch.zeros((), dtype=torch.float64, requires_grad=True),
        ]
        self.optimizer = make(self.pieces)
        self.has_gradients = isinstance(self.optimizer, NaturalGradient | PreconditionedLBFGS)

    def point(self):
        return torch.cat([piece.reshape(-1) for piece in self.pieces])

    def closure(self):
        self.optimizer.zero_grad()
        loss = waves(self.point())
        if self.has_gradients:
            loss.backward()
        return loss

    def run(self, n_steps):
        for _ in range(n_steps):
            self.optimizer.step(self.closure)
        return self.point().detach()


@every_optimizer
def test_several_tensors_reach_the_minimum_as_one_vector(make):
    """Used as PyTorch's own are, with tensors of any shape."""
    problem = Problem(make)
    found = problem.run(20 if not isinstance(problem.optimizer, SPSA) else 200)
    assert torch.allclose(found, TARGET, atol=1e-5)


@every_optimizer
def test_a_resumed_run_equals_an_uninterrupted_one(make):
    """state_dict holds all that a step depends on, to the last bit, through a file too."""
    whole, first, second = (Problem(make) for _ in range(3))
    first.run(3)
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    for old, new in zip(first.pieces, second.pieces, strict=True):
        new.data.copy_(old)
    assert torch.equal(whole.run(6), second.run(3))


@every_optimizer
def test_a_state_survives_a_file(make, tmp_path):
    """torch.save and the safe torch.load."""
    problem = Problem(make)
    problem.run(3)
    torch.save(problem.optimizer.state_dict(), tmp_path / "state.pt")
    back = torch.load(tmp_path / "state.pt", weights_only=True)
    other = Problem(make)
    other.optimizer.load_state_dict(back)
    for old, new in zip(problem.pieces, other.pieces, strict=True):
        new.data.copy_(old)
    assert torch.equal(problem.run(2), other.run(2))


@every_optimizer
def test_what_cannot_be_one_vector_is_refused(make):
    """One group, one real dtype, and a closure."""
    double, single = (torch.zeros(1, dtype=kind) for kind in (torch.float64, torch.float32))
    with pytest.raises(InputError, match="as one group"):
        make([{"params": [double]}, {"params": [double.clone()]}])
    with pytest.raises(InputError, match=r"module\.double\(\)"):
        make([double, single])
    with pytest.raises(InputError, match=r"step\(closure\)"):
        make([double]).step()


@pytest.mark.parametrize("make", OPTIMIZERS[2:], ids=["SPSA", "Rotosolve"])
def test_optimisers_without_gradients_ask_for_none(make):
    """The closure runs without autograd; one that calls backward() is told so."""
    problem = Problem(make)
    asked = []

    def closure():
        asked.append(torch.is_grad_enabled())
        return problem.closure()

    problem.optimizer.step(closure)
    assert asked
    assert not any(asked)
    with pytest.raises(InputError, match="Return the loss only"):
        problem.optimizer.step(lambda: waves(problem.point()).backward())


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (PreconditionedLBFGS, {"lr": 0}),
        (PreconditionedLBFGS, {"history_size": 0}),
        (PreconditionedLBFGS, {"curvature": np.array([1.0, -1.0, 1.0])}),
        (PreconditionedLBFGS, {"curvature": np.ones(2)}),
        (NaturalGradient, {"metric": flat_metric, "regularization": 0}),
        (NaturalGradient, {"metric": flat_metric, "metric_every": 0}),
        (NaturalGradient, {"metric": 3}),
        (SPSA, {"lr": -1.0}),
        (SPSA, {"averages": 0}),
        (SPSA, {"seed": -1}),
        (Rotosolve, {"harmonics": [(1.0, 2)]}),
        (Rotosolve, {"harmonics": [(1.0, 0)] * 3}),
    ],
)
def test_settings_that_make_no_sense_are_refused(kind, settings):
    """The message names class and setting."""
    with pytest.raises(InputError, match=rf"{kind.__name__}\({list(settings)[-1]}"):
        kind([torch.zeros(3, dtype=torch.float64)], **settings)


@every_optimizer
def test_the_driver_takes_them_all_and_judges_them_by_the_gradient(make):
    """One driver: converged means a small exact gradient, for those that compute none, too."""
    evaluations = []

    def loss(x):
        evaluations.append(torch.is_grad_enabled())
        return waves(x)

    found = minimize(loss, np.zeros(3), optimizer=make, gradient_tolerance=1e-4, max_iterations=400)
    assert found.status == "converged"
    assert found.params == pytest.approx(TARGET.numpy(), abs=1e-4)
    assert found.history[-1].gradient_norm <= 1e-4
    assert found.history[-1].n_evaluations == len(evaluations)


def test_spsa_is_checked_each_twentieth_step():
    """A gradient costs as much as steps do: the history holds the points where there is one."""
    for n_steps, checks in ((40, [0, 20, 40]), (30, [0, 20, 30])):
        found = minimize(
            waves,
            np.zeros(3),
            optimizer=partial(SPSA, seed=1),
            gradient_tolerance=1e-12,
            max_iterations=n_steps,
        )
        assert [step.iteration for step in found.history] == checks
        assert found.status == "iteration_limit"


def test_a_step_taken_back_is_no_stall():
    """Blocked steps move nothing, and the search goes on."""
    found = minimize(
        waves,
        np.zeros(3),
        optimizer=partial(SPSA, seed=1, lr=1e3, blocking=True),
        gradient_tolerance=1e-12,
        max_iterations=60,
    )
    assert found.status == "iteration_limit"
    assert found.history[-1].energy <= found.history[0].energy


def test_what_an_optimiser_needs_is_said():
    """No metric, no natural gradient."""
    with pytest.raises(InputError, match=r"partial\(NaturalGradient, metric=\.\.\.\)"):
        minimize(
            waves,
            np.zeros(3),
            optimizer=NaturalGradient,
            gradient_tolerance=1e-4,
            max_iterations=5,
        )


def test_an_optimiser_of_the_users_own_gets_what_it_names():
    """`traits` is the whole interface: a solver fills in what a class needs, a partial wins."""
    seen = []

    class Scaled(torch.optim.SGD):
        traits = Traits(needs=("curvature", "seed"))

        def __init__(self, params, curvature=None, seed=None):
            seen.append((curvature, seed))
            super().__init__(params, lr=0.1)

    for optimizer in (Scaled, partial(Scaled, seed=7)):
        minimize(
            waves,
            np.zeros(3),
            optimizer=optimizer,
            gradient_tolerance=1e-4,
            max_iterations=1,
            landscape=Landscape(curvature=np.ones(3), seed=2),
        )
    assert [seed for _, seed in seen] == [2, 7]
    assert all(curvature.tolist() == [1, 1, 1] for curvature, _ in seen)


@pytest.mark.parametrize("kind", [PreconditionedLBFGS, NaturalGradient, Rotosolve])
def test_vqe_gives_them_what_they_need(kind):
    """H2O: the same bottom by quasi-Newton, natural gradient and coordinate sweeps."""
    solution = qm.solve(hamiltonian(WATER), qm.VQE("uccsd", optimizer=kind))
    assert solution.status == "converged"
    assert 1e3 * solution.error == pytest.approx(0.0975, abs=5e-4)
    assert kind.__name__ in solution.provenance["solver"]["optimizer"]["name"]


def test_spsa_descends_a_molecule_reproducibly():
    """The seed of solve is SPSA's: same seed, same history; nine tenths of the way in 400 steps."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    solver = qm.VQE("uccsd", optimizer=SPSA, max_iterations=400)
    first, again, other = (qm.solve(h, solver, seed=seed) for seed in (1, 1, 2))
    assert first.history == again.history
    assert first.history != other.history
    assert np.array_equal(first.params, again.params)
    start = first.history[0].energy - first.reference_energy
    assert 0 <= first.error < 0.1 * start


def test_natural_gradient_is_reproducible_by_seed():
    """From a random start: the seed fixes the whole run."""
    h = hamiltonian(HYDROGEN)
    solver = qm.VQE("uccsd", optimizer=NaturalGradient, initial="random")
    first, again, other = (qm.solve(h, solver, seed=seed) for seed in (1, 1, 2))
    assert first.history == again.history
    assert first.history[0] != other.history[0]
    assert first.is_converged
    assert abs(first.error) < 1e-9


@pytest.fixture
def hydrogen():
    """H2's energy at stretched and whole bonds, as evaluators of one circuit."""
    evaluators = []
    for length in (0.7, 1.2):
        h = hamiltonian(f"H 0 0 0; H 0 0 {length}")
        circuit = qm.VQE("uccsd").circuit(h)
        preparation = qm.Preparation(circuit, qm.Reference.hartree_fock(h.norb, h.nelec))
        request = qm.Request(preparation=preparation, observables=(h,))
        exact = float(h.spectrum().energies[0])
        evaluators.append((length, qm.SectorBackend().prepare(request), preparation, exact))
    return evaluators


def network(n_params):
    """A small network from a bond length to a circuit's parameters."""
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, n_params)
    ).double()


def energies_above_exact(module, evaluators):
    """The loss of a meta-VQE: energies at all geometries, above the exact ones."""
    total = torch.zeros((), dtype=torch.float64)
    for length, evaluator, _, exact in evaluators:
        params = module(torch.tensor([length], dtype=torch.float64))
        total = total + qm.expectation(evaluator, params)[0] - exact
    return total


@pytest.mark.parametrize(
    ("make", "goal"),
    [
        (partial(torch.optim.Adam, lr=0.02), 1e-4),
        (PreconditionedLBFGS, 1e-4),
        (partial(SPSA, seed=1, lr=0.3, stability=10.0, perturbation=0.05), 1e-2),
    ],
    ids=["Adam", "PreconditionedLBFGS", "SPSA"],
)
def test_any_module_may_produce_the_parameters(hydrogen, make, goal):
    """Network -> parameters -> energies of two geometries at once, trained from 200 mHa."""
    module = network(hydrogen[0][1].n_params)
    optimizer = make(module.parameters())

    def closure():
        optimizer.zero_grad()
        loss = energies_above_exact(module, hydrogen)
        if torch.is_grad_enabled():
            loss.backward()
        return loss

    found = float(energies_above_exact(module, hydrogen).detach())
    for _ in range(300):
        if found < goal:
            break
        optimizer.step(closure)
        found = float(energies_above_exact(module, hydrogen).detach())
    assert -1e-10 < found < goal


def test_the_metric_pulls_back_through_a_module(hydrogen):
    """A network's natural gradient: the sum over geometries of J^T g J, J the network's slope."""
    module = network(hydrogen[0][1].n_params)
    names = [name for name, _ in module.named_parameters()]
    shapes = [tensor.shape for tensor in module.parameters()]

    def outputs(flat, length):
        parts = torch.split(flat, [shape.numel() for shape in shapes])
        tensors = {n: p.view(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        inputs = torch.tensor([length], dtype=torch.float64)
        return torch.func.functional_call(module, tensors, (inputs,))

    def metric(flat):
        total = torch.zeros(len(flat), len(flat), dtype=torch.float64)
        for length, _, preparation, _ in hydrogen:
            params = outputs(flat, length).detach().numpy()
            at = qm.Preparation(preparation.circuit, preparation.reference, params)
            slope = torch.func.jacrev(partial(outputs, length=length))(flat)
            total += slope.T @ torch.from_numpy(qm.SectorBackend().metric(at)) @ slope
        return total

    optimizer = NaturalGradient(module.parameters(), metric=metric)

    def closure():
        optimizer.zero_grad()
        loss = energies_above_exact(module, hydrogen)
        loss.backward()
        return loss

    for _ in range(20):
        optimizer.step(closure)
    assert -1e-10 < float(energies_above_exact(module, hydrogen).detach()) < 1e-6
