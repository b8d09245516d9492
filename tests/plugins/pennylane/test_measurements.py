"""Exact measurements of every kind, broadcasting, and the memory of observables."""

import numpy as np
import pennylane as qml
import pytest
import torch
from conserving_tapes import BATCHED, KINDS, ORDERS, exchange, random_circuit, random_observable

from qmlmat.plugins.pennylane import observables

EXACT = 1e-10  # float64; energies of order ten


def sector(circuit):
    """Our device."""
    return qml.device("qmlmat.sector", wires=circuit.n_wires, spin_order=circuit.order)


def both(circuit, measured, params, **keywords):
    """What a circuit gives on our device and on PennyLane's own simulator."""
    found = []
    for device in (sector(circuit), qml.device("default.qubit", wires=circuit.n_wires)):

        @qml.qnode(device, **keywords)
        def node(params):
            circuit.queue(params)
            return measured()

        found.append(node(params))
    return found


def drawn(seed, order, names=tuple(KINDS)):
    """A circuit of six wires, an observable and parameters."""
    circuit = random_circuit(seed, order, n_wires=6, names=names)
    params = np.random.default_rng(seed).normal(size=circuit.n_params)
    return circuit, random_observable(seed, 6, order), params


def measurements(h=None):
    """Makers of every kind of measurement, of an observable where it matters."""
    return {
        "var": lambda: qml.var(h),
        "var of Z": lambda: qml.var(qml.Z(1) @ qml.Z(2)),
        "density_matrix": lambda: qml.density_matrix(wires=[3, 0]),
        "vn_entropy": lambda: qml.vn_entropy(wires=[1, 2]),
        "vn_entropy base 2": lambda: qml.vn_entropy(wires=[4], log_base=2),
        "mutual_info": lambda: qml.mutual_info(wires0=[0], wires1=[2, 3]),
        "purity": lambda: qml.purity(wires=[0, 5]),
        "probs of Z": lambda: qml.probs(op=qml.Z(2)),
        "projector": lambda: qml.expval(qml.Projector([1, 0, 1], wires=[4, 1, 0])),
        "variance of projector": lambda: qml.var(qml.Projector([0, 1], wires=[3, 2])),
        "identity": lambda: qml.expval(qml.Identity(3)),
        "product": lambda: qml.expval(qml.prod(qml.Z(0), qml.Z(5))),
        "sum": lambda: qml.expval(qml.sum(qml.s_prod(0.3, qml.Z(0)), qml.Z(1) @ qml.Z(4))),
        "Hermitian": lambda: qml.expval(qml.Hermitian(np.diag([1.0, 2.0, 4.0, 8.0]), wires=[4, 1])),
        "number": lambda: qml.expval(qml.qchem.particle_number(6)),
    }


MEASURED = tuple(measurements())


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("order", ORDERS)
def test_a_measurement_is_that_of_default_qubit(name, order):
    """Values and shapes."""
    circuit, observable, params = drawn(5, order)
    mine, theirs = both(circuit, measurements(observable)[name], params)
    assert np.shape(mine) == np.shape(theirs)
    assert np.abs(mine - theirs).max() < EXACT


@pytest.mark.parametrize("order", ORDERS)
def test_a_matrix_that_conserves_is_an_observable(order):
    """A hopping between wires of one spin, as a Hermitian matrix; a random phase."""
    circuit, _, params = drawn(6, order)
    wires = [4, 0] if order == "interleaved" else [2, 1]
    sentence = exchange(wires[:1], wires[1:], 0.3 + 0.8j)
    matrix = sentence.to_mat(wire_order=wires)
    mine, theirs = both(circuit, lambda: qml.expval(qml.Hermitian(matrix, wires=wires)), params)
    assert abs(mine - theirs) < EXACT


@pytest.mark.parametrize("order", ORDERS)
def test_all_at_once_is_one_by_one(order):
    """One circuit with every measurement, in the order that is asked for."""
    circuit, observable, params = drawn(7, order)
    together, _ = both(
        circuit, lambda: [make() for make in measurements(observable).values()], params
    )
    for name, found in zip(MEASURED, together, strict=True):
        alone, _ = both(circuit, measurements(observable)[name], params)
        assert np.abs(found - alone).max() < EXACT


def test_the_variance_of_an_eigenstate_is_zero_and_never_less():
    """Of a large Hamiltonian on one determinant: a standard deviation is its root."""
    observable = qml.Hamiltonian([1e3, 0.1], [qml.Z(0), qml.Z(1) @ qml.Z(2)])

    @qml.qnode(qml.device("qmlmat.sector", wires=4))
    def variance(angle):
        qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
        qml.SingleExcitation(angle, wires=[0, 1])
        qml.RZ(angle, wires=2)
        return qml.var(observable)

    found = [variance(angle) for angle in np.linspace(0, 3, 20)]
    assert min(found) >= 0
    assert max(found) < EXACT


def test_no_gates_measure_the_determinant_itself():
    """Without a ``BasisState`` there are no electrons."""

    @qml.qnode(qml.device("qmlmat.sector", wires=3))
    def empty():
        return qml.probs(), qml.expval(qml.Z(0))

    probabilities, mean = empty()
    assert probabilities.tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert mean == 1.0


