"""The benchmark of active learning: counts calls, and says what was never reached."""

import json

import numpy as np
import pytest

from benchmarks.learning.active import main, median_calls


def test_seeds_that_never_reach_an_error_count_as_infinitely_many_calls():
    """They are not left out of the median."""
    assert median_calls([5, 7, None]) == 7
    assert np.isinf(median_calls([5, None, None]))


@pytest.mark.slow
def test_every_strategy_is_measured(tmp_path):
    """A few points of LiH."""
    file = tmp_path / "active.json"
    assert main(["--quick", "--problem", "LiH", "--model", "GP RQ", "--json", str(file)]) == 0
    rows = json.loads(file.read_text())
    assert [row["strategy"] for row in rows] == [
        "grid",
        "grid, Morse",
        "variance",
        "sobol",
        "random",
    ]
    assert all(np.isfinite(row["rmse"]["6"]).all() for row in rows)
