"""The determinant of the lowest orbitals: its Fock matrices, and PySCF's mean field of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyscf import ao2mo, gto, scf

from qmlmat.systems.hamiltonian import MolecularHamiltonian
from qmlmat.typing import FloatArray


def reference_fock(hamiltonian: MolecularHamiltonian) -> tuple[FloatArray, FloatArray]:
    """Return the Fock matrices of alpha and beta electrons, each ``(norb, norb)`` (hartree)."""
    n_alpha, n_beta = hamiltonian.nelec
    repulsion = hamiltonian.two_body
    coulomb = sum(np.einsum("pqii->pq", repulsion[:, :, :n, :n]) for n in (n_alpha, n_beta))
    exchange = [np.einsum("piiq->pq", repulsion[:, :n, :n, :]) for n in (n_alpha, n_beta)]
    base = hamiltonian.one_body + coulomb
    return base - exchange[0], base - exchange[1]


def semicanonical_orbitals(fock: FloatArray, n_occupied: int) -> FloatArray:
    """Return the orbitals in which both diagonal blocks of a Fock matrix are diagonal.

    Occupied orbitals mix among themselves and empty ones among themselves, so the determinant
    stays the same. Columns ascend in energy within each block, shape ``(norb, norb)``.

    Args:
        fock: Fock matrix, shape ``(norb, norb)`` (hartree).
        n_occupied: Number of occupied orbitals; they come first.

    Example:
        >>> semicanonical_orbitals(np.diag([2.0, 1.0, 3.0]), 2).round(1).tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    orbitals = np.zeros_like(fock)
    for block in (slice(None, n_occupied), slice(n_occupied, None)):
        orbitals[block, block] = np.linalg.eigh(fock[block, block])[1]
    return orbitals


def reference_field(hamiltonian: MolecularHamiltonian, *, semicanonical: bool = False) -> Any:  # noqa: ANN401 (PySCF is untyped)
    """Return PySCF's mean field of the active electrons alone, ready for what comes after it.

    RHF for as many alpha as beta electrons, else UHF; it is not iterated. PySCF's atomic
    orbitals are the Hamiltonian's orbitals.

    Args:
        hamiltonian: The active-space Hamiltonian; its reference fills the lowest orbitals.
        semicanonical: Give each spin the orbitals of ``semicanonical_orbitals``; by default
            both have the Hamiltonian's own.
    """
    norb, (n_alpha, n_beta) = hamiltonian.norb, hamiltonian.nelec
    mole = gto.Mole()
    mole.verbose, mole.incore_anyway = 0, True
    mole.nelectron, mole.spin, mole.nao = n_alpha + n_beta, n_alpha - n_beta, norb
    mole.build(dump_input=False, parse_arg=False)
    closed = n_alpha == n_beta
    field = scf.RHF(mole) if closed else scf.UHF(mole)
    field.get_hcore = lambda *_: hamiltonian.one_body
    field.get_ovlp = lambda *_: np.eye(norb)
    field.energy_nuc = lambda *_: hamiltonian.core_energy
    field._eri = ao2mo.restore(8, hamiltonian.two_body, norb)
    occupied = np.zeros((2, norb))
    occupied[0, :n_alpha] = occupied[1, :n_beta] = 1
    focks = reference_fock(hamiltonian)
    orbitals = np.array([np.eye(norb)] * 2)
    if semicanonical:
        pairs = zip(focks, hamiltonian.nelec, strict=True)
        orbitals = np.array([semicanonical_orbitals(fock, n) for fock, n in pairs])
    levels = np.einsum("spi,spq,sqi->si", orbitals, np.array(focks), orbitals)
    if closed:
        field.mo_coeff, field.mo_occ, field.mo_energy = orbitals[0], occupied.sum(0), levels[0]
    else:
        field.mo_coeff, field.mo_occ, field.mo_energy = orbitals, occupied, levels
    field.converged, field.e_tot = True, hamiltonian.mean_field_energy
    return field
