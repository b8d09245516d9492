"""Two processes on one ledger: one of them is at a task, and a dead one is at none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from hardware_fakes import tasks

from qmlmat.hardware.ledger.budget import Budget
from qmlmat.hardware.ledger.leases import LEASE_S
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.owner import Owner, has_ended


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.day, self.watch = 1.7e9, 0.0

    def now(self):
        return self.day

    def elapsed(self):
        return self.watch


@pytest.fixture
def pair(tmp_path):
    """Two open ledgers, how the second sees the first's owner, and its clock."""
    clock, ended = Clock(), {"value": False}
    first = Ledger.open(tmp_path / "ledger", clock=clock)
    second = Ledger.open(tmp_path / "ledger", clock=clock, ended=lambda _: ended["value"])
    first.begin("run", {}, {}, Budget())
    (key,) = first.add("run", tasks(1))
    yield first, second, key, clock, ended
    first.close()
    second.close()


def is_free(ledger, key):
    with ledger.leased(key) as record:
        return record is not None


def test_a_task_is_one_process_at_a_time(pair):
    """While the first has it the second is told so; afterwards it may."""
    first, second, key, _, _ = pair
    with first.leased(key) as record:
        assert record is not None
        assert first.holds(record)
        assert not is_free(second, key)
        assert not second.holds(record)
    assert is_free(second, key)


def test_a_living_process_keeps_its_task_whatever_the_clock_says(pair):
    """Neither a year later nor a year earlier is it taken over."""
    first, second, key, clock, _ = pair
    with first.leased(key):
        for shift in (3e7, -6e7):
            clock.day += shift
            assert not is_free(second, key)


def test_the_task_of_a_dead_process_is_free_at_once(pair):
    """Nothing has to be waited for after a kill."""
    first, second, key, _, ended = pair
    with first.leased(key) as record:
        ended["value"] = True
        assert is_free(second, key)
        assert not first.holds(record)


def test_where_life_cannot_be_told_the_lease_has_to_be_old(pair):
    """A process in another container: by the time of day."""
    first, second, key, clock, ended = pair
    ended["value"] = None
    with first.leased(key):
        clock.day += LEASE_S - 1
        assert not is_free(second, key)
        clock.day += 1
        assert is_free(second, key)


def test_a_clock_that_was_set_back_does_not_lock_a_task_for_ever(pair):
    """The second process has watched the same lease for its whole time."""
    first, second, key, clock, ended = pair
    ended["value"] = None
    with first.leased(key):
        clock.day -= 3e7
        assert not is_free(second, key)
        clock.watch += LEASE_S - 1
        assert not is_free(second, key)
        clock.watch += 1
        assert is_free(second, key)


def test_the_system_knows_who_lives():
    """A running process lives, a killed one has ended, also before its parent has looked."""
    mine = Owner.here()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        from qmlmat.hardware.ledger.owner import _started

        theirs = replace(mine, pid=child.pid, started=_started(child.pid)[0])
        assert has_ended(mine) is False
        assert has_ended(theirs) is False
        os.kill(child.pid, signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(theirs) is True
    finally:
        child.kill()
        child.communicate()
    assert has_ended(theirs) is True


def test_a_number_that_was_given_to_another_process_is_not_the_owner():
    """Numbers of processes come again; the time of their start does not."""
    mine = Owner.here()
    assert has_ended(replace(mine, started="1")) is True
    assert has_ended(replace(mine, boot="before")) is True
    assert has_ended(replace(mine, host="elsewhere")) is None
    assert Owner.from_text(mine.to_text()) == mine
