"""What tests of Braket share: planted credentials, targets that use them, tasks."""

from __future__ import annotations

import time

import numpy as np

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.hardware.adapters.braket.adapter import BraketAdapter
from qmlmat.hardware.config import load_target
from qmlmat.hardware.task import Task

PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDPLANTED00",
    "AWS_SECRET_ACCESS_KEY": "PlantedSecret/0123456789+abcdefghijKLMNO",
    "AWS_SESSION_TOKEN": "PlantedSessionToken0123456789abcdefghijklmnopqrstuvwxyzABCDEF",
}
"""Credentials that must turn up nowhere."""


def target(name):
    """A shipped target with the planted credentials."""
    found = load_target(name)
    access = found.access.model_copy(update={"credential": "env:AWS_ACCESS_KEY_ID"})
    return found.model_copy(update={"access": access})


def adapter(name="braket_garnet"):
    """A new adapter, as a new process has one."""
    return BraketAdapter(target(name))


def counted(shots=200, n_points=3, n_qubits=3):
    """An entangled state at some angles, every wire measured."""
    gates = (
        QubitGate("ry", (0,), Angle(0.1, 0, 0.5)),
        QubitGate("cx", (0, n_qubits - 1)),
        QubitGate("crx", (0, 1), Angle(0.4, 0)),
    )
    circuit = QubitCircuit(n_qubits, gates, 1).measured()
    return CountJob(circuit, np.linspace(0.3, 2.8, n_points)[:, None], shots)


def task(name="braket_garnet", *programs, run="run"):
    """A task for a target."""
    return Task(programs=programs or (counted(),), run=run, target=target(name).fingerprint())


def waited(one, remote_id):
    """Return a job that has ended."""
    for _ in range(2000):
        found = one.status(remote_id)
        if found.state not in {"queued", "running"}:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def accepted(server, key):
    """The quantum tasks that the server accepted under a key."""
    return [job for job in server.jobs() if job["key"] == key]


def sent(one, wanted):
    """Submit a task, and return its payload and name."""
    payload = one.compile(wanted)
    return payload, one.submit(payload, wanted.key())
