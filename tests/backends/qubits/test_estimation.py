"""Estimates from counts: unbiased, with error bars that hold, with and without mitigation."""

from dataclasses import replace

import numpy as np
import pennylane as qml
import pytest
from doors import BrokenBackend, ShiftedDoor, reads_wrong
from molecules import HYDROGEN, hamiltonian
from problems import problem
from qiskit.primitives import StatevectorSampler

import qmlmat as qm
from qmlmat.ansatz import Ansatz, QubitCircuit, QubitGate
from qmlmat.backends import Preparation, Reference, Request, SectorBackend
from qmlmat.backends.pennylane.backend import PennyLaneBackend
from qmlmat.backends.qiskit.backend import QiskitBackend
from qmlmat.backends.qubits import Mitigation, QubitEvaluator
from qmlmat.backends.qubits.mitigation import Readout, extrapolated
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import CapabilityError, InputError, MeasurementError, QmlmatWarning
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.systems import SpinSquare

REPETITIONS = 200
COVERED = (0.60, 0.76)
"""Shares of 200 repetitions within one standard error: 0.683 is expected, +-0.033."""
UNLIKELY = 5.0  # standard errors; seeds are fixed

SAMPLED = {
    "statevector": lambda shots: StatevectorBackend(shots=shots),
    "pennylane": lambda shots: PennyLaneBackend(
        device=qml.device("default.qubit", seed=11), shots=shots
    ),
    "qiskit": lambda shots: QiskitBackend(
        primitive=StatevectorSampler(seed=np.random.default_rng(11)), shots=shots
    ),
}


def h2_request(params=0.17, **keywords):
    """H2 at an angle of its double excitation, beside the exact energy."""
    h2 = hamiltonian(HYDROGEN)
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    reference = Reference.hartree_fock(2, (1, 1))
    request = Request(
        preparation=Preparation(circuit, reference),
        observables=(h2, SpinSquare(2, (1, 1))),
        **keywords,
    )
    return request, np.linspace(0.3, params, circuit.n_params)


def lih_request():
    """LiH with two electrons in three orbitals, three angles."""
    molecule = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.595")
    lih = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(indices=(1, 2, 5)))
    circuit = Ansatz("uccsd").circuit(3, (1, 1))
    preparation = Preparation(circuit, Reference.hartree_fock(3, (1, 1)))
    params = np.random.default_rng(4).normal(scale=0.2, size=circuit.n_params)
    return Request(preparation=preparation, observables=(lih,)), params


def exact(request, params):
    """Values and gradients without shots."""
    return SectorBackend().prepare(request).value_and_gradient(params)


def coverage(values, variances, right):
    """Share of estimates within one standard error of the exact value."""
    return (np.abs(values - right) <= np.sqrt(variances)).mean(axis=0)


@pytest.mark.parametrize("name", SAMPLED)
def test_estimates_are_unbiased_and_their_error_bars_cover(name):
    """200 repetitions in one job: the mean within 5 sigma, error bars true for H and S^2."""
    request, params = h2_request()
    backend = SAMPLED[name](400)
    found = backend.prepare(request, seed=3)(np.tile(params, (REPETITIONS, 1)))
    right = exact(request, params).values
    error = np.sqrt(found.variances.mean(axis=0) / REPETITIONS)
    assert (np.abs(found.values.mean(axis=0) - right) < UNLIKELY * error).all()
    covered = coverage(found.values, found.variances, right)
    assert ((covered > COVERED[0]) & (covered < COVERED[1])).all()
    assert found.n_shots == 400 * REPETITIONS == backend.usage.n_shots
    assert backend.usage.n_jobs == 1


@pytest.mark.parametrize("grouping", ["commuting", "qubit_wise"])
def test_gradients_are_unbiased_and_their_error_bars_cover(grouping):
    """Every derivative of LiH's energy from shifted estimates."""
    request, params = lih_request()
    backend = StatevectorBackend(shots=400, mapping="parity", grouping=grouping)
    found = backend.prepare(request, seed=5).value_and_gradient(np.tile(params, (REPETITIONS, 1)))
    right = exact(request, params).gradient
    error = np.sqrt(found.gradient_variances.mean(axis=0) / REPETITIONS)
    assert (np.abs(found.gradient.mean(axis=0) - right) < UNLIKELY * error).all()
    covered = coverage(found.gradient, found.gradient_variances, right)
    assert COVERED[0] < covered.mean() < COVERED[1]


