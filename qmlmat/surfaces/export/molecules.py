"""The molecule behind a scan, made anew from what the scan keeps."""

from __future__ import annotations

from qmlmat.surfaces.molecules import molecule_of
from qmlmat.surfaces.scan import Scan
from qmlmat.systems import Molecule


def stored_molecule(scan: Scan) -> Molecule | None:
    """Return the molecule at the first point, or ``None`` for a surface that has none.

    Raises:
        InputError: If its basis set was read from a file that is not as it was.
    """
    return molecule_of(scan.inputs, scan.path.geometries[0])
