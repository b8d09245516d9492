"""Error mitigation that costs little: readout, symmetries, reference state, extrapolation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from qmlmat.errors import InputError, QmlmatWarning, nearest
from qmlmat.typing import FloatArray

Extrapolation: TypeAlias = Literal["linear", "quadratic", "exponential"]
"""What is fitted to expectations over the noise."""

MAX_READOUT_QUBITS: Final = 16
"""Most qubits whose readout is corrected: vectors of all bit strings are formed."""
WORST_READOUT: Final = 0.45
"""Mean readout error of a qubit from which its correction is refused: nothing is left to invert."""


LEAST_VARIANCE: Final = 1e-3
"""Smallest variance of an expectation in a fit, relative to the largest over the factors."""


@dataclass(frozen=True, kw_only=True)
class Mitigation:
    """Which errors are mitigated, in this order; by default none.

    References:
        S. Bravyi, S. Sheldon, A. Kandala, D. C. McKay, J. M. Gambetta, Phys. Rev. A 103, 042605
        (2021), doi:10.1103/PhysRevA.103.042605 (readout). X. Bonet-Monroig et al., Phys. Rev. A
        98, 062339 (2018), doi:10.1103/PhysRevA.98.062339 (symmetries). K. Temme, S. Bravyi, J. M.
        Gambetta, Phys. Rev. Lett. 119, 180509 (2017), doi:10.1103/PhysRevLett.119.180509
        (extrapolation). P. Lolur et al., J. Chem. Theory Comput. 19, 783 (2023),
        doi:10.1021/acs.jctc.2c00807 (reference state).
    """

    readout: bool = False
    """Invert each qubit's readout errors, measured by two circuits once for each evaluator."""
    calibration_shots: int = 20_000
    """Repetitions of each of these two circuits."""
    symmetry: bool = False
    """Keep only what has the right numbers of electrons and the reference's Z2 parities."""
    noise_factors: tuple[int, ...] = ()
    """Odd factors, 1 first, by which circuits are folded for extrapolation to zero noise."""
    extrapolation: Extrapolation = "linear"
    """What is fitted over the factors."""
    reference: bool = False
    """Subtract the error that the same circuit makes at zero angles, where the answer is known."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "noise_factors", tuple(self.noise_factors))
        if self.extrapolation not in get_args(Extrapolation):
            raise InputError(
                f'Mitigation(extrapolation="{self.extrapolation}"): not known. '
                f"{nearest(str(self.extrapolation), get_args(Extrapolation))}"
            )
        factors = self.noise_factors
        if factors and not self.readout:
            raise InputError(
                "Mitigation(noise_factors=...): folding does not amplify readout errors, so "
                "extrapolation alone takes them for truth. Set readout=True, too."
            )
        needed = 3 if self.extrapolation == "quadratic" else 2
        is_fine = (
            factors[:1] == (1,)
            and len(factors) >= needed
            and list(factors) == sorted(set(factors))
            and all(type(f) is int and f % 2 == 1 for f in factors)
        )
        if factors and not is_fine:
            raise InputError(
                f"Mitigation(noise_factors={factors}): rising odd numbers from 1, at least "
                f"{needed} of them for {self.extrapolation}. Use (1, 3, 5)."
            )
        if self.calibration_shots < 1:
            raise InputError("Mitigation(calibration_shots): at least 1; 20000 is a good number.")

    @property
    def factors(self) -> tuple[int, ...]:
        """The noise factors measured at."""
        return self.noise_factors or (1,)


@dataclass(frozen=True, eq=False)
class Readout:
    """How often each bit is read wrong."""

    errors: FloatArray
    """``p(1|0)`` and ``p(0|1)`` of each bit, shape ``(n_bits, 2)``."""

    def __post_init__(self) -> None:
        bad = np.flatnonzero(self.errors.mean(axis=1) > WORST_READOUT)
        if bad.size:
            raise InputError(
                f"Readout of bit {bad[0]}: {self.errors[bad[0]].mean():.0%} of its values are "
                "wrong, nothing can be corrected. Use other qubits of the device."
            )

    def inverse_transposed(self, table: FloatArray) -> FloatArray:
        """Return ``(M^-1)^T`` applied to functions of the bit strings.

        Args:
            table: Shape ``(2**n_bits, n)``; bit w of the index is bit w.
        """
        return turned(table, self.inverses.transpose(0, 2, 1))

    def inverse(self, table: FloatArray) -> FloatArray:
        """Return ``M^-1`` applied to distributions over the bit strings.

        Args:
            table: Shape ``(2**n_bits, n)``; bit w of the index is bit w.
        """
        return turned(table, self.inverses)

    @property
    def inverses(self) -> FloatArray:
        """``M^-1`` of each bit, shape ``(n_bits, 2, 2)``: first what is true, then what is read."""
        return inverse_confusion(self.errors)


def inverse_confusion(errors: FloatArray) -> FloatArray:
    """Return ``M^-1`` of each bit: first what is true, then what is read.

    Args:
        errors: ``p(1|0)`` and ``p(0|1)``, shape ``(..., n_bits, 2)``.

    Returns:
        Shape ``(..., n_bits, 2, 2)``.
    """
    up, down = errors[..., 0], errors[..., 1]
    inverse = np.array([[1 - down, -down], [-up, 1 - up]]) / (1 - up - down)
    return np.moveaxis(inverse, (0, 1), (-2, -1))


def turned(table: FloatArray, matrices: FloatArray) -> FloatArray:
    """Return a tensor product of matrices, one for each bit, applied to functions of bit strings.

    Args:
        table: Shape ``(2**n_bits, n)``; bit w of the index is bit w.
        matrices: Shape ``(..., n_bits, 2, 2)``.

    Returns:
        Shape ``(..., 2**n_bits, n)``.
    """
    axes = matrices.shape[:-3]
    work = np.broadcast_to(table, (*axes, *table.shape))
    for w in range(matrices.shape[-3]):
        inner = table.shape[1] << w  # what stands right of bit w
        pieces = work.reshape(*axes, -1, 2, inner)
        work = matrices[..., w, None, :, :] @ pieces
    return work.reshape(*axes, *table.shape)


def extrapolated(
    factors: Sequence[int], values: FloatArray, variances: FloatArray, kind: Extrapolation
) -> tuple[FloatArray, FloatArray]:
    """Return expectations at zero noise and their variances.

    A polynomial is fitted by least squares with the variances as weights; ``"exponential"`` is
    ``a exp(-b factor)`` through the logarithms. Where that is not possible (values of both signs,
    or smaller than four standard errors) or has no finite variance, the linear fit is taken, with
    a warning.

    Args:
        factors: Noise factors, shape ``(n_factors,)``.
        values: Shape ``(n_factors, ...)``.
        variances: Same shape.
        kind: What is fitted.
    """
    if kind == "exponential":
        return _exponential(factors, values, variances)
    design = np.vander(np.asarray(factors, dtype=np.float64), 3 if kind == "quadratic" else 2)
    flat, noise = values.reshape(len(factors), -1), variances.reshape(len(factors), -1)
    found, errors = np.empty(flat.shape[1]), np.empty(flat.shape[1])
    for k in range(flat.shape[1]):
        # One factor without scatter must not be the only one that counts.
        scale = np.sqrt(np.maximum(noise[:, k], LEAST_VARIANCE * noise[:, k].max()))
        if not noise[:, k].any():
            scale = np.ones_like(scale)
        inverse = np.linalg.pinv(design / scale[:, None])[-1] / scale
        found[k] = inverse @ flat[:, k]
        errors[k] = inverse**2 @ noise[:, k]
    return found.reshape(values.shape[1:]), errors.reshape(values.shape[1:])


def _exponential(
    factors: Sequence[int], values: FloatArray, variances: FloatArray
) -> tuple[FloatArray, FloatArray]:
    linear, linear_variances = extrapolated(factors, values, variances, "linear")
    same_sign = np.abs(np.sign(values).sum(axis=0)) == len(factors)
    clear = (np.abs(values) > 4 * np.sqrt(variances)).all(axis=0)
    fits = same_sign & clear
    safe = np.where(fits, np.abs(values), 1.0)
    logs, log_variances = extrapolated(factors, np.log(safe), variances / safe**2, "linear")
    found = np.sign(values[0]) * np.exp(logs)
    errors = found**2 * log_variances
    fits &= np.isfinite(found) & np.isfinite(errors)
    if not fits.all():
        warnings.warn(
            f"Extrapolation: {int((~fits).sum())} of {fits.size} expectations have no exponential "
            "fit of finite variance; the linear one is taken for them. Use more shots, or "
            'extrapolation="linear".',
            QmlmatWarning,
            stacklevel=3,
        )
    return np.where(fits, found, linear), np.where(fits, errors, linear_variances)


def acceptance_message(shots: int) -> str:
    """Return what to say where post-selection leaves nothing."""
    return (
        f"Symmetry post-selection: none of {shots} shots has the right numbers of electrons and "
        "parities. Use more shots, a circuit with fewer gates, or symmetry=False."
    )
