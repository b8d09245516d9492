"""A process that is ended by SIGKILL at chosen points, again and again, until its run is over.

``python hardware_child.py FOLDER N_TASKS FAULTS POINT...``: for each point, a number or a name, a
child is forked that kills itself there; the last one lives. Prints how each ended, and the verdict,
as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from unittest import mock

from hardware_fakes import FakeAdapter, FakeServer, Faults, Retry, content_of, expected, tasks
from hardware_runs import MortalDatabase
from hardware_verdicts import Evidence

from qmlmat.hardware.ledger.budget import Budget
from qmlmat.hardware.ledger.leases import Leases
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.owner import Owner, has_ended
from qmlmat.hardware.ledger.spool import DATABASE, open_folder
from qmlmat.hardware.submission import Submission

HASTE = 400.0
"""How much faster time passes."""


class RealProcess:
    """This process, with a hasty clock, and the point where SIGKILL comes."""

    def __init__(self, fatal: str | None) -> None:
        self.fatal, self.n_points = fatal, 0

    def now(self) -> float:
        return time.time()

    def elapsed(self) -> float:
        return time.monotonic() * HASTE  # one clock for all processes of a computer

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / HASTE)

    def point(self, label: str, *, may_switch: bool = True) -> None:  # noqa: ARG002 (one process)
        self.n_points += 1
        if self.fatal in {label, str(self.n_points)}:
            os.kill(os.getpid(), signal.SIGKILL)

    def is_full(self) -> bool:
        return False


def live(folder: Path, n_tasks: int, faults: list, fatal: str | None) -> None:
    """Drive the run to its end, or to the fatal point."""
    process = RealProcess(fatal)
    place = folder / "ledger"
    server = FakeServer(str(folder / "server.db"), visible_after=20.0)
    fsync = os.fsync

    def synced(descriptor: int) -> None:
        process.point("spool")
        fsync(descriptor)

    with mock.patch.object(os, "fsync", synced):
        open_folder(place)
        database = MortalDatabase(place / DATABASE, process)
        ledger = Ledger(place, database, process, Leases(Owner.here(), has_ended, process))
        ledger.begin("run", {}, {}, Budget(max_jobs=n_tasks, max_qpu_seconds=3.0 * n_tasks))
        ledger.add("run", tasks(n_tasks))
        adapter = FakeAdapter(server, clock=process, faults=Faults(faults), point=process.point)
        submission = Submission(ledger, "run", adapter, retry=Retry())
        submission.wait(timeout=20_000.0)
        while not all(one.is_settled for one in ledger.tasks("run")):
            process.sleep(5.0)
            submission.advance()


def main(folder: Path, n_tasks: int, faults: list, points: list[str]) -> dict:
    """Fork the children, judge the run."""
    for task in tasks(n_tasks):  # simulated once, before the forks
        expected(content_of(task), task.key())
    ended = []
    for fatal in [*points, None]:
        child = os.fork()
        if child == 0:
            try:
                live(folder, n_tasks, faults, fatal)
            except BaseException as error:  # noqa: BLE001 (a forked child must not come back)
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
                os._exit(1)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        ended.append(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
    with Ledger.open(folder / "ledger") as ledger:
        server = FakeServer(str(folder / "server.db"))
        end = time.monotonic() * HASTE + 1e6
        evidence = Evidence(ledger, server, n_tasks, end)
        budget = Budget(max_jobs=n_tasks, max_qpu_seconds=3.0 * n_tasks)
        return {
            "ended": ended,
            "states": [one.state for one in evidence.records],
            "jobs": len(evidence.jobs),
            "lost": evidence.lost(lambda _: False),
            "twice": evidence.billed_twice(),
            "wrong": evidence.wrong(),
            "over": evidence.over_budget(budget),
            "altered": evidence.altered(),
        }


if __name__ == "__main__":
    where, n, coming, *fatal_points = sys.argv[1:]
    faults_coming = [tuple(one.split(":")) for one in coming.split(",") if one]
    print(json.dumps(main(Path(where), int(n), faults_coming, fatal_points)))
