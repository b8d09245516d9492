"""One request, one answer: every backend agrees with the sector backend, in one job."""

import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import N_MAPPINGS, SECTORS, TEMPLATES, encoded, mappings, problem, problems, sectors
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Statevector
from qiskit_aer.primitives import EstimatorV2

from qmlmat.ansatz import Circuit, QubitCircuit
from qmlmat.ansatz.lowering import lower
from qmlmat.ansatz.qasm import from_qasm, to_qasm
from qmlmat.ansatz.references import prepare_terms
from qmlmat.backends import Preparation, Reference, Request, SectorBackend
from qmlmat.backends.pennylane.backend import PennyLaneBackend
from qmlmat.backends.pennylane.circuits import to_pennylane
from qmlmat.backends.pennylane.operators import to_pennylane as to_operator
from qmlmat.backends.qiskit.backend import QiskitBackend
from qmlmat.backends.qiskit.circuits import to_qiskit
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.operators.mappings import QubitMapping, qubit_mapping
from qmlmat.plugins.pennylane.export import conserving_gates
from qmlmat.plugins.qiskit import SectorEstimator, conserving_circuit

ENERGY = 1e-10  # exact simulation, float64, energies of order ten
SLOPE = 1e-8  # shift rules weigh a few of them
STATE = 1e-12

EXACT = {
    "statevector": lambda mapping: StatevectorBackend(mapping=mapping),
    "default.qubit": lambda mapping: PennyLaneBackend(
        device=qml.device("default.qubit"), mapping=mapping
    ),
    "lightning.qubit": lambda mapping: PennyLaneBackend(
        device=qml.device("lightning.qubit", wires=mapping.n_qubits), mapping=mapping
    ),
    "StatevectorEstimator": lambda mapping: QiskitBackend(
        primitive=StatevectorEstimator(), mapping=mapping
    ),
    "Aer": lambda mapping: QiskitBackend(primitive=EstimatorV2(), mapping=mapping),
}
"""Backends without shots, on a mapping."""
SIZES = {"statevector": SECTORS, "default.qubit": SECTORS}
"""Sectors for each; two orbitals for those that take milliseconds for a point."""


def answers(backend, request, params):
    """Energies, then energies and gradients again."""
    evaluator = backend.prepare(request)
    both = evaluator.value_and_gradient(params)
    return evaluator(params).values, both.values, both.gradient


def assert_agrees(backend, request, params):
    """Energies and gradients are the sector backend's."""
    energy, again, slope = answers(backend, request, params)
    right, _, right_slope = answers(SectorBackend(), request, params)
    assert energy.shape == right.shape
    assert slope.shape == right_slope.shape
    assert np.abs(energy - right).max() < ENERGY
    assert np.abs(again - right).max() < ENERGY
    assert np.abs(slope - right_slope).max(initial=0.0) < SLOPE


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=2)
@given(data=st.data(), which=st.integers(0, N_MAPPINGS - 1))
def test_every_state_meets_every_observable(name, data, which):
    """Three references, one of them complex, two parameter vectors, H and S^2, tied parameters."""
    templates = ("uccsd", "lucj", "kupccgsd")
    case = data.draw(problems(templates, SIZES.get(name, SECTORS[:1])))
    mapping = mappings(case.circuit.norb, case.circuit.nelec)[which]
    request = Request(
        preparation=Preparation(case.circuit, case.references), observables=case.observables
    )
    backend = EXACT[name](mapping)
    assert_agrees(backend, request, case.params)
    assert backend.usage.n_jobs == 2  # one for the energies, one with the gradients


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=2)
@given(data=st.data(), which=st.integers(0, N_MAPPINGS - 1))
def test_each_state_meets_its_own_observable(name, data, which):
    """One Hamiltonian for each parameter vector and reference, as along a curve."""
    case = data.draw(problems(("uccsd", "givens"), SIZES.get(name, SECTORS[:1])))
    mapping = mappings(case.circuit.norb, case.circuit.nelec)[which]
    h, square = case.observables
    request = Request(
        preparation=Preparation(case.circuit, case.references),
        observables=(h, square, h, square, h, square),
        pairing="each",
    )
    assert_agrees(EXACT[name](mapping), request, case.params)


@pytest.mark.parametrize("name", EXACT)
def test_one_reference_and_one_vector_add_no_axes(name):
    """Shapes are those of the sector backend, also for a batch of two axes and for an empty one."""
    case = problem("uccsd", 2, (1, 1), 5)
    request = Request(
        preparation=Preparation(case.circuit, case.references[0]), observables=case.observables[:1]
    )
    backend = EXACT[name](qubit_mapping("parity", 2, reduced_for=(1, 1)))
    assert_agrees(backend, request, case.params[0])
    assert_agrees(backend, request, np.stack([case.params, case.params + 0.1, case.params - 0.3]))


@pytest.mark.parametrize("name", EXACT)
def test_a_circuit_without_parameters_has_an_empty_gradient(name):
    """The energies of the references themselves, for one row and for several."""
    case = problem("uccsd", 2, (1, 1), 6)
    circuit = Circuit(2, (1, 1), (), 0)
    request = Request(
        preparation=Preparation(circuit, case.references), observables=case.observables
    )
    backend = EXACT[name](qubit_mapping("bravyi_kitaev", 2))
    for shape in ((0,), (3, 0)):
        assert_agrees(backend, request, np.zeros(shape))


