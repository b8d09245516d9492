"""Configuration state functions: pure spins, complete bases, the package's signs, refusals."""

from itertools import product
from math import comb, sqrt

import numpy as np
import pytest
from brute_force import random_integrals
from pyscf import fci

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.operators.csf import csf_terms
from qmlmat.operators.sector import Sector
from qmlmat.systems.spin import apply_spin_square

ROUNDING = 1e-12  # sums of at most a few hundred float64 products


def spin_of(steps):
    """2S, or None where the spin falls below zero on the way."""
    spin = 0
    for step in steps:
        spin += {"u": 1, "d": -1}.get(step, 0)
        if spin < 0:
            return None
    return spin


def functions(norb, nelec):
    """Every step vector of a sector with 2S: by trying all strings."""
    found = []
    for steps in map("".join, product("2ud0", repeat=norb)):
        spin = spin_of(steps)
        n_electrons = 2 * steps.count("2") + steps.count("u") + steps.count("d")
        if spin is not None and n_electrons == sum(nelec) and spin >= abs(nelec[0] - nelec[1]):
            found.append((steps, spin))
    return found


def vector(steps, nelec):
    """A CSF as a sector vector."""
    sector = Sector(len(steps), nelec)
    state = sector.zeros()
    for bits, amplitude in csf_terms(steps, nelec):
        state[sector.index(bits)] = amplitude
    return state


def sectors(norb):
    """Electron numbers by spin of every sector."""
    return list(product(range(norb + 1), repeat=2))


@pytest.mark.parametrize("norb", [1, 2, 3, 4, 5])
def test_every_csf_is_a_spin_eigenfunction(norb):
    """S^2 |CSF> = S (S + 1) |CSF>, for all steps and all M_S: the signs are the package's."""
    for nelec in sectors(norb):
        for steps, spin in functions(norb, nelec):
            state = vector(steps, nelec)
            image = apply_spin_square(state, norb, nelec)
            assert np.abs(image - spin / 2 * (spin / 2 + 1) * state).max() < ROUNDING


@pytest.mark.parametrize("norb", [1, 2, 3, 4, 5])
def test_the_csfs_of_a_sector_are_an_orthonormal_basis(norb):
    """Of every sector, all spins together: as many as determinants, and orthonormal."""
    for nelec in sectors(norb):
        basis = np.array([vector(steps, nelec).ravel() for steps, _ in functions(norb, nelec)])
        assert basis.shape[0] == Sector(norb, nelec).dimension
        assert np.abs(basis @ basis.T - np.eye(len(basis))).max() < ROUNDING


