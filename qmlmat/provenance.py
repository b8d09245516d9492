"""Where a number comes from: content hashes of inputs, and versions of what computed it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any

PACKAGES = ("qmlmat", "numpy", "scipy", "torch", "pyscf", "numba", "ase")
"""Distributions whose versions a result records."""


def canonical_json(value: object) -> str:
    """Return the one JSON text of a tree of plain values: sorted keys, full float precision.

    Args:
        value: Mappings, sequences, strings, numbers, booleans and ``None``, nested.

    Raises:
        TypeError: If something in the tree is not a plain value.

    Example:
        >>> canonical_json({"b": (1, 2.5), "a": None})
        '{"a":null,"b":[1,2.5]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_hash(value: object) -> str:
    """Return the SHA-256 of ``canonical_json(value)``, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def differences(left: object, right: object, *, path: str = "") -> list[str]:
    """Return one line for every place where two trees of plain values differ.

    Args:
        left: The first tree, shown first in each line.
        right: The second tree.
        path: Name of the place both trees stand at.

    Example:
        >>> differences({"basis": "sto-3g", "spin": 0}, {"basis": "cc-pvdz", "spin": 0})
        ["basis: 'sto-3g' against 'cc-pvdz'"]
    """
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        lines: list[str] = []
        for key in sorted({*left, *right}):
            inner = f"{path}.{key}" if path else str(key)
            lines += differences(left.get(key, _ABSENT), right.get(key, _ABSENT), path=inner)
        return lines
    if _is_list(left) and _is_list(right) and len(left) == len(right):  # type: ignore[arg-type]
        pairs = enumerate(zip(left, right, strict=True))  # type: ignore[call-overload]
        return [line for i, (a, b) in pairs for line in differences(a, b, path=f"{path}[{i}]")]
    # By text, as the hash does: 1, 1.0 and true are three values.
    same = left is right or (
        _ABSENT not in (left, right) and canonical_json(left) == canonical_json(right)
    )
    return [] if same else [f"{path}: {_short(left)} against {_short(right)}"]


class _Absent:
    """Stands for a key that is not there."""

    def __repr__(self) -> str:
        return "absent"


_ABSENT = _Absent()


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: object) -> str:
    if _is_list(value):
        return f"{len(value)} entries"  # type: ignore[arg-type]
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@cache
def versions() -> dict[str, str]:
    """Return the installed version of Python and of each package in ``PACKAGES``."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def provenance(**facts: object) -> dict[str, Any]:
    """Return versions, platform and UTC time, with ``facts`` (plain values) added."""
    return {
        "versions": dict(versions()),
        "platform": platform.platform(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **facts,
    }
