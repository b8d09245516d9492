"""What conserving gates are made of: phases of occupied wires, and electrons that change places."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from qmlmat.typing import FloatArray

NEGLIGIBLE: Final = 1e-15
"""Rates and angles up to it are rounding."""


class Phase(NamedTuple):
    """``exp(i angle N)`` with ``N`` the product of occupations of some wires; 1 for no wires."""

    wires: tuple[int, ...]
    """The wires, in ascending order."""


class Transfer(NamedTuple):
    """``exp(angle Z (T - T†))``, or ``exp(i angle Z (T + T†))``.

    ``T`` empties the sources and fills the targets where all sources are occupied and all targets
    are not; there are no signs of fermions but those that ``Z``, a product of Pauli Z, gives.
    """

    sources: tuple[int, ...]
    """Wires that ``T`` empties."""
    targets: tuple[int, ...]
    """Wires that ``T`` fills, as many."""
    parity: tuple[int, ...] = ()
    """Wires of ``Z``; none of them is a source or target."""
    symmetric: bool = False
    """Whether the gate is ``exp(i angle Z (T + T†))``."""


Generator = Phase | Transfer


class Step(NamedTuple):
    """One generator of a gate, and how its angle follows from the gate's."""

    generator: Generator
    """The generator."""
    rate: float
    """Its angle by the gate's angle."""
    offset: float = 0.0
    """Its angle where the gate's is zero (radians)."""
    which: int = 0
    """Which of the gate's angles, where it has several."""


def diagonal_steps(
    wires: Sequence[int],
    rates: FloatArray,
    offsets: FloatArray | None = None,
    which: int = 0,
) -> tuple[Step, ...]:
    """Return a gate that turns each basis state of some wires by a phase of its own.

    The phases are a polynomial in the occupations; its coefficients are sums over the subsets of
    the occupied wires.

    Args:
        wires: The wires, first the highest bit of a state's number.
        rates: Each state's phase by the gate's angle, shape ``(2**n_wires,)``.
        offsets: Each state's phase where the angle is zero (radians); zeros by default.
        which: Which of the gate's angles.
    """
    slopes = _polynomial(rates)
    starts = np.zeros_like(slopes) if offsets is None else _polynomial(offsets)
    steps = []
    for size in range(len(wires) + 1):
        for chosen in combinations(range(len(wires)), size):
            number = sum(1 << (len(wires) - 1 - k) for k in chosen)
            rate, start = float(slopes[number]), float(starts[number])
            if max(abs(rate), abs(start)) > NEGLIGIBLE:
                occupied = tuple(sorted(wires[k] for k in chosen))
                steps.append(Step(Phase(occupied), rate, start, which))
    return tuple(steps)


def _polynomial(phases: FloatArray) -> FloatArray:
    """Return the coefficients of the products of occupations, numbered as the states."""
    coefficients = np.array(phases, dtype=np.float64)
    for bit in range(len(coefficients).bit_length() - 1):
        pairs = coefficients.reshape(-1, 2, 1 << bit)
        pairs[:, 1] -= pairs[:, 0]
    return coefficients


def inverse_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the inverse gate's steps."""
    return tuple(s._replace(rate=-s.rate, offset=-s.offset) for s in reversed(steps))


def controlled_steps(
    steps: Sequence[Step], controls: Sequence[int], values: Sequence[bool]
) -> tuple[Step, ...]:
    """Return a gate's steps where control wires have given values, and nothing elsewhere.

    A wire's occupation is ``(1 - Z) / 2``: a controlled transfer is half the transfer, and half of
    it with the other sign where the wire is occupied. What comes of one step commutes.

    Args:
        steps: The gate's steps; none touches a control.
        controls: The control wires.
        values: Whether each is to be occupied.
    """
    found = list(steps)
    for wire, value in zip(controls, values, strict=True):
        found = [part for step in found for part in _controlled(step, wire, value=value)]
    return tuple(found)


def _controlled(step: Step, wire: int, *, value: bool) -> list[Step]:
    generator = step.generator
    if isinstance(generator, Phase):
        occupied = step._replace(generator=Phase(tuple(sorted((*generator.wires, wire)))))
        return [occupied] if value else [step, *inverse_steps([occupied])]
    half = step._replace(rate=step.rate / 2, offset=step.offset / 2)
    turned = half._replace(generator=generator._replace(parity=(*generator.parity, wire)))
    return [half, *(inverse_steps([turned]) if value else [turned])]


@lru_cache(maxsize=64)
def string_rates(n_wires: int) -> FloatArray:
    """Return the eigenvalues of a product of Pauli Z on all wires, shape ``(2**n_wires,)``."""
    odd = np.bitwise_count(np.arange(1 << n_wires)) & 1
    signs = np.asarray(1.0 - 2.0 * odd, dtype=np.float64)
    signs.flags.writeable = False
    return signs


def indicator(n_wires: int, *states: str) -> FloatArray:
    """Return 1 for the basis states named by their bits, 0 for the others."""
    rates = np.zeros(1 << n_wires)
    rates[[int(bits, 2) for bits in states]] = 1.0
    return rates
