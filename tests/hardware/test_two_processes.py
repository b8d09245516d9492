"""Two processes on one run: what the second may do while the first is about to send."""

from __future__ import annotations

import pytest
from hardware_fakes import FakeAdapter, FakeServer, Retry, tasks

from qmlmat.hardware.ledger.budget import Budget
from qmlmat.hardware.ledger.leases import LEASE_S
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.submission import Submission


class Clock:
    """A clock on which waiting takes no time."""

    time = 100.0

    def now(self):
        return 1.7e9 + self.time

    def elapsed(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


class Pair:
    """Two processes, and how each sees whether the other lives."""

    def __init__(self, folder, ended):
        self.clock, self.server = Clock(), FakeServer()
        self.ledgers = [
            Ledger.open(folder, clock=self.clock, ended=lambda _: ended) for _ in range(2)
        ]
        self.ledgers[0].begin("run", {}, {}, Budget())
        self.ledgers[0].add("run", tasks(1))
        self.adapters = [FakeAdapter(self.server, clock=self.clock) for _ in range(2)]
        self.first, self.second = (
            Submission(ledger, "run", adapter, retry=Retry())
            for ledger, adapter in zip(self.ledgers, self.adapters, strict=True)
        )

    def close(self):
        for one in (*self.ledgers, self.server):
            one.close()


@pytest.fixture
def pair(tmp_path, request):
    made = Pair(tmp_path / "ledger", request.param)
    yield made
    made.close()


@pytest.mark.parametrize("pair", [False], indirect=True)
def test_while_one_process_sends_the_other_keeps_off(pair):
    """The first hangs in its request for an hour; the second, which sees it live, sends nothing."""
    submit = pair.adapters[0].submit

    def slow(payload, key):
        progress = pair.second.wait(timeout=3600.0)
        assert progress.states == {"submitting": 1}
        return submit(payload, key)

    pair.adapters[0].submit = slow
    assert pair.first.wait().states == {"done": 1}
    assert pair.adapters[1].calls["submit"] == 0
    assert len(pair.server.jobs()) == 1


@pytest.mark.parametrize("pair", [None], indirect=True)
def test_a_process_that_slept_past_its_lease_sends_nothing(pair):
    """Asleep just before its request, in another container, it finds the task taken over."""
    ledger = pair.ledgers[0]
    move = ledger.move

    def sleepy(record, to, **facts):
        moved = move(record, to, **facts)
        if to == "submitting":
            ledger.move = move
            pair.clock.time += LEASE_S
            assert pair.second.wait().states == {"done": 1}
        return moved

    ledger.move = sleepy
    assert pair.first.wait().states == {"done": 1}
    assert pair.adapters[0].calls["submit"] == 0
    (job,) = pair.server.jobs()
    assert job["key"] == tasks(1)[0].key(1)


@pytest.mark.parametrize("pair", [True], indirect=True)
def test_a_process_whose_task_was_finished_by_another_takes_it_as_it_is(pair):
    """Its answer is the same; nothing is fetched twice for the ledger."""
    pair.first.advance()
    pair.second.wait()
    assert pair.first.wait().states == {"done": 1}
    assert len(pair.first.answers()) == 1
    assert pair.adapters[0].calls["result"] == 0
