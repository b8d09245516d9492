"""The calls of IonQ's interface, each sent once, with IonQ's own headers; its errors as ours.

IonQ's client sends a refused submission again, which may make two jobs, and repeats some questions
without end; so requests go out from here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import requests
from qiskit_ionq.ionq_client import IonQClient

from qmlmat.errors import (
    CredentialError,
    HardwareError,
    RejectedError,
    UnavailableError,
    UnclearError,
)
from qmlmat.hardware.config import credential
from qmlmat.hardware.config.target import IonqTarget

ADDRESS: Final = "https://api.ionq.co/v0.4"
"""Where IonQ is, unless the target or ``IONQ_API_URL`` says otherwise."""
_PAGE: Final = 100
_TIMEOUT_S: Final = (10, 60)
_BUSY_S: Final = 30.0
"""When to ask again where a busy service does not say (s)."""


class Door:
    """What is asked of IonQ on behalf of a target."""

    def __init__(self, target: IonqTarget) -> None:
        """Make the client; nothing is sent.

        Args:
            target: Names the device, the credential and the address.

        Raises:
            CredentialError: If there is no credential where the target says.
        """
        self._target = target
        given = target.access.endpoint or os.environ.get("IONQ_API_URL") or ADDRESS
        self._client = IonQClient(credential(target), given.rstrip("/"))

    def device(self) -> dict[str, Any]:
        """Return what the device says of itself."""
        return self._json(self._asked("capabilities", "GET", "backends", self._target.device))

    def calibration(self) -> dict[str, Any] | None:
        """Return the device's newest calibration; ``None`` if there is none."""
        path = ("backends", self._target.device, "characterizations")
        answer = self._json(self._asked("snapshot", "GET", *path, query={"limit": "1"}))
        found = answer.get("characterizations") or [None]
        return None if found[0] is None else dict(found[0])

    def create(self, body: dict[str, Any]) -> str:
        """Return the name of a new job; it is sent once."""
        answer = self._asked("submit", "POST", "jobs", body=body)
        try:
            return str(answer.json()["id"])
        except (ValueError, KeyError, TypeError):
            raise UnclearError(
                f"{self._call('submit')}: the answer names no job. {_LOOK}"
            ) from None

    def jobs(self) -> Iterator[dict[str, Any]]:
        """Yield every job of the account, with its metadata: there is no filter on these."""
        query: dict[str, str] = {"limit": str(_PAGE)}
        while True:
            answer = self._json(self._asked("find", "GET", "jobs", query=query))
            yield from answer.get("jobs") or ()
            if not answer.get("next"):
                return
            query["next"] = str(answer["next"])

    def job(self, name: str) -> dict[str, Any]:
        """Return what is known of a job."""
        return self._json(self._asked("status", "GET", "jobs", name))

    def probabilities(self, name: str) -> str:
        """Return a finished job's result, as it comes."""
        return str(self._asked("fetch_raw", "GET", "jobs", name, "results", "probabilities").text)

    def cancel(self, name: str) -> None:
        """Ask that a job be stopped; one that has ended is left as it is."""
        try:
            self._asked("cancel", "PUT", "jobs", name, "status", "cancel")
        except RejectedError:
            if self.job(name)["status"] not in {"completed", "failed", "canceled"}:
                raise

    def _call(self, call: str) -> str:
        return f"IonqAdapter({self._target.name}).{call}"

    def _asked(
        self,
        call: str,
        method: str,
        *path: str,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> requests.Response:
        try:
            answer = requests.request(
                method,
                self._client.make_path(*path),
                json=body,
                params=query,
                headers=self._client.api_headers,
                timeout=_TIMEOUT_S,
                allow_redirects=False,  # the credential goes nowhere else
            )
        except requests.RequestException as error:
            # without its cause: the request, with its headers, hangs on it
            sends = method == "POST"
            raise _silent(self._call(call), type(error).__name__, sends=sends) from None
        if answer.status_code >= 300:
            raise self._refused(call, answer, sends=method == "POST")
        return answer

    def _refused(self, call: str, answer: requests.Response, *, sends: bool) -> HardwareError:
        status = answer.status_code
        if status in {401, 403}:
            return CredentialError(
                f"{self._call(call)}: IonQ refused the credential ({status}). Check "
                f"{self._target.access.credential}."
            )
        if status >= 500 or (status == 429 and not sends):
            return _silent(self._call(call), f"error {status}", sends=sends)
        if status == 429:
            return RejectedError(
                f"{self._call(call)}: too many requests. Try again later.",
                retry_after=_wait(answer.headers.get("Retry-After")),
            )
        return RejectedError(
            f"{self._call(call)}: refused, {status}: {_message(answer)}. Correct the target or the "
            "task."
        )

    def _json(self, answer: requests.Response) -> dict[str, Any]:
        try:
            return dict(answer.json())
        except (ValueError, TypeError):
            raise UnavailableError(
                f"{self._call('status')}: the answer cannot be read. {_ASK}"
            ) from None


_LOOK: Final = "Look for the job before it is sent again."
_ASK: Final = "Ask again."


def _silent(call: str, what: str, *, sends: bool) -> HardwareError:
    if sends:
        return UnclearError(f"{call}: no answer ({what}). {_LOOK}")
    return UnavailableError(f"{call}: no answer ({what}). {_ASK}")


def _message(answer: requests.Response) -> str:
    try:
        tree = answer.json()
        told = tree.get("message") or tree.get("error", {}).get("message") or ""
    except (ValueError, AttributeError):
        told = ""
    return " ".join(str(told).split())[:200].rstrip(".") or "without a reason"


def _wait(text: str | None) -> float:
    try:
        return float(text) if text is not None else _BUSY_S
    except ValueError:
        return _BUSY_S
