"""Excitations and the building blocks made of them."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from twins import generator_matrix

from qmlmat.ansatz import Excitation
from qmlmat.ansatz.generators import GENERATORS
from qmlmat.errors import InputError


def sectors(max_norb=4):
    return st.integers(1, max_norb).flatmap(
        lambda n: st.tuples(st.just(n), st.tuples(st.integers(0, n), st.integers(0, n)))
    )


@given(sectors(), st.sampled_from(sorted(GENERATORS)), st.sampled_from(["any"]))
def test_generalised_blocks_hold_each_generator_once(sector, name, where):
    """No generator of a block is plus or minus another: parameters are not redundant."""
    norb, nelec = sector
    matrices = [generator_matrix(e, 4, (2, 2)) for e in GENERATORS[name](norb, nelec, where)]
    for i, left in enumerate(matrices):
        for right in matrices[:i]:
            assert not np.array_equal(left, right)
            assert not np.array_equal(left, -right)


@given(sectors(), st.sampled_from(sorted(GENERATORS)))
def test_blocks_from_the_reference_leave_occupied_orbitals_only(sector, name):
    """Every move starts below the number of electrons and ends above it."""
    norb, nelec = sector
    for excitation in GENERATORS[name](norb, nelec, "occupied_to_virtual"):
        for moves, n in ((excitation.alpha, nelec[0]), (excitation.beta, nelec[1])):
            assert all(i < n <= a < norb for i, a in moves)


@pytest.mark.parametrize("name", ["singles", "mixed_doubles", "same_spin_doubles"])
@pytest.mark.parametrize("where", ["occupied_to_virtual", "any"])
def test_lists_of_qubit_excitations_are_the_fermionic_ones_without_signs(name, where):
    """The same moves in the same order, and matrices that differ in signs only."""
    fermionic, qubit = (GENERATORS[n](4, (2, 2), where) for n in (name, f"qubit_{name}"))
    assert [(e.alpha, e.beta) for e in fermionic] == [(e.alpha, e.beta) for e in qubit]
    assert all(e.qubit for e in qubit)
    assert not any(e.qubit for e in fermionic)
    for one, other in zip(fermionic, qubit, strict=True):
        assert one != other
        matrices = [generator_matrix(e, 4, (2, 2)) for e in (one, other)]
        np.testing.assert_array_equal(*map(np.abs, matrices))


def test_a_qubit_excitation_does_not_see_the_order_of_its_moves():
    """Exchanging where two electrons go changes the sign for fermions, and nothing for qubits."""
    straight, crossed = ((0, 2), (1, 3)), ((0, 3), (1, 2))
    matrices = [
        generator_matrix(Excitation(moves, qubit=qubit), 4, (2, 2))
        for qubit in (False, True)
        for moves in (straight, crossed)
    ]
    np.testing.assert_array_equal(matrices[0], -matrices[1])
    np.testing.assert_array_equal(matrices[2], matrices[3])


@pytest.mark.parametrize("qubit", [False, True])
def test_adjoint_negates_the_generator_and_flip_exchanges_the_spins(qubit):
    """T† has minus the generator; the flip's matrix acts on the transposed state."""
    excitation = Excitation(((0, 2),), ((1, 3),), qubit=qubit)
    matrix = generator_matrix(excitation, 4, (2, 2))
    assert np.array_equal(generator_matrix(excitation.adjoint(), 4, (2, 2)), -matrix)
    flipped = generator_matrix(excitation.spin_flipped(), 4, (2, 2))
    order = np.arange(36).reshape(6, 6).T.ravel()
    assert np.array_equal(flipped, matrix[np.ix_(order, order)])


def test_label_names_the_moves():
    """The label is what a user reads in a table."""
    excitation = Excitation(((0, 2),), ((1, 3),))
    assert str(excitation) == "0->2 alpha, 1->3 beta"
    assert str(Excitation(beta=((0, 2),), qubit=True)) == "0->2 beta (qubit)"
    assert excitation.rank == 2


@pytest.mark.parametrize(
    ("alpha", "remedy"),
    [
        (((0, 0),), "distinct orbitals"),
        (((0, 2), (1, 2)), "distinct orbitals"),
        (((0, -1),), "indices >= 0"),
        ((), "at least one move"),
    ],
)
def test_impossible_excitations_are_refused(alpha, remedy):
    """Each refusal says what would be right."""
    with pytest.raises(InputError, match=remedy):
        Excitation(alpha)
