"""The statevector simulator against its dense twin, its gradients, its metric, its refusals."""

import math

import numpy as np
import pytest
from dense_qubits import dense_state
from hypothesis import given, settings
from random_qubits import problems, random_circuit, random_sum

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends import statevector_observables, statevector_program
from qmlmat.backends.statevector_metric import fubini_study_metric
from qmlmat.backends.statevector_program import compile_qubit_circuit
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators import parallel
from qmlmat.operators.pauli import PauliSum

ROUNDING = 1e-12  # float64, tens of gates on a normalised vector
SLOPES = 1e-8  # central differences with a step of 1e-5, values of order 10


def dense_states(circuit, params):
    """The twin's states, one by one."""
    return np.array([dense_state(circuit, row) for row in params])


def dense_values(circuit, params, sums):
    """Expectations with dense vectors."""
    return np.array(
        [[np.vdot(s, one.matrix() @ s).real for one in sums] for s in dense_states(circuit, params)]
    )


def central_differences(function, params, step=1e-5):
    """Derivatives of a function of rows, on a new last axis."""
    columns = []
    for k in range(params.shape[1]):
        ahead, behind = params.copy(), params.copy()
        ahead[:, k] += step
        behind[:, k] -= step
        columns.append((function(ahead) - function(behind)) / (2 * step))
    return np.stack(columns, axis=-1)


@given(problems())
def test_states_are_those_of_the_dense_twin(problem):
    """Every gate, in every frame, on every wire, phase of the whole state included."""
    circuit, params, _ = problem
    states = compile_qubit_circuit(circuit).states(params)
    assert states == pytest.approx(dense_states(circuit, params), abs=ROUNDING)


@given(problems())
def test_gates_act_on_any_state_as_on_the_first(problem):
    """U applied to U |0> is the circuit written twice."""
    circuit, params, _ = problem
    program = compile_qubit_circuit(circuit)
    twice = QubitCircuit(circuit.n_qubits, circuit.gates * 2, circuit.n_params)
    found = program.apply(program.states(params), params)
    assert found == pytest.approx(dense_states(twice, params), abs=ROUNDING)


@given(problems())
def test_expectations_are_those_of_dense_matrices(problem):
    """Both ways to them, with the gradient and without."""
    circuit, params, rng = problem
    sums = tuple(random_sum(rng, circuit.n_qubits) for _ in range(3))
    program = compile_qubit_circuit(circuit)
    expected = dense_values(circuit, params, sums)
    assert program.expectations(params, sums) == pytest.approx(expected, abs=ROUNDING)
    values, _ = program.value_and_gradient(params, sums)
    assert values == pytest.approx(expected, abs=ROUNDING)


@settings(max_examples=50)
@given(problems())
def test_the_adjoint_gradient_is_the_slope(problem):
    """Shared, scaled and fixed angles; several observables at once."""
    circuit, params, rng = problem
    sums = tuple(random_sum(rng, circuit.n_qubits) for _ in range(2))
    program = compile_qubit_circuit(circuit)
    _, gradient = program.value_and_gradient(params, sums)
    assert gradient.shape == (len(params), 2, circuit.n_params)
    if circuit.n_params:
        slopes = central_differences(lambda p: program.expectations(p, sums), params)
        assert gradient == pytest.approx(slopes, abs=SLOPES)


@pytest.mark.parametrize("name", ["rx", "ry", "rz", "p", "crx", "cry", "crz", "cp", "gphase"])
def test_each_gate_with_an_angle_has_its_slope(name):
    """The gate between layers that leave no symmetry, its angle twice the parameter."""
    rng = np.random.default_rng(5)
    n_wires = {"gphase": 0}.get(name, 2 if name.startswith("c") else 1)
    middle = QubitGate(name, tuple(range(n_wires)), Angle(0.3, 0, -2.0))
    mixing = ("rx", "ry", "rz", "cx")
    layers = [random_circuit(rng, 3, 30, 0, mixing).gates for _ in range(2)]
    circuit = QubitCircuit(3, (*layers[0], middle, *layers[1]), 1)
    program, observable = compile_qubit_circuit(circuit), random_sum(rng, 3, 20)
    params = rng.normal(size=(3, 1))
    _, gradient = program.value_and_gradient(params, (observable,))
    slopes = central_differences(lambda p: dense_values(circuit, p, (observable,)), params)
    assert gradient == pytest.approx(slopes, abs=SLOPES)
    assert (np.abs(gradient).max() > 1e-3) == (name != "gphase")


