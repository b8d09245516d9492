"""Natural orbitals and one-orbital entropies: what the electrons of a state do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import entr

from qmlmat.operators.sector import Sector
from qmlmat.systems import ActiveOrbitals, Molecule
from qmlmat.systems.dipole import check_place
from qmlmat.systems.molden import write_molden
from qmlmat.systems.planes import checked_state
from qmlmat.typing import FloatArray, StateArray


@dataclass(frozen=True, kw_only=True, eq=False)
class NaturalOrbitals:
    """The orbitals in which a one-particle density matrix is diagonal."""

    occupations: FloatArray
    """Electrons in each active natural orbital, descending, shape ``(norb,)``."""
    rotation: FloatArray
    """Natural orbitals in the active ones, in columns, shape ``(norb, norb)``."""
    orbitals: ActiveOrbitals
    """The active orbitals that they are made of, with the inactive ones."""

    @property
    def coefficients(self) -> FloatArray:
        """Active natural orbitals in the basis functions, shape ``(n_ao, norb)``."""
        turned: FloatArray = self.orbitals.active @ self.rotation
        return turned

    @property
    def n_unpaired(self) -> float:
        """Effectively unpaired electrons, ``sum n (2 - n)``: 0 for doubly filled orbitals only.

        References:
            K. Takatsuka, T. Fueno and K. Yamaguchi, Theor. Chim. Acta 48, 175 (1978),
            doi:10.1007/BF00549017.
        """
        return float(self.occupations @ (2 - self.occupations))

    def to_molden(self, molecule: Molecule, file: str | os.PathLike[str]) -> Path:
        """Write inactive and natural orbitals with their occupations as a Molden file.

        Args:
            molecule: The molecule they belong to.
            file: Path of the file to write; one that exists is replaced.

        Raises:
            InputError: If the molecule is another one, or the file cannot be written.
        """
        check_place("NaturalOrbitals.to_molden", molecule, self.orbitals)
        inactive = self.orbitals.inactive
        filled = np.full(inactive.shape[1], 2.0)
        return write_molden(
            molecule,
            np.hstack([inactive, self.coefficients]),
            np.concatenate([filled, self.occupations]),
            file,
        )


def natural_orbitals(one_rdm: StateArray, orbitals: ActiveOrbitals) -> NaturalOrbitals:
    """Return the natural orbitals of a state or of an average of states.

    Signs make the largest coefficient positive. Orbitals of equal occupation may turn among each
    other.

    Args:
        one_rdm: One-particle density matrix of the active orbitals, spins added, shape
            ``(norb, norb)``; of a complex matrix the real part, the density, counts.
        orbitals: The active orbitals.

    References:
        P.-O. Löwdin, Phys. Rev. 97, 1474 (1955), doi:10.1103/PhysRev.97.1474.
    """
    matrix = np.asarray(one_rdm).real
    occupations, rotation = np.linalg.eigh((matrix + matrix.T) / 2)
    occupations, rotation = occupations[::-1], rotation[:, ::-1]
    largest = np.abs(rotation).argmax(axis=0)
    signs = np.sign(rotation[largest, np.arange(len(occupations))])
    return NaturalOrbitals(
        occupations=np.ascontiguousarray(occupations), rotation=rotation * signs, orbitals=orbitals
    )


def orbital_entropies(state: StateArray, norb: int, nelec: tuple[int, int]) -> FloatArray:
    """Return how much each orbital is entangled with the others, natural logarithm (nats).

    ``S_p = -sum w ln w`` over the four ways to fill orbital ``p``: empty ``1 - n_a - n_b + n_ab``,
    one electron ``n_a - n_ab`` or ``n_b - n_ab``, two ``n_ab``; between 0 and ``ln 4``. They
    belong to the orbitals chosen: other orbitals of the same space have other entropies.

    Args:
        state: Normalised sector vector, shape ``(n_alpha_strings, n_beta_strings)``.
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.

    Returns:
        Shape ``(norb,)``.

    Raises:
        InputError: If the state has another size.

    References:
        K. Boguslawski and P. Tecmer, Int. J. Quantum Chem. 115, 1289 (2015),
        doi:10.1002/qua.24832.

    Example:
        >>> half = np.sqrt(0.5) * np.array([[1.0, 0.0], [0.0, 1.0]])  # both electrons here or there
        >>> orbital_entropies(half, 2, (1, 1)).round(6)  # ln 2
        array([0.693147, 0.693147])
    """
    sector = Sector(norb, nelec)
    vector = checked_state("orbital_entropies", state, sector).reshape(sector.shape)
    weights = np.abs(vector) ** 2
    orbital = np.arange(norb)
    alpha = (sector.alpha_strings[:, None] >> orbital & 1).astype(float)
    beta = (sector.beta_strings[:, None] >> orbital & 1).astype(float)
    n_alpha, n_beta = weights.sum(axis=1) @ alpha, weights.sum(axis=0) @ beta
    both = np.einsum("ip,ij,jp->p", alpha, weights, beta, optimize=True)
    ways = np.stack([weights.sum() - n_alpha - n_beta + both, n_alpha - both, n_beta - both, both])
    entropies: FloatArray = entr(np.maximum(ways, 0.0)).sum(axis=0)  # rounding may leave -1e-17
    return entropies
