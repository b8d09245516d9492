"""The energy of a machine from configurations that were drawn, with its error bars.

Whatever draws them hands over blocks of independent draws; energy and gradient are estimated from
all, and the jackknife over the blocks tells variance and bias.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray

from qmlmat.backends import Estimate
from qmlmat.backends.requests import ValueAndGradient, check_params
from qmlmat.operators.pauli import PauliSum
from qmlmat.solvers.boltzmann.enumerated import Vector, operator_on
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.moments import Moments, moments
from qmlmat.solvers.boltzmann.space import Space
from qmlmat.solvers.boltzmann.words import Words
from qmlmat.solvers.measured import jackknife
from qmlmat.typing import FloatArray, MaskArray, StateArray


@dataclass(frozen=True, eq=False)
class Weighing:
    """How much each drawn configuration counts, and what its amplitude is taken to be."""

    weights: FloatArray | None
    """Weight beside ``|psi|**2``, shape ``(n_configurations,)``; ``None``: all 1."""
    factors: FloatArray | None = None
    """What amplitudes of the closed form are multiplied by; ``None``: by 1."""


class Sample(ABC):
    """Abstract: configurations that were drawn."""

    masks: MaskArray
    """The distinct configurations, sorted, shape ``(n_configurations,)``."""
    blocks: NDArray[Any]
    """What each independent block of draws saw, shape ``(n_blocks, ...)``."""
    n_draws: int
    """Number of draws: samples of a chain, shots of a circuit."""
    closed_form: bool
    """Whether amplitudes are the network's formula, also of configurations that were not drawn."""

    @abstractmethod
    def weighing(self, mean: NDArray[Any], values: StateArray, roots: FloatArray) -> Weighing:
        """Return what a mean over blocks makes of the closed-form amplitudes.

        Args:
            mean: Shape ``blocks.shape[1:]``.
            values: Amplitudes, shape ``(n_configurations,)``.
            roots: The same before the sign node.
        """


Draw = Callable[[BoltzmannMachine, int], Sample]
"""Draws from a machine, with the parameters it has, a number of times."""


class SampledEnergy:
    """An evaluator of a machine's energy from draws.

    Args:
        machine: The network; its parameters are set at each call.
        space: The configurations.
        terms: What is measured, on the space's qubits.
        draw: What draws.
        shots: How often.
        lower: States that are raised by ``weight``.
        weight: How much, in units of ``terms``.
    """

    least_shots = 1
    """Fewest draws."""

    def __init__(  # noqa: PLR0913 (each is one thing)
        self,
        machine: BoltzmannMachine,
        space: Space,
        terms: PauliSum,
        draw: Draw,
        shots: int,
        *,
        lower: Sequence[Vector] = (),
        weight: float = 0.0,
    ) -> None:
        self.machine, self.space, self.words = machine, space, Words(terms)
        self.draw, self.shots = draw, shots
        self.lower, self.weight = tuple(lower), weight
        self._known: tuple[bytes, FloatArray] | None = None

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return self.machine.n_params

    def with_shots(self, shots: int) -> SampledEnergy:
        """Return the same evaluator with another number of draws."""
        return SampledEnergy(
            self.machine,
            self.space,
            self.words.terms,
            self.draw,
            shots,
            lower=self.lower,
            weight=self.weight,
        )

    def __call__(self, params: FloatArray) -> Estimate:
        """Return energies at ``params``, shape ``(..., n_params)``."""
        rows = check_params(params, self.n_params, what="RBM").reshape(-1, self.n_params)
        found = np.array([self.measured(row)[:2] for row in rows])
        shape = (*np.shape(params)[:-1], 1)
        return Estimate(
            values=found[:, 0].reshape(shape),
            variances=found[:, 1].reshape(shape) ** 2,
            n_shots=self.shots * len(rows),
        )

    def measured(self, params: FloatArray) -> tuple[float, float, float]:
        """Return energy, its standard error, and ``sqrt(<H^2> - E^2)``, from new draws."""
        sample, estimate = self._drawn(params, with_derivatives=False)
        knife = jackknife(sample.blocks, lambda mean: np.array([estimate(mean).energy]))
        spread = estimate(sample.blocks.mean(axis=0)).spread
        return float(knife.values[0]), float(np.sqrt(knife.covariance[0, 0])), spread

    def value_and_gradient(self, params: FloatArray) -> ValueAndGradient:
        """Return energy and derivatives at ``params``, shape ``(n_params,)``, with variances."""
        row = check_params(params, self.n_params, what="RBM")
        sample, estimate = self._drawn(row, with_derivatives=True)

        def both(mean: NDArray[Any]) -> FloatArray:
            found = estimate(mean)
            assert found.gradient is not None
            return np.append(found.energy, found.gradient)

        knife = jackknife(sample.blocks, both)
        metric = estimate(sample.blocks.mean(axis=0), with_metric=True).metric
        assert metric is not None
        self._known = (row.tobytes(), metric)
        variances = knife.covariance.diagonal()
        return ValueAndGradient(
            values=knife.values[:1],
            gradient=knife.values[None, 1:],
            variances=variances[:1],
            gradient_variances=variances[None, 1:],
        )

    def metric(self, params: torch.Tensor) -> torch.Tensor:
        """Return the metric at the point whose gradient was asked for last."""
        row = params.detach().numpy()
        if self._known is None or self._known[0] != row.tobytes():
            self.value_and_gradient(row)
        assert self._known is not None
        return torch.from_numpy(self._known[1])

    def vector(self, params: FloatArray) -> Vector:
        """Return what new draws know of the state, normalised over them."""
        self.machine.set_params(params)
        sample = self.draw(self.machine, self.shots)
        found = self.machine.amplitudes(self.space.spins(sample.masks))
        values = found.values
        if not sample.closed_form:
            weighing = sample.weighing(sample.blocks.mean(axis=0), values, found.roots)
            values = values if weighing.factors is None else values * weighing.factors
        return Vector(sample.masks, values / np.linalg.norm(values))

    def _drawn(
        self, params: FloatArray, *, with_derivatives: bool
    ) -> tuple[Sample, Callable[..., Moments]]:
        """Return draws, and the function from a mean over blocks to what it says."""
        self.machine.set_params(params)
        sample = self.draw(self.machine, self.shots)
        known = _Known(self, sample, with_derivatives=with_derivatives)
        return sample, known.moments


