"""Hartree-Fock with a rescue, its orbitals in a fixed gauge."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pyscf import ao2mo, scf

from qmlmat.errors import BasisError, MeanFieldError, QmlmatWarning
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.orbitals import fix_gauge
from qmlmat.systems.threads import threads_for
from qmlmat.typing import FloatArray

logger = logging.getLogger(__name__)

ENERGY_TOLERANCE: Final = 1e-11
"""Change of the energy at convergence (hartree); its error is the square of the gradient's."""
GRADIENT_TOLERANCE: Final = 1e-8
"""Norm of the orbital gradient at convergence: keeps integrals invariant to about 1e-7."""
MAX_CYCLES: Final = 100
"""Iterations of DIIS, and again of the second-order solver, before giving up."""
MAX_STABILITY_ROUNDS: Final = 4
"""Times an unstable solution is left along its lowest mode."""
INSTABILITY: Final = -1e-5
"""An eigenvalue of the orbital Hessian below this is an instability (hartree)."""
NEWTON_ENERGY_TOLERANCE: Final = 1e-10
"""Change of the energy at which Newton steps hand over to DIIS (hartree)."""
NEWTON_GRADIENT_TOLERANCE: Final = 1e-6
"""Norm of the orbital gradient at which Newton steps hand over to DIIS."""
SAME_MINIMUM: Final = 1e-7
"""Energies closer than this belong to the same solution (hartree)."""
SYMMETRIC: Final = 1e-4
"""Density-matrix element between orbitals of different symmetry that breaks the symmetry."""
PARALLEL_ORBITALS: Final = 100
"""Number of basis functions from which Hartree-Fock uses several threads."""
DENSE_HESSIAN: Final = 2000
"""Orbital rotations up to which the closed-shell Hessian is diagonalised whole."""


@dataclass(frozen=True, kw_only=True)
class MeanField:
    """A converged restricted Hartree-Fock solution, orbitals in the fixed gauge."""

    molecule: Molecule
    """The molecule."""
    energy: float
    """Total energy with nuclear repulsion (hartree)."""
    mo_coeff: FloatArray
    """Orbital coefficients, shape ``(n_ao, n_mo)``: doubly, singly, unoccupied, by energy."""
    mo_energy: FloatArray
    """Orbital energies, shape ``(n_mo,)`` (hartree)."""
    mo_occ: FloatArray
    """Occupations 2, 1 or 0, shape ``(n_mo,)``."""
    notes: tuple[str, ...] = ()
    """What the rescue did, one sentence each; empty when nothing was needed."""


def run_mean_field(molecule: Molecule) -> MeanField:
    """Return the restricted Hartree-Fock solution: RHF for ``spin=0``, else ROHF.

    DIIS first; where it fails, a second-order solver. A solution that is no minimum is left
    along its lowest mode and optimised again. Each rescue logs, warns and leaves a note.

    Args:
        molecule: The molecule.

    Raises:
        BasisError: If the basis is too small for the electrons.
        MeanFieldError: If the rescue fails too.

    Example:
        >>> from qmlmat.systems import Molecule
        >>> round(run_mean_field(Molecule.from_xyz("H 0 0 0; H 0 0 0.7414")).energy, 8)
        -1.11668439
    """
    mole = molecule.to_pyscf()
    n_alpha = (molecule.n_electrons + molecule.spin) // 2
    if n_alpha > mole.nao:
        raise BasisError(
            f"run_mean_field: {n_alpha} alpha electrons do not fit the {mole.nao} orbitals of "
            f'basis "{molecule.basis}". Use a larger basis, or a smaller spin or charge.'
        )
    field = scf.ROHF(mole) if molecule.spin else scf.RHF(mole)
    notes: list[str] = []
    with threads_for(mole.nao, worth_it=PARALLEL_ORBITALS):
        field = _converge(field, None, notes)
        field = _make_stable(field, notes)
    if not field.converged:
        raise MeanFieldError(
            f"run_mean_field: Hartree-Fock of {molecule.formula} (charge={molecule.charge}, "
            f"spin={molecule.spin}) did not converge in {MAX_CYCLES} DIIS and {MAX_CYCLES} "
            "second-order iterations. Check the geometry, charge and spin; or use another spin, "
            "a smaller basis, or a point of the path nearer to equilibrium."
        )
    coefficients, energies, occupations = fix_gauge(
        mole, field.mo_coeff, field.mo_energy, field.mo_occ
    )
    return MeanField(
        molecule=molecule,
        energy=float(field.e_tot),
        mo_coeff=coefficients,
        mo_energy=energies,
        mo_occ=occupations,
        notes=tuple(notes),
    )


