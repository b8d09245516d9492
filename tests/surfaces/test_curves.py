"""Curves of several states over whole scans: the known crossings, whatever a solver leaves open."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import several

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.surfaces import PointResult, load_scan
from qmlmat.surfaces.storage.store import ScanStore
from qmlmat.units import hartree_to_ev

SYSTEMS = {
    "LiH": (several.lithium_hydride, ()),
    "H2O": (several.water, (0.8097,)),
    "H2O, long bonds": (
        partial(several.water, lengths=(1.27, 1.32, 1.37, 1.42), n_states=5),
        (1.3508,),
    ),
    "H4": (several.rectangle, (1.011,)),
    "N2": (several.nitrogen, (1.2578,)),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "N2")) for name in SYSTEMS]
)
def test_known_crossings_are_found_whatever_a_solver_leaves_open(name):
    """Signs, and turns within degenerate levels, at random at every point: the same curves."""
    make, places = SYSTEMS[name]
    scan = make()
    for seed in range(3):
        turned = several.turned(scan, seed)
        np.testing.assert_array_equal(turned.followed, scan.followed)
        found = [one.coordinate for one in qm.crossings(turned)]
        assert found == pytest.approx(places, abs=2e-4)
    assert not scan.curves.notes


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "N2")) for name in SYSTEMS]
)
def test_a_curve_keeps_its_irrep(name):
    """Nothing but the order of energy changes where curves of different irreps cross."""
    scan = SYSTEMS[name][0]()
    for result, numbers in zip(scan.results, scan.followed, strict=True):
        assert [scan.curves.labels[k].irrep for k in numbers] == list(result.solution.irreps)
        assert {scan.curves.labels[k].multiplicity for k in numbers} == {1}


def test_the_smallest_gap_of_lithium_hydride_is_known():
    """S0 and S1, where the ionic and the covalent state avoid each other."""
    scan = several.turned(several.lithium_hydride(), seed=1)
    found = qm.minimum_gap(scan, 0, 1)
    assert found.coordinate == pytest.approx(2.9747, abs=5e-4)
    assert hartree_to_ev(found.gap) == pytest.approx(2.01943, abs=1e-5)
    assert found.grid_coordinate == 3.0
    np.testing.assert_array_equal(scan.followed[:, :2], [[0, 1]] * len(scan.path))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "place"), [("LiH", 2.9747), ("H2O", 0.8097)])
def test_a_circuits_states_give_the_same_places(name, place):
    """SSVQE of singlets: gap of LiH to 1 meV, crossing of H2O to a tenth of a picometre."""
    solver = qm.SSVQE(multiplicity=1)
    if name == "LiH":
        scan = several.lithium_hydride(solver=solver)
        gap = qm.minimum_gap(scan)
        assert gap.coordinate == pytest.approx(place, abs=5e-3)
        assert hartree_to_ev(gap.gap) == pytest.approx(2.01943, abs=1e-3)
    else:
        scan = several.turned(several.water(solver=solver), seed=5)
        found = [one.coordinate for one in qm.crossings(scan)]
        assert found == pytest.approx([place], abs=1e-3)
    assert not scan.curves.notes


def test_a_store_gives_the_same_curves(tmp_path):
    """States are kept to the last bit, so a scan that was loaded follows as the one that ran."""
    scan = several.water(store=tmp_path / "water.db")
    loaded = load_scan(tmp_path / "water.db")
    np.testing.assert_array_equal(loaded.followed, scan.followed)
    assert qm.crossings(loaded) == qm.crossings(scan)


def test_an_interrupted_scan_is_continued_to_the_same_curves(tmp_path):
    """Stopped after two points, and gone on with from the store."""

    def stop(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    store = tmp_path / "water.db"
    with pytest.raises(KeyboardInterrupt):
        several.water(store=store, on_point=stop)
    assert sum(r is not None for r in load_scan(store).results) == 2
    resumed, whole = several.water(store=store), several.water()
    np.testing.assert_array_equal(resumed.followed, whole.followed)
    np.testing.assert_allclose(resumed.energies, whole.energies, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_two_workers_follow_as_one():
    """Who computes a point makes no difference to what continues it."""
    one, two = several.water(), several.water(workers=2)
    np.testing.assert_array_equal(two.followed, one.followed)


def test_a_return_sweep_leaves_the_curves():
    """They are followed from the final results, along the same tree."""
    once, twice = several.water(), several.water(return_sweep=True)
    np.testing.assert_array_equal(twice.followed, once.followed)


def test_curves_go_on_behind_a_failed_point():
    """From the nearest ancestor that has states; the failed point has none."""
    scan = several.water()
    results = list(scan.results)
    results[2] = PointResult(energies=np.array([np.nan]), status="failed: no field")
    broken = replace(scan, results=tuple(results))
    np.testing.assert_array_equal(broken.followed[[0, 1, 3]], scan.followed[[0, 1, 3]])
    assert (broken.followed[2] == -1).all()
    assert np.isnan(broken.followed_energies[2]).all()


def test_curves_go_on_where_the_root_failed():
    """Later points without an ancestor continue the first that has states."""
    scan = several.water()
    results = list(scan.results)
    results[scan.path.root] = PointResult(energies=np.array([np.nan]), status="failed: no")
    broken = replace(scan, results=tuple(results))
    kept = [k for k in range(len(results)) if k != scan.path.root]
    expected = several.water(lengths=tuple(scan.path.along()[kept])).followed
    np.testing.assert_array_equal(broken.followed[kept], expected)


def test_a_state_from_outside_begins_a_curve_and_that_is_said():
    """Where a state that was not computed comes down and replaces another."""
    scan = several.model([[0.0, 0.1, 0.5], [0.0, 0.2, 0.5], [0.0, 0.3, 0.5]])
    results = list(scan.results)
    solution = results[2].solution
    states = (solution.states[0], np.eye(4)[3].reshape(2, 2), solution.states[2])
    results[2] = replace(results[2], solution=replace(solution, states=states))
    outside = replace(scan, results=tuple(results))
    assert outside.followed.tolist() == [[0, 1, 2], [0, 1, 2], [0, 3, 2]]
    (note,) = outside.table()[2].notes
    assert "Curve 3 begins here; ended: 1" in note
    assert "take more states" in note
    assert outside.curves.origins == (0, 0, 0, 2)


def test_a_doubtful_step_is_said():
    """A state that half became another is followed, with a note."""
    scan = several.model([[0.0, 0.1], [0.0, 0.2]])
    results = list(scan.results)
    solution, mixed = results[1].solution, np.array([0.0, 0.66, 0.75, 0.0])
    states = (solution.states[0], (mixed / np.linalg.norm(mixed)).reshape(2, 2))
    results[1] = replace(results[1], solution=replace(solution, states=states))
    doubtful = replace(scan, results=tuple(results))
    assert doubtful.followed.tolist() == [[0, 1], [0, 1]]
    assert "with a squared overlap of 0.4" in " ".join(doubtful.table()[1].notes)


def test_one_state_has_no_curves():
    """There is nothing to tell apart."""
    scan = several.model([[0.0], [0.1]])
    assert scan.curves is None
    assert scan.followed is None
    assert scan.followed_energies is None


def test_a_store_without_states_has_no_curves(tmp_path, monkeypatch):
    """As of an earlier version: energies in order are all there is, and crossings say why."""
    store = tmp_path / "water.db"
    monkeypatch.setattr("qmlmat.surfaces.surface.packed_states", lambda _: None)
    several.water(store=store)
    loaded = load_scan(store)
    assert loaded.curves is None
    assert ScanStore.load(store).results()[0].energies.shape == (6,)
    with pytest.raises(InputError, match="a store of this version"):
        qm.crossings(loaded)


def test_several_energies_of_a_function_are_in_the_order_they_came():
    """A function has no states to follow; gaps are there, in its unit."""
    surface = qm.FunctionSurface(lambda x: np.array([0.0, (x[1, 2] - 1.0) ** 2 + 0.5]), "eV")
    scan = qm.scan(surface, qm.stretch(several.H2, (0, 1), np.linspace(0.7, 1.4, 8)))
    assert scan.curves is None
    found = qm.minimum_gap(scan)
    assert (found.coordinate, found.gap) == pytest.approx((1.0, 0.5), abs=1e-3)
    assert found.unit == "eV"
    assert scan.gaps(0, 1)[0] == pytest.approx(0.59)
    with pytest.raises(InputError, match="several states"):
        qm.minimum_gap(scan, followed=True)
