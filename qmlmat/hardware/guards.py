"""What is wrong with a job or the device it ran on: said aloud, never averaged in silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.hardware.adapters.base import Snapshot
from qmlmat.hardware.config import Target
from qmlmat.hardware.sentinel import SentinelReading, expected_reading, read_sentinel
from qmlmat.hardware.task import Answer, Task

SUSPICIOUS: Final = 5.0
"""Standard errors from which a sentinel is off."""
MEDIAN: Final = float(np.sqrt(np.pi / 2))
"""Standard error of a median, in those of the mean."""
HOUR: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class JobReport:
    """What is known of a job besides its answers."""

    sentinel: SentinelReading | None
    """What its sentinel says; ``None`` where it has none."""
    expected: float | None
    """What the sentinel would say by the readout errors that the device reports."""
    flags: tuple[str, ...]
    """What is wrong, one phrase each."""

    @property
    def shift(self) -> float | None:
        """How far noise moves the sentinel's energy (hartree, or the observable's unit)."""
        return None if self.sentinel is None else self.sentinel.energy - self.sentinel.exact


def examine(
    task: Task,
    answers: Sequence[Answer],
    layout: Sequence[int],
    snapshot: Snapshot | None,
    target: Target,
) -> JobReport:
    """Return what is known of a job besides its answers.

    Args:
        task: What it measured.
        answers: What came back, the sentinel's last.
        layout: The device's qubits by wire; empty where the provider chose them.
        snapshot: The device's calibration before the job; ``None`` where there is none.
        target: What is asked of a calibration.
    """
    flags = [] if snapshot is None else _calibration_flags(layout, snapshot, target)
    if task.sentinel is None:
        return JobReport(sentinel=None, expected=None, flags=tuple(flags))
    reading = read_sentinel(task.sentinel, answers[-1])
    errors = _readout_errors(layout, snapshot, task.sentinel.program.circuit.n_qubits)
    expected = None if errors is None else expected_reading(task.sentinel, errors)
    flags += _sentinel_flags(reading, expected)
    return JobReport(sentinel=reading, expected=expected, flags=tuple(flags))


def _readout_errors(
    layout: Sequence[int], snapshot: Snapshot | None, n_qubits: int
) -> list[float] | None:
    """Return what the device reports of the qubits used; its median where it chose them itself."""
    known = {} if snapshot is None else snapshot.readout_errors
    if layout and set(layout) <= set(known):
        return [known[qubit] for qubit in layout]
    if layout or not known:
        return None
    return [float(np.median(list(known.values())))] * n_qubits


def _sentinel_flags(reading: SentinelReading, expected: float | None) -> list[str]:
    """Return whether a sentinel is further off than readout errors explain.

    Reported errors are means over both states of a qubit: up to twice their effect is explained.
    """
    if not (np.isfinite(reading.energy) and np.isfinite(reading.stderr)):
        return ["the sentinel's energy is not finite"]
    explained = 0.0 if expected is None else 2 * abs(expected - reading.exact)
    off = abs(reading.energy - reading.exact) - explained
    if off <= SUSPICIOUS * reading.stderr:
        return []
    beyond = ", more than the readout errors that the device reports explain"
    return [
        f"the sentinel is off by {_milli(reading.energy - reading.exact)} "
        f"(standard error {_milli(reading.stderr)}){'' if expected is None else beyond}"
    ]


def _milli(value: float) -> str:
    return f"{1e3 * value:.1f}e-3"


def _calibration_flags(layout: Sequence[int], snapshot: Snapshot, target: Target) -> list[str]:
    wanted = target.calibration
    flags = []
    if wanted.max_age_h is not None and snapshot.calibrated is not None:
        age = (snapshot.taken - snapshot.calibrated) / HOUR
        if age > wanted.max_age_h:
            flags.append(f"the calibration is {age:.0f} h old, max_age_h = {wanted.max_age_h:g}")
    if wanted.max_readout_error is not None:
        most = wanted.max_readout_error  # an error that is not told is no small one
        bad = [q for q in layout if not snapshot.readout_errors.get(q, np.nan) <= most]
        if bad:
            flags.append(
                f"readout errors above max_readout_error = {wanted.max_readout_error:g} on qubits "
                f"{', '.join(map(str, bad))}"
            )
    if wanted.max_two_qubit_error is not None:
        used = set(layout)
        links = [
            pair
            for pair, error in snapshot.two_qubit_errors.items()
            if set(pair) <= used and not error <= wanted.max_two_qubit_error
        ]
        if links:
            flags.append(
                f"two-qubit errors above max_two_qubit_error = {wanted.max_two_qubit_error:g} on "
                f"links {', '.join(f'{a}-{b}' for a, b in links)}"
            )
    return flags


def drifts(reports: Sequence[JobReport]) -> dict[int, str]:
    """Return which jobs' sentinels disagree with those of the others, by number, and how.

    They are compared with the median: with a mean, one bad job would accuse all good ones.

    Args:
        reports: Those of jobs with the same sentinel.
    """
    known = {
        k: r.sentinel
        for k, r in enumerate(reports)
        if r.sentinel is not None and np.isfinite([r.sentinel.energy, r.sentinel.stderr]).all()
    }
    found = {}
    for k, own in known.items():
        # of two jobs none is in the middle: each is compared with the other
        rest = [one for j, one in known.items() if j != k or len(known) > 2]
        if not rest:
            continue
        typical = float(np.median([one.stderr for one in rest]))
        error = float(np.hypot(own.stderr, MEDIAN * typical / np.sqrt(len(rest))))
        off = abs(own.energy - float(np.median([one.energy for one in rest])))
        if off > SUSPICIOUS * error:
            found[k] = (
                f"the sentinel is {off / error:.0f} standard errors from that of the other jobs: "
                "the device drifted"
            )
    return found
