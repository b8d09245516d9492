"""Ordered lists of excitations for a sector, the material of building blocks and pools.

Each takes ``(norb, nelec, where)`` and returns excitations in a fixed, documented order,
because a product of exponentials depends on it. ``where`` is ``"occupied_to_virtual"`` (moves out
of the reference determinant's orbitals) or ``"any"`` (between all orbitals: generalised).
Each has a twin ``"qubit_..."``: the same moves, in the same order, as qubit excitations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import Final, Literal

from qmlmat.ansatz.excitation import Excitation, Move

Where = Literal["occupied_to_virtual", "any"]
"""Between which orbitals a block's electrons move."""

Generator = Callable[[int, tuple[int, int], Where], list[Excitation]]
"""From ``(norb, nelec, where)`` to ordered excitations."""


def singles(norb: int, nelec: tuple[int, int], where: Where) -> list[Excitation]:
    """Return one-electron moves, alpha first; within a spin by (from, to).

    Args:
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        where: Between which orbitals.
    """
    return [Excitation(alpha=(move,)) for move in _upward_moves(norb, nelec[0], where)] + [
        Excitation(beta=(move,)) for move in _upward_moves(norb, nelec[1], where)
    ]


def mixed_doubles(norb: int, nelec: tuple[int, int], where: Where) -> list[Excitation]:
    """Return moves of one alpha and one beta electron, sorted by the alpha move, then the beta.

    With ``where="any"`` the beta electron also moves downwards: together with an upward alpha
    move that is a generator of its own, while both downwards is minus the generator of both
    upwards.

    Args:
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        where: Between which orbitals.
    """
    beta_moves = _upward_moves(norb, nelec[1], where)
    if where == "any":
        beta_moves = sorted(beta_moves + [(a, i) for i, a in beta_moves])
    return [
        Excitation((alpha,), (beta,))
        for alpha in _upward_moves(norb, nelec[0], where)
        for beta in beta_moves
    ]


def same_spin_doubles(norb: int, nelec: tuple[int, int], where: Where) -> list[Excitation]:
    """Return moves of two electrons of equal spin, alpha pairs first; by (from, from, to, to).

    Args:
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        where: Between which orbitals.
    """
    return [Excitation(alpha=moves) for moves in _pair_moves(norb, nelec[0], where)] + [
        Excitation(beta=moves) for moves in _pair_moves(norb, nelec[1], where)
    ]


def _upward_moves(norb: int, n_occupied: int, where: Where) -> list[Move]:
    if where == "any":
        # Without an electron to move, or a hole to move it to, nothing happens.
        return list(combinations(range(norb), 2)) if 1 <= n_occupied <= norb - 1 else []
    return [(i, a) for i in range(n_occupied) for a in range(n_occupied, norb)]


def _pair_moves(norb: int, n_occupied: int, where: Where) -> list[tuple[Move, Move]]:
    if where == "any":
        if not 2 <= n_occupied <= norb - 2:
            return []
        sources = targets = list(combinations(range(norb), 2))
    else:
        sources = list(combinations(range(n_occupied), 2))
        targets = list(combinations(range(n_occupied, norb), 2))
    return [
        ((i, a), (j, b))
        for i, j in sources
        for a, b in targets
        # Each generator once: (i, j) -> (a, b) is minus (a, b) -> (i, j).
        if (i, j) < (a, b) and not {i, j} & {a, b}
    ]


def _qubit(generator: Generator) -> Generator:
    """Return the same list without the signs of fermions."""

    def build(norb: int, nelec: tuple[int, int], where: Where) -> list[Excitation]:
        return [replace(excitation, qubit=True) for excitation in generator(norb, nelec, where)]

    return build


_FERMIONIC: Final = {
    "singles": singles,
    "mixed_doubles": mixed_doubles,
    "same_spin_doubles": same_spin_doubles,
}

GENERATORS: Final[Mapping[str, Generator]] = MappingProxyType(
    _FERMIONIC | {f"qubit_{name}": _qubit(generator) for name, generator in _FERMIONIC.items()}
)
"""Every list of excitations by its name."""
