"""The device ``qmlmat.sector``: circuits that conserve electrons, simulated in their sector."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar

import numpy as np
import pennylane as qml
from pennylane import CompilePipeline
from pennylane.devices import Device, ExecutionConfig
from pennylane.devices.modifiers import simulator_tracking, single_tape_support
from pennylane.devices.preprocess import decompose, validate_measurements
from pennylane.exceptions import DeviceError
from pennylane.measurements import MeasurementProcess, MeasurementTransform
from pennylane.tape import QuantumScript
from pennylane.transforms import broadcast_expand

from qmlmat.backends.register.layout import SpinOrder, check_spin_order, checked_nelec
from qmlmat.errors import QmlmatError
from qmlmat.plugins.pennylane.circuits import bind, keeps
from qmlmat.plugins.pennylane.measurements import Measured
from qmlmat.plugins.pennylane.observables import Observables, hold_observables, is_mean

_Result = TypeVar("_Result")


def _refusing(method: Callable[..., _Result]) -> Callable[..., _Result]:
    """Let a method raise PennyLane's own error for what the device refuses."""

    @wraps(method)
    def refusing(*args: Any, **kwargs: Any) -> _Result:  # noqa: ANN401
        try:
            return method(*args, **kwargs)
        except QmlmatError as error:
            raise DeviceError(str(error)) from error

    return refusing


@qml.transform  # type: ignore[untyped-decorator]  # PennyLane has no types
def expand_for_gradients(
    tape: QuantumScript,
) -> tuple[Sequence[QuantumScript], Callable[[Sequence[Any]], Any]]:
    """Return a tape for each of several points, where there are parameters to differentiate by."""
    if tape.batch_size is not None and tape.trainable_params:
        tapes, together = broadcast_expand(tape)
        return tapes, together
    return (tape,), lambda results: results[0]


def _is_measured(measurement: MeasurementProcess) -> bool:
    return not isinstance(measurement, MeasurementTransform)


