"""From plan to job: set money aside, make ready, send once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qmlmat.errors import (
    BudgetError,
    CredentialError,
    HardwareError,
    RejectedError,
    UnavailableError,
    UnclearError,
)
from qmlmat.hardware.ledger.budget import Amounts
from qmlmat.hardware.ledger.records import TaskRecord
from qmlmat.hardware.ledger.states import StaleError
from qmlmat.hardware.steps.work import Work

LOOK_S: Final = 3600.0
"""How long a calibration is taken for the device's present one (s)."""


def withdraw(work: Work, record: TaskRecord) -> None:
    """Cancel a task that was not sent."""
    released = {"reserved": Amounts(), "is_settled": True}
    work.ledger.move(record, "cancelled", why="cancelled before it was sent", **released)


def reserve(work: Work) -> None:
    """Set the budget aside for everything that is to be sent: for all of it, or for nothing.

    Failed tasks that are sent again come after it, one by one; they may find the budget used up.
    """
    records = [one for one in work.ledger.tasks(work.run) if not one.is_unwanted]
    try:
        _reserve(work, [one for one in records if one.state in {"planned", "refused"}])
    except BudgetError as error:
        work.errors.append(error)
    for one in records:
        if one.is_settled and goes_on(work, one):
            try:
                _reserve(work, [one])
            except BudgetError as error:
                work.notes.append(f"task {one.key[:12]} failed and is not sent again: {error}")
                work.rejected.add(one.key)


def _reserve(work: Work, records: Sequence[TaskRecord]) -> None:
    if records:
        wanted = {one.key: work.adapter.estimate(work.task(one)) for one in records}
        work.ledger.reserve(work.run, wanted)


def goes_on(work: Work, record: TaskRecord) -> bool:
    """Return whether a failed task is sent again by this process.

    A job that failed at the provider may be billed: it is sent again only where that is allowed.
    One that the provider did not take at all is tried again by the next process, since something
    has to be changed first.
    """
    if record.state != "failed" or record.is_unwanted or record.key in work.rejected:
        return False
    if record.remote_id is not None:
        return work.retry.resubmit_failed and record.attempt + 1 < work.retry.attempts
    return record.attempt < work.retry.attempts


def chooses_layout(work: Work, record: TaskRecord) -> bool:
    """Return whether a task has the widest circuit of a run without a layout.

    It is made ready first: the layout of a narrower one would not hold it.
    """
    run = work.ledger.run(work.run)
    if run.layout is not None or not needs_payload(record):
        return False
    waiting = [one for one in work.ledger.tasks(work.run) if needs_payload(one)]
    return _width(work, record) == max(_width(work, one) for one in waiting)


def needs_payload(record: TaskRecord) -> bool:
    """Return whether a task is paid for and not made ready."""
    return record.state == "reserved" and record.payload is None


def _width(work: Work, record: TaskRecord) -> int:
    return max(one.circuit.n_qubits for one in work.task(record).measured)


def prepare(work: Work, record: TaskRecord) -> None:
    """Store what will be sent for a task; every circuit of a run is on one layout.

    Raises:
        CapabilityError: If the device cannot run it.
    """
    for _ in range(2):  # another process may choose the layout while we compile
        layout = work.ledger.run(work.run).layout or None
        payload = work.adapter.compile(work.task(record), layout=layout)
        if work.ledger.prepare(record, payload):
            return
    raise HardwareError(
        f"task {record.key[:12]}: {work.adapter.name} put it on the qubits {payload.layout} and "
        "not on those of its run. Name them: [layout] initial_layout."
    )


def send(work: Work, record: TaskRecord) -> None:
    """Send a task, once: it is on disk as being sent before anything leaves.

    Raises:
        CredentialError: If the provider does not let us in; the task waits as it was.
    """
    _look_at_device(work)
    payload, key = work.ledger.payload(record), work.sent_key(record)
    record = work.ledger.move(record, "submitting", calibration=work.calibration)
    if not work.ledger.holds(record):
        # we slept so long that another process took over: it finds out, and we send nothing
        raise StaleError(f"task {record.key[:12]}: another process took it over.")
    try:
        remote_id = work.adapter.submit(payload, key)
    except CredentialError as error:
        work.ledger.move(record, "reserved", why=str(error))
        raise
    except RejectedError as error:
        _rejected(work, record, error)
    except (UnclearError, UnavailableError) as error:
        work.notes.append(str(error))
        work.ledger.move(record, "ambiguous", why=str(error))
    else:
        work.n_refused = 0
        work.ledger.move(record, "submitted", remote_id=remote_id)


def _rejected(work: Work, record: TaskRecord, error: RejectedError) -> None:
    work.notes.append(str(error))
    if error.retry_after is None:
        work.rejected.add(record.key)
        released = {"reserved": Amounts(), "is_settled": True}
        work.ledger.move(record, "failed", why=str(error), **released)
        return
    work.hold = work.time + max(error.retry_after, work.backoff(work.n_refused))
    work.n_refused += 1
    work.ledger.move(record, "reserved", why=str(error))


def is_ready(work: Work, record: TaskRecord) -> bool:
    """Return whether a task can be sent now; the pace of the provider counts every run."""
    if record.state != "reserved" or record.payload is None:
        return False
    if work.time < work.hold:
        return False
    interval = work.retry.min_submit_interval_s or 0.0
    last = work.ledger.last_sent()
    if not interval or last is None:
        return True
    since = work.ledger.clock.now() - last
    since = max(since, 0.0)  # where the clock was set back there is no need to wait for all of it
    if since < interval:
        work.hold = work.time + interval - since
        return False
    return True


def _look_at_device(work: Work) -> None:
    if work.looked_at is not None and work.time - work.looked_at < LOOK_S:
        return
    snapshot = work.adapter.snapshot()
    work.calibration = None if snapshot is None else work.ledger.write_calibration(snapshot)
    work.looked_at = work.time
