"""Programs cut into jobs that a provider takes, and their answers put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import Batch, CountJob, Measured
from qmlmat.hardware.task import Answer, Program


@dataclass(frozen=True, kw_only=True)
class JobLimits:
    """What one job holds; ``None``: no limit."""

    n_programs: int | None = None
    """Programs, or points of all programs where the provider counts these."""
    counts_points: bool = False
    """Whether ``n_programs`` counts points."""
    n_executions: int | None = None
    """Circuit executions."""
    n_shots: int | None = None
    """Repetitions of one point."""


@dataclass(frozen=True)
class Piece:
    """A part of a program: some of its points, with all or some of their shots."""

    program: int
    """Number of the program."""
    begin: int
    """First point."""
    end: int
    """Point after the last."""
    shots: int | None
    """Repetitions of each point."""

    def cut(self, programs: Sequence[Program]) -> Program:
        """Return the part as a program of its own."""
        one = programs[self.program]
        angles = one.angles[self.begin : self.end]
        if isinstance(one, CountJob):
            assert self.shots is not None
            return replace(one, angles=angles, shots=self.shots)
        return replace(one, angles=angles, shots=self.shots)


def split(
    programs: Sequence[Program],
    limits: JobLimits,
    *,
    sentinel_shots: int = 0,
    executions: Sequence[int] | None = None,
) -> list[list[Piece]]:
    """Return the pieces of each job, in order, each job as full as the limits allow.

    Expectations in one job have one number of shots.

    Args:
        programs: What is measured.
        limits: What a job holds.
        sentinel_shots: Executions that each job spends on its sentinel, a program of one point.
        executions: Executions of one point of each program, where they are not its shots.
    """
    room_executions = None
    if limits.n_executions is not None:
        room_executions = max(1, limits.n_executions - sentinel_shots)
    room_programs = None
    if limits.n_programs is not None:
        room_programs = max(1, limits.n_programs - bool(sentinel_shots))
    jobs: list[list[Piece]] = []
    left_programs = left_executions = 0.0
    for number, program in enumerate(programs):
        each = program.shots or 1
        factor = 1.0 if executions is None else executions[number] / each
        for piece in _pieces(number, program, limits, room_programs, room_executions, factor):
            n_points = piece.end - piece.begin
            size = n_points if limits.counts_points else 1
            load = (piece.shots or 1) * factor * n_points
            is_other = jobs and isinstance(program, Batch) and jobs[-1][0].shots != piece.shots
            if not jobs or size > left_programs or load > left_executions or is_other:
                jobs.append([])
                left_programs = np.inf if room_programs is None else room_programs
                left_executions = np.inf if room_executions is None else room_executions
            jobs[-1].append(piece)
            left_programs -= size
            left_executions -= load
    return jobs


def _pieces(  # noqa: PLR0917 (one loop's state)
    number: int,
    program: Program,
    limits: JobLimits,
    room_programs: int | None,
    room_executions: int | None,
    factor: float,
) -> list[Piece]:
    """Return a program in pieces, each of which fits into a job of its own."""
    n_points = len(program.angles)
    if program.shots is None:
        return [Piece(number, 0, n_points, None)]
    most = program.shots
    if limits.n_shots is not None:
        most = min(most, limits.n_shots)
    if room_executions is not None:
        most = min(most, max(1, int(room_executions / factor)))
    n_parts = -(-program.shots // most)
    shares = [program.shots // n_parts + (k < program.shots % n_parts) for k in range(n_parts)]
    step = n_points
    if limits.counts_points and room_programs is not None:
        step = min(step, room_programs)
    if room_executions is not None:
        step = min(step, max(1, int(room_executions / (factor * most))))
    return [
        Piece(number, begin, min(begin + step, n_points), shots)
        for begin in range(0, n_points, max(step, 1))
        for shots in shares
    ]


def assembled(
    programs: Sequence[Program],
    jobs: Sequence[Sequence[Piece]],
    answers: Sequence[Sequence[Answer] | None],
) -> list[Answer | None]:
    """Return the answers of programs from those of their pieces; ``None`` where one is missing.

    Args:
        programs: What was split.
        jobs: The pieces of each job.
        answers: For each job the answers of its pieces, in order; ``None`` of one without.
    """
    parts: list[list[tuple[Piece, Answer]]] = [[] for _ in programs]
    missing: set[int] = set()
    for pieces, found in zip(jobs, answers, strict=True):
        if found is None:
            missing |= {piece.program for piece in pieces}
            continue
        for piece, answer in zip(pieces, found, strict=True):
            parts[piece.program].append((piece, answer))
    return [
        None if place in missing else _joined(program, own)
        for place, (program, own) in enumerate(zip(programs, parts, strict=True))
    ]


def _joined(program: Program, parts: Sequence[tuple[Piece, Answer]]) -> Answer:
    if isinstance(program, CountJob):
        return _joined_counts(program, parts)
    return _joined_values(program, parts)


def _joined_counts(program: Program, parts: Sequence[tuple[Piece, Answer]]) -> Histogram:
    if len(parts) == 1:
        assert isinstance(parts[0][1], Histogram)
        return parts[0][1]
    rows, outcomes, counts = [], [], []
    for piece, one in parts:
        assert isinstance(one, Histogram)
        n_rows, n_outcomes = one.counts.shape
        rows.append(np.repeat(np.arange(piece.begin, piece.begin + n_rows), n_outcomes))
        outcomes.append(np.tile(one.outcomes, n_rows))
        counts.append(one.counts.reshape(-1))
    n_bits = parts[0][1].n_bits if isinstance(parts[0][1], Histogram) else 0
    return Histogram.from_samples(
        n_bits,
        len(program.angles),
        np.concatenate(rows),
        np.concatenate(outcomes),
        np.concatenate(counts),
    )


def _joined_values(program: Program, parts: Sequence[tuple[Piece, Answer]]) -> Measured:
    """Return expectations over all pieces; those of one point are averaged by their shots."""
    if len(parts) == 1:
        assert isinstance(parts[0][1], Measured)
        return parts[0][1]
    shape = (len(program.angles), parts[0][1].values.shape[1])  # type: ignore[union-attr]
    values, variances = np.zeros(shape), np.zeros(shape)
    weights = np.zeros((shape[0], 1))
    for piece, one in parts:
        assert isinstance(one, Measured)
        here, weight = slice(piece.begin, piece.end), float(piece.shots or 1)
        values[here] += weight * one.values
        variances[here] += weight**2 * one.variances
        weights[here] += weight
    n_shots = sum(one.n_shots or 0 for _, one in parts if isinstance(one, Measured))
    return Measured(values / weights, variances / weights**2, n_shots)
