"""Exchanges of equal atoms, as orders of the atoms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from qmlmat.errors import InputError, nearest
from qmlmat.systems.elements import SYMBOLS
from qmlmat.typing import IntArray

MAX_PERMUTATIONS: Final = 5040
"""Largest group of exchanges that is written out: that of seven equal atoms."""


def checked_symbols(call: str, symbols: Sequence[str]) -> tuple[str, ...]:
    """Return symbols in their usual spelling.

    Args:
        call: Who asks, for messages.
        symbols: Element symbols, one per atom.

    Raises:
        InputError: If one is no element, or there are fewer than two atoms.
    """
    names = tuple(str(symbol).strip().capitalize() for symbol in symbols)
    for given, name in zip(symbols, names, strict=True):
        if name not in SYMBOLS:
            hint = nearest(name, SYMBOLS) if len(name) > 1 else ""
            raise InputError(
                f'{call}: "{given}" is no element. Give one symbol of the periodic table per atom, '
                f'such as ("O", "H", "H"). {hint if hint.startswith("Did") else ""}'.rstrip()
            )
    if len(names) < 2:
        raise InputError(
            f"{call}(symbols={names}): an atom alone has no shape to describe. "
            "Give two atoms or more."
        )
    return names


def transpositions(symbols: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Return exchanges of two equal atoms that generate all permutations of equal atoms.

    Args:
        symbols: Element symbols, one per atom.

    Returns:
        Orders of the atoms, one per pair of neighbours in the list of an element's atoms.

    Example:
        >>> transpositions(("H", "O", "H"))
        ((2, 1, 0),)
    """
    found = []
    for element in dict.fromkeys(symbols):
        atoms = [atom for atom, symbol in enumerate(symbols) if symbol == element]
        for first, second in itertools.pairwise(atoms):
            order = list(range(len(symbols)))
            order[first], order[second] = second, first
            found.append(tuple(order))
    return tuple(found)


def permutations(symbols: Sequence[str]) -> IntArray:
    """Return all permutations of equal atoms, the identity first.

    Args:
        symbols: Element symbols, one per atom.

    Returns:
        Orders of the atoms, ``(n_permutations, n_atoms)``: ``positions[:, order]`` has equal atoms
        exchanged.

    Raises:
        InputError: If there are more than ``MAX_PERMUTATIONS``.

    Example:
        >>> permutations(("O", "H", "H")).tolist()
        [[0, 1, 2], [0, 2, 1]]
    """
    elements = list(dict.fromkeys(symbols))
    atoms = [[a for a, symbol in enumerate(symbols) if symbol == element] for element in elements]
    n_permutations = math.prod(math.factorial(len(own)) for own in atoms)
    if n_permutations > MAX_PERMUTATIONS:
        raise InputError(
            f"permutations({tuple(symbols)}): {n_permutations} permutations of equal atoms are "
            f"too many to write out; at most {MAX_PERMUTATIONS}. Use a descriptor that needs no "
            "list of them: BehlerParrinello or CoulombMatrix."
        )
    orders = np.empty((n_permutations, len(symbols)), dtype=np.int64)
    choices = itertools.product(*(itertools.permutations(own) for own in atoms))
    for row, chosen in enumerate(choices):
        for own, new in zip(atoms, chosen, strict=True):
            orders[row, own] = new
    return orders
