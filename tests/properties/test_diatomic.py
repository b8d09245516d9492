"""Constants of a diatomic: known in closed form for Morse's curve, by differences for CASCI's."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import qcelemental
from hypothesis import given
from hypothesis import strategies as st
from pyscf import gto, mcscf, scf

from qmlmat.errors import GeometryError, InputError
from qmlmat.properties import spectroscopic_constants
from qmlmat.systems.elements import SYMBOLS, isotope_mass
from qmlmat.units import (
    BOHR_IN_ANGSTROM,
    ELECTRON_MASS_IN_U,
    HARTREE_IN_EV,
    HARTREE_IN_WAVENUMBER,
)

LENGTHS = np.arange(0.42, 4.0, 0.05)
DEPTH, STIFFNESS, MINIMUM = 0.17, 1.9, 0.74  # hartree, 1/Å, Å: about H2


def morse(lengths, depth=DEPTH, stiffness=STIFFNESS, minimum=MINIMUM):
    return depth * (1 - np.exp(-stiffness * (np.asarray(lengths) - minimum))) ** 2 - depth


def morse_constants(mass, depth=DEPTH, stiffness=STIFFNESS, minimum=MINIMUM):
    """``omega_e, omega_e x_e, B_e, alpha_e`` (cm-1) in closed form; alpha_e is Pekeris's."""
    mu, a = mass / ELECTRON_MASS_IN_U, stiffness * BOHR_IN_ANGSTROM
    omega = np.sqrt(2 * depth * a**2 / mu)
    anharmonic = omega**2 / (4 * depth)
    rotation = 1 / (2 * mu * (minimum / BOHR_IN_ANGSTROM) ** 2)
    alpha = 6 * np.sqrt(anharmonic * rotation**3) / omega - 6 * rotation**2 / omega
    return np.array([omega, anharmonic, rotation, alpha]) * HARTREE_IN_WAVENUMBER


@cache
def casci(symbols, length, n_electrons, norb):
    """Energy of PySCF (hartree), converged to rounding."""
    atoms = [(symbols[0], (0, 0, 0)), (symbols[1], (0, 0, length))]
    mean_field = scf.RHF(gto.M(atom=atoms, basis="cc-pvdz", verbose=0))
    mean_field.conv_tol = 1e-12
    mean_field.kernel()
    return mcscf.CASCI(mean_field, norb, n_electrons).kernel()[0]


def by_differences(energy, start, step=0.02):
    """``r_e`` (Å), energy and second derivative (hartree/Å^2) from seven points, sixth order."""
    first = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60
    second = np.array([2, -27, 270, -490, 270, -27, 2]) / 180
    r = start
    for _ in range(3):
        e = np.array([energy(round(r + k * step, 10)) for k in range(-3, 4)])
        slope, curvature = first @ e / step, second @ e / step**2
        r -= slope / curvature
    return r, e[3] - slope**2 / (2 * curvature), curvature


CASES = {
    "H2 (2e,2o)": (("H", "H"), (2, 2), 0.758, 2.0),
    "LiH (2e,5o)": (("Li", "H"), (2, 5), 1.625, 2.8),
}


