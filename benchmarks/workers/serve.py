"""The child's side of the line protocol: one JSON object in, one JSON object out.

A request ``{"do": "load", "job": ..., "problem": ...}`` prepares a job under the request's ``"as"``
and answers with its facts; ``{"do": "run", "as": ..., "inner": n}`` runs it n times and answers
with the seconds of one, by the clock and of processor time; ``{"do": "stats"}`` answers with the
peak memory. Whatever fails answers ``{"error": "one line"}``. The process ends with its input.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, TextIO

from benchmarks.problem import Problem, load_problem


@dataclass(frozen=True)
class Job:
    """Something timed."""

    run: Callable[[], object]
    """Does it once."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What is known about it: number of gates, energies for checks."""


Maker = Callable[[Problem], Job]
"""Prepares a job; its time does not count."""


@contextmanager
def _private_output() -> Iterator[TextIO]:
    """Yield the protocol's output; whatever else is printed goes to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as channel:
        os.dup2(2, 1)
        yield channel


def serve(
    packages: tuple[str, ...],
    connect: Callable[[], Mapping[str, Maker]],
    verbs: Mapping[str, Callable[[Any], Any]] | None = None,
) -> None:
    """Answer requests until the input ends.

    Args:
        packages: Distributions whose versions are told.
        connect: Imports the program and returns its jobs. Where that raises
            ``ModuleNotFoundError``, the program is missing.
        verbs: Further requests by name; each gets the request and returns plain values.
    """
    with _private_output() as channel:
        try:
            makers = connect()
        except ModuleNotFoundError as error:
            _say(channel, {"missing": _one_line(error)})
            return
        except Exception as error:  # noqa: BLE001 (told to the parent)
            _say(channel, {"error": _one_line(error)})
            return
        _say(channel, {"versions": {name: metadata.version(name) for name in packages}})
        jobs: dict[str, Job] = {}
        for line in sys.stdin:
            try:
                _say(channel, _answer(json.loads(line), makers, jobs, verbs or {}))
            except Exception as error:  # noqa: BLE001 (told to the parent)
                _say(channel, {"error": _one_line(error)})


def _answer(
    request: dict[str, Any],
    makers: Mapping[str, Maker],
    jobs: dict[str, Job],
    verbs: Mapping[str, Callable[[Any], Any]],
) -> dict[str, Any]:
    match request["do"]:
        case "load":
            job = makers[request["job"]](load_problem(request["problem"]))
            jobs[request["as"]] = job
            return {"facts": job.facts}
        case "run":
            return _timed(jobs[request["as"]].run, request.get("inner", 1))
        case "stats":
            return {"peak_memory": peak_memory()}
        case verb:
            return {"value": verbs[verb](request)}


def _timed(run: Callable[[], object], inner: int) -> dict[str, float]:
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(inner):
        run()
    seconds = time.perf_counter() - start
    return {"seconds": seconds / inner, "cpu": (time.process_time() - cpu) / inner}


def peak_memory() -> int:
    """Return the largest resident size of this process so far (bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else 1024 * int(peak)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text[:200]}"


def _say(channel: TextIO, answer: object) -> None:
    channel.write(json.dumps(answer) + "\n")
    channel.flush()
