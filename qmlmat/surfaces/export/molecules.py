"""The molecule behind a scan, made anew from what the scan keeps."""

from __future__ import annotations

from qmlmat.errors import InputError
from qmlmat.provenance import differences
from qmlmat.surfaces.facts import mapping, surface_inputs
from qmlmat.surfaces.scan import Scan
from qmlmat.systems import Molecule


def stored_molecule(scan: Scan) -> Molecule | None:
    """Return the molecule at the first point, or ``None`` for a surface that has none.

    Raises:
        InputError: If its basis set was read from a file that is not as it was.
    """
    stored = mapping(surface_inputs(scan).get("molecule"))
    if "basis" not in stored:
        return None
    point = scan.path.points[0]
    molecule = Molecule(
        point.symbols,
        point.positions,
        charge=stored.get("charge", 0),
        spin=stored.get("spin", 0),
        basis=stored["basis"],
        ecp=stored.get("ecp"),
    )
    digest = stored.get("basis_sha256")
    if digest is not None and molecule.inputs().get("basis_sha256") != digest:
        lines = differences(dict(stored), molecule.inputs())
        raise InputError(
            f"export_scan: the molecule is not as the scan knew it ({'; '.join(lines)}). Restore "
            "the basis set's file."
        )
    return molecule