@pytest.mark.parametrize("grid", [(0.05, 0.0), (0.1, 0.0), (0.1, 0.037)], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_a_scans_constants_are_those_of_the_curve_it_samples(name, grid):
    """Minimum, curvature and depth agree with central differences of PySCF's own energies."""
    symbols, space, guess, end = CASES[name]
    (step, offset), start = grid, 0.4 if symbols[0] == "H" else 1.0

    def energy(length):
        return casci(symbols, length, *space)

    exact_r, exact_energy, curvature = by_differences(energy, guess)
    lengths = np.round(np.arange(start + offset, end, step), 10)
    atoms = energy(6.0 if symbols[0] == "H" else 9.0)
    found = spectroscopic_constants(
        lengths, [energy(r) for r in lengths.tolist()], atoms=symbols, asymptote=atoms
    )
    mass = np.prod([isotope_mass(s) for s in symbols]) / sum(isotope_mass(s) for s in symbols)
    mu = mass / ELECTRON_MASS_IN_U
    omega = np.sqrt(curvature * BOHR_IN_ANGSTROM**2 / mu) * HARTREE_IN_WAVENUMBER
    rotation = HARTREE_IN_WAVENUMBER / (2 * mu * (exact_r / BOHR_IN_ANGSTROM) ** 2)
    assert found.r_e == pytest.approx(exact_r, abs=1e-4)
    assert found.energy_min == pytest.approx(exact_energy, abs=1e-6)
    assert found.D_e == pytest.approx(atoms - exact_energy, abs=1e-6)
    assert found.omega_e == pytest.approx(omega, abs=1)
    assert found.B_e == pytest.approx(rotation, abs=0.01)
    # What is claimed of the error is the error, within a few standard deviations.
    assert abs(found.r_e - exact_r) < 4 * found.r_e_uncertainty
    assert abs(found.omega_e - omega) < 4 * found.omega_e_uncertainty
    assert found.r_e_uncertainty < 1e-4
    assert found.omega_e_uncertainty < 1


@pytest.mark.parametrize("step", [0.05, 0.1])
def test_a_morse_curve_has_its_own_constants(step):
    """All that is known in closed form: also the anharmonicity and Pekeris's alpha_e."""
    lengths = np.arange(0.42, 8.0, step)
    found = spectroscopic_constants(lengths, morse(lengths), atoms=("H", "H"))
    values = [found.omega_e, found.omega_e_x_e, found.B_e, found.alpha_e]
    expected = morse_constants(isotope_mass("H") / 2)
    assert found.r_e == pytest.approx(MINIMUM, abs=1e-5)
    assert found.energy_min == pytest.approx(-DEPTH, abs=1e-7)
    assert found.D_e == pytest.approx(DEPTH, abs=2e-6)  # the curve at 8 Å
    assert values == pytest.approx(expected, rel=2e-3)
    assert found.omega_e == pytest.approx(expected[0], abs=0.2)
    zero_point = expected[0] / 2 - expected[1] / 4
    assert found.zero_point_energy == pytest.approx(zero_point, abs=0.1)
    assert pytest.approx(found.D_e - zero_point / HARTREE_IN_WAVENUMBER, abs=1e-6) == found.D_0


def test_a_heavier_isotope_vibrates_and_rotates_more_slowly():
    """omega_e goes as mass^-1/2, B_e as mass^-1, alpha_e as mass^-3/2; the curve stays."""
    light = spectroscopic_constants(LENGTHS, morse(LENGTHS), atoms=(1.0, 1.0))
    heavy = spectroscopic_constants(LENGTHS, morse(LENGTHS), atoms=(4.0, 4.0))
    assert (heavy.r_e, heavy.D_e) == (light.r_e, light.D_e)
    assert heavy.omega_e == pytest.approx(light.omega_e / 2, rel=1e-12)
    assert heavy.omega_e_x_e == pytest.approx(light.omega_e_x_e / 4, rel=1e-12)
    assert heavy.B_e == pytest.approx(light.B_e / 4, rel=1e-12)
    assert heavy.alpha_e == pytest.approx(light.alpha_e / 8, rel=1e-12)


@given(st.floats(-200, 200))
def test_the_zero_of_energy_does_not_matter(shift):
    """Adding a constant to every energy moves the minimum's energy alone."""
    plain = spectroscopic_constants(LENGTHS, morse(LENGTHS), atoms=("H", "H"))
    moved = spectroscopic_constants(LENGTHS, morse(LENGTHS) + shift, atoms=("H", "H"))
    assert moved.r_e == pytest.approx(plain.r_e, abs=1e-7)
    assert moved.omega_e == pytest.approx(plain.omega_e, abs=0.01)
    assert moved.energy_min == pytest.approx(plain.energy_min + shift, abs=1e-9)


def test_electronvolts_give_the_same_molecule():
    """The unit is one of the door: what comes out is in hartree."""
    plain = spectroscopic_constants(LENGTHS, morse(LENGTHS), atoms=("H", "H"), asymptote=0.0)
    volts = spectroscopic_constants(
        LENGTHS, morse(LENGTHS) * HARTREE_IN_EV, atoms=("H", "H"), unit="eV", asymptote=0.0
    )
    assert volts.D_e == pytest.approx(plain.D_e, abs=1e-10)
    assert volts.omega_e == pytest.approx(plain.omega_e, abs=1e-3)


def test_failed_points_are_left_out():
    """A NaN has the effect of not having computed that point."""
    energies = morse(LENGTHS)
    energies[[3, 9, 40]] = np.nan
    kept = np.isfinite(energies)
    found = spectroscopic_constants(LENGTHS, energies, atoms=("H", "H"))
    assert found == spectroscopic_constants(LENGTHS[kept], energies[kept], atoms=("H", "H"))


@pytest.mark.parametrize("noise", [1e-7, 1e-5])
def test_most_errors_lie_within_the_uncertainty(noise):
    """Like a standard deviation: two thirds of the errors below one, most below three."""
    rng = np.random.default_rng(1)
    exact = morse_constants(isotope_mass("H") / 2)[0]
    ratios = []
    for _ in range(60):
        energies = morse(LENGTHS) + noise * rng.standard_normal(len(LENGTHS))
        found = spectroscopic_constants(LENGTHS, energies, atoms=("H", "H"))
        ratios.append(
            [
                abs(found.r_e - MINIMUM) / found.r_e_uncertainty,
                abs(found.omega_e - exact) / found.omega_e_uncertainty,
            ]
        )
    ratios = np.array(ratios)
    assert ((ratios < 1).mean(axis=0) > 0.6).all()
    assert ((ratios < 3).mean(axis=0) > 0.9).all()


def test_noise_makes_the_fit_less_certain():
    """The uncertainty follows the scatter of the points."""
    scatter = np.random.default_rng(0).standard_normal(len(LENGTHS))
    found = [
        spectroscopic_constants(LENGTHS, morse(LENGTHS) + s * scatter, atoms=("H", "H"))
        for s in (0, 1e-6, 1e-4)
    ]
    errors = [f.omega_e_uncertainty for f in found]
    assert errors[0] < 0.1 * errors[1] < 0.01 * errors[2] * 2


def test_a_curve_that_still_rises_has_no_depth_but_a_reason():
    """D_e needs an asymptote: a flat end, or the energy of the atoms."""
    short = np.arange(0.42, 1.6, 0.05)
    found = spectroscopic_constants(short, morse(short), atoms=("H", "H"))
    assert (found.D_e, found.D_e_uncertainty, found.D_0) == (None, None, None)
    assert "give asymptote=" in found.notes[0]
    given = spectroscopic_constants(short, morse(short), atoms=("H", "H"), asymptote=0.0)
    assert given.D_e == pytest.approx(DEPTH, abs=1e-6)
    assert given.notes == ()


def test_a_flat_end_says_how_flat():
    """The uncertainty of D_e covers what the end of the curve lacks."""
    long = np.arange(0.42, 5.5, 0.05)
    found = spectroscopic_constants(long, morse(long), atoms=("H", "H"))
    assert "D_e from the end of the curve" in found.notes[0]
    assert 0 < DEPTH - found.D_e < found.D_e_uncertainty


def test_six_points_are_enough_and_say_that_they_are_few():
    """A quartic through six points: an answer, with an uncertainty that shows its quality."""
    lengths = np.array([0.6, 0.65, 0.7, 0.75, 0.8, 0.85])
    found = spectroscopic_constants(lengths, morse(lengths), atoms=("H", "H"), asymptote=0.0)
    assert (found.degree, found.n_points) == (4, 6)
    assert abs(found.r_e - MINIMUM) < 3 * found.r_e_uncertainty < 0.01


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"lengths": LENGTHS[:-1]}, "same shape"),
        ({"lengths": LENGTHS[::-1]}, "Sort the points"),
        ({"lengths": np.round(LENGTHS, 1)}, "drop the duplicates"),
        ({"lengths": LENGTHS - 1}, "positive"),
        ({"lengths": np.where(LENGTHS > 1, np.nan, LENGTHS)}, "positive"),
        ({"energies": np.where(LENGTHS > 0.6, np.nan, 0.0)}, "Compute more points"),
        ({"energies": LENGTHS}, "Extend the scan"),
        ({"energies": -LENGTHS}, "Extend the scan"),
        ({"atoms": ("H", -1.0)}, "masses are positive"),
        ({"atoms": ("H", np.nan)}, "masses are positive"),
        ({"atoms": ("H",)}, "has two atoms"),
        ({"atoms": "HH"}, "has two atoms"),
        ({"unit": "kcal"}, '"hartree" and "eV"'),
        ({"asymptote": -0.2}, "Give the energy of both atoms"),
        ({"asymptote": np.nan}, "Give the energy of both atoms"),
    ],
)
def test_an_unusable_curve_is_refused_with_a_remedy(change, remedy):
    given = {"lengths": LENGTHS, "energies": morse(LENGTHS), "atoms": ("H", "H"), **change}
    with pytest.raises(InputError, match=remedy):
        spectroscopic_constants(given.pop("lengths"), given.pop("energies"), **given)


def test_an_unknown_element_is_refused():
    with pytest.raises(GeometryError, match="is no element"):
        spectroscopic_constants(LENGTHS, morse(LENGTHS), atoms=("H", "Hh"))


def test_scattered_points_are_refused():
    """Points without a curve through them have a lowest one, but no minimum."""
    energies = np.random.default_rng(5).standard_normal(len(LENGTHS))
    with pytest.raises(InputError, match="set those that did not converge to NaN"):
        spectroscopic_constants(LENGTHS, energies, atoms=("H", "H"))


@pytest.mark.parametrize("symbol", SYMBOLS[:94])
def test_masses_are_those_of_isotopes(symbol):
    """Not the average weights of the elements: QCElemental's masses, to a millionth."""
    assert (
        isotope_mass(symbol)
        == pytest.approx(qcelemental.periodictable.to_mass(symbol), rel=1e-6, abs=2e-5)
        or symbol == "Tc"
    )  # no stable isotope: 97 and 98 live about as long
