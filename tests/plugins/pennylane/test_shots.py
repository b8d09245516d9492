"""Samples: as frequent as probable, unbiased, and the same for the same seed."""

import numpy as np
import pennylane as qml
import pytest
import scipy.stats
from conserving_tapes import BATCHED, ORDERS, random_circuit, random_observable

N_SHOTS = 20_000
N_REPEATS = 200
"""Estimates of one mean, each from its own samples."""
SIGMAS = 4.5  # one false alarm in 150 000 comparisons; seeds are fixed
QUANTILE = 0.9999


def chi_square(observed, expected):
    """Return the p-value of counts; rare states together are one state (Cochran: five or more)."""
    likely = expected >= 5
    counts = np.append(observed[likely], observed[~likely].sum())
    right = np.append(expected[likely], expected[~likely].sum())
    counts, right = counts[right > 0], right[right > 0]
    return scipy.stats.chi2.sf(((counts - right) ** 2 / right).sum(), len(counts) - 1)


def drawn(seed, order, n_wires=6):
    """A circuit and parameters."""
    circuit = random_circuit(seed, order, n_wires=n_wires, names=BATCHED)
    return circuit, np.random.default_rng(seed).normal(size=circuit.n_params)


def node_of(circuit, measured, *, shots=None, device="qmlmat.sector", **keywords):
    """A QNode of the circuit's parameters."""
    if device == "qmlmat.sector":
        keywords["spin_order"] = circuit.order

    @qml.qnode(qml.device(device, wires=circuit.n_wires, **keywords), diff_method=None)
    def node(params):
        circuit.queue(params)
        return measured()

    return node if shots is None else qml.set_shots(node, shots)


def as_array(counts, n_wires):
    """Counts of bit strings as an array over all states."""
    found = np.zeros(1 << n_wires)
    for bits, number in counts.items():
        found[int(bits, 2)] += number
    return found


@pytest.mark.parametrize("order", ORDERS)
def test_counts_are_as_frequent_as_probable_and_as_those_of_lightning(order):
    """Chi-square of counts on all wires, and of two devices' counts of the same circuit."""
    circuit, params = drawn(1, order)
    exact = node_of(circuit, qml.probs)(params)
    mine, theirs = (
        as_array(node_of(circuit, qml.counts, shots=N_SHOTS, device=device, seed=3)(params), 6)
        for device in ("qmlmat.sector", "lightning.qubit")
    )
    assert mine.sum() == theirs.sum() == N_SHOTS
    assert not mine[exact < 1e-14].any()
    assert chi_square(mine, N_SHOTS * exact) > 1 - QUANTILE
    table = np.stack([mine, theirs])[:, mine + theirs >= 10]
    assert scipy.stats.chi2_contingency(table).pvalue > 1 - QUANTILE


@pytest.mark.parametrize("order", ORDERS)
def test_counts_and_samples_of_some_wires_are_in_the_order_that_is_asked_for(order):
    """Chi-square against the exact marginal; samples are bits of integers."""
    circuit, params = drawn(2, order)
    wires = [4, 0, 3]
    exact = node_of(circuit, lambda: qml.probs(wires=wires))(params)
    counts = node_of(circuit, lambda: qml.counts(wires=wires), shots=N_SHOTS, seed=1)(params)
    assert chi_square(as_array(counts, 3), N_SHOTS * exact) > 1 - QUANTILE
    samples = node_of(circuit, lambda: qml.sample(wires=wires), shots=N_SHOTS, seed=2)(params)
    assert samples.shape == (N_SHOTS, 3)
    assert np.issubdtype(samples.dtype, np.integer)
    numbers = np.bincount(samples @ [4, 2, 1], minlength=8)
    assert chi_square(numbers, N_SHOTS * exact) > 1 - QUANTILE
    frequencies = node_of(circuit, lambda: qml.probs(wires=wires), shots=N_SHOTS, seed=3)(params)
    assert chi_square(N_SHOTS * frequencies, N_SHOTS * exact) > 1 - QUANTILE


