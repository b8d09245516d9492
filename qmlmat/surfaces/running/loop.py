"""Runs a schedule to its end, whatever happens to those who compute."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Final

from qmlmat.errors import InputError, QmlmatWarning, StoreError
from qmlmat.surfaces.running.crew import (
    Crew,
    as_input_error,
    is_broken,
    is_lost,
    local_crew,
    make_crew,
)
from qmlmat.surfaces.running.schedule import OUTWARD, Schedule, Step
from qmlmat.surfaces.running.task import Outcome
from qmlmat.surfaces.surface import PointResult, Surface

MAX_DEATHS: Final = 2
"""How often a worker may die at one point while nothing else runs."""

Arrived = Callable[[Step, PointResult, Outcome], None]
"""What is done with a result."""


class Runner:
    """Hands out what can begin, and takes in what has ended, in one process.

    Where a worker dies, what it was at (or, in somebody else's pool, all that was under way) is
    tried again with nothing beside it: whose fault it was is then known.
    """

    def __init__(
        self,
        surface: Surface,
        schedule: Schedule,
        *,
        keep: Arrived,
        tell: Arrived,
    ) -> None:
        self.surface = surface
        self.schedule = schedule
        self.keep = keep
        """Stores a result."""
        self.tell = tell
        """Reports a result that is stored."""
        self.crew: Crew
        self._suspects: list[Step] = []
        self._deaths: Counter[Step] = Counter()

    def run(self, workers: int | Executor) -> None:
        """Finish the schedule.

        Raises:
            BaseException: What ends the scan, after all that has arrived is stored.
        """
        if self.schedule.is_finished:
            return
        self.crew = make_crew(self.surface, workers)
        try:
            while not self.schedule.is_finished:
                self._hand_out()
                ended = self.crew.next()
                assert ended is not None
                self._take_in(*ended)
        except BaseException:
            try:
                self._take_in_what_has_arrived(self._store)
            finally:
                self.crew.close(at_once=True)
            raise
        self.crew.close(at_once=False)

    def _hand_out(self) -> None:
        if self._suspects:
            if not self.crew.flying:
                self._submit(self._suspects[0])
            return
        while self.crew.has_room and (step := self.schedule.take()) is not None:
            self._submit(step)

    def _submit(self, step: Step) -> None:
        task = self.schedule.task(step)
        try:
            self.crew.submit(step, task)
        except RuntimeError as error:  # a broken pool, or one that is shut down
            self._replace_crew(error, 1 + len(self.crew.flying))
            self.crew.submit(step, task)

    def _take_in(self, step: Step, future: Future[Outcome]) -> None:
        lost = _error_of(future)
        if lost is not None:
            if not is_lost(lost):
                raise as_input_error(lost)
            self._lost(step, lost)
            return
        outcome = future.result()
        if outcome.error is not None:
            raise self._explained(step, outcome.error)
        assert outcome.result is not None
        self._finish(step, outcome.result, outcome)

    def _finish(self, step: Step, result: PointResult, outcome: Outcome) -> None:
        self._store(step, result, outcome)
        self.tell(step, result, outcome)

    def _store(self, step: Step, result: PointResult, outcome: Outcome) -> None:
        if step in self._suspects:
            self._suspects.remove(step)
        self.schedule.finish(step, result)
        self.keep(step, result, outcome)

    def _lost(self, step: Step, error: BaseException) -> None:
        if is_broken(error):
            self._replace_crew(error, 1 + len(self.crew.flying))
        if step not in self._suspects:
            self._suspects.append(step)
            return
        self._deaths[step] += 1
        if self._deaths[step] == MAX_DEATHS:
            why = str(error) or type(error).__name__
            self._finish(step, self.schedule.died(step, why), Outcome())

    def _replace_crew(self, error: BaseException, n_workers: int) -> None:
        """Go on with processes of our own where an executor is broken for good."""
        if self.crew.is_local:
            raise error
        for step in self._take_in_what_has_arrived(self._finish):
            self._suspects += [] if step in self._suspects else [step]
        n_workers = min(n_workers, os.cpu_count() or 1)
        reason = " ".join(str(error).split()) or type(error).__name__
        warnings.warn(
            f"scan(workers={type(self.crew.executor).__name__}): it takes no more tasks "
            f"({reason}). The scan goes on with {n_workers} process(es) on this machine.",
            QmlmatWarning,
            stacklevel=2,
        )
        crew = local_crew(self.surface, n_workers)
        self.crew.close(at_once=True)
        self.crew = crew

    def _take_in_what_has_arrived(self, take: Arrived) -> list[Step]:
        """Take in results that nobody has looked at yet; return what was under way besides."""
        open_steps = []
        while (ended := self.crew.next(wait=False)) is not None:
            step, future = ended
            outcome = None if _error_of(future) is not None else future.result()
            if outcome is None or outcome.result is None:
                open_steps.append(step)
                continue
            take(step, outcome.result, outcome)
        return open_steps + list(self.crew.flying.values())

    def _explained(self, step: Step, error: BaseException) -> BaseException:
        """Return the error, or what it means where a stored solution cannot be gone on from."""
        index, sweep = step
        source = self.schedule.source(index) if sweep == OUTWARD else index
        is_restored = source is not None and self.schedule.is_restored(source)
        if not (is_restored and isinstance(error, InputError) and "guess" in str(error)):
            return error
        assert source is not None
        told = StoreError(
            f"the stored solution at {self.schedule.place(source)} cannot be gone on from at "
            f"{self.schedule.place(index)} ({error}) The store is of an earlier version of "
            "qmlmat; its points stand, and it is left as it is. Compute the scan in another file: "
            "--store PATH"
        )
        told.__cause__ = error
        return told


def _error_of(future: Future[Outcome]) -> BaseException | None:
    try:
        return future.exception()
    except BaseException as error:  # noqa: BLE001 - a cancelled future raises instead
        return error
