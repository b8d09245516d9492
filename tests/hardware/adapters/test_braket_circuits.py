"""Qubit circuits through Braket's door: the same state, whichever gates a device takes."""

import numpy as np
import pytest
from braket.devices import LocalSimulator
from braket.ir.openqasm import Program
from dense_qubits import dense_outcomes, dense_state
from hypothesis import given, settings
from qubit_circuits import bound_circuits

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import CapabilityError, InputError
from qmlmat.hardware.adapters.braket_circuits import (
    distinct_angles,
    expressed,
    openqasm,
    to_braket,
)

DEVICES = {
    "cz and turns": {"rx", "ry", "rz", "cz"},
    "forte": {"x", "y", "z", "h", "s", "si", "t", "ti", "v", "rx", "ry", "rz", "cnot", "swap"},
}


def braket_state(text, inputs=None):
    """The state vector of an OpenQASM text, qubit 0 first."""
    lines = [line for line in text.splitlines() if "measure" not in line]  # Braket adds them
    source = "\n".join([*lines, "#pragma braket result state_vector"])
    program = Program(source=source, inputs=inputs)
    return LocalSimulator("braket_sv").run(program, shots=0).result().values[0]


@settings(max_examples=25, deadline=None)
@given(bound_circuits())
def test_braket_finds_the_same_state_with_bound_and_with_free_parameters(case):
    """Global phase included; inputs are bound by name."""
    circuit, params = case
    expected = dense_state(circuit, params)
    assert np.abs(braket_state(openqasm(circuit, params)) - expected).max() < 1e-12
    free = to_braket(circuit)
    inputs = {p.name: params[int(p.name[6:])] for p in free.parameters}
    assert np.abs(braket_state(openqasm(circuit), inputs) - expected).max() < 1e-12


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=25, deadline=None)
@given(case=bound_circuits())
def test_a_device_with_few_gates_finds_the_same_state(device, case):
    """Every gate of ours from rotations and one link; phases stay right before they are dropped."""
    circuit, params = case
    known = DEVICES[device]
    expected = dense_state(circuit, params)
    made = expressed(circuit, known | {"gphase"})
    assert np.abs(dense_state(made, params) - expected).max() < 1e-12
    found = braket_state(openqasm(circuit, params, gates=known))
    overlap = np.vdot(found, expected)
    assert abs(overlap) == pytest.approx(1, abs=1e-12)
    used = {i.operator.name.lower() for i in to_braket(circuit, params, gates=known).instructions}
    assert used - {"i"} <= known


@settings(max_examples=25, deadline=None)
@given(bound_circuits())
def test_each_free_angle_becomes_a_parameter_of_its_own(case):
    """The same state, with nothing left to compute from inputs."""
    circuit, params = case
    plain, values = distinct_angles(circuit, [params])
    free = [g.angle for g in plain.gates if g.angle and g.angle.param is not None]
    assert all(one == Angle(param=one.param) for one in free)
    difference = dense_state(plain, values[0]) - dense_state(circuit, params)
    assert np.abs(difference).max() < 1e-12


def test_bits_are_measured_in_their_order():
    """Bit b is the b-th column, whichever wire it is read from; idle wires keep their number."""
    gates = (
        QubitGate("x", (3,)),
        QubitGate("measure", (1,), bit=1),
        QubitGate("measure", (3,), bit=0),
    )
    circuit = QubitCircuit(4, gates)
    text = openqasm(circuit)
    assert text.index("b[0] = measure q[3]") < text.index("b[1] = measure q[1]")
    assert "qubit[4] q" in text
    answer = LocalSimulator().run(to_braket(circuit), shots=5).result()
    assert answer.measured_qubits == [3, 1]
    assert dict(answer.measurement_counts) == {"10": 5}


@settings(max_examples=15, deadline=None)
@given(bound_circuits())
def test_probabilities_are_those_of_the_dense_reference(case):
    """Wire w is qubit w, printed from the left."""
    circuit, params = case
    found = to_braket(circuit, params)
    found.probability(list(range(circuit.n_qubits)))
    values = LocalSimulator("braket_sv").run(found, shots=0).result().values[0]
    expected = dense_outcomes(circuit.measured(), params)
    size = circuit.n_qubits
    for number, value in enumerate(values):
        ours = sum(1 << w for w in range(size) if number >> (size - 1 - w) & 1)
        assert value == pytest.approx(expected.get(ours, 0.0), abs=1e-12)


def test_what_braket_cannot_run_is_refused():
    """Reads before the end, missing gates, parameters that do not fit."""
    early = QubitCircuit(1, (QubitGate("measure", (0,), bit=0), QubitGate("h", (0,))))
    with pytest.raises(CapabilityError, match="Measure every wire once, at the end"):
        to_braket(early)
    with pytest.raises(CapabilityError, match="Use another device"):
        openqasm(QubitCircuit(2, (QubitGate("cx", (0, 1)),)), gates={"rx", "rz"})
    with pytest.raises(InputError, match=r"Give shape \(0,\)"):
        to_braket(QubitCircuit(1, ()), [0.5])
