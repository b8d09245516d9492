"""Amazon's own client against a rehearsed Braket: sent, found, fetched, billed."""

import numpy as np
import pytest
from braket.aws import AwsQuantumTask, AwsSession
from braket_rehearsed import accepted, adapter, counted, sent, task, waited
from dense_qubits import dense_outcomes

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import CountJob


def test_all_points_are_one_program_set_and_are_found_fetched_and_billed(server):
    """One quantum task; a new adapter finds it by the key alone, and reads it from raw bytes."""
    wanted = task("braket_garnet", counted(n_points=4), counted(n_qubits=2), run="whole")
    payload, name = sent(adapter(), wanted)
    assert len(accepted(server, wanted.key())) == 1
    fresh = adapter()
    (found,) = fresh.find(wanted.key())
    assert (found.remote_id, found.is_whole) == (name, True)
    assert waited(fresh, name).state == "done"
    answers = fresh.decode(fresh.fetch_raw(name), type(payload).from_bytes(payload.to_bytes()))
    assert [one.n_shots.tolist() for one in answers] == [[200] * 4, [200] * 3]
    spent = fresh.usage(name)
    estimate = fresh.estimate(wanted)
    assert (spent.n_shots, spent.usd) == (1400, pytest.approx(0.30 + 1400 * 0.00145))
    assert estimate.usd == pytest.approx(spent.usd)
    fresh.cancel(name)  # it has ended: nothing happens
    assert fresh.status(name).state == "done"


def test_brakets_own_sdk_reads_the_same_counts(server):
    """From one object, and from a result spread over several."""
    one = adapter()
    for run, shots in (("inline", 50), ("spread", 700)):
        wanted = task("braket_garnet", counted(shots), run=run)
        payload, name = sent(one, wanted)
        waited(one, name)
        raw = one.fetch_raw(name)
        assert (b"executables/0.json" in raw) is (run == "spread")
        (ours,) = one.decode(raw, payload)
        (theirs,) = AwsQuantumTask(name, AwsSession()).result().entries
        assert [ours.to_dict(row) for row in range(3)] == [dict(e.counts) for e in theirs.entries]


def test_an_ideal_simulator_agrees_with_the_dense_reference(server):
    """Every outcome within 5 standard errors; one quantum task for each circuit at each point."""
    job = counted(shots=4000)
    wanted = task("braket_sv1", job, run="ideal")
    one = adapter("braket_sv1")
    payload, name = sent(one, wanted)
    assert payload.facts["n_quantum_tasks"] == len(accepted(server, wanted.key())) == 3
    assert waited(one, name).state == "done"
    (found,) = one.decode(one.fetch_raw(name), payload)
    for row, angles in enumerate(job.angles):
        seen = dict(zip(found.outcomes.tolist(), found.probabilities()[row], strict=True))
        for outcome, expected in dense_outcomes(job.circuit, angles).items():
            sigma = np.sqrt(expected * (1 - expected) / job.shots) + 1e-12
            assert abs(seen.get(outcome, 0.0) - expected) < 5 * sigma
    assert one.usage(name).seconds == pytest.approx(9)  # 3 s each, the least that is billed


def test_a_noisy_device_shows_its_noise(server):
    """X on one wire of two: parities shrink by readout and depolarising errors, in closed form."""
    circuit = QubitCircuit(2, (QubitGate("x", (1,)),)).measured()
    job = CountJob(circuit, np.zeros((1, 0)), 4000)
    one = adapter()
    payload, name = sent(one, task("braket_garnet", job, run="noise"))
    waited(one, name)
    (found,) = one.decode(one.fetch_raw(name), payload)
    read, gate = 1 - 2 * 0.03, 1 - 4 / 3 * 0.001
    for value, expected in zip(found.parities([1, 2])[0], [read, -read * gate], strict=True):
        assert abs(value - expected) < 5 * np.sqrt((1 - expected**2) / job.shots)


def test_a_failed_task_says_why_and_costs_nothing(server):
    """Its state and reason; no shots are billed."""
    one, wanted = adapter(), task(run="failed")
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": "failed_job"}])
    name = one.submit(payload, wanted.key())
    found = waited(one, name)
    assert (found.state, found.message) == ("failed", "rehearsed failure of the job")
    assert (one.usage(name).n_shots, one.usage(name).usd) == (0, 0.0)
