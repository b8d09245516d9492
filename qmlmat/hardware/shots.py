"""How many shots: for an error that is wanted, or for a budget, by simulating the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.backends.requests import Counts, Estimate, Request
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import BudgetError, CapabilityError
from qmlmat.hardware.asking import n_equal_rows
from qmlmat.hardware.cost import check_cost, is_affordable
from qmlmat.hardware.plan import MeasurementPlan

PILOT_SHOTS: Final = 8192
"""Least shots of a state by whose simulated scatter others are chosen: it is then known to 2 %."""
MAX_QUBITS: Final = 16
"""Most qubits that are simulated beforehand."""
NOMINAL_READOUT: Final = 0.015
"""Readout error of each bit in the simulation of a plan that corrects it, without which correction
and calibration would look free; devices have 0.5 to 5 %."""
SEED: Final = 0
"""Of the simulated shots: the same plan always gets the same numbers."""
MOST_SHOTS: Final = 10**10
"""Where the search for affordable shots ends."""


def simulated(plan: MeasurementPlan, *, seed: int = SEED) -> list[Estimate | Counts]:
    """Return the plan's answers as a device without noise gives them, with its numbers of shots.

    Where the plan corrects the readout, bits are read wrong at a nominal rate.

    Args:
        plan: A plan of counted programs.
        seed: Seed of the shots.

    Raises:
        CapabilityError: If there are too many qubits, the provider estimates by itself, or the
            answers cannot be used.
    """
    jobs = [one for one in plan.bundle.sent if isinstance(one, CountJob)]
    largest = max((one.circuit.n_qubits for one in jobs), default=0)
    if len(jobs) < len(plan.bundle.sent) or largest > MAX_QUBITS:
        raise CapabilityError(
            f"simulated: {largest} qubits, and at most {MAX_QUBITS} counted ones are simulated "
            "beforehand. Name the shots: from_requests(..., shots=...)."
        )
    counted = StatevectorBackend(shots=1).count_door(seed).counts(jobs)
    if plan.target.mitigation.readout:
        rng = np.random.default_rng(seed)
        counted = [_misread(one, rng) for one in counted]
    found, problems = plan.asked.answered(plan.bundle.unbundled(counted))
    if problems:
        raise CapabilityError(f"simulated: {next(iter(problems.values()))}")
    return [one for one in found if one is not None]


def _misread(one: Histogram, rng: np.random.Generator) -> Histogram:
    """Return counts of which each bit was flipped at the nominal rate."""
    rows, columns = np.nonzero(one.counts)
    times = one.counts[rows, columns]
    outcomes = np.repeat(one.outcomes[columns], times)
    for bit in range(one.n_bits):
        flips = rng.random(len(outcomes)) < NOMINAL_READOUT
        outcomes ^= flips.astype(np.uint64) << np.uint64(bit)
    once = np.ones(len(outcomes), dtype=np.int64)
    return Histogram.from_samples(
        one.n_bits, len(one.counts), np.repeat(rows, times), outcomes, once
    )


def expected_errors(plan: MeasurementPlan) -> tuple[float | None, ...]:
    """Return the standard error of each request's worst expectation by shots and calibration.

    What noise of the gates adds comes on top, and is no part of any error bar.

    Args:
        plan: The plan, shots chosen.

    Returns:
        One for each request (unit of its observables); ``None`` for counts, and for all where the
        plan cannot be simulated.
    """
    try:
        return tuple(_errors(plan))
    except CapabilityError:
        return (None,) * len(plan.requests)


def _errors(plan: MeasurementPlan) -> list[float | None]:
    answers = simulated(plan)
    return [_worst_error(one, request) for one, request in zip(answers, plan.requests, strict=True)]


def _worst_error(answer: Estimate | Counts, request: Request) -> float | None:
    """Return the largest standard error of a state's expectation, its equal rows together."""
    if not isinstance(answer, Estimate):
        return None
    n_equal, moved = n_equal_rows(request), answer.calibration
    common = np.zeros(answer.values.shape) if moved is None else moved.var(axis=0, ddof=1)
    return float(np.sqrt(((answer.variances - common) / n_equal + common).max()))


