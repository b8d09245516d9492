"""The tables of a ledger."""

from __future__ import annotations

from typing import Final

from qmlmat.hardware.ledger.states import MOVES

SCHEMA: Final = 1
"""Version of the tables, kept as SQLite's ``user_version``."""
APPLICATION: Final = 0x716D6C68
"""Marks our databases (``"qmlh"``), kept as SQLite's ``application_id``."""

_STATES = ", ".join(f"'{state}'" for state in MOVES)

TABLES: Final = (
    """CREATE TABLE run (
        name TEXT PRIMARY KEY,
        created REAL NOT NULL,
        origin TEXT NOT NULL,
        plan TEXT NOT NULL,
        target TEXT NOT NULL,
        budget TEXT NOT NULL,
        layout TEXT
    ) STRICT""",
    f"""CREATE TABLE task (
        key TEXT PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run (name),
        step INTEGER NOT NULL,
        part INTEGER NOT NULL,
        role TEXT NOT NULL,
        definition TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ({_STATES})),
        attempt INTEGER NOT NULL DEFAULT 0,
        revision INTEGER NOT NULL DEFAULT 0,
        payload TEXT,
        payload_sha TEXT,
        remote_id TEXT,
        raw TEXT,
        raw_sha TEXT,
        n_bad INTEGER NOT NULL DEFAULT 0,
        calibration TEXT,
        is_unwanted INTEGER NOT NULL DEFAULT 0,
        is_settled INTEGER NOT NULL DEFAULT 1,
        reserved_seconds REAL NOT NULL DEFAULT 0,
        reserved_usd REAL NOT NULL DEFAULT 0,
        reserved_jobs INTEGER NOT NULL DEFAULT 0,
        reserved_shots INTEGER NOT NULL DEFAULT 0,
        message TEXT NOT NULL DEFAULT '',
        changed REAL NOT NULL
    ) STRICT""",
    "CREATE INDEX task_of_run ON task (run, step, part)",
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        run TEXT NOT NULL REFERENCES run (name),
        key TEXT REFERENCES task (key),
        source TEXT,
        target TEXT,
        detail TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX event_by_target ON event (target, time)",
    """CREATE TRIGGER event_kept BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
    """CREATE TRIGGER event_fixed BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
    """CREATE TABLE lease (
        key TEXT PRIMARY KEY REFERENCES task (key),
        owner TEXT NOT NULL,
        taken REAL NOT NULL,
        expires REAL NOT NULL
    ) STRICT""",
    """CREATE TABLE spent (
        remote_id TEXT PRIMARY KEY,
        key TEXT NOT NULL REFERENCES task (key),
        attempt INTEGER NOT NULL,
        is_extra INTEGER NOT NULL,
        seconds REAL NOT NULL,
        usd REAL NOT NULL,
        shots INTEGER NOT NULL
    ) STRICT""",
)
"""Statements that make an empty ledger."""
