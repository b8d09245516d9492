"""A call's jobs: under the target's limits by the provider's own count, a sentinel in each."""

import numpy as np
import pytest
from hardware_plans import target
from hardware_programs import count_jobs, rotated
from hypothesis import given, settings
from random_qubits import random_circuit

from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.errors import BudgetError
from qmlmat.hardware.adapters.registry import make_adapter
from qmlmat.hardware.executions import Overhead, estimator_executions
from qmlmat.hardware.jobs import job_pieces, job_tasks
from qmlmat.hardware.sentinel import SENTINEL_SHOTS, sentinel_of_batch, sentinel_of_counts
from qmlmat.operators.pauli import PauliSum


def tasks_of(programs, sentinel, where):
    """The jobs of programs."""
    pieces = job_pieces(programs, sentinel, where)
    return job_tasks(programs, sentinel, pieces, where, ("run", 3))


def batch(n_points: int, shots: int) -> Batch:
    """Two sums in two bases, by the provider."""
    circuit = random_circuit(np.random.default_rng(0), 2, 5, 1)
    sums = (PauliSum.from_words({"ZI": 0.5, "IZ": 0.1}), PauliSum.from_words({"XX": 0.3}))
    return Batch(circuit, np.linspace(0, 1, n_points)[:, None], sums, shots, start=((1, 1.0),))


@settings(max_examples=25, deadline=None)
@given(count_jobs())
def test_each_job_has_the_sentinel_and_a_number_of_its_own(jobs):
    """The same question in every job, none without, and never dearer than what it watches over."""
    where = target(mode={"max_programs_per_job": 3, "max_executions_per_job": 2500})
    sentinel = sentinel_of_counts(jobs[0])
    found = tasks_of(jobs, sentinel, where)
    assert [one.part for one in found] == list(range(len(found)))
    assert {(one.run, one.step) for one in found} == {("run", 3)}
    assert all(one.sentinel.program.circuit == sentinel.program.circuit for one in found)
    for one in found:
        most = max(program.shots for program in one.programs)
        assert one.sentinel.program.shots == min(SENTINEL_SHOTS, most)
    assert len({one.key() for one in found}) == len(found)
    assert all(len(one.measured) <= 3 for one in found)
    assert all(one.n_shots <= 2500 for one in found)
    wanted = sum(len(one.angles) * one.shots for one in jobs)
    watching = sum(one.sentinel.program.shots for one in found)
    assert sum(one.n_shots for one in found) == wanted + watching


@pytest.mark.parametrize(("name", "n_jobs"), [("braket_garnet", 3), ("ibm_open", 1)])
def test_points_count_where_the_provider_counts_them(name, n_jobs):
    """Amazon's program sets hold a hundred executables, the sentinel among them."""
    job = CountJob(rotated(0), np.linspace(0, 1, 250)[:, None], 10)
    found = tasks_of([job], sentinel_of_counts(job), target(name))
    assert len(found) == n_jobs
    if n_jobs > 1:
        assert max(one.n_circuits for one in found) == 100


def test_repetitions_beyond_a_programs_limit_are_shared_by_programs():
    """SV1 takes at most 100,000 shots of a circuit."""
    job = CountJob(rotated(0), np.zeros((1, 1)), 250_000)
    (found,) = tasks_of([job], sentinel_of_counts(job), target("braket_sv1"))
    assert [one.shots for one in found.programs] == [83_334, 83_333, 83_333]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("most", [60_000, 200_000, 1_000_000])
@pytest.mark.parametrize(("n_points", "shots"), [(1, 8192), (7, 4096), (40, 1024), (3, 50_000)])
def test_jobs_of_the_estimator_are_within_the_limit(level, most, n_points, shots):
    """By the client's own formula: bases, noise factors, calibration and sentinel counted."""
    resilience = {"level": level} | ({"zne_factors": [1, 3, 5]} if level == 2 else {})
    where = target(
        "ibm_open",
        primitive="estimator",
        mitigation={"readout": None, "symmetry": None},
        resilience=resilience,
        mode={"max_executions_per_job": most},
    )
    programs = [batch(n_points, shots), batch(2, shots)]
    sentinel = sentinel_of_batch(programs[0], expectations=True)
    found = tasks_of(programs, sentinel, where)
    overhead = Overhead.of(where.resilience)
    for one in found:
        assert len({program.shots for program in one.measured}) == 1
        assert estimator_executions(one.measured, overhead) <= most
    asked = sum(len(one.angles) * one.shots for one in programs)
    assert sum(len(p.angles) * p.shots for one in found for p in one.programs) == asked


@settings(max_examples=25, deadline=None)
@given(count_jobs(max_shots=4000))
def test_jobs_of_the_sampler_are_within_the_limit(jobs):
    """IBM gives all circuits of a job one number of shots; repeats are counted."""
    where = target("ibm_open", mode={"max_executions_per_job": 10_000})
    adapter = make_adapter(where, folder=None)
    for one in tasks_of(jobs, sentinel_of_counts(jobs[0]), where):
        assert adapter.estimate(one).n_executions <= 10_000


def test_jobs_that_hold_hardly_more_than_a_sentinel_are_refused():
    """Thousands of jobs of one shot are nobody's wish."""
    job = CountJob(rotated(0), np.zeros((1, 1)), 100)
    where = target(mode={"max_executions_per_job": 1500})
    with pytest.raises(BudgetError, match="Allow at least 10000"):
        job_pieces([job], sentinel_of_counts(job), where)


def test_the_target_is_part_of_the_key_without_budget_and_limits():
    """What changes nothing that is measured does not hide jobs that were sent."""
    job = CountJob(rotated(0), np.zeros((1, 1)), 100)
    keys = {
        tasks_of([job], None, where)[0].key()
        for where in (
            target(),
            target(budget={"max_jobs": 3}),
            target(mode={"max_programs_per_job": 7}),
            target(retry={"attempts": 9}),
        )
    }
    assert len(keys) == 1
    assert tasks_of([job], None, target("local_fake_manila"))[0].key() not in keys
