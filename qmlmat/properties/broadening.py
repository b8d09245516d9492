"""Lines of a spectrum, each spread to the width that a measurement would show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.errors import InputError
from qmlmat.typing import FloatArray
from qmlmat.units import (
    AVOGADRO,
    BOHR_IN_ANGSTROM,
    EV_NANOMETRE,
    FINE_STRUCTURE,
    HARTREE_IN_EV,
)

LineShape = Literal["gaussian", "lorentzian"]
"""How a line is spread: by unresolved vibrations (Gaussian), or by its lifetime (Lorentzian)."""

SHAPES: Final[tuple[LineShape, ...]] = get_args(LineShape)
"""The line shapes."""

MARGIN: Final = 3.0
"""Full widths that a curve goes on beyond its first and last line."""

POINTS_PER_WIDTH: Final = 20
"""Points of a curve over one full width."""

MOST_POINTS: Final = 20_000
"""Most points of a curve whose energies are not given."""

CROSS_SECTION: Final = (
    2 * np.pi**2 * FINE_STRUCTURE * (BOHR_IN_ANGSTROM * 1e-8) ** 2 * HARTREE_IN_EV
)
"""Area under the absorption cross-section of a line of unit oscillator strength (cm2 eV)."""

ABSORPTIVITY: Final = CROSS_SECTION * AVOGADRO / (1e3 * np.log(10))
"""Area under the molar decadic absorptivity of such a line (L mol-1 cm-1 eV)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BroadenedSpectrum:
    """An absorption curve: every line spread, and all of them added."""

    energies: FloatArray
    """Photon energies, ascending, shape ``(n_points,)`` (eV)."""
    absorptivity: FloatArray
    """Molar decadic absorptivity, shape ``(n_points,)`` (L mol-1 cm-1), without a solvent."""
    shape: LineShape
    """How each line is spread."""
    width: float
    """Full width at half maximum of each line (eV)."""

    @property
    def wavelengths(self) -> FloatArray:
        """Wavelengths of the photons, descending, shape ``(n_points,)`` (nm)."""
        lengths: FloatArray = EV_NANOMETRE / self.energies
        return lengths


def broadened(
    energies: ArrayLike,
    strengths: ArrayLike,
    *,
    width: float = 0.3,
    shape: LineShape = "gaussian",
    at: ArrayLike | None = None,
) -> BroadenedSpectrum:
    """Return the absorption curve of some lines.

    The area under the absorptivity of a line is its oscillator strength times ``2 pi^2 alpha a0^2
    E_h N_A / (1000 ln 10)``, 28,707 L/mol/cm eV, whatever its width.

    Args:
        energies: Excitation energies, shape ``(n_lines,)`` (eV).
        strengths: Oscillator strengths, shape ``(n_lines,)``.
        width: Full width at half maximum (eV). It is a choice, not a result.
        shape: ``"gaussian"`` or ``"lorentzian"``.
        at: Photon energies of the curve, ascending and positive (eV); by default from three widths
            below the lowest line to three above the highest.

    Raises:
        InputError: If there are no lines, or width, shape or energies cannot be.

    Example:
        >>> curve = broadened([5.0], [0.1], width=0.4, at=[4.8, 5.0])
        >>> (curve.absorptivity / curve.absorptivity.max()).round(6)  # half at half the width
        array([0.5, 1. ])
    """
    lines, weights = np.array(energies, dtype=float), np.array(strengths, dtype=float)
    _check_lines(lines, weights)
    shape = check_line("broadened", width, shape)
    where = _places(lines, width) if at is None else np.array(at, dtype=float)
    if where.ndim != 1 or not (where > 0).all() or not (np.diff(where) > 0).all():
        raise InputError("broadened(at=...): give positive energies in ascending order (eV).")
    distance = (where[:, None] - lines) / (width / 2)  # in half widths
    if shape == "gaussian":
        profile = np.exp(-np.log(2) * distance**2) * np.sqrt(np.log(2) / np.pi)
    else:
        profile = 1 / (np.pi * (1 + distance**2))
    curve = ABSORPTIVITY * (profile / (width / 2)) @ weights
    return BroadenedSpectrum(energies=where, absorptivity=curve, shape=shape, width=float(width))


def _check_lines(lines: FloatArray, weights: FloatArray) -> None:
    if lines.ndim != 1 or lines.shape != weights.shape or lines.size == 0:
        raise InputError(
            f"broadened(energies of shape {lines.shape}, strengths of shape {weights.shape}): give "
            "one energy (eV) and one oscillator strength for each line, and at least one line."
        )


def check_line(call: str, width: float, shape: str) -> LineShape:
    """Return the shape of lines after checking it, and their width (eV).

    Raises:
        InputError: If the width is not positive, or there is no such shape.
    """
    if not 0 < width < np.inf:
        raise InputError(f"{call}(width={width}): a line has a positive width (eV). Use width=0.3.")
    for known in SHAPES:
        if shape == known:
            return known
    raise InputError(
        f'{call}(shape="{shape}"): no such line shape. Use "{SHAPES[0]}" or "{SHAPES[1]}".'
    )


def _places(lines: FloatArray, width: float) -> FloatArray:
    low = max(float(lines.min()) - MARGIN * width, width / POINTS_PER_WIDTH)
    high = max(float(lines.max()), low) + MARGIN * width
    n_points = min(int((high - low) / width * POINTS_PER_WIDTH) + 2, MOST_POINTS)
    places: FloatArray = np.linspace(low, high, n_points)
    return places
