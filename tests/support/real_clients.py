"""Randomised runs of the vendors' real clients against rehearsal servers, killed and troubled.

``python -m real_clients --runs 36 --seed 0`` prints what came of them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from braket_rehearsed import PLANTED
from ibm_tasks import SECRET
from real_children import Child, Nursery, nursery
from real_scenarios import KINDS, Scenario, drawn, planned
from real_verdicts import IONQ_KEY, Evidence, Findings, Memory, betrayed
from rehearsal.client import Server, rehearsed

from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.plan import MeasurementPlan


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a run."""

    scenario: Scenario
    """What was to happen."""
    findings: Findings
    """What is wrong."""
    happened: frozenset[str]
    """Kinds of faults that happened."""
    n_kills: int
    """Children that were killed."""
    n_jobs: int
    """Jobs that the server accepted."""
    n_done: int
    """Tasks with an answer."""
    n_failed: int
    """Tasks that failed, and say why."""
    billed: tuple[float, float]
    """What all cost, by the ledger and by the server: seconds of IBM, repetitions of others."""
    wall_s: float
    """Time it took (s)."""


@dataclass(eq=False)
class Fleet:
    """Servers of every vendor, and where children come from."""

    folder: Path
    """Where everything is written."""
    children: Nursery
    """Forks them."""
    stack: ExitStack = field(default_factory=ExitStack)
    """Ends the servers."""
    servers: dict[str, Server] = field(default_factory=dict)
    """Those that were needed so far."""

    def server(self, vendor: str) -> Server:
        """Return the server of a vendor, started where it is not."""
        if vendor not in self.servers:
            made = rehearsed(vendor, self.folder / vendor, latency=0.3)
            self.servers[vendor] = self.stack.enter_context(made)
        return self.servers[vendor]

    def environment(self, vendor: str) -> dict[str, str]:
        """Return the variables of a child, with planted secrets."""
        planted = {**PLANTED, "QISKIT_IBM_TOKEN": SECRET, "IONQ_API_KEY": IONQ_KEY}
        region = {"AWS_DEFAULT_REGION": "us-east-1"}
        return self.server(vendor).environment() | planted | region


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    """Yield a fleet, and end it afterwards."""
    with nursery() as children, ExitStack() as stack:
        yield Fleet(folder, children, stack)


class Run:
    """A scenario on its way."""

    def __init__(self, fleet: Fleet, scenario: Scenario, name: str) -> None:
        self.fleet, self.scenario, self.name = fleet, scenario, name
        self.folder = fleet.folder / name
        self.folder.mkdir()
        self.ledger = self.folder / "ledger"
        self.server = fleet.server(scenario.vendor)
        self.memory = Memory(self.server.folder)
        self.start = self.memory.n_jobs()
        self.draw = random.Random(name)
        self.children: list[Child] = []
        self.n_kills = 0
        self.plan = self.plan_of(0)

    def plan_of(self, number: int) -> MeasurementPlan:
        """Return what a child submits; they differ in the transpiler's seed."""
        seeds = self.scenario.transpiler_seeds
        return planned(self.scenario, seeds[number % len(seeds)])

    def child(self) -> Child:
        """Start a child, with the next transpiler's seed, and perhaps another calibration."""
        number, seeds = len(self.children), self.scenario.transpiler_seeds
        plan = self.plan_of(number)
        file = self.folder / f"plan-{number}.json"
        plan.save(file)
        if number and self.scenario.recalibrates and self.scenario.vendor == "ibm":
            self.server.recalibrate(seeds[number % len(seeds)])
        environment = self.fleet.environment(self.scenario.vendor)
        made = self.fleet.children.start(environment, self.folder, file, self.name)
        self.children.append(made)
        return made

    def reached(self, moment: str) -> bool:
        """Return whether a moment has come."""
        kind, _, number = moment.partition(":")
        if kind == "accept":
            return self.memory.n_jobs() >= self.start + int(number)
        if kind == "payload":
            return any((self.ledger / "payloads").glob("*"))
        return any((self.ledger / "raw").glob("*"))

    def kill_when(self, child: Child, moment: str) -> None:
        """Kill a child at a moment; it may have ended before."""
        after = self.draw.uniform(0.2, 4.0) if moment == "time" else 0.0
        begun = time.monotonic()
        while child.is_alive():
            elapsed = time.monotonic() - begun
            if elapsed >= after if moment == "time" else self.reached(moment):
                break
            time.sleep(0.005)
        time.sleep(self.draw.choice((0.0, 0.0, 0.02, 0.1)))
        self.n_kills += child.kill()

    def troubled(self) -> None:
        """Go through the faults and the kills."""
        scenario = self.scenario
        self.server.faults(scenario.faults)
        beside = [self.child() for _ in range(scenario.n_processes - 1)]
        if scenario.loses_server:
            beside.append(self.child())
            self._lose_server(beside[-1])
        for moment in scenario.kills:
            self.kill_when(self.child(), moment)
        for child in (*beside, self.child()):
            child.wait()

    def _lose_server(self, child: Child) -> None:
        begun = time.monotonic()
        after = self.draw.uniform(0.5, 3.0)
        while child.is_alive() and time.monotonic() < begun + 10 * after:
            if self.reached("accept:1") and time.monotonic() > begun + after:
                break
            time.sleep(0.01)
        self.server.kill()
        self.server.start()

    def finished(self) -> dict[str, Any]:
        """Let a last child finish it without faults, and return what it told."""
        self.server.calm()
        last = self.child()
        last.wait()
        return last.told()


