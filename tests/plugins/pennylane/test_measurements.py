"""Exact measurements of every kind, broadcasting, and the memory of observables."""

import copy
import pickle

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

    def counted(layout, words, operator):
        found.append(operator)
        return made(layout, words, operator)

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


def test_what_is_remembered_is_limited_by_its_size(monkeypatch):
    """A new object at an old address is not mistaken for a forgotten one."""
    monkeypatch.setattr(observables, "KEPT", 20.0)
    device = qml.device("qmlmat.sector", wires=4)
    terms = [qml.X(0) @ qml.X(1), qml.Y(0) @ qml.Y(1)]
    terms += [qml.Z(k % 4) @ qml.Z((k + 1) % 4) for k in range(4)] + [qml.Z(k) for k in range(4)]
    terms += [qml.Z(a) @ qml.Z(b) @ qml.Z(c) for a, b, c in ((0, 1, 2), (0, 1, 3), (0, 2, 3))]
    terms += [qml.X(a) @ qml.X(b) for a, b in ((0, 2), (1, 3), (2, 3))]
    terms += [qml.Y(a) @ qml.Y(b) for a, b in ((0, 2), (1, 3), (2, 3))] + [qml.I(0)]

    @qml.qnode(device)
    def node(observable):
        qml.BasisState(np.array([1, 0, 1, 0]), wires=range(4))
        return qml.expval(observable)

    for k in range(40):
        hamiltonian = qml.Hamiltonian([0.0] * (len(terms) - 1) + [k], terms)
        assert len(hamiltonian.pauli_rep) >= observables.MANY_WORDS
        assert abs(node(hamiltonian) - k) < EXACT
    assert 0 < len(device._observables._known) < 40


def test_a_copy_of_a_device_remembers_nothing():
    """Identities of the original's observables would be those of others one day."""
    device = qml.device("qmlmat.sector", wires=2)
    qml.QNode(lambda: qml.expval(qml.Z(0)), device)()
    assert len(device._observables._known) == 1
    for other in (copy.deepcopy(device), pickle.loads(pickle.dumps(device))):
        assert len(other._observables._known) == 0
        assert qml.QNode(lambda: qml.expval(qml.Z(1)), other)() == 1.0


def test_small_observables_are_known_by_their_words():
    """A matrix that was changed in place is another observable; one made anew is not."""
    matrix = np.diag([1.0, -1.0])
    device = qml.device("qmlmat.sector", wires=2)
    node = qml.QNode(lambda: qml.expval(qml.Hermitian(matrix, 0)), device)
    assert [node(), node()] == [1.0, 1.0]
    assert len(device._observables._known) == 1
    matrix[0, 0] = 7.0
    assert abs(node() - 7.0) < EXACT


@pytest.mark.parametrize("options", [{"max_diff": 2}, {"cache": True}])
def test_pennylanes_cache_tells_observables_apart(options):
    """Two tapes of the same gates, observables on the same wires."""
    pair = [qml.Z(0) @ qml.Z(1) + 0.3 * qml.Z(2), 2.5 * qml.Z(0) @ qml.Z(1) - 0.7 * qml.Z(2)]

    @qml.transform
    def both(tape):
        return [tape.copy(measurements=[qml.expval(one)]) for one in pair], tuple

    def circuit(angle):
        qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
        qml.SingleExcitation(angle, wires=[0, 2])
        return qml.expval(qml.Z(0))

    angle = qml.numpy.array(0.7, requires_grad=True)
    found, right = (
        both(qml.QNode(circuit, qml.device(name, wires=4), **options))(angle)
        for name in ("qmlmat.sector", "default.qubit")
    )
    assert np.abs(np.array(found) - np.array(right)).max() < EXACT
    assert abs(found[0] - found[1]) > 0.1


def test_drawings_and_messages_show_the_observable_itself():
    """Not what it is held in."""

    @qml.qnode(qml.device("qmlmat.sector", wires=2))
    def node(observable):
        return qml.expval(observable)

    assert "<Z>" in qml.draw(node, level="device")(qml.Z(0))
    with pytest.raises(qml.exceptions.DeviceError, match=r"qmlmat.sector: X\(0\) leaves"):
        node(qml.X(0))
    many = qml.Hamiltonian(np.ones(6), [qml.X(0), qml.Y(0), qml.Z(0), qml.X(1), qml.Y(1), qml.Z(1)])
    with pytest.raises(qml.exceptions.DeviceError, match="the LinearCombination of 6 words leaves"):
        node(many)


def test_products_powers_and_evolutions_are_taken_apart():
    """Into gates that each conserve the electrons."""

    def circuit():
        qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
        qml.prod(qml.Z(0), qml.SWAP([1, 2]))
        qml.pow(qml.ISWAP([1, 3]), 2)
        qml.SingleExcitation(0.4, wires=[2, 3])
        qml.evolve(qml.Z(2) @ qml.Z(0), 0.1)
        return qml.state()

    found, right = (
        qml.QNode(circuit, qml.device(name, wires=4))()
        for name in ("qmlmat.sector", "default.qubit")
    )
    assert np.abs(found - right).max() < EXACT


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


def test_flips_before_other_gates_make_the_start():
    """A preparation, and X gates on some of its wires: the determinant of all of them."""

    def circuit():
        qml.BasisState(np.array([1, 1, 0]), wires=[0, 1, 2])
        qml.X(1)
        qml.X(3)
        qml.SingleExcitation(0.7, wires=[2, 3])
        qml.X(0)
        qml.X(0)
        return qml.state()

    found, right = (
        qml.QNode(circuit, qml.device(name, wires=4))()
        for name in ("qmlmat.sector", "default.qubit")
    )
    assert np.abs(found - right).max() < EXACT
