"""What one process knows while it drives a run; all of it can be lost without harm."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from qmlmat.errors import CorruptResultError, HardwareError, UnavailableError
from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.records import TaskRecord
from qmlmat.hardware.ledger.states import StaleError
from qmlmat.hardware.task import Answer, Task

LONGEST_POLLS: Final = 10.0
"""How many times the first wait the longest one is."""
LONGEST_BACKOFF_S: Final = 300.0
"""Longest wait after failures (s)."""
JITTER: Final = 0.2
"""Share by which it varies, so that several processes do not ask in step."""
MAX_UNREACHABLE: Final = 3
"""Questions in a row without an answer after which a pass asks no more."""


class RetryRules(Protocol):
    """What a configuration's ``[retry]`` says."""

    @property
    def attempts(self) -> int:
        """How often a task is sent, and how often a result is fetched, at most."""
        ...

    @property
    def backoff_s(self) -> float:
        """Wait before the second try (s); it doubles each time."""
        ...

    @property
    def poll_s(self) -> float:
        """Time until a job that has not changed is asked for again (s); it doubles each time."""
        ...

    @property
    def min_submit_interval_s(self) -> float | None:
        """Time between two jobs (s)."""
        ...

    @property
    def ambiguous_grace_s(self) -> float:
        """Time for which a job must not be found until it counts as absent (s)."""
        ...

    @property
    def resubmit_failed(self) -> bool:
        """Whether a job that failed is sent again."""
        ...


@dataclass(eq=False, kw_only=True)
class Work:
    """A run as one process drives it. Times are of ``Clock.elapsed``."""

    ledger: Ledger
    """Where everything is written down."""
    run: str
    """Name of the run."""
    adapter: Adapter
    """The provider's door."""
    retry: RetryRules
    """When to try again."""
    random: random.Random
    """Source of the jitter."""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    """Answers that were read already, by task."""
    absent: dict[tuple[str, int], float] = field(default_factory=dict)
    """Since when a task's job has not been found, by task and revision (s)."""
    rejected: set[str] = field(default_factory=set)
    """Tasks that the provider did not take from this process."""
    searched: set[str] = field(default_factory=set)
    """Jobs whose key was searched for others."""
    later: dict[str, float] = field(default_factory=dict)
    """Tasks that must not be touched before a time (s)."""
    polls: dict[str, tuple[float, float]] = field(default_factory=dict)
    """When a job is asked for again, and the time after that (s), by task."""
    hold: float = 0.0
    """When the next job may be sent (s)."""
    n_refused: int = 0
    """Jobs in a row that the provider had no room for."""
    calibration: str | None = None
    """File of the device's calibration, once it was asked for."""
    looked_at: float | None = None
    """When it was asked for (s)."""
    notes: list[str] = field(default_factory=list)
    """What a user should know of this pass."""
    errors: list[HardwareError] = field(default_factory=list)
    """What stops single tasks; told when the others are through."""
    stuck: set[str] = field(default_factory=set)
    """Tasks that wait for the user, since a stored file of theirs is damaged."""
    n_failures: dict[str, int] = field(default_factory=dict)
    """Questions in a row without an answer, by task."""
    n_unreachable: int = 0
    """Questions in a row without an answer, of this pass."""

    _tasks: dict[str, Task] = field(default_factory=dict)

    @property
    def time(self) -> float:
        """Now (s)."""
        return self.ledger.clock.elapsed()

    def task(self, record: TaskRecord) -> Task:
        """Return what a task measures."""
        if record.key not in self._tasks:
            self._tasks[record.key] = self.ledger.task(record.key)
        return self._tasks[record.key]

    def sent_key(self, record: TaskRecord, attempt: int | None = None) -> str:
        """Return the key that a task's job carries."""
        return self.task(record).key(record.attempt if attempt is None else attempt)

    def each(
        self,
        step: Callable[[Work, TaskRecord], None],
        where: Callable[[TaskRecord], bool],
        *,
        is_poll: bool = False,
    ) -> None:
        """Take a step with every task of a kind that no other process is at.

        Args:
            step: What is done with a task.
            where: Tells whether a task is of the kind; asked again once the task is ours.
            is_poll: Whether jobs are asked for that may have been asked for not long ago.

        Raises:
            CredentialError: If the provider does not let us in.
        """
        for seen in self.ledger.tasks(self.run):
            if not where(seen) or not self._is_due(seen, is_poll):
                continue
            if self.n_unreachable >= MAX_UNREACHABLE:
                return
            with self.ledger.leased(seen.key) as record:
                if record is None:
                    self.postpone(seen)
                elif where(record):
                    self._take(step, record)

    def _is_due(self, record: TaskRecord, is_poll: bool) -> bool:
        due = self.later.get(record.key, 0.0)
        if is_poll:
            due = max(due, self.polls.get(record.key, (0.0, 0.0))[0])
        return due <= self.time

    def _take(self, step: Callable[[Work, TaskRecord], None], record: TaskRecord) -> None:
        try:
            step(self, record)
            self.n_unreachable = 0
            self.n_failures.pop(record.key, None)
        except StaleError:
            pass  # whoever moved it goes on with it
        except UnavailableError as error:
            self.n_unreachable += 1
            self.notes.append(str(error))
            n_before = self.n_failures.get(record.key, 0)
            self.n_failures[record.key] = n_before + 1
            self.polls[record.key] = (self.time + self.backoff(n_before), self.retry.poll_s)
        except CorruptResultError as error:
            self.errors.append(error)
            self.stuck.add(record.key)

    def postpone(self, record: TaskRecord) -> None:
        """Ask for a job again after a while, longer each time."""
        first = self.retry.poll_s
        wait = self.polls.get(record.key, (0.0, first))[1]
        varied = wait * self.random.uniform(1 - JITTER, 1 + JITTER)
        self.polls[record.key] = (self.time + varied, min(2 * wait, LONGEST_POLLS * first))

    def backoff(self, n_before: int) -> float:
        """Return how long to wait after some failures (s)."""
        return float(min(self.retry.backoff_s * 2.0**n_before, LONGEST_BACKOFF_S))

    def pause(self) -> float:
        """Return the time until something is due (s)."""
        times = [*self.later.values(), *(due for due, _ in self.polls.values()), self.hold]
        waits = [due - self.time for due in times if due > self.time]
        return min(waits, default=self.retry.poll_s)
