"""Statements that change rows, within a transaction of the caller's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from qmlmat.hardware.ledger.budget import Amounts
from qmlmat.hardware.ledger.records import Bill, Event, TaskRecord
from qmlmat.hardware.task import Task
from qmlmat.provenance import canonical_json

Execute: TypeAlias = Callable[..., Any]
"""``execute`` of a connection."""


def task(execute: Execute, key: str) -> TaskRecord:
    """Return how far a task is."""
    return TaskRecord.of(execute("SELECT * FROM task WHERE key = ?", (key,)).fetchone())


def add(execute: Execute, now: float, key: str, one: Task, definition: str) -> bool:
    """Return whether a task was written; not so where it was there."""
    statement = (
        "INSERT OR IGNORE INTO task (key, run, step, part, role, definition, state, changed) "
        "VALUES (?, ?, ?, ?, ?, ?, 'planned', ?)"
    )
    values = (key, one.run, one.step, one.part, one.role, definition, now)
    return bool(execute(statement, values).rowcount)


def change(
    execute: Execute,
    now: float,
    record: TaskRecord,
    to: str,
    facts: Mapping[str, Any],
) -> bool:
    """Return whether a task was changed; not so where it is not what ``record`` says any more."""
    columns: dict[str, Any] = {"state": to, "changed": now}
    for name, value in facts.items():
        if isinstance(value, Amounts):
            columns |= {f"{name}_{part}": amount for part, amount in vars(value).items()}
        else:
            columns[name] = int(value) if isinstance(value, bool) else value
    assignments = ", ".join(f"{name} = ?" for name in columns)
    statement = (
        f"UPDATE task SET {assignments}, revision = revision + 1 "
        "WHERE key = ? AND state = ? AND revision = ?"
    )
    values = (*columns.values(), record.key, record.state, record.revision)
    return bool(execute(statement, values).rowcount)


def note(  # noqa: PLR0913 (the columns of an event)
    execute: Execute,
    now: float,
    run: str,
    detail: Mapping[str, Any],
    *,
    key: str | None = None,
    source: str | None = None,
    to: str | None = None,
) -> None:
    """Write down that something happened."""
    statement = (
        "INSERT INTO event (time, run, key, source, target, detail) VALUES (?, ?, ?, ?, ?, ?)"
    )
    execute(statement, (now, run, key, source, to, canonical_json(detail)))


def event(row: sqlite3.Row) -> Event:
    """Return the event of a row."""
    return Event(
        id=row["id"],
        time=row["time"],
        key=row["key"],
        source=row["source"],
        target=row["target"],
        detail=json.loads(row["detail"]),
    )


def bill(execute: Execute, one: Bill) -> bool:
    """Return whether a bill was written; not so where it was there."""
    amounts = (one.amounts.seconds, one.amounts.usd, one.amounts.shots)
    values = (one.remote_id, one.key, one.attempt, int(one.is_extra), *amounts)
    statement = "INSERT OR IGNORE INTO spent VALUES (?, ?, ?, ?, ?, ?, ?)"
    return bool(execute(statement, values).rowcount)


def bill_of(row: sqlite3.Row) -> Bill:
    """Return the bill of a row."""
    amounts = Amounts(seconds=row["seconds"], usd=row["usd"], jobs=1, shots=row["shots"])
    return Bill(
        remote_id=row["remote_id"],
        key=row["key"],
        attempt=row["attempt"],
        is_extra=bool(row["is_extra"]),
        amounts=amounts,
    )
