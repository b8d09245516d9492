"""What `solve` promises for every solver: reference, guard rails, records that keep each digit."""

import json
import warnings

import numpy as np
import pytest
from molecules import HYDROGEN, LITHIUM_HYDRIDE, hamiltonian
from pyscf import fci

import qmlmat as qm
from qmlmat.errors import InputError, VariationalError
from qmlmat.solvers import STATUS_ADVICE, Iteration, Solver, base, solving

SOLVERS = [
    qm.Exact(),
    qm.VQE("uccsd"),
    qm.VQE("uccgsd"),
    qm.ADAPTVQE(gradient_tolerance=1e-8),
]


@pytest.mark.parametrize("seed", [-1, 0.5, "0"])
@pytest.mark.parametrize("h", [HYDROGEN, None], ids=["molecule", "matrix"])
def test_a_seed_that_is_none_is_refused(seed, h):
    """Before any work, and not by numpy."""
    of = qm.MatrixHamiltonian(matrix=np.eye(2)) if h is None else hamiltonian(h)
    with pytest.raises(InputError, match="whole number from 0 on"):
        qm.solve(of, qm.Exact(), seed=seed)


@pytest.mark.parametrize("solver", SOLVERS, ids=["exact", "uccsd", "uccgsd", "adapt"])
def test_every_solver_returns_a_ground_state_with_its_residual(solver):
    """Conformance: normalised state, Rayleigh quotient, residual, <S^2>, reference, record."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    solution = qm.solve(h, solver, seed=1)
    (state,) = solution.states
    assert isinstance(solver, Solver)
    assert np.linalg.norm(state) == pytest.approx(1.0, abs=1e-12)
    assert np.vdot(state, h.matvec(state)) == pytest.approx(solution.energy, abs=1e-10)
    residual = np.linalg.norm(h.matvec(state) - solution.energy * state)
    assert solution.residuals[0] == pytest.approx(residual, abs=1e-9)
    assert residual < 1e-4
    assert solution.spin_squares[0] == pytest.approx(0.0, abs=1e-8)
    assert solution.unit == "hartree"
    assert solution.reference_energy == pytest.approx(-7.88217451, abs=2e-8)
    assert solution.provenance["solver"] == solver.inputs()
    assert solution.provenance["seed"] == 1
    assert "torch" in solution.provenance["versions"]


def test_exact_excited_states_agree_with_published_ones():
    """H2 at 0.75 Å: the excitation energies of qiskit-nature's tests, to their five digits."""
    solution = qm.solve(hamiltonian("H 0 0 0; H 0 0 0.75"), qm.Exact(), n_states=4)
    excitations = solution.energies[1:] - solution.energy
    assert solution.energy == pytest.approx(-1.13711707, abs=2e-8)
    assert excitations == pytest.approx([0.5943372, 0.95788352, 1.5969296], abs=1e-5)
    assert solution.spin_squares == pytest.approx([0, 2, 0, 0], abs=1e-8)


def test_a_record_gives_back_every_digit():
    """to_dict is plain JSON and from_dict its inverse, states excepted."""
    solution = qm.solve(hamiltonian(LITHIUM_HYDRIDE), qm.VQE("uccsd"))
    back = qm.Solution.from_dict(json.loads(json.dumps(solution.to_dict())))
    assert np.array_equal(back.energies, solution.energies)
    assert np.array_equal(back.params, solution.params)
    assert back.history == solution.history
    assert isinstance(back.history[0], Iteration)
    assert back.notes == solution.notes
    assert back.provenance == solution.provenance
    assert back.states is None
    with pytest.raises(InputError, match="to_dict"):
        qm.Solution.from_dict({"energies": [1.0]})


def test_an_energy_below_exact_is_an_error_that_keeps_the_data():
    """The variational principle is a guard rail: no silent nonsense."""

    class Liar:
        def inputs(self):
            return {"solver": "liar"}

        def eigenpairs(self, *_, **__):
            return qm.Solution(
                energies=np.array([-9.0]), unit="hartree", status="converged", params=np.ones(2)
            )

    with pytest.raises(VariationalError, match="below the exact ground state") as caught:
        qm.solve(hamiltonian(LITHIUM_HYDRIDE), Liar())
    assert caught.value.solution.params.tolist() == [1.0, 1.0]
    assert caught.value.solution.reference_energy == pytest.approx(-7.88217451, abs=2e-8)


