"""Scans that are killed, again and again: nothing is lost, nothing computed twice."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path as FilePath

import ase.db
import numpy as np
import pytest
from worker_surfaces import water, water_grid

from qmlmat.errors import StoreError
from qmlmat.solvers import ADAPTVQE, VQE
from qmlmat.surfaces import SolverSurface, load_scan, scan
from qmlmat.systems import ActiveSpace, Molecule

WATER = SolverSurface(
    Molecule(("O", "H", "H"), water(0.958, 104.5)), ActiveSpace(freeze_core=True), VQE("uccsd")
)
GROWING = SolverSurface(WATER.molecule, ActiveSpace(freeze_core=True), ADAPTVQE())
SUPPORT = FilePath(__file__).parents[1] / "support"


def start(tmp_path, what):
    """Start a scan with two workers in a process of its own."""
    script = f"""
        from test_kills import {what}
        from worker_surfaces import Logged, water_grid
        from qmlmat.surfaces import scan

        logged = Logged({what}, {str(tmp_path / "log")!r}, pause=0.4)
        scan(logged, water_grid(), store={str(tmp_path / "killed.db")!r}, workers=2)
    """
    script = textwrap.dedent(script)
    here = os.pathsep.join([str(SUPPORT), str(FilePath(__file__).parent)])
    environment = {
        **os.environ,
        "PYTHONPATH": f"{here}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    return subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, env=environment
    )


def rows(tmp_path):
    """The rows of the store, by point, with what tells one row from another."""
    file = tmp_path / "killed.db"
    if not file.exists():
        return {}
    with ase.db.connect(str(file), use_lock_file=False) as database:
        found = [(row.point, (row.id, row.unique_id, row.mtime)) for row in database.select()]
    assert len(dict(found)) == len(found)
    return dict(found)


def finish_under_fire(tmp_path, what, path, n_kills):
    """Kill a scan until it has been killed often enough, then let it end.

    Most kills come after one or two more points, at a random moment; some while it starts.
    """
    rng = np.random.default_rng(7)
    for kill in range(n_kills):
        before = rows(tmp_path)
        wanted = min(len(before) + int(rng.integers(0, 3)), len(path) - 2)
        child = start(tmp_path, what)
        time.sleep(rng.uniform(0, 2))
        while kill % 5 and child.poll() is None and len(rows(tmp_path)) < wanted:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.5))
        assert child.poll() is None, child.communicate()
        child.kill()
        child.communicate()
        time.sleep(0.5)  # its workers end by themselves
        check_nothing_again(tmp_path, path, before)
    before = rows(tmp_path)
    child = start(tmp_path, what)
    _, errors = child.communicate()
    assert child.returncode == 0, errors
    check_nothing_again(tmp_path, path, before)


def check_nothing_again(tmp_path, path, before):
    """What was stored is the same rows, and was not evaluated since."""
    after = rows(tmp_path)
    assert {point: after.get(point) for point in before} == before
    log = tmp_path / "log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    stored = {str(path.points[point].positions.tolist()) for point in before}
    assert not stored & set(lines)
    try:
        load_scan(tmp_path / "killed.db")
    except StoreError:
        assert not (tmp_path / "killed.db").exists()  # killed before there was one


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_surface_of_water_survives_twenty_kills(tmp_path):
    """5 x 5 points by two workers: the energies of one worker that nobody disturbed."""
    path = water_grid()
    finish_under_fire(tmp_path, "WATER", path, 20)
    found, whole = load_scan(tmp_path / "killed.db"), scan(WATER, path)
    assert found.is_complete
    np.testing.assert_allclose(found.energies, whole.energies, rtol=0, atol=1e-10)
    assert found.statuses == whole.statuses


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_growing_circuits_survive_kills(tmp_path):
    """ADAPT on the same grid: the same operators in the same order at every point."""
    path = water_grid()
    finish_under_fire(tmp_path, "GROWING", path, 5)
    found, whole = load_scan(tmp_path / "killed.db"), scan(GROWING, path)
    assert found.is_complete
    for one, other in zip(found.results, whole.results, strict=True):
        assert one.solution.circuit == other.solution.circuit
    np.testing.assert_allclose(found.energies, whole.energies, rtol=0, atol=1e-10)
