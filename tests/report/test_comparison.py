"""The table and the figure of a comparison show its numbers."""

from dataclasses import replace

import numpy as np
import pytest
from learnt import Polynomial, hydrogen_data

from qmlmat.errors import InputError
from qmlmat.potentials.comparison import Arm, compare
from qmlmat.potentials.training import Training
from qmlmat.report import comparison_table, draw_comparison, plot_comparison
from qmlmat.report.comparison_table import _digits

ARMS = [Arm(name=f"degree {n}", make=lambda _, n=n: Polynomial(n)) for n in (1, 2, 3)]
TRAINING = Training(n_adam=0, n_lbfgs=1, validation_fraction=0.0)


@pytest.fixture(scope="module")
def comparison():
    return compare(
        hydrogen_data(60), ARMS, sizes=[6, 12, 24], seeds=[0, 1, 2], test=20, training=TRAINING
    )


def test_the_table_has_a_row_for_each_arm_and_size(comparison):
    """With the median in both units, and the quartiles."""
    text = str(comparison_table(comparison))
    assert "errors at 20 test points, medians of 3 seeds" in text
    rows = [line.split() for line in text.splitlines() if line.strip().startswith("degree")]
    assert len(rows) == 9
    row = comparison.row("degree 3", 12)
    cells = next(cells for cells in rows if cells[1:3] == ["3", "12"])
    assert float(cells[4]) == pytest.approx(row.rmse.median * 1e3, rel=6e-3)
    assert float(cells[5]) == pytest.approx(row.rmse.low * 1e3, rel=6e-3)
    assert float(cells[7]) == pytest.approx(row.rmse.high * 1e3, rel=6e-3)
    assert float(cells[10]) == pytest.approx(row.rmse.median * 219474.63, rel=6e-3)


def test_failed_runs_are_counted_in_the_table(comparison):
    """A dash where there is no number."""
    runs = tuple(
        replace(run, status="failed: x", predictions=None)
        if run.key[:2] == ("degree 1", 6)
        else run
        for run in comparison.runs
    )
    text = str(comparison_table(replace(comparison, runs=runs)))
    assert "3 of 3" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1234"), (99.96, "100"), (12.34, "12.3"), (1.234, "1.23"), (0.0123, "0.0123")],
)
def test_numbers_have_three_digits(value, text):
    """Small ones keep theirs."""
    assert _digits(value) == text


def test_the_curves_are_medians_and_quartiles_on_logarithmic_scales(comparison):
    """The lines' points are the table's."""
    left, right = draw_comparison(comparison).axes
    assert (left.get_xscale(), left.get_yscale()) == ("log", "log")
    for line, arm in zip(left.get_lines(), comparison.arms, strict=True):
        medians = [comparison.row(arm, size).rmse.median * 1e3 for size in comparison.sizes]
        np.testing.assert_allclose(line.get_ydata(), medians)
        assert line.get_label() == arm
    assert len(right.get_lines()) == 4  # zero, and three arms
    best = right.get_lines()[1].get_ydata()
    run = next(run for run in comparison.runs if run.key == ("degree 1", 24, 0))
    wrong = (run.predictions - comparison.splits.test.energies).ravel()
    np.testing.assert_allclose(best, wrong * 1e3)


def test_the_figure_is_written(comparison, tmp_path):
    """Also of one size, and where an arm failed altogether."""
    file = plot_comparison(comparison, tmp_path / "curves.png", title="H2")
    assert file.stat().st_size > 10_000
    runs = tuple(
        replace(run, status="failed: x", predictions=None) if run.arm == "degree 1" else run
        for run in comparison.runs
        if run.size == 6
    )
    one = replace(comparison, sizes=(6,), runs=runs)
    assert plot_comparison(one, tmp_path / "one.svg").exists()
    with pytest.raises(InputError, match=r"\.png"):
        plot_comparison(comparison, tmp_path / "curves.txt")
