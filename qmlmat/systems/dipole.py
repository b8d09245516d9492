"""The electric dipole of active electrons, with nuclei and inactive electrons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.errors import InputError
from qmlmat.systems.active_orbitals import ActiveOrbitals
from qmlmat.systems.molecule import Molecule
from qmlmat.typing import FloatArray, StateArray
from qmlmat.units import BOHR_IN_ANGSTROM


@dataclass(frozen=True, kw_only=True, eq=False)
class DipoleOperator:
    """``mu = rest - sum_pq r_pq a†_p a_q``, in atomic units (e a0), of one active space."""

    position: FloatArray
    """Integrals ``<p|r - origin|q>`` of the active orbitals, shape ``(3, norb, norb)`` (bohr)."""
    rest: FloatArray
    """Dipole of the nuclei and of the inactive electrons, shape ``(3,)`` (e a0)."""
    origin: FloatArray
    """Where positions are counted from, shape ``(3,)`` (Å)."""

    def between(self, one_rdm: StateArray, overlap: complex) -> StateArray:
        """Return ``<bra|mu|ket>``, shape ``(3,)`` (e a0).

        Nuclei and inactive electrons see nothing but the overlap of the two states: 1 for a state
        with itself, 0 between orthogonal ones.

        Args:
            one_rdm: ``<bra|a†_p a_q|ket>`` of the active orbitals, shape ``(norb, norb)``.
            overlap: ``<bra|ket>``.
        """
        moment: StateArray = overlap * self.rest - np.einsum("xpq,pq->x", self.position, one_rdm)
        return moment


def check_place(call: str, molecule: Molecule, orbitals: ActiveOrbitals) -> None:
    """Refuse orbitals that belong to another geometry or another basis.

    Args:
        call: What the message calls the function.
        molecule: The molecule.
        orbitals: Its orbitals.

    Raises:
        InputError: If they do not belong to it.
    """
    if not np.array_equal(molecule.positions, orbitals.positions):
        raise InputError(
            f"{call}: the orbitals belong to another geometry than the molecule. Use "
            "molecule.with_positions(orbitals.positions)."
        )
    n_ao = molecule.to_pyscf().nao
    if orbitals.active.shape[0] != n_ao:
        raise InputError(
            f"{call}: the orbitals have {orbitals.active.shape[0]} coefficients each, and basis "
            f'"{molecule.basis}" has {n_ao} functions. Use the molecule they were made for.'
        )


def charge_centre(molecule: Molecule) -> FloatArray:
    """Return the centre of nuclear charge, less what core potentials replace, ``(3,)`` (Å)."""
    charges = molecule.to_pyscf().atom_charges()
    centre: FloatArray = charges @ molecule.positions / charges.sum()
    return centre


def dipole_operator(
    molecule: Molecule, orbitals: ActiveOrbitals, *, origin: ArrayLike | None = None
) -> DipoleOperator:
    """Return the dipole operator of an active space.

    Args:
        molecule: The molecule.
        orbitals: Its orbitals: inactive ones are doubly occupied.
        origin: Where positions are counted from, ``(3,)`` (Å); by default the centre of nuclear
            charge. The dipole of an ion depends on it, that of a neutral molecule does not, nor
            does a transition dipole of orthogonal states.

    Raises:
        InputError: If the orbitals belong to another geometry or basis, or the origin is no point.

    Example:
        >>> from qmlmat.systems import ActiveSpace, choose_orbitals, run_mean_field
        >>> molecule = Molecule.from_xyz("Li 0 0 0; H 0 0 1.5949")
        >>> orbitals = choose_orbitals(run_mean_field(molecule), ActiveSpace(freeze_core=True))
        >>> operator = dipole_operator(molecule, orbitals)
        >>> reference = np.diag([2.0, 0, 0, 0, 0])
        >>> operator.between(reference, 1.0).round(3)[2]  # Hartree-Fock's: Li+ H-
        np.float64(-1.911)
    """
    check_place("dipole_operator", molecule, orbitals)
    where = charge_centre(molecule) if origin is None else _checked_origin(origin)
    mole = molecule.to_pyscf()
    charges, places = mole.atom_charges(), mole.atom_coords()
    start = where / BOHR_IN_ANGSTROM
    with mole.with_common_origin(start):
        integrals = mole.intor_symmetric("int1e_r", comp=3)
    core, active = orbitals.inactive, orbitals.active
    electrons = 2 * np.einsum("xmn,mi,ni->x", integrals, core, core)
    return DipoleOperator(
        position=np.einsum("xmn,mp,nq->xpq", integrals, active, active, optimize=True),
        rest=charges @ (places - start) - electrons,
        origin=where,
    )


def _checked_origin(origin: ArrayLike) -> FloatArray:
    where = np.array(origin, dtype=np.float64)
    if where.shape != (3,) or not np.isfinite(where).all():
        raise InputError(
            f"dipole_operator(origin={origin!r}): not a point. Give three finite numbers (Å)."
        )
    return where
