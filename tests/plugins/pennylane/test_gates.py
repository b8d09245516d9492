"""Every gate that the device knows is PennyLane's matrix of it."""

import numpy as np
import pennylane as qml
import pytest
from conserving_tapes import KINDS, PLAIN, random_wires

from qmlmat.backends.register.assembly import Assembly
from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.simulator import Simulation
from qmlmat.plugins.pennylane import gates
from qmlmat.plugins.pennylane.gates import gate_steps, is_native

EXACT = 1e-12  # float64, a handful of generators


def occupied(state, n_wires):
    """The wires that a basis state occupies."""
    return tuple(w for w in range(n_wires) if state >> (n_wires - 1 - w) & 1)


def matrix_of(operator, n_wires):
    """Our matrix of a gate, sector by sector."""
    steps = gate_steps(operator, operator.wires.tolist())
    assembly = Assembly()
    assembly.add(steps, len(operator.data), operator.name)
    values = np.array(operator.data, dtype=np.float64).reshape(1, -1)
    found = np.zeros((1 << n_wires, 1 << n_wires), dtype=np.complex128)
    for n_electrons in range(n_wires + 1):
        layout = Layout(n_wires, (n_electrons, 0))
        states = layout.states.astype(np.int64)
        for state in states.tolist():
            circuit = assembly.circuit(layout, occupied(state, n_wires), "test")
            found[states, state] = Simulation(circuit, values).states[0]
    return found


def drawn(name, seed):
    """A gate on random wires of six, with a random angle."""
    rng = np.random.default_rng(seed)
    wires = random_wires(rng, KINDS[name], 6, None)
    return KINDS[name].make(wires, tuple(rng.normal(size=KINDS[name].n_angles)), rng)


def test_every_gate_of_the_device_is_tested():
    """``Snapshot`` does nothing; every other name is among the random gates."""
    assert {*gates._MAKERS, *gates._SPECIAL} - set(PLAIN) == {"Snapshot"}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_a_gate_is_its_matrix(name, seed):
    """On random wires, with random angles, words and values of controls."""
    operator = drawn(name, seed)
    assert is_native(operator)
    right = qml.matrix(operator, wire_order=range(6))
    assert np.abs(matrix_of(operator, 6) - right).max() < EXACT


@pytest.mark.parametrize("name", [n for n in KINDS if n not in {"Identity", "Barrier"}])
def test_an_adjoint_gate_is_the_adjoint_matrix(name):
    """Also of controlled gates and of adjoint ones."""
    operator = drawn(name, 2)
    with qml.queuing.QueuingManager.stop_recording():
        inverse = qml.ops.Adjoint(operator)
    right = qml.matrix(operator, wire_order=range(6)).conj().T
    assert np.abs(matrix_of(inverse, 6) - right).max() < EXACT


@pytest.mark.parametrize("values", [[0], [1], [0, 0], [0, 1], [1, 0], [1, 1]])
@pytest.mark.parametrize(
    "base",
    [
        qml.DoubleExcitation(0.7, wires=[4, 0, 3, 1]),
        qml.FermionicSingleExcitation(-0.4, wires=[3, 0, 1]),
        qml.FermionicSWAP(1.3, wires=[1, 3]),
        qml.PSWAP(0.3, wires=[3, 0]),
        qml.MultiRZ(0.9, wires=[0, 4, 1]),
        qml.SISWAP(wires=[4, 1]),
        qml.adjoint(qml.IsingXY(0.8, wires=[0, 1])),
    ],
    ids=lambda base: base.name,
)
def test_a_controlled_gate_acts_only_where_the_controls_have_their_values(base, values):
    """One and two control wires, each to be occupied or empty."""
    controls = [2, 5][: len(values)]
    operator = qml.ctrl(base, controls, control_values=values)
    inside = qml.matrix(base, wire_order=range(6))
    chosen = qml.matrix(qml.Projector(values, wires=controls), wire_order=range(6))
    right = chosen @ inside + np.eye(64) - chosen
    assert np.abs(matrix_of(operator, 6) - right).max() < EXACT


@pytest.mark.parametrize("wires", [[0, 1], [2, 0], [0, 1, 2], [5, 1, 4, 0], [3, 5, 0, 4, 1, 2]])
def test_a_fermionic_single_excitation_takes_any_list_of_wires(wires):
    """The parity of all wires in between counts, wherever they are."""
    operator = qml.FermionicSingleExcitation(0.81, wires=wires)
    tape = qml.tape.QuantumScript(operator.decomposition())
    assert np.abs(matrix_of(operator, 6) - qml.matrix(tape, wire_order=range(6))).max() < EXACT


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0, 1], [2, 3]),
        ([3, 0], [5, 1]),
        ([0, 1, 2], [3, 4, 5]),
        ([4, 1, 0], [2, 5]),
        ([2, 0], [4, 5, 1, 3]),
    ],
)
def test_a_fermionic_double_excitation_takes_any_lists_of_wires(first, second):
    """The parity of the wires inside both lists counts."""
    operator = qml.FermionicDoubleExcitation(0.81, wires1=first, wires2=second)
    tape = qml.tape.QuantumScript(operator.decomposition())
    assert np.abs(matrix_of(operator, 6) - qml.matrix(tape, wire_order=range(6))).max() < EXACT


def test_diagonal_gates_of_many_wires_are_not_native():
    """A polynomial of ``2**9`` terms; PennyLane's word with an X is refused as well."""
    wires = list(range(9))
    assert gate_steps(qml.MultiRZ(0.1, wires=wires), wires) is None
    assert gate_steps(qml.PauliRot(0.1, "Z" * 9, wires=wires), wires) is None
    assert gate_steps(qml.PCPhase(0.1, 3, wires=wires), wires) is None
    assert gate_steps(qml.PauliRot(0.1, "XX", wires=[0, 1]), [0, 1]) is None


def test_a_long_word_that_turns_few_wires_is_native():
    """Identities of a Pauli word do not count."""
    wires = list(range(9))
    steps = gate_steps(qml.PauliRot(0.1, "IIZIIZIII", wires=wires), wires)
    assert steps is not None
    assert {w for step in steps for w in step.generator.wires} == {2, 5}
