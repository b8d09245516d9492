"""Formulas as chemists write them."""

import pytest

from qmlmat.systems.formula import chemical_formula


@pytest.mark.parametrize(
    ("symbols", "formula"),
    [
        ("O H H", "H2O"),
        ("H H N H", "NH3"),
        ("H Li", "LiH"),
        ("H Be H", "BeH2"),
        ("F H", "HF"),
        ("Cl Na", "NaCl"),
        ("O N O", "NO2"),
        ("O C H H", "CH2O"),
        ("O H C C H H H H H", "C2H6O"),
        ("N N", "N2"),
    ],
)
def test_a_formula_does_not_depend_on_the_order_of_the_atoms(symbols, formula):
    """Hill's order with carbon, the less electronegative element first without."""
    atoms = symbols.split()
    assert chemical_formula(atoms) == chemical_formula(atoms[::-1]) == formula
