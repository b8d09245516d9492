"""The table of an absorption spectrum, and what its tables and figures are headed with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qmlmat.properties import AbsorptionSpectrum, PropertyErrors, Transition, property_errors
from qmlmat.report.printed import PrintableTable
from qmlmat.surfaces.facts import mapping, solver_words

_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_NONE: Final = "–"

_Column = tuple[str, list[str]]
"""Heading and cells of a column."""


def spectrum_heading(spectrum: AbsorptionSpectrum) -> str:
    """Return molecule, basis, active electrons and solver, e.g. ``"H₂O · sto-3g · (8e, 6o)"``."""
    found = spectrum.properties
    molecule, orbitals = found.molecule, found.orbitals
    formula = molecule.formula.translate(_SUBSCRIPTS)
    if molecule.charge:
        formula += f" (charge {molecule.charge:+d})"
    size = f"({sum(orbitals.nelec)}e, {orbitals.norb}o)"
    parts = [formula, molecule.basis, size]
    solver = mapping(found.solution.provenance.get("solver"))
    return " · ".join([*parts, solver_words(solver)] if solver else parts)


def spectrum_table(
    spectrum: AbsorptionSpectrum, *, exact: AbsorptionSpectrum | None = None
) -> Table:
    """Return a table with one row for each line of a spectrum, ascending in energy.

    ``error`` is the excitation energy above the exact one, where the solution has exact energies.
    What is known of no line has no column.

    Args:
        spectrum: The spectrum.
        exact: That of ``Exact()`` in the same orbitals: adds what ``property_errors`` says,
            infidelities and errors of the oscillator strengths, and of the energies in place of
            the solution's own.

    Raises:
        InputError: If ``exact`` is in other orbitals.
    """
    rows = () if exact is None else property_errors(spectrum, exact)[1:]
    table = PrintableTable(
        title=spectrum_heading(spectrum),
        title_justify="left",
        title_style="bold",
        header_style="",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    errors = _error_columns(rows) if rows else _own_errors(spectrum)
    columns = [*_line_columns(spectrum.transitions), *errors]
    columns += _words("configurations", spectrum.transitions)
    for title, _ in columns:
        words = title.partition("\n")[0] in ("state", "term", "configurations")
        table.add_column(title, justify="left" if words else "right", no_wrap=not words)
    for cells in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*cells)
    return table


def _line_columns(lines: tuple[Transition, ...]) -> list[_Column]:
    return [
        ("state", [", ".join(map(str, line.states)) for line in lines]),
        ("term", [line.label for line in lines]),
        ("energy\neV", [f"{line.energy:.4f}" for line in lines]),
        ("wavelength\nnm", [_length(line) for line in lines]),
        ("f", [_strength(line) for line in lines]),
    ]


def _own_errors(spectrum: AbsorptionSpectrum) -> list[_Column]:
    """Return errors against the exact levels that the solution came with; none of its own."""
    errors = [line.error for line in spectrum.transitions]
    solver = mapping(spectrum.properties.solution.provenance.get("solver"))
    if solver.get("solver") == "exact" or all(error is None for error in errors):
        return []
    return [("error\neV", [_NONE if e is None else f"{e:+.4f}" for e in errors])]


def _error_columns(rows: tuple[PropertyErrors, ...]) -> list[_Column]:
    shown: tuple[tuple[str, Callable[[PropertyErrors], str]], ...] = (
        ("error\neV", lambda row: f"{row.energy:+.4f}"),
        ("error\nof f", lambda row: f"{row.oscillator_strength:+.4f}"),
        ("dipole error\ne a0", lambda row: f"{row.dipole:.4f}"),
        ("infidelity", lambda row: f"{row.infidelity:.1e}"),
    )
    return [(title, [cell(row) for row in rows]) for title, cell in shown]


def _words(name: str, lines: tuple[Transition, ...]) -> list[_Column]:
    cells = [line.configurations for line in lines]
    return [(name, cells)] if any(cells) else []


def _length(line: Transition) -> str:
    return f"{line.wavelength:.1f}" if line.wavelength < 1e6 else _NONE


def _strength(line: Transition) -> str:
    """Return the oscillator strength; of a line that spin forbids, in words."""
    if line.spin_allowed is False and abs(line.oscillator_strength) < 5e-5:
        return "0 (spin)"
    return f"{line.oscillator_strength:.4f}"
