"""The Gibbs circuit: which distribution it prepares, how much it keeps, what it costs."""

import math

import numpy as np
import pytest
from boltzmann import (
    acceptance,
    doubly_controlled_circuit,
    exact_joint,
    kept_table,
    random_machine,
)
from dense_qubits import dense_state
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from qiskit import transpile

from qmlmat.ansatz.gibbs import default_regulator, gibbs_angles, gibbs_circuit
from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.errors import InputError

ATOL = 1e-12  # exact probabilities, float64
SIZES = [(1, 1), (2, 2), (1, 3), (2, 3)]


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "fresh"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_kept_shots_follow_the_root_of_the_boltzmann_distribution(size, reset):
    """Whatever the signs of biases and weights, with one ancilla or with one for each pair."""
    a, b, w = random_machine(*size, seed=sum(size))
    k = default_regulator(w)
    circuit = gibbs_circuit(*size, reset=reset)
    kept = kept_table(circuit, gibbs_angles(a, b, w, k), *size)
    assert np.abs(kept / kept.sum() - exact_joint(a, b, w, k)).max() < ATOL
    assert kept.sum() == pytest.approx(acceptance(a, b, w, k), abs=ATOL)


def test_the_state_before_any_measurement_says_the_same():
    """Amplitudes of the circuit with its own ancillas, all of them 1: no branch is needed."""
    a, b, w = random_machine(2, 2, seed=5)
    measured = gibbs_circuit(2, 2, reset=False)
    bare = tuple(gate for gate in measured.gates if gate.name != "measure")
    circuit = QubitCircuit(measured.n_qubits, bare, measured.n_params)
    kept = np.abs(dense_state(circuit, gibbs_angles(a, b, w, 1.5))[15::16]) ** 2
    exact = exact_joint(a, b, w, 1.5).reshape(-1)
    assert np.abs(kept / kept.sum() - exact).max() < ATOL


def test_the_power_of_the_root_is_the_boltzmann_distribution_of_the_joint_table():
    """``Q**k = P`` over the units of both layers, to rounding."""
    a, b, w = random_machine(2, 3, seed=9)
    k = default_regulator(w)
    kept = kept_table(gibbs_circuit(2, 3), gibbs_angles(a, b, w, k), 2, 3)
    powers = kept**k
    assert np.abs(powers / powers.sum() - exact_joint(a, b, w)).max() < 1e-10


@pytest.mark.parametrize("seed", range(3))
def test_parities_and_doubly_controlled_rotations_prepare_the_same(seed):
    """4 CX a pair against the published 32: all chances, those of shots not kept included."""
    a, b, w = random_machine(1, 2, seed=seed)
    ours = kept_table(gibbs_circuit(1, 2), gibbs_angles(a, b, w, 1.3), 1, 2)
    theirs = kept_table(doubly_controlled_circuit(a, b, w, 1.3), (), 1, 2)
    assert np.abs(ours - theirs).max() < ATOL


@settings(max_examples=25)  # each is simulated densely
@given(
    arrays(np.float64, (2, 2), elements=st.floats(-6, 6)),
    arrays(np.float64, 4, elements=st.floats(-4, 4)),
)
def test_a_shot_in_e_to_the_fourth_is_kept_whatever_the_machine(w, biases):
    """The default regulator bounds the share from below, as enumeration and the circuit say."""
    k = default_regulator(w)
    share = acceptance(biases[:2], biases[2:], w, k)
    assert share >= math.exp(-4) * (1 - 1e-12)
    angles = gibbs_angles(biases[:2], biases[2:], w, k)
    assert kept_table(gibbs_circuit(2, 2), angles, 2, 2).sum() == pytest.approx(share, abs=ATOL)


@pytest.mark.parametrize(("size", "count"), [((1, 1), 4), ((2, 2), 16), ((2, 3), 24)], ids=str)
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "fresh"])
def test_a_pair_costs_four_cx(size, count, reset):
    """In a device's gates, its angles still free: one circuit serves all values."""
    circuit = to_qiskit(gibbs_circuit(*size, reset=reset))
    found = transpile(
        circuit, basis_gates=["rz", "sx", "x", "cx"], optimization_level=1, seed_transpiler=1
    )
    assert found.count_ops()["cx"] == count
    assert len(found.parameters) == circuit.num_parameters


def test_the_published_form_costs_thirty_two_cx():
    """The reference the saving is told by."""
    a, b, w = random_machine(1, 1, seed=1)
    circuit = to_qiskit(doubly_controlled_circuit(a, b, w, 1.0))
    found = transpile(
        circuit, basis_gates=["rz", "sx", "x", "cx"], optimization_level=1, seed_transpiler=1
    )
    assert found.count_ops()["cx"] == 32


def test_one_ancilla_is_reset_between_pairs_only():
    """``n + m + 1`` qubits and a reset less than pairs; without resets ``n + m + n m``."""
    one, many = gibbs_circuit(2, 3), gibbs_circuit(2, 3, reset=False)
    assert (one.n_qubits, many.n_qubits) == (6, 11)
    assert one.n_bits == many.n_bits == 11
    assert [sum(g.name == "reset" for g in c.gates) for c in (one, many)] == [5, 0]


@pytest.mark.parametrize("bias", [-50.0, -1.0, 0.0, 1.0, 50.0])
def test_strong_and_weak_units_keep_their_odds(bias):
    """``p(1) = 1 / (1 + exp(2 beta))`` over 43 orders of magnitude, and no warning."""
    unit, *_, even, more = gibbs_angles([bias], [0.0], [[bias]], 1.0)
    assert math.sin(unit / 2) == pytest.approx((1 + math.exp(2 * bias)) ** -0.5, rel=1e-12)
    assert math.cos(unit / 2) == pytest.approx((1 + math.exp(-2 * bias)) ** -0.5, abs=1e-15)
    kept = [math.sin(even / 2), math.sin((even + more) / 2)]
    exact = [math.exp((bias * parity - abs(bias)) / 2) for parity in (1, -1)]
    assert kept == pytest.approx(exact, abs=1e-15)


def test_a_huge_machine_overflows_nothing():
    """A bias of 1e6 is a unit that is certain; warnings would be errors here."""
    angles = gibbs_angles([1e6], [-1e6], [[1e6]], 1.0)
    assert angles == pytest.approx([0.0, np.pi, np.pi, -np.pi], abs=1e-15)


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda: gibbs_circuit(0, 2), "at least 1"),
        (lambda: gibbs_circuit(2, 1.5), "use a whole number"),
        (lambda: gibbs_angles([1.0], [1.0], [1.0], 1.0), r"Give shapes \(n,\), \(m,\), \(n, m\)"),
        (lambda: gibbs_angles([], [1.0], np.zeros((0, 1)), 1.0), "at least 1"),
        (lambda: gibbs_angles([np.nan], [1.0], [[1.0]], 1.0), "a holds NaN.*finite numbers"),
        (lambda: gibbs_angles([1.0], [1.0], [[8.0]], 0.0), "above 0.*is 4 here"),
    ],
)
def test_what_is_no_machine_is_refused(call, remedy):
    """By what is asked for instead."""
    with pytest.raises(InputError, match=remedy):
        call()
