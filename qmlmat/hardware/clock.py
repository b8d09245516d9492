"""The time of day, the time that passed, and waiting: in one place, so that tests need not wait."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Return the time of day (s since 1970, UTC); it may be set, even backwards."""
        ...

    def elapsed(self) -> float:
        """Return the time since some moment (s); it only grows, and is this process's own."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait (s)."""
        ...


class SystemClock:
    """The computer's clock."""

    def now(self) -> float:
        """Return the time of day (s since 1970, UTC)."""
        return time.time()

    def elapsed(self) -> float:
        """Return the time since some moment (s)."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait (s)."""
        time.sleep(seconds)
