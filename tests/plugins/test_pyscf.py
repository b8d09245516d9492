"""Our solvers in PySCF's CASCI, CASSCF, averages, NEVPT2 and gradients."""

import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from pyscf import ao2mo, gto, mcscf, mrpt, scf
from pyscf.grad import casscf as casscf_gradients

import qmlmat as qm
from qmlmat.errors import CapabilityError, InputError, QmlmatWarning
from qmlmat.plugins.pyscf import SolverCI, with_solver
from qmlmat.solvers import Solution
from qmlmat.systems import Molecule

LITHIUM_HYDRIDE = "Li 0 0 0; H 0 0 1.6"
WATER = "O 0 0 0; H 0.75 0.05 0.6; H -0.8 0 0.55"
FORMALDIMINE = """N
C 1 1.498047
H 2 1.066797 1 118.359375
H 2 1.066797 1 118.359375 3 180
H 1 0.987109 2 130 3 80"""
# saoovqe 1.2.0, its tests: two singlets, STO-3G, equal weights (hartree)
PUBLISHED = {(2, 2): (-92.68211767, -92.63750356), (3, 4): (-92.75359260, -92.73271983)}


def _field(xyz, basis="sto-3g", **keywords):
    mole = gto.M(atom=xyz, basis=basis, verbose=0, **keywords)
    return scf.RHF(mole).run(conv_tol=1e-12)


@pytest.fixture(scope="module")
def lih():
    return _field(LITHIUM_HYDRIDE, "6-31g")


@pytest.fixture(scope="module")
def water():
    return _field(WATER)


@pytest.fixture(scope="module")
def formaldimine():
    return scf.RHF(Molecule.from_zmatrix(FORMALDIMINE).to_pyscf()).run(conv_tol=1e-12)


@dataclass(frozen=True)
class Given:
    """A solver that answers with the states it was given."""

    states: tuple | None
    status: str = "converged"

    def inputs(self):
        return {"solver": "given"}

    def eigenpairs(self, hamiltonian, *, n_states, guess, backend, seed):  # noqa: ARG002
        return Solution(
            energies=np.zeros(n_states), unit="hartree", status=self.status, states=self.states
        )


def _empty_hamiltonian(solver, **keywords):
    """The kernel's call for two electrons in two orbitals whose energy is zero."""
    return SolverCI(None, solver).kernel(np.zeros((2, 2)), np.zeros((2,) * 4), 2, 2, **keywords)


def test_several_roots_of_casci_are_those_of_pyscf(water):
    """Energies, convergence, and the gradient of an excited state."""
    expected = mcscf.CASCI(water, 4, 4)
    expected.fcisolver.nroots = 3
    expected.kernel()
    found = with_solver(mcscf.CASCI(water, 4, 4), qm.Exact())
    found.fcisolver.nroots = 3
    found.kernel()
    assert found.e_tot == pytest.approx(expected.e_tot, abs=1e-9)
    assert found.converged
    assert found.fcisolver.converged == [True] * 3
    gradient = found.nuc_grad_method().kernel(state=1)
    assert gradient == pytest.approx(expected.nuc_grad_method().kernel(state=1), abs=1e-6)


@pytest.mark.parametrize("solver", [qm.Exact(), qm.VQE("uccsd")])
def test_casscf_nevpt2_and_gradient_are_those_of_pyscf(lih, solver):
    """Two electrons: uccsd is exact, so all that stands on the states agrees."""
    expected = mcscf.CASSCF(lih, 2, 2).run(conv_tol=1e-10)
    found = mcscf.CASSCF(lih, 2, 2)
    found.fcisolver = SolverCI(lih.mol, solver=solver)
    found.conv_tol = 1e-10
    found.kernel()
    assert found.converged
    assert found.e_tot == pytest.approx(expected.e_tot, abs=1e-8)
    correction = mrpt.NEVPT(expected).kernel()
    assert mrpt.NEVPT(found).kernel() == pytest.approx(correction, abs=1e-6)
    gradient = expected.nuc_grad_method().kernel()
    assert found.nuc_grad_method().kernel() == pytest.approx(gradient, abs=1e-5)


def test_integrals_may_come_packed(water):
    """Four- and eightfold packed repulsion is the full one."""
    one, core = mcscf.CASCI(water, 3, 2).get_h1eff()
    four = mcscf.CASCI(water, 3, 2).get_h2eff()
    energies = [
        SolverCI(water.mol, qm.Exact()).kernel(
            one, ao2mo.restore(symmetry, four, 3), 3, (1, 1), ecore=core
        )[0]
        for symmetry in (1, 4, 8)
    ]
    assert energies == pytest.approx([mcscf.CASCI(water, 3, 2).kernel()[0]] * 3, abs=1e-9)


