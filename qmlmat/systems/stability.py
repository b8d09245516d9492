"""Whether a mean field is a minimum, and which way is down where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pyscf import ao2mo
from pyscf.lib.linalg_helper import LinearDependencyError

from qmlmat.typing import FloatArray

INSTABILITY: Final = -1e-5
"""An eigenvalue of the orbital Hessian below this is an instability (hartree)."""
SYMMETRIC: Final = 1e-4
"""Density-matrix element between orbitals of different symmetry that breaks the symmetry."""
DENSE_HESSIAN: Final = 2000
"""Orbital rotations up to which the closed-shell Hessian is diagonalised whole."""


@dataclass(frozen=True, kw_only=True)
class Mode:
    """A way down from a saddle point."""

    orbitals: FloatArray
    """Orbitals turned a little that way, shape ``(n_ao, n_mo)``."""
    curvature: float | None = None
    """Eigenvalue of the orbital Hessian (hartree), where it is known."""

    @property
    def steepness(self) -> str:
        """The curvature in words, or ""."""
        if self.curvature is None:
            return ""
        return f" (lowest eigenvalue of the orbital Hessian {self.curvature:.3f} hartree)"


def downhill(field: Any, notes: list[str]) -> Mode | None:  # noqa: ANN401
    """Return an unstable mode of a converged mean field, if there is one.

    Among the unstable modes a closed shell prefers the lowest that keeps the symmetry.

    Args:
        field: The PySCF mean field.
        notes: Takes a sentence where the stability could not be examined.
    """
    n_occ = int((field.mo_occ > 0).sum())
    n_vir = field.mo_occ.size - n_occ
    if n_vir == 0 or field.mol.nelectron == 1:
        return None
    closed = not (field.mo_occ == 1).any()
    if not (closed and field._eri is not None and n_occ * n_vir <= DENSE_HESSIAN):
        try:
            rotated, _, stable, _ = field.stability(return_status=True)
        except (LinearDependencyError, np.linalg.LinAlgError):
            notes.append("The stability of Hartree-Fock could not be examined: its solver failed.")
            return None
        return None if stable else Mode(orbitals=rotated)
    values, modes = np.linalg.eigh(closed_shell_hessian(field, n_occ, n_vir))
    candidates = [
        Mode(
            orbitals=_rotated(field.mo_coeff, field.mo_occ, mode.reshape(n_occ, n_vir)),
            curvature=float(value),
        )
        for value, mode in zip(values, modes.T, strict=True)
        if value < INSTABILITY
    ]
    kept = (mode for mode in candidates if not breaks_symmetry(field, mode.orbitals))
    return next(kept, candidates[0] if candidates else None)


def breaks_symmetry(field: Any, rotated: FloatArray) -> bool:  # noqa: ANN401
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


def closed_shell_hessian(field: Any, n_occ: int, n_vir: int) -> FloatArray:  # noqa: ANN401
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
