"""Pauli sums and matrices solved by Exact and by circuits of qubit gates; what is refused."""

import json

import numpy as np
import pytest
from small_models import ising, random_matrix, two_site_band

import qmlmat as qm
from qmlmat.errors import CapabilityError, InputError, QmlmatWarning, TemplateError

SHALLOW = qm.Ansatz("hea_efficient_su2", depth=1)
DEEP = qm.Ansatz("hea_efficient_su2", depth=2)
REAL = qm.Ansatz("hea_ry_cz", depth=3, entangler="ring")
SAME = 1e-6
"""Energies of converged searches: gradients below 1e-4 leave some 1e-8."""
VQD = qm.VQD(SHALLOW, layers=1)
SSVQE = qm.SSVQE(SHALLOW, layers=1)


@pytest.mark.parametrize("solver", [VQD, SSVQE], ids=["VQD", "SSVQE"])
@pytest.mark.parametrize(("size", "n_states"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_levels_of_random_complex_matrices_are_those_of_numpy(solver, size, n_states):
    """Energies, residuals and states in the matrix's own shape, without padding."""
    for seed in range(3):
        h = qm.MatrixHamiltonian(matrix=random_matrix(size, [size, seed]))
        found = qm.solve(h, solver, n_states=n_states)
        assert found.status == "converged"
        assert found.notes == ()
        exact = np.linalg.eigvalsh(h.matrix)[:n_states]
        np.testing.assert_allclose(found.energies, exact, atol=SAME)
        np.testing.assert_allclose(found.reference_energies, exact, atol=1e-12)
        assert found.residuals.max() < 2e-3
        for energy, state in zip(found.energies, found.states, strict=True):
            assert state.shape == h.shape
            assert np.linalg.norm(state) == pytest.approx(1, abs=1e-12)
            # Both within the padding's weight, the square of the residual.
            assert np.vdot(state, h.matvec(state)).real == pytest.approx(energy, abs=SAME)


@pytest.mark.parametrize("solver", [qm.VQD(DEEP), qm.SSVQE(DEEP)], ids=["VQD", "SSVQE"])
def test_five_levels_need_three_qubits_and_two_layers(solver):
    """The default of two layers repeats the template, each time with angles of its own."""
    h = qm.MatrixHamiltonian(matrix=random_matrix(5, 1))
    found = qm.solve(h, solver, n_states=2)
    assert found.circuit.n_qubits == 3
    assert found.circuit.n_params == 2 * DEEP.qubit_circuit(3).n_params
    np.testing.assert_allclose(found.energies, np.linalg.eigvalsh(h.matrix)[:2], atol=SAME)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_vqe_finds_the_lowest_level_of_random_complex_matrices(size):
    """An upper bound that is met; angles are one vector."""
    for seed in range(3):
        h = qm.MatrixHamiltonian(matrix=random_matrix(size, [size, seed]), unit="hartree")
        found = qm.solve(h, qm.VQE(SHALLOW))
        assert found.energy == pytest.approx(np.linalg.eigvalsh(h.matrix)[0], abs=SAME)
        assert found.params.shape == (found.circuit.n_params,)
        assert found.unit == "hartree"


@pytest.mark.parametrize("solver", [qm.Exact(), VQD, SSVQE], ids=["Exact", "VQD", "SSVQE"])
@pytest.mark.parametrize("levels", [(1, 1, 1), (0, 1, 1), (1, 1, 2), (2, 2)])
def test_degenerate_levels_come_as_often_as_they_are(solver, levels):
    """Rotated so that no basis state is an eigenstate; states stay orthogonal."""
    turn = np.linalg.eigh(random_matrix(len(levels), 7))[1]
    h = qm.MatrixHamiltonian(matrix=turn @ np.diag(levels) @ turn.conj().T)
    found = qm.solve(h, solver, n_states=len(levels))
    np.testing.assert_allclose(found.energies, levels, atol=SAME)
    table = np.array(found.states)
    np.testing.assert_allclose(table.conj() @ table.T, np.eye(len(levels)), atol=1e-3)


@pytest.mark.parametrize("solver", [VQD, SSVQE], ids=["VQD", "SSVQE"])
def test_bands_follow_a_path_through_the_point_where_they_meet(solver):
    """A neighbour's angles are the first start; at K, where both sites agree, levels meet."""
    guess = None
    for step in np.linspace(0, 2 / 3, 7):
        h = two_site_band((step, -step), difference=0.0)
        guess = qm.solve(h, solver, n_states=2, guess=guess)
        phases = abs(1 + 2 * np.cos(2 * np.pi * step))
        np.testing.assert_allclose(guess.energies, [-2.7 * phases, 2.7 * phases], atol=SAME)


def test_a_guess_saves_evaluations():
    """Angles of the same Hamiltonian: its searches begin where they end."""
    h = two_site_band((0.1, 0.2))
    cold = qm.solve(h, VQD, n_states=2)
    warm = qm.solve(h, VQD, n_states=2, guess=cold)
    assert warm.history[-1].n_evaluations < cold.history[-1].n_evaluations
    other = qm.solve(h, qm.VQE(SHALLOW), guess=cold.params[0])
    assert other.history[0].energy == pytest.approx(cold.energy, abs=1e-12)
    with pytest.raises(InputError, match="same ansatz"):
        qm.solve(h, qm.VQD(SHALLOW), n_states=2, guess=cold)


def test_weights_of_references_change_the_search_and_not_the_levels():
    """Unequal weights that decrease order the states; both give the lowest levels."""
    h = qm.MatrixHamiltonian(matrix=random_matrix(4, 8))
    found = qm.solve(h, qm.SSVQE(SHALLOW, weights=(3.0, 2.0, 1.0)), n_states=3)
    np.testing.assert_allclose(found.energies, np.linalg.eigvalsh(h.matrix)[:3], atol=SAME)
    with pytest.raises(InputError, match="one for each state"):
        qm.solve(h, qm.SSVQE(SHALLOW, weights=(1.0,)), n_states=2)


def test_a_pauli_sum_is_solved_by_every_solver():
    """Three spins on a ring; a real template is enough where no Y stands alone."""
    h = ising()
    exact = np.linalg.eigvalsh(h.terms.matrix().toarray())
    found = qm.solve(h, qm.VQE(REAL, n_starts=4))
    assert found.energy == pytest.approx(exact[0], abs=SAME)
    assert found.start_energies.shape == (1, 4)
    assert (np.diff(found.start_energies) >= 0).all()
    for solver in (qm.Exact(), qm.VQD(DEEP), qm.SSVQE(DEEP)):
        several = qm.solve(h, solver, n_states=2)
        np.testing.assert_allclose(several.energies, exact[:2], atol=SAME)
        assert several.unit == "eV"


@pytest.mark.parametrize("initial", ["zero", "random"])
def test_vqe_begins_where_initial_says(initial):
    """At zero angles the state is |0...0>, whose energy is the first diagonal element."""
    h = qm.MatrixHamiltonian(matrix=np.diag([1.0, 5.0]) + 0.3 * random_matrix(2, 3))
    found = qm.solve(h, qm.VQE(SHALLOW, initial=initial, max_iterations=1), seed=2)
    start = found.history[0].energy
    assert start == pytest.approx(h.matrix[0, 0].real, abs=1e-9 if initial == "zero" else 0.3)


@pytest.mark.parametrize("solver", [qm.Exact(), VQD, SSVQE], ids=["Exact", "VQD", "SSVQE"])
def test_an_answer_keeps_its_settings_and_survives_a_file(solver):
    """Provenance holds solver and seed; to_dict keeps every digit."""
    found = qm.solve(two_site_band((0.1, 0.2)), solver, n_states=2, seed=9)
    assert found.provenance["solver"] == solver.inputs()
    assert found.provenance["seed"] == 9
    back = qm.Solution.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=True)))
    np.testing.assert_array_equal(back.energies, found.energies)
    assert back.circuit == found.circuit
    assert back.references == found.references
    if found.params is not None:
        np.testing.assert_array_equal(back.params, found.params)


