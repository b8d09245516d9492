"""IBM's unchanged client against a rehearsed service: jobs are sent once, found again, and read."""

import contextlib
import logging
import os
import subprocess
import sys
import uuid

import numpy as np
import pytest
from ibm_tasks import (
    ANGLES,
    PAIR,
    answered,
    counting,
    estimating,
    exact,
    finished,
    ibm_target,
    measured_circuit,
)
from pauli_sums import dense
from rehearsal.client import rehearsed

import qmlmat as qm
from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured
from qmlmat.errors import (
    CorruptResultError,
    CredentialError,
    HardwareError,
    MissingExtraError,
    RejectedError,
    UnavailableError,
    UnclearError,
)
from qmlmat.hardware.adapters.base import Adapter, Payload
from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter, tag_of
from qmlmat.hardware.config import load_target
from qmlmat.hardware.task import Task

SECRET = "planted-5f3a9c0d1e"
AFTER = ("http500_after_accept", "http502_after_accept", "http503_after_accept")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with rehearsed("ibm", tmp_path_factory.mktemp("ibm"), device="manila") as found:
        yield found


@pytest.fixture(scope="module")
def environment(server):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        patch.setenv("QISKIT_IBM_TOKEN", SECRET)
        yield patch


@pytest.fixture(scope="module")
def counter(environment) -> IbmAdapter:
    return IbmAdapter(ibm_target(), timeout_s=20.0)


@pytest.fixture(scope="module")
def estimator(environment) -> IbmAdapter:
    return IbmAdapter(ibm_target(primitive="estimator"))


@pytest.fixture(scope="module")
def ended(counter) -> str:
    """A job that is done."""
    task = counting("ended")
    remote_id = counter.submit(counter.compile(task), task.key())
    assert finished(counter, remote_id) == "done"
    return remote_id


@pytest.fixture
def run() -> str:
    """A run of its own for each test: jobs of others are not found."""
    return uuid.uuid4().hex


def accepted(server, task: Task) -> list[str]:
    """The jobs of a task that the server has."""
    return [job["id"] for job in server.jobs() if job["key"] == tag_of(task.key())]


def posts(server) -> int:
    return server.counts()["requests"].get("POST /api/v1/jobs", 0)


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


@pytest.mark.parametrize("kind", [*AFTER, "drop_after_accept", "truncated", "corrupt"])
def test_a_job_without_an_answer_is_unclear_and_sent_once(counter, run, server, kind):
    """The client alone would send it again, and both would be billed."""
    task = counting(run)
    payload = counter.compile(task)
    before = posts(server)
    server.faults([{"on": "submit", "kind": kind}])
    with pytest.raises(UnclearError, match="Look for it by its key"):
        counter.submit(payload, task.key())
    assert posts(server) == before + 1
    assert [job.remote_id for job in counter.find(task.key())] == accepted(server, task)
    assert len(accepted(server, task)) == 1


def test_a_job_dropped_before_it_is_accepted_is_unclear_and_not_found(counter, run, server):
    task = counting(run)
    payload = counter.compile(task)
    server.faults([{"on": "submit", "kind": "drop_before_accept"}])
    with pytest.raises(UnclearError, match="Look for it by its key"):
        counter.submit(payload, task.key())
    assert counter.find(task.key()) == []


def test_a_silent_server_is_left_after_a_while(environment, run, server):
    task = counting(run)
    adapter = IbmAdapter(ibm_target(), timeout_s=0.5)
    payload = adapter.compile(task)
    server.faults([{"on": "submit", "kind": "timeout", "seconds": 5.0}])
    with pytest.raises(UnclearError, match="Look for it by its key"):
        adapter.submit(payload, task.key())
    assert len(accepted(server, task)) == 1


@pytest.mark.parametrize(
    ("fault", "error", "remedy"),
    [
        ({"kind": "http400"}, RejectedError, "Correct the task"),
        ({"kind": "http401"}, CredentialError, "Make a new API key"),
        ({"kind": "http429", "retry_after": 7}, RejectedError, "Try again in 7 s"),
    ],
)
def test_a_refused_job_is_known_not_to_exist(counter, run, server, fault, error, remedy):
    task = counting(run)
    payload = counter.compile(task)
    server.faults([{"on": "submit", **fault}])
    with pytest.raises(error, match=remedy) as caught:
        counter.submit(payload, task.key())
    assert accepted(server, task) == []
    if error is RejectedError:
        assert caught.value.retry_after == (7.0 if "retry_after" in fault else None)
    assert counter.submit(payload, task.key()) in accepted(server, task)


