"""Observables of a register against their dense matrices, and their two ways against each other."""

import brute_force
import numpy as np
import pennylane as qml
import pytest
from conserving_tapes import ORDERS, random_observable, spin
from problems import random_hamiltonian

from qmlmat.backends.pennylane.operators import from_pennylane
from qmlmat.backends.register import words as words_module
from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.molecular import MIN_WORDS
from qmlmat.backends.register.observables import SectorObservable
from qmlmat.backends.register.words import WordMatrix
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum

EXACT = 1e-11  # float64, entries of order ten


def nelec_of(n_wires, order, rng):
    """Random numbers of electrons, one of each at least."""
    each = n_wires // 2
    n_alpha, n_beta = rng.integers(1, each + 1, 2).tolist()
    return (n_alpha, n_beta) if order else (min(n_alpha + n_beta, n_wires - 1), 0)


def restricted(operator, layout):
    """The dense matrix of PennyLane's operator among the determinants."""
    states = layout.states.astype(np.int64)
    dense = qml.matrix(operator, wire_order=range(layout.n_wires))
    return dense[np.ix_(states, states)]


def random_states(layout, *, is_complex=True, seed=0):
    """Three states that are not normalized."""
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(2, 3, layout.sector.dimension))
    return states[0] + 1j * states[1] if is_complex else states[0]


def electronic(norb, order, *, seed=0):
    """A molecule's Hamiltonian by PennyLane's Jordan-Wigner, from its creators and annihilators."""
    rng = np.random.default_rng(seed)
    one, two = brute_force.random_integrals(norb, rng)
    wire = {
        spin_ * norb + p: (2 * p + spin_ if order == "interleaved" else spin_ * norb + p)
        for p in range(norb)
        for spin_ in (0, 1)
    }
    sentence = qml.fermi.FermiSentence({})
    for factor, operators in brute_force.hamiltonian_terms(one, two):
        word = qml.fermi.FermiWord(
            {(k, wire[mode]): kind for k, (kind, mode) in enumerate(operators)}
        )
        sentence[word] = sentence.get(word, 0.0) + factor
    return qml.jordan_wigner(sentence, ps=True).operation(wire_order=range(2 * norb))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(6))
def test_an_observable_is_its_dense_matrix_in_the_sector(order, seed):
    """Hoppings, products of Z, exchanges of two electrons; real and complex."""
    rng = np.random.default_rng(seed)
    operator = random_observable(seed, 6, order, is_real=bool(seed % 2))
    layout = Layout(6, nelec_of(6, order, rng), order)
    observable = SectorObservable(layout, from_pennylane(operator, 6))
    observable.check_conserves("test")
    matrix = restricted(operator, layout)
    assert not (observable.is_real and matrix.imag.any())
    assert observable.is_real or not seed % 2
    states = random_states(layout)
    assert np.abs(observable.apply(states) - states @ matrix.T).max() < EXACT


@pytest.mark.parametrize("order", ["blocked", "interleaved"])
@pytest.mark.parametrize("nelec", [(2, 1), (1, 3), (0, 2)])
def test_a_molecules_hamiltonian_acts_alike_by_integrals_by_words_and_densely(order, nelec):
    """Whatever the order of spins; integrals are found, and no word is left over."""
    operator = electronic(3, order)
    layout = Layout(6, nelec, order)
    observable = SectorObservable(layout, from_pennylane(operator, 6))
    sigma, rest = observable._pieces
    assert sigma is not None
    assert rest is None
    for is_complex in (False, True):
        states = random_states(layout, is_complex=is_complex)
        right = states @ restricted(operator, layout).T
        assert np.abs(observable.apply(states) - right).max() < EXACT
        assert np.abs(observable.masked.apply(states) - right).max() < EXACT


@pytest.mark.parametrize("order", ["blocked", "interleaved"])
@pytest.mark.parametrize("n_electrons", [0, 1, 3, 5])
def test_without_a_spin_order_a_molecule_is_found_in_either(order, n_electrons):
    """Every division of the electrons among the spins is a block of the matrix."""
    operator = electronic(3, order)
    layout = Layout(6, (n_electrons, 0), None)
    observable = SectorObservable(layout, from_pennylane(operator, 6))
    form, rest = observable._pieces
    assert form.spin_order == order
    assert rest is None
    states = random_states(layout)
    right = states @ restricted(operator, layout).T
    assert np.abs(observable.apply(states) - right).max() < EXACT
    assert np.abs(observable.masked.apply(states) - right).max() < EXACT


@pytest.mark.parametrize("order", ["blocked", "interleaved"])
@pytest.mark.parametrize("is_real", [True, False])
def test_what_a_molecules_hamiltonian_is_not_acts_beside_it(order, is_real):
    """A hopping with a phase, an exchange of two electrons without signs, a product of four Z."""
    layout = Layout(6, (2, 1), order)
    operator = electronic(3, order) + random_observable(4, 6, order, is_real=is_real, n_terms=5)
    observable = SectorObservable(layout, from_pennylane(operator, 6))
    sigma, rest = observable._pieces
    assert sigma is not None
    assert rest is not None
    assert observable.is_real == is_real
    observable.check_conserves("test")
    states = random_states(layout)
    right = states @ restricted(operator, layout).T
    assert np.abs(observable.apply(states) - right).max() < EXACT
    assert np.abs(observable.masked.apply(states) - right).max() < EXACT


