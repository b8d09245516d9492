"""Bands as a scan over k: warm starts, stores, workers, kills."""

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path as FilePath

import ase.db
import numpy as np
import pytest
from bands import MOS2, PATH, Chain, bands_of, chained

import qmlmat as qm
from qmlmat.errors import InputError, StoreMismatchError
from qmlmat.surfaces import FunctionSurface, Geometry, KPoint, load_scan, scan

SUPPORT = FilePath(__file__).parents[1] / "support"


def depths(path):
    """How far each point is from the root of its path."""
    found = {}
    for index in path.order():
        parent = path.parents[index]
        found[index] = 0 if parent is None else found[parent] + 1
    return [found[index] for index in range(len(path))]


def test_exact_bands_are_those_of_plain_diagonalisation():
    """Of both spins; the reference beside each state says the same."""
    found = bands_of("MoS2", soc=True)
    assert found.unit == "eV"
    assert found.energies.shape == (62, 3)
    for spin in ("up", "down"):
        rows = [i for i, point in enumerate(found.path.kpoints) if point.spin == spin]
        plain = MOS2.bands([found.path.kpoints[i].k for i in rows], spin=spin)
        np.testing.assert_allclose(found.energies[rows], plain, atol=1e-12)
    np.testing.assert_allclose(found.state_errors, 0.0, atol=1e-12)
    assert found.curves is None


def test_each_point_starts_from_its_parent():
    """The chain of solutions follows the path's tree, through both spins."""
    found = scan(chained(), PATH)
    expected = 1e-6 * np.array(depths(PATH))
    np.testing.assert_allclose(found.errors, expected, atol=1e-12)
    np.testing.assert_allclose(found.state_errors, np.tile(expected[:, None], 3), atol=1e-12)


def test_fewer_bands_are_the_lowest():
    """The valence band alone."""
    surface = qm.BandSurface(MOS2, qm.Exact(), n_states=1)
    (energy,) = surface.evaluate(KPoint(MOS2.special_points["K"], "up")).energies
    assert energy == pytest.approx(0.0101, abs=1e-4)


@pytest.mark.parametrize("stop", [0, 1, 7, 19])
def test_resumed_equals_uninterrupted(tmp_path, stop):
    """Interrupted after any number of points, the second run gives the same bits."""
    whole = scan(chained(), PATH)
    store = tmp_path / "mos2.db"

    def interrupt(progress):
        if progress.done == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(chained(), PATH, store=store, on_point=interrupt)
    part = load_scan(store)
    assert sum(result is not None for result in part.results) == stop
    log = tmp_path / "log"
    again = scan(chained(log), PATH, store=store)
    assert len(Chain(str(log)).seen()) == len(PATH) - stop
    np.testing.assert_array_equal(again.energies, whole.energies)
    loaded = load_scan(store)
    np.testing.assert_array_equal(loaded.energies, whole.energies)
    assert loaded.path.kpoints == PATH.kpoints
    assert loaded.is_complete


def test_two_workers_equal_one(tmp_path):
    """Who computes a point, and when, makes no difference to any bit."""
    alone = scan(chained(), PATH)
    both = scan(chained(tmp_path / "log"), PATH, store=tmp_path / "mos2.db", workers=2)
    np.testing.assert_array_equal(both.energies, alone.energies)
    assert len(Chain(str(tmp_path / "log")).seen()) == len(PATH)


@pytest.mark.slow
def test_a_worker_that_dies_costs_nothing(tmp_path):
    """Killed at some k, it is replaced, and the bands are those of an undisturbed scan."""
    log = tmp_path / "log"
    FilePath(f"{log}.kill").touch()
    found = scan(chained(log), PATH, store=tmp_path / "mos2.db", workers=2)
    assert not FilePath(f"{log}.kill").exists()
    np.testing.assert_array_equal(found.energies, scan(chained(), PATH).energies)


@pytest.mark.slow
def test_a_killed_scan_keeps_what_was_stored(tmp_path):
    """After SIGKILL the store opens, and only what is missing is computed."""
    store = tmp_path / "mos2.db"
    script = f"""
        import sys, time
        sys.path.insert(0, {str(SUPPORT)!r})
        from bands import PATH, chained
        from qmlmat.surfaces import scan

        slow = lambda progress: time.sleep(0.2)
        scan(chained(), PATH, store={str(store)!r}, on_point=slow)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    while child.poll() is None:
        if store.exists() and sum(r is not None for r in load_scan(store).results) >= 2:
            break
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    kept = sum(result is not None for result in load_scan(store).results)
    assert 2 <= kept < len(PATH)
    log = tmp_path / "log"
    found = scan(chained(log), PATH, store=store)
    assert len(Chain(str(log)).seen()) == len(PATH) - kept
    np.testing.assert_array_equal(found.energies, scan(chained(), PATH).energies)


def test_a_store_is_of_one_crystal(tmp_path):
    """What differs is named, as for molecules."""
    store = tmp_path / "bands.db"
    scan(chained(), PATH, store=store)
    other = qm.monolayer("WS2", model="tnn", soc=True)
    with pytest.raises(StoreMismatchError, match=r"surface\.model"):
        scan(qm.BandSurface(other, Chain()), PATH, store=store)


def test_rows_hold_the_cell_and_k(tmp_path):
    """``ase db`` shows and selects by k1, k2, k3, spin and label."""
    store = tmp_path / "bands.db"
    scan(chained(), PATH, store=store)
    with ase.db.connect(str(store), use_lock_file=False) as database:
        assert database.count() == len(PATH)
        (row,) = database.select(label="K", spin="down")
        assert (row.k1, row.k2, row.k3) == pytest.approx(MOS2.special_points["K"])
        np.testing.assert_allclose(row.cell, MOS2.cell)
        assert row.pbc.all()
        assert row.symbols == ["X"]
        assert row.energy == pytest.approx(-0.1359, abs=1e-4)
        assert row.energy_unit == "eV"
        assert database.count(spin="up") == 10
        assert database.metadata["key_descriptions"]["coordinate"][2] == "1/angstrom"


def test_surfaces_refuse_points_of_the_other_kind():
    """A crystal has no geometry to give, a molecule no k."""
    with pytest.raises(InputError, match="for a molecule SolverSurface"):
        chained().evaluate(Geometry(("H",), [[0, 0, 0]]))
    well = FunctionSurface(len, name="well")
    with pytest.raises(InputError, match="BandSurface"):
        scan(well, PATH)
    h2 = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    with pytest.raises(InputError, match="BandSurface"):
        scan(qm.SolverSurface(h2, qm.ActiveSpace(), qm.Exact()), PATH)


@pytest.mark.parametrize("n_states", [0, 4])
def test_more_bands_than_a_spin_has_are_refused(n_states):
    with pytest.raises(InputError, match=r"3 bands of each spin\. Use 1 to 3"):
        qm.BandSurface(MOS2, qm.Exact(), n_states=n_states)
