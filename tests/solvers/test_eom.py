"""Equations of motion: exact limits, published numbers, slow twins of their matrices, refusals."""

import brute_force
import numpy as np
import pytest
from molecules import (
    BERYLLIUM_HYDRIDE,
    LITHIUM_HYDRIDE,
    RECTANGLE,
    WATER,
    hamiltonian,
    stretched_nitrogen,
)

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.solvers.manifold import excitation_levels, manifolds
from qmlmat.solvers.response import Response
from qmlmat.systems import spin_square

H2 = "H 0 0 0; H 0 0 0.75"
CHAIN = "H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3"
TIGHT = qm.VQE("uccsd", gradient_tolerance=1e-9)
METHODS = ("q-sc-EOM", "qEOM")


def excitations(found):
    return found.energies[1:] - found.energies[0]


@pytest.mark.parametrize("method", METHODS)
def test_hydrogen_has_its_published_excitations(method):
    """0.75 Å, STO-3G: qiskit-nature's qEOM tests; UCCSD is exact for two electrons."""
    found = qm.solve(hamiltonian(H2), qm.EOM(method), n_states=4)
    assert excitations(found) == pytest.approx([0.5943372, 0.95788352, 1.5969296], abs=1e-5)
    assert found.energy == pytest.approx(-1.13711707, abs=2e-8)
    assert found.multiplicities == (1, 3, 1, 1)
    np.testing.assert_allclose(found.errors, 0.0, atol=1e-8)


@pytest.mark.filterwarnings("ignore:The ground state is multireference")
@pytest.mark.parametrize(
    ("method", "published", "atol"),
    [
        # UCCSD there is one exponential, here a product of them: the circuit is another.
        ("q-sc-EOM", [0.162962, 0.385979, 0.516725, 0.585337], 1e-3),
        # qEOM sees the state alone, and both are near the exact one.
        ("qEOM", [0.162961, 0.418771, 0.550513, 0.585337], 1e-5),
    ],
)
def test_the_hydrogen_rectangle_agrees_with_published_excitations(method, published, atol):
    """H4, 1.8 x 1.5 Å, STO-3G, singlets: SlowQuant's tests, from its own ground state."""
    solver = qm.EOM(method, multiplicity=1, ground=qm.VQE("uccsd", gradient_tolerance=1e-7))
    found = qm.solve(hamiltonian(RECTANGLE), solver, n_states=6)
    ours = excitations(found)[:4]
    print(f"{method}: {ours} beside {published}")
    np.testing.assert_allclose(ours, published, atol=atol)


@pytest.mark.parametrize("xyz", [H2, LITHIUM_HYDRIDE], ids=["H2", "LiH"])
@pytest.mark.parametrize("method", METHODS)
def test_two_electrons_with_an_exact_ground_state_and_the_whole_manifold_are_exact(method, xyz):
    """Every level, not only the lowest; the circuit is exact to rounding."""
    h = hamiltonian(xyz)
    found = qm.solve(h, qm.EOM(method, ground=TIGHT, manifold="all"), n_states=h.dimension)
    exact = h.spectrum(h.dimension).energies
    assert found.error == pytest.approx(0.0, abs=1e-10)
    np.testing.assert_allclose(found.energies, exact, atol=1e-8)


@pytest.mark.parametrize("xyz", [RECTANGLE, CHAIN], ids=["rectangle", "chain"])
def test_qeom_with_an_exact_ground_state_and_the_whole_manifold_is_exact(xyz):
    """Four electrons: the lowest 14 levels of all spins to 1e-8."""
    h = hamiltonian(xyz)
    ground = qm.ADAPTVQE(gradient_tolerance=1e-7)
    found = qm.solve(h, qm.EOM("qEOM", ground=ground, manifold="all"), n_states=14)
    np.testing.assert_allclose(found.energies, h.spectrum(14).energies, atol=1e-8)


