"""States, expectations, gradients and samples of circuits that conserve the electrons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from qmlmat.backends.register.generators import Generator, Phase
from qmlmat.backends.register.layout import Layout, SpinOrder
from qmlmat.backends.register.observables import Observable
from qmlmat.backends.sector_kernels import backward
from qmlmat.backends.sector_program import Program, compile_parts
from qmlmat.typing import FloatArray, IntArray, StateArray


@dataclass(frozen=True, eq=False)
class RegisterCircuit:
    """Generators that act on one determinant, and how their angles follow from a circuit's."""

    layout: Layout
    """The wires and the electrons on them."""
    occupied: tuple[int, ...]
    """Wires occupied at the start."""
    generators: tuple[Generator, ...]
    """What acts, first acting first; each conserves the layout's electrons."""
    source: IntArray
    """Which of the circuit's angles sets each generator's, ``(n_generators,)``; -1 for none."""
    rate: FloatArray
    """Each generator's angle by that angle, shape ``(n_generators,)``."""
    offset: FloatArray
    """Each generator's angle where that angle is zero, shape ``(n_generators,)`` (radians)."""

    @cached_property
    def narrowed(self) -> tuple[RegisterCircuit, ...]:
        """The same circuit among fewer determinants, where it has no spin order but could.

        Those with the electrons of each spin that it starts with, for the orders of spins in which
        every generator keeps them.
        """
        n_wires = self.layout.n_wires
        if self.layout.spin_order is not None or n_wires % 2:
            return ()
        orders: tuple[SpinOrder, ...] = ("interleaved", "blocked")
        layouts = []
        for order in orders:
            electrons = Layout(n_wires, (0, 0), order).electrons(self.occupied)
            layouts.append(Layout(n_wires, electrons, order))
        return tuple(
            replace(self, layout=layout)
            for layout in layouts
            if all(layout.parts(generator) is not None for generator in self.generators)
        )

    def narrowest(
        self, make: Callable[[Layout], list[Observable]]
    ) -> tuple[RegisterCircuit, list[Observable]]:
        """Return the circuit among as few determinants as what is measured allows.

        Args:
            make: Returns what is measured, for a layout.

        Returns:
            The circuit, and what is measured among its determinants; it may leave the sector where
            no circuit of one sector could hold it.
        """
        for one in self.narrowed:
            observables = make(one.layout)
            if all(observable.conserves for observable in observables):
                return one, observables
        return self, make(self.layout)

    @cached_property
    def acting(self) -> IntArray:
        """Which generators do more than turn the phase of the whole state."""
        return np.array(
            [k for k, g in enumerate(self.generators) if g != Phase(())], dtype=np.int64
        )

    @cached_property
    def is_real(self) -> bool:
        """Whether the state has real amplitudes, but for the phase of all of it."""
        acting = (self.generators[k] for k in self.acting)
        return not any(isinstance(g, Phase) or g.symmetric for g in acting)

    def program(self, *, complex_states: bool) -> Program:
        """Return the generators made ready for the kernels."""
        n_planes = 2 if complex_states or not self.is_real else 1
        return _program(self.layout, tuple(self.generators[k] for k in self.acting), n_planes)

    def angles(self, values: FloatArray) -> FloatArray:
        """Return the generators' angles.

        Args:
            values: The circuit's angles, shape ``(n_points, n_angles)`` (radians).
        """
        padded = np.concatenate([values, np.zeros((len(values), 1))], axis=1)
        angles: FloatArray = self.rate * padded[:, self.source] + self.offset
        return angles

    def collect(self, slopes: FloatArray, n_angles: int) -> FloatArray:
        """Return derivatives by the circuit's angles from those by the acting generators'.

        Args:
            slopes: Shape ``(n_points, n_acting)``.
            n_angles: Number of the circuit's angles.
        """
        found = np.zeros((n_angles + 1, len(slopes)))
        np.add.at(found, self.source[self.acting], (self.rate[self.acting] * slopes).T)
        return found[:-1].T


