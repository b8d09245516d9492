"""A loop written for any V2 estimator runs unchanged on Qiskit's and on ours."""

from __future__ import annotations

import numpy as np
import pytest
from problems import random_hamiltonian
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from scipy.optimize import minimize

from qmlmat.ansatz import Ansatz
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.operators.jordan_wigner import molecular_pauli_sum
from qmlmat.plugins.qiskit import SectorEstimator, conserving_circuit

ESTIMATORS = (SectorEstimator(spin_order="blocked"), SectorEstimator())


def minimum(estimator: BaseEstimatorV2, ansatz: QuantumCircuit, operator: SparsePauliOp) -> float:
    """The lowest energy that COBYLA finds."""

    def energy(values) -> float:
        return float(estimator.run([(ansatz, operator, values)]).result()[0].data.evs)

    start = np.zeros(ansatz.num_parameters)
    found = minimize(energy, start, method="COBYLA", options={"maxiter": 200, "tol": 1e-10})
    return float(found.fun)


def descended(estimator: BaseEstimatorV2, ansatz: QuantumCircuit, operator: SparsePauliOp) -> float:
    """The energy after steps down central differences, all points of a step in one PUB."""
    n, width = ansatz.num_parameters, 1e-3
    values = np.full(n, 0.1)
    moves = np.concatenate([np.zeros((1, n)), width * np.eye(n), -width * np.eye(n)])
    for _ in range(30):
        (found,) = estimator.run([(ansatz, operator, values + moves)]).result()
        _, up, down = np.split(found.data.evs, [1, n + 1])
        values = values - 0.02 * (up - down) / (2 * width)
    return float(estimator.run([(ansatz, operator, values)]).result()[0].data.evs)


@pytest.fixture(name="problem")
def made():
    """Two electrons in two orbitals, where the template holds the exact ground state."""
    hamiltonian = random_hamiltonian(np.random.default_rng(8), 2, (1, 1))
    words = molecular_pauli_sum(hamiltonian.one_body, hamiltonian.two_body)
    return conserving_circuit(Ansatz("uccsd").circuit(2, (1, 1))), to_sparse_pauli_op(words)


def test_a_search_finds_the_same_minimum_on_every_estimator(problem):
    """COBYLA without derivatives, one circuit at a time."""
    expected = minimum(StatevectorEstimator(), *problem)
    for estimator in ESTIMATORS:
        assert minimum(estimator, *problem) == pytest.approx(expected, abs=1e-8)


def test_a_descent_takes_the_same_way_on_every_estimator(problem):
    """Arrays of parameters, as gradients by differences or shifts ask for them."""
    expected = descended(StatevectorEstimator(), *problem)
    for estimator in ESTIMATORS:
        assert descended(estimator, *problem) == pytest.approx(expected, abs=1e-8)
