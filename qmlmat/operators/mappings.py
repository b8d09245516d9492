"""From occupation numbers to qubits: Jordan-Wigner, parity, Bravyi-Kitaev, and tapered ones.

Each is a change of basis ``|n> -> |b>`` with ``b = A n`` modulo 2: qubit j holds the parity of a
set of occupations. ``X**x Z**z`` becomes ``X**(A x) Z**(A^-T z)``. Parities that the electrons or
the molecule's symmetry fix need no qubit: they are rows of ``A`` that are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from qmlmat.errors import InputError, nearest
from qmlmat.operators.pauli import MAX_QUBITS, PauliSum, word_phase
from qmlmat.typing import MaskArray

MappingName: TypeAlias = Literal["jordan_wigner", "parity", "bravyi_kitaev"]
"""The mappings by name."""

NAMES: Final = get_args(MappingName)


@dataclass(frozen=True)
class QubitMapping:
    """Which parities of occupations the qubits hold, and which parities are fixed.

    Modes are spin orbitals, all alpha then all beta. Make one by ``qubit_mapping``.

    References:
        J. T. Seeley, M. J. Richard, P. J. Love, J. Chem. Phys. 137, 224109 (2012),
        doi:10.1063/1.4768229. S. Bravyi, J. M. Gambetta, A. Mezzacapo, K. Temme, arXiv:1701.08213
        (tapering).
    """

    name: str
    """What it is called, in messages and records."""
    n_modes: int
    """Number of spin orbitals."""
    bits: tuple[int, ...]
    """For each qubit the mask of modes whose parity it holds."""
    fixed: tuple[tuple[int, int], ...] = ()
    """Parities without a qubit: mask of modes, and value 0 or 1."""

    def __post_init__(self) -> None:
        rows = [*self.bits, *(mask for mask, _ in self.fixed)]
        if len(rows) != self.n_modes or _inverse(rows) is None:
            raise InputError(
                f"QubitMapping({self.name}): {len(rows)} parities for {self.n_modes} modes do not "
                "tell the occupations. Use as many independent parities as modes."
            )

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        return len(self.bits)

    @cached_property
    def occupations(self) -> tuple[tuple[int, int], ...]:
        """For each mode the mask of qubits whose parity, plus a constant, is its occupation."""
        inverse = _inverse([*self.bits, *(mask for mask, _ in self.fixed)])
        assert inverse is not None
        kept = (1 << self.n_qubits) - 1
        values = sum(value << k for k, (_, value) in enumerate(self.fixed))
        return tuple(
            (row & kept, ((row >> self.n_qubits) & values).bit_count() & 1) for row in inverse
        )

    def encode(self, occupation: str) -> str:
        """Return the qubits' bits of a determinant, wire 0 on the left.

        Args:
            occupation: Occupations of the modes as characters, mode 0 on the left.

        Raises:
            InputError: If the determinant has other modes, or other parities than the fixed ones.
        """
        if len(occupation) != self.n_modes or set(occupation) - {"0", "1"}:
            raise InputError(
                f'{self.name} mapping: "{occupation}" is no determinant of {self.n_modes} spin '
                f"orbitals. Use {self.n_modes} characters 0 or 1, all alpha then all beta."
            )
        modes = sum(1 << p for p, bit in enumerate(occupation) if bit == "1")
        for mask, value in self.fixed:
            if (modes & mask).bit_count() & 1 != value:
                raise InputError(
                    f'{self.name} mapping: the determinant "{occupation}" has another parity than '
                    "the one this mapping leaves out. Use the mapping made for its electrons and "
                    "irrep, or one without reduction."
                )
        return "".join(str((modes & mask).bit_count() & 1) for mask in self.bits)

    def decode(self, bits: str) -> str:
        """Return the occupations of the modes that qubits' bits stand for, mode 0 on the left.

        Args:
            bits: Values of the qubits as characters, wire 0 on the left.

        Raises:
            InputError: If there are other qubits.
        """
        if len(bits) != self.n_qubits or set(bits) - {"0", "1"}:
            raise InputError(
                f'{self.name} mapping: "{bits}" are no values of {self.n_qubits} qubits. Use '
                f"{self.n_qubits} characters 0 or 1, wire 0 on the left."
            )
        qubits = sum(1 << j for j, bit in enumerate(bits) if bit == "1")
        return "".join(
            str((qubits & mask).bit_count() & 1 ^ constant) for mask, constant in self.occupations
        )

    def flips(self, modes: int) -> int:
        """Return the mask of qubits that flip where the modes of a mask flip.

        Raises:
            InputError: If a parity that has no qubit would change.
        """
        if any((modes & mask).bit_count() & 1 for mask, _ in self.fixed):
            raise InputError(
                f"{self.name} mapping: an operator changes a parity that this mapping leaves out. "
                "Leave out such generators (screening=Screening()), or use a mapping without "
                "reduction and tapering."
            )
        return sum(((modes & mask).bit_count() & 1) << j for j, mask in enumerate(self.bits))

    def signs(self, modes: int) -> tuple[int, int]:
        """Return the parity of a set of occupations as a mask of qubits and a constant."""
        mask = constant = 0
        for p, (qubits, value) in enumerate(self.occupations):
            if modes >> p & 1:
                mask ^= qubits
                constant ^= value
        return mask, constant

    def apply(self, operator: PauliSum) -> PauliSum:
        """Return a sum over modes (as Jordan-Wigner makes it) as a sum over this mapping's qubits.

        Raises:
            InputError: If the operator has other modes, or changes a parity that is fixed.
        """
        if operator.n_qubits != self.n_modes:
            raise InputError(
                f"{self.name} mapping: an operator on {operator.n_qubits} modes, the mapping has "
                f"{self.n_modes}. Make both for the same number of orbitals."
            )
        odd = np.zeros(operator.n_terms, dtype=np.uint8)
        for mask, _ in self.fixed:
            odd |= _parity(operator.x, mask)
        if odd.any():
            self.flips(int(operator.x[odd.astype(bool)][0]))
        x, z = np.zeros_like(operator.x), np.zeros_like(operator.z)
        constant = np.zeros(operator.n_terms, dtype=np.uint8)
        for j, mask in enumerate(self.bits):
            x |= _parity(operator.x, mask).astype(np.uint64) << np.uint64(j)
            column = sum(1 << p for p, (row, _) in enumerate(self.occupations) if row >> j & 1)
            z |= _parity(operator.z, column).astype(np.uint64) << np.uint64(j)
        ones = sum(value << p for p, (_, value) in enumerate(self.occupations))
        constant = _parity(operator.z, ones)
        phase = word_phase(operator.x, operator.z) * word_phase(x, z).conj()
        values = operator.coefficients * phase * (1.0 - 2.0 * constant)
        return PauliSum.collected(self.n_qubits, x, z, values)

    def tapered(self, symmetries: Sequence[int], occupation: str) -> QubitMapping:
        """Return the mapping without the qubits that symmetries make superfluous.

        Args:
            symmetries: Masks of modes whose parity the Hamiltonian keeps.
            occupation: A determinant of the wanted symmetry, mode 0 on the left.

        Raises:
            InputError: If the determinant or a mask has other modes.
        """
        self.encode(occupation)
        if any(not 0 <= symmetry < 1 << self.n_modes for symmetry in symmetries):
            raise InputError(
                f"{self.name} mapping: tapered by the masks {list(symmetries)}, which name modes "
                f"beyond the {self.n_modes}. Use those that symmetry_masks finds."
            )
        modes = sum(1 << p for p, bit in enumerate(occupation) if bit == "1")
        bits, fixed = list(self.bits), list(self.fixed)
        for symmetry in symmetries:
            rows = [*bits, *(mask for mask, _ in fixed)]
            inverse = _inverse(rows)
            assert inverse is not None
            parts = 0  # which of the rows add up to the symmetry
            for p in range(self.n_modes):
                if symmetry >> p & 1:
                    parts ^= inverse[p]
            kept = parts & ((1 << len(bits)) - 1)
            if not kept:
                continue  # fixed already
            bits.pop(kept.bit_length() - 1)
            fixed.append((symmetry, (modes & symmetry).bit_count() & 1))
        name = self.name if self.name.startswith("tapered") else f"tapered {self.name}"
        return QubitMapping(name, self.n_modes, tuple(bits), tuple(fixed))


def qubit_mapping(
    name: str, norb: int, *, reduced_for: tuple[int, int] | None = None
) -> QubitMapping:
    """Return a mapping by name.

    Args:
        name: ``"jordan_wigner"``, ``"parity"`` or ``"bravyi_kitaev"``.
        norb: Number of spatial orbitals; there are ``2 * norb`` modes.
        reduced_for: Electrons by spin whose parities take no qubits (two-qubit reduction);
            ``None`` for all ``2 * norb`` qubits.

    Raises:
        InputError: If the name is unknown, or there are too many modes.

    Example:
        >>> qubit_mapping("parity", 2, reduced_for=(1, 1)).encode("1010")
        '10'
    """
    if name not in NAMES:
        raise InputError(f'mapping="{name}": no such mapping. {nearest(str(name), NAMES)}')
    if not isinstance(norb, int | np.integer) or norb < 0:
        raise InputError(f"qubit_mapping(norb={norb!r}): use a whole number of orbitals.")
    norb = int(norb)
    n_modes = 2 * norb
    if n_modes > MAX_QUBITS:
        raise InputError(
            f"qubit_mapping(norb={norb}): {n_modes} qubits, at most {MAX_QUBITS} can be mapped. "
            "Use a smaller active space."
        )
    if name == "jordan_wigner":
        rows = [1 << j for j in range(n_modes)]
    elif name == "parity":
        rows = [(1 << (j + 1)) - 1 for j in range(n_modes)]
    else:  # a binary-indexed (Fenwick) tree: bit j holds the occupations of its subtree
        rows = [((1 << (i & -i)) - 1) << (i - (i & -i)) for i in range(1, n_modes + 1)]
    plain = QubitMapping(name, n_modes, tuple(rows))
    if reduced_for is None:
        return plain
    alpha = (1 << norb) - 1
    counts = tuple(reduced_for) if isinstance(reduced_for, Sequence) else ()
    whole = all(isinstance(n, int | np.integer) and 0 <= n <= norb for n in counts)
    if len(counts) != 2 or not whole:
        raise InputError(
            f"qubit_mapping(reduced_for={reduced_for}): {norb} orbitals hold 0 to {norb} "
            "electrons of each spin. Use (n_alpha, n_beta)."
        )
    bits = "".join("1" * n + "0" * (norb - n) for n in counts)
    tapered = plain.tapered([alpha, alpha << norb], bits)
    return QubitMapping(f"reduced {name}", n_modes, tapered.bits, tapered.fixed)


def _parity(masks: MaskArray, mask: int) -> NDArray[np.uint8]:
    parities: NDArray[np.uint8] = np.bitwise_count(masks & np.uint64(mask)) & np.uint8(1)
    return parities


def _inverse(rows: Sequence[int]) -> list[int] | None:
    """Return the inverse of a square matrix modulo 2 as masks of rows; ``None`` if singular."""
    size = len(rows)
    work = [(row, 1 << j) for j, row in enumerate(rows)]
    for column in range(size):
        pivot = next((k for k in range(column, size) if work[k][0] >> column & 1), None)
        if pivot is None:
            return None
        work[column], work[pivot] = work[pivot], work[column]
        row, mark = work[column]
        work = [
            (r ^ row, m ^ mark) if k != column and r >> column & 1 else (r, m)
            for k, (r, m) in enumerate(work)
        ]
    return [mark for _, mark in work]
