"""Those who compute: an executor, what it is at, and what has come back."""

from __future__ import annotations

import os
import pickle
import platform
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

from qmlmat.errors import InputError
from qmlmat.surfaces.running.schedule import Step
from qmlmat.surfaces.running.starting import end_if_imported_again
from qmlmat.surfaces.running.task import Outcome, Task, perform
from qmlmat.surfaces.running.workers import (
    LocalPool,
    WorkerDied,
    packed,
    perform_elsewhere,
    perform_here,
)
from qmlmat.surfaces.surface import Surface

AHEAD: Final = 2
"""Tasks handed out for each local worker, so that it need not wait for the store."""

_LOST_BY_NAME: Final = frozenset(
    {
        "KilledWorker",  # distributed
        "CommClosedError",  # distributed
        "FutureCancelledError",  # distributed
        "WorkerCrashedError",  # ray
        "WorkerLostError",  # billiard
        "EngineError",  # ipyparallel
    }
)


class Crew:
    """An executor that evaluates a surface, and its tasks that are under way."""

    flying: dict[Future[Outcome], Step]
    """What is under way."""

    def __init__(
        self,
        executor: Executor,
        call: Callable[..., Outcome],
        *,
        capacity: int | None = None,
    ) -> None:
        self.executor = executor
        self.flying = {}
        self._call = call
        self._capacity = capacity
        self._back: SimpleQueue[Future[Outcome]] = SimpleQueue()

    @property
    def is_local(self) -> bool:
        """Whether the processes are our own, and replaced where they die."""
        return isinstance(self.executor, LocalPool)

    @property
    def has_room(self) -> bool:
        """Whether another task can be handed out."""
        return self._capacity is None or len(self.flying) < self._capacity

    def submit(self, step: Step, task: Task) -> None:
        """Hand out a task.

        Raises:
            RuntimeError: If the executor takes no more tasks.
        """
        future = self.executor.submit(self._call, task)
        self.flying[future] = step
        future.add_done_callback(self._back.put)

    def next(self, *, wait: bool = True) -> tuple[Step, Future[Outcome]] | None:
        """Return a task that has ended; ``None`` where nothing has and ``wait`` is false."""
        while True:
            try:
                future = self._back.get(block=wait)
            except Empty:
                return None
            if future in self.flying:
                return self.flying.pop(future), future

    def close(self, *, at_once: bool) -> None:
        """Let the executor go: our own is ended, tasks of somebody else's are cancelled."""
        if isinstance(self.executor, LocalPool):
            self.executor.close(at_once=at_once)
        for future in self.flying:
            with suppress(Exception):  # whatever a broken executor's futures do
                future.cancel()


class _Here(Executor):
    """Computes at once, in this process and thread."""

    def submit(self, fn: Callable[..., Any], /, *args: object, **kwargs: object) -> Future[Any]:
        """Return the finished future of a call."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def check_workers(surface: Surface, workers: int | Executor) -> None:
    """Refuse workers that are none, and a surface that cannot be sent to them.

    Raises:
        InputError: If ``workers`` is neither a number from 1 nor an executor, or the surface
            cannot be pickled where it has to be.
    """
    if isinstance(workers, int) and not isinstance(workers, bool) and workers >= 1:
        if workers > 1:
            end_if_imported_again()
            packed(surface, workers)
    elif isinstance(workers, int) or not hasattr(workers, "submit"):
        raise InputError(
            f"scan(workers={workers!r}): neither a number of processes nor an executor. Give 1 or "
            "more, or an object with submit(), e.g. a Dask client's get_executor()."
        )


def make_crew(surface: Surface, workers: int | Executor) -> Crew:
    """Return those who evaluate the surface."""
    if not isinstance(workers, int):
        home = (platform.node(), os.getpid())
        return Crew(workers, partial(_elsewhere, surface, home))
    if workers == 1:
        return Crew(_Here(), partial(perform, surface), capacity=1)
    return local_crew(surface, workers)


def local_crew(surface: Surface, n_workers: int) -> Crew:
    """Return processes on this machine, one or more."""
    return Crew(LocalPool(surface, n_workers), perform_here, capacity=AHEAD * n_workers)


def _elsewhere(surface: Surface, home: tuple[str, int], task: Task) -> Outcome:
    return perform_elsewhere(surface, task, home)


def is_lost(error: BaseException) -> bool:
    """Whether this says that a worker was lost, as opposed to what a task raised."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, BrokenExecutor | CancelledError) or bool(names & _LOST_BY_NAME)


def is_broken(error: BaseException) -> bool:
    """Whether the executor itself is lost, and takes no more tasks."""
    return isinstance(error, BrokenExecutor) and not isinstance(error, WorkerDied)


def as_input_error(error: BaseException) -> BaseException:
    """Return what a task that could not be sent means."""
    if isinstance(error, InputError) or not isinstance(
        error, pickle.PicklingError | AttributeError | TypeError | ImportError
    ):
        return error
    return InputError(
        f"scan(workers=...): the executor could not send the surface or its result ({error}). "
        "Define functions at the top of a module that its workers can import, or use workers=1."
    )
