"""Every gate that is known by a rule, against Qiskit's matrix of it."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, ControlModifier, InverseModifier, ParameterVector
from qiskit.circuit import library as gates
from qiskit.quantum_info import Operator, SparsePauliOp

from qmlmat.ansatz import Excitation
from qmlmat.backends.register.simulator import Simulation
from qmlmat.plugins.qiskit import ExcitationGate
from qmlmat.plugins.qiskit.translation import translate

ATOL = 1e-12  # products of a few matrices, float64
PHASES = np.exp(1j * np.arange(8.0) ** 2).tolist()
FIXED = [
    gates.ZGate(), gates.SGate(), gates.SdgGate(), gates.TGate(), gates.TdgGate(), gates.CZGate(),
    gates.CZGate(ctrl_state=0), gates.CCZGate(), gates.CCZGate(ctrl_state=1), gates.CSGate(),
    gates.CSdgGate(), gates.SwapGate(), gates.iSwapGate(), gates.CSwapGate(),
    gates.CSwapGate(ctrl_state=0), gates.IGate(), gates.DiagonalGate(PHASES),
    gates.ZGate().control(3, annotated=False), gates.iSwapGate().control(1, annotated=False),
    gates.GlobalPhaseGate(0.3),
]  # fmt: skip
ONE_ANGLE = [
    gates.PhaseGate, gates.RZGate, gates.RZZGate, gates.CPhaseGate, gates.CRZGate, gates.U1Gate,
    gates.CU1Gate, gates.GlobalPhaseGate,
    lambda a: gates.MCPhaseGate(a, 3), lambda a: gates.MCPhaseGate(a, 2, ctrl_state=2),
    lambda a: gates.CPhaseGate(a, ctrl_state=0), lambda a: gates.CRZGate(a, ctrl_state=0),
    lambda a: gates.RZZGate(a).control(1, annotated=False),
    lambda a: gates.XXPlusYYGate(0.7, a).control(1, annotated=False),
    lambda a: gates.XXPlusYYGate(a, 0.2).control(1, ctrl_state=0, annotated=True),
    lambda a: gates.PauliEvolutionGate(SparsePauliOp(["ZIZ", "IZI", "III"], [0.4, -1.1, 0.3]), a),
    *(lambda a, b=b: gates.XXPlusYYGate(a, b)
      for b in (0.0, 0.3, np.pi / 2, -np.pi / 2, np.pi, -np.pi, 1.5 * np.pi)),
    *(lambda a, e=e: ExcitationGate(e, a) for e in (
        Excitation(((0, 1),)), Excitation(((2, 0),)), Excitation(((0, 2), (3, 1))),
        Excitation(((1, 0), (2, 3))), Excitation(((0, 1), (2, 3)), qubit=True),
        Excitation(((0, 3), (4, 1), (2, 5))),
    )),
]  # fmt: skip


def sector_matrix(circuit: QuantumCircuit, values: np.ndarray) -> np.ndarray:
    """What a circuit does, column by column: every determinant prepared by X gates."""
    n = circuit.num_qubits
    found = np.zeros((1 << n, 1 << n), dtype=np.complex128)
    for column in range(1 << n):
        prepared = QuantumCircuit(n)
        for wire in range(n):
            if column >> wire & 1:
                prepared.x(wire)
        prepared.compose(circuit, inplace=True)
        translation = translate("SectorEstimator", prepared, None, None)
        simulation = Simulation(translation.circuit, translation.angles.at(values[None]))
        strings = translation.circuit.layout.sector.alpha_strings  # bit w is wire w, as Qiskit's
        found[strings, column] = simulation.states[0]
    return found


def on_register(gate, extra: int = 1) -> QuantumCircuit:
    """A gate on qubits in an order of no pattern, and some more qubits."""
    n = gate.num_qubits + extra
    circuit = QuantumCircuit(n)
    circuit.append(gate, np.random.default_rng(n).permutation(n)[: gate.num_qubits].tolist())
    return circuit


@pytest.mark.parametrize("gate", FIXED, ids=lambda g: g.name)
def test_gates_without_angles_are_qiskits_matrices(gate):
    """Every phase counts, that of the whole state, too."""
    circuit = on_register(gate)
    expected = Operator(circuit).data
    np.testing.assert_allclose(sector_matrix(circuit, np.zeros(0)), expected, atol=ATOL)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's expm
@pytest.mark.parametrize("make", ONE_ANGLE, ids=lambda m: m(0.1).name)
def test_gates_of_an_angle_are_qiskits_matrices_bound_or_free(make):
    """The angle as a number, as a parameter, and in a nonlinear expression."""
    (a,) = ParameterVector("a", 1)
    free = on_register(make(2 * a + 0.2))
    curved = on_register(make(a * a))
    for value in (0.7, -2.1):
        bound = Operator(on_register(make(2 * value + 0.2))).data
        at = np.array([value])
        np.testing.assert_allclose(sector_matrix(free, at), bound, atol=ATOL)
        squared = Operator(on_register(make(value * value))).data
        np.testing.assert_allclose(sector_matrix(curved, at), squared, atol=ATOL)
    fixed = on_register(make(0.9))
    np.testing.assert_allclose(sector_matrix(fixed, np.zeros(0)), Operator(fixed).data, atol=ATOL)


def test_both_angles_of_an_exchange_may_be_free():
    """XXPlusYYGate(theta, beta): an angle and a phase."""
    theta, beta = ParameterVector("a", 2)
    circuit = on_register(gates.XXPlusYYGate(theta - beta, 3 * beta))
    for values in np.random.default_rng(0).normal(size=(3, 2)):
        bound = Operator(circuit.assign_parameters(values)).data
        np.testing.assert_allclose(sector_matrix(circuit, values), bound, atol=ATOL)


def test_modified_operations_are_taken_apart():
    """Inverses and controls that Qiskit leaves as annotations."""
    inner = QuantumCircuit(2, name="inner", global_phase=0.4)
    inner.append(gates.XXPlusYYGate(0.3, 0.2), [0, 1])
    inner.t(0)
    inner.swap(0, 1)
    modifiers = [ControlModifier(1, 0), InverseModifier(), ControlModifier(2, 1)]
    operation = AnnotatedOperation(inner.to_gate(), modifiers)
    circuit = on_register(operation, 0)
    matrix = sector_matrix(circuit, np.zeros(0))
    np.testing.assert_allclose(matrix, Operator(circuit).data, atol=ATOL)


def test_composite_gates_are_taken_apart_with_their_global_phases():
    """Gates in gates; the phase of an inner circuit under a control is a phase of the control."""
    (a,) = ParameterVector("a", 1)
    inner = QuantumCircuit(2, name="inner", global_phase=a)
    inner.rz(a, 0)
    inner.append(gates.XXPlusYYGate(a, 0.4), [1, 0])
    outer = QuantumCircuit(3, name="outer")
    outer.append(inner.to_gate(), [2, 0])
    outer.append(inner.to_gate().inverse(), [0, 1])
    circuit = QuantumCircuit(4)
    circuit.append(outer.to_gate(), [3, 1, 0])
    circuit.append(inner.to_gate().control(1, annotated=True), [2, 0, 1])
    bound = Operator(circuit.assign_parameters([0.8])).data
    np.testing.assert_allclose(sector_matrix(circuit, np.array([0.8])), bound, atol=ATOL)


def test_the_inverse_of_an_excitation_undoes_it():
    """The opposite angle, and again a gate that is known by a rule."""
    gate = ExcitationGate(Excitation(((0, 2), (3, 1))), 0.6)
    assert isinstance(gate.inverse(), ExcitationGate)
    circuit = on_register(gate, 0)
    circuit.compose(circuit.inverse(), inplace=True)
    np.testing.assert_allclose(Operator(circuit).data, np.eye(16), atol=ATOL)
    np.testing.assert_allclose(sector_matrix(circuit, np.zeros(0)), np.eye(16), atol=ATOL)


def test_excitations_are_equal_by_moves_and_angle():
    """Qiskit compares circuits gate by gate."""
    one = ExcitationGate(Excitation(((0, 1),)), 0.6)
    assert one == ExcitationGate(Excitation(((0, 1),)), 0.6)
    assert one != ExcitationGate(Excitation(((1, 0),)), 0.6)
    assert one != ExcitationGate(Excitation(((0, 1),)), 0.7)
    assert one != gates.SwapGate()
