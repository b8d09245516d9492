"""Amplitudes of perturbation and coupled-cluster theory, from the active space alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pyscf import cc, scf

from qmlmat.systems.hamiltonian import MolecularHamiltonian
from qmlmat.systems.reference import reference_field, reference_fock
from qmlmat.typing import FloatArray

SMALLEST_GAP: Final = 0.05
"""Energy denominators are kept at least this far below zero (hartree): near-degenerate
references then start with large but finite amplitudes."""
CCSD_TOLERANCE: Final = 1e-9
"""Change of the CCSD energy at convergence (hartree)."""
CCSD_CYCLES: Final = 100
"""CCSD iterations before it is given up."""


@dataclass(frozen=True, kw_only=True)
class Amplitudes:
    """Cluster amplitudes over the determinant of the lowest orbitals.

    ``na``, ``va`` count occupied and empty orbitals of alpha electrons, ``nb``, ``vb`` of beta;
    empty orbitals are counted from the first one.
    """

    t1_alpha: FloatArray
    """``t[i, a]`` multiplies ``a†_a a_i``, shape ``(na, va)``."""
    t1_beta: FloatArray
    """The same for beta electrons, shape ``(nb, vb)``."""
    t2_aa: FloatArray
    """``t[i, j, a, b]`` multiplies ``a†_a a†_b a_j a_i`` once for each ``i < j, a < b``;
    antisymmetric in both pairs, shape ``(na, na, va, va)``."""
    t2_ab: FloatArray
    """``t[i, j, a, b]`` multiplies ``a†_(a alpha) a†_(b beta) a_(j beta) a_(i alpha)``, shape
    ``(na, nb, va, vb)``."""
    t2_bb: FloatArray
    """The same as ``t2_aa`` for beta electrons, shape ``(nb, nb, vb, vb)``."""
    energy: float
    """Correlation energy of the method they come from (hartree)."""
    notes: tuple[str, ...] = ()
    """Fallbacks taken, one sentence each."""


def mp2_amplitudes(hamiltonian: MolecularHamiltonian) -> Amplitudes:
    """Return first-order amplitudes and the second-order energy.

    Zeroth order is the diagonal of each spin's Fock matrix in the given orbitals; what is off
    the diagonal gives singles, which vanish for closed-shell Hartree-Fock orbitals.

    Args:
        hamiltonian: The active-space Hamiltonian; its reference fills the lowest orbitals.

    References:
        C. Møller and M. S. Plesset, Phys. Rev. 46, 618 (1934), doi:10.1103/PhysRev.46.618.
    """
    n_alpha, n_beta = hamiltonian.nelec
    fock_alpha, fock_beta = reference_fock(hamiltonian)
    repulsion = hamiltonian.two_body
    t1_alpha, e_alpha = _singles(fock_alpha, n_alpha)
    t1_beta, e_beta = _singles(fock_beta, n_beta)
    t2_aa, e_aa = _same_spin(repulsion, fock_alpha, n_alpha)
    t2_bb, e_bb = _same_spin(repulsion, fock_beta, n_beta)
    ovov = repulsion[:n_alpha, n_alpha:, :n_beta, n_beta:].transpose(0, 2, 1, 3)
    t2_ab = ovov / _gaps(fock_alpha, n_alpha, fock_beta, n_beta)
    return Amplitudes(
        t1_alpha=t1_alpha,
        t1_beta=t1_beta,
        t2_aa=t2_aa,
        t2_ab=t2_ab,
        t2_bb=t2_bb,
        energy=e_alpha + e_beta + e_aa + e_bb + float(np.vdot(t2_ab, ovov)),
    )


def _guarded(gaps: FloatArray) -> FloatArray:
    return np.minimum(gaps, -SMALLEST_GAP)


def _gaps(fock_1: FloatArray, n_1: int, fock_2: FloatArray, n_2: int) -> FloatArray:
    """Return ``e_i + e_j - e_a - e_b``, shape ``(n_1, n_2, v_1, v_2)``, kept negative."""
    e_1, e_2 = fock_1.diagonal(), fock_2.diagonal()
    first = e_1[:n_1, None] - e_1[None, n_1:]
    second = e_2[:n_2, None] - e_2[None, n_2:]
    return _guarded(first[:, None, :, None] + second[None, :, None, :])


def _singles(fock: FloatArray, n: int) -> tuple[FloatArray, float]:
    energies = fock.diagonal()
    coupling = fock[:n, n:]
    t1 = coupling / _guarded(energies[:n, None] - energies[None, n:])
    return t1, float(np.vdot(t1, coupling))


def _same_spin(repulsion: FloatArray, fock: FloatArray, n: int) -> tuple[FloatArray, float]:
    direct = repulsion[:n, n:, :n, n:].transpose(0, 2, 1, 3)
    coupling = direct - direct.transpose(0, 1, 3, 2)
    t2 = coupling / _gaps(fock, n, fock, n)
    return t2, 0.25 * float(np.vdot(t2, coupling))


def ccsd_amplitudes(hamiltonian: MolecularHamiltonian) -> Amplitudes:
    """Return CCSD amplitudes; those of MP2, with a note, where CCSD does not converge.

    Args:
        hamiltonian: The active-space Hamiltonian; its reference fills the lowest orbitals.

    References:
        G. D. Purvis and R. J. Bartlett, J. Chem. Phys. 76, 1910 (1982), doi:10.1063/1.443164.
    """
    start = mp2_amplitudes(hamiltonian)
    if start.t1_alpha.size + start.t1_beta.size == 0:
        return start
    closed = hamiltonian.nelec[0] == hamiltonian.nelec[1]
    method = solve_ccsd(reference_field(hamiltonian))
    if method is None:
        note = f"CCSD did not converge in {CCSD_CYCLES} iterations; MP2 amplitudes are used."
        return Amplitudes(**{**vars(start), "notes": (note,)})
    if closed:
        same = method.t2 - method.t2.transpose(0, 1, 3, 2)
        singles, doubles = (method.t1, method.t1), (same, method.t2, same)
    else:
        singles, doubles = method.t1, method.t2
    return Amplitudes(
        t1_alpha=np.array(singles[0]),
        t1_beta=np.array(singles[1]),
        t2_aa=np.array(doubles[0]),
        t2_ab=np.array(doubles[1]),
        t2_bb=np.array(doubles[2]),
        energy=float(method.e_corr),
    )


def solve_ccsd(field: Any) -> Any:  # noqa: ANN401 (PySCF is untyped)
    """Return PySCF's CCSD object, solved, or ``None`` if it does not converge.

    Args:
        field: The mean field of ``reference_field``.
    """
    method = cc.RCCSD(field) if isinstance(field, scf.hf.RHF) else cc.UCCSD(field)
    method.verbose, method.max_cycle = 0, CCSD_CYCLES
    method.conv_tol, method.conv_tol_normt = CCSD_TOLERANCE, 1e-7
    try:
        with np.errstate(all="ignore"):  # Divergence shows in the energy.
            method.kernel()
    except (ValueError, np.linalg.LinAlgError):  # DIIS over amplitudes that overflowed
        return None
    return method if method.converged and np.isfinite(method.e_corr) else None
