"""Workers: the same answer from any number of them, and none of them can stop a scan."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import get_context
from pathlib import Path as FilePath

import ase.db
import numpy as np
import pytest
from worker_surfaces import NO_FIELD, Chain, Talkative, Threads, Unsendable, toy_grid

from qmlmat.errors import InputError, PointWarning, QmlmatWarning, StoreError
from qmlmat.solvers import VQE
from qmlmat.surfaces import FunctionSurface, SolverSurface, load_scan, scan, stretch
from qmlmat.systems import ActiveSpace, Molecule

GRID = toy_grid()
H2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])


def chain(tmp_path, name="log", **what):
    return Chain(str(tmp_path / name), **what)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The energies of the toy grid by one worker."""
    return scan(chain(tmp_path_factory.mktemp("one")), GRID).energies


class Inline(Executor):
    """An executor whose workers are lost at the chosen tasks, counted from 0."""

    def __init__(self, losses, *, broken=False):
        self.losses = losses
        self.broken = broken
        self.count = 0
        self.is_dead = False

    def submit(self, fn, /, *args):
        if self.is_dead:
            raise BrokenExecutor("all gone")
        number, self.count = self.count, self.count + 1
        future = Future()
        if number in self.losses:
            self.is_dead = self.broken
            future.set_exception(self.losses[number])
        else:
            future.set_result(fn(*args))
        return future


class KilledWorker(Exception):  # noqa: N818 - the name is what matters
    """Has the name of what Dask raises."""


def test_two_workers_give_the_energies_of_one(tmp_path, expected):
    """To the last bit, from two other processes, with the store read back as it was written."""
    surface = chain(tmp_path, pause=0.05)
    found = scan(surface, GRID, store=tmp_path / "toy.db", workers=2)
    np.testing.assert_array_equal(found.energies, expected)
    np.testing.assert_array_equal(load_scan(tmp_path / "toy.db").energies, expected)
    assert len(surface.seen()) == len(GRID)
    assert os.getpid() not in surface.pids()
    with ase.db.connect(str(tmp_path / "toy.db")) as database:
        rows = list(database.select())
    assert {row.data["provenance"]["pid"] for row in rows} == surface.pids()
    assert {row.sweep for row in rows} == {1}


def test_two_workers_give_the_energies_of_one_for_a_real_solver(tmp_path):
    """H2 by VQE: warm starts and followed orbitals go through other processes unchanged."""
    surface = SolverSurface(H2, ActiveSpace(), VQE("uccsd"))
    path = stretch(H2, (0, 1), [0.6, 0.7, 0.8, 1.0, 1.3])
    one = scan(surface, path)
    two = scan(surface, path, workers=2)
    np.testing.assert_array_equal(two.energies, one.energies)
    assert two.is_converged


@pytest.mark.parametrize("stop", range(len(GRID)))
def test_resumed_by_threads_equals_uninterrupted(tmp_path, expected, stop):
    """Interrupted after any number of points: what had arrived is kept, the rest is computed."""
    store = tmp_path / "toy.db"

    def interrupt(progress):
        if progress.done == stop:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(KeyboardInterrupt):
            scan(chain(tmp_path), GRID, store=store, workers=pool, on_point=interrupt)
        n_stored = sum(result is not None for result in load_scan(store).results)
        assert n_stored >= stop
        second = chain(tmp_path, "second")
        again = scan(second, GRID, store=store, workers=pool)
    assert len(second.seen()) == len(GRID) - n_stored
    np.testing.assert_array_equal(again.energies, expected)


@pytest.mark.slow
def test_a_worker_that_dies_costs_a_point_only_if_it_dies_there_twice(tmp_path, expected):
    """One place kills once and is computed; another kills always, and the rest goes on."""
    once, always = (0.8, 0.6), (1.1, 0.3)
    surface = chain(tmp_path, kills_once=(once,), kills=(always,))
    store = tmp_path / "toy.db"
    found = scan(surface, GRID, store=store, workers=2)
    bad = GRID.coordinates.tolist().index(list(always))
    assert found.statuses[bad].startswith("failed: its worker process died twice (ended by SIGKILL")
    assert "--retry-failed" in found.statuses[bad]
    assert surface.seen().count(str(always)) == 3
    assert surface.seen().count(str(once)) == 2
    assert load_scan(store).statuses == found.statuses
    good = [k for k in range(len(GRID)) if k != bad and GRID.parents[k] != bad]
    np.testing.assert_array_equal(found.energies[good], expected[good])
    assert found.is_complete
    mended = chain(tmp_path, "mended")
    again = scan(mended, GRID, store=store, retry_failed=True)
    assert mended.seen() == [str(always)]
    assert again.energies[bad] == expected[bad]


