"""ADAPT-VQE: against exact energies and a dense twin; how it stops, and how it goes on."""

import itertools
import json
import warnings
from functools import partial

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import torch
from molecules import HYDROGEN, LITHIUM_HYDRIDE, WATER, hamiltonian
from pyscf import gto, mcscf, scf
from twins import generator_matrix

import qmlmat as qm
from qmlmat.backends import Capabilities
from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers.growth import choose
from qmlmat.solvers.solving import lowest_spin_energy

MILLIHARTREE = 1e-3


def chain(n_atoms, spacing):
    """A linear hydrogen chain (Å)."""
    return "; ".join(f"H 0 0 {k * spacing:g}" for k in range(n_atoms))


def beryllium_hydride(length):
    return f"H 0 0 {-length}; Be 0 0 0; H 0 0 {length}"


MOLECULES = {
    "H4 1.0": chain(4, 1.0),
    "H4 2.0": chain(4, 2.0),
    "LiH 1.595": LITHIUM_HYDRIDE,
    "LiH 3.0": "Li 0 0 0; H 0 0 3.0",
    "BeH2 1.3": beryllium_hydride(1.3),
    "BeH2 2.6": beryllium_hydride(2.6),
    "H6 1.0": chain(6, 1.0),
    "H6 2.0": chain(6, 2.0),
}
"""STO-3G, frozen core."""


def pyscf_exact(xyz):
    """The exact energy by another program: CASCI with the core frozen."""
    mole = gto.M(atom=xyz, basis="sto-3g", verbose=0)
    field = scf.RHF(mole).run(conv_tol=1e-12)
    n_core = sum(mole.atom_charge(k) > 2 for k in range(mole.natm))
    n_orbitals = field.mo_coeff.shape[1] - n_core
    solver = mcscf.CASCI(field, n_orbitals, mole.nelectron - 2 * n_core)
    solver.fcisolver.conv_tol = 1e-12
    solver.fix_spin_(ss=0)
    return solver.kernel()[0]


@pytest.mark.parametrize(("tolerance", "error"), [(1e-4, 1e-5), (1e-5, 1e-6)])
@pytest.mark.parametrize("name", MOLECULES)
def test_growth_to_small_slopes_ends_at_the_exact_energy(name, tolerance, error):
    """Bonds whole and broken; stopped by the pool's slopes alone."""
    xyz = MOLECULES[name]
    solution = qm.solve(hamiltonian(xyz), qm.ADAPTVQE(gradient_tolerance=tolerance))
    assert solution.status == "converged"
    assert solution.history[-1].gradient_norm <= tolerance
    assert -1e-9 < solution.energy - pyscf_exact(xyz) < error
    assert solution.circuit.n_params == solution.params.size <= 135


def test_growth_never_looks_at_the_exact_energy():
    """Without any way to diagonalise it makes the same circuit."""

    class Blind(qm.MolecularHamiltonian):
        def spectrum(self, n_states=1):  # noqa: ARG002
            raise AssertionError("looked")

    h = hamiltonian(chain(4, 1.5))
    blind = Blind(
        one_body=h.one_body, two_body=h.two_body, core_energy=h.core_energy, nelec=h.nelec
    )
    found = qm.ADAPTVQE().eigenpairs(
        blind, n_states=1, guess=None, backend=qm.SectorBackend(), seed=None
    )
    assert found.circuit == qm.solve(h, qm.ADAPTVQE()).circuit


