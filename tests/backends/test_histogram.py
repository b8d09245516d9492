"""Histograms of outcomes: bit order, parities, and refusals."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from qmlmat.backends.histogram import Histogram
from qmlmat.errors import InputError

ROWS = st.lists(
    st.dictionaries(st.text("01", min_size=5, max_size=5), st.integers(1, 1000), min_size=1),
    min_size=1,
    max_size=4,
)


@given(ROWS)
def test_dictionaries_survive_the_way_to_a_histogram_and_back(rows):
    """Each row gives back its own bit strings and counts, and its number of shots."""
    histogram = Histogram.from_dicts(rows)
    assert [histogram.to_dict(k) for k in range(len(rows))] == rows
    assert histogram.n_shots.tolist() == [sum(row.values()) for row in rows]
    assert histogram.probabilities().sum(axis=1) == pytest.approx(1.0, abs=1e-14)


@given(ROWS, st.integers(0, 31))
def test_parities_count_the_bits_of_the_mask(rows, mask):
    """The mean of the sign of the chosen bits, wire 0 being bit 0 and the leftmost character."""
    found = Histogram.from_dicts(rows).parities(np.array([mask, 0], dtype=np.uint64))
    for row, counts in zip(found, rows, strict=True):
        signs = {b: (-1) ** sum(int(b[w]) for w in range(5) if mask >> w & 1) for b in counts}
        mean = sum(signs[b] * c for b, c in counts.items()) / sum(counts.values())
        assert row == pytest.approx([mean, 1.0], abs=1e-14)


def test_repeated_outcomes_are_added_and_unseen_ones_dropped():
    """Counts of one outcome in one row add up; a count of zero leaves no column."""
    histogram = Histogram.from_samples(
        2,
        2,
        np.array([0, 0, 1, 1]),
        np.array([3, 3, 1, 2], dtype=np.uint64),
        np.array([2, 5, 4, 0]),
    )
    assert histogram.outcomes.tolist() == [1, 3]
    assert histogram.counts.tolist() == [[0, 7], [4, 0]]


@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda: Histogram(65, np.zeros(0), np.zeros((1, 0))), "Measure fewer"),
        (lambda: Histogram(1, np.array([0]), np.array([[-1]])), "no negative count"),
        (lambda: Histogram(1, np.array([1, 0]), np.array([[1, 1]])), "Use from_samples"),
        (lambda: Histogram.from_dicts([{"0": 1, "01": 1}]), "of one length"),
        (lambda: Histogram.from_dicts([{"0a": 1}]), "Give strings of 0 and 1"),
        (lambda: Histogram(1, np.array([0]), np.array([[0]])).probabilities(), "Run more shots"),
    ],
)
def test_unusable_counts_are_refused(make, remedy):
    """Each refusal says what to do."""
    with pytest.raises(InputError, match=remedy):
        make()
