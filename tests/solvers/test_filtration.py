"""Filters: the right sector, the right interior state, the right refusal."""

import numpy as np
import pytest
from boltzmann import lithium_hydride
from molecules import hamiltonian
from small_models import ising, random_matrix

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.provenance import content_hash
from qmlmat.systems import mirror_x, orbital_angular_momentum, spin_z

ATOL = 2e-5  # eV, of a search that has converged
SHORT = qm.RBM(n_starts=2, max_iterations=120)
CHAIN = "; ".join(f"H 0 0 {k}" for k in range(4))


@pytest.fixture(scope="module")
def mos2():
    return qm.monolayer("MoS2", model="tnn")


def sector_levels(matrix, operator, value):
    """Levels of the states with one eigenvalue, by numpy: ``H`` on that eigenspace."""
    values, vectors = np.linalg.eigh(operator)
    inside = vectors[:, np.abs(values - value) < 1e-9]
    return np.linalg.eigvalsh(inside.conj().T @ matrix @ inside)


def by_l_z(value):
    return qm.Symmetry(orbital_angular_momentum(), value, name="L_z")


# ------------------------------------------------------------------ which penalty


def test_the_penalty_is_that_of_the_squared_distance(mos2):
    """MoS2 at K, L_z = 0: 1.5950 eV. With ``(<O> - omega)^2`` a superposition passes, 1.5916."""
    h = mos2.at("K")
    found = qm.solve(h, qm.Filtration(rbm=SHORT, symmetries=by_l_z(0)), seed=1)
    assert found.energy == pytest.approx(1.5950, abs=1e-4)
    operator, mu = orbital_angular_momentum(), 50.0  # eV
    right = np.linalg.eigvalsh(h.matrix + mu * operator @ operator)[0]
    assert found.energy == pytest.approx(right, abs=ATOL)
    # A share p of the valence band, L_z = 2: the energy falls by p gap, and rises by mu (2 p)^2.
    valence, conduction, _ = np.linalg.eigvalsh(h.matrix)
    share = (conduction - valence) / (8 * mu)
    wrong = conduction - share * (conduction - valence) + mu * (2 * share) ** 2
    assert wrong == pytest.approx(1.5916, abs=1e-4)


@pytest.mark.parametrize("point", ["G", "K", "K1"])
@pytest.mark.parametrize("value", [-2, 0, 2])
def test_angular_momentum_picks_the_right_band(mos2, point, value):
    """Each of the three is the level of its own eigenspace, and the reference says so."""
    h = mos2.at(point)
    expected = sector_levels(h.matrix, orbital_angular_momentum(), value)[0]
    found = qm.solve(h, qm.Filtration(rbm=SHORT, symmetries=by_l_z(value)), seed=2)
    assert found.energy == pytest.approx(expected, abs=ATOL)
    assert found.reference_energy == pytest.approx(expected, abs=1e-9)
    state = found.states[0]
    assert np.vdot(state, orbital_angular_momentum() @ state).real == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize(("point", "value"), [("K", 2), ("K1", -2)])
def test_valence_and_third_band_change_places_between_the_corners(mos2, point, value):
    """At K the valence band has L_z = 2, at K1 it has -2: the same energy."""
    level = sector_levels(mos2.at(point).matrix, orbital_angular_momentum(), value)[0]
    assert level == pytest.approx(-0.0629, abs=1e-4)


def test_words_are_symmetries_of_a_padded_matrix_too():
    """Two levels of three on qubits 00 and 01: ZI is 1 there; padding at -1 is not counted."""
    h = qm.MatrixHamiltonian(matrix=np.diag([0.5, 1.0, 0.0]))
    sign = qm.PauliSum.from_words({"ZI": 1.0})
    upper = qm.Filtration(rbm=SHORT, symmetries=qm.Symmetry(sign, 1.0))
    assert qm.solve(h, upper, n_states=2, seed=1).energies == pytest.approx([0.5, 1.0], abs=1e-5)
    lower = qm.Filtration(rbm=SHORT, symmetries=qm.Symmetry(sign, -1.0))
    assert qm.solve(h, lower, seed=1).energy == pytest.approx(0.0, abs=1e-5)
    with pytest.raises(InputError, match=r"1 states have these symmetries\. Ask"):
        qm.solve(h, lower, n_states=2)


