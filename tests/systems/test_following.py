"""Orbitals followed from geometry to geometry: what is kept, and what it does not depend on."""

import warnings
from threading import Thread

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks.tracking import scrambled
from qmlmat.errors import QmlmatWarning
from qmlmat.systems import ActiveSpace, Molecule, choose_orbitals, molecular_hamiltonian
from qmlmat.systems import following as module
from qmlmat.systems.alignment import turn_onto
from qmlmat.systems.following import (
    FOLLOWED_NOTE,
    MATCHED,
    SMOOTH,
    carried_overlap,
    follow_orbitals,
    space_overlap,
)
from qmlmat.systems.mean_field import run_mean_field

NITROGEN = Molecule.from_xyz("N 0 0 0; N 0 0 1.1", basis="6-31g")
WATER = Molecule.from_xyz("O 0 0 0; H 0 0.757 0.587; H 0 -0.757 0.587")
VALENCE = ActiveSpace(10, 8)
TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])


def nitrogen(length):
    return NITROGEN.with_positions([[0, 0, 0], [0, 0, length]])


def water(length):
    scale = length / np.linalg.norm(WATER.positions[1])
    return WATER.with_positions(scale * WATER.positions)


@pytest.fixture(scope="module")
def parent():
    return choose_orbitals(run_mean_field(NITROGEN), VALENCE)


def test_all_orbitals_of_two_geometries_overlap_in_an_orthogonal_matrix():
    """Carried basis functions lose nothing: two complete sets span the same space."""
    first, second = run_mean_field(nitrogen(1.1)), run_mean_field(nitrogen(1.9))
    overlap = carried_overlap(second.molecule, second.mo_coeff, first.molecule, first.mo_coeff)
    np.testing.assert_allclose(overlap @ overlap.T, np.eye(len(overlap)), atol=1e-10)


@pytest.mark.parametrize("turn", [np.eye(3), TURN])
def test_moving_or_turning_the_molecule_changes_nothing(turn):
    """Orbitals of a molecule and of the same one elsewhere overlap fully."""
    here = run_mean_field(WATER)
    there = run_mean_field(WATER.with_positions(WATER.positions @ turn.T + [1.0, -2.0, 0.5]))
    overlap = carried_overlap(there.molecule, there.mo_coeff, here.molecule, here.mo_coeff)
    np.testing.assert_allclose(np.abs(overlap), np.eye(len(overlap)), atol=1e-6)


def test_a_molecule_followed_onto_itself_keeps_its_orbitals(parent):
    """At the same geometry following is the identity."""
    found = follow_orbitals(run_mean_field(NITROGEN), VALENCE, parent)
    np.testing.assert_allclose(found.orbitals.active, parent.active, atol=1e-10)
    assert found.overlap == pytest.approx(1.0, abs=1e-10)
    assert found.notes == ()


@pytest.mark.parametrize("seed", range(4))
def test_signs_order_and_degenerate_pairs_of_the_mean_field_do_not_matter(parent, seed):
    """What a mean-field program leaves open does not reach the orbitals that come out."""
    field = run_mean_field(nitrogen(1.2))
    expected = follow_orbitals(field, VALENCE, parent).orbitals
    found = follow_orbitals(scrambled(field, np.random.default_rng(seed)), VALENCE, parent).orbitals
    np.testing.assert_allclose(found.active, expected.active, atol=1e-9)
    span = [o.inactive @ o.inactive.T for o in (found, expected)]
    np.testing.assert_allclose(*span, atol=1e-9)


def test_the_space_is_the_mean_fields_own(parent):
    """Followed orbitals are turned among themselves only: the exact energy is the canonical one."""
    molecule = nitrogen(1.3)
    field = run_mean_field(molecule)
    found = follow_orbitals(field, VALENCE, parent)
    own = molecular_hamiltonian(molecule, VALENCE, mean_field=field)
    followed = molecular_hamiltonian(molecule, orbitals=found.orbitals)
    assert followed.spectrum().energies[0] == pytest.approx(own.spectrum().energies[0], abs=1e-9)
    assert followed.mean_field_energy == pytest.approx(field.energy, abs=1e-9)
    assert found.notes == ()


def test_a_long_step_gives_what_short_ones_do(parent):
    """From 1.1 to 2.4 Å at once, orbitals are followed over geometries between."""
    steps = parent
    for length in np.arange(1.2, 2.41, 0.1):
        steps = follow_orbitals(run_mean_field(nitrogen(length)), VALENCE, steps).orbitals
    leap = follow_orbitals(run_mean_field(nitrogen(2.4)), VALENCE, parent)
    assert leap.overlap > SMOOTH
    molecule = nitrogen(2.4)
    assert space_overlap(molecule, leap.orbitals, molecule, steps) > 1 - 1e-9
    np.testing.assert_allclose(leap.orbitals.active, steps.active, atol=0.02)


