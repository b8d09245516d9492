"""The calls of Amazon Braket and S3, by Amazon's own client; its errors as ours."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from qmlmat.errors import CredentialError, RejectedError, UnavailableError
from qmlmat.hardware.adapters.braket.faults import as_ours, unread
from qmlmat.hardware.config import credential
from qmlmat.hardware.config.credentials import variable
from qmlmat.hardware.config.target import BraketTarget

Found = TypeVar("Found")
"""What a call returns."""

_PAGE: Final = 100
"""Quantum tasks in an answer of a search, the most that Braket gives."""
_ATTEMPTS: Final = 3
"""How often a request goes out; one that creates carries a token, and is accepted once."""
_TASK: Final = ("quantumTaskArn", "status", "createdAt", "shots", "outputS3Bucket")
"""What is needed of a quantum task."""
_CONNECT_S: Final = 10
_READ_S: Final = 60
DEFAULT_REGION: Final = "us-east-1"
"""Where the simulators are asked for, unless the target says."""


class Door:
    """What is asked of Amazon Braket and S3 on behalf of a target."""

    def __init__(self, target: BraketTarget) -> None:
        """Make the clients; nothing is sent.

        Args:
            target: Names the device, the credential, the region and the bucket.

        Raises:
            CredentialError: If there is no credential where the target says.
        """
        self._target = target
        config = Config(
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
        )
        try:
            session = boto3.Session(
                profile_name=credential(target) or None, region_name=region(target)
            )
            endpoint = target.access.endpoint or os.environ.get("BRAKET_ENDPOINT")
            self._braket = session.client("braket", config=config, endpoint_url=endpoint)
            self._s3 = session.client("s3", config=config)
        except BotoCoreError as error:
            raise as_ours(error, self._call("sign in"), sends=False) from None

    def device(self) -> dict[str, Any]:
        """Return what the device says of itself."""
        return self._asked(
            "device", lambda: dict(self._braket.get_device(deviceArn=self._target.device))
        )

    def create(self, *, token: str, tags: Mapping[str, str], action: str, shots: int) -> str:
        """Return the ARN of a quantum task, a new one or that which the token made before.

        Args:
            token: 1 to 64 characters.
            tags: What it is found by.
            action: The program or program set, as JSON.
            shots: Repetitions of all executables together.
        """

        def create() -> dict[str, Any]:
            return dict(
                self._braket.create_quantum_task(
                    clientToken=token,
                    deviceArn=self._target.device,
                    action=action,
                    shots=shots,
                    outputS3Bucket=self._bucket(),
                    outputS3KeyPrefix="qmlmat",
                    tags=dict(tags),
                )
            )

        answer = self._asked("submit", create, sends=True)
        return str(self._whole("submit", answer, ("quantumTaskArn",), sends=True)["quantumTaskArn"])

    def task(self, arn: str) -> dict[str, Any]:
        """Return what is known of a quantum task."""
        answer = self._asked(
            "status", lambda: dict(self._braket.get_quantum_task(quantumTaskArn=arn))
        )
        return self._whole("status", answer, _TASK)

    def tasks(self) -> Iterator[dict[str, Any]]:
        """Yield every quantum task of the device that the account has, with its tags.

        Braket documents no filter on tags.
        """
        filters = [{"name": "deviceArn", "operator": "EQUAL", "values": [self._target.device]}]
        more: dict[str, str] = {}
        while True:
            answer = self._asked(
                "find",
                lambda: dict(
                    self._braket.search_quantum_tasks(
                        filters=filters,
                        maxResults=_PAGE,
                        **more,  # noqa: B023 (called at once)
                    )
                ),
            )
            yield from self._whole("find", answer, ("quantumTasks",))["quantumTasks"]
            if not answer.get("nextToken"):
                return
            more = {"nextToken": answer["nextToken"]}

    def cancel(self, arn: str) -> None:
        """Ask that a quantum task be stopped; one that has ended is left as it is."""
        try:
            self._asked("cancel", lambda: self._braket.cancel_quantum_task(quantumTaskArn=arn))
        except RejectedError as error:
            if "ConflictException" not in str(error):
                raise

    def has_spending_limit(self) -> bool | None:
        """Return whether the account limits what the device may cost; ``None``: it cannot be seen.

        A right of its own is needed to see it.
        """
        filters = [{"name": "deviceArn", "operator": "EQUAL", "values": [self._target.device]}]
        try:
            answer = self._asked(
                "capabilities", lambda: dict(self._braket.search_spending_limits(filters=filters))
            )
            answer = self._whole("capabilities", answer, ("spendingLimits",))
        except (CredentialError, RejectedError, UnavailableError):
            return None
        return bool(answer["spendingLimits"])

    def document(self, bucket: str, key: str) -> str:
        """Return an object of S3 as text."""

        def read() -> str:
            content = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            return str(content.decode("utf-8", errors="replace"))

        return self._asked("fetch_raw", read)

    def _bucket(self) -> str:
        named = self._target.access.bucket
        if not named.startswith("env:"):
            return named
        return variable(self._target, named.removeprefix("env:"))

    def _call(self, call: str) -> str:
        return f"BraketAdapter({self._target.name}).{call}"

    def _whole(
        self, call: str, answer: dict[str, Any], names: Sequence[str], *, sends: bool = False
    ) -> dict[str, Any]:
        """Return an answer in which everything is that is needed."""
        if not set(names) <= set(answer):
            raise unread(self._call(call), sends=sends)
        return answer

    def _asked(self, call: str, ask: Callable[[], Found], *, sends: bool = False) -> Found:
        try:
            with _quiet():
                return ask()
        except (BotoCoreError, ClientError, OSError) as error:
            # without its cause: requests, with what signs them, hang on some of botocore's errors
            raise as_ours(error, self._call(call), sends=sends) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep botocore from logging requests, with the headers that sign them, at level DEBUG."""
    logger = logging.getLogger("botocore")
    level = logger.level
    if logger.getEffectiveLevel() < logging.INFO:
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)


def region(target: BraketTarget) -> str:
    """Return the region a device is asked for in: its own, else the target's."""
    return target.device.split(":")[3] or target.access.region or DEFAULT_REGION
