"""Whether a run with a vendor's own client lost, doubled, mixed up, overspent or betrayed anything.

What was accepted, computed and billed is read from the rehearsal server's own file.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from braket_rehearsed import PLANTED
from ibm_tasks import SECRET
from real_children import excess
from rehearsal.ionq import children

from qmlmat.hardware.adapters.base import Adapter
from qmlmat.hardware.adapters.braket import group, results
from qmlmat.hardware.adapters.ibm.adapter import tag_of
from qmlmat.hardware.ledger.ledger import Ledger
from qmlmat.hardware.ledger.records import Bill, TaskRecord
from qmlmat.hardware.plan import MeasurementPlan

IONQ_KEY = "planted-ionq-8a1b2c3d4e"
SECRETS = (
    SECRET,
    *PLANTED.values(),
    IONQ_KEY,
    "bm9ib2R5IGNoZWNrcyB0aGlz",  # in every access token that the rehearsed IBM gives
)
"""What must stand nowhere."""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A job as the server has it."""

    name: str
    """Its name there."""
    key: str
    """What it is found by."""
    state: str
    """How it ended."""
    request: bytes
    """What was sent."""
    result: bytes | None
    """What was computed."""
    shots: int
    """Repetitions billed."""
    seconds: float
    """Time billed (s)."""


class Memory:
    """A server's file, read while it runs and while it does not."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "rehearsal.sqlite"

    def _ask(self, text: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=20)) as base:
            return base.execute(text, values).fetchall()

    def n_jobs(self) -> int:
        """Return how many jobs were accepted."""
        return int(self._ask("SELECT coalesce(max(number), 0) FROM job")[0][0])

    def jobs(self, start: int) -> list[Accepted]:
        """Return the jobs after the first ``start``."""
        names = tuple(Accepted.__dataclass_fields__)
        columns = ", ".join({"name": "id"}.get(name, name) for name in names)
        rows = self._ask(f"SELECT {columns} FROM job WHERE number > ? ORDER BY number", start)
        return [Accepted(**dict(zip(names, row, strict=True))) for row in rows]

    def document(self, kind: str, name: str) -> bytes:
        """Return a document."""
        return bytes(
            self._ask("SELECT content FROM document WHERE kind = ? AND id = ?", kind, name)[0][0]
        )

    def happened(self, planted: Sequence[Mapping[str, Any]]) -> set[str]:
        """Return the kinds of faults that happened, of those planted since the last calm."""
        left = Counter()
        for kind, spot, times in self._ask("SELECT kind, spot, times FROM fault WHERE times > 0"):
            left[kind, spot] += times
        wanted = Counter()
        for one in planted:
            wanted[one["kind"], one["on"]] += one.get("times", 1)
        return {kind for (kind, spot), n in wanted.items() if left[kind, spot] < n}


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What is wrong; everything is empty where all went well."""

    lost: tuple[str, ...]
    """Tasks without an end or a reason, jobs that no bill names."""
    billed_twice: tuple[str, ...]
    """Keys with two jobs, tasks with two that ran, bills that are not the server's."""
    foreign: tuple[str, ...]
    """Answers that are not what the server computed for this very job."""
    over_budget: tuple[str, ...]
    """What passed the budget."""
    betrayed: tuple[str, ...]
    """Files with a secret, or that others can read."""

    @property
    def is_clean(self) -> bool:
        return not (
            self.lost or self.billed_twice or self.foreign or self.over_budget or self.betrayed
        )


