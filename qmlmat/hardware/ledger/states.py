"""What a task goes through from plan to answer."""

from __future__ import annotations

from typing import Final

from qmlmat.errors import LedgerError

MOVES: Final[dict[str, frozenset[str]]] = {
    state: frozenset(targets.split())
    for state, targets in {
        "planned": "reserved refused cancelled",
        "refused": "reserved cancelled",
        "reserved": "submitting cancelled",
        "submitting": "submitted ambiguous reserved failed cancelled",
        "ambiguous": "submitted reserved failed cancelled",
        "submitted": "submitted running fetched failed cancelled",
        "running": "running fetched failed cancelled",
        "fetched": "done running failed",
        "done": "running",
        "failed": "reserved",
        "cancelled": "",
    }.items()
}
"""Where each state may lead. ``done`` leads back only where the stored result was damaged."""

FINAL: Final = frozenset({"done", "failed", "cancelled", "refused"})
"""States in which nothing is waited for."""
ENDED: Final = ("done", "failed", "cancelled")
"""States in which the present job, if there was one, has ended."""
UNSENT: Final = ("planned", "refused", "reserved")
"""States in which no job of the present attempt can exist."""
UNKNOWN: Final = ("submitting", "ambiguous")
"""States in which a job may exist that is not known by name."""
REMOTE: Final = ("submitted", "running", "fetched")
"""States in which a job is known by name and its answer is still to come."""


class StaleError(LedgerError):
    """Somebody else moved the task meanwhile: look at it anew."""


def check_move(key: str, source: str, to: str) -> None:
    """Refuse a move that no rule allows.

    Raises:
        LedgerError: If ``source`` does not lead to ``to``.
    """
    if to not in MOVES[source]:
        allowed = ", ".join(sorted(MOVES[source])) or "nothing"
        raise LedgerError(f"task {key[:12]}: {source} leads to {allowed}, not to {to}.")
