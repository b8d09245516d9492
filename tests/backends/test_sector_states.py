"""State vectors of the sector backend: batches, many starts, overlaps, transition densities."""

import brute_force
import numpy as np
import pytest
from twins import circuit_matrix, random_observable

from qmlmat.ansatz import Ansatz, Circuit, Gate, NumberProduct
from qmlmat.backends import (
    Preparation,
    Reference,
    Request,
    SectorBackend,
    sector_evaluator,
    sector_program,
)
from qmlmat.errors import InputError
from qmlmat.operators import parallel
from qmlmat.operators.sector import Sector

BATCH = 1e-13  # batched = one by one
BACKEND = SectorBackend()
NORB, NELEC = 3, (2, 1)


def phased(circuit):
    """The circuit with phases between its gates: complex amplitudes."""
    gates = list(circuit.gates)
    numbers = [NumberProduct((0,)), NumberProduct((0, 1), (2,)), NumberProduct((), (1,))]
    for k, number in enumerate(numbers):
        gates.insert(3 * k + 1, Gate(number, circuit.n_params + k))
    return Circuit(circuit.norb, circuit.nelec, tuple(gates), circuit.n_params + len(numbers))


@pytest.fixture(params=["real", "complex"])
def circuit(request):
    plain = Ansatz("uccsd").circuit(NORB, NELEC)
    return plain if request.param == "real" else phased(plain)


@pytest.fixture
def rng():
    return np.random.default_rng(17)


def prepared(circuit, params, reference=None):
    start = Reference.hartree_fock(NORB, NELEC) if reference is None else reference
    return Preparation(circuit, start, params)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("at_a_time", [1, 3, 100])
@pytest.mark.parametrize("pairing", ["each", "all"])
def test_batches_are_what_one_by_one_gives(
    monkeypatch, circuit, rng, pairing, at_a_time, n_threads
):
    """Values and gradients to 1e-13: any threads, any number of states held at a time."""
    monkeypatch.setattr(parallel, "_chosen", [n_threads])
    size = 2 * Sector(NORB, NELEC).dimension
    monkeypatch.setattr(sector_evaluator, "BATCH_AMPLITUDES", at_a_time * size)
    observables = tuple(random_observable(NORB, NELEC, rng) for _ in range(5))
    params = rng.normal(size=(5, circuit.n_params))

    def answer(rows, chosen, pairing):
        request = Request(
            preparation=prepared(circuit, None), observables=tuple(chosen), pairing=pairing
        )
        return BACKEND.prepare(request).value_and_gradient(rows)

    together = answer(params, observables, pairing)
    single = [[answer(row, [o], "all") for o in observables] for row in params]
    values = np.array([[a.values[0] for a in row] for row in single])
    gradients = np.array([[a.gradient[0] for a in row] for row in single])
    if pairing == "each":
        values, gradients = np.diag(values), gradients[np.arange(5), np.arange(5)]
    scale = np.abs(gradients).max()
    assert together.values == pytest.approx(values, abs=BATCH * scale)
    assert together.gradient == pytest.approx(gradients, abs=BATCH * scale)
    nested = answer(params.reshape(5, 1, -1), observables, "all")
    assert nested.gradient.shape == (5, 1, 5, circuit.n_params)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_many_states_and_many_parameters_broadcast(monkeypatch, circuit, rng, n_threads):
    """SSVQE turns many references by one circuit; a batch of circuits turns one reference."""
    monkeypatch.setattr(parallel, "_chosen", [n_threads])
    shape = Sector(NORB, NELEC).shape
    states, params = rng.normal(size=(4, *shape)), rng.normal(size=(4, circuit.n_params))
    table = np.array([[BACKEND.apply(circuit, s, p) for p in params] for s in states])
    some = [
        (BACKEND.apply(circuit, states, params[0]), table[:, 0]),
        (BACKEND.apply(circuit, states[0], params), table[0]),
        (BACKEND.apply(circuit, states, params), table[np.arange(4), np.arange(4)]),
        (BACKEND.apply(circuit, states[:, None], params), table),
    ]
    for ours, expected in some:
        assert ours == pytest.approx(expected, abs=BATCH)
    none = BACKEND.apply(circuit, states[:0], params[0])
    assert none.shape == (0, *shape)


