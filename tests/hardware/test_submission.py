"""The rules by which tasks go from plan to answer, one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hardware_fakes import (
    FakeAdapter,
    FakeServer,
    Faults,
    Retry,
    content_of,
    estimator_task,
    expected,
    same,
    tasks,
)

from qmlmat.backends.qubits.jobs import Measured
from qmlmat.errors import (
    BudgetError,
    CapabilityError,
    CorruptResultError,
    CredentialError,
    MeasurementError,
)
from qmlmat.hardware.ledger.budget import Budget
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.submission import Submission

GRACE_S = Retry().ambiguous_grace_s


class Clock:
    """A clock on which waiting takes no time."""

    def __init__(self):
        self.time, self.sleeps = 100.0, []

    def now(self):
        return 1.7e9 + self.time

    def elapsed(self):
        return self.time

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.time += seconds


class Bench:
    """A ledger, a fake provider, and a run of a few tasks."""

    def __init__(self, folder):
        self.clock = Clock()
        self.ledger = Ledger.open(folder, clock=self.clock)
        self.server, self.faults = FakeServer(), Faults()
        self.adapter = FakeAdapter(self.server, clock=self.clock, faults=self.faults)

    def begin(self, n=1, budget=None, **retry):
        """The submission of a run of n tasks."""
        self.ledger.begin("run", {}, {}, budget or Budget())
        self.ledger.add("run", tasks(n))
        return self.again(**retry)

    def again(self, **retry):
        """What a new process drives the run with."""
        return Submission(self.ledger, "run", self.adapter, retry=Retry(**retry))

    def moves(self):
        """The states that the first task went through."""
        key = self.ledger.tasks("run")[0].key
        events = [one for one in self.ledger.events("run") if one.key == key and one.target]
        return [one.target for one in events if one.target != one.source]

    def fail(self, *faults):
        self.faults.coming += faults


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "ledger")
    yield made
    made.ledger.close()
    made.server.close()


STRAIGHT = ["planned", "reserved", "submitting", "submitted", "running", "fetched", "done"]


def test_without_trouble_every_task_is_sent_once_and_answered(bench):
    """Answers are those of the device; costs replace reservations; the layout is one."""
    submission = bench.begin(3)
    progress = submission.wait()
    assert progress.is_over
    assert progress.states == {"done": 3}
    for key, answers in submission.answers().items():
        assert same(answers, expected(content_of(bench.ledger.task(key)), key))
        assert len(answers) == 2  # the task's, and the sentinel's
    assert [one for one in bench.moves() if one != "running"] == [
        one for one in STRAIGHT if one != "running"
    ]
    assert bench.adapter.layouts == [None, (4, 7), (4, 7)]
    totals = bench.ledger.totals("run")
    assert (totals.reserved.jobs, totals.spent.jobs, totals.spent.seconds) == (0, 3, 6.0)
    assert all(bench.ledger.calibration(one) is not None for one in bench.ledger.tasks("run"))


def test_expectations_of_the_provider_come_back_as_they_are(bench):
    """A task of a vendor's estimator."""
    bench.ledger.begin("run", {}, {}, Budget())
    (key,) = bench.ledger.add("run", [estimator_task()])
    submission = bench.again()
    submission.wait()
    (answer,) = submission.answers()[key]
    assert isinstance(answer, Measured)
    assert answer.values.shape == (2, 1)


def test_answers_are_read_from_the_spool_in_a_fresh_process(bench):
    """No second download, no second job; the same bits."""
    submission = bench.begin(2)
    submission.wait()
    calls = Counter(bench.adapter.calls)
    fresh = bench.again()
    fresh.wait()
    assert all(same(fresh.answers()[key], found) for key, found in submission.answers().items())
    assert bench.adapter.calls == calls


def test_states_tell_where_tasks_are_without_the_network(bench):
    """Keys are those of the tasks."""
    submission = bench.begin(2)
    assert submission.states() == dict.fromkeys([one.key() for one in tasks(2)], "planned")
    submission.advance()
    assert set(submission.states().values()) == {"submitted"}
    assert not submission.answers()


# ---------------------------------------------------------------- jobs that may exist


def test_a_job_without_an_answer_is_found_by_its_key_and_not_sent_again(bench):
    """Dropped connection after the job was accepted."""
    bench.fail(("submit", "drop_after_accept"))
    bench.begin().wait()
    assert len(bench.server.jobs()) == 1
    assert bench.moves()[2:5] == ["submitting", "ambiguous", "submitted"]


def test_a_job_counts_as_absent_after_two_searches_and_the_grace(bench):
    """The second job carries the key of the next attempt."""
    bench.fail(("submit", "drop_before_accept"))
    submission = bench.begin()
    submission.advance()
    assert bench.moves()[-1] == "ambiguous"
    for _ in range(5):  # searching often proves nothing
        submission.advance()
    assert bench.server.jobs() == []
    bench.clock.time += GRACE_S
    submission.advance()
    (job,) = bench.server.jobs()
    assert job["key"] == tasks(1)[0].key(1)
    assert bench.adapter.calls["find"] >= 2


