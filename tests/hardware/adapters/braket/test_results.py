"""Results of quantum tasks: how they are cut, gathered and read, without a network."""

import json

import numpy as np
import pytest

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.errors import CapabilityError, CorruptResultError
from qmlmat.hardware.adapters.braket import group, results
from qmlmat.hardware.adapters.braket.adapter import BraketAdapter
from qmlmat.hardware.adapters.braket.parts import SetLimits, counted, cut, to_content, written
from qmlmat.hardware.config import load_target
from qmlmat.hardware.task import Task

GATES = {"rx", "ry", "rz", "cnot"}


def turned(shots, n_points=3, n_qubits=2):
    """A turned qubit, measured at some angles."""
    circuit = QubitCircuit(n_qubits, (QubitGate("ry", (0,), Angle(param=0)),), 1).measured()
    return CountJob(circuit, np.linspace(0, 1, n_points)[:, None], shots)


def test_points_of_equal_shots_share_a_program_set_up_to_its_limits():
    """Every executable once; a set holds one number of shots and stays below both limits."""
    jobs = [turned(100, 5), turned(40, 3), turned(100, 4)]
    sets = SetLimits(max_executables=6, max_shots=500)
    parts = cut(jobs, sets)
    assert [len(places) for places in parts] == [5, 4, 3]
    assert all(len({jobs[place.program].shots for place in places}) == 1 for places in parts)
    places = [(place.program, place.point) for part in parts for place in part]
    assert sorted(places) == [(k, p) for k, job in enumerate(jobs) for p in range(len(job.angles))]
    assert [len(one) for one in cut(jobs, None)] == [1] * 12


def test_a_program_set_holds_each_circuit_once_with_all_its_points():
    """Free angles are inputs; a circuit without any is repeated."""
    fixed = CountJob(turned(10).circuit.bound([0.3]), np.zeros((2, 0)), 10)
    jobs = [turned(10), fixed]
    (places,) = cut(jobs, SetLimits(max_executables=100, max_shots=10_000))
    tree = json.loads(written(jobs, places, gates=GATES, is_set=True))
    inputs = [one["inputs"] or None for one in tree["programs"]]
    assert inputs == [{"theta_0": [0.0, 0.5, 1.0]}, None, None]


def test_what_is_sent_does_not_depend_on_the_process():
    """Braket declares inputs in the order of a set; sorted, a payload has one hash."""
    gates = tuple(QubitGate("ry", (0,), Angle(0.1 * k, 0)) for k in range(12))
    job = CountJob(QubitCircuit(1, gates, 1).measured(), np.ones((1, 1)), 10)
    (places,) = cut([job], SetLimits(max_executables=100, max_shots=10_000))
    tree = json.loads(written([job], places, gates=GATES, is_set=True))
    lines = tree["programs"][0]["source"].splitlines()
    inputs = [line for line in lines if line.startswith("input")]
    assert inputs == [f"input float theta_{k};" for k in range(12)]


def test_a_program_set_costs_one_task_where_single_circuits_cost_sixteen():
    """16 circuits of 2000 shots at Garnet's prices of 2026: 46.70 and not 51.20 dollars."""
    garnet = BraketAdapter(load_target("braket_garnet"))
    one = Task(programs=(turned(2000, 16),), run="r", target={})
    assert garnet.estimate(one).usd == pytest.approx(46.70)
    several = [Task(programs=(turned(2000, 1),), run="r", part=k, target={}) for k in range(16)]
    assert sum(garnet.estimate(each).usd for each in several) == pytest.approx(51.20)
    by_time = BraketAdapter(load_target("braket_sv1")).estimate(one)
    assert (by_time.seconds, by_time.usd) == (48.0, pytest.approx(48 * 0.00125))


def test_expectations_are_refused():
    """Braket has no estimator."""
    job = turned(10)
    batch = Batch(QubitCircuit(2, job.circuit.gates[:1], 1), job.angles, (), 10)
    with pytest.raises(CapabilityError, match='primitive = "sampler"'):
        counted(Task(programs=(batch,), run="r", target={}))


def sent(jobs, parts):
    """A payload's content."""
    tree = [{"places": [[p.program, p.point] for p in places]} for places in parts]
    return json.loads(to_content(tree, jobs, "device"))


def executable(index, rows, qubits=(0, 1)):
    return {"inputsIndex": index, "measurements": rows, "measuredQubits": list(qubits)}


