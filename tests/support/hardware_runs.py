"""Runs in which everything goes wrong: killed anywhere, two at a time, clocks set, disks full."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from hardware_fakes import (
    SECONDS,
    USD,
    FakeAdapter,
    FakeServer,
    Faults,
    Killed,
    Retry,
    is_billed,
    tasks,
)
from hardware_verdicts import Evidence, Verdict

from qmlmat.errors import BudgetError, CredentialError, LedgerError
from qmlmat.hardware.ledger.budget import Budget
from qmlmat.hardware.ledger.database import Database
from qmlmat.hardware.ledger.leases import Leases
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.owner import Owner
from qmlmat.hardware.ledger.spool import DATABASE, open_folder
from qmlmat.hardware.ledger.states import FINAL
from qmlmat.hardware.submission import Submission

GRACE_S = 30.0
RUN_START = 1.7e9
_CURRENT = threading.local()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What happens in a run."""

    n_tasks: int = 2
    """Number of jobs."""
    faults: tuple[tuple[str, str], ...] = ()
    """What the provider does, call by call."""
    kills: tuple[int, ...] = ()
    """After how many points each process ends: SIGKILL, as far as the ledger can tell."""
    full: tuple[int, ...] = ()
    """After how many points the disk is full, of the spool or of the database; then it is freed."""
    skews: tuple[float, ...] = (0.0,)
    """The time of day is off by these (s): another for each process, the next at each wait."""
    visible_after: float = 0.0
    """After how long the provider's index shows a job (s), at most the grace."""
    n_processes: int = 1
    """How many drive the run at once."""
    is_one_host: bool = True
    """Whether they can see that the other has ended."""
    schedule: int = 0
    """Seed of who goes on when."""
    spare_jobs: int = 10
    """How many jobs the budget allows beyond the tasks; negative: too few."""
    resubmit_failed: bool = True
    """Whether failed jobs are sent again."""


@dataclass(eq=False)
class World:
    """Time, and who is alive."""

    scenario: Scenario
    folder: Path
    server: FakeServer
    faults: Faults
    time: float = 0.0
    dead: set[str] = field(default_factory=set)
    kills: list[int] = field(default_factory=list)
    full: list[int] = field(default_factory=list)
    n_processes: int = 0
    n_kills: int = 0
    n_full: int = 0
    n_points: int = 0
    baton: Baton | None = None
    problems: list[str] = field(default_factory=list)


class Process:
    """A process: its clock, its owner, and the point where it ends."""

    def __init__(self, world: World, line: int) -> None:
        self.world, self.line = world, line
        world.n_processes += 1
        self.number = world.n_processes
        host = "host" if world.scenario.is_one_host else f"host-{line}"
        self.owner = Owner(host=host, boot="", pid=self.number, started="", serial=str(self.number))
        self.n_points = self.n_sleeps = 0
        self.is_dead = False

    # the clock

    def now(self) -> float:
        skews = self.world.scenario.skews
        return RUN_START + self.world.time + skews[(self.number + self.n_sleeps) % len(skews)]

    def elapsed(self) -> float:
        return self.world.time

    def sleep(self, seconds: float) -> None:
        self.world.time += seconds
        self.n_sleeps += 1
        self.point("sleep")

    # its end

    def point(self, label: str, *, may_switch: bool = True) -> None:
        """A place where the process may end, or the other go on."""
        if self.is_dead:
            raise Killed
        self.n_points += 1
        self.world.n_points += 1
        self.world.time += 1e-3
        if self.world.kills and self.n_points >= self.world.kills[0]:
            del self.world.kills[0]
            self.world.n_kills += 1
            self.is_dead = True
            self.world.dead.add(self.owner.serial)
            raise Killed(label)
        # the one gap: a process in another container that sleeps here longer than its lease
        may_switch &= label != "submit:before" or self.world.scenario.is_one_host
        if self.world.baton is not None and may_switch:
            self.world.baton.switch(self.line)

    def is_full(self) -> bool:
        """Whether the disk is full just now."""
        if self.world.full and self.n_points >= self.world.full[0]:
            del self.world.full[0]
            self.world.n_full += 1
            return True
        return False

    def has_ended(self, owner: Owner) -> bool | None:
        return owner.serial in self.world.dead if owner.host == self.owner.host else None

    def ledger(self) -> Ledger:
        """Open the ledger as this process."""
        _CURRENT.process = self
        open_folder(self.world.folder)
        database = MortalDatabase(self.world.folder / DATABASE, self)
        leases = Leases(self.owner, self.has_ended, self)
        return Ledger(self.world.folder, database, self, leases)


class MortalDatabase(Database):
    """A database whose process may end before, within and after every transaction."""

    def __init__(self, file: Path, process: Process) -> None:
        self._process = process
        super().__init__(file)

    @contextmanager
    def transaction(self) -> Iterator:
        self._process.point("transaction:before")
        with super().transaction() as execute:
            yield execute
            self._process.point("transaction:commit", may_switch=False)
            if self._process.is_full():
                with self._telling():
                    error = sqlite3.OperationalError("database or disk is full")
                    error.sqlite_errorcode = sqlite3.SQLITE_FULL
                    raise error
        self._process.point("transaction:after")


