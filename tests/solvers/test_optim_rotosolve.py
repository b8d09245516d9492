"""Rotosolve's frequencies: five points for an excitation, more for tied gates, never three."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from molecules import LITHIUM_HYDRIDE, WATER, hamiltonian

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.solvers import Rotosolve
from qmlmat.solvers.landscape import circuit_harmonics
from qmlmat.solvers.optim_rotosolve import trigonometric_minimum

N_POINTS = 32


def energy_of(h, circuit):
    """The energy as a function of parameters, one vector or many."""
    reference = qm.Reference.hartree_fock(h.norb, h.nelec)
    request = qm.Request(preparation=qm.Preparation(circuit, reference), observables=(h,))
    evaluator = qm.SectorBackend().prepare(request)
    return lambda params: evaluator(params).values[..., 0]


def spectrum_along(energy, params, k, unit=1.0):
    """Amplitudes of the frequencies 0, unit, 2 unit, ... along one parameter."""
    grid = np.tile(params, (N_POINTS, 1))
    grid[:, k] += 2 * np.pi * np.arange(N_POINTS) / (N_POINTS * unit)
    return np.abs(np.fft.rfft(energy(grid))) / N_POINTS


def test_an_excitation_has_frequencies_one_and_two():
    """LiH at random angles: nothing above 2 anywhere, and 2 is really there."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    circuit = qm.VQE("uccsd").circuit(h)
    params = np.random.default_rng(1).uniform(-1, 1, circuit.n_params)
    assert circuit_harmonics(circuit) == [(1.0, 2)] * circuit.n_params
    rows = np.array(
        [spectrum_along(energy_of(h, circuit), params, k) for k in range(circuit.n_params)]
    )
    assert rows[:, 3:].max() < 1e-13
    assert rows[:, 1].max() > 1e-2
    assert rows[:, 2].max() > 1e-2


def test_tied_parameters_have_the_frequencies_the_circuit_says():
    """Water with tied spins: up to 4 where two gates share a parameter, and 4 is reached."""
    h = hamiltonian(WATER)
    circuit = qm.VQE(qm.Ansatz("uccsd", spin_tied=True)).circuit(h)
    harmonics = circuit_harmonics(circuit)
    assert set(harmonics) == {(1.0, 2), (1.0, 4)}
    params = np.random.default_rng(1).uniform(-1, 1, circuit.n_params)
    energy = energy_of(h, circuit)
    highest = 0.0
    for k, (unit, count) in enumerate(harmonics):
        row = spectrum_along(energy, params, k, unit)
        assert row[count + 1 :].max() < 1e-12
        highest = max(highest, row[4])
    assert highest > 1e-6


def test_scales_and_phases_set_the_frequencies():
    """Scales 1/2 and 3/2 on one parameter; a phase gate spans half of what an excitation does."""
    h = hamiltonian("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3")
    move, other = qm.Excitation(((1, 2),)), qm.Excitation(((0, 3),), ((1, 2),))
    phase = qm.NumberProduct((1,), (2,))
    gates = (
        qm.Gate(move, 0, 0.5),
        qm.Gate(other, 0, -1.5),
        qm.Gate(phase, 1, 2.0),
        qm.Gate(qm.Excitation(((1, 3),)), 2),
    )
    circuit = qm.Circuit(h.norb, h.nelec, gates, 3)
    assert circuit_harmonics(circuit) == [(0.5, 8), (2.0, 1), (1.0, 2)]
    params = np.array([0.3, -0.8, 0.5])
    for k, (unit, count) in enumerate(circuit_harmonics(circuit)):
        row = spectrum_along(energy_of(h, circuit), params, k, unit)
        assert row[count + 1 :].max() < 1e-13


