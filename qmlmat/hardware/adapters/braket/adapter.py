"""Devices of Amazon Braket behind the common interface."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.errors import (
    CapabilityError,
    CredentialError,
    MissingExtraError,
    RejectedError,
    UnclearError,
)
from qmlmat.hardware.adapters.base import (
    DeviceFacts,
    Payload,
    RemoteJob,
    Resources,
    Snapshot,
    Spent,
)
from qmlmat.hardware.adapters.braket import group, results
from qmlmat.hardware.adapters.braket.device import Device
from qmlmat.hardware.adapters.braket.parts import SetLimits, counted, cut, to_content, written
from qmlmat.hardware.config import limits, rates
from qmlmat.hardware.config.target import BraketTarget
from qmlmat.hardware.task import Answer, Task

if TYPE_CHECKING:
    from qmlmat.hardware.adapters.braket.door import Door

_MANY: Final = 10**9
_ANY_SETS: Final = SetLimits(max_executables=_MANY, max_shots=_MANY)
"""Limits of program sets of a device that was not asked."""


class BraketAdapter:
    """A device of Amazon Braket.

    A task is one quantum task, a program set, wherever the device takes them and all its programs
    have the same number of shots; else it is several. Each is sent with a token made of the task's
    key: sent twice, it is still one.
    """

    def __init__(self, target: BraketTarget) -> None:
        """Take the target; nothing is sent, nothing is looked up.

        Args:
            target: The device, and how it is reached.
        """
        self._target = target
        self._begun: dict[str, list[str | None]] = {}  # quantum tasks found of jobs sent in part
        self._refused: dict[str, str] = {}  # why the rest of such a job will never be taken

    @property
    def name(self) -> str:
        """Provider and device, in records."""
        return f"braket:{self._target.device}"

    def capabilities(self) -> DeviceFacts:
        """Return what the device is and can do; a note where no spending limit is set."""
        notes = []
        if not self._target.is_simulator:
            has_limit = self._door.has_spending_limit()
            if has_limit is None:
                notes.append("Whether a spending limit is set cannot be seen with this account.")
            elif not has_limit:
                notes.append(
                    "No spending limit is set for the device: set one in the console of Braket."
                )
        return self._device.facts(*notes)

    def snapshot(self) -> Snapshot | None:
        """Return the calibration now; ``None`` of a simulator."""
        return Device(self._door.device()).snapshot(time.time())

    def compile(self, task: Task, *, layout: Sequence[int] | None = None) -> Payload:  # noqa: ARG002
        """Return what will be sent. Braket places circuits itself, so there is no layout.

        Args:
            task: What is measured.
            layout: Not used.

        Raises:
            CapabilityError: If the device cannot run a program.
        """
        jobs = counted(task)
        device = self._device
        for job in jobs:
            self._check(job, device)
        sets = device.sets()
        if sets is not None:
            sets = self._bounded(sets)
        parts = [
            {
                "action": written(jobs, places, gates=device.gates, is_set=sets is not None),
                "shots": len(places) * jobs[places[0].program].shots,
                "places": [[place.program, place.point] for place in places],
            }
            for places in cut(jobs, sets)
        ]
        self._check_parts(jobs, len(parts), device)
        return Payload(
            content=to_content(parts, jobs, self._target.device),
            bit_qubits=tuple(tuple(range(job.circuit.n_bits)) for job in jobs),
            n_executions=task.n_shots,
            facts={"n_quantum_tasks": len(parts)},
        )

    def estimate(self, task: Task) -> Resources:
        """Return what a task takes; no network. What a device would cut further is not sent."""
        rate, limit = rates(self._target), limits(self._target)
        n_parts = self._n_estimated(counted(task))
        usd = n_parts * rate.usd_per_task + task.n_shots * rate.usd_per_shot
        seconds = None
        if rate.usd_per_second:
            work = task.n_shots * (limit.rep_delay_s + limit.circuit_s)
            seconds = n_parts * max(rate.least_seconds, limit.overhead_s) + work
            usd += seconds * rate.usd_per_second
        return Resources(
            n_executions=task.n_shots, n_circuits=task.n_circuits, seconds=seconds, usd=usd
        )

    def submit(self, payload: Payload, key: str) -> str:
        """Send a task, and return its name. Sent again under the same key, it is the same one.

        Raises:
            RejectedError: If nothing was accepted.
            UnclearError: If something was, or may have been.
        """
        parts = json.loads(payload.content)["parts"]
        begun = self._begun.get(key) or [None] * len(parts)
        sent: list[str] = [arn for arn in begun if arn]
        names: list[str | None] = []
        for number, (part, known) in enumerate(zip(parts, begun, strict=True)):
            if known is None:
                if number:
                    time.sleep(limits(self._target).min_submit_interval_s)
                sent.append(self._create(part, key, (number, len(parts)), sent))
            names.append(known or sent[-1])
        return group.joined(names)

    def find(self, key: str) -> list[RemoteJob]:
        """Return every job that carries the key, by its tag, the oldest first."""
        found = group.jobs(self._door.tasks(), key)
        self._begun.pop(key, None)
        if found and not found[0].is_whole:
            self._begun[key] = group.arns(found[0].remote_id)
            if key in self._refused:
                found[0] = replace(found[0], state="failed", message=self._refused[key])
        return found

    def status(self, remote_id: str) -> RemoteJob:
        """Return how far a job is."""
        parts = [arn and self._door.task(arn) for arn in group.arns(remote_id)]
        return group.job([part or None for part in parts])

    def fetch_raw(self, remote_id: str) -> bytes:
        """Return the files of a finished job's result, as they lie in S3."""
        return results.packed_files([self._files(arn) for arn in group.arns(remote_id) if arn])

    def decode(self, raw: bytes, payload: Payload) -> list[Answer]:
        """Return the counts of the payload's programs, in their order, the sentinel's last."""
        return results.answers(raw, json.loads(payload.content))

    def usage(self, remote_id: str) -> Spent:
        """Return what a job took, by the prices we know; simulators tell how long they ran."""
        rate = rates(self._target)
        shots, usd, seconds = 0, 0.0, 0.0
        for arn in filter(None, group.arns(remote_id)):
            told = self._door.task(arn)
            if told["status"] != "COMPLETED" and not told.get("numSuccessfulShots"):
                continue
            run = int(told.get("numSuccessfulShots", told["shots"]))
            shots += run
            usd += rate.usd_per_task + run * rate.usd_per_shot
            if rate.usd_per_second:
                ran = (results.executed_ms(self._files(arn)) or 0.0) / 1000
                seconds += max(rate.least_seconds, ran)
        is_timed = bool(rate.usd_per_second)
        return Spent(
            seconds=seconds if is_timed else None,
            usd=usd + seconds * rate.usd_per_second,
            n_shots=shots,
        )

    def cancel(self, remote_id: str) -> None:
        """Ask that a job be stopped; one that has ended is left as it is."""
        for arn in filter(None, group.arns(remote_id)):
            self._door.cancel(arn)

    @cached_property
    def _door(self) -> Door:
        try:
            from qmlmat.hardware.adapters.braket.door import Door  # noqa: PLC0415 (needs the extra)
        except ImportError as error:
            raise MissingExtraError(
                "BraketAdapter: Amazon's client is not installed. Type pip install "
                '"qmlmat[braket]".'
            ) from error
        return Door(self._target)

    @cached_property
    def _device(self) -> Device:
        return Device(self._door.device())

    def _bounded(self, sets: SetLimits) -> SetLimits:
        """Return the limits of a program set, ours among them."""
        ours = limits(self._target)
        return SetLimits(
            max_executables=min(sets.max_executables, ours.max_programs_per_job or _MANY),
            max_shots=min(sets.max_shots, ours.max_executions_per_job or _MANY),
        )

    def _n_estimated(self, jobs: Sequence[CountJob]) -> int:
        """Return the quantum tasks of a job as far as they are known without asking the device."""
        return len(cut(jobs, None if self._target.is_simulator else self._bounded(_ANY_SETS)))

    def _check_parts(self, jobs: Sequence[CountJob], n_parts: int, device: Device) -> None:
        """Refuse a job that the device's own limits make dearer than what was set aside for it."""
        n_estimated, sets = self._n_estimated(jobs), device.sets()
        if n_parts <= n_estimated:
            return
        least = "max_programs_per_job = 1"
        if sets is not None:
            least = (
                f"max_programs_per_job = {sets.max_executables} and max_executions_per_job = "
                f"{sets.max_shots}"
            )
        raise CapabilityError(
            f"BraketAdapter.compile: {device.name} takes a job as {n_parts} quantum tasks, each of "
            f"which has its price, and the budget was checked for {n_estimated}. Set [mode] "
            f"{least}, and plan again. Nothing was sent."
        )

    def _check(self, job: CountJob, device: Device) -> None:
        if job.circuit.n_qubits > device.n_qubits:
            raise CapabilityError(
                f"BraketAdapter.compile: {job.circuit.n_qubits} qubits, {device.name} has "
                f"{device.n_qubits}. Use fewer orbitals, or another device."
            )
        if job.shots > device.max_shots:
            raise CapabilityError(
                f"BraketAdapter.compile: {job.shots} shots of a circuit, {device.name} takes "
                f"{device.max_shots}. Lower [sampling] shots."
            )
        if job.fold > 1 and not device.is_simulator:
            raise CapabilityError(
                f"BraketAdapter.compile: a circuit is folded {job.fold} times, and {device.name}'s "
                "compiler undoes that. Leave noise_factors out of [mitigation]."
            )

    def _create(
        self, part: Mapping[str, Any], key: str, place: tuple[int, int], sent: Sequence[str]
    ) -> str:
        """Return the ARN of one quantum task of a job, others of which may have been sent."""
        number, n_parts = place
        try:
            return self._door.create(
                token=group.token(key, number, n_parts),
                tags=group.tags(key, number, n_parts),
                action=part["action"],
                shots=part["shots"],
            )
        except (RejectedError, CredentialError) as error:
            if not sent:
                raise
            raise self._stopped(error, key, sent, n_parts) from None

    def _files(self, arn: str) -> results.Files:
        told = self._door.task(arn)
        bucket, folder = told["outputS3Bucket"], told["outputS3Directory"]
        return results.gathered(lambda name: self._door.document(bucket, f"{folder}/{name}"))

    def _stopped(
        self, error: Exception, key: str, sent: Sequence[str], n_parts: int
    ) -> UnclearError:
        """Return the error of a task of which only a part was accepted.

        What passes by itself, or with another credential, is left for the next attempt, under the
        same tokens; where it never will be whole, what was accepted is cancelled.
        """
        passes = not isinstance(error, RejectedError) or error.retry_after is not None
        if not passes:
            self._refused[key] = f"{error} {len(sent)} of {n_parts} quantum tasks were taken back."
            for arn in sent:
                self._door.cancel(arn)
        done = "was kept; send it again" if passes else "was cancelled"
        return UnclearError(
            f"{error} {len(sent)} of {n_parts} quantum tasks had been accepted; that part {done} "
            "under the same key."
        )
