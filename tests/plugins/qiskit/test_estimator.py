"""Expectations in a sector of the electrons, against Qiskit's own estimator."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from conserving import random_circuit, random_observable
from ffsim.qiskit import OrbitalRotationJW
from ffsim.random import random_unitary
from problems import random_hamiltonian
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import XXPlusYYGate
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Operator, SparseObservable, SparsePauliOp, Statevector

from qmlmat.ansatz import Ansatz
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.plugins.qiskit import (
    SectorEstimator,
    SectorSampler,
    conserving_circuit,
    memory,
    primitives,
)

ATOL = 1e-10  # two exact simulators, float64
ORDERS = (None, "blocked", "interleaved")


def exchange(angle=0.8) -> QuantumCircuit:
    """One electron on two qubits."""
    circuit = QuantumCircuit(2, metadata={"made": "here"})
    circuit.x(0)
    circuit.append(_exchange_gate(angle), [0, 1])
    return circuit


def _exchange_gate(angle):
    return XXPlusYYGate(angle)


def both(pubs, **settings):
    """The results of Qiskit's estimator and of ours."""
    theirs = StatevectorEstimator(seed=settings.get("seed")).run(pubs).result()
    return theirs, SectorEstimator(**settings).run(pubs).result()


@pytest.mark.parametrize("seed", range(100))
def test_random_circuits_have_the_expectations_of_the_whole_register(seed):
    """A sector is closed under its gates: nothing is lost with the other states."""
    rng = np.random.default_rng(seed)
    order = ORDERS[seed % 3]
    n_qubits = 4 + 2 * int(rng.integers(3 if seed % 10 else 4))
    circuit = random_circuit(rng, n_qubits, order, 3)
    observables = [[random_observable(rng, n_qubits, order)] for _ in range(2)]
    pub = (circuit, observables, rng.normal(size=(2, 3)))
    theirs, ours = both([pub], spin_order=order)
    assert ours[0].data.evs.shape == (2, 2)
    np.testing.assert_allclose(ours[0].data.evs, theirs[0].data.evs, atol=ATOL)


def test_results_look_like_those_of_qiskit():
    """The same containers, fields, shapes and metadata: one can stand where the other did."""
    pubs = [
        (exchange(), "ZI"),
        (exchange(), ["ZI", "IZ"]),
        (exchange(Parameter("a")), [["ZI"], ["IZ"], ["ZZ"]], [0.1, 0.2], 0.0),
    ]
    theirs, ours = both(pubs)
    assert (type(ours), ours.metadata) == (type(theirs), theirs.metadata)
    for one, two in zip(theirs, ours, strict=True):
        assert (type(two), two.metadata, two.data.shape) == (
            type(one),
            one.metadata,
            one.data.shape,
        )
        assert sorted(two.data) == sorted(one.data) == ["evs", "stds"]
        for name in two.data:
            assert type(two.data[name]) is type(one.data[name])
            assert two.data[name].dtype == one.data[name].dtype
        np.testing.assert_allclose(two.data.evs, one.data.evs, atol=ATOL)


def test_parameters_broadcast_against_observables():
    """Shapes (4, 1) and (3,) make (4, 3): each pair once, however they are chunked."""
    rng = np.random.default_rng(0)
    circuit = random_circuit(rng, 4, None, 2)
    observables = [random_observable(rng, 4, None) for _ in range(3)]
    pub = (circuit, [*observables[:2], observables[0]], rng.normal(size=(4, 1, 2)))
    theirs, ours = both([pub])
    np.testing.assert_allclose(ours[0].data.evs, theirs[0].data.evs, atol=ATOL)
    diagonal = (circuit, observables, rng.normal(size=(3, 2)))
    theirs, ours = both([diagonal])
    np.testing.assert_allclose(ours[0].data.evs, theirs[0].data.evs, atol=ATOL)


