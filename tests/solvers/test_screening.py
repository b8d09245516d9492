"""Screening: what is dropped has no slope, changes the spin or is small, and is named."""

from itertools import product

import numpy as np
import pytest
import scipy.linalg
import twins
from molecules import HYDROGEN, WATER, hamiltonian

import qmlmat as qm
from qmlmat.ansatz import Circuit, Excitation, Gate, NumberProduct
from qmlmat.ansatz.singlets import singlet_params
from qmlmat.backends import Preparation, Reference, Request, SectorBackend, expectation
from qmlmat.errors import InputError
from qmlmat.solvers import PreconditionedLBFGS, Screening, minimize
from qmlmat.solvers.landscape import circuit_landscape
from qmlmat.solvers.optimize import traits_of
from qmlmat.solvers.starts import cluster_amplitude, starting_params
from qmlmat.systems import apply_spin_square, mp2_amplitudes

MILLIHARTREE = 1e-3
BY_SPIN = Screening(point_group=False, spin=True)


def nitrogen(n_electrons, norb):
    """N2 at 1.1 Å in cc-pVDZ."""
    molecule = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.1", basis="cc-pvdz")
    return qm.molecular_hamiltonian(molecule, qm.ActiveSpace(n_electrons=n_electrons, norb=norb))


def by_amplitude(threshold):
    return Screening(point_group=False, min_amplitude=threshold)


def uccsd(h, **options):
    return qm.Ansatz("uccsd", **options).circuit(h.norb, h.nelec)


def minimum(h, circuit):
    """The energy of a circuit minimised from MP2 amplitudes (hartree)."""
    preparation = Preparation(circuit, Reference.hartree_fock(h.norb, h.nelec))
    backend, needs = SectorBackend(), traits_of(PreconditionedLBFGS).needs
    evaluator = backend.prepare(Request(preparation=preparation, observables=(h,)))
    optimum = minimize(
        lambda params: expectation(evaluator, params)[0],
        starting_params(circuit, mp2_amplitudes(h)),
        optimizer=PreconditionedLBFGS,
        gradient_tolerance=1e-6,
        max_iterations=200,
        landscape=circuit_landscape(h, preparation, backend, needs=needs, seed=None),
    )
    assert optimum.status == "converged"
    return min(step.energy for step in optimum.history)


@pytest.fixture(scope="module")
def molecules():
    """H2O and H6 in STO-3G, N2 in six orbitals."""
    chain = "; ".join(f"H 0 0 {k}" for k in range(6))
    return {"H2O": hamiltonian(WATER), "N2": nitrogen(6, 6), "H6": hamiltonian(chain)}


def test_the_point_group_leaves_a_sixth_of_uccsd_for_nitrogen():
    """N2 (10e,8o), D2h: 53 of 315, and every double left has an MP2 amplitude."""
    h = nitrogen(10, 8)
    circuit = uccsd(h)
    screened = Screening().apply(circuit, h)
    assert screened.circuit.n_params == screened.kept.size == 53
    assert screened.note == "Screening dropped 262 of 315 parameters: 262 by point group."
    amplitudes = mp2_amplitudes(h)
    for k, (gate,) in enumerate(circuit.elements()):
        amplitude = cluster_amplitude(gate.generator, h.nelec, amplitudes)
        if gate.generator.rank == 2:
            assert (abs(amplitude) > 1e-6) == (k in screened.kept)


@pytest.mark.parametrize("name", ["H2O", "N2", "H6"])
def test_the_point_group_does_not_change_the_energy_of_uccsd(name, molecules):
    """Dropped angles stay at zero by symmetry, so the minimum is the same without them."""
    h = molecules[name]
    circuit = uccsd(h)
    screened = Screening().apply(circuit, h).circuit
    assert screened.n_params <= 0.51 * circuit.n_params
    assert abs(minimum(h, screened) - minimum(h, circuit)) < 1e-8