def test_large_states_share_their_rows_among_threads(monkeypatch, rng):
    """The same to 1e-12 where one state is worth two threads; here on 4,900 determinants."""
    circuit = Ansatz("uccsd").circuit(8, (4, 4))
    params = 0.1 * rng.normal(size=(2, circuit.n_params))
    states = rng.normal(size=(2, 70, 70))
    one = BACKEND.apply(circuit, states, params)
    monkeypatch.setattr(sector_program, "PARALLEL_SIZE", 1000)
    for n_threads in (2, 3):
        monkeypatch.setattr(parallel, "_chosen", [n_threads])
        assert BACKEND.apply(circuit, states, params) == pytest.approx(one, abs=1e-12)


def test_the_state_given_is_left_alone(circuit, rng):
    state = rng.normal(size=Sector(NORB, NELEC).shape)
    kept = state.copy()
    BACKEND.apply(circuit, state, rng.normal(size=circuit.n_params))
    assert np.array_equal(state, kept)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.int64])
def test_states_of_any_number_type_are_converted(circuit, rng, dtype):
    """The kernels read 8 bytes a number: nothing else may reach them."""
    state = rng.integers(-3, 4, Sector(NORB, NELEC).shape).astype(dtype)
    params = rng.normal(size=circuit.n_params)
    expected = BACKEND.apply(circuit, state.astype(complex), params)
    assert BACKEND.apply(circuit, state, params) == pytest.approx(expected, abs=1e-12)


def test_an_observable_cannot_change_the_state_it_is_given(circuit):
    class InPlace:
        norb, nelec = NORB, NELEC

        def matvec(self, state):
            state *= 2
            return state

    request = Request(preparation=prepared(circuit, None), observables=(InPlace(),))
    with pytest.raises(ValueError, match="read-only"):
        BACKEND.prepare(request)(np.zeros(circuit.n_params))


def test_batches_of_nothing_and_single_states_keep_their_shapes(circuit):
    params = np.zeros(circuit.n_params)
    none, one = prepared(circuit, params[None][:0]), prepared(circuit, params)
    assert BACKEND.overlap(one, one).shape == ()
    assert BACKEND.overlap(one, one) == pytest.approx(1.0, abs=BATCH)
    assert BACKEND.overlap(none, one).shape == (0,)
    assert BACKEND.transition(none, one).shape == (0, NORB, NORB)
    assert BACKEND.transition(one, one, spin_resolved=True).shape == (2, NORB, NORB)
    assert BACKEND.metric(none).shape == (0, circuit.n_params, circuit.n_params)


def test_overlaps_are_those_of_the_states(circuit, rng):
    """Every bra with every ket, the bra conjugated; circuits may differ."""
    params = rng.normal(size=(3, circuit.n_params))
    other = Ansatz("uccgsd").circuit(NORB, NELEC)
    bra = prepared(circuit, params)
    ket = prepared(other, rng.normal(size=(2, 2, other.n_params)))
    overlap = BACKEND.overlap(bra, ket)
    left, right = BACKEND.state(bra), BACKEND.state(ket)
    expected = np.einsum("iab,jkab->ijk", left.conj(), right)
    assert overlap.shape == (3, 2, 2)
    assert overlap == pytest.approx(expected, abs=BATCH)
    assert np.diag(BACKEND.overlap(bra, bra)) == pytest.approx(np.ones(3), abs=BATCH)


