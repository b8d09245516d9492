"""Tensors and plain values in one safetensors file, written as a whole; no pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from qmlmat.errors import StoreError

KEY: Final = "qmlmat"
"""Where the plain values stand in the file's header."""


def tensor_bytes(tensors: Mapping[str, Tensor], tree: Mapping[str, Any]) -> bytes:
    """Return a safetensors file: tensors, and plain values as JSON in its header."""
    kept = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    found: bytes = save(kept, metadata={KEY: json.dumps(tree)})
    return found


def read_tensors(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the plain values of a safetensors file.

    Args:
        content: The file.

    Raises:
        ValueError: If it is damaged, or has no plain values.
    """
    try:
        tensors: dict[str, Tensor] = load(content)
        n_header = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + n_header])
        tree: dict[str, Any] = json.loads(header["__metadata__"][KEY])
    except (SafetensorError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    return tensors, tree


def write_whole(path: Path, content: bytes, what: str) -> None:
    """Replace a file as a whole: a crash leaves the old one or the new one.

    Args:
        path: The file.
        content: What is to be in it.
        what: What messages call it.

    Raises:
        StoreError: If it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StoreError(
            f'{what} "{path}": cannot be written ({error}). Give a name in a folder that exists '
            "and is writable."
        ) from error
