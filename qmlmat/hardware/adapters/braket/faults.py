"""What goes wrong at Amazon Web Services, as our errors, without keys in their texts."""

from __future__ import annotations

import re
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)

from qmlmat.errors import (
    CredentialError,
    HardwareError,
    RejectedError,
    UnavailableError,
    UnclearError,
)

_SIGNING: Final = re.compile(
    r"AccessDenied|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|Signature"
    r"|ExpiredToken|RequestExpired|MissingAuthentication|IncompleteSignature|NotAuthorized"
    r"|Unauthorized|AuthFailure|TokenRefreshRequired|OptInRequired"
)
_BUSY: Final = re.compile(r"Throttl|TooManyRequests|LimitExceeded|QuotaExceeded|SlowDown")
_AWAY: Final = re.compile(r"DeviceOffline")
_KEYS: Final = re.compile(r"(?<![\w/+=-])(?:A(?:KI|SI|RO|ID)A[A-Z0-9]{8,}|[\w/+=]{40,})")
_BUSY_S: Final = 30.0
_AWAY_S: Final = 1800.0
"""When to ask again where the answer does not say (s): of a busy service, of a device."""
_SIGN_IN: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    SSOError,
)


def as_ours(error: Exception, call: str, *, sends: bool) -> HardwareError:
    """Return what went wrong in a call, as an error of ours.

    Args:
        error: What botocore raised.
        call: The call, for the message.
        sends: Whether the call sends a job: then an answer that does not come is unclear, else it
            can be asked for again.
    """
    unknown = UnclearError if sends else UnavailableError
    if isinstance(error, ClientError):
        return _refused(error, call, sends=sends)
    if isinstance(error, _SIGN_IN):
        return CredentialError(
            f"{call}: there is no credential for Amazon Web Services ({type(error).__name__}). "
            "Name a profile or environment variables in [access] credential."
        )
    if isinstance(error, BotoCoreError):
        return unknown(f"{call}: no answer ({type(error).__name__}). {_again(sends)}")
    return unknown(f"{call}: {type(error).__name__}. {_again(sends)}")


def _refused(error: ClientError, call: str, *, sends: bool) -> HardwareError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    told = error.response.get("ResponseMetadata", {})
    status = int(told.get("HTTPStatusCode", 0))
    if _SIGNING.search(code) or status in {401, 403}:
        return CredentialError(
            f"{call}: Amazon Web Services refused the credential ({code or status}). Check the "
            "profile or the variables that [access] credential names, and their rights to Braket "
            "and S3."
        )
    text = scrubbed(str(error.response.get("Error", {}).get("Message", "")))
    if not sends and (status >= 500 or status == 429 or _BUSY.search(code)):
        return UnavailableError(f"{call}: {code or status}. {_again(sends)}")
    if _BUSY.search(code) or status == 429:
        return RejectedError(
            f"{call}: too many requests ({code}). Try again later.",
            retry_after=_wait(told, _BUSY_S),
        )
    if _AWAY.search(code):
        return RejectedError(
            f"{call}: the device is offline ({text}). Try again in its hours.",
            retry_after=_wait(told, _AWAY_S),
        )
    if status >= 500:
        return UnclearError(f"{call}: error {status} of the service ({code}). {_again(sends)}")
    return RejectedError(
        f"{call}: refused, {code or status}: {text}. Correct the target or the task."
    )


def _wait(told: dict[str, object], default: float) -> float:
    headers = told.get("HTTPHeaders")
    given = headers.get("retry-after") if isinstance(headers, dict) else None
    try:
        return float(given) if given is not None else default
    except ValueError:
        return default


def unread(call: str, *, sends: bool) -> HardwareError:
    """Return the error of an answer that came garbled: Amazon's client makes an empty one of it."""
    unknown = UnclearError if sends else UnavailableError
    return unknown(f"{call}: the answer cannot be read. {_again(sends)}")


def _again(sends: bool) -> str:
    return "Look for the job before it is sent again." if sends else "Ask again."


def scrubbed(text: str) -> str:
    """Return a service's words on one line, without what may be a key, 300 letters at most."""
    return _KEYS.sub("***", " ".join(text.split()))[:300].rstrip(".")
