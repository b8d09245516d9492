"""One point as a row of an ASE database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from qmlmat.surfaces.paths.kpoint import KPoint
from qmlmat.surfaces.paths.path import Point
from qmlmat.surfaces.running.schedule import OUTWARD
from qmlmat.surfaces.surface import FAILED, PointResult
from qmlmat.units import hartree_to_ev

K_DESCRIPTIONS: Final = {
    **{f"k{n}": [f"k{n}", "Component of k", "reciprocal lattice vector"] for n in (1, 2, 3)},
    "spin": ["Spin", "Whose bands: up or down", ""],
    "label": ["Label", "Name of a special point", ""],
}
"""What the columns of a point in reciprocal space are, in the words of ASE's databases."""


def atoms(point: Point, result: PointResult, cell: Sequence[Sequence[float]] | None = None) -> Any:  # noqa: ANN401 - ase is untyped
    """Return the geometry as ASE has it, with energy and forces in eV.

    Args:
        point: Where; of a crystal its k, whose row holds the cell with one atom that stands for
            whatever is in it.
        result: What was found there.
        cell: The primitive cell's vectors, of a crystal.
    """
    from ase import Atoms  # noqa: PLC0415
    from ase.calculators.singlepoint import SinglePointCalculator  # noqa: PLC0415

    if isinstance(point, KPoint):
        found = Atoms("X", cell=cell, pbc=True)
    else:
        found = Atoms(symbols=list(point.symbols), positions=point.positions)
    if not result.failed:
        to_ev = hartree_to_ev(1.0) if result.unit == "hartree" else 1.0
        known: dict[str, Any] = {"energy": float(result.energies[0]) * to_ev}
        if result.forces is not None:
            known["forces"] = result.forces * to_ev
        found.calc = SinglePointCalculator(found, **known)  # type: ignore[no-untyped-call]
    return found


def axis_keys(n_axes: int) -> list[str]:
    """Return what the coordinates are called in the database."""
    return ["coordinate", *(f"coordinate_{k}" for k in range(2, n_axes + 1))]


def k_keys(point: Point) -> dict[str, Any]:
    """Return the columns of a point in reciprocal space; none of a geometry."""
    if not isinstance(point, KPoint):
        return {}
    pairs: dict[str, Any] = {f"k{n}": float(x) for n, x in enumerate(point.k, 1)}
    words = {"spin": point.spin, "label": point.label}
    return pairs | {name: word for name, word in words.items() if word}


def is_replaced(row: Any, sweep: int) -> bool:  # noqa: ANN401 - ase is untyped
    """Whether a new result of this sweep takes the place of a row: a failure, here or later."""
    return str(row.status).startswith(FAILED) and row.get("sweep", OUTWARD) >= sweep


def searchable(
    index: int, sweep: int, place: Sequence[float], result: PointResult
) -> dict[str, Any]:
    """Return the columns ``ase db`` can show and select by."""
    pairs: dict[str, Any] = {"point": index, "sweep": sweep}
    pairs |= {key: float(x) for key, x in zip(axis_keys(len(place)), place, strict=True)}
    pairs["status"] = result.status
    pairs["energy_unit"] = result.unit
    if not result.failed:
        pairs["total_energy"] = float(result.energies[0])
        if result.reference is not None:
            pairs["reference"] = float(result.reference)
            pairs["error"] = float(result.energies[0]) - float(result.reference)
    if result.overlap is not None:
        pairs["orbital_overlap"] = float(result.overlap)
    solution = result.solution
    if solution is not None and solution.params is not None:
        pairs["n_params"] = int(solution.params.shape[-1])
    if solution is not None and solution.spin_squares is not None:
        pairs["spin_square"] = float(solution.spin_squares[0])
    for name, value in result.columns.items():
        if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", name) and np.isfinite(value):
            pairs.setdefault(name, float(value))
    return pairs