def test_what_another_process_watched_proves_nothing(bench):
    """The time of day may have been set: a new process searches for the whole grace itself."""
    bench.fail(("submit", "drop_before_accept"))
    bench.begin().advance()
    for _ in range(3):
        bench.clock.time += 10 * GRACE_S
        bench.again().advance()
    assert bench.server.jobs() == []
    assert bench.again().wait().states == {"done": 1}
    assert len(bench.server.jobs()) == 1


def test_the_index_of_the_provider_may_lag(bench):
    """A job that is shown only after the grace's end minus a moment is adopted."""
    bench.server.visible_after = GRACE_S
    bench.fail(("submit", "timeout_after_accept"))
    bench.begin().wait()
    assert len(bench.server.jobs()) == 1


def test_of_jobs_with_one_key_one_is_kept_and_the_others_are_cancelled_and_told(bench):
    """The vendor's client sent it twice and named the second only."""
    bench.fail(("submit", "sent_twice"))
    notes = []
    bench.begin().wait(watch=lambda progress: notes.extend(progress.notes))
    first, second = bench.server.jobs()
    assert first["cancelled"] is None
    assert second["cancelled"] is not None
    assert any("second job job-2 carried its key" in one for one in notes)
    (record,) = bench.ledger.tasks("run")
    assert record.remote_id == "job-1"
    assert [bill.remote_id for bill in bench.ledger.bills("run") if bill.is_extra] == ["job-2"]


def test_a_task_that_never_arrives_ends_as_failed(bench):
    """After so many attempts the connection has to be seen to; the money is free again."""
    bench.fail(*[("submit", "drop_before_accept")] * 3)
    progress = bench.begin(attempts=3).wait()
    assert progress.states == {"failed": 1}
    assert "see to the connection" in bench.ledger.tasks("run")[0].message
    assert bench.ledger.totals("run").reserved.jobs == 0


# ---------------------------------------------------------------- jobs that were refused


def test_a_full_queue_is_waited_for(bench):
    """429: the time that the provider names, no new attempt, nothing else meanwhile."""
    bench.fail(("submit", "http429"), ("submit", "http429"))
    submission = bench.begin(2)
    progress = submission.advance()
    assert bench.adapter.calls["submit"] == 1  # the second task is not even tried
    assert progress.pause == pytest.approx(5.0)
    submission.advance()
    assert bench.adapter.calls["submit"] == 1
    submission.wait()
    assert len(bench.server.jobs()) == 2
    assert bench.server.jobs()[0]["key"] == tasks(1)[0].key(0)


def test_jobs_are_sent_at_the_providers_pace(bench):
    """Twelve seconds between any two, by one process or several."""
    bench.begin(3, min_submit_interval_s=12.0).wait(until="sent")
    times = [job["created"] for job in bench.server.jobs()]
    assert [round(b - a) for a, b in pairwise(times)] == [12, 12]
    bench.ledger.add("run", tasks(4))
    bench.again(min_submit_interval_s=12.0).advance()
    assert len(bench.server.jobs()) == 3


def test_a_clock_set_back_does_not_stop_the_sending(bench):
    """The pace is kept, and the clock is not waited for."""
    submission = bench.begin(2, min_submit_interval_s=12.0)
    submission.advance()
    bench.clock.now = lambda: 1.0
    assert submission.advance().pause <= 12.0


def test_a_wrong_credential_stops_the_run_and_harms_no_task(bench):
    """401: nothing was accepted; with the right one the same run goes on."""
    bench.fail(("submit", "http401"))
    submission = bench.begin(2)
    with pytest.raises(CredentialError, match="Set FAKE_TOKEN"):
        submission.wait()
    assert set(submission.states().values()) == {"reserved"}
    assert bench.again().wait().states == {"done": 2}
    assert len(bench.server.jobs()) == 2


def test_a_malformed_job_fails_at_once_and_is_tried_again_by_the_next_process_only(bench):
    """400: the same thing again would be refused again, until the user changed something."""
    bench.fail(("submit", "http400"))
    submission = bench.begin(2)
    assert submission.wait().states == {"failed": 1, "done": 1}
    assert bench.ledger.totals("run").reserved.jobs == 0
    assert bench.again().wait().states == {"done": 2}


def test_what_the_device_cannot_run_is_told_before_anything_is_sent(bench):
    """The third of three circuits does not fit: the first two are not sent either."""
    compile_ = bench.adapter.compile

    def compiled(task, *, layout=None):
        if task.part == 2:
            raise CapabilityError("toy: no such gate. Use another.")
        return compile_(task, layout=layout)

    bench.adapter.compile = compiled
    with pytest.raises(CapabilityError, match="no such gate"):
        bench.begin(3).advance()
    assert bench.server.jobs() == []


