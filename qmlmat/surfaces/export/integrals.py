"""The integrals of each point's active space, in the orbitals that the scan used."""

from __future__ import annotations

from pathlib import Path as FilePath

from qmlmat.errors import InputError
from qmlmat.surfaces.export.molecules import stored_molecule
from qmlmat.surfaces.scan import Scan
from qmlmat.systems import molecular_hamiltonian


def write_fcidump(scan: Scan, file: FilePath, index: int) -> None:
    """Write the active-space Hamiltonian of one point as an FCIDUMP, every digit kept.

    No Hartree-Fock is run: the integrals are those of the stored orbitals.

    Raises:
        InputError: If the point has no orbitals.
    """
    from qmlmat.systems.fcidump import to_fcidump  # noqa: PLC0415 - loads pyscf.tools

    result, molecule = scan.results[index], stored_molecule(scan)
    if result is None or result.orbitals is None or molecule is None:
        raise InputError(
            f'export_scan(format="fcidump"): point {index} has no orbitals, hence no integrals. '
            "Use a scan of a molecule with a solver."
        )
    molecule = molecule.with_positions(result.orbitals.positions)
    to_fcidump(molecular_hamiltonian(molecule, orbitals=result.orbitals), file)
