"""Boltzmann-machine states: exact references, thresholds of the search, the contract, refusals."""

import pickle
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from boltzmann import lithium_hydride
from molecules import HYDROGEN, WATER, hamiltonian
from small_models import ising, random_matrix

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.provenance import content_hash
from qmlmat.solvers import NaturalGradient
from qmlmat.testing import check_solver

TWO_QUBITS = qm.RBM(
    n_hidden=2, sign_node="tanh", mapping="parity", reduced=True, tapered=False, n_starts=1
)
"""The machine of the hydrogen molecule in the literature."""
CURVE = {
    1.0: -7.78224240,
    1.2: -7.85069838,
    1.4: -7.87700149,
    1.595: -7.88114508,
    1.8: -7.87344029,
    2.0: -7.86015321,
    2.3: -7.83725797,
    2.6: -7.81679515,
    3.0: -7.79836343,
}
"""CASCI energies of LiH in three sigma orbitals by bond length (Å, hartree): PySCF 2.14."""
CASES = {
    "H2 0.735": (HYDROGEN, qm.ActiveSpace(), 4, 15, 1, 3, -1.13730604),
    "H2 0.7414": ("H 0 0 0; H 0 0 0.7414", qm.ActiveSpace(), 4, 15, 1, 3, -1.13727017),
    "H2 2.0": ("H 0 0 0; H 0 0 2", qm.ActiveSpace(), 4, 15, 1, 3, -0.94864111),
    "LiH (2e,3o)": (
        "Li 0 0 0; H 0 0 1.595",
        qm.ActiveSpace(indices=(1, 2, 5)),
        6,
        118,
        4,
        100,
        -7.88114508,
    ),
    "LiH (2e,5o)": (
        "Li 0 0 0; H 0 0 1.595",
        qm.ActiveSpace(freeze_core=True),
        10,
        276,
        6,
        231,
        -7.88217451,
    ),
    "LiH": ("Li 0 0 0; H 0 0 1.595", qm.ActiveSpace(), 12, 631, 8, 558, -7.88240193),
    "H2O (4e,4o)": (WATER, qm.ActiveSpace(4, 4), 8, 105, 4, 62, -74.97057038),
    "H2O (8e,6o)": (WATER, qm.ActiveSpace(freeze_core=True), 12, 551, 8, 514, -75.01268131),
}
"""Geometry, orbitals, qubits and words before and after tapering, exact energy (PySCF)."""


def water():
    return qm.molecular_hamiltonian(qm.Molecule.from_xyz(WATER), qm.ActiveSpace(4, 4))


# ------------------------------------------------------------------ exact references


@pytest.mark.parametrize("case", CASES)
def test_systems_of_the_literature_have_their_sizes_and_energies(case):
    """Qubits and words before and after tapering; the exact energy on the tapered qubits."""
    xyz, orbitals, *sizes, energy = CASES[case]
    h = qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz), orbitals)
    plain, tapered = h.pauli_sum(), h.pauli_sum(h.qubit_mapping(tapered=True))
    assert [plain.n_qubits, plain.n_terms, tapered.n_qubits, tapered.n_terms] == sizes
    assert qm.solve(h, qm.Exact()).energy == pytest.approx(energy, abs=2e-8)
    assert qm.RBM().space(h).n_qubits == sizes[2]


def test_hydrogen_on_two_qubits_has_the_published_coefficients():
    """Parity mapping with both parities left out: five words."""
    words = dict(TWO_QUBITS.space(hamiltonian(HYDROGEN)).terms.words())
    expected = {
        "II": -1.052373245773 + 0.719968994449,
        "IZ": 0.397937424843,
        "ZI": -0.397937424843,
        "ZZ": -0.011280104256,
        "XX": 0.180931199784,
    }
    assert words.keys() == expected.keys()
    for word, value in expected.items():
        # The orbitals' signs turn that of XX; which qubit is which turns IZ and ZI.
        assert abs(words[word]) == pytest.approx(abs(value), abs=1e-8)


# ---------------------------------------------------------------------- thresholds


