"""Jacobians and products with them, in three interfaces, by adjoint and by shifts."""

import jax
import numpy as np
import pennylane as qml
import pytest
import torch
from conserving_tapes import ORDERS, random_circuit, random_observable
from pennylane.exceptions import DeviceError, QuantumFunctionError

pytestmark = pytest.mark.filterwarnings(
    "ignore:jax.core:DeprecationWarning"  # PennyLane 0.45 with JAX 0.10
)

EXACT = 1e-10  # float64; energies of order ten


@pytest.fixture(autouse=True)
def _jax_in_float64():
    with jax.enable_x64(True):
        yield


def drawn(seed, order, **keywords):
    """A circuit of six wires, three observables, parameters."""
    circuit = random_circuit(seed, order, n_wires=6, **keywords)
    hamiltonians = [random_observable(seed + k, 6, order) for k in range(2)]
    params = np.random.default_rng(seed).normal(size=circuit.n_params)
    return circuit, [*hamiltonians, qml.Z(1)], params


def means_of(device, circuit, measured, **keywords):
    """The expectations as one QNode, a tuple of numbers."""

    @qml.qnode(device, **keywords)
    def means(params):
        circuit.queue(params)
        return tuple(qml.expval(one) for one in measured)

    return means


def sector(circuit):
    """Our device."""
    return qml.device("qmlmat.sector", wires=circuit.n_wires, spin_order=circuit.order)


def jacobian_of_default_qubit(circuit, measured, params):
    """The independent answer."""
    means = means_of(
        qml.device("default.qubit", wires=circuit.n_wires),
        circuit,
        measured,
        diff_method="adjoint",
    )
    return qml.jacobian(lambda x: qml.math.stack(means(x)))(
        qml.numpy.array(params, requires_grad=True)
    )


@pytest.mark.parametrize("order", ORDERS)
def test_the_jacobian_of_several_means_is_that_of_default_qubit(order):
    """``qml.jacobian``, ``jax.jacobian`` and torch's, of one QNode with three results."""
    circuit, measured, params = drawn(0, order)
    right = jacobian_of_default_qubit(circuit, measured, params)
    means = means_of(sector(circuit), circuit, measured)
    mine = qml.jacobian(lambda x: qml.math.stack(means(x)))(
        qml.numpy.array(params, requires_grad=True)
    )
    by_jax = jax.jacobian(means)(jax.numpy.array(params))
    by_torch = torch.autograd.functional.jacobian(means, torch.tensor(params))
    for found in (mine, np.stack(by_jax), np.stack([one.numpy() for one in by_torch])):
        assert np.shape(found) == (3, circuit.n_params)
        assert np.abs(found - right).max() < EXACT


@pytest.mark.parametrize("order", ORDERS)
def test_a_product_with_the_jacobian_is_its_rows_weighted(order):
    """One backward pass of a function of all results, in three interfaces."""
    circuit, measured, params = drawn(4, order)
    weights = np.array([0.3, -1.1, 0.8])
    right = weights @ jacobian_of_default_qubit(circuit, measured, params)
    means = means_of(sector(circuit), circuit, measured)

    def total(x):
        return sum(weight * mean for weight, mean in zip(weights, means(x), strict=True))

    leaf = torch.tensor(params, requires_grad=True)
    total(leaf).backward()
    by_autograd = qml.grad(total)(qml.numpy.array(params, requires_grad=True))
    by_jax = jax.grad(total)(jax.numpy.array(params))
    for found in (by_autograd, np.asarray(by_jax), leaf.grad.numpy()):
        assert np.abs(found - right).max() < EXACT


@pytest.mark.parametrize("order", ORDERS)
def test_shifts_give_the_adjoint_jacobian(order):
    """Parameter-shift, of gates that have rules; finite differences, of all."""
    names = ("SingleExcitation", "DoubleExcitation", "IsingXY", "RZ", "IsingZZ", "SWAP", "CRZ")
    circuit, measured, params = drawn(5, order, names=names)
    params = qml.numpy.array(params, requires_grad=True)
    found = {}
    for method in ("best", "adjoint", "parameter-shift", "finite-diff"):
        means = means_of(sector(circuit), circuit, measured, diff_method=method)
        found[method] = qml.jacobian(lambda x, means=means: qml.math.stack(means(x)))(params)
    assert np.array_equal(found["best"], found["adjoint"])
    assert np.abs(found["best"] - found["parameter-shift"]).max() < EXACT
    assert np.abs(found["best"] - found["finite-diff"]).max() < 1e-4  # one-sided, step 1e-7


