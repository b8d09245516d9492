"""Files of records, one JSON text a line: what is computed is on disk before the next begins."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from qmlmat.errors import CapabilityError, StoreError, StoreMismatchError
from qmlmat.potentials.base import Potential
from qmlmat.potentials.registry import described
from qmlmat.provenance import canonical_json, content_hash, differences, provenance

_OPENING: Final = b'{"created":'
"""How the first line begins; keys are sorted."""

_MOST: Final = 4
"""Differences that a message lists."""


class RecordFile:
    """A file whose first line says what it is of, and every other line is one finished result.

    A line that a killed process left half written is dropped; all others are kept. One process
    writes.
    """

    def __init__(self, file: str | os.PathLike[str], kind: str, inputs: Mapping[str, Any]) -> None:
        """Open the file, or make it.

        Args:
            file: Where; ends in ``.jsonl`` by custom.
            kind: What it is a file of, e.g. ``"comparison"``.
            inputs: Plain values that every result in it depends on.

        Raises:
            StoreError: If it cannot be read or written, or is no such file.
            StoreMismatchError: If it holds results of other inputs.
        """
        self.file = Path(file).expanduser().absolute()
        """Where it is."""
        self.records: list[dict[str, Any]] = []
        """The results in it, oldest first."""
        header = {"qmlmat": kind, "inputs": dict(inputs), "inputs_hash": content_hash(inputs)}
        lines, torn = self._lines()
        if lines:
            self._check(lines[0], header)
            self.records = lines[1:]
        if torn:  # a process was killed while it wrote; only now is it known to be our file
            self._drop(torn)
        if not lines:
            self._write({**header, "created": provenance()})

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one result; it is on disk when this returns.

        Args:
            record: Plain values.

        Raises:
            StoreError: If it cannot be written, e.g. because the disk is full.
        """
        self._write(record)
        self.records.append(dict(record))

    def _lines(self) -> tuple[list[dict[str, Any]], int]:
        """Return the whole lines, and how many bytes follow that are none."""
        if not self.file.exists():
            return [], 0
        try:
            whole, _, rest = self.file.read_bytes().rpartition(b"\n")
            lines = [json.loads(line) for line in whole.splitlines()]
            if not lines and rest[: len(_OPENING)] != _OPENING[: len(rest)]:
                raise ValueError("no whole line in it")
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(
                f'"{self.file}": not a file of records, or damaged ({error}). It is left as it is; '
                "name another file."
            ) from error
        return lines, len(rest)

    def _drop(self, n_bytes: int) -> None:
        try:
            os.truncate(self.file, self.file.stat().st_size - n_bytes)
        except OSError as error:
            raise StoreError(
                f'"{self.file}": cannot be written ({error.strerror}). Restore write permission; '
                "the same call then goes on."
            ) from error

    def _check(self, found: Any, wanted: Mapping[str, Any]) -> None:  # noqa: ANN401 - from a file
        if not isinstance(found, dict) or found.get("qmlmat") != wanted["qmlmat"]:
            raise StoreError(
                f'"{self.file}": not a record of a {wanted["qmlmat"]}. It is left as it is; name '
                "another file."
            )
        if found.get("inputs_hash") != wanted["inputs_hash"]:
            lines = differences(found.get("inputs", {}), wanted["inputs"])
            more = f"; and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
            raise StoreMismatchError(
                f'"{self.file}": this file holds results of other inputs (stored against wanted): '
                f"{'; '.join(lines[:_MOST])}{more}. Go back to those inputs, or name another file."
            )

    def _write(self, record: Mapping[str, Any]) -> None:
        try:
            with self.file.open("ab") as stream:
                stream.write(canonical_json(record).encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise StoreError(
                f'"{self.file}": cannot be written ({error.strerror}). Make its folder, free space '
                "or restore write permission; the same call then goes on."
            ) from error


def settings_hash(model: Potential) -> str:
    """Return a hash of a model's settings; empty where they cannot be put in plain values.

    Args:
        model: The model, trained or not.
    """
    try:
        return content_hash(described(model))
    except CapabilityError:  # it has a part of the user's own, whose settings are not known
        return ""
