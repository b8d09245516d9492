"""Processes that submit a saved plan with a vendor's own client, and may be killed at any moment.

They are forked from one process that has loaded the clients, which takes long; each has its own
environment, log and connections.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

_SUPPORT = Path(__file__).parent
_CLIENTS = (
    "qmlmat.hardware.runs",
    "qmlmat.hardware.adapters.ibm.wire",
    "qmlmat.hardware.adapters.ibm.compiling",
    "qmlmat.hardware.adapters.ibm.content",
    "qmlmat.hardware.adapters.ibm.options",
    "qmlmat.hardware.adapters.ibm.results",
    "qiskit_ibm_runtime.executor_estimator",
    "qiskit_ibm_runtime.executor_sampler",
    "qmlmat.hardware.adapters.braket.door",
    "qmlmat.hardware.adapters.ionq.door",
    "qmlmat.hardware.adapters.ionq.bodies",
    "braket.program_sets",
)
READ_S = 3.0
"""How long an answer is waited for (s)."""
AGAIN_S = 0.5
"""When to try again where nobody says (s)."""
LONGEST_S = 60.0
"""How long a child works at most (s)."""


class Child:
    """A process of ours."""

    def __init__(self, pid: int, told: Path) -> None:
        self.pid = pid
        self._told = told

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> bool:
        """Kill it (SIGKILL), and return whether it had not ended."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.wait()
        return not self._told.exists()

    def wait(self, timeout: float = LONGEST_S + 60.0) -> None:
        """Wait until it has ended."""
        end = time.monotonic() + timeout
        while self.is_alive():
            if time.monotonic() > end:
                raise TimeoutError(f"child {self.pid} does not end")
            time.sleep(0.02)

    def told(self) -> dict[str, Any]:
        """Return what it left: ``outcome``, ``answers``, ...; empty where it was killed."""
        return json.loads(self._told.read_text()) if self._told.exists() else {}


class Nursery:
    """The process that children are forked from."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(_SUPPORT), os.environ.get("PYTHONPATH", "")])
        known = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "real_children"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=known | {"PYTHONPATH": path, "USAGE_DATA_OPT_OUT": "True"},
        )
        self._children: list[Child] = []

    def start(self, environment: Mapping[str, str], folder: Path, plan: Path, run: str) -> Child:
        """Return a new child.

        Args:
            environment: Its further variables.
            folder: Where its ledger is and its log goes.
            plan: What it submits.
            run: Under which name.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        number = len(self._children)
        told = folder / f"told-{number}.json"
        given = {
            "environment": dict(environment),
            "folder": str(folder),
            "plan": str(plan),
            "run": run,
            "log": str(folder / f"log-{number}.txt"),
            "told": str(told),
        }
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        child = Child(int(self._process.stdout.readline()), told)
        self._children.append(child)
        return child

    def close(self) -> None:
        """End it and its children."""
        for child in self._children:
            if child.is_alive():
                child.kill()
        self._process.communicate()


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Yield a nursery, and end it afterwards."""
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


def main() -> None:
    """Load the clients, and fork a child for every line that comes."""
    for name in _CLIENTS:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _live(json.loads(line))
        print(pid, flush=True)


def _live(given: Mapping[str, Any]) -> None:
    log = os.open(given["log"], os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(given["environment"])
    words = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format=words, force=True)
    try:
        with _impatient():
            told = _submitted(given)
    except BaseException as error:  # noqa: BLE001 (told in its own words)
        traceback.print_exc()
        told = {"outcome": type(error).__name__, "said": _chain(error)}
    Path(given["told"]).write_text(json.dumps(told))
    sys.stderr.flush()
    os._exit(0)


def _chain(error: BaseException | None) -> list[str]:
    """What an error and all it comes from say, hidden ones too where the package hides none."""
    found = []
    while error is not None:
        found.append(f"{error!r} {error}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


@contextmanager
def _impatient() -> Iterator[None]:
    """Shorten what the package waits for where nobody can configure it."""
    with ExitStack() as stack:
        for name, value in {
            "steps.finding._AGAIN_S": AGAIN_S,
            "adapters.ibm.wire._PAUSE_S": AGAIN_S,
            "adapters.braket.door._READ_S": READ_S,
            "adapters.ionq.door._TIMEOUT_S": (READ_S, READ_S),
        }.items():
            stack.enter_context(mock.patch(f"qmlmat.hardware.{name}", value))
        yield


def _submitted(given: Mapping[str, Any]) -> dict[str, Any]:
    """Submit the plan, wait for it, and return what came of it."""
    from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter
    from qmlmat.hardware.ledger.ledger import Ledger
    from qmlmat.hardware.plan import MeasurementPlan
    from qmlmat.hardware.runs import PlanRun

    plan = MeasurementPlan.load(given["plan"])
    is_ibm = plan.target.provider == "ibm"
    adapter: Any = IbmAdapter(plan.target, timeout_s=READ_S) if is_ibm else None
    over: list[str] = []
    end = time.monotonic() + LONGEST_S
    with Ledger.open(Path(given["folder"]) / "ledger") as ledger:
        run = PlanRun.start(plan, ledger, name=given["run"], adapter=adapter)

        def watch(_: object) -> None:
            over.extend(excess(ledger, given["run"]))

        while True:
            progress = run.submission.wait(timeout=end - time.monotonic(), watch=watch)
            is_settled = all(one.is_settled for one in ledger.tasks(given["run"]))
            if (progress.is_over and is_settled) or time.monotonic() > end:
                break
            time.sleep(0.2)  # what jobs cost may be told later
        result = run.result()
    answers = [
        None if one is None else [one.values.tolist(), one.variances.tolist()]
        for one in result.answers
    ]
    outcome = "done" if progress.is_over and is_settled else "late"
    return {"outcome": outcome, "answers": answers, "over": over, "notes": list(progress.notes)}


def excess(ledger: Any, run: str) -> list[str]:
    """Return what of a budget is passed by what is reserved and spent."""
    totals = ledger.totals(run)
    budget, taken = totals.budget, totals.committed
    pairs = {
        "seconds": (taken.seconds, budget.max_qpu_seconds),
        "usd": (taken.usd, budget.max_usd),
        "jobs": (taken.jobs, budget.max_jobs),
        "shots": (taken.shots, budget.max_shots),
    }
    return [
        f"{name}: {value} of {most}"
        for name, (value, most) in pairs.items()
        if most is not None and value > most * (1 + 1e-9)
    ]


if __name__ == "__main__":
    main()
