"""The table of a comparison of learnt surfaces, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qmlmat.report.printed import PrintableTable
from qmlmat.units import HARTREE_IN_MILLIHARTREE, HARTREE_IN_WAVENUMBER

if TYPE_CHECKING:
    from qmlmat.potentials.comparison import Comparison, ComparisonRow, Spread

_NONE: Final = "–"


def comparison_table(comparison: Comparison) -> Table:
    """Return a table with one row for each arm at each size of the training set.

    Errors on the test set are medians over seeds, with the interquartile range of the RMSE.

    Args:
        comparison: The comparison.
    """
    test, n_seeds = len(comparison.splits.test), len(comparison.seeds)
    seeds = "1 seed" if n_seeds == 1 else f"medians of {n_seeds} seeds"
    table = PrintableTable(
        title=f"errors at {test} test points, {seeds}",
        title_justify="left",
        title_style="bold",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("arm")
    for name in (
        "points",
        "weights",
        "RMSE\nmHa",
        "quartiles\nmHa",
        "MAE\nmHa",
        "largest\nmHa",
        "RMSE\ncm-1",
        "MAE\ncm-1",
        "failed",
        "time\ns",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for arm in comparison.arms:
        for size in comparison.sizes:
            table.add_row(*_cells(comparison.row(arm, size)))
        table.add_section()
    return table


def _cells(row: ComparisonRow) -> tuple[str, ...]:
    return (
        row.arm,
        str(row.size),
        str(row.n_weights),
        _number(row.rmse, HARTREE_IN_MILLIHARTREE),
        _quartiles(row.rmse),
        _number(row.mae, HARTREE_IN_MILLIHARTREE),
        _number(row.largest, HARTREE_IN_MILLIHARTREE),
        _number(row.rmse, HARTREE_IN_WAVENUMBER),
        _number(row.mae, HARTREE_IN_WAVENUMBER),
        f"{row.n_failed} of {row.n_runs}" if row.n_failed else _NONE,
        f"{row.wall_time:.1f}",
    )


def _number(spread: Spread | None, factor: float) -> str:
    return _NONE if spread is None else _digits(spread.median * factor)


def _quartiles(spread: Spread | None) -> str:
    if spread is None:
        return _NONE
    ends = (spread.low * HARTREE_IN_MILLIHARTREE, spread.high * HARTREE_IN_MILLIHARTREE)
    return " to ".join(_digits(value) for value in ends)


def _digits(value: float) -> str:
    """Return a positive number to three digits, without an exponent down to 0.001."""
    for decimals, least in ((0, 99.95), (1, 9.995), (2, 0.9995), (3, 0.0995), (4, 0.00995)):
        if value >= least:
            return f"{value:.{decimals}f}"
    return f"{value:.2g}"
