"""A provider that exists only here: its server, its door, and everything that goes wrong there."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured
from qmlmat.backends.statevector import StatevectorBackend
from qmlmat.errors import (
    CorruptResultError,
    CredentialError,
    RejectedError,
    UnavailableError,
    UnclearError,
)
from qmlmat.hardware.adapters.base import (
    DeviceFacts,
    Payload,
    RemoteJob,
    Resources,
    Snapshot,
    Spent,
)
from qmlmat.hardware.clock import Clock, SystemClock
from qmlmat.hardware.task import Answer, Sentinel, Task, from_plain, to_plain

SECONDS, USD, QUEUE, RUNTIME = 2.0, 3.0, 5.0, 5.0
"""Of every job: time billed, price, time in the queue, time until the result is there."""


class Killed(BaseException):
    """The process ends here."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Rules as a configuration has them."""

    attempts: int = 6
    backoff_s: float = 1.0
    poll_s: float = 30.0
    min_submit_interval_s: float | None = None
    ambiguous_grace_s: float = 30.0
    resubmit_failed: bool = False


# ---------------------------------------------------------------- what is measured


def small_task(k: int, *, run: str = "run", step: int = 0, sentinel: bool = True) -> Task:
    """The k-th of many small tasks: a measured circuit of two qubits at three angles."""
    gates = (
        QubitGate("ry", (0,), Angle(0.1 * k, 0)),
        QubitGate("cx", (0, 1)),
        QubitGate("measure", (0,), bit=0),
        QubitGate("measure", (1,), bit=1),
    )
    job = CountJob(QubitCircuit(2, gates, 1), np.linspace(0, 1, 3)[:, None] + k, 50 + k)
    zero = CountJob(QubitCircuit(2, gates[2:], 0), np.zeros((1, 0)), 20)
    known = Sentinel(zero, np.array([1, 3], dtype=np.uint64), np.array([0.5, -0.25]), 0.25)
    return Task(
        programs=(job,),
        sentinel=known if sentinel else None,
        run=run,
        step=step,
        part=k,
        target={"provider": "fake", "device": "toy"},
    )


@cache
def tasks(n: int) -> tuple[Task, ...]:
    """The first small tasks."""
    return tuple(small_task(k) for k in range(n))


@cache
def expected(content: bytes, key: str) -> tuple[Answer, ...]:
    """What the fake device answers to a payload sent under a key."""
    programs = [from_plain(one) for one in json.loads(content)["programs"]]
    backend = StatevectorBackend()
    door = backend.count_door(int(key[:8], 16))
    return tuple(
        door.counts([one])[0]
        if isinstance(one, CountJob)
        else backend.door(None, None).expectations([one])[0]
        for one in programs
    )


def content_of(task: Task) -> bytes:
    """What is sent for a task."""
    return json.dumps({"programs": [to_plain(one) for one in task.measured]}).encode()


def same(left: Sequence[Answer], right: Sequence[Answer]) -> bool:
    """Whether answers are equal, bit by bit."""

    def plain(one: Answer) -> object:
        if isinstance(one, Histogram):
            return [one.to_dict(row) for row in range(one.n_rows)]
        return one.values.tolist()

    return [plain(one) for one in left] == [plain(one) for one in right]


# ---------------------------------------------------------------- the server


class FakeServer:
    """Jobs in a SQLite file (or in memory): they outlive the process that sent them.

    ``post`` numbers the requests that were accepted; two jobs of one post are the server's, or
    the vendor's client's, doing.
    """

    def __init__(self, file: str = ":memory:", *, visible_after: float = 0.0) -> None:
        self.visible_after = visible_after
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.row_factory = sqlite3.Row
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, post INTEGER, key TEXT, "
            "content BLOB, created REAL, cancelled REAL, fails INTEGER)"
        )

    def close(self) -> None:
        self._db.close()

    def accept(self, key: str, content: bytes, now: float, *, n=1, fails=False) -> list[str]:
        """Accept a request; ``n`` jobs come of it."""
        post = self._db.execute("SELECT coalesce(max(post), 0) + 1 FROM job").fetchone()[0]
        names = []
        for _ in range(n):
            values = (post, key, content, now, fails)
            row = self._db.execute(
                "INSERT INTO job (post, key, content, created, fails) VALUES (?, ?, ?, ?, ?)",
                values,
            )
            names.append(f"job-{row.lastrowid}")
        return names

    def jobs(self, key: str | None = None) -> list[sqlite3.Row]:
        where, values = ("", ()) if key is None else (" WHERE key = ?", (key,))
        return self._db.execute(f"SELECT * FROM job{where} ORDER BY id", values).fetchall()

    def job(self, name: str) -> sqlite3.Row:
        found = self._db.execute("SELECT * FROM job WHERE id = ?", (name[4:],)).fetchone()
        if found is None:
            raise UnavailableError(f"fake: there is no job {name}.")
        return found

    def cancel(self, name: str, now: float) -> None:
        if state_of(self.job(name), now) in {"queued", "running"}:
            self._db.execute("UPDATE job SET cancelled = ? WHERE id = ?", (now, name[4:]))