def test_few_amplitudes_at_a_time_give_the_same_expectations(monkeypatch):
    """Chunks of points bound the memory, and change nothing."""
    rng = np.random.default_rng(1)
    circuit = random_circuit(rng, 6, "blocked", 2)
    observables = [[random_observable(rng, 6, "blocked")] for _ in range(2)]
    pub = (circuit, observables, rng.normal(size=(7, 2)))
    estimator = SectorEstimator(spin_order="blocked")
    whole = estimator.run([pub]).result()[0].data.evs
    monkeypatch.setattr(primitives, "_MAX_AMPLITUDES", 20)
    chunked = estimator.run([pub]).result()[0].data.evs
    np.testing.assert_allclose(chunked, whole, atol=1e-13)  # sums in the same order, but for BLAS


def test_noise_of_a_precision_is_that_of_qiskit():
    """The same seed draws the same noise, of the standard deviation asked for."""
    pubs = [(exchange(), [["ZI"], ["IZ"]], None, 0.1), (exchange(), "ZI", None, 0.2)]
    theirs, ours = both(pubs, seed=5)
    for one, two in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(two.data.evs, one.data.evs, atol=ATOL)
        assert two.metadata["target_precision"] == one.metadata["target_precision"]
    drawn = SectorEstimator(seed=1).run([(exchange(), ["ZI"] * 4000)], precision=0.1).result()
    assert drawn[0].data.evs.std() == pytest.approx(0.1, rel=0.05)  # 4000 draws: 1.1 % each


def test_default_precision_holds_where_no_other_is_named():
    """As in Qiskit: a PUB's own precision, then the call's, then the estimator's."""
    estimator = SectorEstimator(default_precision=0.3, seed=2)
    assert (estimator.default_precision, estimator.seed) == (0.3, 2)
    pubs = [(exchange(), "ZI"), (exchange(), "ZI", None, 0.1)]
    targets = [one.metadata["target_precision"] for one in estimator.run(pubs).result()]
    assert targets == [0.3, 0.1]
    called = estimator.run(pubs, precision=0.2).result()
    assert [one.metadata["target_precision"] for one in called] == [0.2, 0.1]


@pytest.mark.parametrize("observable", ["0I", "I1", "01", {"1Z": 0.5, "Z0": -2.0}])
def test_projectors_are_observables(observable):
    """Qiskit's letters 0 and 1 are occupations."""
    operator = (
        SparseObservable.from_label(observable)
        if isinstance(observable, str)
        else SparseObservable.from_list(list(observable.items()))
    )
    matrix = Operator(SparsePauliOp.from_sparse_observable(operator.as_paulis()))
    exact = Statevector(exchange()).expectation_value(matrix).real
    (found,) = SectorEstimator().run([(exchange(), observable)]).result()
    assert found.data.evs == pytest.approx(exact, abs=ATOL)


def test_projectors_that_conserve_together_are_observables():
    """|+><+| and |-><-| of one qubit add up to the identity; r and l, too."""
    for pair in ("+-", "rl"):
        observable = {f"Z{letter}": 1.0 for letter in pair}
        (found,) = SectorEstimator().run([(exchange(), observable)]).result()
        (z,) = SectorEstimator().run([(exchange(), "ZI")]).result()
        assert found.data.evs == pytest.approx(float(z.data.evs), abs=ATOL)


def test_a_circuit_changed_in_place_is_read_again():
    """What is kept of a circuit is what it was; appending to it makes it another."""
    estimator = SectorEstimator()
    circuit = exchange()
    estimator.run([(circuit, "ZI")]).result()
    circuit.append(_exchange_gate(1.1), [0, 1])
    theirs = StatevectorEstimator().run([(circuit, "ZI")]).result()[0].data.evs
    assert estimator.run([(circuit, "ZI")]).result()[0].data.evs == pytest.approx(theirs, abs=ATOL)
    circuit.data[-1] = circuit.data[-1].replace(operation=_exchange_gate(-0.4))
    theirs = StatevectorEstimator().run([(circuit, "ZI")]).result()[0].data.evs
    assert estimator.run([(circuit, "ZI")]).result()[0].data.evs == pytest.approx(theirs, abs=ATOL)