@lru_cache(maxsize=8)
def _program(layout: Layout, generators: tuple[Generator, ...], n_planes: int) -> Program:
    parts = []
    for generator in generators:
        part = layout.parts(generator)
        assert part is not None  # the doors refuse what does not conserve
        parts.append(part)
    return compile_parts(layout.sector, n_planes, tuple(parts))


@dataclass(frozen=True, eq=False)
class Simulation:
    """A circuit's states at some values of its angles."""

    circuit: RegisterCircuit
    """The circuit."""
    values: FloatArray
    """The circuit's angles, shape ``(n_points, n_angles)`` (radians)."""
    complex_states: bool = False
    """Whether amplitudes are complex even if the circuit keeps them real."""

    @cached_property
    def program(self) -> Program:
        """The circuit's generators for the kernels."""
        return self.circuit.program(complex_states=self.complex_states)

    @cached_property
    def _angles(self) -> FloatArray:
        return self.circuit.angles(self.values)

    @cached_property
    def _acting_angles(self) -> FloatArray:
        return np.ascontiguousarray(self._angles[:, self.circuit.acting])

    @cached_property
    def rows(self) -> FloatArray:
        """The states as the kernels' rows, but for their phases, shape ``(n_points, size)``."""
        start = np.array([self.circuit.layout.index(self.circuit.occupied)]), np.ones(1)
        return self.program.prepare([start] * len(self.values), self._acting_angles)

    @cached_property
    def amplitudes(self) -> StateArray:
        """The states but for their phases, shape ``(n_points, dimension)``."""
        return self.program.states(self.rows).reshape(len(self.values), -1)

    @cached_property
    def states(self) -> StateArray:
        """The states, shape ``(n_points, dimension)``; complex."""
        idle = np.setdiff1d(np.arange(len(self.circuit.generators)), self.circuit.acting)
        phases = np.exp(1j * self._angles[:, idle].sum(axis=1))
        found: StateArray = self.amplitudes * phases[:, None]
        return found

    @cached_property
    def probabilities(self) -> FloatArray:
        """The determinants' probabilities, shape ``(n_points, dimension)``."""
        return np.asarray(np.abs(self.amplitudes) ** 2, dtype=np.float64)

    def image(self, observable: Observable) -> StateArray:
        """Return the observable applied to the states, shape ``(n_points, dimension)``."""
        return observable.apply(self.amplitudes)

    def expectation(self, image: StateArray) -> FloatArray:
        """Return the expectations of an operator from its image, shape ``(n_points,)``."""
        means: FloatArray = np.einsum("pd,pd->p", self.amplitudes.conj(), image).real
        return means

    def gradient(self, image: StateArray) -> FloatArray:
        """Return the derivatives of an expectation from the operator's image.

        Returns:
            Shape ``(n_points, n_angles)``.

        References:
            T. Jones, J. Gacon, arXiv:2009.02823 (2020).
        """
        shape = (len(self.values), *self.circuit.layout.sector.shape)
        bras = self.program.flat(image.reshape(shape))
        kets = self.rows.copy()  # the sweep undoes what it is given
        slopes = np.zeros_like(self._acting_angles)
        self.program.sweep(backward, kets, bras, self._acting_angles, sums=(slopes,))
        return self.circuit.collect(slopes, self.values.shape[1])

    def samples(self, n_shots: int, point: int, rng: np.random.Generator) -> IntArray:
        """Return indices of determinants drawn from one state, shape ``(n_shots,)``."""
        weights = np.cumsum(self.probabilities[point])
        drawn = np.searchsorted(weights, rng.random(n_shots) * weights[-1], side="right")
        return np.asarray(np.minimum(drawn, len(weights) - 1), dtype=np.int64)

    def marginal(self, wires: Sequence[int]) -> FloatArray:
        """Return probabilities of some wires' basis states, ``(n_points, 2**n_wires)``.

        Args:
            wires: The wires; the first is the highest bit of a state's number.
        """
        keys = self.circuit.layout.keys(wires).astype(np.int64)
        return np.stack(
            [np.bincount(keys, row, minlength=1 << len(wires)) for row in self.probabilities]
        )