def dense_twin(h, pool, n_steps):
    """Slow, obvious ADAPT-VQE: dense matrices, SciPy's BFGS with differences, first of the ties."""
    size = h.dimension
    matrix = np.column_stack([h.matvec(e.reshape(h.shape)).ravel() for e in np.eye(size)])
    start = np.zeros(size)
    start[0] = 1.0  # the determinant of the lowest orbitals
    elements = [
        [(g.scale, generator_matrix(g.generator, h.norb, h.nelec)) for g in gates]
        for gates in pool.elements()
    ]
    chosen, angles, energies = [], np.zeros(0), []

    def state(params):
        vector = start
        for k, angle in zip(chosen, params, strict=True):
            for scale, generator in elements[k]:
                vector = scipy.linalg.expm(angle * scale * generator) @ vector
        return vector

    for _ in range(n_steps):
        vector = state(angles)
        totals = [sum(scale * g for scale, g in gates) for gates in elements]
        slopes = np.abs([vector @ (matrix @ a - a @ matrix) @ vector for a in totals])
        chosen.append(int(np.argmax(slopes > slopes.max() - 1e-5)))
        found = scipy.optimize.minimize(
            lambda params: state(params) @ matrix @ state(params),
            np.append(angles, 0.0),
            options={"gtol": 1e-6},
        )
        angles = found.x
        energies.append(found.fun)
    return chosen, energies


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")  # four elements mix spins
@pytest.mark.parametrize("pool", ["uccgsd", "quccgsd", "kupccgsd"])
def test_choices_and_energies_are_those_of_a_dense_twin(pool):
    """H4: the first four elements and the energies after each."""
    h = hamiltonian(chain(4, 1.3))
    options = {"spin_tied": True} if pool != "kupccgsd" else {}
    solver = qm.ADAPTVQE(qm.Ansatz(pool, **options), max_operators=4, gradient_tolerance=1e-4)
    circuit = solver.pool_circuit(h)
    expected, energies = dense_twin(h, circuit, 4)
    found = qm.solve(h, solver)
    gates = [gates for gates in found.circuit.elements()]
    for own, k in zip(gates, expected, strict=True):
        assert [g.generator for g in own] == [g.generator for g in circuit.elements()[k]]
    assert [step.energy for step in found.history[1:]] == pytest.approx(energies, abs=1e-8)


def test_the_energy_falls_with_every_step():
    """Angles are recycled: a step starts where the last one ended."""
    history = qm.solve(hamiltonian(chain(6, 1.4)), qm.ADAPTVQE()).history
    energies = [step.energy for step in history]
    assert all(b < a for a, b in itertools.pairwise(energies))
    assert [step.n_params for step in history] == list(range(len(history)))
    assert energies[0] == pytest.approx(hamiltonian(chain(6, 1.4)).mean_field_energy, abs=1e-9)


def test_what_is_learnt_of_the_hessian_is_recycled():
    """Starting each search from orbital curvatures alone takes at least twice the evaluations."""

    class Forgetful(qm.PreconditionedLBFGS):
        def inverse_hessian(self):
            return np.diag(1.0 / (2.0 * np.ones(self.point().numel())))

    h = hamiltonian(chain(6, 1.4))
    with_memory, without = (
        qm.solve(h, qm.ADAPTVQE(optimizer=kind)).history[-1].n_evaluations
        for kind in (qm.PreconditionedLBFGS, Forgetful)
    )
    assert 2 * with_memory < without


def test_equal_slopes_are_chosen_in_the_order_of_the_pool():
    """Every element twice: the copies further down are never taken."""
    h = hamiltonian(chain(4, 1.0))
    pool = qm.Ansatz("uccgsd", spin_tied=True).circuit(h.norb, h.nelec)
    twice = qm.Circuit.concatenate(h.norb, h.nelec, [pool, pool])
    assert qm.solve(h, qm.ADAPTVQE(twice)).circuit == qm.solve(h, qm.ADAPTVQE(pool)).circuit
    slopes = np.array([0.5, -0.5 - 1e-5, 0.5])  # apart by less than a search leaves open
    assert choose(slopes, [frozenset()] * 3, per_step=1, tolerance=1e-3) == [0]


def test_several_elements_a_step_reach_the_same_energy_in_fewer_steps():
    """Four at once, and as many as act on different spin orbitals."""
    h = hamiltonian(chain(6, 1.4))
    one, four, tetris = (qm.solve(h, qm.ADAPTVQE(operators_per_step=n)) for n in (1, 4, "tetris"))
    for found in (four, tetris):
        assert found.status == "converged"
        assert found.error < 0.3 * MILLIHARTREE
        assert len(found.history) < len(one.history)
    assert np.diff([step.n_params for step in four.history]).max() == 4


def test_elements_of_one_tetris_step_act_on_different_spin_orbitals():
    """The defining property, step by step."""
    found = qm.solve(hamiltonian(chain(6, 1.4)), qm.ADAPTVQE(operators_per_step="tetris"))
    elements, begin, widest = found.circuit.elements(), 0, 0
    for step in found.history[1:]:
        touched: set[tuple[int, int]] = set()
        for gates in elements[begin : step.n_params]:
            own = {
                (spin, orbital)
                for g in gates
                for spin, moves in enumerate((g.generator.alpha, g.generator.beta))
                for move in moves
                for orbital in move
            }
            assert not touched & own
            touched |= own
        widest = max(widest, step.n_params - begin)
        begin = step.n_params
    assert widest > 1


