"""Amazon Braket and S3, rehearsed: devices, quantum tasks by token, results as objects."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime

from rehearsal.braket_devices import named
from rehearsal.braket_runs import action_of, run_action
from rehearsal.server import Done, Reply, Route, Vendor

_ACCOUNT = "123456789012"
_ERRORS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    404: "ResourceNotFoundException",
    409: "ConflictException",
    429: "ThrottlingException",
}
_STATES = {
    "queued": "QUEUED",
    "running": "RUNNING",
    "done": "COMPLETED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
}
_INLINE = 20_000
"""Results of program sets that are longer are spread over several objects, as by Braket."""


class Braket(Vendor):
    """Amazon Braket in one account; ``device`` chooses nothing, every device is there."""

    def __init__(self, store, device):
        super().__init__(store, device)
        self._tokens = threading.Lock()

    def environment(self, port):
        here = f"http://127.0.0.1:{port}"
        return {
            "BRAKET_ENDPOINT": here,
            "AWS_ENDPOINT_URL_S3": f"{here}/s3",
            "AWS_ENDPOINT_URL_STS": f"{here}/sts",
            "AMZN_BRAKET_OUT_S3_BUCKET": "amazon-braket-rehearsal",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def routes(self):
        return [
            Route("GET", "/device/{arn...}", self._device, "capabilities"),
            Route("POST", "/quantum-task", self._create, "submit"),
            Route("PUT", "/quantum-task/{arn...}/cancel", self._cancel, "cancel"),
            Route("GET", "/quantum-task/{arn...}", self._task, "status"),
            Route("POST", "/quantum-tasks", self._search, "find"),
            Route("POST", "/spending-limits", self._limits),
            Route("POST", "/__rehearsal__/spending-limits", self._set_limits),
            Route("GET", "/s3/{bucket}/{key...}", self._object, "result"),
            Route("HEAD", "/s3/{bucket}/{key...}", self._object),
            Route("PUT", "/s3/{bucket}/{key...}", self._keep),
            Route("POST", "/sts", self._identity),
            Route("POST", "/sts/", self._identity),
        ]

    def refusal(self, status):
        name = _ERRORS.get(status, "InternalServiceException")
        return _error(status, name, f"rehearsed {status}")

    # Braket

    def _device(self, asked):
        device = named(asked.parts["arn"])
        if device is None:
            return _error(404, "ResourceNotFoundException", "no such device")
        return Reply.of(device.answer())

    def _create(self, asked):
        given = asked.json()
        token = given.pop("clientToken")
        device = named(given["deviceArn"])
        wrong = "no such device" if device is None else device.refuses(given)
        if wrong:
            return _error(400, "ValidationException", wrong)
        request = json.dumps(given, sort_keys=True).encode()
        with self._tokens:
            known = self.store.get("token", token)
            if known is None and self._is_over_limit(device, given["shots"]):
                return _error(400, "ValidationException", "the spending limit is reached")
            if known is not None:
                if self.store.job(known.decode()).request != request:
                    return _error(400, "ValidationException", "another request had this token")
                return Reply.of({"quantumTaskArn": known.decode()}, 201)
            region = given["deviceArn"].split(":")[3] or "us-east-1"
            arn = f"arn:aws:braket:{region}:{_ACCOUNT}:quantum-task/{uuid.uuid4()}"
            key = given.get("tags", {}).get("qmlmat-key", "")
            self.store.put("token", token, arn.encode())
            self.store.accept(request, key=key, fails=asked.fails, name=arn)
        return Reply.of({"quantumTaskArn": arn}, 201)

    def _task(self, asked):
        job = self.store.job(asked.parts["arn"])
        if job is None:
            return _error(404, "ResourceNotFoundException", "no such quantum task")
        return Reply.of(_described(job) | {"deviceParameters": "{}", "failureReason": job.message})

    def _search(self, asked):
        given = asked.json()
        device = {v for f in given["filters"] if f["name"] == "deviceArn" for v in f["values"]}
        unknown = {f["name"] for f in given["filters"]} - {
            "quantumTaskArn",
            "deviceArn",
            "jobArn",
            "status",
            "createdAt",
        }
        if unknown:
            return _error(400, "ValidationException", f"no such filter: {sorted(unknown)}")
        found = [_described(job) for job in self.listed(asked)]
        found = [one for one in found if not device or one["deviceArn"] in device][::-1]
        start, size = int(given.get("nextToken") or 0), min(given.get("maxResults", 10), 10)
        more = {"nextToken": str(start + size)} if start + size < len(found) else {}
        return Reply.of({"quantumTasks": found[start : start + size]} | more)

    def _cancel(self, asked):
        job = self.store.job(asked.parts["arn"])
        if job is None:
            return _error(404, "ResourceNotFoundException", "no such quantum task")
        if job.state in {"done", "failed"}:
            return _error(409, "ConflictException", "the quantum task has ended")
        self.store.end(job.id, "cancelled")
        return Reply.of({"quantumTaskArn": job.id, "cancellationStatus": "CANCELLED"})

    def _limits(self, asked):
        kept = json.loads(self.store.get("limits", "all") or b"[]")
        wanted = {v for f in asked.json().get("filters", []) for v in f["values"]}
        found = [one for one in kept if not wanted or one["deviceArn"] in wanted]
        return Reply.of({"spendingLimits": found})

    def _is_over_limit(self, device, shots):
        """Whether a quantum task would cost more than what a spending limit leaves."""
        kept = json.loads(self.store.get("limits", "all") or b"[]")
        caps = [float(k["spendingLimit"]) for k in kept if k["deviceArn"] == device.arn]
        requests = [json.loads(j.request) for j in self.store.jobs() if j.state != "cancelled"]
        spent = sum(device.cost(r["shots"]) for r in requests if r["deviceArn"] == device.arn)
        return bool(caps) and spent + device.cost(shots) > min(caps)

    def _set_limits(self, asked):
        now = datetime.now(UTC).isoformat()
        kept = [
            {
                "spendingLimitArn": f"arn:aws:braket:us-east-1:{_ACCOUNT}:spending-limit/{k}",
                "deviceArn": one["deviceArn"],
                "timePeriod": {"startAt": 0, "endAt": 4_000_000_000},
                "spendingLimit": str(one["usd"]),
                "queuedSpend": "0",
                "totalSpend": "0",
                "createdAt": now,
                "updatedAt": now,
            }
            for k, one in enumerate(asked.json())
        ]
        self.store.put("limits", "all", json.dumps(kept).encode())
        return Reply.of({})

    # S3 and STS

    def _object(self, asked):
        content = self.store.get("object", f"{asked.parts['bucket']}/{asked.parts['key']}")
        if content is None:
            return _xml(404, "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
        return Reply(content=content, headers={"Content-Type": "application/octet-stream"})

    def _keep(self, asked):
        self.store.put("object", f"{asked.parts['bucket']}/{asked.parts['key']}", asked.body)
        return _xml(200, "")

    def _identity(self, _):
        return _xml(
            200,
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<GetCallerIdentityResult><Account>{_ACCOUNT}</Account><UserId>u</UserId>"
            f"<Arn>arn:aws:iam::{_ACCOUNT}:user/u</Arn></GetCallerIdentityResult>"
            "</GetCallerIdentityResponse>",
        )

    # runs

    def run(self, job):
        given = json.loads(job.request)
        device = named(given["deviceArn"])
        result = run_action(action_of(given), given["shots"], device, job)
        bucket, folder = given["outputS3Bucket"], _folder(given, job)
        for name, content in _objects(result, bucket, folder).items():
            self.store.put("object", f"{bucket}/{folder}/{name}", content)
        return Done(result=b"", shots=given["shots"])


def _described(job):
    given = json.loads(job.request)
    ended = {} if job.ended is None else {"endedAt": _time(job.ended)}
    ran = {"numSuccessfulShots": job.shots} if job.state == "done" else {}
    return {
        "quantumTaskArn": job.id,
        "status": _STATES[job.state],
        "deviceArn": given["deviceArn"],
        "shots": given["shots"],
        "outputS3Bucket": given["outputS3Bucket"],
        "outputS3Directory": _folder(given, job),
        "createdAt": _time(job.created),
        "tags": given.get("tags", {}),
        **ended,
        **ran,
    }


def _folder(given, job):
    return f"{given['outputS3KeyPrefix']}/{job.id.rpartition('/')[2]}"


def _objects(result, bucket, folder):
    """The result's objects: one, or for large program sets one for each program and executable."""
    text = result.json().encode()
    tree = json.loads(text)
    if len(text) <= _INLINE or "programResults" not in tree:
        return {"results.json": text}
    found = {}
    for k, program in enumerate(tree["programResults"]):
        for e, executable in enumerate(program["executableResults"]):
            found[f"programs/{k}/executables/{e}.json"] = json.dumps(executable).encode()
        found[f"programs/{k}/program.json"] = json.dumps(program["source"]).encode()
        names = [f"executables/{e}.json" for e in range(len(program["executableResults"]))]
        small = program | {"executableResults": names, "source": "program.json"}
        found[f"programs/{k}/results.json"] = json.dumps(small).encode()
    found["metadata.json"] = json.dumps(tree["taskMetadata"]).encode()
    top = tree | {
        "programResults": [
            f"programs/{k}/results.json" for k in range(len(tree["programResults"]))
        ],
        "taskMetadata": "metadata.json",
        "s3Location": [bucket, folder],
    }
    return found | {"results.json": json.dumps(top).encode()}


def _time(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _error(status, name, text):
    headers = {"Content-Type": "application/json", "x-amzn-errortype": name}
    return Reply(status=status, content=json.dumps({"message": text}).encode(), headers=headers)


def _xml(status, text):
    return Reply(status=status, content=text.encode(), headers={"Content-Type": "text/xml"})


VENDOR = Braket
