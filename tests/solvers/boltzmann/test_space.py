"""What visible units stand for: bits and signs, the electrons of a mapping, states handed back."""

import itertools

import numpy as np
import pytest
from boltzmann import MAPPINGS, lithium_hydride, spins
from molecules import HYDROGEN, hamiltonian

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.operators.pauli import reversed_bits
from qmlmat.solvers.boltzmann.space import MAX_ENUMERATED, normalised, space_of


def space(h, mapping="jordan_wigner", *, reduced=False, tapered=False):
    return space_of(h, mapping=mapping, reduced=reduced, tapered=tapered)


def bits_of(mask, n_qubits):
    """Bits of a mask as characters, wire 0 on the left."""
    return "".join(str(int(mask) >> w & 1) for w in range(n_qubits))


@pytest.fixture(scope="module")
def lih():
    return lithium_hydride()


@pytest.fixture(scope="module")
def ising():
    words = qm.PauliSum.from_words({"ZZI": -1.0, "IXI": 0.5, "YIY": 0.2})
    return space(qm.QubitHamiltonian(terms=words))


def test_bit_0_is_spin_up_and_bit_w_is_wire_w(ising):
    """A mask of 1 is wire 0 turned down: unit 0 is -1, the others +1."""
    rows = ising.spins(np.array([0, 1, 4], dtype=np.uint64))
    assert rows.tolist() == [[1, 1, 1], [-1, 1, 1], [1, 1, -1]]
    order = reversed_bits(np.arange(8, dtype=np.uint64), 3)
    assert np.array_equal(ising.spins(order), spins(3))


@pytest.mark.parametrize(("mapping", "how"), MAPPINGS, ids=str)
def test_configurations_are_the_determinants_with_the_molecules_electrons(lih, mapping, how):
    """Every bit string decoded: those with one alpha and one beta electron, and no others."""
    one = space(lih, mapping, **how)
    chosen = lih.qubit_mapping(mapping, **how)
    expected = []
    for k in range(1 << one.n_qubits):
        occupied = chosen.decode(bits_of(k, one.n_qubits))
        if occupied[:3].count("1") == 1 and occupied[3:].count("1") == 1:
            expected.append(k)
    assert one.masks.tolist() == expected
    everything = np.arange(1 << one.n_qubits, dtype=np.uint64)
    assert np.flatnonzero(one.is_allowed(everything)).tolist() == expected
    assert len(one.masks) <= one.size


def test_lithium_hydride_has_four_qubits_and_hydrogen_one_after_tapering(lih):
    """The sizes of the literature: LiH in three sigma orbitals, H2 in two; H2O (4e, 4o) as LiH."""
    h2 = hamiltonian(HYDROGEN)
    assert space(lih).n_qubits == 6
    assert space(lih, tapered=True).n_qubits == 4
    assert space(h2, tapered=True).n_qubits == 1
    assert space(h2, "parity", reduced=True).n_qubits == 2
    assert len(space(h2, tapered=True).masks) == 2


@pytest.mark.parametrize(("mapping", "how"), MAPPINGS, ids=str)
def test_a_configuration_is_handed_back_as_its_determinant(lih, mapping, how):
    """One amplitude of 1: the state is at the alpha and beta strings that the qubits decode to."""
    one = space(lih, mapping, **how)
    chosen = lih.qubit_mapping(mapping, **how)
    for k, mask in enumerate(one.masks):
        state = one.state(one.masks, np.eye(len(one.masks))[k])
        occupied = chosen.decode(bits_of(mask, one.n_qubits))
        strings = [occupied[:3].index("1"), occupied[3:].index("1")]
        assert state.shape == lih.shape
        assert np.argwhere(state).tolist() == [strings]
        assert state[tuple(strings)] == 1.0


def test_chains_begin_at_hartree_fock(lih):
    """Both electrons in the lowest orbital, whatever the mapping."""
    rng = np.random.default_rng(1)
    for mapping, how in MAPPINGS:
        one = space(lih, mapping, **how)
        starts = one.starts(3, rng)
        lowest = one.state(starts[:1], np.ones(1))
        assert (starts == starts[0]).all()
        assert np.argwhere(lowest).tolist() == [[0, 0]]


def test_chains_of_a_model_begin_anywhere(ising):
    """By the seed; no configuration is left out."""
    starts = ising.starts(200, np.random.default_rng(1))
    assert set(starts.tolist()) == set(range(8))
    assert np.array_equal(starts, ising.starts(200, np.random.default_rng(1)))
    assert ising.is_allowed(starts).all()


def test_wire_0_is_the_highest_bit_of_a_models_state(ising):
    """A configuration with wire 0 down is entry 4 of 8."""
    state = ising.state(np.array([1], dtype=np.uint64), np.ones(1))
    assert np.flatnonzero(state).tolist() == [4]


def test_what_stands_on_padding_is_cut_off():
    """Three levels on two qubits: the rest has norm 1 again."""
    one = space(qm.MatrixHamiltonian(matrix=np.diag([0.0, 1.0, 2.0])))
    state = one.state(one.masks, np.full(4, 0.5))
    assert state.shape == (3,)
    assert np.allclose(state, 3**-0.5, atol=1e-14)


def test_states_are_real_where_they_are_so_up_to_a_phase():
    """The largest entry is positive; what is left of an imaginary part by a search is dropped."""
    vector = np.exp(0.7j) * np.array([0.2, -3.0, 1.0])
    found = normalised(vector)
    assert found.dtype == np.float64
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-15)
    assert found[1] > 0
    assert np.allclose(found, np.array([-0.2, 3.0, -1.0]) / np.sqrt(10.04), atol=1e-15)
    nearly = normalised(vector * (1 + 1e-8j * np.arange(3)))
    assert nearly.dtype == np.float64
    assert np.linalg.norm(nearly) == pytest.approx(1.0, abs=1e-15)
    assert np.iscomplexobj(normalised(np.array([1.0, 1j])))


def test_too_many_configurations_are_refused_with_the_sampler_that_takes_them():
    """17 qubits; the configurations themselves are not made for that."""
    wires = itertools.pairwise(range(17))
    words = {"".join("Z" if w in pair else "I" for w in range(17)): -1.0 for pair in wires}
    one = space(qm.QubitHamiltonian(terms=qm.PauliSum.from_words(words)))
    assert one.size == 2 * MAX_ENUMERATED
    with pytest.raises(InputError, match=r"sampler=Metropolis\(\)"):
        one.check_enumerable()
    assert "masks" not in vars(one)
