"""The check of devices: right ones pass it, and each way to be wrong is noticed."""

import numpy as np
import pennylane as qml
import pytest

import qmlmat.testing
from qmlmat.plugins.pennylane.device import SectorDevice
from qmlmat.testing import ConformanceError, check_device


@pytest.mark.parametrize("spin_order", ["blocked", None])
def test_our_device_keeps_the_contract(spin_order):
    """On six wires, a chain of three atoms and so an odd number of electrons."""
    check_device(qml.device("qmlmat.sector", wires=6, spin_order=spin_order, seed=1))


def test_devices_of_others_are_checked_too():
    """Lightning simulates every amplitude, and is right; labels may be anything."""
    check_device(qml.device("lightning.qubit", wires=4, seed=1))
    check_device(qml.device("qmlmat.sector", wires=["a", "b", "c", "d"], seed=1))


class Broken(SectorDevice):
    """Our device with its answers changed."""

    name = "broken"

    def __init__(self, change):
        super().__init__(wires=4, seed=1)
        self.change = change

    def execute(self, circuits, execution_config=None):
        results = super().execute(circuits, execution_config)
        return tuple(self.change(r, t) for r, t in zip(results, circuits, strict=True))

    def execute_and_compute_derivatives(self, circuits, execution_config=None):
        results, slopes = super().execute_and_compute_derivatives(circuits, execution_config)
        return results, tuple(self.change(s, None) for s in slopes)


def is_state(tape):
    return tape is not None and isinstance(tape.measurements[0], qml.measurements.StateMP)


WRONG = {
    "states are off": lambda r, t: -r if is_state(t) else r,
    r"gradients \(autograd\) are off": lambda r, t: tuple(1.1 * s for s in r) if t is None else r,
    "outcomes have other electrons": lambda r, _: {"1000": 4000} if isinstance(r, dict) else r,
    "standard deviations off": lambda r, _: {"1010": 4000} if isinstance(r, dict) else r,
    "energies for several angles at once have shape": lambda r, t: (
        r[:1] if t is not None and t.batch_size and np.ndim(r) == 1 else r
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_named(message):
    """A sign, a factor of the gradient, lost electrons, other frequencies, one point of three."""
    with pytest.raises(ConformanceError, match=message):
        check_device(Broken(WRONG[message]))


def test_a_gate_that_is_ignored_is_noticed(monkeypatch):
    """Silence about a Hadamard gate is worse than a refusal."""
    monkeypatch.setattr("qmlmat.plugins.pennylane.circuits.gate_steps", _forgiving)
    with pytest.raises(ConformanceError, match="Refuse with a DeviceError"):
        check_device(qml.device("qmlmat.sector", wires=4, seed=1))


def _forgiving(operator, wires):
    from qmlmat.plugins.pennylane.gates import gate_steps

    return () if operator.name == "Hadamard" else gate_steps(operator, wires)


def test_a_device_that_is_too_small_is_refused():
    """Two orbitals are the least, and spins come in pairs."""
    with pytest.raises(ConformanceError, match="an even number from 4"):
        check_device(qml.device("qmlmat.sector", wires=2))
    with pytest.raises(ConformanceError, match="an even number from 4"):
        check_device(qml.device("qmlmat.sector", wires=6), n_wires=5)


def test_other_names_are_no_checks():
    """As of any module."""
    with pytest.raises(AttributeError, match="check_kitchen"):
        _ = qmlmat.testing.check_kitchen