@pytest.mark.parametrize("kind", [AFTER[0], AFTER[2], "drop_after_accept", "http429", "truncated"])
@pytest.mark.parametrize("spot", ["status", "find", "usage", "result"])
def test_a_question_without_an_answer_can_be_asked_again(counter, ended, server, spot, kind):
    ask = {
        "status": lambda: counter.status(ended).state,
        "find": lambda: len(counter.find(counting("ended").key())),
        "usage": lambda: counter.usage(ended).seconds,
        "result": lambda: len(counter.fetch_raw(ended)),
    }[spot]
    server.faults([{"on": spot, "kind": kind}])
    with pytest.raises(UnavailableError, match="Ask again later"):
        ask()
    assert ask()


def test_a_corrupt_result_is_told_and_can_be_fetched_again(counter, run, server):
    task = counting(run)
    payload = counter.compile(task)
    remote_id = counter.submit(payload, task.key())
    finished(counter, remote_id)
    server.faults([{"on": "result", "kind": "corrupt"}])
    raw = counter.fetch_raw(remote_id)
    with pytest.raises(CorruptResultError, match="Fetch it again"):
        counter.decode(raw, payload)
    assert counter.decode(counter.fetch_raw(remote_id), payload)


def test_a_result_of_another_job_is_not_taken(counter, run):
    """Its circuits are of another number."""
    _, found = answered(counter, counting(run))
    other = Task(programs=counting(run).programs * 2, run=run, target={})
    payload = counter.compile(other)
    remote_id = counter.find(counting(run).key())[0].remote_id
    assert len(found) == 1
    with pytest.raises(CorruptResultError, match="for a job of 2"):
        counter.decode(counter.fetch_raw(remote_id), payload)


def test_a_job_that_fails_says_why(counter, run, server):
    task = counting(run)
    server.faults([{"on": "submit", "kind": "failed_job"}])
    remote_id = counter.submit(counter.compile(task), task.key())
    assert finished(counter, remote_id) == "failed"
    assert "rehearsed failure" in counter.status(remote_id).message


def test_a_job_longer_than_its_limit_is_ended_by_the_provider(environment, run):
    """The limit is sent with every job."""
    adapter = IbmAdapter(ibm_target(mode={"max_execution_time_s": 1}))
    task = counting(run)
    remote_id = adapter.submit(adapter.compile(task), task.key())
    assert finished(adapter, remote_id) == "failed"
    assert "1305" in adapter.status(remote_id).message


def test_a_job_that_has_ended_is_not_cancelled(counter, ended):
    counter.cancel(ended)
    assert counter.status(ended).state == "done"


def test_a_refused_key_is_called_that(environment, server):
    """The client alone would say that no device matches."""
    with environment.context() as patch:
        patch.setenv("QISKIT_IBM_TOKEN", "refused-key")
        with pytest.raises(CredentialError, match="Make a new API key") as caught:
            IbmAdapter(ibm_target()).capabilities()
    assert "refused-key" not in str(caught.value)


def test_a_device_that_is_not_there_is_told(environment):
    with pytest.raises(UnavailableError, match='the device "ibm_nowhere"'):
        IbmAdapter(ibm_target(device="ibm_nowhere")).capabilities()


def test_no_credential_is_written_logged_or_raised(environment, run, server, tmp_path, caplog):
    """The planted key is in no file, log line, message or payload."""
    caplog.set_level(logging.DEBUG)
    adapter, task = IbmAdapter(ibm_target(), timeout_s=20.0), counting(run)
    payload = adapter.compile(task)
    texts = [payload.to_bytes().decode(), repr(adapter), repr(vars(adapter))]
    for spot, kind in (("submit", "http401"), ("submit", "drop_after_accept"), ("find", "http429")):
        server.faults([{"on": spot, "kind": kind}])
        with pytest.raises(HardwareError) as caught:
            adapter.submit(payload, task.key()) if spot == "submit" else adapter.find(task.key())
        texts += [str(caught.value), repr(caught.getrepr(style="long"))]
    texts.append(caplog.text)
    folder = server._log.parent
    texts += [path.read_bytes().decode("latin-1") for path in folder.iterdir()]
    assert not any(SECRET in text for text in texts)


