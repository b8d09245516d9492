"""Groups of words: what is measured together commutes, and the circuits make it readable."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from molecules import HYDROGEN, LITHIUM_HYDRIDE, WATER
from pauli_sums import dense, dense_word, pauli_sums
from qiskit import QuantumCircuit

import qmlmat as qm
from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.ansatz.qubit_gates import one_qubit_matrix
from qmlmat.backends.qiskit.operators import to_sparse_pauli_op
from qmlmat.errors import InputError
from qmlmat.operators.clifford import conjugated
from qmlmat.operators.fermion import FermionOperator
from qmlmat.operators.grouping import allocate_shots, group_words
from qmlmat.operators.pauli import PauliSum, word
from qmlmat.operators.tapering import symmetry_masks, symmetry_values

METHODS = ("commuting", "qubit_wise")


def unitary(gates, n_qubits):
    """The matrix of a basis change, column by column."""
    circuit = QubitCircuit(n_qubits, tuple(QubitGate(name, wires) for name, wires in gates))
    columns = []
    for k in range(1 << n_qubits):
        state = np.zeros((2,) * n_qubits, dtype=complex)
        state.flat[k] = 1.0
        for gate in circuit.gates:
            matrix = np.eye(1 << len(gate.wires), dtype=complex)
            matrix[-2:, -2:] = one_qubit_matrix(gate.name[-1] if len(gate.wires) > 1 else gate.name)
            state = np.moveaxis(state, gate.wires, range(len(gate.wires)))
            state = (matrix @ state.reshape(len(matrix), -1)).reshape(state.shape)
            state = np.moveaxis(state, range(len(gate.wires)), gate.wires)
        columns.append(state.ravel())
    return np.array(columns).T


def readable(group):
    """Whether every word is, after the circuit, its sign times the parity of its bits."""
    u = unitary(group.gates, group.n_qubits)
    for x, z, bits, sign in zip(group.x, group.z, group.diagonal, group.signs, strict=True):
        turned = u @ dense_word(word(int(x), int(z), group.n_qubits)) @ u.conj().T
        if not np.allclose(turned, sign * dense_word(word(0, int(bits), group.n_qubits))):
            return False
    return True


def of_molecule(xyz, space=None, **keywords):
    problem = qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz), space)
    return problem.pauli_sum(problem.qubit_mapping(**keywords))


@pytest.mark.parametrize("method", METHODS)
@given(pauli_sum=pauli_sums(4, real=False))
@settings(max_examples=40, deadline=None)
def test_groups_share_the_words_and_can_be_read(method, pauli_sum):
    """Every word but the identity once; circuits turn each into Z, signs included."""
    groups = group_words(pauli_sum, method)
    assert all(readable(group) for group in groups)
    total = sum((dense(group.pauli_sum()) for group in groups), 0)
    identity = dict(pauli_sum.words()).get("I" * pauli_sum.n_qubits, 0)
    np.testing.assert_allclose(
        total + identity * np.eye(1 << pauli_sum.n_qubits), dense(pauli_sum), atol=1e-12
    )
    if method == "qubit_wise":
        assert all(group.n_two_qubit == 0 for group in groups)


@given(pauli_sums(4), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_a_state_read_in_groups_has_the_sum_s_expectation(pauli_sum, seed):
    """From the probabilities of the bits after each circuit."""
    rng = np.random.default_rng(seed)
    n = pauli_sum.n_qubits
    state = rng.normal(size=1 << n) + 1j * rng.normal(size=1 << n)
    state /= np.linalg.norm(state)
    value = pauli_sum.constant
    for group in group_words(pauli_sum):
        bits = np.abs(unitary(group.gates, n) @ state) ** 2
        for c, mask, sign in zip(group.coefficients, group.diagonal, group.signs, strict=True):
            value += c.real * sign * (bits @ dense_word(word(0, int(mask), n)).diagonal())
    expected = np.vdot(state, dense(pauli_sum) @ state).real
    assert value == pytest.approx(expected, abs=1e-10)


def test_gates_act_on_words_as_matrices_do():
    """Every gate the circuits are made of, on every word of two qubits."""
    words = [(x, z) for x in range(4) for z in range(4)]
    x, z = (np.array(part, dtype=np.uint64) for part in zip(*words, strict=True))
    one = [(name, (wire,)) for name in ("h", "s", "sdg") for wire in (0, 1)]
    two = [(name, wires) for name in ("cx", "cy", "cz") for wires in ((0, 1), (1, 0))]
    for gate in one + two:
        u = unitary([gate], 2)
        for before, a, b, sign in zip(words, *conjugated([gate], x, z), strict=True):
            after = sign * dense_word(word(int(a), int(b), 2))
            np.testing.assert_allclose(
                u @ dense_word(word(*before, 2)) @ u.conj().T, after, atol=1e-12
            )


def test_qiskit_turns_the_words_of_a_molecule_into_the_same_bits():
    """Masks and signs of 276 words on ten qubits after their groups' circuits."""
    pauli_sum = of_molecule(LITHIUM_HYDRIDE, qm.ActiveSpace(freeze_core=True))
    for group in group_words(pauli_sum):
        circuit = QuantumCircuit(10)
        for name, wires in group.gates:
            getattr(circuit, name)(*wires)
        words = to_sparse_pauli_op(group.pauli_sum()).paulis.evolve(circuit, frame="s")
        turned = sorted(word[::-1] for word in words.to_labels())
        ours = zip(group.diagonal.tolist(), group.signs, strict=True)
        labels = (("" if sign > 0 else "-", word(0, bits, 10)) for bits, sign in ours)
        # Qiskit prints the sign first, so it stands last here.
        assert turned == sorted(letters + sign for sign, letters in labels)


