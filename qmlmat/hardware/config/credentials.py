"""What a provider's client signs in with, looked up when it is needed and kept nowhere."""

from __future__ import annotations

import configparser
import json
import os
from pathlib import Path

from qmlmat.errors import CredentialError
from qmlmat.hardware.config.target import IbmTarget, Target


def credential(target: Target) -> str:
    """Return what the provider's client signs in with.

    Args:
        target: The target; a local one needs none.

    Returns:
        The API key of IBM or IonQ. For Braket, whose client finds keys by itself, the name of the
        profile, or ``""`` where they are in environment variables.

    Raises:
        CredentialError: If there is none where the target says, or the target names none.
    """
    if target.access is None:
        raise CredentialError(
            f"credential({target.name}): the provider {target.provider} needs none. Use a target "
            "of a cloud provider."
        )
    kind, _, name = target.access.credential.partition(":")
    if kind == "env":
        value = variable(target, name)
        if target.provider != "braket":
            return value
        variable(target, "AWS_SECRET_ACCESS_KEY")
        return ""
    return _saved_account(target, name) if target.provider == "ibm" else _profile(target, name)


def instance(target: IbmTarget) -> str | None:
    """Return the instance of IBM that is billed; ``None``: the account's own.

    Raises:
        CredentialError: If the environment variable that the target names is not set.
    """
    reference = target.access.instance
    return None if reference is None else variable(target, reference.removeprefix("env:"))


def variable(target: Target, name: str) -> str:
    """Return the value of an environment variable that a target names.

    Raises:
        CredentialError: If it is not set.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        raise CredentialError(
            f"{target.name}: the environment variable {name} is not set. Set it (export "
            f"{name}=...), or name another in [access]."
        )
    return value


def _saved_account(target: Target, name: str) -> str:
    """Return the API key of an account that IBM's client saved."""
    path = Path.home() / ".qiskit" / "qiskit-ibm.json"
    try:
        token = json.loads(path.read_text(encoding="utf-8"))[name]["token"]
    except (OSError, ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or not token:
        raise CredentialError(
            f'{target.name}: no account "{name}" is saved in {path}. Save it with '
            f'QiskitRuntimeService.save_account(name="{name}", ...), or name an environment '
            'variable: [access] credential = "env:QISKIT_IBM_TOKEN".'
        )
    return token


def _profile(target: Target, name: str) -> str:
    """Return the name of a profile of AWS that exists."""
    files = [
        Path(os.environ.get(key) or Path.home() / ".aws" / default).expanduser()
        for key, default in (
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            ("AWS_CONFIG_FILE", "config"),
        )
    ]
    known = configparser.RawConfigParser()
    try:
        known.read(files, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        known = configparser.RawConfigParser()
    if not (known.has_section(name) or known.has_section(f"profile {name}")):
        raise CredentialError(
            f'{target.name}: no profile "{name}" in {files[0]} or {files[1]}. Make it with: aws '
            f'configure --profile {name}; or write [access] credential = "env:AWS_ACCESS_KEY_ID".'
        )
    return name
