"""Angles that depend on a circuit's parameters, at many values of them at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from qiskit.circuit import Parameter, ParameterExpression
from scipy.sparse import csr_array

from qmlmat.errors import InputError
from qmlmat.typing import FloatArray

_LINEAR: Final = 1e-12  # float64: a linear expression agrees with its slopes to rounding


@dataclass(frozen=True, eq=False)
class AngleTable:
    """How a circuit's angles follow from its parameters."""

    parameters: tuple[Parameter, ...]
    """The circuit's parameters, in Qiskit's order."""
    slopes: Any
    """Of angles that are linear, by each parameter; sparse, shape ``(n_angles, n_params)``."""
    offsets: FloatArray
    """Those where all parameters are zero, shape ``(n_angles,)`` (radians)."""
    others: tuple[tuple[ParameterExpression, tuple[int, ...]], ...]
    """Expressions that are not linear, and the angles that each is."""

    @classmethod
    def of(
        cls, expressions: Sequence[ParameterExpression], parameters: Sequence[Parameter]
    ) -> AngleTable:
        """Return the table of a circuit's angles.

        Args:
            expressions: Each angle.
            parameters: The circuit's parameters, in Qiskit's order.
        """
        column = {p: k for k, p in enumerate(parameters)}
        places: dict[ParameterExpression, list[int]] = {}
        for k, expression in enumerate(expressions):
            places.setdefault(expression, []).append(k)
        offsets = np.zeros(len(expressions))
        entries: list[tuple[int, int, float]] = []
        others = []
        for expression, found in places.items():
            line = _line(expression)
            if line is None:
                others.append((expression, tuple(found)))
                continue
            offsets[found] = line[1]
            entries += [(k, column[p], slope) for p, slope in line[0].items() for k in found]
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(expressions), len(parameters))
        slopes = csr_array((np.array(values, dtype=np.float64), (rows, columns)), shape=shape)
        return cls(tuple(parameters), slopes, offsets, tuple(others))

    def at(self, values: FloatArray) -> FloatArray:
        """Return the angles, shape ``(n_points, n_angles)`` (radians).

        Args:
            values: The parameters, shape ``(n_points, n_params)``.

        Raises:
            InputError: If a parameter or angle is not a finite real number.
        """
        if not np.isfinite(values).all():
            raise InputError(
                "The parameter values are not all finite. Give real numbers (radians)."
            )
        found: FloatArray = np.asarray((self.slopes @ values.T).T + self.offsets)
        column = {p: k for k, p in enumerate(self.parameters)}
        for expression, places in self.others:
            free = list(expression.parameters)
            for point, row in enumerate(values):
                chosen = {p: float(row[column[p]]) for p in free}
                found[point, list(places)] = _real(expression, chosen)
        return found


def _real(expression: ParameterExpression, values: dict[Parameter, float]) -> float:
    try:
        number = complex(expression.bind(values))
    except ZeroDivisionError:
        number = complex("nan")
    if number.imag or not math.isfinite(number.real):
        raise InputError(
            f"The angle {expression} is {number} where {_named(values)}. Use parameters at which "
            "it is real and finite."
        )
    return number.real


def _named(values: dict[Parameter, float]) -> str:
    return ", ".join(f"{parameter.name}={value:g}" for parameter, value in values.items())


def _line(expression: ParameterExpression) -> tuple[dict[Parameter, float], float] | None:
    """Return an expression's slopes and value at zero; ``None`` if it is not linear."""
    free = list(expression.parameters)
    slopes: dict[Parameter, float] = {}
    for parameter in free:
        try:
            slope = expression.gradient(parameter)
        except RuntimeError:  # Qiskit's word for functions it cannot differentiate
            return None
        if isinstance(slope, ParameterExpression | complex):
            return None
        slopes[parameter] = float(slope)
    # Slopes that are numbers make it linear; a look at another point costs nothing.
    trial = {p: 0.37 + 0.61 * k for k, p in enumerate(free)}
    offset = complex(expression.bind(dict.fromkeys(free, 0.0)))
    there = complex(expression.bind(trial))
    guess = offset + sum(slopes[p] * value for p, value in trial.items())
    if abs(there - guess) > _LINEAR * (1.0 + abs(there)) or offset.imag:
        return None
    return slopes, offset.real
