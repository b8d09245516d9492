"""OpenFermion's text: written, read, refused."""

import pytest
from hypothesis import given
from pauli_sums import pauli_sums

from qmlmat.errors import InputError
from qmlmat.operators.openfermion_text import from_openfermion_text, to_openfermion_text
from qmlmat.operators.pauli import PauliSum


@given(pauli_sums(5, real=False))
def test_text_keeps_every_digit(pauli_sum):
    """Written and read again, the sum is the same."""
    found = from_openfermion_text(to_openfermion_text(pauli_sum), pauli_sum.n_qubits)
    assert dict(found.words()) == dict(pauli_sum.words())
    assert found.n_qubits == pauli_sum.n_qubits


def test_the_text_is_that_of_a_qubit_operator():
    """As OpenFermion prints one: wires by number, terms joined by plus signs."""
    text = "(-0.5+0j) [X0 Y1 Z3] +\n0.25 [] +\n-1e-3j [Z2]"
    found = from_openfermion_text(text)
    assert dict(found.words()) == {"XYIZ": -0.5, "IIII": 0.25, "IIZI": -1e-3j}
    written = to_openfermion_text(PauliSum.from_words({"XYIZ": -0.5}))
    assert written == "(-0.5+0j) [X0 Y1 Z3]"


def test_nothing_is_written_as_zero():
    """The empty sum, both ways."""
    assert to_openfermion_text(PauliSum(3, [], [], [])) == "0"
    assert from_openfermion_text("0", 3).n_terms == 0
    assert from_openfermion_text("", 3).n_qubits == 3


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("0.5 X0", "joined by"),
        ("half [X0]", "joined by"),
        ("0.5 [A0]", "Give terms like"),
        ("0.5 [X64]", "from 0 to 63"),
        ("0.5 [X0 Z0]", "Multiply its letters first"),
        ("0.5 [X0] 0.5 [X1]", "joined by"),
    ],
)
def test_other_texts_are_refused(text, remedy):
    """What is wrong is quoted."""
    with pytest.raises(InputError, match=remedy):
        from_openfermion_text(text)


def test_qubits_beyond_the_number_given_are_refused():
    """The number needed is named."""
    with pytest.raises(InputError, match="Use n_qubits=4"):
        from_openfermion_text("0.5 [X3]", 2)
