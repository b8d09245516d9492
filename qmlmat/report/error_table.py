"""The errors of one or more scans in a small table, for a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qmlmat.report.errors import ErrorSummary, incomparable_columns, summarise_errors
from qmlmat.report.labels import column_label, heading
from qmlmat.report.printed import PrintableTable
from qmlmat.surfaces import Scan


def error_table(*scans: Scan) -> Table:
    """Return a table of errors against the exact energies, one row for each method.

    Number of points compared, largest absolute error and where it is, mean absolute error, root
    mean square, and the non-parallelity error (largest minus smallest signed error), in mHa (meV
    for a scan in eV). Of several scans the classical methods have one row where they agree.

    Args:
        scans: One or more scans; the heading of each stands before its methods if there are more.
    """
    rows = [(scan, summary) for scan in scans for summary in summarise_errors(scan)]
    units = " or ".join(dict.fromkeys(summary.unit for _, summary in rows))
    left_out = dict.fromkeys(name for scan in scans for name in incomparable_columns(scan))
    table = PrintableTable(
        title=f"errors against exact ({units})" if units else "errors: nothing to compare with",
        title_justify="left",
        title_style="",
        caption=_left_out(tuple(left_out)),
        caption_justify="left",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    if len(scans) > 1:
        table.add_column("scan", overflow="fold")
    table.add_column("method")
    for name in ("points", "largest", "at", "mean", "rms", "non-parallelity"):
        table.add_column(name, justify="right")
    shown: set[ErrorSummary] = set()
    for scan, summary in rows:
        if summary not in shown:
            shown.add(summary)
            first = (scan.title or heading(scan),) if len(scans) > 1 else ()
            table.add_row(*first, *_row(summary))
    return table


def _row(summary: ErrorSummary) -> tuple[str, ...]:
    return (
        summary.method,
        str(summary.n_points),
        _number(summary.largest),
        summary.largest_at,
        _number(summary.mean),
        _number(summary.root_mean_square),
        "–" if summary.non_parallelity is None else _number(summary.non_parallelity),
    )


def _number(value: float) -> str:
    return f"{value:.4f}"


def _left_out(names: tuple[str, ...]) -> str | None:
    if not names:
        return None
    words = ", ".join(column_label(name) for name in names)
    return f"{words}: left out, correlates electrons outside the active space, too"
