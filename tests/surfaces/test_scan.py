"""Scans: fixed parents, failures recorded, and resumed equals uninterrupted."""

import os
import signal
import subprocess
import sys
import textwrap
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest

from qmlmat.errors import (
    CapabilityError,
    InputError,
    MeanFieldError,
    StoreError,
    VariationalError,
)
from qmlmat.solvers import VQE, Exact, Solution
from qmlmat.surfaces import (
    FunctionSurface,
    Geometry,
    PointResult,
    Scan,
    ScanStore,
    SolverSurface,
    load_scan,
    scan,
    stretch,
)
from qmlmat.systems import ActiveSpace, Molecule

H2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
LENGTHS = [0.5, 0.7, 0.9, 1.2, 1.6, 2.2]
PATH = stretch(H2, (0, 1), LENGTHS)


@dataclass
class Chain:
    """A surface whose energy tells which chain of parents led to it; it can fail on demand."""

    failing: dict = field(default_factory=dict)
    seen: list = field(default_factory=list)

    def inputs(self):
        return {"function": "chain"}

    def evaluate(self, point: Geometry, *, guess=None):
        length = round(point.distance(0, 1), 6)
        self.seen.append(length)
        if length in self.failing:
            raise self.failing[length]
        own = 0.0 if guess is None else guess.energies[0]
        energies = np.array([own / 3 + length])
        solution = Solution(energies=energies, unit="hartree", status="converged")
        return PointResult(energies=energies, solution=solution, reference=length)


def test_each_point_starts_from_its_parent():
    """The chain's energies follow from the tree alone: E = E(parent)/3 + r."""
    found = scan(Chain(), PATH)
    for index in PATH.order():
        parent = PATH.parents[index]
        expected = PATH.along()[index] + (0 if parent is None else found.energies[parent, 0] / 3)
        assert found.energies[index, 0] == pytest.approx(expected, abs=1e-15)
    assert found.is_complete
    assert found.is_converged


def test_points_are_evaluated_in_the_paths_order():
    """Parents come before children, nothing twice."""
    surface = Chain()
    scan(surface, PATH)
    assert surface.seen == [LENGTHS[index] for index in PATH.order()]


@pytest.mark.parametrize("stop", range(len(LENGTHS)))
def test_resumed_equals_uninterrupted(tmp_path, stop):
    """Interrupted after any number of points, the second run gives the same bits."""
    whole = scan(Chain(), PATH)
    store = tmp_path / "h2.db"
    length = LENGTHS[PATH.order()[stop]]
    with pytest.raises(KeyboardInterrupt):
        scan(Chain(failing={length: KeyboardInterrupt()}), PATH, store=store)
    part = load_scan(store)
    assert sum(result is not None for result in part.results) == stop
    assert part.is_complete is False
    second = Chain()
    again = scan(second, PATH, store=store)
    assert len(second.seen) == len(LENGTHS) - stop
    np.testing.assert_array_equal(again.energies, whole.energies)
    np.testing.assert_array_equal(load_scan(store).energies, whole.energies)


