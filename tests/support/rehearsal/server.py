"""A real HTTP server that plays a provider: routes, a worker that runs jobs, faults, counters."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from rehearsal.store import Job, Store, as_json

_AFTER = {"http500_after_accept": 500, "http502_after_accept": 502, "http503_after_accept": 503}
_BEFORE = {"http400": 400, "http401": 401, "http429": 429}
_PAUSE = 0.02
"""How often the worker looks for a job (s)."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request."""

    method: str
    """``"GET"``, ``"POST"``, ..."""
    host: str
    """The host it was meant for: of the address where it came through a proxy."""
    path: str
    """The path, decoded."""
    query: Mapping[str, list[str]]
    """What stands behind the question mark."""
    headers: Mapping[str, str]
    """The headers, names in lower case. Never store them: credentials are in them."""
    body: bytes
    """What was sent."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """The parts of the path that the route names."""
    fails: bool = False
    """Whether the job that is accepted here shall fail."""
    hides: float = 0.0
    """Jobs younger than this are in no list yet (s)."""

    def json(self) -> Any:
        """Return what was sent."""
        return json.loads(self.body or b"{}")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer."""

    status: int = 200
    """The status."""
    content: bytes = b""
    """What is sent."""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    """Headers besides the length."""

    @classmethod
    def of(cls, tree: Any, status: int = 200) -> Reply:
        """Return plain values as JSON."""
        return cls(status=status, content=as_json(tree))


@dataclass(frozen=True)
class Route:
    """Requests of one kind."""

    method: str
    """``"GET"``, ``"POST"``, ..."""
    path: str
    """The path, ``{name}`` for a part without slashes and ``{name...}`` for one with them."""
    answer: Callable[[Asked], Reply]
    """What answers."""
    spot: str | None = None
    """``"submit"``, ``"status"``, ``"result"``, ``"find"``, ``"usage"``: where faults happen."""
    host: str = ""
    """How the host begins; any where empty."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came out of a job."""

    result: bytes
    """As it is sent."""
    shots: int
    """Repetitions billed."""
    seconds: float = 0.0
    """Time billed (s)."""


class Vendor:
    """A provider: subclasses say the routes, run jobs, and tell clients how to get here."""

    def __init__(self, store: Store, device: str | None) -> None:
        """Make the provider.

        Args:
            store: Its memory.
            device: The device it has; its own choice where ``None``.
        """
        self.store = store
        self.device = device

    def environment(self, port: int) -> dict[str, str]:
        """Return the variables with which the vendor's own client comes here."""
        raise NotImplementedError

    def routes(self) -> Sequence[Route]:
        """Return what is answered."""
        raise NotImplementedError

    def run(self, job: Job) -> Done:
        """Return what a job gives; what it raises makes the job fail with that message."""
        raise NotImplementedError

    def listed(self, asked: Asked) -> list[Job]:
        """Return the jobs that a search sees, the newest last."""
        now = time.time()
        return [job for job in self.store.jobs() if now - job.created >= asked.hides]

    def refusal(self, status: int) -> Reply:
        """Return an error in the vendor's own form."""
        return Reply.of({"error": {"message": f"rehearsed {status}"}}, status)


