"""Sigma vectors, spin and density matrices against their slow twin, in every corner."""

from itertools import product

import numpy as np
import pytest
from brute_force import hamiltonian_terms, matrix, random_integrals

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.systems import (
    MolecularHamiltonian,
    SigmaBuilder,
    apply_spin_square,
    one_rdm,
    spin_square,
    transition_one_rdm,
    transition_two_rdm,
    two_rdm,
)

EXACT = 1e-11
"""Float64 sums of a few hundred terms of order one."""

SECTORS = [
    (1, (0, 0)),
    (1, (1, 0)),
    (1, (0, 1)),
    (1, (1, 1)),
    (2, (2, 2)),
    (3, (3, 0)),
    (3, (2, 0)),
    (3, (0, 2)),
    (3, (1, 2)),
    (3, (3, 2)),
    (4, (2, 2)),
    (4, (3, 1)),
]


@pytest.fixture(params=SECTORS, ids=str)
def sector(request):
    return Sector(*request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def random_state(sector, rng, kind):
    vector = rng.normal(size=sector.shape)
    if kind == "complex":
        vector = vector + 1j * rng.normal(size=sector.shape)
    return vector / np.linalg.norm(vector)


@pytest.fixture(params=["real", "complex"])
def state(request, sector, rng):
    return random_state(sector, rng, request.param)


def test_sigma_agrees_with_operators_one_by_one(sector, rng, state):
    """One orbital, no electrons of a spin, full shells: always the dense matrix's product."""
    one, two = random_integrals(sector.norb, rng)
    builder = SigmaBuilder(one, two, sector.nelec, constant=0.7)
    dense = matrix(sector, hamiltonian_terms(one, two)) + 0.7 * np.eye(sector.dimension)
    image = builder.apply(state)
    assert (image.shape, image.dtype) == (sector.shape, state.dtype)
    np.testing.assert_allclose(image.ravel(), dense @ state.ravel(), atol=EXACT)
    np.testing.assert_allclose(builder.apply(state.ravel()), dense @ state.ravel(), atol=EXACT)
    np.testing.assert_allclose(builder.diagonal().ravel(), dense.diagonal(), atol=EXACT)


def test_sigma_leaves_its_input_alone(sector, rng, state):
    """A read-only state is accepted, and the result is new memory."""
    state.flags.writeable = False
    builder = SigmaBuilder(*random_integrals(sector.norb, rng), sector.nelec)
    first = builder.apply(state)
    assert not np.shares_memory(first, state)
    np.testing.assert_array_equal(first, builder.apply(state))


def test_spin_square_agrees_with_operators_one_by_one(sector, state):
    """S^2 = S_- S_+ + S_z (S_z + 1), operator by operator."""
    norb = sector.norb
    s_z = 0.5 * (sector.nelec[0] - sector.nelec[1])
    terms = [
        (1.0, (("+", norb + p), ("-", p), ("+", q), ("-", norb + q)))
        for p, q in product(range(norb), repeat=2)
    ]
    dense = matrix(sector, terms) + s_z * (s_z + 1) * np.eye(sector.dimension)
    image = apply_spin_square(state, norb, sector.nelec)
    np.testing.assert_allclose(image.ravel(), dense @ state.ravel(), atol=EXACT)
    expected = np.vdot(state, dense @ state.ravel())
    assert spin_square(3 * state, norb, sector.nelec) == pytest.approx(expected, abs=EXACT)


def test_one_particle_density_agrees_with_operators_one_by_one(sector, state):
    """<a†_p a_q> of each spin, and their sum."""
    norb = sector.norb
    expected = np.zeros((2, norb, norb), dtype=state.dtype)
    for s, p, q in product(range(2), range(norb), range(norb)):
        dense = matrix(sector, [(1.0, (("+", p + s * norb), ("-", q + s * norb)))])
        expected[s, p, q] = np.vdot(state, dense @ state.ravel())
    resolved = one_rdm(state, norb, sector.nelec, spin_resolved=True)
    assert resolved.dtype == state.dtype
    np.testing.assert_allclose(resolved, expected, atol=EXACT)
    np.testing.assert_allclose(one_rdm(state, norb, sector.nelec), expected.sum(0), atol=EXACT)


def test_densities_give_the_energy_and_the_number_of_electrons(sector, rng, state):
    """E = h.g + (pq|rs).G / 2, and the traces count electrons and pairs."""
    norb, total = sector.norb, sum(sector.nelec)
    one, two = random_integrals(norb, rng)
    g, pairs = one_rdm(state, norb, sector.nelec), two_rdm(state, norb, sector.nelec)
    energy = np.sum(one * g) + 0.5 * np.sum(two * pairs)
    image = SigmaBuilder(one, two, sector.nelec).apply(state)
    assert energy == pytest.approx(np.vdot(state, image), abs=EXACT)
    assert g.trace() == pytest.approx(total, abs=EXACT)
    assert np.einsum("ppqq", pairs) == pytest.approx(total * (total - 1), abs=EXACT)


def test_energy_of_a_complex_state_is_real(sector, rng, state):
    """<H> of a state of any norm is one real number, from the vector or from its densities."""
    one, two = random_integrals(sector.norb, rng)
    hamiltonian = MolecularHamiltonian(one_body=one, two_body=two, nelec=sector.nelec)
    dense = matrix(sector, hamiltonian_terms(one, two))
    energy = hamiltonian.expectation(3 * state)
    assert isinstance(energy, float)
    assert energy == pytest.approx(np.vdot(state, dense @ state.ravel()).real, abs=EXACT)


KINDS = [("real", "real"), ("real", "complex"), ("complex", "real"), ("complex", "complex")]


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_one_particle_transitions_agree_with_operators_one_by_one(sector, rng, kinds):
    """<bra|a†_p a_q|ket>: the bra is conjugated, p is created."""
    norb = sector.norb
    bra, ket = (random_state(sector, rng, kind) for kind in kinds)
    expected = np.zeros((2, norb, norb), dtype=complex)
    for s, p, q in product(range(2), range(norb), range(norb)):
        dense = matrix(sector, [(1.0, (("+", p + s * norb), ("-", q + s * norb)))])
        expected[s, p, q] = np.vdot(bra, dense @ ket.ravel())
    resolved = transition_one_rdm(bra, ket, norb, sector.nelec, spin_resolved=True)
    assert np.iscomplexobj(resolved) == ("complex" in kinds)
    np.testing.assert_allclose(resolved, expected, atol=EXACT)
    total = transition_one_rdm(bra.ravel(), ket.ravel(), norb, sector.nelec)
    np.testing.assert_allclose(total, expected.sum(0), atol=EXACT)


def test_the_hamiltonian_between_two_states_is_in_their_transition_densities(sector, rng, state):
    """<bra|H|ket> = h.g + (pq|rs).G / 2, in every sector."""
    norb, bra = sector.norb, random_state(sector, rng, "complex")
    one, two = random_integrals(norb, rng)
    g = transition_one_rdm(bra, state, norb, sector.nelec)
    pairs = transition_two_rdm(bra, state, norb, sector.nelec)
    image = SigmaBuilder(one, two, sector.nelec).apply(state)
    energy = np.sum(one * g) + 0.5 * np.sum(two * pairs)
    assert energy == pytest.approx(np.vdot(bra, image), abs=EXACT)


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_two_particle_transitions_are_resolved_by_spin(kinds):
    """Each block is the operator product it claims to be; the total is the sum over spins."""
    sector, rng = Sector(3, (2, 1)), np.random.default_rng(0)
    bra, ket = (random_state(sector, rng, kind) for kind in kinds)

    def expected(p, q, r, t, s, u):
        product_ = (("+", p + s), ("+", r + u), ("-", t + u), ("-", q + s))
        return np.vdot(bra, matrix(sector, [(1.0, product_)]) @ ket.ravel())

    resolved = transition_two_rdm(bra, ket, 3, (2, 1), spin_resolved=True)
    total = transition_two_rdm(bra, ket, 3, (2, 1))
    assert np.iscomplexobj(total) == np.iscomplexobj(resolved) == ("complex" in kinds)
    for pqrt in ((0, 0, 1, 1), (0, 1, 1, 2), (2, 1, 0, 0), (2, 0, 0, 2), (1, 0, 2, 1)):
        for block, (s, u) in enumerate(((0, 0), (0, 3), (3, 3))):
            assert resolved[block][pqrt] == pytest.approx(expected(*pqrt, s, u), abs=EXACT)
        spins = sum(expected(*pqrt, s, u) for s, u in product((0, 3), repeat=2))
        assert total[pqrt] == pytest.approx(spins, abs=EXACT)


@pytest.mark.parametrize("kind", ["real", "complex"])
def test_densities_are_transitions_from_a_state_to_itself(kind):
    """The same numbers whether or not the two sides are known to be one state."""
    sector, rng = Sector(4, (2, 1)), np.random.default_rng(5)
    state = random_state(sector, rng, kind)
    for density, transition in ((one_rdm, transition_one_rdm), (two_rdm, transition_two_rdm)):
        for resolved in (False, True):
            np.testing.assert_allclose(
                density(state, 4, (2, 1), spin_resolved=resolved),
                transition(state, state.copy(), 4, (2, 1), spin_resolved=resolved),
                atol=EXACT,
            )


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        (np.ones((2, 3)), r"Use shape \(2, 2\)"),
        (np.ones((1, 2, 2)), r"Use shape \(2, 2\)"),
    ],
)
def test_foreign_state_is_refused(state, remedy):
    """A state of another sector is never reinterpreted."""
    for call in (apply_spin_square, one_rdm, two_rdm):
        with pytest.raises(InputError, match=remedy):
            call(state, 2, (1, 1))


def test_a_state_of_the_spin_flipped_sector_is_refused():
    """It has the right size and the wrong shape: as wrong as any other."""
    for call in (apply_spin_square, one_rdm, two_rdm):
        for state in (np.ones((4, 6)), np.float64(1)):
            with pytest.raises(InputError, match=r"Use shape \(6, 4\)"):
                call(state, 4, (2, 1))
