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
from molecules import HYDROGEN, LITHIUM_HYDRIDE, RECTANGLE, WATER, hamiltonian
from pyscf import gto, mcscf, scf
from twins import generator_matrix

import qmlmat as qm
from qmlmat.backends import Capabilities
from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers.growth import choose
from qmlmat.solvers.landscape import orbital_curvatures
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


@pytest.mark.filterwarnings("ignore:The pool has no slope above")
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
    for tolerance in (0, -1e-3, np.inf, np.nan, True, "1e-3", None):
        with pytest.raises(InputError, match="must be positive and finite"):
            qm.ADAPTVQE(gradient_tolerance=tolerance)
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
    with pytest.raises(InputError, match=r"ADAPTVQE\(.*torch\.optim\.Optimizer class"):
        qm.ADAPTVQE(optimizer=print)
    h = hamiltonian(HYDROGEN)
    ground = qm.Reference.csf("20", (1, 1))
    with pytest.raises(InputError, match=r"references=\(\.\.\.\), one for each state"):
        qm.solve(h, qm.ADAPTVQE(reference=ground), n_states=2)
    with pytest.raises(InputError, match=r"give references=\(\.\.\.\) instead"):
        qm.ADAPTVQE(reference=ground, multiplicity=1)
    with pytest.raises(InputError, match="Give one for each state"):
        qm.solve(h, qm.ADAPTVQE(weights=(1.0,)), n_states=2)
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


def test_nearly_degenerate_states_that_fool_the_slopes_are_warned_of():
    """Pairs on H6 at 2.5 Å: small slopes and a small variance, and 8 mHa too high. It says so."""
    with pytest.warns(qm.QmlmatWarning, match="a richer pool") as caught:
        found = qm.solve(hamiltonian(chain(6, 2.5)), qm.ADAPTVQE("kupccgsd"))
    assert found.error > 5 * MILLIHARTREE
    assert any(f"{found.error / MILLIHARTREE:.3f} mHa above" in str(w.message) for w in caught)


@pytest.mark.parametrize("penalty", [0.0, 0.2])
def test_a_trough_is_a_matter_of_the_variance_of_what_is_minimised(penalty):
    """H6 at 2.0 Å, pairs: 4e-3 hartree squared, above the threshold of 1.6e-3, far below 3e-2."""
    found = qm.solve(hamiltonian(chain(6, 2.0)), qm.ADAPTVQE("kupccgsd", spin_penalty=penalty))
    assert 1.6e-3 < found.residuals[0] ** 2 < 1e-2
    assert found.status == "gradient_trough"


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")
def test_a_mixture_of_spins_is_stuck_only_where_spin_is_penalised():
    """Triplet and singlet of separated atoms mixed: an eigenstate of H, none of H + mu S^2."""
    h = hamiltonian("H 0 0 0; H 0 0 50")
    singlet, triplet = h.spectrum(2).states
    amplitudes = (np.cos(0.3) * singlet + np.sin(0.3) * triplet).ravel()
    bits = ("1010", "1001", "0110", "0101")  # alpha row by beta column
    mixed = qm.Reference(tuple(zip(bits, amplitudes.tolist(), strict=True)))
    idle = qm.Circuit(2, (1, 1), (), 0)
    free, bound = (
        qm.solve(h, qm.ADAPTVQE(idle, reference=mixed, spin_penalty=mu)) for mu in (0.0, 1.0)
    )
    assert free.spin_squares[0] == pytest.approx(bound.spin_squares[0], abs=1e-12)
    assert (free.residuals[0], free.status) == (pytest.approx(0, abs=1e-3), "converged")
    assert bound.status == "gradient_trough"


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")
def test_the_limit_of_operators_holds_within_a_step():
    """Four a step and room for six: six."""
    found = qm.solve(hamiltonian(chain(6, 1.4)), qm.ADAPTVQE(operators_per_step=4, max_operators=6))
    assert found.circuit.n_params == 6
    assert [step.n_params for step in found.history] == [0, 4, 6]


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")
def test_growth_ends_where_searches_lower_nothing():
    """Steps far too long: the same element again and again would not help, so it stops."""
    wild = partial(torch.optim.SGD, lr=1e4)
    found = qm.solve(hamiltonian(chain(4, 1.0)), qm.ADAPTVQE(optimizer=wild, max_iterations=3))
    assert found.status in ("iteration_limit", "stalled")
    assert found.circuit.n_params < 20


