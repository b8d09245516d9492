"""Tables behind the compiled sigma build: what excitations of one spin do to its strings.

A pair of orbitals ``p >= q`` has the number ``p (p + 1) / 2 + q``; ``E_pq`` and ``E_qp`` share it,
as they share their integrals.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from math import comb
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from qmlmat.operators.sector import Sector, occupation_strings
from qmlmat.typing import FloatArray, IntArray

SmallIntArray: TypeAlias = NDArray[np.integer[Any]]
"""Integers no wider than they need to be: 8, 16 or 32 bits."""

TABLE_BYTES: Final = 64_000_000
"""Tables up to this size are always accepted; larger ones only beside a larger state."""
_CHUNK: Final = 1 << 18  # excitations tabulated at a time: bounds temporary memory to some 10 MB


@dataclass(frozen=True, kw_only=True, eq=False)
class SpinTables:
    """Single and double excitations of the strings of one spin, integrals not included."""

    norb: int
    """Number of spatial orbitals."""
    occupied: SmallIntArray
    """Occupied orbitals of each string, shape ``(n_strings, n_electrons)``."""
    singles: SmallIntArray
    """Strings a single excitation leads to, shape ``(n_strings, n_singles)``."""
    single_code: SmallIntArray
    """Pair of orbitals, plus the number of pairs if the sign is negative; as ``singles``."""
    pair_start: SmallIntArray
    """Where each pair's excitations begin in the three below, shape ``(n_pairs + 1,)``."""
    lane_from: SmallIntArray
    """Source strings of all single excitations, those of one pair together."""
    lane_to: SmallIntArray
    """Their target strings, ascending within a pair."""
    lane_sign: FloatArray
    """Their signs."""
    columns: SmallIntArray
    """Columns of the one-spin Hamiltonian: diagonal, singles, doubles; one row per string."""
    double_code: SmallIntArray
    """Element of the antisymmetrised integrals, shape ``(n_strings, n_doubles)``."""
    double_sign: SmallIntArray
    """Signs of the doubles, shape as ``double_code``."""

    def __post_init__(self) -> None:
        for field in fields(self)[1:]:
            getattr(self, field.name).flags.writeable = False

    @property
    def n_strings(self) -> int:
        """Number of strings."""
        return int(self.columns.shape[0])


def table_bytes(norb: int, n_electrons: int) -> int:
    """Return about how much memory one spin's tables and matrix take (bytes)."""
    n_empty = norb - n_electrons
    singles = n_electrons * n_empty
    doubles = comb(n_electrons, 2) * comb(n_empty, 2)
    return comb(norb, n_electrons) * (n_electrons + 34 * singles + 17 * doubles + 12)


def tables_fit(sector: Sector) -> bool:
    """Return whether the tables stay below 64 MB, or below the size of one state vector.

    They do not where nearly all strings belong to one spin: there a string has as many
    excitations as the sector's operator has elements.
    """
    needed = sum(table_bytes(sector.norb, n) for n in set(sector.nelec))
    return needed <= max(TABLE_BYTES, 8 * sector.dimension)


def pair_number(p: IntArray, q: IntArray) -> IntArray:
    """Return the numbers of pairs of orbitals in either order."""
    high, low = np.maximum(p, q), np.minimum(p, q)
    number: IntArray = high * (high + 1) // 2 + low
    return number


def _parity_below(strings: IntArray, orbitals: IntArray) -> SmallIntArray:
    """Return the number of electrons below an orbital, modulo 2."""
    below = (np.int64(1) << orbitals) - 1
    parity: SmallIntArray = np.bitwise_count(strings & below) & 1
    return parity


def _move(strings: IntArray, orbitals: list[IntArray]) -> tuple[IntArray, SmallIntArray]:
    """Return strings after toggling orbitals in turn, and the parity of the signs."""
    parity: SmallIntArray = np.zeros(1, dtype=np.uint8)
    for orbital in orbitals:
        parity = parity ^ _parity_below(strings, orbital)
        strings = strings ^ (np.int64(1) << orbital)
    return strings, parity


