"""Where layered and Jastrow circuits begin: off their saddle points, and repeatably."""

import numpy as np
import pytest
from molecules import HYDROGEN, hamiltonian

import qmlmat as qm
from qmlmat.backends import SectorBackend
from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.solvers.starts import carried_over, starting_params
from qmlmat.systems import mp2_amplitudes

H4 = "H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3"


@pytest.mark.parametrize("initial", ["mp2", "zero"])
@pytest.mark.parametrize(
    "ansatz",
    [
        qm.Ansatz("kupccgsd", k=2),
        qm.Ansatz("tups"),
        qm.Ansatz("givens", depth=2),
        qm.Ansatz("lucj", pairs="square"),
    ],
    ids=lambda ansatz: ansatz.template,
)
def test_layered_circuits_leave_their_saddle_point(ansatz, initial):
    """The gradient vanishes in many angles at the start; they are moved, and the note says so."""
    h = hamiltonian(H4)
    solution = qm.solve(h, qm.VQE(ansatz, initial=initial))
    assert solution.status == "converged"
    assert any("have no slope at the start" in note for note in solution.notes)
    assert 0 < solution.error < 0.06  # Hartree-Fock is 0.0678 hartree above exact


def test_the_perturbation_is_the_same_unless_another_seed_is_given():
    """Scans repeat: no seed means seed 0."""
    h, solver = hamiltonian(H4), qm.VQE("tups", max_iterations=3)
    first, again, zero, other = (qm.solve(h, solver, seed=seed) for seed in (None, None, 0, 1))
    assert first.history == again.history == zero.history
    assert first.history[0] != other.history[0]


def test_a_neighbours_parameters_are_not_moved():
    """A warm start is the guess itself."""
    h, solver = hamiltonian(HYDROGEN), qm.VQE("tups")
    solution = qm.solve(h, solver)
    warm = qm.solve(h, solver, guess=solution)
    assert warm.notes == ()
    np.testing.assert_array_equal(warm.params, solution.params)


def test_complex_circuits_give_real_energies():
    """`lucj` has complex amplitudes; two electrons are solved exactly."""
    solution = qm.solve(hamiltonian(HYDROGEN), qm.VQE("lucj"))
    assert solution.status == "converged"
    assert np.iscomplexobj(solution.states[0])
    assert abs(solution.error) < 1e-8
    assert solution.residuals[0] < 1e-4  # the square root of the energy's error


def test_an_open_shell_starts_a_jastrow_circuit_too():
    """Factorised amplitudes are of closed shells; others begin at small random angles."""
    h = hamiltonian("H 0 0 0; H 0 0 1; H 0 0 2", spin=1)
    solution = qm.solve(h, qm.VQE("lucj"))
    assert 0 <= solution.error + 1e-9 < 0.01
    assert any("have no slope" in note for note in solution.notes)


@pytest.mark.parametrize(("n_atoms", "spin"), [(4, 0), (5, 1)])
def test_qubit_excitations_start_as_the_fermionic_ones_on_hartree_fock(n_atoms, spin):
    """Amplitude times T|HF> is the same; the sign of the fermions is in the amplitude instead."""
    h = hamiltonian("; ".join(f"H 0 0 {k}" for k in range(n_atoms)), spin=spin)
    circuits = [qm.Ansatz(name).circuit(h.norb, h.nelec) for name in ("uccgsd", "quccgsd")]
    fermionic, qubit = (starting_params(circuit, mp2_amplitudes(h)) for circuit in circuits)
    determinant = Sector(h.norb, h.nelec).zeros()
    determinant[0, 0] = 1.0
    for k in np.flatnonzero(fermionic):
        one, other = (
            SectorBackend().apply(
                qm.Circuit.from_excitations(h.norb, h.nelec, [circuit.gates[k].generator]),
                determinant,
                params[k : k + 1],
            )
            for circuit, params in zip(circuits, (fermionic, qubit), strict=True)
        )
        np.testing.assert_allclose(one, other, atol=1e-15)
    assert np.array_equal(np.abs(fermionic), np.abs(qubit))
    assert not np.array_equal(fermionic, qubit)


def test_a_further_layer_starts_at_zero():
    """The amplitudes are spent in the first layer: twice would overshoot."""
    h = hamiltonian(H4)
    one, two = (qm.Ansatz("kupccgsd", k=k).circuit(h.norb, h.nelec) for k in (1, 2))
    amplitudes = mp2_amplitudes(h)
    first = starting_params(one, amplitudes)
    assert np.abs(first).max() > 0.01
    np.testing.assert_array_equal(
        starting_params(two, amplitudes), np.concatenate([first, np.zeros(one.n_params)])
    )