def test_resumed_vqe_equals_uninterrupted(tmp_path):
    """With a real solver, warm starts from the store give the same energies."""
    surface = SolverSurface(H2, ActiveSpace(), VQE("uccsd"))
    path = stretch(H2, (0, 1), [0.6, 0.75, 1.0, 1.4])
    whole = scan(surface, path)
    store = tmp_path / "h2.db"

    def stop(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(surface, path, store=store, on_point=stop)
    again = scan(surface, path, store=store)
    assert again.energies == pytest.approx(whole.energies, abs=1e-12)
    assert np.abs(again.errors).max() < 1e-8


def test_a_failed_point_is_recorded_and_its_children_start_from_its_parent(tmp_path):
    """One bad point costs one point; the nearest successful ancestor gives the start."""
    index = PATH.root + 1
    length = LENGTHS[index]
    store = tmp_path / "h2.db"
    surface = Chain(failing={length: MeanFieldError("no\nconvergence")})
    found = scan(surface, PATH, store=store)
    assert found.statuses[index] == "failed: no convergence"
    assert np.isnan(found.energies[index]).all()
    assert found.is_complete
    assert not found.is_converged
    child = index + 1
    expected = PATH.along()[child] + found.energies[PATH.root, 0] / 3
    assert found.energies[child, 0] == pytest.approx(expected, abs=1e-15)
    np.testing.assert_array_equal(load_scan(store).energies, found.energies)
    assert load_scan(store).statuses == found.statuses
    assert scan(Chain(), PATH, store=store).statuses == found.statuses  # not tried again


def test_a_solution_below_the_exact_energy_is_kept_and_not_used(tmp_path):
    """The point failed, but what was computed is there to be looked into."""
    store = tmp_path / "h2.db"
    wrong = Solution(energies=np.array([-9.0]), unit="hartree", status="converged")
    length = LENGTHS[PATH.root + 1]
    found = scan(Chain(failing={length: VariationalError("no", wrong)}), PATH, store=store)
    for one in (found, load_scan(store)):
        result = one.results[PATH.root + 1]
        assert result.status == "failed: no"
        assert result.solution.energies.tolist() == [-9.0]
        assert np.isnan(one.energies[PATH.root + 1]).all()
    expected = LENGTHS[PATH.root + 2] + found.energies[PATH.root, 0] / 3
    assert found.energies[PATH.root + 2, 0] == pytest.approx(expected, abs=1e-15)


def test_a_function_that_returns_nan_costs_one_point(tmp_path):
    """The rest of the scan goes on."""
    surface = FunctionSurface(
        lambda x: float("nan") if x[1, 2] > 2 else float(x[1, 2]), name="short"
    )
    found = scan(surface, PATH, store=tmp_path / "h2.db")
    assert [result.failed for result in found.results] == [False] * 5 + [True]
    np.testing.assert_array_equal(load_scan(tmp_path / "h2.db").energies, found.energies)


def test_a_failed_point_has_no_reference():
    """Neither in the array nor in the table, whatever the surface left there."""
    failed = PointResult(energies=np.array([np.nan]), reference=-1.0, status="failed: no")
    fine = PointResult(energies=np.array([-0.9]), reference=-1.0)
    path = stretch(H2, (0, 1), [0.7, 0.9])
    found = Scan(path=path, results=(failed, fine))
    np.testing.assert_array_equal(found.references, [np.nan, -1.0])
    assert found.table()[0].reference is None


@pytest.mark.filterwarnings("ignore::qmlmat.errors.QmlmatWarning")
def test_what_the_hamiltonian_says_is_in_the_store(tmp_path):
    """A note on the active space is kept with the point: (4e, 3o) cuts a shell of N2."""
    n2 = Molecule(("N", "N"), [[0, 0, 0], [0, 0, 1.1]])
    surface = SolverSurface(n2, ActiveSpace(4, 3), Exact())
    scan(surface, stretch(n2, (0, 1), [1.1]), store=tmp_path / "n2.db")
    (result,) = load_scan(tmp_path / "n2.db").results
    assert any("cuts the degenerate shell" in note for note in result.notes)


def test_a_failed_root_leaves_its_children_without_a_guess():
    """Where no ancestor succeeded, a point starts cold."""
    root = LENGTHS[PATH.root]
    found = scan(Chain(failing={root: MeanFieldError("no")}), PATH)
    for child in (PATH.root - 1, PATH.root + 1):
        assert found.energies[child, 0] == PATH.along()[child]


@pytest.mark.parametrize("error", [InputError("bad"), CapabilityError("no"), LookupError()])
def test_errors_that_no_point_could_survive_pass_through(error):
    """A wrong input or a bug is not a failed point: it ends the scan."""
    with pytest.raises(type(error)):
        scan(Chain(failing={LENGTHS[PATH.root]: error}), PATH)


def test_what_is_no_surface_is_told_what_to_do():
    """A molecule alone cannot be scanned."""
    with pytest.raises(InputError, match=r"SolverSurface\(molecule, active_space, solver\)"):
        scan(Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]]), PATH)


def test_a_scan_and_its_results_are_short_in_print():
    """Not a page of coefficients."""
    found = scan(Chain(), PATH)
    assert repr(found) == f"Scan('', r(H0-H1), {len(PATH)} of {len(PATH)} points, hartree)"
    assert "points, root=" in repr(found.path)
    assert len(repr(found.results[0])) < 100


def test_progress_counts_and_estimates():
    """on_point is called at the start and after each point, with the time left."""
    seen = []
    scan(Chain(), PATH, on_point=seen.append)
    assert [progress.done for progress in seen] == list(range(len(LENGTHS) + 1))
    assert seen[0].remaining is None
    assert seen[0].index is None
    assert seen[-1].remaining == 0
    assert all(progress.remaining > 0 for progress in seen[1:-1])
    assert [progress.index for progress in seen[1:]] == list(PATH.order())
    assert seen[1].coordinates == (LENGTHS[PATH.root],)
    assert seen[1].result.status == "converged"


def test_progress_tells_what_was_restored(tmp_path):
    """A complete store is read, not computed, and said so."""
    store = tmp_path / "h2.db"
    scan(Chain(), PATH, store=store)
    seen = []
    again = Chain()
    scan(again, PATH, store=store, on_point=seen.append)
    assert again.seen == []
    assert [(p.done, p.restored, p.total) for p in seen] == [(6, 6, 6)]


