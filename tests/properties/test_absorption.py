"""Lines of a spectrum: levels, labels, errors, strengths that add up, and broadened curves."""

from dataclasses import replace

import numpy as np
import pytest

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.properties import broadened

FROZEN = qm.ActiveSpace(freeze_core=True)
LIH = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.5949")


@pytest.fixture(scope="module")
def solution():
    return qm.solve(qm.molecular_hamiltonian(LIH, FROZEN), qm.Exact(), n_states=7)


@pytest.fixture(scope="module")
def spectrum(solution):
    return qm.absorption_spectrum(LIH, FROZEN, solution)


def test_degenerate_states_are_one_line_with_their_strengths_added(spectrum):
    """The Pi level of LiH: two states, each with half of the strength, across the axis."""
    line = spectrum.transitions[-1]
    assert line.states == (5, 6)
    parts = spectrum.properties.oscillator_strengths[0, [5, 6]]
    assert parts[0] == pytest.approx(parts[1])
    assert line.oscillator_strength == pytest.approx(parts.sum())
    x, y, z = line.dipole_strengths
    assert (x, z) == pytest.approx((y, 0), abs=1e-9)
    assert "Pi" in line.irrep


def test_spin_forbids_what_it_forbids(spectrum):
    """Triplets are in the list, with strength 0 and their name."""
    triplets = [line for line in spectrum.transitions if line.multiplicity == 3]
    assert len(triplets) == 2
    for line in triplets:
        assert line.spin_allowed is False
        assert line.oscillator_strength == pytest.approx(0, abs=1e-12)
        assert line.label.startswith("³")
    assert all(line.spin_allowed for line in spectrum.transitions if line.multiplicity == 1)


def test_energies_and_wavelengths_are_those_of_the_solution(spectrum, solution):
    line = spectrum.transitions[1]
    gap = (solution.energies[line.states[0]] - solution.energy) * 27.211386245981
    assert line.energy == pytest.approx(gap)
    assert line.wavelength == pytest.approx(1239.841984 / gap)
    assert spectrum.energies == pytest.approx([one.energy for one in spectrum.transitions])


def test_from_an_excited_state_light_is_emitted_downwards_and_absorbed_upwards(solution):
    """Detailed balance of the level's strengths: ``g_I f_IJ = -g_J f_JI``."""
    up = qm.absorption_spectrum(LIH, FROZEN, solution).transitions[-1]
    down = qm.absorption_spectrum(LIH, FROZEN, solution, initial=6)
    assert down.initial == (5, 6)
    first = down.transitions[0]
    assert first.energy == pytest.approx(-up.energy)
    assert 2 * first.oscillator_strength == pytest.approx(-up.oscillator_strength)


def test_what_a_solution_does_not_know_is_not_said(solution):
    """Without spins, irreps and exact levels there are words for it, and no zeros."""
    bare = replace(solution, spin_squares=None, irreps=None, reference_energies=None)
    line = qm.absorption_spectrum(LIH, FROZEN, bare).transitions[0]
    assert (line.multiplicity, line.spin_allowed, line.error) == (None, None, None)
    assert line.label == "mixed spin"
    named = replace(solution, irreps=None)
    labels = [one.label for one in qm.absorption_spectrum(LIH, FROZEN, named).transitions]
    assert labels == ["triplet", "singlet", "triplet", "singlet"]


def test_errors_of_lines_are_those_of_excitation_energies(solution):
    """The ground state's error counts: a shift of all energies is no error of a line."""
    shifted = replace(solution, reference_energies=solution.energies - 0.01)
    lines = qm.absorption_spectrum(LIH, FROZEN, shifted).transitions
    assert [line.error for line in lines] == pytest.approx([0] * 4, abs=1e-10)
    exact = solution.energies.copy()
    exact[2] -= 0.01
    exact[1] = np.nan
    lines = qm.absorption_spectrum(
        LIH, FROZEN, replace(solution, reference_energies=exact)
    ).transitions
    assert lines[0].error is None
    assert lines[1].error == pytest.approx(0.2721138624, abs=1e-9)


def test_a_level_that_may_be_cut_is_said(solution):
    """With exact levels beside them solve says it; without, the spectrum does."""
    cut = qm.solve(qm.molecular_hamiltonian(LIH, FROZEN), qm.Exact(), n_states=6)
    assert "cuts a degenerate level" in qm.absorption_spectrum(LIH, FROZEN, cut).notes[0]
    unknown = replace(cut, reference_energies=None, notes=())
    assert "may lack states" in qm.absorption_spectrum(LIH, FROZEN, unknown).notes[0]
    whole = replace(solution, reference_energies=None)
    assert qm.absorption_spectrum(LIH, FROZEN, whole).notes == ()


def test_a_spectrum_needs_two_states_and_an_initial_one(solution):
    ground = qm.solve(qm.molecular_hamiltonian(LIH, FROZEN), qm.Exact())
    with pytest.raises(InputError, match=r"Exact\(\), n_states=5"):
        qm.absorption_spectrum(LIH, FROZEN, ground)
    with pytest.raises(InputError, match="from 0 to 6"):
        qm.absorption_spectrum(LIH, FROZEN, solution, initial=7)


@pytest.mark.parametrize("shape", ["gaussian", "lorentzian"])
def test_a_broadened_line_has_its_width_and_its_area(shape):
    """Half as high at half the width; the area does not depend on the width."""
    energies = np.linspace(0.01, 400, 400_000)
    curve = broadened([200.0], [0.5], width=0.4, shape=shape, at=energies)
    area = np.trapezoid(curve.absorptivity, energies)
    # 4.319e-9 mol cm2 / L is the usual factor, per wavenumber; 8065.544 cm-1 are one eV
    assert area == pytest.approx(0.5 / 4.319e-9 / 8065.544, rel=2e-3)
    peak, half = broadened([200.0], [0.5], width=0.4, shape=shape, at=[200.0, 200.2]).absorptivity
    assert half / peak == pytest.approx(0.5)


def test_curves_of_several_lines_add_up(spectrum):
    curve = spectrum.broadened(width=0.2)
    alone = [
        broadened([line.energy], [line.oscillator_strength], width=0.2, at=curve.energies)
        for line in spectrum.transitions
    ]
    total = sum(one.absorptivity for one in alone)
    assert curve.absorptivity == pytest.approx(total, rel=1e-12)
    assert curve.wavelengths * curve.energies == pytest.approx(1239.841984)


@pytest.mark.parametrize(
    ("keywords", "answer"),
    [
        ({"width": 0}, "positive width"),
        ({"width": np.nan}, "positive width"),
        ({"shape": "box"}, 'Use "gaussian" or "lorentzian"'),
        ({"at": [2.0, 1.0]}, "ascending order"),
        ({"at": [-1.0, 1.0]}, "positive energies"),
    ],
)
def test_a_curve_that_cannot_be_is_refused(spectrum, keywords, answer):
    with pytest.raises(InputError, match=answer):
        spectrum.broadened(**keywords)


def test_lines_without_strengths_are_refused():
    with pytest.raises(InputError, match="one oscillator strength for each line"):
        broadened([1.0, 2.0], [0.1])
    with pytest.raises(InputError, match="at least one line"):
        broadened([], [])