def test_a_pool_that_lost_one_worker_is_asked_again(tmp_path, expected):
    """Dask's KilledWorker: the pool goes on, and the point is tried again."""
    pool = Inline({1: KilledWorker("no"), 2: KilledWorker("no")})
    found = scan(chain(tmp_path), GRID, workers=pool)
    np.testing.assert_array_equal(found.energies, expected)


def test_a_pool_that_loses_a_point_again_and_again_fails_it(tmp_path):
    """Once among others, twice alone; then its children start from its parent."""
    pool = Inline({k: KilledWorker("the scheduler\nsays so") for k in range(3)})
    found = scan(chain(tmp_path), GRID, workers=pool)
    assert "died twice (the scheduler says so)" in found.statuses[GRID.root]
    assert sum(status == "converged" for status in found.statuses) == len(GRID) - 1


@pytest.mark.slow
def test_a_pool_that_is_broken_for_good_is_replaced(tmp_path, expected):
    """What it had under way goes to processes of our own, and a warning says so."""
    pool = Inline({3: BrokenExecutor("all gone")}, broken=True)
    surface = chain(tmp_path)
    with pytest.warns(QmlmatWarning, match=r"scan\(workers=Inline\).*all gone.*on this machine"):
        found = scan(surface, GRID, workers=pool, store=tmp_path / "toy.db")
    np.testing.assert_array_equal(found.energies, expected)
    assert len(surface.seen()) == len(GRID)


@pytest.mark.slow
def test_pythons_own_pool_is_replaced_when_it_loses_a_worker(tmp_path, expected):
    """It breaks as a whole; the scan does not."""
    surface = chain(tmp_path, kills_once=((0.8, 0.3),))
    with (
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
        pytest.warns(QmlmatWarning, match=r"scan\(workers=ProcessPoolExecutor\)"),
    ):
        found = scan(surface, GRID, workers=pool)
    np.testing.assert_array_equal(found.energies, expected)


def test_what_an_executor_raises_for_other_reasons_passes_through(tmp_path):
    """A point is not failed for a reason that is none of its own."""
    with pytest.raises(OSError, match="no network"):
        scan(chain(tmp_path), GRID, workers=Inline({0: OSError("no network")}))
    with pytest.raises(InputError, match="top of a module"):
        scan(chain(tmp_path), GRID, workers=Inline({0: AttributeError("no f in __main__")}))


@pytest.mark.parametrize("workers", [0, -1, True, 2.0, "2", None])
def test_workers_are_a_number_or_an_executor(tmp_path, workers):
    """Refused before a store is made."""
    with pytest.raises(InputError, match=r"Give 1 or more, or an object with submit"):
        scan(chain(tmp_path), GRID, workers=workers, store=tmp_path / "toy.db")
    assert list(tmp_path.iterdir()) == []


def test_a_surface_that_cannot_be_sent_is_refused_at_once(tmp_path):
    """A lambda stays in this process; threads can have it."""
    surface = FunctionSurface(lambda x: float(x[1, 2]), name="line")
    with pytest.raises(InputError, match="or a ThreadPoolExecutor"):
        scan(surface, GRID, workers=2, store=tmp_path / "toy.db")
    assert list(tmp_path.iterdir()) == []
    with ThreadPoolExecutor(2) as pool:
        assert scan(surface, GRID, workers=pool).is_complete


def run_script(tmp_path, text):
    """Run a script in a process of its own, as a user would."""
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    command = [sys.executable, str(file)]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=200
    )


SCRIPT = """
    from qmlmat.surfaces import FunctionSurface, scan, stretch
    from qmlmat.systems import Molecule

    def line(x):
        return float(x[1, 2])

    h2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
    path = stretch(h2, (0, 1), [0.6, 0.7, 0.8])
"""


