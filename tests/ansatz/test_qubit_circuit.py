"""Qubit circuits: what is no circuit is refused, and plain values come back."""

import json

import numpy as np
import pytest

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import InputError

TURN = QubitCircuit(1, (QubitGate("rx", (0,), Angle(param=0)),), 1)


@pytest.mark.parametrize(
    ("gate", "remedy"),
    [
        (QubitGate("cx", (0, 0)), "2 different ones"),
        (QubitGate("cx", (0, 0, 1)), "2 different ones"),
        (QubitGate("x", (2,)), "from 0 to 1"),
        (QubitGate("x", (-1,)), "from 0 to 1"),
        (QubitGate("x", (0.5,)), "a tuple of 1"),
        (QubitGate("x", [0]), "a tuple of 1"),
        (QubitGate("x", 0), "a tuple of 1"),
        (QubitGate("X", (0,)), "no known gate"),
        (QubitGate(None, (0,)), "no known gate"),
        (QubitGate("x", (0,), Angle(0.1)), "no angle"),
        (QubitGate("rx", (0,)), r"Use Angle\(0.5\)"),
        (QubitGate("rx", (0,), 0.3), r"Use Angle\(0.5\)"),
        (QubitGate("rx", (0,), Angle(float("nan"))), "finite numbers"),
        (QubitGate("rx", (0,), Angle(1j)), "finite numbers"),
        (QubitGate("rx", (0,), Angle("a")), "finite numbers"),
        (QubitGate("rx", (0,), Angle(0.0, 1)), "from 0 to n_params - 1"),
        (QubitGate("rx", (0,), Angle(0.0, 0.5)), "from 0 to n_params - 1"),
        (QubitGate("measure", (0,)), "name a bit"),
        (QubitGate("measure", (0,), bit=-1), "name a bit"),
        (QubitGate("measure", (0,), bit=0.5), "name a bit"),
        (QubitGate("x", (0,), bit=0), "they alone"),
        ("x", "is no gate"),
    ],
)
def test_what_is_no_gate_is_refused_with_the_remedy(gate, remedy):
    """Wires, names, angles and bits."""
    with pytest.raises(InputError, match=remedy):
        QubitCircuit(2, (gate,), 1)


@pytest.mark.parametrize("size", [-1, 1.5, "2", None])
def test_sizes_are_whole_numbers(size):
    """Of qubits and of parameters."""
    with pytest.raises(InputError, match=r"n_qubits.*whole number"):
        QubitCircuit(size, ())
    with pytest.raises(InputError, match=r"n_params.*whole number"):
        QubitCircuit(2, (), size)


@pytest.mark.parametrize("params", [0.5, "a", [0.1, 0.2], np.zeros((1, 1))])
def test_parameters_of_another_shape_are_refused(params):
    """One number for each parameter, in one row."""
    with pytest.raises(InputError, match=r"Give shape \(1,\)"):
        TURN.bound(params)


def test_parameters_that_are_not_finite_are_refused():
    """NaN is no angle."""
    with pytest.raises(InputError, match="finite numbers"):
        TURN.bound([float("nan")])


def test_numbers_of_numpy_make_plain_values():
    """Wires and sizes as loops over arrays give them."""
    gates = (QubitGate("rx", (np.int64(1),), Angle(np.float64(0.5))),)
    circuit = QubitCircuit(np.int64(2), gates, 0)
    assert QubitCircuit.from_dict(json.loads(json.dumps(circuit.to_dict()))) == circuit