def test_scales_without_a_common_divisor_are_refused():
    """No number of points determines such a function; only Rotosolve minds."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    gates = tuple(
        qm.Gate(qm.Excitation(((0, a),), ((0, a),)), 0, scale)
        for a, scale in ((1, 1.0), (2, 2**0.5))
    )
    circuit = qm.Circuit(h.norb, h.nelec, gates, 1)
    with pytest.raises(InputError, match=r"common divisor.*another optimiser"):
        circuit_harmonics(circuit)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_a_sweep_finds_each_coordinates_global_minimum(tied):
    """The last parameter of a sweep sits at the bottom of a dense grid along it."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    circuit = qm.VQE(qm.Ansatz("uccsd", spin_tied=tied)).circuit(h)
    energy = energy_of(h, circuit)
    start = np.random.default_rng(2).uniform(-2, 2, circuit.n_params)
    params = torch.tensor(start)
    optimizer = Rotosolve([params], harmonics=circuit_harmonics(circuit))
    before = energy(start)
    assert optimizer.step(lambda: energy(params.numpy())) == pytest.approx(before, abs=1e-12)
    after = energy(params.numpy())
    assert after < before
    grid = np.tile(params.numpy(), (1000, 1))
    grid[:, -1] = np.linspace(-np.pi, np.pi, 1000)
    lowest = energy(grid).min()
    assert after <= lowest + 1e-12
    assert after >= lowest - 1e-4  # the grid's own width


def test_three_points_are_wrong_for_an_excitation():
    """The rule of Pauli rotations promises an energy that is not there, and Rotosolve says so."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    circuit = qm.VQE("uccsd").circuit(h)
    energy = energy_of(h, circuit)
    start = np.random.default_rng(3).uniform(-1, 1, circuit.n_params)

    def along(k, points):
        grid = np.tile(start, (len(points), 1))
        grid[:, k] += points
        return energy(grid)

    worst = 0.0
    for k in range(circuit.n_params):
        angle, promised = trigonometric_minimum(along(k, 2 * np.pi * np.arange(3) / 3))
        worst = max(worst, abs(along(k, np.array([angle]))[0] - promised))
        angle, promised = trigonometric_minimum(along(k, 2 * np.pi * np.arange(5) / 5))
        assert along(k, np.array([angle]))[0] == pytest.approx(promised, abs=1e-12)
    assert worst > 1e-2
    params = torch.tensor(start)
    three = Rotosolve([params], harmonics=[(1.0, 1)] * circuit.n_params)
    with pytest.raises(InputError, match="frequencies promise"):
        three.step(lambda: energy(params.numpy()))


def test_five_points_are_wrong_for_tied_gates():
    """Untied frequencies on a tied circuit: refused by the energy itself."""
    h = hamiltonian(WATER)
    solver = qm.VQE(
        qm.Ansatz("uccsd", spin_tied=True), optimizer=partial(Rotosolve, harmonics=[(1.0, 2)] * 50)
    )
    assert solver.circuit(h).n_params == 50
    with pytest.raises(InputError, match="tied parameters have higher"):
        qm.solve(h, solver)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 6).flatmap(
        lambda count: st.lists(
            st.floats(-5, 5, allow_subnormal=False), min_size=2 * count + 1, max_size=2 * count + 1
        )
    )
)
def test_the_minimum_of_any_trigonometric_polynomial_is_global(values):
    """No point of a dense grid is lower than what the companion matrix finds."""
    count = len(values) // 2
    coefficients = np.fft.fft(values) / len(values)
    angles = np.linspace(-np.pi, np.pi, 2001)
    waves = np.exp(1j * np.outer(angles, np.arange(1, count + 1)))
    grid = coefficients[0].real + 2 * (waves @ coefficients[1 : count + 1]).real
    angle, lowest = trigonometric_minimum(np.array(values))
    assert -4 <= angle <= 4
    assert lowest <= grid.min() + 1e-9


def test_a_constant_has_its_minimum_where_it_is():
    """A parameter that moves nothing stays."""
    assert trigonometric_minimum(np.full(5, 2.0))[1] == pytest.approx(2.0, abs=1e-15)
    params = torch.tensor([0.3], dtype=torch.float64)
    Rotosolve([params]).step(lambda: torch.tensor(2.0))
    assert float(params) == 0.3
