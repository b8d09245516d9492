"""What each fault comes to in many random runs: ``python tests/hardware/faults_table.py [N]``."""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hardware_fakes import FAULTS
from hardware_runs import GRACE_S, Scenario, play

COLUMNS = (
    "runs",
    "kills",
    "tasks",
    "done",
    "failed",
    "jobs",
    "stopped",
    "lost",
    "twice",
    "wrong",
    "over",
    "altered",
)
DISTURBANCES = {
    "none": {},
    "killed at random points": {"kills": 4},
    "two processes, one computer": {"n_processes": 2, "is_one_host": True, "kills": 2},
    "two processes, two containers": {"n_processes": 2, "is_one_host": False, "kills": 2},
    "clock set by hours and years": {"skews": 4, "kills": 2},
    "disk full (database, spool)": {"full": 3, "kills": 1},
    "index lags by the whole grace": {"visible_after": GRACE_S, "kills": 2},
}
SKEWS = (0.0, -40.0, 7200.0, -7200.0, 3.2e7)


def scenarios(n: int, seed: int = 0) -> dict[str, list[Scenario]]:
    """For each thing that happens, n runs in which it does, kills around it."""
    rng = random.Random(seed)
    found = {}
    for name, what in DISTURBANCES.items():
        found[name] = [scenario(rng, what) for _ in range(n)]
    for call, kinds in FAULTS.items():
        for kind in kinds:
            faults = (
                ((call, kind),) if call != "cancel" else (("submit", "sent_twice"), (call, kind))
            )
            found[f"{call}: {kind}"] = [
                replace(scenario(rng, {"kills": rng.randint(0, 3)}), faults=faults)
                for _ in range(n)
            ]
    return found


def scenario(rng: random.Random, what: dict) -> Scenario:
    """A run in which something happens."""

    def points(name: str) -> tuple[int, ...]:
        return tuple(rng.randint(1, 60) for _ in range(what.get(name, 0)))

    skews = tuple(rng.choice(SKEWS) for _ in range(what.get("skews", 1)))
    return Scenario(
        n_tasks=rng.randint(1, 3),
        kills=points("kills"),
        full=points("full"),
        skews=skews if "skews" in what else (0.0,),
        visible_after=what.get("visible_after", 0.0),
        n_processes=what.get("n_processes", 1),
        is_one_host=what.get("is_one_host", True),
        schedule=rng.randint(0, 10**6),
    )


def row(runs: list[Scenario]) -> Counter:
    """What the runs come to together."""
    found: Counter = Counter()
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    for one in runs:
        with tempfile.TemporaryDirectory(dir=place) as folder:
            verdict = play(one, Path(folder))
        found["runs"] += 1
        found["kills"] += verdict.n_kills
        found["tasks"] += len(verdict.states)
        found["done"] += verdict.states.count("done")
        found["failed"] += verdict.states.count("failed")
        found["jobs"] += verdict.n_jobs
        found["stopped"] += verdict.n_stopped
        found["lost"] += len(verdict.lost)
        found["twice"] += len(verdict.billed_twice)
        found["wrong"] += len(verdict.wrong)
        found["over"] += len(verdict.over_budget)
        found["altered"] += len(verdict.altered)
    return found


def table(n: int) -> list[str]:
    """The lines of the table, with n runs each."""
    width = max(map(len, scenarios(0)))
    lines = [f"{'what happens':{width}} " + " ".join(f"{name:>7}" for name in COLUMNS)]
    total: Counter = Counter()
    for name, runs in scenarios(n).items():
        found = row(runs)
        total += found
        lines.append(f"{name:{width}} " + " ".join(f"{found[one]:7}" for one in COLUMNS))
    lines.append(f"{'together':{width}} " + " ".join(f"{total[one]:7}" for one in COLUMNS))
    return lines


if __name__ == "__main__":
    print("\n".join(table(int(sys.argv[1]) if len(sys.argv) > 1 else 20)))