def test_a_step_over_colliding_atoms_is_taken_at_once(parent, monkeypatch):
    """Where no geometry between can be computed, the step is not halved."""
    far = run_mean_field(nitrogen(2.6))
    direct = module._matched(far, VALENCE, parent)
    assert direct.overlap < SMOOTH

    def refuse(molecule):
        raise module.QmlmatError(molecule.formula)

    monkeypatch.setattr(module, "run_mean_field", refuse)
    found = follow_orbitals(far, VALENCE, parent)
    np.testing.assert_array_equal(found.orbitals.active, direct.orbitals.active)


def test_a_space_that_changes_by_energy_is_followed_and_said():
    """H2O (4e,4o): from 1.5 to 1.6 Å another orbital enters by energy, and the curve drops."""
    space = ActiveSpace(4, 4)
    before = choose_orbitals(run_mean_field(water(1.5)), space)
    molecule = water(1.6)
    field = run_mean_field(molecule)
    alone = choose_orbitals(field, space)
    assert space_overlap(molecule, alone, water(1.5), before) < 1e-6
    found = follow_orbitals(field, space, before)
    assert found.overlap > 0.99
    assert found.notes == (FOLLOWED_NOTE,)
    energies = [
        molecular_hamiltonian(where, orbitals=which).spectrum().energies[0]
        for where, which in (
            (water(1.5), before),
            (molecule, found.orbitals),
            (molecule, alone),
        )
    ]
    assert energies[1] - energies[0] == pytest.approx(0.0544, abs=1e-3)  # climbs on, as before
    assert energies[2] - energies[0] == pytest.approx(-0.0808, abs=1e-3)  # falls by 81 mHa


def test_orbitals_that_cannot_be_matched_are_flagged(monkeypatch):
    """Where the overlap is below its threshold a note says so, with the value."""
    field = run_mean_field(nitrogen(3.0))
    monkeypatch.setattr(module, "MAX_HALVINGS", 0)
    parent = choose_orbitals(run_mean_field(nitrogen(1.1)), VALENCE)
    found = follow_orbitals(field, VALENCE, parent)
    assert found.overlap < MATCHED
    assert any(f"overlap {found.overlap:.3f}" in note for note in found.notes)


def test_an_open_shell_keeps_its_unpaired_electrons():
    """The singly occupied orbital of OH stays singly occupied, and in its place."""
    radical = Molecule.from_xyz("O 0 0 0; H 0 0 0.97", spin=1)
    space = ActiveSpace(5, 4)
    first = choose_orbitals(run_mean_field(radical), space)
    molecule = radical.with_positions([[0, 0, 0], [0, 0, 1.2]])
    found = follow_orbitals(run_mean_field(molecule), space, first)
    assert found.orbitals.nelec == first.nelec == (3, 2)
    assert found.overlap > 0.9
    exact = molecular_hamiltonian(molecule, orbitals=found.orbitals).spectrum().energies[0]
    own = molecular_hamiltonian(molecule, space).spectrum().energies[0]
    assert exact == pytest.approx(own, abs=1e-9)


def test_spaces_of_different_sizes_have_nothing_in_common(parent):
    """An overlap of zero, not an error."""
    smaller = choose_orbitals(run_mean_field(NITROGEN), ActiveSpace(6, 6))
    assert space_overlap(NITROGEN, smaller, NITROGEN, parent) == 0.0


def test_following_silences_no_other_thread(parent, monkeypatch):
    """Points are followed side by side in threads: what one does not say, others still may."""

    def meanwhile(*given):
        thread = Thread(target=warnings.warn, args=("elsewhere", QmlmatWarning))
        thread.start()
        thread.join()
        return choose_orbitals(*given)

    monkeypatch.setattr(module, "choose_orbitals", meanwhile)
    with pytest.warns(QmlmatWarning, match="elsewhere"):
        follow_orbitals(run_mean_field(NITROGEN), VALENCE, parent)


