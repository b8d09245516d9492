"""The jobs of a call: its programs cut under a target's limits, a sentinel in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.hardware.config import Target, limits
from qmlmat.hardware.executions import Overhead, executions, qubit_wise_bases
from qmlmat.hardware.sentinel import SENTINEL_SHOTS
from qmlmat.hardware.splitting import JobLimits, Piece, split
from qmlmat.hardware.task import Program, Sentinel, Task

COUNTS_POINTS: Final = frozenset({"braket", "ionq"})
"""Providers whose limit of programs counts each point of them."""


def job_pieces(
    programs: Sequence[Program], sentinel: Sentinel | None, target: Target
) -> list[list[Piece]]:
    """Return what each job measures, under the limits of a target."""
    known = limits(target)
    held = JobLimits(
        n_programs=known.max_programs_per_job,
        counts_points=target.provider in COUNTS_POINTS,
        n_executions=known.max_executions_per_job,
        n_shots=known.max_shots_per_program,
    )
    each = [_executions_each(one, target) for one in programs]
    spent = 0 if sentinel is None else SENTINEL_SHOTS
    return split(programs, held, sentinel_shots=spent, executions=each)


def _executions_each(program: Program, target: Target) -> int:
    """Return the executions of one point of a program."""
    if isinstance(program, CountJob):
        return program.shots
    overhead = Overhead.of(getattr(target, "resilience", None))
    return executions(program.shots or 1, qubit_wise_bases(program.sums), overhead)


def job_tasks(
    programs: Sequence[Program],
    sentinel: Sentinel | None,
    pieces: Sequence[Sequence[Piece]],
    target: Target,
    where: tuple[str, int],
) -> tuple[Task, ...]:
    """Return the jobs of a call.

    Args:
        programs: What is measured.
        sentinel: What is measured beside it in every job.
        pieces: What each job measures.
        target: Where.
        where: Name of the run, and number of the call.
    """
    run, step = where
    fingerprint = target.fingerprint()
    return tuple(
        Task(
            programs=tuple(piece.cut(programs) for piece in own),
            sentinel=_sentinel_for(sentinel, own),
            run=run,
            step=step,
            part=part,
            target=fingerprint,
        )
        for part, own in enumerate(pieces)
    )


def _sentinel_for(sentinel: Sentinel | None, pieces: Sequence[Piece]) -> Sentinel | None:
    """Return a job's sentinel; one of expectations takes the number of shots of its job."""
    if sentinel is None or isinstance(sentinel.program, CountJob):
        return sentinel
    return replace(sentinel, program=replace(sentinel.program, shots=pieces[0].shots))
