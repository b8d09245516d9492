"""A loop written for any V2 estimator runs unchanged on Qiskit's and on ours."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from scipy.optimize import minimize

from problems import random_hamiltonian
from qmlmat.ansatz import Ansatz
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.operators.jordan_wigner import molecular_pauli_sum
from qmlmat.plugins.qiskit import SectorEstimator, conserving_circuit

ESTIMATORS = {
    "blocked": lambda: SectorEstimator(spin_order="blocked"),
    "all electrons": SectorEstimator,
}


def minimum(
    estimator: BaseEstimatorV2, ansatz: QuantumCircuit, operator: SparsePauliOp
) -> tuple[float, int]:
    """The lowest energy that COBYLA finds, and the number of circuits it ran."""
    n_calls = 0

    def energy(values) -> float:
        nonlocal n_calls
        n_calls += 1
        return float(estimator.run([(ansatz, operator, values)]).result()[0].data.evs)

    start = np.zeros(ansatz.num_parameters)
    found = minimize(energy, start, method="COBYLA", options={"maxiter": 500, "tol": 1e-10})
    return float(found.fun), n_calls


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


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_a_search_finds_the_same_minimum_on_every_estimator(problem, name):
    """COBYLA without derivatives, one circuit at a time."""
    expected, _ = minimum(StatevectorEstimator(), *problem)
    found, _ = minimum(ESTIMATORS[name](), *problem)
    assert found == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_a_descent_takes_the_same_way_on_every_estimator(problem, name):
    """Arrays of parameters, as gradients by differences or shifts ask for them."""
    expected = descended(StatevectorEstimator(), *problem)
    assert descended(ESTIMATORS[name](), *problem) == pytest.approx(expected, abs=1e-8)
