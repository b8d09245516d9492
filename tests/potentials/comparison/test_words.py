"""The sentences of a comparison are held to the numbers of tables made by hand."""

from dataclasses import replace

import pytest

from qmlmat.potentials.comparison.curves import learning_curve
from qmlmat.potentials.comparison.rows import ComparisonRow, Spread
from qmlmat.potentials.comparison.words import summary_sentences

HARTREE = 1e-3


def row(arm, size, median, half=0.1, **changes):
    """Return a row with an error and half its interquartile range (mHa)."""
    rmse = None
    if median is not None:
        rmse = Spread(
            median=median * HARTREE, low=(median - half) * HARTREE, high=(median + half) * HARTREE
        )
    values = {
        "n_runs": 5,
        "n_failed": 0 if median is not None else 5,
        "n_exhausted": 0,
        "n_late": 0,
        "information": "labels",
        "n_weights": 101,
        "mae": rmse,
        "largest": rmse,
        "wall_time": 1.0,
    }
    return ComparisonRow(arm=arm, size=size, rmse=rmse, **{**values, **changes})


def words(rows, subject="QNN"):
    """Return the summary as one text."""
    arms = dict.fromkeys(one.arm for one in rows)
    curves = {}
    for arm in arms:
        own = [one for one in rows if one.arm == arm]
        medians = [None if one.rmse is None else one.rmse.median for one in own]
        curves[arm] = learning_curve(arm, [one.size for one in own], medians, [medians])
    return " ".join(summary_sentences(rows, curves, subject=subject))


def test_a_lower_error_is_a_factor_and_a_number_of_points():
    """4 against 2 mHa; the better arm has 4 mHa at half way on a logarithmic scale."""
    text = words([row("QNN", 100, 8), row("QNN", 400, 2), row("MLP", 100, 8), row("MLP", 400, 4)])
    assert "MLP (101 weights): 4 mHa (878 cm-1); QNN's error is lower by a factor of 2." in text
    assert "QNN has the error of MLP at 400 points with about 200: MLP needs 2 times" in text


def test_a_higher_error_is_said_as_plainly():
    """The same table the other way round, and the smallest set is a bound."""
    text = words([row("QNN", 100, 8), row("QNN", 400, 4), row("GP", 100, 3), row("GP", 400, 1)])
    assert "QNN's error is higher by a factor of 4." in text
    assert "GP has the error of QNN at 400 points with 100 or fewer: QNN needs at least 4" in text


def test_overlapping_ranges_are_no_order():
    """Medians may differ by a factor of two: the spread does not allow a claim."""
    text = words([row("QNN", 100, 1.0, half=0.6), row("MLP", 100, 2.0, half=0.6)])
    assert "QNN's error is not distinguishable from it: the interquartile ranges overlap." in text
    assert "factor" not in text


def test_ranges_that_touch_overlap_and_ranges_apart_do_not():
    """The rule at its edge."""
    touching = words([row("QNN", 100, 1.0, half=0.5), row("MLP", 100, 2.0, half=0.5)])
    apart = words([row("QNN", 100, 1.0, half=0.49), row("MLP", 100, 2.0, half=0.49)])
    assert "overlap" in touching
    assert "lower by a factor of 2" in apart


@pytest.mark.parametrize("other", [1.1, 1 / 1.1])
def test_close_medians_are_within_fifteen_percent(other):
    """Whichever is lower."""
    text = words([row("QNN", 100, 1.0, half=0.01), row("MLP", 100, other, half=0.01)])
    assert "QNN's error is within 15% of it." in text


def test_two_seeds_give_no_spread():
    """The factor is there, and what is missing."""
    few = [row("QNN", 100, 1.0, n_runs=2), row("MLP", 100, 3.0, n_runs=2)]
    assert "lower by a factor of 3, with too few seeds to know the spread." in words(few)


def test_failed_seeds_do_not_count_as_seeds():
    """Three of five failed: two are left."""
    text = words([row("QNN", 100, 1.0), row("MLP", 100, 3.0, n_failed=3)])
    assert "with too few seeds" in text
    assert "MLP, 100 points: 3 of 5 trainings failed and are in no median." in text


def test_an_arm_that_failed_altogether_is_named():
    """It is not dropped, and nothing is claimed over it."""
    text = words([row("QNN", 100, 1.0), row("MLP", 100, None)])
    assert "MLP: every training with 100 points failed; it is not compared." in text
    assert "factor" not in text


def test_a_subject_that_failed_wins_nothing():
    """The first sentence says so."""
    text = words([row("QNN", 100, None), row("MLP", 100, 1.0)])
    assert "QNN: every training with 100 points failed, so nothing is compared." in text
    assert "lower" not in text


def test_more_information_is_said():
    """A circuit at the new geometry is not a regressor of labels."""
    rows = [row("circuit", 100, 0.1, information="hamiltonian"), row("GP", 100, 1.0)]
    text = words(rows, subject="circuit")
    assert "circuit: a prediction looks at the Hamiltonian" in text
    alone = [replace(one, information="hamiltonian") for one in rows]
    assert "Hamiltonian" not in words(alone, subject="circuit")


def test_exhausted_budgets_and_late_arms_are_said():
    """Counted over sizes."""
    rows = [
        row("QNN", 100, 2.0, n_exhausted=3),
        row("QNN", 200, 1.0, n_exhausted=5),
        row("MLP", 100, 2.0, half=0.01, n_late=5),
        row("MLP", 200, 1.0),
    ]
    text = words(rows)
    assert "used up their budget, and might do better with more steps: QNN 8 of 10." in text
    assert "MLP: trained after errors on this test set had been looked at" in text


def test_exponents_are_listed():
    """Two sizes, one seed: without an uncertainty."""
    text = words(
        [row("QNN", 100, 4.0), row("QNN", 200, 2.0), row("MLP", 100, 1), row("MLP", 200, 1)]
    )
    assert "QNN 1.00, MLP 0.00." in text or "QNN 1.00, MLP -0.00." in text


def test_the_word_advantage_is_never_used():
    """Whatever the numbers are."""
    for other in (0.01, 1.0, 100.0):
        text = words(
            [row("QNN", 50, 2), row("QNN", 100, 1), row("MLP", 50, 2), row("MLP", 100, other)]
        )
        assert "advantage" not in text.lower()
