"""The Gibbs circuit as a sampler: what it counts, what it leaves out, what it refuses."""

import numpy as np
import pytest
from boltzmann import acceptance, lithium_hydride, random_params
from molecules import HYDROGEN, hamiltonian
from scipy.stats import chi2
from small_models import ising

import qmlmat as qm
from qmlmat.backends import SectorBackend, StatevectorBackend
from qmlmat.backends.qubits.mitigation import Mitigation
from qmlmat.errors import CapabilityError, InputError, MeasurementError
from qmlmat.solvers.boltzmann.circuit_sampler import GibbsCircuit, circuit_draws
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.space import space_of

IMPROBABLE = 1e-4  # chance of a chi-square this large; seeds are fixed
SHOTS = 20_000


def space(h, **how):
    return space_of(h, **({"mapping": "jordan_wigner", "reduced": False, "tapered": False} | how))


def draws(one, settings=None, *, backend=None, seed=1):
    chosen = StatevectorBackend(shots=SHOTS) if backend is None else backend
    return circuit_draws(settings or GibbsCircuit(), one, chosen, np.random.default_rng(seed))


def machine_with(params, n, m, node="tanh"):
    machine = BoltzmannMachine(n, m, node)
    machine.set_params(np.asarray(params))
    return machine


def test_configurations_stand_on_their_own_wires():
    """Counts of each mask against the closed form: wire 0 of the register is unit 0."""
    one = space(ising(3))
    machine = machine_with(random_params(3, 2, "none", seed=4, scale=0.3), 3, 2, "none")
    sample = draws(one, GibbsCircuit(regulator=1.0)).draw(machine, SHOTS)
    counts = sample.measured.visible(sample.blocks.mean(axis=0))[sample.places]
    counts = counts * sample.measured.n_accepted
    chances = machine.amplitudes(one.spins(sample.masks)).values ** 2
    expected = sample.measured.n_accepted * chances / chances.sum()
    assert len(sample.masks) == 8
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert chi2.sf(statistic, 7) > IMPROBABLE


def test_other_electrons_than_the_molecules_are_left_out():
    """LiH on six qubits: of 64 bit strings, 9 are kept; the others' shots are spent."""
    one = space(lithium_hydride())
    machine = machine_with(np.zeros(20), 6, 1)
    sample = draws(one).draw(machine, SHOTS)
    assert sample.masks.tolist() == one.masks.tolist()
    assert sample.n_draws == SHOTS
    share = sample.measured.visible()[sample.places].sum()
    assert share == pytest.approx(9 / 64, abs=5 * (9 / 64 / SHOTS) ** 0.5)


def test_shots_are_counted_and_new_at_each_draw():
    """Spent and kept, over all draws of a state; draws differ, and repeat by seed."""
    one, machine = space(ising(2)), machine_with(random_params(2, 2, "tanh", seed=1), 2, 2)
    source, same = draws(one), draws(one)
    first, second = source.draw(machine, 1000), source.draw(machine, 500)
    assert source.n_shots == 1500
    assert source.n_accepted == first.measured.n_accepted + second.measured.n_accepted
    assert np.array_equal(first.blocks, same.draw(machine, 1000).blocks)
    assert not np.array_equal(first.blocks[:, :, :2], second.blocks[:, :, :2])
    a, b, w = (
        p.detach().numpy() for p in (machine.visible_bias, machine.hidden_bias, machine.weights)
    )
    share = acceptance(a, b, w, first.measured.regulator)
    assert source.n_accepted / 1500 == pytest.approx(share, abs=5 * (0.25 / 1500) ** 0.5)


def test_no_shot_kept_is_an_error_with_its_remedy():
    """Weights of 9 at a regulator of 1 keep no shot in a thousand."""
    machine = machine_with([9.0, -9.0, 9.0, *[9.0, 9.0], 0, 0, 0], 2, 1)
    source = draws(space(ising(2)), GibbsCircuit(regulator=1.0))
    with pytest.raises(MeasurementError, match="more shots, a larger regulator, or smaller"):
        source.draw(machine, 50)


def test_shots_without_the_right_electrons_are_an_error_with_three_remedies():
    """Hydrogen on four qubits, all of them biased to be empty."""
    one = space(hamiltonian(HYDROGEN))
    machine = machine_with([6.0] * 4 + [0.0] * 10, 4, 1)
    with pytest.raises(MeasurementError, match=r"tapered=True.*exact_search=True"):
        draws(one).draw(machine, 200)


@pytest.mark.parametrize(
    "backend", [SectorBackend(), StatevectorBackend()], ids=["no qubits", "no shots"]
)
def test_backends_that_do_not_count_are_refused_with_those_that_do(backend):
    """Before anything is searched, also with an exact search."""
    rbm = qm.RBM(sampler=GibbsCircuit(), exact_search=True, n_starts=1, max_iterations=1)
    with pytest.raises(CapabilityError, match=r"StatevectorBackend\(shots=8192\)"):
        qm.solve(ising(2), rbm, backend=backend)
    with pytest.raises(CapabilityError, match="QiskitBackend or PennyLaneBackend with shots"):
        qm.solve(hamiltonian(HYDROGEN), rbm, backend=backend)


@pytest.mark.parametrize("kind", ["counts", "closed_form"])
@pytest.mark.parametrize("reset", [True, False])
def test_an_exactly_trained_machine_is_measured_on_a_backend(kind, reset):
    """Through the verb: parameters of the enumeration, an error bar, no states."""
    exact = qm.RBM(n_hidden=1, n_starts=1, tapered=False, mapping="parity", reduced=True)
    settings = {"sampler": GibbsCircuit(amplitudes=kind, reset=reset), "exact_search": True}
    h2 = hamiltonian(HYDROGEN)
    right = qm.solve(h2, exact, seed=5)
    rbm = qm.RBM(**{**vars(exact), **settings})
    found = qm.solve(h2, rbm, backend=StatevectorBackend(shots=SHOTS), seed=5)
    assert np.array_equal(found.params, right.params)
    assert abs(found.energy - right.energy) < 5 * found.stderr[0] + 1e-3
    assert found.states is None
    assert found.spin_squares is None


def test_readout_is_corrected_where_the_backend_does():
    """Mitigation of a device without errors changes nothing beyond rounding."""
    one, machine = space(ising(2)), machine_with(random_params(2, 2, "tanh", seed=1), 2, 2)
    plain, corrected = (
        draws(one, backend=StatevectorBackend(shots=2000, mitigation=how)).draw(machine, 2000)
        for how in (Mitigation(), Mitigation(readout=True))
    )
    assert np.abs(plain.blocks - corrected.blocks).max() < 1e-9


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"amplitudes": "count"}, "counts"),
        ({"regulator": 0.5}, "Use None for the one that keeps"),
        ({"regulator": float("inf")}, "1 or more"),
    ],
    ids=str,
)
def test_unusable_settings_are_refused(settings, remedy):
    """By what is asked for instead; the nearest name."""
    with pytest.raises(InputError, match=remedy):
        GibbsCircuit(**settings)