def test_an_open_shell_on_a_line_is_followed_whichever_way_its_hole_points():
    """OH: Hartree-Fock leaves the singly occupied pi orbital any direction about the axis."""
    radical = Molecule.from_xyz("O 0 0 0; H 0 0 0.97", spin=1, basis="cc-pvdz")
    space = ActiveSpace(5, 5)
    first = choose_orbitals(run_mean_field(radical), space)
    for length in (0.8, 1.2, 1.4):
        molecule = radical.with_positions([[0, 0, 0], [0, 0, length]])
        found = follow_orbitals(run_mean_field(molecule), space, first)
        assert found.overlap > SMOOTH, length
        assert found.notes == ()
        assert space_overlap(molecule, found.orbitals, radical, first) > SMOOTH


def test_a_way_round_that_is_worse_is_not_taken():
    """C2 from 1.9 to 2.5 Å: half-way Hartree-Fock has another solution than at both ends."""
    ends = [Molecule.from_xyz(f"C 0 0 0; C 0 0 {r}", basis="6-31g") for r in (1.9, 2.5)]
    start, end = (run_mean_field(molecule) for molecule in ends)
    space = ActiveSpace(6, 6)
    found = follow_orbitals(end, space, choose_orbitals(start, space))
    assert MATCHED < found.overlap < SMOOTH
    assert not any("could not be matched" in note for note in found.notes)


@pytest.mark.parametrize("ends", [(1.1, 2.4), (2.4, 1.1)], ids=["apart", "together"])
def test_the_overlap_of_a_halved_step_is_that_of_its_worse_half(ends, monkeypatch):
    """N2 between 1.1 and 2.4 Å: 0.70 below 1.75 Å and 0.98 above, whichever half comes first."""
    start, middle, end = (run_mean_field(nitrogen(r)) for r in (ends[0], 1.75, ends[1]))
    parent = choose_orbitals(start, VALENCE)
    monkeypatch.setattr(module, "MAX_HALVINGS", 0)
    first = follow_orbitals(middle, VALENCE, parent)
    second = follow_orbitals(end, VALENCE, first.orbitals)
    monkeypatch.setattr(module, "MAX_HALVINGS", 1)
    found = follow_orbitals(end, VALENCE, parent)
    assert max(first.overlap, second.overlap) > 0.95
    assert found.overlap == pytest.approx(0.703, abs=1e-3)
    assert found.overlap == pytest.approx(min(first.overlap, second.overlap), abs=1e-9)


@pytest.mark.parametrize(
    ("start", "end", "space"),
    [(nitrogen(1.1), nitrogen(2.4), VALENCE), (water(0.9), water(1.8), ActiveSpace(4, 4))],
    ids=["N2", "H2O"],
)
def test_turning_the_end_of_a_long_step_changes_nothing(start, end, space):
    """The geometries between are those of the molecule as it lies at the end of the step."""
    parent = choose_orbitals(run_mean_field(start), space)
    turn = Rotation.from_rotvec([0.4, 1.9, -1.1]).as_matrix()
    turned = end.with_positions(end.positions @ turn.T + [1.0, -2.0, 0.5])
    plain, found = (follow_orbitals(run_mean_field(m), space, parent) for m in (end, turned))
    assert module._matched(run_mean_field(end), space, parent).overlap < SMOOTH < plain.overlap
    assert found.overlap == pytest.approx(plain.overlap, abs=1e-6)
    assert space_overlap(turned, found.orbitals, end, plain.orbitals) > 1 - 1e-6


def test_a_mirror_image_is_not_the_molecule_turned():
    """H2O2 with its dihedral at plus and at minus: no rotation lays one onto the other."""
    left, right = (
        Molecule.from_xyz(f"O 0 0.7 0; O 0 -0.7 0; H 0.8 0.9 {z}; H -0.8 -0.9 {z}")
        for z in (0.5, -0.5)
    )
    fields = [run_mean_field(molecule) for molecule in (left, right)]
    assert fields[0].energy == pytest.approx(fields[1].energy, abs=1e-9)
    overlap = carried_overlap(right, fields[1].mo_coeff, left, fields[0].mo_coeff)
    assert np.abs(overlap.diagonal()).min() < 0.9
    turn = turn_onto(right.positions, left.positions)
    assert np.linalg.det(turn) == pytest.approx(1.0, abs=1e-12)


def test_a_followed_space_that_cuts_a_shell_says_so_at_every_point():
    """N2 (2e,2o) takes one pi orbital of two: the note of the choice stays where it is followed."""
    space = ActiveSpace(2, 2)
    with pytest.warns(QmlmatWarning, match="cuts the degenerate shell"):
        parent = choose_orbitals(run_mean_field(NITROGEN), space)
    found = follow_orbitals(run_mean_field(nitrogen(1.15)), space, parent)
    (note,) = found.notes
    assert "cuts the degenerate shell" in note
