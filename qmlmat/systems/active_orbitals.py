"""The orbitals of one geometry, sorted into doubly occupied and active ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import null_space

from qmlmat.errors import InputError
from qmlmat.systems.active_space import ActiveSpace
from qmlmat.systems.mean_field import MeanField
from qmlmat.systems.molecule import Molecule
from qmlmat.systems.orbitals import fix_gauge, square_root
from qmlmat.typing import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ActiveOrbitals:
    """Molecular orbitals that define an active-space Hamiltonian, with where they belong.

    The reference determinant fills the lowest active orbitals: the doubly occupied ones come first,
    then the singly occupied, then the empty ones.
    """

    positions: FloatArray
    """Positions of the nuclei, shape ``(n_atoms, 3)`` (Å)."""
    inactive: FloatArray
    """Coefficients of the doubly occupied orbitals left out, shape ``(n_ao, n_inactive)``."""
    active: FloatArray
    """Coefficients of the active orbitals, shape ``(n_ao, norb)``."""
    nelec: tuple[int, int]
    """Active electrons by spin, ``(n_alpha, n_beta)``."""
    notes: tuple[str, ...] = ()
    """What to know about the choice, one sentence each; not stored."""

    def __post_init__(self) -> None:
        for name in ("positions", "inactive", "active"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.active.ndim != 2 or self.inactive.shape[0] != self.active.shape[0]:
            raise InputError(
                f"ActiveOrbitals(inactive of shape {self.inactive.shape}, active of shape "
                f"{self.active.shape}): give two matrices with a row for every basis function."
            )

    def __repr__(self) -> str:
        """Return the sizes; the fields hold the coefficients."""
        n_ao, n_inactive = self.inactive.shape
        return f"ActiveOrbitals({sum(self.nelec)}e, {self.norb}o, {n_inactive=}, {n_ao=})"

    @property
    def norb(self) -> int:
        """Number of active orbitals."""
        return int(self.active.shape[1])

    @cached_property
    def classes(self) -> tuple[slice, slice, slice]:
        """Which active orbitals the reference fills twice, once and not at all."""
        n_alpha, n_beta = self.nelec
        return slice(0, n_beta), slice(n_beta, n_alpha), slice(n_alpha, self.norb)

    def virtual(self, molecule: Molecule) -> FloatArray:
        """Return orthonormal orbitals for all that is left, shape ``(n_ao, n_virtual)``.

        Args:
            molecule: The molecule at these positions.
        """
        root = square_root(molecule.to_pyscf().intor_symmetric("int1e_ovlp"))
        left = null_space((root @ np.hstack([self.inactive, self.active])).T)
        orbitals: FloatArray = np.linalg.solve(root, left)
        return orbitals

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that keep every digit."""
        return {
            "positions": self.positions.tolist(),
            "inactive": self.inactive.tolist(),
            "active": self.active.tolist(),
            "nelec": list(self.nelec),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ActiveOrbitals:
        """Return the orbitals whose ``to_dict()`` is ``values``."""
        return cls(
            positions=values["positions"],
            inactive=values["inactive"],
            active=values["active"],
            nelec=(int(values["nelec"][0]), int(values["nelec"][1])),
        )


def choose_orbitals(mean_field: MeanField, active_space: ActiveSpace) -> ActiveOrbitals:
    """Return the orbitals that an active space means at one geometry, without looking elsewhere.

    Raises:
        ActiveSpaceError: If the molecule's orbitals or electrons cannot fill it.
    """
    candidates = active_space.candidates(mean_field)
    selection = active_space.select_among(candidates)
    active = candidates.mo_coeff[:, list(selection.active)]
    if active_space.avas:
        active = _semicanonical(mean_field, active, candidates.mo_occ[list(selection.active)])
    return ActiveOrbitals(
        positions=mean_field.molecule.positions,
        inactive=candidates.mo_coeff[:, list(selection.core)],
        active=active,
        nelec=selection.nelec,
        notes=selection.notes,
    )


def _semicanonical(
    mean_field: MeanField, active: FloatArray, occupations: FloatArray
) -> FloatArray:
    """Return active orbitals turned, among those of one occupation, until Fock is diagonal."""
    mole = mean_field.molecule.to_pyscf()
    canonical = mean_field.mo_coeff.T @ mole.intor_symmetric("int1e_ovlp") @ active
    fock = canonical.T @ (mean_field.mo_energy[:, None] * canonical)
    turned, levels = np.array(active), np.zeros(len(occupations))
    for occupation in (2, 1, 0):
        same = np.flatnonzero(occupations == occupation)
        levels[same], vectors = np.linalg.eigh(fock[np.ix_(same, same)])
        turned[:, same] = active[:, same] @ vectors
    coefficients, _, _ = fix_gauge(mole, turned, levels, occupations)
    return coefficients