def solved(circuit, params):
    """A solution that has these angles."""
    return qm.Solution(
        energies=np.zeros(1), unit="hartree", status="converged", params=params, circuit=circuit
    )


def test_angles_are_carried_over_gate_by_gate():
    """The n-th time a generator comes takes the angle of the n-th time; signs of scales count."""
    move, other = qm.Excitation(((0, 1),)), qm.Excitation((), ((0, 1),))
    known = qm.Circuit(2, (1, 1), (qm.Gate(move, 0), qm.Gate(other, 1), qm.Gate(move, 2, -2.0)), 3)
    wanted = qm.Circuit(
        2, (1, 1), (*(qm.Gate(move, k) for k in range(3)), qm.Gate(other, 3, -1.0)), 4
    )
    params, taken = carried_over(solved(known, np.array([0.1, 0.2, 0.3])), wanted)
    assert params.tolist() == [0.1, -0.6, 0.0, -0.2]
    assert taken.tolist() == [True, True, False, True]


def test_the_same_circuit_takes_all_angles_and_a_stranger_is_refused():
    circuit = qm.Ansatz("uccsd").circuit(4, (2, 2))
    angles = np.linspace(0, 1, circuit.n_params)
    params, taken = carried_over(solved(circuit, angles), circuit)
    assert np.array_equal(params, angles)
    assert taken.all()
    for other in (qm.Ansatz("uccsd").circuit(4, (2, 1)), qm.Ansatz("quccgsd").circuit(4, (2, 2))):
        with pytest.raises(InputError, match="same ansatz, active space"):
            carried_over(solved(circuit, angles), other)


def test_a_layer_more_starts_from_the_layers_that_are_known():
    """Tups of H4: depth 3 begins at the energy of depth 2, and ends no higher."""
    h = hamiltonian(H4)
    two = qm.solve(h, qm.VQE(qm.Ansatz("tups", depth=2)))
    three = qm.solve(h, qm.VQE(qm.Ansatz("tups", depth=3)), guess=two)
    assert three.history[0].energy < h.mean_field_energy
    assert three.energy < two.energy
    assert any("18 of 27 angles began at those of the guess" in note for note in three.notes)


def test_a_screened_circuit_takes_its_angles_from_the_full_one_and_back():
    """Uccsd with and without the elements that the point group forbids: the same minimum."""
    h = hamiltonian(H4)
    full, screened = qm.VQE("uccsd"), qm.VQE("uccsd", screening=qm.Screening())
    first = qm.solve(h, full)
    second = qm.solve(h, screened, guess=first)
    third = qm.solve(h, full, guess=second)
    assert second.params.size < first.params.size
    assert len(second.history) == 1  # nothing to search
    assert second.energy == pytest.approx(first.energy, abs=1e-9)
    assert third.energy == pytest.approx(first.energy, abs=1e-9)
    assert any("dropped" in note for note in second.notes)
    assert second.circuit == screened.circuit(h)
    assert "screening" in screened.inputs()
    assert "screening" not in full.inputs()


def test_screening_a_layered_circuit_by_point_group_warns():
    """Its rotations mix irreps on the way: the warning says what to use instead."""
    h = hamiltonian(H4)
    with pytest.warns(qm.QmlmatWarning, match=r"Screening\(point_group=False"):
        qm.solve(h, qm.VQE("kupccgsd", screening=qm.Screening()))


def test_a_screened_jastrow_circuit_starts_from_the_factors_that_are_left():
    """Factorised starts are of the whole circuit; those kept are taken."""
    h = hamiltonian(H4)
    solver = qm.VQE("lucj", screening=qm.Screening(point_group=False, spin=True))
    found = qm.solve(h, solver)
    assert found.params.size == solver.circuit(h).n_params < 36
    assert found.error > -1e-9


def test_the_first_gate_of_a_parameter_decides_and_idle_gates_say_nothing():
    """Tied gates with conflicting angles: the first wins; a gate of scale 0 takes nothing."""
    one, other = qm.Excitation(((0, 1),)), qm.Excitation((), ((0, 1),))
    known = qm.Circuit(2, (1, 1), (qm.Gate(one, 0), qm.Gate(other, 1)), 2)
    tied = qm.Circuit(2, (1, 1), (qm.Gate(one, 0), qm.Gate(other, 0)), 1)
    guess = solved(known, np.array([0.1, 0.7]))
    params, taken = carried_over(guess, tied)
    assert (params.tolist(), taken.tolist()) == ([0.1], [True])
    idle = qm.Circuit(2, (1, 1), (qm.Gate(one, 0, 0.0), qm.Gate(other, 0)), 1)
    params, taken = carried_over(guess, idle)
    assert (params.tolist(), taken.tolist()) == ([0.7], [True])
