"""Markov chains over configurations: Metropolis with the moves that the Hamiltonian makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.errors import InputError
from qmlmat.solvers.boltzmann.machine import BoltzmannMachine
from qmlmat.solvers.boltzmann.sampled import Sample, Weighing
from qmlmat.solvers.boltzmann.space import Space
from qmlmat.solvers.boltzmann.words import Words
from qmlmat.typing import FloatArray, MaskArray, StateArray

N_BLOCKS: Final = 20
"""Groups of chains for the jackknife."""


@dataclass(frozen=True, kw_only=True)
class Metropolis:
    """Draws configurations with probability ``|psi|**2`` by Markov chains.

    A step flips what a random word of the Hamiltonian flips, or one qubit where electrons allow it,
    which is accepted with probability ``min(1, |psi'/psi|**2)`` if the new configuration exists.
    Chains are independent and go on
    from one evaluation to the next; groups of them make the error bars.

    References:
        N. Metropolis, A. W. Rosenbluth, M. N. Rosenbluth, A. H. Teller, E. Teller, J. Chem. Phys.
        21, 1087 (1953), doi:10.1063/1.1699114.
    """

    n_samples: int = 4000
    """Configurations drawn for each energy."""
    n_chains: int = 200
    """Chains, a multiple of 20."""
    thinning: int = 5
    """Steps between two configurations that are kept."""
    burn_in: int = 50
    """Steps before the first, at each evaluation."""

    def __post_init__(self) -> None:
        for name, least in (("n_samples", 1), ("n_chains", 1), ("thinning", 1), ("burn_in", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise InputError(
                    f"Metropolis({name}={value!r}): use a whole number of at least {least}."
                )
        if self.n_chains % N_BLOCKS or self.n_samples < self.n_chains:
            raise InputError(
                f"Metropolis(n_samples={self.n_samples}, n_chains={self.n_chains}): chains in "
                f"{N_BLOCKS} groups make the error bars, and each gives a sample. Use a multiple "
                f"of {N_BLOCKS} of them, and at least as many samples."
            )

    def inputs(self) -> dict[str, Any]:
        """Return the settings that determine the result, as plain values."""
        return {
            "sampler": "metropolis",
            "n_samples": self.n_samples,
            "n_chains": self.n_chains,
            "thinning": self.thinning,
            "burn_in": self.burn_in,
        }


@dataclass(frozen=True, eq=False)
class ChainSample(Sample):
    """What chains visited."""

    masks: MaskArray
    """The distinct configurations, sorted, shape ``(n_configurations,)``."""
    blocks: NDArray[Any]
    """Share of each among the draws of a group, ``(n_blocks, n_configurations)``."""
    n_draws: int
    """Number of draws."""
    acceptance: float
    """Share of the steps that were accepted."""
    closed_form: bool = True
    """Amplitudes are the network's formula."""

    def weighing(self, mean: NDArray[Any], values: StateArray, roots: FloatArray) -> Weighing:  # noqa: ARG002
        """Return shares over ``|psi|**2``: chains visit nothing whose amplitude is zero."""
        return Weighing(mean / np.abs(values) ** 2)


@dataclass(eq=False)
class Chains:
    """Chains on one space, where they are now."""

    settings: Metropolis
    """How they go."""
    space: Space
    """The configurations."""
    words: Words
    """Whose flips are the moves."""
    rng: np.random.Generator
    """Source of randomness."""
    places: MaskArray = field(init=False)
    """Configuration of each chain, shape ``(n_chains,)``."""

    def __post_init__(self) -> None:
        self.places = self.space.starts(self.settings.n_chains, self.rng)
        flips = self.words.flips[self.words.flips != 0]
        # The words may keep a symmetry that the machine's state has not: of a Heisenberg chain they
        # never change the magnetisation. Single flips lead on, where electrons allow them.
        single = np.uint64(1) << np.arange(self.space.n_qubits, dtype=np.uint64)
        possible = self.space.is_allowed(self.places[0] ^ single)
        self.flips = np.union1d(flips, single[possible] if len(flips) else single)

    def draw(self, machine: BoltzmannMachine, n_samples: int) -> ChainSample:
        """Return configurations drawn from a machine with the parameters it has."""
        settings = self.settings
        n_kept = max(1, round(n_samples / settings.n_chains))
        logs = self._logs(machine, self.places)
        n_accepted = 0
        kept = np.empty((n_kept, settings.n_chains), dtype=np.uint64)
        for k in range(n_kept):
            for _ in range(settings.thinning + (settings.burn_in if k == 0 else 0)):
                logs, moved = self._step(machine, logs)
                n_accepted += moved
            kept[k] = self.places
        masks, index = np.unique(kept, return_inverse=True)
        groups = np.arange(settings.n_chains) % N_BLOCKS
        flat = (groups[None, :] * len(masks) + index.reshape(kept.shape)).ravel()
        counts = np.bincount(flat, minlength=N_BLOCKS * len(masks)).reshape(N_BLOCKS, -1)
        steps = settings.n_chains * (n_kept * settings.thinning + settings.burn_in)
        return ChainSample(
            masks, counts / counts.sum(axis=1, keepdims=True), kept.size, n_accepted / steps
        )

    def _step(self, machine: BoltzmannMachine, logs: FloatArray) -> tuple[FloatArray, int]:
        size = len(self.places)
        tried = self.places ^ self.rng.choice(self.flips, size)
        allowed = self.space.is_allowed(tried)
        luck = np.log(self.rng.uniform(size=size))
        new = np.full(size, -np.inf)
        if allowed.any():
            new[allowed] = self._logs(machine, tried[allowed])
        accepted = luck < 2.0 * (new - logs)
        self.places = np.where(accepted, tried, self.places)
        return np.where(accepted, new, logs), int(accepted.sum())

    def _logs(self, machine: BoltzmannMachine, masks: MaskArray) -> FloatArray:
        """Return ``ln |psi|``, shape of ``masks``."""
        spins = self.space.spins(masks)
        # A chain may begin where the amplitude vanishes: any finite value lets it leave.
        logs: FloatArray = np.maximum(machine.log_amplitudes(spins), -1e300)
        return logs
