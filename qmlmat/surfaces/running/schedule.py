"""Which point is next: the order of a scan, fixed by the tree of its path alone."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from qmlmat.surfaces.paths.path import Path
from qmlmat.surfaces.running.task import Task, failure
from qmlmat.surfaces.surface import PointResult

OUTWARD: Final = 1
"""The first pass: from the root to the leaves."""

RETURN: Final = 2
"""The return sweep: from the leaves to the root."""

Step = tuple[int, int]
"""Index of a point, and the sweep in which it is evaluated."""

DIED: Final = "its worker process died twice"
"""How the reason of a point begins at which a worker dies."""

_SYMBOLS: Final = {"angstrom": "Å", "degree": "°", "1/angstrom": "1/Å"}


class Schedule:
    """The steps of a scan: which are done, which can begin, and what each begins from.

    A step begins only when all it depends on is done, and depends on the tree alone; in which
    order steps end makes no difference to any result.
    """

    path: Path
    """The points, and the tree."""

    steps: tuple[Step, ...]
    """All steps, in the order of a scan with one worker."""

    results: dict[Step, PointResult]
    """What is known: steps read from the store and steps finished since."""

    def __init__(
        self, path: Path, known: Mapping[Step, PointResult], *, return_sweep: bool = False
    ) -> None:
        self.path = path
        self.results = dict(known)
        self._restored = frozenset(known)
        self._children = children_of(path)
        self.steps = steps_of(path, return_sweep=return_sweep)
        self._rank = {step: rank for rank, step in enumerate(self.steps)}
        self._needs: dict[Step, int] = {}
        self._feeds: dict[Step, list[Step]] = {}
        self._ready: list[int] = []  # a heap of ranks
        for step in self.steps:
            self._enter(step)

    def _enter(self, step: Step) -> None:
        if step in self.results:
            return
        missing = [other for other in self._before(step) if other not in self.results]
        self._needs[step] = len(missing)
        for other in missing:
            self._feeds.setdefault(other, []).append(step)
        if not missing:
            heapq.heappush(self._ready, self._rank[step])

    def _before(self, step: Step) -> list[Step]:
        index, sweep = step
        if sweep == OUTWARD:
            parent = self.path.parents[index]
            return [] if parent is None else [(parent, OUTWARD)]
        return [(index, OUTWARD), *(self._last(child) for child in self._children[index])]

    def _last(self, index: int) -> Step:
        return (index, RETURN) if (index, RETURN) in self._rank else (index, OUTWARD)

    @property
    def is_finished(self) -> bool:
        """Whether every step is done."""
        return not self._needs

    @property
    def n_done(self) -> int:
        """Number of steps that are done."""
        return len(self.steps) - len(self._needs)

    def take(self) -> Step | None:
        """Return the next step that can begin, which is not offered again; ``None``: wait."""
        return self.steps[heapq.heappop(self._ready)] if self._ready else None

    def finish(self, step: Step, result: PointResult) -> None:
        """Note the result of a step, and what can begin now."""
        self.results[step] = result
        del self._needs[step]
        for other in self._feeds.pop(step, ()):
            self._needs[other] -= 1
            if not self._needs[other]:
                heapq.heappush(self._ready, self._rank[other])

    def final(self, index: int) -> PointResult | None:
        """Return the last that is known of a point."""
        return self.results.get((index, RETURN), self.results.get((index, OUTWARD)))

    def task(self, step: Step) -> Task:
        """Return what is to be computed.

        Everything it starts from goes through plain values, also where it is still in memory: a
        resumed scan then starts each point from exactly what an uninterrupted one does.
        """
        index, sweep = step
        point = self.path.points[index]
        if sweep == OUTWARD:
            source = self.source(index)
            guess = None if source is None else self.results[source, OUTWARD]
            return Task(point=point, guess=None if guess is None else _as_stored(guess))
        own = self.results[index, OUTWARD]
        if own.status.startswith(f"failed: {DIED}"):
            return Task(point=point, own=own)
        found = [(child, self.results[self._last(child)]) for child in self._children[index]]
        usable = [(c, result) for c, result in found if _has_solution(result)]
        children = tuple((self.place(c), _as_stored(result)) for c, result in usable)
        return Task(point=point, own=_as_stored(own), children=children)

    def source(self, index: int) -> int | None:
        """Return the nearest ancestor that has a solution, from which a point starts."""
        parent = self.path.parents[index]
        while parent is not None and not _has_solution(self.results[parent, OUTWARD]):
            parent = self.path.parents[parent]
        return parent

    def is_restored(self, index: int) -> bool:
        """Whether a point was read from the store."""
        return (index, OUTWARD) in self._restored

    def died(self, step: Step, why: str) -> PointResult:
        """Return what is recorded where the worker died, twice, while nothing else was running."""
        remedy = "Memory is the usual reason: take fewer workers or a smaller active space"
        text = f"{DIED} ({why}). {remedy}"
        if step[1] == OUTWARD:
            again = "then compute this point again: retry_failed=True or --retry-failed."
            return failure(f"{text}, {again}")
        own = self.results[step[0], OUTWARD]
        return replace(own, notes=(*own.notes, f"No return sweep here: {text}."))

    def place(self, index: int) -> str:
        """Return where a point is, e.g. ``"r(N0-N1) = 2 Å"``."""
        pairs = zip(self.path.axes, self.path.coordinates[index], strict=True)
        return ", ".join(
            f"{axis.name} = {x:.6g} {_SYMBOLS.get(axis.unit, axis.unit)}".rstrip()
            for axis, x in pairs
        )


def children_of(path: Path) -> tuple[tuple[int, ...], ...]:
    """Return the indices of the points that start from each point, in ascending order."""
    found: list[list[int]] = [[] for _ in range(len(path))]
    for index, parent in enumerate(path.parents):
        if parent is not None:
            found[parent].append(index)
    return tuple(tuple(row) for row in found)


def steps_of(path: Path, *, return_sweep: bool) -> tuple[Step, ...]:
    """Return all steps of a scan in order: outward, then back over the points with children."""
    order, children = path.order(), children_of(path)
    outward = [(index, OUTWARD) for index in order]
    back = [(index, RETURN) for index in reversed(order) if children[index]]
    return (*outward, *back) if return_sweep else tuple(outward)


def _has_solution(result: PointResult) -> bool:
    return result.solution is not None and not result.failed


def _as_stored(result: PointResult) -> PointResult:
    return PointResult.from_dict(result.to_dict())
