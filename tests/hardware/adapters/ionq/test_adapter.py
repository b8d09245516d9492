"""IonQ's interface, rehearsed: every job is sent once, and found by its key."""

import logging
import sys
import traceback

import numpy as np
import pytest
from braket_rehearsed import counted, waited
from dense_qubits import dense_outcomes
from hypothesis import given, settings
from qubit_circuits import bound_circuits
from rehearsal.client import rehearsed
from rehearsal.ionq import _shares

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import Batch, CountJob
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
from qmlmat.hardware.adapters.ionq import bodies, door
from qmlmat.hardware.adapters.ionq.adapter import IonqAdapter
from qmlmat.hardware.config import load_target
from qmlmat.hardware.task import Task

PLANTED = "PlantedIonqKey0123456789abcdefghij"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One server for the module."""
    with rehearsed("ionq", tmp_path_factory.mktemp("ionq")) as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    """The server, with the client's environment and a planted key."""
    for name, value in {**running.environment(), "IONQ_API_KEY": PLANTED}.items():
        monkeypatch.setenv(name, value)
    return running


def adapter():
    """A new adapter, as a new process has one."""
    return IonqAdapter(load_target("ionq_simulator"))


def task(*programs, run="run"):
    """A task for the simulator."""
    return Task(programs=programs or (counted(),), run=run, target={"provider": "ionq"})


def accepted(server, key):
    """The jobs that the server accepted under a key."""
    return [job for job in server.jobs() if job["key"] == key]


@settings(max_examples=40, deadline=None)
@given(bound_circuits())
def test_what_is_sent_is_the_circuit(case):
    """Every gate of ours, by an independent simulation of what IonQ is sent."""
    circuit, params = case
    job = CountJob(circuit.measured(), np.array([params]), 10)
    gates = bodies.body([job], "simulator", is_ideal=True)["input"]["circuit"]
    found = _shares(gates, circuit.n_qubits)
    for outcome, expected in dense_outcomes(job.circuit, params).items():
        assert found.get(str(outcome), 0.0) == pytest.approx(expected, abs=1e-11)


def test_a_job_is_found_fetched_and_agrees_with_the_dense_reference(server):
    """Two programs in one job; bits in our order; outcomes within 5 standard errors."""
    reversed_bits = tuple(QubitGate("measure", (w,), bit=2 - w) for w in range(3))
    own = counted(shots=4000)
    circuit = QubitCircuit(3, own.circuit.gates[:3] + reversed_bits, 1)
    wanted = task(own, CountJob(circuit, own.angles[:2], 1000), run="found")
    one = adapter()
    assert isinstance(one, Adapter)
    assert one.capabilities().n_qubits == 29
    payload = one.compile(wanted)
    name = one.submit(payload, wanted.key())
    (found,) = adapter().find(wanted.key())
    assert found.remote_id == name
    assert waited(one, name).state == "done"
    raw = one.fetch_raw(name)
    answers = adapter().decode(raw, payload)
    for job, answer in zip(wanted.programs, answers, strict=True):
        for row, angles in enumerate(job.angles):
            seen = dict(zip(answer.outcomes.tolist(), answer.probabilities()[row], strict=True))
            for outcome, expected in dense_outcomes(job.circuit, angles).items():
                sigma = np.sqrt(expected * (1 - expected) / 4000) + 1e-12
                assert abs(seen.get(outcome, 0.0) - expected) < 5 * sigma
    again = one.decode(raw, payload)
    assert all((a.counts == b.counts).all() for a, b in zip(answers, again, strict=True))
    assert one.usage(name).n_shots == one.estimate(wanted).n_executions == 5 * 4000
    one.cancel(name)  # it has ended: nothing happens
    assert one.status(name).state == "done"


def test_the_calibration_of_a_device_is_read(server):
    """Medians, for every qubit and link; the simulator has none."""
    simulator = load_target("ionq_simulator")
    forte = IonqAdapter(simulator.model_copy(update={"device": "qpu.forte-1"}))
    snapshot = forte.snapshot()
    assert snapshot.calibrated == pytest.approx(1795154400)
    assert snapshot.readout_errors == pytest.approx(dict.fromkeys(range(36), 0.005))
    assert snapshot.two_qubit_errors[0, 2] == pytest.approx(0.01)
    assert forte.capabilities().n_qubits == 36
    assert adapter().snapshot() is None


UNSENT = {
    "http400": (RejectedError, "Correct the target or the task"),
    "http401": (CredentialError, "Check env:IONQ_API_KEY"),
    "http429": (RejectedError, "Try again later"),
    "drop_before_accept": (UnclearError, "Look for the job"),
}
SENT = [
    "drop_after_accept",
    "http500_after_accept",
    "http502_after_accept",
    "http503_after_accept",
    "truncated",
    "corrupt",
    "timeout",
]