@pytest.mark.parametrize("node", ["tanh", "complex_tanh"])
def test_hydrogen_is_exact_from_every_start(node):
    """12 of 12 seeds, one start each: below 1e-6 hartree in at most 300 steps."""
    h2 = hamiltonian(HYDROGEN)
    rbm = qm.RBM(**{**vars(TWO_QUBITS), "sign_node": node, "max_iterations": 300})
    errors = [qm.solve(h2, rbm, seed=seed).error for seed in range(12)]
    assert sum(error < 1e-6 for error in errors) == 12


def test_without_signs_hydrogen_stays_at_the_error_of_hartree_fock():
    """The negative control: 2.0e-2 hartree, for amplitudes of one sign are no help."""
    h2 = hamiltonian(HYDROGEN)
    rbm = qm.RBM(**{**vars(TWO_QUBITS), "sign_node": "none", "n_starts": 6})
    found = qm.solve(h2, rbm, seed=1)
    assert found.error == pytest.approx(2.0307e-2, abs=1e-4)
    assert found.energy == pytest.approx(h2.mean_field_energy, abs=1e-4)


def test_lithium_hydride_is_exact_from_the_best_of_six_starts():
    """Below 2e-5 hartree; local minima are part of the landscape, and are reported."""
    h = lithium_hydride()
    found = qm.solve(h, qm.RBM(), seed=0)
    assert found.error < 2e-5
    assert found.energy == pytest.approx(CURVE[1.595], abs=2e-5)
    ends = found.start_energies
    assert ends.shape == (1, 6)
    assert (np.diff(ends[0]) >= 0).all()
    assert ends[0, 0] == pytest.approx(found.energy, abs=1e-9)
    assert ends[0, -1] - ends[0, 0] > 1e-4  # hartree
    assert found.residuals[0] < 1e-3
    assert found.is_converged


def test_water_is_found_from_the_best_of_six_starts():
    """Eight hidden units: below 2e-4 hartree in its active space."""
    found = qm.solve(water(), qm.RBM(n_hidden=8), seed=0)
    assert found.error < 2e-4
    assert found.energy == pytest.approx(-74.97057038, abs=2e-4)


@pytest.mark.slow
def test_lithium_hydride_is_exact_along_its_curve():
    """Nine lengths, each from its neighbour's parameters: below 1e-5 hartree everywhere."""
    guess = None
    for length, energy in CURVE.items():
        guess = qm.solve(lithium_hydride(length), qm.RBM(), guess=guess, seed=0)
        assert guess.energy == pytest.approx(energy, abs=1e-5), length


def test_a_neighbours_parameters_are_a_good_start():
    """From 1.595 to 1.8 Å below 1e-4 hartree; from its own answer it stays there."""
    first = qm.solve(lithium_hydride(), qm.RBM(), seed=0)
    found = qm.solve(lithium_hydride(1.8), qm.RBM(n_starts=1), guess=first, seed=0)
    assert found.energy == pytest.approx(CURVE[1.8], abs=1e-4)
    again = qm.solve(lithium_hydride(), qm.RBM(), guess=first, seed=0)
    assert again.start_energies.shape == (1, 2)  # a good start needs one cold search beside it
    assert again.energy == pytest.approx(first.energy, abs=1e-9)


# --------------------------------------------------------------------------- bands


def along(model, n_points=25):
    """Momenta along Gamma-K-M-Gamma, evenly spaced (reciprocal lattice vectors)."""
    corners = np.array([model.special_points[name] for name in "GKMG"])
    reciprocal = 2 * np.pi * np.linalg.inv(model.cell).T
    lengths = [np.linalg.norm((b - a) @ reciprocal) for a, b in pairwise(corners)]
    places = np.linspace(0, sum(lengths), n_points)
    edges = np.cumsum([0.0, *lengths])
    return np.array([np.interp(places, edges, column) for column in corners.T]).T


def largest_error(model, momenta):
    """Largest distance of a band from plain diagonalisation, warm starts along k (eV)."""
    guess, worst = None, 0.0
    for k in momenta:
        h = model.at(k)
        guess = qm.solve(h, qm.RBM(), n_states=h.dimension, guess=guess, seed=0)
        worst = max(worst, np.abs(guess.energies - np.linalg.eigvalsh(h.matrix)).max())
    return worst


