"""The unit conversions agree with an independent table and are their own inverses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from qmlmat import units

# CODATA releases differ from each other in the tenth digit.
CODATA_RTOL = 1e-9


def test_hartree_agrees_with_scipys_codata_table():
    expected = constants.value("Hartree energy in eV")
    stated = units.HARTREE_IN_EV
    assert stated == pytest.approx(expected, rel=CODATA_RTOL)


def test_bohr_agrees_with_scipys_codata_table():
    expected = constants.value("Bohr radius") / constants.angstrom
    stated = units.BOHR_IN_ANGSTROM
    assert stated == pytest.approx(expected, rel=CODATA_RTOL)


def test_wavenumbers_and_masses_agree_with_scipys_codata_table():
    per_metre = constants.value("hartree-inverse meter relationship")
    assert pytest.approx(per_metre / 100, rel=CODATA_RTOL) == units.HARTREE_IN_WAVENUMBER
    electron = constants.value("electron mass in u")
    assert pytest.approx(electron, rel=CODATA_RTOL) == units.ELECTRON_MASS_IN_U


def test_chemical_accuracy_is_one_kilocalorie_per_mole():
    joules = constants.calorie * 1e3 / constants.Avogadro
    expected = joules / constants.value("Hartree energy")
    stated = units.CHEMICAL_ACCURACY
    assert stated == pytest.approx(expected, rel=CODATA_RTOL)


def test_millihartree_is_a_thousandth():
    assert units.HARTREE_IN_MILLIHARTREE == 1000


@given(st.floats(-1e6, 1e6))
def test_there_and_back_is_where_we_started(energy):
    back = units.ev_to_hartree(units.hartree_to_ev(energy))
    assert back == pytest.approx(energy, rel=1e-14, abs=1e-300)
