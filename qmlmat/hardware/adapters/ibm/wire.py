"""The one place where IBM's client is spoken to: its service, one request for each, its errors.

The client retries a POST that ended in a server's error, although the job may have been accepted:
it would run, and be billed, twice. So every session of it is given an ``HTTPAdapter`` that sends
each request once and notes what became of it.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from ibm_cloud_sdk_core import ApiException
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import Batch, QiskitRuntimeService, Session
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import IBMError, IBMInputValueError, IBMNotAuthorizedError
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.retry import Retry

from qmlmat.errors import (
    CredentialError,
    HardwareError,
    QmlmatError,
    RejectedError,
    UnavailableError,
    UnclearError,
)
from qmlmat.hardware.config import credential
from qmlmat.hardware.config.credentials import instance
from qmlmat.hardware.config.target import IbmTarget

_URL_VARIABLE: Final = "QISKIT_IBM_URL"
"""Of IBM's own: another address than https://cloud.ibm.com."""
_CONNECT_S: Final = 10.0
"""Time to reach the server (s)."""
_PAUSE_S: Final = 30.0
"""When a request that never left is tried again (s)."""
_REFUSED: Final = (401, 403)
_NO_TOKEN: Final = "Unable to retrieve IBM Cloud access token"
_OF_NETWORK: Final = (
    IBMError,
    QiskitBackendNotFoundError,  # also where the list of devices could not be read
    ApiException,
    RequestException,
    UserWarning,
    OSError,
)
_RAISED: Final = (*_OF_NETWORK, ValueError, KeyError, TypeError)
"""What the client raises, and what passes through it."""


class _Once(HTTPAdapter):  # type: ignore[misc] # untyped to mypy
    """Sends each request once, and notes the last one."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(max_retries=Retry(0, read=False, status=0))
        self.timeout_s = timeout_s
        self.forget()

    def forget(self) -> None:
        """Note that nothing was sent yet."""
        self.status: int | None = None
        self.posted_status: int | None = None
        self.retry_after: float | None = None
        self.is_posted = False

    def send(
        self,
        request: PreparedRequest,
        *args: Any,  # noqa: ANN401 (the base's)
        **kwargs: Any,  # noqa: ANN401
    ) -> Response:
        """Return the answer; see ``HTTPAdapter.send``."""
        path = str(urlsplit(request.url or "").path)
        is_job = request.method == "POST" and path.endswith("/jobs")
        self.status, self.retry_after = None, None
        self.is_posted = self.is_posted or is_job
        kwargs["timeout"] = (_CONNECT_S, self.timeout_s)  # the client's own is none, or 900 s
        try:
            answer = super().send(request, *args, **kwargs)
        except RequestException as error:
            if is_job and _never_left(error):
                self.is_posted = False
            raise
        self.status = answer.status_code
        if is_job:
            self.posted_status = answer.status_code
        again = answer.headers.get("Retry-After", "")
        self.retry_after = float(again) if again.replace(".", "", 1).isdigit() else None
        return answer


def _never_left(error: RequestException) -> bool:
    """Return whether no connection was made at all."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(cause, NewConnectionError | ConnectTimeoutError)


