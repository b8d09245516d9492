"""Polynomials of features that exchanges of equal atoms leave as they are.

A monomial averaged over the group is invariant, and every invariant is a sum of such averages.
Most of them are polynomials of averages of lower degree; what is left generates all of them.
Which are left is decided by exact arithmetic, at points that need only be in general position.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np

from qmlmat.typing import IntArray

Monomial: TypeAlias = tuple[int, ...]
"""Indices of the features that are multiplied, ascending, repeated where a power is meant."""
Orbit: TypeAlias = tuple[Monomial, ...]
"""Monomials that the group turns into each other, the smallest first; their mean is invariant."""

PRIME: Final = 2**31 - 1
"""Integers modulo this prime: their products fit into 63 bits."""


def feature_orbits(group: IntArray) -> tuple[tuple[int, ...], ...]:
    """Return the sets of features that the group turns into each other, in order of the first.

    Args:
        group: Permutations of the features, ``(n_permutations, n_features)``.

    Example:
        >>> feature_orbits(np.array([[0, 1, 2], [1, 0, 2]]))
        ((0, 1), (2,))
    """
    orbits = (tuple(sorted({int(f) for f in column})) for column in group.T)
    return tuple(dict.fromkeys(orbits))


def monomial_orbits(group: IntArray, features: Sequence[int], degree: int) -> list[Orbit]:
    """Return the orbits of all monomials of one degree, those of fewer features first.

    Args:
        group: Permutations of the features, ``(n_permutations, n_features)``.
        features: The features that occur, a union of orbits.
        degree: How many are multiplied.
    """
    seen: set[Monomial] = set()
    orbits = []
    for monomial in itertools.combinations_with_replacement(sorted(features), degree):
        if monomial not in seen:
            images = np.unique(np.sort(group[:, monomial], axis=1), axis=0)
            orbit = tuple(tuple(image) for image in images.tolist())
            seen.update(orbit)
            orbits.append(orbit)
    return sorted(orbits, key=lambda orbit: (len(set(orbit[0])), orbit[0]))


def n_monomials(n_features: int, degree: int) -> int:
    """Return the number of monomials of degree 1 to ``degree``."""
    return math.comb(n_features + degree, degree) - 1


def generators(group: IntArray, degree: int) -> list[Orbit]:
    """Return invariants of centred features up to a degree that are no polynomials of others.

    Centred features are those minus the mean of their orbit; together with these means the result
    generates every invariant polynomial of the features up to that degree.

    Args:
        group: Permutations of the features, ``(n_permutations, n_features)``.
        degree: Largest degree.

    Returns:
        Orbits of degree 2 and above, ascending.
    """
    orbits = feature_orbits(group)
    features = [f for orbit in orbits if len(orbit) > 1 for f in orbit]
    found: list[Orbit] = []
    for order in range(2, degree + 1):
        candidates = monomial_orbits(group, features, order)
        points = _centred_points(orbits, group.shape[1], len(candidates) + 8)
        values = [_sum_over(orbit, points) for orbit in found]
        basis = _Rows()
        for factors in _partitions([len(orbit[0]) for orbit in found], order):
            basis.add(_product([values[k] for k in factors], len(points)))
        found += [orbit for orbit in candidates if basis.add(_sum_over(orbit, points))]
    return found


def _centred_points(orbits: Sequence[Sequence[int]], n_features: int, n_points: int) -> IntArray:
    """Return points in general position, features times their orbit's size minus its sum."""
    points = np.random.default_rng(0).integers(1, PRIME, (n_points, n_features))
    for orbit in orbits:
        own = points[:, orbit]
        points[:, orbit] = (own * len(orbit) - own.sum(axis=1, keepdims=True)) % PRIME
    return points


def _sum_over(orbit: Orbit, points: IntArray) -> IntArray:
    total = np.zeros(len(points), dtype=np.int64)
    for monomial in orbit:
        total += _product([points[:, f] for f in monomial], len(points))
    return total % PRIME


def _product(factors: Sequence[IntArray], n_points: int) -> IntArray:
    product = np.ones(n_points, dtype=np.int64)
    for factor in factors:
        product = product * factor % PRIME
    return product


def _partitions(degrees: Sequence[int], total: int, first: int = 0) -> Iterator[tuple[int, ...]]:
    """Yield the choices of generators, with repetition, whose degrees add up to ``total``."""
    if total == 0:
        yield ()
    for k in range(first, len(degrees)):
        if degrees[k] <= total:
            for rest in _partitions(degrees, total - degrees[k], k):
                yield (k, *rest)


class _Rows:
    """Independent rows over the integers modulo ``PRIME``, each with a 1 where it begins."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, IntArray]] = []

    def add(self, row: IntArray) -> bool:
        """Return whether the row is independent of those before, and keep it if so."""
        for pivot, known in self._rows:
            row = (row - row[pivot] * known) % PRIME
        places = np.flatnonzero(row)
        if len(places) == 0:
            return False
        pivot = int(places[0])
        self._rows.append((pivot, row * pow(int(row[pivot]), -1, PRIME) % PRIME))
        return True
