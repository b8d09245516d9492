"""Evaluates a surface along a path, point by point, safely and resumably."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from qmlmat.backends.measurement import Measurement
from qmlmat.backends.requests import Counts, Estimate, Request
from qmlmat.errors import InputError, PointWarning
from qmlmat.surfaces.curves import Curves, followed_curves
from qmlmat.surfaces.measuring import measured_results, point_measurement
from qmlmat.surfaces.molecules import molecule_of
from qmlmat.surfaces.paths.path import Path
from qmlmat.surfaces.running.crew import check_workers
from qmlmat.surfaces.running.loop import Runner
from qmlmat.surfaces.running.progress import ScanProgress, Watch
from qmlmat.surfaces.running.schedule import Schedule, Step
from qmlmat.surfaces.running.task import Outcome
from qmlmat.surfaces.storage.lock import writing
from qmlmat.surfaces.storage.store import ScanStore, StoreHeader
from qmlmat.surfaces.surface import FINISHED, FunctionSurface, PointResult, Surface
from qmlmat.systems import TightBindingModel
from qmlmat.typing import FloatArray, IntArray
from qmlmat.units import Unit

NOT_COMPUTED = "not computed"
"""Status shown for a point that an unfinished scan has not reached."""


_CALLER = 7  # from tell() up through the runner to whoever called scan()


@dataclass(frozen=True, kw_only=True)
class ScanRow:
    """One line of a scan's table."""

    index: int
    """Index of the point on the path."""

    coordinates: tuple[float, ...]
    """Its coordinates (units of the path's axes)."""

    energies: tuple[float, ...]
    """Energies, ``(n_states,)`` (unit of the scan); empty where there are none."""

    reference: float | None
    """Exact ground-state energy (unit of the scan)."""

    error: float | None
    """Ground-state energy above the reference (unit of the scan)."""

    columns: Mapping[str, float]
    """Further energies by name (unit of the scan)."""

    status: str
    """The point's status, or ``"not computed"``."""

    notes: tuple[str, ...]
    """What the reader should know about the point."""

    wall_time: float | None
    """Time the evaluation took (s)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scan:
    """An evaluated path, complete or as far as it came."""

    path: Path
    """The points and their coordinates."""

    results: tuple[PointResult | None, ...]
    """One result for each point, shape ``(n_points,)``; ``None`` where not yet computed."""

    title: str = ""
    """What the scan is of, in a few words."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The surface's and the path's inputs, as plain values."""

    n_steps_left: int = 0
    """Number of evaluations that are still to come, those of a return sweep included."""

    def __repr__(self) -> str:
        """Return what the scan is of and how far it is; the fields hold the rest."""
        done = sum(result is not None for result in self.results)
        axes = ", ".join(axis.name for axis in self.path.axes)
        return f"Scan({self.title!r}, {axes}, {done} of {len(self.path)} points, {self.unit})"

    @property
    def unit(self) -> Unit:
        """Unit of the energies; a point that failed may not have known it."""
        known = [result for result in self.results if result is not None]
        return next((result.unit for result in known if not result.failed), "hartree")

    @property
    def n_states(self) -> int:
        """Number of states."""
        return max(
            (len(result.energies) for result in self.results if result is not None), default=1
        )

    @property
    def energies(self) -> FloatArray:
        """Energies, shape ``(n_points, n_states)`` (``unit``); NaN where there are none."""
        table = np.full((len(self.path), self.n_states), np.nan)
        for index, result in enumerate(self.results):
            if result is not None:
                table[index, : len(result.energies)] = result.energies
        return table

    @property
    def stderr(self) -> FloatArray:
        """Standard errors of ``energies``, same shape (``unit``); NaN where exact or unknown."""
        table = np.full((len(self.path), self.n_states), np.nan)
        for index, result in enumerate(self.results):
            if result is not None and result.stderr is not None:
                table[index, : len(result.stderr)] = result.stderr
        return table

    @cached_property
    def curves(self) -> Curves | None:
        """The states followed from point to point by overlap; ``None`` where they cannot be.

        That takes several states of a molecule, and points that keep them: those of
        ``SolverSurface`` do, up to a size. Computed when first asked for, from the results and the
        path's tree alone.
        """
        if self.n_states < 2 or self.path.is_through_k:
            return None
        molecule = molecule_of(self.inputs, self.path.geometries[0])
        return None if molecule is None else followed_curves(self.path, self.results, molecule)

    @property
    def followed(self) -> IntArray | None:
        """The curve to which each state belongs, shape ``(n_points, n_states)``.

        Curves are numbered from 0, at the root in the order of energy; -1 where there is no state.
        ``None`` where states cannot be followed.
        """
        return None if self.curves is None else self.curves.numbers

    @property
    def followed_energies(self) -> FloatArray | None:
        """Energies of the curves, shape ``(n_points, n_curves)`` (``unit``).

        NaN where a curve has no state. ``None`` where states cannot be followed.
        """
        return None if self.curves is None else self.curves.along(self.energies)

    def gaps(self, i: int, j: int) -> FloatArray:
        """Return the energy of state ``j`` above state ``i``, shape ``(n_points,)`` (``unit``).

        States are in the order of energy at each point; see ``qmlmat.minimum_gap``.

        Raises:
            InputError: If there are not that many states.
        """
        if not (0 <= i < self.n_states and 0 <= j < self.n_states):
            raise InputError(
                f"Scan.gaps({i}, {j}): the scan has {self.n_states} states, counted from 0. Use "
                "two of them."
            )
        gaps: FloatArray = self.energies[:, j] - self.energies[:, i]
        return gaps

    @property
    def references(self) -> FloatArray:
        """Exact ground-state energies, shape ``(n_points,)`` (``unit``); NaN where unknown."""
        known = [None if r is None or r.failed else r.reference for r in self.results]
        return np.array(known, dtype=np.float64)  # None becomes NaN

    @property
    def errors(self) -> FloatArray:
        """Ground-state energies above the references, shape ``(n_points,)`` (``unit``)."""
        return self.energies[:, 0] - self.references

    @property
    def state_references(self) -> FloatArray:
        """Exact energies beside each state, shape ``(n_points, n_states)`` (``unit``).

        The n-th state of a multiplicity and irrep is compared with the n-th exact one of the same;
        NaN where unknown.
        """
        table = np.full((len(self.path), self.n_states), np.nan)
        table[:, 0] = self.references
        for index, result in enumerate(self.results):
            known = None if result is None or result.failed else result.solution
            if known is not None and known.reference_energies is not None:
                table[index, : known.n_states] = known.reference_energies
        return table

    @property
    def state_errors(self) -> FloatArray:
        """Energies above ``state_references``, shape ``(n_points, n_states)`` (``unit``)."""
        return self.energies - self.state_references

    def column(self, name: str) -> FloatArray:
        """Return a further energy along the path, shape ``(n_points,)``; NaN where unknown."""
        return np.array(
            [np.nan if r is None else r.columns.get(name, np.nan) for r in self.results]
        )

    def requests(
        self, *, model: TightBindingModel | None = None, points: Sequence[int] | None = None
    ) -> list[Request]:
        """Return what a device is asked for the energies of all points, to be planned as one.

        Circuits and angles are those found here; numbers of shots are the plan's.

        Args:
            model: The crystal, of a scan through k.
            points: Indices of the points that are asked for; by default all.

        Raises:
            InputError: If a point has no result, or the model is missing.
            CapabilityError: If states are not made by circuits.
        """
        return [
            one for part in self._measurements(model, points).values() for one in part.requests()
        ]

    def measured(
        self,
        answers: Sequence[Estimate | Counts | None],
        *,
        model: TightBindingModel | None = None,
        points: Sequence[int] | None = None,
        flags: Sequence[Sequence[str]] | None = None,
    ) -> Scan:
        """Return the scan as a device measured it, with error bars.

        Args:
            answers: To ``requests()``, in their order; a point that lacks one is not computed.
            model: The crystal, of a scan through k.
            points: Indices of the points that were asked for; by default all.
            flags: What is wrong with each answer, one phrase each: its point is flagged, too.

        Raises:
            InputError: If there are more or fewer answers than requests.
        """
        found = measured_results(self._measurements(model, points), answers, flags)
        return replace(self, results=tuple(found.get(k) for k in range(len(self.path))))

    def _measurements(
        self, model: TightBindingModel | None, points: Sequence[int] | None
    ) -> dict[int, Measurement[PointResult]]:
        n_points = len(self.path)
        wanted = range(n_points) if points is None else points
        outside = [index for index in wanted if not 0 <= index < n_points]
        if outside:
            raise InputError(
                f"Scan.requests(points={outside}): the scan has {n_points} points, counted from 0. "
                f"Use 0 to {n_points - 1}."
            )
        return {
            index: point_measurement(
                self.inputs, self.path.points[index], self.results[index], model=model
            )
            for index in wanted
        }

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status of each point, shape ``(n_points,)``."""
        return tuple(NOT_COMPUTED if r is None else r.status for r in self.results)

    @property
    def is_complete(self) -> bool:
        """Whether every point has been evaluated, in the return sweep too where there is one."""
        return not self.n_steps_left and all(result is not None for result in self.results)

    @property
    def is_converged(self) -> bool:
        """Whether every point has been evaluated and every solver converged."""
        return all(status in FINISHED for status in self.statuses)

    def table(self) -> tuple[ScanRow, ...]:
        """Return one row for each point, in the order of the path."""
        return tuple(self._row(index) for index in range(len(self.path)))

    def _row(self, index: int) -> ScanRow:
        result = self.results[index]
        if result is None:
            result = PointResult(energies=np.empty(0), status=NOT_COMPUTED, wall_time=np.nan)
        known = not result.failed and result.energies.size > 0
        reference = result.reference if known else None
        return ScanRow(
            index=index,
            coordinates=tuple(self.path.coordinates[index].tolist()),
            energies=tuple(float(energy) for energy in result.energies) if known else (),
            reference=reference,
            error=None if reference is None else float(result.energies[0]) - reference,
            columns=dict(result.columns),
            status=result.status,
            notes=(*result.notes, *self._curve_notes(index)),
            wall_time=None if np.isnan(result.wall_time) else result.wall_time,
        )

    def _curve_notes(self, index: int) -> tuple[str, ...]:
        return () if self.curves is None else self.curves.notes.get(index, ())


def scan(  # noqa: PLR0913 - the one verb of this package's scans: each option stands alone
    surface: Surface,
    path: Path,
    *,
    store: str | os.PathLike[str] | None = None,
    workers: int | Executor = 1,
    return_sweep: bool = False,
    retry_failed: bool = False,
    title: str = "",
    document: Mapping[str, Any] | None = None,
    on_point: Callable[[ScanProgress], None] | None = None,
) -> Scan:
    """Return the surface's energies at every point of the path.

    Each point starts from the solution of its fixed parent (of the nearest ancestor that has one,
    where the parent failed): results depend on the path's tree only, never on timing, nor on the
    number of workers (but for rounding errors, about 1e-13 hartree, where those have other
    numbers of threads). With a store each finished point is committed as it arrives, and points
    found there are not computed again; a resumed scan equals an uninterrupted one. A point whose
    mean field or solver fails is recorded with ``status="failed: ..."`` and the rest goes on. What
    a worker process was at when it died is tried again with nothing beside it, and recorded as
    failed if it dies there twice. ``KeyboardInterrupt`` passes through.

    Args:
        surface: What gives the energies.
        path: Where, and in which order.
        store: File of an ASE database to write to and resume from; ``None`` keeps nothing.
        workers: Number of processes on this machine, each with as many threads as the environment
            variable OMP_NUM_THREADS says or one; 1: this process. Or any executor, e.g. a Dask
            client's ``get_executor()``. A script that asks for processes needs its calls under
            ``if __name__ == "__main__":``.
        return_sweep: Whether each point is solved again from the solutions of its children, from
            the leaves back to the root, and the lowest solution kept.
        retry_failed: Whether points that the store has as failed are computed again, and only
            these: others that started from elsewhere because of them stay as they are.
        title: What the scan is of, in a few words.
        document: The user's input as plain values, kept in the store.
        on_point: Called at the start and after each point computed.

    Raises:
        StoreMismatchError: If the store holds the scan of other inputs.
        StoreError: If the store cannot be written or read, or another scan is writing it; raised
            before anything is computed.
        InputError: If the surface refuses its inputs: no point could be right; if it is a
            function without a name of its own and a store is given; or if it cannot be sent to
            other processes.
    """
    if not hasattr(surface, "evaluate"):
        raise InputError(
            f"scan({type(surface).__name__}, ...): this is no surface. Make one: "
            "SolverSurface(molecule, active_space, solver), or FunctionSurface(function)."
        )
    check_workers(surface, workers)
    inputs: dict[str, Any] = {"surface": surface.inputs(), "path": path.inputs()}
    if return_sweep:
        inputs["return_sweep"] = True  # no key without one: as it was before there were any
    header = StoreHeader(inputs=inputs, title=title, document=document)
    if store is None:
        schedule = Schedule(path, {}, return_sweep=return_sweep)
        return _scan(surface, schedule, header, workers, _Record(schedule, None, on_point))
    if isinstance(surface, FunctionSurface):
        surface.check_name()
    with writing(store):
        opened = ScanStore.open(store, header)
        known = opened.rows()
        if retry_failed:
            failed = {index for index, result in opened.results().items() if result.failed}
            known = {step: result for step, result in known.items() if step[0] not in failed}
        schedule = Schedule(path, known, return_sweep=return_sweep)
        record = _Record(schedule, opened, on_point)
        return _scan(surface, schedule, opened.header, workers, record)


def load_scan(store: str | os.PathLike[str]) -> Scan:
    """Return the scan kept in a store, complete or as far as it came.

    Raises:
        StoreError: If the file is missing, damaged, or not a store of this package.
    """
    opened = ScanStore.load(store)
    inputs = opened.header.inputs
    path = Path.from_inputs(inputs["path"])
    schedule = Schedule(path, opened.rows(), return_sweep=inputs.get("return_sweep", False))
    return _as_scan(schedule, opened.header)


def _scan(
    surface: Surface,
    schedule: Schedule,
    header: StoreHeader,
    workers: int | Executor,
    record: _Record,
) -> Scan:
    record.watch.report(schedule.n_done)
    Runner(surface, schedule, keep=record.keep, tell=record.tell).run(workers)
    return _as_scan(schedule, header)


def _as_scan(schedule: Schedule, header: StoreHeader) -> Scan:
    path = schedule.path
    return Scan(
        path=path,
        results=tuple(schedule.final(index) for index in range(len(path))),
        title=header.title,
        inputs=header.inputs,
        n_steps_left=len(schedule.steps) - schedule.n_done,
    )


class _Record:
    """What is done with a result that has arrived: stored first, then told."""

    def __init__(
        self,
        schedule: Schedule,
        store: ScanStore | None,
        on_point: Callable[[ScanProgress], None] | None,
    ) -> None:
        self.schedule = schedule
        self.store = store
        total, restored = len(schedule.steps), schedule.n_done
        self.watch = Watch(total=total, restored=restored, on_point=on_point)

    def keep(self, step: Step, result: PointResult, outcome: Outcome) -> None:
        """Store a result."""
        if self.store is not None:
            index, sweep = step
            point = self.schedule.path.points[index]
            self.store.write(index, point, result, sweep=sweep, origin=outcome.origin)

    def tell(self, step: Step, result: PointResult, outcome: Outcome) -> None:
        """Repeat its warnings, with its place, and report the progress."""
        index, path = step[0], self.schedule.path
        for text in outcome.warnings:
            said = f"{self.schedule.place(index)}: {text}"
            warnings.warn(said, PointWarning, stacklevel=_CALLER)
        coordinates = tuple(path.coordinates[index].tolist())
        self.watch.report(self.schedule.n_done, index, coordinates, result)
