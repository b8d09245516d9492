"""Finds what looks like a credential in a file, without ever repeating it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_SHAPES: Final = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "an AWS access key": re.compile(r"\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}"),
    "a web token (JWT)": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}"),
    "an API key": re.compile(r"\b(sk|pk|rk|ghp|gho|ghs|glpat|xox[abp])[-_][\w-]{12,}"),
    "a password in an address": re.compile(r"://[^/\s:@\"']*:[^/\s@\"']+@"),
    "a token in hexadecimal digits": re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,}(?![0-9A-Za-z])"),
}
"""What credentials look like whose issuers mark them."""

_WORD: Final = re.compile(r"[\w+=-]{32,}", re.ASCII)
_AWS_WORD: Final = re.compile(r"(?<![\w+/=-])[\w+/]{40}(?![\w+/=-])", re.ASCII)
_KINDS: Final = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))
_NAME: Final = re.compile(
    r"token|secret|passw|api_?key|access_?key|private_?key|(^|_)auth(_|$)", re.IGNORECASE
)
_ASSIGNED: Final = re.compile(r"^\s*(?:[\w-]+\s*\.\s*)*([A-Za-z_][\w-]*)\s*=")


def kind_of_secret(text: str) -> str | None:
    """Return what sort of credential is in a text, or ``None``."""
    for kind, shape in _SHAPES.items():
        if shape.search(text):
            return kind
    for word in _WORD.findall(text) + _AWS_WORD.findall(text):
        if all(kind.search(word) for kind in _KINDS):
            return "a token"
    return None


def find_secret(text: str) -> tuple[int, str, str] | None:
    """Return the line of a file's first credential, its key ("" without one), and its sort.

    Comments are searched, too.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        kind = kind_of_secret(line)
        if kind is not None:
            match = _ASSIGNED.match(line)
            key = match[1] if match and kind_of_secret(match[1]) is None else ""
            return number, key, kind
    return None


def find_secret_key(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the key of the first credential among a file's values, and its sort.

    It is one where the value looks like it, however it was escaped, and where the key says so.
    """
    for path, key, value in _walk(values, ""):
        if isinstance(value, str) and kind_of_secret(value) is not None:
            return path, str(kind_of_secret(value))
        if _NAME.search(key) and value not in ("", None):
            return path, "a credential"
    return None


def _walk(values: object, path: str) -> Iterator[tuple[str, str, object]]:
    """Yield the place, the key and the value of everything in a tree."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            place = f"{path}.{key}" if path else str(key)
            yield place, str(key), value
            yield from _walk(value, place)
    elif isinstance(values, list):
        for value in values:
            yield path, "", value
            yield from _walk(value, path)
