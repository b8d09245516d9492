"""Programs as they are sent: each circuit once, equal points measured together and dealt out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from qmlmat.backends.histogram import Histogram
from qmlmat.backends.qubits.jobs import CountJob
from qmlmat.hardware.task import Answer, Program, packed
from qmlmat.provenance import content_hash
from qmlmat.typing import IntArray

LEVEL: Final = 1.25
"""Largest factor by which a point gets more shots than it needs, so that points of one circuit are
one program."""


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
    of their shots. Rows of the same circuit with about as many shots are one program: each gets as
    many as the one that needs most. Circuits that calibrate a device's qubits are measured once.
    """
    shares: list[tuple[_Share, ...] | int] = []
    totals: dict[Any, dict[bytes, int]] = {}
    for one in programs:
        if isinstance(one, CountJob) and not one.is_physical:
            points = totals.setdefault(_kind(one), {})
            for row in one.angles:
                points[row.tobytes()] = points.get(row.tobytes(), 0) + one.shots
    sent: list[Program] = []
    where: dict[tuple[Any, bytes], tuple[int, int]] = {}
    samples = {_kind(one): one for one in programs if isinstance(one, CountJob)}
    for kind, points in totals.items():
        for shots, rows in _levels(points):
            angles = np.array([np.frombuffer(row) for row in rows]).reshape(len(rows), -1)
            where |= {(kind, row): (len(sent), k) for k, row in enumerate(rows)}
            sent.append(replace(samples[kind], angles=angles, shots=shots))
    physical: dict[str, int] = {}
    for one in programs:
        if isinstance(one, CountJob) and not one.is_physical:
            places = [where[_kind(one), row.tobytes()] for row in one.angles]
            shares.append(tuple(_Share(a, b, one.shots) for a, b in places))
            continue
        name = _name(one) if isinstance(one, CountJob) else None
        if name is None or name not in physical:
            sent.append(one)
        if name is not None:
            shares.append(physical.setdefault(name, len(sent) - 1))
        else:
            shares.append(len(sent) - 1)
    return Bundle(tuple(programs), tuple(sent), tuple(shares))


def _levels(points: dict[bytes, int]) -> list[tuple[int, list[bytes]]]:
    """Return rows that get the same number of shots, with that number, the most needed first."""
    found: list[tuple[int, list[bytes]]] = []
    for row, shots in sorted(points.items(), key=lambda pair: -pair[1]):  # stable
        if not found or shots * LEVEL < found[-1][0]:
            found.append((shots, []))
        found[-1][1].append(row)
    return found


def _kind(one: CountJob) -> tuple[Any, ...]:
    return (one.circuit, one.fold, one.is_physical)


def _name(one: CountJob) -> str:
    return content_hash([one.circuit.to_dict(), packed(one.angles), one.shots, one.fold])


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