def test_the_same_seed_gives_the_same_samples():
    """And another seed, or the next call, gives others."""
    circuit, params = drawn(3, "blocked")
    nodes = [node_of(circuit, qml.sample, shots=100, seed=seed) for seed in (5, 5, 6)]
    first, again, other = (node(params) for node in nodes)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, nodes[0](params))


@pytest.mark.parametrize("order", ORDERS)
def test_means_of_diagonal_observables_are_those_of_their_samples(order):
    """Unbiased, with the observable's variance over the shots; the sample variance as well."""
    circuit, params = drawn(4, order)
    observable = qml.Hamiltonian([0.5, -0.7, 0.3], [qml.Z(0), qml.Z(1) @ qml.Z(4), qml.Z(5)])
    mean, variance = node_of(circuit, lambda: (qml.expval(observable), qml.var(observable)))(params)
    shots = [N_SHOTS // 100] * N_REPEATS
    sampled = node_of(
        circuit, lambda: (qml.expval(observable), qml.var(observable)), shots=shots, seed=4
    )(params)
    means = np.array([one for one, _ in sampled])
    error = np.sqrt(variance / shots[0] / N_REPEATS)
    assert abs(means.mean() - mean) < SIGMAS * error
    ratio = means.var(ddof=1) * shots[0] / variance * (N_REPEATS - 1)
    low, high = scipy.stats.chi2.ppf([1 - QUANTILE, QUANTILE], N_REPEATS - 1)
    assert low < ratio < high
    variances = np.array([one for _, one in sampled]) * shots[0] / (shots[0] - 1)
    spread = variances.std(ddof=1) / np.sqrt(N_REPEATS)
    assert abs(variances.mean() - variance) < SIGMAS * spread


@pytest.mark.parametrize("order", ORDERS)
def test_means_of_other_sums_are_unbiased_with_the_variance_of_words_measured_alone(order):
    """``sum c^2 (1 - <P>^2) / shots``: each word has its own shots."""
    circuit, params = drawn(5, order)
    observable = random_observable(5, 6, order)
    mean = node_of(circuit, lambda: qml.expval(observable))(params)
    words = [word for word in observable.ops if word.name != "Identity"]
    factors = [
        c
        for c, word in zip(observable.coeffs, observable.ops, strict=True)
        if word.name != "Identity"
    ]
    other = node_of(circuit, lambda: [qml.expval(word) for word in words], device="default.qubit")(
        params
    )
    n_shots = 100
    variance = np.sum(np.square(factors) * (1 - np.square(other))) / n_shots
    means = np.array(
        node_of(circuit, lambda: qml.expval(observable), shots=[n_shots] * N_REPEATS, seed=5)(
            params
        )
    )
    assert abs(means.mean() - mean) < SIGMAS * np.sqrt(variance / N_REPEATS)
    low, high = scipy.stats.chi2.ppf([1 - QUANTILE, QUANTILE], N_REPEATS - 1)
    assert low < means.var(ddof=1) / variance * (N_REPEATS - 1) < high


def test_a_molecules_energy_is_within_its_error_bars():
    """H2 by ``qml.qchem``, whose words do not commute."""
    hydrogen = qml.qchem.Molecule(
        ["H", "H"], np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]]), basis_name="sto-3g"
    )
    observable, _ = qml.qchem.molecular_hamiltonian(hydrogen, method="dhf")
    device = qml.device("qmlmat.sector", wires=4, spin_order="interleaved", seed=8)

    @qml.qnode(device, diff_method=None)
    def energy():
        qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
        qml.DoubleExcitation(0.2, wires=range(4))
        return qml.expval(observable)

    exact = energy()
    means = np.array(qml.set_shots(energy, [500] * 100)())
    assert abs(means.mean() - exact) < SIGMAS * means.std(ddof=1) / 10
    assert means.std() > 0


