"""Trouble on the way to a rehearsed Braket: nothing is lost, nothing is billed twice."""

import logging
import traceback

import pytest
from braket_rehearsed import PLANTED, accepted, adapter, sent, task, waited

from qmlmat.errors import (
    CorruptResultError,
    CredentialError,
    RejectedError,
    UnavailableError,
    UnclearError,
)
from qmlmat.hardware.adapters.braket import door

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


def test_a_garbled_answer_is_unclear(server):
    """Amazon's client makes an empty one of it, and asks no second time."""
    one, wanted = adapter(), task(run="garbled")
    payload = one.compile(wanted)
    server.faults([{"on": "submit", "kind": "corrupt"}])
    with pytest.raises(UnclearError, match=r"cannot be read\. Look for the job"):
        one.submit(payload, wanted.key())
    assert len(one.find(wanted.key())) == len(accepted(server, wanted.key())) == 1


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


@pytest.mark.parametrize(
    "kind", ["http500_after_accept", "drop_before_accept", "http429", "corrupt"]
)
@pytest.mark.parametrize("spot", READS)
def test_a_question_without_an_answer_can_be_asked_again(server, spot, kind):
    """Nothing is concluded from silence."""
    one, wanted = adapter(), task(run="asked")
    _, name = sent(one, wanted)
    server.faults([{"on": spot, "kind": kind, "times": 1 if kind == "corrupt" else 3}])
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
