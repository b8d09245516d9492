"""VQE: known errors of known circuits, the variational law, invariance, starts and refusals."""

import json
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from molecules import BERYLLIUM_HYDRIDE, HYDROGEN, LITHIUM_HYDRIDE, WATER, hamiltonian
from pyscf import ao2mo, fci, gto, scf

import qmlmat as qm
from qmlmat._resources import data_dir
from qmlmat.ansatz.template import load_template
from qmlmat.backends import Capabilities
from qmlmat.errors import CapabilityError, InputError
from qmlmat.solvers.starts import starting_params
from qmlmat.systems import ccsd_amplitudes, mp2_amplitudes, spin_square

MILLIHARTREE = 1e-3
HYDROGEN_CHAIN = "H 0 0 0; H 0 0 1.2; H 0 0 2.4; H 0 0 3.6"


@pytest.fixture
def doubles_only(tmp_path):
    """A template with uccsd's doubles and no singles."""
    text = (data_dir("circuits") / "ansatz" / "uccsd.toml").read_text(encoding="utf-8")
    head, *blocks = text.split("[[block]]")
    path = tmp_path / "uccd.toml"
    kept = [block for block in blocks if '"singles"' not in block]
    check = "[[check]]\nnorb = 2\nnelec = [1, 1]\nn_params = 1\n"
    path.write_text("[[block]]".join([head, *kept]) + check, encoding="utf-8")
    return str(path)


def test_uccsd_is_exact_for_two_electrons():
    """Singles and doubles span everything two electrons can do: H2 and LiH below 1e-8."""
    for xyz in (HYDROGEN, LITHIUM_HYDRIDE):
        solution = qm.solve(hamiltonian(xyz), qm.VQE("uccsd"))
        assert solution.status == "converged"
        assert abs(solution.error) < 1e-8


@pytest.mark.parametrize(
    ("xyz", "low", "high"),
    [(WATER, 0.05, 0.15), (BERYLLIUM_HYDRIDE, 0.30, 0.42)],
)
def test_uccsd_misses_triples_and_more_by_a_known_amount(xyz, low, high):
    """Product-form uccsd of H2O and BeH2 near equilibrium, in millihartree above exact."""
    solution = qm.solve(hamiltonian(xyz), qm.VQE("uccsd"))
    assert solution.status == "converged"
    assert low < solution.error / MILLIHARTREE < high


@pytest.mark.parametrize(
    ("xyz", "expected"),
    [(LITHIUM_HYDRIDE, 0.430), (WATER, 0.336), (BERYLLIUM_HYDRIDE, 0.546)],
)
def test_a_circuit_without_singles_is_visibly_worse(xyz, expected, doubles_only):
    """Negative control: the singles are really in uccsd, and doubles alone miss them."""
    solution = qm.solve(hamiltonian(xyz), qm.VQE(doubles_only))
    assert solution.error / MILLIHARTREE == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", ["uccsd", "uccgsd"])
def test_templates_reach_the_energies_they_state(name):
    """A [check.energy] table names a molecule, and the energy the circuit must reach."""
    for check in load_template(name).check:
        if check.energy is not None:
            h = hamiltonian(
                check.energy.xyz, basis=check.energy.basis, freeze_core=check.energy.freeze_core
            )
            assert (h.norb, h.nelec) == (check.norb, check.nelec)
            ansatz = qm.Ansatz(name, **check.options)
            energy = qm.solve(h, qm.VQE(ansatz)).energy
            assert energy == pytest.approx(check.energy.value, abs=check.energy.atol)


def test_uccgsd_contains_uccsd():
    """More generators cannot raise the minimum; H4 gains, and stays above exact."""
    h4 = hamiltonian("H 0 0 0; H 0 0 1.2; H 0 0 2.4; H 0 0 3.6")
    errors = [qm.solve(h4, qm.VQE(name)).error for name in ("uccsd", "uccgsd")]
    assert 0 < errors[1] < errors[0]