def test_a_run_over_its_budget_is_not_begun(bench):
    """Two of three jobs would fit: none is sent. With a larger budget the same run goes on."""
    submission = bench.begin(3, Budget(max_jobs=2))
    with pytest.raises(BudgetError, match="raise max_jobs to 3"):
        submission.wait()
    assert bench.server.jobs() == []
    assert set(submission.states().values()) == {"refused"}
    bench.ledger.begin("run", {}, {}, Budget(max_jobs=3))
    assert submission.wait().states == {"done": 3}


def test_jobs_on_their_way_are_waited_for_before_the_budget_is_complained_of(bench):
    """Later tasks that do not fit cost nothing of what was sent before."""
    submission = bench.begin(1, Budget(max_jobs=1))
    submission.advance()
    bench.ledger.add("run", tasks(2))
    with pytest.raises(BudgetError):
        submission.wait()
    assert sorted(submission.states().values()) == ["done", "refused"]


# ---------------------------------------------------------------- jobs and results that fail


def test_a_failed_job_is_sent_again_only_where_that_is_allowed(bench):
    """It may be billed; the provider's reason is kept."""
    bench.fail(("submit", "failed_job"))
    assert bench.begin().wait().states == {"failed": 1}
    assert bench.ledger.tasks("run")[0].message == "calibration lost"
    assert bench.again().wait().states == {"failed": 1}
    submission = bench.again(resubmit_failed=True)
    assert submission.wait().states == {"done": 1}
    assert [job["key"] for job in bench.server.jobs()] == [tasks(1)[0].key(k) for k in (0, 1)]
    assert bench.ledger.totals("run").spent.jobs == 2


def test_a_failed_job_is_not_sent_again_beyond_the_budget(bench):
    """What it cost is spent."""
    bench.fail(("submit", "failed_job"))
    notes = []
    submission = bench.begin(1, Budget(max_jobs=1), resubmit_failed=True)
    progress = submission.wait(watch=lambda one: notes.extend(one.notes))
    assert progress.states == {"failed": 1}
    assert any("not sent again" in one and "max_jobs" in one for one in notes)


@pytest.mark.parametrize("kind", ["truncated", "corrupt", "swapped", "cut"])
def test_a_result_that_cannot_be_read_is_fetched_again(bench, kind):
    """What came first is kept."""
    bench.fail(("result", kind))
    assert bench.begin().wait().states == {"done": 1}
    assert len(bench.server.jobs()) == 1
    assert bench.ledger.tasks("run")[0].n_bad == 1
    assert len(list((bench.ledger.folder / "raw").iterdir())) == (1 if kind == "cut" else 2)


def test_a_result_that_stays_unreadable_ends_as_failed_with_what_came(bench):
    """Fetched as often as allowed, and paid for."""
    bench.fail(*[("result", "truncated")] * 3)
    assert bench.begin(attempts=3).wait().states == {"failed": 1}
    (record,) = bench.ledger.tasks("run")
    assert "cannot be read" in record.message
    assert len(bench.ledger.read_raw(record)) > 0
    assert bench.ledger.totals("run").spent.jobs == 1


def test_answers_of_another_shape_are_no_answers(bench):
    """A provider that leaves out a program, or a point, is not believed."""
    decode = bench.adapter.decode
    bench.adapter.decode = lambda raw, payload: decode(raw, payload)[:1]
    assert bench.begin(attempts=2).wait().states == {"failed": 1}
    assert "1 answers to 2 programs" in bench.ledger.tasks("run")[0].message


def test_a_damaged_spool_is_fetched_again(bench):
    """The result is still at the provider; nothing is run again."""
    bench.begin().wait()
    (record,) = bench.ledger.tasks("run")
    (bench.ledger.folder / "raw" / record.raw).write_bytes(b"rubbish")
    fresh = bench.again()
    with pytest.raises(CorruptResultError, match="it is fetched again"):
        fresh.answers()
    assert fresh.wait().states == {"done": 1}
    assert same(fresh.answers()[record.key], expected(content_of(tasks(1)[0]), record.key))
    assert len(bench.server.jobs()) == 1


def test_a_damaged_payload_is_not_sent(bench):
    """Bit order and content are what was made, or nothing is sent."""
    bench.fail(("submit", "http429"))
    submission = bench.begin()
    submission.advance()
    (record,) = bench.ledger.tasks("run")
    (bench.ledger.folder / "payloads" / record.payload).write_bytes(b"{}")
    with pytest.raises(CorruptResultError, match="altered. Restore it from a copy"):  # noqa: RUF043
        submission.wait()
    assert bench.server.jobs() == []


