"""Circuits of qubit gates on models: their states, what notes say, shots, Qiskit and PennyLane."""

import numpy as np
import pennylane as qml
import pytest
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from small_models import ising, random_matrix, two_site_band

import qmlmat as qm
from qmlmat.backends import Preparation
from qmlmat.solvers.qubit_states import N_STARTS

SHALLOW = qm.Ansatz("hea_efficient_su2", depth=1)
SAME = 1e-6
"""Energies of converged searches: gradients below 1e-4 leave some 1e-8."""
VQD = qm.VQD(SHALLOW, layers=1)
SSVQE = qm.SSVQE(SHALLOW, layers=1)


def test_each_state_of_vqd_is_its_circuit_at_its_angles():
    """Rows of params in the order of the energies, and where the searches ended."""
    h = qm.MatrixHamiltonian(matrix=random_matrix(3, 4))
    found = qm.solve(h, VQD, n_states=3, seed=5)
    assert found.params.shape == (3, found.circuit.n_params)
    zeros = qm.Reference.determinant("00")
    vectors = qm.StatevectorBackend().qubit_state(Preparation(found.circuit, zeros, found.params))
    for vector, state in zip(vectors, found.states, strict=True):
        assert abs(np.vdot(vector[:3], state)) == pytest.approx(1, abs=1e-6)
    assert found.start_energies.shape == (3, N_STARTS)
    met = ~np.isnan(found.start_energies)
    assert (met.sum(axis=1) >= 2).all()
    np.testing.assert_allclose(found.start_energies[:, 0], found.energies, atol=SAME)


def test_states_of_ssvqe_span_what_the_circuit_makes_of_basis_states():
    """References are the basis states with the lowest diagonal elements."""
    h = qm.MatrixHamiltonian(matrix=np.diag([3.0, 1.0, 2.0]) + 0.1 * random_matrix(3, 2))
    found = qm.solve(h, SSVQE, n_states=2)
    assert [r.terms[0][0] for r in found.references] == ["01", "10"]
    made = qm.StatevectorBackend().qubit_state(
        Preparation(found.circuit, found.references, found.params)
    )
    for state in found.states:
        inside = np.linalg.norm(made[:, :3].conj() @ state)
        assert inside == pytest.approx(1, abs=1e-6)


def test_a_circuit_too_shallow_for_the_states_says_so():
    """Four layers of rotations on three qubits do not hold any two states: their residuals tell."""
    found = qm.solve(ising(), qm.SSVQE(SHALLOW), n_states=2)
    assert found.status == "converged"
    assert (found.errors > 0.01).all()
    assert any("are no eigenstates" in note and "Take a deeper" in note for note in found.notes)


def test_a_constant_hides_no_bad_state():
    """Energies counted from far below: the residual is as large, and so is the complaint."""
    chain = ising()
    far = chain.terms + qm.PauliSum.identity(chain.n_qubits, 1e4)
    solver = qm.SSVQE(SHALLOW, max_iterations=5)
    found = qm.solve(qm.QubitHamiltonian(terms=far), solver, n_states=2)
    assert any("are no eigenstates" in note for note in found.notes)


def test_a_circuit_too_shallow_for_the_state_says_that_padding_is_in_it():
    """Without entanglers' help |00> + |01> + |10> is out of reach: 0.008 of padding remains."""
    real = qm.Ansatz("hea_ry_cz", depth=1)
    h = qm.MatrixHamiltonian(matrix=-np.ones((3, 3)), padding=0.1)
    found = qm.solve(h, qm.VQE(real, max_iterations=1))
    assert any("weight on padding" in note and "deeper" in note for note in found.notes)
    assert np.linalg.norm(found.states[0]) == pytest.approx(1)
    assert found.energy > -3


@pytest.mark.parametrize(
    ("solver", "n_states"),
    [
        (qm.VQE(SHALLOW), 1),
        (qm.VQE(SHALLOW, exact_search=True), 1),
        (VQD, 2),
        (qm.SSVQE(SHALLOW, layers=1, exact_search=True), 2),
        (SSVQE, 2),
    ],
    ids=["VQE", "VQE-exact", "VQD", "SSVQE-exact", "SSVQE"],
)
def test_measured_levels_agree_with_the_exact_ones_within_their_errors(solver, n_states):
    """A two-site band by shots: four standard errors of energies, and no states."""
    h = two_site_band((0.1, 0.25))
    backend = qm.StatevectorBackend(shots=20_000)
    found = qm.solve(h, solver, n_states=n_states, backend=backend, seed=1)
    assert found.is_converged
    assert found.stderr.shape == (n_states,)
    assert found.states is None
    assert found.stderr.max() < 0.2
    # Angles found under shots add about as much as the measurement.
    assert (np.abs(found.errors) < 4 * found.stderr + 0.02).all()


def test_the_same_seed_draws_the_same_shots():
    """To the last bit, search and measurement."""
    h, backend = two_site_band((0.1, 0.25)), qm.StatevectorBackend(shots=2_000)
    one, again = (qm.solve(h, qm.VQE(SHALLOW), backend=backend, seed=1) for _ in range(2))
    np.testing.assert_array_equal(one.params, again.params)
    np.testing.assert_array_equal(one.energies, again.energies)


def test_measured_levels_of_three_sites_come_with_their_covariance():
    """Padding is measured, too, and does not come out as a level."""
    h = qm.MatrixHamiltonian(matrix=random_matrix(3, 6))
    solver = qm.SSVQE(SHALLOW, layers=1, exact_search=True)
    backend = qm.StatevectorBackend(shots=40_000)
    found = qm.solve(h, solver, n_states=3, backend=backend, seed=4)
    assert found.covariance.shape == (3, 3)
    np.testing.assert_allclose(found.covariance.diagonal(), found.stderr**2)
    assert (np.abs(found.errors) < 4 * found.stderr).all()
    assert any("meV, which was taken off" in note for note in found.notes)


def devices():
    """The two frameworks, exactly and with shots."""
    sampler = StatevectorSampler(seed=np.random.default_rng(1))
    return {
        "qiskit": qm.QiskitBackend(primitive=StatevectorEstimator()),
        "qiskit-shots": qm.QiskitBackend(primitive=sampler, shots=20_000),
        "pennylane": qm.PennyLaneBackend(device=qml.device("default.qubit")),
        "pennylane-shots": qm.PennyLaneBackend(
            device=qml.device("default.qubit", seed=1), shots=20_000
        ),
    }


@pytest.mark.parametrize("name", ["qiskit", "pennylane"])
def test_qiskit_and_pennylane_find_the_same_bands(name):
    """Exact expectations of both: levels as by numpy, by projectors and by superpositions."""
    h = two_site_band((0.3, 0.1))
    exact = np.linalg.eigvalsh(h.matrix)
    for solver in (qm.VQD(SHALLOW, layers=1, gradient_tolerance=1e-2), SSVQE):
        guess = qm.solve(h, solver, n_states=2)
        found = qm.solve(h, solver, n_states=2, guess=guess, backend=devices()[name])
        np.testing.assert_allclose(found.energies, exact, atol=1e-4)
        assert found.stderr is None


@pytest.mark.parametrize("name", ["qiskit-shots", "pennylane-shots"])
def test_qiskit_and_pennylane_measure_bands_found_by_exact_search(name):
    """Shots of both within four standard errors."""
    h = two_site_band((0.3, 0.1))
    solver = qm.SSVQE(SHALLOW, layers=1, exact_search=True)
    found = qm.solve(h, solver, n_states=2, backend=devices()[name])
    assert (np.abs(found.errors) < 4 * found.stderr).all()