def test_covariances_within_a_group_are_in_the_error_bar():
    """Two words that are always equal, then always opposite: twice the error, and none."""
    circuit = QubitCircuit(2, (QubitGate("h", (0,)), QubitGate("cx", (0, 1))))
    preparation = Preparation(circuit, Reference.determinant("00"), np.zeros(0))
    sums = [PauliSum.from_words({"ZI": 1.0, "IZ": sign}) for sign in (1.0, -1.0)]
    together, opposite = StatevectorBackend(shots=1000).run(
        [Request(preparation=preparation, observables=(one,)) for one in sums], seed=1
    )
    # apart, each word has the variance 1 / 1000 and both have 2 / 1000
    assert together.variances[0] == pytest.approx(4 / 1000, rel=0.02)
    assert opposite.variances[0] == 0
    assert opposite.values[0] == 0


def test_variances_are_those_of_the_exact_state():
    """To a few per cent with many shots: the exact variance of each group over its shots."""
    request, params = lih_request()
    backend = StatevectorBackend(shots=200_000)
    evaluator = backend.prepare(request, seed=2)
    found = evaluator(params)
    state = backend.qubit_state(replace(request.preparation, params=params))
    batch = evaluator.planned(params)[0][0]
    (settings,) = evaluator.door._plan(batch)
    expected = sum(one.group.deviation(state) ** 2 / one.shots for one in settings)
    assert found.variances[0] == pytest.approx(expected, rel=0.05)
    assert sum(one.shots for one in settings) == 200_000


def test_every_basis_of_measurement_has_two_shots():
    """One shot does not tell its own error: too few are refused with the number needed."""
    request, params = lih_request()
    least = StatevectorBackend(shots=10_000).prepare(request).least_shots
    found = StatevectorBackend(shots=least).prepare(request, seed=1)(params)
    assert found.variances[0] > 0
    with pytest.raises(InputError, match=f"at least {least} shots"):
        StatevectorBackend(shots=least - 1).prepare(request)(params)


