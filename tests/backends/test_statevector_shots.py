"""Shots of the statevector simulator: sampling, measurements and resets on the way."""

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from random_qubits import dense_records, random_circuit, random_gate

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends import statevector_shots
from qmlmat.backends.statevector_program import compile_qubit_circuit
from qmlmat.backends.statevector_shots import run_shots
from qmlmat.errors import InputError

SHOTS = 4000
RARE = 1e-4  # a true distribution is refused in one of ten thousand draws; seeds are fixed


def is_drawn_from(counts, probabilities):
    """Chi-square test of counts (by outcome) against probabilities; rare outcomes pooled."""
    total = sum(counts.values())
    outcomes = [k for k, p in probabilities.items() if p * total >= 5]
    seen = [counts.get(k, 0) for k in outcomes]
    expected = [probabilities[k] * total for k in outcomes]
    assert all(probabilities.get(k, 0.0) > 1e-12 for k, c in counts.items() if c)
    rest = total - sum(expected)
    if rest > 5:
        seen, expected = [*seen, total - sum(seen)], [*expected, rest]
    else:
        expected = (np.array(expected) * sum(seen) / sum(expected)).tolist()
    return len(seen) < 2 or scipy.stats.chisquare(seen, expected).pvalue > RARE


def by_outcome(histogram, row):
    """Counts of one row by outcome."""
    return dict(zip(histogram.outcomes.tolist(), histogram.counts[row].tolist(), strict=True))


@st.composite
def measuring(draw, n_qubits=3, n_bits=3):
    """A random circuit that measures and resets on the way, bits written more than once."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    gates = []
    for _ in range(draw(st.integers(1, 25))):
        kind = rng.random()
        wire = int(rng.integers(n_qubits))
        if kind < 0.15:
            gates.append(QubitGate("measure", (wire,), bit=int(rng.integers(n_bits))))
        elif kind < 0.25:
            gates.append(QubitGate("reset", (wire,)))
        else:
            gates.append(random_gate(rng, n_qubits, 2))
    gates.append(QubitGate("measure", (int(rng.integers(n_qubits)),), bit=0))
    return QubitCircuit(n_qubits, tuple(gates), 2), rng.normal(size=(2, 2)), rng


@settings(max_examples=40)
@given(measuring())
def test_records_are_distributed_as_density_matrices_say(problem):
    """Exact Born probabilities at every measurement and reset, each row of parameters."""
    circuit, params, rng = problem
    histogram = run_shots(circuit, params, SHOTS, rng)
    assert histogram.n_bits == circuit.n_bits
    assert histogram.n_shots.tolist() == [SHOTS] * 2
    for row in range(2):
        assert is_drawn_from(by_outcome(histogram, row), dense_records(circuit, params[row]))


def test_samples_are_distributed_as_the_state_says():
    """The final basis of a measurement-free circuit: bit w of an outcome is wire w."""
    rng = np.random.default_rng(3)
    circuit = random_circuit(rng, 4, 40, 3)
    params = rng.normal(size=(5, 3))
    histogram = compile_qubit_circuit(circuit).sample(params, SHOTS, rng)
    assert histogram.n_shots.tolist() == [SHOTS] * 5
    for row in range(5):
        exact = dense_records(circuit.measured(), params[row])
        assert is_drawn_from(by_outcome(histogram, row), exact)


def test_the_same_seed_gives_the_same_counts():
    """Sampling and shots on the way; another seed gives others."""
    rng = np.random.default_rng(4)
    circuit = random_circuit(rng, 3, 30, 0)
    gates = (*circuit.gates, QubitGate("reset", (1,)), *circuit.gates)
    params = np.zeros((1, 0))

    def both(seed):
        source = np.random.default_rng(seed)
        program = compile_qubit_circuit(circuit)
        return (
            program.sample(params, 500, source).to_dict(),
            run_shots(QubitCircuit(3, gates).measured(), params, 500, source).to_dict(),
        )

    assert both(1) == both(1) != both(2)


def test_wire_zero_is_the_left_bit_of_what_is_printed():
    """X on wire 0 of three."""
    circuit = QubitCircuit(3, (QubitGate("x", (0,)),))
    rng, params = np.random.default_rng(), np.zeros((1, 0))
    assert compile_qubit_circuit(circuit).sample(params, 7, rng).to_dict() == {"100": 7}
    assert run_shots(circuit.measured(), params, 7, rng).to_dict() == {"100": 7}


def test_a_reset_frees_an_ancilla_for_the_next_round():
    """One ancilla reads two qubits in turn; the two bits are correlated as the qubits are."""
    gates = [QubitGate("h", (0,)), QubitGate("cx", (0, 1))]
    for wire in (0, 1):
        gates += [
            QubitGate("cx", (wire, 2)),
            QubitGate("measure", (2,), bit=wire),
            QubitGate("reset", (2,)),
        ]
    gates.append(QubitGate("measure", (2,), bit=2))
    counts = run_shots(
        QubitCircuit(3, tuple(gates)), np.zeros((1, 0)), SHOTS, np.random.default_rng(0)
    ).to_dict()
    assert set(counts) == {"000", "110"}
    assert abs(counts["000"] - SHOTS / 2) < 5 * np.sqrt(SHOTS) / 2  # five sigma


def test_branches_in_parts_keep_every_shot(monkeypatch):
    """More records than fit the memory at once: all shots come back, distributed as before."""
    monkeypatch.setattr(statevector_shots, "MAX_AMPLITUDES", 24)
    angle = Angle(0.0, 0)
    layer = [QubitGate("ry", (w,), angle) for w in range(3)]
    reads = [QubitGate("measure", (w,), bit=w) for w in range(3)]
    circuit = QubitCircuit(3, (*layer, *reads, *layer, QubitGate("measure", (0,), bit=3)), 1)
    params = np.array([[0.7], [1.9], [2.2], [0.4], [1.1]])
    histogram = run_shots(circuit, params, SHOTS, np.random.default_rng(1))
    assert histogram.n_shots.tolist() == [SHOTS] * 5
    for row in range(5):
        assert is_drawn_from(by_outcome(histogram, row), dense_records(circuit, params[row]))


MEASURED = QubitCircuit(1, (QubitGate("ry", (0,), Angle(0.0, 0)),), 1).measured()


@pytest.mark.parametrize(
    ("circuit", "params", "shots", "remedy"),
    [
        (MEASURED, np.zeros((1, 1)), 0, "at least 1"),
        (MEASURED, np.zeros((1, 1)), 2.5, "a whole number"),
        (MEASURED, np.zeros((1, 2)), 1, r"shape \(..., 1\)"),
        (MEASURED, np.zeros(1), 1, r"Give shape \(n_rows, 1\)"),
        (QubitCircuit(1, ()), np.zeros((1, 0)), 1, r"Use circuit.measured\(\)"),
        (QubitCircuit(17, ()).measured(), np.zeros((1, 0)), 1, "Taper symmetries"),
    ],
)
def test_shots_that_cannot_be_run_are_refused(circuit, params, shots, remedy):
    """Each refusal says what to do."""
    with pytest.raises(InputError, match=remedy):
        run_shots(circuit, params, shots, np.random.default_rng())


def test_a_circuit_may_end_with_a_reset():
    """What was measured before stays: nothing is left to be drawn at the end."""
    gates = (QubitGate("x", (0,)), QubitGate("measure", (0,), bit=1), QubitGate("reset", (0,)))
    histogram = run_shots(QubitCircuit(1, gates), np.zeros((1, 0)), 9, np.random.default_rng())
    assert histogram.to_dict() == {"01": 9}
