"""All spin eigenfunctions of a sector at once: pure, orthonormal, complete, labelled."""

from math import comb

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from pyscf import fci

from qmlmat.errors import InputError
from qmlmat.operators.csf import csf_terms
from qmlmat.operators.sector import Sector
from qmlmat.operators.spin_basis import check_spin, sector_spins, spin_basis
from qmlmat.systems.point_group import determinant_labels
from qmlmat.systems.spin import apply_spin_square

ROUNDING = 1e-12  # sums of at most a few hundred float64 products

SECTORS = [
    (1, (1, 0)),
    (2, (1, 1)),
    (4, (2, 2)),
    (4, (3, 1)),
    (5, (1, 4)),
    (5, (3, 2)),
    (6, (3, 3)),
]


@st.composite
def sectors(draw):
    """Any sector of up to five orbitals, empty and full ones among them."""
    norb = draw(st.integers(1, 5))
    return Sector(norb, (draw(st.integers(0, norb)), draw(st.integers(0, norb))))


def weyl(norb, n_electrons, spin):
    """Paldus' dimension of an irrep of U(n): (2S+1)/(n+1) C(n+1, N/2-S) C(n+1, N/2+S+1)."""
    low, high = (n_electrons - spin) // 2, (n_electrons + spin) // 2 + 1
    return (spin + 1) * comb(norb + 1, low) * comb(norb + 1, high) // (norb + 1)


def whole_basis(sector):
    """The functions of all spins side by side, dense."""
    bases = [spin_basis(sector.norb, sector.nelec, s) for s in sector_spins(sector)]
    return np.hstack([basis.functions.toarray() for basis in bases])


@given(sectors())
def test_functions_of_all_spins_together_are_an_orthonormal_basis(sector):
    """As many as determinants, and orthonormal across spins, too."""
    basis = whole_basis(sector)
    assert basis.shape == (sector.dimension, sector.dimension)
    assert np.abs(basis.T @ basis - np.eye(sector.dimension)).max() < ROUNDING


@given(sectors())
def test_each_function_is_an_eigenfunction_of_the_spin(sector):
    """S^2 |f> = S (S + 1) |f>, by the compiled operator of its own tests."""
    for spin in sector_spins(sector):
        basis = spin_basis(sector.norb, sector.nelec, spin)
        for column in basis.functions.toarray().T:
            image = apply_spin_square(column, sector.norb, sector.nelec)
            assert np.abs(image - spin / 2 * (spin / 2 + 1) * column).max() < ROUNDING


@given(sectors())
def test_the_number_of_functions_is_weyls(sector):
    """For every spin of every small sector, whatever the direction of the spin."""
    for spin in sector_spins(sector):
        basis = spin_basis(sector.norb, sector.nelec, spin)
        expected = weyl(sector.norb, sum(sector.nelec), spin)
        assert basis.functions.shape == (sector.dimension, expected)
        assert basis.closed.shape == basis.open_shells.shape == (expected,)


def test_the_singlets_of_ten_electrons_in_eight_orbitals_are_counted():
    """N2's active space, 3136 determinants: 1176 singlets, 1512 triplets, 420 quintets, 28."""
    found = [spin_basis(8, (5, 5), spin).functions.shape[1] for spin in (0, 2, 4, 6)]
    assert found == [weyl(8, 10, spin) for spin in (0, 2, 4, 6)] == [1176, 1512, 420, 28]
    assert sum(found) == 3136


def test_pyscf_agrees_that_the_functions_are_pure():
    """Its own S^2, open shells in a sector of nonzero S_z."""
    for spin, square in ((2, 2.0), (4, 6.0)):
        for column in spin_basis(4, (3, 1), spin).functions.toarray().T:
            state = column.reshape(Sector(4, (3, 1)).shape)
            found = fci.spin_op.spin_square(state, 4, (3, 1))[0]
            assert found == pytest.approx(square, abs=1e-10)


def steps_of(norb, closed, single, coupling):
    """The step string of a configuration with its open shells coupled in a given way."""
    ups = iter(coupling)
    return "".join(
        "2" if closed >> p & 1 else next(ups) if single >> p & 1 else "0" for p in range(norb)
    )


