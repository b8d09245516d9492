"""A network may produce a circuit's parameters: every optimiser trains it to the VQE's energy."""

from functools import partial

import numpy as np
import pytest
import torch
from molecules import HYDROGEN, LITHIUM_HYDRIDE, hamiltonian
from torch.func import functional_call, jacrev
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.solvers import Traits
from qmlmat.solvers.landscape import backend_metric

TOLERANCE = 1e-8  # hartree; the VQE's own slopes are below 1e-6


class Problem:
    """A molecule's uccsd circuit, its energy in torch, and the energy that VQE finds."""

    def __init__(self, xyz):
        self.hamiltonian = hamiltonian(xyz)
        self.solver = qm.VQE("uccsd")
        circuit = self.solver.circuit(self.hamiltonian)
        self.n_params = circuit.n_params
        start = qm.Reference.hartree_fock(circuit.norb, circuit.nelec)
        self.preparation = qm.Preparation(circuit, start)
        request = qm.Request(preparation=self.preparation, observables=(self.hamiltonian,))
        self.evaluator = qm.SectorBackend().prepare(request)
        self.lowest = qm.solve(self.hamiltonian, self.solver).energy

    def energy(self, angles):
        return qm.expectation(self.evaluator, angles)[0]


@pytest.fixture(scope="module")
def hydrogen():
    return Problem(HYDROGEN)


@pytest.fixture(scope="module")
def lithium_hydride():
    return Problem(LITHIUM_HYDRIDE)


class Angles(torch.nn.Module):
    """The plainest network: its weights are the angles."""

    def __init__(self, n_params):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.zeros(n_params, dtype=torch.float64))

    def forward(self, inputs):
        return inputs * self.weights


def layers(n_params):
    """A layer of tanh units, the last layer small: the first state is nearly Hartree-Fock."""
    torch.manual_seed(7)
    network = torch.nn.Sequential(
        torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, n_params)
    ).double()
    with torch.no_grad():
        for tensor in network[2].parameters():
            tensor.mul_(0.1)
    return network


INPUT = torch.ones(1, dtype=torch.float64)


def train(problem, network, optimizer, n_steps):
    """The energy after some steps of an optimiser that takes gradients, or of one that does not."""
    has_gradients = not isinstance(optimizer, qm.SPSA | qm.Rotosolve)

    def closure():
        optimizer.zero_grad()
        energy = problem.energy(network(INPUT))
        if has_gradients:
            energy.backward()
        return energy

    for _ in range(n_steps):
        optimizer.step(closure)
    with torch.no_grad():
        return float(problem.energy(network(INPUT)))


def pulled_back(problem, network):
    """The metric in weights: ``J^T g J`` with the Jacobian ``J`` of the angles."""
    metric = backend_metric(qm.SectorBackend(), problem.preparation)
    names = [name for name, _ in network.named_parameters()]
    shapes = [tensor.shape for tensor in network.parameters()]

    def angles(weights):
        pieces = weights.split([shape.numel() for shape in shapes])
        views = (piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True))
        return functional_call(network, dict(zip(names, views, strict=True)), (INPUT,))

    def of_weights(weights):
        with torch.enable_grad():
            jacobian = jacrev(angles)(weights)
        return jacobian.T @ metric(angles(weights)) @ jacobian

    return of_weights


@pytest.mark.parametrize(
    ("make", "n_steps"),
    [
        (qm.PreconditionedLBFGS, 40),
        (partial(torch.optim.LBFGS, line_search_fn="strong_wolfe"), 10),
        (partial(torch.optim.Adam, lr=0.01), 600),
    ],
    ids=["PreconditionedLBFGS", "LBFGS", "Adam"],
)
def test_optimisers_train_a_network_to_the_energy_of_the_vqe(lithium_hydride, make, n_steps):
    """They move weights as they move angles."""
    network = layers(lithium_hydride.n_params)
    found = train(lithium_hydride, network, make(network.parameters()), n_steps)
    assert found == pytest.approx(lithium_hydride.lowest, abs=TOLERANCE)


@pytest.mark.parametrize("name", ["hydrogen", "lithium_hydride"])
def test_the_natural_gradient_trains_a_network_in_the_geometry_of_its_states(name, request):
    """With the metric pulled back to the weights, of which there are more than angles."""
    problem = request.getfixturevalue(name)
    network = layers(problem.n_params)
    optimizer = qm.NaturalGradient(network.parameters(), metric=pulled_back(problem, network))
    assert train(problem, network, optimizer, 60) == pytest.approx(problem.lowest, abs=TOLERANCE)


def test_rotosolve_trains_a_network_whose_weights_are_the_angles(hydrogen):
    """Its frequencies are those of the angles: a linear layer of scale one."""
    network = Angles(hydrogen.n_params)
    found = train(hydrogen, network, qm.Rotosolve(network.parameters()), 6)
    assert found == pytest.approx(hydrogen.lowest, abs=TOLERANCE)


