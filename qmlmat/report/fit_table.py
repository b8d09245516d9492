"""The table of a learnt surface's errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qmlmat.report.printed import PrintableTable
from qmlmat.units import HARTREE_IN_MILLIHARTREE, HARTREE_IN_WAVENUMBER

if TYPE_CHECKING:
    from qmlmat.potentials.training import Errors


def errors_table(errors: Mapping[str, Errors], *, title: str = "") -> Table:
    """Return a table with one row for each set of points: errors in mHa and in 1/cm.

    Forces have a column where they are known.

    Args:
        errors: By what the points are called, e.g. ``"test"``.
        title: What stands above.
    """
    table = PrintableTable(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("points")
    for name in ("number", "RMSE\nmHa", "MAE\nmHa", "largest\nmHa", "RMSE\n1/cm", "MAE\n1/cm"):
        table.add_column(name, justify="right", no_wrap=True)
    has_forces = any(found.force_rmse is not None for found in errors.values())
    if has_forces:
        table.add_column("forces, RMSE\nmHa/Å", justify="right", no_wrap=True)
    for name, found in errors.items():
        cells = [name, str(found.n_points)]
        cells += [_number(e, HARTREE_IN_MILLIHARTREE) for e in (found.rmse, found.mae)]
        cells.append(_number(found.largest, HARTREE_IN_MILLIHARTREE))
        cells += [_number(e, HARTREE_IN_WAVENUMBER) for e in (found.rmse, found.mae)]
        if has_forces:
            cells.append(_number(found.force_rmse, HARTREE_IN_MILLIHARTREE))
        table.add_row(*cells)
    return table


def _number(value: float | None, factor: float) -> str:
    """Three figures, without an exponent where they fit."""
    if value is None:
        return "–"
    scaled = factor * value
    return f"{scaled:.3g}" if abs(scaled) < 1e3 else f"{scaled:.0f}"


def predictions_table(
    energies: Sequence[Sequence[float]],
    stderr: Sequence[Sequence[float] | None],
    outside: Sequence[bool],
    *,
    unit: str,
) -> Table:
    """Return a table of predictions, one row for each geometry.

    Args:
        energies: Of all states at each geometry (``unit``).
        stderr: Their standard deviations (``unit``); ``None`` where they are not known.
        outside: Which geometries lie outside of the training data.
        unit: Unit of energies.
    """
    table = PrintableTable(header_style="", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("", justify="right")
    for state in range(len(energies[0]) if energies else 0):
        table.add_column(f"E{state}\n{unit}", justify="right", no_wrap=True)
        if any(errors is not None for errors in stderr):
            table.add_column(f"± E{state}\nm{unit}", justify="right", no_wrap=True)
    table.add_column("training data")
    for number, (values, errors, is_outside) in enumerate(
        zip(energies, stderr, outside, strict=True)
    ):
        cells = [str(number)]
        for state, value in enumerate(values):
            cells.append(f"{value:.8f}")
            if errors is not None:
                cells.append(_number(errors[state], HARTREE_IN_MILLIHARTREE))
        table.add_row(*cells, "outside" if is_outside else "")
    return table