def test_the_same_seed_gives_the_same_answer_and_another_one_other_starts():
    """To the last bit; without a seed that is zero."""
    h = qm.MatrixHamiltonian(matrix=random_matrix(3, 3))
    first, again, other = (qm.solve(h, VQD, n_states=2, seed=seed) for seed in (0, None, 1))
    np.testing.assert_array_equal(first.params, again.params)
    assert np.abs(first.params - other.params).max() > 1e-3


def test_what_models_do_not_have_is_refused():
    """Fermionic templates, electrons' settings, sectors, mappings, checkpoints: each with a way."""
    h = two_site_band((0.1, 0.2))
    for default in (qm.VQE(), qm.VQD(), qm.SSVQE()):
        with pytest.raises(InputError, match=r'Name one of qubit gates: .*"hea_efficient_su2"'):
            qm.solve(h, default)
    for solver in (
        qm.VQE(SHALLOW, initial="ccsd"),
        qm.VQE(SHALLOW, spin_penalty=0.1),
        qm.VQE(SHALLOW, screening=qm.Screening()),
        qm.VQD(SHALLOW, multiplicity=1),
        qm.VQD(SHALLOW, spin_penalty=0.2),
        qm.VQD(SHALLOW, screening=qm.Screening(spin=True)),
        qm.SSVQE(SHALLOW, irrep="A1"),
        qm.SSVQE(SHALLOW, n_configurations=6),
        qm.SSVQE(SHALLOW, n_surplus=1),
        qm.SSVQE(SHALLOW, references=(qm.Reference.determinant("0"),)),
    ):
        with pytest.raises(InputError, match=r"no electrons\. Leave it out"):
            qm.solve(h, solver)
    qm.solve(h, qm.VQD(SHALLOW, spin_penalty=0.0, screening=None))
    with pytest.raises(InputError, match=r"Use Exact\(\)"):
        qm.solve(h, qm.Exact(multiplicity=1))
    with pytest.raises(CapabilityError, match=r"Use Exact, .* or VQE, VQD and SSVQE"):
        qm.solve(h, qm.ADAPTVQE())
    with pytest.raises(InputError, match="checkpoints are for circuits that grow"):
        qm.solve(h, qm.Exact(), checkpoint="here.json")


