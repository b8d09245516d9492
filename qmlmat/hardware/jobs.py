"""The jobs of a call: its programs cut under a target's limits, a sentinel in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.errors import BudgetError
from qmlmat.hardware.config import Target, limits
from qmlmat.hardware.executions import (
    Overhead,
    executions,
    qubit_wise_bases,
    sampler_executions,
)
from qmlmat.hardware.sentinel import SENTINEL_SHOTS
from qmlmat.hardware.splitting import JobLimits, Piece, split
from qmlmat.hardware.task import Program, Sentinel, Task

COUNTS_POINTS: Final = frozenset({"braket", "ionq"})
"""Providers whose limit of programs counts each point of them."""


def job_pieces(
    programs: Sequence[Program], sentinel: Sentinel | None, target: Target
) -> list[list[Piece]]:
    """Return what each job measures, under the limits of a target.

    Raises:
        BudgetError: If a job holds little more than its sentinel.
    """
    known = limits(target)
    most = room = known.max_executions_per_job
    spent = 0 if sentinel is None else SENTINEL_SHOTS
    if most is not None and most < 2 * spent:
        raise BudgetError(
            f"{target.name}: max_executions_per_job = {most}, and the sentinel of each job takes "
            f"{spent}. Allow at least {10 * spent}."
        )
    bases = [1 if isinstance(one, CountJob) else qubit_wise_bases(one.sums) for one in programs]
    overhead = Overhead.of(getattr(target, "resilience", None))
    each = [
        one.shots if isinstance(one, CountJob) else executions(one.shots or 1, n, overhead)
        for one, n in zip(programs, bases, strict=True)
    ]
    while True:
        held = JobLimits(
            n_programs=known.max_programs_per_job,
            counts_points=target.provider in COUNTS_POINTS,
            n_executions=room,
            n_shots=known.max_shots_per_program,
        )
        jobs = split(programs, held, sentinel_shots=spent, executions=each)
        if most is None or room is None or not jobs:
            return jobs
        # What a provider adds for a whole job is known when it is cut; then there is less room.
        worst = max(_executions(programs, sentinel, own, target, bases) for own in jobs)
        if worst <= most or room <= 2 * spent:
            return jobs
        room = max(2 * spent, 1, min(room - 1, room * most // worst))


def _executions(
    programs: Sequence[Program],
    sentinel: Sentinel | None,
    pieces: Sequence[Piece],
    target: Target,
    bases: Sequence[int],
) -> int:
    """Return the executions of a job, by its provider's count."""
    cut = [piece.cut(programs) for piece in pieces]
    known = _sentinel_for(sentinel, pieces)
    counted = [one for one in cut if isinstance(one, CountJob)]
    if known is not None and isinstance(known.program, CountJob):
        counted.append(known.program)
    if counted and target.provider == "ibm":
        return sampler_executions(counted)
    if counted:
        return sum(len(one.angles) * one.shots for one in counted)
    n = sum((piece.end - piece.begin) * bases[piece.program] for piece in pieces)
    overhead = Overhead.of(getattr(target, "resilience", None))
    return executions(pieces[0].shots or 1, n + (known is not None), overhead)


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
    """Return a job's sentinel; one of expectations takes the number of shots of its job.

    One that counts takes no more shots than its job's most repeated circuit: where shots are dear
    it must not cost more than what it watches over.
    """
    if sentinel is None:
        return None
    program = sentinel.program
    if isinstance(program, CountJob):
        most = max((piece.shots or program.shots for piece in pieces), default=program.shots)
        return replace(sentinel, program=replace(program, shots=min(program.shots, most)))
    return replace(sentinel, program=replace(program, shots=pieces[0].shots))