def test_a_pool_that_cannot_reach_the_state_ends_in_a_trough():
    """Paired moves have no slope where H4 is far from exact: said, with the error reached."""
    found = qm.solve(hamiltonian(chain(4, 1.0)), qm.ADAPTVQE("kupccgsd"))
    assert found.status == "gradient_trough"
    assert not found.is_converged
    assert found.history[-1].gradient_norm <= 1e-3
    assert "richer pool" in found.advice
    assert any(
        "gradient_trough" in note and f"{found.error / MILLIHARTREE:.3f} mHa above" in note
        for note in found.notes
    )


def test_the_limit_of_operators_is_said_and_a_guess_goes_on_from_there():
    """Cut at five and continued: the circuit and energy of an uninterrupted run."""
    h = hamiltonian(chain(4, 2.0))
    whole = qm.solve(h, qm.ADAPTVQE())
    cut = qm.solve(h, qm.ADAPTVQE(max_operators=5))
    assert cut.status == "iteration_limit"
    assert cut.params.size == 5
    stored = qm.Solution.from_dict(json.loads(json.dumps(cut.to_dict())))
    assert stored.circuit == cut.circuit
    assert stored.history == cut.history
    exactly = qm.solve(h, qm.ADAPTVQE(), guess=cut)
    assert np.array_equal(exactly.params, whole.params)
    resumed = qm.solve(h, qm.ADAPTVQE(), guess=stored)  # without what the search had learnt
    assert resumed.circuit == whole.circuit
    assert resumed.energy == pytest.approx(whole.energy, abs=1e-8)
    assert len(cut.history) + len(resumed.history) == len(whole.history) + 1


def test_a_search_that_is_cut_short_is_not_converged():
    """One optimiser step for each element is not enough to be sure."""
    found = qm.solve(hamiltonian(chain(4, 1.0)), qm.ADAPTVQE(max_iterations=1, max_operators=30))
    assert found.status == "iteration_limit"


def test_another_solvers_circuit_can_be_grown():
    """Uccsd of stretched H4 misses 3.5 mHa; a few elements on top of it are enough."""
    h = hamiltonian(chain(4, 2.0))
    start = qm.solve(h, qm.VQE("uccsd"))
    assert start.error > 3 * MILLIHARTREE
    grown = qm.solve(h, qm.ADAPTVQE(), guess=start)
    assert grown.status == "converged"
    assert grown.error < 0.1 * MILLIHARTREE
    assert grown.circuit.n_params > start.params.size - 15


def test_a_neighbours_circuit_is_taken_over_and_what_is_useless_dropped():
    """Fewer evaluations than from nothing, and no trace of elements that do nothing here."""
    near, here = (hamiltonian(chain(4, r)) for r in (1.4, 1.5))
    neighbour = qm.solve(near, qm.ADAPTVQE())
    idle = qm.Circuit.concatenate(
        here.norb,
        here.nelec,
        [neighbour.circuit, qm.Circuit.from_excitations(4, (2, 2), [qm.Excitation(((0, 3),))])],
    )
    guess = qm.Solution(
        energies=neighbour.energies,
        unit="hartree",
        status="converged",
        params=np.append(neighbour.params, 0.0),
        circuit=idle,
    )
    warm = qm.solve(here, qm.ADAPTVQE(), guess=guess)
    cold = qm.solve(here, qm.ADAPTVQE())
    assert qm.Excitation(((0, 3),)) not in {gate.generator for gate in warm.circuit.gates}
    assert warm.history[-1].n_evaluations < cold.history[-1].n_evaluations
    assert warm.error < 0.1 * MILLIHARTREE


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")
def test_without_a_penalty_stretched_nitrogen_ends_at_high_spin():
    """N2 at 3.0 Å in six orbitals, from Hartree-Fock: <S^2> near 3; with it, the singlet."""
    h = qm.molecular_hamiltonian(
        qm.Molecule.from_xyz("N 0 0 0; N 0 0 3.0", basis="cc-pvdz"), qm.ActiveSpace(10, 8)
    )
    free = qm.solve(h, qm.ADAPTVQE(operators_per_step=4))
    bound = qm.solve(h, qm.ADAPTVQE(operators_per_step=4, spin_penalty=0.05))
    assert free.spin_squares[0] > 1
    assert bound.spin_squares[0] < 1e-3
    assert 0 < bound.energy - lowest_spin_energy(h) < MILLIHARTREE


