"""What is computed at one point, in whichever process: evaluations, and what became of them."""

from __future__ import annotations

import os
import pickle
import platform
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from qmlmat._heard import heard
from qmlmat.errors import (
    CapabilityError,
    InputError,
    MissingExtraError,
    QmlmatError,
    StoreError,
    VariationalError,
)
from qmlmat.operators.parallel import get_num_threads
from qmlmat.provenance import provenance
from qmlmat.solvers import Solution
from qmlmat.surfaces.paths.path import Point
from qmlmat.surfaces.surface import FAILED, FINISHED, PointResult, Surface

IMPROVEMENT: Final = 1e-9
"""How much lower the sum of a point's energies must be for a return sweep to replace it (hartree,
or eV): above the rounding of an energy, far below what its search leaves open."""

FATAL: Final = (InputError, CapabilityError, MissingExtraError, StoreError)
"""Errors after which no point could be right: the inputs or the installation are at fault."""

NUMERICAL: Final = (np.linalg.LinAlgError, ArithmeticError, MemoryError)
"""Errors of Python and numpy that one geometry can have and its neighbours not."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One point to be evaluated: from its parent, or again from its children."""

    point: Point
    """Where: a geometry or a k."""

    guess: PointResult | None = None
    """What the parent found; not used where ``own`` is given."""

    own: PointResult | None = None
    """In the return sweep: what the first pass found here."""

    children: tuple[tuple[str, PointResult], ...] = ()
    """In the return sweep: the places of the children, in words, and what was found there."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a task."""

    result: PointResult | None = None
    """The result; a failed point has one, too."""

    error: BaseException | None = None
    """What ends the scan, where there is no result."""

    warnings: tuple[str, ...] = ()
    """What the evaluation warned of; the result's notes say it, too."""

    origin: Mapping[str, Any] = field(default_factory=dict)
    """Versions, time, host and process, as plain values."""


def perform(surface: Surface, task: Task) -> Outcome:
    """Return what becomes of a task; nothing is raised, whatever happens."""
    start = time.perf_counter()
    try:
        if task.own is None:
            result, said = _evaluate(surface, task.point, task.guess)
        else:
            result, said = _return(surface, task, task.own)
    except BaseException as error:  # noqa: BLE001 - raised again in the process that scans
        return Outcome(error=error)
    origin = provenance(
        host=platform.node(),
        pid=os.getpid(),
        threads=get_num_threads(),
        wall_time=time.perf_counter() - start,
    )
    return Outcome(result=result, warnings=said, origin=origin)


def portable(outcome: Outcome) -> Outcome:
    """Return the outcome with an error that can be sent to another process."""
    error = outcome.error
    if error is None:
        return outcome
    try:
        error.add_note("".join(traceback.format_exception(error)))  # tracebacks are not sent
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever its class does when it is taken apart
        return replace(outcome, error=RuntimeError(f"{type(error).__name__}: {error}"))
    return outcome


def failure(why: str, *, wall_time: float = 0.0, solution: Solution | None = None) -> PointResult:
    """Return the result of a point that gave no energies."""
    return PointResult(
        energies=np.array([np.nan]),
        status=f"{FAILED}: {' '.join(why.split())}",
        solution=solution,
        wall_time=wall_time,
    )


def _evaluate(
    surface: Surface, point: Point, guess: PointResult | None
) -> tuple[PointResult, tuple[str, ...]]:
    """Return the result at a point, failed or not, and what was warned of."""
    start = time.perf_counter()
    with heard() as said:
        try:
            result = surface.evaluate(point, guess=guess)
        except FATAL:
            raise
        except QmlmatError as error:
            solution = error.solution if isinstance(error, VariationalError) else None
            taken = time.perf_counter() - start
            result = failure(str(error), wall_time=taken, solution=solution)
        except NUMERICAL as error:
            taken = time.perf_counter() - start
            result = failure(f"{type(error).__name__}: {error}", wall_time=taken)
    texts = tuple(dict.fromkeys(said))
    known = {" ".join(note.split()) for note in result.notes}
    fresh = [text for text in texts if text not in known]
    return replace(result, notes=(*result.notes, *fresh)) if fresh else result, texts


def _return(surface: Surface, task: Task, own: PointResult) -> tuple[PointResult, tuple[str, ...]]:
    """Return the lowest of what the first pass found and what its children lead to."""
    best, taken = own, own.wall_time
    said: tuple[str, ...] = ()
    for place, child in task.children:
        # at the same geometry the orbitals are followed onto themselves; a failed point has none
        guess = child if own.failed else replace(own, solution=child.solution)
        tried, texts = _evaluate(surface, task.point, guess)
        taken += tried.wall_time
        if tried.status in FINISHED and _is_lower(tried, best):
            note = _improvement(own, tried, place)
            best, said = replace(tried, notes=(*tried.notes, note), overlap=own.overlap), texts
    return replace(best, wall_time=taken), said


def _is_lower(tried: PointResult, best: PointResult) -> bool:
    return best.failed or bool(tried.energies.sum() < best.energies.sum() - IMPROVEMENT)


def _improvement(own: PointResult, tried: PointResult, place: str) -> str:
    if own.failed:
        return f"The first pass failed here ({own.status}); solved from {place}."
    gain = 1e3 * float(np.sum(own.energies) - np.sum(tried.energies))
    unit = "mHa" if own.unit == "hartree" else "meV"
    return f"The return sweep found a solution {gain:.6f} {unit} lower, from {place}."