def test_the_same_seed_gives_the_same_answer_and_another_another():
    """Of runs, and of evaluators."""
    request, params = h2_request()
    backend = StatevectorBackend(shots=100)
    fixed = replace(request, preparation=replace(request.preparation, params=params))
    one, again, other = (backend.run([fixed], seed=s)[0].values for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(backend.prepare(request, seed=1)(params).values, one)


RATES = np.array([[0.03, 0.08], [0.10, 0.05], [0.02, 0.02], [0.06, 0.12]])


def noisy(shots=2000, **mitigation):
    """A backend whose bits are read wrong at known rates."""
    return BrokenBackend(
        shots=shots, breaks=reads_wrong(RATES), mitigation=Mitigation(**mitigation)
    )


def test_readout_correction_recovers_the_exact_values():
    """Raw estimates are off by many errors, corrected ones by none; error bars cover."""
    request, params = h2_request()
    rows = np.tile(params, (REPETITIONS, 1))
    right = exact(request, params).values
    raw = noisy().prepare(request, seed=1)(rows)
    assert (np.abs(raw.values - right)[:, 0] > 5 * np.sqrt(raw.variances[:, 0])).mean() > 0.5
    backend = noisy(readout=True, calibration_shots=1_000_000)
    found = backend.prepare(request, seed=1)(rows)
    error = np.sqrt(found.variances.mean(axis=0) / REPETITIONS)
    assert (np.abs(found.values.mean(axis=0) - right) < UNLIKELY * error + 2e-4).all()
    covered = coverage(found.values, found.variances, right)
    assert ((covered > COVERED[0]) & (covered < COVERED[1])).all()
    assert sum(job.is_physical for job in backend.seen) == 2  # once for all points


def test_the_uncertainty_of_the_calibration_is_in_the_error_bar():
    """With few calibration shots it is most of the error: bars cover over 200 calibrations."""
    request, params = h2_request()
    reduced = qubit_mapping("parity", 2, reduced_for=(1, 1))
    backend = replace(noisy(shots=5_000, readout=True, calibration_shots=300), mapping=reduced)
    found = [backend.prepare(request, seed=seed)(params) for seed in range(REPETITIONS)]
    right = exact(request, params).values
    values = np.array([one.values for one in found])
    covered = coverage(values, np.array([one.variances for one in found]), right)
    assert COVERED[0] < covered[0] < COVERED[1]
    assert np.abs(values.mean(axis=0) - right)[0] < UNLIKELY * values[:, 0].std() / 14


def adds_wrong_sector(share):
    """A share of the shots is in the state of all ones: another sector than (1, 1)."""

    def breaks(outcomes, job, rng):
        wrong = rng.random(len(outcomes)) < share
        everything = np.uint64((1 << job.circuit.n_bits) - 1)
        return np.where(wrong, everything, outcomes)

    return breaks


def test_post_selection_drops_what_is_in_another_sector():
    """Wrong electrons in a diagonal basis: kept shots alone give the exact value."""
    preparation = Preparation(
        Ansatz("uccsd").circuit(2, (1, 1)), Reference.hartree_fock(2, (1, 1)), np.full(3, 0.3)
    )
    diagonal = PauliSum.from_words({"ZIII": 0.4, "IZII": -0.3, "ZIZI": 0.7})
    request = Request(preparation=preparation, observables=(diagonal,))
    (right,) = StatevectorBackend().run([request])
    for symmetry in (False, True):
        backend = BrokenBackend(
            shots=20_000, breaks=adds_wrong_sector(0.2), mitigation=Mitigation(symmetry=symmetry)
        )
        (found,) = backend.run([request], seed=1)
        off = abs(found.values[0] - right.values[0]) / np.sqrt(found.variances[0])
        assert off < UNLIKELY if symmetry else off > 20


def test_post_selection_changes_nothing_without_noise():
    """In every basis the exact state passes, whatever the mapping; errors bars cover."""
    request, params = lih_request()
    right = exact(request, params).values
    for mapping in (
        "jordan_wigner",
        "bravyi_kitaev",
        qubit_mapping("parity", 3, reduced_for=(1, 1)),
    ):
        backend = StatevectorBackend(
            shots=2000, mapping=mapping, mitigation=Mitigation(symmetry=True)
        )
        found = backend.prepare(request, seed=1)(np.tile(np.zeros_like(params), (REPETITIONS, 1)))
        at_zero = exact(request, np.zeros_like(params)).values
        error = np.sqrt(found.variances.mean(axis=0) / REPETITIONS)
        assert (np.abs(found.values.mean(axis=0) - at_zero) < UNLIKELY * error + 1e-12).all()
    assert right.shape == (1,)


def test_parities_that_the_circuit_breaks_are_not_taken_for_known():
    """Occupations are kept by a diagonal observable, not by a circuit that moves electrons."""
    request, params = h2_request()
    diagonal = PauliSum.from_words({"ZIII": 0.4, "IZII": -0.3, "ZIZI": 0.7})
    for row in (params, np.array([0.4, 0.0, 0.0]), np.zeros(3)):
        fixed = Request(
            preparation=replace(request.preparation, params=row), observables=(diagonal,)
        )
        (right,) = StatevectorBackend().run([fixed])
        backend = StatevectorBackend(shots=5000, mitigation=Mitigation(symmetry=True))
        (found,) = backend.run([fixed], seed=1)
        error = np.sqrt(found.variances[0])
        assert abs(found.values[0] - right.values[0]) <= UNLIKELY * error + 1e-12
        assert error > 0 or not row.any()


def test_symmetries_of_qubit_gates_are_refused_with_the_remedy():
    """They need not keep the electrons."""
    preparation = Preparation(QubitCircuit(4, ()), Reference.determinant("1010"), np.zeros(0))
    request = Request(preparation=preparation, observables=(SpinSquare(2, (1, 1)),))
    backend = StatevectorBackend(shots=100, mitigation=Mitigation(symmetry=True))
    with pytest.raises(InputError, match="Use a fermionic circuit"):
        backend.run([request])


def test_no_accepted_shot_is_an_error():
    """Every shot in another sector: nothing is left, and the message says what to do."""
    preparation = Preparation(
        Ansatz("uccsd").circuit(2, (1, 1)), Reference.hartree_fock(2, (1, 1)), np.zeros(3)
    )
    request = Request(preparation=preparation, observables=(PauliSum.from_words({"ZIII": 1.0}),))
    backend = BrokenBackend(
        shots=100, breaks=adds_wrong_sector(1.0), mitigation=Mitigation(symmetry=True)
    )
    with pytest.raises(MeasurementError, match="symmetry=False"):
        backend.run([request], seed=1)


@pytest.mark.parametrize(
    ("breaks", "message"),
    [
        (lambda outcomes, _job, _rng: outcomes[:-1], "returned 99 of 100 shots|shots of a circuit"),
        (lambda outcomes, _job, _rng: outcomes[:0], "returned 0 of"),
        (lambda outcomes, _job, _rng: np.zeros_like(outcomes), "0 for every bit"),
    ],
    ids=["some", "all", "zeros"],
)
def test_missing_counts_are_an_error(breaks, message):
    """Shots that did not come back, and the all-zero bit strings samplers make of no counts."""
    request, params = h2_request()
    with pytest.raises(MeasurementError, match=message):
        BrokenBackend(shots=400, breaks=breaks).prepare(request)(params)


def test_all_zeros_are_an_answer_where_the_state_is_zero():
    """A determinant whose qubits are all 0 is not taken for missing counts."""
    preparation = Preparation(QubitCircuit(3, ()), Reference.determinant("000"), np.zeros(0))
    request = Request(preparation=preparation, observables=(PauliSum.from_words({"ZZI": 1.0}),))
    (found,) = StatevectorBackend(shots=50).run([request])
    assert (found.values[0], found.variances[0]) == (1.0, 0.0)


def test_reference_correction_is_exact_for_a_constant_error():
    """Whatever the point, for every reference and observable; gradients do not change."""
    case = problem("uccsd", 2, (1, 1), 3)
    request = Request(
        preparation=Preparation(case.circuit, case.references), observables=case.observables
    )
    right = exact(request, case.params)
    door = ShiftedDoor(PlainDoor(), 0.37)
    for corrects in (False, True):
        evaluator = QubitEvaluator(
            request, "jordan_wigner", door, None, corrects_reference=corrects
        )
        found = evaluator.value_and_gradient(case.params)
        error = np.abs(found.values - right.values)
        assert (error < 1e-10).all() if corrects else (np.abs(error - 0.37) < 1e-10).all()
        assert np.abs(found.gradient - right.gradient).max() < 1e-8
        assert np.abs(evaluator(case.params[:1]).values - found.values[:1]).max() < 1e-10


class PlainDoor:
    """Exact expectations, without gradients of its own."""

    def least_shots(self, batches):  # noqa: ARG002 (the interface's)
        """One."""
        return 1

    def expectations(self, batches):
        """Return the exact expectations."""
        return StatevectorBackend().door(None, None).expectations(batches)


def test_reference_correction_does_not_widen_the_error_of_a_gradient():
    """The correction is a constant; the energies' error bars have its error, gradients' do not."""
    request, params = lih_request()
    plain = StatevectorBackend(shots=2000).prepare(request, seed=1)
    corrected = StatevectorBackend(shots=2000, mitigation=Mitigation(reference=True))
    with_it = corrected.prepare(request, seed=1).value_and_gradient(params)
    without = plain.value_and_gradient(params)
    assert with_it.variances[0] > without.variances[0]
    ratio = with_it.gradient_variances.sum() / without.gradient_variances.sum()
    assert 0.8 < ratio < 1.2


def test_extrapolation_finds_the_value_at_zero_noise():
    """Exactly for data of its own form; the error grows by the known factor."""
    factors = (1, 3, 5)
    x, noise = np.array(factors, dtype=float), np.full((3, 1), 1e-4)
    forms = {
        "linear": 2.0 - 0.1 * x,
        "quadratic": 2.0 - 0.1 * x + 0.02 * x**2,
        "exponential": 2.0 * np.exp(-0.1 * x),
    }
    for kind, values in forms.items():
        value, variance = extrapolated(factors, values[:, None], noise, kind)
        assert value[0] == pytest.approx(2.0, abs=1e-9)
        assert 1e-4 < variance[0] < 1e-2
    line = np.polyfit(x, forms["quadratic"], 1)[1]
    assert extrapolated(factors, forms["quadratic"][:, None], noise, "linear")[0][
        0
    ] == pytest.approx(line)
    _, variance = extrapolated((1, 3), np.array([[1.0], [0.8]]), np.full((2, 1), 1.0), "linear")
    assert variance[0] == pytest.approx(1.5**2 + 0.5**2)


def test_extrapolated_error_bars_cover():
    """Gaussian noise of different size at each factor."""
    rng, factors = np.random.default_rng(1), np.array([1, 3, 5])
    deviations = np.array([0.01, 0.02, 0.05])[:, None]
    clean = (1.0 - 0.05 * factors)[:, None]
    values = clean + deviations * rng.normal(size=(3, 2000))
    noise = np.broadcast_to(deviations**2, values.shape)
    found, variances = extrapolated((1, 3, 5), values, noise, "linear")
    assert coverage(found, variances, 1.0) == pytest.approx(0.683, abs=0.04)


def test_a_factor_without_scatter_does_not_switch_the_fit_off():
    """One variance of exactly zero: the line still goes through the other points."""
    values = np.array([[1.0], [0.8], [0.6]])
    noise = np.array([[0.0], [1e-4], [1e-4]])
    found, variance = extrapolated((1, 3, 5), values, noise, "linear")
    assert found[0] == pytest.approx(1.1, abs=1e-9)
    assert variance[0] > 0


def test_an_exponential_without_finite_variance_falls_back_to_the_line():
    """Values of both signs, or drowned in noise: a warning, and finite errors."""
    values = np.array([[0.2, 0.01], [-0.1, 0.005], [-0.3, 0.001]])
    noise = np.full((3, 2), 1e-2)
    with pytest.warns(QmlmatWarning, match="linear one is taken"):
        found, variances = extrapolated((1, 3, 5), values, noise, "exponential")
    line, spread = extrapolated((1, 3, 5), values, noise, "linear")
    assert np.array_equal(found, line)
    assert np.array_equal(variances, spread)


def test_extrapolation_changes_nothing_without_noise():
    """Folded circuits are the same: the estimate at three factors covers."""
    request, params = h2_request()
    backend = StatevectorBackend(
        shots=500,
        mitigation=Mitigation(readout=True, noise_factors=(1, 3, 5), calibration_shots=100),
    )
    found = backend.prepare(request, seed=1)(np.tile(params, (REPETITIONS, 1)))
    covered = coverage(found.values, found.variances, exact(request, params).values)
    assert ((covered > COVERED[0]) & (covered < COVERED[1])).all()


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"noise_factors": (1, 3)}, "Set readout=True"),
        ({"noise_factors": (1, 2), "readout": True}, r"Use \(1, 3, 5\)"),
        ({"noise_factors": (3, 5), "readout": True}, r"Use \(1, 3, 5\)"),
        ({"noise_factors": (1,), "readout": True}, r"Use \(1, 3, 5\)"),
        (
            {"noise_factors": (1, 3), "readout": True, "extrapolation": "quadratic"},
            r"Use \(1, 3, 5\)",
        ),
        ({"extrapolation": "linaer"}, 'Did you mean "linear"'),
        ({"calibration_shots": 0}, "at least 1"),
    ],
)
def test_mitigation_that_makes_no_sense_is_refused_with_the_remedy(settings, remedy):
    """Factors, readout, and what is fitted."""
    with pytest.raises(InputError, match=remedy):
        Mitigation(**settings)


