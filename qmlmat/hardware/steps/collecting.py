"""From job to answer: ask, fetch, store, read, pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.errors import CorruptResultError, MeasurementError
from qmlmat.hardware.adapters.base import RemoteJob
from qmlmat.hardware.ledger.records import TaskRecord
from qmlmat.hardware.steps.finding import look, stop_others
from qmlmat.hardware.steps.work import Work
from qmlmat.hardware.task import Answer, Task


def collect(work: Work, record: TaskRecord) -> None:
    """Ask how far a job is, and fetch its result when it is there."""
    if record.state == "fetched":
        read(work, record)
        return
    record, job = look(work, record)
    if record.is_unwanted and job.state in {"queued", "running"}:
        job = _stopped(work, job)
    if job.state == "done":
        _fetch(work, record)
    elif job.state in {"failed", "cancelled"}:
        work.later[record.key] = work.time + work.backoff(record.attempt)
        settle(work, work.ledger.move(record, job.state, why=job.message or "says the provider"))
    elif job.state == "running" and record.state == "submitted":
        work.ledger.move(record, "running")
    else:
        work.postpone(record)


def _stopped(work: Work, job: RemoteJob) -> RemoteJob:
    """Return a job that nobody wants, asked to stop; one sent in part will never be whole."""
    work.adapter.cancel(job.remote_id)
    found = work.adapter.status(job.remote_id)
    return found if found.is_whole else replace(found, state="cancelled")


def _fetch(work: Work, record: TaskRecord) -> None:
    assert record.remote_id is not None
    try:
        raw = work.adapter.fetch_raw(record.remote_id)
    except CorruptResultError as error:
        _spoilt(work, record, str(error))
        return
    stored = work.ledger.write_raw(record, raw)
    read(work, work.ledger.move(record, "fetched", **stored))


def read(work: Work, record: TaskRecord) -> None:
    """Read a stored result; one that was damaged here is fetched again."""
    payload = work.ledger.payload(record)
    try:
        raw = work.ledger.read_raw(record)
    except CorruptResultError as error:
        work.ledger.move(record, "running", why=str(error))
        return
    try:
        answers = work.adapter.decode(raw, payload)
        _check(answers, work.task(record))
    except (CorruptResultError, MeasurementError) as error:
        _spoilt(work, record, str(error))
        return
    work.answers[record.key] = answers
    settle(work, work.ledger.move(record, "done"))


def _spoilt(work: Work, record: TaskRecord, why: str) -> None:
    n_bad = record.n_bad + 1
    if n_bad < work.retry.attempts:
        work.later[record.key] = work.time + work.backoff(record.n_bad)
        work.ledger.move(record, "running", why=why, n_bad=n_bad)
    else:
        why += f" Fetched {n_bad} times; what came is kept in raw/{record.key[:12]}..."
        settle(work, work.ledger.move(record, "failed", why=why, n_bad=n_bad))


def settle(work: Work, record: TaskRecord) -> None:
    """Replace what was set aside for a job that has ended by what it cost."""
    assert record.remote_id is not None
    if not stop_others(work, record):
        work.postpone(record)
        return
    work.ledger.settle(record, work.adapter.usage(record.remote_id))


def is_damaged(work: Work, record: TaskRecord) -> bool:
    """Return whether the stored result of an answered task was altered."""
    try:
        work.ledger.read_raw(record)
    except CorruptResultError:
        return True
    return False


def fetch_again(work: Work, record: TaskRecord) -> None:
    """Fetch an answer again whose stored result was damaged."""
    work.answers.pop(record.key, None)
    work.ledger.move(record, "running", why="the stored result was damaged")


def _check(answers: Sequence[Answer], task: Task) -> None:
    """Refuse answers that cannot be the task's.

    Raises:
        CorruptResultError: If their number, kind or shape is another.
    """
    wanted = task.measured
    if len(answers) != len(wanted):
        raise CorruptResultError(
            f"task {task.key()[:12]}: {len(answers)} answers to {len(wanted)} programs."
        )
    for k, (answer, program) in enumerate(zip(answers, wanted, strict=True)):
        n_points = len(program.angles)
        if isinstance(program, CountJob):
            is_right = (
                isinstance(answer, Histogram)
                and answer.n_rows == n_points
                and answer.n_bits == program.circuit.n_bits
                and bool((answer.n_shots > 0).all())
            )
        else:
            is_right = not isinstance(answer, Histogram) and (
                answer.values.shape == answer.variances.shape == (n_points, len(program.sums))
            )
        if not is_right:
            raise CorruptResultError(
                f"task {task.key()[:12]}: the answer to program {k} has another kind or shape, or "
                "a point without shots."
            )
