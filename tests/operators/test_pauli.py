"""Pauli sums: numbers that are none, masks beyond the qubits, and numbers of rounding size."""

import numpy as np
import pytest

from qmlmat.errors import InputError
from qmlmat.operators.pauli import PauliSum


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), complex(0, float("nan"))])
def test_a_coefficient_that_is_no_number_is_refused(bad):
    """It is never dropped as if it were zero, and never hides the finite ones."""
    with pytest.raises(InputError, match="NaN or infinite"):
        PauliSum.from_words({"X": bad, "Z": 1.0})
    with pytest.raises(InputError, match="NaN or infinite"):
        PauliSum(1, [1], [0], [bad])


def test_a_sum_times_nan_is_refused():
    """The product has no number as a coefficient."""
    with pytest.raises(InputError, match="NaN or infinite"):
        float("nan") * PauliSum.identity(1)


@pytest.mark.parametrize("n_qubits", [0, 2, 63])
def test_masks_stay_on_the_qubits(n_qubits):
    """A bit beyond them is refused, not read as an identity."""
    for x, z in ((1 << n_qubits, 0), (0, 1 << n_qubits)):
        with pytest.raises(InputError, match="beyond the qubits"):
            PauliSum.collected(n_qubits, [x], [z], [1.0])
    assert PauliSum.collected(64, [1 << 63], [0], [1.0]).n_terms == 1


@pytest.mark.parametrize("n_qubits", [-1, 65, 2.0, "2"])
def test_the_number_of_qubits_is_a_whole_number_up_to_64(n_qubits):
    """And words are counted before masks are made."""
    with pytest.raises(InputError, match="from 0 to 64"):
        PauliSum(n_qubits, [], [], [])


def test_other_unusable_sums_are_refused():
    """Words that are too long, lengths that differ, numbers added."""
    with pytest.raises(InputError, match="from 0 to 64"):
        PauliSum.from_words({"X" * 65: 1.0})
    with pytest.raises(InputError, match="one of each"):
        PauliSum.collected(2, [1, 2], [0], [1.0])
    with pytest.raises(InputError, match=r"PauliSum.identity\(n_qubits, c\)"):
        PauliSum.identity(2) + 1.0


def test_numbers_of_numpy_multiply_sums():
    """From the left, as numbers of Python do."""
    doubled = np.float64(2.0) * PauliSum.from_words({"XY": 0.5})
    assert dict(doubled.words()) == {"XY": 1.0}


def test_small_imaginary_parts_are_rounding_only_to_twelve_digits():
    """An imaginary part of a millionth is no rounding: the sum is no observable."""
    assert PauliSum.from_words({"X": 1.0 + 1e-14j}).is_hermitian
    assert not PauliSum.from_words({"X": 1.0 + 1e-6j}).is_hermitian