@pytest.mark.parametrize("name", EXACT)
def test_many_requests_are_one_job(name):
    """Answers in the order of the requests, other circuits and mappings of one size together."""
    mapping = qubit_mapping("jordan_wigner", 2)
    backend, requests = EXACT[name](mapping), []
    for template, seed in (("uccsd", 1), ("tups", 2), ("lucj", 3)):
        case = problem(template, 2, (1, 1), seed)
        preparation = Preparation(case.circuit, case.references, case.params)
        requests.append(Request(preparation=preparation, observables=case.observables))
    found, right = backend.run(requests), SectorBackend().run(requests)
    assert backend.usage.n_jobs == 1
    for one, other in zip(found, right, strict=True):
        assert np.abs(one.values - other.values).max() < ENERGY
        assert one.n_shots is None
        assert not one.variances.any()


@pytest.mark.parametrize("primitive", [StatevectorEstimator, EstimatorV2])
def test_a_circuit_is_transpiled_once(primitive):
    """For every later call, other points and gradients: one circuit for each reference."""
    case = problem("uccsd", 2, (1, 1), 7)
    backend = QiskitBackend(primitive=primitive(), mapping=qubit_mapping("parity", 2))
    request = Request(
        preparation=Preparation(case.circuit, case.references), observables=case.observables
    )
    for k in range(3):
        evaluator = backend.prepare(request)
        evaluator(case.params + k)
        evaluator.value_and_gradient(case.params[0] - k)
    assert backend.usage.n_transpiled == len(case.references)
    assert backend.usage.n_jobs == 6


def lowered(case, k, mapping):
    """A reference and the lowered circuit."""
    start = prepare_terms(case.references[k].terms, mapping)
    return start.then(lower(case.circuit, mapping))


def assert_states_agree(case, mapping):
    """The state of every program is that of the sector backend, on a mapping's register."""
    params, n_qubits = case.params[0], mapping.n_qubits
    preparation = Preparation(case.circuit, case.references, params)
    right = SectorBackend().state(preparation)
    mine = StatevectorBackend(mapping=mapping).qubit_state(preparation)
    for k in range(len(case.references)):
        expected = encoded(right[k], case.circuit, mapping)
        circuit = lowered(case, k, mapping)
        operations = to_pennylane(circuit, params)
        again = from_qasm(to_qasm(circuit))
        theirs = qml.execute(
            [qml.tape.QuantumScript(operations, [qml.state()])],
            qml.device("default.qubit", wires=n_qubits),
            diff_method=None,
        )[0]
        reversed_order = Statevector(to_qiskit(circuit, params)).data
        qiskit = reversed_order.reshape((2,) * n_qubits).transpose().reshape(-1)
        reread = Statevector(to_qiskit(again, params)).data
        for found in (mine[k], theirs, qiskit):
            assert np.abs(found - expected).max() < STATE
        assert np.abs(reread - reversed_order).max() < STATE


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=2)
@given(data=st.data(), which=st.integers(0, N_MAPPINGS - 1), seed=st.integers(0, 2**32 - 1))
def test_every_program_makes_the_same_state(template, data, which, seed):
    """Sector, statevector, PennyLane, Qiskit (its bit order reversed), re-imported OpenQASM."""
    norb, nelec = data.draw(sectors(template))
    case = problem(template, norb, nelec, seed)
    assert_states_agree(case, mappings(norb, nelec)[which])


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("which", range(N_MAPPINGS))
@settings(max_examples=15)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_every_program_makes_the_same_state_on_every_mapping(template, which, data, seed):
    """The same, each template on each mapping."""
    test_every_program_makes_the_same_state.hypothesis.inner_test(template, data, which, seed)


def test_wire_0_is_the_highest_bit_of_a_state_and_the_last_character_of_qiskits():
    """One X on wire 0 of three: index 4 for PennyLane and us, 1 for Qiskit."""
    circuit = prepare_terms((("100", 1.0),), QubitMapping("bits", 3, (1, 2, 4)))
    assert np.flatnonzero(Statevector(to_qiskit(circuit)).data).tolist() == [1]
    (theirs,) = qml.execute(
        [qml.tape.QuantumScript(to_pennylane(circuit), [qml.state()])],
        qml.device("default.qubit", wires=3),
        diff_method=None,
    )
    assert np.flatnonzero(theirs).tolist() == [4]
    reference = Reference.determinant("100")
    state = StatevectorBackend().qubit_state(
        Preparation(QubitCircuit(3, ()), reference, np.zeros(0))
    )
    assert np.flatnonzero(state).tolist() == [4]


@settings(max_examples=12)
@given(case=problems())
def test_plugins_give_the_answers_of_the_sector_backend(case):
    """Our device of PennyLane's and our estimator of Qiskit's: energies, <S^2> and gradients."""
    bits = case.references[0]
    params = case.params[0]
    request = Request(preparation=Preparation(case.circuit, bits), observables=case.observables)
    right = SectorBackend().prepare(request).value_and_gradient(params)
    sums = [one.pauli_sum() for one in case.observables]

    def circuit(angles):
        for gate in conserving_gates(case.circuit, angles, reference=bits):
            qml.apply(gate)
        return [qml.expval(operator) for operator in operators]

    operators = [to_operator(one) for one in sums]
    device = qml.device("qmlmat.sector", wires=case.circuit.n_qubits)
    variable = qml.numpy.array(params, requires_grad=True)
    node = qml.QNode(circuit, device)
    assert np.abs(np.array(node(params)) - right.values).max() < ENERGY
    slopes = qml.jacobian(lambda x: qml.math.stack(node(x)))(variable)
    assert np.abs(slopes - right.gradient).max(initial=0.0) < ENERGY
    exported = conserving_circuit(case.circuit, reference=bits)
    pub = exported, [to_sparse_pauli_op(one) for one in sums], params
    means = SectorEstimator(spin_order="blocked").run([pub]).result()[0].data.evs
    assert np.abs(means - right.values).max() < ENERGY