def state_of(job: sqlite3.Row, now: float) -> str:
    """How far a job is."""
    if job["cancelled"] is not None:
        return "cancelled"
    if now < job["created"] + QUEUE:
        return "queued"
    if now < job["created"] + QUEUE + RUNTIME:
        return "running"
    return "failed" if job["fails"] else "done"


def is_billed(job: sqlite3.Row) -> bool:
    """Whether a job costs something: it began to run, or will."""
    return job["cancelled"] is None or job["cancelled"] >= job["created"] + QUEUE


# ---------------------------------------------------------------- what goes wrong

ASKING = ("http500", "drop", "timeout", "http401")
FAULTS = {
    "submit": (
        "http500_after_accept",
        "drop_after_accept",
        "timeout_after_accept",
        "drop_before_accept",
        "timeout_before_accept",
        "sent_twice",
        "sent_twice_and_drop",
        "failed_job",
        "http429",
        "http401",
        "http400",
    ),
    "find": ASKING,
    "status": ASKING,
    "result": (*ASKING, "truncated", "corrupt", "swapped", "cut"),
    "usage": ASKING,
    "cancel": ASKING,
    "snapshot": ASKING,
}
"""What may go wrong at each call."""


@dataclass
class Faults:
    """Faults still to come, first first."""

    coming: list[tuple[str, str]] = field(default_factory=list)
    """Call and kind."""
    seen: Counter = field(default_factory=Counter)
    """Those that happened."""

    def pop(self, call: str) -> str | None:
        """The next fault of a call."""
        for k, (where, kind) in enumerate(self.coming):
            if where == call:
                del self.coming[k]
                self.seen[where, kind] += 1
                return kind
        return None


