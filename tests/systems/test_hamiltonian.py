"""The Hamiltonian: its value, its symmetry, and the observables around it."""

from itertools import product

import numpy as np
import pytest
from brute_force import hamiltonian_terms, matrix

from qmlmat.errors import ActiveSpaceError, InputError, QmlmatWarning
from qmlmat.operators.sector import Sector
from qmlmat.systems import (
    ActiveOrbitals,
    ActiveSpace,
    MolecularHamiltonian,
    Molecule,
    SpinSquare,
    WeightedSum,
    hamiltonian,
    molecular_hamiltonian,
    run_mean_field,
    spin_square,
)
from qmlmat.typing import Hamiltonian, Observable


@pytest.fixture(scope="module")
def lithium_hydride():
    return molecular_hamiltonian(
        Molecule.from_xyz("Li 0 0 0; H 0 0 1.595"), ActiveSpace(freeze_core=True)
    )


@pytest.fixture(scope="module")
def oxygen():
    """Triplet O2 in its (8e, 6o) valence p shell, open shell, frozen core and 2s."""
    return molecular_hamiltonian(Molecule.from_xyz("O 0 0 0; O 0 0 1.2", spin=2), ActiveSpace(8, 6))


def test_meets_the_protocols(lithium_hydride):
    """Solvers see a Hamiltonian, backends an observable."""
    assert isinstance(lithium_hydride, Hamiltonian)
    assert isinstance(lithium_hydride, Observable)
    assert isinstance(SpinSquare(2, (1, 1)), Observable)
    assert lithium_hydride.unit == "hartree"
    assert lithium_hydride.shape == (5, 5)
    assert lithium_hydride.dimension == 25


def test_matvec_is_the_operator_of_its_integrals(lithium_hydride):
    """Dense matrix from creation and annihilation operators, constant included."""
    h = lithium_hydride
    dense = matrix(h.sector, hamiltonian_terms(h.one_body, h.two_body))
    dense += h.core_energy * np.eye(h.dimension)
    columns = np.column_stack([h.matvec(unit) for unit in np.eye(h.dimension)])
    np.testing.assert_allclose(columns, dense, atol=1e-11)
    np.testing.assert_allclose(columns, columns.T, atol=1e-12)
    np.testing.assert_allclose(h.diagonal().ravel(), dense.diagonal(), atol=1e-11)


