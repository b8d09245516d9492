"""What PennyLane measures, from states of the register."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pennylane.measurements import (
    ExpectationMP,
    MeasurementProcess,
    ProbabilityMP,
    SampleMeasurement,
    StateMeasurement,
    VarianceMP,
)
from pennylane.operation import Operator
from pennylane.wires import Wires

from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.observables import SectorObservable
from qmlmat.backends.register.simulator import Simulation
from qmlmat.errors import CapabilityError
from qmlmat.plugins.pennylane.circuits import Bound
from qmlmat.plugins.pennylane.observables import Held, Observables, is_mean, shown
from qmlmat.typing import FloatArray, IntArray, StateArray


@dataclass
class Measured:
    """A tape's states, and what is measured in them."""

    bound: Bound
    """The circuit and its angles."""
    measurements: tuple[MeasurementProcess, ...]
    """What is measured."""
    known: Observables
    """Where the forms of observables are remembered."""
    _images: dict[int, StateArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        means = [k for k, one in enumerate(self.measurements) if is_mean(one)]
        operators = [_operator(self.measurements[k]) for k in means]
        circuit, measured = self.bound.circuit.narrowest(
            lambda layout: [self.known.of(one, layout, self.bound.labels) for one in operators]
        )
        for operator, observable in zip(operators, measured, strict=True):
            if not observable.conserves:
                observable.check_conserves(f"qmlmat.sector: {shown(operator)}")
        self._observables = dict(zip(means, measured, strict=True))
        is_real = all(one.is_real for one in measured)
        self.simulation = Simulation(circuit, self.bound.values, complex_states=not is_real)

    @property
    def layout(self) -> Layout:
        """The wires and the electrons on them."""
        return self.simulation.circuit.layout

    def image(self, number: int) -> StateArray:
        """Return the observable of a measurement applied to the states."""
        if number not in self._images:
            self._images[number] = self.simulation.image(self._observables[number])
        return self._images[number]

    # ------------------- exact

    def exact(self) -> Any:  # noqa: ANN401 (PennyLane's result of a tape)
        """Return the exact result of every measurement, in PennyLane's shapes."""
        found = tuple(self._exact(k, one) for k, one in enumerate(self.measurements))
        return found[0] if len(found) == 1 else found

    def _exact(self, number: int, measurement: MeasurementProcess) -> Any:  # noqa: ANN401
        if is_mean(measurement):
            image = self.image(number)
            means = self.simulation.expectation(image)
            if isinstance(measurement, VarianceMP):
                rest = image - means[:, None] * self.simulation.amplitudes
                means = np.sum(np.abs(rest) ** 2, axis=1)  # zero of an eigenstate, never less
            return means if self.bound.is_batch else means[0]
        if isinstance(measurement, ProbabilityMP):
            probabilities = self.simulation.marginal(self._read(measurement))
            return probabilities if self.bound.is_batch else probabilities[0]
        if isinstance(measurement, StateMeasurement):
            states = [
                measurement.process_state(state, Wires(self.bound.labels))
                for state in self._full_states()
            ]
            return np.stack(states) if self.bound.is_batch else states[0]
        raise CapabilityError(
            f"qmlmat.sector: {measurement} without shots. Give the QNode shots (qml.set_shots), or "
            "measure qml.expval, qml.var, qml.probs or qml.state."
        )

    def _full_states(self) -> StateArray:
        shape = len(self.bound.values), 1 << self.layout.n_wires
        states = np.zeros(shape, dtype=np.complex128)
        states[:, self.layout.states.astype(np.int64)] = self.simulation.states
        return states

    def _read(self, measurement: MeasurementProcess) -> list[int]:
        """Return the wires that a measurement in the computational basis reads."""
        if measurement.obs is not None and measurement.diagonalizing_gates():
            raise CapabilityError(
                f"qmlmat.sector: {measurement} needs gates before it that do not conserve the "
                "electrons. Measure it without an observable, or one of Pauli Z and identities."
            )
        numbers: dict[Hashable, int] = {label: k for k, label in enumerate(self.bound.labels)}
        return [numbers[label] for label in measurement.wires or self.bound.labels]

    # ------------------- with shots

    def sampled(self, n_shots: int, rng: np.random.Generator) -> Any:  # noqa: ANN401
        """Return every measurement from samples of the states, in PennyLane's shapes."""
        points = [self._sampled(n_shots, k, rng) for k in range(len(self.bound.values))]
        found = tuple(
            _stacked([point[k] for point in points]) if self.bound.is_batch else points[0][k]
            for k in range(len(self.measurements))
        )
        return found[0] if len(found) == 1 else found

    def _sampled(self, n_shots: int, point: int, rng: np.random.Generator) -> list[Any]:
        drawn = self.simulation.samples(n_shots, point, rng)
        states = self.layout.states[drawn]
        shifts = np.arange(self.layout.n_wires - 1, -1, -1, dtype=np.uint64)
        bits = (states[:, None] >> shifts & np.uint64(1)).astype(np.int64)
        results: list[Any] = []
        for number, measurement in enumerate(self.measurements):
            if is_mean(measurement):
                results.append(self._sampled_mean(number, drawn, point, rng))
            elif isinstance(measurement, SampleMeasurement):
                self._read(measurement)
                wires = Wires(self.bound.labels)
                results.append(measurement.process_samples(bits, wire_order=wires))
            else:
                raise CapabilityError(
                    f"qmlmat.sector: {measurement} is not accepted with finite shots. Leave the "
                    "shots out, or measure qml.counts, qml.sample, qml.probs or qml.expval."
                )
        return results

    def _sampled_mean(
        self, number: int, drawn: IntArray, point: int, rng: np.random.Generator
    ) -> float:
        """Return a mean or variance from samples.

        What is diagonal is read from the samples of the determinants. Of other sums each word is
        measured by itself, with as many shots: its eigenvalues are drawn from its exact mean.
        """
        measurement, observable = self.measurements[number], self._observables[number]
        if observable.diagonal is not None:
            values = observable.diagonal[drawn]
            kind = np.mean if isinstance(measurement, ExpectationMP) else np.var
            return float(kind(values))
        if isinstance(measurement, VarianceMP):
            raise CapabilityError(
                f"qmlmat.sector: {measurement} with shots. Leave the shots out; with them only "
                "observables of Pauli Z and identities have variances."
            )
        assert isinstance(observable, SectorObservable)
        words = observable.masked
        means = words.means(self.simulation.amplitudes[point])
        ups = rng.binomial(len(drawn), np.clip((1.0 + means) / 2.0, 0.0, 1.0))
        return float(words.words.coefficients.real @ (2.0 * ups / len(drawn) - 1.0))

    # ------------------- derivatives

    def jacobian(self) -> FloatArray:
        """Return the derivatives of means and variances by the angles.

        Returns:
            Shape ``(n_measurements, n_points, n_angles)``.
        """
        return np.stack(
            [self.simulation.gradient(self._slope_image(k)) for k in range(len(self.measurements))]
        )

    def weighted_gradient(self, weights: FloatArray) -> FloatArray:
        """Return the derivatives of a weighted sum of them, shape ``(n_points, n_angles)``."""
        image = sum(weight * self._slope_image(k) for k, weight in enumerate(weights))
        return self.simulation.gradient(np.asarray(image))

    def _slope_image(self, number: int) -> StateArray:
        """Return what the adjoint sweep starts from: ``A psi``, of variances ``(A - 2 <A>) A psi``.

        The derivative of ``<A A> - <A>**2`` is that of the mean of ``A A - 2 <A> A`` at fixed
        ``<A>``.
        """
        image = self.image(number)
        if not isinstance(self.measurements[number], VarianceMP):
            return image
        means = self.simulation.expectation(image)
        found: StateArray = self._observables[number].apply(image) - 2.0 * means[:, None] * image
        return found


def _operator(measurement: MeasurementProcess) -> Operator:
    """Return what a mean or variance is of."""
    if measurement.obs is None:
        raise CapabilityError(
            f"qmlmat.sector: {measurement} names no observable. Use qml.expval(observable)."
        )
    operator = measurement.obs
    return operator.held if isinstance(operator, Held) else operator


def _stacked(points: list[Any]) -> Any:  # noqa: ANN401 (counts stay a list of dictionaries)
    return points if isinstance(points[0], dict) else np.stack(points)
