"""Hartree-Fock: agreement with PySCF, the rescue, and what it says."""

import logging

import numpy as np
import pytest
from pyscf import gto, scf

from qmlmat.errors import BasisError, MeanFieldError, QmlmatWarning
from qmlmat.systems import Molecule, mean_field, run_mean_field, stability


@pytest.mark.parametrize(
    ("xyz", "spin"),
    [("N 0 0 0; N 0 0 1.1", 0), ("O 0 0 0; O 0 0 1.2", 2), ("H 0 0 0", 1), ("N 0 0 0", 3)],
)
def test_energy_agrees_with_pyscf(xyz, spin):
    """RHF and ROHF, molecules and atoms, one electron too."""
    field = run_mean_field(Molecule.from_xyz(xyz, spin=spin))
    mole = gto.M(atom=xyz, spin=spin, verbose=0, basis="sto-3g")
    reference = scf.ROHF(mole) if spin else scf.RHF(mole)
    assert field.energy == pytest.approx(reference.run(conv_tol=1e-12).e_tot, abs=1e-9)


def test_orbitals_come_doubly_then_singly_occupied_then_empty():
    """The reference determinant is always the lowest orbitals."""
    field = run_mean_field(Molecule.from_xyz("O 0 0 0; O 0 0 1.2", spin=2))
    np.testing.assert_array_equal(field.mo_occ, [2] * 7 + [1] * 2 + [0])
    for occupation in (2, 1, 0):
        assert np.all(np.diff(field.mo_energy[field.mo_occ == occupation]) > -1e-5)


def test_nothing_is_said_where_nothing_was_rescued():
    """N2 near its minimum: no warning, no note."""
    assert run_mean_field(Molecule.from_xyz("N 0 0 0; N 0 0 1.1")).notes == ()


def test_second_order_solver_takes_over_aloud(caplog):
    """Where DIIS fails (HF at 3 Å) the rescue converges; one warning, log and notes say so."""
    molecule = Molecule.from_xyz("H 0 0 0; F 0 0 3.0")
    with caplog.at_level(logging.INFO, "qmlmat"), pytest.warns(QmlmatWarning) as said:
        field = run_mean_field(molecule)
    assert "second-order solver took over" in str(said[0].message)
    assert field.notes == tuple(str(warning.message) for warning in said)
    assert "second-order solver" in caplog.text
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert field.energy < -98.11


def test_saddle_point_is_left():
    """Water with both bonds at 2.2 Å: DIIS stops at a saddle point 35 mHa above the minimum."""
    molecule = Molecule.from_xyz("O 0 0 0; H 0 0 2.2; H 0 2.2 0")
    with pytest.warns(QmlmatWarning, match="saddle point"):
        field = run_mean_field(molecule)
    saddle = scf.RHF(molecule.to_pyscf()).run(conv_tol=1e-11)
    assert field.energy < saddle.e_tot - 0.03
    assert "saddle point" in field.notes[0]


def test_lower_solution_of_lower_symmetry_is_noted_and_not_followed():
    """Stretched N2: the symmetric solution is kept for smooth curves, and a note says so."""
    molecule = Molecule.from_xyz("N 0 0 0; N 0 0 1.9")
    field = run_mean_field(molecule)
    assert "lower symmetry" in field.notes[0]
    assert "orbital Hessian -0." in field.notes[0]
    dipole = scf.RHF(molecule.to_pyscf()).dip_moment(
        dm=(field.mo_coeff * field.mo_occ) @ field.mo_coeff.T, verbose=0, origin=(0, 0, 0.0)
    )
    np.testing.assert_allclose(dipole, 0, atol=1e-6)


def test_both_ends_of_a_mode_are_followed():
    """The sign of a mode is arbitrary: water at 2.2 Å has minima 17 mHa apart at its two ends."""
    molecule = Molecule.from_xyz("O 0 0 0; H 0 0 2.2; H 0 2.2 0")
    with pytest.warns(QmlmatWarning, match="saddle point"):
        assert run_mean_field(molecule).energy == pytest.approx(-74.346011, abs=1e-6)


def test_degenerate_starts_are_noted_quietly():
    """Square H4: the symmetric orbitals cannot be filled evenly, and a note says what was kept."""
    field = run_mean_field(Molecule.from_xyz("H 0 0 0; H 1.2 0 0; H 1.2 1.2 0; H 0 1.2 0"))
    assert "degenerate frontier orbitals" in field.notes[-1]


def test_failed_stability_analysis_is_noted():
    """PySCF's solver finds no independent direction for the carbon atom; Hartree-Fock stands."""
    field = run_mean_field(Molecule.from_xyz("C 0 0 0", spin=2))
    assert field.energy == pytest.approx(-37.198393, abs=1e-6)
    assert "could not be examined" in field.notes[0]


def test_open_shell_saddle_point_is_left():
    """Stretched NO: the same rescue works for ROHF."""
    with pytest.warns(QmlmatWarning, match="saddle point"):
        field = run_mean_field(Molecule.from_xyz("N 0 0 0; O 0 0 2.5", spin=1))
    assert field.notes


def test_a_flat_mode_is_not_followed_for_ever():
    """NiH breaks its axial symmetry; turning the broken density about the axis gains nothing."""
    molecule = Molecule.from_xyz("Ni 0 0 0; H 0 0 1.47", spin=1)
    with pytest.warns(QmlmatWarning):
        field = run_mean_field(molecule)
    assert len([note for note in field.notes if "following its lowest mode" in note]) == 1
    assert not any("still" in note for note in field.notes)


def test_remaining_instability_is_said(monkeypatch):
    """When the bounded rounds do not suffice, the note says so."""
    monkeypatch.setattr(mean_field, "MAX_STABILITY_ROUNDS", 0)
    with pytest.warns(QmlmatWarning, match="still a saddle point"):
        run_mean_field(Molecule.from_xyz("O 0 0 0; H 0 0 2.2; H 0 2.2 0"))


def test_closed_shell_hessian_agrees_with_pyscf():
    """The dense stability matrix has the lowest eigenvalue that PySCF's products give."""
    from pyscf.soscf import newton_ah

    field = scf.RHF(gto.M(atom="N 0 0 0; N 0 0 1.6", basis="sto-3g", verbose=0))
    field.run(conv_tol=1e-12)
    dense = stability.closed_shell_hessian(field, 7, 3)
    _, product, _ = newton_ah.gen_g_hop_rhf(field, field.mo_coeff, field.mo_occ)
    columns = np.column_stack([product(unit) for unit in np.eye(21)])  # virtual, occupied
    order = np.arange(21).reshape(3, 7).T.ravel()
    np.testing.assert_allclose(4 * dense, 2 * columns[np.ix_(order, order)], atol=1e-8)


def test_unconverged_field_is_refused(monkeypatch):
    """When also the rescue fails, the error names the molecule and what to try."""
    monkeypatch.setattr(mean_field, "MAX_CYCLES", 1)
    molecule = Molecule.from_xyz("O 0 0 0; H 0 0 1.8; H 0 1.8 0.3")
    with (
        pytest.warns(QmlmatWarning),
        pytest.raises(MeanFieldError, match=r"H2O.*Check the geometry, charge and spin"),
    ):
        run_mean_field(molecule)


def test_too_few_orbitals_for_the_spin_are_refused():
    """Triplet helium does not fit one orbital."""
    with pytest.raises(BasisError, match="larger basis"):
        run_mean_field(Molecule.from_xyz("He 0 0 0", spin=2))
