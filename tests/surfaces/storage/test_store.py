"""Stores: refusals that name the reason and leave the file alone; ASE reads what we write."""

import os
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from functools import partial

import ase.db
import numpy as np
import pytest
from ase import Atoms

from qmlmat.errors import InputError, StoreError, StoreMismatchError
from qmlmat.solvers import VQE
from qmlmat.surfaces import (
    FunctionSurface,
    Path,
    PointResult,
    ScanStore,
    SolverSurface,
    StoreHeader,
    load_scan,
    scan,
    stretch,
)
from qmlmat.surfaces.running.schedule import OUTWARD, RETURN
from qmlmat.surfaces.storage.store import _create
from qmlmat.surfaces.surface import FAILED
from qmlmat.systems import ActiveSpace, Molecule
from qmlmat.units import HARTREE_IN_EV

H2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
PATH = stretch(H2, (0, 1), [0.6, 0.7, 0.8])
SURFACE = FunctionSurface(lambda x: float(x[1, 2] ** 2 - 1.1), name="parabola")


def _header(path: Path = PATH, **surface):
    return StoreHeader(inputs={"surface": surface, "path": path.inputs()})


@pytest.fixture
def store(tmp_path):
    """A complete store of three points."""
    file = tmp_path / "h2.db"
    scan(SURFACE, PATH, store=file, title="parabola")
    return file


def test_ase_reads_the_energies_in_ev(store):
    """Opened by ASE alone, each row is the geometry with its energy in eV."""
    with ase.db.connect(str(store)) as database:
        rows = sorted(database.select(), key=lambda row: row.point)
        assert database.metadata["title"] == "parabola"
    assert [row.coordinate for row in rows] == [0.6, 0.7, 0.8]
    for row, point in zip(rows, PATH.points, strict=True):
        atoms = row.toatoms()
        energy = point.positions[1, 2] ** 2 - 1.1
        assert atoms.get_potential_energy() == pytest.approx(energy * HARTREE_IN_EV, abs=1e-12)
        assert row.total_energy == energy
        assert (row.status, row.energy_unit) == ("converged", "hartree")
        np.testing.assert_array_equal(atoms.positions, point.positions)


def test_each_row_says_where_it_is_from(tmp_path):
    """Hash of the inputs, seed, settings, versions, time and process; columns to select by."""
    surface = SolverSurface(H2, ActiveSpace(), VQE("uccsd"), seed=3)
    found = scan(surface, PATH, store=tmp_path / "h2.db")
    header = ScanStore.load(tmp_path / "h2.db").header
    with ase.db.connect(str(tmp_path / "h2.db")) as database:
        rows = sorted(database.select(), key=lambda row: row.point)
        assert database.count("n_params=3,orbital_overlap>0.9") == 2
    for row, result in zip(rows, found.results, strict=True):
        origin = row.data["provenance"]
        assert origin["inputs_hash"] == header.inputs_hash
        assert (origin["seed"], origin["settings"]) == (3, VQE("uccsd").inputs())
        assert origin["pid"] == os.getpid()
        assert {"versions", "platform", "time", "host", "threads"} <= set(origin)
        assert 0 < result.wall_time <= origin["wall_time"]
        assert (row.n_params, row.sweep) == (3, 1)
        assert row.spin_square == pytest.approx(0, abs=1e-9)
        assert row.get("orbital_overlap") == result.overlap


def test_energies_in_ev_stay_in_ev(tmp_path):
    """A surface in eV is stored unconverted, its forces too."""
    opened = ScanStore.open(tmp_path / "ev.db", _header())
    result = PointResult(
        energies=np.array([2.5]),
        unit="eV",
        forces=np.ones((2, 3)),
        reference=2.25,
        columns={"hartree_fock": 3.0, "H": 1.0},
    )
    opened.write(1, PATH.points[1], result)
    with ase.db.connect(str(tmp_path / "ev.db")) as database:
        row = database.get(point=1)
    assert (row.energy, row.error, row.hartree_fock) == (2.5, 0.25, 3.0)
    np.testing.assert_array_equal(row.forces, np.ones((2, 3)))


