"""Boltzmann machines from counts: shots, powers, blocks, readout, and what is refused."""

import math

import numpy as np
import pytest
from boltzmann import acceptance, exact_joint, random_machine
from doors import BrokenBackend, reads_wrong
from qiskit.primitives import StatevectorEstimator
from scipy.stats import chi2

from qmlmat.ansatz.gibbs import default_regulator
from qmlmat.backends import SectorBackend, StatevectorBackend
from qmlmat.backends.pennylane.backend import PennyLaneBackend
from qmlmat.backends.qiskit.backend import QiskitBackend
from qmlmat.backends.qubits.mitigation import Mitigation
from qmlmat.errors import CapabilityError, InputError, MeasurementError
from qmlmat.solvers.boltzmann.gibbs import GibbsSample, nearest_distribution, sample_gibbs
from qmlmat.solvers.measured import jackknife

IDEAL = StatevectorBackend(shots=20_000)
IMPROBABLE = 1e-4  # chance of a chi-square this large; seeds are fixed
UNLIKELY = 5.0  # standard errors; seeds are fixed
RATES = np.array([[0.02, 0.06], [0.03, 0.05], [0.01, 0.08], [0.02, 0.07], [0.04, 0.09]])
"""``p(1|0)``, ``p(0|1)`` of five qubits, the last one the ancilla."""


def deviation(found, exact):
    """Half the sum of absolute differences."""
    return float(np.abs(found - exact).sum() / 2)


def exact_sample(machine, k):
    """What infinitely many shots measure."""
    return GibbsSample(joint=exact_joint(*machine, k)[None], regulator=k, n_shots=1, n_accepted=1)


def of_pennylane(n_wires):
    return PennyLaneBackend.of("default.qubit", wires=n_wires, seed=3, shots=20_000)


@pytest.mark.parametrize(
    ("size", "backend", "reset"),
    [
        ((2, 2), IDEAL, True),
        ((2, 2), IDEAL, False),
        ((2, 3), IDEAL, True),
        ((2, 2), QiskitBackend.ideal(seed=3, shots=20_000), False),
        ((2, 2), of_pennylane(8), False),
        ((1, 1), of_pennylane(3), True),  # a single pair needs no reset
    ],
    ids=["ours", "ours-fresh", "ours-2x3", "qiskit-fresh", "pennylane-fresh", "pennylane-1x1"],
)
def test_kept_counts_follow_the_root_of_the_boltzmann_distribution(size, backend, reset):
    """Chi-square of the counts, and the share kept, against enumeration."""
    machine = random_machine(*size, seed=2)
    found = sample_gibbs(*machine, backend=backend, reset=reset, seed=11)
    k = default_regulator(machine[2])
    counts, expected = found.joint.sum(axis=0), found.n_accepted * exact_joint(*machine, k)
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert chi2.sf(statistic, counts.size - 1) > IMPROBABLE
    assert counts.sum() == found.n_accepted
    share = acceptance(*machine, k)
    error = math.sqrt(share * (1 - share) / found.n_shots)
    assert abs(found.acceptance - share) < UNLIKELY * error


@pytest.mark.parametrize("seed", [0, 2, 6, 11])
def test_the_power_is_taken_of_the_joint_table_and_never_of_its_marginal(seed):
    """``Q**k`` of both layers is ``P`` exactly; of the visible layer alone it is far off."""
    a, b, w = random_machine(2, 3, seed=seed)
    machine, k = (0.2 * a, 0.2 * b, w), default_regulator(w)  # 2.0 to 2.7
    sample, exact = exact_sample(machine, k), exact_joint(*machine)
    assert np.abs(sample.distribution() - exact).max() < 1e-10
    assert np.abs(sample.visible() - exact.sum(axis=1)).max() < 1e-10
    wrong = sample.joint[0].sum(axis=1) ** k
    assert 0.05 < deviation(wrong / wrong.sum(), exact.sum(axis=1)) < 0.24


