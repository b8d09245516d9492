"""A diatomic's curve at the door: checked, failed points left out, in hartree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.errors import InputError
from qmlmat.systems.elements import isotope_mass
from qmlmat.typing import FloatArray
from qmlmat.units import ELECTRON_MASS_IN_U, Unit, ev_to_hartree

Atom: TypeAlias = str | float
"""A symbol, which stands for the most common isotope, or a mass (unified atomic mass units, u)."""

FEWEST_POINTS: Final = 6
"""Points that a curve needs: a quartic, which fourth derivatives take, and one to judge it by."""


@dataclass(frozen=True, kw_only=True)
class DiatomicCurve:
    """A potential energy curve, ascending in length, with a minimum inside, without gaps."""

    lengths: FloatArray
    """Bond lengths, ``(n_points,)`` (Å)."""
    energies: FloatArray
    """Energies, ``(n_points,)`` (hartree)."""
    mass: float
    """Reduced mass (electron masses)."""
    call: str
    """Who asks, for messages."""


def diatomic_curve(
    call: str, lengths: ArrayLike, energies: ArrayLike, atoms: tuple[Atom, Atom], unit: Unit
) -> DiatomicCurve:
    """Return the points that can be used of a scan: those with a finite energy.

    Args:
        call: Name of the calling function, for messages.
        lengths: Bond lengths, ascending, ``(n_points,)`` (Å).
        energies: Energies, ``(n_points,)`` (``unit``); NaN where a point failed.
        atoms: Both atoms, as symbols or masses (u).
        unit: Unit of the energies.

    Raises:
        InputError: If shapes, order, masses or unit are wrong, if fewer than six points are left,
            or if the lowest of them is the first or the last.
    """
    if unit not in get_args(Unit):
        raise InputError(f'{call}(unit={unit!r}): known units are "hartree" and "eV". Use one.')
    r, e = (np.asarray(values, dtype=np.float64) for values in (lengths, energies))
    if r.ndim != 1 or r.shape != e.shape:
        raise InputError(
            f"{call}(lengths of shape {r.shape}, energies of shape {e.shape}): a curve is one "
            "energy per length. Give two arrays of the same shape (n_points,)."
        )
    if not (np.isfinite(r).all() and (r > 0).all() and (np.diff(r) > 0).all()):
        raise InputError(
            f"{call}(lengths={r}): bond lengths are positive and ascending, each once. Sort the "
            "points and drop the duplicates."
        )
    kept = np.isfinite(e)
    r, e = r[kept], e[kept]
    if len(r) < FEWEST_POINTS:
        raise InputError(
            f"{call}(lengths, energies): {len(r)} points have an energy, a fit takes at least "
            f"{FEWEST_POINTS}. Compute more points around the minimum."
        )
    if np.argmin(e) in (0, len(e) - 1):
        raise InputError(
            f"{call}(lengths from {r[0]:g} to {r[-1]:g} Å): the lowest energy is at the end, "
            f"{r[np.argmin(e)]:g} Å, so no minimum lies inside. Extend the scan beyond it."
        )
    energy = ev_to_hartree(1.0) * e if unit == "eV" else e
    return DiatomicCurve(lengths=r, energies=energy, mass=reduced_mass(call, atoms), call=call)


def reduced_mass(call: str, atoms: tuple[Atom, Atom]) -> float:
    """Return ``m1 m2 / (m1 + m2)`` (electron masses).

    Args:
        call: Name of the calling function, for messages.
        atoms: Both atoms, as symbols or masses (u).

    Raises:
        InputError: If there are not two atoms, or a mass is not positive.
        GeometryError: If a symbol is no element.
    """
    if isinstance(atoms, str) or len(atoms) != 2:
        raise InputError(
            f'{call}(atoms={atoms!r}): a diatomic has two atoms. Give a pair such as ("Li", "H") '
            "or masses (7.016004, 1.007825)."
        )
    masses = [isotope_mass(a) if isinstance(a, str) else float(a) for a in atoms]
    if not all(np.isfinite(m) and m > 0 for m in masses):
        raise InputError(
            f"{call}(atoms={atoms!r}): masses are positive numbers, in unified atomic mass units. "
            "Give symbols to take the most common isotopes."
        )
    return masses[0] * masses[1] / (masses[0] + masses[1]) / ELECTRON_MASS_IN_U