@pytest.mark.parametrize("order", ORDERS)
def test_variances_have_adjoint_gradients(order):
    """Of sums that are not diagonal, alone and beside means; PennyLane's shifts have not."""
    circuit, measured, params = drawn(14, order)

    def node(params):
        circuit.queue(params)
        return qml.var(measured[0]), qml.expval(measured[1]), qml.var(measured[2])

    def alone(params):
        circuit.queue(params)
        return qml.var(measured[0])

    leaf = torch.tensor(params, requires_grad=True)
    right = torch.autograd.functional.jacobian(
        qml.QNode(node, qml.device("default.qubit", wires=6)), leaf
    )
    found = torch.autograd.functional.jacobian(qml.QNode(node, sector(circuit)), leaf)
    for mine, theirs in zip(found, right, strict=True):
        assert (mine - theirs).abs().max() < EXACT
    slopes = torch.autograd.functional.jacobian(qml.QNode(alone, sector(circuit)), leaf)
    assert (slopes - right[0]).abs().max() < EXACT


@pytest.mark.parametrize("measured", ["probs", "var and probs", "projector and probs"])
def test_what_is_no_expectation_has_gradients_by_shifts(measured):
    """``"best"`` chooses, and agrees with backpropagation."""
    names = ("SingleExcitation", "DoubleExcitation", "IsingXY", "RZ", "IsingZZ")
    circuit, _, params = drawn(6, "interleaved", names=names)
    results = {
        "probs": lambda: qml.probs(wires=[0, 3]),
        "var and probs": lambda: (qml.var(qml.Z(0) @ qml.Z(1)), qml.probs(wires=[1])),
        "projector and probs": lambda: (
            qml.expval(qml.Projector([1, 0], wires=[0, 2])),
            qml.probs(wires=[1]),
        ),
    }[measured]
    found = []
    for device in (sector(circuit), qml.device("default.qubit", wires=6)):

        @qml.qnode(device)
        def node(params):
            circuit.queue(params)
            return results()

        leaf = torch.tensor(params, requires_grad=True)
        found.append(torch.autograd.functional.jacobian(node, leaf))
    pairs = zip(*found, strict=True) if isinstance(found[0], tuple) else [found]
    for mine, theirs in pairs:
        assert (mine - theirs).abs().max() < EXACT


def test_nested_parameters_have_gradients_of_their_shapes():
    """A matrix of singles, a vector of doubles, and a number that is not trained."""

    @qml.qnode(qml.device("qmlmat.sector", wires=4, spin_order="interleaved"))
    def energy(singles, doubles, fixed):
        qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
        for row in singles:
            qml.SingleExcitation(row[0], wires=[0, 2])
            qml.SingleExcitation(row[1] * doubles[0], wires=[1, 3])
        qml.DoubleExcitation(doubles[0] + fixed, wires=range(4))
        return qml.expval(qml.Z(0) @ qml.Z(3) + 0.3 * qml.Z(2))

    right = qml.QNode(energy.func, qml.device("default.qubit", wires=4), diff_method="adjoint")
    arguments = (
        qml.numpy.array([[0.1, 0.2], [-0.3, 0.7]], requires_grad=True),
        qml.numpy.array([0.5], requires_grad=True),
        qml.numpy.array(0.2, requires_grad=False),
    )
    for mine, theirs in zip(qml.grad(energy)(*arguments), qml.grad(right)(*arguments), strict=True):
        assert mine.shape == theirs.shape
        assert np.abs(mine - theirs).max() < EXACT


