"""What goes wrong at IBM is told apart: nothing accepted, perhaps accepted, ask again."""

import logging

import pytest
from ibm_tasks import (
    SECRET,
    accepted,
    answered,
    counting,
    finished,
    ibm_target,
    posts,
)

from qmlmat.errors import (
    CorruptResultError,
    CredentialError,
    HardwareError,
    RejectedError,
    UnavailableError,
    UnclearError,
)
from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter
from qmlmat.hardware.task import Task

AFTER = ("http500_after_accept", "http502_after_accept", "http503_after_accept")


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