@pytest.mark.parametrize(("xyz", "n_states"), [(RECTANGLE, 4), (WATER, 8)], ids=["H4", "H2O"])
def test_a_circuit_that_keeps_spin_makes_the_whole_manifold_exact(xyz, n_states):
    """Pairs alone, whose ground state is far off: all triplets are exact to 1e-8 all the same.

    q-sc-EOM turns each block of one spin and irrep by a unitary of its own then.
    """
    h = hamiltonian(xyz)
    solver = qm.EOM(ground=qm.VQE("puccd"), manifold="all", multiplicity=3)
    found = qm.solve(h, solver, n_states=n_states)
    np.testing.assert_allclose(found.errors, 0.0, atol=1e-8)
    assert qm.solve(h, qm.VQE("puccd")).error > 1e-3


@pytest.mark.parametrize("xyz", [RECTANGLE, CHAIN], ids=["rectangle", "chain"])
def test_the_whole_manifold_is_exact_also_where_the_circuit_mixes_spins(xyz):
    """H4's exact ground state by spin-tied gates, whose product keeps spin on that state alone."""
    h = hamiltonian(xyz)
    ground = qm.ADAPTVQE(gradient_tolerance=1e-7)
    found = qm.solve(h, qm.EOM(ground=ground, manifold="all"), n_states=h.dimension)
    np.testing.assert_allclose(found.energies, h.spectrum(h.dimension).energies, atol=1e-8)


@pytest.mark.filterwarnings("ignore:The ground state is multireference")
@pytest.mark.parametrize("method", METHODS)
def test_a_larger_manifold_is_nearer(method):
    """H4 chain, singlets: singles, doubles, then all; the largest error falls each time."""
    errors = []
    for manifold in ("S", "SD", "all"):
        solver = qm.EOM(method, manifold=manifold, multiplicity=1)
        errors.append(np.abs(qm.solve(hamiltonian(CHAIN), solver, n_states=3).errors[1:]).max())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-3


@pytest.mark.filterwarnings("ignore:The ground state is multireference")
def test_roots_of_one_multiplicity_or_irrep_are_those_of_the_whole():
    """Blocks are separate: asking for less changes no root."""
    h = hamiltonian(WATER)
    whole = qm.solve(h, qm.EOM(), n_states=10)
    triplets = whole.energies[[m == 3 for m in whole.multiplicities]]
    found = qm.solve(h, qm.EOM(multiplicity=3), n_states=len(triplets))
    np.testing.assert_allclose(found.energies, triplets, atol=1e-9)
    of_b1 = whole.energies[[irrep == "B1" for irrep in whole.irreps]]
    found = qm.solve(h, qm.EOM(irrep="B1"), n_states=len(of_b1))
    np.testing.assert_allclose(found.energies, of_b1, atol=1e-9)


def test_pairs_of_linear_molecules_stay_pairs():
    """BeH2's Pi states: degenerate to a microhartree by both equations."""
    for method in METHODS:
        solver = qm.EOM(method, multiplicity=3)
        found = qm.solve(hamiltonian(BERYLLIUM_HYDRIDE), solver, n_states=2)
        assert found.irreps == ("Pi_g", "Pi_g")
        assert found.energies[0] == pytest.approx(found.energies[1], abs=1e-6)


def test_states_of_the_roots_are_normalised_and_of_one_spin():
    """Both equations; the circuit and its angles are those of the ground state."""
    h = hamiltonian(WATER)
    for method in METHODS:
        found = qm.solve(h, qm.EOM(method), n_states=5)
        for state in found.states:
            assert np.linalg.norm(state) == pytest.approx(1.0, abs=1e-12)
        assert None not in found.multiplicities
        assert found.params.shape == (found.circuit.n_params,)
        ground = qm.solve(h, qm.VQE("uccsd"))
        assert found.energy == pytest.approx(ground.energy, abs=1e-7)


def moves_of(h, place):
    """Ladder operators of the excitation that makes a determinant of the Hartree-Fock one."""
    factors = []
    halves = divmod(place, h.shape[1])
    strings = (h.sector.alpha_strings, h.sector.beta_strings)
    for own, k, n, offset in zip(strings, halves, h.nelec, (0, h.norb), strict=True):
        target = int(own[k])
        holes = [p for p in range(n) if not target >> p & 1]
        particles = [p for p in range(n, h.norb) if target >> p & 1]
        for i, a in zip(holes, particles, strict=True):
            factors += [("+", a + offset), ("-", i + offset)]
    return factors