def test_a_failed_point_has_a_row_without_an_energy(tmp_path):
    """The failure is stored with its reason, and nobody reads an energy from it."""
    opened = ScanStore.open(tmp_path / "h2.db", _header())
    failed = PointResult(energies=np.array([np.nan]), status=f"{FAILED}: no")
    opened.write(0, PATH.points[0], failed)
    with ase.db.connect(str(tmp_path / "h2.db")) as database:
        row = database.get(point=0)
    assert row.get("energy") is None
    assert row.status == "failed: no"
    assert opened.results()[0].failed


def test_the_first_row_of_a_point_is_the_one_that_counts(tmp_path):
    """Should two processes ever write the same point, the answer does not change any more."""
    opened = ScanStore.open(tmp_path / "h2.db", _header())
    for energy in (1.0, 2.0):
        opened.write(0, PATH.points[0], PointResult(energies=np.array([energy])))
    assert opened.results()[0].energies[0] == 1.0


def test_a_store_of_other_inputs_is_refused_with_the_difference_named(store):
    """The message says what differs and what to do; the file stays as it is."""
    before = store.read_bytes()
    other = FunctionSurface(SURFACE.function, name="cubic")
    with pytest.raises(StoreMismatchError, match=r"surface.function: 'parabola' against 'cubic'"):
        scan(other, PATH, store=store)
    longer = stretch(H2, (0, 1), [0.6, 0.7, 0.9])
    with pytest.raises(
        StoreMismatchError, match=r"path.coordinates\[2\]\[0\]: 0.8 against 0.9"
    ) as info:
        scan(SURFACE, longer, store=store)
    assert "--store PATH" in str(info.value)
    assert store.read_bytes() == before


def test_many_differences_are_counted(store):
    """A wholly different scan is not answered with a screenful."""
    other = stretch(H2, (0, 1), [1.0, 1.1, 1.3])
    with pytest.raises(StoreMismatchError, match=r"and \d+ more"):
        scan(FunctionSurface(abs, name="other", unit="eV"), other, store=store)


def test_an_edited_title_reaches_the_store(store):
    """Words are not inputs: the new ones are kept, and the computed points too."""
    whole = load_scan(store)
    found = scan(SURFACE, PATH, store=store, title="edited", document={"title": "edited"})
    header = ScanStore.load(store).header
    assert (found.title, header.title, header.document) == ("edited", "edited", {"title": "edited"})
    with ase.db.connect(str(store)) as database:
        assert database.metadata["title"] == "edited"
    np.testing.assert_array_equal(load_scan(store).energies, whole.energies)
    found = scan(SURFACE, PATH, store=store)  # nothing said: what is stored stays
    assert (found.title, ScanStore.load(store).header.document) == ("edited", {"title": "edited"})


def test_a_store_made_meanwhile_is_not_overwritten(tmp_path, store):
    """Between looking and making, another process may have made the file: its points stay."""
    before = store.read_bytes()
    _create(store, _header(a=1))
    assert store.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["h2.db"]