def test_any_regulator_gives_the_same_machine():
    """A larger one keeps more shots and amplifies their noise."""
    machine = random_machine(2, 2, seed=4, scale=0.6)
    exact, shares = exact_joint(*machine), []
    for k in (1.0, 2.0, 4.0):
        found = sample_gibbs(*machine, backend=IDEAL, regulator=k, seed=2)
        assert deviation(found.distribution(), exact) < 0.02 * k  # 16 cells, 5000 shots and more
        shares.append(found.acceptance)
    assert shares == sorted(shares)


def test_shots_are_dealt_into_blocks_evenly_and_by_seed():
    """Every shot is in one block; the seed decides, and one seed decides alike."""
    machine = random_machine(2, 2, seed=1)
    one, same, other = (
        sample_gibbs(*machine, backend=IDEAL, shots=1003, n_blocks=10, seed=s) for s in (5, 5, 6)
    )
    assert one.joint.shape == (10, 4, 4)
    assert np.array_equal(one.joint, same.joint)
    assert not np.array_equal(one.joint, other.joint)
    certain = sample_gibbs([0.3], [0.1], [[0.0]], backend=IDEAL, shots=1003, n_blocks=10, seed=5)
    sizes = certain.joint.sum(axis=(1, 2))  # without a weight every shot is kept
    assert certain.acceptance == 1.0
    assert sorted(sizes.tolist()) == [100] * 7 + [101] * 3


def test_blocks_tell_the_error_of_what_is_made_of_them():
    """Jackknife errors of the visible chances against the scatter over repetitions."""
    machine = random_machine(2, 2, seed=3, scale=0.7)
    values, errors = [], []
    for seed in range(60):
        sample = sample_gibbs(*machine, backend=IDEAL, shots=4000, seed=seed)
        found = jackknife(sample.joint, sample.visible)
        values.append(found.values)
        errors.append(np.sqrt(found.covariance.diagonal()))
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(values, axis=0, ddof=1)
    assert (ratio > 0.7).all()  # 60 repetitions: 9 % on a standard deviation
    assert (ratio < 1.4).all()
    pull = (np.mean(values, axis=0) - exact_joint(*machine).sum(axis=1)) / np.std(values, axis=0)
    assert np.abs(pull).max() * math.sqrt(60) < UNLIKELY


def test_the_circuit_of_a_size_is_made_ready_once():
    """Other biases and weights are other angles of the same circuit, in one submission each."""
    backend = QiskitBackend.ideal(seed=1, shots=400)
    for seed in range(3):
        sample_gibbs(*random_machine(2, 2, seed=seed), backend=backend, reset=False, seed=seed)
    assert backend.usage.n_transpiled == 1
    assert backend.usage.n_jobs == 3


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "fresh"])
def test_known_readout_errors_are_inverted_before_shots_are_kept(reset):
    """Ancillas included: what is left is the noise of shots."""
    machine = random_machine(2, 2, seed=6, scale=0.6)
    rates = RATES if reset else np.vstack([RATES, RATES[1:4]])
    exact, found = exact_joint(*machine), []
    for readout in (False, True):
        mitigation = Mitigation(readout=readout, calibration_shots=100_000)
        backend = BrokenBackend(breaks=reads_wrong(rates), mitigation=mitigation)
        sample = sample_gibbs(*machine, backend=backend, shots=100_000, reset=reset, seed=8)
        found.append(deviation(sample.distribution(), exact))
    assert found[0] > 0.05
    assert found[1] < 0.02
    assert len(backend.seen) == 3  # the circuit and both calibrations
    truth = acceptance(*machine, sample.regulator)
    assert sample.joint.sum() / sample.n_shots == pytest.approx(truth, abs=0.01)


def test_without_readout_errors_their_correction_changes_nothing():
    """A calibration that finds no error inverts the identity."""
    machine = random_machine(2, 2, seed=7)
    plain, corrected = (
        sample_gibbs(*machine, backend=StatevectorBackend(mitigation=one), shots=2000, seed=1).joint
        for one in (Mitigation(), Mitigation(readout=True))
    )
    assert np.abs(plain - corrected).max() < 1e-9


