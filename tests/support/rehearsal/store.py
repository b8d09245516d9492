"""What a rehearsal server remembers, in one SQLite file, so that it can be killed and restarted."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, key TEXT, state TEXT, created REAL,
    ended REAL, request BLOB, result BLOB, message TEXT DEFAULT '', shots INTEGER DEFAULT 0,
    seconds REAL DEFAULT 0, fails INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS job_key ON job (key);
CREATE TABLE IF NOT EXISTS document (
    kind TEXT, id TEXT, content BLOB, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS request (name TEXT PRIMARY KEY, times INTEGER);
CREATE TABLE IF NOT EXISTS fault (
    number INTEGER PRIMARY KEY AUTOINCREMENT, spot TEXT, kind TEXT, times INTEGER,
    retry_after REAL, seconds REAL);
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job that was accepted."""

    number: int
    """1, 2, ... in the order of acceptance; also the seed of its noise."""
    id: str
    """Its name."""
    key: str
    """The tag, token or metadata by which it is found again; may be empty."""
    state: str
    """``"queued"``, ``"running"``, ``"done"``, ``"failed"`` or ``"cancelled"``."""
    created: float
    """When it was accepted (s since 1970)."""
    ended: float | None
    """When it ended (s since 1970)."""
    request: bytes
    """What was asked, as the vendor's server keeps it."""
    result: bytes | None
    """The result, as it is sent."""
    message: str
    """Why it failed."""
    shots: int
    """Repetitions billed."""
    seconds: float
    """Time billed (s)."""
    fails: bool
    """Whether it was accepted to fail."""


class Store:
    """Jobs, documents, counters and faults."""

    def __init__(self, folder: Path) -> None:
        """Open or make the file.

        Args:
            folder: Where it is.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            folder / "rehearsal.sqlite", check_same_thread=False, isolation_level=None
        )
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=OFF")  # survives a kill, if no loss of power
        self._database.executescript(_TABLES)
        self._ask("UPDATE job SET state = 'queued' WHERE state = 'running'")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _ask(self, text: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute(text, values).fetchall()

    # jobs

    def accept(self, request: bytes, *, key: str = "", fails: bool = False, name: str = "") -> Job:
        """Return a new queued job.

        Args:
            request: What was asked.
            key: By which it is found again.
            fails: Whether it will fail.
            name: Its name; a new one where empty.
        """
        name = name or uuid.uuid4().hex
        self._ask(
            "INSERT INTO job (id, key, state, created, request, fails) VALUES (?,?,'queued',?,?,?)",
            name,
            key,
            time.time(),
            request,
            fails,
        )
        found = self.job(name)
        assert found is not None
        return found

    def job(self, name: str) -> Job | None:
        """Return a job by its name."""
        rows = self._ask("SELECT * FROM job WHERE id = ?", name)
        return _job(rows[0]) if rows else None

    def jobs(self, key: str | None = None) -> list[Job]:
        """Return all jobs, or those with a key, the newest last."""
        if key is None:
            return [_job(row) for row in self._ask("SELECT * FROM job ORDER BY number")]
        return [_job(r) for r in self._ask("SELECT * FROM job WHERE key = ? ORDER BY number", key)]

    def take(self, latency: float) -> Job | None:
        """Return the oldest job that has waited long enough, now running; ``None``: there is none.

        Args:
            latency: How long a job waits (s).
        """
        with self._lock:
            rows = self._ask(
                "SELECT * FROM job WHERE state = 'queued' AND created <= ? ORDER BY number LIMIT 1",
                time.time() - latency,
            )
            if rows:
                self._ask("UPDATE job SET state = 'running' WHERE id = ?", rows[0]["id"])
            return _job(rows[0]) if rows else None

    def end(self, name: str, state: str, **values: Any) -> None:
        """Note that a job ended; one that has ended already stays as it is.

        Args:
            name: The job.
            state: ``"done"``, ``"failed"`` or ``"cancelled"``.
            values: ``result``, ``message``, ``shots``, ``seconds``.
        """
        columns = {"state": state, "ended": time.time()} | values
        self._ask(
            f"UPDATE job SET {', '.join(f'{name} = ?' for name in columns)} "
            "WHERE id = ? AND state IN ('queued', 'running')",
            *columns.values(),
            name,
        )

    # documents: sessions, objects, whatever else a vendor keeps

    def put(self, kind: str, name: str, content: bytes) -> None:
        """Keep a document."""
        self._ask("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", kind, name, content)

    def get(self, kind: str, name: str) -> bytes | None:
        """Return a document; ``None`` if there is none."""
        rows = self._ask("SELECT content FROM document WHERE kind = ? AND id = ?", kind, name)
        return bytes(rows[0]["content"]) if rows else None

    # counters and faults

    def count(self, name: str) -> None:
        """Count a request."""
        self._ask(
            "INSERT INTO request VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET times = times + 1",
            name,
        )

    def counts(self) -> dict[str, Any]:
        """Return how often each request came, how many jobs there are and what they cost."""
        rows = self._ask("SELECT name, times FROM request ORDER BY name")
        jobs = self.jobs()
        return {
            "requests": {row["name"]: row["times"] for row in rows},
            "jobs": len(jobs),
            "shots": sum(job.shots for job in jobs),
            "seconds": sum(job.seconds for job in jobs),
        }

    def plant(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Note faults; each happens ``times`` times, in the order given."""
        for fault in faults:
            self._ask(
                "INSERT INTO fault (spot, kind, times, retry_after, seconds) VALUES (?,?,?,?,?)",
                fault["on"],
                fault["kind"],
                fault.get("times", 1),
                fault.get("retry_after", 0),
                fault.get("seconds", 60.0),
            )

    def calm(self) -> None:
        """Forget the faults that have not happened yet."""
        self._ask("DELETE FROM fault WHERE times > 0")

    def fault(self, spot: str | None) -> dict[str, Any] | None:
        """Return the fault that happens now at a spot, and count it; ``None``: all goes well."""
        with self._lock:
            rows = self._ask(
                "SELECT * FROM fault WHERE spot = ? AND times > 0 ORDER BY number LIMIT 1", spot
            )
            if not rows:
                return None
            self._ask("UPDATE fault SET times = times - 1 WHERE number = ?", rows[0]["number"])
            return dict(rows[0])


def _job(row: sqlite3.Row) -> Job:
    return Job(**{**dict(row), "fails": bool(row["fails"])})


def as_json(tree: Any) -> bytes:
    """Return plain values as JSON."""
    return json.dumps(tree).encode()
