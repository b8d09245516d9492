"""IBM's runtime service: identity, catalogue, devices, jobs, sessions.

Met by the unchanged client through a proxy: ``http://stub.invalid`` is resolved by nobody.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from qiskit_aer import AerSimulator

from rehearsal.ibm_device import RehearsedDevice, recalibrated
from rehearsal.ibm_execution import execute
from rehearsal.server import Asked, Done, Reply, Route, Vendor
from rehearsal.store import Job, Store, as_json

CRN: Final = "crn:v1:bluemix:public:quantum-computing:us-east:a/rehearsal:instance::"
"""The one instance of the account."""
QUOTA_S: Final = 600
"""What the free plan gives in 28 days (s)."""
_STATES: Final = {
    "queued": "Queued",
    "running": "Running",
    "done": "Completed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_API: Final = "/api/v1"


class Ibm(Vendor):
    """The service with one instance and one device."""

    def __init__(self, store: Store, device: str | None) -> None:
        super().__init__(store, device)
        self._device = RehearsedDevice.named(device or "fez")
        self._simulator = AerSimulator.from_backend(self._device.backend)

    def environment(self, port: int) -> dict[str, str]:
        """Return the variables with which IBM's client comes here."""
        proxy = f"http://127.0.0.1:{port}"
        return {
            "http_proxy": proxy,
            "no_proxy": "127.0.0.1,localhost",  # other rehearsals are not asked through it
            "IAM_URL": "http://iam.stub.invalid",
            "QISKIT_IBM_TOKEN": "rehearsal-token",
            "QISKIT_IBM_INSTANCE": CRN,
            "QISKIT_IBM_URL": "http://stub.invalid",
            "USAGE_DATA_OPT_OUT": "True",  # else the client reads the source of every caller
        }

    def routes(self) -> Sequence[Route]:
        """Return what is answered."""
        job, session = f"{_API}/jobs/{{id}}", f"{_API}/sessions/{{id}}"
        device = f"{_API}/backends/{{name}}"
        return [
            Route("POST", "/identity/token", self._token, host="iam."),
            Route("POST", "/v3/resources/search", self._search, host="api.global-search"),
            Route("GET", f"{_API}/{{plan}}", self._plan, host="globalcatalog."),
            Route("GET", f"{_API}/backends", self._backends),
            Route("GET", f"{device}/configuration", lambda _: Reply.of(self._device.configuration)),
            Route("GET", f"{device}/properties", lambda _: Reply.of(self._properties())),
            Route("POST", "/__rehearsal__/calibration", self._recalibrate),
            Route("GET", f"{device}/status", self._status),
            Route("GET", f"{_API}/instances/usage", self._usage),
            Route("POST", f"{_API}/jobs", self._post, spot="submit"),
            Route("GET", f"{_API}/jobs", self._list, spot="find"),
            Route("GET", job, self._get, spot="status"),
            Route("GET", f"{job}/results", self._results, spot="result"),
            Route("GET", f"{job}/metrics", self._metrics, spot="usage"),
            Route("POST", f"{job}/cancel", self._cancel),
            Route("POST", f"{_API}/sessions", self._open),
            Route("GET", session, self._session),
            Route("PATCH", session, self._close),
        ]

    def refusal(self, status: int) -> Reply:
        """Return an error as the service words it."""
        message = f"rehearsed error {status}"
        error = {"code": status, "message": message}
        return Reply.of({"errors": [error], "error": error}, status)

    def run(self, job: Job) -> Done:
        """Return what a job gives."""
        body = json.loads(job.request)
        return execute(body["params"], self._simulator, seed=job.number, limit=body.get("cost"))

    # the account

    def _token(self, asked: Asked) -> Reply:
        if b"refused" in asked.body:  # a key that is known to nobody
            return Reply.of({"errorCode": "BXNIM0415E", "errorMessage": "no such key"}, 400)
        now = int(time.time())
        token = ".".join(
            base64.urlsafe_b64encode(part).decode().rstrip("=")
            for part in (
                as_json({"alg": "HS256", "typ": "JWT"}),
                as_json({"iat": now, "exp": now + 3600}),
                b"nobody checks this signature",
            )
        )
        return Reply.of(
            {
                "access_token": token,
                "refresh_token": "none",
                "token_type": "Bearer",
                "expires_in": 3600,
                "expiration": now + 3600,
            }
        )

    def _search(self, _: Asked) -> Reply:
        instance = {
            "crn": CRN,
            "name": "rehearsal",
            "service_plan_unique_id": "plan",
            "doc": {"extensions": {"allocations": [1]}},
            "tags": [],
        }
        return Reply.of({"items": [instance], "limit": 100})

    def _plan(self, _: Asked) -> Reply:
        return Reply.of(
            {
                "overview_ui": {"en": {"display_name": "Open"}},
                "metadata": {"pricing": {"type": "free"}},
            }
        )

    def _usage(self, _: Asked) -> Reply:
        consumed = self.store.counts()["seconds"]
        return Reply.of(
            {
                "instance_id": CRN,
                "plan_id": "plan",
                "usage_consumed_seconds": consumed,
                "usage_limit_seconds": QUOTA_S,
                "usage_limit_reached": consumed >= QUOTA_S,
            }
        )

    # the device

    def _backends(self, _: Asked) -> Reply:
        known = {"name": self._device.name, "status": {"name": "online", "reason": "available"}}
        return Reply.of({"devices": [known]})

    def _status(self, _: Asked) -> Reply:
        waiting = sum(job.state == "queued" for job in self.store.jobs())
        return Reply.of(
            {
                "state": True,
                "status": "active",
                "message": "",
                "length_queue": waiting,
                "backend_version": self._device.configuration["backend_version"],
            }
        )

    def _properties(self) -> dict[str, Any]:
        """Return the newest calibration."""
        seed = self.store.get("calibration", "seed")
        found = self._device.properties
        return dict(found) if seed is None else recalibrated(found, json.loads(seed))

    def _recalibrate(self, asked: Asked) -> Reply:
        self.store.put("calibration", "seed", asked.body)
        return Reply.of({})

    # jobs

    def _post(self, asked: Asked) -> Reply:
        body = asked.json()
        held = self._held(body.get("session_id", ""))
        if body.get("session_id") and not (held and held["accepting_jobs"]):
            error = {"code": 1217, "message": "The session is closed."}
            return Reply.of({"error": error, "errors": [error]}, 400)
        tags = body.get("tags", [])
        name = uuid.uuid4().hex[:20]
        told = {k: body.get(k) for k in ("session_id", "program_id", "cost", "private")}
        self.store.put("job", name, as_json(told | {"tags": tags}))
        key = next((tag for tag in tags if tag.startswith("qmlmat.")), "")
        self.store.accept(asked.body, key=key, fails=asked.fails, name=name)
        return Reply.of({"id": name, "backend": self._device.name})

    def _told(self, job: Job) -> dict[str, Any]:
        told = json.loads(self.store.get("job", job.id) or b"{}")
        created = datetime.fromtimestamp(job.created, UTC).isoformat().replace("+00:00", "Z")
        return {
            "id": job.id,
            "backend": self._device.name,
            "status": _STATES[job.state],
            "state": {"status": _STATES[job.state], "reason": job.message},
            "created": created,
            "program": {"id": told["program_id"]},
            "tags": told["tags"],
            "session_id": told["session_id"],
            "cost": told["cost"],
            "private": bool(told["private"]),
        }

    def _list(self, asked: Asked) -> Reply:
        query = asked.query
        found = [self._told(job) for job in reversed(self.listed(asked))]
        for tag in query.get("tags", []):
            found = [job for job in found if tag in job["tags"]]
        for name in query.get("session_id", []):
            found = [job for job in found if job["session_id"] == name]
        start = int(query.get("offset", ["0"])[0])
        stop = start + int(query.get("limit", ["200"])[0])
        return Reply.of({"jobs": found[start:stop], "count": len(found)})

    def _job(self, asked: Asked) -> Job | None:
        return self.store.job(asked.parts["id"])

    def _get(self, asked: Asked) -> Reply:
        job = self._job(asked)
        return self.refusal(404) if job is None else Reply.of(self._told(job))

    def _results(self, asked: Asked) -> Reply:
        job = self._job(asked)
        if job is None:
            return self.refusal(404)
        if job.state == "failed":
            return Reply(content=job.message.encode())
        return Reply(status=204) if job.result is None else Reply(content=job.result)

    def _metrics(self, asked: Asked) -> Reply:
        job = self._job(asked)
        if job is None:
            return self.refusal(404)
        ended = job.state not in ("queued", "running")
        spent = {"status": "final" if ended else "pending", "qpu_charge_time_seconds": job.seconds}
        return Reply.of({"usage": spent | {"quantum_seconds": job.seconds}})

    def _cancel(self, asked: Asked) -> Reply:
        job = self._job(asked)
        if job is None:
            return self.refusal(404)
        if job.state not in ("queued", "running"):
            return self.refusal(409)
        self.store.end(job.id, "cancelled")
        return Reply(status=204)

    # sessions and batches

    def _held(self, name: str) -> dict[str, Any] | None:
        found = self.store.get("session", name)
        return None if found is None else json.loads(found)

    def _open(self, asked: Asked) -> Reply:
        body, name = asked.json(), uuid.uuid4().hex[:20]
        told: Mapping[str, Any] = {
            "id": name,
            "backend_name": body["backend"],
            "mode": body["mode"],
            "state": "open",
            "accepting_jobs": True,
            "max_ttl": body.get("max_ttl"),
        }
        self.store.put("session", name, as_json(told))
        return Reply.of(told)

    def _session(self, asked: Asked) -> Reply:
        held = self._held(asked.parts["id"])
        return self.refusal(404) if held is None else Reply.of(held)

    def _close(self, asked: Asked) -> Reply:
        held = self._held(asked.parts["id"])
        if held is None:
            return self.refusal(404)
        told = held | asked.json() | {"state": "closed"}
        self.store.put("session", told["id"], as_json(told))
        return Reply.of(told)


VENDOR = Ibm