def play(fleet: Fleet, scenario: Scenario) -> Verdict:
    """Play a run to its end, and judge it."""
    run = Run(fleet, scenario, f"run-{scenario.number}")
    begun = time.monotonic()
    run.troubled()
    happened = run.memory.happened(scenario.faults)
    return judged(run, run.finished(), happened, time.monotonic() - begun)


def judged(run: Run, last: Mapping[str, Any], happened: Iterable[str], wall_s: float) -> Verdict:
    """Return what came of a run that is over."""
    jobs = run.memory.jobs(run.start)
    ends = [child.told() for child in run.children]
    unforeseen = [
        f"{one['outcome']}: {one.get('said')}"
        for one in ends
        if one and one["outcome"] not in {"done", "CredentialError", "late"}
    ]
    if last.get("outcome") != "done":
        unforeseen.append(f"the last child: {last}")
    with Ledger.open(run.ledger) as ledger:
        evidence = Evidence(ledger, run.plan, run.name, jobs)
        adapter = make_adapter(run.plan.target, folder=run.ledger)
        findings = Findings(
            lost=(*unforeseen, *evidence.lost(run.scenario.may_fail)),
            billed_twice=tuple(evidence.billed_twice()),
            foreign=tuple(evidence.foreign(run.memory, adapter, last.get("answers", ()))),
            over_budget=(
                *evidence.over_budget(),
                *(line for one in ends for line in one.get("over", ())),
            ),
            betrayed=tuple(betrayed(run.folder, ledger=run.ledger)),
        )
        states = [one.state for one in evidence.records]
        return Verdict(
            scenario=run.scenario,
            findings=findings,
            happened=frozenset(happened),
            n_kills=run.n_kills,
            n_jobs=len(jobs),
            n_done=states.count("done"),
            n_failed=states.count("failed"),
            billed=evidence.totals(),
            wall_s=wall_s,
        )


def table(verdicts: Sequence[Verdict]) -> str:
    """Return what came of runs, by the faults that happened in them and by vendor."""
    rows: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for one in verdicts:
        for kind in one.happened or {"none"}:
            rows[kind, one.scenario.vendor].append(one)
        rows["all", one.scenario.vendor].append(one)
        rows["all", "all"].append(one)
    lines = [
        _line(
            "fault",
            "vendor",
            ["runs", "kills", "jobs", "lost", "double", "foreign", "over", "betrayed"],
        )
    ]
    order = ["none", *KINDS, "all"]
    for kind, vendor in sorted(rows, key=lambda row: (order.index(row[0]), row[1] == "all", row)):
        own = rows[kind, vendor]
        faults = ("lost", "billed_twice", "foreign", "over_budget", "betrayed")
        wrong = [sum(len(getattr(one.findings, name)) for one in own) for name in faults]
        sums = [len(own), sum(one.n_kills for one in own), sum(one.n_jobs for one in own), *wrong]
        lines.append(_line(kind, vendor, sums))
    return "\n".join(lines)


def _line(kind: str, vendor: str, cells: Iterable[object]) -> str:
    return f"{kind:21} {vendor:7}" + "".join(f"{cell!s:>9}" for cell in cells)


def summary(one: Verdict) -> str:
    """Return a run in a line, and what is wrong with it in others."""
    scenario, found = one.scenario, one.findings
    extras = [
        f"{scenario.n_processes} processes" * (scenario.n_processes > 1),
        "server lost" * scenario.loses_server,
        "recalibrated" * scenario.recalibrates,
    ]
    head = (
        f"{scenario.number:3} {scenario.target:14} {one.wall_s:5.1f} s, {one.n_kills} kills, "
        f"{one.n_jobs} jobs, {one.n_done} done, {one.n_failed} failed, "
        f"billed {one.billed[0]:g}/{one.billed[1]:g}; "
        f"{', '.join([*sorted(one.happened), *filter(None, extras)]) or 'no fault'}"
    )
    wrong = [*found.lost, *found.billed_twice, *found.foreign, *found.over_budget, *found.betrayed]
    return "\n     ".join([head, *wrong])


def main() -> None:
    """Play runs and print what came of them."""
    parser = argparse.ArgumentParser(prog="real_clients", description=__doc__)
    parser.add_argument("--runs", type=int, default=36)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    parser.add_argument("--folder", type=Path, help="where everything is kept")
    given = parser.parse_args()
    verdicts = []
    with tempfile.TemporaryDirectory() as made, fleet(given.folder or Path(made)) as ships:
        for number in range(given.first, given.first + given.runs):
            verdicts.append(play(ships, drawn(number, given.seed)))
            print(summary(verdicts[-1]), flush=True)
    print(table(verdicts))


if __name__ == "__main__":
    main()
