"""References of several states: pure, orthogonal, short, and of the right symmetries."""

from collections import Counter

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
from qmlmat.solvers.references import (
    choose_references,
    given_references,
    reference_state,
    state_reference,
)
from qmlmat.systems import spin_square
from qmlmat.systems.blocks import orbital_labels, symmetry_blocks, symmetry_states
from qmlmat.systems.point_group import determinant_labels

MOLECULES = {
    "H4": RECTANGLE,
    "LiH": LITHIUM_HYDRIDE,
    "BeH2": BERYLLIUM_HYDRIDE,
    "H2O": WATER,
}


@pytest.fixture(scope="module", params=[1.1, 2.0])
def nitrogen(request):
    return stretched_nitrogen(request.param)


def kinds(h, found):
    """How many states there are of each spin and Abelian irrep."""
    labels = determinant_labels(h.sector, orbital_labels(h))
    counted = Counter()
    for state in found:
        spin = round(np.sqrt(1 + 4 * spin_square(state, h.norb, h.nelec)) - 1)
        counted[spin, int(labels.flat[np.abs(state).argmax()])] += 1
    return counted


@pytest.mark.parametrize("multiplicity", [None, 1, 3])
@pytest.mark.parametrize("name", MOLECULES)
def test_references_are_pure_orthonormal_and_ascending(name, multiplicity):
    """One spin, one irrep each; their labels say which; the reference is the state."""
    h = hamiltonian(MOLECULES[name])
    found = choose_references(h, 5, multiplicity=multiplicity)
    labels = determinant_labels(h.sector, orbital_labels(h))
    assert len(found) == 5
    assert sorted(r.energy for r in found) == [r.energy for r in found]
    table = np.array([r.state.ravel() for r in found])
    np.testing.assert_allclose(table @ table.T, np.eye(5), atol=1e-12)
    for chosen in found:
        square = spin_square(chosen.state, h.norb, h.nelec)
        assert square == pytest.approx(chosen.spin / 2 * (chosen.spin / 2 + 1), abs=1e-10)
        assert np.unique(labels[chosen.state != 0]).tolist() == [chosen.label]
        np.testing.assert_allclose(
            reference_state(chosen.reference, h.sector), chosen.state, atol=1e-12
        )
        assert multiplicity in (None, chosen.spin + 1)


@pytest.mark.parametrize("multiplicity", [None, 1, 3])
def test_the_references_of_nitrogen_have_the_symmetries_of_its_lowest_states(
    nitrogen, multiplicity
):
    """Equilibrium and 2.0 Å, where a singles CI takes the wrong ones.

    As many states as make whole levels; then spins and irreps are those of the exact states.
    """
    n_states = 5 if multiplicity is None else 6 if multiplicity == 3 else 4
    exact = symmetry_states(nitrogen, n_states + 1, multiplicity=multiplicity)
    while exact.energies[n_states] - exact.energies[n_states - 1] < 1e-4:
        n_states -= 1
    found = choose_references(nitrogen, n_states, multiplicity=multiplicity)
    expected = kinds(nitrogen, exact.states[:n_states])
    assert kinds(nitrogen, [r.state for r in found]) == expected


@pytest.mark.parametrize(("multiplicity", "n_states"), [(1, 3), (3, 3), (None, 5)])
def test_the_references_of_water_have_the_symmetries_of_its_lowest_states(multiplicity, n_states):
    h = hamiltonian(WATER)
    found = choose_references(h, n_states, multiplicity=multiplicity)
    exact = symmetry_states(h, n_states, multiplicity=multiplicity)
    assert kinds(h, [r.state for r in found]) == kinds(h, exact.states)


def test_estimated_energies_are_near_the_exact_ones():
    """Second order in what was left out: within 20 mHa for water's lowest singlets."""
    h = hamiltonian(WATER)
    found = choose_references(h, 4, multiplicity=1)
    exact = symmetry_states(h, 4, multiplicity=1).energies
    assert np.abs(np.array([r.energy for r in found]) - exact).max() < 0.02


@pytest.mark.parametrize("n_configurations", [1, 5, 50])
@pytest.mark.parametrize("name", ["H4", "H2O"])
def test_references_are_never_the_exact_states(name, n_configurations):
    """However many configurations are asked for, half of a block's at most: work is left.

    Blocks of one or two configurations have nothing to leave out.
    """
    h = hamiltonian(MOLECULES[name])
    sizes = {
        (b.spin, b.label): int(b.configurations.max()) + 1
        for b in symmetry_blocks(h, multiplicity=1)
    }
    for chosen in choose_references(h, 3, multiplicity=1, n_configurations=n_configurations):
        size = sizes[chosen.spin, chosen.label]
        bits = {
            tuple(int(t[p]) + int(t[p + h.norb]) for p in range(h.norb))
            for t, _ in chosen.reference.terms
        }
        assert len(bits) <= max((size + 1) // 2, 3)
        if size > 6:
            residual = h.matvec(chosen.state) - h.expectation(chosen.state) * chosen.state
            assert np.linalg.norm(residual) > 1e-3


def test_more_states_than_there_are_give_all_there_are():
    """H2's one triplet with M_S = 0."""
    found = choose_references(hamiltonian("H 0 0 0; H 0 0 0.75"), 4, multiplicity=3)
    assert [r.spin for r in found] == [2]
    assert len(choose_references(hamiltonian("H 0 0 0; H 0 0 0.75"), 9)) == 4


def test_open_shells_and_irreps_are_chosen_too():
    """OH: the Pi pair first, and its Sigma+ on request."""
    h = hamiltonian("O 0 0 0; H 0 0 0.97", spin=1)
    pair = choose_references(h, 2)
    assert {h.point_group.names[r.label] for r in pair} == {"B1", "B2"}
    (sigma,) = choose_references(h, 1, irrep="Sigma+")
    assert h.point_group.names[sigma.label] == "A1"
    assert sigma.energy > pair[0].energy


def test_a_sector_vector_and_its_reference_are_the_same():
    """There and back, signs and order of the bits included."""
    h = hamiltonian(WATER)
    rng = np.random.default_rng(2)
    state = h.sector.zeros()
    state.flat[rng.choice(state.size, 7, replace=False)] = rng.normal(size=7)
    state /= np.linalg.norm(state)
    np.testing.assert_allclose(
        reference_state(state_reference(state, h.sector), h.sector), state, atol=1e-15
    )


def test_given_references_must_be_orthogonal_and_of_the_sector():
    """Each message holds the remedy."""
    h = hamiltonian("H 0 0 0; H 0 0 0.75")
    ground, triplet = qm.Reference.csf("20", (1, 1)), qm.Reference.csf("uu", (1, 1))
    first, second = given_references(h, (ground, triplet))
    assert first[0, 0] == 1.0
    assert abs(second).max() == pytest.approx(0.5**0.5)
    tilted = qm.Reference((("1010", 0.6), ("0101", 0.8)))
    with pytest.raises(InputError, match="give orthogonal references"):
        given_references(h, (ground, tilted))
    with pytest.raises(InputError, match="norb=2"):
        given_references(h, (qm.Reference.csf("200", (1, 1)),))


def test_references_for_a_spin_or_irrep_there_is_none_of_are_refused():
    h = hamiltonian(WATER)
    with pytest.raises(InputError, match="Use one of 1, 3, 5"):
        choose_references(h, 1, multiplicity=4)
    with pytest.raises(InputError, match="no irrep of C2v"):
        choose_references(h, 1, irrep="Pi")
