"""Finds a target's file and reads it: first the search for credentials, then the rules."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import platformdirs
from pydantic import ValidationError

from qmlmat._resources import data_dir
from qmlmat._validation import describe_errors
from qmlmat.errors import ConfigError, nearest
from qmlmat.hardware.config.access import ALLOW_CUSTOM_ENDPOINT
from qmlmat.hardware.config.secret_scan import find_secret, find_secret_key
from qmlmat.hardware.config.target import MODELS, Target

USER_FOLDER_VARIABLE: Final = "QMLMAT_HARDWARE_CONFIGS"
"""Environment variable naming the user's own folder of targets."""

FIGURES: Final = ("prices", "limits")
"""Files of the folder that are no targets."""


def load_target(name_or_path: str | Path, *, allow_custom_endpoint: bool = False) -> Target:
    """Return a checked target.

    Args:
        name_or_path: A name, looked up in the user's own folder (the environment variable
            ``QMLMAT_HARDWARE_CONFIGS``, else the platform's configuration folder) and then in the
            package's; or a path ending in ``.toml``.
        allow_custom_endpoint: Whether ``[access] endpoint`` may be another machine than this one:
            the credential is sent there.

    Raises:
        ConfigError: If there is no such file, it holds a credential, or it breaks a rule; one line
            for each, and none repeats a credential.

    Example:
        >>> load_target("ibm_open").budget.max_qpu_seconds
        300.0
    """
    path = find_target(name_or_path)
    return parse_target(
        read_config(path), name=str(path), allow_custom_endpoint=allow_custom_endpoint
    )


def parse_target(
    values: Mapping[str, Any], *, name: str, allow_custom_endpoint: bool = False
) -> Target:
    """Return a checked target from plain values, in which no credential is.

    Args:
        values: The tables and keys.
        name: What messages call the input.
        allow_custom_endpoint: As in ``load_target``.

    Raises:
        ConfigError: If it breaks a rule; one line for each.
    """
    _refuse_secret_key(values, name)
    provider = values.get("provider")
    model = MODELS.get(provider) if isinstance(provider, str) else None
    if model is None:
        hint = nearest("" if provider is None else str(provider), MODELS)
        given = (
            "there is no provider" if provider is None else f'provider = "{provider}": not known'
        )
        raise ConfigError(f"{name}: {given}. {hint}")
    others = {f'provider = "{key}"': one for key, one in MODELS.items() if one is not model}
    try:
        return model.model_validate(values, context={ALLOW_CUSTOM_ENDPOINT: allow_custom_endpoint})
    except ValidationError as error:
        lines = describe_errors(error, model, name, others=others)
        raise ConfigError("\n".join(lines)) from None


def target_folders() -> list[Path]:
    """Return where targets are looked up, the user's own folder first."""
    own = os.environ.get(USER_FOLDER_VARIABLE)
    user = Path(own) if own else platformdirs.user_config_path("qmlmat") / "hardware_configs"
    return [user, data_dir("hardware_configs")]


def target_files() -> dict[str, Path]:
    """Return the file of every target that a name finds, the user's own folder first."""
    found: dict[str, Path] = {}
    for folder in target_folders():
        if folder.is_dir():
            for path in sorted(folder.glob("*.toml")):
                if path.stem not in FIGURES:
                    found.setdefault(path.stem, path)
    return found


def target_names() -> list[str]:
    """Return the names that ``load_target`` finds, sorted."""
    return sorted(target_files())


def find_target(name_or_path: str | Path) -> Path:
    """Return the file of a target, by its name or by a path ending in ``.toml``.

    Raises:
        ConfigError: If there is no such file.
    """
    given = str(name_or_path)
    if given.endswith(".toml"):
        path = Path(given).expanduser()
        if not path.is_file():
            raise ConfigError(f'load_target("{given}"): there is no such file. Check the path.')
        return path
    known = target_files()
    if given not in known:
        raise ConfigError(
            f'load_target("{given}"): no target of this name. {nearest(given, known)} '
            "Your own can be given by its path, ending in .toml."
        )
    return known[given]


def read_config(path: Path) -> dict[str, Any]:
    """Return the tables and keys of a file in which no credential is.

    Raises:
        ConfigError: If it cannot be read, is no TOML, or holds what looks like a credential.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: the file cannot be read ({error.strerror}). Check its rights."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is not text in UTF-8. Save it as UTF-8.") from None
    secret = find_secret(text)
    if secret is not None:
        line, key, kind = secret
        raise ConfigError(_secret(str(path), f"line {line}{f', {key}' if key else ''}", kind))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{path}: not valid TOML: {error}. Text goes in quotes, tables in [brackets]."
        ) from None
    _refuse_secret_key(values, str(path))
    return values


def _refuse_secret_key(values: Mapping[str, Any], name: str) -> None:
    found = find_secret_key(values)
    if found is not None:
        raise ConfigError(_secret(name, found[0], found[1]))


def _secret(name: str, where: str, kind: str) -> str:
    return (
        f"{name}: {where}: this looks like {kind}, and no credential may be in a file. Take it "
        "out, put it in an environment variable, and write [access] credential = "
        '"env:NAME"; if others have seen the file, revoke it.'
    )
