"""Threads of the kernels: what the caller says holds, and errors reach the caller."""

import os
import signal
import threading

import pytest

from qmlmat.errors import InputError
from qmlmat.operators import parallel


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    """Each test starts as a fresh process, and leaves nothing behind."""
    monkeypatch.setattr(parallel, "_chosen", [])


def test_the_callers_number_comes_first_then_the_environments(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")  # by level of nesting
    assert parallel.get_num_threads() == 3
    parallel.set_num_threads(2)
    assert parallel.get_num_threads() == 2


@pytest.mark.parametrize("text", ["", "0", "²", "many"])
def test_without_a_plain_number_it_is_what_the_process_may_use(monkeypatch, text):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert parallel.get_num_threads() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    assert parallel.get_num_threads() == os.cpu_count()


def test_less_than_one_thread_is_refused():
    with pytest.raises(InputError, match="Use 1 to"):
        parallel.set_num_threads(0)


def test_parts_run_at_the_same_time_and_see_one_thread_inside():
    """Each part waits for all others; work nested in a part is not shared once more."""
    parallel.set_num_threads(3)
    meet, seen = threading.Barrier(3), []

    def task(part):
        meet.wait(timeout=10)
        seen.append((part, parallel.get_num_threads()))

    parallel.run_parts(task, 3)
    assert sorted(seen) == [(0, 1), (1, 1), (2, 1)]
    assert parallel.get_num_threads() == 3


@pytest.mark.parametrize("failing", [0, 1])
def test_errors_of_a_part_are_raised_after_all_parts_ended(failing):
    ended = []

    def task(part):
        if part == failing:
            raise ZeroDivisionError
        ended.append(part)

    with pytest.raises(ZeroDivisionError):
        parallel.run_parts(task, 2)
    assert ended == [1 - failing]
    parallel.run_parts(ended.append, 2)  # the threads are still good for the next work


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_child_starts_threads_of_its_own():
    """Threads do not survive a fork; waiting for the parent's would hang."""
    parallel.run_parts(lambda part: part, 2)
    child = os.fork()
    if child == 0:
        status = 1
        signal.alarm(20)  # a child that waits for lost threads dies, and the test with it
        try:
            done = []
            parallel.run_parts(done.append, 2)
            status = 0 if sorted(done) == [0, 1] else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
