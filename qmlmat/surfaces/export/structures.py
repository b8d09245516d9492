"""A scan as structures with energies, for ASE and what reads its files."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any, Final

from qmlmat.surfaces.facts import has_energy, spin_squares, state_irreps
from qmlmat.surfaces.scan import Scan
from qmlmat.surfaces.surface import PointResult
from qmlmat.units import ev_to_hartree, hartree_to_ev

MADE_BY: Final = "made_by=qmlmat"
"""What every frame written here holds in its second line."""


def write_extxyz(scan: Scan, file: FilePath) -> None:
    """Write the points that have energies as extended XYZ, in the order of the path.

    ``energy`` in eV and ``forces`` in eV/Å, as ASE's convention is; beside them the point's index,
    its coordinates (units of the path), status, and energies in hartree.
    """
    from ase.io import write  # noqa: PLC0415 - `import qmlmat` must not load ase

    frames = [
        _frame(scan, index, result)
        for index, result in enumerate(scan.results)
        if result is not None and has_energy(result)
    ]
    write(file, frames, format="extxyz")


def _frame(scan: Scan, index: int, result: PointResult) -> Any:  # noqa: ANN401 - ase is untyped
    from ase import Atoms  # noqa: PLC0415
    from ase.calculators.singlepoint import SinglePointCalculator  # noqa: PLC0415

    point = scan.path.geometries[index]
    in_hartree = result.unit == "hartree"
    to_ev = hartree_to_ev(1.0) if in_hartree else 1.0
    to_hartree = 1.0 if in_hartree else ev_to_hartree(1.0)
    name, value = MADE_BY.split("=")
    info: dict[str, Any] = {
        name: value,
        "point": index,
        "coordinates": scan.path.coordinates[index],
        "status": result.status,
        "energies_hartree": result.energies * to_hartree,
    }
    if result.reference is not None:
        info["reference_hartree"] = result.reference * to_hartree
    if scan.n_states > 1:
        info |= _of_several(scan, index, result)
    atoms = Atoms(symbols=list(point.symbols), positions=point.positions, info=info)
    known: dict[str, Any] = {"energy": float(result.energies[0]) * to_ev}
    if result.forces is not None:
        known["forces"] = result.forces * to_ev
    atoms.calc = SinglePointCalculator(atoms, **known)  # type: ignore[no-untyped-call]
    return atoms


def _of_several(scan: Scan, index: int, result: PointResult) -> dict[str, Any]:
    """Return the curves, <S^2> and irreps of the states of a point, in the order of energy."""
    found: dict[str, Any] = {}
    if scan.followed is not None:
        found["curves"] = scan.followed[index]
    squares, irreps = spin_squares(result), state_irreps(result)
    if squares is not None:
        found["spin_squares"] = squares
    if irreps is not None:
        found["irreps"] = " ".join(name or "?" for name in irreps)
    return found
