"""What the device refuses: PennyLane's own error, with the remedy, when the circuit is executed."""

import numpy as np
import pennylane as qml
import pytest
from pennylane.exceptions import DeviceError

START = [1, 1, 0, 0]


def sector(wires=4, **keywords):
    """The device."""
    return qml.device("qmlmat.sector", wires=wires, **keywords)


def run(device, *operators, measured=lambda: qml.expval(qml.Z(0)), start=START):
    """Execute operators after a determinant; making the QNode refuses nothing."""

    @qml.qnode(device)
    def circuit():
        if start is not None:
            qml.BasisState(np.array(start), wires=range(len(start)))
        for operator in operators:
            qml.apply(operator)
        return measured()

    return circuit()


GATES = {
    "Hadamard": qml.Hadamard(0),
    "RX": qml.RX(0.1, wires=1),
    "RY": qml.RY(0.1, wires=1),
    "CNOT": qml.CNOT([0, 1]),
    "Toffoli": qml.Toffoli([0, 1, 2]),
    "IsingXX": qml.IsingXX(0.1, wires=[0, 1]),
    "QubitUnitary": qml.QubitUnitary(np.eye(2), wires=0),
    "PauliRot": qml.PauliRot(0.1, "XY", wires=[0, 1]),
    "CRX": qml.CRX(0.1, wires=[0, 1]),
    "Adjoint(SX)": qml.adjoint(qml.SX(0)),
    "C(SX)": qml.ctrl(qml.SX(0), 1),
}


@pytest.mark.parametrize("name", GATES)
def test_a_gate_that_may_not_conserve_is_refused_by_its_name(name):
    """With the gates that do, and the device that runs all others."""
    with pytest.raises(DeviceError) as caught:
        run(sector(), GATES[name])
    message = str(caught.value)
    assert GATES[name].name in message
    assert "SingleExcitation" in message
    assert "lightning.qubit" in message


def test_a_template_that_conserves_only_as_a_whole_is_refused_by_its_first_such_gate():
    """Its gates are looked at one by one."""
    weights = np.ones(qml.ParticleConservingU2.shape(1, 4))
    template = qml.ParticleConservingU2(weights, wires=range(4), init_state=np.array(START))
    with pytest.raises(DeviceError, match=r"CNOT.*does not conserve the number of electrons"):
        run(sector(), template, start=None)


def test_an_x_after_other_gates_is_refused():
    """Before them it is a start; after them it changes the number of electrons."""
    assert run(sector(), start=None) == 1.0
    with pytest.raises(DeviceError, match=r"PauliX on wires .* after other gates"):
        run(sector(), qml.SingleExcitation(0.1, wires=[0, 2]), qml.X(0))


def test_an_x_on_wires_without_gates_is_part_of_the_start():
    """The same state as by ``BasisState``."""

    @qml.qnode(sector())
    def circuit():
        qml.X(0)
        qml.X(3)
        qml.X(3)
        qml.SingleExcitation(0.4, wires=[0, 1])
        return qml.probs(wires=[0, 1])

    right = [0, np.sin(0.2) ** 2, np.cos(0.2) ** 2, 0]
    assert np.abs(circuit() - right).max() < 1e-12


@pytest.mark.parametrize(
    "operator",
    [
        qml.StatePrep(np.eye(16)[3], wires=range(4)),
        qml.AmplitudeEmbedding(np.eye(16)[3], wires=range(4)),
    ],
    ids=lambda operator: operator.name,
)
def test_a_state_vector_is_refused_as_a_start(operator):
    """Correlate a determinant with gates."""
    with pytest.raises(DeviceError, match=f"{operator.name}.*Prepare one determinant"):
        run(sector(), operator, start=None)


def test_a_start_with_other_electrons_than_the_devices_is_refused():
    """Both numbers are named."""
    with pytest.raises(DeviceError, match=r"\(1, 1\).*but nelec says \(2, 0\).*Prepare as many"):
        run(sector(nelec=(2, 0), spin_order="interleaved"))


def test_as_many_electrons_of_both_spins_are_enough_without_a_spin_order():
    """``nelec=(2, 0)`` and ``(1, 1)`` are two electrons."""
    assert run(sector(nelec=(2, 0))) == run(sector(nelec=(1, 1))) == -1.0


@pytest.mark.parametrize("order", ["blocked", "interleaved"])
def test_odd_wires_with_a_spin_order_are_refused_at_execution(order):
    """The device can be made: its wires may be counted later."""
    device = sector(5, spin_order=order)
    with pytest.raises(DeviceError, match=r"5 wires.*Use an even number of wires"):
        run(device)


def test_more_electrons_than_wires_are_refused_at_execution():
    """Made with five electrons for four wires."""
    with pytest.raises(DeviceError, match=r"Use fewer electrons, or more wires"):
        run(sector(nelec=(5, 0)))


@pytest.mark.parametrize(
    "observable",
    [
        qml.X(0),
        qml.Hadamard(1),
        qml.X(0) @ qml.X(1),
        qml.Hamiltonian([0.5, 0.25], [qml.Z(0), qml.Y(1)]),
        qml.Hermitian(np.ones((2, 2)), wires=0),
    ],
    ids=lambda observable: observable.name,
)
def test_an_observable_that_leaves_the_sector_is_refused(observable):
    """With the size of what leaves."""
    with pytest.raises(DeviceError, match=r"leaves the sector.*Measure an operator that conserves"):
        run(sector(), measured=lambda: qml.expval(observable))