def test_integrals_have_their_permutation_symmetry(oxygen):
    """Real orbitals: h symmetric, (pq|rs) eightfold symmetric; both read-only."""
    one, two = oxygen.one_body, oxygen.two_body
    np.testing.assert_array_equal(one, one.T)
    for axes in ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)):
        np.testing.assert_allclose(two, two.transpose(axes), atol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        one[0, 0] = 0.0


def test_reference_determinant_has_the_mean_field_energy(oxygen, lithium_hydride):
    """Core energy, core field and active integrals add up to Hartree-Fock, open shells too."""
    field = run_mean_field(Molecule.from_xyz("O 0 0 0; O 0 0 1.2", spin=2))
    assert oxygen.mean_field_energy == pytest.approx(field.energy, abs=1e-10)
    first = oxygen.sector.index(oxygen.sector.hartree_fock_bits())
    assert oxygen.diagonal()[first] == pytest.approx(field.energy, abs=1e-10)
    assert lithium_hydride.mean_field_energy == pytest.approx(-7.86202386, abs=2e-8)


def test_exact_states_have_definite_spin(oxygen, lithium_hydride):
    """The ground state of O2 is a triplet, that of LiH a singlet, the next a triplet."""
    ground = oxygen.spectrum().states[0]
    assert spin_square(ground, oxygen.norb, oxygen.nelec) == pytest.approx(2, abs=1e-8)
    singlet, triplet = lithium_hydride.spectrum(2).states
    assert spin_square(singlet, 5, (1, 1)) == pytest.approx(0, abs=1e-8)
    assert spin_square(triplet, 5, (1, 1)) == pytest.approx(2, abs=1e-8)


def test_triplet_has_the_same_energy_in_both_sectors():
    """Spin symmetry: S_z = 1 and S_z = 0 components of the triplet of H2 are degenerate."""
    h2 = molecular_hamiltonian(Molecule.from_xyz("H 0 0 0; H 0 0 0.9", basis="6-31g"))
    aligned = MolecularHamiltonian(
        one_body=h2.one_body, two_body=h2.two_body, core_energy=h2.core_energy, nelec=(2, 0)
    )
    assert aligned.spectrum().energies[0] == pytest.approx(h2.spectrum(2).energies[1], abs=1e-10)


def test_spin_penalty_lifts_the_triplet_only(lithium_hydride):
    """H + mu S^2: singlets stay, triplets rise by 2 mu."""
    h = lithium_hydride
    penalised = WeightedSum(terms=((1.0, h), (0.5, SpinSquare(h.norb, h.nelec))), constant=0.25)
    assert (penalised.norb, penalised.nelec) == (h.norb, h.nelec)
    singlet, triplet = h.spectrum(2).states
    e_singlet, e_triplet = h.spectrum(2).energies
    np.testing.assert_allclose(penalised.matvec(singlet), (e_singlet + 0.25) * singlet, atol=1e-7)
    np.testing.assert_allclose(penalised.matvec(triplet), (e_triplet + 1.25) * triplet, atol=1e-7)


def test_density_matrices_give_the_energy(oxygen):
    """E = core + h.g + (pq|rs).G / 2 for the exact state."""
    found = oxygen.spectrum()
    state = found.states[0]
    energy = oxygen.core_energy + np.vdot(oxygen.one_body, oxygen.one_rdm(state))
    energy += 0.5 * np.vdot(oxygen.two_body, oxygen.two_rdm(state))
    assert energy == pytest.approx(found.energies[0], abs=1e-10)
    assert oxygen.one_rdm(state, spin_resolved=True).shape == (2, 6, 6)
    assert oxygen.two_rdm(state, spin_resolved=True).shape == (3, 6, 6, 6, 6)


def test_notes_of_the_mean_field_reach_the_hamiltonian():
    """What the rescue said is not lost."""
    molecule = Molecule.from_xyz("N 0 0 0; N 0 0 1.9")
    assert "lower symmetry" in molecular_hamiltonian(molecule, ActiveSpace(6, 6)).notes[0]


def test_notes_of_the_active_space_reach_the_hamiltonian():
    """A cut pi pair is warned of, and the note stays with the Hamiltonian."""
    molecule = Molecule.from_xyz("N 0 0 0; N 0 0 1.1")
    with pytest.warns(QmlmatWarning, match="cuts the degenerate shell"):
        h = molecular_hamiltonian(molecule, ActiveSpace(2, 2))
    assert any("cuts the degenerate shell" in note for note in h.notes)


def test_integrals_beyond_memory_are_the_same(monkeypatch):
    """Where the atomic integrals do not fit, PySCF transforms from disk: same numbers."""
    from qmlmat.systems import integrals

    molecule = Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
    start = molecular_hamiltonian(molecule, ActiveSpace(freeze_core=True))
    monkeypatch.setattr(integrals, "INCORE_LIMIT", 0)
    other = molecular_hamiltonian(molecule, ActiveSpace(freeze_core=True))
    np.testing.assert_allclose(other.two_body, start.two_body, atol=1e-10)
    np.testing.assert_allclose(other.one_body, start.one_body, atol=1e-10)
    assert other.core_energy == pytest.approx(start.core_energy, abs=1e-10)


def test_mean_field_of_another_molecule_is_refused():
    """A mean field at hand must belong to the molecule."""
    h2 = Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
    with pytest.raises(InputError, match=r"Use run_mean_field\(molecule\)"):
        molecular_hamiltonian(h2.with_positions(1.1 * h2.positions), mean_field=run_mean_field(h2))


def test_more_orbitals_than_a_bit_string_holds_are_refused():
    """70 orbitals are refused with the count of determinants, not with an overflow."""
    for n_electrons in (35, 70):
        orbitals = ActiveOrbitals(
            positions=np.zeros((1, 3)),
            inactive=np.zeros((70, 0)),
            active=np.eye(70),
            nelec=(n_electrons, n_electrons),
        )
        with pytest.raises(ActiveSpaceError, match=r"determinants.*62 orbitals.*smaller norb"):
            hamiltonian._check_dimension(orbitals)


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"one_body": np.zeros((2, 3))}, r"\(norb, norb\)"),
        ({"one_body": np.array(1.0)}, r"\(norb, norb\)"),
        ({"one_body": np.full((2, 2), np.nan)}, "finite ones"),
        ({"core_energy": np.inf}, "finite energy"),
        ({"one_body": np.array([[0.0, 1], [0, 0]])}, "chemists' order"),
        ({"two_body": np.arange(16.0).reshape(2, 2, 2, 2)}, "chemists' order"),
        ({"nelec": (3, 0)}, "norb >= 3"),
    ],
)
def test_impossible_integrals_are_refused(changes, remedy):
    """Shapes, symmetry, finiteness and electrons are checked once, at the door."""
    values = {"one_body": np.eye(2), "two_body": np.zeros((2,) * 4), "nelec": (1, 1)}
    with pytest.raises(InputError, match=remedy):
        MolecularHamiltonian(**{**values, **changes})


def test_weighted_sum_refuses_nothing_and_mixed_sectors():
    """A sum needs a term, and all terms one sector."""
    with pytest.raises(InputError, match="at least one observable"):
        WeightedSum(terms=())
    with pytest.raises(InputError, match="observables of one"):
        WeightedSum(terms=((1.0, SpinSquare(2, (1, 1))), (1.0, SpinSquare(3, (1, 1)))))


@pytest.mark.parametrize(
    ("norb", "nelec"),
    [(3, (2, 1)), (4, (2, 2)), (4, (1, 3)), (3, (0, 2)), (2, (2, 2)), (1, (0, 1))],
)
def test_spin_square_is_its_products_of_ladder_operators(norb, nelec):
    """Compiled S_- S_+ against strings of creators and annihilators; real, complex, diagonal."""
    sector, half = Sector(norb, nelec), 0.5 * (nelec[0] - nelec[1])
    terms = [
        (1.0, (("+", norb + p), ("-", p), ("+", q), ("-", norb + q)))
        for p, q in product(range(norb), repeat=2)
    ]
    dense = matrix(sector, terms) + half * (half + 1) * np.eye(sector.dimension)
    square = SpinSquare(norb, nelec)
    rng = np.random.default_rng(norb)
    real, imaginary = rng.normal(size=(2, *sector.shape))
    for state in (real, real + 1j * imaginary):
        image = square.matvec(state)
        assert image.shape == state.shape
        assert image.ravel() == pytest.approx(dense @ state.ravel(), abs=1e-12)
    assert square.diagonal().ravel() == pytest.approx(np.diag(dense), abs=1e-12)
