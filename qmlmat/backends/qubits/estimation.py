"""Expectations from counts: groups of words measured together, their errors, and mitigation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Batch, CountDoor, CountJob, Measured, Symmetry
from qmlmat.backends.qubits.mitigation import (
    MAX_READOUT_QUBITS,
    Mitigation,
    Readout,
    acceptance_message,
    extrapolated,
)
from qmlmat.backends.statevector_program import MAX_QUBITS, compile_qubit_circuit
from qmlmat.errors import InputError, MeasurementError
from qmlmat.operators.grouping import GroupingMethod, PauliGroup, allocate_shots, group_words
from qmlmat.operators.pauli import PauliSum, reversed_bits, word_phase
from qmlmat.typing import BoolArray, FloatArray, MaskArray

PRIOR_SHARE: Final = 0.1
"""Share of a group's sum of absolute coefficients that its state may scatter by, beside what it
does in the reference."""
LOG_IMPOSSIBLE: Final = -50.0
"""Logarithm of the probability below which all bits are not 0 by chance."""
LEAST_SHOTS: Final = 2
"""Fewest shots of a basis of measurement: one shot does not tell its own error."""
CALIBRATION_RESAMPLES: Final = 24
"""Draws of the readout errors by which their own uncertainty is carried to the expectations."""


@dataclass(frozen=True, eq=False)
class Setting:
    """One basis of measurement of a batch."""

    circuit: QubitCircuit
    """The batch's circuit, rotated into the basis and measured."""
    group: PauliGroup
    """The words measured."""
    weights: FloatArray
    """Coefficient of each word in each sum, signs included, shape ``(n_words, n_sums)``."""
    shots: int
    """Repetitions of each point."""
    fold: int
    """The noise factor."""


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
            jobs += _calibrations(missing, self.mitigation.calibration_shots)
        answers = self.door.counts(jobs) if jobs else []
        for job, answer in zip(jobs, answers, strict=True):
            _check_counts(job, answer)
        if missing:
            self._calibrate(missing, answers[first:])
        found, begin = [], 0
        for batch, plan in zip(batches, plans, strict=True):
            n_settings = sum(map(len, plan))
            found.append(self._measured(batch, plan, answers[begin : begin + n_settings]))
            begin += n_settings
        return found

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
            self._plans[key] = [
                _settings(batch, groups, batch.shots, factor) for factor in self.mitigation.factors
            ]
        return self._plans[key]

    def _measured(
        self, batch: Batch, plan: Sequence[Sequence[Setting]], answers: Sequence[Histogram]
    ) -> Measured:
        constants = np.array([one.constant for one in batch.sums])
        values, variances, begin = [], [], 0
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
        n_shots = sum(s.shots for settings in plan for s in settings) * len(batch.angles)
        if len(plan) == 1:
            return Measured(values[0], variances[0], n_shots)
        value, variance = extrapolated(
            self.mitigation.factors,
            np.array(values),
            np.array(variances),
            self.mitigation.extrapolation,
        )
        return Measured(value, variance, n_shots)

    def _of_group(
        self, batch: Batch, setting: Setting, answer: Histogram
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return a group's share of the sums and its variance by shots, ``(n_points, n_sums)``.

        And the share at other readout errors that the calibration allows,
        ``(CALIBRATION_RESAMPLES, n_points, n_sums)``; zeros without readout correction.
        """
        if not self.mitigation.readout:
            table, kept = _per_outcome(batch.symmetry, setting, answer.outcomes, self._keeps)
            mean, variance = ratio(answer.counts, table, kept, setting.shots)
            return mean, variance, np.zeros((CALIBRATION_RESAMPLES, *mean.shape))
        n_bits = setting.circuit.n_qubits
        everything = np.arange(1 << n_bits, dtype=np.uint64)
        table, kept = _per_outcome(batch.symmetry, setting, everything, self._keeps)
        joint = np.column_stack([table * kept[:, None], kept.astype(np.float64)])
        qubits = self.door.bit_qubits(setting.circuit)

        def corrected(rates: FloatArray) -> tuple[FloatArray, FloatArray]:
            turned = Readout(rates).inverse_transposed(joint)[answer.outcomes.astype(np.int64)]
            return ratio(answer.counts, turned[:, :-1], turned[:, -1], setting.shots, done=True)

        mean, variance = corrected(np.array([self._readout[qubit] for qubit in qubits]))
        draws = np.stack([self._resampled(qubit) for qubit in qubits], axis=1)
        return mean, variance, np.array([corrected(one)[0] for one in draws])

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
        used: set[int] = set()
        for job in jobs:
            if job.circuit.n_qubits > MAX_READOUT_QUBITS:
                raise InputError(
                    f"Mitigation(readout=True): {job.circuit.n_qubits} qubits, at most "
                    f"{MAX_READOUT_QUBITS}. Use a reduced or tapered mapping, or readout=False."
                )
            used |= set(self.door.bit_qubits(job.circuit))
        return sorted(used - set(self._readout))

    def _calibrate(self, qubits: Sequence[int], answers: Sequence[Histogram]) -> None:
        masks = np.array([1 << qubit for qubit in range(len(qubits))], dtype=np.uint64)
        zeros, ones = (answer.parities(masks)[0] for answer in answers)
        for k, qubit in enumerate(qubits):
            self._readout[qubit] = np.array([(1 - zeros[k]) / 2, (1 + ones[k]) / 2])


def ratio(
    counts: np.ndarray,
    table: FloatArray,
    kept: FloatArray | BoolArray,
    shots: int,
    *,
    done: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Return means of values over the shots that are kept, and their variances.

    ``mean(table) / mean(kept)``; the variance is that of ``table - ratio * kept`` over the shots,
    to first order in the deviation of the denominator.

    Args:
        counts: How often each outcome was seen, shape ``(n_points, n_outcomes)``.
        table: Value of each outcome, shape ``(n_outcomes, n_sums)``.
        kept: Weight of each outcome among those kept, shape ``(n_outcomes,)``.
        shots: Repetitions, for messages.
        done: Whether ``table`` has the weights in it already.

    Raises:
        MeasurementError: If nothing is kept.
    """
    totals = counts.sum(axis=1)[:, None]
    weight = kept.astype(np.float64)
    values = table if done else table * weight[:, None]
    share = (counts @ weight)[:, None] / totals
    if not (share > 0).all():
        raise MeasurementError(acceptance_message(shots))
    mean = counts @ values / totals / share
    second = counts @ values**2 - 2 * mean * (counts @ (values * weight[:, None]))
    second = second + mean**2 * (counts @ weight**2)[:, None]
    variance = second / totals / np.maximum(totals - 1, 1) / share**2
    return mean, np.maximum(variance, 0.0)


def _per_outcome(
    symmetry: Symmetry | None, setting: Setting, outcomes: MaskArray, keeps: bool
) -> tuple[FloatArray, BoolArray]:
    """Return the sums' value at each outcome, ``(n_outcomes, n_sums)``, and which are kept."""
    group = setting.group
    table = _signs(outcomes, group.diagonal) @ setting.weights
    kept = np.ones(len(outcomes), dtype=bool)
    if not keeps or symmetry is None:
        return table, kept
    for mask, value in zip(*group.symmetry_values(symmetry.words), strict=True):
        kept &= _signs(outcomes, np.array([mask], dtype=np.uint64))[:, 0] == value
    if not group.gates:  # occupations themselves are measured
        kept &= _has_electrons(outcomes, symmetry)
    return table, kept


def _has_electrons(outcomes: MaskArray, symmetry: Symmetry) -> BoolArray:
    norb = symmetry.mapping.n_modes // 2
    occupied = [
        (np.bitwise_count(outcomes & np.uint64(mask)) & 1) ^ constant
        for mask, constant in symmetry.mapping.occupations
    ]
    found: BoolArray = np.ones(len(outcomes), dtype=bool)
    for modes, n in zip((occupied[:norb], occupied[norb:]), symmetry.nelec, strict=True):
        found &= np.sum(modes, axis=0, dtype=np.int64) == n
    return found


def _signs(outcomes: MaskArray, masks: MaskArray) -> FloatArray:
    signs: FloatArray = 1.0 - 2.0 * (np.bitwise_count(outcomes[:, None] & masks) & 1)
    return signs


def _settings(batch: Batch, groups: Sequence[PauliGroup], shots: int, factor: int) -> list[Setting]:
    if not groups:
        return []
    least = LEAST_SHOTS * len(groups)
    if shots < least:
        raise InputError(
            f"shots={shots}: the observables are measured in {len(groups)} bases. Use at least "
            f"{least} shots; thousands give useful errors."
        )
    rest = shots - least + len(groups)  # allocate_shots gives each one of these
    share = allocate_shots(groups, rest, deviations=_expected_deviations(batch, groups))
    share += LEAST_SHOTS - 1
    settings = []
    for group, n in zip(groups, share, strict=True):
        rotation = tuple(QubitGate(name, wires) for name, wires in group.gates)
        circuit = replace(batch.circuit, gates=batch.circuit.gates + rotation).measured()
        table = np.column_stack([_coefficients(one, group) for one in batch.sums])
        weights = table * group.signs[:, None]
        settings.append(Setting(circuit, group, weights, int(n), factor))
    return settings


def _expected_deviations(batch: Batch, groups: Sequence[PauliGroup]) -> FloatArray | None:
    """Return about how much each group's value scatters; ``None`` where nothing is known.

    States are near their reference in most chemistry: the standard deviation there, and a share of
    the sum of absolute coefficients for what the circuit adds.
    """
    if not batch.start:
        return None
    near = [_deviation(group, batch.start) for group in groups]
    bounds = [PRIOR_SHARE * group.weight for group in groups]
    return np.hypot(near, bounds)


def _deviation(group: PauliGroup, start: Sequence[tuple[int, complex]]) -> float:
    """Return the standard deviation of a group's part of the operator in a sum of basis states."""
    image: dict[int, complex] = {}
    phases = group.coefficients * word_phase(group.x, group.z)
    for bits, amplitude in start:
        signs = 1.0 - 2.0 * (np.bitwise_count(group.z & np.uint64(bits)) & 1)
        for flip, value in zip(group.x.tolist(), (phases * signs).tolist(), strict=True):
            image[bits ^ flip] = image.get(bits ^ flip, 0.0) + amplitude * value
    mean = sum(a.conjugate() * image.get(bits, 0.0) for bits, a in start)
    square = sum(abs(value) ** 2 for value in image.values())
    return float(np.sqrt(max(square - abs(mean) ** 2, 0.0)))


def _coefficients(one: PauliSum, group: PauliGroup) -> FloatArray:
    """Return a sum's coefficient of each word of a group."""
    known = {
        (x, z): c.real
        for x, z, c in zip(one.x.tolist(), one.z.tolist(), one.coefficients, strict=True)
    }
    pairs = zip(group.x.tolist(), group.z.tolist(), strict=True)
    return np.array([known.get(pair, 0.0) for pair in pairs])


def _calibrations(qubits: Sequence[int], shots: int) -> list[CountJob]:
    """Return the two circuits that tell the readout errors of a device's qubits."""
    size = max(qubits) + 1
    reads = tuple(QubitGate("measure", (q,), bit=k) for k, q in enumerate(qubits))
    flips = tuple(QubitGate("x", (q,)) for q in qubits)
    none = np.zeros((1, 0))
    return [
        CountJob(QubitCircuit(size, gates + reads), none, shots, is_physical=True)
        for gates in ((), flips)
    ]


def _check_counts(job: CountJob, answer: Histogram) -> None:
    """Raise unless every point has its shots: some simulators succeed without counts.

    Raises:
        MeasurementError: If shots are missing, or all bits of all shots are 0 where that is
            next to impossible without noise: samplers make that of missing counts.
    """
    seen = answer.counts.sum(axis=1)
    if (seen != job.shots).any():
        raise MeasurementError(
            f"A device returned {int(seen.min())} of {job.shots} shots of a circuit without saying "
            "why. Simulate only the qubits that are used (restricted(device, qubits)), or lower "
            "the number of qubits."
        )
    if answer.outcomes.any() or not 1 <= job.circuit.n_qubits <= MAX_QUBITS:
        return
    bare = tuple(gate for gate in job.circuit.gates if gate.name != "measure")
    exact = compile_qubit_circuit(replace(job.circuit, gates=bare)).states(job.angles)
    read = _masked([gate.wires[0] for gate in job.circuit.gates if gate.name == "measure"])
    n_qubits = job.circuit.n_qubits
    is_zero = (reversed_bits(np.arange(1 << n_qubits, dtype=np.uint64), n_qubits) & read) == 0
    chance = (np.abs(exact[:, is_zero]) ** 2).sum(axis=1)
    if (job.shots * np.log(np.clip(chance, 1e-300, 1.0))).sum() < LOG_IMPOSSIBLE:
        raise MeasurementError(
            f"A device returned 0 for every bit of {job.shots} shots of a circuit that does not "
            "end there: its counts are missing. Simulate only the qubits that are used "
            "(restricted(device, qubits))."
        )


def _masked(wires: Sequence[int]) -> np.uint64:
    return np.uint64(sum(1 << wire for wire in wires))
