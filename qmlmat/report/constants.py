"""The spectroscopic constants of a scan of a diatomic molecule, method by method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from qmlmat.errors import InputError
from qmlmat.properties import SpectroscopicConstants, spectroscopic_constants
from qmlmat.report.labels import column_label, has_comparison
from qmlmat.report.printed import PrintableTable
from qmlmat.surfaces import Scan
from qmlmat.surfaces.facts import column_names, solver_label
from qmlmat.surfaces.surface import FINISHED
from qmlmat.typing import FloatArray

NOT_FLAT: Final = (
    "no D_e: the curve does not end flat. Go on to longer bonds, or give the energy of the atoms: "
    "constants_table(scan, asymptotes={method: energy})"
)
"""Why a depth is missing."""

_DIGITS: Final = 2
"""Digits of an uncertainty that are shown."""


@dataclass(frozen=True, kw_only=True)
class MethodConstants:
    """The constants one method's curve has."""

    method: str
    """What the method is called, e.g. ``"VQE uccsd"`` or ``"CCSD"``."""

    constants: SpectroscopicConstants
    """Its constants, with the uncertainties of the fit."""


def scan_constants(
    scan: Scan, *, asymptotes: dict[str, float] | None = None
) -> tuple[MethodConstants, ...]:
    """Return the spectroscopic constants of every curve of a diatomic's scan that has a minimum.

    Points at which the solver did not converge are left out of its curve.

    Args:
        scan: A scan of two atoms; any other has none.
        asymptotes: Energy of the separated atoms by method (unit of the scan); where there is
            none, that of the longest bond, if the curve is flat there.
    """
    path = scan.path
    if path.is_through_k or len(path.geometries[0].symbols) != 2 or path.n_axes != 1:
        return ()
    first, second = path.geometries[0].symbols
    known = asymptotes or {}
    lengths = [point.distance(0, 1) for point in path.geometries]
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    found = []
    for method, energies in _curves(scan).items():
        try:
            constants = spectroscopic_constants(
                [lengths[k] for k in order],
                energies[order],
                atoms=(first, second),
                unit=scan.unit,
                asymptote=known.get(method),
            )
        except InputError:  # too few points, no minimum inside: nothing to show
            continue
        found.append(MethodConstants(method=method, constants=constants))
    return tuple(found)


def _curves(scan: Scan) -> dict[str, FloatArray]:
    converged = np.array([status in FINISHED for status in scan.statuses])
    curves = {solver_label(scan): np.where(converged, scan.energies[:, 0], np.nan)}
    if has_comparison(scan):
        curves["exact"] = scan.references
    return curves | {column_label(name): scan.column(name) for name in column_names(scan)}


def constants_table(scan: Scan, *, asymptotes: dict[str, float] | None = None) -> Table:
    """Return a table of ``scan_constants``, with the fit's uncertainty of the last digits."""
    rows = scan_constants(scan, asymptotes=asymptotes)
    table = PrintableTable(
        title="spectroscopic constants (uncertainty of the fit in brackets)"
        if rows
        else "spectroscopic constants: no curve of two atoms with a minimum inside",
        title_justify="left",
        title_style="",
        caption=NOT_FLAT if any(row.constants.D_e is None for row in rows) else None,
        caption_justify="left",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("method")
    for name in ("r_e\nÅ", "omega_e\ncm⁻¹", "omega_e x_e\ncm⁻¹", "B_e\ncm⁻¹", "D_e\nhartree"):
        table.add_column(name, justify="right")
    for row in rows:
        found = row.constants
        table.add_row(
            row.method,
            with_uncertainty(found.r_e, found.r_e_uncertainty),
            with_uncertainty(found.omega_e, found.omega_e_uncertainty),
            with_uncertainty(found.omega_e_x_e, found.omega_e_x_e_uncertainty),
            with_uncertainty(found.B_e, found.B_e_uncertainty),
            with_uncertainty(found.D_e, found.D_e_uncertainty),
        )
    return table


def with_uncertainty(value: float | None, uncertainty: float | None) -> str:
    """Return a value rounded to its uncertainty, which stands in brackets, at most 8 decimals.

    Where the fit leaves the uncertainty open, four digits and a question mark.

    Example:
        >>> with_uncertainty(1.117834, 0.000123), with_uncertainty(2342.3, 11.4)
        ('1.11783(12)', '2342(11)')
    """
    if value is None or uncertainty is None:
        return "–"
    if not math.isfinite(uncertainty):
        return f"{value:.4g}(?)"
    exponent = int(f"{max(uncertainty, 1e-12):.{_DIGITS - 1}e}".partition("e")[2])
    decimals = min(max(_DIGITS - 1 - exponent, 0), 8)
    return f"{value:.{decimals}f}({max(round(uncertainty * 10**decimals), 1)})"
