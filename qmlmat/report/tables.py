"""The table of a scan, for a terminal."""

from __future__ import annotations

import re
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qmlmat.report.labels import error_scale, heading, place, solver_label, unit_symbol
from qmlmat.surfaces import Scan, ScanRow
from qmlmat.surfaces.surface import CONVERGED, FAILED

_NONE: Final = "–"
_DECIMAL: Final = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


def scan_table(scan: Scan) -> Table:
    """Return a table with one row for each point, in the order of the path.

    Energies in the scan's unit to six decimals, errors in mHa (meV for a scan in eV).
    """
    scale = error_scale(scan)
    names = sorted({name for result in scan.results if result for name in result.columns})
    table = Table(
        title=heading(scan),
        title_justify="left",
        title_style="bold",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for axis in scan.path.axes:
        table.add_column(f"{axis.name}\n{unit_symbol(axis.unit)}", justify="right")
    for state in range(scan.n_states):
        name = solver_label(scan) if state == 0 else f"state {state}"
        table.add_column(f"{name}\n{scan.unit}", justify="right")
    table.add_column(f"exact\n{scan.unit}", justify="right")
    for name in names:
        table.add_column(f"{_title(name)}\n{scan.unit}", justify="right")
    table.add_column(f"error\n{scale.unit}", justify="right")
    table.add_column("status")
    table.add_column("time\ns", justify="right")
    for row in scan.table():
        table.add_row(
            *(f"{value:.4f}" for value in row.coordinates),
            *(_number(_entry(row, state), 6) for state in range(scan.n_states)),
            _number(row.reference, 6),
            *(_number(row.columns.get(name), 6) for name in names),
            _number(None if row.error is None else row.error * scale.factor, 4),
            _status(row),
            _number(row.wall_time, 1),
        )
    return table


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


def _entry(row: ScanRow, state: int) -> float | None:
    return row.energies[state] if state < len(row.energies) else None


def _title(name: str) -> str:
    return "Hartree–Fock" if name == "hartree_fock" else name.replace("_", " ")


def _number(value: float | None, decimals: int) -> str:
    if value is None:
        return _NONE
    return f"{round(value, decimals) + 0.0:.{decimals}f}"  # rounding noise is not "-0.0000"


def _status(row: ScanRow) -> Text:
    if row.status.startswith(FAILED):
        return Text(FAILED, style="bold red")
    return Text(row.status.replace("_", " "), style="" if row.status == CONVERGED else "yellow")