def test_molecules_need_few_groups():
    """H2 and water, STO-3G: counts of two groupings, and two-qubit gates of their circuits."""
    counts = {}
    for name, xyz, space in (("H2", HYDROGEN, None), ("H2O", WATER, qm.ActiveSpace(4, 4))):
        pauli_sum = of_molecule(xyz, space)
        groups = {method: group_words(pauli_sum, method) for method in METHODS}
        counts[name] = [len(groups[method]) for method in METHODS]
        assert max(group.n_two_qubit for group in groups["commuting"]) <= 2 * pauli_sum.n_qubits
    assert counts == {"H2": [2, 5], "H2O": [7, 29]}


def test_rounding_of_coefficients_does_not_regroup():
    """Equal coefficients stay equal when the last digit differs."""
    pauli_sum = of_molecule(LITHIUM_HYDRIDE, qm.ActiveSpace(freeze_core=True), tapered=True)
    noise = 1 + 1e-14 * np.random.default_rng(1).normal(size=pauli_sum.n_terms)
    shaken = PauliSum(pauli_sum.n_qubits, pauli_sum.x, pauli_sum.z, pauli_sum.coefficients * noise)
    for one, other in zip(group_words(pauli_sum), group_words(shaken), strict=True):
        assert (one.gates, one.x.tolist()) == (other.gates, other.x.tolist())


def test_several_sums_share_their_groups():
    """A word of two sums is measured once, and weighs for both."""
    one = PauliSum.from_words({"XX": 0.5, "ZZ": -0.25, "II": 1.0})
    other = PauliSum.from_words({"ZZ": 0.5j, "ZI": 0.1})
    groups = group_words([one, other], "qubit_wise")
    assert [group.n_words for group in groups] == [2, 1]
    assert groups[0].weight == pytest.approx(0.85)


@pytest.mark.parametrize("method", METHODS)
def test_symmetries_can_be_read_with_every_group(method):
    """What is known of a state beforehand shows in its bits, whatever is measured."""
    problem = qm.molecular_hamiltonian(qm.Molecule.from_xyz(HYDROGEN))
    masks = symmetry_masks(problem.pauli_sum())
    values = symmetry_values([(0, mask) for mask in masks], "1010")
    known = PauliSum.collected(4, np.zeros(len(masks), np.uint64), masks, values)
    matrix = problem.pauli_sum().matrix().toarray()
    penalty = sum(np.eye(16) - value * dense_word(w) for w, value in known.words())
    ground = np.linalg.eigh(matrix + 10 * penalty)[1][:, 0]
    numbers = []
    for group in group_words(problem.pauli_sum(), method, symmetries=known):
        assert readable(group)
        bits = np.abs(unitary(group.gates, 4) @ ground) ** 2
        found, expected = group.symmetry_values(known)
        numbers.append(len(found))
        for mask, value in zip(found, expected, strict=True):
            parity = bits @ dense_word(word(0, int(mask), 4)).diagonal()
            assert parity == pytest.approx(value, abs=1e-10)
    assert numbers == ([3, 3] if method == "commuting" else [3, 0, 0, 0, 0])


@given(pauli_sums(3), pauli_sums(3), st.sampled_from(METHODS))
@settings(max_examples=40, deadline=None)
def test_symmetries_join_only_groups_they_commute_with(pauli_sum, drawn, method):
    """Any Z words: words of groups stay readable, and values are those of products."""
    n = pauli_sum.n_qubits
    masks = sorted({int(mask) % (1 << n) for mask in drawn.z} - {0})
    known = PauliSum.collected(n, [0] * len(masks), masks, np.ones(len(masks)))
    for group in group_words(pauli_sum, method, symmetries=known):
        assert readable(group)
        vacuum = unitary(group.gates, n)[:, 0]  # every Z word has the value 1 there
        for mask, value in zip(*group.symmetry_values(known), strict=True):
            parity = np.abs(vacuum) ** 2 @ dense_word(word(0, int(mask), n)).diagonal()
            assert parity == pytest.approx(value)


