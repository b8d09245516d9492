"""Stores of earlier layouts: read as they are, gone on with in their own way.

``data/schema1_*.db`` were written by commit 690c6a8, the last of layout 1: H2 in STO-3G by VQE at
0.6, 0.75, 0.9 and 1.2 Å, once to the end and once interrupted after two points.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path as FilePath

import ase.db
import numpy as np
import pytest
from typer.testing import CliRunner

from qmlmat.cli.app import app
from qmlmat.errors import StoreError, StoreMismatchError
from qmlmat.solvers import VQE
from qmlmat.surfaces import FunctionSurface, ScanStore, SolverSurface, load_scan, scan, stretch
from qmlmat.surfaces.storage.migration import SCHEMA, migrated
from qmlmat.systems import ActiveSpace, Molecule

DATA = FilePath(__file__).parent / "data"
H2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
PATH = stretch(H2, (0, 1), [0.6, 0.75, 0.9, 1.2])
SURFACE = SolverSurface(H2, ActiveSpace(), VQE("uccsd"), orbitals="canonical")


@pytest.fixture
def half(tmp_path):
    """An interrupted scan of layout 1, to be written to."""
    return FilePath(shutil.copy(DATA / "schema1_half.db", tmp_path / "half.db"))


def schema_of(file):
    with ase.db.connect(str(file), use_lock_file=False) as database:
        database.count()
        return database.metadata["qmlmat"]["schema"]


@pytest.mark.parametrize(("name", "n_points"), [("finished", 4), ("half", 2)])
def test_a_store_of_layout_1_is_read_and_not_altered(tmp_path, name, n_points):
    """Figures and tables of old scans need no conversion."""
    file = FilePath(shutil.copy(DATA / f"schema1_{name}.db", tmp_path / "old.db"))
    before = file.read_bytes()
    found = load_scan(file)
    assert sum(result is not None for result in found.results) == n_points
    assert found.path.inputs() == PATH.inputs()
    assert found.path.axes[0].name == "r(H0-H1)"
    assert found.is_complete == (name == "finished")
    assert found.results[1].orbitals is None
    assert CliRunner().invoke(app, ["plot", str(file)]).exit_code == 0
    assert file.read_bytes() == before


@pytest.mark.parametrize("workers", [1, 2])
def test_a_half_done_scan_of_layout_1_is_finished(half, workers):
    """With canonical orbitals, as it began; its rows stay, the new ones are of today."""
    old = load_scan(half)
    found = scan(SURFACE, PATH, store=half, workers=workers)
    assert found.is_complete
    assert schema_of(half) == SCHEMA
    for one, other in zip(old.results, load_scan(half).results, strict=True):
        if one is not None:
            assert other.to_dict() == one.to_dict()
    finished = load_scan(DATA / "schema1_finished.db")
    np.testing.assert_allclose(found.energies, finished.energies, atol=1e-10)
    assert found.results[3].orbitals is not None
    with ase.db.connect(str(half)) as database:
        assert [row.get("sweep") for row in database.select(sort="id")] == [None, None, 1, 1]


def test_qmlmat_resume_finishes_a_scan_of_layout_1(half):
    """The stored input is told to keep the orbitals of each point."""
    done = CliRunner().invoke(app, ["resume", str(half)])
    assert done.exit_code == 0, done.output
    header = ScanStore.load(half).header
    assert header.document["active_space"] == {"orbitals": "canonical"}
    assert header.inputs["surface"]["orbitals"] == "canonical"
    assert load_scan(half).is_complete


def test_todays_orbitals_do_not_go_on_with_a_store_of_layout_1(half):
    """What was begun one way is not finished another; the message says how to go on."""
    before = half.read_bytes()
    with pytest.raises(StoreMismatchError, match=r"surface.orbitals: 'canonical'") as info:
        scan(SolverSurface(H2, ActiveSpace(), VQE("uccsd")), PATH, store=half)
    assert '[active_space] orbitals = "canonical"' in str(info.value)
    assert half.read_bytes() == before


def test_a_migration_that_is_cut_short_leaves_the_old_store(half, monkeypatch):
    """It is one transaction: before its commit nothing has changed."""

    def killed(*_args):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("ase.db.sqlite.SQLite3Database.__exit__", killed)
        with pytest.raises(SystemExit):
            scan(SURFACE, PATH, store=half)
    assert schema_of(half) == 1
    assert scan(SURFACE, PATH, store=half).is_complete


def test_a_newer_store_is_refused_with_the_remedy(half):
    """It is neither read nor written."""
    with closing(sqlite3.connect(half)) as connection:
        connection.execute(
            "UPDATE information SET value = replace(value, '\"schema\": 1', '\"schema\": 3')"
        )
        connection.commit()
    before = half.read_bytes()
    for use in (load_scan, lambda file: scan(SURFACE, PATH, store=file)):
        with pytest.raises(StoreError, match=r"layout 3.*pip install --upgrade qmlmat"):
            use(half)
    assert half.read_bytes() == before


def test_a_function_of_layout_1_has_no_orbitals():
    """Only a molecule's surface is told how it chose them."""
    function = FunctionSurface(abs).inputs()
    path = {"name": "r", "unit": "angstrom", "coordinates": [1.0, 2.0]}
    old = {"schema": 1, "inputs": {"surface": function, "path": path}, "document": None}
    new = migrated(old)
    assert new["inputs"]["surface"] == function
    assert new["inputs"]["path"]["coordinates"] == [[1.0], [2.0]]
    assert old["inputs"]["path"] == {"name": "r", "unit": "angstrom", "coordinates": [1.0, 2.0]}
    assert new["document"] is None


def test_a_start_that_a_stored_solution_cannot_give_is_the_stores_error(half):
    """An angle too few in the parent's row: not a matter of guesses the user never gave."""
    with ase.db.connect(str(half), use_lock_file=False) as database:
        rows = list(database.select())
        for row in rows:
            data = row.data
            data["result"]["solution"]["circuit"] = None
            data["result"]["solution"]["params"].pop()
            database.update(row.id, data=data)
    with pytest.raises(StoreError, match=r"stored solution at .* cannot be gone on from") as info:
        scan(SURFACE, PATH, store=half)
    assert "--store PATH" in str(info.value)
