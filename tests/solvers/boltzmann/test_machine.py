"""The network: its closed form against sums over hidden units, its derivatives, large numbers."""

import numpy as np
import pytest
import torch
from boltzmann import (
    NODES,
    brute_amplitudes,
    central_differences,
    random_params,
    spins,
)

from qmlmat.errors import InputError
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine

SIZES = [(1, 1), (2, 3), (4, 2)]
LARGE = 500.0  # e**500 is finite, its square is not


def machine_with(params, n, m, node):
    """A machine with parameters."""
    machine = BoltzmannMachine(n, m, node)
    machine.set_params(params)
    return machine


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_the_closed_form_is_the_sum_over_all_hidden_configurations(n, m, node):
    """``sqrt(sum_h exp(a.s + b.h + s.W.h)) node(s)``, term by term."""
    params, sigma = random_params(n, m, node, seed=n + m), spins(n)
    machine = machine_with(params, n, m, node)
    found = machine.amplitudes(sigma)
    expected = brute_amplitudes(params, sigma, m)
    assert np.abs(found.values * np.exp(found.log_scale) - expected).max() < 1e-10
    logs = machine(torch.from_numpy(sigma.astype(float))).detach().numpy()
    assert np.abs(np.exp(logs) - expected).max() < 1e-10
    assert np.abs(machine.log_amplitudes(sigma) - np.log(np.abs(expected))).max() < 1e-10
    weights = brute_amplitudes(params[: n + m + n * m], sigma, m)
    assert np.abs(found.roots * np.exp(found.log_scale) - weights).max() < 1e-10


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_derivatives_are_those_of_autograd_and_of_differences(n, m, node):
    """Torch: psi times the derivatives of ``ln psi``; and of the brute-force sum."""
    params, sigma = random_params(n, m, node, seed=n - m + 9), spins(n)
    machine = machine_with(params, n, m, node)
    found = machine.amplitudes(sigma, with_derivatives=True)
    ours = found.derivatives * np.exp(found.log_scale)

    def logs(values):
        rows = torch.from_numpy(sigma.astype(float))
        out = torch.func.functional_call(machine, {"params": values}, (rows,))
        return torch.view_as_real(out.to(torch.complex128))

    jacobian = torch.autograd.functional.jacobian(logs, torch.from_numpy(params)).numpy()
    psi = brute_amplitudes(params, sigma, m)
    by_torch = psi[:, None] * (jacobian[:, 0] + 1j * jacobian[:, 1])
    assert np.abs(ours - by_torch).max() < 1e-10
    differences = central_differences(lambda p: brute_amplitudes(p, sigma, m), params).T
    size = max(1.0, np.abs(ours).max())
    assert np.abs(ours - differences).max() < 1e-8 * size  # truncation at a step of 1e-5


@pytest.mark.parametrize("node", NODES)
def test_parameters_of_any_size_give_finite_amplitudes(node):
    """Sizes of 500: ratios are those of logarithms added by hand, nothing overflows."""
    n, m = 3, 2
    params, sigma = random_params(n, m, node, seed=4, scale=LARGE), spins(n)
    machine = machine_with(params, n, m, node)
    found = machine.amplitudes(sigma, with_derivatives=True)
    a, b, w = params[:n], params[n : n + m], params[n + m : n + m + n * m].reshape(n, m)
    h = spins(m)
    joint = (sigma @ a)[:, None] + h @ b + sigma @ w @ h.T
    logs = 0.5 * np.logaddexp.reduce(joint, axis=1)
    assert np.isfinite(found.values).all()
    assert np.isfinite(found.derivatives).all()
    assert found.log_scale == pytest.approx(logs.max(), rel=1e-14)
    assert np.abs(found.roots - np.exp(logs - logs.max())).max() < 1e-10
    assert np.allclose(machine.log_amplitudes(sigma), logs, rtol=1e-12, atol=1e-12)
    differentiable = machine(torch.from_numpy(sigma.astype(float)))
    assert np.allclose(differentiable.real.detach().numpy(), logs, rtol=1e-12)


def test_an_amplitude_that_vanishes_still_has_derivatives():
    """tanh(0) = 0: the amplitude is zero, its slope by the node is the root of the weight."""
    params = np.array([0.3, -0.2, 0.5, 0.1, 0.4, 0.0, 0.0, 0.0])
    machine = machine_with(params, 2, 1, "tanh")
    found = machine.amplitudes(spins(2), with_derivatives=True)
    assert not found.values.any()
    assert np.array_equal(found.derivatives[:, 5], found.roots)
    assert np.array_equal(found.derivatives[:, 6:], found.roots[:, None] * spins(2))
    assert (machine.log_amplitudes(spins(2)) == -np.inf).all()


@pytest.mark.parametrize(("node", "count"), [("none", 11), ("tanh", 15), ("complex_tanh", 19)])
def test_the_number_of_parameters_is_that_of_the_papers(node, count):
    """``n + m + n m`` and ``n + 1`` or ``2 n + 2``; biases and weights stand in this order."""
    machine = machine_with(np.arange(count), 3, 2, node)
    assert machine.n_params == count == machine.params.numel()
    assert machine.visible_bias.tolist() == [0, 1, 2]
    assert machine.hidden_bias.tolist() == [3, 4]
    assert machine.weights.tolist() == [[5, 6], [7, 8], [9, 10]]


def test_without_parameters_all_configurations_weigh_alike():
    """Zeros, a new machine: the uniform superposition, before any sign node."""
    found = BoltzmannMachine(3, 2, "none").amplitudes(spins(3))
    assert np.array_equal(found.values, np.ones(8))


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ((0, 2), "as many hidden units as qubits"),
        ((2, 0), "as many hidden units as qubits"),
        ((2, 1.5), "at least one unit of each kind"),
        ((2, 2, "tanhh"), "tanh"),
    ],
    ids=str,
)
def test_machines_without_units_or_with_unknown_nodes_are_refused(arguments, remedy):
    """By what to use instead; the nearest name."""
    with pytest.raises(InputError, match=remedy):
        BoltzmannMachine(*arguments)
