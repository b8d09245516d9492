"""What a job costs is known before it is sent: the formula equals what the client prepares."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibm_tasks import ibm_target, measured_circuit
from qiskit_ibm_runtime.executor_estimator.prepare import prepare as prepare_estimator
from qiskit_ibm_runtime.executor_sampler.prepare import prepare as prepare_sampler
from qiskit_ibm_runtime.options_models.estimator import EstimatorOptions
from qiskit_ibm_runtime.options_models.sampler import SamplerOptions

import qmlmat as qm
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.qiskit.devices import fake_device
from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.errors import CapabilityError
from qmlmat.hardware.adapters.ibm.compiling import Compiler
from qmlmat.hardware.adapters.ibm.content import Content
from qmlmat.hardware.adapters.ibm.options import longest
from qmlmat.hardware.executions import (
    Overhead,
    estimator_executions,
    job_seconds,
    qubit_wise_bases,
    sampler_executions,
    shared_shots,
)
from qmlmat.hardware.task import Task
from qmlmat.operators.pauli import PauliSum

TWO = PauliSum.from_words({"II": 0.1, "ZI": 0.4, "IZ": -0.4, "ZZ": 0.1, "XX": 0.2})
RESILIENCES = {
    "nothing": {"level": 0},
    "readout": {"level": 1},
    "extrapolated": {"level": 2},
    "two more factors": {"level": 2, "zne_factors": [1, 2, 3, 4, 5]},
    "extrapolated alone": {"level": 0, "zne_mitigation": True},
    "without calibration": {"level": 2, "measure_mitigation": False},
    "not twirled": {
        "level": 2,
        "measure_mitigation": False,
        "twirl_gates": False,
        "twirl_measure": False,
    },
    "twirled alone": {"level": 0, "twirl_gates": True},
    "seven random ones": {"level": 1, "num_randomizations": 7},
}


def ladder(n: int) -> QubitCircuit:
    """One angle for each wire, and a chain of links."""
    turns = tuple(QubitGate("ry", (w,), Angle(0.0, w)) for w in range(n))
    return QubitCircuit(n, turns + tuple(QubitGate("cx", (w, w + 1)) for w in range(n - 1)), n)


def batches(problem: str, n_points: int, shots: int) -> tuple[Batch, ...]:
    """What is measured of a problem."""
    rng = np.random.default_rng(n_points)
    sums = {
        "two qubits": (TWO,),
        "four qubits": (random_sum(4, 20), random_sum(4, 6)),
        "diagonal": (PauliSum.from_words({"ZZZ": 1.0, "IIZ": 2.0}),),
    }[problem]
    n = sums[0].n_qubits
    first = Batch(ladder(n), rng.normal(size=(n_points, n)), sums, shots)
    still = Batch(QubitCircuit(n, (QubitGate("x", (0,)),)), np.zeros((1, 0)), sums[:1], shots)
    return (first, still) if problem == "two qubits" else (first,)


def random_sum(n_qubits: int, n_words: int) -> PauliSum:
    """A sum of different words."""
    rng = np.random.default_rng(n_words)
    words = rng.choice(4**n_qubits, n_words, replace=False)
    return PauliSum.from_words(
        {
            "".join("IXYZ"[word // 4**k % 4] for k in range(n_qubits)): float(rng.normal())
            for word in words.tolist()
        }
    )


@pytest.mark.parametrize(
    ("problem", "n_points", "shots"),
    [("two qubits", 3, 4096), ("four qubits", 2, 1000), ("diagonal", 4, 50)],
)
@pytest.mark.parametrize("name", RESILIENCES)
def test_the_formula_counts_what_the_client_prepares(name, problem, n_points, shots):
    """N = S (F sum B P + T), on 27 configurations; the client's own count is the reference."""
    target = ibm_target(primitive="estimator", resilience=RESILIENCES[name])
    asked = batches(problem, n_points, shots)
    task = Task(programs=asked, run="r", target={})
    payload = Compiler(target=target, device=fake_device("manila")).compile(task, None)
    content = Content.from_bytes(payload.content)
    prepared, _ = prepare_estimator(content.pubs(), EstimatorOptions(**content.options))
    counted = prepared.shots * sum(item.size() for item in prepared.items)
    assert estimator_executions(asked, Overhead.of(target.resilience)) == counted
    assert payload.n_executions == counted


def test_counts_take_points_times_shots():
    """Also where one program has more shots than another of its job."""
    programs = (
        CountJob(measured_circuit(), np.zeros((3, 1)), 1000),
        CountJob(measured_circuit(), np.zeros((2, 1)), 3000),
    )
    device = fake_device("manila")
    task = Task(programs=programs, run="r", target={})
    payload = Compiler(target=ibm_target(), device=device).compile(task, None)
    content = Content.from_bytes(payload.content)
    prepared, _ = prepare_sampler(content.pubs(), SamplerOptions(**content.options))
    counted = prepared.shots * sum(item.size() for item in prepared.items)
    assert sampler_executions(programs) == payload.n_executions == counted == 9000


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 30_000), st.integers(1, 50)), min_size=1, max_size=20),
)
def test_different_shots_in_one_job_cost_hardly_more(asked):
    """Each gets at least what it asks for, and none is far above."""
    jobs = [CountJob(measured_circuit(), np.zeros((n, 1)), shots) for shots, n in asked]
    unit, total = shared_shots(jobs), sum(n * shots for shots, n in asked)
    taken = sampler_executions(jobs)
    assert taken == sum(n * math.ceil(shots / unit) * unit for shots, n in asked)
    assert total <= taken <= max(1.02 * total, total + sum(n for _, n in asked) * unit)
    if len({shots for shots, _ in asked}) == 1:
        assert taken == total


def test_a_plan_of_several_groups_a_sentinel_and_a_calibration_shares_its_shots():
    """What a plan sends: shots by their weights, 1000 for the sentinel, 20 000 to calibrate."""
    asked = {3271: 9, 1884: 9, 517: 9, 1000: 1, 20_000: 2}
    jobs = [CountJob(measured_circuit(), np.zeros((n, 1)), shots) for shots, n in asked.items()]
    unit, total = shared_shots(jobs), sum(n * shots for shots, n in asked.items())
    assert total <= sampler_executions(jobs) <= 1.02 * total
    assert unit > 60


def test_the_table_of_molecules_is_met():
    """H2 with 4 qubits: 5 bases, as IBM's client groups them (HARDWARE, measured in 2026)."""
    h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
    words = h2.pauli_sum()
    assert qubit_wise_bases((words,)) == 5


def test_time_is_the_overhead_and_a_share_of_each_execution():
    """S = overhead + N (delay + circuit)."""
    found = job_seconds(10_000, overhead_s=2.0, rep_delay_s=250e-6, circuit_s=5e-6)
    assert math.isclose(found, 4.55)


def test_the_longest_time_is_what_is_expected_times_safety_and_never_above_the_targets():
    """It is always sent, so that no job costs more than was reserved."""
    assert longest(ibm_target(), 100_000) == math.ceil(1.2 * (2 + 100_000 * 254.6e-6))
    assert longest(ibm_target(mode={"max_execution_time_s": 7}), 100_000) == 7


@pytest.mark.parametrize("shots", [(100, 200), (100, None), (None,)])
def test_batches_of_different_shots_do_not_go_into_one_job(shots):
    """The client has one number of shots for a job."""
    asked = [Batch(ladder(2), np.zeros((1, 2)), (TWO,), one) for one in shots]
    with pytest.raises(CapabilityError, match="tasks of their own"):
        estimator_executions(asked, Overhead())
