"""Expectations and shift-rule gradients of one request on a device with qubits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from qmlmat.ansatz import Circuit
from qmlmat.ansatz.qubit_circuit import QubitCircuit
from qmlmat.backends.qubits.jobs import Batch, ExpectationDoor, GradientDoor, Measured
from qmlmat.backends.qubits.lowered import (
    Untied,
    encoded_terms,
    frame_of,
    mapping_of,
    pauli_sum,
    reference_circuit,
    reference_values,
    untied,
)
from qmlmat.backends.qubits.parities import KnownParities
from qmlmat.backends.requests import Estimate, Request, ValueAndGradient, check_params
from qmlmat.errors import InputError
from qmlmat.operators.mappings import QubitMapping
from qmlmat.operators.pauli import PauliSum
from qmlmat.typing import FloatArray


@dataclass(eq=False)
class QubitEvaluator:
    """A request on qubits made ready: all points, shifts and references of a call are one job.

    A parameter's derivative is the sum over its gates, each by the shift rule of its own
    frequencies.
    """

    request: Request
    """The request; its parameters are not used."""
    mapping: str | QubitMapping
    """Where occupations stand."""
    door: ExpectationDoor
    """What measures."""
    shots: int | None
    """Repetitions of each point; ``None`` where exact."""
    corrects_reference: bool = False
    """Whether the error at zero angles is subtracted."""
    symmetry_words: Callable[[PauliSum], tuple[int, ...]] | None = None
    """Finds the Z words that a sum keeps, where states are post-selected."""
    _corrections: tuple[FloatArray, FloatArray] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.request.observables:
            raise InputError("Request(observables=()): nothing to measure. Name an observable.")
        knows = self.corrects_reference or self.symmetry_words is not None
        if knows and not isinstance(self.request.preparation.circuit, Circuit):
            raise InputError(
                "Mitigation(symmetry=True or reference=True): a circuit of qubit gates keeps no "
                "electrons and need not leave its reference alone at zero angles. Use a fermionic "
                "circuit, or readout and noise_factors alone."
            )

    @cached_property
    def _mapping(self) -> QubitMapping | None:
        return mapping_of(self.request.preparation, self.mapping)

    @cached_property
    def _frame(self) -> QubitMapping | None:
        return frame_of(self.request.preparation, self._mapping)

    @cached_property
    def ansatz(self) -> Untied:
        """The circuit with one angle for each gate."""
        return untied(self.request.preparation.circuit, self._mapping)

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        return self.ansatz.circuit.n_qubits

    @cached_property
    def circuits(self) -> tuple[QubitCircuit, ...]:
        """Reference and ansatz, for each reference."""
        return tuple(
            reference_circuit(reference, self._frame, self.n_qubits).then(self.ansatz.circuit)
            for reference in self.request.preparation.references
        )

    @cached_property
    def sums(self) -> tuple[PauliSum, ...]:
        """The observables as sums of words."""
        assert self.request.observables is not None
        return tuple(
            pauli_sum(one, self._mapping, self.n_qubits) for one in self.request.observables
        )

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return self.request.preparation.circuit.n_params

    @property
    def least_shots(self) -> int:
        """Fewest shots of one state: one for each basis of measurement."""
        if self.shots is None:
            return 1
        return self.door.least_shots(self._batches(np.zeros((1, 1, len(self.ansatz.rules)))))

    @property
    def is_paired(self) -> bool:
        """Whether state i meets observable i only."""
        return self.request.pairing == "each"

    def __call__(self, params: FloatArray) -> Estimate:
        """Return expectations; see ``Estimate`` for the shapes.

        Raises:
            InputError: If the shape of ``params`` is wrong.
        """
        batches, finish = self.planned(params)
        return finish(self.door.expectations(batches))

    def planned(
        self, params: FloatArray
    ) -> tuple[list[Batch], Callable[[Sequence[Measured]], Estimate]]:
        """Return what is to be measured, and what makes the answer of it.

        Raises:
            InputError: If the shape of ``params`` is wrong.
        """
        rows, shape = self._rows(params)
        angles = rows[:, None]

        def finish(answers: Sequence[Measured]) -> Estimate:
            values, variances = self._collected(angles, answers)
            return Estimate(
                values=values[:, 0].reshape(shape),
                variances=variances[:, 0].reshape(shape),
                n_shots=_total_shots(answers),
                calibration=self._moved(angles, answers, shape),
            )

        return self._asked(angles), finish

    def value_and_gradient(self, params: FloatArray) -> ValueAndGradient:
        """Return expectations and gradients; see ``ValueAndGradient``.

        Raises:
            InputError: If the shape of ``params`` is wrong.
        """
        rows, shape = self._rows(params)
        if isinstance(self.door, GradientDoor):
            return self._differentiated(self.door, rows, shape)
        places, weights = self._shifts
        angles = rows[:, None] + np.concatenate([np.zeros((1, rows.shape[1])), places])
        answers = self.door.expectations(self._asked(angles))
        values, variances = self._collected(angles, answers)
        slopes = np.einsum("rks,ka->rsa", values[:, 1:], weights) @ self.ansatz.combination
        own = variances[:, 1:]
        if self._corrections is not None:  # a constant, which no derivative sees
            own = own - self._tiled(self._corrections[1], len(angles))
        noise = np.einsum("rks,ka->rsa", own, weights**2)
        gradient_shape = (*shape, self.n_params)
        exact = self.shots is None
        return ValueAndGradient(
            values=values[:, 0].reshape(shape),
            gradient=slopes.reshape(gradient_shape),
            variances=None if exact else variances[:, 0].reshape(shape),
            gradient_variances=None
            if exact
            else (noise @ self.ansatz.combination**2).reshape(gradient_shape),
        )

    def _differentiated(
        self, door: GradientDoor, rows: FloatArray, shape: tuple[int, ...]
    ) -> ValueAndGradient:
        """Return what a simulator that differentiates by itself says."""
        batches, places = self._batches(rows[:, None]), self._places(len(rows))
        n_values = 1 if self.is_paired else len(self.sums)
        n_states = len(rows) * len(self.circuits)
        values = np.empty((n_states, n_values))
        slopes = np.empty((n_states, n_values, rows.shape[1]))
        for states, (value, slope) in zip(places, door.slopes(batches), strict=True):
            values[states], slopes[states] = value, slope
        gradient = slopes @ self.ansatz.combination
        return ValueAndGradient(
            values=values.reshape(shape), gradient=gradient.reshape(*shape, self.n_params)
        )

    @cached_property
    def _shifts(self) -> tuple[FloatArray, FloatArray]:
        """Shifted angles ``(n_shifts, n_angles)`` and their weights in each derivative."""
        rules = self.ansatz.rules
        n_angles = len(rules)
        total = sum(len(rule.shifts) for rule in rules)
        places, weights = np.zeros((total, n_angles)), np.zeros((total, n_angles))
        begin = 0
        for k, rule in enumerate(rules):
            here = slice(begin, begin + len(rule.shifts))
            places[here, k], weights[here, k] = rule.shifts, rule.weights
            begin = here.stop
        return places, weights

    def _rows(self, params: FloatArray) -> tuple[FloatArray, tuple[int, ...]]:
        """Return the angles of every parameter vector, and the shape of the values."""
        array = check_params(params, self.n_params, what="QubitEvaluator")
        rows = array.reshape(math.prod(array.shape[:-1]), self.n_params)
        axes = (*array.shape[:-1], *self.request.preparation.batch_axes)
        n_states = len(rows) * len(self.circuits)
        if self.is_paired and n_states != len(self.sums):
            raise InputError(
                f'Request(pairing="each"): {n_states} states and {len(self.sums)} observables. '
                "Give one state for each observable."
            )
        return self.ansatz.angles(rows), axes if self.is_paired else (*axes, len(self.sums))

    def _asked(self, angles: FloatArray) -> list[Batch]:
        """Return what is measured at angles ``(n_rows, n_shifts + 1, n_angles)``."""
        batches = self._batches(angles)
        if self.corrects_reference and self._corrections is None:
            batches += self._at_zero(angles.reshape(-1, len(self.ansatz.rules)))
        return batches

    def _collected(
        self, angles: FloatArray, answers: Sequence[Measured]
    ) -> tuple[FloatArray, FloatArray]:
        """Return values and variances, each ``(n_states, n_shifts + 1, n_sums)``."""
        places = self._places(len(angles))
        if len(answers) > len(places):
            self._correct(answers[len(places) :])
        n_values = 1 if self.is_paired else len(self.sums)
        shape = (len(angles) * len(self.circuits), angles.shape[1], n_values)
        values, variances = np.empty(shape), np.empty(shape)
        for states, answer in zip(places, answers, strict=False):
            pieces = (len(states), angles.shape[1], n_values)
            values[states] = answer.values.reshape(pieces)
            variances[states] = answer.variances.reshape(pieces)
        if self._corrections is not None:
            changes, noises = (self._tiled(one, len(angles)) for one in self._corrections)
            values, variances = values + changes, variances + noises
        return values, variances

    def _moved(
        self, angles: FloatArray, answers: Sequence[Measured], shape: tuple[int, ...]
    ) -> FloatArray | None:
        """Return how values move at other readout errors, ``(n_draws, *shape)``."""
        places = self._places(len(angles))
        draws = [one.calibration for one in answers]
        known = [one for one in draws if one is not None]
        if len(known) < len(draws) or not known:
            return None
        n_values = 1 if self.is_paired else len(self.sums)
        pieces = (len(known[0]), -1, angles.shape[1], n_values)
        found = np.empty((len(known[0]), len(angles) * len(self.circuits), n_values))
        for states, one in zip(places, known, strict=False):
            found[:, states] = one.reshape(pieces)[:, :, 0]
        if len(known) > len(places):  # the answers at zero angles, which are subtracted
            at_zero = np.array([one[:, 0] for one in known[len(places) :]])
            moves = [self._tiled(one, len(angles))[:, 0] for one in at_zero.swapaxes(0, 1)]
            found -= np.array(moves)
        return found.reshape(len(found), *shape)

    def _tiled(self, correction: FloatArray, n_rows: int) -> FloatArray:
        """Return what belongs to each state, ``(n_states, 1, n_sums)``."""
        n_tiles = 1 if self.is_paired else n_rows
        tiled: FloatArray = np.tile(correction, (n_tiles, 1))[:, None]
        return tiled

    def _batches(self, angles: FloatArray) -> list[Batch]:
        """Return what is measured at angles ``(n_rows, n_shifts + 1, n_angles)``."""
        n_references = len(self.circuits)
        if not self.is_paired:
            flat = angles.reshape(math.prod(angles.shape[:-1]), angles.shape[-1])
            return [self._batch(r, flat, self.sums) for r in range(n_references)]
        return [
            self._batch(r, row, (self.sums[k * n_references + r],))
            for k, row in enumerate(angles)
            for r in range(n_references)
        ]

    def _places(self, n_rows: int) -> list[list[int]]:
        """Return which states each batch holds; references run fastest."""
        n_references = len(self.circuits)
        states = np.arange(n_rows * n_references).reshape(n_rows, n_references)
        return states.reshape(-1, 1).tolist() if self.is_paired else states.T.tolist()

    def _batch(
        self,
        reference: int,
        angles: FloatArray,
        sums: tuple[PauliSum, ...],
        *,
        turned: FloatArray | None = None,
    ) -> Batch:
        """Return what is measured in one reference's states.

        Args:
            reference: Its number.
            angles: Shape ``(n_points, n_angles)``.
            sums: The observables.
            turned: Angles that say which parities are kept; ``angles`` by default.
        """
        known, where = self._parities, angles if turned is None else turned
        symmetry = None if known is None else known.at(reference, where)
        return Batch(
            self.circuits[reference],
            angles,
            sums,
            self.shots,
            symmetry,
            self._starts[reference],
        )

    @cached_property
    def _starts(self) -> tuple[tuple[tuple[int, complex], ...], ...]:
        """The references on the qubits."""
        references = self.request.preparation.references
        return tuple(encoded_terms(reference, self._frame) for reference in references)

    @cached_property
    def _parities(self) -> KnownParities | None:
        """What tells the parities of states, where they are post-selected."""
        if self.symmetry_words is None:
            return None
        mapping, flips = self._mapping, self.ansatz.flips
        assert mapping is not None
        assert flips is not None
        return KnownParities(
            preparation=self.request.preparation,
            mapping=mapping,
            flips=flips,
            sums=self.sums,
            symmetry_words=self.symmetry_words,
        )

    def _at_zero(self, turned: FloatArray) -> list[Batch]:
        """Return the references themselves, through the whole circuit at zero angles.

        They are post-selected as the states at ``turned``, ``(n_points, n_angles)``, are.
        """
        zero, n_references = np.zeros((1, len(self.ansatz.rules))), len(self.circuits)
        measured = [(one,) for one in self.sums] if self.is_paired else [self.sums] * n_references
        return [
            self._batch(k % n_references, zero, sums, turned=turned)
            for k, sums in enumerate(measured)
        ]

    def _correct(self, answers: Sequence[Measured]) -> None:
        references = self.request.preparation.references
        n_references = len(references)
        exact = [
            reference_values(
                references[k % n_references],
                self._frame,
                (self.sums[k],) if self.is_paired else self.sums,
            )
            for k in range(len(answers))
        ]
        self._corrections = (
            np.array([right - a.values[0] for right, a in zip(exact, answers, strict=True)]),
            np.array([answer.variances[0] for answer in answers]),
        )


def _total_shots(answers: Sequence[Measured]) -> int | None:
    known = [answer.n_shots for answer in answers if answer.n_shots is not None]
    return sum(known) if known else None
