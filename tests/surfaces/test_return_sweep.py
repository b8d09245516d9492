"""Return sweeps: the way back finds what the way out could not see."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import ase.db
import numpy as np
import pytest
from worker_surfaces import Branches, toy_grid

from qmlmat.errors import StoreMismatchError
from qmlmat.solvers import ADAPTVQE, VQE
from qmlmat.surfaces import SolverSurface, load_scan, scan, stretch
from qmlmat.surfaces.running.schedule import DIED, OUTWARD, RETURN, Schedule
from qmlmat.surfaces.running.task import failure
from qmlmat.systems import ActiveOrbitals, ActiveSpace, Molecule

H4 = Molecule(("H",) * 4, [[0, 0, z] for z in (0.0, 0.75, 2.0, 2.75)])
LENGTHS = (0.5, 0.8, 1.1, 1.4, 1.7, 2.0)
HEIGHTS = (0.0, 0.2)
GRID = toy_grid(LENGTHS, HEIGHTS, root=0)
LINE = toy_grid(LENGTHS, (0.0,), root=0)


def test_the_way_back_finds_the_lower_branch():
    """Outward the search stays on the first branch to its end; back, on the lower one."""
    outward = scan(Branches(), LINE).energies[:, 0]
    np.testing.assert_array_equal(outward, [-1, -1, -1, -1, -1, -2.0])
    found = scan(Branches(), LINE, return_sweep=True)
    np.testing.assert_array_equal(found.energies[:, 0], [-1, -1, -1.1, -1.4, -1.7, -2.0])
    assert found.results[4].notes == (
        "The return sweep found a solution 700.000000 mHa lower, from length = 2 Å, height = 0 Å.",
    )
    assert found.results[1].notes == ()


def test_the_way_back_never_raises_an_energy():
    """On a tree with several children at a point, too: the lowest is kept. Leaves stay."""
    outward, back = (scan(Branches(), GRID, return_sweep=flag) for flag in (False, True))
    assert (back.energies <= outward.energies).all()
    assert (back.energies < outward.energies - 0.05).sum() == 3


def test_the_way_back_is_the_same_by_any_workers(tmp_path):
    """It depends on the tree alone."""
    one = scan(Branches(), GRID, return_sweep=True)
    with ThreadPoolExecutor(3) as pool:
        many = scan(Branches(), GRID, return_sweep=True, workers=pool)
    two = scan(Branches(), GRID, return_sweep=True, workers=2, store=tmp_path / "toy.db")
    for other in (many, two, load_scan(tmp_path / "toy.db")):
        np.testing.assert_array_equal(other.energies, one.energies)
        assert [r.notes for r in other.results] == [r.notes for r in one.results]


@pytest.mark.parametrize("stop", range(18))
def test_a_way_back_that_is_interrupted_is_gone_on_with(tmp_path, stop):
    """Every step of both passes is stored, and none is repeated."""
    log, store = tmp_path / "log", tmp_path / "toy.db"
    whole_log = tmp_path / "whole"
    whole = scan(Branches(str(whole_log)), GRID, return_sweep=True)

    def interrupt(progress):
        assert progress.total == 18  # 12 outward, 6 with children
        if progress.done == stop:
            raise KeyboardInterrupt

    surface = Branches(str(log))
    with pytest.raises(KeyboardInterrupt):
        scan(surface, GRID, return_sweep=True, store=store, on_point=interrupt)
    assert load_scan(store).is_complete is False
    again = scan(surface, GRID, return_sweep=True, store=store)
    np.testing.assert_array_equal(again.energies, whole.energies)
    assert log.read_text().splitlines() == whole_log.read_text().splitlines()
    assert load_scan(store).is_complete
    with ase.db.connect(str(store)) as database:
        assert (database.count(sweep=1), database.count(sweep=2)) == (12, 6)


def test_a_return_sweep_is_one_of_the_inputs(tmp_path):
    """A store without one is not taken for a store with one; without one there is no key."""
    store = tmp_path / "toy.db"
    found = scan(Branches(), LINE, store=store)
    assert set(found.inputs) == {"surface", "path"}
    with pytest.raises(StoreMismatchError, match="return_sweep: absent against True"):
        scan(Branches(), LINE, store=store, return_sweep=True)


def test_a_point_that_failed_outward_is_solved_from_its_child(tmp_path):
    """The way back gives it another chance; retry_failed then finds nothing to do."""

    @dataclasses.dataclass(frozen=True)
    class Cold(Branches):
        def evaluate(self, point, *, guess=None):
            if guess is not None and point.positions[1, 2] == 1.4 and guess.energies[0] == -1:
                raise ZeroDivisionError("no")
            return super().evaluate(point, guess=guess)

    surface = Cold(str(tmp_path / "log"))
    found = scan(surface, LINE, return_sweep=True, store=tmp_path / "toy.db")
    assert found.energies[3, 0] == -1.4
    assert "The first pass failed here" in found.results[3].notes[0]
    before = (tmp_path / "log").read_text()
    scan(surface, LINE, return_sweep=True, store=tmp_path / "toy.db", retry_failed=True)
    assert (tmp_path / "log").read_text() == before


def test_a_place_where_workers_die_is_left_alone_on_the_way_back():
    """No more processes are lost there; what the first pass found elsewhere stands."""
    outward = scan(Branches(), LINE)
    known = {(k, OUTWARD): result for k, result in enumerate(outward.results)}
    known[4, OUTWARD] = failure(f"{DIED} (ended by SIGKILL)")
    schedule = Schedule(LINE, known, return_sweep=True)
    assert schedule.take() == (4, RETURN)
    assert schedule.task((4, RETURN)).children == ()
    kept = schedule.died((3, RETURN), "ended by SIGKILL")
    assert kept.energies == outward.results[3].energies
    assert "No return sweep" in kept.notes[-1]


@pytest.mark.parametrize("solver", [VQE("uccsd"), ADAPTVQE("uccgsd", gradient_tolerance=3e-2)])
def test_the_way_back_keeps_the_laws_of_a_real_solver(solver):
    """H4: never above the way out, never below the exact energy, at the same orbitals."""
    surface = SolverSurface(H4, ActiveSpace(), solver)
    path = stretch(H4, (1, 2), [0.9, 1.25, 1.7])
    outward, back = (scan(surface, path, return_sweep=flag) for flag in (False, True))
    assert (back.energies <= outward.energies + 1e-12).all()
    assert back.errors.min() > -1e-9
    for one, other in zip(outward.results, back.results, strict=True):
        assert other.overlap == one.overlap
        np.testing.assert_allclose(other.orbitals.active, one.orbitals.active, atol=1e-9)


@dataclasses.dataclass(frozen=True)
class Turning(Branches):
    """Branches whose orbital turns by 0.1 from point to point, in whichever direction one goes."""

    def evaluate(self, point, *, guess=None):
        before = None if guess is None else guess.orbitals
        here = before is not None and np.array_equal(before.positions, point.positions)
        angle = 0.0 if before is None else np.arctan2(*before.active[::-1, 0]) + 0.1 * (not here)
        orbitals = ActiveOrbitals(
            positions=point.positions,
            inactive=np.zeros((2, 0)),
            active=[[np.cos(angle)], [np.sin(angle)]],
            nelec=(1, 1),
        )
        overlap = 1.0 if before is None or here else 0.9
        found = super().evaluate(point, guess=guess)
        return dataclasses.replace(found, orbitals=orbitals, overlap=overlap)


def test_the_way_back_leaves_each_point_its_orbitals_and_their_overlap():
    """Parameters come from the child; orbitals, and how well they follow, stay the point's own."""
    outward, back = (scan(Turning(), LINE, return_sweep=flag) for flag in (False, True))
    np.testing.assert_array_equal(back.energies[:, 0], [-1, -1, -1.1, -1.4, -1.7, -2.0])
    for one, other in zip(outward.results, back.results, strict=True):
        np.testing.assert_allclose(other.orbitals.active, one.orbitals.active, atol=1e-15)
        assert other.overlap == one.overlap
    assert back.results[4].overlap == 0.9


def test_the_way_back_takes_nothing_that_has_not_converged():
    """A lower energy of a search that gave up is no better solution."""

    class Tired(Branches):
        def evaluate(self, point, *, guess=None):
            found = super().evaluate(point, guess=guess)
            second = guess is not None and guess.solution.params[0] == 2
            return dataclasses.replace(found, status="iteration_limit") if second else found

    outward, back = (scan(Tired(), LINE, return_sweep=flag) for flag in (False, True))
    np.testing.assert_array_equal(back.energies, outward.energies)
    assert back.is_converged
