"""What every simulator of this machine answers, and what its jobs and results look like in files.

A payload holds all that a simulation needs, so that a job found in its folder runs in any process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.errors import CapabilityError, CorruptResultError
from qmlmat.hardware.adapters.base import DeviceFacts, Payload, Snapshot
from qmlmat.hardware.task import Task


class Engine(Protocol):
    """A simulator."""

    def capabilities(self) -> DeviceFacts:
        """Return what it can do."""
        ...

    def snapshot(self) -> Snapshot | None:
        """Return the calibration it simulates; ``None`` where there is none."""
        ...

    def compile(self, jobs: Sequence[CountJob], layout: Sequence[int] | None) -> Payload:
        """Return the payload of a job; see ``Adapter.compile``."""
        ...

    def run(self, content: Mapping[str, Any], seed: int) -> list[Histogram]:
        """Return the counts of every program of a payload's content.

        Args:
            content: The content, as plain values.
            seed: Seed of the shots.
        """
        ...


def count_jobs(task: Task, call: str) -> list[CountJob]:
    """Return what a task measures, all of it counts.

    Raises:
        CapabilityError: If expectations are asked for.
    """
    found = [one for one in task.measured if isinstance(one, CountJob)]
    if len(found) < len(task.measured):
        raise CapabilityError(
            f"{call}: this simulator counts bits and gives no expectations by itself. Use "
            'primitive = "sampler".'
        )
    return found


def n_executions(jobs: Sequence[CountJob]) -> int:
    """Return the number of circuit executions."""
    return sum(len(job.angles) * job.shots for job in jobs)


def job_seed(key: str) -> int:
    """Return the seed of a job's shots: a job gives the same counts whenever it runs."""
    return int.from_bytes(hashlib.sha256(f"shots:{key}".encode()).digest()[:4], "big") >> 1


def to_raw(found: Sequence[Histogram]) -> bytes:
    """Return counts as the text of a result, with its own hash."""
    counts = [
        {"n_bits": one.n_bits, "outcomes": one.outcomes.tolist(), "counts": one.counts.tolist()}
        for one in found
    ]
    body = json.dumps(counts)
    return json.dumps({"sha256": _hash(body), "counts": body}).encode()


def from_raw(raw: bytes, shots: Sequence[Sequence[int]]) -> list[Histogram]:
    """Return the counts of a result.

    Args:
        raw: The result as it was fetched.
        shots: Repetitions of each point of each program.

    Raises:
        CorruptResultError: If the text is damaged, or repetitions are missing.
    """
    try:
        tree = json.loads(raw)
        if _hash(tree["counts"]) != tree["sha256"]:
            raise ValueError("another hash")
        found = [_histogram(one) for one in json.loads(tree["counts"])]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptResultError(
            f"Result of a local job: damaged ({error}). Fetch it again; it is kept."
        ) from error
    counted = [one.n_shots.tolist() for one in found]
    if counted != [list(one) for one in shots]:
        raise CorruptResultError(
            "Result of a local job: it has another number of repetitions than was asked for. Use "
            "fewer qubits: beyond its memory the simulator returns no counts."
        )
    return found


def _histogram(tree: Mapping[str, Any]) -> Histogram:
    counts = np.array(tree["counts"], dtype=np.int64)
    outcomes = np.array(tree["outcomes"], dtype=np.uint64)
    return Histogram(tree["n_bits"], outcomes, counts.reshape(len(tree["counts"]), outcomes.size))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
