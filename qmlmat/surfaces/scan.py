"""Evaluates a surface along a path, point by point, safely and resumably."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qmlmat.errors import (
    CapabilityError,
    InputError,
    MissingExtraError,
    QmlmatError,
    StoreError,
    VariationalError,
)
from qmlmat.surfaces.lock import writing
from qmlmat.surfaces.path import Path
from qmlmat.surfaces.progress import ScanProgress, Watch
from qmlmat.surfaces.store import ScanStore, StoreHeader
from qmlmat.surfaces.surface import CONVERGED, FAILED, FunctionSurface, PointResult, Surface
from qmlmat.typing import FloatArray
from qmlmat.units import Unit

NOT_COMPUTED = "not computed"
"""Status shown for a point that an unfinished scan has not reached."""


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
    """The geometries and their coordinate."""

    results: tuple[PointResult | None, ...]
    """One result for each point, shape ``(n_points,)``; ``None`` where not yet computed."""

    title: str = ""
    """What the scan is of, in a few words."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The surface's and the path's inputs, as plain values."""

    @property
    def unit(self) -> Unit:
        """Unit of the energies."""
        return next((result.unit for result in self.results if result is not None), "hartree")

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
    def references(self) -> FloatArray:
        """Exact ground-state energies, shape ``(n_points,)`` (``unit``); NaN where unknown."""
        known = [None if r is None or r.failed else r.reference for r in self.results]
        return np.array(known, dtype=np.float64)  # None becomes NaN

    @property
    def errors(self) -> FloatArray:
        """Ground-state energies above the references, shape ``(n_points,)`` (``unit``)."""
        return self.energies[:, 0] - self.references

    def column(self, name: str) -> FloatArray:
        """Return a further energy along the path, shape ``(n_points,)``; NaN where unknown."""
        return np.array(
            [np.nan if r is None else r.columns.get(name, np.nan) for r in self.results]
        )

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status of each point, shape ``(n_points,)``."""
        return tuple(NOT_COMPUTED if r is None else r.status for r in self.results)

    @property
    def is_complete(self) -> bool:
        """Whether every point has been evaluated."""
        return all(result is not None for result in self.results)

    @property
    def is_converged(self) -> bool:
        """Whether every point has been evaluated and every solver converged."""
        return all(status == CONVERGED for status in self.statuses)

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
            notes=result.notes,
            wall_time=None if np.isnan(result.wall_time) else result.wall_time,
        )


def scan(
    surface: Surface,
    path: Path,
    *,
    store: str | os.PathLike[str] | None = None,
    title: str = "",
    document: Mapping[str, Any] | None = None,
    on_point: Callable[[ScanProgress], None] | None = None,
) -> Scan:
    """Return the surface's energies at every point of the path.

    Points are taken in ``path.order()``, each starting from the solution of its fixed parent (of
    the nearest ancestor that has one, where the parent failed). With a store, each finished
    point is committed before the next begins, and points found there are not computed again; a
    resumed scan equals an uninterrupted one. A point whose mean field or solver fails is recorded
    with ``status="failed: ..."`` and the rest goes on. ``KeyboardInterrupt`` passes through.

    Args:
        surface: What gives the energies.
        path: Where, and in which order.
        store: File of an ASE database to write to and resume from; ``None`` keeps nothing.
        title: What the scan is of, in a few words.
        document: The user's input as plain values, kept in the store.
        on_point: Called at the start and after each point computed.

    Raises:
        StoreMismatchError: If the store holds the scan of other inputs.
        StoreError: If the store cannot be written or read, or another scan is writing it; raised
            before anything is computed.
        InputError: If the surface refuses its inputs: no point could be right; or if it is a
            function without a name of its own and a store is given.
    """
    header = StoreHeader(
        inputs={"surface": surface.inputs(), "path": path.inputs()}, title=title, document=document
    )
    if store is None:
        return _scan(surface, path, header, None, on_point)
    if isinstance(surface, FunctionSurface):
        surface.check_name()
    with writing(store):
        opened = ScanStore.open(store, header)
        return _scan(surface, path, opened.header, opened, on_point)


def load_scan(store: str | os.PathLike[str]) -> Scan:
    """Return the scan kept in a store, complete or as far as it came.

    Raises:
        StoreError: If the file is missing, damaged, or not a store of this package.
    """
    opened = ScanStore.load(store)
    path = Path.from_inputs(opened.header.inputs["path"])
    results = opened.results()
    return Scan(
        path=path,
        results=tuple(results.get(index) for index in range(len(path))),
        title=opened.header.title,
        inputs=opened.header.inputs,
    )


def _scan(
    surface: Surface,
    path: Path,
    header: StoreHeader,
    opened: ScanStore | None,
    on_point: Callable[[ScanProgress], None] | None,
) -> Scan:
    results: dict[int, PointResult] = {} if opened is None else opened.results()
    watch = Watch(total=len(path), restored=len(results), on_point=on_point)
    watch.report(len(results))

    for index in path.order():
        if index in results:
            continue
        point = path.points[index]
        result = _evaluate(surface, path, index, results)
        if opened is not None:
            opened.write(index, point, result)
        results[index] = result
        watch.report(len(results), index, tuple(path.coordinates[index].tolist()), result)
    return Scan(
        path=path,
        results=tuple(results[index] for index in range(len(path))),
        title=header.title,
        inputs=header.inputs,
    )


def _evaluate(
    surface: Surface, path: Path, index: int, results: Mapping[int, PointResult]
) -> PointResult:
    start = time.perf_counter()
    try:
        return surface.evaluate(path.points[index], guess=_guess(path, index, results))
    except (InputError, CapabilityError, MissingExtraError, StoreError):
        raise  # no point could be right: the inputs or the installation are at fault
    except QmlmatError as error:
        return PointResult(
            energies=np.array([np.nan]),
            status=f"{FAILED}: {' '.join(str(error).split())}",
            solution=error.solution if isinstance(error, VariationalError) else None,
            wall_time=time.perf_counter() - start,
        )


def _guess(path: Path, index: int, results: Mapping[int, PointResult]) -> PointResult | None:
    """Return the result at the nearest ancestor that has a solution, as a store would return it.

    It goes through plain values also where it is still in memory: a resumed scan then starts
    each point from exactly what an uninterrupted one does.
    """
    parent = path.parents[index]
    while parent is not None:
        result = results[parent]
        if result.solution is not None and not result.failed:
            return PointResult.from_dict(result.to_dict())
        parent = path.parents[parent]
    return None