def test_symmetries_that_flip_are_read_with_their_sign():
    """The parity XX of a Bell state, measured beside YY."""
    pauli_sum = PauliSum.from_words({"YY": 1.0})
    known = PauliSum.from_words({"XX": 1.0, "ZZ": 1.0})
    (group,) = group_words(pauli_sum, symmetries=known)
    bell = np.array([1, 0, 0, 1]) / np.sqrt(2)
    bits = np.abs(unitary(group.gates, 2) @ bell) ** 2
    masks, values = group.symmetry_values(known)
    assert len(masks) == 2
    for mask, value in zip([*masks, group.diagonal[0]], [*values, -group.signs[0]], strict=True):
        assert bits @ dense_word(word(0, int(mask), 2)).diagonal() == pytest.approx(value)
    (alone,) = group_words(pauli_sum, "qubit_wise", symmetries=known)
    assert len(alone.symmetry_values(known)[0]) == 1  # XX and ZZ together: -YY


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=12), st.integers(0, 10_000), st.booleans())
@settings(max_examples=100, deadline=None)
def test_shots_add_up_and_every_group_has_one(deviations, more, close):
    """Proportional to within one shot where no group is at the lower limit."""
    groups = [group_words(PauliSum.from_words({"Z": 1.0}))[0]] * len(deviations)
    sizes = [1.0 + d for d in deviations] if close else deviations
    total = len(groups) + more
    shots = allocate_shots(groups, total, deviations=sizes)
    assert shots.sum() == total
    assert shots.min() >= 1
    if (shots > 1).all() and sum(sizes) > 0:
        assert np.abs(shots - total * np.array(sizes) / sum(sizes)).max() <= 1


def test_shots_follow_weights_by_default():
    """The absolute coefficients of each group."""
    groups = group_words(PauliSum.from_words({"XI": 3.0, "ZI": -1.0}))
    assert allocate_shots(groups, 400).tolist() == [300, 100]
    assert allocate_shots([], 10).tolist() == []


def test_shots_by_deviations_give_the_smallest_error():
    """LiH ground state: below the error of shots by weights, as the theory says."""
    pauli_sum = of_molecule(LITHIUM_HYDRIDE, qm.ActiveSpace(freeze_core=True), tapered=True)
    state = np.linalg.eigh(pauli_sum.matrix().toarray())[1][:, 0]
    groups = group_words(pauli_sum)
    deviations = np.array([group.deviation(state) for group in groups])
    errors = [
        np.sqrt((deviations**2 / allocate_shots(groups, 10**6, deviations=d)).sum())
        for d in (None, deviations)
    ]
    assert errors[1] < errors[0]
    assert errors[1] == pytest.approx(deviations.sum() / 1e3, rel=1e-3)  # the optimum


def test_elements_of_density_matrices_can_be_measured():
    """A sum with complex coefficients: the words are Hermitian all the same."""
    hop = FermionOperator.one_body(np.array([[0, 1], [0, 0]]))
    problem = qm.molecular_hamiltonian(qm.Molecule.from_xyz(HYDROGEN))
    groups = group_words(hop.pauli_sum(problem.qubit_mapping()))
    assert all(readable(group) for group in groups)


def test_unusable_input_is_refused():
    """Methods, sizes, shots and deviations."""
    groups = group_words(PauliSum.from_words({"XI": 3.0, "ZI": -1.0}))
    with pytest.raises(InputError, match='Did you mean "qubit_wise"'):
        group_words(PauliSum.identity(1), "qubitwise")
    with pytest.raises(InputError, match="Give at least one"):
        group_words([])
    with pytest.raises(InputError, match="Make both with the same mapping"):
        group_words(PauliSum.identity(1), symmetries=PauliSum.identity(2))
    with pytest.raises(InputError, match="Use at least 2 shots"):
        allocate_shots(groups, 1)
    with pytest.raises(InputError, match="not negative"):
        allocate_shots(groups, 10, deviations=[1.0, -1.0])
    assert group_words(PauliSum.identity(2)) == ()


def test_shots_add_up_for_huge_deviations_and_are_whole_numbers():
    """Sums of them do not overflow; halves of shots are refused."""
    groups = group_words(PauliSum.from_words({"XI": 3.0, "ZI": -1.0}))
    assert allocate_shots(groups, 10, deviations=[1e308, 1e308]).tolist() == [5, 5]
    assert allocate_shots(groups, np.int64(4), deviations=[0.0, 1e-320]).sum() == 4
    for total in (10.5, float("nan"), "10"):
        with pytest.raises(InputError, match="a whole number"):
            allocate_shots(groups, total)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0, 1e3), min_size=2, max_size=6), st.integers(6, 60))
def test_every_group_has_a_shot_and_none_is_lost(deviations, total):
    """For groups that would have no whole shot, too."""
    words = [[PauliSum.from_words({"X": 1.0})], [PauliSum.from_words({"Z": 1.0})]]
    groups = [group for pair in words * 3 for group in group_words(pair)][: len(deviations)]
    shots = allocate_shots(groups, total, deviations=deviations)
    assert shots.min() >= 1
    assert shots.sum() == total


def test_products_of_symmetries_carry_the_sign_of_their_words():
    """XX times ZZ is -YY: in the state with XX = ZZ = 1 the value of YY is -1."""
    symmetries = PauliSum.from_words({"XX": 1.0, "ZZ": 1.0})
    (group,) = group_words(PauliSum.from_words({"YY": 1.0}), "qubit_wise", symmetries=symmetries)
    masks, values = group.symmetry_values(symmetries)
    assert (masks.tolist(), values.tolist()) == ([3], [-1])