@pytest.mark.parametrize("name", ["H2O", "N2", "H6"])
def test_generators_of_another_irrep_have_no_slope_in_a_symmetric_state(name, molecules):
    """<[H, A]> vanishes where A changes the irrep, at any angles of the others."""
    h = molecules[name]
    allowed = Screening().apply(uccsd(h), h).circuit
    angles = np.random.default_rng(0).uniform(-0.5, 0.5, (2, allowed.n_params))
    state = Preparation(allowed, Reference.hartree_fock(h.norb, h.nelec), angles)
    pool = qm.Ansatz("uccgsd").circuit(h.norb, h.nelec)
    slopes = np.abs(SectorBackend().pool_gradients(state, h, pool))
    kept = np.isin(np.arange(pool.n_params), Screening().apply(pool, h).kept)
    assert slopes[:, ~kept].max() < 1e-9
    assert np.median(slopes[:, kept]) > 1e-3


def test_dropped_parameters_are_those_at_zero(molecules):
    """A screened circuit makes the states that the full one makes with zeros in its place."""
    h = molecules["H2O"]
    circuit = uccsd(h, spin_tied=True)
    screened = Screening(spin=True, min_amplitude=0.01).apply(circuit, h)
    angles = np.random.default_rng(1).normal(size=screened.kept.size)
    padded = np.zeros(circuit.n_params)
    padded[screened.kept] = angles
    reference = Reference.hartree_fock(h.norb, h.nelec)
    states = [
        SectorBackend().state(Preparation(c, reference, x))
        for c, x in ((screened.circuit, angles), (circuit, padded))
    ]
    np.testing.assert_allclose(*states, atol=1e-12)


def test_a_higher_threshold_of_amplitudes_never_lowers_the_energy(molecules):
    """Fewer angles, higher minimum, never below exact; singles alone are Hartree-Fock."""
    h = molecules["H2O"]
    thresholds = (0.01, 0.02, 0.04, 1)
    circuits = [uccsd(h)] + [by_amplitude(t).apply(uccsd(h), h).circuit for t in thresholds]
    energies = np.array([minimum(h, circuit) for circuit in circuits])
    assert np.all(np.diff([circuit.n_params for circuit in circuits]) < 0)
    assert np.all(np.diff(energies) > -1e-9)
    assert energies[0] > h.spectrum().energies[0]
    assert abs(energies[-1] - h.mean_field_energy) < 1e-9


def test_small_amplitudes_cost_little_energy():
    """N2 (10e,8o): the 2 doubles below 3e-4 are worth 0.004 mHa, those below 0.01 4.4 mHa."""
    h = nitrogen(10, 8)
    energy, *losses = (
        minimum(h, Screening(min_amplitude=t).apply(uccsd(h), h).circuit) for t in (0, 3e-4, 0.01)
    )
    assert losses[0] - energy < 0.01 * MILLIHARTREE < MILLIHARTREE < losses[1] - energy


def test_singles_are_never_judged_by_their_amplitude(molecules):
    """Theirs are zero by Brillouin's theorem, and they matter all the same."""
    h = molecules["H2O"]
    circuit = uccsd(h)
    kept = by_amplitude(10).apply(circuit, h).kept
    ranks = [gate.generator.rank for gate in circuit.gates]
    assert kept.tolist() == [k for k, rank in enumerate(ranks) if rank == 1]


def test_only_moves_out_of_occupied_into_empty_orbitals_have_amplitudes(molecules):
    """Generalised doubles and orbital phases stay."""
    h = molecules["N2"]
    for name in ("uccgsd", "lucj"):
        circuit = qm.Ansatz(name).circuit(h.norb, h.nelec)
        kept = by_amplitude(10).apply(circuit, h).kept
        dropped = [g.generator for g in circuit.gates if g.param not in kept]
        assert len(dropped) == (0 if name == "lucj" else 99)  # all doubles of uccsd: 117 - 18
        for generator in dropped:
            assert all(i < 3 <= a for i, a in generator.alpha + generator.beta)