def dense_operators(manifold):
    """The operators of a manifold as dense matrices, from creators and annihilators."""
    h = manifold.hamiltonian
    functions = manifold.functions.toarray()
    total = np.zeros((manifold.size, h.dimension, h.dimension))
    for place in np.flatnonzero(np.abs(functions).max(axis=1)):
        matrix = brute_force.matrix(h.sector, [(1.0, moves_of(h, int(place)))])
        sign = matrix[place, 0]  # what it makes of Hartree-Fock, which is the first determinant
        assert abs(sign) == 1.0
        total += functions[place][:, None, None] * (sign * matrix)
    return total


def some_manifolds(xyz, rank):
    return list(manifolds(hamiltonian(xyz), rank))


@pytest.mark.parametrize(("xyz", "rank"), [(H2, "all"), (RECTANGLE, "SD"), (LITHIUM_HYDRIDE, "S")])
def test_manifolds_apply_their_operators_to_any_state(xyz, rank):
    """G_i and G_i† by dense matrices; on Hartree-Fock G_i makes its function."""
    rng = np.random.default_rng(0)
    for manifold in some_manifolds(xyz, rank):
        if not manifold.size:
            continue
        h, operators = manifold.hamiltonian, dense_operators(manifold)
        state = rng.normal(size=h.shape)
        flat = state.ravel()
        found = manifold.applied(state).reshape(manifold.size, -1)
        np.testing.assert_allclose(found, operators @ flat, atol=1e-12)
        lowered = manifold.applied(state, adjoint=True).reshape(manifold.size, -1)
        np.testing.assert_allclose(lowered, operators.transpose(0, 2, 1) @ flat, atol=1e-12)
        start = h.sector.zeros()
        start[0, 0] = 1.0
        np.testing.assert_allclose(manifold.applied(start), manifold.vectors(), atol=1e-12)


@pytest.mark.parametrize(("xyz", "rank"), [(H2, "all"), (RECTANGLE, "SD"), (LITHIUM_HYDRIDE, "S")])
def test_the_matrices_of_qeom_are_double_commutators(xyz, rank):
    """A, B, D and S in a random state, commutators of dense matrices, symmetrised."""

    def commutator(a, b):
        return a @ b - b @ a

    def double(a, b, c):
        return 0.5 * (commutator(commutator(a, b), c) + commutator(a, commutator(b, c)))

    rng = np.random.default_rng(1)
    for manifold in some_manifolds(xyz, rank):
        if not manifold.size:
            continue
        h, up = manifold.hamiltonian, dense_operators(manifold)
        down = up.transpose(0, 2, 1)
        units = np.eye(h.dimension).reshape(-1, *h.shape)
        matrix = np.column_stack([h.matvec(unit).ravel() for unit in units])
        state = rng.normal(size=h.dimension)
        state /= np.linalg.norm(state)

        def mean(operator, state=state):
            return state @ operator @ state

        n = manifold.size
        found = Response.of(manifold, state.reshape(h.shape))
        pairs = [(i, j) for i in range(n) for j in range(n)]
        for name, sign, left, right, with_h in (
            ("a", 1, down, up, True),
            ("b", -1, down, down, True),
            ("delta", 1, down, up, False),
            ("sigma", -1, down, down, False),
        ):
            expected = np.array(
                [
                    mean(
                        double(left[i], matrix, right[j])
                        if with_h
                        else commutator(left[i], right[j])
                    )
                    for i, j in pairs
                ]
            ).reshape(n, n)
            np.testing.assert_allclose(getattr(found, name), sign * expected, atol=1e-10)


def test_excitation_levels_count_the_electrons_moved():
    """H4: 1 determinant of rank 0, 8 singles, 18 doubles, 8 triples, 1 quadruple."""
    levels = excitation_levels(hamiltonian(RECTANGLE).sector)
    assert np.bincount(levels.ravel()).tolist() == [1, 8, 18, 8, 1]


def test_the_whole_manifold_and_hartree_fock_are_the_sector():
    """Sizes add up over spins and irreps; one block holds the ground state."""
    h = hamiltonian(WATER)
    parts = list(manifolds(h, "all"))
    assert sum(part.size for part in parts) == h.dimension - 1
    assert sum(part.holds_ground for part in parts) == 1
    for part in parts:
        for state in part.vectors():
            square = spin_square(state, h.norb, h.nelec)
            spin = part.block.spin
            assert square == pytest.approx(spin / 2 * (spin / 2 + 1), abs=1e-10)


