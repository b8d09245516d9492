"""Words that are measured together, how, and with how many shots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qmlmat.errors import InputError, nearest
from qmlmat.operators.clifford import (
    BasisGate,
    conjugated,
    diagonalising_gates,
    letter_gates,
    n_two_qubit,
)
from qmlmat.operators.pauli import PauliSum, word_phase
from qmlmat.typing import BoolArray, FloatArray, IntArray, MaskArray

GroupingMethod: TypeAlias = Literal["commuting", "qubit_wise"]
"""Which words are measured together: all that commute, or those that do so on every qubit, which
takes no two-qubit gates."""


@dataclass(frozen=True, eq=False)
class PauliGroup:
    """Commuting words, and the circuit after which each is the parity of some bits."""

    n_qubits: int
    """Number of qubits."""
    x: MaskArray
    """Where each word flips, shape ``(n_words,)``."""
    z: MaskArray
    """Where each word turns signs, shape ``(n_words,)``."""
    coefficients: NDArray[np.complex128]
    """Coefficient of each word, shape ``(n_words,)`` (the operator's unit)."""
    gates: tuple[BasisGate, ...]
    """The circuit: names as in ``QubitGate``, and wires; first acting first."""
    diagonal: MaskArray
    """Bits whose parity each word is after the circuit, shape ``(n_words,)``."""
    signs: FloatArray
    """Sign of each word against that parity, shape ``(n_words,)``."""

    @property
    def n_words(self) -> int:
        """Number of words."""
        return len(self.x)

    @property
    def n_two_qubit(self) -> int:
        """Number of two-qubit gates of the circuit."""
        return n_two_qubit(self.gates)

    @property
    def weight(self) -> float:
        """Sum of the absolute coefficients (the operator's unit)."""
        return float(np.abs(self.coefficients).sum())

    def pauli_sum(self) -> PauliSum:
        """Return the part of the operator that this group measures."""
        return PauliSum.collected(self.n_qubits, self.x, self.z, self.coefficients)

    def deviation(self, state: ArrayLike) -> float:
        """Return the standard deviation of the group's part of the operator in a state.

        Args:
            state: Normalised, shape ``(2**n_qubits,)``, wire 0 the highest bit of the index.

        Raises:
            InputError: If there are too many qubits for a matrix.
        """
        vector = np.asarray(state)
        image = self.pauli_sum().matrix() @ vector
        variance = np.vdot(image, image).real - abs(np.vdot(vector, image)) ** 2
        return float(np.sqrt(max(variance, 0.0)))

    def symmetry_values(self, words: PauliSum) -> tuple[MaskArray, IntArray]:
        """Return what is known beforehand of the bits after the circuit.

        Args:
            words: Commuting words whose values in every state are known, 1 or -1; the coefficients
                are the values.

        Returns:
            Masks of bits and the values of their parities, 1 or -1, for as many independent
            products of the words as the circuit lets be read.
        """
        x, z, signs = conjugated(self.gates, words.x, words.z)
        rows = list(
            zip(x.tolist(), z.tolist(), (signs * words.coefficients.real).tolist(), strict=True)
        )
        for w in range(self.n_qubits):
            at = next((k for k, row in enumerate(rows) if row[0] >> w & 1), None)
            if at is not None:
                pivot = rows.pop(at)
                rows = [_product(row, pivot) if row[0] >> w & 1 else row for row in rows]
        read = [(mask, round(value)) for _, mask, value in rows if mask]
        masks = np.array([mask for mask, _ in read], dtype=np.uint64)
        return masks, np.array([value for _, value in read], dtype=np.int64)


def group_words(
    pauli_sums: PauliSum | Sequence[PauliSum],
    method: GroupingMethod = "commuting",
    *,
    symmetries: PauliSum | None = None,
) -> tuple[PauliGroup, ...]:
    """Return the words of one or several sums in groups that are measured together.

    Words are taken by falling coefficient, and each joins the first group it fits. The identity is
    left out. Of several sums a word counts with the sum of its absolute coefficients.

    Args:
        pauli_sums: The sum or sums.
        method: ``"commuting"`` or ``"qubit_wise"``.
        symmetries: Commuting words to be measured with each group, too, as far as they or their
            products fit: for post-selection.

    Raises:
        InputError: If the method is unknown, or sums differ in their number of qubits.

    References:
        O. Crawford et al., Quantum 5, 385 (2021), doi:10.22331/q-2021-01-20-385.

    Example:
        >>> found = group_words(PauliSum.from_words({"ZI": 0.4, "ZZ": 0.1, "XX": 0.2}))
        >>> [group.n_words for group in found]
        [2, 1]
        >>> [group.n_words for group in group_words(PauliSum.from_words({"ZZ": 0.1, "XX": 0.2}))]
        [2]
    """
    if method not in get_args(GroupingMethod):
        raise InputError(
            f'group_words(method="{method}"): no such grouping. '
            f"{nearest(str(method), get_args(GroupingMethod))}"
        )
    union = _union((pauli_sums,) if isinstance(pauli_sums, PauliSum) else tuple(pauli_sums))
    if symmetries is not None and symmetries.n_qubits != union.n_qubits:
        raise InputError(
            f"group_words: sums on {union.n_qubits} and symmetries on {symmetries.n_qubits} "
            "qubits. Make both with the same mapping."
        )
    order = _by_size(union)
    x, z, coefficients = union.x[order], union.z[order], union.coefficients[order]
    groups: list[PauliGroup] = []
    assigned = _first_fit(x, z, method)
    for k in range(assigned.max(initial=-1) + 1):
        own = assigned == k
        words = list(zip(x[own].tolist(), z[own].tolist(), strict=True))
        more = [] if symmetries is None else _fitting(symmetries, words, method)
        gates = _basis([*words, *more], union.n_qubits, method)
        flips, diagonal, signs = conjugated(gates, x[own], z[own])
        assert not flips.any()
        groups.append(
            PauliGroup(union.n_qubits, x[own], z[own], coefficients[own], gates, diagonal, signs)
        )
    return tuple(groups)


def allocate_shots(
    groups: Sequence[PauliGroup], total: int, *, deviations: ArrayLike | None = None
) -> IntArray:
    """Return how many of ``total`` shots each group is measured with, at least 1 each.

    Shots in proportion to the standard deviations of the groups give the smallest error of the sum;
    where they are not known, the sums of absolute coefficients bound them.

    Args:
        groups: The groups.
        total: Shots of all groups together.
        deviations: Standard deviation of each group's part of the operator, such as
            ``PauliGroup.deviation`` of a state near the one measured; shape ``(n_groups,)``.

    Returns:
        Shape ``(n_groups,)``; they add up to ``total``.

    Raises:
        InputError: If there are fewer shots than groups, or deviations are negative or too few.

    References:
        N. C. Rubin, R. Babbush, J. McClean, New J. Phys. 20, 053020 (2018),
        doi:10.1088/1367-2630/aab919.
    """
    if not isinstance(total, int | np.integer) or total < len(groups):
        raise InputError(
            f"allocate_shots(total={total!r}): {len(groups)} groups are measured. Use at least "
            f"{len(groups)} shots, a whole number."
        )
    sizes = np.array([group.weight for group in groups])
    if deviations is not None:
        sizes = np.asarray(deviations, dtype=np.float64)
        if sizes.shape != (len(groups),) or not (np.isfinite(sizes).all() and (sizes >= 0).all()):
            raise InputError(
                f"allocate_shots: deviations of shape {sizes.shape} for {len(groups)} groups. Give "
                "one finite number, not negative, for each."
            )
    if not len(sizes):
        return np.zeros(0, dtype=np.int64)
    return _shared(sizes / sizes.max() if sizes.any() else np.ones_like(sizes), int(total))


def _shared(sizes: FloatArray, total: int) -> IntArray:
    """Return whole numbers of at least 1 in proportion to sizes, by largest remainders."""
    one = np.zeros(len(sizes), dtype=np.bool_)  # groups with a single shot
    while True:
        rest = total - int(one.sum())
        ideal = np.where(one, 0.0, sizes)
        ideal *= rest / ideal.sum() if ideal.any() else 0.0
        small = ~one & (ideal < 1)
        if not small.any():
            break
        one |= small
    shots = np.where(one, 1, np.floor(ideal).astype(np.int64))
    places = np.argsort(np.where(one, 1.0, np.floor(ideal) - ideal), kind="stable")
    shots[places[: total - int(shots.sum())]] += 1
    return shots


def _union(sums: Sequence[PauliSum]) -> PauliSum:
    if not sums:
        raise InputError("group_words(()): no sums. Give at least one.")
    total = sums[0]
    if len(sums) > 1:
        sizes = [PauliSum(s.n_qubits, s.x, s.z, np.abs(s.coefficients)) for s in sums]
        total = sum(sizes[1:], sizes[0])
    rest = (total.x | total.z) != 0
    return PauliSum(total.n_qubits, total.x[rest], total.z[rest], total.coefficients[rest])


def _by_size(union: PauliSum) -> IntArray:
    """Return the order of words by falling coefficient; equal ones, but for rounding, by masks."""
    sizes = np.abs(union.coefficients)
    order: IntArray = np.argsort(-np.round(sizes / sizes.max(initial=1e-300), 10), kind="stable")
    return order


def _first_fit(x: MaskArray, z: MaskArray, method: GroupingMethod) -> IntArray:
    """Return the number of each word's group."""
    assigned = np.zeros(len(x), dtype=np.int64)
    n_groups = 0
    for k in range(len(x)):
        blocked = np.zeros(n_groups + 1, dtype=np.bool_)
        blocked[assigned[:k][_in_conflict(x[:k], z[:k], x[k], z[k], method)]] = True
        assigned[k] = blocked.argmin()
        n_groups = max(n_groups, int(assigned[k]) + 1)
    return assigned


def _in_conflict(
    x: MaskArray, z: MaskArray, other_x: np.uint64, other_z: np.uint64, method: GroupingMethod
) -> BoolArray:
    """Return which words cannot be measured with another."""
    if method == "commuting":
        crossed = np.bitwise_count(x & other_z) + np.bitwise_count(z & other_x)
        conflicts: BoolArray = (crossed & 1).astype(np.bool_)
    else:
        conflicts = ((x | z) & (other_x | other_z) & ((x ^ other_x) | (z ^ other_z))) != 0
    return conflicts


def _basis(
    words: Sequence[tuple[int, int]], n_qubits: int, method: GroupingMethod
) -> tuple[BasisGate, ...]:
    if method == "commuting":
        return diagonalising_gates(words, n_qubits)
    return letter_gates(*_joint(words))


def _joint(words: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the word that has the letters of all words, which agree where they meet."""
    return (
        int(np.bitwise_or.reduce([x for x, _ in words] + [0])),
        int(np.bitwise_or.reduce([z for _, z in words] + [0])),
    )


def _fitting(
    symmetries: PauliSum, words: Sequence[tuple[int, int]], method: GroupingMethod
) -> list[tuple[int, int]]:
    """Return independent products of symmetries that can be measured with words."""
    asked = list(words)
    if method == "qubit_wise":  # one letter at a time
        x, z = _joint(words)
        asked = [(x & 1 << w, z & 1 << w) for w in range((x | z).bit_length()) if (x | z) >> w & 1]
    found = list(zip(symmetries.x.tolist(), symmetries.z.tolist(), strict=True))
    for a, b in asked:
        odd = [(x, z) for x, z in found if ((x & b).bit_count() + (z & a).bit_count()) & 1]
        found = [row for row in found if row not in odd]
        found += [(x ^ odd[0][0], z ^ odd[0][1]) for x, z in odd[1:]]
    if method == "qubit_wise":
        kept: list[tuple[int, int]] = []
        for x, z in found:
            a, b = _joint(kept)
            if not (x | z) & (a | b) & ((x ^ a) | (z ^ b)):
                kept.append((x, z))
        return kept
    return found


def _product(one: tuple[int, int, float], other: tuple[int, int, float]) -> tuple[int, int, float]:
    """Return the product of two commuting words with values."""
    (x, z, value), (a, b, factor) = one, other
    masks = np.array([[x, z], [a, b], [x ^ a, z ^ b]], dtype=np.uint64)
    phases = word_phase(masks[:, 0], masks[:, 1])
    phase = phases[0] * phases[1] * phases[2].conjugate() * (1 - 2 * ((z & a).bit_count() & 1))
    return x ^ a, z ^ b, value * factor * float(phase.real)
