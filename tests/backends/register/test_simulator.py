"""Circuits of a register against products of dense exponentials on all qubits."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from qmlmat.backends.register.assembly import Assembly
from qmlmat.backends.register.generators import (
    Phase,
    Step,
    Transfer,
    controlled_steps,
    diagonal_steps,
    inverse_steps,
)
from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.simulator import RegisterCircuit, Simulation
from qmlmat.errors import CapabilityError, InputError

EXACT = 1e-12  # float64, a dozen generators
SLOPE = 1e-8  # central differences of step 1e-5
ORDERS = ("blocked", "interleaved", None)


def dense_generator(generator, n_wires):
    """Return the anti-Hermitian matrix of a generator on all qubits; wire 0 is the highest bit."""
    size = 1 << n_wires
    bits = np.arange(size)[:, None] >> np.arange(n_wires - 1, -1, -1) & 1
    if isinstance(generator, Phase):
        return np.diag(1j * np.prod(bits[:, list(generator.wires)], axis=1))
    moved = np.zeros((size, size), dtype=np.complex128)
    flip = sum(1 << (n_wires - 1 - w) for w in generator.sources + generator.targets)
    for state in range(size):
        if (
            bits[state, list(generator.sources)].all()
            and not bits[state, list(generator.targets)].any()
        ):
            moved[state ^ flip, state] = (-1) ** bits[state, list(generator.parity)].sum()
    return 1j * (moved + moved.T) if generator.symmetric else moved - moved.T


def dense_states(circuit, values):
    """Return the states on all qubits, shape ``(n_points, 2**n_wires)``."""
    n_wires = circuit.layout.n_wires
    found = []
    for angles in circuit.angles(values):
        state = np.zeros(1 << n_wires, dtype=np.complex128)
        state[sum(1 << (n_wires - 1 - w) for w in circuit.occupied)] = 1.0
        for generator, angle in zip(circuit.generators, angles, strict=True):
            state = scipy.linalg.expm(angle * dense_generator(generator, n_wires)) @ state
        found.append(state)
    return np.stack(found)


def spread(simulation):
    """Return a simulation's states on all qubits."""
    layout = simulation.circuit.layout
    found = np.zeros((len(simulation.values), 1 << layout.n_wires), dtype=np.complex128)
    found[:, layout.states.astype(np.int64)] = simulation.states
    return found


def random_generator(rng, layout):
    """Return a generator that conserves a layout's electrons."""
    n_wires = layout.n_wires
    while True:
        wires = rng.permutation(n_wires).tolist()
        if rng.random() < 0.3:
            return Phase(tuple(sorted(wires[: rng.integers(4)])))
        rank = int(rng.integers(1, 3))
        beside = wires[2 * rank : 2 * rank + int(rng.integers(n_wires - 2 * rank + 1))]
        found = Transfer(
            tuple(wires[:rank]),
            tuple(wires[rank : 2 * rank]),
            tuple(sorted(beside)),
            bool(rng.integers(2)),
        )
        if layout.parts(found) is not None:
            return found


def real_transfer(rng, layout):
    """Return a transfer that conserves a layout's electrons and keeps amplitudes real."""
    while True:
        found = random_generator(rng, layout)
        if isinstance(found, Transfer):
            return found._replace(symmetric=False)


def random_register(seed, order, *, n_generators=10, n_angles=4):
    """Return a circuit of four or six wires whose angles share parameters, and two points."""
    rng = np.random.default_rng(seed)
    n_wires = int(rng.choice([4, 6]))
    occupied = tuple(sorted(rng.permutation(n_wires)[: rng.integers(1, n_wires)].tolist()))
    nelec = Layout(n_wires, (0, 0), order).electrons(occupied)
    layout = Layout(n_wires, nelec, order)
    circuit = RegisterCircuit(
        layout,
        occupied,
        tuple(random_generator(rng, layout) for _ in range(n_generators)),
        rng.integers(-1, n_angles, n_generators),
        rng.normal(size=n_generators),
        rng.normal(size=n_generators),
    )
    return circuit, rng.normal(size=(2, n_angles))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(8))
