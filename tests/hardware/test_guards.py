"""What is wrong is said: each flag where it belongs, and none on clean data."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hardware_fakes import small_task
from hardware_plans import target

from qmlmat.backends.histogram import Histogram
from qmlmat.hardware.adapters.base import Snapshot
from qmlmat.hardware.guards import JobReport, drifts, examine
from qmlmat.hardware.sentinel import SENTINEL_SHOTS, SentinelReading
from qmlmat.hardware.task import Sentinel

HOUR = 3600.0
STRICT = {"max_age_h": 48.0, "max_two_qubit_error": 0.05, "max_readout_error": 0.1}


def task():
    """A task whose sentinel reads two zeros."""
    found = small_task(0)
    sentinel = found.sentinel
    return replace(
        found,
        sentinel=Sentinel(
            replace(sentinel.program, shots=SENTINEL_SHOTS),
            sentinel.masks,
            np.array([0.5, 0.25]),
            0.75,
        ),
    )


def answers(error: float = 0.0, seed: int = 0):
    """The sentinel's counts where each bit is read wrong at a rate."""
    p = np.array([(1 - error) ** 2, error * (1 - error), error * (1 - error), error**2])
    counts = np.random.default_rng(seed).multinomial(SENTINEL_SHOTS, p)[None]
    return [None, Histogram(2, np.arange(4, dtype=np.uint64), counts)]


def snapshot(**changes) -> Snapshot:
    """A good calibration of an hour ago."""
    values = {
        "device": "toy",
        "taken": 100 * HOUR,
        "calibrated": 99 * HOUR,
        "readout_errors": {4: 0.01, 7: 0.02, 8: 0.4},
        "two_qubit_errors": {(4, 7): 0.01, (7, 8): 0.3},
    }
    return Snapshot(**(values | changes))


def flags(found=None, calibration=None, layout=(4, 7), **rules):
    """The flags of a job."""
    wanted = target(calibration=STRICT | rules)
    report = examine(task(), answers() if found is None else found, layout, calibration, wanted)
    return report.flags


def test_clean_data_has_no_flags():
    """Qubits that are not used may be as bad as they like."""
    assert flags(calibration=snapshot()) == ()
    assert flags() == ()
    assert flags(answers(0.015), snapshot()) == ()


@pytest.mark.parametrize("seed", range(20))
def test_readout_noise_as_reported_is_no_flag(seed):
    """A device as good as it says is not complained of."""
    errors = {4: 0.08, 7: 0.08}
    assert flags(answers(0.08, seed), snapshot(readout_errors=errors)) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"calibrated": 20 * HOUR}, "the calibration is 80 h old, max_age_h = 48"),
        ({"readout_errors": {4: 0.2, 7: 0.02}}, "max_readout_error = 0.1 on qubits 4"),
        ({"two_qubit_errors": {(7, 4): 0.2}}, "max_two_qubit_error = 0.05 on links 7-4"),
    ],
    ids=["age", "readout", "links"],
)
def test_calibrations_beyond_the_rules_are_told(changes, words):
    """Each rule of ``[calibration]`` by itself."""
    (flag,) = flags(calibration=snapshot(**changes))
    assert words in flag


def test_without_rules_a_calibration_is_not_judged():
    """By default anything goes."""
    bad = snapshot(calibrated=0.0, readout_errors={4: 0.3, 7: 0.3})
    assert flags(calibration=bad, **dict.fromkeys(STRICT)) == ()


def test_a_sentinel_off_by_more_than_its_readout_is_told():
    """More than twice what the reported errors do."""
    (flag,) = flags(answers(0.2), snapshot())
    assert flag.startswith("the sentinel is off by")
    assert "more than the readout errors that the device reports explain" in flag


def test_a_sentinel_off_by_unknown_noise_is_told():
    """Without a calibration nothing is explained."""
    (flag,) = flags(answers(0.2))
    assert flag.startswith("the sentinel is off by")
    assert "explain" not in flag
    assert len(flags(answers(0.2), snapshot(), layout=())) == 1


def test_a_task_without_sentinel_is_judged_by_its_calibration():
    """There is less to say, not nothing."""
    bare = replace(task(), sentinel=None)
    report = examine(bare, [None], (4, 7), snapshot(calibrated=0.0), target(calibration=STRICT))
    assert report.sentinel is None
    assert report.shift is None
    assert len(report.flags) == 1


def reports(energies, stderr=0.01):
    """Reports of jobs with the same sentinel."""
    return [
        JobReport(
            sentinel=SentinelReading(energy=e, stderr=stderr, exact=-1.0), expected=None, flags=()
        )
        for e in energies
    ]


def test_one_job_that_drifted_is_found():
    """It disagrees with the mean of the others, by their errors."""
    found = drifts(reports([-1.0, -1.01, -0.6, -0.99, -1.0, -1.01, -1.0]))
    assert list(found) == [2]
    assert "the device drifted" in found[2]


def test_two_jobs_that_disagree_are_both_told():
    """Nobody knows which of them is right."""
    assert list(drifts(reports([-1.0, -0.8]))) == [0, 1]
    assert drifts(reports([-1.0, -0.95])) == {}


def test_noise_that_stays_the_same_is_no_drift():
    """All off alike is the sentinel's flag, not this one."""
    assert drifts(reports([-0.6, -0.61, -0.59])) == {}
    assert drifts(reports([-0.6])) == {}
    assert drifts([]) == {}
    assert drifts([replace(one, sentinel=None) for one in reports([-1.0, 0.0])]) == {}


def test_scatter_is_no_drift():
    """Of 200 runs of six jobs with honest error bars, hardly one is complained of."""
    rng = np.random.default_rng(4)
    said = [drifts(reports(rng.normal(-1.0, 0.01, 6))) for _ in range(200)]
    assert sum(map(bool, said)) <= 1


def test_a_reading_that_is_no_number_hides_no_drift():
    """It has a flag of its own; the others are compared without it."""
    found = drifts(reports([-1.0, math.nan, -1.0, -0.5, -1.0, -1.0, -1.0, -1.0, -1.0]))
    assert list(found) == [3]
    none = replace(reports([math.nan])[0].sentinel)
    assert math.isnan(none.deviation)


def test_where_the_provider_places_circuits_the_median_readout_error_explains():
    """Half of the qubits read worse, and up to twice the effect counts as explained."""
    calibration = snapshot(readout_errors={1: 0.01, 2: 0.05, 3: 0.3})
    assert flags(answers(0.05), calibration, layout=()) == ()
    assert "explain" in flags(answers(0.4), calibration, layout=())[0]
