"""The molecule behind a scan, made anew from what the scan keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qmlmat.errors import InputError
from qmlmat.provenance import differences
from qmlmat.surfaces.paths.path import Geometry
from qmlmat.systems import Molecule


def molecule_of(inputs: Mapping[str, Any], point: Geometry) -> Molecule | None:
    """Return the molecule at a point, or ``None`` for a surface that has none.

    Args:
        inputs: The scan's inputs, as plain values.
        point: Where.

    Raises:
        InputError: If its basis set was read from a file that is not as it was.
    """
    surface = inputs.get("surface")
    stored = surface.get("molecule") if isinstance(surface, Mapping) else None
    if not isinstance(stored, Mapping) or "basis" not in stored:
        return None
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
            f"The molecule is not as the scan knew it ({'; '.join(lines)}). Restore the basis "
            "set's file."
        )
    return molecule