def nitrogen_curve(lengths):
    """The curve with penalty and four elements a step, and the exact singlet level."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.1", basis="cc-pvdz")
    space = qm.ActiveSpace(10, 8)
    surface = qm.SolverSurface(
        molecule, space, qm.ADAPTVQE(operators_per_step=4, spin_penalty=0.05)
    )
    path = qm.stretch(molecule, (0, 1), lengths)
    curve = qm.scan(surface, path)
    singlets = [
        lowest_spin_energy(
            qm.molecular_hamiltonian(molecule.with_positions(frame.positions), space)
        )
        for frame in path.points
    ]
    return curve, np.array(singlets)


def check_curve(curve, singlets):
    assert curve.is_converged
    errors = curve.energies[:, 0] - singlets
    assert errors.min() > -1e-9
    assert errors.max() < MILLIHARTREE
    assert max(r.solution.spin_squares[0] for r in curve.results) < 1e-3


def test_breaking_a_triple_bond_stays_within_a_millihartree_of_the_singlet():
    """N2 at six lengths, each started from its neighbour."""
    check_curve(*nitrogen_curve([0.9, 1.1, 1.5, 2.0, 2.5, 3.0]))


@pytest.mark.slow
def test_the_whole_nitrogen_curve_stays_within_a_millihartree_of_the_singlet():
    """22 points from 0.9 to 3.0 Å."""
    check_curve(*nitrogen_curve([round(0.9 + 0.1 * k, 1) for k in range(22)]))


def test_a_resumed_scan_is_an_uninterrupted_one(tmp_path):
    """Circuits go through the store: the same elements, the same energies."""
    molecule = qm.Molecule.from_xyz(LITHIUM_HYDRIDE)
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(freeze_core=True), qm.ADAPTVQE())
    path = qm.stretch(molecule, (0, 1), [1.4, 1.6, 2.0, 2.6])
    whole = qm.scan(surface, path)

    def stop(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qm.scan(surface, path, store=tmp_path / "lih.db", on_point=stop)
    resumed = qm.scan(surface, path, store=tmp_path / "lih.db")
    assert np.array_equal(resumed.energies, whole.energies)
    for one, other in zip(resumed.results, whole.results, strict=True):
        assert one.solution.circuit == other.solution.circuit


def test_an_open_shell_radical_grows_to_exact():
    """A doublet in the (3, 2) sector: H5 chain, spin-complemented pool or not."""
    h = hamiltonian(chain(5, 1.2), spin=1)
    for pool in ("uccgsd", qm.Ansatz("uccgsd", spin_tied=True)):
        found = qm.solve(h, qm.ADAPTVQE(pool, gradient_tolerance=1e-4))
        assert found.status == "converged"
        assert -1e-9 < found.error < 1e-5
        assert found.spin_squares[0] == pytest.approx(0.75, abs=1e-4)


def test_growth_starts_from_another_reference():
    """The open-shell singlet of stretched LiH leads to the ground state; the record names it."""
    h = hamiltonian("Li 0 0 0; H 0 0 3.0")
    solver = qm.ADAPTVQE(reference=qm.Reference.csf("ud000", (1, 1)), gradient_tolerance=1e-4)
    found = qm.solve(h, solver)
    assert found.history[0].energy > h.mean_field_energy
    assert -1e-9 < found.error < 1e-5
    assert "reference" in solver.inputs()
    assert "reference" not in qm.ADAPTVQE().inputs()


def test_a_reference_of_another_irrep_leads_to_that_irreps_lowest_state():
    """Every generator with a slope keeps the irrep: H4's HOMO to LUMO singlet, an excited state."""
    h = hamiltonian(chain(4, 2.0))
    solver = qm.ADAPTVQE(reference=qm.Reference.csf("2ud0", (2, 2)), gradient_tolerance=1e-4)
    found = qm.solve(h, solver)
    levels = qm.solve(h, qm.Exact(), n_states=20)
    singlets = levels.energies[levels.spin_squares < 0.01]
    assert found.error > 0.1
    assert np.abs(singlets - found.energy).min() < 1e-5
    assert found.spin_squares[0] < 1e-4


