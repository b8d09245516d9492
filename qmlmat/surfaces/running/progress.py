"""How far a running scan is, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from qmlmat.surfaces.surface import PointResult


@dataclass(frozen=True, kw_only=True)
class ScanProgress:
    """How far a running scan is; handed to ``on_point`` at the start and after each point."""

    done: int
    """Number of finished points, those read from the store included; each counts once more in a
    return sweep."""

    total: int
    """Number of points to finish, those of a return sweep included."""

    restored: int
    """Number of points read from the store."""

    elapsed: float
    """Time since the scan began (s)."""

    remaining: float | None
    """Estimated time to the end (s); ``None`` before the first point of this run."""

    index: int | None = None
    """Index of the point just finished; ``None`` at the start."""

    coordinates: tuple[float, ...] | None = None
    """Its coordinates (units of the path's axes)."""

    result: PointResult | None = None
    """What was computed there."""


class Watch:
    """Times a running scan and tells ``on_point`` about it."""

    def __init__(
        self, *, total: int, restored: int, on_point: Callable[[ScanProgress], None] | None
    ) -> None:
        self.total = total
        self.restored = restored
        self.on_point = on_point
        self.start = time.perf_counter()

    def report(
        self,
        done: int,
        index: int | None = None,
        coordinates: tuple[float, ...] | None = None,
        result: PointResult | None = None,
    ) -> None:
        """Tell ``on_point`` that ``done`` points are finished, the last of them this one."""
        if self.on_point is None:
            return
        elapsed = time.perf_counter() - self.start
        computed = done - self.restored
        self.on_point(
            ScanProgress(
                done=done,
                total=self.total,
                restored=self.restored,
                elapsed=elapsed,
                remaining=elapsed / computed * (self.total - done) if computed else None,
                index=index,
                coordinates=coordinates,
                result=result,
            )
        )
