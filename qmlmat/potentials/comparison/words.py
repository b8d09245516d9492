"""What a table of a comparison says, in sentences that follow from its numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from qmlmat.potentials.comparison.curves import LearningCurve
from qmlmat.potentials.comparison.rows import ComparisonRow, Spread
from qmlmat.units import HARTREE_IN_WAVENUMBER

CLOSE: Final = 0.15
"""Medians that differ by less, relative to the smaller one, are called close."""

FEWEST: Final = 3
"""Seeds below which a spread says nothing."""


def summary_sentences(
    rows: Sequence[ComparisonRow], curves: Mapping[str, LearningCurve], *, subject: str
) -> tuple[str, ...]:
    """Return what a table says about one arm beside the others.

    Errors are compared at the largest training set. Where the interquartile ranges over seeds
    overlap, no order is claimed.

    Args:
        rows: The table.
        curves: Learning curve of each arm.
        subject: The arm that is compared with all others.
    """
    size = max(row.size for row in rows)
    last = {row.arm: row for row in rows if row.size == size}
    own, others = last[subject], [row for arm, row in last.items() if arm != subject]
    sentences = [_opening(own)]
    for other in others:
        sentences += _pair(own, other, curves)
    return tuple([*sentences, *_exponents(curves), *_conditions(rows), *_trouble(rows)])


def _opening(own: ComparisonRow) -> str:
    if own.rmse is None:
        return f"{own.arm}: every training with {own.size} points failed, so nothing is compared."
    return (
        f"With {own.size} training points {own.arm} ({own.n_weights} weights) has an RMSE of "
        f"{_error(own.rmse)} on the test set, the median of {_runs(own)}."
    )


def _pair(
    own: ComparisonRow, other: ComparisonRow, curves: Mapping[str, LearningCurve]
) -> list[str]:
    """Return how one arm compares with another at the largest training set."""
    if own.rmse is None or other.rmse is None:
        gone = f"{other.arm}: every training with {other.size} points failed; it is not compared."
        return [gone] if other.rmse is None else []
    head = f"{other.arm} ({other.n_weights} weights): {_error(other.rmse)}; {own.arm}'s error is"
    if min(own.n_runs - own.n_failed, other.n_runs - other.n_failed) < FEWEST:
        return [f"{head} {_factor(own, other)}, with too few seeds to know the spread."]
    if own.rmse.overlaps(other.rmse):
        return [f"{head} not distinguishable from it: the interquartile ranges overlap."]
    if _ratio(own, other) < 1.0 + CLOSE:
        return [f"{head} within {CLOSE:.0%} of it."]
    return [f"{head} {_factor(own, other)}.", *_data_sentence(own, other, curves)]


def _ratio(own: ComparisonRow, other: ComparisonRow) -> float:
    a, b = _median(own), _median(other)
    return max(a, b) / max(min(a, b), 1e-300)


def _factor(own: ComparisonRow, other: ComparisonRow) -> str:
    if _median(own) == _median(other):
        return "equal"
    word = "lower" if _median(own) < _median(other) else "higher"
    return f"{word} by a factor of {_ratio(own, other):.3g}"


def _data_sentence(
    own: ComparisonRow, other: ComparisonRow, curves: Mapping[str, LearningCurve]
) -> list[str]:
    """Return at how many points the better arm has the error that the worse one ends with."""
    better, worse = (own, other) if _median(own) < _median(other) else (other, own)
    curve = curves[better.arm]
    size = curve.size_needed(_median(worse))
    if len(curve.sizes) < 2 or size is None:
        return []
    smallest = size == curve.sizes[0]
    about = f"{size:.0f} or fewer" if smallest else f"about {size:.0f}"
    least = "at least " if smallest else ""
    return [
        f"{better.arm} has the error of {worse.arm} at {worse.size} points with {about}: "
        f"{worse.arm} needs {least}{worse.size / size:.2g} times the data."
    ]


def _exponents(curves: Mapping[str, LearningCurve]) -> list[str]:
    parts = []
    for arm, curve in curves.items():
        if curve.exponent is not None:
            bar = "" if curve.exponent_stderr is None else f" ± {curve.exponent_stderr:.2f}"
            parts.append(f"{arm} {curve.exponent:.2f}{bar}")
    if not parts:
        return []
    return [f"Exponents p of RMSE ~ N^-p (mean and standard error over seeds): {', '.join(parts)}."]


def _conditions(rows: Sequence[ComparisonRow]) -> list[str]:
    """Return what arms looked at that others did not."""
    knowing = [arm for arm, own in _by_arm(rows).items() if own[0].information == "hamiltonian"]
    if len(knowing) in (0, len(_by_arm(rows))):
        return []
    return [
        f"{', '.join(knowing)}: a prediction looks at the Hamiltonian at the new geometry, the "
        "other arms at labels only; this is not the same task."
    ]


def _trouble(rows: Sequence[ComparisonRow]) -> list[str]:
    """Return what went wrong, what was cut short, and what was not quite fair."""
    sentences = [
        f"{row.arm}, {row.size} points: {row.n_failed} of {row.n_runs} trainings failed and are "
        "in no median."
        for row in rows
        if row.n_failed
    ]
    exhausted = [
        f"{arm} {sum(row.n_exhausted for row in own)} of {sum(row.n_runs for row in own)}"
        for arm, own in _by_arm(rows).items()
        if any(row.n_exhausted for row in own)
    ]
    if exhausted:
        sentences.append(
            f"Trainings that used up their budget, and might do better with more steps: "
            f"{', '.join(exhausted)}."
        )
    late = [arm for arm, own in _by_arm(rows).items() if any(row.n_late for row in own)]
    if late:
        sentences.append(
            f"{', '.join(late)}: trained after errors on this test set had been looked at; a fresh "
            "test set would be fairer."
        )
    return sentences


def _by_arm(rows: Sequence[ComparisonRow]) -> dict[str, list[ComparisonRow]]:
    return {row.arm: [other for other in rows if other.arm == row.arm] for row in rows}


def _runs(row: ComparisonRow) -> str:
    done = row.n_runs - row.n_failed
    return f"{done} seed" if done == 1 else f"{done} seeds"


def _median(row: ComparisonRow) -> float:
    assert row.rmse is not None
    return row.rmse.median


def _error(spread: Spread) -> str:
    in_mha, in_cm1 = 1e3 * spread.median, HARTREE_IN_WAVENUMBER * spread.median
    return f"{in_mha:.3g} mHa ({in_cm1:.{0 if in_cm1 >= 100 else 1}f} cm-1)"
