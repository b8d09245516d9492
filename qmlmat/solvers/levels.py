"""What a solution says of its states: irreps, configurations, and the exact levels beside them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

import numpy as np

from qmlmat.operators.spin_basis import sector_spins
from qmlmat.solvers.base import LEVEL_WIDTH, Solution
from qmlmat.systems import MolecularHamiltonian
from qmlmat.systems.blocks import (
    SymmetrySpectrum,
    dominant_configurations,
    is_linear_irrep,
    state_irreps,
    symmetry_blocks,
    symmetry_states,
)
from qmlmat.typing import FloatArray
from qmlmat.units import hartree_to_ev

REFERENCE_DIMENSION: Final = 100_000
"""Largest sector whose exact lowest energy is computed beside every solution."""

LEVELS_DIMENSION: Final = 20_000
"""Largest sector whose exact levels are computed beside the states found."""

Key = tuple[int, str]
"""A multiplicity and an irrep."""


def with_levels(
    found: Solution,
    hamiltonian: MolecularHamiltonian,
    *,
    multiplicity: int | None = None,
    irrep: str | None = None,
) -> Solution:
    """Return a solution of several states with irreps, configurations and exact levels.

    Args:
        found: What a solver found.
        hamiltonian: The Hamiltonian.
        multiplicity: What the solver was asked for; ``None``: any.
        irrep: What the solver was asked for; ``None``: any.
    """
    states = found.states
    if states is None and found.spin_squares is None:
        return found
    if states is not None:  # else measured: of known spins, and no more
        found = replace(found, configurations=dominant_configurations(states, hamiltonian.sector))
        if found.reference_energies is not None:  # exact states
            return found
        found = replace(found, irreps=state_irreps(hamiltonian, states))
    if hamiltonian.dimension > LEVELS_DIMENSION:
        note = f"No exact levels: the sector has {hamiltonian.dimension} determinants."
        found = replace(found, notes=(*found.notes, note))
        if (multiplicity, irrep) == (None, None) or hamiltonian.dimension > REFERENCE_DIMENSION:
            return found
        lowest = symmetry_states(hamiltonian, 1, multiplicity=multiplicity, irrep=irrep)
        return replace(found, reference_energy=float(lowest.energies[0]))
    blocks = symmetry_blocks(hamiltonian, multiplicity=multiplicity, irrep=irrep)
    finer = is_linear_irrep(hamiltonian.point_group, irrep)
    n_more = found.n_states + (0 if finer else 1)
    n_exact = min(n_more, sum(block.size for block in blocks))
    exact = symmetry_states(hamiltonian, n_exact, multiplicity=multiplicity, irrep=irrep)
    energies = _matched(found, hamiltonian, exact)
    notes = cut_notes(exact, found.n_states)
    if states is not None:
        notes += _missing(found, exact, energies)
    return replace(
        found,
        reference_energy=float(exact.energies[0]),
        reference_energies=energies,
        notes=(*found.notes, *notes),
    )


def _keys(found: Solution) -> list[Key | None]:
    """Return each state's multiplicity and irrep; ``None`` where one is not definite."""
    spins = found.multiplicities or (None,) * found.n_states
    irreps = found.irreps or ("any",) * found.n_states
    return [
        None if spin is None or not irrep else (spin, "" if found.irreps is None else irrep)
        for spin, irrep in zip(spins, irreps, strict=True)
    ]


def _exact_keys(exact: SymmetrySpectrum) -> list[Key]:
    names = exact.irreps or ("",) * len(exact.spins)
    return [(spin + 1, name) for spin, name in zip(exact.spins, names, strict=True)]


def _matched(
    found: Solution, hamiltonian: MolecularHamiltonian, exact: SymmetrySpectrum
) -> FloatArray:
    """Return the exact energy for each state: the n-th of its kind for the n-th of its kind."""
    energies = np.full(found.n_states, np.nan)
    keys, known = _keys(found), _exact_keys(exact)
    spins = sector_spins(hamiltonian.sector)
    for key in set(keys) - {None}:
        assert key is not None
        if key[0] - 1 not in spins:
            continue  # a mixture whose <S^2> happens to look pure
        places = [k for k, other in enumerate(keys) if other == key]
        levels = [e for e, other in zip(exact.energies, known, strict=True) if other == key]
        if len(levels) < len(places):
            multiplicity, irrep = key
            more = symmetry_states(
                hamiltonian, len(places), multiplicity=multiplicity, irrep=irrep or None
            )
            levels = more.energies.tolist()
        energies[places] = levels[: len(places)]
    return energies


def cut_notes(exact: SymmetrySpectrum, n_states: int) -> tuple[str, ...]:
    """Return a note where the states asked for are part of a degenerate level."""
    if len(exact.energies) <= n_states:
        return ()
    if exact.energies[n_states] - exact.energies[n_states - 1] > LEVEL_WIDTH:
        return ()
    return (
        f"n_states={n_states} cuts a degenerate level: the next exact state has the energy of "
        "the last one. Ask for one more, or one fewer, to have whole levels.",
    )


def _missing(found: Solution, exact: SymmetrySpectrum, matched: FloatArray) -> tuple[str, ...]:
    """Return a note that names the exact levels that were not found."""
    n_states = found.n_states
    keys = _keys(found)
    if None in keys:
        return ()
    names, energies = _exact_keys(exact)[:n_states], exact.energies[:n_states]
    in_last = energies[-1] - LEVEL_WIDTH
    if np.count_nonzero(np.abs(matched - energies[-1]) < LEVEL_WIDTH) < (energies >= in_last).sum():
        in_last = np.inf  # else of the last level any part will do
    left = Counter(key for key in keys if key is not None)
    missing = []
    for key, energy in zip(names, energies, strict=True):
        if left[key]:
            left[key] -= 1
            continue
        if energy >= in_last:
            continue
        above = hartree_to_ev(float(energy - energies[0]))
        missing.append(f"{key[0]} {key[1]}".strip() + f" at {above:.3f} eV")
    if not missing:
        return ()
    return (f"Exact states below the last one that were not found: {', '.join(missing)}.",)
