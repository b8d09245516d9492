"""Sentinels: a determinant's energy by its Z words, and what a wrong readout makes of it."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hardware_plans import counted, hydrogen, reduced
from hardware_programs import rotated
from molecules import LITHIUM_HYDRIDE, hamiltonian
from pauli_sums import dense

from qmlmat.ansatz import Circuit
from qmlmat.backends import Preparation, Reference, Request
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured
from qmlmat.hardware.asking import PlannedBackend
from qmlmat.hardware.sentinel import (
    SENTINEL_SHOTS,
    expected_reading,
    read_sentinel,
    sentinel_of_batch,
    sentinel_of_counts,
)
from qmlmat.operators.pauli import PauliSum

MAPPINGS = {
    "jordan_wigner": lambda _: "jordan_wigner",
    "parity, reduced": lambda h: h.qubit_mapping("parity", reduced=True),
    "tapered": lambda h: h.qubit_mapping("jordan_wigner", tapered=True),
}


def batch_of(h, mapping) -> Batch:
    """What a Hamiltonian asks of a device."""
    circuit = Circuit(h.norb, h.nelec, (), 0)  # what is measured of a circuit is of its reference
    reference = Reference.hartree_fock(h.norb, h.nelec)
    request = Request(
        preparation=Preparation(circuit, reference, np.zeros(0)),
        observables=(h,),
        shots=10_000,
    )
    return PlannedBackend(mapping=mapping).planned([request]).batches[0]


def h2_sentinel(**keywords):
    """The sentinel of H2 on two qubits."""
    return sentinel_of_batch(batch_of(hydrogen(), reduced()), **keywords)


@pytest.mark.parametrize("name", MAPPINGS)
@pytest.mark.parametrize("xyz", ["H 0 0 0; H 0 0 0.735", LITHIUM_HYDRIDE], ids=["H2", "LiH"])
def test_exact_energy_is_that_of_hartree_fock(name, xyz):
    """The diagonal of the Hamiltonian in the determinant is the mean-field energy, constant too."""
    h = hamiltonian(xyz)
    sentinel = sentinel_of_batch(batch_of(h, MAPPINGS[name](h)))
    assert sentinel.exact == pytest.approx(h.mean_field_energy, abs=1e-8)


@pytest.mark.parametrize("name", MAPPINGS)
def test_an_ideal_device_reads_the_exact_energy(name):
    """The circuit makes the determinant whose words are told: no shot says anything else."""
    sentinel = sentinel_of_batch(batch_of(hydrogen(), MAPPINGS[name](hydrogen())))
    (answer,) = counted([sentinel.program])
    reading = read_sentinel(sentinel, answer)
    assert reading.energy == pytest.approx(sentinel.exact, abs=1e-12)
    assert reading.deviation == pytest.approx(0.0, abs=1e-9)
    assert 0 < reading.stderr < 0.01


def test_provider_is_asked_for_the_same_energy():
    """An estimator's sentinel is the same state, and its sum has the same expectation."""
    sentinel, by_counts = h2_sentinel(expectations=True), h2_sentinel()
    (diagonal,) = sentinel.program.sums
    flips = [gate.wires[0] for gate in sentinel.program.circuit.gates if gate.name == "x"]
    index = sum(1 << (diagonal.n_qubits - 1 - w) for w in flips)  # wire 0 is the highest bit
    assert dense(diagonal)[index, index].real == pytest.approx(by_counts.exact, abs=1e-12)
    answer = Measured(np.array([[sentinel.exact + 0.1]]), np.array([[0.01**2]]), 100)
    reading = read_sentinel(sentinel, answer)
    assert reading.energy - reading.exact == pytest.approx(0.1)
    assert reading.stderr >= 0.01


@pytest.mark.parametrize("seed", range(4))
def test_expected_reading_is_a_sum_over_all_strings(seed):
    """Every string, with the probability that flipped bits give it: slow, and obvious."""
    rng = np.random.default_rng(seed)
    h = hamiltonian(LITHIUM_HYDRIDE)
    sentinel = sentinel_of_batch(batch_of(h, h.qubit_mapping("jordan_wigner", tapered=True)))
    n_qubits = sentinel.program.circuit.n_qubits
    errors = rng.uniform(0, 0.2, n_qubits)
    truth = {g.wires[0] for g in sentinel.program.circuit.gates if g.name == "x"}
    total = 0.0
    for flips in product((0, 1), repeat=n_qubits):
        chance = np.prod([e if f else 1 - e for f, e in zip(flips, errors, strict=True)])
        bits = [f ^ (w in truth) for w, f in enumerate(flips)]
        outcome = sum(bit << w for w, bit in enumerate(bits))
        signs = [(-1) ** (outcome & int(mask)).bit_count() for mask in sentinel.masks]
        total += chance * float(sentinel.coefficients @ signs)
    assert expected_reading(sentinel, errors) == pytest.approx(total, abs=1e-12)


def test_perfect_readout_is_expected_to_read_the_truth():
    """Without errors the expectation is the exact energy."""
    assert expected_reading(h2_sentinel(), [0.0, 0.0]) == pytest.approx(h2_sentinel().exact)


def test_error_bar_is_the_scatter():
    """Over many jobs the readings of noisy bits scatter by the error that each of them states."""
    sentinel, rng = h2_sentinel(), np.random.default_rng(2)
    p = np.array([0.01, 0.95, 0.0, 0.04])
    readings = []
    for _ in range(400):
        counts = rng.multinomial(SENTINEL_SHOTS, p)[None]
        readings.append(
            read_sentinel(sentinel, Histogram(2, np.arange(4, dtype=np.uint64), counts))
        )
    scatter = np.std([one.energy for one in readings])
    assert scatter == pytest.approx(np.mean([one.stderr for one in readings]), rel=0.15)


def test_sums_without_z_words_have_a_sentinel_that_tells_something():
    """Of X and Y alone a basis state says nothing, so its bits are asked."""
    batch = replace(batch_of(hydrogen(), reduced()), sums=(PauliSum.from_words({"XX": 0.5}),))
    sentinel = sentinel_of_batch(batch)
    (answer,) = counted([sentinel.program])
    assert read_sentinel(sentinel, answer).stderr > 0
    assert expected_reading(sentinel, [0.1, 0.0]) != pytest.approx(sentinel.exact)


def test_counts_are_watched_by_zeros():
    """A circuit that counts has no Hamiltonian: every qubit read as it is set."""
    sentinel = sentinel_of_counts(CountJob(rotated(0), np.zeros((1, 1)), 10))
    assert sentinel.exact == pytest.approx(1.0)
    assert expected_reading(sentinel, [0.1, 0.3]) == pytest.approx(1 - 0.1 - 0.3)


def test_a_batch_without_a_reference_has_no_sentinel():
    """There is nothing whose energy is known."""
    assert sentinel_of_batch(replace(batch_of(hydrogen(), reduced()), start=())) is None


def test_no_counts_give_no_number():
    """An answer of no shots at all must not divide by zero."""
    empty = Histogram(2, np.array([0], dtype=np.uint64), np.array([[0]]))
    assert np.isfinite(read_sentinel(h2_sentinel(), empty).stderr)