def test_hopeless_and_too_many_qubits_are_not_corrected():
    """A readout that is no better than a coin."""
    with pytest.raises(InputError, match="Use other qubits"):
        Readout(np.array([[0.01, 0.02], [0.5, 0.45]]))


def test_counts_and_bad_requests_are_refused_with_the_remedy():
    """Counts have no evaluator, need shots and one state; shots are whole numbers."""
    request, params = h2_request()
    counts = replace(request, observables=None)
    backend = StatevectorBackend()
    with pytest.raises(CapabilityError, match=r"run\(\[request\]\)"):
        backend.prepare(counts)
    with pytest.raises(InputError, match=r"Request\(shots=\.\.\.\)"):
        backend.run([counts])
    batch = replace(counts.preparation, params=np.tile(params, (2, 1)))
    with pytest.raises(InputError, match="one request each"):
        backend.run([replace(counts, preparation=batch, shots=10)])
    with pytest.raises(InputError, match="Name an observable"):
        backend.prepare(replace(request, observables=()))
    with pytest.raises(InputError, match=r"Set Preparation\.params"):
        backend.run([request])
    here = replace(request, preparation=replace(request.preparation, params=params))
    with pytest.raises(InputError, match="Run them apart"):
        backend.run([here, replace(here, shots=10)])
    for shots in (0, -5, 10.0, True):
        with pytest.raises(InputError, match="a whole number"):
            StatevectorBackend(shots=shots)


def test_counts_are_the_states_own():
    """Bit strings with wire 0 on the left, in proportion to the exact probabilities."""
    request, params = h2_request()
    for name, make in SAMPLED.items():
        backend = make(None)
        fixed = replace(request.preparation, params=params)
        asked = Request(preparation=fixed, observables=None, shots=20_000)
        (found,) = backend.run([asked], seed=1)
        state = StatevectorBackend().qubit_state(fixed)
        for index in np.flatnonzero(np.abs(state) > 1e-12):
            chance = abs(state[index]) ** 2
            seen = found.counts.get(f"{index:04b}", 0) / 20_000
            assert abs(seen - chance) < UNLIKELY * np.sqrt(chance / 20_000) + 1e-9, name
        assert found.n_shots == sum(found.counts.values()) == 20_000
