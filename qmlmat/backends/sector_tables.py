"""Tables of a group of gates: which amplitudes meet, in the order the kernels want.

Circuits that grow, as in ADAPT-VQE, have nearly all groups in common; the last ones are remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from qmlmat.ansatz.excitation import Kind, Move
from qmlmat.operators.sector import Sector, moved_strings, occupation_strings
from qmlmat.typing import FloatArray, IntArray

REMEMBERED: Final = 512
"""Groups whose tables are remembered, at most some 50 MB in all."""

MAX_STRINGS: Final = 1000
"""Strings of a spin up to which they are. In larger sectors the sweeps take so long that tables do
not matter."""

MAX_GATES: Final = 8
"""Gates in a group up to which it is remembered: growing circuits have short ones."""

Part = tuple[Kind, tuple[Any, ...]]
"""What a gate does to one spin: the generator's kind, and its moves or occupied orbitals.

Of the lanes' spin it selects the lanes: pairs of rows for moves, single rows for orbitals.
"""


@dataclass(frozen=True)
class BlockTables:
    """The tables of a group's gates in the spin that is not its lanes'."""

    sites: IntArray
    """Where the amplitudes that the gates touch stand relative to a lane; those of the first row
    before those of the second, within a row real before imaginary plane."""
    split: int
    """Number of sites in the first row."""
    pairs: tuple[tuple[IntArray, IntArray], ...]
    """For each gate the sites that it rotates into each other."""


def block_tables(
    sector: Sector, n_planes: int, spin: int, parts: tuple[Part, ...], *, two_rows: bool
) -> BlockTables:
    """Return the tables of gates with common lanes.

    Args:
        sector: The determinants.
        n_planes: 1 for real states, 2 for complex ones.
        spin: The spin on which the gates differ: 0 is alpha.
        parts: What each gate does to it.
        two_rows: Whether a lane is a pair of rows.
    """
    is_small = sector.shape[spin] <= MAX_STRINGS and len(parts) <= MAX_GATES
    build = _remembered if is_small else _remembered.__wrapped__
    return build(sector, n_planes, spin, parts, two_rows)


@lru_cache(maxsize=REMEMBERED)
def _remembered(
    sector: Sector, n_planes: int, spin: int, parts: tuple[Part, ...], two_rows: bool
) -> BlockTables:
    acts = [_act(sector, spin, part) for part in parts]
    sources, targets = ([act[k] for act in acts] for k in (0, 1))
    rows = [sources, targets] if two_rows else [sources + targets]
    n_strings = sector.shape[spin]
    numbers: list[tuple[IntArray, int]] = []  # per row: each string's site, sites per plane
    offsets: list[IntArray] = []  # per row: where its sites stand
    for strings in rows:
        touched = np.zeros(n_strings, dtype=bool)
        touched[np.concatenate(strings)] = True
        if 2 * touched.sum() > n_strings:  # runs of neighbours are copied faster
            touched[:] = True
        rank = np.cumsum(touched) - 1 + sum(len(offset) for offset in offsets)
        numbers.append((rank, int(touched.sum())))
        planes = sector.dimension * np.arange(n_planes)[:, None]
        offsets.append((planes + _stride(sector, spin) * np.flatnonzero(touched)).ravel())
    pairs = []
    (rank, step), (last_rank, last_step) = numbers[0], numbers[-1]
    for (kind, _), (source, target, sign) in zip(parts, acts, strict=True):
        x, y = rank[source], last_rank[target]
        if kind != "number":
            x = np.concatenate([x + plane * step for plane in range(n_planes)])
            y = np.concatenate([y + plane * last_step for plane in range(n_planes)])
            turned = np.tile(sign < 0, n_planes)  # G x = -y says the same as G y = x
            x, y = np.where(turned, y, x), np.where(turned, x, y)
        else:
            y = x + step  # i N turns the real part into the imaginary one
        pairs.append((x, y))
    return BlockTables(np.concatenate(offsets), len(offsets[0]), tuple(pairs))


def lane_rows(sector: Sector, spin: int, lanes: Part) -> tuple[IntArray, IntArray, FloatArray]:
    """Return where the two rows of each lane begin, and with which sign they meet.

    Args:
        sector: The determinants.
        spin: The lanes' spin.
        lanes: What selects them.
    """
    first, second, sign = _act(sector, spin, lanes)
    stride = _stride(sector, spin)
    return stride * first, stride * second, sign


def _stride(sector: Sector, spin: int) -> int:
    return 1 if spin else sector.shape[1]


def _act(sector: Sector, spin: int, part: Part) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the strings a part acts on, where they go, and with which sign."""
    (kind, labels), n_electrons = part, sector.nelec[spin]
    if kind != "number":
        source, target, sign = string_pairs(sector.norb, n_electrons, labels)
        return source, target, np.ones(len(sign)) if kind == "qubit" else sign
    strings = occupation_strings(sector.norb, n_electrons)
    mask = sum(1 << p for p in labels)
    occupied = np.flatnonzero((strings & mask) == mask)
    return occupied, occupied, np.ones(len(occupied))


def string_pairs(
    norb: int, n_electrons: int, moves: tuple[Move, ...]
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return which strings of one spin an excitation connects, and with which sign.

    Args:
        norb: Number of orbitals.
        n_electrons: Electrons of this spin.
        moves: The moves ``prod a†_to a_from``.

    Returns:
        Source indices, target indices and signs with ``T|source> = sign |target>``, each of
        shape ``(n_pairs,)``.
    """
    strings = occupation_strings(norb, n_electrons)
    taken = sum(1 << i for i, _ in moves)
    made = sum(1 << a for _, a in moves)
    source = np.flatnonzero((strings & (taken | made)) == taken)
    moved, sign = moved_strings(strings[source], moves)
    target = np.searchsorted(strings, moved).astype(np.int64)
    return source.astype(np.int64), target, sign
