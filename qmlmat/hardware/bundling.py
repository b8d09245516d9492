"""Programs as they are sent: each circuit once, equal points measured together and dealt out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.hardware.task import Answer, Program, to_plain
from qmlmat.provenance import content_hash
from qmlmat.typing import FloatArray, IntArray

LEVEL: Final = 1.25
"""Largest factor by which a point gets more shots than it needs, so that points of one circuit are
one program, and a job has few different numbers of shots."""


@dataclass(frozen=True)
class _Share:
    """Where one point of a program is measured, and how many shots of it are the program's."""

    sent: int
    row: int
    shots: int


@dataclass(frozen=True, eq=False)
class Bundle:
    """What is sent for programs, and what makes their answers of its answers."""

    programs: tuple[Program, ...]
    """What was wanted."""
    sent: tuple[Program, ...]
    """What is measured: circuits of counts once for each number of shots."""
    shares: tuple[tuple[_Share, ...] | int, ...]
    """For each program where its points are measured, or which one is measured as it is."""

    def unbundled(self, answers: Sequence[Answer | None]) -> list[Answer | None]:
        """Return the answers of the programs; ``None`` of one that rests on a missing one.

        Shots of a point that several programs, or several rows of one, share are dealt among them
        at random, without putting back, always in the same way.

        Args:
            answers: Of ``sent``, in its order.
        """
        hands = self._hands(answers)
        found: list[Answer | None] = []
        for place, share in enumerate(self.shares):
            if isinstance(share, int):
                found.append(answers[share])
            elif any(answers[one.sent] is None for one in share):
                found.append(None)
            else:
                found.append(_stacked([hands[place, row] for row in range(len(share))]))
        return found

    def _hands(self, answers: Sequence[Answer | None]) -> dict[tuple[int, int], Histogram]:
        """Return the counts of each row of each program that are there."""
        takers: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for place, share in enumerate(self.shares):
            if not isinstance(share, int):
                for row, one in enumerate(share):
                    takers.setdefault((one.sent, one.row), []).append((place, row, one.shots))
        hands = {}
        for (sent, row), several in takers.items():
            whole = answers[sent]
            if not isinstance(whole, Histogram):
                continue
            dealt = _dealt(whole.counts[row], [n for _, _, n in several], [sent, row])
            for (place, own, _), counts in zip(several, dealt, strict=True):
                hands[place, own] = Histogram(whole.n_bits, whole.outcomes, counts[None])
        return hands


def bundled(programs: Sequence[Program]) -> Bundle:
    """Return programs as they are sent.

    Rows of counted programs with the same circuit and the same angles are measured once, with all
    of their shots. Where several take about as many shots, each gets as many as the one that needs
    most; rows of the same circuit with as many shots are one program. Circuits that calibrate a
    device's qubits are measured once.
    """
    sent, where = _merged([one for one in programs if _is_merged(one)])
    shares: list[tuple[_Share, ...] | int] = []
    known: dict[str, int] = {}
    for one in programs:
        if _is_merged(one):
            places = [where[_kind(one), row.tobytes()] for row in one.angles]
            shares.append(tuple(_Share(k, row, one.shots or 0) for k, row in places))
            continue
        name = content_hash(to_plain(one)) if isinstance(one, CountJob) else f"{len(shares)}"
        if name not in known:
            known[name] = len(sent)
            sent.append(one)
        shares.append(known[name])
    return Bundle(tuple(programs), tuple(sent), tuple(shares))


def _is_merged(one: Program) -> bool:
    return isinstance(one, CountJob) and not one.is_physical


def _merged(
    programs: Sequence[Program],
) -> tuple[list[Program], dict[tuple[Any, bytes], tuple[int, int]]]:
    """Return counted programs as they are sent, and where the row of a circuit is measured."""
    samples: dict[Any, Program] = {}
    totals: dict[Any, dict[bytes, int]] = {}
    rows: dict[bytes, FloatArray] = {}
    for one in programs:
        samples.setdefault(_kind(one), one)
        points = totals.setdefault(_kind(one), {})
        for row in one.angles:
            text = row.tobytes()
            rows[text] = row
            points[text] = points.get(text, 0) + (one.shots or 0)
    tops = _tops(totals)
    sent: list[Program] = []
    where: dict[tuple[Any, bytes], tuple[int, int]] = {}
    for kind, points in totals.items():
        levels: dict[int, list[bytes]] = {}
        for text, shots in points.items():
            levels.setdefault(tops[shots], []).append(text)
        for shots, level in levels.items():
            where |= {(kind, text): (len(sent), k) for k, text in enumerate(level)}
            angles = np.stack([rows[text] for text in level])
            sent.append(replace(samples[kind], angles=angles, shots=shots))
    return sent, where


def _tops(totals: dict[Any, dict[bytes, int]]) -> dict[int, int]:
    """Return for each number of shots the one that is taken in its place."""
    found: dict[int, int] = {}
    top = 0
    for shots in sorted({n for points in totals.values() for n in points.values()}, reverse=True):
        if shots * LEVEL < top or not top:
            top = shots
        found[shots] = top
    return found


def _kind(one: Program) -> tuple[Any, ...]:
    return (one.circuit, getattr(one, "fold", 1))


def _dealt(counts: IntArray, hands: Sequence[int], seed: Sequence[int]) -> list[IntArray]:
    """Return counts dealt at random into hands in proportion to the shots that each asked for."""
    if len(hands) == 1:
        return [counts]
    total = int(counts.sum())
    ends = np.floor(np.cumsum(hands) * (total / sum(hands)) + 0.5).astype(np.int64)
    rng = np.random.default_rng([*seed, total])
    left, found = counts.copy(), []
    for size in np.diff(ends, prepend=0):
        hand = rng.multivariate_hypergeometric(left, int(size), method="marginals")
        found.append(hand)
        left = left - hand
    return found


def _stacked(rows: Sequence[Histogram]) -> Histogram:
    """Return histograms of one row each as one."""
    first = rows[0]
    if all(one.outcomes is first.outcomes for one in rows):
        return Histogram(first.n_bits, first.outcomes, np.concatenate([r.counts for r in rows]))
    places = np.concatenate([np.full(len(r.outcomes), k) for k, r in enumerate(rows)])
    outcomes = np.concatenate([one.outcomes for one in rows])
    counts = np.concatenate([one.counts[0] for one in rows])
    return Histogram.from_samples(first.n_bits, len(rows), places, outcomes, counts)