def test_tied_parameters_halve_the_count_and_keep_the_spin():
    """Spin-complemented generators stay near the singlet with about half the parameters."""
    h = hamiltonian(WATER)
    free = qm.solve(h, qm.VQE("uccsd"))
    tied = qm.solve(h, qm.VQE(qm.Ansatz("uccsd", spin_tied=True)))
    assert tied.params.size < 0.6 * free.params.size
    assert tied.energy >= free.energy - 1e-9  # fewer parameters: never lower
    assert tied.error < 0.15 * MILLIHARTREE
    assert tied.spin_squares[0] < 1e-6


@pytest.mark.parametrize(
    ("xyz", "keywords"),
    [
        ("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3", {}),
        ("H 0 0 0; H 0 0 1; H 0 0 2; H 0.5 0.8 1", {"charge": -1, "spin": 1}),
    ],
    ids=["closed shell", "open shell (3, 2)"],
)
def test_energy_gradient_agrees_with_central_differences(xyz, keywords):
    """Adjoint gradient of a molecule's energy at random angles, to 1e-7 hartree per radian."""
    h = hamiltonian(xyz, **keywords)
    circuit = qm.VQE("uccsd").circuit(h)
    reference = qm.Reference.hartree_fock(h.norb, h.nelec)
    request = qm.Request(preparation=qm.Preparation(circuit, reference), observables=(h,))
    evaluator = qm.SectorBackend().prepare(request)
    params = np.random.default_rng(4).uniform(-1, 1, circuit.n_params)
    steps = 1e-4 * np.eye(circuit.n_params)
    plus, minus = evaluator(np.stack([params + steps, params - steps])).values[..., 0]
    gradient = evaluator.value_and_gradient(params).gradient[0]
    assert gradient == pytest.approx((plus - minus) / 2e-4, abs=1e-7)


def test_open_shell_uccsd_stays_above_pyscf_full_ci():
    """H4- is a doublet in the (3, 2) sector; its exact energy is PySCF's own."""
    xyz = "H 0 0 0; H 0 0 1; H 0 0 2; H 0.5 0.8 1"
    solution = qm.solve(hamiltonian(xyz, charge=-1, spin=1), qm.VQE("uccsd"))
    mean_field = scf.ROHF(gto.M(atom=xyz, basis="sto-3g", charge=-1, spin=1, verbose=0)).run()
    coefficients = mean_field.mo_coeff
    one_body = coefficients.T @ mean_field.get_hcore() @ coefficients
    two_body = ao2mo.restore(1, ao2mo.full(mean_field.mol, coefficients), 4)
    exact, _ = fci.direct_spin1.kernel(one_body, two_body, 4, (3, 2))
    exact += mean_field.energy_nuc()
    assert solution.reference_energy == pytest.approx(exact, abs=1e-9)
    assert solution.energy >= exact - 1e-9
    assert solution.status == "converged"


def moved(positions, how):
    """The same molecule elsewhere."""
    if how == "translated":
        return positions + np.array([0.7, -1.3, 2.1])
    turn, _ = np.linalg.qr(np.random.default_rng(8).normal(size=(3, 3)))
    return positions @ (turn * np.sign(np.linalg.det(turn))).T


@pytest.mark.parametrize("how", ["translated", "rotated", "renumbered"])
@pytest.mark.parametrize(
    ("xyz", "space"),
    [(WATER, qm.ActiveSpace(6, 5)), ("N 0 0 0; N 0 0 1.6", qm.ActiveSpace(6, 6))],
    ids=["H2O", "N2"],
)
def test_energy_does_not_depend_on_where_the_molecule_is(xyz, space, how):
    """Translation, rotation, atom order: uccsd's energy to 1e-10, degenerate pi pairs included."""
    molecule = qm.Molecule.from_xyz(xyz)
    if how == "renumbered":
        other = qm.Molecule(molecule.symbols[::-1], molecule.positions[::-1])
    else:
        other = molecule.with_positions(moved(molecule.positions, how))
    solver = qm.VQE("uccsd", gradient_tolerance=1e-7)
    here, there = (
        qm.solve(qm.molecular_hamiltonian(m, space), solver).energy for m in (molecule, other)
    )
    assert here == pytest.approx(there, abs=1e-10)


