"""Rehearsal servers as tests use them: started, planted with faults, counted, killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

_SUPPORT = Path(__file__).parents[1]


class Server:
    """A server in a process of its own."""

    def __init__(self, vendor: str, folder: Path, arguments: Sequence[str]) -> None:
        """Start it, and wait until it answers.

        Args:
            vendor: ``"ibm"``, ``"braket"`` or ``"ionq"``.
            folder: Its memory; what it writes on its error stream is there too (``server.log``).
            arguments: Further ones of ``python -m rehearsal``.
        """
        self._command = [sys.executable, "-m", "rehearsal", vendor, "--folder", str(folder)]
        self._arguments = list(arguments)
        self.folder = folder
        self._log = folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        self.port = 0
        self._environment: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        """Start it on the port it had before, with the memory it had before."""
        path = os.pathsep.join([str(_SUPPORT), os.environ.get("PYTHONPATH", "")])
        known = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*self._command, *self._arguments, "--port", str(self.port)],
                stdout=subprocess.PIPE,
                stderr=log,
                env=known | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.kill()
            raise RuntimeError(f"rehearsal: the server ended:\n{self._log.read_text()}")
        told = json.loads(line)
        self.port, self._environment = told["port"], told["environment"]

    def kill(self) -> None:
        """End it at once (SIGKILL); ``start`` brings it back with its memory."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def environment(self) -> dict[str, str]:
        """Return the variables with which the vendor's own client comes here."""
        return dict(self._environment)

    def faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Plant faults, such as ``{"on": "submit", "kind": "drop_after_accept"}``."""
        self._ask("/__rehearsal__/faults", json.dumps(list(faults)).encode())

    def calm(self) -> None:
        """Take back the faults that have not happened yet."""
        self._ask("/__rehearsal__/faults", method="DELETE")

    def recalibrate(self, seed: int) -> None:
        """Calibrate the device anew: other errors of its gates and qubits (IBM's)."""
        self._ask("/__rehearsal__/calibration", json.dumps(seed).encode())

    def counts(self) -> dict[str, Any]:
        """Return ``requests``, ``jobs``, ``shots`` and ``seconds`` so far."""
        return self._ask("/__rehearsal__/counts")

    def jobs(self) -> list[dict[str, Any]]:
        """Return the jobs that were accepted: ``id``, ``key``, ``state``, ``shots``, ..."""
        return self._ask("/__rehearsal__/jobs")

    def _ask(self, path: str, body: bytes | None = None, *, method: str | None = None) -> Any:
        request = Request(f"http://127.0.0.1:{self.port}{path}", data=body, method=method)
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            return json.loads(answer.read())


@contextmanager
def rehearsed(
    vendor: str, folder: Path, *, device: str | None = None, latency: float = 0.0
) -> Iterator[Server]:
    """Yield a running server, and kill it afterwards.

    Args:
        vendor: ``"ibm"``, ``"braket"`` or ``"ionq"``.
        folder: Its memory.
        device: The device it has, as in ``"manila"``.
        latency: How long a job waits before it runs (s).
    """
    arguments = ["--latency", str(latency)] + ([] if device is None else ["--device", device])
    server = Server(vendor, folder, arguments)
    try:
        yield server
    finally:
        server.kill()
