"""The determinants of fixed ``(norb, nelec)``, in PySCF's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import comb

import numpy as np

from qmlmat.errors import InputError
from qmlmat.typing import FloatArray, IntArray, StateArray

MAX_NORB = 62
"""Orbitals an occupation string can hold in a signed 64-bit integer."""


@lru_cache(maxsize=64)
def occupation_strings(norb: int, n_electrons: int) -> IntArray:
    """Return every way to put electrons of one spin into orbitals, as sorted bit masks.

    Orbital ``p`` is bit ``p``; ascending integers are PySCF's string order.

    Args:
        norb: Number of orbitals.
        n_electrons: Number of electrons of this spin.

    Returns:
        Read-only ``int64`` array, shape ``(comb(norb, n_electrons),)``.

    Example:
        >>> [format(s, "03b") for s in occupation_strings(3, 2)]
        ['011', '101', '110']
    """
    # Strings whose highest electron sits in orbital p: all fillings of the p orbitals below it.
    # Appending them for ascending p keeps the integers sorted.
    if n_electrons == 0:
        strings = np.zeros(1, dtype=np.int64)
    else:
        strings = np.concatenate(
            [
                occupation_strings(p, n_electrons - 1) | np.int64(1 << p)
                for p in range(n_electrons - 1, norb)
            ]
        )
    strings.flags.writeable = False
    return strings


def moved_strings(
    strings: IntArray, moves: Sequence[tuple[int, int]]
) -> tuple[IntArray, FloatArray]:
    """Return where electrons of one spin go, and the sign of the fermions that they pass.

    Args:
        strings: Bit masks in which every move's first orbital is occupied and its second is empty.
        moves: The factors of ``prod a†_to a_from``, each ``(from_orbital, to_orbital)``.

    Returns:
        Bit masks and signs with ``T|string> = sign |moved>``, each of the shape of ``strings``.

    Example:
        >>> moved_strings(np.array([0b011]), [(0, 2)])
        (array([6]), array([-1.]))
    """
    sign = np.ones(strings.shape)
    for i, a in moves:
        low, high = min(i, a), max(i, a)
        between = (1 << high) - (1 << (low + 1))
        sign *= 1.0 - 2.0 * (np.bitwise_count(strings & between) % 2)
        strings = strings ^ ((1 << i) | (1 << a))
    return strings, sign


@dataclass(frozen=True)
class Sector:
    """All determinants with fixed numbers of orbitals and of electrons of each spin."""

    norb: int
    """Number of spatial orbitals."""
    nelec: tuple[int, int]
    """Electrons by spin, ``(n_alpha, n_beta)``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nelec", (int(self.nelec[0]), int(self.nelec[1])))
        if not 1 <= self.norb <= MAX_NORB:
            raise InputError(
                f"Sector(norb={self.norb}): needs 1 to {MAX_NORB} orbitals. "
                "Choose a smaller active space."
            )
        if not all(0 <= n <= self.norb for n in self.nelec):
            raise InputError(
                f"Sector(norb={self.norb}, nelec={self.nelec}): each spin holds 0 to {self.norb} "
                f"electrons. Use norb >= {max(self.nelec)}, or fewer electrons."
            )

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Shape of a state vector, ``(n_alpha_strings, n_beta_strings)``."""
        return comb(self.norb, self.nelec[0]), comb(self.norb, self.nelec[1])

    @cached_property
    def dimension(self) -> int:
        """Number of determinants."""
        return self.shape[0] * self.shape[1]

    @property
    def n_qubits(self) -> int:
        """Qubits of the sector's register, two per orbital."""
        return 2 * self.norb

    @cached_property
    def alpha_strings(self) -> IntArray:
        """Occupations of the alpha electrons as sorted bit masks, shape ``(shape[0],)``."""
        return occupation_strings(self.norb, self.nelec[0])

    @cached_property
    def beta_strings(self) -> IntArray:
        """Occupations of the beta electrons as sorted bit masks, shape ``(shape[1],)``."""
        return occupation_strings(self.norb, self.nelec[1])

    def hartree_fock_bits(self) -> str:
        """Return the determinant of the lowest orbitals, wire 0 (alpha orbital 0) on the left.

        Example:
            >>> Sector(3, (2, 1)).hartree_fock_bits()
            '110100'
        """
        return "".join("1" * n + "0" * (self.norb - n) for n in self.nelec)

    def index(self, bits: str) -> tuple[int, int]:
        """Return where a determinant stands in a state vector, ``(row, column)``.

        Args:
            bits: Occupations of the ``2 * norb`` spin orbitals, all alpha then all beta, wire 0
                on the left.

        Raises:
            InputError: If ``bits`` has another length, other characters, or other electron
                counts than the sector.

        Example:
            >>> Sector(2, (1, 1)).index("1001")
            (0, 1)
        """
        counts = bits[: self.norb].count("1"), bits[self.norb :].count("1")
        if len(bits) != self.n_qubits or set(bits) - {"0", "1"} or counts != self.nelec:
            raise InputError(
                f'Sector.index("{bits}"): a determinant of norb={self.norb}, nelec={self.nelec} '
                f"is {self.n_qubits} characters 0 or 1, alpha first, with {self.nelec[0]} ones "
                f'in the first half and {self.nelec[1]} in the second, like "'
                f'{self.hartree_fock_bits()}".'
            )
        masks = [int(half[::-1], 2) for half in (bits[: self.norb], bits[self.norb :])]
        return (
            int(np.searchsorted(self.alpha_strings, masks[0])),
            int(np.searchsorted(self.beta_strings, masks[1])),
        )

    def bits(self, row: int, column: int) -> str:
        """Return the occupation bits of a determinant, all alpha then all beta.

        Args:
            row: Index of its alpha string.
            column: Index of its beta string.
        """
        strings = int(self.alpha_strings[row]), int(self.beta_strings[column])
        return "".join(str(string >> p & 1) for string in strings for p in range(self.norb))

    def zeros(self) -> StateArray:
        """Return the zero vector of the sector."""
        return np.zeros(self.shape)
