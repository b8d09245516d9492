"""The key says what is asked, to the last bit, and nothing of how it is run."""

import json
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hardware_fakes import small_task
from hardware_programs import batches, count_jobs
from hypothesis import given, settings
from random_qubits import random_sum

from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.hardware.sentinel import sentinel_of_counts
from qmlmat.hardware.task import (
    Task,
    from_plain,
    packed,
    sum_from_plain,
    sum_to_plain,
    task_from_plain,
    task_to_plain,
    to_plain,
    unpacked,
)

KEY = "634c8c4a8d5edee0fd9943d120662308a67f00498032b508cb3a68a248404550"
NEXT_KEY = "b89d93c080aa24df7284bf0acbf23a30f8b9f66075ba330eef11c9c2804c5d37"
"""Of the first small task; frozen from this code."""


def changed(task: Task, **fields) -> Task:
    """The task whose first program has other fields."""
    first, *others = task.programs
    return replace(task, programs=(replace(first, **fields), *others))


def moved(angles: np.ndarray) -> np.ndarray:
    """The angles, the last bit of one of them changed."""
    found = angles.copy()
    found[-1, -1] = np.nextafter(found[-1, -1], np.inf)
    return found


def test_keys_outlive_a_release():
    """Jobs are found again by keys: whoever changes how they follow has to see this test fail."""
    assert small_task(0).key() == KEY
    assert small_task(0).key(1) == NEXT_KEY


def test_key_knows_no_layout():
    """A layout is chosen when a job is compiled; a sentinel's exact value is no part of it."""
    task = small_task(1)
    other = replace(task, sentinel=replace(task.sentinel, exact=9.0))
    assert other.key() == task.key()


@pytest.mark.parametrize(
    "change",
    [
        lambda task: changed(task, angles=moved(task.programs[0].angles)),
        lambda task: changed(task, shots=task.programs[0].shots + 1),
        lambda task: changed(task, fold=3),
        lambda task: changed(task, is_physical=True),
        lambda task: replace(task, sentinel=None),
        lambda task: replace(task, run="other"),
        lambda task: replace(task, step=1),
        lambda task: replace(task, part=7),
        lambda task: replace(task, role="gradient"),
        lambda task: replace(task, target={"provider": "fake", "device": "other"}),
        lambda task: replace(task, programs=task.programs * 2),
    ],
    ids=[
        "angle",
        "shots",
        "fold",
        "physical",
        "sentinel",
        "run",
        "step",
        "part",
        "role",
        "target",
        "programs",
    ],
)
def test_key_tells_every_other_question(change):
    """What would be answered otherwise, or asked elsewhere, is another job."""
    task = small_task(1)
    assert change(task).key() != task.key()


def test_each_attempt_has_a_key_of_its_own():
    """A failed job that is sent again must not be taken for the first."""
    task = small_task(1)
    assert len({task.key(attempt) for attempt in range(5)}) == 5


def test_zero_and_minus_zero_are_two_angles():
    """Angles are compared by bits: text that is rounded would hide a change."""
    angles = np.zeros((1, 1))
    task = changed(small_task(0), angles=angles)
    assert changed(task, angles=-angles).key() != task.key()


@settings(max_examples=40, deadline=None)
@given(st.one_of(count_jobs(), batches()))
def test_tasks_return_from_their_files(programs):
    """What is read again from a file is the same task, by key and by every bit of it."""
    sentinel = None
    if isinstance(programs[0], CountJob):
        sentinel = sentinel_of_counts(programs[0])
    task = Task(programs=tuple(programs), sentinel=sentinel, run="r", part=2, target={"a": 1.5})
    again = task_from_plain(json.loads(json.dumps(task_to_plain(task))))
    assert again.key() == task.key()
    assert again.n_shots == task.n_shots
    assert again.n_circuits == task.n_circuits
    for left, right in zip(task.measured, again.measured, strict=True):
        assert type(left) is type(right)
        assert left.angles.tobytes() == right.angles.tobytes()
        assert left.angles.shape == right.angles.shape
        assert left.circuit == right.circuit
    if sentinel is not None:
        assert again.sentinel.exact == sentinel.exact
        assert (again.sentinel.masks == sentinel.masks).all()
        assert (again.sentinel.coefficients == sentinel.coefficients).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(width=64), max_size=6),
)
def test_packed_floats_keep_every_bit(values):
    """Infinities, NaN, minus zero and subnormal numbers survive a file."""
    array = np.array(values)
    again = unpacked(json.loads(json.dumps(packed(array))))
    assert again.tobytes() == array.tobytes()
    assert again.shape == array.shape


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_sums_return_from_plain_values(seed, is_complex):
    """Coefficients keep every bit, complex ones too."""
    rng = np.random.default_rng(seed)
    one = random_sum(rng, 5)
    if is_complex:
        one = replace(one, coefficients=one.coefficients + 1j * rng.normal(size=len(one.x)))
    again = sum_from_plain(json.loads(json.dumps(sum_to_plain(one))))
    assert again.n_qubits == one.n_qubits
    assert (again.x == one.x).all()
    assert (again.z == one.z).all()
    assert (again.coefficients == one.coefficients).all()


def test_programs_of_no_parameters_return():
    """A circuit without angles is one point of no numbers."""
    job = small_task(0).sentinel.program
    again = from_plain(to_plain(job))
    assert again.angles.shape == (1, 0)
