"""The compiled sigma build against dense matrices, PySCF, and itself cut into parts."""

import pickle
from dataclasses import fields

import numpy as np
import pytest
from brute_force import hamiltonian_terms, matrix, random_integrals
from hypothesis import given, settings
from hypothesis import strategies as st

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.systems import SigmaBuilder, sigma, sigma_tables
from qmlmat.systems.sigma_kernels import sigma_rows
from qmlmat.systems.sigma_tables import spin_matrix, spin_tables, table_bytes, tables_fit

ROUNDING = 1e-13
"""Relative: float64 sums of hundreds of terms, in another order."""

LARGER = [
    (8, (4, 4)),
    (8, (5, 3)),
    (7, (1, 4)),
    (7, (4, 1)),
    (9, (0, 3)),
    (9, (3, 0)),
    (6, (6, 3)),
    (12, (1, 1)),
    (20, (1, 0)),
]
"""More strings than lanes, fewer, and counts that no number of lanes divides."""


def assert_same(result, expected, tolerance=ROUNDING):
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance * scale)


def random_state(sector, rng, *leading):
    shape = (*leading, *sector.shape)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@pytest.fixture(params=LARGER, ids=str)
def sector(request):
    return Sector(*request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(8)


@pytest.fixture
def integrals(sector, rng):
    return random_integrals(sector.norb, rng)


@st.composite
def small_sectors(draw):
    norb = draw(st.integers(1, 4))
    electrons = st.integers(0, norb)
    return Sector(norb, (draw(electrons), draw(electrons)))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(small_sectors(), st.integers(0, 2**32 - 1))
def test_compiled_build_is_the_dense_matrix(sector, seed):
    """Any sector, empty and full shells included; real, complex, and several states at once."""
    rng = np.random.default_rng(seed)
    one, two = random_integrals(sector.norb, rng)
    builder = SigmaBuilder(one, two, sector.nelec, constant=-0.4)
    dense = matrix(sector, hamiltonian_terms(one, two)) - 0.4 * np.eye(sector.dimension)
    states = random_state(sector, rng, 3)
    expected = (states.reshape(3, -1) @ dense.T).reshape(states.shape)
    assert_same(builder.apply(states), expected)
    assert_same(builder.apply(states.real), np.ascontiguousarray(expected.real))


def test_compiled_build_agrees_with_pyscf(sector, rng, integrals, monkeypatch):
    """Two programs, one Hamiltonian: what the fallback computes is what the kernels compute."""
    state = random_state(sector, rng, 2)
    compiled = SigmaBuilder(*integrals, sector.nelec, constant=1.3).apply(state)
    monkeypatch.setattr(sigma, "sigma_rows", None)
    monkeypatch.setattr(sigma, "tables_fit", lambda _: False)
    fallback = SigmaBuilder(*integrals, sector.nelec, constant=1.3)
    assert_same(fallback.apply(state), compiled)
    assert_same(fallback.apply(state[0].real), compiled[0].real)


def test_fallback_takes_the_sector_without_electrons(monkeypatch):
    """PySCF has no strings there; the constant remains."""
    monkeypatch.setattr(sigma, "tables_fit", lambda _: False)
    builder = SigmaBuilder(*random_integrals(2, np.random.default_rng(0)), (0, 0), constant=0.5)
    np.testing.assert_array_equal(builder.apply(np.array([[2.0]])), [[1.0]])


def test_several_states_are_one_by_one(sector, rng, integrals):
    """A stack shares its lanes between states, and no state feels the others."""
    builder = SigmaBuilder(*integrals, sector.nelec)
    states = random_state(sector, rng, 5)
    together = builder.apply(states)
    for state, image in zip(states, together, strict=True):
        assert_same(builder.apply(state), image)
        assert_same(builder.apply(state.real.ravel()), image.real.ravel())


@pytest.mark.parametrize("n_threads", [2, 3])
def test_threads_do_not_change_the_result(sector, rng, integrals, monkeypatch, n_threads):
    """Each row is summed in the same order by whichever thread writes it."""
    builder = SigmaBuilder(*integrals, sector.nelec, constant=0.1)
    states = random_state(sector, rng, 2)
    alone = builder.apply(states)
    monkeypatch.setattr(sigma, "PARALLEL_DIMENSION", 1)
    monkeypatch.setattr(sigma, "get_num_threads", lambda: n_threads)
    assert_same(builder.apply(states), alone, tolerance=1e-14)


def test_a_part_writes_its_rows_only(sector, rng, integrals):
    """What lets threads share the result without locks."""
    builder = SigmaBuilder(*integrals, sector.nelec)
    state = rng.normal(size=(1, *sector.shape))
    low, high = sector.shape[0] // 3, sector.shape[0] // 3 * 2
    image = np.full_like(state, np.nan)
    state.flags.writeable = False
    sigma_rows(state, image, low, high, *builder._operands)
    written = np.zeros(sector.shape[0], dtype=bool)
    written[low:high] = True
    assert (np.isfinite(image[0]) == written[:, None]).all()


def test_states_need_not_be_contiguous_doubles(rng):
    """Transposed, integer and single-precision states are converted, never reinterpreted."""
    sector = Sector(4, (2, 2))
    builder = SigmaBuilder(*random_integrals(4, rng), (2, 2))
    state = rng.integers(-3, 4, size=sector.shape)
    expected = builder.apply(state.astype(float))
    assert_same(builder.apply(state), expected)
    assert_same(builder.apply(np.asfortranarray(state, dtype=float)), expected)
    assert_same(builder.apply(state.astype(np.complex64)), expected.astype(complex))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 4, 1), (1, 1, 2, 2)])