def test_the_table_has_one_row_for_each_point():
    """Energies, errors and statuses in the order of the path, also where there are none."""
    surface = Chain(failing={0.5: MeanFieldError("no"), 0.9: KeyboardInterrupt()})
    found = scan(Chain(failing={0.5: MeanFieldError("no")}), PATH, title="chain")
    rows = found.table()
    assert [row.coordinates for row in rows] == [(length,) for length in LENGTHS]
    assert (rows[0].energies, rows[0].error, rows[0].reference) == ((), None, None)
    assert rows[1].error == pytest.approx(found.errors[1])
    assert surface.inputs() == found.inputs["surface"]
    assert (found.title, found.unit, found.n_states) == ("chain", "hartree", 1)


def test_an_unfinished_scan_says_which_points_are_missing(tmp_path):
    """Points that were not reached are "not computed", with NaN and no row values."""
    store = tmp_path / "h2.db"
    with pytest.raises(KeyboardInterrupt):
        scan(Chain(failing={2.2: KeyboardInterrupt()}), PATH, store=store)
    found = load_scan(store)
    assert found.statuses[-1] == "not computed"
    assert found.table()[-1].energies == ()
    assert found.table()[-1].wall_time is None
    assert np.isnan(found.column("hartree_fock")).all()


def test_a_store_that_cannot_be_written_is_refused_before_anything_is_computed(tmp_path):
    """No hours of work are lost to a folder that is not there."""
    surface = Chain()
    with pytest.raises(StoreError, match="mkdir -p"):
        scan(surface, PATH, store=tmp_path / "none" / "h2.db")
    assert surface.seen == []


def test_a_killed_scan_is_resumed(tmp_path):
    """A process that dies without warning leaves every finished point, and nothing torn."""
    store = tmp_path / "h2.db"
    script = textwrap.dedent(
        f"""
        import os
        from qmlmat.surfaces import FunctionSurface, scan, stretch
        from qmlmat.systems import Molecule

        count = 0

        def energy(x):
            global count
            count += 1
            if count == 4:
                os._exit(9)
            return float(abs(x[1, 2] - x[0, 2]) ** 2)

        h2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
        path = stretch(h2, (0, 1), {LENGTHS})
        scan(FunctionSurface(energy, name="square"), path, store={str(store)!r})
        """
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == 9, done.stderr.decode()
    assert sum(result is not None for result in load_scan(store).results) == 3
    surface = FunctionSurface(lambda x: float(abs(x[1, 2] - x[0, 2]) ** 2), name="square")
    again = scan(surface, PATH, store=store)
    np.testing.assert_array_equal(again.energies, scan(surface, PATH).energies)


def test_sigkill_while_writing_leaves_a_readable_store(tmp_path):
    """Killed at any moment of a stream of commits, the store opens and holds whole rows."""
    store = tmp_path / "many.db"
    script = textwrap.dedent(
        f"""
        from qmlmat.surfaces import FunctionSurface, scan, stretch
        from qmlmat.systems import Molecule

        h2 = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.7414]])
        path = stretch(h2, (0, 1), [0.5 + k / 1000 for k in range(300)])
        surface = FunctionSurface(lambda x: float(x[1, 2]), name="line")
        scan(surface, path, store={str(store)!r}, on_point=lambda p: print(p.done, flush=True))
        """
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        said = 0
        for line in child.stdout:
            said = int(line)
            if said == 25:
                break
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    found = load_scan(store)
    done = [k for k, result in enumerate(found.results) if result is not None]
    assert len(done) >= said
    assert set(found.path.order()[: len(done)]) == set(done)
    for index in done:
        assert found.results[index].energies[0] == found.path.points[index].positions[1, 2]


def test_a_stores_documents_are_kept(tmp_path):
    """The store holds the user's input and title, so that it is enough to resume."""
    store = tmp_path / "h2.db"
    scan(Chain(), PATH, store=store, title="chain", document={"a": [1, "ü"]})
    header = ScanStore.load(store).header
    assert (header.title, header.document) == ("chain", {"a": [1, "ü"]})


def test_no_warning_escapes_a_plain_scan(tmp_path):
    """A store is written and read without one warning of the database's."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scan(Chain(), PATH, store=tmp_path / "h2.db")


def test_the_unit_is_that_of_the_points_that_have_energies():
    """A point that raises before it says a unit does not turn a scan in eV into one in hartree."""

    def inverse(positions):
        return 1.0 / (np.linalg.norm(positions[1] - positions[0]) - LENGTHS[0]).round(9).item()

    found = scan(FunctionSurface(inverse, "eV", name="inverse"), PATH)
    assert found.results[0].failed
    assert found.unit == "eV"