@pytest.mark.parametrize(
    ("device", "size", "shots", "reset", "factor"),
    [
        ("manila", (1, 1), 8000, True, 0.8),
        ("guadalupe", (2, 2), 20_000, False, 0.85),
        pytest.param("manila", (2, 2), 6000, True, 0.7, marks=pytest.mark.slow),
    ],
)
def test_readout_correction_brings_a_noisy_device_nearer(device, size, shots, reset, factor):
    """Errors of gates remain; those of readout go."""
    machine, found = random_machine(*size, seed=2, scale=0.5), []
    n_qubits = sum(size) + (1 if reset else math.prod(size))
    for readout in (False, True):
        mitigation = Mitigation(readout=readout)
        backend = QiskitBackend.on_fake(device, n_qubits=n_qubits, seed=1, mitigation=mitigation)
        sample = sample_gibbs(*machine, backend=backend, shots=shots, reset=reset, seed=4)
        found.append(deviation(sample.distribution(), exact_joint(*machine)))
    assert found[1] < factor * found[0]


def test_the_nearest_distribution_satisfies_its_conditions():
    """No entry below 0, sum 1; all entries kept are lowered alike, the others by no more."""
    values = np.random.default_rng(1).normal(size=(4, 4))
    values += (1 - values.sum()) / values.size
    found = nearest_distribution(values)
    assert found.min() == 0.0
    assert found.sum() == pytest.approx(1.0, abs=1e-14)
    kept = found > 0
    lowered = (values - found)[kept]
    assert np.ptp(lowered) < 1e-14
    assert values[~kept].max() <= lowered[0]
    assert nearest_distribution(found) is found


@pytest.mark.parametrize(
    ("backend", "remedy"),
    [
        (of_pennylane(5), r"sample_gibbs\(reset=False\)"),
        (QiskitBackend.ideal(seed=1, shots=100), r"sample_gibbs\(reset=False\)"),
        (QiskitBackend(primitive=StatevectorEstimator()), r"Use a sampler"),
        (SectorBackend(), r"Use StatevectorBackend\(shots=\.\.\.\)"),
    ],
    ids=["pennylane", "qiskit-ideal", "estimator", "sector"],
)
def test_backends_that_cannot_are_refused_with_what_can(backend, remedy):
    """No reset: one ancilla for each pair; no counts: another backend."""
    with pytest.raises(CapabilityError, match=remedy):
        sample_gibbs(*random_machine(2, 2, seed=1), backend=backend, shots=100, seed=1)


def test_a_device_that_is_too_small_is_not_blamed_for_resets():
    """Its own refusal stands where nothing was reset."""
    with pytest.raises(InputError, match="wires=8"):
        sample_gibbs(*random_machine(2, 2, seed=1), backend=of_pennylane(5), shots=100, reset=False)


def test_no_shot_kept_is_said_with_three_remedies():
    """Improbable at the default regulator, certain at a small one."""
    with pytest.raises(MeasurementError, match="more shots, a larger regulator, or smaller"):
        sample_gibbs(
            [9.0], [-9.0], [[9.0]], backend=IDEAL, shots=50, regulator=0.5, n_blocks=5, seed=1
        )
    with pytest.raises(MeasurementError, match="none of 1 shots"):
        exact_sample(random_machine(1, 1, seed=1), 1.0).distribution(np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("size", "remedy"),
    [((4, 13), "at most 12 hidden units"), ((16, 1), "fewer visible units"), ((1, 16), "most 15")],
    ids=str,
)
def test_too_many_bits_are_refused_with_what_fits(size, remedy):
    """64 bits of a record, 16 units of a table."""
    with pytest.raises(InputError, match=remedy):
        sample_gibbs(*random_machine(*size, seed=1), backend=IDEAL)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"backend": StatevectorBackend()}, "Set shots=8192"),
        ({"backend": IDEAL, "shots": 0}, "at least 1"),
        ({"backend": IDEAL, "shots": 10}, "n_blocks=10"),
        ({"backend": IDEAL, "n_blocks": 0}, "20 is good"),
        ({"backend": IDEAL, "regulator": -1.0}, "above 0"),
    ],
)
def test_unusable_settings_are_refused(options, remedy):
    """By what is asked for instead."""
    with pytest.raises(InputError, match=remedy):
        sample_gibbs(*random_machine(1, 1, seed=1), **options)
