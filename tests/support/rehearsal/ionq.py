"""IonQ's interface, version 0.4, rehearsed: backends, jobs of many circuits, results as shares."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import numpy as np

from rehearsal.server import Done, Reply, Route, Vendor

_STATES = {
    "queued": "ready",
    "running": "started",
    "done": "completed",
    "failed": "failed",
    "cancelled": "canceled",
}
_QUBITS = {"simulator": 29, "qpu.forte-1": 36}
_ONE = {
    "x": [[0, 1], [1, 0]],
    "y": [[0, -1j], [1j, 0]],
    "z": [[1, 0], [0, -1]],
    "h": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "s": [[1, 0], [0, 1j]],
    "si": [[1, 0], [0, -1j]],
    "sdg": [[1, 0], [0, -1j]],
    "t": [[1, 0], [0, np.exp(0.25j * np.pi)]],
    "ti": [[1, 0], [0, np.exp(-0.25j * np.pi)]],
    "tdg": [[1, 0], [0, np.exp(-0.25j * np.pi)]],
    "v": np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
}


class Ionq(Vendor):
    """IonQ with its ideal simulator."""

    def environment(self, port):
        return {"IONQ_API_URL": f"http://127.0.0.1:{port}/v0.4"}

    def routes(self):
        return [
            Route("GET", "/v0.4/backends/{name}", self._backend, "capabilities"),
            Route("GET", "/v0.4/backends/{name}/characterizations", self._calibration, "snapshot"),
            Route("POST", "/v0.4/jobs", self._create, "submit"),
            Route("GET", "/v0.4/jobs", self._list, "find"),
            Route("GET", "/v0.4/jobs/{id}", self._job, "status"),
            Route("GET", "/v0.4/jobs/{id}/results/probabilities", self._result, "result"),
            Route("PUT", "/v0.4/jobs/{id}/status/cancel", self._cancel, "cancel"),
        ]

    def refusal(self, status):
        return Reply.of(
            {"statusCode": status, "error": "Error", "message": f"rehearsed {status}"}, status
        )

    def _backend(self, asked):
        name = asked.parts["name"]
        if name not in _QUBITS:
            return self.refusal(404)
        return Reply.of({"backend": name, "status": "available", "qubits": _QUBITS[name]})

    def _calibration(self, asked):
        name = asked.parts["name"]
        if not name.startswith("qpu."):
            return Reply.of({"characterizations": None})
        told = {
            "id": "1",
            "backend": name,
            "date": "2026-11-20T06:00:00Z",
            "qubits": _QUBITS[name],
            "connectivity": [[0, 1], [0, 2], [1, 2]],
            "fidelity": {"spam": {"median": 0.995}, "2q": {"median": 0.99}},
        }
        return Reply.of({"characterizations": [told]})

    def _create(self, asked):
        if not asked.headers.get("authorization", "").startswith("apiKey "):
            return self.refusal(401)
        given = asked.json()
        key = given["metadata"]["qmlmat_key"]
        job = self.store.accept(json.dumps(given).encode(), key=key, fails=asked.fails)
        return Reply.of({"id": job.id, "status": "ready", "session_id": None})

    def _list(self, asked):
        jobs = self.listed(asked)[::-1]
        start = int(asked.query.get("next", ["0"])[0])
        size = min(int(asked.query["limit"][0]), 5)
        following = str(start + size) if start + size < len(jobs) else None
        page = [_described(job) for job in jobs[start : start + size]]
        return Reply.of({"jobs": page, "next": following})

    def _job(self, asked):
        job = self.store.job(asked.parts["id"])
        return self.refusal(404) if job is None else Reply.of(_described(job))

    def _result(self, asked):
        job = self.store.job(asked.parts["id"])
        if job is None or job.state != "done":
            return self.refusal(404)
        return Reply(content=job.result)

    def _cancel(self, asked):
        job = self.store.job(asked.parts["id"])
        if job is None:
            return self.refusal(404)
        if job.state in {"done", "failed"}:
            return self.refusal(400)
        self.store.end(job.id, "cancelled")
        return Reply.of({"id": job.id, "status": "canceled"})

    def run(self, job):
        given = json.loads(job.request)
        n_qubits = given["input"]["qubits"]
        if "circuit" in given["input"]:
            result = _shares(given["input"]["circuit"], n_qubits)
            return Done(result=json.dumps(result).encode(), shots=given["shots"])
        circuits = given["input"]["circuits"]
        shares = [_shares(one["circuit"], n_qubits) for one in circuits]
        named = dict(zip(children(job), shares, strict=True))
        backwards = dict(sorted(named.items()))  # by name: a reader must not trust the order
        return Done(result=json.dumps(backwards).encode(), shots=given["shots"] * len(circuits))


def children(job):
    """Return the names of a job's circuits."""
    given = json.loads(job.request)
    names = range(len(given["input"].get("circuits", ())))
    return [str(uuid.uuid5(uuid.UUID(job.id), str(k))) for k in names]


def _described(job):
    given = json.loads(job.request)
    told = {
        "id": job.id,
        "status": _STATES[job.state],
        "type": given["type"],
        "backend": given["backend"],
        "name": given["name"],
        "metadata": given["metadata"],
        "shots": given["shots"],
        "submitted_at": datetime.fromtimestamp(job.created, UTC).isoformat(),
        "child_job_ids": children(job) or None,
    }
    if job.state == "done":
        url = f"/v0.4/jobs/{job.id}/results/probabilities"
        told["results"] = {"probabilities": {"url": url}}
    if job.state == "failed":
        told["failure"] = {"code": "internal_error", "error": job.message}
    return told


def _shares(gates, n_qubits):
    """Exact probabilities by state; bit w of a state's number is qubit w."""
    state = np.zeros((2,) * n_qubits, dtype=complex)
    state[(0,) * n_qubits] = 1
    for gate in gates:
        state = _applied(state, gate)
    weights = np.abs(state.transpose(*reversed(range(n_qubits))).reshape(-1)) ** 2
    return {str(k): float(p) for k, p in enumerate(weights) if p > 1e-12}


def _applied(state, gate):
    if gate["gate"] == "swap":
        return np.swapaxes(state, *gate["targets"])
    matrix = np.asarray(_matrix(gate), dtype=complex)
    (target,) = gate["targets"]
    turned = np.moveaxis(np.tensordot(matrix, state, axes=(1, target)), 0, target)
    for control in gate.get("controls", ()):
        chosen = np.zeros((2,) + (1,) * (state.ndim - 1))
        chosen[1] = 1
        chosen = np.moveaxis(chosen, 0, control)
        turned = chosen * turned + (1 - chosen) * state
    return turned


def _matrix(gate):
    name = gate["gate"]
    if name in _ONE:
        return _ONE[name]
    half = gate["rotation"] / 2
    c, s = np.cos(half), np.sin(half)
    return {
        "rx": [[c, -1j * s], [-1j * s, c]],
        "ry": [[c, -s], [s, c]],
        "rz": [[np.exp(-1j * half), 0], [0, np.exp(1j * half)]],
    }[name]


VENDOR = Ionq