def spin_matrix(norb, nelec):
    basis = np.eye(len(twins.determinants(norb, nelec)))
    return np.array([apply_spin_square(row, norb, nelec) for row in basis])


def spin_changes(circuit):
    """What each parameter's sum of generators, and its product of gates, do to S^2."""
    square = spin_matrix(circuit.norb, circuit.nelec)
    sums, products = [], []
    for gates in circuit.elements():
        total, product = 0, np.eye(len(square))
        for gate in gates:
            generator = gate.scale * twins.generator_matrix(
                gate.generator, circuit.norb, circuit.nelec
            )
            total, product = total + generator, scipy.linalg.expm(0.7 * generator) @ product
        sums.append(np.abs(total @ square - square @ total).max())
        products.append(np.abs(product @ square - square @ product).max())
    return np.array(sums), np.array(products)


TEMPLATES = [
    qm.Ansatz("uccsd"),
    qm.Ansatz("uccsd", spin_tied=True),
    qm.Ansatz("uccgsd"),
    qm.Ansatz("uccgsd", spin_tied=True),
    qm.Ansatz("kupccgsd"),
    qm.Ansatz("lucj"),
]


@pytest.mark.parametrize("nelec", [(2, 2), (2, 1), (2, 0), (4, 2)])
@pytest.mark.parametrize("ansatz", TEMPLATES, ids=lambda a: a.template)
def test_a_parameter_passes_by_spin_if_its_gates_commute_with_spin_square(ansatz, nelec):
    """The test on coefficients agrees with dense matrices, in both directions."""
    circuit = ansatz.circuit(4, nelec)
    passed = singlet_params(circuit)
    sums, products = spin_changes(circuit)
    np.testing.assert_array_equal(passed, products < 1e-12)
    assert np.all(sums[passed] < 1e-12)


@pytest.mark.parametrize("ansatz", TEMPLATES, ids=lambda a: a.template)
def test_what_passes_by_spin_is_safe_where_the_sector_lets_more_pass(ansatz):
    """One electron and one hole: some doubles keep S^2 by chance and are dropped all the same."""
    circuit = ansatz.circuit(4, (1, 3))
    passed = singlet_params(circuit)
    assert passed.any()
    assert np.all(spin_changes(circuit)[1][passed] < 1e-12)


@pytest.mark.parametrize("nelec", [(2, 2), (2, 1)])
@pytest.mark.parametrize("ansatz", TEMPLATES, ids=lambda a: a.template)
def test_a_circuit_screened_by_spin_keeps_the_reference_in_its_spin(ansatz, nelec):
    """S^2 is s (s + 1) at any angles, also where tied gates stand far apart."""
    circuit = ansatz.circuit(4, nelec)
    circuit = circuit.restricted(np.flatnonzero(singlet_params(circuit)).tolist())
    assert circuit.n_params > 0
    angles = np.random.default_rng(2).normal(size=circuit.n_params)
    state = SectorBackend().state(Preparation(circuit, Reference.hartree_fock(4, nelec), angles))
    spin = (nelec[0] - nelec[1]) / 2
    image = apply_spin_square(state, 4, nelec)
    np.testing.assert_allclose(image, spin * (spin + 1) * state, atol=1e-12)


def test_spin_keeps_pairs_and_spin_summed_singles():
    """Of tied uccsd at (2,2) in 4 orbitals: 4 moves of pairs and 4 singles."""
    h = hamiltonian("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3")
    screened = BY_SPIN.apply(uccsd(h, spin_tied=True), h)
    assert screened.note == "Screening dropped 7 of 15 parameters: 7 by spin."
    for gates in screened.circuit.elements():
        generators = [gate.generator for gate in gates]
        if len(generators) == 1:
            assert generators[0].alpha == generators[0].beta
        else:
            assert [g.rank for g in generators] == [1, 1]


