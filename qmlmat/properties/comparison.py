"""How far the properties of approximate states are from the exact ones, beside the infidelity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.errors import InputError
from qmlmat.properties.absorption import AbsorptionSpectrum
from qmlmat.properties.states import StateProperties
from qmlmat.typing import FloatArray

SAME_ORBITALS: Final = 1e-6
"""Largest difference of coefficients of orbitals that count as the same."""


@dataclass(frozen=True, kw_only=True)
class PropertyErrors:
    """Errors of one level of an approximate spectrum."""

    states: tuple[int, ...]
    """Numbers of the level's states in the approximate solution."""
    exact_states: tuple[int, ...]
    """Numbers of the states of the exact level that holds most of them."""
    infidelity: float
    """``1 - sum_k |<exact_k|state>|^2`` over the exact level, the largest of the level's states."""
    dipole: float
    """Length of the difference of the dipole moments, averaged over each level (e a0)."""
    energy: float
    """Excitation energy above the exact one (eV); 0 for the initial level of both."""
    oscillator_strength: float
    """Oscillator strength above the exact one; 0 for the initial level of both."""


def property_errors(
    found: AbsorptionSpectrum, exact: AbsorptionSpectrum
) -> tuple[PropertyErrors, ...]:
    """Return the errors of each level's properties beside its infidelity, initial level first.

    Of a level that is stationary the energy's error is of the order of the infidelity, a
    property's of its square root: a spectrum may have good energies and poor strengths. Each level
    is compared with the exact one that it overlaps with most, whatever its place in the order.

    Args:
        found: A spectrum from approximate states.
        exact: That of ``Exact()`` in the same orbitals, with enough states to hold those of
            ``found``.

    Raises:
        InputError: If the two are in different orbitals.
    """
    shares = _shares(found.properties, exact.properties)
    levels = [found.initial, *(line.states for line in found.transitions)]
    partners = [exact.initial, *(line.states for line in exact.transitions)]
    lines, exact_lines = _lines(found), _lines(exact)
    rows = []
    for level in levels:
        held = [shares[np.ix_(level, partner)].sum(axis=1) for partner in partners]
        best = int(np.argmax([part.mean() for part in held]))
        partner = partners[best]
        energy, strength = np.subtract(lines[level], exact_lines[partner])
        dipole = _mean_dipole(found, level) - _mean_dipole(exact, partner)
        rows.append(
            PropertyErrors(
                states=level,
                exact_states=partner,
                infidelity=float(max(1 - held[best].min(), 0.0)),
                dipole=float(np.linalg.norm(dipole)),
                energy=float(energy),
                oscillator_strength=float(strength),
            )
        )
    return tuple(rows)


def _lines(spectrum: AbsorptionSpectrum) -> dict[tuple[int, ...], tuple[float, float]]:
    """Return energy (eV) and strength of each level's line; the initial level has none."""
    found = {one.states: (one.energy, one.oscillator_strength) for one in spectrum.transitions}
    return found | {spectrum.initial: (0.0, 0.0)}


def _mean_dipole(spectrum: AbsorptionSpectrum, level: tuple[int, ...]) -> FloatArray:
    mean: FloatArray = spectrum.properties.dipoles[list(level)].mean(axis=0)
    return mean


def _shares(found: StateProperties, exact: StateProperties) -> FloatArray:
    """Return ``|<exact_k|state>|^2``, shape ``(n_states, n_exact)``."""
    one, other = found.orbitals.active, exact.orbitals.active
    states, basis = found.solution.states, exact.solution.states
    fits = one.shape == other.shape and np.allclose(one, other, rtol=0, atol=SAME_ORBITALS)
    if not fits or found.orbitals.nelec != exact.orbitals.nelec or not states or not basis:
        raise InputError(
            "property_errors: the two spectra are in different orbitals, where overlaps of states "
            "mean nothing. Compute both with one molecule, active space and Hamiltonian."
        )
    return np.array([[abs(np.vdot(k, s)) ** 2 / np.vdot(s, s).real for k in basis] for s in states])