def test_a_store_is_made_also_where_files_cannot_be_linked(tmp_path, monkeypatch):
    """Some file systems know no hard links."""

    def refuse(*_args):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    scan(SURFACE, PATH, store=tmp_path / "h2.db")
    assert [file.name for file in tmp_path.iterdir()] == ["h2.db"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_two_scans_cannot_write_one_store(tmp_path):
    """The second is refused before it computes; a lock left by a killed scan means nothing."""
    store = tmp_path / "h2.db"
    (tmp_path / "other.db").symlink_to(store)
    (tmp_path / ".h2.db.lock").touch()
    seen = []

    def again(progress):
        for name in ("h2.db", "other.db"):
            with pytest.raises(StoreError, match="another scan is writing this store"):
                scan(SURFACE, PATH, store=tmp_path / name)
        seen.append(progress.done)

    scan(SURFACE, PATH, store=store, on_point=again)
    assert seen == [0, 1, 2, 3]
    assert load_scan(store).is_complete
    assert {file.name for file in tmp_path.iterdir()} == {"h2.db", "other.db"}
    with ase.db.connect(str(store)) as database:
        assert database.count() == len(PATH)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_the_lock_of_a_killed_process_is_free(tmp_path):
    """Another process holds it and the scan is refused; SIGKILL, and the system releases it."""
    lock = tmp_path / ".h2.db.lock"
    script = f"""
        import fcntl, time
        held = open({str(lock)!r}, "w")
        fcntl.flock(held, fcntl.LOCK_EX)
        print("held", flush=True)
        time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "held\n"
            with pytest.raises(StoreError, match="another scan is writing"):
                scan(SURFACE, PATH, store=tmp_path / "h2.db")
        finally:
            child.kill()
    assert lock.exists()
    assert scan(SURFACE, PATH, store=tmp_path / "h2.db").is_complete


def test_a_function_without_a_name_needs_one_for_a_store(tmp_path):
    """Two lambdas look the same to a store: their points would be mixed."""
    nameless = FunctionSurface(lambda x: float(x[1, 2]))
    assert scan(nameless, PATH).is_complete
    for surface in (nameless, FunctionSurface(partial(np.max, axis=None))):
        with pytest.raises(InputError, match=r'name="\.\.\."'):
            scan(surface, PATH, store=tmp_path / "h2.db")
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_points_takes_new_inputs(tmp_path):
    """A scan that was refused before its first point does not stand in the way."""
    file = tmp_path / "h2.db"
    ScanStore.open(file, _header(a=1))
    ScanStore.open(file, _header(a=2))
    assert ScanStore.load(file).header.inputs["surface"] == {"a": 2}


def test_the_hash_follows_the_inputs_only():
    """Titles and documents are not inputs; every input is."""
    plain = StoreHeader(inputs={"path": {}, "a": 1.0})
    assert plain.inputs_hash == StoreHeader(inputs={"a": 1.0, "path": {}}, title="t").inputs_hash
    assert plain.inputs_hash != StoreHeader(inputs={"path": {}, "a": 1.0 + 1e-15}).inputs_hash


@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_store_is_refused_and_left_alone(store, part):
    """Whatever is missing from the end, the answer is one clear sentence."""
    whole = store.read_bytes()
    store.write_bytes(whole[: int(part * len(whole))])
    before = store.read_bytes()
    for use in (load_scan, lambda file: scan(SURFACE, PATH, store=file)):
        with pytest.raises(StoreError, match="restore a copy"):
            use(store)
    assert store.read_bytes() == before
    assert [file.name for file in store.parent.iterdir()] == [store.name]


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x00" * 4096, b"SQLite format 3\x00" + b"x" * 99]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, content):
    """The user's file is never overwritten."""
    file = tmp_path / "notes.db"
    file.write_bytes(content)
    with pytest.raises(StoreError, match="left as it is"):
        scan(SURFACE, PATH, store=file)
    assert file.read_bytes() == content


def test_somebody_elses_sqlite_database_is_refused_and_left_alone(tmp_path):
    """ASE would add its tables to it; we do not let it."""
    file = tmp_path / "mail.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE mail (subject TEXT)")
        connection.commit()
    before = file.read_bytes()
    with pytest.raises(StoreError, match="not made by qmlmat"):
        scan(SURFACE, PATH, store=file)
    assert file.read_bytes() == before


def test_somebody_elses_ase_database_is_refused_and_left_alone(tmp_path):
    """An ASE database of other origin is not ours to write to."""
    file = tmp_path / "relaxed.db"
    with ase.db.connect(str(file), use_lock_file=False) as database:
        database.write(Atoms("H2"))
    before = file.read_bytes()
    with pytest.raises(StoreError, match="not made by qmlmat"):
        scan(SURFACE, PATH, store=file)
    assert file.read_bytes() == before


def _edit(store, change):
    with ase.db.connect(str(store), type="db", use_lock_file=False) as database:
        database.count()
        metadata = database.metadata
        change(metadata["qmlmat"])
        database.metadata = metadata


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update(schema=99), "layout 99"),
        (lambda m: m.update(inputs_hash="0"), "do not match their hash"),
        (lambda m: m.pop("inputs"), "not a readable store"),
    ],
)
def test_a_store_whose_metadata_are_wrong_is_refused(store, change, reason):
    """A newer layout, edited inputs and missing parts are told apart."""
    _edit(store, change)
    with pytest.raises(StoreError, match=reason):
        load_scan(store)


def test_a_row_that_cannot_be_read_is_named_as_damage(store):
    """A row without its result is not silently skipped."""
    with ase.db.connect(str(store), type="db", use_lock_file=False) as database:
        database.write(Atoms("H2"), point=1)
        database.delete([1])
    with pytest.raises(StoreError, match="not a readable store"):
        load_scan(store)


