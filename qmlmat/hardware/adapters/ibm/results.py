"""What IBM's service tells of jobs, and results read from the text as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from qiskit_ibm_runtime.decoders.defaults import DEFAULT_DECODERS

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qiskit.pubs import histogram, measured
from qmlmat.errors import CorruptResultError, MeasurementError
from qmlmat.hardware.adapters.base import JobState, RemoteJob
from qmlmat.hardware.adapters.ibm.content import Content
from qmlmat.hardware.task import Answer

_STATES: Final[Mapping[str, JobState]] = {
    "queued": "queued",
    "running": "running",
    "completed": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
_RAN_TOO_LONG: Final = 1305
"""IBM's code of a job that it ended: it is cancelled by IBM, not by us."""


def remote_job(told: Mapping[str, Any]) -> RemoteJob:
    """Return a job as the service describes it."""
    state = told["state"]
    known: JobState = _STATES.get(str(state["status"]).lower(), "queued")
    code = state.get("reasonCode") or state.get("reason_code")
    message = str(state.get("reason") or "")
    created = told.get("created")
    return RemoteJob(
        remote_id=told["id"],
        state="failed" if known == "cancelled" and code == _RAN_TOO_LONG else known,
        message=f"error {code}: {message}" if code else message,
        created=datetime.fromisoformat(created).timestamp() if created else None,
    )


def decode(raw: bytes, content: Content) -> list[Answer]:
    """Return the answers of a payload's programs.

    All that mitigation needs is in the result: any process can finish it.

    Args:
        raw: The result as it came.
        content: What was sent.

    Raises:
        CorruptResultError: If the result cannot be read, or is of something else.
        MeasurementError: If it can be, and is nonsense.
    """
    try:
        found: Any = raw.decode()
        for decoder in DEFAULT_DECODERS["executor"]:  # each makes of the last one's what it can
            if decoder.is_applicable(found):
                found = decoder.decode(found)
        data = [one.data for one in found]
    except Exception as error:
        raise CorruptResultError(
            f"ibm: the result cannot be read ({type(error).__name__}). Fetch it again; if it stays "
            "so, write to IBM with the job's name."
        ) from error
    n_pubs = sum(len(part.values) for part in content.parts)
    if len(data) != n_pubs:
        raise CorruptResultError(
            f"ibm: a result of {len(data)} circuits for a job of {n_pubs}. Fetch it again."
        )
    answers = _answers(data, content)
    _check_counts(answers, content)
    return answers


def _answers(data: Sequence[Any], content: Content) -> list[Answer]:
    following = iter(data)
    answers: list[Answer] = []
    for part in content.parts:
        own = [next(following) for _ in part.values]
        if part.sums:
            answers.append(
                measured(own, n_points=part.n_points, sums=part.sums, shots=content.shots)
            )
        else:
            answers.append(histogram(part.n_bits, part.n_points, own))
    return answers


def _check_counts(answers: Sequence[Answer], content: Content) -> None:
    """Refuse counts that are missing.

    Raises:
        MeasurementError: If every bit of several programs is zero, or shots are missing.
    """
    counts = [one for one in answers if isinstance(one, Histogram)]
    if len(counts) > 1 and not any(one.outcomes.any() for one in counts):
        raise MeasurementError(
            "ibm: every bit of every circuit is 0, as where a simulator ran out of memory. Look "
            "at the device's state, and send the task again."
        )
    if any((one.n_shots % content.shots != 0).any() for one in counts):
        raise MeasurementError(
            f"ibm: {[np.unique(one.n_shots).tolist() for one in counts]} shots for circuits of "
            f"{content.shots}. Fetch the result again; if it stays so, send the task again."
        )