def test_a_multireference_ground_state_is_warned_of_and_missing_levels_are_named():
    """N2 at 2.0 Å: five roots of singles and doubles; the septet, a triple, is not among them."""
    h = stretched_nitrogen(2.0)
    with pytest.warns(qm.QmlmatWarning, match=r"multireference: .* Use SSVQE\(\)"):
        found = qm.solve(h, qm.EOM(), n_states=4)
    assert 7 not in found.multiplicities
    (note,) = [n for n in found.notes if "that were not found" in n]
    assert "7 Sigma_u+ at 2.059 eV" in note
    assert found.errors.max() > 0.01


def test_open_shells_are_for_the_equation_inside_the_circuit():
    """OH: q-sc-EOM finds the Pi pair; qEOM's operators have no definite spin there."""
    h = hamiltonian("O 0 0 0; H 0 0 0.97", spin=1)
    found = qm.solve(h, qm.EOM(), n_states=3)
    assert found.irreps == ("Pi", "Pi", "Sigma+")
    assert found.errors.max() < 2e-3
    with pytest.raises(InputError, match=r'Use EOM\("q-sc-EOM"\), or SSVQE\(\)'):
        qm.solve(h, qm.EOM("qEOM"), n_states=3)


def test_qeom_says_how_near_its_metric_is_to_singular():
    found = qm.solve(hamiltonian(WATER), qm.EOM("qEOM"), n_states=2)
    assert any("Smallest singular value of qEOM's metric" in note for note in found.notes)


def test_roots_that_are_not_real_are_left_out_and_counted():
    """A response of two coupled oscillators with B larger than A: one pair is imaginary."""
    one = np.eye(2)
    response = Response(
        excited=np.eye(2, 4),
        lowered=np.zeros((2, 4)),
        a=np.diag([0.5, 1.0]),
        b=np.diag([0.6, 0.2]),
        delta=one,
        sigma=0 * one,
        shape=(2, 2),
    )
    found, n_unstable = response.roots(-1.0)
    assert n_unstable == 1
    assert [root.energy for root in found] == pytest.approx([-1 + np.sqrt(1 - 0.04)])


def test_a_solution_at_hand_is_where_the_ground_state_starts():
    """No step of its search is left to do."""
    h = hamiltonian(WATER)
    ground = qm.solve(h, qm.VQE("uccsd"))
    cold = qm.solve(h, qm.EOM(), n_states=3)
    warm = qm.solve(h, qm.EOM(), n_states=3, guess=ground)
    assert warm.history[-1].n_evaluations < cold.history[-1].n_evaluations
    np.testing.assert_allclose(warm.energies, cold.energies, atol=1e-7)


def test_settings_that_make_no_sense_are_refused():
    """Each message holds the remedy."""
    with pytest.raises(InputError, match='Did you mean "q-sc-EOM"'):
        qm.EOM("q-sc-eom")
    with pytest.raises(InputError, match="no such manifold"):
        qm.EOM(manifold="D")
    with pytest.raises(InputError, match=r'VQE\("uccsd"\) or ADAPTVQE\(\)'):
        qm.EOM(ground=qm.Exact())
    with pytest.raises(InputError, match="1 for singlets, 3 for triplets"):
        qm.EOM(multiplicity="3")
    h = hamiltonian(H2)
    with pytest.raises(InputError, match=r"the subspace holds 1 states.*higher rank"):
        qm.solve(h, qm.EOM(multiplicity=3), n_states=2)
    with pytest.raises(InputError, match="Use one of 1, 3"):
        qm.solve(h, qm.EOM(multiplicity=7))
    with pytest.raises(InputError, match="no irrep of Dooh"):
        qm.solve(h, qm.EOM(irrep="B9"))


def test_the_settings_are_in_the_record():
    inputs = qm.EOM("qEOM", manifold="SDT", multiplicity=3).inputs()
    assert inputs["method"] == "qEOM"
    assert (inputs["manifold"], inputs["multiplicity"]) == ("SDT", 3)
    assert inputs["ground"] == qm.VQE("uccsd").inputs()