def test_a_mirror_filters_on_its_own_line(mos2):
    """Halfway to M1: the odd band is d_xy alone."""
    h = mos2.at((0.0, 0.25, 0.0))
    odd = qm.solve(h, qm.Filtration(rbm=SHORT, symmetries=qm.Symmetry(mirror_x(), -1)), seed=1)
    even = qm.solve(
        h, qm.Filtration(rbm=SHORT, symmetries=qm.Symmetry(mirror_x(), 1)), n_states=2, seed=1
    )
    assert odd.energy == pytest.approx(h.matrix[1, 1].real, abs=ATOL)
    expected = sector_levels(h.matrix, mirror_x(), 1)
    assert even.energies == pytest.approx(expected, abs=ATOL)


def test_a_symmetry_that_is_none_is_refused_with_its_commutator(mos2):
    """L_z at M: the message says by how much, in eV, and where it would be legal."""
    with pytest.raises(InputError, match=r"is [\d.]+ eV.*G, K and K1 only"):
        qm.solve(mos2.at("M"), qm.Filtration(symmetries=by_l_z(0)))


def test_a_spin_filter_finds_the_lowest_state_of_each_spin():
    """Six bands on three qubits at K: S_z = 1/2 and -1/2 differ by the spin splitting."""
    h = qm.monolayer("MoS2", model="tnn", soc=True).at("K")
    for value in (0.5, -0.5):
        expected = sector_levels(h.matrix, spin_z(), value)[0]
        spin = qm.Symmetry(spin_z(), value, name="S_z")
        found = qm.solve(h, qm.Filtration(rbm=SHORT, symmetries=spin), seed=1)
        assert found.energy == pytest.approx(expected, abs=ATOL)
        state = found.states[0]
        assert np.vdot(state, spin_z() @ state).real == pytest.approx(value, abs=1e-3)


def test_two_symmetries_hold_at_once():
    """Spin and angular momentum at K: one level of six."""
    h = qm.monolayer("WS2", model="tnn", soc=True).at("K")
    l_z = orbital_angular_momentum(soc=True)
    both = (qm.Symmetry(spin_z(), -0.5), qm.Symmetry(l_z, 2.0))
    found = qm.solve(h, qm.Filtration(rbm=SHORT, symmetries=both), seed=1)
    expected = sector_levels(
        h.matrix + 100 * (l_z - 2 * np.eye(6)) @ (l_z - 2 * np.eye(6)), spin_z(), -0.5
    )[0]
    assert found.energy == pytest.approx(expected, abs=ATOL)


# --------------------------------------------------------------------- molecules


@pytest.mark.parametrize("which", ["LiH", "H4"])
def test_the_triplet_of_a_molecule_is_filtered_by_its_spin(which):
    """``S^2 = 2``: the lowest triplet of the lowest orbitals' symmetry, against dense levels."""
    h = lithium_hydride() if which == "LiH" else hamiltonian(CHAIN)
    square = qm.SpinSquare(h.norb, h.nelec)
    rbm = qm.RBM(n_starts=3)
    found = qm.solve(
        h, qm.Filtration(rbm=rbm, symmetries=qm.Symmetry(square, 2.0, name="S^2")), seed=1
    )
    units = np.eye(h.dimension).reshape(-1, *h.shape)
    matrix = np.array([h.matvec(u).ravel() for u in units])
    spins = np.array([square.matvec(u).ravel() for u in units])
    triplets = sector_levels(matrix, spins, 2.0)
    # Tapering leaves the irreps of the lowest orbitals' determinant: its triplets are among all.
    assert np.abs(triplets - found.energy).min() < 2e-3
    assert found.energy > triplets[0] - 1e-8
    assert found.energy == pytest.approx(found.reference_energy, abs=2e-3)
    assert found.spin_squares[0] == pytest.approx(2.0, abs=1e-2)


# ---------------------------------------------------------------------- energies


@pytest.mark.parametrize("seed", range(3))
def test_folding_finds_the_states_nearest_to_an_energy(seed):
    """Random Hermitian matrices of four levels: the nearest level, wherever it is."""
    matrix = random_matrix(4, seed)
    levels = np.linalg.eigvalsh(matrix)
    h = qm.MatrixHamiltonian(matrix=matrix)
    for k in range(4):
        near = levels[k] + 0.1 * np.diff(levels).min()
        found = qm.solve(h, qm.Filtration(rbm=SHORT, near=near), seed=seed)
        assert found.energy == pytest.approx(levels[k], abs=1e-3)
        assert found.reference_energy == pytest.approx(levels[k], abs=1e-9)


