"""MP2 and CCSD amplitudes: energies against PySCF, signs against the operators they multiply."""

import numpy as np
import pytest
from brute_force import determinants, string_of
from pyscf import cc, gto, mp, scf

from qmlmat.systems import (
    ActiveSpace,
    MolecularHamiltonian,
    Molecule,
    amplitudes,
    ccsd_amplitudes,
    molecular_hamiltonian,
    mp2_amplitudes,
)
from qmlmat.systems.reference import reference_fock

WATER = "O 0 0 0; H 0.75 0.58 0; H -0.75 0.58 0"


def pyscf_field(xyz, spin=0):
    field = (scf.ROHF if spin else scf.RHF)(gto.M(atom=xyz, spin=spin, verbose=0, basis="6-31g"))
    field.conv_tol, field.conv_tol_grad = 1e-12, 1e-8
    return field.run()


def full(xyz, spin=0, space=None):
    return molecular_hamiltonian(Molecule.from_xyz(xyz, spin=spin, basis="6-31g"), space)


def test_mp2_energy_agrees_with_pyscf():
    """Closed shell, all orbitals: the textbook number; singles vanish."""
    found = mp2_amplitudes(full(WATER))
    assert found.energy == pytest.approx(mp.MP2(pyscf_field(WATER)).run().e_corr, abs=1e-9)
    assert np.abs(found.t1_alpha).max() < 1e-6


def test_frozen_core_mp2_agrees_with_pyscf():
    """The active-space Hamiltonian alone suffices."""
    reference = mp.MP2(pyscf_field(WATER), frozen=1).run().e_corr
    found = mp2_amplitudes(full(WATER, space=ActiveSpace(freeze_core=True)))
    assert found.energy == pytest.approx(reference, abs=1e-9)


def test_ccsd_energy_agrees_with_pyscf():
    """Closed shell, frozen core."""
    method = cc.CCSD(pyscf_field(WATER), frozen=1)
    method.conv_tol = 1e-10
    found = ccsd_amplitudes(full(WATER, space=ActiveSpace(freeze_core=True)))
    assert found.energy == pytest.approx(method.run().e_corr, abs=1e-7)
    assert found.notes == ()


def test_open_shell_ccsd_energy_agrees_with_pyscf():
    """The doublet NH2, UCCSD over ROHF orbitals."""
    xyz = "N 0 0 0; H 0 0.8 0.6; H 0 -0.8 0.6"
    method = cc.UCCSD(pyscf_field(xyz, 1).to_uhf())
    method.conv_tol = 1e-10
    found = ccsd_amplitudes(full(xyz, 1))
    assert found.t1_alpha.shape == (5, 8)
    assert found.t1_beta.shape == (4, 9)
    assert found.energy == pytest.approx(method.run().e_corr, abs=1e-7)


def excited(state, hamiltonian, operators):
    """Return the coefficient of ``operators |reference>`` in a state, with its sign."""
    norb, (n_alpha, n_beta) = hamiltonian.norb, hamiltonian.nelec
    reference = ((1 << n_alpha) - 1) | ((1 << n_beta) - 1) << norb
    sign, bits = string_of(reference, operators)
    basis = determinants(hamiltonian.sector)
    return sign * state.ravel()[basis.index(bits)] / state.ravel()[basis.index(reference)]