@pytest.mark.parametrize("model", [qm.graphene(), qm.hexagonal_boron_nitride()], ids=["C", "BN"])
def test_honeycomb_bands_are_exact(model):
    """Both bands at 25 momenta: below 2e-5 eV."""
    assert largest_error(model, along(model)) < 2e-5


def test_bands_of_a_monolayer_are_exact_at_a_few_momenta():
    """MoS2, three bands from Gamma on: below 2e-4 eV."""
    model = qm.monolayer("MoS2", model="tnn")
    assert largest_error(model, along(model)[:3]) < 2e-4


@pytest.mark.slow
@pytest.mark.parametrize(("which", "functional"), [("nn", "gga"), ("tnn", "gga"), ("tnn", "lda")])
@pytest.mark.parametrize("material", ["MoS2", "WS2", "MoSe2", "WSe2", "MoTe2", "WTe2"])
def test_bands_of_every_monolayer_are_exact(material, which, functional):
    """Three bands at 25 momenta, warm starts along k: below 2e-4 eV."""
    model = qm.monolayer(material, model=which, functional=functional)
    assert largest_error(model, along(model)) < 2e-4


# -------------------------------------------------------------------- the contract


def test_the_contract_of_all_solvers_is_kept():
    """Three states of lithium hydride: bounds, spins, repeatability, refusals."""
    settings = {"hamiltonian": lithium_hydride(), "n_states": 1}
    assert check_solver(qm.RBM(n_starts=2), **settings).n_states == 1


@pytest.mark.slow
def test_the_contract_is_kept_for_several_states_too():
    """Hydrogen on four qubits: all four states, of which two are degenerate with none."""
    rbm = qm.RBM(tapered=False)
    assert check_solver(rbm, hamiltonian=hamiltonian(HYDROGEN), n_states=2).n_states == 2


def test_states_are_those_of_the_network():
    """``ln psi`` of the module with the solution's parameters, normalised, is the state."""
    h = ising(3)
    rbm = qm.RBM(n_starts=1)
    found = qm.solve(h, rbm, seed=1)
    machine = rbm.machine(h, found.params)
    assert isinstance(machine, torch.nn.Module)
    bits = np.arange(8)[:, None] >> np.array([2, 1, 0]) & 1
    logs = machine(torch.from_numpy(1.0 - 2.0 * bits)).detach().numpy()
    values = np.exp(logs - logs.real.max())
    overlap = np.vdot(values / np.linalg.norm(values), found.states[0])
    assert abs(overlap) == pytest.approx(1.0, abs=1e-9)


def test_several_states_are_orthogonal_and_have_parameters_each():
    """All levels of a random complex matrix of four."""
    matrix = random_matrix(4, seed=3)
    found = qm.solve(qm.MatrixHamiltonian(matrix=matrix), qm.RBM(), n_states=4, seed=1)
    assert found.energies == pytest.approx(np.linalg.eigvalsh(matrix), abs=1e-4)
    assert found.params.shape == (4, 14)
    assert found.start_energies.shape == (4, 6)
    for energy, state, residual in zip(found.energies, found.states, found.residuals, strict=True):
        assert residual == pytest.approx(np.linalg.norm(matrix @ state - energy * state), abs=1e-10)


def test_a_solution_survives_its_dictionary():
    """Where searches ended included, NaN where fewer were needed."""
    h = hamiltonian(HYDROGEN)
    rbm = qm.RBM(**{**vars(TWO_QUBITS), "n_starts": 2, "max_iterations": 20})
    found = qm.solve(h, rbm, seed=1)
    ends = np.array([[-1.0, np.nan], [-0.5, -0.4]])
    for one in (found, qm.Solution(**{**vars(found), "start_energies": ends})):
        again = qm.Solution.from_dict(one.to_dict())
        for name in ("energies", "params", "residuals", "start_energies"):
            assert np.array_equal(getattr(again, name), getattr(one, name), equal_nan=True), name
        assert again.history == one.history
    old = {k: v for k, v in found.to_dict().items() if k != "start_energies"}
    assert qm.Solution.from_dict(old).start_energies is None