def test_transition_densities_are_dense_matrix_elements(circuit, rng):
    """<bra| a†_p a_q |ket>, by creation and annihilation operators on bit strings."""
    bra = prepared(circuit, rng.normal(size=(2, circuit.n_params)))
    ket = prepared(circuit, rng.normal(size=circuit.n_params), Reference.determinant("101010"))
    resolved = BACKEND.transition(bra, ket, spin_resolved=True)
    assert resolved.shape == (2, 2, NORB, NORB)
    left, right = BACKEND.state(bra), BACKEND.state(ket)
    for spin in (0, 1):
        for p in range(NORB):
            for q in range(NORB):
                factors = [("+", p + spin * NORB), ("-", q + spin * NORB)]
                matrix = brute_force.matrix(Sector(NORB, NELEC), [(1.0, factors)])
                expected = left.reshape(2, -1).conj() @ matrix @ right.ravel()
                assert resolved[:, spin, p, q] == pytest.approx(expected, abs=1e-12)
    total = BACKEND.transition(bra, ket)
    assert total == pytest.approx(resolved.sum(axis=1), abs=BATCH)


def test_complex_references_make_complex_states(rng):
    """(|i> + i |j>)/sqrt2: what imaginary parts of matrix elements are read from."""
    circuit = Ansatz("uccsd").circuit(NORB, NELEC)
    params = rng.normal(size=circuit.n_params)
    half = 0.5**0.5
    both = Reference((("110100", half), ("101010", 1j * half)))
    assert not both.is_real
    state = BACKEND.state(prepared(circuit, params, both))
    start = np.zeros(Sector(NORB, NELEC).shape, dtype=complex)
    start[Sector(NORB, NELEC).index("110100")] = half
    start[Sector(NORB, NELEC).index("101010")] = 1j * half
    expected = circuit_matrix(circuit, params) @ start.ravel()
    assert state.ravel() == pytest.approx(expected, abs=1e-12)
    with pytest.raises(InputError, match="add up to 1"):
        Reference((("110100", 1j), ("101010", 1.0)))


def test_batches_of_derivatives_keep_their_shapes(circuit, rng):
    """Metric, Hessian products and pool slopes of a batch are those of its members."""
    params = rng.normal(size=(2, 1, circuit.n_params))
    vectors = rng.normal(size=(3, circuit.n_params))
    observable = random_observable(NORB, NELEC, rng)
    pool = Ansatz("uccgsd", spin_tied=True).circuit(NORB, NELEC)
    batch = prepared(circuit, params)
    metric = BACKEND.metric(batch)
    slopes = BACKEND.pool_gradients(batch, observable, pool)
    products = BACKEND.hvp(batch, observable, vectors)
    assert metric.shape == (2, 1, circuit.n_params, circuit.n_params)
    assert slopes.shape == (2, 1, pool.n_params)
    assert products.shape == (2, 3, circuit.n_params)
    one = prepared(circuit, params[1, 0])
    assert metric[1, 0] == pytest.approx(BACKEND.metric(one), abs=BATCH)
    assert slopes[1, 0] == pytest.approx(BACKEND.pool_gradients(one, observable, pool), abs=BATCH)
    expected = BACKEND.hvp(one, observable, vectors[2])
    assert products[1, 2] == pytest.approx(expected, abs=BATCH)


def test_a_real_circuit_takes_a_pool_with_phases(rng):
    """The slope of exp(i t N) at zero is <i [O, N]>, which only a complex observable feels."""
    circuit = Ansatz("uccsd").circuit(NORB, NELEC)
    pool = Circuit(NORB, NELEC, (Gate(NumberProduct((1,)), 0),), 1)
    observable = random_observable(NORB, NELEC, rng)
    preparation = prepared(circuit, rng.normal(size=circuit.n_params))
    state = BACKEND.state(preparation).ravel()
    number = np.repeat(Sector(NORB, NELEC).alpha_strings >> 1 & 1, Sector(NORB, NELEC).shape[1])
    commutator = observable.matrix * number - number[:, None] * observable.matrix
    expected = (1j * state @ commutator @ state).real
    slope = BACKEND.pool_gradients(preparation, observable, pool)
    assert slope == pytest.approx([expected], abs=1e-12)