def choose_shots(plan: MeasurementPlan, target_error: float | None = None) -> MeasurementPlan:
    """Return the plan with the shots for which each expectation has the error that is wanted.

    The plan is simulated at a few thousand shots of each state; variances go as one over the shots,
    but for what the calibration of the readout leaves uncertain.

    Args:
        plan: A plan; requests with shots of their own keep them.
        target_error: Standard error of each expectation (unit of the observables); by default the
            target's ``[sampling] target_error``; where that has none, the plan is returned as it
            is.

    Raises:
        CapabilityError: If the plan cannot be simulated.
        BudgetError: If that takes more than the budget, or no number of shots reaches it; the
            message says what fits.
    """
    wanted = plan.target.sampling.target_error if target_error is None else target_error
    if wanted is None:
        return plan
    least = least_shots(plan)
    pilot = plan.with_shots([max(PILOT_SHOTS, few) for few in least])
    assert pilot.shots is not None
    floors = _floors(pilot)
    shots = []
    for place, error in enumerate(_errors(pilot)):
        if floors[place] >= wanted:
            raise BudgetError(
                f"choose_shots(target_error={wanted:g}): the calibration of the readout alone "
                f"leaves {floors[place]:.1e} uncertain, however many shots. Raise [mitigation] "
                "calibration_shots, or ask for a larger error."
            )
        by_shots = 0.0 if error is None else max(error**2 - floors[place] ** 2, 0.0)
        ratio = by_shots / (wanted**2 - floors[place] ** 2)
        shots.append(max(least[place], int(np.ceil(pilot.shots[place] * ratio))))
    chosen = plan.with_shots(shots)
    if not is_affordable(chosen.cost, plan.target):
        check_cost(chosen.cost, plan.target, remedy=what_fits(plan))
    return chosen


def _floors(plan: MeasurementPlan) -> list[float]:
    """Return the part of each request's worst error that the readout's calibration makes."""
    return [
        0.0
        if not isinstance(one, Estimate) or one.calibration is None
        else float(one.calibration.std(axis=0, ddof=1).max())
        for one in simulated(plan)
    ]


def what_fits(plan: MeasurementPlan) -> str:
    """Return what to do where a plan is over its budget: the shots that fit, and their errors.

    Args:
        plan: The plan.
    """
    try:
        few = affordable_shots(plan)
        errors = [e for e in expected_errors(plan.with_shots(few)) if e is not None]
    except BudgetError as error:
        return str(error)
    worst = f", errors up to {1e3 * max(errors):.2g}e-3" if errors else ""
    return (
        f"The budget allows {few:,} shots of each state{worst}. Take them (shots = {few}), raise "
        "the budget, or measure fewer points."
    )


def least_shots(plan: MeasurementPlan) -> list[int]:
    """Return the fewest shots of a state for each request: two for each basis and block."""
    found = []
    for request in plan.requests:
        if request.observables is None or not plan.backend.counts_bits:
            found.append(1)
            continue
        evaluator = plan.backend.prepare(replace(request, shots=1))
        found.append(evaluator.least_shots * n_equal_rows(request))
    return found


def affordable_shots(plan: MeasurementPlan) -> int:
    """Return the most shots of each state with which the plan is within its target's budget.

    To half a per cent: each number that is tried is a plan that is made.

    Args:
        plan: A plan; requests with shots of their own keep them.

    Raises:
        BudgetError: If not even the fewest fit.
    """

    def fits(shots: int) -> bool:
        return is_affordable(plan.with_shots(shots).cost, plan.target)

    few = max(least_shots(plan))
    if not fits(few):
        check_cost(plan.with_shots(few).cost, plan.target)
    many = 2 * few
    while many < MOST_SHOTS and fits(many):
        few, many = many, 2 * many
    while many - few > max(1, few // 200):
        middle = (few + many) // 2
        few, many = (middle, many) if fits(middle) else (few, middle)
    return few
