"""Exact states by spin and irrep: against dense matrices, and where other searches go astray."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
from molecules import BERYLLIUM_HYDRIDE, LITHIUM_HYDRIDE, WATER, hamiltonian
from pyscf import fci
from scipy.sparse.linalg import LinearOperator, eigsh

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.systems import apply_spin_square, blocks, spin_square
from qmlmat.systems.blocks import (
    dominant_configurations,
    orbital_labels,
    state_irreps,
    symmetry_blocks,
    symmetry_states,
)
from qmlmat.systems.point_group import determinant_labels
from qmlmat.units import hartree_to_ev

SAME = 1e-9  # two diagonalisations of one matrix, float64
RECTANGLE = "H 0 0 0; H 0 0 1.8; H 1.5 0 0; H 1.5 0 1.8"
SQUARE = "H 0 0 0; H 0 0 1.5; H 1.5 0 0; H 1.5 0 1.5"
NITROGEN = "N 0 0 0; N 0 0 1.1"
LOPSIDED = "H 0 0 0; H 0.3 0 1.1; H 1.4 0.2 0.5; H 0.1 1.3 1.7"


def block_matrix(part, h):
    """The Hamiltonian's matrix in a block, function by function."""
    functions = part.functions.toarray()
    images = [h.matvec(column.reshape(h.shape)).ravel() for column in functions.T]
    return functions.T @ np.array(images).T


def oxygen(nelec):
    """O2 in its (12e, 8o) valence space with the orbitals of the triplet."""
    molecule = qm.Molecule.from_xyz("O 0 0 0; O 0 0 1.21", spin=2)
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(freeze_core=True))
    return replace(h, nelec=nelec)


def radical(xyz, spin):
    return qm.molecular_hamiltonian(
        qm.Molecule.from_xyz(xyz, spin=spin), qm.ActiveSpace(freeze_core=True)
    )


CASES = {
    "H2O": lambda: hamiltonian(WATER),
    "LiH": lambda: hamiltonian(LITHIUM_HYDRIDE),
    "BeH2": lambda: hamiltonian(BERYLLIUM_HYDRIDE),
    "H4 rectangle": lambda: hamiltonian(RECTANGLE),
    "H4 square": lambda: hamiltonian(SQUARE),
    "H4 without symmetry": lambda: hamiltonian(LOPSIDED),
    "O2 triplet": lambda: oxygen((7, 5)),
    "OH": lambda: radical("O 0 0 0; H 0 0 0.97", 1),
    "CH2 triplet": lambda: radical("C 0 0 0; H 0 0.98 0.45; H 0 -0.98 0.45", 2),
    "minority alpha": lambda: replace(radical("O 0 0 0; H 0 0 0.97", 1), nelec=(3, 4)),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]()


@pytest.fixture(scope="module")
def nitrogen():
    """N2, (10e, 8o), cc-pVDZ, at 2.0 Å: four spins within two electronvolts."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 2.0", basis="cc-pvdz")
    return qm.molecular_hamiltonian(molecule, qm.ActiveSpace(10, 8))


def dense(h):
    """The Hamiltonian's matrix, column by column."""
    units = np.eye(h.dimension).reshape(-1, *h.shape)
    return np.column_stack([h.matvec(unit).ravel() for unit in units])


def energies_by_spin(h):
    """All levels and their 2S, by diagonalising H + epsilon S^2 as one dense matrix."""
    units = np.eye(h.dimension)
    square = np.column_stack([apply_spin_square(u, h.norb, h.nelec) for u in units])
    matrix, epsilon = dense(h), 1e-3
    _, vectors = np.linalg.eigh(matrix + epsilon * square)
    energies = np.einsum("ik,ij,jk->k", vectors, matrix, vectors, optimize=True)
    squares = np.einsum("ik,ij,jk->k", vectors, square, vectors, optimize=True)
    spins = np.rint(np.sqrt(1 + 4 * squares) - 1).astype(int)
    order = np.argsort(energies)
    return energies[order], spins[order], squares[order]


def test_states_are_those_of_one_dense_matrix(case):
    """No level missing, none twice, spins right; closed and open shells, degenerate pairs too."""
    energies, _, _ = energies_by_spin(case)
    n_states = min(20, case.dimension)
    found = symmetry_states(case, n_states)
    np.testing.assert_allclose(found.energies, energies[:n_states], atol=SAME)
    table = np.array([state.ravel() for state in found.states])
    np.testing.assert_allclose(table @ table.T, np.eye(n_states), atol=1e-9)
    for energy, state, spin, residual in zip(
        found.energies, found.states, found.spins, found.residuals, strict=True
    ):
        assert residual < 1e-7
        assert np.linalg.norm(case.matvec(state) - energy * state) < 1e-7
        square = spin_square(state, case.norb, case.nelec)
        assert square == pytest.approx(spin / 2 * (spin / 2 + 1), abs=1e-9)


