"""Fermionic circuits as qubit circuits: the sector backend's states on every mapping's qubits."""

import numpy as np
import pytest
from dense_qubits import dense_state
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate, NumberProduct
from qmlmat.ansatz.lowering import lower
from qmlmat.ansatz.references import prepare_terms
from qmlmat.ansatz.rotations import merged_rotations
from qmlmat.backends import Preparation, Reference, SectorBackend
from qmlmat.errors import InputError
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.operators.sector import Sector

TEMPLATES = ("uccsd", "uccgsd", "quccgsd", "kupccgsd", "puccd", "lucj", "tups", "givens")
NAMES = ("jordan_wigner", "parity", "bravyi_kitaev")
SECTORS = ((2, (1, 1)), (3, (2, 1)), (3, (1, 2)), (3, (2, 2)), (4, (2, 2)), (4, (1, 3)))


def mappings(norb, nelec):
    """Every mapping of a sector by name."""
    return [qubit_mapping(n, norb, reduced_for=r) for n in NAMES for r in (None, nelec)]


def distance(circuit, params, mapping):
    """Largest error of the lowered circuit's state, amplitudes outside of the sector included."""
    sector = Sector(circuit.norb, circuit.nelec)
    reference = Reference.hartree_fock(circuit.norb, circuit.nelec)
    state = SectorBackend().state(Preparation(circuit, reference, params))
    prepared = prepare_terms(reference.terms, mapping).then(lower(circuit, mapping))
    found = dense_state(prepared, params)
    expected = np.zeros_like(found)
    for row, alpha in enumerate(sector.alpha_strings):
        for column, beta in enumerate(sector.beta_strings):
            bits = "".join(f"{int(s):0{circuit.norb}b}"[::-1] for s in (alpha, beta))
            try:
                expected[int(mapping.encode(bits), 2)] = state[row, column]
            except InputError:  # of another symmetry
                assert abs(state[row, column]) < 1e-12
    return np.abs(found - expected).max()


def two_qubit_gates(circuit):
    return sum(len(gate.wires) == 2 for gate in circuit.gates)


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=4, deadline=None)
@given(
    size=st.sampled_from(SECTORS),
    which=st.integers(0, 5),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.1, 1.0, 4.0]),
)
def test_the_state_is_the_sector_backends_on_every_mapping(template, size, which, seed, scale):
    """Global phase and signs of fermions included, to 1e-12."""
    norb, nelec = size
    assume(template != "puccd" or nelec[0] == nelec[1])
    circuit = Ansatz(template).circuit(norb, nelec)
    params = np.random.default_rng(seed).normal(scale=scale, size=circuit.n_params)
    assert distance(circuit, params, mappings(norb, nelec)[which]) < 1e-12


@settings(max_examples=12, deadline=None)
@given(
    size=st.sampled_from(SECTORS),
    odd=st.lists(st.booleans(), min_size=4, max_size=4),
    name=st.sampled_from(NAMES),
    seed=st.integers(0, 2**32 - 1),
)
def test_tapered_qubits_are_not_missed_where_generators_keep_the_symmetry(size, odd, name, seed):
    """Parities of the electrons and of the orbitals of one irrep take no qubits."""
    norb, nelec = size
    irrep = sum(1 << p for p in range(norb) if odd[p])
    symmetries = [irrep | irrep << norb, (1 << norb) - 1, ((1 << norb) - 1) << norb]
    hartree_fock = Sector(norb, nelec).hartree_fock_bits()
    mapping = qubit_mapping(name, norb).tapered(symmetries, hartree_fock)
    assert mapping.n_qubits <= 2 * norb - 2
    circuit = Ansatz("uccgsd").circuit(norb, nelec)
    kept = [k for k, gates in enumerate(circuit.elements()) if keeps(gates, irrep)]
    assume(kept)
    circuit = circuit.restricted(kept)
    params = np.random.default_rng(seed).normal(size=circuit.n_params)
    assert distance(circuit, params, mapping) < 1e-12


def keeps(gates, irrep):
    """Whether generators leave the parity of an irrep's occupation alone."""
    moves = [move for gate in gates for move in (*gate.generator.alpha, *gate.generator.beta)]
    return not sum((irrep >> i ^ irrep >> a) & 1 for i, a in moves) & 1


