"""Energy, gradient and metric of machines: differences, dense definitions, invariances."""

import numpy as np
import pytest
import torch
from boltzmann import (
    NODES,
    central_differences,
    random_hermitian,
    random_params,
    unit_state,
)

import qmlmat as qm
from qmlmat.operators.decomposition import matrix_pauli_sum
from qmlmat.operators.pauli import reversed_bits
from qmlmat.solvers.boltzmann.enumerated import EnumeratedEnergy, Vector
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.moments import moments
from qmlmat.solvers.boltzmann.scaling import DENSE_CONFIGURATIONS, scaled
from qmlmat.solvers.boltzmann.space import space_of

N, M = 3, 2
WEIGHT = 3.0


def energy_of(matrix, node, lower=()):
    """The package's energy of a dense matrix, and the same by numpy alone."""
    space = space_of(
        qm.QubitHamiltonian(terms=matrix_pauli_sum(matrix)),
        mapping="jordan_wigner",
        reduced=False,
        tapered=False,
    )
    place = reversed_bits(space.masks, N).astype(int)
    vectors = [Vector(space.masks, state[place]) for state in lower]
    found = EnumeratedEnergy(
        BoltzmannMachine(N, M, node), space, space.terms, lower=vectors, weight=WEIGHT
    )
    raised = matrix + WEIGHT * sum(np.outer(s, s.conj()) for s in lower)
    return found, lambda p: np.vdot(s := unit_state(p, N, M), raised @ s).real


