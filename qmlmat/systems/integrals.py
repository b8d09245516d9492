"""Integrals over active orbitals, the core's mean field folded in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from pyscf import ao2mo, scf

from qmlmat.systems.active_orbitals import ActiveOrbitals
from qmlmat.systems.molecule import Molecule
from qmlmat.typing import FloatArray

INCORE_LIMIT: Final = 4e9
"""Atomic-orbital repulsion integrals up to this size are held in memory (bytes)."""


@dataclass(frozen=True, kw_only=True)
class Integrals:
    """The electronic Hamiltonian's coefficients in the active orbitals."""

    one_body: FloatArray
    """Kinetic energy, nuclei and core's mean field, shape ``(norb, norb)`` (hartree)."""
    two_body: FloatArray
    """Repulsion ``(pq|rs)``, shape ``(norb, norb, norb, norb)`` (hartree)."""
    core_energy: float
    """Nuclear repulsion and energy of the core electrons (hartree)."""


def active_integrals(molecule: Molecule, orbitals: ActiveOrbitals) -> Integrals:
    """Return the integrals of a molecule's active orbitals, in their order."""
    mole = molecule.to_pyscf()
    core, active = orbitals.inactive, np.ascontiguousarray(orbitals.active)
    bare = scf.hf.get_hcore(mole)
    in_memory = mole.nao**4 <= INCORE_LIMIT  # eight bytes each, eightfold symmetry
    repulsion = mole.intor("int2e", aosym="s8") if in_memory else None
    core_energy = float(mole.energy_nuc())
    effective = bare
    if core.size:
        density = 2 * core @ core.T
        if repulsion is not None:
            coulomb, exchange = scf.hf.dot_eri_dm(repulsion, density, hermi=1)
        else:
            coulomb, exchange = scf.hf.get_jk(mole, density, hermi=1)
        field = coulomb - 0.5 * exchange
        core_energy += float(np.vdot(density, bare + 0.5 * field))
        effective = bare + field
    one_body = active.T @ effective @ active
    packed = ao2mo.kernel(mole if repulsion is None else repulsion, active)
    norb = orbitals.norb
    two_body = ao2mo.restore(1, packed, norb).reshape((norb,) * 4)
    return Integrals(
        one_body=0.5 * (one_body + one_body.T), two_body=two_body, core_energy=core_energy
    )
