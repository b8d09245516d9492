"""Vibrational levels: closed forms of Morse's and Hooke's curve, and invariance."""

from __future__ import annotations

import numpy as np
import pytest

from qmlmat.errors import InputError, QmlmatWarning
from qmlmat.properties import spectroscopic_constants, vibrational_levels
from qmlmat.units import (
    BOHR_IN_ANGSTROM,
    ELECTRON_MASS_IN_U,
    HARTREE_IN_EV,
    HARTREE_IN_WAVENUMBER,
)

LENGTHS = np.arange(0.3, 4.5, 0.05)
DEPTH, STIFFNESS, MINIMUM = 0.17, 1.9, 0.74  # hartree, 1/Å, Å: about H2
MASS = 1.007825


def morse(lengths):
    return DEPTH * (1 - np.exp(-STIFFNESS * (lengths - MINIMUM))) ** 2


def morse_levels(count, mass=MASS / 2):
    a, mu = STIFFNESS * BOHR_IN_ANGSTROM, mass / ELECTRON_MASS_IN_U
    omega, v = np.sqrt(2 * DEPTH * a**2 / mu), np.arange(count) + 0.5
    return (omega * v - (omega * v) ** 2 / (4 * DEPTH)) * HARTREE_IN_WAVENUMBER


@pytest.mark.parametrize(("step", "atol"), [(0.05, 1e-3), (0.1, 2e-3)])
def test_a_morse_curve_has_morses_levels(step, atol):
    """``omega (v + 1/2) - omega^2 (v + 1/2)^2 / 4 D``, from points 0.05 and 0.1 Å apart."""
    lengths = np.arange(0.3, 4.5, step)
    levels = vibrational_levels(lengths, morse(lengths), atoms=("H", "H"), n_levels=9)
    assert levels.energies == pytest.approx(morse_levels(9), abs=atol)  # cm-1
    assert levels.zero_point_energy == levels.energies[0]
    assert (levels.grid_change < 1e-3).all()
    assert (abs(levels.energies - morse_levels(9)) < levels.interpolation_change + 1e-3).all()


def test_a_harmonic_curve_has_evenly_spaced_levels():
    """``omega (v + 1/2)``: a parabola, which the spline only approximates."""
    lengths, force = np.arange(1.0, 3.01, 0.05), 1.5  # hartree/Å^2
    levels = vibrational_levels(
        lengths, force / 2 * (lengths - 2) ** 2, atoms=(12.0, 12.0), n_levels=10
    )
    omega = np.sqrt(force * BOHR_IN_ANGSTROM**2 * ELECTRON_MASS_IN_U / 6.0) * HARTREE_IN_WAVENUMBER
    assert levels.energies == pytest.approx(omega * (np.arange(10) + 0.5), abs=1e-3)


def test_the_number_of_bound_levels_is_finite():
    """A Morse curve of H2's size holds 18 levels, the last of them 5 cm-1 below the atoms."""
    lengths = np.arange(0.25, 12.0, 0.05)
    with pytest.warns(QmlmatWarning, match="reach beyond the curve"):
        levels = vibrational_levels(lengths, morse(lengths), atoms=("H", "H"))
    assert levels.n_bound == len(levels.energies) == 18
    assert levels.energies[:17] == pytest.approx(morse_levels(17), abs=0.01)


def test_a_level_beyond_the_curve_is_warned_of():
    """A scan that ends within the reach of a level says so, and how many levels it can give."""
    short = LENGTHS[LENGTHS < 1.6]
    with pytest.warns(QmlmatWarning, match="Extend the scan, or ask for n_levels=") as caught:
        levels = vibrational_levels(short, morse(short), atoms=("H", "H"))
    good = int(str(caught[0].message).rsplit("=", 1)[1].rstrip("."))
    assert levels.energies[:good] == pytest.approx(morse_levels(good), abs=0.1)


def test_levels_do_not_depend_on_the_zero_or_the_unit_of_energy():
    """They are counted from the minimum."""
    plain = vibrational_levels(LENGTHS, morse(LENGTHS), atoms=("H", "H"), n_levels=5)
    other = vibrational_levels(
        LENGTHS, (morse(LENGTHS) - 1.17) * HARTREE_IN_EV, atoms=("H", "H"), unit="eV", n_levels=5
    )
    assert other.energies == pytest.approx(plain.energies, abs=1e-6)


def test_the_atoms_may_be_exchanged_and_failed_points_left_out():
    energies = morse(LENGTHS)
    energies[[20, 50]] = np.nan
    kept = np.isfinite(energies)
    one = vibrational_levels(LENGTHS, energies, atoms=("H", 2.0141018), n_levels=4)
    two = vibrational_levels(LENGTHS[kept], energies[kept], atoms=(2.0141018, "H"), n_levels=4)
    assert (one.energies == two.energies).all()


def test_a_heavier_isotope_has_the_lower_zero_point_and_more_levels():
    """Same curve, larger mass."""
    light = vibrational_levels(LENGTHS, morse(LENGTHS), atoms=("H", "H"), n_levels=1)
    heavy = vibrational_levels(LENGTHS, morse(LENGTHS), atoms=(2.0141018,) * 2, n_levels=1)
    assert heavy.zero_point_energy < light.zero_point_energy
    assert heavy.n_bound > light.n_bound


def test_rotation_raises_the_levels_by_the_rotational_constant():
    """``E(J=1) - E(J=0) = 2 (B_e - alpha_e / 2)`` up to distortion, from the same points."""
    levels = [
        vibrational_levels(LENGTHS, morse(LENGTHS), atoms=("H", "H"), n_levels=1, rotation=j)
        for j in (0, 1)
    ]
    constants = spectroscopic_constants(LENGTHS, morse(LENGTHS), atoms=("H", "H"), asymptote=DEPTH)
    split = levels[1].energies[0] - levels[0].energies[0]
    assert split == pytest.approx(2 * (constants.B_e - constants.alpha_e / 2), rel=5e-3)
    assert constants.zero_point_energy == pytest.approx(levels[0].zero_point_energy, abs=0.05)


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"n_levels": 0}, "n_levels counts from 1"),
        ({"n_levels": 3, "rotation": -1}, "rotation from 0"),
        ({"n_levels": 40}, "17 levels lie below"),
        ({"atoms": ("H", 0.0)}, "masses are positive"),
    ],
)
def test_what_no_curve_has_is_refused(change, remedy):
    with pytest.raises(InputError, match=remedy):
        vibrational_levels(LENGTHS, morse(LENGTHS), **{"atoms": ("H", "H"), **change})


def test_a_curve_without_a_wall_is_refused():
    """A curve that falls towards short lengths lets the atoms pass through each other."""
    energies = morse(LENGTHS)
    energies[:4] = energies[4] * np.array([0.2, 0.5, 0.8, 1.1])
    with pytest.raises(InputError, match="before the wall to NaN"):
        vibrational_levels(LENGTHS, energies, atoms=("H", "H"))