def test_an_angle_that_is_not_trained_costs_no_derivative_and_moves_no_other():
    """Every subset of three angles."""

    @qml.qnode(qml.device("qmlmat.sector", wires=4))
    def energy(a, b, c):
        qml.BasisState(np.array([1, 0, 1, 0]), wires=range(4))
        qml.SingleExcitation(a, wires=[0, 1])
        qml.IsingXY(b, wires=[1, 2])
        qml.SingleExcitation(c, wires=[2, 3])
        return qml.expval(qml.Z(1))

    values = (0.3, 0.8, -0.5)
    full = qml.grad(energy, argnums=[0, 1, 2])(*(qml.numpy.array(v) for v in values))
    for chosen in range(1, 8):
        numbers = [k for k in range(3) if chosen >> k & 1]
        found = qml.grad(energy, argnums=numbers)(*(qml.numpy.array(v) for v in values))
        for number, slope in zip(numbers, found, strict=True):
            assert abs(slope - full[number]) < EXACT


@pytest.mark.parametrize("interface", ["autograd", "torch"])
def test_coefficients_of_a_hamiltonian_are_trained_by_shifts(interface):
    """Not by adjoint, which is for angles; ``"best"`` chooses the other."""

    def energy(coefficients, angle):
        qml.BasisState(np.array([1, 0, 1, 0]), wires=range(4))
        qml.SingleExcitation(angle, wires=[0, 1])
        return qml.expval(qml.Hamiltonian(coefficients, [qml.Z(0), qml.Z(1) @ qml.Z(2)]))

    values = [0.4, -0.9], 0.3
    found = []
    for name in ("qmlmat.sector", "default.qubit"):
        node = qml.QNode(energy, qml.device(name, wires=4))
        if interface == "torch":
            leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
            node(*leaves).backward()
            found.append(np.concatenate([np.ravel(leaf.grad) for leaf in leaves]))
        else:
            leaves = [qml.numpy.array(v, requires_grad=True) for v in values]
            found.append(np.concatenate([np.ravel(g) for g in qml.grad(node)(*leaves)]))
    assert np.abs(found[0] - found[1]).max() < EXACT


def test_coefficients_of_a_hamiltonian_are_refused_by_adjoint():
    """Trained explicitly by it: the message says what does it."""

    @qml.qnode(qml.device("qmlmat.sector", wires=4), diff_method="adjoint")
    def energy(coefficients):
        qml.BasisState(np.array([1, 0, 1, 0]), wires=range(4))
        return qml.expval(qml.Hamiltonian(coefficients, [qml.Z(0), qml.Z(1)]))

    tape = qml.tape.QuantumScript(
        [qml.BasisState(np.array([1, 0]), wires=[0, 1])],
        [qml.expval(qml.Hamiltonian([0.4, 0.2], [qml.Z(0), qml.Z(1)]))],
        trainable_params=[1],
    )
    with pytest.raises(DeviceError, match='use diff_method="parameter-shift"'):
        qml.device("qmlmat.sector", wires=2).compute_derivatives(tape)
    with pytest.raises((DeviceError, QuantumFunctionError), match="adjoint"):
        qml.grad(energy)(qml.numpy.array([0.4, 0.2], requires_grad=True))


def test_adjoint_gradients_of_probabilities_are_refused():
    """By PennyLane before execution, and by the device."""
    tape = qml.tape.QuantumScript(
        [qml.BasisState(np.array([1, 0]), wires=[0, 1]), qml.SingleExcitation(0.2, wires=[0, 1])],
        [qml.probs(wires=[0])],
        trainable_params=[1],
    )
    device = qml.device("qmlmat.sector", wires=2)
    for derivatives in (device.compute_derivatives, device.execute_and_compute_derivatives):
        with pytest.raises(DeviceError, match="adjoint gradients are of exact expectations"):
            derivatives(tape)
    with pytest.raises(DeviceError, match="adjoint gradients are of exact expectations"):
        device.compute_vjp(tape, 1.0)