def converged_guess(h, *, idle_at):
    """A converged circuit with an idle gate at one place, and the search's inverse Hessian."""
    found = qm.solve(h, qm.ADAPTVQE())
    elements = list(found.circuit.elements())
    elements.insert(idle_at, (qm.Gate(qm.Excitation(((0, 3),)), 0),))
    gates = tuple(
        qm.Gate(g.generator, k, g.scale) for k, gates in enumerate(elements) for g in gates
    )
    learnt = np.insert(np.insert(found.inverse_hessian, idle_at, 0, axis=0), idle_at, 0, axis=1)
    learnt[idle_at, idle_at] = 1.0
    return found, qm.Solution(
        energies=found.energies,
        unit="hartree",
        status="converged",
        params=np.insert(found.params, idle_at, 0.0),
        circuit=qm.Circuit(h.norb, h.nelec, gates, len(elements)),
        inverse_hessian=learnt,
    )


def test_idle_elements_of_a_finished_circuit_stay_where_nothing_moved():
    """Going on with the same problem changes nothing: it is a run resumed, not another geometry."""
    h = hamiltonian(chain(4, 1.4))
    found, guess = converged_guess(h, idle_at=2)
    again = qm.solve(h, qm.ADAPTVQE(), guess=guess)
    assert again.circuit.gates == guess.circuit.gates
    assert again.energy == pytest.approx(found.energy, abs=1e-12)


def test_what_is_known_of_the_hessian_outlives_a_dropped_element():
    """An idle element amid the others is cut out of circuit, angles and matrix alike."""
    h = hamiltonian(chain(4, 1.4))
    found, guess = converged_guess(h, idle_at=2)
    near = hamiltonian(chain(4, 1.42))
    with_idle = qm.solve(near, qm.ADAPTVQE(), guess=guess)
    without = qm.solve(near, qm.ADAPTVQE(), guess=found)
    generators = [gate.generator for gate in with_idle.circuit.gates]
    assert qm.Excitation(((0, 3),)) not in generators
    assert generators == [gate.generator for gate in without.circuit.gates]
    assert with_idle.energy == pytest.approx(without.energy, abs=1e-8)
    # The search with the idle element, and one look after it was dropped.
    spent, needed = (s.history[-1].n_evaluations for s in (with_idle, without))
    assert needed < spent <= needed + 3


def test_what_an_element_is_worth_is_its_angle_times_its_curvature():
    """A small angle along a steep valley stays, a larger one along a flat one goes."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    solver = qm.ADAPTVQE(gradient_tolerance=1e-2)
    average = solver._average(h, 1)
    growth = solver._growth(average, solver.pool_circuit(h), qm.SectorBackend(), None)
    found = qm.solve(h, qm.ADAPTVQE(gradient_tolerance=1e-4))
    curvature = orbital_curvatures(h, found.circuit)
    assert curvature.max() > 2 * curvature.min()
    kept = growth.inherited(found.circuit, found.params * 0.99, None)
    worth = np.abs(found.params) * curvature
    assert kept.circuit.n_params == np.count_nonzero(worth > 1e-2)
    assert kept.circuit.n_params != np.count_nonzero(np.abs(found.params) > 1e-2)


def test_slopes_that_are_no_numbers_stop_the_growth():
    """A broken backend is an error, not an endless loop; a scale that is no number is refused."""

    class Broken(qm.SectorBackend):
        def pool_gradients(self, preparation, observable, pool):  # noqa: ARG002
            return np.full(pool.n_params, np.nan)

    with pytest.raises(qm.QmlmatError, match="slopes of the pool are not finite"):
        qm.solve(hamiltonian(HYDROGEN), qm.ADAPTVQE(), backend=Broken())
    move = qm.Excitation(((0, 1),), ((0, 1),))
    with pytest.raises(InputError, match="no finite number"):
        qm.Circuit(2, (1, 1), (qm.Gate(move, 0, float("nan")),), 1)


@pytest.mark.filterwarnings("ignore:<S.2>", "ignore:The pool has no slope above")
def test_screening_by_irrep_warns_where_the_reference_mixes_irreps():
    """H4's ground and HOMO to LUMO determinants: forbidden generators have a slope there."""
    h = hamiltonian(chain(4, 1.0))
    mixed = qm.Reference((("11001100", 0.8), ("10101100", 0.6)))
    for solver in (qm.ADAPTVQE, qm.VQE):
        with pytest.warns(qm.QmlmatWarning, match="mixes irreps"):
            qm.solve(h, solver(reference=mixed, screening=qm.Screening()))