def test_the_states_nearest_to_an_energy_come_in_order():
    """Two of three levels around 1.7; padding is not one of them."""
    h = qm.MatrixHamiltonian(matrix=np.diag([0.0, 1.0, 2.5]))
    found = qm.solve(h, qm.Filtration(rbm=SHORT, near=1.7), n_states=2, seed=1)
    assert found.energies == pytest.approx([1.0, 2.5], abs=1e-5)
    assert found.residuals.max() < 1e-3


# --------------------------------------------------------------------- deflation


@pytest.mark.parametrize(
    ("model", "point", "n_states"),
    [("graphene", "K", 2), ("graphene", "G", 2), ("MoS2", "G", 3)],
)
def test_degenerate_levels_are_found_as_often_as_they_are_there(mos2, model, point, n_states):
    """Dirac point, the farthest two levels, and two equal bands of MoS2: orthogonal states."""
    h = (qm.graphene() if model == "graphene" else mos2).at(point)
    found = qm.solve(h, qm.Filtration(rbm=SHORT), n_states=n_states, seed=1)
    assert found.energies == pytest.approx(np.linalg.eigvalsh(h.matrix), abs=ATOL)
    table = np.array(found.states).conj() @ np.array(found.states).T
    assert np.abs(table - np.eye(n_states)).max() < 2e-3


def test_residuals_are_those_of_the_states(mos2):
    """``||(H - E) psi||`` in the Hamiltonian's unit."""
    h = mos2.at((0.2, 0.1, 0.0))
    found = qm.solve(h, qm.Filtration(rbm=qm.RBM(max_iterations=6, n_starts=1)), n_states=2, seed=1)
    for energy, state, residual in zip(found.energies, found.states, found.residuals, strict=True):
        miss = h.matrix @ state - energy * state
        assert residual == pytest.approx(np.linalg.norm(miss), abs=1e-10)
        assert energy == pytest.approx(np.vdot(state, h.matrix @ state).real, abs=1e-10)
    assert found.residuals.max() > 1e-4  # six steps have not converged


# ----------------------------------------------------------------- what is refused


@pytest.mark.parametrize("value", [1.0, 7])
def test_a_value_that_no_state_has_is_refused_with_those_there_are(mos2, value):
    """L_z has -2, 0 and 2; the value wanted stands on padding only."""
    with pytest.raises(InputError, match=r"no state has it\. The eigenvalues are -2, 0, 2"):
        qm.solve(mos2.at("K"), qm.Filtration(symmetries=by_l_z(value)))


def test_a_value_that_no_electrons_have_is_refused_with_those_there_are():
    """Two electrons: singlets and triplets."""
    h = lithium_hydride()
    square = qm.SpinSquare(h.norb, h.nelec)
    with pytest.raises(InputError, match="The eigenvalues are 0, 2"):
        qm.solve(h, qm.Filtration(symmetries=qm.Symmetry(square, 6.0)))


def test_more_states_than_have_the_symmetry_are_refused_with_their_number(mos2):
    """One band of three has L_z = 0; padding is not a second."""
    with pytest.raises(InputError, match=r"1 states have these symmetries\. Ask for so many"):
        qm.solve(mos2.at("K"), qm.Filtration(symmetries=by_l_z(0)), n_states=2)


@pytest.mark.parametrize(
    ("operator", "remedy"),
    [
        (np.eye(2), "Use such a matrix, or a PauliSum"),
        (qm.PauliSum.from_words({"ZZZ": 1.0}), "Hermitian one on the Hamiltonian's 2"),
        (qm.PauliSum.from_words({"II": 1.0j}), "Use a Hermitian one"),
        (qm.SpinSquare(2, (1, 1)), "Use a matrix or a PauliSum"),
    ],
    ids=["size", "qubits", "not Hermitian", "of electrons"],
)
def test_operators_that_do_not_fit_are_refused(mos2, operator, remedy):
    """By what fits."""
    with pytest.raises(InputError, match=remedy):
        qm.solve(mos2.at("K"), qm.Filtration(symmetries=qm.Symmetry(operator, 1.0)))


def test_matrices_are_no_operators_of_electrons():
    """A molecule's symmetry is a SpinSquare or words on its qubits."""
    h = lithium_hydride()
    with pytest.raises(InputError, match="or a PauliSum"):
        qm.solve(h, qm.Filtration(symmetries=qm.Symmetry(np.eye(h.dimension), 1.0)))


