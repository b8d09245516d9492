"""Readout errors as two circuits tell them, and their inverse on distributions."""

import numpy as np
import pytest
from doors import BrokenBackend, reads_wrong
from qiskit.primitives import StatevectorSampler

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends import Preparation, Reference, Request
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qiskit.backend import QiskitBackend
from qmlmat.backends.qubits.calibration import calibration_jobs, readout_errors
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.backends.qubits.mitigation import Readout
from qmlmat.backends.qubits.outcomes import check_counts
from qmlmat.errors import CapabilityError

RATES = np.array([[0.02, 0.06], [0.0, 0.05], [0.01, 0.08], [0.1, 0.0]])
RESETS = QubitCircuit(
    1, (QubitGate("measure", (0,), bit=0), QubitGate("reset", (0,)), QubitGate("x", (0,)))
)
SHOTS = 100_000


def test_two_circuits_tell_how_each_qubit_is_read():
    """Of some qubits of a device, in the order they were asked for."""
    door = BrokenBackend(breaks=reads_wrong(RATES)).count_door(seed=1)
    jobs = calibration_jobs([3, 0, 2], SHOTS)
    found = readout_errors(door.counts(jobs))
    assert len(jobs) == 2
    assert all(job.is_physical for job in jobs)
    assert np.abs(found - RATES[[3, 0, 2]]).max() < 5 * (0.1 * 0.9 / SHOTS) ** 0.5


def test_the_inverse_of_readout_restores_a_distribution():
    """Against the dense confusion matrix, a Kronecker product with bit 0 last."""
    truth = np.random.default_rng(2).dirichlet(np.ones(16), size=3).T
    dense = np.eye(1)
    for up, down in RATES:
        dense = np.kron([[1 - up, down], [up, 1 - down]], dense)
    assert np.abs(Readout(RATES).inverse(dense @ truth) - truth).max() < 1e-12


def test_both_inverses_are_transposes_of_each_other():
    """Means are the same whether distributions or functions are corrected."""
    rng, readout = np.random.default_rng(3), Readout(RATES)
    seen, function = rng.random((16, 1)), rng.random((16, 1))
    one = function.T @ readout.inverse(seen)
    other = readout.inverse_transposed(function).T @ seen
    assert one[0, 0] == pytest.approx(other[0, 0], abs=1e-12)


def test_counts_of_a_circuit_with_resets_may_all_be_zero():
    """Missing counts are told by a simulation of circuits that measure at their end, no others."""
    seen = Histogram(1, np.array([0], dtype=np.uint64), np.array([[SHOTS]]))
    check_counts(CountJob(RESETS, np.zeros((1, 0)), SHOTS), seen)


def test_a_sampler_that_cannot_reset_is_refused_with_those_that_can():
    """Qiskit's own message names a gate; ours names a backend."""
    backend = QiskitBackend(primitive=StatevectorSampler(seed=np.random.default_rng(1)))
    preparation = Preparation(RESETS, Reference.determinant("0"))
    with pytest.raises(CapabilityError, match=r"Use StatevectorBackend\(\), or a sampler of Aer"):
        backend.run([Request(preparation=preparation, observables=None, shots=10)])
