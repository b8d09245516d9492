"""Tables of a group of gates: which amplitudes meet, in the order the kernels want.

Circuits that grow, as in ADAPT-VQE, have nearly all groups in common; the last ones are remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

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

Rows = Literal["one", "two", "signed"]
"""What a lane is: a row; the two rows that moves connect; or a row whose amplitudes are told apart
as those that moves of the other spin take and make, so that the lane's sign can turn the latter."""


class Part(NamedTuple):
    """What a gate does to one spin; of the lanes' spin it selects the lanes."""

    kind: Kind | Literal["exchange", "all"]
    """The generator's kind. ``"exchange"`` is ``i (T + T†)`` without the signs of fermions;
    ``"all"`` selects every row."""
    labels: tuple[Any, ...] = ()
    """Its moves or occupied orbitals of this spin."""
    parity: tuple[int, ...] = ()
    """Further orbitals of this spin whose electrons turn the sign: a string of Pauli Z. None of
    them is moved."""

    @property
    def rows(self) -> Rows:
        """What the lanes are that it selects."""
        if self.kind == "all":
            return "signed" if self.parity else "one"
        return "one" if self.kind == "number" else "two"


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
    sector: Sector, n_planes: int, spin: int, parts: tuple[Part, ...], rows: Rows
) -> BlockTables:
    """Return the tables of gates with common lanes.

    Args:
        sector: The determinants.
        n_planes: 1 for real states, 2 for complex ones.
        spin: The spin on which the gates differ: 0 is alpha.
        parts: What each gate does to it; a single gate where the lanes are signed.
        rows: What a lane is.
    """
    is_small = sector.shape[spin] <= MAX_STRINGS and len(parts) <= MAX_GATES
    build = _remembered if is_small else _remembered.__wrapped__
    return build(sector, n_planes, spin, parts, rows)


@lru_cache(maxsize=REMEMBERED)
def _remembered(
    sector: Sector, n_planes: int, spin: int, parts: tuple[Part, ...], rows: Rows
) -> BlockTables:
    acts = [_act(sector, spin, part) for part in parts]
    sources, targets = ([act[k] for act in acts] for k in (0, 1))
    n_strings = sector.shape[spin]
    numbers: list[tuple[IntArray, int]] = []  # per row: each string's site, sites per plane
    offsets: list[IntArray] = []  # per row: where its sites stand
    for strings in [sources + targets] if rows == "one" else [sources, targets]:
        touched = np.zeros(n_strings, dtype=bool)
        touched[np.concatenate(strings)] = True
        if 2 * touched.sum() > n_strings and rows != "signed":  # neighbours are copied faster
            touched[:] = True
        rank = np.cumsum(touched) - 1 + sum(len(offset) for offset in offsets)
        numbers.append((rank, int(touched.sum())))
        planes = sector.dimension * np.arange(n_planes)[:, None]
        offsets.append((planes + _stride(sector, spin) * np.flatnonzero(touched)).ravel())
    pairs = []
    (rank, step), (last_rank, last_step) = numbers[0], numbers[-1]
    for part, (source, target, sign) in zip(parts, acts, strict=True):
        x, y = rank[source], last_rank[target]
        if part.kind == "number":
            pairs.append((x, x + step))  # i N turns the real part into the imaginary one
            continue
        if part.kind == "exchange":  # i (T + T†) turns the real part of each into the other's
            x, y = np.concatenate([x, y]), np.concatenate([y + last_step, x + step])
        else:
            x = np.concatenate([x + plane * step for plane in range(n_planes)])
            y = np.concatenate([y + plane * last_step for plane in range(n_planes)])
        turned = np.resize(sign < 0, len(x))  # G x = -y says the same as G y = x
        pairs.append((np.where(turned, y, x), np.where(turned, x, y)))
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
    n_electrons = sector.nelec[spin]
    strings = occupation_strings(sector.norb, n_electrons)
    if part.kind in ("number", "all"):
        mask = sum(1 << p for p in part.labels)
        source = target = np.flatnonzero((strings & mask) == mask)
        sign = np.ones(len(source))
    else:
        source, target, sign = string_pairs(sector.norb, n_electrons, part.labels)
        if part.kind != "fermionic":
            sign = np.ones(len(source))
    if part.parity:
        mask = sum(1 << p for p in part.parity)
        sign = sign * (1.0 - 2.0 * (np.bitwise_count(strings[source] & mask) & 1))
    return source, target, sign


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
