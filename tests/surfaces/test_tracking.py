"""Along whole curves: what a mean-field program leaves open reaches neither energies nor angles."""

import numpy as np
import pytest

import qmlmat as qm
from benchmarks.tracking import CURVES, difference, follow, largest_jump, scrambling
from qmlmat.errors import InputError
from qmlmat.surfaces.surface import PointResult

BY_NAME = {curve.name.split(",")[0]: curve for curve in CURVES}
REORDERING = BY_NAME["N2 0.9-1.1 Å"]
WATER = qm.Molecule.from_xyz("O 0 0 0; H 0 0.757 0.587; H 0 -0.757 0.587")


@pytest.mark.parametrize(
    ("solver", "tolerance"),
    [(qm.Exact(), 1e-10), (qm.VQE("uccsd"), 1e-9)],  # uccsd: slopes to 1e-6 hartree per radian
    ids=["exact", "uccsd"],
)
@pytest.mark.parametrize(
    "name",
    [
        "LiH 0.9-4.0 Å",
        pytest.param("N2 0.9-3.0 Å", marks=pytest.mark.slow),
        "H2O bend 70-170°",
    ],
)
def test_scrambled_orbitals_give_the_same_curve(name, solver, tolerance):
    """Signs, order and degenerate pairs of every point but the root at random: same energies."""
    curve = BY_NAME[name]
    plain = follow(curve, solver, "tracked")
    with scrambling(plain.path.points[plain.path.root], seed=1):
        again = follow(curve, solver, "tracked")
    assert difference(plain, again) < tolerance
    assert plain.is_converged


def test_without_tracking_scrambled_orbitals_do_harm():
    """The same injection is felt by canonical orbitals: the test above is not empty."""
    solver = qm.VQE("uccsd")
    plain = follow(REORDERING, solver, "tracked")
    with scrambling(plain.path.points[plain.path.root], seed=1):
        again = follow(REORDERING, solver, "canonical")
    assert difference(plain, again) > 1e-6


def test_parameters_change_in_proportion_to_the_step():
    """N2 from 0.9 to 1.1 Å, where 3 sigma_g and 1 pi_u change places."""
    solver = qm.VQE("uccsd")
    whole, half = (follow(REORDERING, solver, "tracked", halved) for halved in (0, 1))
    assert largest_jump(follow(REORDERING, solver, "canonical")) > 0.06
    assert largest_jump(whole) < 0.06  # radians per 0.1 Å
    assert 0.4 < largest_jump(half) / largest_jump(whole) < 0.65


def test_the_exact_energy_is_that_of_the_canonical_space():
    """Following turns orbitals within a space that is the mean field's own."""
    curves = [follow(REORDERING, qm.Exact(), kind) for kind in ("tracked", "canonical")]
    assert difference(*curves) < 1e-10


def test_a_leap_gives_what_steps_give():
    """N2 at 2.4 Å from 1.1 Å at once, or over every tenth: the same space, the same uccsd."""
    curve = BY_NAME["N2 0.9-3.0 Å"]
    solver = qm.VQE("uccsd")
    surface = qm.SolverSurface(curve.molecule, curve.space, solver)
    steps, leap = (
        qm.scan(surface, qm.stretch(curve.molecule, (0, 1), lengths))
        for lengths in (np.arange(1.1, 2.41, 0.1), [1.1, 2.4])
    )
    assert leap.energies[-1, 0] == pytest.approx(steps.energies[-1, 0], abs=1e-6)


def test_a_space_that_jumps_is_said():
    """H2O (4e,4o) by energy falls 81 mHa from 1.5 to 1.6 Å; followed, it does not."""
    bonds = (qm.Distance(0, 1), qm.Distance(0, 2))
    path = qm.line(WATER, qm.symmetric(*bonds), [1.4, 1.5, 1.6], root=0)
    found = {
        kind: qm.scan(
            qm.SolverSurface(WATER, qm.ActiveSpace(4, 4), qm.Exact(), orbitals=kind), path
        )
        for kind in ("canonical", "tracked")
    }
    drop = {kind: 1e3 * np.diff(scan.energies[:, 0])[1] for kind, scan in found.items()}
    assert drop["canonical"] == pytest.approx(-80.8, abs=0.5)
    assert drop["tracked"] == pytest.approx(54.4, abs=0.5)
    notes = {kind: " ".join(scan.results[2].notes) for kind, scan in found.items()}
    assert "has changed its character" in notes["canonical"]
    assert 'orbitals="tracked"' in notes["canonical"]
    assert "is followed from the neighbouring point" in notes["tracked"]
    assert found["canonical"].results[2].overlap < 1e-6
    assert found["tracked"].results[2].overlap > 0.99
    assert found["tracked"].results[1].notes == ()


