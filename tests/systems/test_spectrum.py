"""Eigenpairs: Davidson against dense, degenerate and well-hidden roots included."""

import numpy as np
import pytest

from qmlmat.errors import InputError, QmlmatError
from qmlmat.systems import ActiveSpace, Molecule, molecular_hamiltonian, spectrum
from qmlmat.systems.spectrum import lowest_states, spectral_range

SAME = 1e-10
"""Two converged energies: the square of the residual tolerance, plus rounding."""


@pytest.fixture(scope="module")
def stretched():
    """N2 at 2.0 Å, (6e, 6o), 400 determinants: near-degenerate everything."""
    return molecular_hamiltonian(Molecule.from_xyz("N 0 0 0; N 0 0 2.0"), ActiveSpace(6, 6))


@pytest.mark.parametrize("n_states", [1, 2, 5, 12, 25])
def test_davidson_finds_the_dense_spectrum(stretched, n_states):
    """All spins, all symmetries, degenerate pairs: no root is missed, none repeated."""
    dense = stretched.spectrum(n_states)
    found = lowest_states(stretched.matvec, stretched.diagonal(), n_states, dense_limit=0)
    np.testing.assert_allclose(found.energies, dense.energies, atol=SAME)
    assert found.residuals.max() < 1e-6
    gram = np.array([[np.vdot(a, b) for b in found.states] for a in found.states])
    np.testing.assert_allclose(gram, np.eye(n_states), atol=1e-9)


def test_spectrum_of_stretched_nitrogen_has_degenerate_pairs(stretched):
    """The test above does meet degeneracy: some of the 25 lowest states pair up."""
    gaps = np.diff(stretched.spectrum(25).energies)
    assert (gaps < 1e-9).any()


def test_states_are_eigenstates_of_energy_and_spin(stretched):
    """Each isolated state has <S^2> = s(s+1), and its own energy as expectation."""
    found = stretched.spectrum(2)
    from qmlmat.systems import spin_square

    for energy, state in zip(found.energies, found.states, strict=True):
        assert stretched.expectation(state) == pytest.approx(energy, abs=SAME)
        value = spin_square(state, stretched.norb, stretched.nelec)
        assert min(abs(value - s * (s + 1)) for s in range(4)) < 1e-7
        with pytest.raises(ValueError, match="read-only"):
            state[0, 0] = 1


def test_root_of_another_symmetry_is_not_missed():
    """An operator of two uncoupled blocks, the lower root hidden behind a high diagonal."""
    rng = np.random.default_rng(0)
    blocks = [np.diag(np.linspace(0, 5, 30)), np.diag(np.linspace(0.5, 6, 30))]
    coupling = rng.normal(size=(30, 30)) * 0.3
    blocks[1] = blocks[1] + coupling + coupling.T - 0.4
    dense = np.block([[blocks[0], np.zeros((30, 30))], [np.zeros((30, 30)), blocks[1]]])
    found = lowest_states(lambda v: dense @ v, dense.diagonal().copy(), 2, dense_limit=0)
    np.testing.assert_allclose(found.energies, np.linalg.eigvalsh(dense)[:2], atol=SAME)


def test_whole_spectrum_of_a_small_sector(stretched):
    """Asking for every state, iteratively too, gives every state."""
    h2 = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.74"))
    dense = h2.spectrum(4)
    found = lowest_states(h2.matvec, h2.diagonal(), 4, dense_limit=0)
    np.testing.assert_allclose(found.energies, dense.energies, atol=SAME)


@pytest.mark.parametrize("n_states", [0, 5])
def test_impossible_number_of_states_is_refused(n_states):
    """H2 in STO-3G has four determinants."""
    h2 = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.74"))
    with pytest.raises(InputError, match="n_states from 1 to 4"):
        h2.spectrum(n_states)


def test_unconverged_state_is_refused(stretched, monkeypatch):
    """A root that did not converge is never returned as one."""
    monkeypatch.setattr(spectrum, "MAX_ITERATIONS", 2)
    with pytest.raises(QmlmatError, match="Use fewer states"):
        lowest_states(stretched.matvec, stretched.diagonal(), 2, dense_limit=0)


def test_main_job_agrees_with_pyscf():
    """N2, cc-pVDZ, (10e, 8o) at 2.0 Å, above the dense limit: PySCF's CASCI to 1e-10."""
    from pyscf import gto, mcscf, scf

    xyz = "N 0 0 0; N 0 0 2.0"
    molecule = Molecule.from_xyz(xyz, basis="cc-pvdz")
    found = molecular_hamiltonian(molecule, ActiveSpace(10, 8)).spectrum()
    field = scf.RHF(gto.M(atom=xyz, basis="cc-pvdz", verbose=0))
    field.conv_tol, field.conv_tol_grad = 1e-12, 1e-8
    field.kernel()
    solver = mcscf.CASCI(field, 8, 10)
    solver.fcisolver.conv_tol = 1e-13
    assert found.energies[0] == pytest.approx(solver.kernel()[0], abs=SAME)


@pytest.mark.parametrize("size", [1, 2, 5, 12, 40, 150])
@pytest.mark.parametrize("seed", range(4))
def test_the_spectral_range_is_never_below_the_true_one(size, seed):
    """Random symmetric matrices, and ones with a single level far from the others."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, size))
    far = np.diag(np.append(rng.uniform(size=size - 1), 50.0))
    turn = np.linalg.qr(rng.normal(size=(size, size)))[0]
    for dense in (matrix + matrix.T, turn @ far @ turn.T):
        values = np.linalg.eigvalsh(dense)
        estimate = spectral_range(lambda v, dense=dense: dense @ v, (size,))
        assert estimate >= (values[-1] - values[0]) * (1 - 1e-12)


def test_the_spectral_range_of_an_exhausted_space_is_exact():
    """Three distinct levels are found in three steps; one level has none."""
    values = np.repeat([-1.0, 0.5, 4.0], 10)
    assert spectral_range(lambda v: values * v, (30,)) == pytest.approx(5.0, abs=1e-9)
    assert spectral_range(lambda v: 3.0 * v, (6, 5)) == pytest.approx(0.0, abs=1e-9)
