"""What a quantum task measured: the files of its result, gathered and read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.errors import CorruptResultError
from qmlmat.hardware.task import Answer

Files: TypeAlias = dict[str, str]
"""Texts of one quantum task's result, by their place below its folder."""
RESULT: Final = "results.json"
"""Where a result begins."""
_REMEDY: Final = "Fetch it again; what came is kept."


def gathered(read: Callable[[str], str]) -> Files:
    """Return a result's files: large ones of program sets are spread over several.

    Args:
        read: Returns the text at a place below the result's folder.
    """
    files = {RESULT: read(RESULT)}
    for name in _named(files[RESULT], "programResults"):
        files[name] = read(name)
        folder = name.removesuffix(f"/{RESULT}")
        for inner in _named(files[name], "executableResults"):
            files[f"{folder}/{inner}"] = read(f"{folder}/{inner}")
    return files


def packed_files(parts: Sequence[Files]) -> bytes:
    """Return the files of several quantum tasks as one."""
    return json.dumps({"parts": list(parts)}).encode()


def answers(raw: bytes, content: Mapping[str, Any]) -> list[Answer]:
    """Return the counts of every program of a payload.

    Args:
        raw: What ``packed_files`` made.
        content: The payload's content.

    Raises:
        CorruptResultError: If the result cannot be read, or is not that of the payload.
    """
    try:
        parts = json.loads(raw)["parts"]
        if len(parts) != len(content["parts"]):
            raise ValueError(f"{len(parts)} quantum tasks, {len(content['parts'])} were sent")
        counts: list[list[dict[int, int]]] = [
            [{} for _ in range(one["n_points"])] for one in content["programs"]
        ]
        for files, sent in zip(parts, content["parts"], strict=True):
            found = _executables(files)
            if len(found) != len(sent["places"]):
                raise ValueError(f"{len(found)} executables, {len(sent['places'])} were sent")
            for (k, point), one in zip(sent["places"], found, strict=True):
                counts[k][point] = _outcomes(one, content["programs"][k])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise CorruptResultError(
            f"BraketAdapter.decode: the result cannot be read ({_short(error)}). {_REMEDY}"
        ) from None
    return [
        _histogram(program["n_bits"], rows)
        for program, rows in zip(content["programs"], counts, strict=True)
    ]


def executed_ms(files: Files) -> float | None:
    """Return how long a simulator ran (ms), where a result tells."""
    try:
        tree = json.loads(files[RESULT])
        told = tree["additionalMetadata"]["simulatorMetadata"]["executionDuration"]
        return float(told)
    except (ValueError, KeyError, TypeError):
        return None


def _named(text: str, key: str) -> list[str]:
    """Return the places that a file names; none of one that cannot be read."""
    try:
        tree = json.loads(text)
        return [one for one in tree.get(key, []) if isinstance(one, str)]
    except (ValueError, AttributeError, TypeError):
        return []  # decoding tells, with what came kept


def _executables(files: Files) -> list[dict[str, Any]]:
    """Return the results of a quantum task's executables, in the order they were sent."""
    tree = json.loads(files[RESULT])
    if "programResults" not in tree:
        return [tree]
    found: list[dict[str, Any]] = []
    for program in tree["programResults"]:
        folder = ""
        if isinstance(program, str):
            folder = program.removesuffix(f"/{RESULT}")
            program = json.loads(files[program])  # noqa: PLW2901 (the file in place of its name)
        inner = [
            json.loads(files[f"{folder}/{one}"]) if isinstance(one, str) else one
            for one in program["executableResults"]
        ]
        found += sorted(inner, key=lambda one: int(one["inputsIndex"]))
    return found


def _outcomes(executable: Mapping[str, Any], program: Mapping[str, Any]) -> dict[int, int]:
    """Return how often each outcome was seen, bit b of an outcome being our bit b."""
    if "failureMetadata" in executable:
        raise ValueError(f"an executable failed: {executable['failureMetadata']['failureReason']}")
    columns = {int(qubit): column for column, qubit in enumerate(executable["measuredQubits"])}
    bits = [(bit, columns[wire]) for bit, wire in program["reads"]]
    found: dict[int, int] = {}
    for columns_read, times in _seen(executable, program["shots"]):
        outcome = sum(1 << bit for bit, column in bits if columns_read[column] == 1)
        found[outcome] = found.get(outcome, 0) + times
    if not sum(found.values()):
        raise ValueError("an executable has no counts")
    return found


def _seen(executable: Mapping[str, Any], shots: int) -> list[tuple[tuple[int, ...], int]]:
    """Return outcomes as columns of bits, and how often each was seen."""
    rows = executable.get("measurements")
    if rows:
        table = np.asarray(rows, dtype=np.int64)
        if table.ndim != 2 or not np.isin(table, (0, 1)).all():
            raise ValueError("measurements are no table of 0 and 1")
        distinct, times = np.unique(table, axis=0, return_counts=True)
        return [(tuple(row), int(n)) for row, n in zip(distinct.tolist(), times, strict=True)]
    shares = executable["measurementProbabilities"]
    return [(tuple(map(int, bits)), round(p * shots)) for bits, p in shares.items()]


def _histogram(n_bits: int, rows: Sequence[Mapping[int, int]]) -> Histogram:
    triples = [(r, outcome, n) for r, row in enumerate(rows) for outcome, n in row.items()]
    numbers, outcomes, counts = zip(*triples, strict=True)
    return Histogram.from_samples(
        n_bits,
        len(rows),
        np.array(numbers),
        np.array(outcomes, dtype=np.uint64),
        np.array(counts, dtype=np.int64),
    )


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
