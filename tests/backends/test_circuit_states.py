"""The states of a circuit in PyTorch: derivatives, twin, peers, borders of blocks, refusals."""

import numpy as np
import pennylane as qml
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qubit_peers import apply_pennylane, qiskit_state
from random_qubits import UNITARY, random_circuit, random_gate
from torch_states import torch_states

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends import statevector_program
from qmlmat.backends.circuit_states import circuit_states
from qmlmat.errors import InputError
from qmlmat.operators import parallel

ROUNDING = 1e-12  # float64, tens of gates on a normalised vector
SLOPES = 1e-10  # the same, summed over a state and its derivatives
MIXING = ("rx", "ry", "rz", "cx")


def door(circuit, angles):
    """The door's states as complex numbers."""
    return torch.complex(*circuit_states(circuit, angles))


def rows(rng, n_rows, n_params):
    """Random angles that ask for a gradient."""
    return torch.tensor(rng.normal(size=(n_rows, n_params)), requires_grad=True)


def between_layers(rng, n_qubits, gates, n_params):
    """Gates between layers that leave no symmetry, so that every derivative counts."""
    first, last = (random_circuit(rng, n_qubits, 12, n_params, MIXING).gates for _ in range(2))
    return QubitCircuit(n_qubits, (*first, *gates, *last), n_params)


def training(states, angles, weights):
    """Values, forces and the derivative of a loss on both, as training on forces has them.

    The value is a nonlinear function of amplitudes, phases included.
    """
    left, down, diagonal = weights
    value = (left * states.real + down * states.imag).sum(1) ** 2
    value = value + (states.abs() ** 2) @ diagonal
    (force,) = torch.autograd.grad(value.sum(), angles, create_graph=True)
    loss = (value**2).sum() + (force**2).sum() + (force[:, :1] ** 3).sum()
    (slope,) = torch.autograd.grad(loss, angles)
    return value.detach(), force.detach(), slope


def assert_trains_alike(circuit, angles, rng):
    """The door and the twin give the same values, forces and derivatives of the loss."""
    weights = [torch.from_numpy(rng.normal(size=1 << circuit.n_qubits)) for _ in range(3)]
    pairs = zip(
        training(door(circuit, angles), angles, weights),
        training(torch_states(circuit, angles), angles, weights),
        strict=True,
    )
    for found, expected in pairs:
        torch.testing.assert_close(found, expected, rtol=SLOPES, atol=SLOPES)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 3))
def test_first_and_second_derivatives_are_slopes(seed, n_qubits, n_rows):
    """Central differences of states, and of their derivatives, in circuits of every gate."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, n_qubits, 25, 2)
    angles = rows(rng, n_rows, 2)
    assert torch.autograd.gradcheck(lambda x: circuit_states(circuit, x), (angles,))
    assert torch.autograd.gradgradcheck(lambda x: circuit_states(circuit, x), (angles,))


@pytest.mark.parametrize("name", UNITARY)
def test_each_gate_trains_as_in_plain_pytorch(name):
    """The gate twice, on different wires, between layers that leave no symmetry."""
    rng = np.random.default_rng(7)
    gates = [random_gate(rng, 3, 3, (name,)) for _ in range(2)]
    gates = [
        gate if gate.angle is None else QubitGate(name, gate.wires, Angle(0.4, k, -1.5))
        for k, gate in enumerate(gates)
    ]
    circuit = between_layers(rng, 3, gates, 3)
    assert_trains_alike(circuit, rows(rng, 5, 3), rng)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 11), st.integers(1, 4))
def test_random_circuits_train_as_in_plain_pytorch(seed, n_qubits, n_rows, n_params):
    """States, forces, and the mixed derivative of a loss on both."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, n_qubits, 40, n_params)
    angles = rows(rng, n_rows, n_params)
    expected = torch_states(circuit, angles).detach()
    torch.testing.assert_close(door(circuit, angles).detach(), expected, rtol=0.0, atol=ROUNDING)
    assert_trains_alike(circuit, angles, rng)