def some_states(count, seed):
    """Orthonormal complex states."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8)))[0]
    return list(basis.T[:count])


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("n_lower", [0, 2])
def test_the_gradient_is_that_of_central_differences(node, is_complex, n_lower):
    """Of the energy by numpy, states below raised by their projectors."""
    matrix = random_hermitian(N, seed=2, is_complex=is_complex)
    found, exact = energy_of(matrix, node, some_states(n_lower, seed=6))
    params = random_params(N, M, node, seed=5)
    answer = found.value_and_gradient(params)
    assert answer.values[0] == pytest.approx(exact(params), abs=1e-10)
    assert found(params).values[0] == pytest.approx(exact(params), abs=1e-10)
    differences = [  # Richardson: the error of fourth order goes, 1e-12 is left
        (4 * fine - coarse) / 3
        for fine, coarse in zip(
            central_differences(exact, params, 5e-4),
            central_differences(exact, params, 1e-3),
            strict=True,
        )
    ]
    assert np.abs(answer.gradient[0] - differences).max() < 1e-10


@pytest.mark.parametrize("node", NODES)
def test_the_metric_is_that_of_the_normalised_states(node):
    """``Re <d_i psi|d_j psi> - <d_i psi|psi><psi|d_j psi>``: a quarter of the Fisher matrix."""
    found, _ = energy_of(random_hermitian(N, seed=2), node)
    params = random_params(N, M, node, seed=7)
    psi = unit_state(params, N, M)
    slopes = central_differences(lambda p: unit_state(p, N, M), params)
    overlaps = slopes.conj() @ psi
    expected = (slopes.conj() @ slopes.T - np.outer(overlaps, overlaps.conj())).real
    metric = found.metric(torch.from_numpy(params)).numpy()
    assert np.abs(metric - expected).max() < 1e-8  # differences at a step of 1e-5
    assert np.allclose(metric, metric.T, rtol=0, atol=1e-14)
    assert np.linalg.eigvalsh(metric).min() > -1e-12


def test_the_metric_is_positive_at_a_pole_of_the_node():
    """Beside tanh(i pi / 2) one amplitude outgrows all others: four of them, small, still move."""
    found, _ = energy_of(random_hermitian(N, seed=2), "complex_tanh")
    params = np.concatenate([np.zeros(11), [0.0, 0.0, 0.0, 0.0], np.pi / 8 * np.ones(4) + 1e-8])
    metric = found.metric(torch.from_numpy(params)).numpy()
    assert np.linalg.eigvalsh(metric).min() > -1e-12
    # psi is 1 and four times i / u, and 1 / u moves as fast as the angle
    assert np.abs(metric).max() == pytest.approx(4.0, rel=1e-6)


@pytest.mark.parametrize("node", NODES)
def test_the_spread_is_the_norm_of_the_residual(node):
    """``||(H - E) psi||`` of the normalised state, and zero of an eigenstate."""
    matrix = random_hermitian(N, seed=9)
    found, exact = energy_of(matrix, node)
    params = random_params(N, M, node, seed=8)
    psi, energy = unit_state(params, N, M), exact(params)
    expected = np.linalg.norm(matrix @ psi - energy * psi)
    assert found.at(params).spread == pytest.approx(expected, abs=1e-10)
    _, vectors = np.linalg.eigh(matrix)
    state = vectors[:, 3]
    assert moments(None, 7j * state, 7j * (matrix @ state)).spread < 1e-10


def test_configurations_that_are_weighed_are_configurations_counted():
    """A weight of k is the same as k copies; norm and phase of all amplitudes do not matter."""
    rng = np.random.default_rng(3)
    counts = np.array([1, 3, 2, 4, 1])
    amplitudes, images = rng.normal(size=(2, 5)) + 1j * rng.normal(size=(2, 5))
    slopes = rng.normal(size=(5, 6)) + 1j * rng.normal(size=(5, 6))
    weighed = moments(counts.astype(float), amplitudes, images, slopes, with_metric=True)
    factor = 0.01 * np.exp(0.3j)
    copied = moments(
        None,
        *(factor * np.repeat(a, counts, axis=0) for a in (amplitudes, images, slopes)),
        with_metric=True,
    )
    for name in ("energy", "spread", "gradient", "metric"):
        assert np.allclose(getattr(weighed, name), getattr(copied, name), rtol=1e-12), name


def test_a_state_is_zero_where_it_is_not_known():
    """Configurations that were never drawn have no amplitude."""
    known = Vector(np.array([1, 4], dtype=np.uint64), np.array([0.6, 0.8j]))
    asked = np.array([0, 1, 4, 9], dtype=np.uint64)
    assert known.at(asked).tolist() == [0, 0.6, 0.8j, 0]
    nothing = Vector(np.zeros(0, dtype=np.uint64), np.zeros(0))
    assert nothing.at(asked).tolist() == [0, 0, 0, 0]


def test_the_search_sees_a_spectrum_from_minus_one_to_one():
    """Whatever unit and offset; a multiple of the identity stays finite."""
    matrix = 1e3 * random_hermitian(N, seed=4) - 7e4 * np.eye(8)
    levels = np.linalg.eigvalsh(matrix)
    h = qm.QubitHamiltonian(terms=matrix_pauli_sum(matrix))
    space = space_of(h, mapping="jordan_wigner", reduced=False, tapered=False)
    scale = scaled(h.terms, space)
    inside = np.linalg.eigvalsh(scale.terms.matrix().toarray())
    assert inside[[0, -1]] == pytest.approx([-1, 1], abs=1e-10)
    assert [scale.energy(x) for x in inside] == pytest.approx(levels.tolist(), rel=1e-12)
    flat = scaled(qm.PauliSum.identity(3, 2.5), space)
    assert (flat.centre, flat.half_width) == (2.5, 1.0)


def test_of_many_qubits_a_bound_on_the_spectrum_serves():
    """12 qubits of an Ising chain: the norm is below 1, no levels are computed."""
    words = {"I" * w + "ZZ" + "I" * (10 - w): -1.0 for w in range(11)}
    words |= {"I" * w + "X" + "I" * (11 - w): -0.5 for w in range(12)} | {"I" * 12: 4.0}
    h = qm.QubitHamiltonian(terms=qm.PauliSum.from_words(words))
    space = space_of(h, mapping="jordan_wigner", reduced=False, tapered=False)
    assert space.size > DENSE_CONFIGURATIONS
    scale = scaled(h.terms, space)
    assert (scale.centre, scale.half_width) == (4.0, 17.0)
    lowest = h.spectrum(1).energies[0]
    assert -1 <= (lowest - scale.centre) / scale.half_width < -0.5
