"""The energy of a machine by enumerating every configuration: the oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
import torch

from qmlmat.backends import Estimate
from qmlmat.backends.requests import ValueAndGradient, check_params
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.moments import Moments, moments
from qmlmat.solvers.boltzmann.space import Space
from qmlmat.solvers.boltzmann.words import Words
from qmlmat.typing import FloatArray, MaskArray, StateArray


@dataclass(frozen=True, eq=False)
class Vector:
    """A normalised state known on some configurations; elsewhere it is zero."""

    masks: MaskArray
    """Configurations, sorted, shape ``(n_configurations,)``."""
    amplitudes: StateArray
    """Amplitudes, same shape."""

    def at(self, masks: MaskArray) -> StateArray:
        """Return the amplitudes at other configurations, shape of ``masks``."""
        if not len(self.masks):
            return np.zeros(len(masks))
        place = np.minimum(np.searchsorted(self.masks, masks), len(self.masks) - 1)
        return np.where(self.masks[place] == masks, self.amplitudes[place], 0.0)


def operator_on(terms: PauliSum, masks: MaskArray) -> scipy.sparse.csr_array:
    """Return a Pauli sum between configurations, ``(n_configurations, n_configurations)``.

    Args:
        terms: The sum.
        masks: Configurations, sorted; what leads out of them is dropped.
    """
    found = Words(terms).connected(masks)
    place = np.minimum(np.searchsorted(masks, found.partners), len(masks) - 1)
    inside = masks[place] == found.partners
    entries = found.elements[inside]
    if not np.abs(entries.imag).max(initial=0.0) > 0:
        entries = entries.real
    size = len(masks)
    return scipy.sparse.csr_array(
        (entries, (found.rows[inside], place[inside])), shape=(size, size)
    )


class EnumeratedEnergy:
    """An evaluator of a machine's energy over all configurations of a space.

    Args:
        machine: The network; its parameters are set at each call.
        space: The configurations.
        terms: What is minimised, on the space's qubits.
        lower: States that are raised by ``weight``.
        weight: How much, in units of ``terms``.
    """

    def __init__(
        self,
        machine: BoltzmannMachine,
        space: Space,
        terms: PauliSum,
        *,
        lower: Sequence[Vector] = (),
        weight: float = 0.0,
    ) -> None:
        self.machine, self.masks = machine, space.masks
        self.spins = space.spins(space.masks)
        self.operator = operator_on(terms, space.masks)
        columns = [vector.at(space.masks) for vector in lower]
        self.lower = np.array(columns).reshape(len(columns), len(space.masks))
        self.weight = weight
        self._known: tuple[bytes, Moments] | None = None

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return self.machine.n_params

    def amplitudes(self, params: FloatArray) -> StateArray:
        """Return normalised amplitudes of all configurations, shape ``(n_configurations,)``."""
        self.machine.set_params(params)
        values = self.machine.amplitudes(self.spins).values
        normalised: StateArray = values / np.linalg.norm(values)
        return normalised

    def image(self, values: StateArray) -> StateArray:
        """Return the operator, deflation included, applied to amplitudes."""
        found: StateArray = self.operator @ values
        if len(self.lower):
            found = found + self.weight * (self.lower.T @ (self.lower.conj() @ values))
        return found

    def at(self, params: FloatArray) -> Moments:
        """Return energy, gradient and metric; the same point is not computed twice in a row."""
        key = params.tobytes()
        if self._known is None or self._known[0] != key:
            self.machine.set_params(params)
            found = self.machine.amplitudes(self.spins, with_derivatives=True)
            assert found.derivatives is not None
            image = self.image(found.values)
            self._known = (
                key,
                moments(None, found.values, image, found.derivatives, with_metric=True),
            )
        return self._known[1]

    def __call__(self, params: FloatArray) -> Estimate:
        """Return the energy at ``params``, shape ``(n_params,)``."""
        row = check_params(params, self.n_params, what="RBM")
        energy = np.array([self.at(row).energy])
        return Estimate(values=energy, variances=np.zeros(1), n_shots=None)

    def value_and_gradient(self, params: FloatArray) -> ValueAndGradient:
        """Return the energy and its derivatives at ``params``, shape ``(n_params,)``."""
        found = self.at(check_params(params, self.n_params, what="RBM"))
        assert found.gradient is not None
        return ValueAndGradient(
            values=np.array([found.energy]), gradient=found.gradient[None].copy()
        )

    def metric(self, params: torch.Tensor) -> torch.Tensor:
        """Return the metric at ``params``, ``(n_params, n_params)``."""
        found = self.at(params.detach().numpy())
        assert found.metric is not None
        return torch.from_numpy(found.metric)