def test_a_state_is_the_product_of_dense_exponentials(order, seed):
    """Amplitudes and the global phase; no amplitude is outside the sector."""
    circuit, values = random_register(seed, order)
    assert np.abs(spread(Simulation(circuit, values)) - dense_states(circuit, values)).max() < EXACT


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(4))
def test_a_gradient_is_the_central_difference(order, seed):
    """Of a random Hermitian matrix; shared, scaled and shifted angles; each point by itself."""
    circuit, values = random_register(seed, order)
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(2, circuit.layout.sector.dimension, circuit.layout.sector.dimension))
    matrix = half[0] + half[0].T + 1j * (half[1] - half[1].T)

    def energies(values):
        simulation = Simulation(circuit, values, complex_states=True)
        return simulation.expectation(simulation.amplitudes @ matrix.T)

    simulation = Simulation(circuit, values, complex_states=True)
    slopes = simulation.gradient(simulation.amplitudes @ matrix.T)
    for k in range(values.shape[1]):
        step = np.zeros_like(values)
        step[:, k] = 1e-5
        difference = (energies(values + step) - energies(values - step)) / 2e-5
        assert np.abs(difference - slopes[:, k]).max() < SLOPE


@pytest.mark.parametrize("order", ORDERS)
def test_a_real_circuit_has_the_same_real_amplitudes_among_complex_ones(order):
    """Kept as one plane or two; the gradient of a real observable as well."""
    circuit, values = random_register(1, order)
    rng = np.random.default_rng(5)
    circuit = replace(
        circuit, generators=tuple(real_transfer(rng, circuit.layout) for _ in circuit.generators)
    )
    assert circuit.is_real
    one, other = (Simulation(circuit, values, complex_states=c) for c in (False, True))
    assert one.amplitudes.dtype == np.float64
    assert other.amplitudes.dtype == np.complex128
    assert np.abs(one.amplitudes - other.amplitudes).max() < EXACT
    weights = np.random.default_rng(0).normal(size=one.amplitudes.shape[1])
    slopes = [s.gradient(s.amplitudes * weights) for s in (one, other)]
    assert np.abs(slopes[0] - slopes[1]).max() < EXACT


@pytest.mark.parametrize("order", ORDERS)
def test_probabilities_of_some_wires_are_sums_of_the_dense_ones(order):
    """In the order of the wires that is asked for; they sum to one."""
    circuit, values = random_register(3, order)
    simulation = Simulation(circuit, values)
    n_wires = circuit.layout.n_wires
    dense = np.abs(dense_states(circuit, values)) ** 2
    for wires in ([0], [n_wires - 1, 1], [2, 0, 3], list(range(n_wires))[::-1]):
        cube = dense.reshape(2, *(2,) * n_wires)
        others = tuple(1 + w for w in range(n_wires) if w not in wires)
        left = [w for w in range(n_wires) if w in wires]
        right = cube.sum(axis=others).transpose(0, *(1 + left.index(w) for w in wires))
        found = simulation.marginal(wires)
        assert np.abs(found - right.reshape(2, -1)).max() < EXACT
        assert np.abs(found.sum(axis=1) - 1).max() < EXACT


def test_samples_are_as_frequent_as_probable_and_repeat_with_their_seed():
    """Chi-square below its 99.9 % quantile; two generators of one seed draw alike."""
    circuit, values = random_register(4, None)
    simulation = Simulation(circuit, values)
    drawn = simulation.samples(20_000, 1, np.random.default_rng(7))
    assert np.array_equal(drawn, simulation.samples(20_000, 1, np.random.default_rng(7)))
    expected = simulation.probabilities[1] * len(drawn)
    observed = np.bincount(drawn, minlength=len(expected))
    likely = expected > 5  # Cochran's rule
    chi_square = ((observed - expected)[likely] ** 2 / expected[likely]).sum()
    assert chi_square < scipy.stats.chi2.ppf(0.999, likely.sum())


@pytest.mark.parametrize("n_wires", [1, 2, 4])
def test_a_diagonal_gate_turns_each_state_by_its_own_phase(n_wires):
    """Random phases as polynomials of the occupations, at an angle and where it is zero."""
    rng = np.random.default_rng(n_wires)
    rates, offsets = rng.normal(size=(2, 1 << n_wires))
    wires = rng.permutation(5)[:n_wires].tolist()
    assembly = Assembly()
    assembly.add(diagonal_steps(wires, rates, offsets), 1, "diagonal")
    for n_electrons in range(6):
        layout = Layout(5, (n_electrons, 0))
        numbers = layout.keys(wires).astype(np.int64)
        for state in range(layout.sector.dimension):
            bits = int(layout.states[state])
            start = [w for w in range(5) if bits >> (4 - w) & 1]
            simulation = Simulation(assembly.circuit(layout, start, "test"), np.array([[0.7]]))
            phase = np.exp(1j * (0.7 * rates + offsets)[numbers[state]])
            assert abs(simulation.states[0, state] - phase) < EXACT


