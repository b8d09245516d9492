"""The determinants of a sector: PySCF's order, and refusals."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from pyscf.fci import cistring
from twins import determinants

from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector, occupation_strings


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_strings_stand_in_pyscf_order(size):
    """A CI vector of ours is a CI vector of PySCF's."""
    norb, n_electrons = size
    expected = cistring.make_strings(range(norb), n_electrons)
    assert occupation_strings(norb, n_electrons).tolist() == list(expected)


@pytest.mark.parametrize(("norb", "nelec"), [(3, (2, 1)), (4, (0, 4)), (2, (1, 1)), (1, (1, 0))])
def test_index_of_a_determinant_agrees_with_the_slow_list(norb, nelec):
    """Bits, wire 0 on the left and alpha first, find their place in the flattened vector."""
    sector = Sector(norb, nelec)
    for place, bits in enumerate(determinants(norb, nelec)):
        row, column = sector.index("".join(map(str, bits)))
        assert row * sector.shape[1] + column == place
    assert sector.dimension == len(determinants(norb, nelec))


def test_hartree_fock_is_the_first_determinant():
    """The lowest orbitals are the lowest bit masks."""
    sector = Sector(4, (2, 3))
    assert sector.index(sector.hartree_fock_bits()) == (0, 0)
    assert sector.n_qubits == 8
    assert not sector.zeros().any()


@pytest.mark.parametrize("bits", ["110", "1100110011", "11001000", "1100110x"])
def test_a_determinant_of_another_sector_is_refused_with_an_example(bits):
    """The message shows a determinant that would be right."""
    with pytest.raises(InputError, match='like "11001100"'):
        Sector(4, (2, 2)).index(bits)


def test_more_electrons_than_orbitals_are_refused():
    """The message says how many orbitals would do."""
    with pytest.raises(InputError, match="Use norb >= 3"):
        Sector(2, (3, 1))
    with pytest.raises(InputError, match="smaller active space"):
        Sector(63, (1, 1))


def test_strings_cannot_be_changed_by_accident():
    """They are shared by every sector of the same size."""
    with pytest.raises(ValueError, match="read-only"):
        occupation_strings(3, 1)[0] = 7
    assert np.issubdtype(occupation_strings(3, 1).dtype, np.int64)