@pytest.mark.parametrize("n_qubits", [8, 10, 12])
def test_larger_registers_train_as_in_plain_pytorch(n_qubits):
    """Where a block of samples no longer fits the fastest cache."""
    rng = np.random.default_rng(n_qubits)
    circuit = random_circuit(rng, n_qubits, 60, 5)
    assert_trains_alike(circuit, rows(rng, 3, 5), rng)


def test_sixteen_qubits_have_states_and_both_derivatives():
    """The largest register: a rotation of each qubit, whose states are products."""
    n_qubits = 16
    gates = tuple(QubitGate("ry", (w,), Angle(0.1 * w, 0)) for w in range(n_qubits))
    angles = torch.tensor([[0.3]], dtype=torch.float64, requires_grad=True)
    circuit = QubitCircuit(n_qubits, gates, 1)
    halves = 0.5 * (angles[0, 0] + 0.1 * torch.arange(n_qubits, dtype=torch.float64))
    pairs = zip(
        derivatives(circuit_states(circuit, angles)[0][0, 0], angles),
        derivatives(torch.cos(halves).prod(), angles),
        strict=True,
    )
    for found, expected in pairs:
        assert found == pytest.approx(expected, abs=ROUNDING)


def derivatives(value, angles):
    """A number, and its first and second derivatives by the only angle."""
    (first,) = torch.autograd.grad(value, angles, create_graph=True)
    (second,) = torch.autograd.grad(first, angles)
    return value.item(), first.item(), second.item()