def test_a_function_of_a_script_is_found_by_its_workers(tmp_path):
    """The script is imported by each worker; its guard keeps it from starting again."""
    done = run_script(
        tmp_path,
        SCRIPT
        + """
    if __name__ == "__main__":
        print(scan(FunctionSurface(line), path, workers=2).energies[:, 0].tolist())
    """,
    )
    assert done.stdout == "[0.6, 0.7, 0.8]\n", done.stderr


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so(tmp_path):
    """The most common mistake with processes: neither a hang nor processes without end."""
    done = run_script(tmp_path, SCRIPT + "\n    scan(FunctionSurface(line), path, workers=2)\n")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert 'if __name__ == "__main__":' in last
    assert last.startswith("qmlmat.errors.InputError")
    assert done.stderr.count("Traceback") == 1  # the scan's own: its workers ended quietly


def test_a_function_that_workers_cannot_import_is_refused(tmp_path):
    """Typed into an interpreter or a notebook it is nowhere else."""
    text = SCRIPT + "\n    scan(FunctionSurface(line), path, workers=2, store='line.db')\n"
    command = [sys.executable, "-c", textwrap.dedent(text)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=200
    )
    assert done.returncode == 1
    assert "cannot be unpickled (AttributeError" in done.stderr.strip().splitlines()[-1]
    assert not any(load_scan(tmp_path / "line.db").results)


def test_a_result_that_cannot_be_sent_is_refused():
    """One process can have it."""
    path = toy_grid((0.7,), (0.0,), root=0)
    with pytest.raises(InputError, match="a result cannot be sent"):
        scan(Unsendable(), path, workers=2)
    assert scan(Unsendable(), path).is_complete


def test_an_error_in_a_worker_is_raised_here_after_what_arrived_is_stored(tmp_path):
    """A bug ends the scan with its own class, and the worker's traceback with it."""
    last = tuple(GRID.coordinates[-1].tolist())
    surface = chain(tmp_path, errors=((last, LookupError("a bug")),))
    with pytest.raises(LookupError, match="a bug") as info:
        scan(surface, GRID, store=tmp_path / "toy.db", workers=2)
    assert "worker_surfaces.py" in "".join(info.value.__notes__)
    stored = load_scan(tmp_path / "toy.db")
    n_stored = sum(result is not None for result in stored.results)
    assert n_stored >= len(GRID) - 4  # no more than four are under way


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NO_FIELD, "failed: no field"),
        (np.linalg.LinAlgError("singular"), "failed: LinAlgError: singular"),
        (ZeroDivisionError("x/0"), "failed: ZeroDivisionError: x/0"),
        (MemoryError("4 TiB"), "failed: MemoryError: 4 TiB"),
    ],
)
def test_a_numerical_failure_costs_one_point(tmp_path, error, status):
    """Its children start from its parent."""
    here = tuple(GRID.coordinates[GRID.root + 1].tolist())
    with ThreadPoolExecutor(2) as pool:
        found = scan(chain(tmp_path, errors=((here, error),)), GRID, workers=pool)
    assert found.statuses[GRID.root + 1] == status
    assert found.is_complete


@pytest.mark.slow
def test_each_worker_has_one_thread_unless_the_environment_says_otherwise(monkeypatch):
    """The variables are right when the process starts, and here as they were afterwards."""
    for name in ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for given, n_threads in ((None, 1), ("2,1", 2)):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        if given is not None:
            monkeypatch.setenv("OMP_NUM_THREADS", given)
        before = dict(os.environ)
        path = stretch(H2, (0, 1), [0.7, 0.8])
        (result, _) = scan(Threads(), path, workers=2).results
        found = {name: value for name, value in result.columns.items() if name[:3] == "of_"}
        assert found == dict.fromkeys(found, n_threads)
        assert dict(os.environ) == before


