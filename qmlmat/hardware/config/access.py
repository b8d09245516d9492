"""The table ``[access]``: where a provider's client finds its credential, never the credential."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo

from qmlmat.hardware.config.tables import Table

ALLOW_CUSTOM_ENDPOINT: Final = "allow_custom_endpoint"
"""Key of the validation context that lets an endpoint be somebody else's machine."""

_REFERENCE: Final = re.compile(r"(env|profile):[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+(-\d)?")


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise ValueError(
            'a file names where a credential is kept, never the credential: write "env:NAME" of an '
            'environment variable, or "profile:NAME" of one saved by the provider\'s client'
        )
    return text


def _variable(text: str) -> str:
    if not (_REFERENCE.fullmatch(text) and text.startswith("env:")):
        raise ValueError(
            'it belongs to an account and stays out of the file: write "env:NAME" of an '
            "environment variable"
        )
    return text


def _endpoint(text: str, info: ValidationInfo) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or parts.username is not None:
        raise ValueError('give an address such as "http://127.0.0.1:8080", without a user\'s name')
    if not (is_loopback(host) or (info.context or {}).get(ALLOW_CUSTOM_ENDPOINT)):
        raise ValueError(
            f"the credential would be sent to {host}, which is not this machine: leave endpoint "
            "out, or allow it where the file is loaded (allow_custom_endpoint=True)"
        )
    return text


def is_loopback(host: str) -> bool:
    """Return whether a host of a URL is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bucket(text: str) -> str:
    if text.startswith("env:"):
        return _variable(text)
    if not _BUCKET.fullmatch(text):
        raise ValueError(
            'give the plain name of an S3 bucket, such as "amazon-braket-results", or "env:NAME"'
        )
    return text


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError('give a region such as "us-east-1" or "us-east"')
    return text


Reference = Annotated[str, AfterValidator(_reference)]
"""Where a credential is kept."""
Variable = Annotated[str, AfterValidator(_variable)]
"""An environment variable."""
Endpoint = Annotated[str, AfterValidator(_endpoint)]
"""Where requests are sent instead of to the provider."""
Region = Annotated[str, AfterValidator(_region)]
"""A region of a provider."""
Bucket = Annotated[str, AfterValidator(_bucket)]
"""Where Braket leaves results."""


class Access(Table):
    """How a provider is reached."""

    credential: Reference = Field(description='"env:NAME" or "profile:NAME".')
    endpoint: Endpoint | None = Field(
        default=None, description="Another address than the provider's; this machine only."
    )


class IbmAccess(Access):
    """How IBM is reached."""

    credential: Reference = Field(
        default="env:QISKIT_IBM_TOKEN",
        description='"env:NAME" of the API key, or "profile:NAME" of a saved account.',
    )
    instance: Variable | None = Field(
        default=None, description='"env:NAME" of the instance (CRN); the account\'s own without.'
    )
    region: Region | None = Field(default=None, description='Region, "us-east" or "eu-de".')


class BraketAccess(Access):
    """How Amazon Braket is reached."""

    credential: Reference = Field(
        default="profile:default",
        description='"profile:NAME" of AWS, or "env:AWS_ACCESS_KEY_ID" for the variables of AWS.',
    )
    region: Region | None = Field(
        default=None, description="Region; that of the device where it has one."
    )
    bucket: Bucket = Field(
        default="env:AMZN_BRAKET_OUT_S3_BUCKET",
        description='S3 bucket for results: its name, or "env:NAME".',
    )


class IonqAccess(Access):
    """How IonQ is reached."""

    credential: Variable = Field(
        default="env:IONQ_API_KEY", description='"env:NAME" of the API key.'
    )