class FakeAdapter:
    """The door of the fake provider.

    ``point`` is told before and after every call: there the process may end.
    """

    name = "fake toy"

    def __init__(
        self,
        server: FakeServer,
        *,
        clock: Clock | None = None,
        faults: Faults | None = None,
        point: Callable[[str], None] = lambda _: None,
        layout: tuple[int, ...] = (4, 7),
    ) -> None:
        self.server = server
        self.faults = faults or Faults()
        self.layout = layout
        self.layouts: list[tuple[int, ...] | None] = []
        self.calls: Counter = Counter()
        self._clock = clock or SystemClock()
        self._point = point

    # the clock of the server is nobody's: it only grows
    def _time(self) -> float:
        return self._clock.elapsed()

    def _ask(self, call: str) -> str | None:
        self._point(f"{call}:before")
        self.calls[call] += 1
        kind = self.faults.pop(call)
        if kind == "http401":
            raise CredentialError("fake: the token is refused. Set FAKE_TOKEN.")
        if kind in ASKING:
            raise UnavailableError(f"fake: no answer to {call} ({kind}). Try again.")
        return kind

    def capabilities(self) -> DeviceFacts:
        return DeviceFacts(name="toy", n_qubits=9)

    def snapshot(self) -> Snapshot | None:
        self._ask("snapshot")
        return Snapshot(device="toy", taken=1.0, readout_errors={4: 0.01})

    def compile(self, task: Task, *, layout: Sequence[int] | None = None) -> Payload:
        self.layouts.append(layout)
        return Payload(
            content=content_of(task),
            bit_qubits=tuple(tuple(range(2)) for _ in task.measured),
            layout=tuple(layout or self.layout),
            n_executions=task.n_shots,
        )

    def estimate(self, task: Task) -> Resources:
        return Resources(
            n_executions=task.n_shots, n_circuits=task.n_circuits, seconds=SECONDS, usd=USD
        )

    def submit(self, payload: Payload, key: str) -> str:
        kind = self._ask("submit") or ""
        if kind == "http429":
            raise RejectedError("fake: too many jobs. Wait 5 s.", retry_after=5.0)
        if kind == "http400":
            raise RejectedError("fake: the job is malformed. See to the circuit.")
        if "before_accept" in kind:
            raise UnclearError(f"fake: no answer to submit ({kind}).")
        names = self.server.accept(
            key,
            payload.content,
            self._time(),
            n=2 if "twice" in kind else 1,
            fails=kind == "failed_job",
        )
        self._point("submit:accepted")
        if "after_accept" in kind or "drop" in kind:
            raise UnclearError(f"fake: no answer to submit ({kind}).")
        return names[-1]

    def find(self, key: str) -> list[RemoteJob]:
        self._ask("find")
        now = self._time()
        return [
            self._remote(job)
            for job in self.server.jobs(key)
            if now >= job["created"] + self.server.visible_after
        ]

    def _remote(self, job: sqlite3.Row) -> RemoteJob:
        return RemoteJob(
            remote_id=f"job-{job['id']}",
            state=state_of(job, self._time()),
            message="calibration lost" if job["fails"] else "",
            created=job["created"],
        )

    def status(self, remote_id: str) -> RemoteJob:
        self._ask("status")
        return self._remote(self.server.job(remote_id))

    def fetch_raw(self, remote_id: str) -> bytes:
        kind = self._ask("result")
        job = self.server.job(remote_id)
        if kind == "cut":
            raise CorruptResultError("fake: the result ends early.")
        if kind == "swapped":
            others = [one for one in self.server.jobs() if one["content"] != job["content"]]
            job = others[0] if others else {**dict(job), "content": content_of(small_task(99))}
        raw = json.dumps(_result(job)).encode()
        self._point("result:after")
        if kind == "truncated":
            return raw[: len(raw) // 2]
        return raw.replace(b"counts", b"c\xffunts") if kind == "corrupt" else raw

    def decode(self, raw: bytes, payload: Payload) -> list[Answer]:
        try:
            tree = json.loads(raw)
            is_ours = tree["content"] == payload.sha256
            answers = [_answer(one) for one in tree["results"]]
        except (ValueError, KeyError) as error:
            raise CorruptResultError("fake: the result cannot be read.") from error
        if not is_ours:
            raise CorruptResultError("fake: this is another job's result.")
        return answers

    def usage(self, remote_id: str) -> Spent:
        self._ask("usage")
        job = self.server.job(remote_id)
        if not is_billed(job):
            return Spent(seconds=0.0, usd=0.0, n_shots=0)
        return Spent(seconds=SECONDS, usd=USD, n_shots=shots_of(job["content"]))

    def cancel(self, remote_id: str) -> None:
        self._ask("cancel")
        self.server.cancel(remote_id, self._time())
        self._point("cancel:after")


@cache
def shots_of(content: bytes) -> int:
    """Repetitions of a payload."""
    programs = [from_plain(one) for one in json.loads(content)["programs"]]
    return sum(len(one.angles) * (one.shots or 0) for one in programs)


def _result(job: sqlite3.Row) -> dict:
    payload = Payload(content=bytes(job["content"]), bit_qubits=())
    answers = expected(payload.content, job["key"])
    return {"content": payload.sha256, "results": [_plain(one) for one in answers]}


def _plain(answer: Answer) -> dict:
    if isinstance(answer, Histogram):
        rows = answer.counts.tolist()
        return {"n_bits": answer.n_bits, "outcomes": answer.outcomes.tolist(), "counts": rows}
    return {"values": answer.values.tolist(), "variances": answer.variances.tolist()}


def _answer(tree: dict) -> Answer:
    if "values" in tree:
        return Measured(np.array(tree["values"]), np.array(tree["variances"]))
    outcomes = np.array(tree["outcomes"], dtype=np.uint64)
    return Histogram(tree["n_bits"], outcomes, np.array(tree["counts"]))


def estimator_task(run: str = "run") -> Task:
    """A task of expectations."""
    from qmlmat.operators.pauli import PauliSum

    circuit = QubitCircuit(2, (QubitGate("ry", (0,), Angle(0.0, 0)),), 1)
    sums = (PauliSum.from_words({"ZI": 0.5, "XX": 0.25}),)
    batch = Batch(circuit, np.array([[0.3], [0.7]]), sums, 100)
    return Task(programs=(batch,), run=run, target={"provider": "fake"})
