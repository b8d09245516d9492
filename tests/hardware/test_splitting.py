"""Programs cut into jobs: within the limits, nothing lost, and put together as if never cut."""

import hypothesis.strategies as st
import numpy as np
from hardware_plans import totals
from hardware_programs import SEEDS, batches, count_jobs, counts_of, measured_of, rotated
from hypothesis import given, settings

from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured
from qmlmat.hardware.splitting import JobLimits, assembled, split

LIMITS = st.builds(
    JobLimits,
    n_programs=st.none() | st.integers(2, 6),
    counts_points=st.booleans(),
    n_executions=st.none() | st.integers(150, 2000),
    n_shots=st.none() | st.integers(1, 300),
)


def cut(programs, jobs):
    """The programs of each job."""
    return [[piece.cut(programs) for piece in pieces] for pieces in jobs]


@settings(max_examples=150, deadline=None)
@given(st.one_of(count_jobs(), batches()), LIMITS, st.integers(0, 100))
def test_limits_are_kept(programs, limits, sentinel_shots):
    """No job has more programs, points, executions or repetitions than a provider takes."""
    jobs = cut(programs, split(programs, limits, sentinel_shots=sentinel_shots))
    has_sentinel = bool(sentinel_shots)
    for own in jobs:
        assert own
        n_points = sum(len(one.angles) for one in own) + has_sentinel
        n_programs = n_points if limits.counts_points else len(own) + has_sentinel
        assert limits.n_programs is None or n_programs <= limits.n_programs
        n_executions = sum(len(one.angles) * one.shots for one in own) + sentinel_shots
        assert limits.n_executions is None or n_executions <= limits.n_executions
        assert limits.n_shots is None or all(one.shots <= limits.n_shots for one in own)
        assert all(len(one.angles) and one.shots for one in own)
        if isinstance(own[0], Batch):
            assert len({one.shots for one in own}) == 1


@settings(max_examples=150, deadline=None)
@given(st.one_of(count_jobs(), batches()), LIMITS)
def test_shots_of_each_point_are_conserved(programs, limits):
    """Each point is measured exactly as often as was asked, in however many jobs."""
    seen = [np.zeros(len(one.angles), dtype=int) for one in programs]
    for pieces in split(programs, limits):
        for piece in pieces:
            seen[piece.program][piece.begin : piece.end] += piece.shots
    for one, shots in zip(programs, seen, strict=True):
        assert (shots == one.shots).all()


@settings(max_examples=100, deadline=None)
@given(count_jobs(), LIMITS, SEEDS)
def test_counts_put_together_are_those_of_all_pieces(programs, limits, seed):
    """Each outcome of each point is counted as often as in all jobs together."""
    jobs = split(programs, limits)
    answers = [
        counts_of(own, np.random.default_rng([seed, k]))
        for k, own in enumerate(cut(programs, jobs))
    ]
    found = assembled(programs, jobs, answers)
    tallies: dict = {}
    for pieces, own in zip(jobs, answers, strict=True):
        for piece, answer in zip(pieces, own, strict=True):
            for row in range(answer.n_rows):
                tally = tallies.setdefault((piece.program, piece.begin + row), {})
                for outcome, count in answer.to_dict(row).items():
                    tally[outcome] = tally.get(outcome, 0) + count
    for place, (one, whole) in enumerate(zip(programs, found, strict=True)):
        assert whole.n_rows == len(one.angles)
        assert (totals(whole) == one.shots).all()
        for row in range(whole.n_rows):
            assert whole.to_dict(row) == tallies[place, row]


@settings(max_examples=60, deadline=None)
@given(batches(), LIMITS, SEEDS)
def test_expectations_put_together_are_means_by_shots(programs, limits, seed):
    """The mean over pieces weighs by shots, and its variance is that of independent pieces."""
    jobs = split(programs, limits)
    answers = [
        measured_of(own, np.random.default_rng([seed, k]))
        for k, own in enumerate(cut(programs, jobs))
    ]
    found = assembled(programs, jobs, answers)
    for place, (one, whole) in enumerate(zip(programs, found, strict=True)):
        for row in range(len(one.angles)):
            parts = [
                (piece.shots, answer.values[row - piece.begin], answer.variances[row - piece.begin])
                for pieces, own in zip(jobs, answers, strict=True)
                for piece, answer in zip(pieces, own, strict=True)
                if piece.program == place and piece.begin <= row < piece.end
            ]
            shots = np.array([n for n, _, _ in parts])
            weights = shots / shots.sum()
            np.testing.assert_allclose(whole.values[row], weights @ [v for _, v, _ in parts])
            np.testing.assert_allclose(whole.variances[row], weights**2 @ [v for *_, v in parts])


@settings(max_examples=40, deadline=None)
@given(count_jobs(), LIMITS, SEEDS)
def test_programs_of_a_missing_job_have_no_answer(programs, limits, seed):
    """All others have theirs."""
    rng = np.random.default_rng(seed)
    jobs = split(programs, limits)
    answers = [counts_of(own, rng) for own in cut(programs, jobs)]
    lost = int(rng.integers(len(jobs)))
    answers[lost] = None
    missing = {piece.program for piece in jobs[lost]}
    for place, whole in enumerate(assembled(programs, jobs, answers)):
        assert (whole is None) == (place in missing)


def test_jobs_are_full():
    """Nothing is sent in two jobs that fits into one: each job has a price of its own."""
    programs = [CountJob(rotated(k), np.zeros((1, 1)), 100) for k in range(6)]
    assert len(split(programs, JobLimits())) == 1
    assert len(split(programs, JobLimits(n_programs=3))) == 2
    assert len(split(programs, JobLimits(n_executions=600))) == 1
    assert len(split(programs, JobLimits(n_executions=600), sentinel_shots=1)) == 2


def test_executions_may_be_more_than_shots():
    """Bases and noise factors of the provider count against its limit."""
    batch = Batch(rotated(0), np.zeros((4, 1)), (), 100)
    jobs = split([batch], JobLimits(n_executions=1000), executions=[500])
    assert [[(piece.begin, piece.end) for piece in own] for own in jobs] == [[(0, 2)], [(2, 4)]]


def test_exact_expectations_are_cut_by_nothing():
    """Without shots there is nothing to divide."""
    batch = Batch(rotated(0), np.zeros((4, 1)), (), None)
    jobs = split([batch], JobLimits(n_executions=1, n_shots=1))
    assert len(jobs) == 1
    (whole,) = assembled([batch], jobs, [[Measured(np.ones((4, 1)), np.zeros((4, 1)))]])
    assert whole.n_shots is None


def test_nothing_is_no_job():
    """Requests of constants alone ask a device nothing."""
    assert split([], JobLimits(n_programs=1)) == []
    assert assembled([], [], []) == []