def test_tied_gates_with_something_between_them_do_not_pass():
    """Apart they are no rotation of spatial orbitals, unless what stands between commutes."""
    alpha, beta = Excitation(alpha=((0, 2),)), Excitation(beta=((0, 2),))
    pair, other = Excitation(((0, 3),), ((0, 3),)), Excitation(((1, 3),), ((1, 3),))
    apart = Circuit(4, (2, 2), (Gate(alpha, 0), Gate(pair, 1), Gate(beta, 0)), 2)
    assert singlet_params(apart).tolist() == [False, True]
    harmless = Circuit(4, (2, 2), (Gate(alpha, 0), Gate(other, 1), Gate(beta, 0)), 2)
    assert singlet_params(harmless).all()
    # What does not pass itself stands in nobody's way.
    lonely = Excitation(beta=((0, 3),))
    freed = Circuit(4, (2, 2), (Gate(alpha, 0), Gate(lonely, 1), Gate(beta, 0)), 2)
    assert singlet_params(freed).tolist() == [True, False]


def test_number_products_pass_by_spin_as_their_sums_do():
    """n_alpha + n_beta of an orbital, and their product, are spin-free; one alone is not."""
    up, down = NumberProduct(alpha=(1,)), NumberProduct(beta=(1,))
    gates = (Gate(up, 0), Gate(down, 0), Gate(NumberProduct((1,), (1,)), 1), Gate(up, 2))
    circuit = Circuit(4, (2, 2), gates, 3)
    assert singlet_params(circuit).tolist() == [True, True, False]
    assert (spin_changes(circuit)[1] < 1e-12).tolist() == [True, True, False]


def test_scales_decide_whether_tied_singles_are_spin_free():
    """Equal and opposite angles of the two spins: only equal ones rotate orbitals."""
    alpha, beta = Excitation(alpha=((0, 2),)), Excitation(beta=((0, 2),))
    for scale, expected in ((1.0, True), (-1.0, False), (0.5, False)):
        circuit = Circuit(4, (2, 2), (Gate(alpha, 0), Gate(beta, 0, scale)), 1)
        assert singlet_params(circuit).tolist() == [expected]
    back = Circuit(4, (2, 2), (Gate(alpha, 0), Gate(beta.adjoint(), 0, -1.0)), 1)
    assert singlet_params(back).all()


def test_triples_are_screened_too(molecules):
    """Any rank has an irrep; a triple alone is no singlet."""
    h = molecules["N2"]
    triples = [Excitation(((0, 3), (1, 4)), ((0, 5),)), Excitation(((0, 5), (1, 4)), ((0, 5),))]
    circuit = Circuit.from_excitations(6, (3, 3), triples)
    labels = qm.systems.orbital_parities(h)
    odd = [int(np.bitwise_xor.reduce(labels[[0, 3, 1, 4, 0, 5]])), int(labels[1] ^ labels[4])]
    assert Screening().apply(circuit, h).kept.tolist() == [k for k in (0, 1) if odd[k] == 0]
    assert BY_SPIN.apply(circuit, h).kept.size == 0
    assert np.all(spin_changes(Circuit.from_excitations(6, (3, 3), triples))[1] > 0.1)


def test_a_circuit_that_loses_everything_is_the_reference():
    """Singles of H2 change the irrep: the Hartree-Fock energy is left, and the note says so."""
    h = hamiltonian(HYDROGEN)
    singles = [Excitation(alpha=((0, 1),)), Excitation(beta=((0, 1),))]
    screened = Screening().apply(Circuit.from_excitations(2, (1, 1), singles), h)
    assert screened.circuit.n_params == 0
    assert screened.note == (
        "Screening dropped all 2 parameters: 2 by point group. The reference alone is left."
    )
    assert abs(minimum(h, screened.circuit) - h.mean_field_energy) < 1e-12


