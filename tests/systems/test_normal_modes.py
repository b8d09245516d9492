"""Normal modes: against PySCF run directly, and what vibrations must obey."""

import warnings

import numpy as np
import pytest
from pyscf import scf
from pyscf.hessian import thermo
from scipy.spatial.transform import Rotation

from qmlmat.errors import InputError, QmlmatWarning
from qmlmat.systems import Molecule, normal_modes

# near the minimum of Hartree-Fock/STO-3G, so that nothing is said of the gradient
WATER = Molecule.from_xyz("O 0 0 0; H 0 0.7581 0.6357; H 0 -0.7581 0.6357")
WATER_FREQUENCIES = pytest.approx([2170, 4140, 4391], abs=15)  # HF/STO-3G, NIST CCCBDB
HYDROXYL = Molecule.from_xyz("O 0 0 0; H 0 0 1.0139", spin=1)


def test_water_vibrates_as_pyscf_says():
    """Frequencies, reduced masses and directions are those of PySCF's own harmonic analysis."""
    found = normal_modes(WATER)
    mole = WATER.to_pyscf()
    field = scf.RHF(mole).run(conv_tol=1e-12)
    expected = thermo.harmonic_analysis(mole, field.Hessian().kernel())
    assert found.frequencies == pytest.approx(expected["freq_wavenumber"], abs=0.01)
    assert found.frequencies == WATER_FREQUENCIES
    assert found.reduced_masses == pytest.approx(expected["reduced_mass"], rel=1e-5)
    for mode, other in zip(found.modes, expected["norm_mode"], strict=True):
        overlap = (mode * other).sum() / np.linalg.norm(other)
        assert abs(overlap) == pytest.approx(1.0, abs=1e-6)
    assert found.notes == ()


def test_modes_move_no_mass_and_turn_nothing():
    """Neither the centre of mass nor the angular momentum changes; each has unit length."""
    masses = WATER.to_pyscf().atom_mass_list(isotope_avg=True)
    for mode in normal_modes(WATER).modes:
        assert np.linalg.norm(mode) == pytest.approx(1.0)
        assert masses @ mode == pytest.approx(np.zeros(3), abs=1e-6)
        turn = (masses[:, None] * np.cross(WATER.positions, mode)).sum(axis=0)
        assert turn == pytest.approx(np.zeros(3), abs=1e-6)
        assert mode.flat[np.abs(mode).round(6).argmax()] > 0


def test_frequencies_do_not_depend_on_the_axes():
    """A molecule that lies otherwise in space vibrates as fast."""
    turned = Rotation.random(random_state=1).apply(WATER.positions.copy()) + 1.0
    again = normal_modes(WATER.with_positions(turned))
    assert again.frequencies == pytest.approx(normal_modes(WATER).frequencies, abs=0.05)


def test_an_open_shells_numerical_hessian_agrees_with_the_curvature_of_its_energy():
    """OH: k from the second difference of ROHF energies gives the same frequency and mass."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QmlmatWarning)
        found = normal_modes(HYDROXYL)
    step = 0.005  # bohr

    def energy(shift: float) -> float:
        mole = HYDROXYL.to_pyscf()
        stretched = mole.atom_coords() + np.array([[0, 0, 0], [0, 0, shift]])
        field = scf.ROHF(mole.set_geom_(stretched, unit="Bohr", inplace=False))
        field.verbose = 0
        return field.run(conv_tol=1e-13).e_tot

    curvature = (energy(step) - 2 * energy(0.0) + energy(-step)) / step**2
    oxygen, hydrogen = HYDROXYL.to_pyscf().atom_mass_list(isotope_avg=True)
    reduced = oxygen * hydrogen / (oxygen + hydrogen) * 1822.888486  # electron masses, CODATA 2018
    wavenumber = np.sqrt(curvature / reduced) * 219474.6313632  # 1/cm, CODATA 2018
    assert found.frequencies == pytest.approx([wavenumber], abs=1.0)


def test_a_linear_molecule_has_one_vibration_more_and_bends_both_ways():
    """3N - 5 modes; the two bends of carbon dioxide have one frequency."""
    with pytest.warns(QmlmatWarning, match="no minimum of Hartree-Fock"):
        found = normal_modes(Molecule.from_xyz("C 0 0 0; O 0 0 1.16; O 0 0 -1.16"))
    assert found.frequencies.shape == (4,)
    assert found.frequencies[0] == pytest.approx(found.frequencies[1], abs=0.1)
    assert found.gradient_norm > 0.01
    assert "gradient" in found.notes[-1]


def test_an_imaginary_frequency_is_negative_and_first():
    """Planar ammonia is a saddle point: one mode, the umbrella, leads down."""
    planar = Molecule.from_xyz("N 0 0 0; H 1.006 0 0; H -0.503 0.8712 0; H -0.503 -0.8712 0")
    found = normal_modes(planar)
    assert (found.frequencies < 0).tolist() == [True] + [False] * 5
    assert np.abs(found.modes[0][:, :2]).max() < 1e-6


def test_a_single_atom_does_not_vibrate():
    with pytest.raises(InputError, match="at least two atoms"):
        normal_modes(Molecule.from_xyz("He 0 0 0;"))