def test_foreign_states_are_refused(shape):
    """A stack has the sector's shape behind its first axis."""
    builder = SigmaBuilder(*random_integrals(2, np.random.default_rng(0)), (1, 1))
    with pytest.raises(InputError, match=r"Use shape \(2, 2\) or \(n_states, 2, 2\)"):
        builder.apply(np.ones(shape))


def test_memory_of_the_tables_is_known_beforehand(sector, integrals):
    """The rule that chooses PySCF counts what the tables really take."""
    for n_electrons in sector.nelec:
        tables = spin_tables(sector.norb, n_electrons)
        arrays = [getattr(tables, field.name) for field in fields(tables)[1:]]
        taken = sum(a.nbytes for a in arrays) - tables.pair_start.nbytes
        taken += spin_matrix(tables, *integrals).nbytes
        assert taken == table_bytes(sector.norb, n_electrons)


@pytest.mark.parametrize(
    ("norb", "nelec", "fits"),
    [
        (1, (0, 0), True),
        (14, (7, 7), True),  # 12 million determinants
        (10, (0, 5), True),
        (26, (0, 13), False),  # 10 million determinants, all of one spin
        (40, (1, 5), False),
    ],
)
def test_pyscf_takes_over_where_tables_would_outgrow_the_state(norb, nelec, fits):
    assert tables_fit(Sector(norb, nelec)) == fits


def test_tables_made_in_pieces_are_the_same(monkeypatch):
    """Doubles are tabulated some strings at a time; no test sector would need two pieces."""
    whole = spin_tables(7, 3)
    monkeypatch.setattr(sigma_tables, "_CHUNK", 100)
    pieces = spin_tables.__wrapped__(7, 3)
    for name in ("columns", "double_code", "double_sign"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


def test_a_pickled_builder_leaves_its_tables_behind():
    """They are made again where they are needed; the result is the same."""
    rng = np.random.default_rng(0)
    two_body = rng.normal(size=(3,) * 4)
    two_body = two_body + two_body.transpose(1, 0, 2, 3)
    two_body = two_body + two_body.transpose(0, 1, 3, 2)
    two_body = two_body + two_body.transpose(2, 3, 0, 1)
    builder = SigmaBuilder(np.diag([1.0, 2.0, 3.0]), two_body, (2, 1), constant=0.5)
    state = rng.normal(size=(3, 3))
    image = builder.apply(state)
    other = pickle.loads(pickle.dumps(builder))
    assert "_operands" not in vars(other)
    np.testing.assert_array_equal(other.apply(state), image)
