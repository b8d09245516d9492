"""The provider ``"local"``: jobs are files, results come from a simulator in this process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qmlmat.errors import QmlmatError
from qmlmat.hardware.adapters.base import (
    DeviceFacts,
    Payload,
    RemoteJob,
    Resources,
    Snapshot,
    Spent,
)
from qmlmat.hardware.adapters.local.engine import (
    Engine,
    count_jobs,
    from_raw,
    job_seed,
    n_executions,
    to_raw,
)
from qmlmat.hardware.adapters.local.job_files import JobFiles, StoredJob
from qmlmat.hardware.task import Answer, Task, from_plain


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalAdapter:
    """A simulator as a provider. A job that was accepted runs when its status is asked for.

    Its shots follow from its key, so that it gives the same counts in whichever process it runs,
    and however often it was begun before. A key that was sent twice is one job.
    """

    device: str
    """The simulator, as the target names it."""
    engine: Engine
    """What simulates."""
    jobs: JobFiles
    """Where jobs are kept."""

    @property
    def name(self) -> str:
        """Provider and device, in records."""
        return f"local:{self.device}"

    def capabilities(self) -> DeviceFacts:
        """Return what the simulator can do."""
        return self.engine.capabilities()

    def snapshot(self) -> Snapshot | None:
        """Return the calibration that is simulated; see ``Adapter``."""
        return self.engine.snapshot()

    def compile(self, task: Task, *, layout: Sequence[int] | None = None) -> Payload:
        """Return what will be simulated; see ``Adapter``."""
        return self.engine.compile(count_jobs(task, self.name), layout)

    def estimate(self, task: Task) -> Resources:
        """Return what a task takes: executions, and no money; see ``Adapter``."""
        jobs = count_jobs(task, self.name)
        return Resources(n_executions=n_executions(jobs), n_circuits=task.n_circuits)

    def submit(self, payload: Payload, key: str) -> str:
        """Keep a job, and return its name."""
        return self.jobs.accept(key, payload.content, payload.n_executions)

    def find(self, key: str) -> list[RemoteJob]:
        """Return the job that carries the key, if there is one."""
        found = self.jobs.by_key(key)
        return [] if found is None else [found.as_remote()]

    def status(self, remote_id: str) -> RemoteJob:
        """Run a job that has not run, and return how far it is."""
        job = self.jobs.read(remote_id)
        if job.state == "queued":
            self._simulate(job)
            job = self.jobs.read(remote_id)
        return job.as_remote()

    def _simulate(self, job: StoredJob) -> None:
        try:
            raw = to_raw(self.engine.run(json.loads(job.content), job_seed(job.key)))
        except (QmlmatError, ValueError, KeyError, RuntimeError, MemoryError) as error:
            self.jobs.end(job.remote_id, "failed", f"The simulation failed: {error}")
        else:
            self.jobs.finish(job.remote_id, raw)

    def fetch_raw(self, remote_id: str) -> bytes:
        """Return a finished job's result; see ``Adapter``."""
        return self.jobs.result(remote_id)

    def decode(self, raw: bytes, payload: Payload) -> list[Answer]:
        """Return the counts of the payload's programs; see ``Adapter``."""
        programs = [from_plain(tree) for tree in json.loads(payload.content)["programs"]]
        return list(from_raw(raw, [[one.shots or 0] * len(one.angles) for one in programs]))

    def usage(self, remote_id: str) -> Spent:
        """Return what a job took: repetitions, and no money."""
        job = self.jobs.read(remote_id)
        return Spent(usd=0.0, n_shots=job.n_executions if job.state == "done" else 0)

    def cancel(self, remote_id: str) -> None:
        """Stop a job that has not run."""
        if self.jobs.read(remote_id).state == "queued":
            self.jobs.end(remote_id, "cancelled", "Cancelled.")


def local_adapter(device: str, engine: Engine, folder: Path) -> LocalAdapter:
    """Return the adapter of a simulator whose jobs are in a folder.

    Args:
        device: The simulator, as the target names it.
        engine: What simulates.
        folder: Parent of the folder ``jobs``.
    """
    return LocalAdapter(device=device, engine=engine, jobs=JobFiles(folder / "jobs"))
