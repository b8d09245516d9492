"""Whole runs through the ledger, with the doors of Amazon and IonQ, over rehearsed trouble."""

import time

import botocore.retries.standard
import pytest
from braket_rehearsed import PLANTED, adapter, counted, target
from rehearsal.client import rehearsed

from qmlmat.hardware.adapters.ionq.adapter import IonqAdapter
from qmlmat.hardware.config import load_target
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.submission import Submission
from qmlmat.hardware.task import Task


class QuickClock:
    """A clock that runs a thousand times as fast."""

    def now(self):
        return 1000 * time.time()

    def elapsed(self):
        return 1000 * time.monotonic()

    def sleep(self, seconds):
        time.sleep(seconds / 1000)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One server of each for the module."""
    folder = tmp_path_factory.mktemp("runs")
    with rehearsed("braket", folder / "b") as braket, rehearsed("ionq", folder / "i") as ionq:
        yield {"braket": braket, "ionq": ionq}


@pytest.fixture
def servers(running, monkeypatch):
    """The servers, with the clients' environment."""
    given = {**PLANTED, "IONQ_API_KEY": "planted", "AWS_DEFAULT_REGION": "us-east-1"}
    for server in running.values():
        given |= server.environment()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    backoff = botocore.retries.standard.ExponentialBackoff
    monkeypatch.setattr(backoff, "delay_amount", lambda *_: 0.0)
    return running


def through(folder, whither, one, tasks):
    """Drive tasks to their end, and return their answers and what was spent."""
    with Ledger.open(folder, clock=QuickClock()) as ledger:
        ledger.begin("run", {}, whither.fingerprint(), whither.budget)
        ledger.add("run", tasks)
        submission = Submission(ledger, "run", one, retry=whither.retry)
        progress = submission.wait(timeout=60_000)
        assert progress.states == {"done": len(tasks)}, progress.notes
        return submission.answers(), ledger.bills("run")


TROUBLE = {
    "the first answer lost": [{"kind": "http503_after_accept", "times": 3}],
    "and the rest refused for a while": [
        {"kind": "http503_after_accept", "times": 3},
        {"kind": "http429", "times": 3, "retry_after": 1},
    ],
    "the rest dropped": [
        {"kind": "drop_after_accept", "times": 3},
        {"kind": "drop_before_accept", "times": 3},
        {"kind": "drop_after_accept", "times": 3},
    ],
}


@pytest.mark.parametrize("kind", TROUBLE)
def test_a_task_of_two_parts_is_sent_whole_and_billed_once(servers, tmp_path, kind):
    """The run sends the rest under the same key: two quantum tasks in all."""
    server, whither = servers["braket"], target("braket_garnet")
    before = server.counts()["jobs"]
    programs = (counted(100), counted(200))
    asked = Task(programs=programs, run="run", role=kind, target=whither.fingerprint())
    server.faults([{"on": "submit"} | fault for fault in TROUBLE[kind]])
    answers, bills = through(tmp_path, whither, adapter(), [asked])
    assert server.counts()["jobs"] == before + 2
    (found,) = answers.values()
    assert [one.n_shots.tolist() for one in found] == [[100] * 3, [200] * 3]
    (bill,) = bills
    assert bill.amounts.usd == pytest.approx(2 * 0.30 + 900 * 0.00145)


@pytest.mark.parametrize("kind", ["http503_after_accept", "drop_after_accept", "http429"])
def test_a_run_at_ionq_makes_one_job_a_task(servers, tmp_path, kind):
    """Whatever is lost on the way."""
    server, whither = servers["ionq"], load_target("ionq_simulator")
    before = server.counts()["jobs"]
    tasks = [Task(programs=(counted(),), run="run", part=k, role=kind, target={}) for k in (0, 1)]
    server.faults([{"on": "submit", "kind": kind, "retry_after": 1}])
    answers, _ = through(tmp_path, whither, IonqAdapter(whither), tasks)
    assert len(answers) == 2
    assert server.counts()["jobs"] == before + 2
