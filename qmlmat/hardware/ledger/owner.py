"""Which process is at work on a task, and whether it still lives."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4


@dataclass(frozen=True, kw_only=True)
class Owner:
    """One open ledger in one process."""

    host: str
    """Name of the computer."""
    boot: str
    """Which start of it; empty where the system does not tell."""
    pid: int
    """Number of the process."""
    started: str
    """When the process began, as the system counts; numbers of processes are used again."""
    serial: str
    """Which open ledger within the process."""

    @classmethod
    def here(cls) -> Owner:
        """Return this process's next."""
        pid = os.getpid()
        return cls(
            host=platform.node(),
            boot=_boot(),
            pid=pid,
            started=_started(pid)[0],
            serial=uuid4().hex,
        )

    def to_text(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Owner:
        """Return the owner whose ``to_text`` is ``text``."""
        return cls(**json.loads(text))


def has_ended(owner: Owner) -> bool | None:
    """Return whether a process has ended; ``None`` where it cannot be told from here."""
    if os.name != "posix" or owner.host != platform.node():
        return None  # on Windows "signal 0" is Ctrl-C
    if owner.boot != _boot():
        return True
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it lives, and is somebody else's
    started, state = _started(owner.pid)
    return started != owner.started or state == "Z"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> tuple[str, str]:
    """Return when a process began and its state's letter; both empty where there is no /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()  # the name before may hold anything
    return fields[19], fields[0]
