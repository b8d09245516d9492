"""A run on its way: each task is sent once, found again after any kill, answered or told of."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from qmlmat.errors import CorruptResultError
from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.states import ENDED, FINAL, REMOTE, UNKNOWN, UNSENT
from qmlmat.hardware.steps.collecting import collect, fetch_again, is_damaged, settle
from qmlmat.hardware.steps.finding import resolve
from qmlmat.hardware.steps.sending import (
    chooses_layout,
    goes_on,
    is_ready,
    needs_payload,
    prepare,
    reserve,
    send,
    withdraw,
)
from qmlmat.hardware.steps.work import RetryRules, Work
from qmlmat.hardware.task import Answer


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands after a pass."""

    states: Mapping[str, int]
    """Number of tasks in each state."""
    n_moves: int
    """Changes during the pass."""
    notes: tuple[str, ...]
    """What a user should know, one line each."""
    pause: float
    """Time until something is due (s)."""
    is_sent: bool
    """Whether nothing is left to be sent, so far as nothing waits for the user."""
    is_over: bool
    """Whether nothing is waited for: every task is at its end, or waits for the user."""


class Submission:
    """Drives a run's tasks with a provider's adapter.

    It may be killed anywhere and made anew, also by several processes at once: what counts is in
    the ledger. Interrupting it cancels nothing.

    Example:
        >>> submission = Submission(ledger, "h2", adapter, retry=target.retry)  # doctest: +SKIP
        >>> submission.wait()  # doctest: +SKIP
        >>> submission.answers()  # doctest: +SKIP
    """

    def __init__(self, ledger: Ledger, run: str, adapter: Adapter, *, retry: RetryRules) -> None:
        """Look up a run; nothing is sent.

        Args:
            ledger: Where it is written down.
            run: Its name, begun and with tasks added.
            adapter: The provider's door.
            retry: When to try again.

        Raises:
            LedgerError: If there is no such run.
        """
        ledger.run(run)
        jitter = random.Random(f"{run} {os.getpid()}")  # processes must not ask in step
        self._work = Work(ledger=ledger, run=run, adapter=adapter, retry=retry, random=jitter)
        self._is_verified = False

    def advance(self) -> Progress:
        """Return where the run stands after every task was taken as far as it goes now.

        Raises:
            BudgetError: If what is planned does not fit the budget; all else was done.
            CredentialError: If the provider does not let us in; nothing was lost.
            CapabilityError: If the device cannot run a task; none that is planned was sent.
            LedgerError: If the ledger cannot be written; nothing was lost.
        """
        self._work.polls.clear()
        progress = self._pass()
        self._tell()
        return progress

    def wait(
        self,
        timeout: float | None = None,
        watch: Callable[[Progress], None] | None = None,
        *,
        until: Literal["sent", "answered"] = "answered",
    ) -> Progress:
        """Return where the run stands when nothing is waited for any more.

        Args:
            timeout: Longest time to wait (s); without end where ``None``.
            watch: Told after every pass.
            until: Wait until every task was sent, or until every one is at its end.

        Raises:
            HardwareError: As ``advance``; of single tasks, and of the budget, once nothing else is
                waited for.
        """
        clock = self._work.ledger.clock
        end = float("inf") if timeout is None else clock.elapsed() + timeout
        while True:
            progress = self._pass()
            if watch is not None:
                watch(progress)
            left = end - clock.elapsed()
            is_reached = progress.is_sent if until == "sent" else progress.is_over
            if is_reached or left <= 0:
                self._tell()
                return progress
            if not progress.n_moves:
                clock.sleep(min(progress.pause, left))

    def states(self) -> dict[str, str]:
        """Return the state of every task by its key."""
        work = self._work
        return {one.key: one.state for one in work.ledger.tasks(work.run)}

    def answers(self) -> dict[str, list[Answer]]:
        """Return what is answered so far, by task: one answer per program, the sentinel's last.

        Raises:
            CorruptResultError: If a stored result was damaged since it was read.
        """
        work = self._work
        found = {}
        for record in work.ledger.tasks(work.run):
            if record.state != "done":
                continue
            if record.key not in work.answers:
                try:
                    raw = work.ledger.read_raw(record)
                except CorruptResultError as error:
                    self._is_verified = False  # the next pass fetches it again
                    raise CorruptResultError(
                        f"{error} Or let the run go on: it is fetched again."
                    ) from error
                payload = work.ledger.payload(record)
                work.answers[record.key] = work.adapter.decode(raw, payload)
            found[record.key] = work.answers[record.key]
        return found

    def cancel(self) -> Progress:
        """Return where the run stands after everything unfinished was cancelled.

        What was not sent is not sent; jobs are stopped at the provider, and those that have ended
        meanwhile are fetched. Where it is not known whether there is a job, later passes find out.
        """
        self._work.ledger.renounce(self._work.run)
        return self.advance()

    def _pass(self) -> Progress:
        work = self._work
        before = self._revisions()
        work.notes, work.errors, work.stuck, work.n_unreachable = [], [], set(), 0
        if not self._is_verified:
            work.each(fetch_again, lambda one: one.state == "done" and is_damaged(work, one))
            self._is_verified = True
        work.each(resolve, lambda one: one.state in UNKNOWN)
        work.each(collect, lambda one: one.state in REMOTE, is_poll=True)
        work.each(settle, lambda one: one.state in ENDED and not one.is_settled)
        work.n_unreachable = 0  # costs may be told late: that keeps nothing from being sent
        work.each(withdraw, lambda one: one.state in UNSENT and one.is_unwanted)
        reserve(work)
        work.each(prepare, lambda one: chooses_layout(work, one))
        work.each(prepare, needs_payload)
        work.each(send, lambda one: is_ready(work, one))
        records = work.ledger.tasks(work.run)
        waiting = [one for one in records if one.key not in work.stuck]
        return Progress(
            states=dict(Counter(one.state for one in records)),
            n_moves=self._revisions() - before,
            notes=tuple(work.notes),
            pause=work.pause(),
            is_sent=not any(one.state in {"planned", "reserved", *UNKNOWN} for one in waiting),
            is_over=all(one.state in FINAL and not goes_on(work, one) for one in waiting),
        )

    def _tell(self) -> None:
        if self._work.errors:
            raise self._work.errors[0]

    def _revisions(self) -> int:
        return sum(one.revision for one in self._work.ledger.tasks(self._work.run))
