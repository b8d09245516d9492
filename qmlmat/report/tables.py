"""The table of a scan, for a terminal."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qmlmat.report.errors import comparable_columns
from qmlmat.report.labels import (
    column_label,
    error_scale,
    has_comparison,
    heading,
    place,
    unit_symbol,
)
from qmlmat.report.printed import PrintableTable, natural_width
from qmlmat.surfaces import Scan, ScanRow
from qmlmat.surfaces.facts import (
    column_names,
    curve_names,
    curve_sets,
    is_exact,
    is_unmatched,
    n_params,
    solver_label,
    spin_squares,
)
from qmlmat.surfaces.surface import FAILED, FINISHED
from qmlmat.typing import FloatArray

_NONE: Final = "–"
_DECIMAL: Final = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


_Column = tuple[str, list[Text]]
"""Heading and cells of a column."""


GIVE_WAY: Final = ("time", "params", "<S^2>", "overlap", "Hartree–Fock", "exact")
"""Columns that are left out where the table is too wide, the first one first."""


def scan_table(scan: Scan, *, width: int | None = None) -> Table:
    """Return a table with one row for each point, in the order of the path.

    Energies in the scan's unit to six decimals, errors in mHa (meV for a scan in eV). Several
    states have a column for each followed curve, and the largest error of any. Where there
    are several further energies, errors of those that approximate the exact one are shown, and
    the exact one is left out. What is known at no point has no column.

    Args:
        scan: The scan.
        width: Characters there are: columns that matter less are left out, errors of other methods
            at last, rather than digits. ``None``: all columns.
    """
    columns = [*_place_columns(scan), *_energy_columns(scan), *_quality_columns(scan)]
    table = _table(scan, columns)
    others = [title for title, _ in columns if title.count("\n") == 2]
    for name in (*GIVE_WAY, *others):
        if width is None or natural_width(table) <= width:
            break
        columns = [column for column in columns if not column[0].startswith(name)]
        table = _table(scan, columns)
    return table


def _table(scan: Scan, columns: list[_Column]) -> Table:
    table = PrintableTable(
        title=heading(scan),
        title_justify="left",
        title_style="bold",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for title, _ in columns:
        words = title == "status"  # folded first where the terminal is narrow
        table.add_column(title, justify="left" if words else "right", no_wrap=not words)
    for cells in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*cells)
    return table


def _place_columns(scan: Scan) -> list[_Column]:
    return [
        (f"{axis.name}\n{unit_symbol(axis.unit)}", [Text(f"{x:.4f}") for x in scan.path.along(k)])
        for k, axis in enumerate(scan.path.axes)
    ]


def _energy_columns(scan: Scan) -> list[_Column]:
    """Return energies of the states, exact and further ones, and errors."""
    scale, energies, references = error_scale(scan), scan.energies, scan.references
    names = column_names(scan)
    as_errors = comparable_columns(scan) if len(names) > 1 and not is_exact(scan) else ()
    plain = [name for name in names if name not in as_errors]
    several = scan.n_states > 1
    columns = _state_columns(scan) if several else [(solver_label(scan), energies[:, 0])]
    if has_comparison(scan) and not as_errors and not several:
        columns.append(("exact", references))
    columns += [(column_label(name), scan.column(name)) for name in plain]
    found = [_numbers(f"{title}\n{scan.unit}", values, 6) for title, values in columns]
    if np.isfinite(scan.stderr).any():
        bars = np.nan_to_num(scan.stderr, nan=-np.inf).max(axis=1)  # of several states the largest
        found.append(_numbers(f"± (68 %)\n{scale.unit}", bars * scale.factor, 2))
    if has_comparison(scan) and several:
        found.append(_numbers(f"largest error\n{scale.unit}", _largest(scan) * scale.factor, 4))
    elif has_comparison(scan):
        found.append(_numbers(f"error\n{scale.unit}", scan.errors * scale.factor, 4))
    for name in as_errors:
        label = "HF" if name == "hartree_fock" else column_label(name)
        errors = (scan.column(name) - references) * scale.factor
        found.append(_numbers(f"{label}\nerror\n{scale.unit}", errors, 2))
    return found


def _state_columns(scan: Scan) -> list[tuple[str, FloatArray]]:
    """Return a column for each curve, degenerate ones together; for each state if not followed."""
    names, table = curve_names(scan), scan.followed_energies
    table = scan.energies if table is None else table
    return [
        (names[curves[0]] + (f" (×{len(curves)})" if len(curves) > 1 else ""), table[:, curves[0]])
        for curves in curve_sets(scan)
    ]


def _largest(scan: Scan) -> FloatArray:
    """Return the largest error of any state, without its sign, ``(n_points,)``."""
    errors = np.abs(scan.state_errors)
    return np.where(np.isfinite(errors).any(axis=1), np.fmax.reduce(errors, axis=1), np.nan)


def _shows_spins(scan: Scan) -> bool:
    """Return whether <S^2> says more than the names of the curves do."""
    labels = () if scan.curves is None else scan.curves.labels
    return not labels or any(label.multiplicity is None for label in labels)


def _quality_columns(scan: Scan) -> list[_Column]:
    """Return what tells how far the energies can be trusted, and what they took."""
    results = scan.results
    squares = [spin_squares(result) if _shows_spins(scan) else None for result in results]
    overlaps = [None if result is None else result.overlap for result in results]
    columns = [
        (
            "<S^2>",
            [
                Text(_NONE if s is None else ", ".join(_number(float(x), 3) for x in s))
                for s in squares
            ],
        ),
        ("params", [Text(_NONE if n is None else str(n)) for n in map(n_params, results)]),
        (
            "overlap",
            [
                Text(_number(x, 3), style="yellow" if is_unmatched(result) else "")
                for x, result in zip(overlaps, results, strict=True)
            ],
        ),
    ]
    known = [column for column in columns if any(cell.plain != _NONE for cell in column[1])]
    times = [Text(_number(row.wall_time, 1)) for row in scan.table()]
    return [*known, ("status", [_status(row) for row in scan.table()]), ("time\ns", times)]


def _numbers(title: str, values: FloatArray, decimals: int) -> _Column:
    cells = [_number(float(x) if np.isfinite(x) else None, decimals) for x in values]
    return title, [Text(cell) for cell in cells]


def scan_notes(scan: Scan) -> tuple[str, ...]:
    """Return what the reader should know, one line for each thing, with the points it concerns.

    Notes that differ in their numbers only are one line, with the range of each number.
    """
    groups: dict[str, list[tuple[int, str]]] = {}
    for row in scan.table():
        own = (row.status, *row.notes) if row.status.startswith(FAILED) else row.notes
        for note in own:
            groups.setdefault(_DECIMAL.sub("#", note), []).append((row.index, note))
    return tuple(
        f"{_places(scan, [index for index, _ in group])}: {_merged([note for _, note in group])}"
        for group in groups.values()
    )


def _places(scan: Scan, indices: list[int]) -> str:
    """Return the coordinates of some points, neighbours as a range, e.g. ``"1, 1.5 to 3 Å"``."""
    if len(indices) == len(scan.path):
        return "every point"
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    ends = [sorted({run[0], run[-1]}) for run in runs]
    shown = ", ".join(" to ".join(place(scan, i) for i in pair) for pair in ends)
    unit = unit_symbol(scan.path.axes[0].unit)
    # one coordinate: its unit once, at the end
    return f"{shown.replace(f' {unit}', '')} {unit}" if scan.path.n_axes == 1 and unit else shown


def _merged(notes: list[str]) -> str:
    """Return one sentence for several that differ in their decimal numbers only."""
    numbers = [
        sorted(set(column), key=float)
        for column in zip(*(_DECIMAL.findall(note) for note in notes), strict=True)
    ]
    ranges = iter(f"{n[0]} to {n[-1]}" if len(n) > 1 else n[0] for n in numbers)
    return _DECIMAL.sub(lambda _: next(ranges), notes[0])


def _number(value: float | None, decimals: int) -> str:
    if value is None:
        return _NONE
    return f"{round(value, decimals) + 0.0:.{decimals}f}"  # rounding noise is not "-0.0000"


def _status(row: ScanRow) -> Text:
    if row.status.startswith(FAILED):
        return Text(FAILED, style="bold red")
    return Text(row.status.replace("_", " "), style="" if row.status in FINISHED else "yellow")