@pytest.mark.parametrize("order", ORDERS)
def test_a_gate_and_its_inverse_give_back_the_start(order):
    """Random steps with controls, then their inverse."""
    rng = np.random.default_rng(12)
    layout = Layout(6, (1, 1) if order else (2, 0), order)
    steps = [Step(random_generator(rng, layout), rng.normal(), rng.normal()) for _ in range(6)]
    assembly = Assembly()
    assembly.add(steps, 1, "there")
    assembly.add(inverse_steps(steps), 1, "back")
    circuit = assembly.circuit(layout, (0, 5), "test")
    simulation = Simulation(circuit, np.array([[0.7, 0.7]]))
    start = np.zeros(layout.sector.dimension)
    start[layout.index((0, 5))] = 1.0
    assert np.abs(simulation.states[0] - start).max() < EXACT


@pytest.mark.parametrize("value", [False, True])
def test_a_controlled_step_is_the_step_where_the_control_has_its_value(value):
    """Elsewhere the state stays as it was."""
    step = Step(Transfer((0,), (2,), (3,)), 0.5, 0.1)
    for bit in (False, True):
        start = (0, 3, 4) if bit else (0, 3)
        layout = Layout(5, (len(start), 0))
        assembly = Assembly()
        assembly.add(controlled_steps([step], [4], [value]), 1, "controlled")
        found = Simulation(assembly.circuit(layout, start, "test"), np.array([[0.9]])).states[0]
        plain = Assembly()
        plain.add([step] if bit == value else [], 1, "plain")
        right = Simulation(plain.circuit(layout, start, "test"), np.array([[0.9]])).states[0]
        assert np.abs(found - right).max() < EXACT


# ------------------- layouts and refusals


@pytest.mark.parametrize("order", ORDERS)
def test_every_determinant_has_one_place_among_the_states_of_qubits(order):
    """As many occupied wires as electrons of each spin; the index finds its place again."""
    layout = Layout(6, (2, 1), order)
    states = layout.states.tolist()
    assert len(set(states)) == layout.sector.dimension
    for place, state in enumerate(states):
        wires = [w for w in range(6) if state >> (5 - w) & 1]
        assert layout.electrons(wires) == layout.nelec
        assert layout.index(wires) == place


def test_orders_of_spin_name_the_spins_of_wires():
    """Interleaved: alpha is even; blocked: alpha is the first half."""
    assert Layout(4, (1, 1), "interleaved").electrons([0, 2, 3]) == (2, 1)
    assert Layout(4, (1, 1), "blocked").electrons([0, 2, 3]) == (1, 2)
    assert Layout(4, (1, 1)).nelec == (2, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, (1, 1), "blocked"), "Use an even number of wires"),
        ((4, (3, 0), "interleaved"), "Use fewer electrons, or more wires"),
        ((4, (-1, 0)), "Use fewer electrons, or more wires"),
        ((0, (0, 0)), "from 1 to 62 wires"),
        ((4, (1, 1), "alternating"), 'use "blocked"'),
    ],
)
def test_a_layout_that_cannot_be_is_refused(arguments, message):
    """Odd wires, too many electrons, no wires, an unknown order."""
    with pytest.raises(InputError, match=message):
        Layout(*arguments)


def test_a_gate_from_one_spin_to_the_other_is_refused_by_its_name():
    """With a spin order; without one it conserves."""
    assembly = Assembly()
    assembly.add([Step(Transfer((0,), (1,)), 1.0)], 1, "Hop on wires [0, 1]")
    with pytest.raises(CapabilityError, match=r"Hop on wires \[0, 1\] moves electrons between"):
        assembly.circuit(Layout(4, (1, 0), "interleaved"), (0,), "test")
    assembly.circuit(Layout(4, (1, 0)), (0,), "test")


def test_a_start_with_other_electrons_is_refused():
    """The circuit and the layout count them alike."""
    with pytest.raises(InputError, match="Prepare as many"):
        Assembly().circuit(Layout(4, (1, 1), "blocked"), (0, 1), "test")