def test_states_of_each_multiplicity_are_those_of_the_dense_matrix(case):
    """Selected by <S^2> from the dense eigenvectors."""
    energies, spins, squares = energies_by_spin(case)
    assert np.abs(squares - spins / 2 * (spins / 2 + 1)).max() < 1e-6  # the dense ones are pure
    for spin in np.unique(spins):
        own = energies[spins == spin][:6]
        found = symmetry_states(case, len(own), multiplicity=int(spin) + 1)
        np.testing.assert_allclose(found.energies, own, atol=SAME)
        assert set(found.spins) == {spin}


def test_the_blocks_add_up_to_the_sector(case):
    """Sizes add up, and the Hamiltonian has nothing between two of them."""
    parts = symmetry_blocks(case)
    assert sum(part.size for part in parts) == case.dimension
    basis = np.hstack([part.functions.toarray() for part in parts])
    matrix = basis.T @ dense(case) @ basis
    begin = 0
    for part in parts:
        end = begin + part.size
        np.testing.assert_allclose(
            matrix[begin:end, begin:end], block_matrix(part, case), atol=1e-10
        )
        matrix[begin:end, begin:end] = 0.0
        begin = end
    assert np.abs(matrix).max() < 1e-6  # what symmetry forbids, as Hartree-Fock is converged


def test_the_image_of_a_block_is_its_matrix_times_the_vector():
    """The fast path against the dense one."""
    h = hamiltonian(WATER)
    for part in symmetry_blocks(h, multiplicity=3):
        vector = np.random.default_rng(part.label).normal(size=part.size)
        np.testing.assert_allclose(
            part.image(h, vector), block_matrix(part, h) @ vector, atol=1e-10
        )


@pytest.mark.parametrize("multiplicity", [None, 1, 3])
@pytest.mark.parametrize("name", ["H2O", "BeH2", "O2 triplet"])
def test_davidson_blocks_give_what_dense_blocks_give(monkeypatch, name, multiplicity):
    """The limit up to which blocks are dense changes nothing."""
    h = CASES[name]()
    if name == "O2 triplet" and multiplicity == 1:
        multiplicity = 5
    expected = symmetry_states(h, 7, multiplicity=multiplicity)
    monkeypatch.setattr(blocks, "DENSE_FUNCTIONS", 0)
    found = symmetry_states(h, 7, multiplicity=multiplicity)
    np.testing.assert_allclose(found.energies, expected.energies, atol=SAME)
    assert found.irreps == expected.irreps
    assert found.spins == expected.spins
    assert found.residuals.max() < 1e-6


def test_states_of_an_abelian_irrep_are_the_levels_of_that_irrep():
    """Water: the four irreps together are all singlets, each found alone."""
    h = hamiltonian(WATER)
    whole = symmetry_states(h, 30, multiplicity=1)
    for name in ("A1", "A2", "B1", "B2"):
        of_it = [e for e, irrep in zip(whole.energies, whole.irreps, strict=True) if irrep == name]
        found = symmetry_states(h, len(of_it), multiplicity=1, irrep=name)
        np.testing.assert_allclose(found.energies, of_it, atol=SAME)
        assert set(found.irreps) == {name}


@pytest.mark.parametrize("name", ["Sigma_g+", "Sigma_u-", "Pi_g", "Pi_u", "Delta_g", "Delta_u"])
def test_states_of_a_linear_irrep_are_the_levels_of_that_irrep(name):
    """Pairs come as pairs; Sigma and Delta share a block and are told apart."""
    small = qm.molecular_hamiltonian(qm.Molecule.from_xyz(NITROGEN), qm.ActiveSpace(6, 6))
    whole = symmetry_states(small, 60)
    of_it = [e for e, irrep in zip(whole.energies, whole.irreps, strict=True) if irrep == name]
    assert of_it
    found = symmetry_states(small, len(of_it), irrep=name)
    np.testing.assert_allclose(found.energies, of_it, atol=SAME)
    assert set(found.irreps) == {name}
    if not name.startswith("Sigma"):
        np.testing.assert_allclose(found.energies[0], found.energies[1], atol=SAME)