@pytest.mark.parametrize("space", [(2, 2), (3, 4)])
@pytest.mark.parametrize(
    "solver",
    [
        qm.Exact(multiplicity=1),
        qm.SSVQE("uccgsd", multiplicity=1, gradient_tolerance=1e-6),
    ],
)
def test_an_average_of_singlets_is_that_of_pyscf_and_of_the_literature(formaldimine, space, solver):
    """Formaldimine on the way to its conical intersection; NEVPT2 and a gradient on top."""
    expected = mcscf.CASSCF(formaldimine, *space)
    expected.fix_spin_(ss=0)
    expected = expected.state_average_([0.5, 0.5]).run(conv_tol=1e-10)
    found = with_solver(mcscf.CASSCF(formaldimine, *space), solver).state_average_([0.5, 0.5])
    found.conv_tol = 1e-10
    found.kernel()
    assert found.converged
    assert found.e_average == pytest.approx(expected.e_average, abs=1e-6)
    assert found.e_states == pytest.approx(PUBLISHED[space], abs=1e-5)
    assert found.fcisolver.solution.multiplicities == (1, 1)
    gradient = found.nuc_grad_method(state=1).kernel()
    assert gradient == pytest.approx(expected.nuc_grad_method(state=1).kernel(), abs=5e-5)
    ours = with_solver(mcscf.CASCI(formaldimine, *space), solver)
    theirs = mcscf.CASCI(formaldimine, *space)
    theirs.fix_spin_(ss=0)
    corrections = []
    for casci in (ours, theirs):
        casci.fcisolver.nroots = 2
        casci.kernel(found.mo_coeff)
        corrections.append([mrpt.NEVPT(casci, root=k).kernel() for k in (0, 1)])
    assert corrections[0] == pytest.approx(corrections[1], abs=1e-6)


def test_scanners_carry_solver_and_guards_from_geometry_to_geometry(lih):
    """Energies and gradients at another bond length are PySCF's own; what is refused stays so."""
    longer = lih.mol.set_geom_("Li 0 0 0; H 0 0 1.8", inplace=False)
    results = []
    for mc in (mcscf.CASSCF(lih, 2, 2), with_solver(mcscf.CASSCF(lih, 2, 2), qm.VQE("uccsd"))):
        mc.conv_tol = 1e-10
        scanner = mc.nuc_grad_method().as_scanner()
        scanner(lih.mol)
        results.append(scanner(longer))
    assert results[1][0] == pytest.approx(results[0][0], abs=1e-8)
    assert results[1][1] == pytest.approx(results[0][1], abs=1e-5)
    scanner = with_solver(mcscf.CASCI(lih, 4, 4), qm.VQE("puccd")).nuc_grad_method().as_scanner()
    with pytest.raises(CapabilityError, match="forces=True"):
        scanner(longer)


def test_an_open_shell_is_that_of_pyscf():
    """The triplet of O2, in restricted open-shell orbitals."""
    field = scf.ROHF(gto.M(atom="O 0 0 0; O 0 0 1.2", basis="sto-3g", spin=2, verbose=0)).run()
    expected = mcscf.CASSCF(field, 4, 6).run(conv_tol=1e-10)
    found = with_solver(mcscf.CASSCF(field, 4, 6), qm.Exact()).run(conv_tol=1e-10)
    assert found.e_tot == pytest.approx(expected.e_tot, abs=1e-8)
    assert found.fcisolver.solution.spin_squares == pytest.approx([2.0], abs=1e-8)


def test_density_fitting_goes_through(water):
    """The solver sees integrals, wherever they are from."""
    expected = mcscf.DFCASSCF(water, 4, 4).run()
    found = with_solver(mcscf.DFCASSCF(water, 4, 4), qm.Exact()).run()
    assert found.e_tot == pytest.approx(expected.e_tot, abs=1e-6)


def test_an_average_may_be_of_several_spins(lih):
    """state_average_mix: a singlet and a triplet, each with a solver of its own."""
    solvers = [SolverCI(lih.mol, qm.Exact()) for _ in range(2)]
    solvers[1].spin = 2
    expected = [mcscf.CASSCF(lih, 2, 2).fcisolver for _ in range(2)]
    expected[1].spin = 2
    energies = []
    for pair in (solvers, expected):
        average = mcscf.state_average_mix_(mcscf.CASSCF(lih, 2, 2), pair, [0.5, 0.5])
        average.kernel()
        energies.append(average.e_states)
    assert energies[0] == pytest.approx(energies[1], abs=1e-6)


def test_one_excited_state_may_be_optimised(water):
    """state_specific_ asks for one root more than it uses."""
    expected = mcscf.CASSCF(water, 4, 4).state_specific_(1).run(conv_tol=1e-9)
    found = with_solver(mcscf.CASSCF(water, 4, 4), qm.Exact()).state_specific_(1)
    found.conv_tol = 1e-9
    found.kernel()
    assert found.e_tot == pytest.approx(expected.e_tot, abs=1e-6)


