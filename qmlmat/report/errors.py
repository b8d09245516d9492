"""How far the energies of a scan are from the exact ones, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.report.labels import column_label, error_scale, has_comparison, place
from qmlmat.surfaces import Scan
from qmlmat.surfaces.facts import (
    column_names,
    curve_names,
    curve_sets,
    known_of,
    solver_label,
)
from qmlmat.typing import FloatArray

NOT_COMPARABLE: Final = frozenset({"nevpt2"})
"""Columns that approximate another energy than the exact one of the active space."""


@dataclass(frozen=True, kw_only=True)
class ErrorSummary:
    """The errors of one method along a scan, against the exact energies of the active space."""

    method: str
    """What the method is called, e.g. ``"VQE uccsd"`` or ``"CCSD"``."""

    unit: str
    """Unit of every error here: ``"mHa"``, or ``"meV"`` for a scan in eV."""

    n_points: int
    """Number of points compared."""

    largest: float
    """Largest absolute error (``unit``)."""

    largest_at: str
    """Where it is, with units, e.g. ``"1.5 Å"``."""

    mean: float
    """Mean absolute error (``unit``)."""

    root_mean_square: float
    """Root of the mean square error (``unit``)."""

    non_parallelity: float | None
    """Largest minus smallest signed error (``unit``): zero where a curve is only shifted. ``None``
    for a single point."""


def summarise_errors(scan: Scan) -> tuple[ErrorSummary, ...]:
    """Return the errors of the solver, then of every column that has the same exact energy.

    Of several states each followed curve has its own, degenerate ones together.

    NEVPT2 is left out: it adds correlation from outside the active space, so the exact energy of
    that space is not what it approximates.
    """
    found = []
    if has_comparison(scan) and scan.n_states > 1:
        found += _of_states(scan)
    elif has_comparison(scan):
        found.append(_summary(scan, solver_label(scan), scan.errors))
    found += [
        _summary(scan, column_label(name), scan.column(name) - scan.references)
        for name in comparable_columns(scan)
    ]
    return tuple(found)


def _of_states(scan: Scan) -> list[ErrorSummary]:
    """Return the errors of each followed curve, or of each state where none are followed."""
    names, table = curve_names(scan), scan.state_errors
    table = table if scan.curves is None else scan.curves.along(table)
    errors = {curves[0]: known_of(table, curves) for curves in curve_sets(scan)}
    return [
        _summary(scan, f"{solver_label(scan)}, {names[first]}", values)
        for first, values in errors.items()
        if np.isfinite(values).any()
    ]


def comparable_columns(scan: Scan) -> tuple[str, ...]:
    """Return the names of the columns that can be compared with the exact energy, and are."""
    return tuple(
        name
        for name in column_names(scan)
        if name not in NOT_COMPARABLE
        and bool(np.isfinite(scan.column(name) - scan.references).any())
    )


def incomparable_columns(scan: Scan) -> tuple[str, ...]:
    """Return the names of the columns that cannot be compared with the exact energy."""
    return tuple(name for name in column_names(scan) if name in NOT_COMPARABLE)


def _summary(scan: Scan, method: str, differences: FloatArray) -> ErrorSummary:
    scale = error_scale(scan)
    errors = differences * scale.factor
    known = errors[np.isfinite(errors)]
    worst = int(np.nanargmax(np.abs(errors)))
    return ErrorSummary(
        method=method,
        unit=scale.unit,
        n_points=known.size,
        largest=float(abs(errors[worst])),
        largest_at=place(scan, worst),
        mean=float(np.abs(known).mean()),
        root_mean_square=float(np.sqrt((known**2).mean())),
        non_parallelity=float(np.ptp(known)) if known.size > 1 else None,
    )