def test_one_part_of_a_degenerate_irrep_is_asked_for_by_the_abelian_name():
    """B2g and B3g hold one part each of Pi_g."""
    h = qm.molecular_hamiltonian(qm.Molecule.from_xyz(NITROGEN), qm.ActiveSpace(6, 6))
    pair = symmetry_states(h, 2, multiplicity=3, irrep="Pi_g")
    for name in ("B2g", "B3g"):
        found = symmetry_states(h, 1, multiplicity=3, irrep=name)
        assert found.irreps == ("Pi_g",)
        assert found.energies[0] == pytest.approx(pair.energies[0], abs=SAME)
    assert len(symmetry_blocks(h, multiplicity=3, irrep="Pi_g")) == 2


def test_states_that_meet_are_kept_apart():
    """Square H4, N2's pairs: each state has one spin and all its weight in one symmetry."""
    nitrogen = qm.molecular_hamiltonian(qm.Molecule.from_xyz(NITROGEN), qm.ActiveSpace(6, 6))
    for h in (hamiltonian(SQUARE), nitrogen):
        found = symmetry_states(h, 12)
        assert (np.diff(found.energies) < 1e-8).any()
        labels = determinant_labels(h.sector, orbital_labels(h))
        for state, spin in zip(found.states, found.spins, strict=True):
            assert len(np.unique(labels[np.abs(state) > 1e-10])) == 1
            square = spin_square(state, h.norb, h.nelec)
            assert square == pytest.approx(spin / 2 * (spin / 2 + 1), abs=1e-10)


def test_a_crossing_of_spins_is_seen_from_both_sides():
    """Separated H2: singlet and triplet meet, and each is pure."""
    h = hamiltonian("H 0 0 0; H 0 0 40")
    found = symmetry_states(h, 2)
    assert found.energies[1] - found.energies[0] < 1e-9
    assert sorted(found.spins) == [0, 2]
    squares = sorted(spin_square(state, 2, (1, 1)) for state in found.states)
    assert squares == pytest.approx([0, 2], abs=1e-12)


def lanczos(h, n_states):
    """Lowest levels by ARPACK around PySCF's own contraction; of degenerate ones it may miss some.

    Nothing of ours is used.
    """
    two = fci.direct_spin1.absorb_h1e(h.one_body, h.two_body, h.norb, h.nelec, 0.5)
    operator = LinearOperator(
        (h.dimension,) * 2,
        matvec=lambda v: fci.direct_spin1.contract_2e(
            two, v.reshape(h.shape), h.norb, h.nelec
        ).ravel(),
        dtype=float,
    )
    start = np.random.default_rng(0).normal(size=h.dimension)
    values = eigsh(operator, n_states, which="SA", v0=start, ncv=60, tol=1e-10)[0]
    return np.unique((values + h.core_energy).round(8))


def test_stretched_nitrogen_has_its_lowest_levels_of_every_spin(nitrogen):
    """1Sigma_g+, 3Sigma_u+, 5Sigma_g+, 7Sigma_u+, then 3Delta_u: the triplet is 0.288 eV up."""
    found = symmetry_states(nitrogen, 6)
    levels = np.unique(found.energies.round(8))
    np.testing.assert_allclose(levels, lanczos(nitrogen, 5)[:5], atol=2e-8, rtol=0)
    assert found.spins == (0, 2, 4, 6, 2, 2)
    names = ("Sigma_g+", "Sigma_u+", "Sigma_g+", "Sigma_u+", "Delta_u", "Delta_u")
    assert found.irreps == names
    excitation = hartree_to_ev(float(found.energies[1] - found.energies[0]))
    assert excitation == pytest.approx(0.288, abs=5e-4)


@pytest.mark.slow
def test_stretched_nitrogen_agrees_with_the_whole_dense_matrix(nitrogen):
    """3136 determinants, all at once."""
    exact = scipy.linalg.eigh(dense(nitrogen), eigvals_only=True, subset_by_index=[0, 19])
    np.testing.assert_allclose(symmetry_states(nitrogen, 20).energies, exact, atol=SAME)


