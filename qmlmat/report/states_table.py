"""The states of one solution as a table: energy, spin, irrep, error, configurations."""

from __future__ import annotations

import math

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qmlmat.report.printed import PrintableTable
from qmlmat.solvers import Solution
from qmlmat.units import hartree_to_ev


def states_table(solution: Solution) -> Table:
    """Return a table of a solution's states; ``print`` shows it as text.

    One row for each level: degenerate states share one, and their energies and errors are means.
    What is not known of any state has no column.

    Args:
        solution: What ``solve`` returned for several states.

    Example:
        >>> import qmlmat as qm
        >>> h2 = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.75"))
        >>> states_table(qm.solve(h2, qm.Exact(), n_states=2)).row_count
        2
    """
    table = PrintableTable(box=SIMPLE_HEAD, pad_edge=False)
    columns = _columns(solution)
    for name in columns:
        is_text = name in {"irrep", "configurations"}
        table.add_column(name, justify="left" if is_text else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def _columns(solution: Solution) -> dict[str, list[str]]:
    """Return the cells of each column by its heading, one for each level."""
    levels = solution.levels
    energies = [float(solution.energies[list(level)].mean()) for level in levels]
    is_hartree = solution.unit == "hartree"
    above = [(e - energies[0]) * (hartree_to_ev(1.0) if is_hartree else 1.0) for e in energies]
    columns = {
        "state": [_numbers(level) for level in levels],
        f"energy, {solution.unit}": [f"{energy:.8f}" for energy in energies],
        "above, eV": [f"{value:.3f}" for value in above],
    }
    small = "mHa" if is_hartree else "meV"
    if solution.stderr is not None:
        bars = [1e3 * float(solution.stderr[list(level)].max()) for level in levels]
        columns[f"± (68 %), {small}"] = [f"{bar:.2f}" for bar in bars]
    if solution.spin_squares is not None:
        spins = solution.multiplicities or ()
        columns["2s+1"] = [str(spins[level[0]] or "mixed") for level in levels]
        columns["<S^2>"] = [f"{solution.spin_squares[list(level)].mean():.3f}" for level in levels]
    if solution.irreps is not None:
        columns["irrep"] = [
            " + ".join(dict.fromkeys(solution.irreps[k] or "mixed" for k in level))
            for level in levels
        ]
    if solution.errors is not None:
        errors = [1e3 * float(solution.errors[list(level)].mean()) for level in levels]
        columns[f"error, {small}"] = ["" if math.isnan(e) else f"{e:.3f}" for e in errors]
    if solution.residuals is not None:
        columns["residual"] = [f"{solution.residuals[list(level)].max():.0e}" for level in levels]
    if solution.configurations is not None:
        columns["configurations"] = [solution.configurations[level[0]] for level in levels]
    return columns


def _numbers(level: tuple[int, ...]) -> str:
    """Return the numbers of a level's states, e.g. ``"2-3"``."""
    if len(level) > 1 and level[-1] - level[0] == len(level) - 1:
        return f"{level[0]}-{level[-1]}"
    return ", ".join(map(str, level))
