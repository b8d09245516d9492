"""What a ledger says, to whoever asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qmlmat.errors import LedgerError
from qmlmat.hardware.adapters.base import Payload, Snapshot
from qmlmat.hardware.ledger import rows
from qmlmat.hardware.ledger.budget import Budget, total
from qmlmat.hardware.ledger.database import Database
from qmlmat.hardware.ledger.records import Bill, Event, RunRecord, TaskRecord, Totals
from qmlmat.hardware.ledger.spool import read_file
from qmlmat.hardware.task import Task, task_from_plain
from qmlmat.provenance import content_hash


class Reader:
    """The questions a ledger answers; nothing is changed by them."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database

    def runs(self) -> list[RunRecord]:
        """Return every run, oldest first."""
        return [
            RunRecord.of(row) for row in self._database.rows("SELECT * FROM run ORDER BY rowid")
        ]

    def run(self, name: str) -> RunRecord:
        """Return a run.

        Raises:
            LedgerError: If there is none of that name.
        """
        found = self._database.rows("SELECT * FROM run WHERE name = ?", name)
        if not found:
            known = ", ".join(f'"{one.name}"' for one in self.runs()) or "none"
            raise LedgerError(
                f'ledger "{self.folder}": there is no run "{name}". Begin it, or choose one that '
                f"is there: {known}."
            )
        return RunRecord.of(found[0])

    def tasks(self, run: str) -> list[TaskRecord]:
        """Return a run's tasks in the order of steps and parts."""
        query = "SELECT * FROM task WHERE run = ? ORDER BY step, part, rowid"
        return [TaskRecord.of(row) for row in self._database.rows(query, run)]

    def record(self, key: str) -> TaskRecord:
        """Return how far a task is."""
        return TaskRecord.of(self._database.rows("SELECT * FROM task WHERE key = ?", key)[0])

    def task(self, key: str) -> Task:
        """Return what a task measures.

        Raises:
            LedgerError: If what is stored does not belong to its key.
        """
        row = self._database.rows("SELECT definition FROM task WHERE key = ?", key)[0]
        found = task_from_plain(json.loads(row["definition"]))
        if found.key() != key:
            raise LedgerError(
                f'ledger "{self.folder}": task {key[:12]} is damaged. Restore a copy of the folder.'
            )
        return found

    def events(self, run: str) -> list[Event]:
        """Return what happened in a run, in order."""
        query = "SELECT * FROM event WHERE run = ? ORDER BY id"
        return [rows.event(row) for row in self._database.rows(query, run)]

    def bills(self, run: str) -> list[Bill]:
        """Return what the jobs of a run cost, each once."""
        query = "SELECT spent.* FROM spent JOIN task USING (key) WHERE run = ?"
        return [rows.bill_of(row) for row in self._database.rows(query, run)]

    def totals(self, run: str) -> Totals:
        """Return what a run costs so far."""
        return self._totals(run, self.run(run).budget)

    def _totals(self, run: str, budget: Budget) -> Totals:
        records = self.tasks(run)
        states: dict[str, int] = {}
        for one in records:
            states[one.state] = states.get(one.state, 0) + 1
        return Totals(
            reserved=total([one.reserved for one in records]),
            spent=total([one.amounts for one in self.bills(run)]),
            budget=budget,
            states=states,
        )

    def last_sent(self) -> float | None:
        """Return when a job was last sent, in any run (s since 1970, UTC)."""
        query = "SELECT max(time) AS time FROM event WHERE target = 'submitting'"
        found: float | None = self._database.rows(query)[0]["time"]
        return found

    def payload(self, record: TaskRecord) -> Payload:
        """Return what is sent for a task.

        Raises:
            CorruptResultError: If the file is damaged.
        """
        assert record.payload is not None
        assert record.payload_sha is not None
        text = read_file(self.folder / "payloads", record.payload, record.payload_sha)
        return Payload.from_bytes(text)

    def read_raw(self, record: TaskRecord) -> bytes:
        """Return what the provider sent, exactly.

        Raises:
            CorruptResultError: If the file is missing or altered.
        """
        assert record.raw is not None
        assert record.raw_sha is not None
        return read_file(self.folder / "raw", record.raw, record.raw_sha)

    def kept_target(self, run: str) -> dict[str, Any]:
        """Return where a run goes, as plain values.

        Raises:
            LedgerError: If that is not stored.
        """
        file = self.folder / "targets" / f"{content_hash(run)}.json"
        try:
            found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise LedgerError(
                f'run "{run}": where it goes is not stored ({error}). Start it again with its '
                "plan and target: what is answered is not measured again."
            ) from error
        return found

    def calibration(self, record: TaskRecord) -> Snapshot | None:
        """Return the calibration before a task was sent; ``None`` where there is none."""
        if record.calibration is None:
            return None
        text = (self.folder / "calibrations" / record.calibration).read_text("utf-8")
        return Snapshot.from_dict(json.loads(text))
