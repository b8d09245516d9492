"""Expectations from counts: groups of words measured together, their errors, and mitigation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.calibration import calibration_jobs, readout_errors
from qmlmat.backends.qubits.jobs import Batch, CountDoor, CountJob, Measured
from qmlmat.backends.qubits.mitigation import (
    MAX_READOUT_QUBITS,
    Mitigation,
    Readout,
    extrapolated,
    inverse_confusion,
    turned,
)
from qmlmat.backends.qubits.outcomes import check_counts, per_outcome, ratio
from qmlmat.backends.qubits.settings import LEAST_SHOTS, Setting, settings_of
from qmlmat.errors import InputError, MeasurementError, QmlmatWarning
from qmlmat.operators.grouping import GroupingMethod, PauliGroup, group_words
from qmlmat.typing import FloatArray

CALIBRATION_RESAMPLES: Final = 24
"""Draws of the readout errors by which their own uncertainty is carried to the expectations."""


@dataclass(eq=False)
class SampledEstimator:
    """Expectations from a device that counts bit strings.

    The words of all sums are measured in groups that commute; the variance of a sum is that of
    its value over the shots, group by group, covariances within a group included.
    """

    door: CountDoor
    """The device."""
    mitigation: Mitigation = field(default_factory=Mitigation)
    """Which errors are mitigated."""
    grouping: GroupingMethod = "commuting"
    """Which words are measured together."""
    n_wires: int = 0
    """Wires whose readout is calibrated in any case: where circuits are compiled later, a narrow
    one may be read from any wire of its run."""
    _plans: dict[object, list[list[Setting]]] = field(default_factory=dict, repr=False)
    _groups: dict[object, tuple[PauliGroup, ...]] = field(default_factory=dict, repr=False)
    _readout: dict[int, FloatArray] = field(default_factory=dict, repr=False)

    def expectations(self, batches: Sequence[Batch]) -> list[Measured]:
        """Return the expectations of every batch, by one submission.

        Args:
            batches: Circuits, angles, sums, and repetitions of each point: these are shared by the
                groups of words, and each noise factor takes as many.

        Raises:
            InputError: If there are fewer shots than groups.
            MeasurementError: If post-selection leaves nothing, or counts are missing.
        """
        jobs, finish = self.planned(batches)
        return finish(self.door.counts(jobs) if jobs else [])

    def planned(
        self, batches: Sequence[Batch]
    ) -> tuple[list[CountJob], Callable[[Sequence[Histogram]], list[Measured]]]:
        """Return what is to be counted, and what makes expectations of the counts.

        Args:
            batches: As for ``expectations``.

        Raises:
            InputError: If there are fewer shots than groups.
        """
        plans = [self._plan(batch) for batch in batches]
        jobs = [
            CountJob(setting.circuit, batch.angles, setting.shots, setting.fold)
            for batch, plan in zip(batches, plans, strict=True)
            for settings in plan
            for setting in settings
        ]
        first = len(jobs)
        missing = self._uncalibrated(jobs) if self.mitigation.readout else []
        if missing:
            jobs += calibration_jobs(missing, self.mitigation.calibration_shots)

        def finish(answers: Sequence[Histogram]) -> list[Measured]:
            for job, answer in zip(jobs, answers, strict=True):
                check_counts(job, answer)
            if missing:
                rates = readout_errors(answers[first:])
                self._readout |= dict(zip(missing, rates, strict=True))
            found, begin = [], 0
            for batch, plan in zip(batches, plans, strict=True):
                n_settings = sum(map(len, plan))
                found.append(self._measured(batch, plan, answers[begin : begin + n_settings]))
                begin += n_settings
            return found

        return jobs, finish

    def least_shots(self, batches: Sequence[Batch]) -> int:
        """Return the fewest shots: two for each basis of measurement."""
        return LEAST_SHOTS * max(len(self._grouped(batch)) for batch in batches)

    def _grouped(self, batch: Batch) -> tuple[PauliGroup, ...]:
        """Return the groups of the words of all sums of a batch."""
        key = (batch.circuit.n_qubits, batch.sums, batch.symmetry)
        if key not in self._groups:
            words = batch.symmetry.words if self._keeps and batch.symmetry is not None else None
            self._groups[key] = group_words(batch.sums, self.grouping, symmetries=words)
        return self._groups[key]

    def _plan(self, batch: Batch) -> list[list[Setting]]:
        """Return the settings of each noise factor."""
        assert batch.shots is not None
        key = (batch.circuit, batch.sums, batch.symmetry, batch.shots)
        if key not in self._plans:
            groups = self._grouped(batch)
            factors = self.mitigation.factors
            self._plans[key] = [settings_of(batch, groups, factor) for factor in factors]
        return self._plans[key]

    def _measured(
        self, batch: Batch, plan: Sequence[Sequence[Setting]], answers: Sequence[Histogram]
    ) -> Measured:
        constants = np.array([one.constant for one in batch.sums])
        values, variances, moved, begin = [], [], [], 0
        for settings in plan:
            value = np.tile(constants, (len(batch.angles), 1))
            variance = np.zeros_like(value)
            draws = np.zeros((CALIBRATION_RESAMPLES, *value.shape))
            for setting, answer in zip(settings, answers[begin:], strict=False):
                mean, error, resampled = self._of_group(batch, setting, answer)
                value, variance, draws = value + mean, variance + error, draws + resampled
            begin += len(settings)
            values.append(value)
            # Readout errors move all groups together: the draws are added, not their variances.
            variances.append(variance + draws.var(axis=0, ddof=1))
            moved.append(draws - draws.mean(axis=0))
        n_shots = sum(s.shots for settings in plan for s in settings) * len(batch.angles)
        value, variance = self._at_zero_noise(np.array(values), np.array(variances))
        calibration = None
        if self.mitigation.readout:
            calibration = self._moved(np.array(values), np.array(variances), np.array(moved))
        return Measured(value, variance, n_shots, calibration)

    def _at_zero_noise(
        self, values: FloatArray, variances: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return values and variances from those at each noise factor."""
        factors, kind = self.mitigation.factors, self.mitigation.extrapolation
        if len(values) == 1:
            return values[0], variances[0]
        return extrapolated(factors, values, variances, kind)

    def _moved(self, values: FloatArray, variances: FloatArray, moved: FloatArray) -> FloatArray:
        """Return how values move at other readout errors, ``(n_draws, n_points, n_sums)``."""
        if len(values) == 1:
            found: FloatArray = moved[0]
            return found
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", QmlmatWarning)  # the fit itself has said it
            draws = np.array(
                [self._at_zero_noise(values + one, variances)[0] for one in moved.swapaxes(0, 1)]
            )
        centred: FloatArray = draws - draws.mean(axis=0)
        return centred

    def _of_group(
        self, batch: Batch, setting: Setting, answer: Histogram
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return a group's share of the sums and its variance by shots, ``(n_points, n_sums)``.

        And the share at other readout errors that the calibration allows,
        ``(CALIBRATION_RESAMPLES, n_points, n_sums)``; zeros without readout correction.
        """
        if not self.mitigation.readout:
            table, kept = per_outcome(batch.symmetry, setting, answer.outcomes, self._keeps)
            mean, variance = ratio(answer.counts, table, kept, setting.shots)
            return mean, variance, np.zeros((CALIBRATION_RESAMPLES, *mean.shape))
        n_bits = setting.circuit.n_qubits
        everything = np.arange(1 << n_bits, dtype=np.uint64)
        table, kept = per_outcome(batch.symmetry, setting, everything, self._keeps)
        joint = np.column_stack([table * kept[:, None], kept.astype(np.float64)])
        qubits = self.door.bit_qubits(setting.circuit)
        seen = answer.outcomes.astype(np.int64)
        unknown = set(qubits) - set(self._readout)
        if unknown:
            raise MeasurementError(
                f"Mitigation(readout=True): a circuit is read from qubit {min(unknown)}, which no "
                "circuit calibrates. Measure circuits of different widths in runs of their own."
            )
        rates = np.array([self._readout[qubit] for qubit in qubits])
        true = Readout(rates).inverse_transposed(joint)[seen]
        mean, variance = ratio(answer.counts, true[:, :-1], true[:, -1], setting.shots, done=True)
        draws = inverse_confusion(np.stack([self._resampled(qubit) for qubit in qubits], axis=1))
        weighed = answer.counts @ turned(joint, draws.swapaxes(-1, -2))[:, seen]
        return mean, variance, weighed[..., :-1] / weighed[..., -1:]

    @property
    def _keeps(self) -> bool:
        return self.mitigation.symmetry

    def _resampled(self, qubit: int) -> FloatArray:
        """Return readout errors of a qubit as further calibrations may find them.

        Shape ``(CALIBRATION_RESAMPLES, 2)``; the same for every group and point.
        """
        shots = self.mitigation.calibration_shots
        rng = np.random.default_rng([0, qubit])  # of a standard error, not of the answer
        draws: FloatArray = rng.binomial(
            shots, self._readout[qubit], (CALIBRATION_RESAMPLES, 2)
        ).astype(np.float64)
        return draws / shots

    def _uncalibrated(self, jobs: Sequence[CountJob]) -> list[int]:
        """Return the device's qubits whose readout is not known yet."""
        used = set(range(self.n_wires))
        for job in jobs:
            if job.circuit.n_qubits > MAX_READOUT_QUBITS:
                raise InputError(
                    f"Mitigation(readout=True): {job.circuit.n_qubits} qubits, at most "
                    f"{MAX_READOUT_QUBITS}. Use a reduced or tapered mapping, or readout=False."
                )
            used |= set(self.door.bit_qubits(job.circuit))
        return sorted(used - set(self._readout))