def test_a_large_sector_says_that_there_is_no_reference(monkeypatch):
    """Where exact diagonalisation is out of reach, the solution says so."""
    monkeypatch.setattr(solving, "REFERENCE_DIMENSION", 10)
    solution = qm.solve(hamiltonian(LITHIUM_HYDRIDE), qm.VQE("uccsd"))
    assert solution.reference_energy is None
    assert solution.error is None
    assert solution.notes == ("No reference: the sector has 25 determinants.",)


def test_more_states_than_the_sector_holds_are_refused():
    """The message says how many there are."""
    for n_states in (0, 5, "2"):
        with pytest.raises(InputError, match="between 1 and 4"):
            qm.solve(hamiltonian(HYDROGEN), qm.Exact(), n_states=n_states)


def test_every_status_has_its_advice():
    """A user who sees a status is told what to do."""
    assert set(STATUS_ADVICE) == set(base.Status.__args__)


def test_a_reference_of_another_spin_is_said():
    """Singlet oxygen: the sector's exact ground state is the triplet, and a note says how far."""
    h = qm.molecular_hamiltonian(qm.Molecule.from_xyz("O 0 0 0; O 0 0 1.21"), qm.ActiveSpace(8, 6))
    with pytest.warns(qm.QmlmatWarning, match=r"<S\^2> = 2\.00; the lowest state of spin 0 lies"):
        solution = qm.solve(h, qm.VQE("uccsd"))
    levels = qm.solve(h, qm.Exact(), n_states=4)
    singlet = levels.energies[levels.spin_squares < 0.01].min()
    assert solving.lowest_spin_energy(h) == pytest.approx(singlet, abs=1e-9)
    assert solution.energy > singlet - 1e-9


def test_exact_names_the_multiplicity_it_found():
    """An eigenstate of another spin does not mix spins: it has one, and the note names it."""
    h = qm.molecular_hamiltonian(qm.Molecule.from_xyz("O 0 0 0; O 0 0 1.21"), qm.ActiveSpace(8, 6))
    exact = qm.solve(h, qm.Exact())
    assert exact.spin_squares[0] == pytest.approx(2.0, abs=1e-8)
    (note,) = exact.notes
    assert "multiplicity 3, not 1. Set the molecule's spin to 2" in note


def test_degenerate_spins_are_not_told_apart():
    """Two distant H atoms: singlet and triplet coincide, and nothing is said of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solution = qm.solve(hamiltonian("H 0 0 0; H 0 0 6.0"), qm.VQE("uccsd"))
    assert abs(solution.error) < 1e-7


def test_the_lowest_level_of_a_spin_is_found_where_spins_are_nearly_degenerate():
    """N2 at 2.9 Å: four multiplicities within a millihartree; the search once gave up there."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 2.9", basis="cc-pvdz")
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(10, 8))
    assert solving.lowest_spin_energy(h) == pytest.approx(h.spectrum().energies[0], abs=1e-9)


@pytest.mark.parametrize("length", [2.0, 3.0])
def test_the_exact_singlet_of_nitrogen_is_pyscfs(length):
    """Full CI of another program, held to S = 0 by its own penalty."""
    molecule = qm.Molecule.from_xyz(f"N 0 0 0; N 0 0 {length}", basis="cc-pvdz")
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(10, 8))
    solver = fci.addons.fix_spin_(fci.direct_spin1.FCI(), shift=0.5, ss=0)
    solver.conv_tol, solver.max_cycle, solver.max_space = 1e-12, 500, 30
    energy, state = solver.kernel(h.one_body, h.two_body, h.norb, h.nelec)
    assert fci.spin_op.spin_square(state, h.norb, h.nelec)[0] < 1e-5
    assert solving.lowest_spin_energy(h) == pytest.approx(energy + h.core_energy, abs=1e-7)


def test_a_solution_shows_itself_in_a_line():
    """Energy, status, error, size and spin; never the state or the circuit."""
    text = repr(qm.solve(hamiltonian(LITHIUM_HYDRIDE), qm.VQE("uccsd")))
    assert text.startswith("Solution(energy=-7.88217451 hartree, status='converged', error=")
    assert text.endswith("n_params=24, spin_square=0.0000)")
    assert len(text) < 120


def test_a_fixed_circuit_that_converged_far_from_exact_says_so():
    """Pairs alone on H4 end 32 mHa too high: converged, and a note tells."""
    found = qm.solve(hamiltonian("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3"), qm.VQE("puccd"))
    assert found.status == "converged"
    assert any("Converged 32.42" in note and "limit of the circuit" in note for note in found.notes)


def test_a_molecule_is_no_hamiltonian():
    """The remedy names what makes one of the other."""
    molecule = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.74")
    with pytest.raises(InputError, match=r"molecular_hamiltonian\(molecule, active_space\)"):
        qm.solve(molecule, qm.Exact())
