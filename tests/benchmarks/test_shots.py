"""Jobs and gradients beside the naive route: the smallest size."""

import numpy as np
from qiskit.primitives import StatevectorSampler

import qmlmat as qm
from benchmarks import shots
from benchmarks.naive import naive_gradient


def test_the_naive_route_finds_the_same_gradient_with_a_job_for_each_circuit():
    """H2: five points of one angle, five qubit-wise groups, 25 jobs."""
    params = np.array([0.1])
    evaluator = qm.QiskitBackend.ideal(shots=100).prepare(shots.request("H2"))
    sampler = StatevectorSampler(seed=np.random.default_rng(1))
    found, spent = naive_gradient(evaluator, params, sampler, shots_per_circuit=4000)
    assert (spent.n_jobs, spent.n_circuits, spent.n_transpiled) == (25, 25, 25)
    exact = qm.SectorBackend().prepare(shots.request("H2")).value_and_gradient(params)
    assert abs(found[0] - exact.gradient[0, 0]) < 0.1  # five standard errors of 4,000 shots


def test_repetitions_that_are_dealt_out_differ():
    """One measurement, two shares."""
    problem = shots.hamiltonian("H2")
    backend = shots.Dealt(qm.StatevectorBackend(shots=400), 2)
    solver = qm.EOM(ground=qm.VQE("uccsd", exact_search=True), multiplicity=1)
    one, other = (
        qm.solve(problem, solver, n_states=2, backend=backend, seed=1).energies for _ in range(2)
    )
    assert (one != other).any()