class Evidence:
    """What a ledger and a server say of a run that is over."""

    def __init__(
        self, ledger: Ledger, plan: MeasurementPlan, run: str, jobs: Sequence[Accepted]
    ) -> None:
        self.ledger, self.plan, self.run, self.jobs = ledger, plan, run, jobs
        self.vendor = plan.target.provider
        self.records: list[TaskRecord] = ledger.tasks(run)

    def marks(self, record: TaskRecord, attempt: int) -> str:
        """Return what a task's jobs carry at the server."""
        key = self.ledger.task(record.key).key(attempt)
        return tag_of(key) if self.vendor == "ibm" else key

    def of(self, record: TaskRecord, attempt: int) -> list[Accepted]:
        """Return the jobs that the server has of an attempt."""
        return [job for job in self.jobs if job.key == self.marks(record, attempt)]

    # lost

    def lost(self, may_fail: bool) -> Iterator[str]:
        """Tell of tasks that are not at an end, or without a reason that we know of."""
        wanted = {task.key() for task in self.plan.tasks(self.run)}
        if {one.key for one in self.records} != wanted:
            yield f"{len(self.records)} tasks of {len(wanted)}"
        for one in self.records:
            is_told = may_fail and one.state == "failed" and bool(one.message)
            if one.state != "done" and not is_told:
                yield f"{one.key[:8]}: {one.state} {one.message}"
            if not one.is_settled:
                yield f"{one.key[:8]}: not settled"
        named = {name for bill in self.ledger.bills(self.run) for name in self._names(bill)}
        yield from (f"{job.name}: no bill" for job in self.jobs if job.name not in named)

    def _names(self, bill: Bill) -> list[str]:
        if self.vendor != "braket":
            return [bill.remote_id]
        return [arn for arn in group.arns(bill.remote_id) if arn]

    # paid

    def billed_twice(self) -> Iterator[str]:
        """Tell of keys with several jobs, tasks of which several ran, and wrong bills."""
        known = set()
        for one in self.records:
            ran: Counter[str] = Counter()
            for attempt in range(one.attempt + 1):
                marks = [self._part(job) for job in self.of(one, attempt)]
                known.add(self.marks(one, attempt))
                if len(set(marks)) < len(marks):
                    yield f"{one.key[:8]}.{attempt}: {len(marks)} jobs"
                ran.update(self._part(job) for job in self.of(one, attempt) if job.shots)
            if max(ran.values(), default=0) > 1:
                yield f"{one.key[:8]}: ran {max(ran.values())} times"
        yield from (f"{job.name}: a key of nobody" for job in self.jobs if job.key not in known)
        by_name = {job.name: job for job in self.jobs}
        for bill in self.ledger.bills(self.run):
            own = [by_name[name] for name in self._names(bill) if name in by_name]
            if len(own) < len(self._names(bill)):
                yield f"{bill.remote_id}: a bill without a job"
            if bill.is_extra and any(job.shots for job in own):
                yield f"{bill.remote_id}: one too many"
            told, right = self._amounts(bill), self._charged(own)
            if abs(told - right) > 1e-9:
                yield f"{bill.remote_id}: {told} in the ledger, {right} at the server"

    def _part(self, job: Accepted) -> str:
        """Return which part of its task a job is: a quantum task of several."""
        if self.vendor != "braket":
            return "all"
        return str(json.loads(job.request)["tags"][group.PART_TAG])

    def _amounts(self, bill: Bill) -> float:
        return bill.amounts.seconds if self.vendor == "ibm" else float(bill.amounts.shots)

    def _charged(self, jobs: Sequence[Accepted]) -> float:
        return sum(job.seconds if self.vendor == "ibm" else float(job.shots) for job in jobs)

    def totals(self) -> tuple[float, float]:
        """Return what all bills and the server say: seconds of IBM, repetitions of others."""
        bills = self.ledger.bills(self.run)
        return sum(map(self._amounts, bills)), self._charged(self.jobs)

    # answers

    def foreign(self, memory: Memory, adapter: Adapter, answers: Sequence[Any]) -> Iterator[str]:
        """Tell of results that are not what the server computed for the very key of their task.

        Args:
            memory: The server's.
            adapter: Reads results; no network.
            answers: What the last child printed.
        """
        found, bits = [], []
        for one in self.records:
            if one.state != "done":
                found.append(None)
                bits.append(())
                continue
            payload = self.ledger.payload(one)
            jobs = sorted(self.of(one, one.attempt), key=self._part)
            raw = self._computed(memory, jobs)
            if not self._is_same(self.ledger.read_raw(one), raw):
                yield f"{one.key[:8]}: what is stored is not the result of {one.remote_id}"
            if not self._is_sent(payload.content, jobs):
                yield f"{one.key[:8]}: what was sent is not its payload"
            found.append(adapter.decode(raw, payload))
            bits.append(payload.bit_qubits)
        right = [
            None if one is None else [one.values.tolist(), one.variances.tolist()]
            for one in self.plan.answers(found, bits)[0]
        ]
        if list(answers) != right:
            yield f"{answers} is not {right}"

    def _computed(self, memory: Memory, jobs: Sequence[Accepted]) -> bytes:
        """Return the raw result as the adapter should have fetched it."""
        if self.vendor == "ibm":
            (job,) = jobs
            return job.result or b""
        if self.vendor == "ionq":
            (job,) = jobs
            given = json.loads(job.request)
            told = {"id": job.name, "shots": given["shots"]}
            told |= {"child_job_ids": children(SimpleNamespace(id=job.name, request=job.request))}
            shares = (job.result or b"").decode()
            return json.dumps({"job": told, "probabilities": shares}).encode()
        return results.packed_files([self._objects(memory, job) for job in jobs])

    def _objects(self, memory: Memory, job: Accepted) -> results.Files:
        given = json.loads(job.request)
        folder = f"{given['outputS3KeyPrefix']}/{job.name.rpartition('/')[2]}"
        place = f"{given['outputS3Bucket']}/{folder}"
        return results.gathered(lambda name: memory.document("object", f"{place}/{name}").decode())

    def _is_same(self, stored: bytes, computed: bytes) -> bool:
        if self.vendor != "ionq":
            return stored == computed
        mine, theirs = json.loads(stored), json.loads(computed)
        is_job = mine["job"]["id"] == theirs["job"]["id"]
        return is_job and mine["probabilities"] == theirs["probabilities"]

    def _is_sent(self, content: bytes, jobs: Sequence[Accepted]) -> bool:
        """Return whether the server got what the ledger says was sent, where that is text."""
        tree = json.loads(content)
        requests = [json.loads(job.request) for job in jobs]
        if self.vendor == "braket":
            return [one["action"] for one in requests] == [one["action"] for one in tree["parts"]]
        if self.vendor == "ionq":
            return all(one | tree["body"] == one for one in requests)
        return len(requests) == 1

    # money and secrets

    def over_budget(self) -> list[str]:
        """Return what of the budget is passed in the end."""
        return excess(self.ledger, self.run)


def betrayed(folder: Path, *, ledger: Path) -> Iterator[str]:
    """Tell of files in which a secret stands, and of those of the ledger that others can read."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            yield from (f"{file}: {s[:9]}..." for s in SECRETS if s.encode() in content)
        if file == ledger or ledger in file.parents:
            mode, right = file.stat().st_mode & 0o777, 0o700 if file.is_dir() else 0o600
            if mode != right:
                yield f"{file}: mode {mode:o}"
