"""Full CI by PySCF alone: its orbitals, integrals, dense matrix and transition densities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyscf import ao2mo, gto, mcscf, scf
from pyscf.fci import cistring, direct_spin1


@dataclass(frozen=True)
class DenseFCI:
    """All eigenpairs of one active space, and their dipoles."""

    energies: np.ndarray
    """Total energies, ascending (hartree)."""
    dipoles: np.ndarray
    """Dipole moments of the states in column k with state 0 and of the states, (2, n, 3) (e a0)."""


def dense_fci(atoms: list, *, n_core: int, n_states: int, basis: str = "sto-3g") -> DenseFCI:
    """Diagonalise the frozen-core Hamiltonian densely; dipoles from direct_spin1.trans_rdm1."""
    mole = gto.M(atom=atoms, basis=basis, verbose=0)
    field = scf.RHF(mole).run(conv_tol=1e-12, conv_tol_grad=1e-9)
    norb, n_active = mole.nao - n_core, mole.nelectron - 2 * n_core
    nelec = (n_active // 2, n_active // 2)
    space = mcscf.CASCI(field, norb, n_active, ncore=n_core)
    one_body, core_energy = space.get_h1eff()
    two_body = ao2mo.restore(1, space.get_h2eff(), norb)
    n_strings = cistring.num_strings(norb, nelec[0])
    absorbed = direct_spin1.absorb_h1e(one_body, two_body, norb, nelec, 0.5)
    units = np.eye(n_strings**2).reshape(-1, n_strings, n_strings)
    matrix = np.stack(
        [direct_spin1.contract_2e(absorbed, unit, norb, nelec).ravel() for unit in units]
    )
    energies, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    states = vectors.T[:n_states].reshape(-1, n_strings, n_strings)
    position = mole.intor("int1e_r")
    core = field.mo_coeff[:, :n_core]
    active = field.mo_coeff[:, n_core:]
    inside = np.einsum("xmn,mp,nq->xpq", position, active, active)
    rest = mole.atom_charges() @ mole.atom_coords()
    rest = rest - 2 * np.einsum("xmn,mi,ni->x", position, core, core)

    def moment(bra, ket):
        density = direct_spin1.trans_rdm1(bra, ket, norb, nelec)
        return np.vdot(bra, ket) * rest - np.einsum("xpq,pq->x", inside, density)

    return DenseFCI(
        energies=energies[:n_states] + core_energy,
        dipoles=np.array(
            [[moment(states[0], ket) for ket in states], [moment(ket, ket) for ket in states]]
        ),
    )