@pytest.mark.parametrize("initial", ["mp2", "ccsd", "zero", "random"])
def test_every_start_leads_to_the_same_minimum(initial):
    """Near equilibrium the surface has one bottom: H2O from four places."""
    solution = qm.solve(hamiltonian(WATER), qm.VQE("uccsd", initial=initial), seed=3)
    assert solution.status == "converged"
    assert solution.error / MILLIHARTREE == pytest.approx(0.0975, abs=5e-4)


def test_mp2_and_ccsd_amplitudes_start_below_hartree_fock():
    """The sign convention of amplitudes and angles agree: the first energy is already lower."""
    h = hamiltonian(WATER)
    mean_field = h.mean_field_energy
    correlation = h.spectrum().energies[0] - mean_field
    for initial in ("mp2", "ccsd"):
        first = qm.solve(h, qm.VQE("uccsd", initial=initial, max_iterations=1)).history[0]
        assert first.energy < mean_field + 0.5 * correlation
    assert mp2_amplitudes(h).t2_ab.shape == ccsd_amplitudes(h).t2_ab.shape


def test_a_seed_fixes_a_random_start():
    """Same seed, same history; another seed, another start."""
    h = hamiltonian("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3")
    solver = qm.VQE("uccsd", initial="random")
    first, again, other = (qm.solve(h, solver, seed=seed) for seed in (1, 1, 2))
    assert first.history == again.history
    assert first.history[0] != other.history[0]


def test_a_neighbours_solution_is_a_better_start():
    """A warm start begins lower than a cold one and needs fewer evaluations."""
    near, here = (hamiltonian(f"Li 0 0 0; H 0 0 {r}") for r in (2.4, 2.5))
    solver = qm.VQE("uccsd")
    neighbour = qm.solve(near, solver)
    cold, warm = qm.solve(here, solver), qm.solve(here, solver, guess=neighbour)
    assert warm.history[0].energy < cold.history[0].energy
    assert warm.history[-1].n_evaluations < cold.history[-1].n_evaluations
    assert warm.energy == pytest.approx(cold.energy, abs=1e-9)


def test_spin_penalty_removes_contamination():
    """Stretched N2 in six orbitals: the penalty pushes <S^2> down, at a price in energy."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 2.6")
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(6, 6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)
        free = qm.solve(h, qm.VQE("uccsd"))
        bound = qm.solve(h, qm.VQE("uccsd", spin_penalty=0.5))
    assert bound.spin_squares[0] < 0.5 * free.spin_squares[0]
    assert bound.energy >= free.energy - 1e-9
    assert bound.error > 0


def test_spin_contamination_is_said():
    """A guard rail: a ground state that mixes spins warns and carries a note."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 3.0")
    h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(6, 6))
    with pytest.warns(qm.QmlmatWarning) as caught:
        solution = qm.solve(h, qm.VQE("uccsd", gradient_tolerance=1e-4))
    assert any("spin_penalty of about 0.05" in str(warning.message) for warning in caught)
    assert any("<S^2>" in note for note in solution.notes)


@pytest.mark.parametrize(
    "optimizer",
    [partial(torch.optim.Adam, lr=0.02), partial(torch.optim.SGD, lr=0.2), torch.optim.LBFGS],
    ids=["Adam", "SGD", "LBFGS"],
)
def test_any_torch_optimiser_reaches_the_minimum(optimizer):
    """H2 to 1e-8 hartree with PyTorch's own classes."""
    solution = qm.solve(
        hamiltonian(HYDROGEN), qm.VQE("uccsd", optimizer=optimizer, gradient_tolerance=1e-5)
    )
    assert solution.status == "converged"
    assert abs(solution.error) < 1e-8