_RESULTS: Final = ("mo_coeff", "mo_energy", "mo_occ", "e_tot", "converged")
"""What a PySCF mean field found."""


def _say(notes: list[str], message: str) -> None:
    notes.append(message)
    logger.warning(message)
    warnings.warn(message, QmlmatWarning, stacklevel=4)


def _prepare(field: Any) -> None:  # noqa: ANN401 (a PySCF mean field)
    field.verbose = 0
    field.chkfile = None
    field.conv_tol, field.conv_tol_grad = ENERGY_TOLERANCE, GRADIENT_TOLERANCE
    field.max_cycle = MAX_CYCLES


def _converge(field: Any, density: Any, notes: list[str]) -> Any:  # noqa: ANN401
    _prepare(field)
    field.kernel(dm0=density)
    if not field.converged:
        _say(
            notes,
            f"Hartree-Fock did not converge in {MAX_CYCLES} DIIS iterations; "
            "the second-order solver took over.",
        )
        field = _second_order(field, field.mo_coeff)
    return field


def _second_order(field: Any, orbitals: Any) -> Any:  # noqa: ANN401
    """Return ``field`` optimised from ``orbitals`` by Newton steps, then sharpened by DIIS.

    Newton steps find the minimum but stall before ``GRADIENT_TOLERANCE``; DIIS started there
    does not. Its result counts only if it stayed in the same minimum.
    """
    solver = field.newton()
    _prepare(solver)
    solver.conv_tol, solver.conv_tol_grad = NEWTON_ENERGY_TOLERANCE, NEWTON_GRADIENT_TOLERANCE
    solver.kernel(orbitals, field.mo_occ)
    field.kernel(dm0=solver.make_rdm1())
    stayed = field.converged and abs(field.e_tot - solver.e_tot) < SAME_MINIMUM
    if not stayed:
        for name in _RESULTS:
            setattr(field, name, getattr(solver, name))
    return field


def _make_stable(field: Any, notes: list[str]) -> Any:  # noqa: ANN401
    for _ in range(MAX_STABILITY_ROUNDS):
        if not field.converged:
            return field
        rotated = _downhill(field)
        if rotated is None:
            return field
        if _breaks_symmetry(field, rotated):
            note = (
                "Hartree-Fock has a lower solution of lower symmetry than the nuclei; the "
                "symmetric one is kept, so that curves stay smooth."
            )
            logger.info(note)
            notes.append(note)
            return field
        before = {name: getattr(field, name) for name in _RESULTS}
        field = _second_order(field, rotated)
        gain = before["e_tot"] - field.e_tot
        if gain < SAME_MINIMUM:
            # A flat mode, such as the free rotation of a density that broke an axial symmetry.
            for name, value in before.items():
                setattr(field, name, value)
            return field
        _say(
            notes,
            "Hartree-Fock had converged to a saddle point; following its lowest mode lowered "
            f"the energy by {gain:.3e} hartree.",
        )
    if field.converged and _downhill(field) is not None:
        _say(
            notes,
            f"Hartree-Fock is still a saddle point after {MAX_STABILITY_ROUNDS} rounds; "
            "treat the orbitals with care.",
        )
    return field