def test_a_gate_of_another_program_changed_in_place_is_read_again():
    """Gates that keep their numbers to themselves differ by what they are made of."""
    estimator = SectorEstimator()
    circuit = QuantumCircuit(4)
    circuit.x([0, 2])
    for seed in (0, 1):
        gate = OrbitalRotationJW(2, random_unitary(2, seed=seed))
        if seed:
            circuit.data[-1] = circuit.data[-1].replace(operation=gate)
        else:
            circuit.append(gate, range(4))
        theirs = StatevectorEstimator().run([(circuit, "IIIZ")]).result()[0].data.evs
        ours = estimator.run([(circuit, "IIIZ")]).result()[0].data.evs
        assert ours == pytest.approx(theirs, abs=ATOL)


def test_a_circuit_is_read_once(monkeypatch):
    """A loop over parameters translates in its first step only."""
    calls = []
    translate = memory.translate
    monkeypatch.setattr(memory, "translate", lambda *a: (calls.append(a), translate(*a))[1])
    estimator, circuit = SectorEstimator(), exchange(Parameter("a"))
    for value in range(5):
        estimator.run([(circuit, "ZI", [float(value)])]).result()
    assert len(calls) == 1


def test_parameters_may_stand_in_any_expression_and_be_bound_by_name():
    """Linear expressions are one product with the parameters, others bound point by point."""
    a, b = Parameter("a"), Parameter("b")
    v = ParameterVector("v", 2)
    circuit = QuantumCircuit(3)
    circuit.x(1)
    for k, angle in enumerate(
        [2 * a - b, a * b, v[0].sin() + v[1], (a / 2).exp(), b.sign() * v[1]]
    ):
        circuit.append(_exchange_gate(angle), [k % 3, (k + 1) % 3])
        circuit.p(angle, k % 3)
    circuit.global_phase = a * a
    rng = np.random.default_rng(3)
    values = {
        ("b", "a"): rng.normal(size=(5, 2)),
        ("v[1]", "v[0]"): rng.normal(size=(5, 2)),
    }
    theirs, ours = both([(circuit, ["ZII"], values)])
    np.testing.assert_allclose(ours[0].data.evs, theirs[0].data.evs, atol=ATOL)


def test_all_qubits_empty_or_full_is_a_sector_of_one_state():
    """The smallest sectors: nothing can move."""
    for n_electrons in (0, 2):
        circuit = QuantumCircuit(2)
        for wire in range(n_electrons):
            circuit.x(wire)
        circuit.append(_exchange_gate(0.3), [0, 1])
        theirs, ours = both([(circuit, ["ZI", "ZZ"])])
        np.testing.assert_allclose(ours[0].data.evs, theirs[0].data.evs, atol=ATOL)


def test_electrons_may_be_named_and_two_x_gates_cancel():
    """``nelec`` is what the circuit prepares; without an order only its sum counts."""
    circuit = QuantumCircuit(4)
    for wire in (0, 1, 1, 2):
        circuit.x(wire)
    circuit.append(_exchange_gate(0.4), [0, 1])
    for settings in (
        {"nelec": (1, 1)},
        {"nelec": (1, 1), "spin_order": "blocked"},
        {"nelec": np.array([2, 0]), "spin_order": None},
    ):
        theirs, ours = both([(circuit, ["IIIZ"])], **settings)
        np.testing.assert_allclose(ours[0].data.evs, theirs[0].data.evs, atol=ATOL)


