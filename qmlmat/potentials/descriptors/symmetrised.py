"""Invariant polynomials of another descriptor's features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

import torch

from qmlmat.errors import InputError, nearest
from qmlmat.potentials.descriptors.base import Descriptor
from qmlmat.potentials.descriptors.invariants import (
    Orbit,
    feature_orbits,
    generators,
    monomial_orbits,
    n_monomials,
)

Polynomials: TypeAlias = Literal["fundamental", "all"]
"""Which invariant polynomials are features."""

MAX_MONOMIALS: Final = 50_000
"""Most monomials that are looked through; beyond, the list takes longer than any fit."""


class Symmetrised(Descriptor):
    """Polynomials of a descriptor's features that know no order of equal atoms.

    Monomials are averaged over the permutations of equal atoms. ``"fundamental"`` keeps those
    that are no polynomials of others: first the mean of each set of exchangeable features, then
    means of products of deviations from it. Of the distances of water these are the mean of the
    two bonds, the third side, and the square of half the bonds' difference. They are what a network
    needs. ``"all"`` is every averaged monomial of the features themselves, what a fit that is
    linear in them needs.

    Smooth wherever the descriptor is. To degree 5 the fundamental invariants of distances tell
    apart all inequivalent geometries of up to four atoms, and of A4B: up to degree 9 (A4B: 8)
    nothing more appears. Larger molecules are told apart except on special sets.

    Args:
        descriptor: Whose features these are polynomials of.
        degree: Largest degree. Degrees at which nothing new appears add nothing.
        polynomials: ``"fundamental"`` or ``"all"``.

    Raises:
        InputError: If the features belong to atoms or are no permutations of each other, the
            degree is not a whole number above 0, or there would be too many monomials.

    References:
        B. J. Braams, J. M. Bowman, Int. Rev. Phys. Chem. 28, 577 (2009),
        doi:10.1080/01442350903234923. K. Shao, J. Chen, Z. Zhao, D. H. Zhang, J. Chem. Phys. 145,
        071101 (2016), doi:10.1063/1.4961454 (fundamental invariants).

    Example:
        >>> from qmlmat.potentials.descriptors import Distances
        >>> Symmetrised(Distances(("O", "H", "H"))).names
        ('<r(O0-H1)>', 'r(H1-H2)', '<Δr(O0-H1)^2>')
    """

    _means: torch.Tensor
    _orbit_of: torch.Tensor
    _factors: torch.Tensor
    _average: torch.Tensor

    def __init__(
        self, descriptor: Descriptor, degree: int = 5, polynomials: Polynomials = "fundamental"
    ) -> None:
        super().__init__(descriptor.symbols)
        self.descriptor, self.degree, self.polynomials = descriptor, degree, polynomials
        _check(descriptor, degree, polynomials)
        group = descriptor.feature_permutations().numpy()
        n_features = descriptor.n_features
        orbits = feature_orbits(group)
        # What is multiplied: the features, then the centred ones, then the number 1.
        chosen: list[Orbit] = [tuple((f,) for f in orbit) for orbit in orbits]
        if polynomials == "fundamental":
            chosen += [
                tuple(tuple(n_features + f for f in monomial) for monomial in orbit)
                for orbit in generators(group, degree)
            ]
        else:
            for order in range(2, degree + 1):
                chosen += monomial_orbits(group, range(n_features), order)
        self._set_buffers(orbits, chosen)
        self._names = tuple(self._name(orbit) for orbit in chosen)

    def _set_buffers(self, orbits: Sequence[Sequence[int]], chosen: Sequence[Orbit]) -> None:
        n_features = self.descriptor.n_features
        means = torch.zeros(len(orbits), n_features, dtype=torch.float64)
        orbit_of = torch.zeros(n_features, dtype=torch.int64)
        for row, orbit in enumerate(orbits):
            means[row, list(orbit)] = 1.0 / len(orbit)
            orbit_of[list(orbit)] = row
        monomials = [monomial for orbit in chosen for monomial in orbit]
        longest = max(len(monomial) for monomial in monomials)
        one = (2 * n_features,)
        padded = [monomial + one * (longest - len(monomial)) for monomial in monomials]
        average = torch.zeros(len(monomials), len(chosen), dtype=torch.float64)
        start = 0
        for column, members in enumerate(chosen):
            average[start : start + len(members), column] = 1.0 / len(members)
            start += len(members)
        self.register_buffer("_means", means, persistent=False)
        self.register_buffer("_orbit_of", orbit_of, persistent=False)
        self.register_buffer("_factors", torch.tensor(padded).T.contiguous(), persistent=False)
        self.register_buffer("_average", average, persistent=False)

    def _name(self, orbit: Orbit) -> str:
        own = self.descriptor.names
        words = [*own, *(f"Δ{name}" for name in own)]
        powers = Counter(orbit[0])
        text = " ".join(
            words[f] + (f"^{power}" if power > 1 else "") for f, power in powers.items()
        )
        return f"<{text}>" if len(orbit) > 1 else text

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features; ``<>`` is the mean over permutations, Δ a deviation from it."""
        return self._names

    def features(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the invariant polynomials, ``(B, n_features)``."""
        plain = self.descriptor(positions)
        means = plain @ self._means.to(plain.dtype).T
        variables = torch.cat(
            [plain, plain - means[:, self._orbit_of], torch.ones_like(plain[:, :1])], dim=1
        )
        products = variables[:, self._factors[0]]
        for factor in self._factors[1:]:  # prod() has a costly second derivative
            products = products * variables[:, factor]
        return products @ self._average.to(plain.dtype)

    def feature_order(self, order: Sequence[int]) -> tuple[int, ...]:  # noqa: ARG002 (invariant)
        """Return that the features stay where they are."""
        return tuple(range(self.n_features))

    def settings(self) -> dict[str, Any]:
        """Return the descriptor's configuration, the degree, and which polynomials."""
        return {
            "descriptor": self.descriptor.config(),
            "degree": self.degree,
            "polynomials": self.polynomials,
        }

    @classmethod
    def from_settings(cls, symbols: Sequence[str], settings: Mapping[str, Any]) -> Symmetrised:
        """Return the descriptor of these settings; the symbols are those of what is inside."""
        remaining = dict(settings)
        inner = Descriptor.from_config(remaining.pop("descriptor"))
        if inner.symbols != tuple(symbols):
            raise InputError(
                f"Symmetrised.from_config(symbols={tuple(symbols)}): the descriptor inside has "
                f"{inner.symbols}. Give both the same symbols."
            )
        return cls(inner, **remaining)


def _check(descriptor: Descriptor, degree: int, polynomials: str) -> None:
    if polynomials not in get_args(Polynomials):
        raise InputError(
            f'Symmetrised(polynomials="{polynomials}"): not known. '
            f"{nearest(str(polynomials), get_args(Polynomials))}"
        )
    if type(degree) is not int or degree < 1:
        raise InputError(
            f"Symmetrised(degree={degree!r}): polynomials have a whole degree of at least 1. Use 5 "
            "for up to five atoms, less for more."
        )
    n_products = n_monomials(descriptor.n_features, degree)
    if n_products > MAX_MONOMIALS:
        raise InputError(
            f"Symmetrised(degree={degree}): {descriptor.n_features} features have {n_products} "
            f"monomials up to this degree; at most {MAX_MONOMIALS}. Use a lower degree, or "
            "BehlerParrinello for a large molecule."
        )