def _downhill(field: Any) -> Any:  # noqa: ANN401
    """Return orbitals rotated along an unstable mode, else ``None``.

    Among the unstable modes a closed shell prefers the lowest that keeps the symmetry.
    """
    n_occ = int((field.mo_occ > 0).sum())
    n_vir = field.mo_occ.size - n_occ
    if n_vir == 0 or field.mol.nelectron == 1:
        return None
    closed = not (field.mo_occ == 1).any()
    if not (closed and field._eri is not None and n_occ * n_vir <= DENSE_HESSIAN):
        rotated, _, stable, _ = field.stability(return_status=True)
        return None if stable else rotated
    values, modes = np.linalg.eigh(_closed_shell_hessian(field, n_occ, n_vir))
    candidates = [
        _rotated(field.mo_coeff, field.mo_occ, mode.reshape(n_occ, n_vir))
        for mode in modes.T[values < INSTABILITY]
    ]
    kept = (rotated for rotated in candidates if not _breaks_symmetry(field, rotated))
    return next(kept, candidates[0] if candidates else None)


def _breaks_symmetry(field: Any, rotated: FloatArray) -> bool:  # noqa: ANN401
    """Tell whether rotated orbitals lose a symmetry that nuclei and present density share."""
    mole = field.mol.copy()
    mole.symmetry = True
    mole.build(dump_input=False, parse_arg=False)
    overlap = field.get_ovlp()
    projected = [overlap @ orbitals for orbitals in mole.symm_orb]

    def mixing(orbitals: FloatArray) -> float:
        density = (orbitals * field.mo_occ) @ orbitals.T
        blocks = [
            np.abs(left.T @ density @ right).max()
            for i, left in enumerate(projected)
            for right in projected[:i]
        ]
        return max(blocks, default=0.0)

    present = mixing(field.mo_coeff)
    return present < SYMMETRIC and mixing(rotated) > SYMMETRIC


def _closed_shell_hessian(field: Any, n_occ: int, n_vir: int) -> FloatArray:  # noqa: ANN401
    """Return ``A + B`` of the singlet rotations, shape ``(n_ov, n_ov)`` (hartree).

    References:
        R. Seeger and J. A. Pople, J. Chem. Phys. 66, 3045 (1977), doi:10.1063/1.434318.
    """
    occupied = field.mo_coeff[:, field.mo_occ > 0]
    virtual = field.mo_coeff[:, field.mo_occ == 0]
    fock = field.mo_coeff.T @ field.get_fock() @ field.mo_coeff
    f_occ = fock[np.ix_(field.mo_occ > 0, field.mo_occ > 0)]
    f_vir = fock[np.ix_(field.mo_occ == 0, field.mo_occ == 0)]
    ovov = ao2mo.general(field._eri, (occupied, virtual, occupied, virtual), compact=False)
    oovv = ao2mo.general(field._eri, (occupied, occupied, virtual, virtual), compact=False)
    ovov = ovov.reshape(n_occ, n_vir, n_occ, n_vir)
    oovv = oovv.reshape(n_occ, n_occ, n_vir, n_vir)
    hessian = 4 * ovov - oovv.transpose(0, 2, 1, 3) - ovov.transpose(0, 3, 2, 1)
    hessian += np.einsum("ij,ab->iajb", np.eye(n_occ), f_vir)
    hessian -= np.einsum("ij,ab->iajb", f_occ, np.eye(n_vir))
    size = n_occ * n_vir
    result: FloatArray = hessian.reshape(size, size)
    return result


def _rotated(orbitals: FloatArray, occupations: FloatArray, mode: FloatArray) -> FloatArray:
    """Return orbitals turned by a tenth of a radian along an occupied-virtual mode."""
    occupied, virtual = np.flatnonzero(occupations > 0), np.flatnonzero(occupations == 0)
    # exp of an antisymmetric matrix, by the singular vectors of its block.
    left, values, right = np.linalg.svd(mode, full_matrices=False)
    angles = 0.1 * values
    turned = orbitals.copy()
    occ, vir = orbitals[:, occupied], orbitals[:, virtual]
    u, v = occ @ left, vir @ right.T
    turned[:, occupied] = occ + (u * (np.cos(angles) - 1) + v * np.sin(angles)) @ left.T
    turned[:, virtual] = vir + (v * (np.cos(angles) - 1) - u * np.sin(angles)) @ right
    return turned
