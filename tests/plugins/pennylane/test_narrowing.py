"""Without a spin order: the smaller sector where it is enough, the larger one where it is not."""

import numpy as np
import pennylane as qml
import pytest

from qmlmat.plugins.pennylane.measurements import Measured

EXACT = 1e-12
HOPPING = qml.X(0) @ qml.X(1) + qml.Y(0) @ qml.Y(1)
"""Between the first two wires: within alpha where spins are in blocks, else from alpha to beta."""


@pytest.fixture
def layouts(monkeypatch):
    """Return a list that gets the layout of every simulation."""
    found = []
    inner = Measured.__post_init__

    def watched(self):
        inner(self)
        found.append(self.layout)

    monkeypatch.setattr(Measured, "__post_init__", watched)
    return found


def energy(device, wires, observable):
    """The mean of an observable after one excitation from two occupied wires."""

    @qml.qnode(device)
    def circuit():
        qml.BasisState([1, 1, 0, 0, 0, 0], wires=range(6))
        qml.SingleExcitation(0.7, wires=wires)
        return qml.expval(observable)

    return circuit()


@pytest.mark.parametrize(
    ("wires", "observable", "spin_order", "nelec"),
    [
        ([0, 2], qml.Z(0), "interleaved", (1, 1)),  # both keep the spins: the first is taken
        ([1, 2], qml.Z(0), "blocked", (2, 0)),
        ([0, 2], HOPPING, "blocked", (2, 0)),  # here the observable decides
        ([1, 4], qml.Z(0), None, (2, 0)),  # beta to alpha in one order, alpha to beta in the other
        ([0, 4], HOPPING, None, (2, 0)),  # the gate keeps what the observable does not
    ],
)
def test_the_smallest_sector_that_gates_and_observables_keep_is_used(
    wires, observable, spin_order, nelec, layouts
):
    """And the answer is that of all qubits."""
    found = energy(qml.device("qmlmat.sector", wires=6), wires, observable)
    right = energy(qml.device("default.qubit", wires=6), wires, observable)
    assert abs(found - right) < EXACT
    assert (layouts[-1].spin_order, layouts[-1].nelec) == (spin_order, nelec)


def test_odd_wires_have_no_spins():
    """Three wires cannot be halved."""

    @qml.qnode(qml.device("qmlmat.sector", wires=3))
    def circuit():
        qml.BasisState([1, 0, 0], wires=range(3))
        qml.SingleExcitation(0.4, wires=[2, 0])
        return qml.probs()

    probabilities = circuit()
    assert abs(probabilities[1] - np.sin(0.2) ** 2) < EXACT


@pytest.mark.parametrize("order", ["blocked", "interleaved"])
def test_masks_of_63_wires_and_more_would_lose_bits(order):
    """62 are right to the last wire."""
    for n_wires in (62, 64):
        bits = np.zeros(n_wires, dtype=int)
        bits[[0, -1]] = 1

        def circuit(bits=bits):
            qml.BasisState(bits, wires=range(len(bits)))
            return qml.expval(qml.Z(len(bits) - 1))

        node = qml.QNode(circuit, qml.device("qmlmat.sector", wires=n_wires, spin_order=order))
        if n_wires == 62:
            assert node() == -1.0
        else:
            with pytest.raises(qml.exceptions.DeviceError, match=r"Z\(63\): .* at most 62"):
                node()


def test_words_on_more_than_64_wires_are_refused():
    """Probabilities need no words."""
    device = qml.device("qmlmat.sector", wires=68, nelec=(1, 1), spin_order="blocked")

    def circuit(measured):
        qml.BasisState([1, 1], wires=[0, 34])
        qml.SingleExcitation(0.4, wires=[67, 34])
        return measured()

    node = qml.QNode(circuit, device)
    assert abs(node(lambda: qml.probs(wires=[67]))[1] - np.sin(0.2) ** 2) < EXACT
    with pytest.raises(qml.exceptions.DeviceError, match="at most 62"):
        node(lambda: qml.expval(qml.Z(0)))