class Rehearsal:
    """The server of a provider."""

    def __init__(self, kind: type[Vendor], folder: Path, *, device: str | None = None) -> None:
        """Open the memory and make the provider.

        Args:
            kind: The provider.
            folder: Where the memory is.
            device: The device it has.
        """
        self.store = Store(folder)
        self.vendor = kind(self.store, device)
        own = [
            Route("POST", "/__rehearsal__/faults", self._plant),
            Route("DELETE", "/__rehearsal__/faults", self._calm),
            Route("GET", "/__rehearsal__/counts", lambda _: Reply.of(self.store.counts())),
            Route("GET", "/__rehearsal__/jobs", lambda _: Reply.of(self._jobs())),
        ]
        self._routes = [(_pattern(route), route) for route in [*own, *self.vendor.routes()]]
        self._stop = threading.Event()

    def serve(self, port: int, latency: float, ready: Callable[[int], None]) -> None:
        """Answer requests and run jobs until the process ends.

        Args:
            port: Where; 0 for any free one.
            latency: How long a job waits before it runs (s).
            ready: Called with the port.
        """

        class Handler(_Handler):
            rehearsal = self

        with _Server(("127.0.0.1", port), Handler) as server:
            worker = threading.Thread(target=self._work, args=(latency,), daemon=True)
            worker.start()
            ready(server.server_address[1])
            try:
                server.serve_forever(poll_interval=0.05)
            finally:
                self._stop.set()

    def _work(self, latency: float) -> None:
        while not self._stop.is_set():
            job = self.store.take(latency)
            if job is None:
                self._stop.wait(_PAUSE)
                continue
            try:
                if job.fails:
                    raise RuntimeError("rehearsed failure of the job")
                done = self.vendor.run(job)
            except Exception as error:  # noqa: BLE001 - a failed job, as at the provider
                traceback.print_exc()
                self.store.end(job.id, "failed", message=str(error))
            else:
                self.store.end(
                    job.id, "done", result=done.result, shots=done.shots, seconds=done.seconds
                )

    def _plant(self, asked: Asked) -> Reply:
        self.store.plant(asked.json())
        return Reply.of({})

    def _calm(self, _: Asked) -> Reply:
        self.store.calm()
        return Reply.of({})

    def _jobs(self) -> list[dict[str, Any]]:
        names = ("number", "id", "key", "state", "created", "message", "shots", "seconds")
        return [{name: getattr(job, name) for name in names} for job in self.store.jobs()]

    def route(self, method: str, host: str, path: str) -> tuple[Route | None, dict[str, str]]:
        """Return who answers a request, and the parts of its path."""
        for pattern, route in self._routes:
            found = pattern.fullmatch(path)
            if found and route.method == method and host.startswith(route.host):
                return route, found.groupdict()
        return None, {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and content in one packet: else the other side waits 40 ms for more
    disable_nagle_algorithm = True
    rehearsal: Rehearsal
    timeout = 60

    def _answer(self) -> None:
        url = urlsplit(self.path)
        host = url.netloc or self.headers.get("Host", "")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = unquote(url.path)
        rehearsal = self.rehearsal
        route, parts = rehearsal.route(self.command, host, path)
        if route is None:
            rehearsal.store.count(f"{self.command} {path} (unknown)")
            self._send(rehearsal.vendor.refusal(404))
            return
        if not path.startswith("/__rehearsal__"):
            rehearsal.store.count(f"{self.command} {route.path}")
        fault = rehearsal.store.fault(route.spot) if route.spot else None
        kind = fault["kind"] if fault else ""
        asked = Asked(
            method=self.command,
            host=host,
            path=path,
            query=parse_qs(url.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            parts=parts,
            fails=kind == "failed_job",
            hides=fault["seconds"] if fault and kind == "slow_index" else 0.0,
        )
        if kind == "drop_before_accept":
            self._drop()
        elif kind in _BEFORE:
            again = {"Retry-After": f"{fault['retry_after']:g}"} if kind == "http429" else {}
            self._send(rehearsal.vendor.refusal(_BEFORE[kind]), again)
        else:
            self._after(self._answered(route, asked), fault)

    def _answered(self, route: Route, asked: Asked) -> Reply:
        try:
            return route.answer(asked)
        except Exception:  # noqa: BLE001 - a mistake of the rehearsal is an error of the server
            traceback.print_exc()
            return self.rehearsal.vendor.refusal(500)

    def _after(self, reply: Reply, fault: Mapping[str, Any] | None) -> None:
        """Send the answer, or what a fault makes of it."""
        kind = fault["kind"] if fault else ""
        half = len(reply.content) // 2
        if kind in _AFTER:
            self._send(self.rehearsal.vendor.refusal(_AFTER[kind]))
        elif kind == "drop_after_accept":
            self._drop()
        elif kind == "timeout":
            self.rehearsal._stop.wait(fault["seconds"])
            self._drop()
        elif kind == "truncated":
            self._send(reply, sent=half)
            self._drop()
        elif kind == "corrupt":
            spoilt = reply.content[: half - 4] + b"\x00#{#" * 2 + reply.content[half + 4 :]
            self._send(Reply(status=reply.status, content=spoilt, headers=reply.headers))
        else:
            self._send(reply)

    def _send(
        self, reply: Reply, headers: Mapping[str, str] | None = None, *, sent: int | None = None
    ) -> None:
        self.send_response(reply.status)
        for name, value in {**reply.headers, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.content[:sent])

    def _drop(self) -> None:
        """Close the connection without a further word."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a request's line may hold what is not to be logged."""

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815


def _pattern(route: Route) -> re.Pattern[str]:
    text = re.sub(r"\{(\w+)\.\.\.\}", r"(?P<\1>.+)", route.path)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text))
