"""The search of a machine's parameters for one state: warm and cold starts, the lowest counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, cast

import numpy as np
import torch

from qmlmat.backends import expectation
from qmlmat.solvers.base import Iteration, Status
from qmlmat.solvers.boltzmann.enumerated import EnumeratedEnergy
from qmlmat.solvers.boltzmann.sampled import SampledEnergy
from qmlmat.solvers.boltzmann.scaling import Scaled
from qmlmat.solvers.noisy import ShotLoss, minimize_noisy, optimizer_under_shots
from qmlmat.solvers.optim_base import Landscape
from qmlmat.solvers.optim_natural import NaturalGradient
from qmlmat.solvers.optimize import OptimizerFactory, Optimum, describe_optimizer, minimize
from qmlmat.typing import FloatArray

GOOD_RESIDUAL: Final = 1e-4
"""Norm of ``(H - E) psi``, in units of half the spectral width, up to which a state counts as
converged, and a warm start needs no more than one cold one beside it: its energy is within the
square over the gap of a level."""

DEFAULT_OPTIMIZER: Final[OptimizerFactory] = cast(
    OptimizerFactory, partial(NaturalGradient, regularization=1e-5, max_step=0.3)
)
"""What searches where nothing else is named; the driver gives it the metric that it asks for.
Longer first steps run into amplitudes that vanish, from where there is no slope: with 1e-3 and no
cap 1 of 10 searches for LiH (2e,3o) ended below 2e-5 hartree instead of 7."""

CHECKING_STEPS: Final = 40
"""Steps of the cold start beside a good warm one; if it is lower by then, it goes on."""

UNDER_NOISE: Final = partial(
    NaturalGradient, step_control=False, lr=0.1, regularization=1e-2, max_step=0.3
)
"""The natural gradient where energies are noisy: no line search could compare them."""


QUIET_STEPS: Final = 60
"""Steps with a gradient drowned in noise that end a search: along the natural gradient they still
lead downhill on average."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What the searches for one state found."""

    params: FloatArray
    """Parameters of the lowest, shape ``(n_params,)``."""
    status: Status
    """How its search stopped."""
    energies: tuple[float, ...]
    """Where each search ended, ascending (the operator's unit)."""
    history: tuple[Iteration, ...]
    """The steps of the lowest (the operator's unit)."""


@dataclass(frozen=True, eq=False)
class _End:
    """Where one search ended."""

    energy: float
    """The energy there (half the spectral width)."""
    residual: float
    """Norm of ``(H - E) psi`` there (half the spectral width)."""
    optimum: Optimum
    """What the search says."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a machine's parameters are searched."""

    optimizer: OptimizerFactory
    """Any torch optimiser."""
    gradient_tolerance: float
    """Largest derivative at which a search has converged (half the spectral width)."""
    max_iterations: int
    """Most steps of a search."""
    n_starts: int
    """Cold starts."""
    start_width: float
    """Half width of the uniform distribution that cold starts are drawn from."""

    def enumerated(
        self, energy: EnumeratedEnergy, scale: Scaled, guess: FloatArray | None, seed: Sequence[int]
    ) -> Trained:
        """Return the lowest of the searches over all configurations.

        Args:
            energy: What is minimised.
            scale: Its scale.
            guess: Where a warm start begins, shape ``(n_params,)``.
            seed: Seed of the cold starts.
        """

        def search(start: FloatArray, steps: int) -> _End:
            optimum = minimize(
                lambda params: expectation(energy, params).sum(),
                start,
                optimizer=self.optimizer,
                gradient_tolerance=self.gradient_tolerance,
                max_iterations=steps,
                landscape=Landscape(metric=energy.metric, seed=seed[0]),
            )
            residual = energy.at(optimum.params).spread
            if residual <= GOOD_RESIDUAL:  # where amplitudes vanish gradients do so slowly
                optimum = replace(optimum, status="converged")
            return _End(optimum.best.energy, residual, optimum)

        return self._lowest(search, scale, self._starts(seed, energy.n_params), guess)

    def sampled(
        self, energy: SampledEnergy, scale: Scaled, guess: FloatArray | None, seed: Sequence[int]
    ) -> Trained:
        """Return the lowest of the searches by draws; arguments as in ``enumerated``.

        Raises:
            InputError: If the optimiser needs exact energies.
        """
        chosen, _ = optimizer_under_shots(self.optimizer)
        # By what it is: in another process it is a copy.
        is_default = describe_optimizer(chosen) == describe_optimizer(DEFAULT_OPTIMIZER)
        optimizer = UNDER_NOISE if is_default else chosen

        def search(start: FloatArray, steps: int) -> _End:
            loss = ShotLoss(
                energy.with_shots,
                np.ones(1),
                energy.shots,
                quiet_steps=QUIET_STEPS,
                is_averaged=False,
            )

            def metric(point: torch.Tensor) -> torch.Tensor:
                evaluator = loss.evaluator
                assert isinstance(evaluator, SampledEnergy)
                return evaluator.metric(point)

            optimum = minimize_noisy(
                loss,
                start,
                optimizer=optimizer,
                gradient_tolerance=self.gradient_tolerance,
                max_iterations=steps,
                landscape=Landscape(metric=metric, seed=seed[0]),
            )
            value, _, residual = energy.measured(optimum.params)
            return _End(value, residual, optimum)

        return self._lowest(search, scale, self._starts(seed, energy.n_params), guess)

    def _lowest(
        self,
        search: Callable[[FloatArray, int], _End],
        scale: Scaled,
        starts: Iterator[FloatArray],
        guess: FloatArray | None,
    ) -> Trained:
        most = self.max_iterations
        ends = [] if guess is None else [search(guess.copy(), most)]
        if ends and ends[0].residual <= GOOD_RESIDUAL:
            check = search(next(starts), min(most, CHECKING_STEPS))
            if check.energy < ends[0].energy and check.optimum.status != "converged":
                check = search(check.optimum.params, most)
            ends.append(check)
            if min(ends, key=_energy).residual <= GOOD_RESIDUAL:
                starts = iter(())
        ends += [search(start, most) for start in starts]
        ends.sort(key=_energy)
        best = ends[0].optimum
        half = scale.half_width
        return Trained(
            params=best.params,
            status=best.status,
            energies=tuple(scale.energy(end.energy) for end in ends),
            history=tuple(
                replace(i, energy=scale.energy(i.energy), gradient_norm=half * i.gradient_norm)
                for i in best.history
            ),
        )

    def _starts(self, seed: Sequence[int], n_params: int) -> Iterator[FloatArray]:
        for k in range(self.n_starts):
            rng = np.random.default_rng([*seed, k])
            yield rng.uniform(-self.start_width, self.start_width, n_params)


def _energy(end: _End) -> float:
    return end.energy
