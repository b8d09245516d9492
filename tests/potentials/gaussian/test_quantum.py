"""Quantum kernels: fidelities of states, tied by symmetry."""

import numpy as np
import pennylane as qml
import pytest
import torch
from dense_qubits import dense_state

from qmlmat.ansatz.encoded_circuit import EncodedCircuit
from qmlmat.ansatz.encoding import Encoding
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import MorseVariables
from qmlmat.potentials.gaussian import QuantumKernel
from qmlmat.potentials.gaussian.phases import phase_encoding

HYDRONIUM = MorseVariables(("O", "H", "H", "H")).feature_permutations()
WATER = MorseVariables(("O", "H", "H")).feature_permutations()
FEATURES = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 3)))


def test_the_kernel_is_the_averaged_fidelity_of_dense_states():
    """Gates multiplied by hand; the second point permuted in its features, not in its qubits."""
    encoded = Encoding("morse_kernel").circuit(3, 3)
    kernel = QuantumKernel(encoded, WATER, profile="fidelity", seed=3)
    linear, offsets = kernel.linear_map().detach().numpy(), kernel.offsets().detach().numpy()

    def state(features):
        return dense_state(encoded.circuit, linear @ features + offsets)

    expected = [
        [
            np.mean([abs(np.vdot(state(x), state(y[order]))) ** 2 for order in WATER.numpy()])
            for y in FEATURES.numpy()
        ]
        for x in FEATURES.numpy()
    ]
    np.testing.assert_allclose(kernel(FEATURES).detach().numpy(), expected, atol=1e-12)


def test_the_kernel_is_pennylanes():
    """The circuit and its inverse, and the probability of all zeros."""
    encoded = Encoding("morse_kernel").circuit(3, 3)
    kernel = QuantumKernel(encoded, WATER[:1], profile="fidelity", seed=5)
    angles = kernel.circuit_angles(FEATURES).detach().numpy()
    names = {"ry": qml.RY, "rz": qml.RZ, "cx": qml.CNOT}

    def circuit(values):
        for gate in encoded.circuit.gates:
            turn = () if gate.angle is None else (gate.angle.value(values),)
            names[gate.name](*turn, wires=gate.wires)

    @qml.qnode(qml.device("default.qubit", wires=3))
    def overlap(left, right):
        circuit(right)
        qml.adjoint(circuit)(left)
        return qml.probs(wires=range(3))

    expected = [[overlap(left, right)[0] for right in angles] for left in angles]
    np.testing.assert_allclose(kernel(FEATURES).detach().numpy(), expected, atol=1e-12)


def test_one_upload_without_entanglers_is_a_product_of_squared_cosines():
    """``prod_j cos^2(w_j (x_j - y_j) / 2)``, whatever the offsets."""
    circuit = QubitCircuit(3, tuple(QubitGate("ry", (w,), Angle(0.0, w)) for w in range(3)), 3)
    kernel = QuantumKernel(EncodedCircuit(circuit, np.eye(3)), WATER[:1], profile="fidelity")
    x = FEATURES.numpy()
    half = kernel.scales.detach().numpy() * (x[:, None] - x[None]) / 2
    np.testing.assert_allclose(
        kernel(FEATURES).detach().numpy(), (np.cos(half) ** 2).prod(-1), atol=1e-13
    )


def test_without_entanglers_the_kernel_is_a_product_of_one_qubit_kernels():
    """Each a fidelity of one qubit on its own; the same code with entanglers is not."""
    for entangler, is_product in (("none", True), ("full", False)):
        encoded = Encoding("morse_kernel", entangler=entangler).circuit(3, 3)
        kernel = QuantumKernel(encoded, WATER[:1], profile="fidelity", seed=2)
        rest = torch.zeros_like(FEATURES)
        product = torch.ones(4, 4, dtype=torch.float64)
        for own in range(3):
            alone = rest.clone()
            alone[:, own] = FEATURES[:, own]
            product *= kernel(alone).detach()
        assert torch.allclose(product, kernel(FEATURES).detach(), atol=1e-12) is is_product


def test_the_rational_profile_is_a_rational_quadratic_of_the_distance_of_states():
    """``1 - F`` is half the squared Hilbert-Schmidt distance of the states."""
    encoded = Encoding("morse_kernel").circuit(3, 3)
    fidelity = QuantumKernel(encoded, WATER[:1], profile="fidelity", seed=1)
    rational = QuantumKernel(encoded, WATER[:1], seed=1)
    with torch.no_grad():
        rational.log_alpha.fill_(0.3)
        rational.log_rate.fill_(1.1)
        distance = 1 - fidelity(FEATURES)
        alpha, rate = np.exp(0.3), np.exp(1.1)
        expected = (1 + rate * distance / alpha) ** -alpha
        torch.testing.assert_close(rational(FEATURES), expected, atol=1e-13, rtol=1e-12)


def test_angles_that_atoms_exchange_are_one():
    """H3O+: two kinds of features in two rotations of two uploads, four kinds of pairs."""
    kernel = QuantumKernel(Encoding("morse_kernel").circuit(6, 6), HYDRONIUM)
    assert kernel.scales.numel() == 2 * 2 * 2
    assert kernel.angles.numel() == 2 * 2 * 2 + 4
    alone = QuantumKernel(Encoding("morse_kernel").circuit(6, 6), HYDRONIUM[:1])
    assert alone.angles.numel() == 39


def test_permuted_features_give_permuted_states():
    """To the last digit: the states of permutations need no circuit."""
    kernel = QuantumKernel(Encoding("morse_kernel", layers=2).circuit(6, 6), HYDRONIUM)
    features = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 6)))
    with torch.no_grad():
        states = kernel.embed(features)[0]
        for order, moved in zip(HYDRONIUM, kernel.moves, strict=True):
            torch.testing.assert_close(kernel.embed(features[:, order])[0], states[moved])


def test_a_circuit_that_breaks_the_symmetry_is_refused():
    """A line of pairs is not led to itself when hydrogen atoms are exchanged."""
    line = Encoding("morse_kernel", entangler="linear").circuit(6, 6)
    with pytest.raises(InputError, match='entangler="full" or "none"'):
        QuantumKernel(line, HYDRONIUM)
    QuantumKernel(line, HYDRONIUM[:1])  # without the symmetry there is nothing to break


def test_every_pair_is_the_template():
    """The builder of growth and the file say the same."""
    every = [[(0, 1), (0, 2), (1, 2)]]
    template = Encoding("morse_kernel").circuit(3, 3)
    found = phase_encoding(3, every)
    assert found.circuit.gates == template.circuit.gates
    np.testing.assert_array_equal(found.pattern, template.pattern)


@pytest.mark.parametrize(
    ("arguments", "settings", "remedy"),
    [
        ((Encoding("morse_kernel").circuit(3, 3), WATER), {"profile": "cosine"}, '"rational"'),
        ((Encoding("morse_kernel").circuit(4, 4), WATER), {}, "number of features"),
        ((Encoding("reupload_dense").circuit(4, 3), WATER), {}, "as many qubits as features"),
    ],
)
def test_circuits_that_do_not_fit_are_refused(arguments, settings, remedy):
    """The remedy names what to change."""
    with pytest.raises(InputError, match=remedy):
        QuantumKernel(*arguments, **settings)