def test_an_observable_from_one_spin_to_the_other_is_refused_with_a_spin_order():
    """And taken without one."""
    hopping = qml.X(0) @ qml.X(1) + qml.Y(0) @ qml.Y(1)
    with pytest.raises(DeviceError, match=r"leaves the sector.*or use spin_order=None"):
        run(sector(spin_order="interleaved"), measured=lambda: qml.expval(hopping))
    assert run(sector(), measured=lambda: qml.expval(hopping)) == 0.0


def test_a_gate_from_one_spin_to_the_other_is_refused_with_a_spin_order():
    """And taken without one."""
    gate = qml.SingleExcitation(0.1, wires=[0, 3])
    for order in ("interleaved", "blocked"):
        message = r"SingleExcitation on wires \[0, 3\] moves electrons between alpha and beta"
        with pytest.raises(DeviceError, match=f"{message}.*spin_order=None"):
            run(sector(spin_order=order), gate)
    run(sector(), gate)


def test_an_observable_that_is_not_hermitian_is_refused():
    """An imaginary coefficient."""
    with pytest.raises(DeviceError, match=r"not Hermitian"):
        run(sector(), measured=lambda: qml.expval(qml.s_prod(1j, qml.Z(0) @ qml.Z(1))))


def test_a_large_matrix_is_refused_as_an_observable():
    """More than five wires; PennyLane can decompose it."""
    observable = qml.Hermitian(np.eye(64), wires=range(6))
    with pytest.raises(DeviceError, match=r"not made of Pauli words.*qml.pauli_decompose"):
        run(sector(6), start=[1] * 6, measured=lambda: qml.expval(observable))


def test_a_mid_circuit_measurement_is_refused():
    """``qml.measure`` and what depends on it."""

    @qml.qnode(sector())
    def circuit():
        qml.BasisState(np.array(START), wires=range(4))
        qml.measure(0)
        return qml.expval(qml.Z(1))

    with pytest.raises(DeviceError, match=r"mid-circuit measurement.*Measure at the end"):
        circuit()


@pytest.mark.parametrize(
    ("measured", "name"),
    [(qml.sample, "sample"), (qml.counts, "CountsMP")],
    ids=["sample", "counts"],
)
def test_samples_need_shots(measured, name):
    """``qml.set_shots``."""
    with pytest.raises(DeviceError, match=f"{name}.*without shots.*qml.set_shots"):
        run(sector(), measured=measured)


@pytest.mark.parametrize("measured", [qml.state, lambda: qml.density_matrix(wires=[0])])
def test_states_have_no_shots(measured):
    """Leave them out."""
    circuit = qml.set_shots(qml.QNode(measured, sector()), 10)
    with pytest.raises(DeviceError, match=r"not accepted with finite shots. Leave the shots out"):
        circuit()


def test_shadows_are_refused():
    """They measure every wire in X and Y as well."""
    circuit = qml.set_shots(qml.QNode(lambda: qml.classical_shadow(wires=[0, 1]), sector()), 10)
    with pytest.raises(DeviceError, match=r"not accepted with finite shots on qmlmat.sector"):
        circuit()


def test_samples_of_an_observable_that_is_not_diagonal_are_refused():
    """Its basis needs gates that do not conserve."""
    hopping = qml.X(0) @ qml.X(1)
    circuit = qml.set_shots(qml.QNode(lambda: qml.sample(hopping), sector()), 10)
    with pytest.raises(DeviceError, match=r"needs gates before it that do not conserve"):
        circuit()


def test_a_variance_of_words_that_are_not_diagonal_has_no_shots():
    """Exactly it is known."""
    hopping = qml.X(0) @ qml.X(1) + qml.Y(0) @ qml.Y(1)
    circuit = qml.set_shots(qml.QNode(lambda: qml.var(hopping), sector()), 10)
    with pytest.raises(DeviceError, match=r"Leave the shots out"):
        circuit()


def test_wires_that_the_device_has_not_are_refused():
    """Of gates, by PennyLane; of observables as well."""
    for operators, measured in (
        ([qml.SWAP([0, 9])], lambda: qml.expval(qml.Z(0))),
        ([], lambda: qml.expval(qml.Z(9))),
    ):
        with pytest.raises(DeviceError, match=r"9"):
            run(sector(), *operators, measured=measured)


def test_angles_with_two_axes_are_refused():
    """One axis is a batch. PennyLane itself refuses more of its own gates in a QNode."""
    gate = qml.DoubleExcitation(np.ones((2, 3)), wires=range(4))
    with pytest.raises(DeviceError, match=r"one axis"):
        sector().execute(qml.tape.QuantumScript([gate], [qml.state()]))


# ------------------- the constructor refuses wrong values of arguments


@pytest.mark.parametrize("order", ["alternating", "", 1])
def test_an_unknown_spin_order_is_refused_at_once(order):
    """The three there are."""
    with pytest.raises(DeviceError, match=r'use "blocked".*"interleaved".*or None'):
        sector(spin_order=order)


@pytest.mark.parametrize("nelec", [(1,), (1, 1, 1), (-1, 1), (0.5, 1)])
def test_electrons_that_are_no_two_numbers_are_refused_at_once(nelec):
    """Two whole numbers from zero."""
    with pytest.raises(DeviceError, match=r"use \(n_alpha, n_beta\)"):
        sector(nelec=nelec)


@pytest.mark.parametrize("nelec", [2, "ab", (None, 1)])
def test_electrons_that_are_no_numbers_are_refused_in_the_same_words(nelec):
    """Not by Python's own error."""
    with pytest.raises(DeviceError, match=r"use \(n_alpha, n_beta\)"):
        sector(nelec=nelec)