def test_orbitals_survive_the_store():
    """What a resumed scan follows is what an uninterrupted one does, to the last bit."""
    surface = qm.SolverSurface(WATER, qm.ActiveSpace(4, 4), qm.Exact())
    point = qm.Geometry(WATER.symbols, WATER.positions)
    result = surface.evaluate(point)
    again = PointResult.from_dict(result.to_dict())
    np.testing.assert_array_equal(again.orbitals.active, result.orbitals.active)
    np.testing.assert_array_equal(again.orbitals.inactive, result.orbitals.inactive)
    hamiltonian = qm.molecular_hamiltonian(WATER, orbitals=again.orbitals)
    assert hamiltonian.spectrum().energies[0] == pytest.approx(result.energies[0], abs=1e-12)


def test_a_space_whose_size_changes_starts_afresh():
    """AVAS by threshold, chosen at each point: another size takes no parameters from the parent."""
    nitrogen = qm.Molecule.from_xyz("N 0 0 0; N 0 0 1.1", basis="6-31g")
    first = qm.SolverSurface(nitrogen, qm.ActiveSpace(6, 6), qm.VQE("uccsd"), orbitals="canonical")
    second = qm.SolverSurface(nitrogen, qm.ActiveSpace(4, 4), qm.VQE("uccsd"), orbitals="canonical")
    point = qm.Geometry(nitrogen.symbols, nitrogen.positions)
    found = second.evaluate(point, guess=first.evaluate(point))
    assert found.energies[0] == pytest.approx(second.evaluate(point).energies[0], abs=1e-9)
    assert found.overlap == 0.0


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"orbitals": "traked"}, 'Did you mean "tracked"'),
        ({"classical": ("ccst",)}, 'Did you mean "ccsd"'),
    ],
)
def test_unknown_words_are_refused(settings, remedy):
    """With the word that was meant."""
    with pytest.raises(InputError, match=remedy):
        qm.SolverSurface(WATER, qm.ActiveSpace(4, 4), qm.Exact(), **settings)


def test_classical_methods_stand_beside_the_curve():
    """N2 at 2.0 Å: CCSD is 41 mHa below the exact energy of its own space, and that is said."""
    nitrogen = qm.Molecule.from_xyz("N 0 0 0; N 0 0 2.0", basis="cc-pvdz")
    surface = qm.SolverSurface(
        nitrogen, qm.ActiveSpace(10, 8), qm.Exact(), classical=("mp2", "ccsd", "ccsd(t)")
    )
    found = surface.evaluate(qm.Geometry(nitrogen.symbols, nitrogen.positions))
    assert set(found.columns) == {"hartree_fock", "mp2", "ccsd", "ccsd(t)"}
    assert 1e3 * (found.columns["ccsd"] - found.reference) == pytest.approx(-41.0, abs=0.1)
    assert any("CCSD is 41.0 mHa below the exact energy" in note for note in found.notes)


def test_nevpt2_stands_on_the_active_space():
    """It lies below the exact energy of the space, by what is outside of it."""
    surface = qm.SolverSurface(WATER, qm.ActiveSpace(4, 4), qm.Exact(), classical=("nevpt2",))
    found = surface.evaluate(qm.Geometry(WATER.symbols, WATER.positions))
    full = qm.molecular_hamiltonian(WATER).spectrum().energies[0]
    assert found.energies[0] > found.columns["nevpt2"]
    assert found.columns["nevpt2"] == pytest.approx(full, abs=0.02)


def test_a_space_survives_orbitals_that_change_places():
    """C2H4 (2e,2o) twisted beyond 90°: pi and pi* swap, and 180° is planar ethylene again."""
    ethylene = qm.Molecule.from_xyz(
        "C 0 0 0.667; C 0 0 -0.667; H 0 0.923 1.238; H 0 -0.923 1.238; "
        "H 0 0.923 -1.238; H 0 -0.923 -1.238"
    )
    path = qm.twist(ethylene, (2, 0, 1, 4), [0, 20, 40, 60, 75, 90, 105, 120, 140, 160, 180])
    scan = qm.scan(qm.SolverSurface(ethylene, qm.ActiveSpace(2, 2), qm.Exact()), path)
    np.testing.assert_allclose(scan.energies[:, 0], scan.energies[::-1, 0], atol=1e-7)
    # At 90° pi and pi* are one level: rounding decides on which side of it they change places.
    notes = " ".join(scan.results[5].notes + scan.results[6].notes)
    assert "could not be matched" in notes