class _Known:
    """Amplitudes, images and derivatives of the configurations that were drawn."""

    def __init__(self, energy: SampledEnergy, sample: Sample, *, with_derivatives: bool) -> None:
        self.sample, self.energy = sample, energy
        machine, space = energy.machine, energy.space
        self.operator: scipy.sparse.csr_array | None = None
        if sample.closed_form:
            connected = energy.words.connected(sample.masks)
            others = [connected.partners, *(vector.masks for vector in energy.lower)]
        else:
            self.operator, others = operator_on(energy.words.terms, sample.masks), []
        union = np.unique(np.concatenate([sample.masks, *others]))
        there = machine.amplitudes(space.spins(union))
        whole = there.values
        place = np.searchsorted(union, sample.masks)
        self.values, self.roots = whole[place], there.roots[place]
        self.derivatives = None
        if with_derivatives:
            own = machine.amplitudes(space.spins(sample.masks), with_derivatives=True)
            assert own.derivatives is not None
            # The two calls took different scales out.
            self.derivatives = own.derivatives * np.exp(own.log_scale - there.log_scale)
        if sample.closed_form:
            products = connected.elements * whole[np.searchsorted(union, connected.partners)]
            size = len(sample.masks)
            self.images: StateArray = np.bincount(
                connected.rows, products.real, size
            ) + 1j * np.bincount(connected.rows, products.imag, size)
            for vector in energy.lower:
                overlap = np.vdot(vector.amplitudes, whole[np.searchsorted(union, vector.masks)])
                self.images += energy.weight * overlap * vector.at(sample.masks)

    def moments(self, mean: NDArray[Any], *, with_metric: bool = False) -> Moments:
        weighing = self.sample.weighing(mean, self.values, self.roots)
        values, derivatives = self.values, self.derivatives
        if weighing.factors is not None:
            values = values * weighing.factors
            derivatives = None if derivatives is None else derivatives * weighing.factors[:, None]
        if self.operator is None:
            images = self.images
        else:
            images = self.operator @ values
            for vector in self.energy.lower:
                there = vector.at(self.sample.masks)
                images = images + self.energy.weight * there * np.vdot(there, values)
        return moments(weighing.weights, values, images, derivatives, with_metric=with_metric)
