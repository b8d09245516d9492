"""Which parameters of a circuit leave ``S^2`` exactly alone: singlet generators, in a product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from qmlmat.ansatz.circuit import Circuit, Gate
from qmlmat.ansatz.excitation import Excitation, NumberProduct, generator_kind
from qmlmat.typing import BoolArray

ROUNDING: Final = 1e-12
"""Sums of scales count as zero up to this times the largest."""

SpinOrbital = tuple[int, int]
"""An orbital and a spin, 0 for alpha and 1 for beta."""

LadderString = tuple[complex, list[SpinOrbital], list[SpinOrbital]]
"""A factor, what is created and what is annihilated: all creators stand before all annihilators."""


def singlet_params(circuit: Circuit) -> BoolArray:
    """Return which parameters leave ``S^2`` exactly alone, as they act in the circuit.

    A parameter does if its gates come in blocks that do: the scaled generators of a block add up
    to a spin-free operator, and its gates commute with each other and with all that stands between
    them, so that the block is the exponential of the sum. Parameters that fail for themselves are
    taken out first and stand between nothing. The test is sufficient, and blind to the sector:
    parameters that keep ``S^2`` only because one electron or hole of a spin is there may fail.
    Where all electrons or holes have the same spin, ``S^2`` is a number and everything passes.

    Args:
        circuit: A circuit, or a pool with one parameter for each element.

    Returns:
        Mask, shape ``(n_params,)``.
    """
    if min(circuit.nelec) == 0 or max(circuit.nelec) == circuit.norb:
        return np.ones(circuit.n_params, dtype=bool)
    unfit: set[int] = set()
    for gates in circuit.elements():
        unfit |= _unfit(gates)
    unfit |= _unfit([gate for gate in circuit.gates if gate.param not in unfit])
    return np.array([k not in unfit for k in range(circuit.n_params)], dtype=bool)


def _unfit(gates: Sequence[Gate]) -> set[int]:
    """Return the parameters whose gates do not come in spin-free blocks in this sequence."""
    unfit: set[int] = set()
    remaining = list(gates)
    while remaining:
        block = _first_block(remaining)
        if block:
            remaining = [gate for k, gate in enumerate(remaining) if k not in block]
        else:
            param = remaining[0].param
            unfit.add(param)
            remaining = [gate for gate in remaining if gate.param != param]
    return unfit


def _first_block(gates: Sequence[Gate]) -> set[int]:
    """Return where the gates stand that make the first gate spin-free; nothing if none do."""
    block: list[int] = []
    between: list[Gate] = []
    for k, gate in enumerate(gates):
        if gate.param != gates[0].param:
            between.append(gate)
            continue
        if not all(_commute(gate, other) for other in [*between, *(gates[m] for m in block)]):
            return set()
        block.append(k)
        if _is_spin_free([gates[m] for m in block]):
            return set(block)
    return set()


def _is_spin_free(gates: Sequence[Gate]) -> bool:
    """Return whether the sum ``A`` of the gates' scaled generators is a scalar under spin rotation.

    It is if ``[S_+, A] = 0``: ``A`` is anti-Hermitian and conserves both numbers of electrons.
    The commutator replaces ``a†_beta`` by ``a†_alpha`` and ``a_alpha`` by ``-a_beta``, one factor
    at a time; what is left are coefficients of independent strings. Qubit excitations are none.
    """
    if any(generator_kind(gate.generator) == "qubit" for gate in gates):
        return False
    total: dict[tuple[SpinOrbital, ...], complex] = {}
    for gate in gates:
        for string in _ladder_strings(gate):
            for factor, created, annihilated in _raised(string):
                sign = _sorting_sign(created) * _sorting_sign(annihilated)
                key = (*sorted(created), *sorted(annihilated))
                total[key] = total.get(key, 0) + sign * factor
    largest = max(abs(gate.scale) for gate in gates)
    return all(abs(value) <= ROUNDING * largest for value in total.values())


def _ladder_strings(gate: Gate) -> Iterator[LadderString]:
    """Yield the terms of a gate's scaled generator, ``T`` and ``-T†``, or ``i N``."""
    generator = gate.generator
    if isinstance(generator, NumberProduct):
        named = [(p, s) for s, part in enumerate((generator.alpha, generator.beta)) for p in part]
        # n_p n_q = a†_p a†_q a_q a_p: the annihilators in reverse, as below.
        yield 1j * gate.scale, named, named[::-1]
        return
    moves = [(m, s) for s, part in enumerate((generator.alpha, generator.beta)) for m in part]
    sources, targets = ([(m[k], s) for m, s in moves] for k in (0, 1))
    yield gate.scale, targets, sources[::-1]
    yield -gate.scale, sources, targets[::-1]


def _raised(string: LadderString) -> Iterator[LadderString]:
    """Yield the terms of ``[S_+, string]``; those that vanish are left out."""
    factor, created, annihilated = string
    for k, (p, spin) in enumerate(created):
        if spin == 1 and (p, 0) not in created:
            yield factor, [*created[:k], (p, 0), *created[k + 1 :]], annihilated
    for k, (p, spin) in enumerate(annihilated):
        if spin == 0 and (p, 1) not in annihilated:
            yield -factor, created, [*annihilated[:k], (p, 1), *annihilated[k + 1 :]]


def _sorting_sign(orbitals: Sequence[SpinOrbital]) -> int:
    """Return the sign of the permutation that sorts anticommuting factors."""
    swaps = sum(first > second for first, second in combinations(orbitals, 2))
    return -1 if swaps % 2 else 1


def _commute(one: Gate, other: Gate) -> bool:
    """Return whether gates surely commute: alike, both numbers, or on disjoint spin orbitals.

    Disjoint is not enough for qubit excitations: fermions between count theirs.
    """
    pair = (one.generator, other.generator)
    if pair[0] != pair[1] and "qubit" in map(generator_kind, pair):
        return False
    if pair[0] == pair[1] or all(isinstance(g, NumberProduct) for g in pair):
        return True
    first, second = (_touched(g) for g in pair)
    return first.isdisjoint(second)


def _touched(generator: Excitation | NumberProduct) -> set[SpinOrbital]:
    """Return the spin orbitals a generator names."""
    found: set[SpinOrbital] = set()
    for spin, part in enumerate((generator.alpha, generator.beta)):
        found |= {(int(p), spin) for p in np.ravel(part)}
    return found
