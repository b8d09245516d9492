"""Sigma vectors, spin and density matrices against their slow twin, in every corner."""

from itertools import product

import numpy as np
import pytest
from brute_force import hamiltonian_terms, matrix, random_integrals

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.systems import SigmaBuilder, apply_spin_square, one_rdm, spin_square, two_rdm

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


@pytest.fixture
def state(sector, rng):
    vector = rng.normal(size=sector.shape)
    return vector / np.linalg.norm(vector)


def test_sigma_agrees_with_operators_one_by_one(sector, rng, state):
    """One orbital, no electrons of a spin, full shells: always the dense matrix's product."""
    one, two = random_integrals(sector.norb, rng)
    builder = SigmaBuilder(one, two, sector.nelec, constant=0.7)
    dense = matrix(sector, hamiltonian_terms(one, two)) + 0.7 * np.eye(sector.dimension)
    image = builder.apply(state)
    assert image.shape == sector.shape
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
    expected = state.ravel() @ dense @ state.ravel()
    assert spin_square(3 * state, norb, sector.nelec) == pytest.approx(expected, abs=EXACT)


def test_one_particle_density_agrees_with_operators_one_by_one(sector, state):
    """<a†_p a_q> of each spin, and their sum."""
    norb = sector.norb
    expected = np.zeros((2, norb, norb))
    for s, p, q in product(range(2), range(norb), range(norb)):
        dense = matrix(sector, [(1.0, (("+", p + s * norb), ("-", q + s * norb)))])
        expected[s, p, q] = state.ravel() @ dense @ state.ravel()
    resolved = one_rdm(state, norb, sector.nelec, spin_resolved=True)
    np.testing.assert_allclose(resolved, expected, atol=EXACT)
    np.testing.assert_allclose(one_rdm(state, norb, sector.nelec), expected.sum(0), atol=EXACT)


def test_densities_give_the_energy_and_the_number_of_electrons(sector, rng, state):
    """E = h.g + (pq|rs).G / 2, and the traces count electrons and pairs."""
    norb, total = sector.norb, sum(sector.nelec)
    one, two = random_integrals(norb, rng)
    g, pairs = one_rdm(state, norb, sector.nelec), two_rdm(state, norb, sector.nelec)
    energy = np.vdot(one, g) + 0.5 * np.vdot(two, pairs)
    image = SigmaBuilder(one, two, sector.nelec).apply(state)
    assert energy == pytest.approx(np.vdot(state, image), abs=EXACT)
    assert g.trace() == pytest.approx(total, abs=EXACT)
    assert np.einsum("ppqq", pairs) == pytest.approx(total * (total - 1), abs=EXACT)


def test_two_particle_density_is_resolved_by_spin():
    """Each block of the density is the operator product it claims to be."""
    sector, rng = Sector(3, (2, 1)), np.random.default_rng(0)
    state = rng.normal(size=sector.shape)
    state /= np.linalg.norm(state)
    resolved = two_rdm(state, 3, (2, 1), spin_resolved=True)
    for block, (s, u) in enumerate(((0, 0), (0, 3), (3, 3))):
        for p, q, r, t in ((0, 0, 1, 1), (0, 1, 1, 2), (2, 1, 0, 0), (2, 0, 0, 2)):
            product_ = (("+", p + s), ("+", r + u), ("-", t + u), ("-", q + s))
            dense = matrix(sector, [(1.0, product_)])
            expected = state.ravel() @ dense @ state.ravel()
            assert resolved[block, p, q, r, t] == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        (np.ones((2, 2), dtype=complex), "real and imaginary parts"),
        (np.ones((2, 3)), r"Use shape \(2, 2\)"),
        (np.ones((1, 2, 2)), r"Use shape \(2, 2\)"),
    ],
)
def test_foreign_state_is_refused(state, remedy):
    """A state of another sector or type is never reinterpreted."""
    with pytest.raises(InputError, match=remedy):
        apply_spin_square(state, 2, (1, 1))
