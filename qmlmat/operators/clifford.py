"""Clifford circuits that turn commuting Pauli words into words of Z, to be read from bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np

from qmlmat.typing import FloatArray, MaskArray

BasisGate: TypeAlias = tuple[str, tuple[int, ...]]
"""A gate's name, as in ``QubitGate``, and its wires, the control first."""
_Rows: TypeAlias = list[tuple[int, int]]

_TURNS: Final = {"Z": (), "X": ("h",), "Y": ("sdg", "h")}
"""Gates that turn a letter into Z."""
_SWEEPS: Final = 3
"""How often every wire's letter is tried anew; most groups change in the first sweep alone."""


def conjugated(
    gates: Sequence[BasisGate], x: MaskArray, z: MaskArray
) -> tuple[MaskArray, MaskArray, FloatArray]:
    """Return the words ``U P U†`` after a circuit ``U``: masks ``x`` and ``z``, and signs.

    Args:
        gates: The circuit, of h, s, sdg, cx, cy and cz.
        x: Where the words flip, shape ``(n_words,)``.
        z: Where they turn signs, shape ``(n_words,)``.
    """
    signs = np.ones(len(x))
    for name, wires in _elementary(gates):
        at = [np.uint64(w) for w in wires]
        xs, zs = ([mask >> w & np.uint64(1) for w in at] for mask in (x, z))
        if name == "h":
            swapped = (xs[0] ^ zs[0]) << at[0]
            x, z, odd = x ^ swapped, z ^ swapped, xs[0] & zs[0]
        elif name == "cz":
            z = z ^ (xs[1] << at[0]) ^ (xs[0] << at[1])
            odd = xs[0] & xs[1] & (zs[0] ^ zs[1])
        else:
            odd = xs[0] & (zs[0] if name == "s" else ~zs[0])
            z = z ^ (xs[0] << at[0])
        signs = signs * (1.0 - 2.0 * odd)
    return x, z, signs


def letter_gates(x: int, z: int) -> tuple[BasisGate, ...]:
    """Return the gates that turn every letter of one word into Z.

    Args:
        x: Where the word flips.
        z: Where it turns signs.
    """
    return tuple(
        (name, (w,))
        for w in range((x | z).bit_length())
        if (x | z) >> w & 1
        for name in _TURNS[_letter(x, z, w)]
    )


def diagonalising_gates(words: Sequence[tuple[int, int]], n_qubits: int) -> tuple[BasisGate, ...]:
    """Return a circuit that turns commuting words into words of Z, with few two-qubit gates.

    First one letter of every wire is turned into Z. The words' flips are then brought to echelon
    form: every independent one has a wire that only it flips. Controlled gates from there take
    away its other letters, and a Hadamard gate turns what is left, an X, into Z. Letters are chosen
    wire by wire, as long as gates are saved.

    Args:
        words: Masks ``(x, z)`` of words that commute.
        n_qubits: Number of wires.

    References:
        O. Crawford et al., Quantum 5, 385 (2021), doi:10.22331/q-2021-01-20-385. E. van den Berg,
        K. Temme, Quantum 4, 322 (2020), doi:10.22331/q-2020-09-12-322.
    """
    rows = _reduced(list(words), range(n_qubits), over="xz")
    letters = [_commonest(rows, w) for w in range(n_qubits)]
    best = _gates(rows, letters)
    for _ in range(_SWEEPS):
        before = best
        for w in range(n_qubits):
            for letter in _others(rows, w, letters[w]):
                tried = _gates(rows, [*letters[:w], letter, *letters[w + 1 :]])
                if _cost(tried) < _cost(best):
                    best, letters[w] = tried, letter
        if best is before:
            break
    return best


def n_two_qubit(gates: Sequence[BasisGate]) -> int:
    """Return how many gates act on two wires."""
    return sum(len(wires) == 2 for _, wires in gates)


def _cost(gates: Sequence[BasisGate]) -> tuple[int, int]:
    return n_two_qubit(gates), len(gates)