# ------------------- broadcasting


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("method", [None, "best"])
def test_a_batch_is_its_points_one_by_one(order, method):
    """Expectation, variance, probabilities, the state and density matrices."""
    circuit, observable, _ = drawn(8, order, BATCHED)
    batch = np.random.default_rng(8).normal(size=(circuit.n_params, 7))

    @qml.qnode(sector(circuit), diff_method=method)
    def node(params):
        circuit.queue(params)
        return (
            qml.expval(observable),
            qml.var(observable),
            qml.probs(wires=[3, 1]),
            qml.state(),
            qml.density_matrix(wires=[0, 2]),
            qml.expval(qml.Projector([1], wires=[0])),
        )

    together = node(batch)
    single = [node(batch[:, k]) for k in range(7)]
    for j, found in enumerate(together):
        assert np.shape(found) == (7, *np.shape(single[0][j]))
        for k in range(7):
            assert np.abs(found[k] - single[k][j]).max() < EXACT


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n_measured", [1, 2])
def test_the_gradient_of_a_batch_is_that_of_its_points(order, n_measured):
    """One angle has a batch, the others are single numbers, as in training with data."""
    circuit, observable, params = drawn(9, order, BATCHED)
    data = np.random.default_rng(9).normal(size=4)

    @qml.qnode(sector(circuit))
    def node(params, x):
        circuit.queue(params)
        qml.IsingZZ(x, wires=[0, 1])
        qml.SingleExcitation(x * params[0], wires=[0, 2] if order != "blocked" else [0, 1])
        measured = [observable, qml.Z(0)][:n_measured]
        return [qml.expval(one) for one in measured]

    def total(params, x):
        return qml.math.sum(qml.math.stack(node(params, x)))

    params = qml.numpy.array(params, requires_grad=True)
    together = qml.grad(total, argnums=0)(params, qml.numpy.array(data, requires_grad=False))
    single = [
        qml.grad(total, argnums=0)(params, qml.numpy.array(x, requires_grad=False)) for x in data
    ]
    assert np.abs(together - np.sum(single, axis=0)).max() < EXACT


def test_a_batch_in_torch_has_the_gradient_of_its_points():
    """``backward`` of the sum, for a leaf of shape ``(n_params, n_points)``."""
    circuit, observable, _ = drawn(10, "interleaved", BATCHED)
    batch = torch.tensor(
        np.random.default_rng(10).normal(size=(circuit.n_params, 3)), requires_grad=True
    )

    @qml.qnode(sector(circuit))
    def node(params):
        circuit.queue(params)
        return qml.expval(observable)

    node(batch).sum().backward()
    for k in range(3):
        leaf = batch.detach()[:, k].clone().requires_grad_(True)
        node(leaf).backward()
        assert (leaf.grad - batch.grad[:, k]).abs().max() < EXACT


# ------------------- observables are converted once


@pytest.fixture
def conversions(monkeypatch):
    """The operators that were converted, in order."""
    found = []
    made = observables._made

    def counted(operator, layout, labels):
        found.append(operator)
        return made(operator, layout, labels)

    monkeypatch.setattr(observables, "_made", counted)
    return found


@pytest.mark.parametrize("interface", ["numpy", "autograd", "torch"])
def test_a_hamiltonian_is_converted_once(conversions, interface):
    """Over many evaluations and gradients of a QNode that captures it."""
    circuit, observable, params = drawn(11, "interleaved")

    @qml.qnode(sector(circuit))
    def node(params):
        circuit.queue(params)
        return qml.expval(observable)

    for k in range(4):
        if interface == "torch":
            leaf = torch.tensor(params + k, requires_grad=True)
            node(leaf).backward()
        elif interface == "autograd":
            qml.grad(node)(qml.numpy.array(params + k, requires_grad=True))
        node(params + k)
    assert len(conversions) == 1
    assert conversions[0] is observable


def test_a_hamiltonian_is_converted_for_each_sector(conversions):
    """The electrons of the start decide which determinants there are."""
    observable = random_observable(3, 4, "interleaved")

    @qml.qnode(qml.device("qmlmat.sector", wires=4, spin_order="interleaved"))
    def node(bits):
        qml.BasisState(bits, wires=range(4))
        return qml.expval(observable)

    right = qml.QNode(node.func, qml.device("default.qubit", wires=4))
    for bits in ([1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]):
        assert abs(node(np.array(bits)) - right(np.array(bits))) < EXACT
    assert len(conversions) == 2


def test_forgotten_hamiltonians_are_converted_again(conversions):
    """The last ``REMEMBERED`` are kept; a new object at an old address is not mistaken for it."""
    device = qml.device("qmlmat.sector", wires=4)

    @qml.qnode(device)
    def node(observable):
        qml.BasisState(np.array([1, 0, 1, 0]), wires=range(4))
        return qml.expval(observable)

    for k in range(2 * observables.REMEMBERED):
        assert abs(node(qml.Hamiltonian([k], [qml.Z(0)])) + k) < EXACT
    assert len(device._observables._known) == observables.REMEMBERED
    assert len(conversions) == 2 * observables.REMEMBERED


# ------------------- the tracker


def test_the_tracker_counts_executions_and_derivatives():
    """A batch is one simulation where no gradient is wanted; a gradient is one derivative."""
    circuit, observable, params = drawn(12, "blocked", BATCHED)
    device = sector(circuit)

    @qml.qnode(device)
    def node(params):
        circuit.queue(params)
        return qml.expval(observable)

    with device.tracker:
        node(params)
        node.update(diff_method=None)(np.stack([params, params], axis=1))
    assert device.tracker.totals["simulations"] == 2
    assert device.tracker.totals["batches"] == 2
    with device.tracker:
        qml.grad(node)(qml.numpy.array(params, requires_grad=True))
    assert device.tracker.totals["execute_and_derivative_batches"] == 1
    assert device.tracker.totals["derivatives"] == 1
    sampled = qml.set_shots(node, 50)
    with device.tracker:
        sampled(params)
    assert device.tracker.totals["shots"] >= 50
