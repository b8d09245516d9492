"""Errors of properties beside infidelities: known rotations away from the exact states."""

from dataclasses import replace

import numpy as np
import pytest

import qmlmat as qm
from qmlmat.errors import InputError

FROZEN = qm.ActiveSpace(freeze_core=True)
LIH = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.5949")


@pytest.fixture(scope="module")
def exact():
    return qm.solve(qm.molecular_hamiltonian(LIH, FROZEN), qm.Exact(), n_states=7)


def test_exact_states_have_no_errors(exact):
    spectrum = qm.absorption_spectrum(LIH, FROZEN, exact)
    for row in qm.property_errors(spectrum, spectrum):
        assert row.states == row.exact_states
        found = (row.infidelity, row.dipole, row.energy, row.oscillator_strength)
        assert found == pytest.approx((0, 0, 0, 0), abs=1e-12)


def test_a_rotation_of_two_states_is_seen(exact):
    """By an angle t, infidelities are sin²t, of second order; the dipole's error is of first."""
    angle = 0.03
    ground, excited = exact.states[0], exact.states[2]
    states = list(exact.states)
    states[0] = np.cos(angle) * ground + np.sin(angle) * excited
    states[2] = np.cos(angle) * excited - np.sin(angle) * ground
    gap = exact.energies[2] - exact.energies[0]
    energies = exact.energies.copy()
    energies[0] += gap * np.sin(angle) ** 2
    energies[2] -= gap * np.sin(angle) ** 2
    turned = replace(exact, states=tuple(states), energies=energies)
    right = qm.absorption_spectrum(LIH, FROZEN, exact)
    rows = qm.property_errors(qm.absorption_spectrum(LIH, FROZEN, turned), right)
    assert rows[0].infidelity == pytest.approx(np.sin(angle) ** 2)
    assert rows[2].infidelity == pytest.approx(np.sin(angle) ** 2)
    assert rows[2].energy == pytest.approx(-2 * np.sin(angle) ** 2 * gap * 27.211386, rel=1e-5)
    moments = right.properties.transition_dipoles
    difference = moments[2, 2] - moments[0, 0]
    expected = np.sin(angle) ** 2 * difference + np.sin(2 * angle) * moments[0, 2]
    assert rows[0].dipole == pytest.approx(np.linalg.norm(expected), abs=1e-9)
    assert rows[0].dipole > 10 * rows[0].infidelity


def test_any_basis_of_a_degenerate_level_is_exact(exact):
    states = list(exact.states)
    states[5], states[6] = (
        np.cos(1) * states[5] + np.sin(1) * states[6],
        np.cos(1) * states[6] - np.sin(1) * states[5],
    )
    right = qm.absorption_spectrum(LIH, FROZEN, exact)
    turned = qm.absorption_spectrum(LIH, FROZEN, replace(exact, states=tuple(states)))
    row = qm.property_errors(turned, right)[-1]
    assert (row.infidelity, row.oscillator_strength) == pytest.approx((0, 0), abs=1e-12)


def test_spectra_in_other_orbitals_are_not_compared(exact):
    longer = LIH.with_positions(1.1 * LIH.positions)
    elsewhere = qm.solve(qm.molecular_hamiltonian(longer, FROZEN), qm.Exact(), n_states=2)
    with pytest.raises(InputError, match="different orbitals"):
        qm.property_errors(
            qm.absorption_spectrum(longer, FROZEN, elsewhere),
            qm.absorption_spectrum(LIH, FROZEN, exact),
        )
