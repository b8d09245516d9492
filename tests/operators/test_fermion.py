"""Fermionic operators: their algebra, and their words in every mapping."""

import ffsim
import ffsim.qiskit
import numpy as np
import pennylane as qml
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmlmat.errors import InputError
from qmlmat.operators.fermion import FermionOperator, spin_square_sum
from qmlmat.operators.jordan_wigner import molecular_pauli_sum
from qmlmat.operators.mappings import NAMES, qubit_mapping
from qmlmat.operators.sector import Sector
from qmlmat.systems import one_rdm, two_rdm

RNG = np.random.default_rng(5)
INDEPENDENT = {
    "jordan_wigner": qml.jordan_wigner,
    "parity": qml.parity_transform,
    "bravyi_kitaev": qml.bravyi_kitaev,
}


def annihilator(mode: int, n_modes: int) -> np.ndarray:
    """Dense ``a_p`` in Jordan-Wigner form, wire 0 the highest bit of the index."""
    found = np.eye(1)
    for q in range(n_modes):
        factor = np.diag([1, -1]) if q < mode else np.eye(2)
        found = np.kron(found, np.array([[0, 1], [0, 0]]) if q == mode else factor)
    return found


def dense(operator: FermionOperator) -> np.ndarray:
    """The matrix of an operator, product by product."""
    total = np.zeros((1 << operator.n_modes,) * 2, dtype=complex)
    for product, value in operator.terms.items():
        matrix = np.eye(1 << operator.n_modes)
        for mode, creates in product:
            a = annihilator(mode, operator.n_modes)
            matrix = matrix @ (a.T if creates else a)
        total += value * matrix
    return total


@st.composite
def operators(draw, n_modes: int = 4) -> FermionOperator:
    """A few products of up to four ladder operators."""
    ladder = st.tuples(st.integers(0, n_modes - 1), st.booleans())
    products = draw(st.lists(st.lists(ladder, max_size=4), max_size=5))
    values = st.complex_numbers(max_magnitude=2, allow_nan=False)
    return FermionOperator(n_modes, {tuple(product): draw(values) for product in products})