def test_costs_that_are_not_known_yet_stay_reserved(bench):
    """The answer does not wait for the bill; the budget does."""
    bench.fail(*[("usage", "timeout")] * 2)
    submission = bench.begin()
    submission.wait()
    assert submission.answers()
    assert bench.ledger.totals("run").reserved.jobs == 1
    for _ in range(2):
        submission.advance()
    assert bench.ledger.totals("run").reserved.jobs == 0
    assert bench.ledger.totals("run").spent.jobs == 1


# ---------------------------------------------------------------- waiting and stopping


def test_polling_grows_slower_and_is_never_in_step(bench, monkeypatch):
    """30 s at first, 5 min at last, each a little off."""
    monkeypatch.setattr("hardware_fakes.QUEUE", 5000.0)
    progress = bench.begin().wait(timeout=3000.0)
    assert progress.states == {"submitted": 1}
    sleeps = bench.clock.sleeps
    assert 24 <= sleeps[0] <= 36
    assert max(sleeps) <= 360
    assert len(sleeps) < 20
    assert len({round(one, 6) for one in sleeps}) == len(sleeps)


def test_a_result_that_is_nonsense_ends_as_failed_with_a_reason(bench):
    """It can be read and stays so: the run goes on without it, and pays for it."""

    def nonsense(*_):
        raise MeasurementError("every bit of every circuit is 0")

    submission = bench.begin(2)
    bench.adapter.decode = nonsense
    progress = submission.wait()
    assert progress.states == {"failed": 2}
    assert all("every bit" in one.message for one in bench.ledger.tasks("run"))
    assert bench.ledger.totals("run").reserved.jobs == 0


def test_cancelling_ends_a_job_of_which_only_a_part_was_taken(bench):
    """That part ran before it could be stopped: it is paid, and no more of it is waited for."""
    submission = bench.begin()
    submission.advance()
    whole = bench.adapter.status

    def partial(name):
        return replace(whole(name), is_whole=False, state="running")

    bench.adapter.status = partial
    bench.adapter.find = lambda _: [partial("job-1")]
    assert submission.cancel().states == {"cancelled": 1}
    assert bench.ledger.totals("run").reserved.jobs == 0


def test_an_interrupt_cancels_nothing(bench):
    """Ctrl-C while waiting: the job runs on and is fetched later."""

    def interrupt(_):
        raise KeyboardInterrupt

    bench.clock.sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.begin().wait()
    del bench.clock.sleep
    assert bench.adapter.calls["cancel"] == 0
    assert bench.again().wait().states == {"done": 1}
    assert len(bench.server.jobs()) == 1


def test_cancelling_stops_what_runs_and_sends_nothing_more(bench):
    """One job is stopped in the queue and costs nothing; two are never sent."""
    submission = bench.begin(3, min_submit_interval_s=12.0)
    submission.advance()
    assert submission.cancel().states == {"cancelled": 3}
    (job,) = bench.server.jobs()
    assert job["cancelled"] is not None
    totals = bench.ledger.totals("run")
    assert (totals.reserved.jobs, totals.spent.seconds) == (0, 0.0)
    assert bench.again(resubmit_failed=True).wait().states == {"cancelled": 3}


def test_cancelling_finds_the_job_that_gave_no_answer(bench):
    """It is stopped as soon as its key shows it; and one that is not there is given up."""
    bench.fail(("submit", "drop_after_accept"), ("submit", "drop_before_accept"))
    submission = bench.begin(2)
    submission.advance()
    submission.cancel()
    assert submission.wait().states == {"cancelled": 2}
    (job,) = bench.server.jobs()
    assert job["cancelled"] is not None


def test_a_job_that_ends_before_it_could_be_cancelled_is_fetched(bench):
    """It is paid for."""
    submission = bench.begin()
    submission.advance()
    bench.clock.time += 100.0
    assert submission.cancel().states == {"done": 1}
    assert submission.answers()


def test_a_provider_that_is_down_is_not_asked_by_every_task(bench):
    """Three questions without an answer end the pass; nothing is moved."""
    submission = bench.begin(6)
    submission.advance()
    bench.fail(*[("find", "timeout")] * 9)
    progress = submission.advance()
    assert len(progress.notes) == 3
    assert progress.states == {"submitted": 6}


def test_costs_that_are_told_late_keep_nothing_from_being_sent(bench):
    """A provider counts the time of a job a while after its end; the next call goes out at once."""
    submission = bench.begin(4)
    bench.fail(*[("usage", "http500")] * 400)
    submission.wait()
    assert bench.ledger.totals("run").reserved.jobs == 4
    bench.ledger.add("run", tasks(6)[4:])
    progress = submission.wait(timeout=3600.0)
    assert progress.states == {"done": 6}
