"""Symmetries of sums, and spectra that survive without the qubits they make superfluous."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from molecules import BERYLLIUM_HYDRIDE, HYDROGEN, LITHIUM_HYDRIDE, WATER
from pauli_sums import dense, dense_word, pauli_sums

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum, word
from qmlmat.operators.tapering import (
    symmetrized,
    symmetry_masks,
    symmetry_values,
    taper,
    z2_symmetries,
)

# STO-3G; qubits and words, whole and tapered: an independent study of the same Hamiltonians.
COUNTS = {
    "H2": (HYDROGEN, None, (4, 15), (1, 3)),
    "LiH (2e,3o)": (LITHIUM_HYDRIDE, qm.ActiveSpace(indices=(1, 2, 5)), (6, 118), (4, 100)),
    "LiH (2e,5o)": (LITHIUM_HYDRIDE, qm.ActiveSpace(freeze_core=True), (10, 276), (6, 231)),
    "LiH (4e,6o)": (LITHIUM_HYDRIDE, None, (12, 631), (8, 558)),
    "H2O (4e,4o)": (WATER, qm.ActiveSpace(4, 4), (8, 105), (4, 62)),
    "H2O (8e,6o)": (WATER, qm.ActiveSpace(freeze_core=True), (12, 551), (8, 514)),
}


def matrix_of(symmetry, n_qubits):
    return dense_word(word(*symmetry, n_qubits))


@given(pauli_sums(3))
@settings(max_examples=60, deadline=None)
def test_symmetries_commute_are_independent_and_there_are_no_more(pauli_sum):
    """Against all words: no other one commutes with the sum's words and with all found."""
    n = pauli_sum.n_qubits
    found = z2_symmetries(pauli_sum)
    every = [dense_word(one) for one, _ in pauli_sum.words()]
    every += [matrix_of(symmetry, n) for symmetry in found]
    span = {(0, 0)}
    for x, z in found:
        span |= {(a ^ x, b ^ z) for a, b in span}
    assert len(span) == 2 ** len(found)
    for x, z in product(range(2**n), repeat=2):
        other = matrix_of((x, z), n)
        commutes = all(np.allclose(other @ one, one @ other) for one in every)
        assert commutes == ((x, z) in span)
    assert found[: len(symmetry_masks(pauli_sum))] == tuple(
        (0, mask) for mask in symmetry_masks(pauli_sum)
    )


@given(pauli_sums(4))
@settings(max_examples=40, deadline=None)
def test_the_spectra_of_all_values_are_the_whole_spectrum(pauli_sum):
    """Symmetries with flips among them; every choice of values is one block."""
    found = z2_symmetries(pauli_sum)
    blocks = []
    for values in product((1, -1), repeat=len(found)):
        small = taper(pauli_sum, found, values)
        assert small.n_qubits == pauli_sum.n_qubits - len(found)
        blocks += list(np.linalg.eigvalsh(dense(small)))
    whole = np.linalg.eigvalsh(dense(pauli_sum))
    np.testing.assert_allclose(sorted(blocks), whole, atol=1e-10)


def test_values_choose_the_block():
    """Each block's states have the values asked for."""
    pauli_sum = PauliSum.from_words({"XXI": 0.7, "ZZI": -0.4, "IIZ": 0.3, "YYX": 0.2, "YYZ": 0.1})
    found = z2_symmetries(pauli_sum)
    whole = dense(pauli_sum)
    for values in product((1, -1), repeat=len(found)):
        penalty = sum(
            10 * (np.eye(8) - value * matrix_of(symmetry, 3))
            for symmetry, value in zip(found, values, strict=True)
        )
        block = np.linalg.eigvalsh(dense(taper(pauli_sum, found, values)))
        expected = np.linalg.eigvalsh(whole + penalty)[: len(block)]
        np.testing.assert_allclose(block, expected, atol=1e-10)


