"""The table of a scan, for a terminal."""

from __future__ import annotations

from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qmlmat.report.labels import coordinate_unit, error_scale, heading, solver_label
from qmlmat.surfaces import Scan, ScanRow
from qmlmat.surfaces.surface import CONVERGED, FAILED

_NONE: Final = "–"


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
    table.add_column(f"{scan.path.name}\n{coordinate_unit(scan)}", justify="right")
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
            f"{row.coordinate:.4f}",
            *(_number(_entry(row, state), 6) for state in range(scan.n_states)),
            _number(row.reference, 6),
            *(_number(row.columns.get(name), 6) for name in names),
            _number(None if row.error is None else row.error * scale.factor, 4),
            _status(row),
            _number(row.wall_time, 1),
        )
    return table


def scan_notes(scan: Scan) -> tuple[str, ...]:
    """Return what the reader should know, one line for each thing, with the points it concerns."""
    places: dict[str, list[str]] = {}
    for row in scan.table():
        own = (row.status, *row.notes) if row.status.startswith(FAILED) else row.notes
        for note in own:
            places.setdefault(note, []).append(f"{row.coordinate:.6g}")
    lines = []
    for note, found in places.items():
        where = "every point" if len(found) == len(scan.path) else ", ".join(found)
        unit = "" if where == "every point" else f" {coordinate_unit(scan)}"
        lines.append(f"{where}{unit}: {note}")
    return tuple(lines)


def _entry(row: ScanRow, state: int) -> float | None:
    return row.energies[state] if state < len(row.energies) else None


def _title(name: str) -> str:
    return "Hartree–Fock" if name == "hartree_fock" else name.replace("_", " ")


def _number(value: float | None, decimals: int) -> str:
    return _NONE if value is None else f"{value:.{decimals}f}"


def _status(row: ScanRow) -> Text:
    if row.status.startswith(FAILED):
        return Text(FAILED, style="bold red")
    return Text(row.status.replace("_", " "), style="" if row.status == CONVERGED else "yellow")
