"""Whether a run that went through everything was recorded, answered and paid for once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hardware_fakes import (
    SECONDS,
    FakeAdapter,
    FakeServer,
    Retry,
    content_of,
    expected,
    is_billed,
    same,
    shots_of,
    state_of,
    tasks,
)

from qmlmat.hardware.ledger.budget import Budget
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.submission import Submission


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a run; everything but the counts should be empty."""

    lost: tuple[str, ...]
    """Tasks without an end, failures without a cause, jobs that no record names."""
    billed_twice: tuple[str, ...]
    """Tasks for which more than one request of ours was accepted and billed, failed jobs aside."""
    wrong: tuple[str, ...]
    """Answers that are not the fake device's to this very task under this very key."""
    over_budget: tuple[str, ...]
    """What exceeds the budget, jobs that the provider doubled aside."""
    altered: tuple[str, ...]
    """Events that changed, vanished, or do not follow from one another."""
    states: tuple[str, ...]
    """How the tasks ended."""
    n_kills: int
    """Processes that were killed."""
    n_full: int
    """Times that the disk was full."""
    n_jobs: int
    """Jobs at the provider."""
    n_stopped: int
    """Jobs among them that were one too many and were cancelled in time."""
    seen: tuple[tuple[str, str], ...]
    """Faults that happened."""

    @property
    def is_clean(self) -> bool:
        return not (
            self.lost or self.billed_twice or self.wrong or self.over_budget or self.altered
        )


class Evidence:
    """What ledger and server say when all is over."""

    def __init__(self, ledger: Ledger, server: FakeServer, n_tasks: int, end: float) -> None:
        self.ledger, self.end = ledger, end
        self.records, self.jobs = ledger.tasks("run"), server.jobs()
        self.bills = {bill.remote_id: bill for bill in ledger.bills("run")}
        submission = Submission(ledger, "run", FakeAdapter(server), retry=Retry())
        self.answers = submission.answers()
        # the task that a key of any attempt belongs to
        self.owners = {
            one.key(attempt): one.key() for one in tasks(n_tasks) for attempt in range(12)
        }

    def lost(self, is_excused: Callable[[str], bool]) -> list[str]:
        """Tasks without an end, failures without a cause, jobs and costs that nobody wrote down."""
        found = []
        for one in self.records:
            if one.state != "done":
                if not is_excused(one.state):
                    found.append(f"{one.key[:8]}: {one.state} {one.message}")
                continue
            bill = self.bills.get(one.remote_id)
            if bill is None or bill.amounts.shots != shots_of(
                content_of(self.ledger.task(one.key))
            ):
                found.append(f"{one.key[:8]}: its bill")
        named = {one.remote_id for one in self.records} | set(self.bills)
        names = {f"job-{job['id']}" for job in self.jobs}
        return found + sorted(names - named)

    def billed_twice(self) -> list[str]:
        """Tasks for which more than one request was accepted and billed, failed jobs aside."""
        posts: dict[str, set[int]] = {}
        for job in self.jobs:
            if is_billed(job) and state_of(job, self.end) != "failed":
                posts.setdefault(self.owners[job["key"]], set()).add(job["post"])
        return [key for key, found in posts.items() if len(found) > 1]

    def wrong(self) -> list[str]:
        """Answers that are not those of the fake device to this task under this key."""
        found = []
        for one in self.records:
            task = self.ledger.task(one.key)
            right = expected(content_of(task), task.key(one.attempt))
            if one.state == "done" and not same(self.answers[one.key], right):
                found.append(one.key)
        return found

    def over_budget(self, budget: Budget) -> list[str]:
        """Whether more requests were accepted and billed than the budget allows."""
        n = len({job["post"] for job in self.jobs if is_billed(job)})
        is_over = n > budget.max_jobs or n * SECONDS > budget.max_qpu_seconds
        return [f"{n} jobs"] if is_over else []

    def altered(self) -> list[str]:
        """Events that are missing or do not follow from one another."""
        events, found = self.ledger.events("run"), []
        if [one.id for one in events] != list(range(1, len(events) + 1)):
            found.append("numbers are missing")
        at: dict[str, str | None] = {}
        for event in events:
            if event.target is not None:
                if at.get(event.key) != event.source:
                    found.append(f"event {event.id}: {at.get(event.key)} is not {event.source}")
                at[event.key] = event.target
        if at != {one.key: one.state for one in self.records}:
            found.append("the tasks are not where the events left them")
        return found
