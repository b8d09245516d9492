"""Functions of distances."""

import numpy as np
import pytest
import torch
from descriptors import HYDRONIUM, cloud
from scipy.spatial.distance import pdist

from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import Distances, InverseDistances, MorseVariables
from qmlmat.units import BOHR_IN_ANGSTROM


@pytest.mark.parametrize(
    ("descriptor", "formula"),
    [
        (Distances(HYDRONIUM), lambda r: r),
        (InverseDistances(HYDRONIUM), lambda r: 1 / r),
        (MorseVariables(HYDRONIUM), lambda r: np.exp(-r / BOHR_IN_ANGSTROM / 2)),
        (MorseVariables(HYDRONIUM, length=1.3), lambda r: np.exp(-r / 1.3)),
    ],
)
def test_pair_functions_agree_with_scipy(descriptor, formula):
    """Pairs are in the order (0, 1), (0, 2), ..., (n-2, n-1), as in scipy's condensed form."""
    x = cloud(4)
    expected = np.array([formula(pdist(one)) for one in x.numpy()])
    np.testing.assert_allclose(descriptor(x).numpy(), expected, atol=1e-13)


def test_names_say_which_pair_and_which_function():
    assert Distances("ohh").names == ("r(O0-H1)", "r(O0-H2)", "r(H1-H2)")
    assert InverseDistances("HF").names == ("1/r(H0-F1)",)
    assert MorseVariables("HF").names == ("exp(-r(H0-F1)/1.058)",)


@pytest.mark.parametrize("length", [0.0, -1.0, float("nan"), float("inf")])
def test_lengths_that_are_none_are_refused(length):
    with pytest.raises(InputError, match="give a finite number above 0"):
        MorseVariables("HF", length=length)


def test_a_complete_set_is_complete_up_to_reflection():
    """Mirror images have the same distances."""
    x = cloud(4)
    mirror = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
    torch.testing.assert_close(Distances(HYDRONIUM)(x * mirror), Distances(HYDRONIUM)(x))
