"""Rotosolve: along one parameter the energy is known from a few points, minimum and all."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final

import numpy as np
import torch

from qmlmat.errors import InputError
from qmlmat.solvers.optim_base import Closure, FlatOptimizer, Harmonics, Traits, Values
from qmlmat.typing import FloatArray

FERMIONIC: Final = (1.0, 2)
"""Frequencies 1 and 2: one excitation gate ``exp(theta (T - T†))``, whose generator has the
eigenvalues 0 and +-i."""

POLISHING: Final = 2
"""Newton steps on a root of the derivative: quadratic, from the companion matrix's 1e-8."""


class Rotosolve(FlatOptimizer):
    """Sets one parameter after another to its exact best value; no gradients, no step length.

    Along a parameter the energy is a trigonometric polynomial. One excitation gate makes the
    frequencies 1 and 2, so five points determine it (a Pauli rotation's three do not); a
    parameter with frequencies ``w, ..., R w`` takes ``2 R + 1``, one of which is known from the
    parameter before. The lowest of all stationary points is the global minimum along the
    coordinate. One step is one sweep over all parameters. The closure returns the energy and
    does not call ``backward()``.

    Args:
        params: Tensors of one real dtype, in one group.
        harmonics: ``(w, R)`` for each parameter. ``None``: each parameter sets one excitation
            gate of scale 1. VQE supplies them from the circuit, tied parameters included.
        check_tolerance: Difference between the energy that the last fit promises and the one
            found after the sweep, at which the frequencies are known to be wrong (hartree).
        values: The loss at many points at once; VQE gives it where points cost a job each.
        is_noisy: Whether energies are known up to noise only: every point is measured anew, since
            a promise kept from fit to fit is the luckiest, and nothing is checked.

    Raises:
        InputError: If a setting makes no sense, or there are several parameter groups.

    References:
        M. Ostaszewski, E. Grant, M. Benedetti, Quantum 5, 391 (2021); J. S. Kottmann, A. Anand,
        A. Aspuru-Guzik, Chem. Sci. 12, 3497 (2021): excitations.
    """

    traits: ClassVar[Traits] = Traits(needs=("harmonics", "values", "is_noisy"))

    def __init__(
        self,
        params: Any,  # noqa: ANN401 (torch's own union of iterables)
        *,
        harmonics: Harmonics | None = None,
        check_tolerance: float = 1e-7,
        values: Values | None = None,
        is_noisy: bool = False,
    ) -> None:
        super().__init__(params, {"check_tolerance": check_tolerance, "is_noisy": is_noisy})
        self.several = values
        n_params = self.point().numel()
        self._harmonics = [FERMIONIC] * n_params if harmonics is None else list(harmonics)
        if len(self._harmonics) != n_params or any(w <= 0 or r < 1 for w, r in self._harmonics):
            raise InputError(
                f"Rotosolve(harmonics): {len(self._harmonics)} entries for {n_params} parameters. "
                "Give (w, R) with w > 0 and R >= 1 for each."
            )

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float:  # type: ignore[override]
        """Sweep once over all parameters; return the energy where the sweep began.

        Raises:
            InputError: If the energy after the sweep is not what the fits promise.
        """
        point, is_noisy = self.point(), self.settings["is_noisy"]
        first = promised = self.value(closure)
        for k, (unit, count) in enumerate(self._harmonics):
            n_points = 2 * count + 1
            moved = point.repeat(n_points, 1)
            moved[:, k] += 2 * math.pi / (n_points * unit) * torch.arange(n_points)
            if is_noisy:
                values = self.values(list(moved), closure)
                promised = math.inf
            else:
                values = [promised, *self.values(list(moved[1:]), closure)]
            angle, lowest = trigonometric_minimum(np.array(values))
            if lowest < promised:
                point[k] = math.remainder(float(point[k]) + angle / unit, 2 * math.pi / unit)
                promised = lowest
        self.move_to(point)
        if is_noisy:
            return first
        found = self.value(closure)
        if not abs(found - promised) <= self.settings["check_tolerance"]:
            raise InputError(
                f"Rotosolve.step: the energy is {found:.9f} where the frequencies promise "
                f"{promised:.9f}. They are wrong for this circuit (tied parameters have higher "
                "ones), or the energy is noisy. Give harmonics, or raise check_tolerance."
            )
        return first


def trigonometric_minimum(values: FloatArray) -> tuple[float, float]:
    """Return where a trigonometric polynomial is lowest, within half a turn, and how low.

    Args:
        values: The polynomial of degree R at the angles ``2 pi j / (2 R + 1)``, shape
            ``(2 R + 1,)``.

    Example:
        >>> import numpy as np
        >>> angles = 2 * np.pi * np.arange(5) / 5
        >>> angle, value = trigonometric_minimum(np.cos(angles) + np.cos(2 * angles))
        >>> round(abs(angle), 6), round(value, 6)  # cos(angle) = -1/4
        (1.823477, -1.125)
    """
    count = len(values) // 2
    coefficients = np.fft.fft(values) / len(values)
    # of exp(i k angle), k = -R, ..., R
    spectrum = np.concatenate([coefficients[count + 1 :], coefficients[: count + 1]])
    orders = np.arange(-count, count + 1)

    def derivative(angles: FloatArray, times: int) -> FloatArray:
        waves = np.exp(1j * np.multiply.outer(angles, orders))
        result: FloatArray = (waves @ ((1j * orders) ** times * spectrum)).real
        return result

    # numpy wants the highest power first; leading zeros are its own affair.
    angles: FloatArray = np.angle(np.roots((orders * spectrum)[::-1])).astype(np.float64)
    if not angles.size:
        return 0.0, float(values[0])
    best = float(angles[np.argmin(derivative(angles, 0))])
    for _ in range(POLISHING):
        (slope,), (bend,) = (derivative(np.array([best]), n) for n in (1, 2))
        if bend > 0 and abs(slope) < bend:  # else flat: nothing to gain
            best -= float(slope / bend)
    return best, float(derivative(np.array([best]), 0)[0])
