"""References as circuits: determinants and short sums of them, on every mapping."""

import numpy as np
import pytest
from dense_qubits import dense_state
from hypothesis import given, settings
from hypothesis import strategies as st

from qmlmat.ansatz.references import prepare_terms
from qmlmat.backends import Reference
from qmlmat.errors import InputError
from qmlmat.operators.mappings import qubit_mapping
from qmlmat.operators.sector import Sector


def two_qubit_gates(circuit):
    return sum(len(gate.wires) == 2 for gate in circuit.gates)


def mappings(norb, nelec):
    """Every mapping of a sector."""
    names = ("jordan_wigner", "parity", "bravyi_kitaev")
    return [qubit_mapping(n, norb, reduced_for=r) for n in names for r in (None, nelec)]


def distance(terms, mapping):
    """Largest error of the prepared state."""
    expected = np.zeros(1 << mapping.n_qubits, dtype=complex)
    for bits, amplitude in terms:
        expected[int(mapping.encode(bits) or "0", 2)] = amplitude
    return np.abs(dense_state(prepare_terms(terms, mapping)) - expected).max()


@st.composite
def sums(draw):
    """Short sums of determinants of one sector."""
    norb = draw(st.integers(2, 4))
    nelec = tuple(draw(st.integers(0 if norb > 2 else 1, norb - 1)) for _ in range(2))
    sector = Sector(norb, nelec)
    size = sector.shape[0] * sector.shape[1]
    places = draw(
        st.lists(st.integers(0, size - 1), min_size=1, max_size=min(8, size), unique=True)
    )
    amplitudes = np.array(
        draw(
            st.lists(
                st.sampled_from([1, -1, 1j, 0.3 - 0.4j, 0.01, -2.5]),
                min_size=len(places),
                max_size=len(places),
            )
        ),
        dtype=complex,
    )
    amplitudes /= np.linalg.norm(amplitudes)
    strings = [
        format(int(a), f"0{norb}b")[::-1] + format(int(b), f"0{norb}b")[::-1]
        for a in sector.alpha_strings
        for b in sector.beta_strings
    ]
    return norb, nelec, [(strings[k], a) for k, a in zip(places, amplitudes, strict=True)]


@settings(max_examples=60, deadline=None)
@given(sums())
def test_every_short_sum_is_prepared_exactly_on_every_mapping(case):
    """The dense twin finds the amplitudes as given, phase included, reduced mappings too."""
    norb, nelec, terms = case
    for mapping in mappings(norb, nelec):
        assert distance(terms, mapping) < 1e-12


def test_a_determinant_takes_x_gates_only():
    """One for each qubit that is 1."""
    mapping = qubit_mapping("jordan_wigner", 3)
    terms = Reference.hartree_fock(3, (2, 1)).terms
    assert [(g.name, g.wires) for g in prepare_terms(terms, mapping).gates] == [
        ("x", (0,)),
        ("x", (1,)),
        ("x", (3,)),
    ]


@pytest.mark.parametrize("amplitude", [1, -1, 1j, -1j])
def test_two_determinants_take_one_rotation_and_a_cx_for_each_other_qubit(amplitude):
    """A superposition of a double excitation: three CXs in Jordan-Wigner, none when reduced."""
    terms = (("1010", 0.5**0.5), ("0101", amplitude * 0.5**0.5))
    circuit = prepare_terms(terms, qubit_mapping("jordan_wigner", 2))
    assert two_qubit_gates(circuit) == 3
    assert sum(gate.name == "ry" for gate in circuit.gates) == 1
    reduced = qubit_mapping("parity", 2, reduced_for=(1, 1))
    assert two_qubit_gates(prepare_terms(terms, reduced)) == 1
    assert distance(terms, reduced) < 1e-14


@pytest.mark.parametrize("steps", ["2ud0", "uudd", "udud", "u2ud0d"])
def test_spin_eigenfunctions_are_prepared(steps):
    """Configuration state functions, with two and four singly occupied orbitals."""
    electrons = sum({"2": 2, "0": 0}.get(step, 1) for step in steps)
    nelec = (electrons // 2, electrons // 2)
    terms = Reference.csf(steps, nelec).terms
    for mapping in mappings(len(steps), nelec)[:2]:
        assert distance(terms, mapping) < 1e-12


@pytest.mark.parametrize(
    ("terms", "remedy"),
    [
        ((("10", 1.0), ("01", 1.0)), "add up to 1"),
        ((("10", 0.6), ("10", 0.8)), "different determinants"),
        ((), "add up to 1"),
        ((("100", 1.0),), "2 characters"),
    ],
)
def test_what_is_no_state_is_refused(terms, remedy):
    """Sums that are not normalised, repeat a determinant, or are of another size."""
    with pytest.raises(InputError, match=remedy):
        prepare_terms(terms, qubit_mapping("jordan_wigner", 1))