@pytest.mark.parametrize("kind", UNSENT)
def test_a_refused_job_leaves_nothing_behind(server, kind):
    """Sent once; nothing is found."""
    one, wanted = adapter(), task(run=kind)
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": kind, "retry_after": 7}])
    error, remedy = UNSENT[kind]
    with pytest.raises(error, match=remedy) as caught:
        one.submit(payload, wanted.key())
    if kind == "http429":
        assert caught.value.retry_after == 7
    assert one.find(wanted.key()) == []


@pytest.mark.parametrize("kind", SENT)
def test_an_answer_that_is_lost_leaves_one_job_that_is_found(server, kind, monkeypatch):
    """IonQ's client would have sent it again on 502 and 503."""
    monkeypatch.setattr(door, "_TIMEOUT_S", 0.5)
    one, wanted = adapter(), task(run=kind)
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": kind, "seconds": 1}])
    with pytest.raises(UnclearError, match="Look for the job"):
        one.submit(payload, wanted.key())
    assert len(accepted(server, wanted.key())) == 1
    (found,) = one.find(wanted.key())
    assert waited(one, found.remote_id).state == "done"


@pytest.mark.parametrize("kind", ["http500_after_accept", "drop_before_accept", "http429"])
def test_a_question_without_an_answer_can_be_asked_again(server, kind):
    """Asked once: IonQ's client would ask without end."""
    one, wanted = adapter(), task(run=f"asked {kind}")
    name = one.submit(one.compile(wanted), wanted.key())
    for spot, ask in (
        ("find", lambda: one.find(wanted.key())),
        ("status", lambda: one.status(name)),
    ):
        server.faults([{"on": spot, "kind": kind}])
        with pytest.raises(UnavailableError, match="Ask again"):
            ask()
        assert ask()


def test_a_failed_job_says_why_and_a_spoilt_result_is_told(server):
    """State and reason; a result that cannot be read is not guessed."""
    one, wanted = adapter(), task(run="spoilt")
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": "failed_job"}])
    found = waited(one, one.submit(payload, wanted.key(1)))
    assert (found.state, found.message) == ("failed", "rehearsed failure of the job")
    assert one.usage(found.remote_id).n_shots == 0
    name = one.submit(payload, wanted.key())
    waited(one, name)
    server.faults([{"on": "result", "kind": "corrupt"}])
    with pytest.raises(CorruptResultError, match="Fetch it again"):
        one.decode(one.fetch_raw(name), payload)
    assert one.decode(one.fetch_raw(name), payload)


def test_without_the_client_the_package_to_install_is_named(monkeypatch):
    """Neither circuits nor requests can be made."""
    for name in ("door", "bodies"):
        monkeypatch.delitem(sys.modules, f"qmlmat.hardware.adapters.ionq.{name}", raising=False)
        monkeypatch.delattr(f"qmlmat.hardware.adapters.ionq.{name}", raising=False)
    for name in ("qiskit_ionq", "qiskit_ionq.helpers", "qiskit_ionq.ionq_client"):
        monkeypatch.setitem(sys.modules, name, None)
    for call in (lambda: adapter().compile(task()), lambda: adapter().capabilities()):
        with pytest.raises(MissingExtraError, match=r'pip install "qmlmat\[ionq\]"'):
            call()


def test_what_ionq_cannot_run_is_refused():
    """Expectations; reads before the end."""
    early = QubitCircuit(1, (QubitGate("measure", (0,), bit=0), QubitGate("h", (0,))))
    with pytest.raises(CapabilityError, match="at the end"):
        adapter().compile(task(CountJob(early, np.zeros((1, 0)), 10)))
    batch = Batch(QubitCircuit(1, ()), np.zeros((1, 0)), (), 10)
    with pytest.raises(CapabilityError, match='primitive = "sampler"'):
        adapter().compile(task(batch))


def test_a_planted_key_turns_up_nowhere(server, caplog):
    """Not in payloads, results, errors with their causes, logs at level DEBUG, the server."""
    caplog.set_level(logging.DEBUG)
    one, wanted = adapter(), task(run="planted")
    payload = one.compile(wanted)
    name = one.submit(payload, wanted.key())
    waited(one, name)
    texts = [payload.to_bytes().decode(), one.fetch_raw(name).decode()]
    for kind in ("http401", "http400", "drop_before_accept", "http500_after_accept"):
        server.faults([{"on": "submit", "kind": kind}])
        with pytest.raises(Exception, match="Ionq") as caught:
            one.submit(payload, wanted.key())
        texts.append("".join(traceback.format_exception(caught.value)))
    texts.append(caplog.text)
    texts += [p.read_bytes().decode(errors="replace") for p in server._log.parent.iterdir()]
    assert not any(PLANTED in text for text in texts)