@pytest.mark.parametrize(("norb", "nelec"), SECTORS)
def test_each_function_is_a_csf_up_to_its_sign(norb, nelec):
    """One by one against ``csf_terms``, which builds them electron by electron.

    The Hartree-Fock determinant has the same sign in both.
    """
    sector = Sector(norb, nelec)
    for spin in sector_spins(sector):
        basis = spin_basis(norb, nelec, spin)
        for column, closed, single in zip(
            basis.functions.toarray().T, basis.closed, basis.open_shells, strict=True
        ):
            n_open = int(single).bit_count()
            overlaps = []
            for bits in range(1 << n_open):
                coupling = "".join("u" if bits >> k & 1 else "d" for k in range(n_open))
                walk = np.cumsum([1 if c == "u" else -1 for c in coupling])
                if n_open and (walk.min() < 0 or walk[-1] != spin):
                    continue
                state = sector.zeros()
                for det, amplitude in csf_terms(steps_of(norb, closed, single, coupling), nelec):
                    state[sector.index(det)] = amplitude
                overlaps.append(float(np.vdot(state, column)))
            assert sorted(np.abs(overlaps))[-1] == pytest.approx(1.0, abs=ROUNDING)
            assert np.sum(np.square(overlaps)) == pytest.approx(1.0, abs=ROUNDING)


@pytest.mark.parametrize("nelec", [(2, 2), (3, 1), (1, 3), (4, 2), (3, 3), (0, 2), (5, 5), (0, 0)])
def test_the_hartree_fock_determinant_is_a_function_with_amplitude_one(nelec):
    """Column of the lowest configuration in the lowest spin."""
    functions = spin_basis(5, nelec, abs(nelec[0] - nelec[1])).functions
    first = functions[[0]].toarray().ravel()
    assert np.count_nonzero(first) == 1
    assert first.max() == 1.0


@given(sectors(), st.integers(0, 2**32 - 1))
def test_the_label_of_a_function_is_that_of_each_of_its_determinants(sector, seed):
    """XOR over all electrons; pairs cancel, so the open shells alone say it."""
    labels = np.random.default_rng(seed).integers(0, 8, sector.norb)
    of_determinants = determinant_labels(sector, labels).ravel()
    for spin in sector_spins(sector):
        basis = spin_basis(sector.norb, sector.nelec, spin)
        places = basis.functions.tocoo()
        assert np.array_equal(of_determinants[places.row], basis.labels(labels)[places.col])


@pytest.mark.parametrize("n", [0, 3])
def test_empty_and_full_sectors_have_one_singlet(n):
    """No electrons or no holes: one determinant, which is the function."""
    basis = spin_basis(3, (n, n), 0)
    assert basis.functions.toarray().tolist() == [[1.0]]
    assert basis.open_shells.tolist() == [0]
    assert sector_spins(Sector(3, (n, n))) == (0,)


def test_the_spins_of_a_sector_end_where_electrons_or_holes_do():
    """Four electrons in four orbitals reach a quintet, in three only a triplet."""
    assert sector_spins(Sector(4, (2, 2))) == (0, 2, 4)
    assert sector_spins(Sector(3, (2, 2))) == (0, 2)
    assert sector_spins(Sector(4, (3, 1))) == (2, 4)
    assert sector_spins(Sector(5, (1, 4))) == (3, 5)


@pytest.mark.parametrize(
    ("norb", "nelec", "spin", "remedy"),
    [
        (4, (2, 2), 1, "multiplicity 2. Use one of 1, 3, 5"),
        (4, (3, 1), 0, "multiplicity 1. Use one of 3, 5"),
        (3, (2, 2), 4, "multiplicity 5. Use one of 1, 3"),
        (2, (1, 1), -2, "Use one of 1, 3"),
    ],
)
def test_spins_that_no_state_has_are_refused(norb, nelec, spin, remedy):
    """The message names the multiplicities there are."""
    with pytest.raises(InputError, match=remedy):
        spin_basis(norb, nelec, spin)
    with pytest.raises(InputError, match=r"mine: .* or set the molecule's spin"):
        check_spin(Sector(norb, nelec), spin, what="mine")