@pytest.mark.parametrize("n_rows", [0, 1, 3, 7, 8, 9, 300])
def test_a_batch_trains_as_its_rows_one_by_one(n_rows, monkeypatch):
    """Blocks that are full, nearly full, and more than one thread's share of them."""
    monkeypatch.setattr(statevector_program, "CHUNK_SIZE", 64)
    monkeypatch.setattr(statevector_program, "PARALLEL_WORK", 0)
    monkeypatch.setattr(parallel, "_chosen", [2])
    rng = np.random.default_rng(n_rows)
    circuit = random_circuit(rng, 2, 15, 3)
    angles = rows(rng, n_rows, 3)
    weights = [torch.from_numpy(rng.normal(size=4)) for _ in range(3)]
    together = training(door(circuit, angles), angles, weights)
    assert [len(found) for found in together] == [n_rows] * 3
    for k in range(0, n_rows, max(1, n_rows // 9)):
        row = angles[k : k + 1].detach().requires_grad_()
        alone = training(door(circuit, row), row, weights)
        for whole, one in zip(together, alone, strict=True):
            torch.testing.assert_close(whole[k], one[0], rtol=SLOPES, atol=SLOPES)


@pytest.mark.parametrize("seed", range(4))
def test_states_are_qiskits_in_reversed_bit_order(seed):
    """Statevector of the same gates, its qubits reversed, phase of the whole state included."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, 2 + seed, 60, 4)
    angles = rows(rng, 9, 4)
    states = door(circuit, angles).detach().numpy()
    expected = [qiskit_state(circuit, row) for row in angles.detach().numpy()]
    assert states == pytest.approx(np.array(expected), abs=ROUNDING)


@pytest.mark.parametrize("seed", range(4))
def test_training_on_forces_is_pennylanes(seed):
    """default.qubit with backpropagation, twice."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, 2 + seed, 25, 3)
    angles = rows(rng, 1, 3)
    weights = [torch.from_numpy(rng.normal(size=1 << circuit.n_qubits)) for _ in range(3)]

    @qml.qnode(qml.device("default.qubit", wires=circuit.n_qubits), diff_method="backprop")
    def reference(row):
        apply_pennylane(circuit, row)
        return qml.state()

    pairs = zip(
        training(door(circuit, angles), angles, weights),
        training(reference(angles[0])[None], angles, weights),
        strict=True,
    )
    for found, expected in pairs:
        torch.testing.assert_close(found, expected, rtol=SLOPES, atol=SLOPES)


def test_a_second_derivative_by_the_bra_alone_is_the_tangent():
    """Where only what the states are weighted with asks for a gradient, the angles cost nothing."""
    rng = np.random.default_rng(3)
    circuit, fixed = random_circuit(rng, 3, 20, 2), rows(rng, 4, 2)
    bra = torch.from_numpy(rng.normal(size=(4, 8))).requires_grad_()
    slopes = []
    for states in (door, torch_states):
        value = (bra * states(circuit, fixed).imag).sum()
        (force,) = torch.autograd.grad(value, fixed, create_graph=True)
        slopes.append(torch.autograd.grad((force**2).sum(), bra)[0])
    torch.testing.assert_close(*slopes, rtol=SLOPES, atol=SLOPES)


def test_float32_is_float64_within_its_rounding():
    """Values, forces and mixed derivatives come back in the type of the angles."""
    rng = np.random.default_rng(5)
    circuit, angles = random_circuit(rng, 4, 40, 3), rows(rng, 9, 3)
    weights = [torch.from_numpy(rng.normal(size=16)) for _ in range(3)]
    short = angles.detach().to(torch.float32).requires_grad_()
    exact = training(door(circuit, angles), angles, weights)
    found = training(door(circuit, short), short, [w.to(torch.float32) for w in weights])
    for one, other in zip(found, exact, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-3)  # sums of float32


def test_a_circuit_without_parameters_has_states():
    """One state for each row of no angles."""
    circuit = QubitCircuit(1, (QubitGate("h", (0,)),))
    states = door(circuit, torch.zeros((3, 0), dtype=torch.float64))
    expected = torch.full((3, 2), 0.5**0.5, dtype=torch.complex128)
    torch.testing.assert_close(states, expected, rtol=0.0, atol=ROUNDING)


def test_angles_in_any_order_of_memory_are_read_right():
    """Transposed and expanded tensors, as sums over shared weights make them."""
    rng = np.random.default_rng(11)
    circuit = random_circuit(rng, 3, 20, 2)
    table = torch.from_numpy(rng.normal(size=(2, 5)))
    torch.testing.assert_close(door(circuit, table.T), door(circuit, table.T.contiguous()))
    shared = table[:, 0].expand(6, 2)
    torch.testing.assert_close(door(circuit, shared), door(circuit, shared.clone()))


ONE = QubitCircuit(1, (QubitGate("ry", (0,), Angle(param=0)),), 1)


@pytest.mark.parametrize(
    ("angles", "remedy"),
    [
        ([[0.0]], "torch.as_tensor"),
        (torch.zeros((1, 1), dtype=torch.int64), "torch.float64"),
        (torch.zeros((1, 1), dtype=torch.float16), "torch.float64"),
        (torch.zeros((1, 1), device="meta"), "cpu"),
        (torch.zeros(1), r"shape \(n_rows, 1\)"),
        (torch.zeros((4, 2)), r"shape \(n_rows, 1\)"),
        (torch.tensor([[float("nan")]]), "finite angles"),
        (torch.tensor([[float("inf")]]), "finite angles"),
    ],
)
def test_angles_that_do_not_fit_are_refused(angles, remedy):
    """Type, place, shape and values."""
    with pytest.raises(InputError, match=remedy):
        circuit_states(ONE, angles)


def test_circuits_without_one_final_state_are_refused():
    """Measurements, and registers that are too large."""
    with pytest.raises(InputError, match="Take the measurements out"):
        circuit_states(ONE.measured(), torch.zeros((1, 1)))
    with pytest.raises(InputError, match="smaller active space"):
        circuit_states(QubitCircuit(17, ()), torch.zeros((1, 0)))