def test_every_setting_makes_another_record():
    """Plain values, hashed: no two settings share one."""
    changes = [
        {},
        {"n_hidden": 3},
        {"sign_node": "tanh"},
        {"optimizer": torch.optim.Adam},
        {"optimizer": partial(NaturalGradient, max_step=0.7)},
        {"n_starts": 2},
        {"start_width": 0.3},
        {"deflation": 4.0},
        {"gradient_tolerance": 1e-5},
        {"max_iterations": 7},
        {"sampler": qm.Metropolis()},
        {"sampler": qm.Metropolis(burn_in=51)},
        {"sampler": qm.Metropolis(thinning=6)},
        {"sampler": qm.Metropolis(n_samples=5000)},
        {"sampler": qm.Metropolis(n_chains=220)},
        {"sampler": qm.GibbsCircuit()},
        {"sampler": qm.GibbsCircuit(amplitudes="closed_form")},
        {"sampler": qm.GibbsCircuit(regulator=2.0)},
        {"sampler": qm.GibbsCircuit(reset=False)},
        {"sampler": qm.GibbsCircuit(), "exact_search": True},
        {"mapping": "parity"},
        {"reduced": True},
        {"tapered": False},
    ]
    records = [content_hash(qm.RBM(**change).inputs()) for change in changes]
    assert len(set(records)) == len(changes)
    assert content_hash(pickle.loads(pickle.dumps(qm.RBM())).inputs()) == records[0]


def test_the_same_seed_gives_the_same_state_and_none_is_zero():
    """Scans must be repeatable without a seed."""
    rbm = qm.RBM(n_starts=1, max_iterations=8)
    first, again, plain, other = (qm.solve(ising(3), rbm, seed=s) for s in (0, 0, None, 5))
    assert np.array_equal(first.params, again.params)
    assert np.array_equal(first.params, plain.params)
    assert not np.array_equal(first.params, other.params)


def test_a_solver_sent_to_another_process_searches_alike():
    """The default optimiser is known by what it is, not by its place in memory."""
    sampler = qm.Metropolis(n_samples=100, n_chains=20, burn_in=5)
    rbm = qm.RBM(n_hidden=1, n_starts=1, max_iterations=5, sampler=sampler)
    sent = pickle.loads(pickle.dumps(rbm))
    here, there = (qm.solve(ising(2), one, seed=1) for one in (rbm, sent))
    assert np.array_equal(here.params, there.params)
    assert here.energies.tolist() == there.energies.tolist()


@pytest.mark.slow
def test_a_scan_is_the_same_with_two_workers_and_after_a_resume(tmp_path):
    """Four lengths of hydrogen: each from its parent's parameters, whoever computes it."""
    molecule = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    path = qm.stretch(molecule, (0, 1), [0.6, 0.75, 0.9, 1.2])
    surface = qm.SolverSurface(molecule, qm.ActiveSpace(), TWO_QUBITS, seed=3)
    alone = qm.scan(surface, path)
    store = tmp_path / "scan.db"

    def stop(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        qm.scan(surface, path, store=store, on_point=stop)
    several = [qm.scan(surface, path, store=store), qm.scan(surface, path, workers=2)]
    for found in several:
        for one, other in zip(alone.results, found.results, strict=True):
            assert one.energies == pytest.approx(other.energies, abs=1e-12)
            assert one.energies == pytest.approx(one.reference, abs=1e-6)


# ----------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"n_hidden": 0}, "None for as many as there are qubits"),
        ({"n_hidden": 2.0}, "whole number of at least 1"),
        ({"sign_node": "complex"}, "complex_tanh"),
        ({"mapping": "jordan"}, "jordan_wigner"),
        ({"n_starts": 0}, "n_starts"),
        ({"start_width": 0.0}, "positive and finite"),
        ({"deflation": float("inf")}, "positive and finite"),
        ({"max_iterations": -1}, "max_iterations"),
        ({"gradient_tolerance": -1.0}, "gradient_tolerance"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"sampler": "metropolis"}, r"use Metropolis\(\), GibbsCircuit\(\)"),
        ({"sampler": qm.Metropolis}, r"use Metropolis\(\), GibbsCircuit\(\)"),
    ],
    ids=str,
)
def test_unusable_settings_are_refused(settings, remedy):
    """By what is asked for instead; the nearest name."""
    with pytest.raises(InputError, match=remedy):
        qm.RBM(**settings)


