"""Whatever happens, each task is answered once, paid once, and by its own job."""

from __future__ import annotations

import importlib.util
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hardware_fakes import FAULTS
from hardware_runs import GRACE_S, Scenario, play
from hypothesis import given, settings
from hypothesis import strategies as st

N_RUNS = 420
EVERY_FAULT = [(call, kind) for call, kinds in FAULTS.items() for kind in kinds]
MEMORY = Path("/dev/shm")

SCENARIOS = st.builds(
    Scenario,
    n_tasks=st.integers(1, 3),
    faults=st.lists(st.sampled_from(EVERY_FAULT), max_size=5).map(tuple),
    # a process that sends two jobs undisturbed passes about 60 points
    kills=st.lists(st.integers(1, 60), max_size=5).map(tuple),
    full=st.lists(st.integers(1, 60), max_size=2).map(tuple),
    skews=st.lists(
        st.sampled_from([0.0, -40.0, 7200.0, -7200.0, 3.2e7]), min_size=1, max_size=4
    ).map(tuple),
    visible_after=st.sampled_from([0.0, 10.0, GRACE_S]),
    n_processes=st.sampled_from([1, 1, 2]),
    is_one_host=st.booleans(),
    schedule=st.integers(0, 10_000),
    spare_jobs=st.sampled_from([10, 10, 2, 1, 0, -1]),
    resubmit_failed=st.booleans(),
)
"""Runs with any faults, kills at any transition, clocks set, full disks, one or two processes."""


def played(scenario: Scenario):
    """What came of a run, its files in memory where there is such a place."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        return play(scenario, Path(folder))


def test_no_kill_fault_clock_or_second_process_loses_or_doubles_a_job():
    """0 lost, 0 billed twice, 0 foreign answers, 0 over budget, events only ever appended."""
    seen: Counter = Counter()

    @settings(max_examples=N_RUNS)
    @given(SCENARIOS)
    def check(scenario):
        verdict = played(scenario)
        assert verdict.is_clean, verdict
        seen["runs"] += 1
        seen["kills"] += verdict.n_kills
        seen["full"] += verdict.n_full
        seen["two"] += scenario.n_processes == 2
        seen.update(call for call, _ in verdict.seen)

    check()
    assert seen["runs"] >= 300
    # the runs did go through all of that
    assert min(seen["kills"], seen["two"], seen["full"]) > 50
    assert min(seen[call] for call in ("submit", "find", "status", "result", "usage")) > 20


@pytest.mark.parametrize(("call", "kind"), EVERY_FAULT, ids=lambda word: word)
def test_every_fault_by_itself_ends_as_it_should(call, kind):
    """One fault, nothing else: all answered, but for a job the provider refuses or that failed."""
    faults = ((call, kind),)
    if call == "cancel":  # asked for only where there is a job too many
        faults = (("submit", "sent_twice"), *faults)
    verdict = played(Scenario(n_tasks=2, faults=faults, resubmit_failed=False))
    assert verdict.is_clean, verdict
    assert set(faults) == set(verdict.seen)
    failed = kind in {"failed_job", "http400"}
    assert Counter(verdict.states)["failed"] == failed
    assert Counter(verdict.states)["done"] == 2 - failed


def test_a_process_may_end_at_any_point_whatever():
    """Killed at each of the points in turn, the run ends as if it had not been."""
    n_points = 0
    for n_points in range(1, 200):
        verdict = played(Scenario(n_tasks=1, kills=(n_points,)))
        assert verdict.is_clean, (n_points, verdict)
        assert verdict.states == ("done",)
        assert verdict.n_jobs == 1
        if not verdict.n_kills:
            break
    assert 30 < n_points < 199


@pytest.mark.parametrize("n", range(0, 60, 5))
def test_a_disk_that_is_full_at_any_point_loses_nothing(n):
    """ENOSPC at the database or the spool ends the process with one line; the next goes on."""
    verdict = played(Scenario(n_tasks=1, full=(n + 1, 5)))
    assert verdict.is_clean, verdict
    assert verdict.states == ("done",)
    assert verdict.n_jobs == 1


@pytest.mark.slow
def test_thousands_of_runs():
    """The same for a few thousand other runs."""

    @settings(max_examples=3000)
    @given(SCENARIOS, st.integers(0, 10**6))
    def check(scenario, _):
        verdict = played(scenario)
        assert verdict.is_clean, verdict

    check()


def test_the_table_of_faults_can_be_drawn():
    """One run of each kind; nothing in the columns that must be empty."""
    path = Path(__file__).with_name("faults_table.py")
    spec = importlib.util.spec_from_file_location("faults_table", path)
    drawn = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawn)
    head, *_, last = drawn.table(1)
    together = dict(zip(head.split()[2:], map(int, last.split()[1:]), strict=True))
    assert together["runs"] > 30
    assert not any(together[name] for name in ("lost", "twice", "wrong", "over", "altered"))