def test_the_device_interface_gives_results_jacobians_and_products_together():
    """One tape and two, one measurement and two: shapes of PennyLane's own device."""
    circuit, measured, params = drawn(7, "blocked", names=("SingleExcitation", "DoubleExcitation"))
    tapes = []
    for n_measured in (1, 2):
        with qml.queuing.AnnotatedQueue() as queue:
            circuit.queue(params)
            for one in measured[:n_measured]:
                qml.expval(one)
        tape = qml.tape.QuantumScript.from_queue(queue)
        n_data = sum(len(op.data) for op in tape.operations)
        tape.trainable_params = list(range(1, n_data))  # the first is the determinant's
        tapes.append(tape)
    device, theirs = sector(circuit), qml.device("default.qubit", wires=6)
    config = qml.devices.ExecutionConfig(gradient_method="adjoint", use_device_gradient=True)
    results, jacobians = device.execute_and_compute_derivatives(tapes, config)
    right, right_jacobians = theirs.execute_and_compute_derivatives(tapes, config)
    alone = device.compute_derivatives(tapes, config)
    for mine, other, slope, again, right_slope in zip(
        results, right, jacobians, alone, right_jacobians, strict=True
    ):
        assert np.abs(np.array(mine) - np.array(other)).max() < EXACT
        assert np.shape(slope) == np.shape(right_slope)
        assert np.abs(np.array(slope) - np.array(right_slope)).max() < EXACT
        assert np.abs(np.array(slope) - np.array(again)).max() < EXACT
    cotangents = [0.7, (0.2, -0.4)]
    _, products = device.execute_and_compute_vjp(tapes, cotangents, config)
    only = device.compute_vjp(tapes, cotangents, config)
    for cotangent, product, again, slope in zip(cotangents, products, only, jacobians, strict=True):
        expected = np.atleast_1d(cotangent) @ np.atleast_2d(np.array(slope))
        assert np.abs(np.array(product) - expected).max() < EXACT
        assert np.abs(np.array(again) - expected).max() < EXACT


def test_float32_parameters_in_torch_have_float32_gradients():
    """The answer in double precision; the leaf keeps its own."""

    @qml.qnode(qml.device("qmlmat.sector", wires=2))
    def energy(angle):
        qml.BasisState(np.array([1, 0]), wires=[0, 1])
        qml.SingleExcitation(angle, wires=[0, 1])
        return qml.expval(qml.Z(0))

    angle = torch.tensor(0.3, requires_grad=True)
    energy(angle).backward()
    assert angle.grad.dtype == torch.float32
    assert abs(float(angle.grad) - np.sin(0.3)) < 1e-6  # float32


def test_second_derivatives_go_by_shifts():
    """With ``max_diff=2``: adjoint gradients could not be differentiated again, and would say 0."""

    def energy(angles):
        qml.BasisState([1, 1, 0, 0], wires=range(4))
        qml.DoubleExcitation(angles[0], wires=range(4))
        qml.SingleExcitation(angles[1], wires=[0, 2])
        return qml.expval(qml.Z(0) + 0.3 * qml.Z(1) @ qml.Z(2))

    angles = torch.tensor([0.3, -0.5], dtype=torch.float64, requires_grad=True)
    ours, right = (
        torch.autograd.functional.hessian(qml.QNode(energy, device, max_diff=2), angles)
        for device in (qml.device("qmlmat.sector", wires=4), qml.device("default.qubit", wires=4))
    )
    assert right.abs().min() > 1e-2
    assert (ours - right).abs().max() < EXACT


@pytest.mark.parametrize("trained", [False, True])
def test_points_are_simulated_together_unless_their_gradients_are_wanted(trained):
    """One execution of three points, or three."""
    device = qml.device("qmlmat.sector", wires=4)

    @qml.qnode(device)
    def energy(angles):
        qml.BasisState([1, 1, 0, 0], wires=range(4))
        qml.DoubleExcitation(angles, wires=range(4))
        return qml.expval(qml.Z(0))

    points = qml.numpy.array([0.1, 0.2, 0.3], requires_grad=trained)
    with qml.Tracker(device) as tracker:
        found = energy(points)
    assert np.abs(found + np.cos(points)).max() < EXACT
    assert tracker.totals["executions"] == (3 if trained else 1)
