"""A polynomial through the points around a minimum, and Dunham's constants of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.polynomial import chebyshev
from scipy.optimize import brentq

from qmlmat.typing import FloatArray
from qmlmat.units import BOHR_IN_ANGSTROM

N_CONSTANTS: Final = 7
"""Constants that a fit yields: a length and six energies."""


@dataclass(frozen=True, kw_only=True)
class OgilvieFit:
    """Least-squares polynomial in ``z = 2 (r - origin) / (r + origin)``, mapped to [-1, 1]."""

    coefficients: FloatArray
    """Chebyshev coefficients, ``(degree + 1,)`` (hartree)."""
    origin: float
    """Length at which ``z`` vanishes (Å)."""
    domain: tuple[float, float]
    """Values of ``z`` that are mapped to -1 and 1."""
    brackets: tuple[tuple[float, float], ...]
    """Lengths between which the minimum is sought, the widest first (Å)."""
    n_points: int
    """Number of points."""
    residual: float
    """Standard deviation of the energies from the polynomial (hartree)."""
    deviations: FloatArray
    """Columns whose products with themselves add up to the covariance (hartree)."""

    @property
    def degree(self) -> int:
        """Degree of the polynomial."""
        return len(self.coefficients) - 1

    def constants(self, mass: float) -> FloatArray | None:
        """Return ``r_e, energy, omega_e, omega_e x_e, B_e, alpha_e, E_0``.

        Args:
            mass: Reduced mass (electron masses).

        Returns:
            Length in Å, the rest in hartree; ``None`` if no minimum lies near the lowest point.
        """
        derivative = np.asarray(chebyshev.chebder(self.coefficients), dtype=np.float64)
        for low, high in self.brackets:
            if self._slope(low, derivative) < 0 < self._slope(high, derivative):
                length = float(brentq(self._slope, low, high, args=(derivative,), xtol=1e-14))
                break
        else:
            return None
        return np.array([length, *_dunham(self._derivatives(length), length, mass)])

    def standard_errors(self, mass: float) -> FloatArray:
        """Return the standard errors of ``constants`` from the scatter of the points.

        Args:
            mass: Reduced mass (electron masses).

        Returns:
            As ``constants``; infinite where the scatter leaves no minimum.
        """
        centre = self.constants(mass)
        moved = [
            replace(self, coefficients=self.coefficients + column).constants(mass)
            for column in self.deviations.T
        ]
        known = [values for values in moved if values is not None]
        if centre is None or len(known) < len(moved):
            return np.full(N_CONSTANTS, np.inf)
        return np.asarray(np.linalg.norm(np.array(known) - centre, axis=0))

    def _mapped(self, length: float) -> float:
        low, high = self.domain
        z = 2 * (length - self.origin) / (length + self.origin)
        return (2 * z - low - high) / (high - low)

    def _slope(self, length: float, derivative: FloatArray) -> float:
        return float(chebyshev.chebval(self._mapped(length), derivative))

    def _derivatives(self, length: float) -> FloatArray:
        """Energy and its first four derivatives with respect to the length (bohr)."""
        total = length + self.origin
        scale = 8 * self.origin / (self.domain[1] - self.domain[0]) / total
        # The mapped variable's own derivatives, k = 1 to 4: scale * (-1)^(k+1) k! / total^k.
        one, two, three, four = (
            scale * c * (BOHR_IN_ANGSTROM / total) ** k
            for k, c in enumerate((1, -2, 6, -24), start=1)
        )
        x = self._mapped(length)
        f = [chebyshev.chebval(x, chebyshev.chebder(self.coefficients, m)) for m in range(5)]
        return np.array([  # the chain rule, to fourth order (Faà di Bruno)
            f[0],
            f[1] * one,
            f[2] * one**2 + f[1] * two,
            f[3] * one**3 + 3 * f[2] * one * two + f[1] * three,
            f[4] * one**4 + 6 * f[3] * one**2 * two
            + f[2] * (4 * one * three + 3 * two**2) + f[1] * four,
        ])  # fmt: skip


def ogilvie_fit(lengths: FloatArray, energies: FloatArray, degree: int) -> OgilvieFit:
    """Return the least-squares polynomial through points around a minimum.

    Args:
        lengths: Lengths, ascending, ``(n_points,)`` (Å).
        energies: Energies, ``(n_points,)`` (hartree); the lowest is not at an end.
        degree: Degree, at most ``n_points - 1``; the scatter of that one says nothing.
    """
    lowest, last = int(np.argmin(energies)), len(lengths) - 1
    origin, base = float(lengths[lowest]), energies[lowest]
    z = 2 * (lengths - origin) / (lengths + origin)
    mapped = (2 * z - z[0] - z[-1]) / (z[-1] - z[0])
    basis = chebyshev.chebvander(mapped, degree)
    u, singular, vt = np.linalg.svd(basis, full_matrices=False)
    coefficients = vt.T @ (u.T @ (energies - base) / singular)
    residual = float(
        np.linalg.norm(basis @ coefficients - (energies - base))
        / np.sqrt(max(len(lengths) - degree - 1, 1))
    )
    coefficients[0] += base
    return OgilvieFit(
        coefficients=coefficients,
        origin=origin,
        domain=(float(z[0]), float(z[-1])),
        brackets=tuple(
            (float(lengths[max(lowest - k, 0)]), float(lengths[min(lowest + k, last)]))
            for k in (3, 2, 1)  # noise may have made a neighbour of the minimum the lowest point
        ),
        n_points=len(lengths),
        residual=residual,
        deviations=residual * vt.T / singular,
    )


def _dunham(f: FloatArray, length: float, mass: float) -> FloatArray:
    """Return energy, ``omega_e, omega_e x_e, B_e, alpha_e, E_0`` (hartree)."""
    r = length / BOHR_IN_ANGSTROM
    curvature = max(f[2], np.finfo(float).tiny)
    omega = np.sqrt(curvature / mass)
    rotation = 1 / (2 * mass * r**2)
    a1, a2 = f[3] * r / (3 * curvature), f[4] * r**2 / (12 * curvature)
    anharmonicity = 1.5 * rotation * (1.25 * a1**2 - a2)
    coupling = -6 * rotation**2 / omega * (1 + a1)
    zero_point = omega / 2 - anharmonicity / 4 + rotation / 8 * (3 * a2 - 1.75 * a1**2)
    return np.array([f[0], omega, anharmonicity, rotation, coupling, zero_point])