def program_set(*programs):
    return {"programResults": [{"executableResults": list(one)} for one in programs]}


def test_counts_come_back_in_our_order_of_points_and_bits():
    """Executables sorted by their inputs, columns by the qubits that are named."""
    job = turned(2)
    content = sent([job], cut([job], SetLimits(max_executables=9, max_shots=99)))
    files = program_set(
        [
            executable(2, [[1, 0], [1, 0]]),
            executable(0, [[0, 1], [1, 0]], qubits=(1, 0)),
            executable(1, [[0, 0], [0, 1]]),
        ]
    )
    (found,) = results.answers(results.packed_files([{"results.json": json.dumps(files)}]), content)
    assert [found.to_dict(row) for row in range(3)] == [
        {"10": 1, "01": 1},
        {"00": 1, "01": 1},
        {"10": 2},
    ]


def test_probabilities_become_counts_of_the_shots_asked():
    """Some devices return shares only."""
    job = turned(200, 1)
    content = sent([job], cut([job], None))
    one = {"measurementProbabilities": {"00": 0.25, "11": 0.75}, "measuredQubits": [0, 1]}
    (found,) = results.answers(results.packed_files([{"results.json": json.dumps(one)}]), content)
    assert found.to_dict() == {"00": 50, "11": 150}


def test_a_result_spread_over_files_is_gathered():
    """Of the program and of each executable; sources are left where they are."""
    top = {"programResults": ["p/0/results.json"], "s3Location": ["b", "f"]}
    program = {"executableResults": ["e/0.json", "e/1.json"], "source": "source.json"}
    files = {
        "results.json": json.dumps(top),
        "p/0/results.json": json.dumps(program),
        "p/0/e/0.json": json.dumps(executable(0, [[1, 1]])),
        "p/0/e/1.json": json.dumps(executable(1, [[0, 1]])),
    }
    assert results.gathered(files.__getitem__) == files
    job = turned(1, 2)
    content = sent([job], cut([job], SetLimits(max_executables=9, max_shots=99)))
    (found,) = results.answers(results.packed_files([files]), content)
    assert [found.to_dict(row) for row in range(2)] == [{"11": 1}, {"01": 1}]


FAILURE = {"failureMetadata": {"failureReason": "lost", "retryable": True}}
BROKEN = {
    "no JSON": "{#",
    "no results": "{}",
    "too few": json.dumps(program_set([executable(0, [[1, 1]])])),
    "no table": json.dumps(program_set([executable(0, [[1], [0, 1]]), executable(1, [[0, 1]])])),
    "no bits": json.dumps(program_set([executable(0, [[2, 1]]), executable(1, [[0, 1]])])),
    "no counts": json.dumps(program_set([executable(0, []), executable(1, [[0, 1]])])),
    "qubits": json.dumps(program_set([executable(0, [[0]], (0,)), executable(1, [[0, 1]])])),
    "failed": json.dumps(program_set([executable(0, [[1, 1]]), {"inputsIndex": 1} | FAILURE])),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_result_that_is_not_the_payloads_is_refused(kind):
    """Nothing is guessed: one line, and what came is kept by the caller."""
    job = turned(1, 2)
    content = sent([job], cut([job], SetLimits(max_executables=9, max_shots=99)))
    raw = results.packed_files([{"results.json": BROKEN[kind]}])
    with pytest.raises(CorruptResultError, match="Fetch it again"):
        results.answers(raw, content)
    with pytest.raises(CorruptResultError, match="Fetch it again"):
        results.answers(raw[:-9], content)


def test_the_name_of_a_job_keeps_every_quantum_task():
    """Those that were never sent keep their place."""
    stem = "arn:aws:braket:us-east-1:123456789012:quantum-task"
    arns = [f"{stem}/aaa", None, f"{stem}/ccc"]
    assert group.joined(arns) == f"{stem}/aaa,-,ccc"
    assert group.arns(group.joined(arns)) == arns
    assert group.arns(f"{stem}/aaa") == [f"{stem}/aaa"]


def test_tokens_differ_and_fit():
    """64 digits each; a single quantum task has the key itself."""
    key = "ab" * 32
    assert group.token(key, 0, 1) == key
    several = {group.token(key, part, 300) for part in range(300)}
    assert len(several) == 300
    assert {len(one) for one in several} == {64}