def test_screening_the_pool_by_point_group_changes_nothing_but_its_size():
    """Forbidden elements have no slope: same circuit, fewer to look at; the note says how many."""
    h = hamiltonian(WATER)
    solver = qm.ADAPTVQE(screening=qm.Screening())
    plain = qm.ADAPTVQE()
    assert solver.pool_circuit(h).n_params < 0.5 * plain.pool_circuit(h).n_params
    found, expected = qm.solve(h, solver), qm.solve(h, plain)
    assert found.circuit.gates == expected.circuit.gates
    assert any("dropped" in note and "by point group" in note for note in found.notes)
    assert "screening" in solver.inputs()


@pytest.mark.parametrize(
    "optimizer", [partial(torch.optim.Adam, lr=0.02), torch.optim.LBFGS, qm.NaturalGradient]
)
def test_any_optimiser_searches_the_angles(optimizer):
    """H4 to a tenth of a millihartree."""
    found = qm.solve(hamiltonian(chain(4, 1.0)), qm.ADAPTVQE(optimizer=optimizer))
    assert found.status == "converged"
    assert found.error < 0.1 * MILLIHARTREE


def test_a_state_that_is_exact_already_needs_no_circuit():
    """One determinant in all: no element, converged."""
    h = hamiltonian("He 0 0 0", freeze_core=False)
    found = qm.solve(h, qm.ADAPTVQE())
    assert found.status == "converged"
    assert found.circuit.n_params == 0


def test_settings_that_make_no_sense_are_refused():
    """Each message holds the remedy."""
    with pytest.raises(InputError, match="Use a template's name"):
        qm.ADAPTVQE(3)
    with pytest.raises(InputError, match="must be positive"):
        qm.ADAPTVQE(gradient_tolerance=0)
    for setting in ("max_operators", "max_iterations", "operators_per_step"):
        for value in (0, 2.5, "5", True):
            with pytest.raises(InputError, match="whole number of at least 1"):
                qm.ADAPTVQE(**{setting: value})
    with pytest.raises(InputError, match=r"about 0\.05 hartree"):
        qm.ADAPTVQE(spin_penalty=-1)
    with pytest.raises(InputError, match=r"Reference\.csf"):
        qm.ADAPTVQE(reference="2200")
    with pytest.raises(InputError, match=r"Screening\(\) for the point group"):
        qm.ADAPTVQE(screening=True)
    with pytest.raises(InputError, match=r"torch\.optim\.Optimizer class"):
        qm.ADAPTVQE(optimizer=print)
    h = hamiltonian(HYDROGEN)
    with pytest.raises(InputError, match=r"Exact\(\) for excited states"):
        qm.solve(h, qm.ADAPTVQE(), n_states=2)
    other = qm.solve(hamiltonian(LITHIUM_HYDRIDE), qm.ADAPTVQE())
    with pytest.raises(InputError, match="same molecule and active space"):
        qm.solve(h, qm.ADAPTVQE(), guess=other)
    with pytest.raises(InputError, match="Build the pool for the Hamiltonian's size"):
        qm.solve(h, qm.ADAPTVQE(other.circuit))


def test_a_backend_without_gradients_is_refused():
    """The solver asks what a backend can do before it relies on it."""

    class ShotsOnly(qm.SectorBackend):
        capabilities = Capabilities(exact=False, gradient=False, state=False, counts=True)

    with pytest.raises(CapabilityError, match=r"Use SectorBackend\(\)"):
        qm.solve(hamiltonian(HYDROGEN), qm.ADAPTVQE(), backend=ShotsOnly())


def test_spin_drift_of_a_grown_circuit_is_said():
    """Cut early, stretched H6 mixes spins: the warning names the penalty."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = qm.solve(hamiltonian(chain(6, 2.0)), qm.ADAPTVQE(gradient_tolerance=1e-2))
    assert found.spin_squares[0] > 0.01
    assert any("spin_penalty of about 0.05" in str(warning.message) for warning in caught)
