"""Overlaps of states in different orbitals, against minors and against PySCF."""

from itertools import combinations

import numpy as np
import pytest
from pyscf.fci import addons
from scipy.stats import ortho_group

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector, occupation_strings
from qmlmat.systems import (
    ActiveSpace,
    Molecule,
    choose_orbitals,
    molecular_hamiltonian,
    run_mean_field,
    state_overlaps,
)
from qmlmat.systems.following import active_overlap, follow_orbitals

SECTORS = [(4, (2, 2)), (5, (3, 1)), (3, (0, 2)), (4, (4, 1)), (6, (3, 3))]


def _states(norb, nelec, n_states, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n_states, *Sector(norb, nelec).shape))
    return [vector / np.linalg.norm(vector) for vector in vectors]


def _minors(matrix, norb, n_electrons):
    """All minors, rows and columns in the order of the strings."""
    strings = occupation_strings(norb, n_electrons).tolist()
    occupied = [[p for p in range(norb) if s >> p & 1] for s in strings]
    assert sorted(map(tuple, occupied)) == list(combinations(range(norb), n_electrons))
    return np.array([[np.linalg.det(matrix[np.ix_(a, b)]) for b in occupied] for a in occupied])


@pytest.mark.parametrize(("norb", "nelec"), SECTORS)
def test_overlaps_are_sums_over_minors(norb, nelec):
    """Brute force: a determinant of orbital overlaps for each pair of determinants and spin."""
    matrix = np.random.default_rng(3).standard_normal((norb, norb))
    before, states = (_states(norb, nelec, 2, seed) for seed in (1, 2))
    alpha, beta = (_minors(matrix, norb, n) for n in nelec)
    slow = [[(a * (alpha @ b @ beta.T)).sum() for b in states] for a in before]
    np.testing.assert_allclose(state_overlaps(before, states, matrix, nelec), slow, atol=1e-11)


@pytest.mark.parametrize(("norb", "nelec"), [(4, (2, 2)), (5, (3, 2))])
def test_overlaps_are_those_of_pyscf(norb, nelec):
    """An independent program, where it can: with an overlap that is near one."""
    noise = np.random.default_rng(4).standard_normal((norb, norb))
    matrix = np.eye(norb) + 0.1 * noise
    (a,), (b,) = (_states(norb, nelec, 1, seed) for seed in (5, 6))
    theirs = addons.overlap(a, b, norb, nelec, s=matrix)
    assert state_overlaps([a], [b], matrix, nelec) == pytest.approx(theirs, abs=1e-12)


def test_a_singular_overlap_leaves_nothing_of_what_fills_the_lost_orbital():
    """An orbital without a counterpart: determinants that hold it have no overlap."""
    matrix = np.diag([1.0, 1.0, 0.0])
    holds = np.zeros((3, 3))
    holds[1, 1] = 1.0  # strings 011, 101, 110
    spares = np.zeros((3, 3))
    spares[0, 0] = 1.0
    found = state_overlaps([holds, spares], [holds, spares], matrix, (2, 2))
    np.testing.assert_array_equal(found, np.diag([0.0, 1.0]))


def test_turning_the_orbitals_keeps_norms_and_the_reverse_turns_back():
    """An orthogonal overlap of orbitals is an orthogonal map of states."""
    turn = ortho_group.rvs(4, random_state=np.random.default_rng(2))
    basis = list(np.eye(36).reshape(36, 6, 6))
    there = state_overlaps(basis, basis, turn, (2, 2))
    back = state_overlaps(basis, basis, turn.T, (2, 2))
    np.testing.assert_allclose(there @ back, np.eye(36), atol=1e-12)


def test_states_of_another_sector_are_refused():
    with pytest.raises(InputError, match="Give states of one sector"):
        state_overlaps([np.zeros((3, 3))], [np.zeros((6, 6))], np.eye(4), (2, 2))


def test_neighbouring_geometries_share_their_states():
    """LiH by 0.1 Å: each state is nearly its neighbour's; rotating the molecule changes nothing."""
    lih = Molecule.from_xyz("Li 0 0 0; H 0 0 1.6")
    space = ActiveSpace()
    first = choose_orbitals(run_mean_field(lih), space)
    other = lih.with_positions(np.array([[0, 0, 0], [1.7 / 2**0.5, 1.7 / 2**0.5, 0]]))
    second = follow_orbitals(run_mean_field(other), space, first).orbitals
    before = molecular_hamiltonian(lih, orbitals=first).spectrum(3).states
    states = molecular_hamiltonian(other, orbitals=second).spectrum(3).states
    overlap = active_overlap(other, second, lih, first)
    found = np.abs(state_overlaps(before, states, overlap, first.nelec))
    assert (found.diagonal() > 0.99).all()
    assert (found - np.diag(found.diagonal())).max() < 0.1