def test_backends_and_templates_that_do_not_fit_are_refused():
    """Sectors of electrons, mappings of spin orbitals, options that do not exist."""
    h = two_site_band((0.1, 0.2))
    with pytest.raises(CapabilityError, match=r"use StatevectorBackend\(\)"):
        qm.solve(h, VQD, backend=qm.SectorBackend())
    mapped = qm.StatevectorBackend(mapping=qm.qubit_mapping("parity", 2))
    with pytest.raises(InputError, match="Leave the mapping out"):
        qm.solve(h, VQD, backend=mapped)
    with pytest.raises(TemplateError, match="depth"):
        qm.solve(h, qm.VQD(qm.Ansatz("hea_efficient_su2", layers=1)))
    with pytest.raises(InputError, match="ground state"):
        qm.solve(h, qm.VQE(SHALLOW), n_states=2)
    with pytest.raises(InputError, match="between 1 and 2"):
        qm.solve(h, VQD, n_states=3)


@pytest.mark.parametrize("solver", [qm.VQE(REAL), qm.VQD(REAL), qm.SSVQE(REAL)])
def test_a_real_template_is_refused_where_the_matrix_is_not_real(solver):
    """Its states could never be eigenstates; at real points of the zone it is enough."""
    with pytest.raises(InputError, match=r"hea_efficient_su2.*whose states are complex"):
        qm.solve(two_site_band((0.1, 0.2)), solver)
    h = two_site_band((0.5, 0.0))
    assert qm.solve(h, solver).energy == pytest.approx(np.linalg.eigvalsh(h.matrix)[0], abs=SAME)


def test_deflation_by_words_ends_at_six_qubits():
    """Four to the power of the number of qubits; one state needs no projector."""
    h = ising(7)
    with pytest.raises(InputError, match="or SSVQE, which needs no projectors"):
        qm.solve(h, qm.VQD(SHALLOW), n_states=2)
    assert qm.solve(h, qm.VQD(SHALLOW, layers=1, max_iterations=3)).n_states == 1


def test_one_state_alone_needs_no_weight(monkeypatch):
    """The default weight is from a dense matrix, which ten qubits and more should not make."""

    def dense(_):
        raise AssertionError

    monkeypatch.setattr("qmlmat.solvers.qubit_vqd.default_weight", dense)
    assert qm.solve(ising(3), qm.VQD(SHALLOW, layers=1, max_iterations=1)).n_states == 1


def test_a_weight_below_the_excitation_lets_states_fall_into_the_ground_state():
    """The gap is 2: a weight of 0.5 does not hold the second state above it."""
    h = qm.MatrixHamiltonian(matrix=[[0, 1], [1, 0]])
    found = qm.solve(h, qm.VQD(SHALLOW, layers=1, deflation=0.5), n_states=2)
    assert found.energies == pytest.approx([-1, -1], abs=SAME)


def test_a_measured_energy_far_below_the_exact_one_warns_in_its_own_unit():
    """A weight on a wrong level: the warning is of milli-electronvolts."""
    h = two_site_band((0.1, 0.2))

    class Lucky:
        takes_models = True

        def inputs(self):
            return {"solver": "lucky"}

        def eigenpairs(self, hamiltonian, **_):
            return qm.Solution(
                energies=np.array([-100.0]),
                unit=hamiltonian.unit,
                status="converged",
                stderr=np.array([0.1]),
            )

    with pytest.warns(QmlmatWarning, match="meV below the exact one"):
        qm.solve(h, Lucky())