def test_barriers_and_idle_gates_do_nothing_wherever_they_stand():
    """Also inside of instructions, and before X gates."""
    inner = QuantumCircuit(2, name="inner")
    inner.id(0)
    inner.barrier()
    inner.append(_exchange_gate(0.5), [0, 1])
    circuit = QuantumCircuit(2)
    circuit.barrier()
    circuit.id(1)
    circuit.x(1)
    circuit.append(inner.to_instruction(), [0, 1])
    theirs, ours = both([(circuit, "ZI")])
    assert ours[0].data.evs == pytest.approx(float(theirs[0].data.evs), abs=ATOL)


def test_many_circuits_are_forgotten_in_turn(monkeypatch):
    """What is kept is bounded; what was forgotten is read again."""
    monkeypatch.setattr(memory, "_MAX_CIRCUITS", 2.0)
    estimator = SectorEstimator()
    circuits = [exchange(angle) for angle in (0.1, 0.9, 1.7)]
    for _ in range(2):
        theirs, ours = (
            one.run([(circuit, "ZI") for circuit in circuits]).result()
            for one in (StatevectorEstimator(), estimator)
        )
        for one, two in zip(theirs, ours, strict=True):
            assert two.data.evs == pytest.approx(float(one.data.evs), abs=ATOL)


def test_primitives_are_copied_and_pickled():
    """As Qiskit's are, for processes and algorithms that copy them; a copy remembers nothing."""
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.append(_exchange_gate(0.4), [0, 1])
    estimator = SectorEstimator(seed=3)
    right = estimator.run([(circuit, "IZ")], precision=0.1).result()[0].data.evs
    for other in (copy.deepcopy(estimator), pickle.loads(pickle.dumps(estimator))):
        assert other.run([(circuit, "IZ")], precision=0.1).result()[0].data.evs == right
    assert copy.deepcopy(SectorSampler(seed=3)).seed == 3


def test_no_points_have_no_values():
    """Shape ``(0,)``, as Qiskit's."""
    angle = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.append(_exchange_gate(angle), [0, 1])
    (found,) = SectorEstimator().run([(circuit, "IZ", np.zeros((0, 1)))]).result()
    assert found.data.evs.shape == (0,)
    circuit.measure_all()
    (counted,) = SectorSampler(default_shots=5).run([(circuit, np.zeros((0, 1)))]).result()
    assert counted.data.meas.shape == (0,)


@pytest.mark.parametrize("value", [0.4, 2.0 * Parameter("b")])
def test_parameters_assigned_to_a_controlled_gate_reach_its_inside(value):
    """Qiskit leaves the definition of the gate under the controls as it was."""
    angle = Parameter("a")
    inner = QuantumCircuit(2)
    inner.append(_exchange_gate(angle), [0, 1])
    inner.rz(angle, 0)
    circuit = QuantumCircuit(3)
    circuit.x([0, 1])
    circuit.append(inner.to_gate().control(1), [0, 1, 2])
    assigned = circuit.assign_parameters({angle: value})
    values = [0.2] * assigned.num_parameters
    theirs, ours = both([(assigned, ["IZI"], values)])
    np.testing.assert_allclose(ours[0].data.evs, theirs[0].data.evs, atol=ATOL)


def test_two_large_observables_are_both_remembered(monkeypatch):
    """A molecule keeps its integrals only, however many words it has."""
    hamiltonian = random_hamiltonian(np.random.default_rng(1), 5, (2, 2))
    circuit = conserving_circuit(Ansatz("kupccgsd").circuit(5, (2, 2)))
    operators = [to_sparse_pauli_op(hamiltonian.pauli_sum())]
    operators.append(2.0 * operators[0])
    made = []
    inner = memory.SectorObservable
    monkeypatch.setattr(memory, "SectorObservable", lambda *a: made.append(a) or inner(*a))
    monkeypatch.setattr(memory, "KEPT", 3000.0)
    estimator = SectorEstimator(spin_order="blocked")
    for _ in range(3):
        estimator.run([(circuit, operators, [0.1] * circuit.num_parameters)]).result()
    assert len(made) == 2