def test_warnings_come_once_with_their_place_and_are_notes(tmp_path):
    """From this process, from threads; and other people's warnings as they are."""
    path = toy_grid((0.7, 0.8), (0.0,), root=0)
    with ThreadPoolExecutor(2) as pool:
        for workers in (1, pool):
            with pytest.warns(PointWarning) as caught:
                found = scan(Talkative(), path, workers=workers, store=None)
            texts = [str(warning.message) for warning in caught]
            assert texts == [
                "length = 0.7 Å, height = 0 Å: known to the notes",
                "length = 0.7 Å, height = 0 Å: only said at 0.7",
                "length = 0.8 Å, height = 0 Å: known to the notes",
                "length = 0.8 Å, height = 0 Å: only said at 0.8",
            ]
            assert FilePath(caught[0].filename) == FilePath(__file__)
            assert found.results[0].notes == ("known to the notes", "only said at 0.7")


def test_a_warning_that_is_an_error_comes_after_the_point_is_stored(tmp_path):
    """-W error does not turn a computed point into a lost one, nor lasts longer than the scan."""
    path = toy_grid((0.7, 0.8), (0.0,), root=0)
    before = list(warnings.filters)
    with pytest.raises(PointWarning, match="known to the notes"):
        scan(Talkative(), path, store=tmp_path / "toy.db")
    assert load_scan(tmp_path / "toy.db").results[0] is not None
    assert list(warnings.filters) == before


def start_scan(tmp_path, n_lines):
    """Start a scan of a long path by two workers; return it once some points are under way."""
    script = f"""
        import signal
        from worker_surfaces import Chain, toy_grid
        from qmlmat.surfaces import scan

        signal.signal(signal.SIGINT, signal.default_int_handler)
        surface = Chain({str(tmp_path / "log")!r}, pause=0.2)
        path = toy_grid([0.5 + k / 100 for k in range(100)], [0.0, 0.3], root=0)
        scan(surface, path, store={str(tmp_path / "toy.db")!r}, workers=2)
    """
    support = FilePath(__file__).parents[2] / "support"
    paths = os.pathsep.join([str(support), os.environ.get("PYTHONPATH", "")])
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,
    )
    log = Chain(str(tmp_path / "log"))
    while child.poll() is None and (len(log.seen()) < n_lines or len(log.pids()) < 2):
        time.sleep(0.05)
    assert child.poll() is None, child.communicate()[1]
    return child, log


def is_alive(pid):
    try:
        state = FilePath(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.split()[0] != "Z"


def wait_for_the_end_of(pids):
    for _ in range(100):
        if not any(is_alive(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.skipif(not FilePath("/proc/self/stat").exists(), reason="looks into /proc")
def test_workers_end_with_the_scan_that_started_them(tmp_path):
    """SIGKILL of the main process leaves no orphans computing, and no torn store."""
    child, log = start_scan(tmp_path, 5)
    child.kill()
    child.communicate()
    assert wait_for_the_end_of(log.pids())
    stored = load_scan(tmp_path / "toy.db")
    assert sum(result is not None for result in stored.results) >= 1


@pytest.mark.slow
@pytest.mark.skipif(not FilePath("/proc/self/stat").exists(), reason="looks into /proc")
def test_ctrl_c_ends_the_workers_and_keeps_what_has_arrived(tmp_path):
    """The terminal interrupts the whole group: one KeyboardInterrupt, no worker's traceback."""
    child, log = start_scan(tmp_path, 5)
    os.killpg(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert errors.count("Traceback") == 1
    assert errors.strip().endswith("KeyboardInterrupt")
    assert not any(is_alive(pid) for pid in log.pids())
    stored = load_scan(tmp_path / "toy.db")
    assert 3 <= sum(result is not None for result in stored.results) < 200


def test_a_full_disk_ends_a_scan_with_workers(tmp_path, monkeypatch):
    """The message is the store's, and nothing is left running."""

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr("ase.db.sqlite.SQLite3Database._write", full)
        with pytest.raises(StoreError, match="No space left"):
            scan(chain(tmp_path), GRID, store=tmp_path / "toy.db", workers=pool)


def test_filters_of_warnings_are_left_in_their_order():
    """Also where one is there already that says what listening needs."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", QmlmatWarning)
        warnings.simplefilter("ignore", PointWarning)
        before = list(warnings.filters)
        path = toy_grid((0.7,), (0.0,), root=0)
        scan(Talkative(), path)
        assert list(warnings.filters) == before