def test_rotosolve_refuses_a_network_whose_weights_are_not_the_angles(hydrogen):
    """Along a weight inside a tanh the energy has no frequencies; the sweep notices."""
    network = layers(hydrogen.n_params)
    with pytest.raises(InputError, match="wrong for this circuit"):
        train(hydrogen, network, qm.Rotosolve(network.parameters()), 6)


@pytest.mark.parametrize("make", [Angles, layers])
def test_spsa_trains_a_network_from_energies_alone(hydrogen, make):
    """A thousand steps come within a microhartree."""
    network = make(hydrogen.n_params)
    optimizer = qm.SPSA(network.parameters(), seed=3)
    assert train(hydrogen, network, optimizer, 1000) == pytest.approx(hydrogen.lowest, abs=1e-6)


def test_the_gradient_of_weights_is_the_central_difference(lithium_hydride):
    """Through the network and the circuit, for a batch of inputs."""
    network, inputs = (
        layers(lithium_hydride.n_params),
        torch.tensor([[-1.0], [0.3], [2.0]]).double(),
    )

    def loss(weights):
        vector_to_parameters(weights, network.parameters())
        return qm.expectation(lithium_hydride.evaluator, network(inputs)).mean()

    weights = parameters_to_vector(network.parameters()).detach().clone()
    loss(weights).backward()
    gradient = parameters_to_vector([tensor.grad for tensor in network.parameters()])
    step = 1e-5
    with torch.no_grad():
        difference = torch.stack(
            [
                (loss(weights + shift) - loss(weights - shift)) / (2 * step)
                for shift in step * torch.eye(len(weights), dtype=weights.dtype)
            ]
        )
    assert gradient.abs().max() > 1e-3
    assert torch.allclose(gradient, difference, atol=1e-9)


def test_one_network_learns_several_geometries_at_once():
    """With pairing="each": row i meets Hamiltonian i. Within 0.1 mHa after a hundred steps."""
    lengths = [0.6, 0.9, 1.4]
    problems = [Problem(f"H 0 0 0; H 0 0 {length}") for length in lengths]
    request = qm.Request(
        preparation=problems[0].preparation,
        observables=tuple(problem.hamiltonian for problem in problems),
        pairing="each",
    )
    evaluator = qm.SectorBackend().prepare(request)
    network, inputs = layers(problems[0].n_params), torch.tensor(lengths).double()[:, None]
    optimizer = qm.PreconditionedLBFGS(network.parameters())

    def closure():
        optimizer.zero_grad()
        loss = qm.expectation(evaluator, network(inputs)).mean()
        loss.backward()
        return loss

    for _ in range(100):
        optimizer.step(closure)
    with torch.no_grad():
        found = qm.expectation(evaluator, network(inputs)).numpy()
    assert found == pytest.approx([problem.lowest for problem in problems], abs=1e-4)


def test_a_class_of_ones_own_gets_what_its_traits_name(hydrogen):
    """VQE fills in what a foreign optimiser asks for, and nothing else."""
    given = {}

    class Mine(torch.optim.SGD):
        traits = Traits(needs=("curvature", "seed"))

        def __init__(self, params, **settings):
            given.update(settings)
            super().__init__(params, lr=0.2)

    found = qm.solve(hydrogen.hamiltonian, qm.VQE("uccsd", optimizer=Mine), seed=4)
    assert found.energy == pytest.approx(hydrogen.lowest, abs=TOLERANCE)
    assert set(given) == {"curvature", "seed"}
    assert given["curvature"].shape == (hydrogen.n_params,)
    assert given["seed"] == 4


def test_a_search_starts_from_the_angles_of_a_network(lithium_hydride):
    """guess= takes plain angles: those of the minimum need no step."""
    solved = qm.solve(lithium_hydride.hamiltonian, lithium_hydride.solver)
    again = qm.solve(lithium_hydride.hamiltonian, lithium_hydride.solver, guess=solved.params)
    assert [step.iteration for step in again.history] == [0]
    assert np.array_equal(again.params, solved.params)
    as_list = qm.solve(
        lithium_hydride.hamiltonian, lithium_hydride.solver, guess=list(solved.params)
    )
    assert as_list.energy == again.energy


@pytest.mark.parametrize(
    ("guess", "remedy"),
    [
        (np.zeros((1, 3)), "as one vector"),
        (0.0, "as one vector"),
        (np.array([0.0, np.nan, 0.0]), "finite angles"),
        (np.zeros(3) * 1j, "real numbers"),
        (np.zeros(4), "the same ansatz"),
    ],
)
def test_a_start_that_is_no_vector_of_angles_is_refused(hydrogen, guess, remedy):
    with pytest.raises(InputError, match=remedy):
        qm.solve(hydrogen.hamiltonian, hydrogen.solver, guess=guess)
