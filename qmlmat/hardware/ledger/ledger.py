"""The ledger: what a run asks, which jobs answer it, what they cost, what was said meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from qmlmat.errors import BudgetError, LedgerError
from qmlmat.hardware.adapters.base import Payload, Resources, Snapshot, Spent
from qmlmat.hardware.clock import Clock, SystemClock
from qmlmat.hardware.ledger import rows
from qmlmat.hardware.ledger.budget import (
    Amounts,
    Budget,
    Caps,
    actual,
    check_budget,
    reservation,
    total,
)
from qmlmat.hardware.ledger.database import Database
from qmlmat.hardware.ledger.leases import Leases
from qmlmat.hardware.ledger.owner import Owner, has_ended
from qmlmat.hardware.ledger.reading import Reader
from qmlmat.hardware.ledger.records import Bill, RunRecord, TaskRecord
from qmlmat.hardware.ledger.spool import DATABASE, open_folder, write_file
from qmlmat.hardware.ledger.states import StaleError, check_move
from qmlmat.hardware.task import Task, task_to_plain
from qmlmat.provenance import canonical_json, content_hash, provenance

_NOTHING: Final = Amounts()


class Ledger(Reader):
    """One folder: a database, what is sent, what came back. Several processes may use it at once.

    Every change is one transaction that is on disk when the call returns.
    """

    def __init__(self, folder: Path, database: Database, clock: Clock, leases: Leases) -> None:
        super().__init__(folder, database)
        self.clock = clock
        self._leases = leases

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        owner: Owner | None = None,
        ended: Callable[[Owner], bool | None] = has_ended,
    ) -> Ledger:
        """Return the ledger in a folder, made where there is none; only its owner can read it.

        Args:
            folder: Where.
            clock: Where time comes from; the computer's by default.
            owner: Who works with it; this process by default.
            ended: Tells whether another owner's process has ended; ``None`` if it cannot tell.

        Raises:
            LedgerError: If the folder cannot be used, or the database is damaged, foreign, or of
                another version.
        """
        place = Path(folder).expanduser().absolute()
        open_folder(place)
        time = clock or SystemClock()
        leases = Leases(owner or Owner.here(), ended, time)
        return cls(place, Database(place / DATABASE), time, leases)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Ledger:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the database."""
        self.close()

    # what is asked

    def begin(
        self, run: str, plan: Mapping[str, Any], target: Mapping[str, Any], budget: Caps
    ) -> RunRecord:
        """Return a run, made where there is none; another budget replaces the one before.

        Args:
            run: Its name.
            plan: What is measured, as plain values.
            target: Where, as plain values.
            budget: What it may spend.

        Raises:
            LedgerError: If there is a run of this name with another plan or target.
        """
        caps = canonical_json(Budget.of(budget).to_dict())
        words = (canonical_json(plan), canonical_json(target), caps)
        with self._database.transaction() as execute:
            found = execute("SELECT * FROM run WHERE name = ?", (run,)).fetchone()
            if found is None:
                origin = canonical_json(provenance())
                row = (run, self.clock.now(), origin, *words, None)
                execute("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                rows.note(execute, self.clock.now(), run, {"begun": json.loads(caps)})
            else:
                RunRecord.of(found).check_same(plan, target)
                if found["budget"] != caps:
                    execute("UPDATE run SET budget = ? WHERE name = ?", (caps, run))
                    rows.note(execute, self.clock.now(), run, {"budget": json.loads(caps)})
        return self.run(run)

    def add(self, run: str, tasks: Sequence[Task]) -> list[str]:
        """Return the keys of tasks, written down where they are not; those there are left alone.

        Raises:
            LedgerError: If there is no such run, or a task belongs to another.
        """
        self.run(run)
        keys = [task.key() for task in tasks]
        now = self.clock.now()
        with self._database.transaction() as execute:
            for key, task in zip(keys, tasks, strict=True):
                if task.run != run:
                    raise LedgerError(
                        f'run "{run}": task {key[:12]} belongs to run "{task.run}". Add it there.'
                    )
                if rows.add(execute, now, key, task, canonical_json(task_to_plain(task))):
                    rows.note(execute, now, run, {"role": task.role}, key=key, to="planned")
        return keys

    # what is moved

    def reserve(self, run: str, wanted: Mapping[str, Resources]) -> list[TaskRecord]:
        """Return tasks for which the budget is set aside now: all that are asked for, or none.

        A task whose job failed goes on with its next attempt. One that somebody else moved is left
        out.

        Args:
            run: Name of the run.
            wanted: What each task takes, by key.

        Raises:
            BudgetError: If they do not fit; the planned ones are ``refused`` then.
        """
        budget = self.run(run).budget
        amounts = {key: reservation(one, budget.safety_factor) for key, one in wanted.items()}
        refusal = None
        with self._database.transaction() as execute:
            found = [rows.task(execute, key) for key in wanted]
            open_ = [one for one in found if one.state in {"planned", "refused", "failed"}]
            try:
                more = total([amounts[one.key] for one in open_])
                check_budget(run, budget, self._totals(run, budget).committed, more)
            except BudgetError as error:
                refusal = error
                open_ = [one for one in open_ if one.state == "planned"]
            for one in open_:
                if refusal is not None:
                    self._moved(execute, one, "refused", str(refusal), {})
                    continue
                facts: dict[str, Any] = {"reserved": amounts[one.key], "is_settled": False}
                if one.remote_id is not None:
                    facts |= {"attempt": one.attempt + 1, "n_bad": 0}
                    facts |= dict.fromkeys(("remote_id", "raw", "raw_sha"))
                self._moved(execute, one, "reserved", "", facts)
        if refusal is not None:
            raise refusal
        return [self.record(one.key) for one in open_]

    def move(self, record: TaskRecord, to: str, *, why: str = "", **facts: Any) -> TaskRecord:  # noqa: ANN401 (columns of several types)
        """Return a task after it was moved from where ``record`` has it.

        Args:
            record: The task as it was read.
            to: The state it comes to; its own where only facts change.
            why: What is to be known, one line.
            facts: Fields of the record that change.

        Raises:
            StaleError: If it was changed since it was read.
            LedgerError: If no rule allows the move.
        """
        if to != record.state:
            check_move(record.key, record.state, to)
        with self._database.transaction() as execute:
            self._moved(execute, record, to, why, facts)
        return self.record(record.key)

    def prepare(self, record: TaskRecord, payload: Payload) -> bool:
        """Return whether a payload was stored for a task; not so where its layout is not the run's.

        The first payload's layout becomes the run's.
        """
        text = payload.to_bytes()
        name = f"{record.key}.json"
        layout = canonical_json(payload.layout)
        with self._database.transaction() as execute:
            row = execute("SELECT layout FROM run WHERE name = ?", (record.run,)).fetchone()
            if row["layout"] not in (None, layout):
                return False
            # inside: two processes must not write two payloads under one name
            sha = write_file(self.folder / "payloads", name, text)
            execute("UPDATE run SET layout = ? WHERE name = ?", (layout, record.run))
            facts = {"payload": name, "payload_sha": sha}
            self._moved(execute, record, record.state, "made ready", facts)
        return True

    def settle(self, record: TaskRecord, spent: Spent) -> TaskRecord:
        """Return a task whose reservation is replaced by what its job cost.

        What the provider does not tell counts as it was reserved.

        Raises:
            StaleError: If it was changed since it was read.
        """
        assert record.remote_id is not None
        bill = Bill(
            remote_id=record.remote_id,
            key=record.key,
            attempt=record.attempt,
            is_extra=False,
            amounts=actual(spent, record.reserved),
        )
        with self._database.transaction() as execute:
            rows.bill(execute, bill)
            facts = {"reserved": _NOTHING, "is_settled": True}
            self._moved(execute, record, record.state, "cost known", facts)
        return self.record(record.key)

    def settle_extra(self, record: TaskRecord, attempt: int, remote_id: str, spent: Spent) -> None:
        """Write down a job that was one too many, and what it cost in spite of being stopped.

        Args:
            record: The task it belongs to.
            attempt: The attempt whose key it carries.
            remote_id: Its name at the provider.
            spent: What it cost.
        """
        bill = Bill(
            remote_id=remote_id,
            key=record.key,
            attempt=attempt,
            is_extra=True,
            amounts=actual(spent, _NOTHING),
        )
        with self._database.transaction() as execute:
            if rows.bill(execute, bill):
                detail = {"duplicate": remote_id, "attempt": attempt, "kept": record.remote_id}
                rows.note(execute, self.clock.now(), record.run, detail, key=record.key)

    def renounce(self, run: str) -> None:
        """Mark every task that is not at its end as not wanted."""
        with self._database.transaction() as execute:
            for one in self.tasks(run):
                if not one.is_unwanted and one.state not in {"done", "failed", "cancelled"}:
                    facts = {"is_unwanted": True}
                    self._moved(execute, one, one.state, "to be cancelled", facts)

    def _moved(
        self,
        execute: Callable[..., Any],
        record: TaskRecord,
        to: str,
        why: str,
        facts: Mapping[str, Any],
    ) -> None:
        now = self.clock.now()
        # where only facts change, the reason for being there stays
        message = record.message if to == record.state else why
        if not rows.change(execute, now, record, to, {"message": message, **facts}):
            raise StaleError(
                f"task {record.key[:12]}: it was {record.state} and is not any more. Read it again."
            )
        plain = {name: value for name, value in facts.items() if name != "reserved"}
        detail = {"attempt": facts.get("attempt", record.attempt), "why": why} | plain
        rows.note(execute, now, record.run, detail, key=record.key, source=record.state, to=to)

    # who is at work

    @contextmanager
    def leased(self, key: str) -> Iterator[TaskRecord | None]:
        """Give a task as it stands, ours alone meanwhile; ``None`` where another process has it."""
        with self._database.transaction() as execute:
            record = rows.task(execute, key) if self._leases.take(execute, key) else None
        try:
            yield record
        finally:
            if record is not None:
                with self._database.transaction() as execute:
                    self._leases.give(execute, key)

    def holds(self, record: TaskRecord) -> bool:
        """Return whether a task is still ours and as it was read."""
        found = self._database.rows(
            "SELECT 1 FROM task JOIN lease USING (key) WHERE key = ? AND revision = ? "
            "AND owner = ?",
            record.key,
            record.revision,
            self._leases.me.to_text(),
        )
        return bool(found)

    # files

    def write_raw(self, record: TaskRecord, raw: bytes) -> dict[str, str]:
        """Store what a provider sent, on disk before it is read; return its name and SHA-256.

        Another content has another name: nothing that came is ever replaced.
        """
        sha = hashlib.sha256(raw).hexdigest()
        name = f"{record.key}.{record.attempt}.{sha[:16]}"
        write_file(self.folder / "raw", name, raw)
        return {"raw": name, "raw_sha": sha}

    def keep_target(self, run: str, target: Mapping[str, Any]) -> None:
        """Store where a run goes, with what may change from process to process: layout, pace."""
        text = canonical_json(target).encode()
        write_file(self.folder / "targets", f"{content_hash(run)}.json", text)

    def write_calibration(self, snapshot: Snapshot) -> str:
        """Store a calibration; return the file's name."""
        tree = snapshot.to_dict()
        name = f"{content_hash(tree)}.json"
        write_file(self.folder / "calibrations", name, canonical_json(tree).encode())
        return name