def test_what_is_no_hamiltonian_of_a_crystal_is_refused():
    """A matrix that is not Hermitian, an unknown material, padding among the levels."""
    with pytest.raises(InputError, match="missing conjugate"):
        qm.MatrixHamiltonian(matrix=[[0, 1j], [1j, 0]])
    with pytest.raises(InputError, match="MoS2"):
        qm.monolayer("MoS3")
    with pytest.raises(InputError, match="Use one well above"):
        qm.monolayer("MoS2").at("K", padding=0.0)


def test_parameters_of_another_machine_are_refused_and_a_guess_of_one_starts_cold():
    """The module must fit; a guess need not, and a note says so."""
    h = ising(2)
    small = qm.solve(h, qm.RBM(n_hidden=1, n_starts=1), seed=1)
    with pytest.raises(InputError, match="same size and sign node"):
        qm.RBM(n_hidden=2).machine(h, small.params)
    rbm = qm.RBM(n_hidden=2, n_starts=1)
    found, cold = qm.solve(h, rbm, guess=small, seed=1), qm.solve(h, rbm, seed=1)
    assert any("began at random" in note for note in found.notes)
    assert np.array_equal(found.params, cold.params)


def test_more_states_than_the_symmetry_has_are_refused():
    """Hydrogen, tapered: two determinants of four."""
    with pytest.raises(InputError, match="use tapered=False"):
        qm.solve(hamiltonian(HYDROGEN), qm.RBM(), n_states=3)


def test_one_configuration_takes_no_qubit_unless_parities_do():
    """A hydrogen atom: its parities say everything, and without them its energy is exact."""
    h = hamiltonian("H 0 0 0", spin=1)
    with pytest.raises(InputError, match="Use tapered=False and reduced=False"):
        qm.solve(h, qm.RBM())
    found = qm.solve(h, qm.RBM(tapered=False, n_starts=1))
    assert found.energy == pytest.approx(h.spectrum(1).energies[0], abs=1e-12)


def test_optimisers_that_need_exact_energies_are_refused_where_there_are_none():
    """Line searches that compare energies digit by digit."""
    rbm = qm.RBM(sampler=qm.Metropolis(), optimizer=torch.optim.LBFGS, n_starts=1)
    with pytest.raises(InputError, match="SPSA or Rotosolve"):
        qm.solve(ising(2), rbm, seed=1)


def test_a_state_that_is_no_eigenstate_is_said_to_be_none():
    """One hidden unit and few steps for eight random levels: the residual is in a note."""
    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8))
    hamiltonian = qm.MatrixHamiltonian(matrix=matrix + matrix.conj().T)
    found = qm.solve(hamiltonian, qm.RBM(n_hidden=1, n_starts=1, max_iterations=3))
    assert any("no eigenstates" in note for note in found.notes)


@pytest.mark.parametrize("weight", [0.1, 2.0])
def test_deflation_that_leaves_states_below_is_refused(weight):
    """Levels differ by up to two half widths."""
    with pytest.raises(InputError, match="Use 3"):
        qm.RBM(deflation=weight)


def test_a_guess_of_zeros_or_of_a_circuit_begins_at_random():
    """Where every sign is zero there is no state; a note says so, and the state is found."""
    hamiltonian = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
    machine = qm.RBM(n_hidden=2)
    n_params = machine.machine(hamiltonian).n_params
    found = qm.solve(hamiltonian, machine, guess=np.zeros(n_params))
    assert any("all zero" in note for note in found.notes)
    assert found.error < 1e-6
    circuit = qm.solve(hamiltonian, qm.VQE("uccsd"))
    again = qm.solve(hamiltonian, machine, guess=circuit)
    assert any("circuit's angles" in note for note in again.notes)


def test_the_share_of_kept_shots_is_noted():
    """The Gibbs circuit keeps some shots: the user learns how many."""
    hamiltonian = qm.molecular_hamiltonian(qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735"))
    solver = qm.RBM(n_hidden=1, sampler=qm.GibbsCircuit(), exact_search=True)
    found = qm.solve(hamiltonian, solver, backend=qm.StatevectorBackend(shots=2000), seed=2)
    assert any("shots of Gibbs circuits" in note for note in found.notes)
