"""Expectations of fixed observables in the states of one circuit, batches and gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.backends.block_kernels import inner
from qmlmat.backends.requests import Estimate, Preparation, ValueAndGradient, check_params
from qmlmat.backends.sector_kernels import backward
from qmlmat.backends.sector_program import Program, compile_circuit
from qmlmat.errors import InputError
from qmlmat.operators.sector import Sector
from qmlmat.typing import FloatArray, IntArray, Observable

BATCH_AMPLITUDES: Final = 2**22
"""Amplitudes of the states of a batch that a thread holds at a time: 32 MB, and as much again for
what the observables make of them."""


@dataclass(frozen=True)
class SectorEvaluator:
    """Expectations of fixed observables in the states of one circuit."""

    preparation: Preparation
    """The circuit, and the state or states it acts on; its parameters are not used."""
    observables: tuple[Observable, ...]
    """What is measured."""
    paired: bool = False
    """Whether state i meets observable i only."""

    def __post_init__(self) -> None:
        for observable in self.observables:
            check_observable(self.preparation.fermionic, observable)

    @cached_property
    def program(self) -> Program:
        """The circuit, ready for the kernels."""
        return program_of(self.preparation)

    @cached_property
    def starts(self) -> tuple[tuple[IntArray, FloatArray], ...]:
        """Where each reference's amplitudes stand, and what they are."""
        return tuple(self.program.start(reference) for reference in self.preparation.references)

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return self.preparation.fermionic.n_params

    def __call__(self, params: FloatArray) -> Estimate:
        """Return exact expectations; see ``Estimate`` for the shapes.

        Raises:
            InputError: If the shape of ``params`` is wrong.
        """
        values = self._evaluate(params, gradient=False).values
        return Estimate(values=values, variances=np.zeros_like(values), n_shots=None)

    def value_and_gradient(self, params: FloatArray) -> ValueAndGradient:
        """Return exact expectations and adjoint gradients; see ``ValueAndGradient``.

        Raises:
            InputError: If the shape of ``params`` is wrong.
        """
        return self._evaluate(params, gradient=True)

    def _evaluate(self, params: FloatArray, *, gradient: bool) -> ValueAndGradient:
        batch = check_params(params, self.n_params, what="SectorEvaluator")
        rows = as_states(batch, len(self.starts))
        if self.paired and len(rows) != len(self.observables):
            raise InputError(
                f'Request(pairing="each"): {len(rows)} parameter vectors and '
                f"{len(self.observables)} observables. Give one vector for each observable, or "
                "one reference where there are several."
            )
        n_values = 1 if self.paired else len(self.observables)
        values = np.empty((len(rows), n_values))
        slopes = np.empty((len(rows), n_values, self.n_params if gradient else 0))
        chunk = max(1, BATCH_AMPLITUDES // self.program.size)

        def work(part: slice) -> None:
            for begin in range(part.start, part.stop, chunk):
                some = slice(begin, min(begin + chunk, part.stop))
                self._fill(rows, some, values, slopes)

        self.program.share_batch(len(rows), work)
        axes = (*batch.shape[:-1], *self.preparation.batch_axes)
        shape = axes if self.paired else (*axes, n_values)
        return ValueAndGradient(
            values=values.reshape(shape), gradient=slopes.reshape(*shape, slopes.shape[-1])
        )

    def _fill(self, rows: FloatArray, some: slice, values: FloatArray, slopes: FloatArray) -> None:
        """Write the values and, where there is room for them, the slopes of some of the rows."""
        program = self.program
        angles = program.angles(rows[some])
        n_references = len(self.starts)
        kets = program.prepare(
            [self.starts[k % n_references] for k in range(some.start, some.stop)], angles
        )
        states = program.states(kets)
        states.flags.writeable = False  # an observable must not change the state it measures
        bras = np.empty_like(kets)
        last = values.shape[1] - 1
        for k in range(last + 1):
            for i, state in enumerate(states):
                observable = self.observables[some.start + i if self.paired else k]
                program.copy_state(observable.matvec(state), bras[i])
                values[some.start + i, k] = inner(bras[i], kets[i])
            if slopes.shape[-1]:
                undone = kets if k == last else kets.copy()  # the sweep undoes what it is given
                sums = np.zeros_like(angles)
                program.sweep(backward, undone, bras, angles, sums=(sums,))
                slopes[some, k] = program.collect(sums)


def program_of(preparation: Preparation) -> Program:
    """Return the circuit's program for the amplitudes that it and the references need."""
    is_real = all(reference.is_real for reference in preparation.references)
    return compile_circuit(preparation.fermionic, complex_states=not is_real)


def as_rows(params: FloatArray) -> FloatArray:
    """Return an array of shape ``(..., n)`` as ``(n_rows, n)``, also where ``n`` is 0."""
    return np.ascontiguousarray(params.reshape(math.prod(params.shape[:-1]), params.shape[-1]))


def as_states(params: FloatArray, n_references: int) -> FloatArray:
    """Return parameters ``(..., n)`` as those of every state, references running fastest."""
    rows = as_rows(params)
    return rows if n_references == 1 else np.repeat(rows, n_references, axis=0)


def apply_observable(program: Program, observable: Observable, row: FloatArray) -> FloatArray:
    """Return ``O|row>`` for one of the kernels' rows, shape ``(size,)``; a new array."""
    image = np.empty_like(row)
    state = program.states(row[None])[0]
    state.flags.writeable = False
    program.copy_state(observable.matvec(state), image)
    return image


def check_observable(circuit: Circuit, observable: Observable) -> None:
    """Raise unless an observable lives in a circuit's sector.

    Raises:
        InputError: If it does not.
    """
    sector = Sector(circuit.norb, circuit.nelec)
    if Sector(observable.norb, observable.nelec) != sector:
        raise InputError(
            f"SectorBackend: an observable on norb={observable.norb}, nelec={observable.nelec} "
            f"cannot be measured in a circuit on norb={sector.norb}, nelec={sector.nelec}. Build "
            "the circuit for the Hamiltonian's norb and nelec."
        )