@given(problems())
def test_a_batch_is_its_rows_one_by_one(problem):
    """Blocks of samples and single states are different kernels with one result."""
    circuit, params, rng = problem
    sums = (random_sum(rng, circuit.n_qubits),)
    program = compile_qubit_circuit(circuit)
    values, gradient = program.value_and_gradient(params, sums)
    for k in range(len(params)):
        row = params[k : k + 1]
        assert program.states(row)[0] == pytest.approx(program.states(params)[k], abs=1e-13)
        value, slopes = program.value_and_gradient(row, sums)
        assert value[0] == pytest.approx(values[k], abs=1e-13)
        assert slopes[0] == pytest.approx(gradient[k], abs=1e-12)


@given(problems())
def test_paired_rows_meet_their_own_observable(problem):
    """The diagonal of all rows with all observables."""
    circuit, params, rng = problem
    sums = tuple(random_sum(rng, circuit.n_qubits) for _ in params)
    program = compile_qubit_circuit(circuit)
    every = program.value_and_gradient(params, sums)
    values, gradient = program.value_and_gradient(params, sums, paired=True)
    own = np.arange(len(params))
    assert values == pytest.approx(every[0][own, own], abs=1e-13)
    assert gradient == pytest.approx(every[1][own, own], abs=ROUNDING)


@settings(max_examples=30)
@given(problems())
def test_the_metric_is_that_of_numerical_tangents(problem):
    """Re <d_i|d_j> less the part along the state; phases of the whole state do not count."""
    circuit, params, _ = problem
    metric = fubini_study_metric(compile_qubit_circuit(circuit), params)
    assert metric.shape == (len(params), circuit.n_params, circuit.n_params)
    if not circuit.n_params:
        return
    states = dense_states(circuit, params)
    tangents = central_differences(lambda p: dense_states(circuit, p), params)
    along = np.einsum("bs,bsk->bk", states.conj(), tangents)
    expected = np.einsum("bsi,bsj->bij", tangents.conj(), tangents)
    expected -= along.conj()[:, :, None] * along[:, None, :]
    assert metric == pytest.approx(expected.real, abs=SLOPES)


def test_sums_without_a_matrix_give_the_same_numbers(monkeypatch):
    """Word by word, as sums too large for a sparse matrix are applied."""
    rng = np.random.default_rng(1)
    circuit = random_circuit(rng, 4, 60, 5)
    params = rng.normal(size=(9, 5))
    sums = tuple(random_sum(rng, 4, 40) for _ in range(2))
    program = compile_qubit_circuit(circuit)
    expected = program.value_and_gradient(params, sums)
    copies = tuple(1.0 * one for one in sums)
    for name in ("MAX_CANDIDATES", "MAX_ENTRIES"):
        with monkeypatch.context() as patch:
            patch.setattr(statevector_observables, name, 10)
            found = program.value_and_gradient(params, tuple(1.0 * one for one in copies))
        assert found[0] == pytest.approx(expected[0], abs=ROUNDING)
        assert found[1] == pytest.approx(expected[1], abs=ROUNDING)


def test_chunks_and_threads_give_the_same_numbers(monkeypatch):
    """Rows and observables in small parts, by several threads."""
    rng = np.random.default_rng(2)
    program = compile_qubit_circuit(random_circuit(rng, 3, 60, 5))
    params = rng.normal(size=(50, 5))
    sums = tuple(random_sum(rng, 3) for _ in range(5))
    expected = program.value_and_gradient(params, sums)
    for name in ("CHUNK_SIZE", "MAX_BRAS", "PARALLEL_WORK"):
        monkeypatch.setattr(statevector_program, name, 100)
    monkeypatch.setattr(parallel, "_chosen", [3])
    found = program.value_and_gradient(params, sums)
    assert found[0] == pytest.approx(expected[0], abs=1e-13)
    assert found[1] == pytest.approx(expected[1], abs=1e-13)


