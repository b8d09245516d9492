"""Programs bundled: every shot is somebody's, nobody gets too few, and dealing is without bias."""

from dataclasses import replace

import numpy as np
import pytest
from hardware_plans import totals
from hardware_programs import SEEDS, batches, counts_of, measured_of, rotated
from hardware_programs import count_jobs as drawn_jobs
from hypothesis import given, settings
from scipy.stats import chisquare

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.calibration import calibration_jobs
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.hardware.bundling import LEVEL, bundled


def executions(programs) -> int:
    """Circuit executions of programs."""
    return sum(len(one.angles) * one.shots for one in programs)


@settings(max_examples=80, deadline=None)
@given(drawn_jobs(), SEEDS)
def test_every_shot_is_somebodys_and_nobody_has_too_few(jobs, seed):
    """Counts are conserved outcome by outcome, and each row has at least what it asked for."""
    bundle = bundled(jobs)
    answers = counts_of(bundle.sent, np.random.default_rng(seed))
    found = bundle.unbundled(answers)
    for job, one in zip(jobs, found, strict=True):
        assert one.n_rows == len(job.angles)
        assert (totals(one) >= job.shots).all()
    measured, dealt = {}, {}
    for job, answer in zip(bundle.sent, answers, strict=True):
        if not job.is_physical:
            add(measured, job, answer)
    for job, one in zip(jobs, found, strict=True):
        if not job.is_physical:
            add(dealt, job, one)
    assert dealt == measured


def add(tally, job, answer):
    """Count each outcome of each point."""
    for row, angles in enumerate(job.angles):
        for outcome, count in answer.to_dict(row).items():
            key = (job.circuit, job.fold, angles.tobytes(), outcome)
            tally[key] = tally.get(key, 0) + count


@settings(max_examples=80, deadline=None)
@given(drawn_jobs())
def test_each_point_is_measured_once_and_with_little_surplus(jobs):
    """No point is in two programs, and at most a quarter of the shots is more than was asked."""
    ours = [one for one in jobs if not one.is_physical]
    sent = [one for one in bundled(jobs).sent if not one.is_physical]
    points = [(one.circuit, one.fold, row.tobytes()) for one in sent for row in one.angles]
    assert len(set(points)) == len(points)
    assert executions(ours) <= executions(sent) <= LEVEL * executions(ours)


@settings(max_examples=30, deadline=None)
@given(drawn_jobs(), SEEDS)
def test_answers_do_not_depend_on_when_they_are_read(jobs, seed):
    """Read twice, also by another process, the same shots are dealt to the same rows."""
    answers = counts_of(bundled(jobs).sent, np.random.default_rng(seed))
    once, twice = bundled(jobs).unbundled(answers), bundled(jobs).unbundled(answers)
    for left, right in zip(once, twice, strict=True):
        assert (left.outcomes == right.outcomes).all()
        assert (left.counts == right.counts).all()


@settings(max_examples=30, deadline=None)
@given(drawn_jobs(), SEEDS)
def test_what_rests_on_a_missing_job_has_no_answer(jobs, seed):
    """A part that is missing takes away exactly the programs with a point in it."""
    bundle = bundled(jobs)
    rng = np.random.default_rng(seed)
    answers = list(counts_of(bundle.sent, rng))
    lost = int(rng.integers(len(answers)))
    answers[lost] = None
    for share, one in zip(bundle.shares, bundle.unbundled(answers), strict=True):
        rests = {share} if isinstance(share, int) else {part.sent for part in share}
        assert (one is None) == (lost in rests)


def test_equal_rows_are_measured_once():
    """Rows of one circuit at the same angles, of one program or of several, are one point."""
    circuit = rotated(0)
    jobs = [
        CountJob(circuit, np.array([[0.5], [0.5], [0.2]]), 100),
        CountJob(circuit, np.array([[0.5]]), 50),
    ]
    (first, second) = bundled(jobs).sent
    assert (first.angles.tolist(), first.shots) == ([[0.5]], 250)
    assert (second.angles.tolist(), second.shots) == ([[0.2]], 100)


def test_folded_circuits_are_not_taken_for_unfolded_ones():
    """The same angles at another noise factor are another point."""
    job = CountJob(rotated(0), np.array([[0.5]]), 100)
    assert len(bundled([job, replace(job, fold=3)]).sent) == 2


def test_calibrations_are_shared():
    """Requests that calibrate the same qubits measure those two circuits once."""
    jobs = [*calibration_jobs([0, 1], 500), *calibration_jobs([0, 1], 500)]
    bundle = bundled(jobs)
    assert len(bundle.sent) == len(jobs) // 2
    answers = counts_of(bundle.sent, np.random.default_rng(0))
    found = bundle.unbundled(answers)
    assert found[: len(answers)] == found[len(answers) :] == answers


@settings(max_examples=20, deadline=None)
@given(batches(), SEEDS)
def test_expectations_of_the_provider_are_left_alone(programs, seed):
    """They have error bars of their own, so nothing is dealt."""
    bundle = bundled(programs)
    assert bundle.sent == tuple(programs)
    answers = measured_of(programs, np.random.default_rng(seed))
    assert bundle.unbundled(answers) == answers


def test_counts_and_expectations_keep_their_order():
    """Sent is not asked for in the same order; answers are."""
    circuit = rotated(0)
    jobs = [
        CountJob(circuit, np.array([[0.1]]), 10),
        *calibration_jobs([0], 77),
        CountJob(rotated(1), np.array([[0.3]]), 90),
        CountJob(circuit, np.array([[0.2]]), 1000),
    ]
    bundle = bundled(jobs)
    answers = counts_of(bundle.sent, np.random.default_rng(3))
    assert [int(totals(one)[0]) for one in bundle.unbundled(answers)] == [one.shots for one in jobs]


@pytest.mark.parametrize("n_hands", [2, 3])
def test_dealing_is_without_bias(n_hands):
    """Over many jobs each hand sees the outcomes as often as all hands together see them."""
    rng = np.random.default_rng(7)
    p = np.array([0.4, 0.3, 0.2, 0.1])
    job = CountJob(rotated(0), np.full((n_hands, 1), 0.5), 50)
    bundle = bundled([job])
    seen = np.zeros((n_hands, 4))
    for k in range(400):
        # another number of shots: the seed of the dealing follows from it
        counts = rng.multinomial(50 * n_hands + n_hands * k, p)[None]
        (hand,) = bundle.unbundled([Histogram(2, np.arange(4, dtype=np.uint64), counts)])
        assert (totals(hand) == 50 + k).all()
        seen += hand.counts
    for row in seen:
        assert chisquare(row, row.sum() * p).pvalue > 1e-3  # seeds are fixed


def test_hands_vary_as_independent_shots_do():
    """Hands dealt from independent shots are independent: their difference has binomial scatter."""
    rng = np.random.default_rng(11)
    job = CountJob(rotated(0), np.full((2, 1), 0.5), 100)
    bundle, z = bundled([job]), []
    for k in range(300):
        counts = rng.multinomial(200 + 2 * k, [0.3, 0.7])[None]
        (hand,) = bundle.unbundled([Histogram(2, np.array([0, 3], dtype=np.uint64), counts)])
        share = hand.counts[:, 0] / totals(hand)
        z.append((share[0] - share[1]) / np.sqrt(2 * 0.21 / (100 + k)))
    assert abs(np.mean(z)) < 5 / np.sqrt(300)
    assert 0.85 < np.std(z) < 1.15  # 300 of them: 4 % for one standard error