def test_a_missing_store_names_the_command_that_makes_one(tmp_path):
    """A typo in the name is not answered with an empty scan."""
    with pytest.raises(StoreError, match="qmlmat scan"):
        load_scan(tmp_path / "none.db")


def test_a_folder_is_no_store(tmp_path):
    """Nor is a folder taken for a file."""
    with pytest.raises(StoreError, match="Name a file in it"):
        load_scan(tmp_path)


def test_a_place_under_a_file_or_in_proc_cannot_be_written(tmp_path):
    """Unwritable places are refused before any work, also for root."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="is not a folder"):
        ScanStore.open(tmp_path / "file" / "h2.db", _header())
    with pytest.raises(StoreError, match="cannot be written"):
        ScanStore.open("/proc/h2.db", _header())


def test_a_read_only_store_can_be_read_but_not_resumed(store, monkeypatch):
    """Plots need no write permission; a scan asks for it before it computes."""
    monkeypatch.setattr("os.access", lambda *_: False)
    assert load_scan(store).is_complete
    with pytest.raises(StoreError, match="read-only"):
        scan(SURFACE, PATH, store=store)


def test_a_store_that_cannot_be_read_says_so(store, monkeypatch):
    """Permission to read is asked for by name."""

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(StoreError, match="Restore read permission"):
        load_scan(store)


def test_a_full_disk_is_reported_with_the_point(store, monkeypatch):
    """What was stored before stays; the message says how to go on."""
    opened = ScanStore.load(store)

    def full(*_args, **_kwargs):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("ase.db.sqlite.SQLite3Database.write", full)
    with pytest.raises(StoreError, match=r"point 2 could not be stored .database or disk"):
        opened.write(2, PATH.points[2], PointResult(energies=np.array([1.0])))


def test_a_home_folder_is_expanded(tmp_path, monkeypatch):
    """~ means what a shell means by it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    scan(SURFACE, PATH, store="~/h2.db")
    assert load_scan(tmp_path / "h2.db").is_complete


def test_a_write_that_a_kill_cut_short_is_rolled_back(store):
    """A journal left behind by a dying process is SQLite's to undo; every finished row stays."""
    whole = load_scan(store).energies
    script = f"""
        import os, sqlite3
        connection = sqlite3.connect({str(store)!r}, isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE systems SET data = randomblob(200000)")
        connection.execute("UPDATE systems SET natoms = 7")
        os._exit(9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert store.with_name("h2.db-journal").exists()
    np.testing.assert_array_equal(load_scan(store).energies, whole)


def test_a_point_mended_by_a_retry_is_mended_in_the_store(tmp_path):
    """The failed row gives way to the new one: loaded again, the scan has every energy."""
    file = tmp_path / "h2.db"

    def torn(x):
        return np.nan if x[1, 2] == 0.7 else SURFACE.function(x)

    broken = scan(FunctionSurface(torn, name="parabola"), PATH, store=file)
    assert np.isnan(broken.energies[:, 0]).tolist() == [False, True, False]
    mended = scan(SURFACE, PATH, store=file, retry_failed=True)
    expected = scan(SURFACE, PATH).energies
    np.testing.assert_array_equal(mended.energies, expected)
    np.testing.assert_array_equal(load_scan(file).energies, expected)
    with ase.db.connect(str(file)) as database:
        assert database.count() == 3


def test_a_new_result_replaces_failures_of_its_sweep_and_of_later_ones(tmp_path):
    """What the return sweep made of a failure is no longer true; what came before still is."""
    opened = ScanStore.open(tmp_path / "h2.db", _header())
    failed = PointResult(energies=np.array([np.nan]), status=f"{FAILED}: no")
    for sweep in (OUTWARD, RETURN):
        opened.write(0, PATH.points[0], failed, sweep=sweep)
    assert set(opened.rows()) == {(0, OUTWARD), (0, RETURN)}
    opened.write(0, PATH.points[0], PointResult(energies=np.array([1.0])))
    assert set(opened.rows()) == {(0, OUTWARD)}
    assert opened.results()[0].energies[0] == 1.0
