"""Unit conversions, in one place: inside we use hartree (eV for bands), ångström and radians.

References:
    CODATA 2022 recommended values, https://physics.nist.gov/constants (retrieved 2026-11).
"""

from __future__ import annotations

from typing import Final, Literal

Unit = Literal["hartree", "eV"]
"""Energy units a result can carry."""

HARTREE_IN_EV: Final = 27.211386245981
"""One hartree (eV)."""

BOHR_IN_ANGSTROM: Final = 0.529177210544
"""One bohr (Å)."""

HARTREE_IN_MILLIHARTREE: Final = 1e3
"""One hartree (mHa)."""

HARTREE_IN_WAVENUMBER: Final = 219474.63136314
"""One hartree over ``h c`` (cm-1)."""

ELECTRON_MASS_IN_U: Final = 5.485799090441e-4
"""Mass of the electron, the unit of mass of atomic units (unified atomic mass units, u)."""

DIPOLE_IN_DEBYE: Final = 2.541746473
"""One atomic unit of the electric dipole moment, e a0 (debye)."""

FINE_STRUCTURE: Final = 7.2973525643e-3
"""The fine-structure constant."""

AVOGADRO: Final = 6.02214076e23
"""Avogadro's constant, exact (1/mol)."""

EV_NANOMETRE: Final = 1239.8419843320026
"""``h c``, exact: a photon's energy times its wavelength (eV nm)."""

CHEMICAL_ACCURACY: Final = 1.593601437e-3
"""One kcal/mol (hartree): the error chemists call "chemical accuracy"."""


def milli(unit: Unit) -> str:
    """Return what a thousandth of a unit is called, for messages.

    Example:
        >>> milli("hartree"), milli("eV")
        ('mHa', 'meV')
    """
    return "mHa" if unit == "hartree" else f"m{unit}"


def hartree_to_ev(energy: float) -> float:
    """Return an energy in eV.

    Args:
        energy: Energy (hartree).

    Example:
        >>> round(hartree_to_ev(1.0), 6)
        27.211386
    """
    return energy * HARTREE_IN_EV


def ev_to_hartree(energy: float) -> float:
    """Return an energy in hartree.

    Args:
        energy: Energy (eV).

    Example:
        >>> round(ev_to_hartree(hartree_to_ev(-1.5)), 12)
        -1.5
    """
    return energy / HARTREE_IN_EV