def test_the_name_of_a_pool_is_no_part_of_the_record():
    circuit = qm.Ansatz("uccsd").circuit(2, (1, 1))
    named = qm.Circuit(2, (1, 1), circuit.gates, circuit.n_params, name="mine")
    assert qm.ADAPTVQE(circuit).inputs() == qm.ADAPTVQE(named).inputs()
    assert qm.ADAPTVQE(circuit) != qm.ADAPTVQE(circuit.restricted([0, 1]))
    shorter = qm.ADAPTVQE(circuit.restricted([0, 1]))
    assert qm.ADAPTVQE(circuit).inputs() != shorter.inputs()


@pytest.mark.parametrize(("multiplicity", "n_states"), [(1, 3), (3, 2)])
@pytest.mark.parametrize("name", ["rectangle", "water"])
def test_one_grown_circuit_serves_several_states(name, multiplicity, n_states):
    """H4 and water by slopes of the average below 3e-4: 0.1 mHa, bounds, pure spins."""
    h = hamiltonian({"rectangle": RECTANGLE, "water": WATER}[name])
    solver = qm.ADAPTVQE(multiplicity=multiplicity, gradient_tolerance=3e-4, spin_penalty=0.05)
    found = qm.solve(h, solver, n_states=n_states)
    assert found.status == "converged"
    assert -1e-9 < found.errors.min() <= found.errors.max() < 0.1 * MILLIHARTREE
    assert found.multiplicities == (multiplicity,) * n_states
    assert len(found.references) == n_states
    assert found.params.shape == (found.circuit.n_params,)


def test_slopes_of_several_states_are_their_weighted_sum():
    """Of a circuit with angles: each reference alone, times its weight."""
    h = hamiltonian(RECTANGLE)
    solver = qm.ADAPTVQE(multiplicity=1, weights=(3.0, 1.0))
    pool, backend = solver.pool_circuit(h), qm.SectorBackend()
    average = solver._average(h, 2)
    growth = solver._growth(average, pool, backend, None)
    grown = growth.extended(growth.empty(), growth.slopes(growth.empty()), 1, 5)
    expected = sum(
        weight * backend.pool_gradients(qm.Preparation(grown.circuit, r, grown.params), h, pool)
        for weight, r in zip((0.75, 0.25), average.references, strict=True)
    )
    np.testing.assert_allclose(growth.slopes(grown), expected, atol=1e-12)
    assert np.abs(expected).max() > 1e-3


def test_a_ground_state_alone_has_no_references_in_its_record():
    """Stores of ground states stay what they were."""
    found = qm.solve(hamiltonian(HYDROGEN), qm.ADAPTVQE())
    assert found.references is None
    for key in ("multiplicity", "irrep", "references", "weights"):
        assert key not in qm.ADAPTVQE().inputs()
    assert qm.ADAPTVQE(multiplicity=3).inputs()["multiplicity"] == 3