def test_an_optimiser_that_is_cut_short_says_so():
    """Never converged when it is not: the status tells, with advice; the best point is kept."""
    solution = qm.solve(
        hamiltonian(WATER), qm.VQE("uccsd", optimizer=torch.optim.Adam, max_iterations=3)
    )
    assert solution.status == "iteration_limit"
    assert "max_iterations" in solution.advice
    assert not solution.is_converged
    assert solution.energy == pytest.approx(min(i.energy for i in solution.history), abs=1e-12)


def test_one_electron_and_full_sectors_are_solved_without_a_parameter():
    """H2+ in one orbital and HeHe in two have a single determinant: nothing to optimise."""
    for xyz, charge, spin in (("H 0 0 0", 0, 1), ("He 0 0 0", 0, 0)):
        h = hamiltonian(xyz, charge=charge, spin=spin, freeze_core=False)
        solution = qm.solve(h, qm.VQE("uccsd"))
        assert solution.params.size == 0
        assert solution.status == "converged"
        assert solution.error == pytest.approx(0.0, abs=1e-10)


def test_settings_that_make_no_sense_are_refused():
    """Each message holds the remedy."""
    with pytest.raises(InputError, match='Did you mean "mp2"'):
        qm.VQE(initial="mp3")
    with pytest.raises(InputError, match="must be positive"):
        qm.VQE(gradient_tolerance=0)
    for steps in (0, 2.5, "5"):
        with pytest.raises(InputError, match="whole number of at least 1"):
            qm.VQE(max_iterations=steps)
    with pytest.raises(InputError, match="Use a template's name"):
        qm.VQE(3)
    with pytest.raises(InputError, match=r"torch\.optim\.Optimizer class"):
        qm.VQE(optimizer=print)
    with pytest.raises(InputError, match=r"about 0\.05 hartree"):
        qm.VQE(spin_penalty=-1)
    h = hamiltonian(HYDROGEN)
    with pytest.raises(InputError, match=r"SSVQE\(\) or EOM\(\) for excited states"):
        qm.solve(h, qm.VQE(), n_states=2)
    other = qm.solve(hamiltonian(LITHIUM_HYDRIDE), qm.VQE())
    with pytest.raises(InputError, match="same ansatz, active space"):
        qm.solve(h, qm.VQE(), guess=other)


def test_a_backend_without_gradients_is_refused():
    """VQE asks what a backend can do before it relies on it."""

    class ShotsOnly(qm.SectorBackend):
        capabilities = Capabilities(exact=False, gradient=False, state=False, counts=True)

    with pytest.raises(CapabilityError, match=r"Use SectorBackend\(\)"):
        qm.solve(hamiltonian(HYDROGEN), qm.VQE(), backend=ShotsOnly())


