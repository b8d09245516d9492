"""Mappings: bits of other lengths, sizes that are none, parities that are not there."""

import numpy as np
import pytest

from qmlmat.errors import InputError
from qmlmat.operators.mappings import NAMES, qubit_mapping


@pytest.mark.parametrize("name", NAMES)
def test_bits_come_back_from_determinants_that_are_not_the_lowest(name):
    """Three orbitals, an open shell, other values of a parity than Hartree-Fock's."""
    mapping = qubit_mapping(name, 3, reduced_for=(2, 1)).tapered([0b101101], "011010")
    for occupation in ("011010", "110001", "110100"):
        if (int(occupation[::-1], 2) & 0b101101).bit_count() % 2 == 1:
            assert mapping.decode(mapping.encode(occupation)) == occupation
        else:
            with pytest.raises(InputError, match="another parity"):
                mapping.encode(occupation)


@pytest.mark.parametrize("bits", ["1", "11111", "12ab", ""])
def test_bits_of_other_qubits_are_refused(bits):
    """They are not filled up with zeros."""
    with pytest.raises(InputError, match="4 characters 0 or 1, wire 0 on the left"):
        qubit_mapping("parity", 2).decode(bits)


@pytest.mark.parametrize("norb", [-1, 1.5, "2", None])
def test_orbitals_are_counted_in_whole_numbers(norb):
    """Fewer than none, halves and texts are refused."""
    with pytest.raises(InputError, match="whole number of orbitals"):
        qubit_mapping("parity", norb)


@pytest.mark.parametrize("electrons", [(1,), (1, 1, 1), (-1, 1), (3, 0), (1.0, 1), "ab", 5])
def test_electrons_are_two_whole_numbers(electrons):
    """That the orbitals can hold."""
    with pytest.raises(InputError, match=r"Use \(n_alpha, n_beta\)"):
        qubit_mapping("parity", 2, reduced_for=electrons)


def test_thirty_two_orbitals_of_numpy_fill_the_register():
    """No mask overflows."""
    mapping = qubit_mapping("jordan_wigner", np.int64(32), reduced_for=(np.int64(1), np.int64(32)))
    assert (mapping.n_modes, mapping.n_qubits) == (64, 62)


@pytest.mark.parametrize("mask", [1 << 4, -1])
def test_a_symmetry_of_other_modes_is_refused(mask):
    """It is not silently without effect."""
    with pytest.raises(InputError, match="beyond the 4"):
        qubit_mapping("parity", 2).tapered([mask], "1010")


def test_the_reduced_parity_mapping_leaves_out_the_last_qubit_of_each_spin():
    """As the literature has it: qubits norb - 1 and 2 norb - 1 hold the fixed parities."""
    whole = qubit_mapping("parity", 3)
    assert qubit_mapping("parity", 3, reduced_for=(2, 1)).bits == whole.bits[:2] + whole.bits[3:5]
