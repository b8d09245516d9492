"""The parent's side of the line protocol: child processes, asked one at a time."""

from __future__ import annotations

import json
import os
import selectors
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
"""The checkout; the children's working folder."""
VENVS = ROOT / "benchmarks" / ".venvs"
"""Environments of the peers that have their own."""
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",  # ffsim
)
PATIENCE = 600.0
"""Longest answer waited for (s)."""
SAMPLE = 0.005
"""Shorter runs are repeated within one sample until they take this long together (s)."""
BUDGET = 8.0
"""Time after which one program gets no further runs of one size, three excepted (s)."""


class WorkerError(Exception):
    """A child is missing or failed; the message is its one-line reason."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A program and how to start its child."""

    name: str
    """As printed."""
    module: str
    """The child's module, in ``benchmarks.workers``."""
    python: Path = Path(sys.executable)
    """Interpreter of the environment it is installed in."""
    arguments: tuple[str, ...] = ()
    """Of the child's command line."""
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Further variables."""
    remedy: str = "make bench installs it"
    """What makes it available."""


@dataclass(frozen=True)
class Timing:
    """Seconds of alternating runs."""

    seconds: tuple[float, ...]
    """One entry for each sample, at least one."""

    @property
    def median(self) -> float:
        """Their median (s)."""
        return statistics.median(self.seconds)

    def plain(self) -> dict[str, float]:
        """Return what the JSON file keeps."""
        return {
            "median": self.median,
            "min": min(self.seconds),
            "max": max(self.seconds),
            "runs": len(self.seconds),
        }


def ratio(numerator: Timing, denominator: Timing) -> float:
    """Return the ratio of the medians."""
    return numerator.median / denominator.median


class Worker:
    """One child process."""

    def __init__(
        self, peer: Peer, *, threads: int = 1, extra: Mapping[str, str] | None = None
    ) -> None:
        if not peer.python.exists():
            raise WorkerError(f"missing: no environment ({peer.remedy})")
        settings = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
        settings |= {"PYTHONNOUSERSITE": "1", **peer.environment, **(extra or {})}
        self.peer = peer
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the child)
        self._process = subprocess.Popen(
            [str(peer.python), "-m", f"benchmarks.workers.{peer.module}", *peer.arguments],
            cwd=ROOT,
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        try:
            self.versions: dict[str, str] = self.read()["versions"]
        except BaseException:
            self.close()
            raise

    def ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Return the answer to one request.

        Raises:
            WorkerError: If the child could not do it, died, or took longer than ``PATIENCE``.
        """
        self.post(request)
        return self.read()

    def post(self, request: Mapping[str, object]) -> None:
        """Send a request whose answer ``read`` fetches."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(f"failed: {self._last_words()}") from None

    def read(self) -> dict[str, Any]:
        """Wait for the answer to what was posted."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE):
                self._process.kill()
                raise WorkerError(f"failed: no answer within {PATIENCE:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(f"failed: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "missing" in answer:
            raise WorkerError(f"missing: {answer['missing']} ({self.peer.remedy})")
        if "error" in answer:
            raise WorkerError(f"failed: {answer['error']}")
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else f"exit status {code}"

    def close(self) -> None:
        """End the child: by the end of its input, else by force."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()


@contextmanager
def one_worker(
    peer: Peer, *, threads: int = 1, extra: Mapping[str, str] | None = None
) -> Iterator[Worker]:
    """Start a child that ends with the block."""
    worker = Worker(peer, threads=threads, extra=extra)
    try:
        yield worker
    finally:
        worker.close()


@dataclass
class Runner:
    """A prepared job in a child, and its samples so far."""

    worker: Worker
    """The child."""
    key: str
    """Name of the job there."""
    facts: dict[str, Any]
    """What the child told about it."""
    inner: int
    """Runs within a sample."""
    limit: int
    """Samples at most."""
    samples: list[float] = field(default_factory=list)
    """Seconds of one run, by sample."""
    cpu: list[float] = field(default_factory=list)
    """Processor time of one run, by sample (s)."""
    failure: str = ""
    """Why it stopped answering."""

    @classmethod
    def load(cls, worker: Worker, job: str, problem: Path, rounds: int) -> Runner:
        """Prepare a job and warm it up once, which also decides how often it will run."""
        key = f"{job} {problem.stem}"
        facts = worker.ask({"do": "load", "job": job, "as": key, "problem": str(problem)})
        warm = worker.ask({"do": "run", "as": key})["seconds"]
        inner = min(50, max(1, round(SAMPLE / max(warm, 1e-9))))
        limit = max(min(3, rounds), min(rounds, int(BUDGET / max(warm, 1e-9))))
        return cls(worker, key, facts["facts"], inner, limit)

    def sample(self) -> None:
        """Add one sample; a failure is kept, and ends the samples."""
        self.post()
        self.read()

    def post(self) -> None:
        """Start a sample without waiting for it."""
        try:
            self.worker.post({"do": "run", "as": self.key, "inner": self.inner})
        except WorkerError as error:
            self.failure = str(error)

    def read(self) -> None:
        """Wait for the sample that was started."""
        try:
            answer = {} if self.failure else self.worker.read()
        except WorkerError as error:
            self.failure = str(error)
        if not self.failure:
            self.samples.append(float(answer["seconds"]))
            self.cpu.append(float(answer["cpu"]))

    @property
    def busy_threads(self) -> float:
        """Processor time per second, at most what the threads that worked could use."""
        return sum(self.cpu) / sum(self.samples)

    @property
    def timing(self) -> Timing:
        """The samples so far."""
        return Timing(tuple(self.samples))


def alternate(runners: Sequence[Runner], rounds: int) -> None:
    """Let the runners sample in turn, one at a time."""
    for done in range(rounds):
        for runner in runners:
            if done < runner.limit and not runner.failure:
                runner.sample()
