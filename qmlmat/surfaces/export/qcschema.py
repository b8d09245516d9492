"""Points in MolSSI's QCSchema, which quantum chemistry programs and archives exchange."""

from __future__ import annotations

import json
import math
from importlib import metadata
from pathlib import Path as FilePath
from typing import Any

from qmlmat.surfaces.export.molecules import stored_molecule
from qmlmat.surfaces.facts import (
    has_energy,
    n_params,
    solver_label,
    spin_squares,
    state_irreps,
    surface_inputs,
)
from qmlmat.surfaces.scan import Scan
from qmlmat.surfaces.surface import FAILED, FINISHED, PointResult
from qmlmat.systems import Molecule
from qmlmat.units import BOHR_IN_ANGSTROM, ev_to_hartree


def write_qcschema(scan: Scan, file: FilePath, index: int) -> None:
    """Write one computed point as an ``AtomicResult``, or a ``FailedOperation``, version 1.

    Energies are in hartree and positions in bohr, as the schema demands. A point whose solver did
    not converge has ``success = false``, an error that says so, and its energy.

    References:
        D. G. A. Smith et al., WIREs Comput. Mol. Sci. 11, e1491 (2021), doi:10.1002/wcms.1491.
    """
    result = scan.results[index]
    if result is None:
        return
    molecule = stored_molecule(scan)
    if molecule is not None:
        molecule = molecule.with_positions(scan.path.geometries[index].positions)
    document = _document(scan, index, result, molecule)
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(f"{text}\n", encoding="utf-8")


def _document(
    scan: Scan, index: int, result: PointResult, molecule: Molecule | None
) -> dict[str, Any]:
    task = {
        "schema_name": "qcschema_input",
        "schema_version": 1,
        "molecule": _molecule(scan, index, molecule),
        "driver": "energy",
        "model": {
            "method": solver_label(scan),
            "basis": None if molecule is None else molecule.basis,
        },
        "keywords": {},
        "provenance": _provenance(),
    }
    extras = {"qmlmat": _extras(scan, index, result)}
    if not has_energy(result):
        message = result.status.removeprefix(f"{FAILED}:").strip() or result.status
        error = {"error_type": "computation_error", "error_message": message}
        return {"success": False, "error": error, "input_data": task, "extras": extras}
    energy = float(result.energies[0]) * _to_hartree(result)
    document = task | {
        "schema_name": "qcschema_output",
        "return_result": energy,
        "properties": _properties(scan, result, molecule) | {"return_energy": energy},
        "success": result.status in FINISHED,
        "extras": extras,
    }
    if result.status not in FINISHED:
        advice = result.solution.advice if result.solution is not None else ""
        message = f"{result.status}. {advice}".strip()
        document["error"] = {"error_type": "convergence_error", "error_message": message}
    return document


def _molecule(scan: Scan, index: int, molecule: Molecule | None) -> dict[str, Any]:
    point = scan.path.geometries[index]
    found: dict[str, Any] = {
        "schema_name": "qcschema_molecule",
        "schema_version": 2,
        "symbols": list(point.symbols),
        "geometry": (point.positions / BOHR_IN_ANGSTROM).ravel().tolist(),
        "fix_com": True,
        "fix_orientation": True,
        "provenance": _provenance(),
    }
    if molecule is not None:
        found["molecular_charge"] = molecule.charge
        found["molecular_multiplicity"] = molecule.spin + 1
    return found


def _properties(scan: Scan, result: PointResult, molecule: Molecule | None) -> dict[str, Any]:
    found: dict[str, Any] = {"calcinfo_natom": len(scan.path.geometries[0].symbols)}
    if "hartree_fock" in result.columns:
        found["scf_total_energy"] = result.columns["hartree_fock"] * _to_hartree(result)
    if molecule is not None:
        mole = molecule.to_pyscf()
        n_alpha, n_beta = mole.nelec
        found["nuclear_repulsion_energy"] = float(mole.energy_nuc())
        found["calcinfo_nbasis"] = int(mole.nao)
        found["calcinfo_nalpha"], found["calcinfo_nbeta"] = int(n_alpha), int(n_beta)
    return found


def _extras(scan: Scan, index: int, result: PointResult) -> dict[str, Any]:
    """Return what the schema has no place for; energies in the scan's unit."""
    place = zip(scan.path.axes, scan.path.coordinates[index].tolist(), strict=True)
    squares = spin_squares(result)
    return {
        "title": scan.title,
        "point": index,
        "coordinates": [{"name": a.name, "unit": a.unit, "value": value} for a, value in place],
        "unit": result.unit,
        "energies": [float(e) for e in result.energies] if has_energy(result) else [],
        "reference": result.reference,
        "columns": dict(result.columns),
        "status": result.status,
        "notes": list(result.notes),
        "overlap": result.overlap,
        "spin_squares": None if squares is None else [float(value) for value in squares],
        **(_of_several(scan, index, result) if scan.n_states > 1 else {}),
        "n_params": n_params(result),
        "wall_time": result.wall_time,
        "active_space": surface_inputs(scan).get("active_space"),
    }


def _of_several(scan: Scan, index: int, result: PointResult) -> dict[str, Any]:
    """Return the curve, irrep and exact energy of each state; energies in the scan's unit."""
    irreps = state_irreps(result)
    exact = scan.state_references[index].tolist()
    return {
        "curves": None if scan.followed is None else scan.followed[index].tolist(),
        "irreps": None if irreps is None else list(irreps),
        "state_references": [value if math.isfinite(value) else None for value in exact],
    }


def _provenance() -> dict[str, str]:
    return {
        "creator": "qmlmat",
        "version": metadata.version("qmlmat"),
        "routine": "qmlmat.surfaces.export",
    }


def _to_hartree(result: PointResult) -> float:
    return 1.0 if result.unit == "hartree" else ev_to_hartree(1.0)