def test_a_search_begins_where_the_last_one_ended(water):
    """The same integrals again cost one evaluation; other electrons start afresh."""
    casci = with_solver(mcscf.CASCI(water, 4, 4), qm.VQE("uccsd"))
    casci.kernel()
    first = casci.fcisolver.solution.history[-1].n_evaluations
    casci.kernel()
    assert casci.fcisolver.solution.history[-1].n_evaluations == 1 < first
    other = with_solver(mcscf.CASCI(water, 3, 2), qm.VQE("uccsd"))
    other.fcisolver.guess = casci.fcisolver.solution
    assert other.kernel()[0] == pytest.approx(mcscf.CASCI(water, 3, 2).kernel()[0], abs=1e-8)


def test_an_orbital_optimised_circuit_has_the_gradient_of_its_energies(water):
    """With internal rotations the energy is stationary in all orbitals, exact circuit or not."""
    solver = qm.VQE("puccd", gradient_tolerance=1e-8)

    def optimised(positions, start=None):
        mole = water.mol.set_geom_(positions, unit="Bohr", inplace=False)
        mc = with_solver(mcscf.CASSCF(scf.RHF(mole).run(conv_tol=1e-12), 4, 4), solver)
        mc.conv_tol, mc.conv_tol_grad, mc.internal_rotation = 1e-11, 1e-6, True
        mc.max_cycle_macro = 200
        mc.kernel(start and mcscf.project_init_guess(mc, start.mo_coeff, prev_mol=start.mol))
        assert mc.converged
        return mc

    positions = water.mol.atom_coords()
    middle = optimised(positions)
    ends = []
    for step in (2e-3, -2e-3):
        moved = np.array(positions)
        moved[1, 0] += step
        ends.append(optimised(moved, middle).e_tot)
    gradient = middle.nuc_grad_method().kernel()
    assert gradient[1, 0] == pytest.approx((ends[0] - ends[1]) / 4e-3, abs=5e-6)


def test_a_gradient_that_would_lack_terms_is_refused(water):
    """A circuit that is not exact, in orbitals that are not optimised for it."""
    casci = with_solver(mcscf.CASCI(water, 4, 4), qm.VQE("puccd"))
    casci.kernel()
    for ask in (casci.nuc_grad_method, casci.Gradients):
        with pytest.raises(CapabilityError, match="forces=True"):
            ask().kernel()
    with pytest.raises(CapabilityError, match="internal_rotation = True"):
        with_solver(mcscf.CASSCF(water, 4, 4), qm.VQE("puccd")).nuc_grad_method().kernel()


@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("averaged", [True, False])
def test_second_order_casscf_is_refused(lih, guarded, averaged):
    """It would optimise PySCF's CI vector in the solver's name."""
    mc = mcscf.CASSCF(lih, 2, 2)
    if guarded:
        mc = with_solver(mc, qm.Exact())
    else:
        mc.fcisolver = SolverCI(lih.mol, qm.Exact())
    if averaged:
        mc = mc.state_average_([0.5, 0.5])
    mc.kernel()
    with pytest.raises(CapabilityError, match=r"newton\(\)"):
        mc.newton().kernel()


def test_a_penalty_the_solver_cannot_see_is_refused(lih):
    """fix_spin_ acts on PySCF's contraction, which no solver of ours uses."""
    mc = with_solver(mcscf.CASSCF(lih, 2, 2), qm.Exact())
    mc.fix_spin_(ss=0)
    with pytest.raises(CapabilityError, match="spin_penalty"):
        mc.kernel()


@pytest.mark.parametrize("kind", [mcscf.CASCI, mcscf.CASSCF])
def test_a_search_that_stopped_early_is_not_converged(water, kind):
    """PySCF's own flag says so, a warning says why."""
    mc = with_solver(kind(water, 4, 4), qm.VQE("puccd", max_iterations=1))
    with pytest.warns(QmlmatWarning, match="iteration_limit"):
        mc.kernel()
    assert not mc.fcisolver.converged
    assert not mc.converged


def test_every_root_knows_whether_it_converged():
    """One status for all states of a solution."""
    states = (np.eye(2)[:1].T @ np.eye(2)[:1], np.eye(2)[1:].T @ np.eye(2)[1:])
    ci = SolverCI(None, Given(states, status="stalled"))
    with pytest.warns(QmlmatWarning, match="stalled"):
        ci.kernel(np.zeros((2, 2)), np.zeros((2,) * 4), 2, 2, nroots=2)
    assert ci.converged == [False, False]


