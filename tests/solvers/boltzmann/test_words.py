"""Hamiltonians on configurations: against dense matrices, and against determinants."""

import numpy as np
import pytest
from boltzmann import MAPPINGS, lithium_hydride, random_hermitian
from molecules import HYDROGEN, RECTANGLE, hamiltonian
from pauli_sums import dense

import qmlmat as qm
from qmlmat.operators.decomposition import matrix_pauli_sum
from qmlmat.operators.pauli import PauliSum, reversed_bits
from qmlmat.solvers.boltzmann import words as words_module
from qmlmat.solvers.boltzmann.enumerated import operator_on
from qmlmat.solvers.boltzmann.space import space_of
from qmlmat.solvers.boltzmann.words import Words


def every_mask(n_qubits):
    """All masks, sorted, and the row of the dense matrix that each stands for."""
    masks = np.arange(1 << n_qubits, dtype=np.uint64)
    return masks, reversed_bits(masks, n_qubits).astype(int)


@pytest.mark.parametrize("letters", ["X", "Y", "Z", "XZ", "YX", "YY", "ZIY", "YYY"])
def test_each_word_is_its_kronecker_product(letters):
    """Phases of Y included; wire 0 is the left factor."""
    masks, rows = every_mask(len(letters))
    terms = PauliSum.from_words({letters: 0.7})
    assert np.array_equal(operator_on(terms, masks).toarray(), dense(terms)[np.ix_(rows, rows)])


@pytest.mark.parametrize("is_complex", [False, True])
def test_all_elements_of_a_random_matrix_are_there(is_complex):
    """256 words on four qubits; real where the matrix is real."""
    matrix = random_hermitian(4, seed=3, is_complex=is_complex)
    masks, rows = every_mask(4)
    found = operator_on(matrix_pauli_sum(matrix), masks)
    assert np.abs(found.toarray() - matrix[np.ix_(rows, rows)]).max() < 1e-10
    assert np.iscomplexobj(found) == is_complex


@pytest.mark.parametrize(("mapping", "how"), MAPPINGS, ids=str)
@pytest.mark.parametrize("xyz", [HYDROGEN, "LiH", RECTANGLE], ids=["H2", "LiH", "H4"])
def test_local_elements_are_those_between_determinants(xyz, mapping, how):
    """A random state of the allowed configurations, against the sector's own ``matvec``."""
    h = lithium_hydride() if xyz == "LiH" else hamiltonian(xyz)
    space = space_of(h, **({"mapping": mapping, "reduced": False, "tapered": False} | how))
    vector = np.random.default_rng(5).normal(size=len(space.masks))
    vector /= np.linalg.norm(vector) * np.sign(vector[np.abs(vector).argmax()])
    image = operator_on(space.terms, space.masks) @ vector
    norm = np.linalg.norm(image) * np.sign(image[np.abs(image).argmax()])
    expected = h.matvec(space.state(space.masks, vector))
    assert np.abs(norm * space.state(space.masks, image) - expected).max() < 1e-10


def test_open_shells_have_the_same_elements_too():
    """OH: five active electrons of one spin, four of the other."""
    h = hamiltonian("O 0 0 0; H 0 0 0.97", spin=1)
    space = space_of(h, mapping="parity", reduced=True, tapered=False)
    levels = np.linalg.eigvalsh(operator_on(space.terms, space.masks).toarray())
    matrix = np.array([h.matvec(u.reshape(h.shape)).ravel() for u in np.eye(h.dimension)])
    assert np.abs(levels - np.linalg.eigvalsh(matrix)).max() < 1e-10


def test_what_leads_out_of_the_configurations_is_dropped():
    """The matrix between some rows is a part of the whole one."""
    matrix = random_hermitian(3, seed=8)
    masks, rows = every_mask(3)
    kept = np.array([0, 3, 5])
    found = operator_on(matrix_pauli_sum(matrix), masks[kept]).toarray()
    assert np.abs(found - matrix[np.ix_(rows[kept], rows[kept])]).max() < 1e-12


def test_elements_that_cancel_are_left_out():
    """XX + YY flips both of two unlike qubits only; of like ones the two words cancel."""
    found = Words(PauliSum.from_words({"XX": 0.5, "YY": 0.5})).connected(
        np.arange(4, dtype=np.uint64)
    )
    assert found.rows.tolist() == [1, 2]
    assert found.partners.tolist() == [2, 1]
    assert found.elements.tolist() == [1.0, 1.0]


def test_many_configurations_are_looked_at_in_parts(monkeypatch):
    """However small the parts are, the elements are the same and in the same order."""
    words = Words(matrix_pauli_sum(random_hermitian(4, seed=1)))
    masks = np.arange(16, dtype=np.uint64)
    whole = words.connected(masks)
    monkeypatch.setattr(words_module, "MAX_ENTRIES", 1000)  # three configurations at a time
    parts = words.connected(masks)
    for name in ("rows", "partners", "elements"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name))


def test_nothing_leads_nowhere():
    """No configurations, or no words: no elements."""
    words = Words(qm.PauliSum.from_words({"XZ": 1.0}))
    empty = Words(0.0 * words.terms)
    assert len(words.connected(np.zeros(0, dtype=np.uint64)).rows) == 0
    assert len(empty.connected(np.arange(4, dtype=np.uint64)).rows) == 0
