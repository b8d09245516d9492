"""FCIDUMP files: integrals for, and from, other programs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

from pyscf import ao2mo
from pyscf.tools import fcidump

from qmlmat.errors import InputError
from qmlmat.systems.hamiltonian import MolecularHamiltonian

EVERY_DIGIT: Final = " %.17g"
"""Format in which float64 survives being written and read."""


def to_fcidump(hamiltonian: MolecularHamiltonian, file: str | Path) -> None:
    """Write the integrals of a Hamiltonian as an FCIDUMP file, all digits kept.

    The file names no symmetry: every orbital has the label 1. MS2 is the number of unpaired
    electrons, so more beta than alpha electrons come back exchanged, at the same energies.

    Args:
        hamiltonian: The active-space Hamiltonian.
        file: Path of the file to write; one that exists is replaced.

    Raises:
        InputError: If the file cannot be written.

    References:
        P. J. Knowles and N. C. Handy, Comput. Phys. Commun. 54, 75 (1989),
        doi:10.1016/0010-4655(89)90033-7.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from qmlmat.systems import Molecule, molecular_hamiltonian
        >>> h2 = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.7414"))
        >>> with TemporaryDirectory() as folder:
        ...     to_fcidump(h2, f"{folder}/FCIDUMP")
        ...     round(from_fcidump(f"{folder}/FCIDUMP").mean_field_energy, 6)
        -1.116684
    """
    norb, (n_alpha, n_beta) = hamiltonian.norb, hamiltonian.nelec
    try:
        fcidump.from_integrals(
            str(Path(file).expanduser()),
            hamiltonian.one_body,
            ao2mo.restore(8, hamiltonian.two_body, norb),
            norb,
            n_alpha + n_beta,
            nuc=hamiltonian.core_energy,
            ms=abs(n_alpha - n_beta),
            orbsym=[1] * norb,
            tol=0.0,
            float_format=EVERY_DIGIT,
        )
    except OSError as error:
        raise InputError(
            f'to_fcidump(file="{file}"): the file cannot be written ({error.strerror}). Give a '
            "path in a folder that exists and that you may write to."
        ) from None


def from_fcidump(file: str | Path) -> MolecularHamiltonian:
    """Return the Hamiltonian that an FCIDUMP file holds.

    Symmetry labels and orbital energies in it are not needed and ignored.

    Args:
        file: Path of a file over restricted orbitals, integrals in hartree.

    Raises:
        InputError: If the file is missing, is no FCIDUMP, or is over unrestricted orbitals.

    References:
        P. J. Knowles and N. C. Handy, Comput. Phys. Commun. 54, 75 (1989),
        doi:10.1016/0010-4655(89)90033-7.
    """
    call = f'from_fcidump("{file}")'
    read = _read(Path(file).expanduser(), call)
    unrestricted = str(read.get("UHF", read.get("IUHF", 0))).strip(",. ").upper()
    if unrestricted not in {"0", "F", "FALSE"}:
        raise InputError(
            f"{call}: the file is over unrestricted orbitals, different for alpha and beta. Write "
            "it anew over restricted ones (RHF or ROHF)."
        )
    n_electrons, unpaired = read["NELEC"], read.get("MS2", 0)
    norb = read["NORB"]
    if (n_electrons - unpaired) % 2 or not 0 <= abs(unpaired) <= n_electrons <= 2 * norb:
        raise InputError(
            f"{call}: NELEC={n_electrons}, MS2={unpaired} and NORB={norb} do not fit together. "
            "Correct the file's first lines: MS2 unpaired of NELEC electrons in NORB orbitals."
        )
    notes = () if "ECORE" in read else (f"{call}: no core energy in the file; 0 is used.",)
    return MolecularHamiltonian(
        one_body=read["H1"],
        two_body=ao2mo.restore(1, read["H2"], norb),
        core_energy=read.get("ECORE", 0.0),
        nelec=((n_electrons + unpaired) // 2, (n_electrons - unpaired) // 2),
        notes=notes,
    )


def _read(path: Path, call: str) -> dict[str, Any]:
    """Return what PySCF reads, in its keys, if it is a whole FCIDUMP."""
    if not path.is_file():
        raise InputError(f"{call}: there is no such file. Check the path.")
    reason = ""
    read: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # PySCF leaves a bad file open
        try:
            read = fcidump.read(str(path), molpro_orbsym=False, verbose=False)
        except (OSError, RuntimeError, ValueError, LookupError) as error:
            reason = f" ({error})"
    whole = {"NORB", "NELEC"} <= read.keys() and read["NORB"] > 0
    if not whole or not (read["H1"].any() or read["H2"].any()):
        raise InputError(
            f"{call}: not an FCIDUMP file, or cut off{reason}. Give one that starts with &FCI "
            "NORB=...,NELEC=...,MS2=..., and lists real integrals: a number and four indices."
        )
    return read
