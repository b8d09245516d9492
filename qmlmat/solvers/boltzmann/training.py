"""The search of a machine's parameters for one state: warm and cold starts, the lowest counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from qmlmat.backends import expectation
from qmlmat.solvers.base import Iteration, Status
from qmlmat.solvers.boltzmann.enumerated import EnumeratedEnergy
from qmlmat.solvers.boltzmann.scaling import Scaled
from qmlmat.solvers.optim_base import Landscape
from qmlmat.solvers.optimize import OptimizerFactory, Optimum, minimize
from qmlmat.typing import FloatArray

GOOD_RESIDUAL: Final = 1e-3
"""Norm of ``(H - E) psi``, in units of half the spectral width, up to which a warm start needs no
more than one cold one beside it: its energy is within its square over the gap of a level."""


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
    """The steps of the lowest."""


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

        def search(start: FloatArray) -> Optimum:
            return minimize(
                lambda params: expectation(energy, params).sum(),
                start,
                optimizer=self.optimizer,
                gradient_tolerance=self.gradient_tolerance,
                max_iterations=self.max_iterations,
                landscape=Landscape(metric=energy.metric, seed=seed[0]),
            )

        def is_good(optimum: Optimum) -> bool:
            return energy.at(optimum.params).spread <= GOOD_RESIDUAL

        return self.lowest(search, is_good, scale, guess, seed, energy.n_params)

    def lowest(
        self,
        search: Callable[[FloatArray], Optimum],
        is_good: Callable[[Optimum], bool],
        scale: Scaled,
        guess: FloatArray | None,
        seed: Sequence[int],
        n_params: int,
    ) -> Trained:
        """Return the lowest of the searches from a guess and from cold starts."""
        optima: list[Optimum] = []
        for k, start in enumerate(self._starts(guess, seed, n_params)):
            optima.append(search(start))
            if guess is not None and k > 0 and is_good(min(optima, key=_energy)):
                break
        optima.sort(key=_energy)
        best = optima[0]
        return Trained(
            params=best.params,
            status=best.status,
            energies=tuple(scale.energy(_energy(o)) for o in optima),
            history=tuple(
                replace(
                    i,
                    energy=scale.energy(i.energy),
                    gradient_norm=scale.half_width * i.gradient_norm,
                )
                for i in best.history
            ),
        )

    def _starts(
        self, guess: FloatArray | None, seed: Sequence[int], n_params: int
    ) -> Iterator[FloatArray]:
        if guess is not None:
            yield guess.copy()
        for k in range(self.n_starts):
            rng = np.random.default_rng([*seed, k])
            yield rng.uniform(-self.start_width, self.start_width, n_params)


def _energy(optimum: Optimum) -> float:
    return optimum.best.energy