def _fsync(_: int) -> None:
    process = getattr(_CURRENT, "process", None)
    if process is not None:
        process.point("spool", may_switch=False)
        if process.is_full():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Baton:
    """Of several threads one runs; at every point it may pass on to another, by seed."""

    def __init__(self, n: int, seed: int) -> None:
        self._turns = [threading.Semaphore(0) for _ in range(n)]
        self._alive = list(range(n))
        self._random = random.Random(seed)

    def start(self) -> None:
        self._turns[0].release()

    def wait(self, line: int) -> None:
        self._turns[line].acquire()

    def switch(self, line: int) -> None:
        other = self._random.choice(self._alive)
        if other != line and self._random.random() < 0.4:
            self._turns[other].release()
            self._turns[line].acquire()

    def leave(self, line: int) -> None:
        self._alive.remove(line)
        if self._alive:
            self._turns[self._alive[0]].release()


def play(scenario: Scenario, folder: Path) -> Verdict:
    """Play a run to its end, and judge it."""
    server = FakeServer(visible_after=scenario.visible_after)
    world = World(scenario, folder / "ledger", server, Faults(list(scenario.faults)))
    world.kills, world.full = list(scenario.kills), list(scenario.full)
    with ExitStack() as stack:
        stack.callback(server.close)
        stack.enter_context(mock.patch.object(os, "fsync", _fsync))
        if scenario.n_processes == 1:
            _live(world, 0)
        else:
            _live_together(world)
        _CURRENT.process = None
        world.kills, world.full, world.faults.coming, world.baton = [], [], [], None
        return _judge(world, stack)


def _live_together(world: World) -> None:
    n = world.scenario.n_processes
    world.baton = baton = Baton(n, world.scenario.schedule)
    failures: list[BaseException] = []

    def life(line: int) -> None:
        baton.wait(line)
        try:
            _live(world, line)
        except BaseException as error:  # noqa: BLE001 (told by the main thread)
            failures.append(error)
        finally:
            baton.leave(line)

    threads = [threading.Thread(target=life, args=(line,), daemon=True) for line in range(n)]
    for thread in threads:
        thread.start()
    baton.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads)


def _budget(scenario: Scenario) -> Budget:
    n = scenario.n_tasks + scenario.spare_jobs
    # a reservation is ceil(1.2 * 2 s) = 3 s, and the price with it
    return Budget(max_qpu_seconds=3.0 * n, max_usd=USD / SECONDS * 3.0 * n, max_jobs=n)


def _live(world: World, line: int) -> None:
    """Start processes until one comes to the run's end."""
    for _ in range(60):
        process = Process(world, line)
        ledger = None
        try:
            ledger = process.ledger()
            if _drive(world, process, ledger):
                return
        except Killed:
            pass
        except CredentialError:
            pass  # the user sets the variable and starts again
        except LedgerError as error:
            if "full" not in str(error) and "No space" not in str(error):
                raise
        finally:
            world.dead.add(process.owner.serial)
            if ledger is not None:
                ledger.close()
    world.problems.append("60 processes did not come to an end")


def _drive(world: World, process: Process, ledger: Ledger) -> bool:
    scenario = world.scenario
    ledger.begin("run", {"n": scenario.n_tasks}, {"provider": "fake"}, _budget(scenario))
    ledger.add("run", tasks(scenario.n_tasks))
    adapter = FakeAdapter(world.server, clock=process, faults=world.faults, point=process.point)
    retry = Retry(attempts=10, ambiguous_grace_s=GRACE_S, resubmit_failed=scenario.resubmit_failed)
    submission = Submission(ledger, "run", adapter, retry=retry)
    try:
        progress = submission.wait(timeout=20_000.0, watch=lambda _: _check_budget(world, ledger))
    except BudgetError:
        _check_budget(world, ledger)
        states = set(submission.states().values())
        return states <= {*FINAL}
    for _ in range(20):  # what jobs cost may be told later
        if all(one.is_settled for one in ledger.tasks("run")):
            break
        process.sleep(GRACE_S / 10)
        progress = submission.advance()
    return progress.is_over


def _check_budget(world: World, ledger: Ledger) -> None:
    budget = ledger.run("run").budget
    bills = ledger.bills("run")
    reserved = ledger.totals("run").reserved
    seconds = reserved.seconds + sum(b.amounts.seconds for b in bills if not b.is_extra)
    jobs = reserved.jobs + sum(not b.is_extra for b in bills)
    if seconds > budget.max_qpu_seconds + 1e-9 or jobs > budget.max_jobs:
        world.problems.append(f"over: {seconds} s, {jobs} jobs")


def _judge(world: World, stack: ExitStack) -> Verdict:
    judge = Process(world, 0)
    world.time += 1e4  # what still runs ends
    ledger = stack.enter_context(judge.ledger())
    evidence = Evidence(ledger, world.server, world.scenario.n_tasks, world.time)
    lost = [*world.problems, *evidence.lost(lambda state: _is_excused(world, state))]
    return Verdict(
        lost=tuple(lost),
        billed_twice=tuple(evidence.billed_twice()),
        wrong=tuple(evidence.wrong()),
        over_budget=tuple(evidence.over_budget(_budget(world.scenario))),
        altered=tuple(evidence.altered()),
        states=tuple(one.state for one in evidence.records),
        n_kills=world.n_kills,
        n_full=world.n_full,
        n_jobs=len(evidence.jobs),
        n_stopped=sum(not is_billed(job) for job in evidence.jobs),
        seen=tuple(world.faults.seen.elements()),
    )


def _is_excused(world: World, state: str) -> bool:
    """Whether something that happened explains that a task has no answer."""
    seen, scenario = world.faults.seen, world.scenario
    if state == "refused":
        return scenario.spare_jobs < 0
    tight = scenario.spare_jobs < 2 or not scenario.resubmit_failed
    rejected, failed = seen["submit", "http400"], seen["submit", "failed_job"]
    return state == "failed" and bool(rejected or (failed and tight))
