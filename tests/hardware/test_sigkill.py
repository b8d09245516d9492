"""A real process, a real SIGKILL, a provider whose jobs outlive it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import hardware_child
import pytest

ROOT = Path(__file__).parents[2]


def verdict_of(folder, n_tasks, faults, points):
    """What a run comes to whose processes are killed at these points one after the other."""
    paths = [str(ROOT), str(ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")]
    found = subprocess.run(
        [
            *(sys.executable, hardware_child.__file__, str(folder), str(n_tasks), faults),
            *map(str, points),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def check(verdict, n_tasks, n_killed):
    assert verdict["ended"] == [-signal.SIGKILL] * n_killed + [0]
    assert verdict["states"] == ["done"] * n_tasks
    for what in ("lost", "twice", "wrong", "over", "altered"):
        assert verdict[what] == [], what


def test_killed_before_and_after_the_job_is_accepted_it_runs_once(tmp_path):
    """SIGKILL before and after the request that costs money, and at each later step."""
    points = (
        "submit:before",
        "submit:accepted",
        "find:before",
        "result:after",
        "spool",
        "usage:before",
    )
    verdict = verdict_of(tmp_path, 2, "", points)
    check(verdict, 2, len(points))
    assert verdict["jobs"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_killed_again_and_again_at_random(tmp_path, seed):
    """Five SIGKILLs and a fault for each of eight runs."""
    rng = random.Random(seed)
    # the first process makes the tables; later ones find ever less to do
    points = [rng.randint(2, 45), *(rng.randint(2, 9) for _ in range(4))]
    fault = ["", "submit:drop_after_accept", "result:truncated", "submit:http429"][seed % 4]
    check(verdict_of(tmp_path, 3, fault, points), 3, 5)
