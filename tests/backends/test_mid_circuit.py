"""Circuits that measure and reset on the way, behind requests."""

from __future__ import annotations

import math

import numpy as np
import pennylane as qml
import pytest
from qiskit_aer.primitives import SamplerV2

from qmlmat.ansatz import Angle, QubitCircuit, QubitGate
from qmlmat.backends import Preparation, Reference, Request, StatevectorBackend
from qmlmat.backends.pennylane.backend import PennyLaneBackend
from qmlmat.backends.qiskit.backend import QiskitBackend
from qmlmat.errors import CapabilityError

SHOTS = 20_000
CIRCUIT = QubitCircuit(
    2,
    (
        QubitGate("ry", (1,), Angle(0.7)),
        QubitGate("cx", (1, 0)),
        QubitGate("measure", (1,), bit=0),
        QubitGate("reset", (1,)),
        QubitGate("ry", (1,), Angle(0.0, 0)),
        QubitGate("measure", (1,), bit=1),
        QubitGate("measure", (0,), bit=2),
    ),
    n_params=1,
)
"""One ancilla used twice, as a Gibbs circuit does."""


def asked():
    preparation = Preparation(CIRCUIT, Reference.determinant("00"), np.array([1.1]))
    return Request(preparation=preparation, observables=None, shots=SHOTS)


@pytest.mark.parametrize(
    "backend", [StatevectorBackend(), QiskitBackend(primitive=SamplerV2())], ids=["ours", "aer"]
)
def test_an_ancilla_is_measured_reset_and_used_again(backend):
    """Bits 0 and 2 are one coin, bit 1 another: the product of both distributions."""
    (found,) = backend.run([asked()], seed=4)
    first, second = math.sin(0.35) ** 2, math.sin(0.55) ** 2
    for bits, chance in {
        "000": (1 - first) * (1 - second),
        "010": (1 - first) * second,
        "101": first * (1 - second),
        "111": first * second,
    }.items():
        error = math.sqrt(chance * (1 - chance) / SHOTS)
        assert abs(found.counts.get(bits, 0) / SHOTS - chance) < 5 * error
    assert sum(found.counts.values()) == SHOTS


def test_pennylane_refuses_measurements_on_the_way():
    """What a device cannot do is said with what to use instead."""
    backend = PennyLaneBackend(device=qml.device("default.qubit", wires=2))
    with pytest.raises(CapabilityError, match=r"Use StatevectorBackend\(\)"):
        backend.run([asked()])
