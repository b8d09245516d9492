"""Which jobs are at the provider: found by the key they carry, never guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qmlmat.errors import RejectedError, UnclearError
from qmlmat.hardware.adapters.base import RemoteJob
from qmlmat.hardware.ledger.budget import Amounts
from qmlmat.hardware.ledger.records import TaskRecord
from qmlmat.hardware.ledger.states import StaleError
from qmlmat.hardware.steps.work import Work

_AGAIN_S = 30.0
"""When the rest of a job is sent again where the provider does not say (s)."""
_PROGRESS = ("done", "running", "queued", "failed", "cancelled")


def resolve(work: Work, record: TaskRecord) -> None:
    """Find out whether a job was accepted of which no answer came.

    It counts as absent only when this very process has searched for it twice, at least the grace
    apart by its own watch: what other processes saw, or the time of day says, proves nothing.
    """
    jobs = work.adapter.find(work.sent_key(record))
    watched = (record.key, record.revision)  # whatever happens to the task, the watch begins anew
    if jobs:
        work.absent.pop(watched, None)
        kept = furthest(jobs)
        is_cut = not kept.is_whole and kept.state in {"queued", "running"}
        name = kept.remote_id
        if is_cut and not record.is_unwanted:
            name = _completed(work, record) or ""
        if name:
            work.ledger.move(record, "submitted", why="found by its key", remote_id=name)
        return
    grace = work.retry.ambiguous_grace_s
    since = work.absent.get(watched)
    if since is None or work.time - since < grace:
        since = work.absent.setdefault(watched, work.time)
        work.later[record.key] = since + grace
        return
    del work.absent[watched]
    _absent(work, record)


def _completed(work: Work, record: TaskRecord) -> str | None:
    """Return the name of a job that was accepted in part, sent again: ``None`` if it still is.

    Only adapters whose provider takes the same key for the same job tell of such jobs.
    """
    payload, key = work.ledger.payload(record), work.sent_key(record)
    if not work.ledger.holds(record):
        raise StaleError(f"task {record.key[:12]}: another process took it over.")
    try:
        return work.adapter.submit(payload, key)
    except (RejectedError, UnclearError) as error:
        work.notes.append(str(error))
        work.later[record.key] = work.time + (getattr(error, "retry_after", None) or _AGAIN_S)
        return None


def _absent(work: Work, record: TaskRecord) -> None:
    why = f"no job carries the key of attempt {record.attempt}"
    released: dict[str, Any] = {"reserved": Amounts(), "is_settled": True}
    if record.is_unwanted:
        work.ledger.move(record, "cancelled", why=why, **released)
    elif record.attempt + 1 >= work.retry.attempts:
        why += f". Tried {work.retry.attempts} times: see to the connection, raise [retry] attempts"
        work.ledger.move(record, "failed", why=why, attempt=record.attempt + 1, **released)
    else:
        work.ledger.move(record, "reserved", why=why, attempt=record.attempt + 1)


def look(work: Work, record: TaskRecord) -> tuple[TaskRecord, RemoteJob]:
    """Return a task and its job; several jobs with its key are reduced to one.

    The first time the job is looked for by its key, and not by its name: a provider's client that
    sent it twice told us of one only.
    """
    assert record.remote_id is not None
    if record.remote_id in work.searched:
        return record, work.adapter.status(record.remote_id)
    jobs = _candidates(work, record, record.attempt)
    if record.remote_id not in {job.remote_id for job in jobs}:
        return record, work.adapter.status(record.remote_id)  # its key is not in the index yet
    kept = furthest(jobs)
    if kept.remote_id != record.remote_id:
        why = "several jobs carry its key: the one that is furthest is kept"
        record = work.ledger.move(record, record.state, why=why, remote_id=kept.remote_id)
    _stop(work, record, record.attempt, jobs)
    work.searched.add(kept.remote_id)
    if kept.state == "queued" and not record.is_unwanted:
        kept = work.adapter.status(kept.remote_id)  # a local job runs when it is asked for
    return record, kept


def stop_others(work: Work, record: TaskRecord) -> bool:
    """Cancel, and write down, every job of a task that is not its job.

    Jobs of earlier attempts are among them: a provider may have shown one too late.

    Returns:
        Whether the task's own job was found by its key. If not, the provider's index is behind,
        and others may be hidden, too.
    """
    is_listed = False
    for attempt in range(record.attempt + 1):
        jobs = _candidates(work, record, attempt)
        is_listed |= record.remote_id in {job.remote_id for job in jobs}
        _stop(work, record, attempt, jobs)
    return is_listed


def furthest(jobs: Sequence[RemoteJob]) -> RemoteJob:
    """Return the job nearest to its end, the first among equals: the others cost least to stop."""
    return min(
        jobs,
        key=lambda job: (
            _PROGRESS.index(job.state),
            math.inf if job.created is None else job.created,
            job.remote_id,
        ),
    )


def _candidates(work: Work, record: TaskRecord, attempt: int) -> list[RemoteJob]:
    billed = {
        one.remote_id for one in work.ledger.bills(work.run) if one.remote_id != record.remote_id
    }
    found = work.adapter.find(work.sent_key(record, attempt))
    return [job for job in found if job.remote_id not in billed]


def _stop(work: Work, record: TaskRecord, attempt: int, jobs: Sequence[RemoteJob]) -> None:
    for job in jobs:
        if job.remote_id == record.remote_id:
            continue
        if job.state in {"queued", "running"}:
            work.adapter.cancel(job.remote_id)
        spent = work.adapter.usage(job.remote_id)
        work.ledger.settle_extra(record, attempt, job.remote_id, spent)
        work.notes.append(
            f"task {record.key[:12]}: a second job {job.remote_id} carried its key; it was "
            "cancelled."
        )