@pytest.mark.parametrize(("length", "low", "high"), [(0.9, 0.5, 1.0), (3.0, 10.0, 16.0)])
def test_the_main_jobs_errors_at_both_ends(length, low, high):
    """N2, cc-pVDZ, (10e,8o): uccsd is good where the bond is whole and fails where it breaks."""
    molecule = qm.Molecule.from_xyz(f"N 0 0 0; N 0 0 {length}", basis="cc-pvdz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)  # <S^2> = 0.011 at 3.0 Å
        h = qm.molecular_hamiltonian(molecule, qm.ActiveSpace(10, 8))
        solution = qm.solve(h, qm.VQE("uccsd"))
    assert solution.status == "converged"
    assert low < solution.error / MILLIHARTREE < high
    assert solution.spin_squares[0] < 0.02


def test_the_spin_penalty_vanishes_for_the_lowest_spin():
    """H + mu (S^2 - s(s+1)): a pure doublet pays nothing, so its energy is the unpenalised one."""
    h = hamiltonian("H 0 0 0; H 0 0 1; H 0 0 2", spin=1)
    free = qm.solve(h, qm.VQE("uccsd"))
    bound = qm.solve(h, qm.VQE("uccsd", spin_penalty=0.3))
    assert bound.spin_squares[0] == pytest.approx(0.75, abs=1e-6)
    assert bound.history[-1].energy == pytest.approx(bound.energy, abs=1e-7)
    assert bound.energy >= free.energy - 1e-9


def test_amplitudes_start_a_gate_that_is_listed_upside_down_with_the_other_sign():
    """Tied generalised gates carry scale -1; the start follows the gate, not the parameter."""
    h = hamiltonian(LITHIUM_HYDRIDE)
    move = qm.Excitation(((0, 1),), ((0, 1),))
    gates = (qm.Gate(move, 0, -1.0),)
    amplitudes = mp2_amplitudes(h)
    (start,) = starting_params(qm.Circuit(h.norb, h.nelec, gates, 1), amplitudes)
    assert start == pytest.approx(-amplitudes.t2_ab[0, 0, 0, 0], abs=1e-15)
    assert start != 0


@pytest.mark.parametrize("k", [1, 2])
def test_an_open_shell_singlet_stays_a_singlet(k):
    """Every factor of kupccgsd conserves S^2, so a CSF's spin is exact at any angles."""
    h = hamiltonian(HYDROGEN_CHAIN)
    reference = qm.Reference.csf("2ud0", h.nelec)
    solver = qm.VQE(qm.Ansatz("kupccgsd", k=k), reference=reference)
    solution = qm.solve(h, solver)
    assert solution.status == "converged"
    assert solution.spin_squares[0] == pytest.approx(0.0, abs=1e-12)
    assert solution.error > -1e-9  # k = 2 is exact, to rounding
    circuit = solver.circuit(h)
    params = np.random.default_rng(2).uniform(-2, 2, circuit.n_params)
    state = qm.SectorBackend().state(qm.Preparation(circuit, reference, params))
    assert spin_square(state, h.norb, h.nelec) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("xyz", "steps", "k", "gap"),
    [
        (HYDROGEN_CHAIN, "2uu0", 1, 37.0),
        (HYDROGEN_CHAIN, "2uu0", 2, 0.0),
        (LITHIUM_HYDRIDE, "uu000", 1, 0.0),
    ],
)
def test_a_triplet_start_finds_the_lowest_triplet_among_as_many_alphas_as_betas(xyz, steps, k, gap):
    """M_S = 0: the singlet below is out of reach; upper bound on the exact triplet (mHa)."""
    h = hamiltonian(xyz)
    levels = qm.solve(h, qm.Exact(), n_states=4)
    triplet = levels.energies[np.abs(levels.spin_squares - 2) < 1e-6].min()
    assert triplet > levels.energy + 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", qm.QmlmatWarning)  # not the sector's lowest spin
        solution = qm.solve(
            h, qm.VQE(qm.Ansatz("kupccgsd", k=k), reference=qm.Reference.csf(steps, h.nelec))
        )
    assert solution.spin_squares[0] == pytest.approx(2.0, abs=1e-8)
    assert solution.energy > triplet - 1e-9
    assert (solution.energy - triplet) / MILLIHARTREE == pytest.approx(gap, abs=0.1)
    assert any("the state found has multiplicity 3" in note for note in solution.notes)


@pytest.mark.parametrize("initial", ["mp2", "ccsd"])
def test_cluster_amplitudes_start_hartree_fock_only(initial):
    """Another reference starts at zero angles, and a note says so; its own phase is no matter."""
    h = hamiltonian(HYDROGEN_CHAIN)
    first = {}
    for steps in ("2ud0", "2200"):
        solver = qm.VQE(
            initial=initial, max_iterations=1, reference=qm.Reference.csf(steps, h.nelec)
        )
        first[steps] = qm.solve(h, solver)
    assert any("stands for zero angles" in note for note in first["2ud0"].notes)
    zero = qm.solve(h, replace(solver, initial="zero", reference=qm.Reference.csf("2ud0", (2, 2))))
    assert first["2ud0"].history[0] == zero.history[0]
    assert not any("zero angles" in note for note in (*first["2200"].notes, *zero.notes))
    turned = replace(solver, reference=qm.Reference((("11001100", -1.0), ("10101010", 0.0))))
    for same in (replace(solver, reference=None), turned):
        assert qm.solve(h, same).energy == pytest.approx(first["2200"].energy, abs=1e-12)