@pytest.mark.parametrize("system", COUNTS)
def test_molecules_lose_the_published_number_of_qubits(system):
    """Qubits and words; the ground state is that of the sector."""
    xyz, space, whole, small = COUNTS[system]
    problem = qm.molecular_hamiltonian(qm.Molecule.from_xyz(xyz), space)
    pauli_sum = problem.pauli_sum()
    assert (pauli_sum.n_qubits, pauli_sum.n_terms) == whole
    tapered = problem.pauli_sum(problem.qubit_mapping(tapered=True))
    assert (tapered.n_qubits, tapered.n_terms) == small
    found = z2_symmetries(pauli_sum)
    values = symmetry_values(found, problem.sector.hartree_fock_bits())
    other = taper(pauli_sum, found, values)
    assert (other.n_qubits, other.n_terms) == small
    energies = [np.linalg.eigvalsh(one.matrix().toarray()) for one in (tapered, other)]
    np.testing.assert_allclose(*energies, atol=1e-10)
    assert energies[0][0] == pytest.approx(problem.spectrum().energies[0], abs=1e-10)


def test_linear_molecules_with_an_inversion_have_five_symmetries():
    """BeH2: electrons of each spin, two mirror planes, and the inversion."""
    problem = qm.molecular_hamiltonian(qm.Molecule.from_xyz(BERYLLIUM_HYDRIDE))
    masks = symmetry_masks(problem.pauli_sum())
    assert len(masks) == 5
    assert problem.pauli_sum(problem.qubit_mapping(tapered=True)).n_qubits == 9
    span = {0}
    for mask in masks:
        span |= {other ^ mask for other in span}
    assert {(1 << 7) - 1, ((1 << 7) - 1) << 7} <= span


def test_every_mapping_has_the_same_symmetries():
    """Found from the words of another mapping, they are as many."""
    problem = qm.molecular_hamiltonian(qm.Molecule.from_xyz(HYDROGEN))
    for name in ("jordan_wigner", "parity", "bravyi_kitaev"):
        assert len(symmetry_masks(problem.pauli_sum(name))) == 3


def test_rounding_breaks_no_symmetry():
    """Words below the tolerance are left out, larger ones break the symmetry."""
    pauli_sum = PauliSum.from_words({"ZZ": 1.0, "XX": 0.5, "XI": 1e-11})
    assert symmetry_masks(pauli_sum) == (3,)
    assert taper(pauli_sum, [(0, 3)], [1]).n_qubits == 1
    assert symmetrized(pauli_sum, [(0, 3)]).n_terms == 2
    assert symmetrized(pauli_sum, []) is pauli_sum
    assert symmetry_masks(pauli_sum, tolerance=0.0) == ()
    with pytest.raises(InputError, match="Use those that z2_symmetries finds"):
        taper(pauli_sum, [(0, 3)], [1], tolerance=1e-12)


def test_unusable_symmetries_are_refused():
    """Values, dependent or clashing symmetries, and symmetries without a value."""
    pauli_sum = PauliSum.from_words({"ZZ": 1.0})
    with pytest.raises(InputError, match="Give 1 or -1 for every symmetry"):
        taper(pauli_sum, [(0, 3)], [0])
    with pytest.raises(InputError, match="one is a product of others"):
        taper(pauli_sum, [(0, 1), (0, 2), (0, 3)], [1, 1, 1])
    with pytest.raises(InputError, match="do not commute"):
        taper(PauliSum.identity(1), [(0, 1), (1, 0)], [1, 1])
    with pytest.raises(InputError, match="use symmetry_masks"):
        symmetry_values([(3, 0)], "00")
    assert symmetry_values([(0, 3), (0, 1)], "10") == (-1, -1)


def test_identities_have_every_symmetry():
    """A multiple of the identity needs no qubit."""
    found = z2_symmetries(PauliSum.identity(2, 0.5))
    assert found == ((0, 1), (0, 2))
    assert math.isclose(taper(PauliSum.identity(2, 0.5), found, [1, 1]).constant, 0.5)


@pytest.mark.parametrize("pair", [("XX", "ZZ"), ("XX", "YY"), ("YY", "ZZ"), ("ZZ", "YY")])
@pytest.mark.parametrize("values", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_products_of_symmetries_keep_their_sign(pair, values):
    """XX YY ZZ = -1: what is left of two qubits is a number, and the third word's is known."""
    (third,) = {"XX", "YY", "ZZ"} - set(pair)
    pauli_sum = PauliSum.from_words({pair[0]: 1.0, pair[1]: 10.0, third: 100.0})
    masks = {"XX": (3, 0), "YY": (3, 3), "ZZ": (0, 3)}
    left = taper(pauli_sum, [masks[name] for name in pair], values)
    expected = values[0] + 10.0 * values[1] - 100.0 * values[0] * values[1]
    assert (left.n_qubits, left.constant) == (0, pytest.approx(expected))
