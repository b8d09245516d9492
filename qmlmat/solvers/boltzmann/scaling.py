"""What is minimised, on a scale where weights and tolerances always mean the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.boltzmann.enumerated import operator_on
from qmlmat.solvers.boltzmann.space import Space

DENSE_CONFIGURATIONS: Final = 1024
"""Most configurations whose levels are computed to scale by; beyond, a bound serves."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """An operator shifted and divided so that its norm is at most 1."""

    terms: PauliSum
    """``(O - centre) / half_width``."""
    centre: float
    """The middle of the spectrum, or what the words' mean is (the operator's unit)."""
    half_width: float
    """Half the width of the spectrum, or a bound on it (the operator's unit)."""

    def energy(self, value: float) -> float:
        """Return a scaled value in the operator's unit."""
        return self.centre + self.half_width * value


def scaled(terms: PauliSum, space: Space) -> Scaled:
    """Return an operator with norm at most 1 on a space.

    Where all levels can be had cheaply the norm is 1. Elsewhere the sum of the coefficients'
    magnitudes bounds it, and the norm is smaller.

    Args:
        terms: The operator.
        space: The configurations.
    """
    if space.size <= DENSE_CONFIGURATIONS:
        levels = np.linalg.eigvalsh(operator_on(terms, space.masks).toarray())
        centre, half = 0.5 * (levels[0] + levels[-1]), 0.5 * (levels[-1] - levels[0])
    else:
        centre = terms.constant
        half = float(np.abs(terms.coefficients).sum()) - abs(centre)
    half = float(half) if half > 0 else 1.0  # a multiple of the identity
    shifted = terms - PauliSum.identity(terms.n_qubits, float(centre))
    return Scaled((1.0 / half) * shifted, float(centre), half)