@pytest.mark.parametrize("size", [1e3, 1e8])
def test_large_angles_keep_their_digits(size):
    """Angles of many turns, on both sides of where numpy takes over."""
    circuit = QubitCircuit(1, (QubitGate("ry", (0,), Angle(0.0, 0, 2.0)),), 1)
    angles = size * np.random.default_rng(0).uniform(-1, 1, 40)
    states = compile_qubit_circuit(circuit).states(angles[:, None])
    assert states[:, 0] == pytest.approx(np.cos(angles), abs=1e-15)
    assert states[:, 1] == pytest.approx(np.sin(angles), abs=1e-15)


def test_permutations_cost_nothing_and_neighbours_become_one():
    """A layer of four rotations on each wire, under CNOTs, is one op for each wire."""
    gates = [QubitGate(n, (w,), Angle(0.1)) for w in range(4) for n in ("ry", "rz", "ry", "rz")]
    ring = [QubitGate("cx", (w, (w + 1) % 4)) for w in range(4)]
    program = compile_qubit_circuit(QubitCircuit(4, (*gates, *ring) * 3))
    assert len(program.framed.tables[0]) == 12


def test_sixteen_qubits_are_not_too_many():
    """A GHZ state of the largest circuit."""
    ghz = (QubitGate("h", (0,)), *(QubitGate("cx", (w, w + 1)) for w in range(15)))
    state = compile_qubit_circuit(QubitCircuit(16, ghz)).states(np.zeros((1, 0)))[0]
    assert np.flatnonzero(state).tolist() == [0, 2**16 - 1]
    assert state[[0, -1]] == pytest.approx(math.sqrt(0.5), abs=ROUNDING)


BELL = QubitCircuit(2, (QubitGate("ry", (0,), Angle(0.0, 0)), QubitGate("cx", (0, 1))), 1)


@pytest.mark.parametrize(
    ("ask", "remedy"),
    [
        (lambda p: p.states(np.zeros((1, 2))), r"shape \(..., 1\)"),
        (lambda p: p.states(np.zeros(1)), r"Give shape \(n_rows, 1\)"),
        (lambda p: p.states(np.full((1, 1), np.nan)), "finite angles"),
        (lambda p: p.apply(np.zeros((2, 4)), np.zeros((1, 1))), r"Give shape \(1, 4\)"),
        (
            lambda p: p.expectations(np.zeros((1, 1)), (PauliSum.identity(3),)),
            "Use the same mapping",
        ),
        (
            lambda p: p.expectations(np.zeros((1, 1)), (PauliSum.identity(2, 1j),)),
            r"Measure \(A \+ A†\)",
        ),
        (
            lambda p: p.value_and_gradient(np.zeros((3, 1)), (PauliSum.identity(2),), paired=True),
            "one sum for each row",
        ),
        (lambda p: p.sample(np.zeros((1, 1)), 0, np.random.default_rng()), "at least 1"),
    ],
)
def test_what_does_not_fit_the_circuit_is_refused(ask, remedy):
    """Each refusal says what to do."""
    with pytest.raises(InputError, match=remedy):
        ask(compile_qubit_circuit(BELL))


def test_circuits_without_one_final_state_are_refused():
    """Measured ones, and those of too many qubits or none."""
    with pytest.raises(CapabilityError, match="Use run_shots"):
        compile_qubit_circuit(BELL.measured())
    for n_qubits in (0, 17):
        with pytest.raises(InputError, match="Taper symmetries"):
            compile_qubit_circuit(QubitCircuit(n_qubits, ()))


@pytest.mark.parametrize("angle", [1e5, 3e7, -1e9, 1e15])
def test_huge_angles_keep_their_digits(angle):
    """As numpy has their cosines: the fast ones are not used where they lose digits."""
    circuit = QubitCircuit(1, (QubitGate("rx", (0,), Angle(0.3, 0)),), 1)
    found = compile_qubit_circuit(circuit).states(np.array([[angle]]))[0]
    assert np.allclose(found, dense_state(circuit, [angle]), rtol=0, atol=1e-12)
