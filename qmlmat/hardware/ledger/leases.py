"""Who works on a task: two processes on one ledger never drive the same one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from qmlmat.hardware.clock import Clock
from qmlmat.hardware.ledger.owner import Owner

LEASE_S: Final = 600.0
"""How long a process may be at one step of one task (s). A step is one call of the provider; the
longest of their time limits is a few minutes."""


class Leases:
    """The leases as one process sees them.

    A lease is taken over where its owner's process has ended, and never while that lives. Where
    that cannot be told (another container, another computer) it is taken over when it is older
    than ``LEASE_S`` by the time of day; or when this process has seen it unchanged for as long by
    its own watch, which helps where the time of day was set back.
    """

    def __init__(self, me: Owner, has_ended: Callable[[Owner], bool | None], clock: Clock) -> None:
        self.me = me
        self._has_ended = has_ended
        self._clock = clock
        self._seen: dict[str, tuple[str, float]] = {}

    def take(self, run: Callable[..., Any], key: str) -> bool:
        """Return whether the task is ours now.

        Args:
            run: ``execute`` of a transaction.
            key: The task.
        """
        now = self._clock.now()
        row = run("SELECT * FROM lease WHERE key = ?", (key,)).fetchone()
        if row is not None and not self._is_free(row, now):
            return False
        values = (key, self.me.to_text(), now, now + LEASE_S)
        run("INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)", values)
        self._seen.pop(key, None)
        return True

    def give(self, run: Callable[..., Any], key: str) -> None:
        """Let others have the task."""
        run("DELETE FROM lease WHERE key = ? AND owner = ?", (key, self.me.to_text()))

    def _is_free(self, row: sqlite3.Row, now: float) -> bool:
        owner = Owner.from_text(row["owner"])
        ended = owner == self.me or self._has_ended(owner)
        if ended is not None:
            return ended
        if now >= row["expires"]:
            return True
        lease, watch = f"{row['owner']} {row['taken']}", self._clock.elapsed()
        known, since = self._seen.get(row["key"], ("", watch))
        if known != lease:
            self._seen[row["key"]] = (lease, watch)
            return False
        return watch - since >= LEASE_S
