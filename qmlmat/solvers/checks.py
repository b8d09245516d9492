"""Checks of an answer against the exact energy, for molecules and models alike."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Final

import numpy as np

from qmlmat.errors import InputError, QmlmatWarning, VariationalError
from qmlmat.solvers.base import Solution
from qmlmat.units import milli

VARIATIONAL_TOLERANCE: Final = 1e-8
"""How far below exact rounding may take an exact-backend energy (unit of the Hamiltonian)."""

UNLIKELY: Final = 5.0
"""Standard errors by which a measured energy may lie below the exact one."""


def check_seed(seed: int | None) -> None:
    """Raise unless a seed is one that numpy takes.

    Raises:
        InputError: If it is negative or no whole number.
    """
    if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
        raise InputError(
            f"solve(seed={seed!r}): a seed is a whole number from 0 on. Use one, or None."
        )


def noted(found: Solution, note: str, *, warn: bool = False) -> Solution:
    """Return a solution with one more note, which may be a warning, too."""
    if warn:
        warnings.warn(note, QmlmatWarning, stacklevel=4)
    return replace(found, notes=(*found.notes, note))


def with_luck(found: Solution) -> Solution:
    """Say where a measured energy lies further below the exact one than its error bar explains."""
    assert found.stderr is not None
    below = 0.0 if found.error is None else -found.error
    bar = float(found.stderr[0])
    if below <= UNLIKELY * bar + VARIATIONAL_TOLERANCE:
        return found
    small = milli(found.unit)
    return noted(
        found,
        f"The measured energy is {1e3 * below:.3f} {small} below the exact one, more than "
        f"{UNLIKELY:g} standard errors ({1e3 * bar:.3f} {small}): noise of the device or a "
        "mitigation that overshoots, not the circuit.",
        warn=True,
    )


def check_variational(found: Solution) -> None:
    """Raise where an exact energy is below the exact ground state.

    Raises:
        VariationalError: With the solution.
    """
    error = found.error
    if error is not None and error < -VARIATIONAL_TOLERANCE:
        raise VariationalError(
            f"solve: the energy {found.energy:.10f} {found.unit} is {-error:.2e} below the exact "
            f"ground state {found.reference_energy:.10f}. This cannot be: please report it. "
            "The result is kept in the error's .solution.",
            found,
        )