def test_states_of_padding_are_not_found_above_the_spectrum():
    """Levels 0, 1, 2.5 and a padding at 7.5: it would be the nearest to 8. Farther it is none."""
    levels = np.diag([0.0, 1.0, 2.5])
    with pytest.raises(InputError, match="with padding above 16"):
        qm.solve(qm.MatrixHamiltonian(matrix=levels), qm.Filtration(rbm=SHORT, near=8.0))
    far = qm.MatrixHamiltonian(matrix=levels, padding=30.0)
    found = qm.solve(far, qm.Filtration(rbm=SHORT, near=8.0))
    assert found.energy == pytest.approx(2.5, abs=ATOL)
    four = qm.MatrixHamiltonian(matrix=np.diag([0.0, 1.0, 2.0, 2.5]))  # nothing is padded
    assert qm.solve(four, qm.Filtration(rbm=SHORT, near=8.0)).energy == pytest.approx(2.5, abs=ATOL)


def test_unusable_settings_are_refused():
    """Finite values, symmetries that are some."""
    with pytest.raises(InputError, match="use one of the eigenvalues"):
        qm.Symmetry(np.eye(2), float("nan"))
    with pytest.raises(InputError, match=r"use Symmetry\(operator, value\)"):
        qm.Filtration(symmetries=(1.0,))
    with pytest.raises(InputError, match="finite energy, or None"):
        qm.Filtration(near=float("inf"))


def test_every_setting_makes_another_record():
    """Plain values: operators by their content, not their place in memory."""
    l_z = orbital_angular_momentum()
    several = [
        qm.Filtration(),
        qm.Filtration(near=0.5),
        qm.Filtration(rbm=qm.RBM(n_hidden=3)),
        qm.Filtration(symmetries=qm.Symmetry(l_z, 0)),
        qm.Filtration(symmetries=qm.Symmetry(l_z, 2)),
        qm.Filtration(symmetries=qm.Symmetry(l_z @ l_z, 0)),
        qm.Filtration(symmetries=qm.Symmetry(qm.SpinSquare(2, (1, 1)), 0)),
        qm.Filtration(symmetries=qm.Symmetry(qm.PauliSum.from_words({"ZZ": 1.0}), 1)),
        qm.Filtration(symmetries=qm.Symmetry(qm.PauliSum.from_words({"ZI": 1.0}), 1)),
    ]
    records = [content_hash(one.inputs()) for one in several]
    assert len(set(records)) == len(several)
    again = qm.Filtration(symmetries=qm.Symmetry(l_z.copy(), 0))
    assert content_hash(again.inputs()) == records[3]


def test_words_of_a_model_are_symmetries_too():
    """The Ising ring's parity of flips, XXX: lowest odd state against dense levels."""
    h = ising(3, field=0.7)
    flip = qm.PauliSum.from_words({"XXX": 1.0})
    found = qm.solve(h, qm.Filtration(rbm=SHORT, symmetries=qm.Symmetry(flip, -1.0)), seed=1)
    expected = sector_levels(h.terms.matrix().toarray(), flip.matrix().toarray(), -1.0)[0]
    assert found.energy == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "sampler",
    [qm.Metropolis(n_samples=2000), qm.GibbsCircuit()],
    ids=["chains", "circuit"],
)
def test_energies_from_draws_are_the_hamiltonians_too(mos2, sampler):
    """Not those of what is minimised: 1.5950 eV at K, L_z = 0; error bars in eV, too."""
    rbm = qm.RBM(sampler=sampler, exact_search=True, n_starts=2, max_iterations=120)
    backend = qm.StatevectorBackend(shots=8192)
    for how in ({"symmetries": by_l_z(0)}, {"near": 1.7}):
        found = qm.solve(mos2.at("K"), qm.Filtration(rbm=rbm, **how), backend=backend, seed=1)
        assert abs(found.energy - 1.5950) < 5 * found.stderr[0] + 0.03
        assert found.residuals[0] < 0.6
        assert found.reference_energy == pytest.approx(1.5950, abs=1e-4)


def test_searches_end_at_energies_of_the_hamiltonian(mos2):
    """The functional ``<H> + penalty`` in eV: never below the state's energy, at it in the end."""
    found = qm.solve(mos2.at("K"), qm.Filtration(rbm=SHORT, symmetries=by_l_z(0)), seed=1)
    assert found.start_energies.shape == (1, 2)
    assert found.start_energies[0, 0] == pytest.approx(found.energy, abs=1e-4)
    assert found.history[-1].energy == pytest.approx(found.energy, abs=1e-4)
    folded = qm.solve(mos2.at("K"), qm.Filtration(rbm=SHORT, near=1.7), seed=1)
    assert folded.start_energies is None  # squares of distances
