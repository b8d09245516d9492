"""From a curve to the spectroscopic constants of a diatomic molecule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student_t

from qmlmat.errors import InputError
from qmlmat.properties.curve import Atom, DiatomicCurve, diatomic_curve
from qmlmat.properties.dunham import OgilvieFit, ogilvie_fit
from qmlmat.typing import FloatArray
from qmlmat.units import HARTREE_IN_WAVENUMBER, Unit, ev_to_hartree

WINDOW: Final = 0.35
"""Half-width of the fitted part of the curve, as a fraction of the bond length at the minimum."""
NEAREST: Final = 11
"""Points that are fitted at least, where the scan has them, however far apart they are."""
LOWEST_DEGREE: Final = 4
"""Smallest degree of the polynomial: the anharmonicity is made of fourth derivatives."""
HIGHEST_DEGREE: Final = 9
"""Largest degree: beyond, noise of 1e-9 hartree costs more than the polynomial gains."""
ONE_SIGMA: Final = 0.8413447460685429
"""Probability that a normal variable lies below its mean plus one standard deviation."""
PLATEAU: Final = 1e-4
"""Energy that may be missing to the asymptote where the curve ends, for ``D_e`` (hartree)."""
TAIL_POWER: Final = 6
"""Slowest approach of two neutral atoms to their asymptote, ``-C / r^6``."""


@dataclass(frozen=True, kw_only=True)
class SpectroscopicConstants:
    """Constants of a diatomic, each with the uncertainty of its fit, not of the energies."""

    r_e: float
    """Bond length at the minimum (Å)."""
    r_e_uncertainty: float
    """Uncertainty of ``r_e`` (Å)."""
    energy_min: float
    """Energy at the minimum (hartree)."""
    energy_min_uncertainty: float
    """Uncertainty of ``energy_min`` (hartree)."""
    omega_e: float
    """Harmonic wavenumber (cm-1)."""
    omega_e_uncertainty: float
    """Uncertainty of ``omega_e`` (cm-1)."""
    omega_e_x_e: float
    """First anharmonicity (cm-1)."""
    omega_e_x_e_uncertainty: float
    """Uncertainty of ``omega_e_x_e`` (cm-1)."""
    B_e: float
    """Rotational constant at the minimum (cm-1)."""
    B_e_uncertainty: float
    """Uncertainty of ``B_e`` (cm-1)."""
    alpha_e: float
    """Vibration-rotation coupling: ``B_v = B_e - alpha_e (v + 1/2)`` (cm-1)."""
    alpha_e_uncertainty: float
    """Uncertainty of ``alpha_e`` (cm-1)."""
    zero_point_energy: float
    """Zero-point energy above the minimum, to second order of anharmonicity (cm-1)."""
    D_e: float | None
    """Depth of the well below the asymptote (hartree); ``None`` where that is not known."""
    D_e_uncertainty: float | None
    """Uncertainty of ``D_e``, with the energy that the end of the curve may lack (hartree)."""
    D_0: float | None
    """Dissociation energy from the lowest level, ``D_e`` less the zero-point energy (hartree)."""
    degree: int
    """Degree of the fitted polynomial."""
    n_points: int
    """Number of points in the fit."""
    residual: float
    """Standard deviation of the fitted energies from the polynomial (hartree)."""
    notes: tuple[str, ...] = ()
    """What a reader should know: why ``D_e`` is missing, or how flat the curve ends."""


def spectroscopic_constants(
    lengths: ArrayLike,
    energies: ArrayLike,
    *,
    atoms: tuple[Atom, Atom],
    unit: Unit = "hartree",
    asymptote: float | None = None,
) -> SpectroscopicConstants:
    r"""Return the spectroscopic constants of a diatomic from points on its curve.

    A polynomial in Ogilvie and Tipping's ``z = 2 (r - r0) / (r + r0)`` is fitted to the points
    within 35 % of the lowest one, or the eleven nearest, by least squares. Its degree, 4 to 9, is
    the one of least generalised cross-validation, ``n RSS / (n - p)^2``. With the derivatives
    ``f_k`` at its minimum, in atomic units, Dunham's leading terms are::

        omega_e = sqrt(f_2 / mu)        a_1 = f_3 r_e / (3 f_2)
        B_e = 1 / (2 mu r_e^2)          a_2 = f_4 r_e^2 / (12 f_2)
        omega_e x_e = 3/2 B_e (5/4 a_1^2 - a_2)
        alpha_e = -6 B_e^2 / omega_e (1 + a_1)
        E_0 = omega_e / 2 - omega_e x_e / 4 + B_e / 8 (3 a_2 - 7/4 a_1^2)

    An uncertainty is the root of the summed squares of the fit's standard error and of the largest
    change with the next lower and higher degree. Of the errors on curves of H2 and LiH with noise
    of 0 to 1e-4 hartree, 73 to 94 % were below it, 90 to 99 % below twice and 95 to 100 % below
    three times it: where one or two points are to spare, noise that suits the fit may deceive it.

    How far to trust it: on curves of H2 and LiH without noise, with steps of 0.05 and 0.1 Å
    however aligned, ``r_e`` was good to 3e-6 Å, ``energy_min`` to 1e-7 hartree, ``omega_e`` to
    0.2 cm-1, ``B_e`` to 5e-4, ``omega_e x_e`` to 0.3 and ``alpha_e`` to 0.002 cm-1. Noise of 1e-6
    hartree in each energy makes it 2e-4 Å, 3e-6 hartree and 3 cm-1, ten times the noise ten times
    as much. Steps above 0.13 of ``r_e`` were not tried.

    Args:
        lengths: Bond lengths, ascending, ``(n_points,)`` (Å).
        energies: Energies, ``(n_points,)`` (``unit``); points with NaN are left out.
        atoms: Both atoms, as symbols of elements (most common isotopes) or masses (u).
        unit: Unit of ``energies`` and ``asymptote``.
        asymptote: Energy of the separated atoms (``unit``). ``None``: the energy at the longest
            length, where the curve is flat. It is if ``slope * r / 6``, which an ``r^-6`` tail
            still rises, is below 1e-4 hartree.

    Raises:
        InputError: If shapes, order, masses or unit are wrong, if fewer than six points have an
            energy, if no minimum lies between them, or if the asymptote is below it.
        GeometryError: If a symbol is no element.

    References:
        J. L. Dunham, Phys. Rev. 41, 721 (1932), doi:10.1103/PhysRev.41.721.
        J. F. Ogilvie, Proc. R. Soc. A 378, 287 (1981), doi:10.1098/rspa.1981.0152.

    Example:
        >>> r = np.arange(0.5, 1.5, 0.05)
        >>> morse = 0.17 * (1 - np.exp(-1.9 * (r - 0.74))) ** 2
        >>> constants = spectroscopic_constants(r, morse, atoms=("H", "H"), asymptote=0.17)
        >>> round(constants.r_e, 5), round(constants.D_e, 5)
        (0.74, 0.17)
    """
    curve = diatomic_curve("spectroscopic_constants", lengths, energies, atoms, unit)
    fit, values, errors = _fitted(curve)
    if asymptote is not None and unit == "eV":
        asymptote = ev_to_hartree(asymptote)
    limit, missing, note = _asymptote(curve, asymptote)
    depth = None if limit is None else _depth(limit, values[1])
    return SpectroscopicConstants(
        r_e=values[0],
        r_e_uncertainty=errors[0],
        energy_min=values[1],
        energy_min_uncertainty=errors[1],
        omega_e=values[2] * HARTREE_IN_WAVENUMBER,
        omega_e_uncertainty=errors[2] * HARTREE_IN_WAVENUMBER,
        omega_e_x_e=values[3] * HARTREE_IN_WAVENUMBER,
        omega_e_x_e_uncertainty=errors[3] * HARTREE_IN_WAVENUMBER,
        B_e=values[4] * HARTREE_IN_WAVENUMBER,
        B_e_uncertainty=errors[4] * HARTREE_IN_WAVENUMBER,
        alpha_e=values[5] * HARTREE_IN_WAVENUMBER,
        alpha_e_uncertainty=errors[5] * HARTREE_IN_WAVENUMBER,
        zero_point_energy=values[6] * HARTREE_IN_WAVENUMBER,
        D_e=depth,
        D_e_uncertainty=None if depth is None else float(np.hypot(errors[1], missing)),
        D_0=None if depth is None else depth - values[6],
        degree=fit.degree,
        n_points=fit.n_points,
        residual=fit.residual,
        notes=(note,) if note else (),
    )


def _fitted(curve: DiatomicCurve) -> tuple[OgilvieFit, list[float], list[float]]:
    """Return the chosen fit, its constants (Å, hartree) and their uncertainties."""
    r, e = _window(curve)
    highest = min(HIGHEST_DEGREE, len(r) - 2)
    fits = [ogilvie_fit(r, e, degree) for degree in range(LOWEST_DEGREE, highest + 1)]
    best = int(np.argmin([fit.residual**2 / (len(r) - fit.degree - 1) for fit in fits]))
    values = fits[best].constants(curve.mass)
    if values is None:
        raise InputError(
            f"spectroscopic_constants(lengths around {r[np.argmin(e)]:g} Å): the polynomial "
            f"through {len(r)} points has no minimum near the lowest. "
            "Compute the points more tightly, or set those that did not converge to NaN."
        )
    # One standard deviation for few points: the t distribution's quantile in place of 1.
    widening = student_t.ppf(ONE_SIGMA, len(r) - fits[best].degree - 1)
    scatter = widening * fits[best].standard_errors(curve.mass)
    degree = fits[best].degree  # one more is at most the polynomial through every point
    near = [ogilvie_fit(r, e, d).constants(curve.mass) for d in (degree - 1, degree + 1)]
    changes = [abs(other - values) for other in near if other is not None]
    change = np.max(changes, axis=0, initial=0.0)
    return fits[best], values.tolist(), np.hypot(scatter, change).tolist()


def _window(curve: DiatomicCurve) -> tuple[FloatArray, FloatArray]:
    """Return the lengths and energies that are fitted."""
    centre = curve.lengths[np.argmin(curve.energies)]
    away = abs(curve.lengths / centre - 1)
    nearest = np.sort(away)[: min(NEAREST, len(away))][-1]
    kept = away <= max(WINDOW, nearest) * (1 + 1e-9)  # both of two points equally far
    return curve.lengths[kept], curve.energies[kept]


def _asymptote(curve: DiatomicCurve, given: float | None) -> tuple[float | None, float, str | None]:
    """Return the energy of the separated atoms, what may lack to it (hartree), and a note."""
    if given is not None:
        return given, 0.0, None
    rise = abs(curve.energies[-1] - curve.energies[-2])
    last = curve.lengths[-1]
    missing = float(rise / (last - curve.lengths[-2]) * last / TAIL_POWER)
    said = (
        f"the last two points, at {curve.lengths[-2]:g} and {last:g} Å, differ by {rise:.1e} "
        f"hartree, after which a tail of r^-{TAIL_POWER} changes by {missing:.1e}"
    )
    if missing > PLATEAU:
        return None, missing, (
            f"no D_e: {said}, above {PLATEAU:.0e}. Extend the scan, or give asymptote=."
        )  # fmt: skip
    return float(curve.energies[-1]), missing, f"D_e from the end of the curve: {said}."


def _depth(asymptote: float, lowest: float) -> float:
    """Return the depth of the well (hartree)."""
    if not asymptote > lowest:
        raise InputError(
            f"spectroscopic_constants(asymptote={asymptote:g} hartree): the separated atoms lie "
            f"above the minimum, {lowest:g} hartree. Give the energy of both atoms together, from "
            "the same method, in the unit of the energies."
        )
    return asymptote - lowest
