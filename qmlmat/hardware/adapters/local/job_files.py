"""Jobs as files in a folder, which a killed process leaves whole."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from qmlmat.errors import RejectedError, UnavailableError
from qmlmat.hardware.adapters.base import JobState, RemoteJob

_ID: Final = re.compile(r"local-[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class StoredJob:
    """A job that was accepted."""

    remote_id: str
    """Its name."""
    key: str
    """The key it carries."""
    created: float
    """When it was accepted (s since 1970, UTC)."""
    content: bytes
    """What was sent."""
    n_executions: int
    """Circuit executions."""
    state: JobState
    """How far it is."""
    message: str
    """What is to be said of a failure."""

    def as_remote(self) -> RemoteJob:
        """Return what a provider tells of it."""
        return RemoteJob(
            remote_id=self.remote_id,
            state=self.state,
            message=self.message,
            created=self.created,
        )


@dataclass(frozen=True)
class JobFiles:
    """The jobs of a folder: ``<id>.json`` as accepted, ``<id>.end.json`` and ``<id>.result``."""

    folder: Path
    """The folder; made at the first job."""

    def accept(self, key: str, content: bytes, n_executions: int) -> str:
        """Keep a job and return its name; a key that is known is the job that is there.

        Raises:
            RejectedError: If the file cannot be written.
        """
        name = f"local-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        path = self.folder / f"{name}.json"
        tree = {
            "key": key,
            "created": time.time(),
            "n_executions": n_executions,
            "content": base64.b64encode(content).decode("ascii"),
        }
        try:
            if not path.exists():
                self._write(path, json.dumps(tree).encode())
        except OSError as error:
            raise RejectedError(
                f"Local job: {path} cannot be written ({error.strerror}). Free space, or choose "
                "another folder."
            ) from error
        return name

    def by_key(self, key: str) -> StoredJob | None:
        """Return the job that carries a key, or ``None``."""
        name = f"local-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        return self.read(name) if (self.folder / f"{name}.json").exists() else None

    def read(self, remote_id: str) -> StoredJob:
        """Return a job.

        Raises:
            UnavailableError: If there is none of this name, or its file cannot be read.
        """
        try:
            tree = json.loads(self._path(remote_id, ".json").read_bytes())
            end = self._path(remote_id, ".end.json")
            ended = json.loads(end.read_bytes()) if end.exists() else {}
            is_done = self._path(remote_id, ".result").exists()
            return StoredJob(
                remote_id=remote_id,
                key=tree["key"],
                created=tree["created"],
                content=base64.b64decode(tree["content"]),
                n_executions=tree["n_executions"],
                state="done" if is_done else ended.get("state", "queued"),
                message="" if is_done else ended.get("message", ""),
            )
        except (OSError, ValueError, KeyError) as error:
            raise UnavailableError(
                f'Local job "{remote_id}": not in {self.folder}, or not readable. Use the folder '
                "that the run was begun in."
            ) from error

    def finish(self, remote_id: str, raw: bytes) -> None:
        """Keep a job's result."""
        self._store(self._path(remote_id, ".result"), raw)

    def end(self, remote_id: str, state: JobState, message: str = "") -> None:
        """Keep that a job ended without a result."""
        tree: dict[str, Any] = {"state": state, "message": message}
        self._store(self._path(remote_id, ".end.json"), json.dumps(tree).encode())

    def result(self, remote_id: str) -> bytes:
        """Return a job's result as it was kept.

        Raises:
            UnavailableError: If there is none yet.
        """
        try:
            return self._path(remote_id, ".result").read_bytes()
        except OSError as error:
            raise UnavailableError(
                f'Local job "{remote_id}" has no result. Ask for its status first.'
            ) from error

    def _path(self, remote_id: str, ending: str) -> Path:
        if not _ID.fullmatch(remote_id):
            raise UnavailableError(
                f'Local job "{remote_id}": no job of this machine has such a name. Use the one '
                "that submit returned."
            )
        return self.folder / f"{remote_id}{ending}"

    def _store(self, path: Path, content: bytes) -> None:
        try:
            self._write(path, content)
        except OSError as error:
            raise UnavailableError(
                f"Local job: {path} cannot be written ({error.strerror}). Free space, then go on."
            ) from error

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all, also if the power fails."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