def _doubles(
    strings: IntArray, occupied: IntArray, empty: IntArray, norb: int
) -> tuple[IntArray, SmallIntArray, SmallIntArray]:
    """Return target, integral and sign of ``a†_p a†_r a_s a_q``, ``p < r``, ``q < s``."""
    rows, n_electrons = occupied.shape
    below, above = np.triu_indices(n_electrons, 1)
    q, s = (occupied[:, k, None] for k in (below, above))
    below, above = np.triu_indices(empty.shape[1], 1)
    p, r = (empty[:, None, k] for k in (below, above))
    targets, parity = _move(strings[:, None, None], [q, s, r, p])
    n_pairs = comb(norb, 2)
    code = (r * (r - 1) // 2 + p) * n_pairs + (s * (s - 1) // 2 + q)
    shape = (rows, q.shape[1] * p.shape[2])
    return (
        targets.reshape(shape),
        code.reshape(shape).astype(np.int32),
        (1 - 2 * parity.astype(np.int8)).reshape(shape),
    )


@lru_cache(maxsize=4)  # each may be as large as a state
def spin_tables(norb: int, n_electrons: int) -> SpinTables:
    """Return the tables of one spin.

    Args:
        norb: Number of spatial orbitals.
        n_electrons: Electrons of this spin.
    """
    strings = occupation_strings(norb, n_electrons)
    size, n_empty = len(strings), norb - n_electrons
    filled = (strings[:, None] >> np.arange(norb)) & 1
    occupied = np.nonzero(filled)[1].reshape(size, n_electrons)
    empty = np.nonzero(filled == 0)[1].reshape(size, n_empty)

    q, p = occupied[:, :, None], empty[:, None, :]
    targets, parity = _move(strings[:, None, None], [q, p])
    singles = np.searchsorted(strings, targets.reshape(size, -1)).astype(np.int32)
    parity = parity.reshape(singles.shape)
    pairs = pair_number(p, q).reshape(singles.shape)
    n_pairs = norb * (norb + 1) // 2
    # Rows are in the order of strings, and the matrix is symmetric: a stable sort by pair leaves
    # the targets of each pair ascending.
    order = np.argsort(pairs, axis=None, kind="stable")

    n_singles, n_doubles = singles.shape[1], comb(n_electrons, 2) * comb(n_empty, 2)
    columns = np.empty((size, 1 + n_singles + n_doubles), dtype=np.int32)
    columns[:, 0] = np.arange(size)
    columns[:, 1 : 1 + n_singles] = singles
    double_code = np.empty((size, n_doubles), dtype=np.int32)
    double_sign = np.empty((size, n_doubles), dtype=np.int8)
    step = max(1, _CHUNK // max(1, n_doubles))
    for start in range(0, size if n_doubles else 0, step):
        rows = slice(start, start + step)
        targets, double_code[rows], double_sign[rows] = _doubles(
            strings[rows], occupied[rows], empty[rows], norb
        )
        columns[rows, 1 + n_singles :] = np.searchsorted(strings, targets)
    return SpinTables(
        norb=norb,
        occupied=occupied.astype(np.int8),
        singles=singles,
        single_code=(pairs + n_pairs * parity.astype(np.int64)).astype(np.uint16),
        pair_start=np.searchsorted(pairs.ravel()[order], np.arange(n_pairs + 1)),
        lane_from=singles.ravel()[order],
        lane_to=(order // max(1, n_singles)).astype(np.int32),
        lane_sign=1.0 - 2.0 * parity.ravel()[order].astype(np.float64),
        columns=columns,
        double_code=double_code,
        double_sign=double_sign,
    )


def pair_integrals(two_body: FloatArray) -> FloatArray:
    """Return ``(pq|rs)`` by pairs, shape ``(n_pairs, n_pairs)``."""
    p, q = np.tril_indices(two_body.shape[0])
    return two_body[p[:, None], q[:, None], p, q]


def spin_matrix(tables: SpinTables, one_body: FloatArray, two_body: FloatArray) -> FloatArray:
    """Return the elements of one spin's Hamiltonian at ``tables.columns`` (hartree).

    Args:
        tables: Tables of this spin.
        one_body: One-electron integrals, shape ``(norb, norb)`` (hartree).
        two_body: Repulsion, chemists' order, shape ``(norb, norb, norb, norb)`` (hartree).
    """
    norb, size = tables.norb, tables.n_strings
    p, q = np.tril_indices(norb)
    orbitals = np.arange(norb)
    # What an electron in orbital k adds to the element of E_pq: (pq|kk) - (pk|kq).
    field = two_body[p, q][:, orbitals, orbitals].T
    field = field - two_body[p[None, :], orbitals[:, None], orbitals[:, None], q[None, :]]
    filled = np.zeros((size, norb))
    np.put_along_axis(filled, tables.occupied.astype(np.int64), 1.0, axis=1)
    by_pair = filled @ field
    values = np.empty(tables.columns.shape)
    diagonal = orbitals * (orbitals + 3) // 2
    core = one_body.diagonal()
    values[:, 0] = (filled * (core + 0.5 * by_pair[:, diagonal])).sum(axis=1)
    n_singles = tables.singles.shape[1]
    by_pair += one_body[p, q]
    signed = np.concatenate([by_pair, -by_pair], axis=1)
    values[:, 1 : 1 + n_singles] = np.take_along_axis(
        signed, tables.single_code.astype(np.int64), axis=1
    )
    if tables.double_code.size:
        r, p = np.tril_indices(norb, -1)
        s, q = r, p
        direct = two_body[p[:, None], q, r[:, None], s]
        exchange = two_body[p[:, None], s, r[:, None], q]
        integrals = (direct - exchange).ravel()
        np.multiply(
            integrals[tables.double_code], tables.double_sign, out=values[:, 1 + n_singles :]
        )
    return values
