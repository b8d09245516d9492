"""Devices of IonQ behind the common interface."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.errors import CapabilityError, MissingExtraError
from qmlmat.hardware.adapters.base import (
    DeviceFacts,
    JobState,
    Payload,
    RemoteJob,
    Resources,
    Snapshot,
    Spent,
)
from qmlmat.hardware.config import rates
from qmlmat.hardware.config.target import IonqTarget
from qmlmat.hardware.task import Answer, Task

if TYPE_CHECKING:
    from qmlmat.hardware.adapters.ionq.door import Door

_KEY: Final = "qmlmat_key"
"""Name of the metadata that hold the key."""
_STATES: Final[Mapping[str, JobState]] = {
    "submitted": "queued",
    "ready": "queued",
    "started": "running",
    "completed": "done",
    "failed": "failed",
    "canceled": "cancelled",
}


class IonqAdapter:
    """A device of IonQ: a task is one job of many circuits.

    IonQ has no token that makes sending safe to repeat, so a job is sent once, and looked for by
    the key in its metadata where no answer came.
    """

    def __init__(self, target: IonqTarget) -> None:
        """Take the target; nothing is sent, nothing is looked up.

        Args:
            target: The device, and how it is reached.
        """
        self._target = target

    @property
    def name(self) -> str:
        """Provider and device, in records."""
        return f"ionq:{self._target.device}"

    def capabilities(self) -> DeviceFacts:
        """Return what the device is and can do."""
        told = self._door.device()
        return DeviceFacts(
            name=self._target.device,
            n_qubits=int(told.get("qubits", 0)),
            is_simulator=self._target.is_simulator,
            is_online=told.get("status", "available") == "available",
            notes=("All circuits of a job have the largest number of shots in it.",),
        )

    def snapshot(self) -> Snapshot | None:
        """Return the calibration now, every qubit with the median; ``None`` of the simulator."""
        told = None if self._target.is_simulator else self._door.calibration()
        if told is None:
            return None
        fidelity = told.get("fidelity") or {}
        read, link = (_median_error(fidelity.get(kind)) for kind in ("spam", "2q"))
        pairs = [(int(a), int(b)) for a, b in told.get("connectivity") or ()]
        return Snapshot(
            device=self._target.device,
            taken=time.time(),
            calibrated=_seconds(told.get("date")),
            readout_errors={} if read is None else dict.fromkeys(range(int(told["qubits"])), read),
            two_qubit_errors={} if link is None else dict.fromkeys(pairs, link),
        )

    def compile(self, task: Task, *, layout: Sequence[int] | None = None) -> Payload:  # noqa: ARG002
        """Return what will be sent. IonQ places circuits itself, so there is no layout.

        Args:
            task: What is measured.
            layout: Not used.

        Raises:
            CapabilityError: If the device cannot run a program.
        """
        jobs = _counted(task)
        body = self._bodies.body(jobs, self._target.device, is_ideal=self._target.is_simulator)
        tree = {"body": body, "programs": self._bodies.programs(jobs)}
        return Payload(
            content=json.dumps(tree, sort_keys=True).encode(),
            bit_qubits=tuple(tuple(range(job.circuit.n_bits)) for job in jobs),
            n_executions=_executions(task),
        )

    def estimate(self, task: Task) -> Resources:
        """Return what a task takes; no network."""
        rate = rates(self._target)
        shots = _executions(task)
        usd = rate.usd_per_task + shots * rate.usd_per_shot
        return Resources(n_executions=shots, n_circuits=task.n_circuits, usd=usd)

    def submit(self, payload: Payload, key: str) -> str:
        """Send a job that carries the key, once, and return its name."""
        body = json.loads(payload.content)["body"]
        return self._door.create(body | {"name": f"qmlmat-{key}", "metadata": {_KEY: key}})

    def find(self, key: str) -> list[RemoteJob]:
        """Return every job that carries the key, in its metadata or its name, the oldest first."""
        found = [
            _remote(one)
            for one in self._door.jobs()
            if (one.get("metadata") or {}).get(_KEY) == key or one.get("name") == f"qmlmat-{key}"
        ]
        return sorted(found, key=lambda one: one.created or 0.0)

    def status(self, remote_id: str) -> RemoteJob:
        """Return how far a job is."""
        return _remote(self._door.job(remote_id))

    def fetch_raw(self, remote_id: str) -> bytes:
        """Return a finished job as IonQ describes it, and its result as it came."""
        tree = {
            "job": self._door.job(remote_id),
            "probabilities": self._door.probabilities(remote_id),
        }
        return json.dumps(tree).encode()

    def decode(self, raw: bytes, payload: Payload) -> list[Answer]:
        """Return the counts of the payload's programs, in their order, the sentinel's last."""
        seed = int(payload.sha256[:16], 16)
        found: list[Answer] = self._bodies.answers(raw, json.loads(payload.content), seed)
        return found

    def usage(self, remote_id: str) -> Spent:
        """Return what a job took, by the prices we know."""
        rate = rates(self._target)
        told = self._door.job(remote_id)
        if told.get("status") != "completed":
            return Spent(usd=0.0, n_shots=0)
        n_circuits = len(told.get("child_job_ids") or ()) or 1
        shots = int(told.get("shots") or 0) * n_circuits
        return Spent(usd=rate.usd_per_task + shots * rate.usd_per_shot, n_shots=shots)

    def cancel(self, remote_id: str) -> None:
        """Ask that a job be stopped; one that has ended is left as it is."""
        self._door.cancel(remote_id)

    @cached_property
    def _door(self) -> Door:
        try:
            from qmlmat.hardware.adapters.ionq.door import Door  # noqa: PLC0415 (needs the extra)
        except ImportError as error:
            raise MissingExtraError(_MISSING) from error
        return Door(self._target)

    @property
    def _bodies(self) -> Any:  # noqa: ANN401 (a module)
        try:
            from qmlmat.hardware.adapters.ionq import bodies  # noqa: PLC0415 (needs the extra)
        except ImportError as error:
            raise MissingExtraError(_MISSING) from error
        return bodies


_MISSING: Final = 'IonqAdapter: IonQ\'s client is not installed. Type pip install "qmlmat[ionq]".'


def _counted(task: Task) -> tuple[CountJob, ...]:
    jobs = tuple(one for one in task.measured if isinstance(one, CountJob))
    if len(jobs) < len(task.measured):
        raise CapabilityError(
            'IonqAdapter.compile: IonQ counts, and has no estimator. Use primitive = "sampler".'
        )
    return jobs


def _executions(task: Task) -> int:
    return task.n_circuits * max(job.shots for job in _counted(task))


def _remote(told: Mapping[str, Any]) -> RemoteJob:
    failure = told.get("failure") or {}
    return RemoteJob(
        remote_id=str(told["id"]),
        state=_STATES[str(told["status"])],
        message=str(failure.get("error") or failure.get("message") or "")[:500],
        created=_seconds(told.get("submitted_at")),
    )


def _seconds(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _median_error(fidelity: Mapping[str, float] | None) -> float | None:
    median = (fidelity or {}).get("median")
    return None if median is None else 1.0 - float(median)