def _gates(words: _Rows, letters: Sequence[str]) -> tuple[BasisGate, ...]:
    n = len(letters)
    gates: list[BasisGate] = [
        (name, (w,)) for w, letter in enumerate(letters) for name in _TURNS[letter]
    ]
    rows = _reduced(_turned(words, letters), range(n), over="x")
    flipping = [row for row in rows if row[0]]
    pivots = _own_wires([x for x, _ in flipping])
    others = [w for w in range(n) if w not in pivots]
    diagonal = _reduced([row for row in rows if not row[0]], others, over="z")
    free = sum(1 << w for w in others)
    places = _own_wires([z & free for _, z in diagonal])
    for place, (_, z) in zip(places, diagonal, strict=True):
        flipping = [(rx, rz ^ z if rz >> place & 1 else rz) for rx, rz in flipping]
    # Rows of later pivots gain Z on the pivots of earlier ones: only an earlier row's own Z count.
    for pivot, (x, z) in zip(pivots, flipping, strict=True):
        for w in others:
            letter = _letter(x, z, w)
            if letter:
                gates.append((f"c{letter.lower()}", (pivot, w)))
    for k, (pivot, (_, z)) in enumerate(zip(pivots, flipping, strict=True)):
        gates += [("cz", (pivot, later)) for later in pivots[k + 1 :] if z >> later & 1]
    for pivot, (_, z) in zip(pivots, flipping, strict=True):
        gates += [("sdg", (pivot,))] if z >> pivot & 1 else []
        gates.append(("h", (pivot,)))
    return tuple(gates)


def _reduced(rows: _Rows, wires: Sequence[int], *, over: str) -> _Rows:
    """Return a basis of the rows' span in reduced echelon form, by the wires of the named masks."""
    done: _Rows = []
    left = list(rows)
    for part in over:
        k = "xz".index(part)
        for w in wires:
            at = next((j for j, row in enumerate(left) if row[k] >> w & 1), None)
            if at is None:
                continue
            pivot = left.pop(at)
            left = [_sum(row, pivot) if row[k] >> w & 1 else row for row in left]
            done = [_sum(row, pivot) if row[k] >> w & 1 else row for row in done]
            done.append(pivot)
    return done + [row for row in left if row != (0, 0)]


def _own_wires(masks: Sequence[int]) -> list[int]:
    """Return for each mask a wire that no other has."""
    once = twice = 0
    for mask in masks:
        once, twice = once | mask, twice | once & mask
    own = once & ~twice
    return [(mask & own & -(mask & own)).bit_length() - 1 for mask in masks]


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] ^ other[0], one[1] ^ other[1]


def _turned(rows: _Rows, letters: Sequence[str]) -> _Rows:
    """Return words after the gates that turn the given letters into Z."""
    y, swapped = (
        sum(1 << w for w, letter in enumerate(letters) if letter in which) for which in ("Y", "XY")
    )
    found = []
    for x, given in rows:
        z = given ^ x & y
        different = (x ^ z) & swapped
        found.append((x ^ different, z ^ different))
    return found


def _letter(x: int, z: int, w: int) -> str:
    return ("", "X", "Z", "Y")[(x >> w & 1) + 2 * (z >> w & 1)]


def _commonest(rows: _Rows, w: int) -> str:
    found = [_letter(x, z, w) for x, z in rows]
    return max("ZXY", key=found.count)


def _others(rows: _Rows, w: int, letter: str) -> str:
    """Return the letters to try on a wire in place of another; none where no row has any."""
    touched = any((x | z) >> w & 1 for x, z in rows)
    return "ZXY".replace(letter, "") if touched else ""


def _elementary(gates: Sequence[BasisGate]) -> list[BasisGate]:
    """Return the circuit with every controlled gate as a CZ between one-qubit gates."""
    found: list[BasisGate] = []
    for name, wires in gates:
        if name in {"cx", "cy"}:
            target = wires[1:]
            into: list[BasisGate] = [("h", target)]
            out: list[BasisGate] = [("h", target)]
            if name == "cy":
                into, out = [("sdg", target), *into], [*out, ("s", target)]
            found += [*into, ("cz", wires), *out]
        else:
            found.append((name, wires))
    return found
