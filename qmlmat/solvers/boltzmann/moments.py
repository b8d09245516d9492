"""Energy, gradient and metric of amplitudes, whichever way configurations were weighed.

With weights ``w`` (1 where all configurations are there), amplitudes ``psi``, their images
``H psi`` and derivatives ``J``:

    N = sum w |psi|^2            E = sum w psi* (H psi) / N
    dE = 2 Re sum w J* (H psi - E psi) / N
    S  = Re [sum w J* J / N - (sum w J* psi)(sum w psi* J) / N^2]

The derivative of the normalisation cancels in ``dE``. Nothing divides by an amplitude.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qmlmat.typing import FloatArray, StateArray


@dataclass(frozen=True, eq=False)
class Moments:
    """What weighted amplitudes say."""

    energy: float
    """The energy (the operator's unit)."""
    spread: float
    """``sqrt(<H^2> - E^2)``, the norm of ``(H - E) psi`` (the operator's unit)."""
    gradient: FloatArray | None = None
    """Derivatives of the energy, shape ``(n_params,)``."""
    metric: FloatArray | None = None
    """The Fubini-Study metric, shape ``(n_params, n_params)``."""


def moments(
    weights: FloatArray | None,
    amplitudes: StateArray,
    images: StateArray,
    derivatives: NDArray[np.complex128] | FloatArray | None = None,
    *,
    with_metric: bool = False,
) -> Moments:
    """Return energy, and with derivatives its gradient, and the metric where wanted.

    Args:
        weights: Weight of each configuration, ``(n_configurations,)``; ``None``: all 1.
        amplitudes: ``psi``, same shape, of any norm.
        images: ``H psi``, same shape.
        derivatives: ``J``, shape ``(n_configurations, n_params)``.
        with_metric: Whether the metric is wanted, too.
    """
    left = amplitudes if weights is None else weights * amplitudes
    norm = float(np.vdot(left, amplitudes).real)
    energy = float(np.vdot(left, images).real) / norm
    rest = images - energy * amplitudes
    square = np.abs(rest) ** 2
    spread = float(np.sqrt((square if weights is None else weights * square).sum() / norm))
    if derivatives is None:
        return Moments(energy, spread)
    weighed = derivatives.conj() if weights is None else weights[:, None] * derivatives.conj()
    gradient = 2.0 * (weighed.T @ rest).real / norm
    if not with_metric:
        return Moments(energy, spread, gradient)
    # Without their part along psi first: a difference of the two terms of S cancels where one
    # amplitude outgrows all others, as at a pole of the complex node, and is not even positive.
    along = (weighed.T @ amplitudes).conj() / norm
    across = derivatives - amplitudes[:, None] * along
    right = across if weights is None else weights[:, None] * across
    metric = (across.conj().T @ right).real / norm
    return Moments(energy, spread, gradient, metric)
