"""Amazon's own client against a rehearsed Braket: nothing is lost, nothing is billed twice."""

import logging
import signal
import subprocess
import sys
import textwrap
import traceback

import botocore.retries.standard
import numpy as np
import pytest
from braket.aws import AwsDevice, AwsQuantumTask, AwsSession
from braket_rehearsed import PLANTED, adapter, counted, target, task, waited
from dense_qubits import dense_outcomes
from rehearsal.client import rehearsed

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.errors import (
    CapabilityError,
    CorruptResultError,
    CredentialError,
    MissingExtraError,
    RejectedError,
    UnavailableError,
    UnclearError,
)
from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.adapters.braket import door
from qmlmat.hardware.adapters.braket_circuits import to_braket


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One server for the module."""
    with rehearsed("braket", tmp_path_factory.mktemp("braket")) as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    """The server, with the client's environment, planted credentials, and no waiting."""
    region = {"AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**running.environment(), **PLANTED, **region}.items():
        monkeypatch.setenv(name, value)
    backoff = botocore.retries.standard.ExponentialBackoff
    monkeypatch.setattr(backoff, "delay_amount", lambda *_: 0.0)
    return running


def accepted(server, key):
    """The quantum tasks that the server accepted under a key."""
    return [job for job in server.jobs() if job["key"] == key]


def sent(one, wanted):
    """Submit a task, and return its payload and name."""
    payload = one.compile(wanted)
    return payload, one.submit(payload, wanted.key())


def test_the_adapter_has_the_common_interface(server):
    """Construction needs neither network nor credential."""
    assert isinstance(adapter(), Adapter)


@pytest.mark.parametrize("name", ["braket_garnet", "braket_forte", "braket_sv1"])
def test_brakets_own_sdk_accepts_the_rehearsed_devices(server, name):
    """Capabilities as Braket's schema has them, and as we read them."""
    arn = target(name).device
    device = AwsDevice(arn, AwsSession())
    facts = adapter(name).capabilities()
    assert (facts.name, facts.n_qubits) == (device.name, device.properties.paradigm.qubitCount)
    sets = "braket.ir.openqasm.program_set" in device.properties.action
    assert any("no program sets" in note for note in facts.notes) is not sets


def test_without_the_client_the_package_to_install_is_named(monkeypatch):
    """The adapter is there; its door is not."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "qmlmat.hardware.adapters.braket.door", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[braket\]"'):
        adapter().capabilities()
    monkeypatch.setitem(sys.modules, "braket.circuits", None)
    with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[braket\]"'):
        to_braket(counted().circuit)


def test_what_was_found_is_not_sent_again(server):
    """Not even under its token: nobody promises how long tokens are kept."""
    wanted = task("braket_garnet", counted(100), counted(200), run="begun")
    one = adapter()
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": "drop_after_accept", "times": 3}])
    with pytest.raises(UnclearError):
        one.submit(payload, wanted.key())
    (found,) = one.find(wanted.key())
    before = server.counts()["requests"]["POST /quantum-task"]
    name = one.submit(payload, wanted.key())
    assert server.counts()["requests"]["POST /quantum-task"] == before + 1
    assert name.split(",")[0] == found.remote_id.split(",")[0]


def test_a_missing_spending_limit_is_noted(server):
    """Only what the account sets protects it from every program it runs."""
    one = adapter()
    assert any("No spending limit" in note for note in one.capabilities().notes)
    server._ask(
        "/__rehearsal__/spending-limits",
        b'[{"deviceArn": "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet", "usd": 5}]',
    )
    assert not any("spending limit" in note for note in one.capabilities().notes)


def test_the_calibration_is_read_from_the_device(server):
    """Readout of each qubit, each link, and its date."""
    snapshot = adapter().snapshot()
    assert snapshot.calibrated == pytest.approx(1795154400)
    assert set(snapshot.readout_errors) == set(range(1, 21))
    assert snapshot.readout_errors[3] == pytest.approx(0.03)
    assert snapshot.two_qubit_errors[1, 2] == pytest.approx(0.008)
    assert adapter("braket_sv1").snapshot() is None
    assert adapter("braket_forte").snapshot().readout_errors[35] == pytest.approx(0.005)


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


REFUSED = {
    "http400": (RejectedError, "Correct the target or the task"),
    "http401": (CredentialError, "Check the profile"),
    "http429": (RejectedError, "Try again later"),
    "drop_before_accept": (UnclearError, "Look for the job"),
}
HIDDEN = [
    "drop_after_accept",
    "http500_after_accept",
    "http502_after_accept",
    "http503_after_accept",
]


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_task_leaves_nothing_behind(server, kind):
    """Whatever the client repeats, nothing was accepted, and nothing is found."""
    one, wanted = adapter(), task(run=kind)
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": kind, "times": 1 if kind[:5] == "http4" else 3}])
    if kind == "http429":
        server.faults([{"on": "submit", "kind": kind, "times": 2, "retry_after": 7}])
    error, remedy = REFUSED[kind]
    with pytest.raises(error, match=remedy) as caught:
        one.submit(payload, wanted.key())
    if kind == "http429":
        assert caught.value.retry_after == 7
    assert one.find(wanted.key()) == []
    assert one.submit(payload, wanted.key())
    assert len(accepted(server, wanted.key())) == 1


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", HIDDEN)
def test_an_answer_that_is_lost_makes_no_second_task(server, kind, times):
    """Repeated by the client, or found by the key where every answer was lost: it is one task."""
    one, wanted = adapter(), task(run=f"{kind}{times}")
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": kind, "times": times}])
    if times == 1:
        name = one.submit(payload, wanted.key())
    else:
        with pytest.raises(UnclearError, match="Look for the job"):
            one.submit(payload, wanted.key())
        (found,) = one.find(wanted.key())
        name = found.remote_id
    assert len(accepted(server, wanted.key())) == 1
    assert waited(one, name).state == "done"


def test_no_answer_in_time_is_unclear(server, monkeypatch):
    """The task is found by its key."""
    monkeypatch.setattr(door, "_READ_S", 0.2)
    one, wanted = adapter(), task(run="timeout")
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": "timeout", "times": 3, "seconds": 1}])
    with pytest.raises(UnclearError, match="ReadTimeout"):
        one.submit(payload, wanted.key())
    assert len(adapter().find(wanted.key())) == 1


READS = {"find": lambda one, key, _: one.find(key), "status": lambda one, _, name: one.status(name)}


@pytest.mark.parametrize("kind", ["http500_after_accept", "drop_before_accept", "http429"])
@pytest.mark.parametrize("spot", READS)
def test_a_question_without_an_answer_can_be_asked_again(server, spot, kind):
    """Nothing is concluded from silence."""
    one, wanted = adapter(), task(run="asked")
    _, name = sent(one, wanted)
    server.faults([{"on": spot, "kind": kind, "times": 3}])
    with pytest.raises(UnavailableError, match="Ask again"):
        READS[spot](one, wanted.key(), name)
    assert READS[spot](one, wanted.key(), name)


def test_a_spoilt_result_is_told_and_comes_whole_the_next_time(server):
    """Cut short: the client notices; garbled: the reader does."""
    one, wanted = adapter(), task(run="spoilt")
    payload, name = sent(one, wanted)
    waited(one, name)
    server.faults([{"on": "result", "kind": "truncated", "times": 1}])
    with pytest.raises(UnavailableError, match="Ask again"):
        one.fetch_raw(name)
    server.faults([{"on": "result", "kind": "corrupt", "times": 1}])
    with pytest.raises(CorruptResultError, match="Fetch it again"):
        one.decode(one.fetch_raw(name), payload)
    assert len(one.decode(one.fetch_raw(name), payload)) == 1


def test_a_failed_task_says_why_and_costs_nothing(server):
    """Its state and reason; no shots are billed."""
    one, wanted = adapter(), task(run="failed")
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": "failed_job"}])
    name = one.submit(payload, wanted.key())
    found = waited(one, name)
    assert (found.state, found.message) == ("failed", "rehearsed failure of the job")
    assert (one.usage(name).n_shots, one.usage(name).usd) == (0, 0.0)


def test_a_task_in_several_parts_is_finished_under_the_same_key(server):
    """The second part is refused for a while: what was accepted is kept, and never sent twice."""
    wanted = task("braket_garnet", counted(100), counted(200), run="parts")
    one = adapter()
    payload = one.compile(wanted)
    assert payload.facts["n_quantum_tasks"] == 2
    plan = [{"on": "submit", "kind": "http429", "times": 3}]
    create = door.Door.create

    def second_is_busy(self, **given):
        if given["tags"]["qmlmat-part"] == "1/2":
            server.faults(plan)
        return create(self, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door.Door, "create", second_is_busy)
        with pytest.raises(UnclearError, match="1 of 2 quantum tasks had been accepted"):
            one.submit(payload, wanted.key())
    (found,) = one.find(wanted.key())
    assert (found.is_whole, found.state in {"queued", "running"}) == (False, True)
    assert "1 of 2 quantum tasks were sent" in found.message
    name = one.submit(payload, wanted.key())
    assert len(accepted(server, wanted.key())) == 2
    assert waited(one, name).state == "done"
    answers = one.decode(one.fetch_raw(name), payload)
    assert [answer.n_shots.tolist() for answer in answers] == [[100] * 3, [200] * 3]


def test_a_part_that_will_never_be_sent_takes_the_others_back(server):
    """Refused for good: what was accepted is cancelled."""
    wanted = task("braket_sv1", counted(10), run="refused")
    one = adapter("braket_sv1")
    payload = one.compile(wanted)
    create = door.Door.create

    def last_is_refused(self, **given):
        if given["tags"]["qmlmat-part"] == "2/3":
            server.faults([{"on": "submit", "kind": "http400"}])
        return create(self, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door.Door, "create", last_is_refused)
        with pytest.raises(UnclearError, match="that part was cancelled"):
            one.submit(payload, wanted.key())
    (found,) = one.find(wanted.key())
    assert not found.is_whole
    assert len(accepted(server, wanted.key())) == 2


def test_what_a_device_cannot_do_is_refused_before_anything_is_sent(server):
    """Too many qubits or shots; folding, which compilers undo."""
    one = adapter()
    large = QubitCircuit(21, ()).measured()
    folded = CountJob(counted().circuit, counted().angles, 100, fold=3)
    for job, remedy in (
        (CountJob(large, np.zeros((1, 0)), 100), "another device"),
        (counted(shots=30_000), "Lower"),
        (folded, "Leave noise_factors out"),
    ):
        with pytest.raises(CapabilityError, match=remedy):
            one.compile(task("braket_garnet", job))


def test_a_missing_credential_is_named_not_shown(server, monkeypatch):
    """Where it is looked for."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CredentialError, match="AWS_SECRET_ACCESS_KEY is not set"):
        adapter().capabilities()


def test_planted_credentials_turn_up_nowhere(server, tmp_path, caplog):
    """Not in payloads, results, errors with their causes, logs at level DEBUG, the server."""
    caplog.set_level(logging.DEBUG)
    one, wanted = adapter(), task(run="planted")
    payload, name = sent(one, wanted)
    waited(one, name)
    texts = [payload.to_bytes().decode(), one.fetch_raw(name).decode(), repr(one.status(name))]
    for spot, kind, call in (
        ("submit", "http401", lambda: one.submit(payload, wanted.key())),
        ("submit", "http400", lambda: one.submit(payload, wanted.key())),
        ("submit", "drop_before_accept", lambda: one.submit(payload, wanted.key())),
        ("status", "http500_after_accept", lambda: one.status(name)),
    ):
        server.faults([{"on": spot, "kind": kind, "times": 1 if "http4" in kind else 3}])
        with pytest.raises(Exception, match="Braket") as caught:
            call()
        texts.append("".join(traceback.format_exception(caught.value)))
    texts.append(caplog.text)
    folder = server._log.parent
    texts += [path.read_bytes().decode(errors="replace") for path in folder.iterdir()]
    for secret in PLANTED.values():
        assert not any(secret in text for text in texts)


KILLED = """
    import os, signal
    from braket_rehearsed import adapter, counted, task
    from qmlmat.hardware.adapters.braket import door
from qmlmat.hardware.adapters.braket_circuits import to_braket
    create = door.Door.create
    def then_dies(self, **given):
        create(self, **given)
        if given["tags"]["qmlmat-part"].startswith("{part}/"):
            os.kill(os.getpid(), signal.SIGKILL)
    door.Door.create = then_dies
    one, wanted = adapter(), task("braket_garnet", counted(100), counted(200), run="{run}")
    one.submit(one.compile(wanted), wanted.key())
"""
TWICE = """
    from braket_rehearsed import adapter, task
    one, wanted = adapter(), task(run="{run}")
    print(one.submit(one.compile(wanted), wanted.key()))
"""


def process(text, **given):
    """Run a program in a process of its own."""
    code = textwrap.dedent(text.format(**given))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("part", [0, 1])
def test_a_killed_process_loses_nothing(server, part):
    """Killed after the first or the last quantum task: found by the key, finished, fetched."""
    run = f"killed {part}"
    assert process(KILLED, part=part, run=run).returncode == -signal.SIGKILL
    one, wanted = adapter(), task("braket_garnet", counted(100), counted(200), run=run)
    payload = one.compile(wanted)
    (found,) = one.find(wanted.key())
    assert found.is_whole is bool(part)
    name = found.remote_id if part else one.submit(payload, wanted.key())
    assert len(accepted(server, wanted.key())) == 2
    assert waited(one, name).state == "done"
    assert len(one.decode(one.fetch_raw(name), payload)) == 2


@pytest.mark.slow
def test_two_processes_with_one_task_make_one_quantum_task(server):
    """The token is the key, whoever sends it."""
    names = {process(TWICE, run="twice").stdout for _ in range(2)}
    assert len(names) == 1
    assert len(accepted(server, task(run="twice").key())) == 1


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back_remembers(tmp_path, monkeypatch):
    """Tokens and results outlive it."""
    with rehearsed("braket", tmp_path) as running:
        for name, value in {**running.environment(), **PLANTED}.items():
            monkeypatch.setenv(name, value)
        one, wanted = adapter(), task(run="restart")
        payload, name = sent(one, wanted)
        running.kill()
        running.start()
        assert one.submit(payload, wanted.key()) == name
        assert waited(one, name).state == "done"