def test_warnings_of_solvers_arrive():
    """In CASSCF's orbital steps, too."""

    class Worried(Given):
        def eigenpairs(self, *args, **keywords):
            warnings.warn("the state mixes spins", QmlmatWarning, stacklevel=2)
            return super().eigenpairs(*args, **keywords)

    ci = SolverCI(None, Worried((np.array([[1.0, 0.0], [0.0, 0.0]]),)))
    for kernel in (ci.kernel, ci.approx_kernel):
        with pytest.warns(QmlmatWarning, match="mixes spins"):
            kernel(np.zeros((2, 2)), np.zeros((2,) * 4), 2, 2)


def test_a_global_phase_is_taken_off_and_a_complex_state_refused():
    """PySCF's density matrices are of real states."""
    state = np.array([[0.8, 0.0], [0.0, -0.6]])
    _, found = _empty_hamiltonian(Given((state * np.exp(0.7j),)))
    assert found == pytest.approx(state, abs=1e-12)
    assert not np.iscomplexobj(found)
    with pytest.raises(CapabilityError, match="the state is complex"):
        _empty_hamiltonian(Given((state * np.array([[1, 1], [1, 1j]]),)))
    with pytest.raises(CapabilityError, match="returned no states"):
        _empty_hamiltonian(Given(None))


@pytest.mark.parametrize("solver", ["uccsd", qm.VQE, None])
def test_something_that_is_no_solver_is_refused(solver):
    """A class, a name, nothing."""
    with pytest.raises(InputError, match="this is no solver"):
        SolverCI(None, solver)


@pytest.mark.parametrize("labels", [{"orbsym": [0, 1]}, {"wfnsym": 0}])
def test_symmetry_labels_are_refused(labels):
    """Whether they come with the call or stand at the solver."""
    with pytest.raises(InputError, match="symmetry=False"):
        _empty_hamiltonian(qm.Exact(), **labels)
    field = _field(LITHIUM_HYDRIDE, symmetry=True)
    with pytest.raises(InputError, match="symmetry=False"):
        with_solver(mcscf.CASSCF(field, 2, 2), qm.Exact()).kernel()


def test_a_spin_that_does_not_fit_is_refused():
    """An odd 2S with an even number of electrons."""
    ci = SolverCI(None, qm.Exact())
    ci.spin = 1
    with pytest.raises(InputError, match="2S is odd"):
        ci.kernel(np.zeros((2, 2)), np.zeros((2,) * 4), 2, 2)


def test_two_sets_of_orbitals_are_refused(lih):
    """Unrestricted CASSCF hands over a pair of integrals."""
    with pytest.raises(InputError, match="one set of orbitals"):
        SolverCI(None, qm.Exact()).kernel(np.zeros((2, 2, 2)), np.zeros((2,) * 4), 2, 2)
    with pytest.raises(InputError, match="restricted orbitals"):
        with_solver(mcscf.UCASSCF(scf.UHF(lih.mol).run(), 2, 2), qm.Exact())
    with pytest.raises(InputError, match="expected PySCF's CASCI or CASSCF"):
        with_solver(lih, qm.Exact())


def test_an_average_is_asked_of_the_result(lih):
    """An average has its CI solver already."""
    with pytest.raises(InputError, match=r"\.state_average_\(weights\)"):
        with_solver(mcscf.CASSCF(lih, 2, 2).state_average_([0.5, 0.5]), qm.Exact())


def test_the_object_given_stays_as_it_is(lih):
    """with_solver returns another one, of a class with the guards once."""
    given = mcscf.CASSCF(lih, 2, 2)
    before = given.fcisolver
    first = with_solver(given, qm.Exact())
    again = with_solver(first, qm.VQE("uccsd"))
    assert given.fcisolver is before
    assert type(again) is type(first)
    assert isinstance(again.fcisolver.solver, qm.VQE)


def test_the_plug_in_is_imported_by_its_own_name():
    """The package does not load it."""
    script = "import sys, qmlmat; [getattr(qmlmat, n) for n in qmlmat.__all__]; " + (
        "print('qmlmat.plugins.pyscf' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_without_the_guards_gradients_are_pyscfs(water):
    """SolverCI alone cannot refuse one that lacks terms: what with_solver is for."""
    mc = mcscf.CASSCF(water, 4, 4)
    mc.fcisolver = SolverCI(water.mol, qm.VQE("uccsd"))
    mc.kernel()
    assert isinstance(mc.nuc_grad_method(), casscf_gradients.Gradients)


def test_the_example_of_the_docs_runs(capsys):
    """Word for word, as it stands on the page."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text("utf-8")
    lines = page[page.index("    import qmlmat") :].split("\n\n`with_solver", maxsplit=1)[0]
    exec(dedent(lines), {})
    assert "status='converged'" in capsys.readouterr().out