def test_a_reference_is_recorded_where_there_is_one():
    """Stores of earlier scans keep their hash; the record survives JSON and ignores the order."""
    assert "reference" not in qm.VQE().inputs()
    reference = qm.Reference((("1001", 0.6), ("0110", 0.8j)))
    record = qm.VQE(reference=reference).inputs()
    assert record["reference"] == [["0110", 0.0, 0.8], ["1001", 0.6, 0.0]]
    assert json.loads(json.dumps(record)) == record
    assert qm.VQE(reference=qm.Reference(reference.terms[::-1])).inputs() == record
    assert {k: v for k, v in record.items() if k != "reference"} == qm.VQE().inputs()


@pytest.mark.parametrize(("steps", "nelec"), [("2ud", (2, 2)), ("2u00", (2, 1)), ("2uu0", (3, 1))])
def test_a_reference_of_another_sector_is_refused(steps, nelec):
    """Orbitals or electrons: the message holds a reference that would do."""
    solver = qm.VQE(reference=qm.Reference.csf(steps, nelec))
    with pytest.raises(
        InputError, match=r"Reference\.csf\(steps, \(2, 2\)\) with 4 steps.*11001100"
    ):
        qm.solve(hamiltonian(HYDROGEN_CHAIN), solver)
    with pytest.raises(InputError, match=r"Use Reference\.csf"):
        qm.VQE(reference=steps)


def test_several_starts_are_never_worse_than_one():
    """Tups of H4, depth 2, where minima differ: the lowest counts, and the note tells the rest."""
    h = hamiltonian("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3")
    one, four = (
        qm.solve(h, qm.VQE(qm.Ansatz("tups", depth=2), n_starts=n, max_iterations=200))
        for n in (1, 4)
    )
    assert four.energy < one.energy - MILLIHARTREE
    assert any("lowest of several starts" in note and "mHa higher" in note for note in four.notes)
    assert four.history[-1].n_evaluations > 3 * 50  # all searches count
    again = qm.solve(h, qm.VQE(qm.Ansatz("tups", depth=2), n_starts=4, max_iterations=200), seed=0)
    assert np.array_equal(again.params, four.params)  # seed 0 where none is given


def test_the_number_of_starts_is_recorded_where_there_are_several():
    """Stores of one start keep their hash; a number that makes no sense is refused."""
    assert "n_starts" not in qm.VQE().inputs()
    assert qm.VQE(n_starts=3).inputs()["n_starts"] == 3
    with pytest.raises(InputError, match="whole number of at least 1"):
        qm.VQE(n_starts=0)
    helium = hamiltonian("He 0 0 0", freeze_core=False)
    assert qm.solve(helium, qm.VQE(n_starts=3)).status == "converged"  # nothing to search


@pytest.mark.parametrize(
    ("first", "expected"),
    [("same_spin_doubles", 7.929), ("singles", 12.292)],
)
def test_the_order_of_the_factors_matters_as_documented(first, expected, tmp_path):
    """H6 at 2.0 Å: doubles first, or singles before same-spin and mixed doubles."""
    text = load_file("uccsd")
    blocks = ["same_spin_doubles", "mixed_doubles", "singles"]
    if first == "singles":
        blocks = ["singles", "same_spin_doubles", "mixed_doubles"]
    head, check = text.split("[[block]]")[0], "[[check]]\nnorb = 2\nnelec = [1, 1]\nn_params = 3\n"
    body = "".join(f'[[block]]\ngenerator = "{name}"\n' for name in blocks)
    file = tmp_path / "uccsd.toml"
    file.write_text(head + body + check, encoding="utf-8")
    h = hamiltonian("; ".join(f"H 0 0 {2 * k}" for k in range(6)))
    found = qm.solve(h, qm.VQE(str(file)))
    assert found.error / MILLIHARTREE == pytest.approx(expected, abs=2e-3)


def load_file(name):
    """The text of a template of the library."""
    return (data_dir("circuits") / "ansatz" / f"{name}.toml").read_text(encoding="utf-8")
