"""Which parameters of a circuit leave ``S^2`` exactly alone: singlet generators, in a product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from qmlmat.ansatz import Circuit, Excitation, Gate, NumberProduct
from qmlmat.typing import BoolArray

SpinOrbital = tuple[int, int]
"""An orbital and a spin, 0 for alpha and 1 for beta."""

LadderString = tuple[complex, list[SpinOrbital], list[SpinOrbital]]
"""A factor, what is created and what is annihilated: all creators stand before all annihilators."""


def singlet_params(circuit: Circuit) -> BoolArray:
    """Return which parameters leave ``S^2`` exactly alone, as they act in the circuit.

    A parameter does if the sum of its scaled generators is spin-free, and if its gates make the
    exponential of that sum: they commute with each other, and with those parameters' gates that
    stand between them. Parameters that fail are taken out first, and stand between nothing.
    Where all electrons or holes have the same spin, ``S^2`` is a number and everything passes.

    Args:
        circuit: A circuit, or a pool with one parameter for each element.

    Returns:
        Mask, shape ``(n_params,)``.
    """
    if min(circuit.nelec) == 0 or max(circuit.nelec) == circuit.norb:
        return np.ones(circuit.n_params, dtype=bool)
    passed = np.array([_is_singlet(gates) for gates in circuit.elements()], dtype=bool)
    remaining = [gate for gate in circuit.gates if passed[gate.param]]
    while remaining:
        param, between = remaining[0].param, list[Gate]()
        for gate in remaining:
            if gate.param != param:
                between.append(gate)
            elif not all(_commute(gate, other) for other in between):
                passed[param] = False
                break
        remaining = [gate for gate in remaining if gate.param != param]
    return passed


def _is_singlet(gates: Sequence[Gate]) -> bool:
    """Return whether gates commute and their summed generators are a spin scalar.

    ``[S_+, A] = 0`` suffices where ``A`` is anti-Hermitian and conserves both numbers of
    electrons. The commutator replaces ``a†_beta`` by ``a†_alpha`` and ``a_alpha`` by ``-a_beta``,
    one factor at a time.
    """
    if not all(_commute(one, other) for one, other in combinations(gates, 2)):
        return False
    total: dict[tuple[tuple[SpinOrbital, ...], tuple[SpinOrbital, ...]], complex] = {}
    for gate in gates:
        for string in _ladder_strings(gate):
            for factor, created, annihilated in _raised(string):
                sign, key = 1, []
                for orbitals in (created, annihilated):
                    sign *= _sorting_sign(orbitals)
                    key.append(tuple(sorted(orbitals)))
                total[key[0], key[1]] = total.get((key[0], key[1]), 0) + sign * factor
    largest = max((abs(gate.scale) for gate in gates), default=0.0)
    # Scales are simple numbers; sums of a few of them are exact to rounding.
    return all(abs(value) <= 1e-12 * largest for value in total.values())


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
    """Return whether gates surely commute: alike, both numbers, or on disjoint spin orbitals."""
    pair = (one.generator, other.generator)
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
