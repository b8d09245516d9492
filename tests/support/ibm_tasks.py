"""Small tasks for a device of IBM: a circuit of one angle, counted or with expectations."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from rehearsal.client import Server

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import Batch, CountJob
from qmlmat.hardware.adapters.base import Adapter, Payload
from qmlmat.hardware.adapters.ibm.adapter import IbmAdapter, tag_of
from qmlmat.hardware.config.loading import parse_target
from qmlmat.hardware.config.target import IbmTarget
from qmlmat.hardware.task import Answer, Task
from qmlmat.operators.pauli import PauliSum

PAIR = QubitCircuit(2, (QubitGate("ry", (0,), Angle(0.0, 0)), QubitGate("cx", (0, 1))), 1)
"""``cos(t/2) |00> + sin(t/2) |11>``."""
ANGLES = np.array([[0.0], [1.0], [np.pi]])
WORDS = PauliSum.from_words({"IZ": 0.5, "ZZ": 0.2, "XX": 0.3})


def exact(angles: np.ndarray = ANGLES) -> np.ndarray:
    """The expectation of ``WORDS`` in the state of ``PAIR``, by hand."""
    return (0.5 * np.cos(angles) + 0.2 + 0.3 * np.sin(angles))[:, 0]


def measured_circuit(circuit: QubitCircuit = PAIR) -> QubitCircuit:
    """The circuit with every wire measured, bit w from wire w."""
    reads = tuple(QubitGate("measure", (w,), bit=w) for w in range(circuit.n_qubits))
    return replace(circuit, gates=circuit.gates + reads)


def ibm_target(**tables) -> IbmTarget:
    """A target of the rehearsed device, with some tables of the test's own."""
    values = {
        "schema_version": 1,
        "name": "rehearsed",
        "title": "a rehearsal",
        "provider": "ibm",
        "device": "ibm_manila",
        "plan": "payg",
        "access": {"instance": "env:QISKIT_IBM_INSTANCE"},
        "budget": {"max_qpu_seconds": 100.0, "max_usd": 100, "max_jobs": 9, "max_shots": 10**7},
        "sampling": {"shots": 1000},
    }
    found = parse_target(values | tables, name="rehearsed")
    assert isinstance(found, IbmTarget)
    return found


def counting(run: str, *, shots: int = 1000, angles: np.ndarray = ANGLES) -> Task:
    """A task of one program that counts."""
    return Task(programs=(CountJob(measured_circuit(), angles, shots),), run=run, target={})


def estimating(run: str, *, shots: int = 1000) -> Task:
    """A task of one program with expectations."""
    return Task(programs=(Batch(PAIR, ANGLES, (WORDS,), shots),), run=run, target={})


def finished(adapter: Adapter, remote_id: str, *, longest: float = 60.0) -> str:
    """Wait for a job to end, and return how."""
    until = time.monotonic() + longest
    while (state := adapter.status(remote_id).state) in ("queued", "running"):
        if time.monotonic() > until:
            raise TimeoutError(f"job {remote_id} is still {state}")
        time.sleep(0.05)
    return state


def answered(adapter: IbmAdapter, task: Task) -> tuple[Payload, list[Answer]]:
    """Send a task, wait, and return its payload and answers."""
    payload = adapter.compile(task)
    remote_id = adapter.submit(payload, task.key())
    assert finished(adapter, remote_id) == "done"
    return payload, adapter.decode(adapter.fetch_raw(remote_id), payload)


SECRET = "planted-5f3a9c0d1e"
"""The API key of the tests."""


def accepted(server: Server, task: Task) -> list[str]:
    """The jobs of a task that the server has."""
    return [job["id"] for job in server.jobs() if job["key"] == tag_of(task.key())]


def posts(server: Server) -> int:
    return server.counts()["requests"].get("POST /api/v1/jobs", 0)