def test_blocked_words_of_a_hamiltonian_are_its_own_matrix_vector_product():
    """Twelve wires: ``pauli_sum`` and ``matvec`` of one Hamiltonian."""
    hamiltonian = random_hamiltonian(np.random.default_rng(3), 6, (3, 2))
    layout = Layout(12, (3, 2), "blocked")
    observable = SectorObservable(layout, hamiltonian.pauli_sum())
    state = random_states(layout, is_complex=False)[:1]
    right = hamiltonian.matvec(state[0])
    assert np.abs(observable.apply(state)[0] - right).max() < EXACT
    assert np.abs(observable.masked.apply(state)[0] - right).max() < EXACT
    assert observable.masked.leak < EXACT


def test_few_words_are_no_molecule():
    """Below ``MIN_WORDS`` nothing is looked for."""
    operator = qml.dot([0.5, 0.25], [qml.Z(0), qml.Z(1)])
    observable = SectorObservable(Layout(4, (1, 1), "blocked"), from_pennylane(operator, 4))
    assert observable.words.n_terms < MIN_WORDS
    assert observable._pieces[0] is None


@pytest.mark.parametrize("order", ORDERS)
def test_rows_made_a_few_at_a_time_are_those_of_a_kept_matrix(order, monkeypatch):
    """Matrices above ``MAX_ENTRIES`` are not kept; the leak is the same."""
    operator = random_observable(5, 6, order) + 0.3 * qml.X(1)
    layout = Layout(6, (2, 1), order)
    words = SectorObservable(layout, from_pennylane(operator, 6)).masked.words
    states = random_states(layout)
    kept = WordMatrix(layout, words)
    right = kept.apply(states)
    assert kept._kept is not None
    monkeypatch.setattr(words_module, "CHUNK_ENTRIES", 3 * words.n_terms)
    chunked = WordMatrix(layout, words)
    assert np.abs(chunked.apply(states) - right).max() < EXACT
    assert chunked._kept is not None
    monkeypatch.setattr(words_module, "MAX_ENTRIES", 10)
    anew = WordMatrix(layout, words)
    assert np.abs(anew.apply(states) - right).max() < EXACT
    assert anew._kept is None
    assert anew.leak == chunked.leak == kept.leak == pytest.approx(0.3)


@pytest.mark.parametrize("order", ORDERS)
def test_every_words_own_mean_is_the_dense_one(order):
    """Also of words that only together conserve the electrons, and of such as never do: zero."""
    operator = random_observable(6, 6, order) + 0.3 * qml.X(1)
    layout = Layout(6, (1, 2), order)
    words = from_pennylane(operator, 6)
    observable = SectorObservable(layout, words)
    state = random_states(layout)[0]
    state /= np.linalg.norm(state)
    full = np.zeros(64, dtype=np.complex128)
    full[layout.states.astype(np.int64)] = state
    found = observable.masked.means(state)
    masked = observable.masked.words
    for k, (x, z) in enumerate(zip(masked.x.tolist(), masked.z.tolist(), strict=True)):
        letters = {}
        for wire, bit in enumerate(layout.bits.tolist()):
            letter = "IXZY"[(x >> bit & 1) + 2 * (z >> bit & 1)]
            if letter != "I":
                letters[wire] = letter
        word = qml.pauli.PauliWord(letters)
        right = np.vdot(full, word.to_mat(wire_order=range(6)) @ full).real
        assert abs(found[k] - right) < EXACT


@pytest.mark.parametrize("order", ORDERS)
def test_an_observable_that_leaves_the_sector_is_refused(order):
    """With how much it leaves, and what to do."""
    observable = SectorObservable(
        Layout(4, (1, 1), order), PauliSum.from_words({"ZIII": 1.0, "IXII": 0.25})
    )
    remedy = "use spin_order=None" if order else "conserves the electrons"
    with pytest.raises(InputError, match=f"leaves the sector.*2.5e-01.*{remedy}"):
        observable.check_conserves("X")


@pytest.mark.parametrize("order", ["blocked", "interleaved"])
def test_a_hopping_from_alpha_to_beta_leaves_a_sector_of_both_numbers_only(order):
    """Without a spin order it conserves."""
    n_wires = 4
    wires = [0, next(w for w in range(n_wires) if spin(w, n_wires, order))]
    operator = qml.X(wires[0]) @ qml.X(wires[1]) + qml.Y(wires[0]) @ qml.Y(wires[1])
    words = from_pennylane(operator, n_wires)
    with pytest.raises(InputError, match="leaves the sector"):
        SectorObservable(Layout(n_wires, (1, 1), order), words).check_conserves("hopping")
    SectorObservable(Layout(n_wires, (2, 0)), words).check_conserves("hopping")


def test_an_observable_without_words_is_zero():
    """The empty sum."""
    layout = Layout(4, (1, 1), "blocked")
    observable = SectorObservable(layout, PauliSum.from_words({}))
    assert not observable.apply(random_states(layout)).any()