@pytest.mark.parametrize(
    ("excitation", "cnots"),
    [
        (Excitation(((0, 1),)), 2),
        (Excitation(((0, 3),), qubit=True), 2),
        (Excitation(((0, 3),)), 2 + 2 * 2),
        (Excitation(((0, 1),), ((0, 1),)), 13),
        (Excitation(((0, 2),), ((1, 3),), qubit=True), 13),
        (Excitation(((0, 2), (1, 3))), 13),
        (Excitation(((0, 2),), ((0, 2),)), 13 + 2 * 2),
    ],
    ids=str,
)
def test_two_qubit_gates_are_as_few_as_the_literature_has_them(excitation, cnots):
    """Yordanov et al.: 2 for a single, 13 for a double, and the strings of Z in between."""
    circuit = Circuit(4, (2, 2), (Gate(excitation, 0),), 1)
    lowered = lower(circuit, qubit_mapping("jordan_wigner", 4))
    assert two_qubit_gates(lowered) == cnots


@pytest.mark.parametrize(
    "numbers", [NumberProduct((0,)), NumberProduct((0, 1)), NumberProduct((1,), (0,))]
)
def test_a_phase_takes_at_most_one_two_qubit_gate_in_jordan_wigner(numbers):
    """A phase of one orbital none, of two a controlled phase."""
    lowered = lower(Circuit(2, (1, 1), (Gate(numbers, 0),), 1), qubit_mapping("jordan_wigner", 2))
    assert len(lowered.gates) == 1


@pytest.mark.parametrize("norb", [2, 4, 6])
@pytest.mark.parametrize(("pairs", "step"), [("square", 1), ("heavy_hex", 4)])
def test_local_cluster_jastrow_acts_between_linked_qubits_only(norb, pairs, step):
    """Two lines of qubits, one for each spin, with a rung at every or every fourth orbital."""
    circuit = Ansatz("lucj", n_reps=2, pairs=pairs).circuit(norb, (norb // 2, norb // 2))
    links = {(s + p, s + p + 1) for s in (0, norb) for p in range(norb - 1)}
    links |= {(p, p + norb) for p in range(0, norb, step)}
    for merged in (False, True):
        if merged:
            params = np.random.default_rng(norb).normal(size=circuit.n_params)
            bits = Sector(norb, circuit.nelec).hartree_fock_bits()
            circuit, _ = merged_rotations(circuit, params, reference=bits)
        lowered = lower(circuit, qubit_mapping("jordan_wigner", norb))
        used = {tuple(sorted(g.wires)) for g in lowered.gates if len(g.wires) == 2}
        assert used == links


def test_what_cannot_be_lowered_is_refused_with_the_remedy():
    """Another size, and generators that leave a symmetry that has no qubit."""
    circuit = Ansatz("uccsd").circuit(2, (1, 1))
    with pytest.raises(InputError, match=r"qubit_mapping\(name, norb=2\)"):
        lower(circuit, qubit_mapping("parity", 3))
    tapered = qubit_mapping("jordan_wigner", 2).tapered([0b1010], "1010")
    with pytest.raises(InputError, match="Leave out such generators"):
        lower(circuit, tapered)


@settings(max_examples=20, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    reduced=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_triples_and_phases_of_three_orbitals_are_the_sector_backends(name, reduced, seed):
    """Higher excitations of both kinds, upwards and downwards, and constants of fixed parities."""
    rng = np.random.default_rng(seed)
    gates = (
        Gate(Excitation(alpha=((0, 2), (1, 3)), beta=((0, 2),)), 0, 0.7),
        Gate(NumberProduct((0, 2, 3), ()), 1, 1.3),
        Gate(NumberProduct((2,), (1, 2)), 0, -0.4),
        Gate(Excitation(alpha=((3, 0), (2, 1)), beta=((2, 3),), qubit=True), 1, 1.1),
        Gate(NumberProduct((0, 2), (1, 3)), 1, 0.9),
    )
    mapping = qubit_mapping(name, 4, reduced_for=(2, 1) if reduced else None)
    assert distance(Circuit(4, (2, 1), gates, 2), rng.normal(size=2), mapping) < 1e-12


def test_two_orbitals_on_one_qubit_turn_its_phase():
    """Where a fixed parity makes two occupations equal, their product is one of them."""
    mapping = qubit_mapping("jordan_wigner", 1).tapered([0b11], "11")
    circuit = Circuit(1, (1, 1), (Gate(NumberProduct((0,), (0,)), 0),), 1)
    assert mapping.n_qubits == 1
    assert distance(circuit, np.array([0.7]), mapping) < 1e-12