@simulator_tracking
@single_tape_support
class SectorDevice(Device):  # type: ignore[misc]  # PennyLane has no types
    """Exact simulation of circuits that conserve the number of electrons.

    Of the ``2**n`` amplitudes only those with the circuit's electrons are kept, and a molecule's
    Hamiltonian acts through its integrals. Gradients are adjoint, for one expectation or several;
    parameters may be broadcast. With shots, determinants are drawn; of an observable that is not
    diagonal each Pauli word is measured with as many shots by itself.

    Args:
        wires: Number of wires, or their labels. Wires are spin orbitals.
        nelec: Electrons by spin, ``(n_alpha, n_beta)``; by default those of the circuit's
            ``BasisState``, none without one.
        spin_order: ``"interleaved"``: alpha and beta by turns, as in ``qml.qchem``; ``"blocked"``:
            all alpha, then all beta; ``None``: only the number of all electrons counts, which is
            right for every circuit that conserves it, and larger. Where gates and observables keep
            the electrons of each spin in one of these orders, the smaller sector is used anyway.
        seed: Seed of the samples.

    Raises:
        pennylane.exceptions.DeviceError: When a circuit is executed that has a gate, an observable
            or a number of electrons that does not fit; if an argument is wrong.

    Example:
        >>> import pennylane as qml
        >>> device = qml.device("qmlmat.sector", wires=4, spin_order="interleaved")
        >>> @qml.qnode(device)
        ... def occupation(angle):
        ...     qml.BasisState([1, 1, 0, 0], wires=range(4))
        ...     qml.DoubleExcitation(angle, wires=[0, 1, 2, 3])
        ...     return qml.expval(qml.Z(0))
        >>> round(float(occupation(0.3)), 6)
        -0.955336
    """

    name = "qmlmat.sector"

    @_refusing
    def __init__(
        self,
        wires: int | Iterable[Hashable] | None = None,
        *,
        nelec: tuple[int, int] | None = None,
        spin_order: SpinOrder | None = None,
        seed: int | None = None,
        shots: int | None = None,
    ) -> None:
        super().__init__(wires=wires, shots=shots)
        check_spin_order("qmlmat.sector", spin_order)
        self.nelec = checked_nelec("qmlmat.sector", nelec)
        self.spin_order = spin_order
        self._rng = np.random.default_rng(seed)
        self._observables = Observables()
        self._last: tuple[QuantumScript, Measured] | None = None

    def setup_execution_config(
        self, config: ExecutionConfig | None = None, circuit: QuantumScript | None = None
    ) -> ExecutionConfig:
        """Return the configuration with this device's choices filled in.

        Where ``"best"`` can be adjoint it is: with the result for one expectation, and as products
        with vectors for several.
        """
        config = config or ExecutionConfig()
        chosen: dict[str, Any] = {}
        if config.gradient_method == "best" and self.supports_derivatives(config, circuit):
            chosen["gradient_method"] = "adjoint"
        is_adjoint = chosen.get("gradient_method", config.gradient_method) == "adjoint"
        is_alone = circuit is None or len(circuit.measurements) == 1
        if config.use_device_gradient is None:
            chosen["use_device_gradient"] = is_adjoint
        if config.use_device_jacobian_product is None:
            chosen["use_device_jacobian_product"] = is_adjoint and not is_alone
        if config.grad_on_execution is None and is_adjoint:
            chosen["grad_on_execution"] = is_alone
        return replace(config, **chosen)

    def preprocess_transforms(
        self, execution_config: ExecutionConfig | None = None
    ) -> CompilePipeline:
        """Return what is done before execution: templates are decomposed, and little more.

        Several points at once are simulated together, unless their gradients are wanted.
        Measurements that are transforms of tapes, as ``qml.classical_shadow``, are refused.
        """
        pipeline = CompilePipeline()
        pipeline.add_transform(
            validate_measurements,
            analytic_measurements=_is_measured,
            sample_measurements=_is_measured,
            name=self.name,
        )
        pipeline.add_transform(hold_observables)
        pipeline.add_transform(decompose, stopping_condition=keeps, name=self.name)
        if execution_config is not None and execution_config.gradient_method == "adjoint":
            pipeline.add_transform(expand_for_gradients)
        return pipeline

    @_refusing
    def execute(
        self,
        circuits: Sequence[QuantumScript],
        execution_config: ExecutionConfig | None = None,  # noqa: ARG002 (PennyLane's interface)
    ) -> tuple[Any, ...]:
        """Return the results of some tapes."""
        return tuple(self._result(tape) for tape in circuits)

    def _result(self, tape: QuantumScript) -> Any:  # noqa: ANN401
        measured = self._measured(tape)
        if not tape.shots:
            return measured.exact()
        copies = [measured.sampled(n_shots, self._rng) for n_shots in tape.shots]
        return tuple(copies) if tape.shots.has_partitioned_shots else copies[0]

    def _measured(self, tape: QuantumScript) -> Measured:
        """Return a tape's states; those of the last tape are remembered."""
        last = self._last  # another thread may write it meanwhile
        if last is None or last[0] is not tape:
            wires = None if self.wires is None else self.wires.tolist()
            bound = bind(tape, wires, self.nelec, self.spin_order)
            measured = Measured(bound, tuple(tape.measurements), self._observables)
            self._last = last = tape, measured
        return last[1]

    # ------------------- derivatives

    def supports_derivatives(
        self,
        execution_config: ExecutionConfig | None = None,
        circuit: QuantumScript | None = None,
    ) -> bool:
        """Return whether gradients are adjoint: first ones of exact means, by gates' angles."""
        if execution_config is not None and (
            execution_config.gradient_method not in {"adjoint", "best"}
            or execution_config.derivative_order > 1
        ):
            return False
        if circuit is None:
            return True
        n_data = sum(len(operator.data) for operator in circuit.operations)
        return (
            not circuit.shots
            and all(is_mean(one) for one in circuit.measurements)
            and all(number < n_data for number in circuit.trainable_params)
        )

    def supports_vjp(
        self,
        execution_config: ExecutionConfig | None = None,
        circuit: QuantumScript | None = None,
    ) -> bool:
        """Return whether there are products of vectors with Jacobians."""
        return self.supports_derivatives(execution_config, circuit)

    @_refusing
    def compute_derivatives(
        self,
        circuits: Sequence[QuantumScript],
        execution_config: ExecutionConfig | None = None,  # noqa: ARG002
    ) -> tuple[Any, ...]:
        """Return the Jacobians of some tapes by their trainable parameters."""
        return tuple(self._jacobian(tape) for tape in circuits)

    @_refusing
    def execute_and_compute_derivatives(
        self,
        circuits: Sequence[QuantumScript],
        execution_config: ExecutionConfig | None = None,  # noqa: ARG002
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the results of some tapes, and their Jacobians."""
        pairs = [(self._result(tape), self._jacobian(tape)) for tape in circuits]
        return tuple(result for result, _ in pairs), tuple(jacobian for _, jacobian in pairs)

    @_refusing
    def compute_vjp(
        self,
        circuits: Sequence[QuantumScript],
        cotangents: Sequence[Any],
        execution_config: ExecutionConfig | None = None,  # noqa: ARG002
    ) -> tuple[Any, ...]:
        """Return products of cotangents with the Jacobians of some tapes."""
        return tuple(
            self._vjp(tape, weights) for tape, weights in zip(circuits, cotangents, strict=True)
        )

    @_refusing
    def execute_and_compute_vjp(
        self,
        circuits: Sequence[QuantumScript],
        cotangents: Sequence[Any],
        execution_config: ExecutionConfig | None = None,  # noqa: ARG002
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the results of some tapes, and products of cotangents with their Jacobians."""
        pairs = [
            (self._result(tape), self._vjp(tape, weights))
            for tape, weights in zip(circuits, cotangents, strict=True)
        ]
        return tuple(result for result, _ in pairs), tuple(product for _, product in pairs)

    def _jacobian(self, tape: QuantumScript) -> Any:  # noqa: ANN401 (nested as PennyLane wants it)
        self._check_differentiable(tape)
        table = self._measured(tape).jacobian()[:, 0, self._angles(tape)]
        rows = [
            np.array(row[0]) if len(row) == 1 else tuple(np.array(slope) for slope in row)
            for row in table
        ]
        return rows[0] if len(rows) == 1 else tuple(rows)

    def _vjp(self, tape: QuantumScript, cotangents: Any) -> tuple[Any, ...]:  # noqa: ANN401
        self._check_differentiable(tape)
        measured = self._measured(tape)
        is_alone = len(tape.measurements) == 1
        given = [cotangents] if is_alone and not isinstance(cotangents, tuple) else cotangents
        weights = np.stack([np.asarray(one, dtype=np.float64) for one in qml.math.unwrap(given)])
        angles = self._angles(tape)
        if weights.ndim == 1:
            return tuple(np.array(s) for s in measured.weighted_gradient(weights)[0, angles])
        batch = [measured.weighted_gradient(column)[0, angles] for column in weights.T]
        return tuple(np.stack(batch).T)

    def _angles(self, tape: QuantumScript) -> Any:  # noqa: ANN401 (an array of integers)
        return self._measured(tape).bound.angle_of[list(tape.trainable_params)]

    def _check_differentiable(self, tape: QuantumScript) -> None:
        angle_of = self._measured(tape).bound.angle_of
        for number in tape.trainable_params:
            if number >= len(angle_of) or angle_of[number] < 0:
                raise DeviceError(
                    "qmlmat.sector: adjoint gradients are by the angles of gates, not by an "
                    "observable's coefficients or the initial state. Mark those as not trainable, "
                    'or use diff_method="parameter-shift".'
                )
        if not all(is_mean(one) for one in tape.measurements) or tape.shots:
            raise DeviceError(
                "qmlmat.sector: adjoint gradients are of exact expectations and variances. Leave "
                "the shots out and measure qml.expval or qml.var, or use "
                'diff_method="parameter-shift".'
            )
