"""Several quantum tasks that are one job of ours: their common name and state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from qmlmat.hardware.adapters.base import JobState, RemoteJob

KEY_TAG: Final = "qmlmat-key"
"""Tag that holds the key."""
PART_TAG: Final = "qmlmat-part"
"""Tag that holds the number of the quantum task and how many there are, as ``0/3``."""
_ABSENT: Final = "-"
_STATES: Final[Mapping[str, JobState]] = {
    "CREATED": "queued",
    "QUEUED": "queued",
    "RUNNING": "running",
    "COMPLETED": "done",
    "FAILED": "failed",
    "CANCELLING": "cancelled",
    "CANCELLED": "cancelled",
}


def token(key: str, part: int, n_parts: int) -> str:
    """Return the token of a quantum task: the key of a single one, else derived from it."""
    return key if n_parts == 1 else f"{key[:56]}{part:08x}"


def tags(key: str, part: int, n_parts: int) -> dict[str, str]:
    """Return the tags of a quantum task."""
    return {KEY_TAG: key, PART_TAG: f"{part}/{n_parts}"}


def joined(arns: Sequence[str | None]) -> str:
    """Return the name of a job: the first ARN, and of the others what follows the last slash."""
    known = next(arn for arn in arns if arn)
    stem = known.rpartition("/")[0]
    names = [arn.rpartition("/")[2] if arn else _ABSENT for arn in arns]
    return f"{stem}/{','.join(names)}"


def arns(remote_id: str) -> list[str | None]:
    """Return the ARNs that ``joined`` made a name of; ``None`` for what was never sent."""
    stem, _, names = remote_id.rpartition("/")
    return [None if name == _ABSENT else f"{stem}/{name}" for name in names.split(",")]


def job(parts: Sequence[Mapping[str, Any] | None]) -> RemoteJob:
    """Return the job that quantum tasks make up.

    Args:
        parts: Braket's answers in their order, ``None`` for what was never sent.
    """
    present = [part for part in parts if part is not None]
    states = {_STATES[str(part["status"])] for part in present}
    absent = len(parts) - len(present)
    reasons = {str(part.get("failureReason") or "") for part in present} - {""}
    messages = sorted(reasons)
    state = _state(states, is_whole=not absent)
    if absent:
        more = "; sending the payload again under the same key sends the others"
        messages.append(
            f"{len(present)} of {len(parts)} quantum tasks were sent"
            + (", and taken back" if state == "failed" else more)
        )
    return RemoteJob(
        remote_id=joined([None if part is None else str(part["quantumTaskArn"]) for part in parts]),
        state=state,
        message="; ".join(messages)[:500],
        created=min(part["createdAt"].timestamp() for part in present),
        is_whole=not absent,
    )


def jobs(found: Iterable[Mapping[str, Any]], key: str) -> list[RemoteJob]:
    """Return the jobs that carry a key, the oldest first.

    Args:
        found: Braket's answers to a search, with their tags.
        key: The key.
    """
    parts: dict[int, list[Mapping[str, Any]]] = {}
    n_parts = 0
    for one in found:
        own = one.get("tags") or {}
        if own.get(KEY_TAG) == key:
            part, n_parts = (int(text) for text in own[PART_TAG].split("/"))
            parts.setdefault(part, []).append(one)
    for same in parts.values():
        same.sort(key=lambda one: one["createdAt"])
    depth = max(map(len, parts.values()), default=0)
    return [
        job([parts[k][level] if len(parts.get(k, ())) > level else None for k in range(n_parts)])
        for level in range(depth)
    ]


def _state(states: set[JobState], *, is_whole: bool) -> JobState:
    if "failed" in states or ("cancelled" in states and not is_whole):
        return "failed"  # what was taken back because the rest was refused is no user's wish
    if "cancelled" in states:
        return "cancelled"
    if states == {"done"} and is_whole:
        return "done"
    return "queued" if states == {"queued"} else "running"
