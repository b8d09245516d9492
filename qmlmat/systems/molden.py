"""Molden files: orbitals for programs that draw them."""

from __future__ import annotations

import os
from pathlib import Path

from numpy.typing import ArrayLike
from pyscf.tools import molden

from qmlmat.errors import InputError
from qmlmat.systems.molecule import Molecule
from qmlmat.typing import FloatArray


def write_molden(
    molecule: Molecule,
    coefficients: FloatArray,
    occupations: ArrayLike,
    file: str | os.PathLike[str],
) -> Path:
    """Write orbitals as a Molden file and return its path; functions beyond g are left out.

    Args:
        molecule: The molecule, with its basis.
        coefficients: Orbitals in the basis functions, shape ``(n_ao, n_orbitals)``.
        occupations: Their occupations, shape ``(n_orbitals,)``; energies are written as 0.
        file: Path of the file to write; one that exists is replaced.

    Raises:
        InputError: If the file cannot be written.

    References:
        G. Schaftenaar and J. H. Noordik, J. Comput.-Aided Mol. Des. 14, 123 (2000),
        doi:10.1023/A:1008193805436.
    """
    path = Path(file).expanduser()
    energies = [0.0] * coefficients.shape[1]
    try:
        molden.from_mo(molecule.to_pyscf(), str(path), coefficients, ene=energies, occ=occupations)
    except OSError as error:
        raise InputError(
            f'write_molden("{path}"): the file cannot be written ({error.strerror or error}). '
            "Choose a file you may write."
        ) from error
    return path