def test_unfitting_states_and_sectors_are_refused(rng):
    circuit = Ansatz("uccsd").circuit(NORB, NELEC)
    elsewhere = Ansatz("uccsd").circuit(NORB, (1, 1))
    here = prepared(circuit, np.zeros(circuit.n_params))
    there = Preparation(elsewhere, Reference.hartree_fock(NORB, (1, 1)), np.zeros(8))
    observable = random_observable(NORB, (1, 1), rng)
    for call in (BACKEND.overlap, BACKEND.transition):
        with pytest.raises(InputError, match="one sector"):
            call(here, there)
    with pytest.raises(InputError, match="same sector"):
        BACKEND.pool_gradients(here, random_observable(NORB, NELEC, rng), elsewhere)
    with pytest.raises(InputError, match="norb and nelec"):
        BACKEND.pool_gradients(here, observable, circuit)
    with pytest.raises(InputError, match="norb and nelec"):
        BACKEND.hvp(here, observable, np.zeros(circuit.n_params))
    states = np.zeros((3, *Sector(NORB, NELEC).shape))
    with pytest.raises(InputError, match="do not broadcast"):
        BACKEND.apply(circuit, states, np.zeros((2, circuit.n_params)))
    with pytest.raises(InputError, match="do not broadcast"):
        BACKEND.hvp(
            prepared(circuit, np.zeros((2, circuit.n_params))),
            random_observable(NORB, NELEC, rng),
            np.zeros((3, circuit.n_params)),
        )
    with pytest.raises(InputError, match=r"Set Preparation\.params"):
        BACKEND.metric(prepared(circuit, None))


def several_references():
    """Four references of different lengths, in an order that is not that of the sector."""
    half = 0.5**0.5
    return (
        Reference.hartree_fock(NORB, NELEC),
        Reference((("101010", half), ("110001", -half))),
        Reference.determinant("011001"),
        Reference((("110010", 0.6), ("101100", 0.8))),
    )


@pytest.mark.parametrize("axes", [(), (3,), (2, 3)])
def test_several_references_are_one_more_axis_of_a_batch(circuit, rng, axes):
    """States, metric, pool slopes and Hessian products: the last axis of the batch, one by one."""
    references = several_references()
    params = rng.normal(size=(*axes, circuit.n_params))
    observable = random_observable(NORB, NELEC, rng)
    pool = Ansatz("uccgsd", spin_tied=True).circuit(NORB, NELEC)
    direction = rng.normal(size=circuit.n_params)
    together = Preparation(circuit, references, params)
    assert together.batch_axes == (4,)

    def all_of(preparation):
        return (
            BACKEND.state(preparation),
            BACKEND.metric(preparation),
            BACKEND.pool_gradients(preparation, observable, pool),
            BACKEND.hvp(preparation, observable, direction),
        )

    found = all_of(together)
    for k, reference in enumerate(references):
        alone = all_of(Preparation(circuit, reference, params))
        for whole, one in zip(found, alone, strict=True):
            assert whole.shape == (*axes, 4, *one.shape[len(axes) :])
            part = np.moveaxis(whole, len(axes), 0)[k]
            assert part == pytest.approx(one, abs=BATCH * max(1, np.abs(one).max()))


@pytest.mark.parametrize("at_a_time", [1, 3, 100])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_expectations_of_several_references_are_those_of_each(
    monkeypatch, circuit, rng, at_a_time, n_threads
):
    """Every reference with every observable, values and gradients, however they are shared out."""
    monkeypatch.setattr(parallel, "_chosen", [n_threads])
    size = 2 * Sector(NORB, NELEC).dimension
    monkeypatch.setattr(sector_evaluator, "BATCH_AMPLITUDES", at_a_time * size)
    references = several_references()
    observables = tuple(random_observable(NORB, NELEC, rng) for _ in range(2))
    params = rng.normal(size=(3, circuit.n_params))

    def answer(reference):
        preparation = Preparation(circuit, reference)
        request = Request(preparation=preparation, observables=observables)
        return BACKEND.prepare(request).value_and_gradient(params)

    together, single = answer(references), [answer(reference) for reference in references]
    scale = np.abs(together.gradient).max()
    assert together.values.shape == (3, 4, 2)
    assert together.gradient.shape == (3, 4, 2, circuit.n_params)
    for k, one in enumerate(single):
        assert together.values[:, k] == pytest.approx(one.values, abs=BATCH * scale)
        assert together.gradient[:, k] == pytest.approx(one.gradient, abs=BATCH * scale)