def test_a_vector_of_shots_gives_a_result_for_each():
    """In PennyLane's shapes, for one measurement and for several."""
    circuit, params = drawn(6, None)
    one = node_of(circuit, lambda: qml.sample(wires=[0, 1]), shots=[3, (5, 2)], seed=1)(params)
    assert [np.shape(result) for result in one] == [(3, 2), (5, 2), (5, 2)]
    several = node_of(
        circuit,
        lambda: (qml.probs(wires=[0]), qml.expval(qml.Z(0)), qml.counts(wires=[1])),
        shots=[10, 20],
        seed=1,
    )(params)
    assert len(several) == 2
    for n_shots, (probabilities, mean, counts) in zip((10, 20), several, strict=True):
        assert probabilities.shape == (2,)
        assert np.shape(mean) == ()
        assert mean == pytest.approx(probabilities[0] - probabilities[1])
        assert sum(counts.values()) == n_shots


def test_all_measurements_of_a_circuit_read_the_same_samples():
    """A mean of Z is that of the samples beside it."""
    circuit, params = drawn(7, "interleaved")
    samples, mean, counts = node_of(
        circuit,
        lambda: (qml.sample(wires=[2]), qml.expval(qml.Z(2)), qml.counts(wires=[2])),
        shots=50,
        seed=1,
    )(params)
    ones = int(np.sum(samples))
    assert mean == pytest.approx(1 - 2 * ones / 50)
    assert counts.get("1", 0) == ones


def test_a_batch_has_samples_of_each_of_its_points():
    """Counts are a list; probabilities have an axis more, each row by its own chi-square."""
    circuit, _ = drawn(8, "blocked")
    batch = np.random.default_rng(8).normal(size=(circuit.n_params, 3))
    exact = node_of(circuit, qml.probs)(batch)
    counts, samples, mean = node_of(
        circuit,
        lambda: (qml.counts(), qml.sample(), qml.expval(qml.Z(0))),
        shots=N_SHOTS,
        seed=1,
    )(batch)
    assert np.shape(samples) == (3, N_SHOTS, 6)
    assert np.shape(mean) == (3,)
    for k in range(3):
        found = as_array(counts[k], 6)
        assert chi_square(found, N_SHOTS * exact[k]) > 1 - QUANTILE


def test_counts_of_all_outcomes_name_those_that_never_came():
    """``all_outcomes=True``."""
    circuit, params = drawn(9, "blocked")
    counts = node_of(
        circuit, lambda: qml.counts(wires=[0, 1], all_outcomes=True), shots=10, seed=1
    )(params)
    assert set(counts) == {"00", "01", "10", "11"}


@pytest.mark.parametrize("order", ORDERS)
def test_projectors_and_hermitian_diagonals_have_samples(order):
    """The mean of a projector is a frequency."""
    circuit, params = drawn(10, order)
    projector = qml.Projector([1, 0], wires=[1, 2])
    mean = node_of(circuit, lambda: qml.expval(projector))(params)
    found = node_of(circuit, lambda: qml.expval(projector), shots=N_SHOTS, seed=1)(params)
    assert abs(found - mean) < SIGMAS * np.sqrt(mean * (1 - mean) / N_SHOTS) + 1e-12


def test_gradients_with_shots_are_by_the_parameter_shift():
    """Within error bars of the exact one."""

    def energy(angle):
        qml.BasisState(np.array([1, 1, 0, 0]), wires=range(4))
        qml.DoubleExcitation(angle, wires=range(4))
        return qml.expval(qml.Z(0))

    device = qml.device("qmlmat.sector", wires=4, seed=2)
    node = qml.set_shots(qml.QNode(energy, device), N_SHOTS)
    angle = qml.numpy.array(0.7, requires_grad=True)
    assert abs(qml.grad(node)(angle) - np.sin(0.7)) < SIGMAS / np.sqrt(N_SHOTS) * 2
