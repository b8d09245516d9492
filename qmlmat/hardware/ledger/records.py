"""Rows of a ledger as values."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from qmlmat.errors import LedgerError
from qmlmat.hardware.ledger.budget import Amounts, Budget
from qmlmat.provenance import differences

_MAX_DIFFERENCES: Final = 6


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run: a plan, where it goes, what it may cost."""

    name: str
    """Its name."""
    created: float
    """When it was begun (s since 1970, UTC)."""
    origin: Mapping[str, Any]
    """Versions and platform that began it."""
    plan: Mapping[str, Any]
    """What is measured, as plain values."""
    target: Mapping[str, Any]
    """Where, as plain values."""
    budget: Budget
    """What it may spend."""
    layout: tuple[int, ...] | None
    """The device's qubits by wire; ``None`` until the first task was made ready."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> RunRecord:
        """Return the record of a row."""
        return cls(
            name=row["name"],
            created=row["created"],
            origin=json.loads(row["origin"]),
            plan=json.loads(row["plan"]),
            target=json.loads(row["target"]),
            budget=Budget(**json.loads(row["budget"])),
            layout=None if row["layout"] is None else tuple(json.loads(row["layout"])),
        )

    def check_same(self, plan: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Refuse another plan or target under this name.

        Raises:
            LedgerError: If they differ; it names where.
        """
        stored = {"plan": self.plan, "target": self.target}
        lines = differences(stored, {"plan": plan, "target": target})
        if not lines:
            return
        more = len(lines) - _MAX_DIFFERENCES
        rest = f"; and {more} more" if more > 0 else ""
        raise LedgerError(
            f'run "{self.name}": it was begun with something else (stored against wanted): '
            f"{'; '.join(lines[:_MAX_DIFFERENCES])}{rest}. Go back to that, or give the run "
            "another name."
        )


@dataclass(frozen=True, kw_only=True)
class TaskRecord:
    """How far a task is."""

    key: str
    """Key of its first attempt, by which it is known here."""
    run: str
    """The run it belongs to."""
    step: int
    """Number of the call within the run."""
    part: int
    """Number of the job within the call."""
    role: str
    """What the answer is for."""
    state: str
    """One of ``MOVES``."""
    attempt: int
    """Which job it is at, from 0."""
    revision: int
    """How often it was changed."""
    payload: str | None
    """File of what is sent."""
    payload_sha: str | None
    """SHA-256 of that file."""
    remote_id: str | None
    """The job's name at the provider."""
    raw: str | None
    """File of what came back."""
    raw_sha: str | None
    """SHA-256 of that file."""
    n_bad: int
    """How many results of this attempt could not be read."""
    calibration: str | None
    """File of the device's calibration before it was sent."""
    is_unwanted: bool
    """Whether it is to be cancelled."""
    is_settled: bool
    """Whether nothing is reserved for it: what it cost is known, or nothing was sent."""
    reserved: Amounts
    """What is set aside for it."""
    message: str
    """Why it is where it is."""
    changed: float
    """When it came there (s since 1970, UTC)."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> TaskRecord:
        """Return the record of a row."""
        values = {name: row[name] for name in row.keys() if name in _PLAIN}  # noqa: SIM118 (a row iterates over values)
        return cls(
            **values,
            is_unwanted=bool(row["is_unwanted"]),
            is_settled=bool(row["is_settled"]),
            reserved=Amounts(
                seconds=row["reserved_seconds"],
                usd=row["reserved_usd"],
                jobs=row["reserved_jobs"],
                shots=row["reserved_shots"],
            ),
        )


_PLAIN = frozenset(TaskRecord.__dataclass_fields__) - {"is_unwanted", "is_settled", "reserved"}


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; never altered."""

    id: int
    """Number, in order."""
    time: float
    """When, as the clock stood (s since 1970, UTC)."""
    key: str | None
    """The task; ``None``: the run."""
    source: str | None
    """State before; ``None`` where none was left."""
    target: str | None
    """State after; likewise."""
    detail: Mapping[str, Any]
    """What else is to be known."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What one job cost."""

    remote_id: str
    """The job's name at the provider."""
    key: str
    """The task it belongs to."""
    attempt: int
    """Which attempt it was."""
    is_extra: bool
    """Whether it was one too many, and cancelled."""
    amounts: Amounts
    """What it cost."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a run costs so far."""

    reserved: Amounts
    """Set aside for jobs whose cost is not known yet."""
    spent: Amounts
    """Billed."""
    budget: Budget
    """What it may spend."""
    states: Mapping[str, int]
    """Number of tasks in each state."""

    @property
    def committed(self) -> Amounts:
        """What counts against the budget."""
        return self.reserved + self.spent