def test_each_reference_may_meet_an_observable_of_its_own(circuit, rng):
    """SSVQE's objective: reference k with observable k; gradients by central differences."""
    references = several_references()
    observables = tuple(random_observable(NORB, NELEC, rng) for _ in range(4))
    preparation = Preparation(circuit, references)
    request = Request(preparation=preparation, observables=observables, pairing="each")
    evaluator = BACKEND.prepare(request)
    params = rng.normal(size=circuit.n_params)
    answer = evaluator.value_and_gradient(params)
    assert answer.values.shape == (4,)
    assert answer.gradient.shape == (4, circuit.n_params)
    states = BACKEND.state(Preparation(circuit, references, params))
    for value, state, observable in zip(answer.values, states, observables, strict=True):
        mean = np.vdot(state, observable.matvec(state)).real
        assert value == pytest.approx(mean, abs=1e-12 * 100)
    step = 1e-5
    for k in range(circuit.n_params):
        shift = step * np.eye(circuit.n_params)[k]
        above, below = (evaluator(params + s * shift).values for s in (1, -1))
        differences = (above - below) / (2 * step)
        assert answer.gradient[:, k] == pytest.approx(differences, abs=1e-6)
    weights = rng.uniform(size=4)
    assert evaluator(params).values @ weights == pytest.approx(answer.values @ weights, abs=1e-12)


def test_one_reference_in_a_tuple_is_an_axis_of_length_one(circuit, rng):
    """As arrays of one row are: shapes say what was asked."""
    params = rng.normal(size=circuit.n_params)
    reference = Reference.hartree_fock(NORB, NELEC)
    alone, tupled = (prepared(circuit, params, r) for r in (reference, (reference,)))
    assert alone.batch_axes == ()
    assert tupled.batch_axes == (1,)
    assert np.array_equal(BACKEND.state(tupled), BACKEND.state(alone)[None])
    observable = random_observable(NORB, NELEC, rng)
    requests = [Request(preparation=p, observables=(observable,)) for p in (alone, tupled)]
    one, other = BACKEND.run(requests)
    assert (one.values.shape, other.values.shape) == ((1,), (1, 1))


def test_one_circuit_keeps_the_overlaps_of_its_references(circuit, rng):
    """<r_i| U† U |r_j> = <r_i|r_j>: what several states by one circuit rest on."""
    references = several_references()
    both = prepared(circuit, rng.normal(size=circuit.n_params), references)
    at_start = prepared(circuit, np.zeros(circuit.n_params), references)
    expected = BACKEND.overlap(at_start, at_start)
    assert BACKEND.overlap(both, both) == pytest.approx(expected, abs=1e-12)
    assert BACKEND.transition(both, both).shape == (4, 4, NORB, NORB)


def test_a_complex_reference_makes_the_whole_batch_complex(rng):
    """One of them suffices; the real ones are what they are alone."""
    circuit = Ansatz("uccsd").circuit(NORB, NELEC)
    params = rng.normal(size=circuit.n_params)
    half = 0.5**0.5
    turned = Reference((("110100", half), ("101010", 1j * half)))
    real = Reference.determinant("011001")
    states = BACKEND.state(prepared(circuit, params, (real, turned)))
    assert np.iscomplexobj(states)
    for state, reference in zip(states, (real, turned), strict=True):
        alone = BACKEND.state(prepared(circuit, params, reference))
        assert state == pytest.approx(alone, abs=BATCH)


def test_references_that_meet_another_number_of_observables_are_refused(circuit, rng):
    """Paired one to one, four references want four observables."""
    observables = tuple(random_observable(NORB, NELEC, rng) for _ in range(3))
    preparation = Preparation(circuit, several_references())
    request = Request(preparation=preparation, observables=observables, pairing="each")
    with pytest.raises(InputError, match="one reference where there are several"):
        BACKEND.prepare(request)(np.zeros(circuit.n_params))