def test_first_order_wave_function_has_the_mp2_doubles():
    """H on the reference, over the denominators: every block, every sign, (3, 2) electrons."""
    h = full("B 0 0 0; H 0 0 1.2; H 0 1.1 -.5", 1, ActiveSpace(5, 5))
    found = mp2_amplitudes(h)
    reference = h.sector.zeros()
    reference[0, 0] = 1.0
    image = h.matvec(reference)
    image[0, 0] = 1.0  # only ratios to the reference matter below
    fock = [f.diagonal() for f in reference_fock(h)]
    norb, shift = h.norb, (0, h.norb)
    blocks = ((found.t2_aa, 0, 0), (found.t2_ab, 0, 1), (found.t2_bb, 1, 1))
    for t2, s, u in blocks:
        n, m = h.nelec[s], h.nelec[u]
        for i, j, a, b in np.ndindex(*t2.shape):
            if s == u and not (i < j and a < b):
                continue
            product = (
                ("+", n + a + shift[s]),
                ("+", m + b + shift[u]),
                ("-", j + shift[u]),
                ("-", i + shift[s]),
            )
            gap = fock[s][i] + fock[u][j] - fock[s][n + a] - fock[u][m + b]
            expected = excited(image, h, product) / gap
            assert t2[i, j, a, b] == pytest.approx(expected, abs=1e-9)
    for t1, s in ((found.t1_alpha, 0), (found.t1_beta, 1)):
        n = h.nelec[s]
        for i, a in np.ndindex(*t1.shape):
            gap = fock[s][i] - fock[s][n + a]
            product = (("+", n + a + shift[s]), ("-", i + shift[s]))
            assert t1[i, a] == pytest.approx(excited(image, h, product) / gap, abs=1e-9)
    assert norb == 5


@pytest.mark.parametrize("space", [ActiveSpace(freeze_core=True), ActiveSpace(2, 2)])
def test_ccsd_is_exact_for_two_electrons(space):
    """exp(T) |reference> is the exact state of LiH's bond: t1 and t2 + t1 t1, sign by sign."""
    h = molecular_hamiltonian(Molecule.from_xyz("Li 0 0 0; H 0 0 1.6"), space)
    found = ccsd_amplitudes(h)
    exact = h.spectrum()
    assert h.mean_field_energy + found.energy == pytest.approx(exact.energies[0], abs=1e-8)
    norb = h.norb
    for a in range(norb - 1):
        single = excited(exact.states[0], h, (("+", 1 + a), ("-", 0)))
        assert found.t1_alpha[0, a] == pytest.approx(single, abs=1e-4)
        for b in range(norb - 1):
            product = (("+", 1 + a), ("+", norb + 1 + b), ("-", norb), ("-", 0))
            double = found.t2_ab[0, 0, a, b] + found.t1_alpha[0, a] * found.t1_beta[0, b]
            assert double == pytest.approx(excited(exact.states[0], h, product), abs=1e-4)


@pytest.mark.parametrize("nelec", [(2, 0), (0, 2), (1, 0), (4, 1), (1, 4), (4, 4), (4, 0), (3, 1)])
def test_unusual_sectors_have_finite_amplitudes(nelec):
    """No beta electrons, no empty alpha orbitals: shapes right, two electrons still exact."""
    h = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 .9", basis="6-31g"))
    h = MolecularHamiltonian(
        one_body=h.one_body, two_body=h.two_body, core_energy=h.core_energy, nelec=nelec
    )
    found = ccsd_amplitudes(h)
    (na, nb), (va, vb) = nelec, (4 - nelec[0], 4 - nelec[1])
    assert found.t1_alpha.shape == (na, va)
    assert found.t1_beta.shape == (nb, vb)
    assert found.t2_aa.shape == (na, na, va, va)
    assert found.t2_ab.shape == (na, nb, va, vb)
    assert found.t2_bb.shape == (nb, nb, vb, vb)
    assert np.isfinite(found.energy)
    if sum(nelec) == 2:
        exact = h.spectrum().energies[0]
        assert h.mean_field_energy + found.energy == pytest.approx(exact, abs=1e-7)


def test_ccsd_that_does_not_converge_falls_back_to_mp2(monkeypatch):
    """The start is then MP2's, and a note says so."""
    monkeypatch.setattr(amplitudes, "CCSD_CYCLES", 1)
    h = full(WATER, space=ActiveSpace(4, 4))
    found = ccsd_amplitudes(h)
    assert "MP2 amplitudes are used" in found.notes[0]
    np.testing.assert_array_equal(found.t2_ab, mp2_amplitudes(h).t2_ab)


def test_vanishing_gap_gives_finite_amplitudes():
    """H2 at 20 Å: the denominators are kept away from zero."""
    h = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 20"))
    assert np.abs(mp2_amplitudes(h).t2_ab).max() < 10