def test_the_note_counts_each_parameter_once(molecules):
    """Reasons add up to what was dropped; nothing dropped is said, too."""
    h = molecules["N2"]
    note = Screening(spin=True, min_amplitude=0.05).apply(uccsd(h), h).note
    assert note == (
        "Screening dropped 115 of 117 parameters: 90 by point group, 18 by spin, "
        "7 with MP2 amplitudes below 0.05."
    )
    screened = Screening(spin=True).apply(Circuit(6, (3, 3), (), 0), h)
    assert screened.note == "Screening dropped none of 0 parameters."


def test_settings_are_plain_values():
    assert Screening(spin=True, min_amplitude=1e-5).inputs() == {
        "point_group": True,
        "spin": True,
        "min_amplitude": 1e-5,
    }


@pytest.mark.parametrize("threshold", [-1e-5, np.inf, np.nan])
def test_a_threshold_is_finite_and_not_negative(threshold):
    with pytest.raises(InputError, match="Use about 1e-5, or 0 to keep all"):
        Screening(min_amplitude=threshold)


def test_a_screening_without_filters_is_refused():
    with pytest.raises(InputError, match="Switch one on, or use no screening"):
        Screening(point_group=False)


def test_a_circuit_of_another_sector_is_refused():
    with pytest.raises(InputError, match="Build both for the same sector"):
        Screening().apply(Circuit(3, (1, 1), (), 0), hamiltonian(HYDROGEN))


def test_tied_gates_are_judged_together():
    """One forbidden gate drops a parameter, one large amplitude keeps it."""
    h = hamiltonian("H 0 0 0; H 0 0 1; H 0 0 2; H 0 0 3")
    allowed, forbidden = Excitation(((0, 2),)), Excitation(((0, 1),))
    for gates in ((allowed, forbidden), (forbidden, allowed)):
        tied = Circuit(4, (2, 2), tuple(Gate(g, 0) for g in gates), 1)
        assert Screening().apply(tied, h).kept.size == 0
    amplitudes = mp2_amplitudes(h)
    doubles = [
        Excitation(((i, a),), ((j, b),)) for i, j, a, b in product((0, 1), (0, 1), (2, 3), (2, 3))
    ]
    sizes = [abs(cluster_amplitude(d, (2, 2), amplitudes)) for d in doubles]
    small, large = doubles[int(np.argmin(sizes))], doubles[int(np.argmax(sizes))]
    threshold = 0.5 * max(sizes)
    screening = Screening(point_group=False, min_amplitude=threshold)
    assert min(sizes) < threshold
    for gates in ((small, large), (large, small)):
        tied = Circuit(4, (2, 2), tuple(Gate(g, 0) for g in gates), 1)
        assert screening.apply(tied, h).kept.size == 1
    alone = Circuit(4, (2, 2), (Gate(small, 0),), 1)
    assert screening.apply(alone, h).kept.size == 0


def test_qubit_excitations_are_never_spin_free():
    """Tied singles and pairs without the signs of fermions do not commute with S^2."""
    single, pair = ((0, 2),), ((1, 3),)
    for qubit in (False, True):
        singles = (Excitation(single, (), qubit), Excitation((), single, qubit))
        tied = Circuit(4, (2, 2), tuple(Gate(e, 0) for e in singles), 1)
        pairs = Circuit(4, (2, 2), (Gate(Excitation(pair, pair, qubit), 0),), 1)
        assert singlet_params(tied).tolist() == [not qubit]
        assert singlet_params(pairs).tolist() == [not qubit]


def test_scales_that_are_nearly_equal_are_not_equal():
    """Singles of both spins with scales 1 and 1 + 1e-6 rotate the spins apart."""
    single = ((0, 2),)
    gates = (Gate(Excitation(single), 0), Gate(Excitation((), single), 0, 1 + 1e-6))
    assert not singlet_params(Circuit(4, (2, 2), gates, 1)).any()
