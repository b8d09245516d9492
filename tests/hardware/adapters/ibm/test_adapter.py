"""IBM's unchanged client against a rehearsed service: jobs are sent, found again, and read."""

import contextlib
import sys

import numpy as np
import pytest
from ibm_tasks import (
    ANGLES,
    answered,
    counting,
    estimating,
    exact,
    finished,
    ibm_target,
    measured_circuit,
)

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob, Measured
from qmlmat.errors import (
    CredentialError,
    MissingExtraError,
)
from qmlmat.hardware.adapters.base import Adapter, Payload
from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter, tag_of
from qmlmat.hardware.task import Task


def test_it_is_an_adapter(counter):
    assert isinstance(counter, Adapter)
    assert counter.name == "ibm ibm_manila"


def test_counts_come_back_row_by_row(counter, run):
    """``cos^2(t/2)`` of 00, and few of 01 and 10."""
    _, (found,) = answered(counter, counting(run, shots=4000))
    assert isinstance(found, Histogram)
    assert found.n_shots.tolist() == [4000] * 3
    shares = [found.to_dict(row).get("00", 0) / 4000 for row in range(3)]
    assert np.allclose(shares, np.cos(ANGLES[:, 0] / 2) ** 2, atol=0.1)  # noise of the device


def test_programs_of_different_shots_share_a_job(counter, run):
    """Each has its own; circuits without parameters among them."""
    programs = (
        CountJob(measured_circuit(), ANGLES, 100),
        CountJob(measured_circuit(), ANGLES[:1], 300),
        CountJob(measured_circuit(measured_circuit().bound([0.0])), np.zeros((2, 0)), 200),
    )
    payload, found = answered(counter, Task(programs=programs, run=run, target={}))
    assert [one.n_shots.tolist() for one in found] == [[100] * 3, [300], [200] * 2]
    assert payload.n_executions == 1000


def test_the_estimators_mitigation_is_finished_from_the_result_alone(estimator, run):
    """Readout is corrected with what travels in the result."""
    _, (found,) = answered(estimator, estimating(run, shots=4000))
    assert isinstance(found, Measured)
    errors = np.sqrt(found.variances[:, 0])
    assert found.values.shape == (3, 1)
    assert np.allclose(found.values[:, 0], exact(), atol=0.1)  # noise of the gates is left
    assert ((errors > 0.001) & (errors < 0.05)).all()


@pytest.mark.slow
def test_extrapolated_expectations_come_back(environment, run):
    """Level 2, in a session."""
    mode, resilience = {"kind": "session"}, {"level": 2}
    target = ibm_target(primitive="estimator", resilience=resilience, mode=mode)
    _, (found,) = answered(IbmAdapter(target), estimating(run, shots=2000))
    assert np.allclose(found.values[:, 0], exact(), atol=0.25)
    assert np.isfinite(found.variances).all()


def test_a_payload_is_sent_as_it_was_stored(counter, environment, run):
    """Another process finds the job, reads it, and decodes it from bytes."""
    task = counting(run)
    stored = counter.compile(task).to_bytes()
    counter.submit(Payload.from_bytes(stored), task.key())
    later = IbmAdapter(ibm_target())
    (job,) = later.find(task.key())
    assert finished(later, job.remote_id) == "done"
    (found,) = later.decode(later.fetch_raw(job.remote_id), Payload.from_bytes(stored))
    assert found.n_shots.tolist() == [1000] * 3


def test_what_was_estimated_is_what_is_billed(counter, estimator, run, server):
    """The same formula on both sides, of executions and of seconds."""
    for adapter, task in ((counter, counting(run)), (estimator, estimating(run))):
        payload = adapter.compile(task)
        remote_id = adapter.submit(payload, task.key())
        finished(adapter, remote_id)
        (job,) = [one for one in server.jobs() if one["id"] == remote_id]
        expected, spent = adapter.estimate(task), adapter.usage(remote_id)
        assert expected.n_executions == payload.n_executions == job["shots"]
        assert spent.seconds == pytest.approx(expected.seconds, rel=1e-6)
        assert spent.usd == pytest.approx(1.6 * spent.seconds)


def test_two_jobs_of_one_key_are_both_found_the_first_one_first(counter, run):
    """So that the other can be cancelled."""
    task = counting(run)
    payload = counter.compile(task)
    sent = [counter.submit(payload, task.key()) for _ in range(2)]
    assert [job.remote_id for job in counter.find(task.key())] == sent
    assert counter.find(task.key(1)) == []


def test_jobs_of_a_run_share_a_batch_also_after_a_restart(environment, run, server):
    """The batch is found by the run's tag, and a closed one is not used again."""
    target = ibm_target(mode={"kind": "batch", "max_time_s": 600})
    opened = server.counts()["requests"].get("POST /api/v1/sessions", 0)
    for part in range(2):
        adapter = IbmAdapter(target)
        task = Task(programs=counting(run).programs, run=run, part=part, target={})
        adapter.submit(adapter.compile(task), task.key())
    assert server.counts()["requests"]["POST /api/v1/sessions"] == opened + 1
    jobs = adapter._wire.client.jobs_get(job_tags=[tag_of(task.key())])["jobs"]
    adapter._wire.client.close_session(jobs[0]["session_id"])
    adapter.submit(adapter.compile(task), task.key(1))
    assert server.counts()["requests"]["POST /api/v1/sessions"] == opened + 2


def test_the_device_says_what_it_is(counter):
    """Qubits, modes, what is left of the plan, and the calibration."""
    facts, snapshot = counter.capabilities(), counter.snapshot()
    assert (facts.n_qubits, facts.is_online, facts.is_simulator) == (5, True, False)
    assert facts.seconds_left is not None
    assert facts.modes == ("job", "batch", "session")
    assert sorted(snapshot.readout_errors) == [0, 1, 2, 3, 4]
    assert all(0 < error < 0.1 for error in snapshot.two_qubit_errors.values())
    assert snapshot.calibrated is not None
    assert snapshot.calibrated < snapshot.taken


def test_a_job_that_has_ended_is_not_cancelled(counter, ended):
    counter.cancel(ended)
    assert counter.status(ended).state == "done"


def test_nothing_is_asked_at_construction(monkeypatch):
    """No credential is looked up, nothing is sent."""
    monkeypatch.delenv("QISKIT_IBM_TOKEN", raising=False)
    adapter = IbmAdapter(ibm_target(access={}))
    with pytest.raises(CredentialError, match="QISKIT_IBM_TOKEN"):
        adapter.capabilities()
    with contextlib.suppress(CredentialError):
        adapter.find("0" * 64)


def test_a_missing_client_is_named_with_what_to_type(environment, monkeypatch):
    monkeypatch.setitem(sys.modules, "qiskit_ibm_runtime", None)
    monkeypatch.delitem(sys.modules, "qmlmat.hardware.adapters.ibm.wire", raising=False)
    adapter = IbmAdapter(ibm_target())
    with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[ibm\]"'):
        adapter.capabilities()
    with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[ibm\]"'):
        adapter.submit(Payload(content=b"", bit_qubits=()), "0" * 64)