@pytest.mark.parametrize(("n_electrons", "spin"), [(4, 2), (3, 1), (3, 3), (4, 4), (6, 2)])
def test_energies_and_couplings_of_csfs_do_not_depend_on_the_direction_of_the_spin(
    n_electrons, spin
):
    """H conserves spin: its matrix in the CSFs of one S is the same for every M_S, signs too."""
    one, two = random_integrals(4, np.random.default_rng(5))
    matrices = []
    for n_alpha in range((n_electrons - spin) // 2, (n_electrons + spin) // 2 + 1):
        nelec = (n_alpha, n_electrons - n_alpha)
        h = qm.MolecularHamiltonian(one_body=one, two_body=two, nelec=nelec)
        states = [vector(steps, nelec) for steps, two_s in functions(4, nelec) if two_s == spin]
        images = [h.matvec(state) for state in states]
        matrices.append([[np.vdot(bra, ket) for ket in images] for bra in states])
    assert len(matrices) == spin + 1
    assert np.abs(np.array(matrices[1:]) - matrices[0]).max() < 1e-10  # energies of some 10


def test_singlets_of_six_electrons_in_six_orbitals_are_pure_for_pyscf_too():
    """All 175 of them, by PySCF's own S^2."""
    steps = [steps for steps, spin in functions(6, (3, 3)) if spin == 0]
    assert len(steps) == 175
    for one in steps:
        assert fci.spin_op.spin_square(vector(one, (3, 3)), 6, (3, 3))[0] == pytest.approx(
            0.0, abs=ROUNDING
        )


@pytest.mark.parametrize(("n_open", "spin"), [(2, 0), (4, 0), (5, 1), (6, 0), (6, 2), (6, 6)])
def test_open_shells_couple_in_the_known_number_of_ways(n_open, spin):
    """f(N, S) = C(N, N/2 - S) - C(N, N/2 - S - 1) functions of N singly occupied orbitals."""
    nelec = ((n_open + spin) // 2, (n_open - spin) // 2)
    open_only = [s for s, two_s in functions(n_open, nelec) if two_s == spin and set(s) <= {*"ud"}]
    below = (n_open - spin) // 2
    expected = comb(n_open, below) - (comb(n_open, below - 1) if below else 0)
    assert len(open_only) == expected


@pytest.mark.parametrize(
    ("norb", "n_electrons", "spin"), [(4, 4, 0), (5, 5, 1), (6, 6, 0), (6, 6, 2), (6, 4, 4)]
)
def test_the_number_of_csfs_is_weyls(norb, n_electrons, spin):
    """(2S + 1)/(n + 1) C(n + 1, N/2 - S) C(n + 1, N/2 + S + 1), Paldus' dimension of U(n)."""
    nelec = ((n_electrons + spin) // 2, (n_electrons - spin) // 2)
    number = sum(two_s == spin for _, two_s in functions(norb, nelec))
    low, high = (n_electrons - spin) // 2, (n_electrons + spin) // 2 + 1
    expected = (spin + 1) * comb(norb + 1, low) * comb(norb + 1, high) / (norb + 1)
    assert number == expected


@pytest.mark.parametrize("nelec", [(2, 2), (3, 1), (1, 3), (4, 2), (2, 4), (3, 3), (0, 2), (5, 5)])
def test_the_aufbau_function_is_the_hartree_fock_determinant(nelec):
    """Doubly occupied from below, then single electrons of one spin: amplitude exactly +1."""
    low, high = sorted(nelec)
    steps = "2" * low + "u" * (high - low) + "0" * (5 - high)
    assert qm.Reference.csf(steps, nelec) == qm.Reference.hartree_fock(5, nelec)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("udu", {"aba": 1 / sqrt(2), "baa": -1 / sqrt(2)}),
        ("uud", {"aab": 2 / sqrt(6), "aba": -1 / sqrt(6), "baa": -1 / sqrt(6)}),
        ("uuu", {"aab": 1 / sqrt(3), "aba": 1 / sqrt(3), "baa": 1 / sqrt(3)}),
    ],
)
def test_three_electrons_have_the_spin_functions_of_the_textbooks(steps, expected):
    """The doublets and the quartet of M_S = 1/2; R. Pauncz, Spin Eigenfunctions.

    Creating alpha before beta costs no exchange for "aab", one for "aba", two for "baa"; the
    sign common to the sector is that of 1 alpha, 1 beta, 2 alpha, Hartree-Fock: one exchange.
    """
    exchange = {"aab": -1, "aba": 1, "baa": -1}
    found = dict(csf_terms(steps, (2, 1)))
    assert len(found) == len(expected)
    for spins, amplitude in expected.items():
        bits = "".join("01"[s == "a"] for s in spins) + "".join("01"[s == "b"] for s in spins)
        assert found[bits] == pytest.approx(exchange[spins] * amplitude, abs=1e-15)


def test_fourteen_open_shells_stay_normalised():
    """3432 determinants of a singlet, as Reference demands: squares add up to 1 to 1e-12."""
    assert len(qm.Reference.csf("ud" * 7, (7, 7)).terms) == 2**7
    assert len(qm.Reference.csf("u" * 7 + "d" * 7, (7, 7)).terms) == comb(14, 7)


def test_steps_that_are_no_function_are_refused():
    """Each message holds the remedy."""
    with pytest.raises(InputError, match="2 doubly occupied, 0 empty, u raises"):
        qm.Reference.csf("2ab0", (2, 2))
    with pytest.raises(InputError, match=r"at orbital 3 lowers a spin of zero\. Put a u before"):
        qm.Reference.csf("2uddu", (3, 3))
    with pytest.raises(InputError, match=r"hold 3 electrons, nelec 4\. Use steps of 4 electrons"):
        qm.Reference.csf("2u0", (2, 2))
    with pytest.raises(InputError, match=r"\|n_alpha - n_beta\| <= 0, or more u"):
        qm.Reference.csf("2ud0", (3, 1))
    with pytest.raises(InputError, match="needs 1 to 62 orbitals"):
        qm.Reference.csf("", (0, 0))