@pytest.mark.slow
def test_a_server_that_is_gone_accepts_nothing_and_comes_back(tmp_path, environment, run):
    """No connection, so that nothing was sent. What was accepted before is still there."""
    started = rehearsed("ibm", tmp_path, device="manila", latency=60.0)
    with started as own, environment.context() as patch:
        patch.setenv("http_proxy", own.environment()["http_proxy"])
        adapter, task = IbmAdapter(ibm_target()), counting(run)
        payload = adapter.compile(task)
        remote_id = adapter.submit(payload, task.key())
        assert adapter.status(remote_id).state == "queued"
        with pytest.raises(UnavailableError, match="no result yet"):
            adapter.fetch_raw(remote_id)
        with pytest.raises(UnavailableError, match="not counted yet"):
            adapter.usage(remote_id)
        adapter.cancel(remote_id)
        own.kill()
        with pytest.raises(RejectedError, match="Try again in 30 s"):
            adapter.submit(payload, task.key(1))
        own.start()
        assert adapter.status(remote_id).state == "cancelled"


KILLED = """
import os, signal, sys
from ibm_tasks import counting, estimating, ibm_target
from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter
primitive, run = sys.argv[1:]
adapter = IbmAdapter(ibm_target(primitive=primitive))
task = counting(run) if primitive == "sampler" else estimating(run)
payload = adapter.compile(task)
sys.stdout.buffer.write(payload.to_bytes())
sys.stdout.flush()
adapter.submit(payload, task.key())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.parametrize("primitive", ["sampler", "estimator"])
def test_a_process_killed_after_sending_loses_nothing(environment, server, run, primitive):
    """SIGKILL before the job's name is stored; another process finds it by its key."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, primitive, run],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -9
    task = counting(run) if primitive == "sampler" else estimating(run)
    adapter, payload = IbmAdapter(ibm_target()), Payload.from_bytes(killed.stdout)
    (job,) = adapter.find(task.key())
    assert finished(adapter, job.remote_id) == "done"
    (found,) = adapter.decode(adapter.fetch_raw(job.remote_id), payload)
    assert isinstance(found, Histogram if primitive == "sampler" else Measured)


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


@pytest.mark.slow
@pytest.mark.parametrize(("name", "accuracy"), [("ibm_open", 0.12), ("ibm_payg", 0.03)])
def test_the_shipped_targets_measure_hydrogen(tmp_path, name, accuracy):
    """Its energy from the exact state: raw counts of 4096 shots, and with readout mitigated."""
    h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
    words = h2.pauli_sum(h2.qubit_mapping("parity", reduced=True))
    lowest = np.linalg.eigh(dense(words))
    state = lowest.eigenvectors[:, 0].real  # wire 0 is the highest bit of the index
    assert np.allclose(state[[0, 3]], 0, atol=1e-9)
    angle = np.array([[2 * np.arctan2(state[2], state[1])]])
    circuit = PAIR.then(QubitCircuit(2, (QubitGate("x", (1,)),)))
    with rehearsed("ibm", tmp_path, device="fez") as own, pytest.MonkeyPatch.context() as patch:
        for key, value in own.environment().items():
            patch.setenv(key, value)
        target = load_target(name)
        adapter = IbmAdapter(target)
        if target.primitive == "estimator":
            programs = (Batch(circuit, angle, (words,), 4096),)
            _, (found,) = answered(adapter, Task(programs=programs, run=name, target={}))
            energy = float(found.values[0, 0])
        else:
            turned = circuit.then(QubitCircuit(2, (QubitGate("h", (0,)), QubitGate("h", (1,)))))
            jobs = [CountJob(measured_circuit(one), angle, 4096) for one in (circuit, turned)]
            _, counts = answered(adapter, Task(programs=tuple(jobs), run=name, target={}))
            energy = float(words.constant.real)
            for x, z, value in zip(words.x, words.z, words.coefficients.real, strict=True):
                if x or z:
                    energy += value * counts[int(x != 0)].parities(np.array([x | z]))[0, 0]
    assert abs(energy - lowest.eigenvalues[0]) < accuracy