class Wire:
    """IBM's service, signed in."""

    def __init__(self, target: IbmTarget, timeout_s: float) -> None:
        """Sign in, and find the device.

        Args:
            target: Where to.
            timeout_s: How long an answer is waited for (s).

        Raises:
            CredentialError: If there is no credential, or it is refused.
            UnavailableError: If the service does not answer, or has no such device.
        """
        self._once = _Once(timeout_s)
        self._secrets = [credential(target)]
        crn = instance(target)
        with self.asking("signing in"), _without_remarks():
            self.service = QiskitRuntimeService(
                channel="ibm_quantum_platform",
                token=self._secrets[0],
                url=target.access.endpoint or os.environ.get(_URL_VARIABLE),
                instance=crn or "auto",
                region=None if crn else target.access.region,
            )
            for client in self.service._get_api_clients().values():
                for scheme in ("http://", "https://"):
                    client._session.mount(scheme, self._once)
            self.service.usage()  # a refused key otherwise looks like a missing device
        self._fractional = target.layout.fractional_gates
        with self.asking(f'finding the device "{target.device}"'):
            self.device = self.service.backend(target.device, use_fractional_gates=self._fractional)

    @property
    def client(self) -> Any:  # noqa: ANN401 (IBM's)
        """What asks the service of the device's instance."""
        return self.service._get_api_client(self.device._instance)

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Turn the client's errors into ours, of a question that can be asked again.

        Args:
            what: What is asked, for messages.

        Raises:
            CredentialError: If the credential is refused.
            UnavailableError: If there is no answer.
        """
        self._once.forget()
        try:
            with self._no_fallback():
                yield
        except QmlmatError:
            raise
        except _RAISED as error:
            raise self._unanswered(what, error) from None

    def _unanswered(self, what: str, error: Exception) -> HardwareError:
        if self._is_refused(error):
            return CredentialError(
                f"ibm, {what}: the credential was refused. Make a new API key, and set it where "
                "[access] credential says."
            )
        return UnavailableError(f"ibm, {what}: {self._told(error)}. Ask again later.")

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Turn the client's errors into ours, of a job that is sent.

        Raises:
            CredentialError: If the credential is refused.
            RejectedError: If nothing was accepted.
            UnclearError: If something may have been.
        """
        self._once.forget()
        try:
            with self._no_fallback():
                yield
        except QmlmatError:
            raise
        except _RAISED as error:
            raise self._unsent(error) from None

    def _unsent(self, error: Exception) -> HardwareError:
        sent, told = self._once, self._told(error)
        if sent.is_posted and not 400 <= (sent.posted_status or 0) < 500:
            return UnclearError(
                f"ibm: a job was sent, and no answer came that can be read ({told}). Look for it "
                "by its key before it is sent again."
            )
        if self._is_refused(error):
            return self._unanswered("sending a job", error)
        again = sent.retry_after
        is_network = isinstance(error, _OF_NETWORK) and not isinstance(error, IBMInputValueError)
        if again is None and is_network and not sent.is_posted:
            again = _PAUSE_S
        return RejectedError(
            f"ibm: the job was refused, nothing was accepted ({told}). "
            + (f"Try again in {again:g} s." if again is not None else "Correct the task."),
            retry_after=again,
        )

    def _is_refused(self, error: Exception) -> bool:
        """Return whether the credential is not accepted, by identity or by the service."""
        seen: BaseException | None = error
        while seen is not None:
            if isinstance(seen, IBMNotAuthorizedError):
                return True
            if isinstance(seen, ApiException) and seen.status_code in (400, *_REFUSED):
                return True
            seen = seen.__cause__
        return self._once.status in _REFUSED

    def _told(self, error: Exception) -> str:
        """Return what an error says, in one short line, without a secret."""
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:300].strip(" .'\"")

    @staticmethod
    @contextmanager
    def _no_fallback() -> Iterator[None]:
        """Make an error of the client's warning that it would send the key itself, unexchanged."""
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=_NO_TOKEN, category=UserWarning)
            yield

    def opened(self, mode: str, run: str, max_time_s: int | None) -> Batch | Session:
        """Return the batch or session of a run: the one that is still open, or a new one.

        It is found by the run's tag, of the newest job, so that it needs no memory of ours.

        Args:
            mode: ``"batch"`` or ``"session"``.
            run: The run's tag.
            max_time_s: When it ends by itself (s).
        """
        kind = Batch if mode == "batch" else Session
        jobs = self.client.jobs_get(limit=1, job_tags=[run])["jobs"]
        name = jobs[0].get("session_id") if jobs else None
        if name is not None and self._is_open(name, mode):
            return kind.from_id(name, service=self.service, use_fractional_gates=self._fractional)
        return kind(self.device, max_time=max_time_s)

    def _is_open(self, name: str, mode: str) -> bool:
        try:
            held = self.client.session_details(name)
        except RequestsApiError as error:
            if error.status_code == 404:  # long gone
                return False
            raise
        wanted = "batch" if mode == "batch" else "dedicated"
        return bool(held.get("accepting_jobs")) and held.get("mode") == wanted

    def cancel(self, name: str) -> None:
        """Ask that a job be stopped; one that has ended is left as it is."""
        with self.asking(f"cancelling job {name}"):
            try:
                self.client.job_cancel(name)
            except RequestsApiError as error:
                if error.status_code != 409:  # it has ended
                    raise


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep the client from remarking that a key was given: it was meant to be."""
    logger = logging.getLogger("qiskit_ibm_runtime.qiskit_runtime_service")

    def is_news(record: logging.LogRecord) -> bool:
        return "Loading account with the given token" not in record.getMessage()

    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)