def test_other_searches_miss_levels_of_stretched_nitrogen_and_say_that_they_converged(nitrogen):
    """PySCF 2.14's bare search for four roots: 20, 77 and 40 mHa too high, converged=True.

    It starts from determinants of one symmetry. A PySCF that has learnt better passes, too: what is
    asserted is that ours are never above its roots, and that its first is the same.
    """
    solver = fci.direct_spin1.FCI()
    solver.verbose = 0
    theirs, _ = solver.kernel(
        nitrogen.one_body, nitrogen.two_body, nitrogen.norb, nitrogen.nelec, nroots=4
    )
    theirs = np.array(theirs) + nitrogen.core_energy
    ours = symmetry_states(nitrogen, 4).energies
    above = 1e3 * (theirs - ours)
    print(f"PySCF's roots above the exact ones: {above} mHa, converged: {solver.converged}")
    assert above[0] == pytest.approx(0.0, abs=1e-3)
    assert above.min() > -1e-5
    if above.max() > 1:
        assert np.all(solver.converged)


def test_integrals_without_a_molecule_are_split_by_their_signs():
    """A Hamiltonian from elsewhere has no named irreps, and the same levels."""
    h = hamiltonian(WATER)
    bare = replace(h, point_group=None)
    found = symmetry_states(bare, 10)
    assert found.irreps is None
    assert len(symmetry_blocks(bare)) == len(symmetry_blocks(h))
    np.testing.assert_allclose(found.energies, symmetry_states(h, 10).energies, atol=SAME)
    assert len(set(orbital_labels(bare).tolist())) == len(set(orbital_labels(h).tolist()))


def test_choices_that_no_state_meets_are_refused():
    """Each message names what there is."""
    h = hamiltonian(WATER)
    with pytest.raises(InputError, match=r'irrep="B3": no irrep of C2v'):
        symmetry_states(h, 1, irrep="B3")
    with pytest.raises(InputError, match=r'Did you mean "A2"\?'):
        symmetry_states(h, 1, irrep="A3")
    with pytest.raises(InputError, match=r'irrep="Pi": no irrep of Dooh.*Pi_'):
        symmetry_states(hamiltonian(BERYLLIUM_HYDRIDE), 1, irrep="Pi")
    with pytest.raises(InputError, match=r"no point group\. Leave irrep out"):
        symmetry_states(hamiltonian(LOPSIDED), 1, irrep="A")
    with pytest.raises(InputError, match=r"multiplicity=2: .* Use one of 1, 3, 5"):
        symmetry_states(h, 1, multiplicity=2)
    with pytest.raises(InputError, match=r"has 225 states\. Use n_states from 1 to 225"):
        symmetry_states(h, 226)
    n = sum(part.size for part in symmetry_blocks(h, multiplicity=3, irrep="A2"))
    with pytest.raises(InputError, match=f"{n} states of multiplicity 3 and irrep A2"):
        symmetry_states(h, n + 1, multiplicity=3, irrep="A2")
    with pytest.raises(InputError, match="states of multiplicity 1 and irrep Phi_u"):
        symmetry_states(hamiltonian(BERYLLIUM_HYDRIDE), 500, multiplicity=1, irrep="Phi_u")


def test_dominant_configurations_name_the_occupations_of_the_states():
    """H2: two bonding, one of each twice over, two antibonding; the weights are squares."""
    h = hamiltonian("H 0 0 0; H 0 0 0.75")
    found = symmetry_states(h, 4)
    texts = dominant_configurations(found.states, h.sector)
    assert texts == ("20 (0.99)", "11 (1.00)", "11 (1.00)", "02 (0.99)")
    stretched = hamiltonian("H 0 0 0; H 0 0 3.0")
    (text,) = dominant_configurations(symmetry_states(stretched, 1).states, stretched.sector)
    weight = float(symmetry_states(stretched, 1).states[0][0, 0] ** 2)
    assert text == f"20 ({weight:.2f}), 02 ({1 - weight:.2f})"


def test_the_irrep_of_a_mixture_is_left_empty():
    """Two irreps at equal weight, and a linear molecule's Sigma with a Delta of one block."""
    h = hamiltonian(WATER)
    found = symmetry_states(h, 2)
    assert len(set(found.irreps)) == 2
    mixed = (found.states[0] + found.states[1]) / np.sqrt(2)
    assert state_irreps(h, (*found.states, mixed)) == (*found.irreps, "")
    nitrogen = qm.molecular_hamiltonian(qm.Molecule.from_xyz(NITROGEN), qm.ActiveSpace(6, 6))
    sigma = symmetry_states(nitrogen, 1, multiplicity=3, irrep="Sigma_u+").states[0]
    for delta in symmetry_states(nitrogen, 2, multiplicity=3, irrep="Delta_u").states:
        both = (sigma + delta) / np.sqrt(2)
        assert state_irreps(nitrogen, (both,)) == ("",)
    assert state_irreps(hamiltonian(LOPSIDED), found.states) is None