def jordan_wigner(operator: FermionOperator) -> np.ndarray:
    mapping = qubit_mapping("jordan_wigner", operator.n_modes // 2)
    return operator.pauli_sum(mapping).matrix().toarray()


@given(operators())
@settings(max_examples=30, deadline=None)
def test_words_are_the_operator(operator):
    """Against products of dense ladder matrices, any order of creation and annihilation."""
    np.testing.assert_allclose(jordan_wigner(operator), dense(operator), atol=1e-12)


@given(operators(), operators())
@settings(max_examples=15, deadline=None)
def test_sums_products_and_adjoints_are_those_of_the_matrices(one, other):
    """The algebra of operators is that of their matrices."""
    a, b = dense(one), dense(other)
    np.testing.assert_allclose(dense(one @ other), a @ b, atol=1e-11)
    np.testing.assert_allclose(dense(0.5j * one - other), 0.5j * a - b, atol=1e-12)
    np.testing.assert_allclose(dense(one.adjoint()), a.conj().T, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_every_mapping_agrees_with_pennylane(name):
    """The words of a hopping with phase, a pair, and a density-density term."""
    products = {
        ((0, True), (4, False)): 0.3 + 0.2j,
        ((5, True), (1, True), (3, False), (2, False)): -0.7,
        ((1, True), (1, False), (4, True), (4, False)): 0.4,
        (): 0.25,
    }
    ours = FermionOperator(6, products).pauli_sum(qubit_mapping(name, 3))
    theirs = sum(
        value
        * qml.FermiSentence(
            {
                qml.FermiWord(
                    {(k, mode): "+-"[not creates] for k, (mode, creates) in enumerate(product)}
                ): 1.0
            }
        )
        for product, value in products.items()
    )
    arguments = () if name == "jordan_wigner" else (6,)
    matrix = INDEPENDENT[name](theirs, *arguments).matrix(wire_order=range(6))
    np.testing.assert_allclose(ours.matrix().toarray(), matrix, atol=1e-12)


def test_hamiltonians_agree_with_ffsim_and_with_integrals():
    """The slow way, over all products of four ladder operators, gives the same words."""
    norb = 3
    hamiltonian = ffsim.random.random_molecular_hamiltonian(norb, seed=3, dtype=float)
    one, two = hamiltonian.one_body_tensor, hamiltonian.two_body_tensor
    ours = FermionOperator.one_body(one) + FermionOperator.two_body(0.5 * two)
    words = ours.pauli_sum(qubit_mapping("jordan_wigner", norb))
    assert (words - molecular_pauli_sum(one, two)).n_terms == 0
    theirs = ffsim.qiskit.jordan_wigner(
        ffsim.fermion_operator(
            ffsim.MolecularHamiltonian(one_body_tensor=one, two_body_tensor=two)
        ),
        norb=norb,
    ).simplify()
    expected = {label[::-1]: value for label, value in theirs.to_list()}
    ours_by_word = dict(words.words())
    for word in expected | ours_by_word:
        assert ours_by_word.get(word, 0) == pytest.approx(expected.get(word, 0), abs=1e-12)


def embedded(state: np.ndarray, sector: Sector) -> np.ndarray:
    """A sector's state among all determinants, wire 0 the highest bit."""
    full = np.zeros(1 << sector.n_qubits, dtype=state.dtype)
    for i, alpha in enumerate(sector.alpha_strings):
        for j, beta in enumerate(sector.beta_strings):
            bits = int(alpha) | int(beta) << sector.norb
            full[int(format(bits, f"0{sector.n_qubits}b")[::-1], 2)] = state[i, j]
    return full


def test_density_matrices_are_expectations_of_operators():
    """PySCF's one- and two-particle density matrices, element by element."""
    sector = Sector(3, (2, 1))
    state = RNG.normal(size=sector.shape) + 1j * RNG.normal(size=sector.shape)
    state /= np.linalg.norm(state)
    vector = embedded(state, sector)
    first, second = one_rdm(state, 3, (2, 1)), two_rdm(state, 3, (2, 1))
    alpha = one_rdm(state, 3, (2, 1), spin_resolved=True)[0]
    mapping = qubit_mapping("jordan_wigner", 3)

    def expectation(operator: FermionOperator) -> complex:
        return np.vdot(vector, operator.pauli_sum(mapping).matrix() @ vector)

    for p, q, r, s in [(0, 1, 2, 1), (0, 0, 1, 1), (2, 0, 0, 2), (1, 2, 1, 0)]:
        unit = np.zeros((3, 3))
        unit[p, q] = 1.0
        assert expectation(FermionOperator.one_body(unit)) == pytest.approx(first[p, q])
        assert expectation(FermionOperator.one_body(unit, "alpha")) == pytest.approx(alpha[p, q])
        pair = np.zeros((3, 3, 3, 3))
        pair[p, q, r, s] = 1.0
        assert expectation(FermionOperator.two_body(pair)) == pytest.approx(second[p, q, r, s])


@pytest.mark.parametrize("norb", [1, 2, 3])
def test_the_fast_spin_operator_is_the_slow_one(norb):
    """``S^2`` from words, and from ladder operators."""
    slow = FermionOperator.spin_square(norb).pauli_sum(qubit_mapping("jordan_wigner", norb))
    assert (slow - spin_square_sum(norb)).n_terms == 0
    found = np.linalg.eigvalsh(slow.matrix().toarray())
    spins = np.round(np.sqrt(found + 0.25) - 0.5, 8)
    assert set(2 * spins) == set(range(norb + 1))


def test_number_operators_count_electrons():
    """Sz and N of a determinant, and the refusal of an unknown spin."""
    mapping = qubit_mapping("jordan_wigner", 3)
    place = int("110100", 2)
    for spin, expected in (("alpha", 2), ("beta", 1), ("both", 3)):
        number = FermionOperator.number(3, spin).pauli_sum(mapping)
        assert number.matrix()[place, place] == pytest.approx(expected)
    with pytest.raises(InputError, match="Known: alpha, beta, both"):
        FermionOperator.number(3, "up")


def test_unusable_operators_are_refused():
    """Modes out of range, shapes, and operators on different modes."""
    with pytest.raises(InputError, match="Use modes below n_modes"):
        FermionOperator(2, {((2, True),): 1.0})
    with pytest.raises(InputError, match=r"Use \(norb, norb\)"):
        FermionOperator.one_body(np.ones(3))
    with pytest.raises(InputError, match=r"Use \(norb, norb, norb, norb\)"):
        FermionOperator.two_body(np.ones((2, 2)))
    with pytest.raises(InputError, match="Use operators on the same modes"):
        FermionOperator.number(1) + FermionOperator.number(2)


def test_operators_that_leave_a_reduced_mapping_are_refused():
    """A single creation changes the parity that two-qubit reduction leaves out."""
    mapping = qubit_mapping("parity", 2, reduced_for=(1, 1))
    with pytest.raises(InputError, match="use a mapping without"):
        FermionOperator(4, {((0, True),): 1.0}).pauli_sum(mapping)
    assert FermionOperator(4, {}).pauli_sum(mapping).n_terms == 0


@pytest.mark.parametrize(
    ("n_modes", "terms", "remedy"),
    [
        (-1, {}, "Use modes below n_modes"),
        (2, {(("a", True),): 1.0}, "products of"),
        (2, {(0, 1): 1.0}, "products of"),
        (2, {((0.5, True),): 1.0}, "products of"),
        (2, {((0, True),): "x"}, "products of"),
        (2, {((0, True), (0, False)): float("nan")}, "finite numbers"),
    ],
)
def test_terms_that_are_no_operator_are_refused(n_modes, terms, remedy):
    """Modes are whole numbers, coefficients finite."""
    with pytest.raises(InputError, match=remedy):
        FermionOperator(n_modes, terms)


def test_integrals_that_are_no_numbers_make_no_operator():
    """Not the zero operator, either."""
    with pytest.raises(InputError, match="NaN or infinite"):
        molecular_pauli_sum(np.full((2, 2), np.nan), np.zeros((2,) * 4))
    with pytest.raises(InputError, match="finite numbers"):
        FermionOperator.one_body(np.full((2, 2), np.nan))
