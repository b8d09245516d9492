"""PennyLane's observables on the register, remembered by identity."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np
import pennylane as qml
from pennylane.measurements import ExpectationMP, MeasurementProcess, VarianceMP
from pennylane.operation import Operator
from pennylane.tape import QuantumScript

from qmlmat.backends.pennylane.operators import from_pennylane
from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.observables import SectorObservable
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.pauli import MAX_QUBITS
from qmlmat.typing import FloatArray, StateArray

REMEMBERED: Final = 32
"""Observables that are remembered."""
MAX_MATRIX_WIRES: Final = 5
"""Most wires of an observable given as a matrix."""


@dataclass(frozen=True, eq=False)
class DeterminantProjector:
    """The projector on the states in which some wires have given occupations."""

    layout: Layout
    """The wires and the electrons on them."""
    wires: tuple[int, ...]
    """The wires."""
    number: int
    """Their occupations as a number; the first wire is the highest bit."""

    is_real: ClassVar[bool] = True
    """Whether real states stay real."""
    conserves: ClassVar[bool] = True
    """Whether it maps the sector to itself."""

    @cached_property
    def diagonal(self) -> FloatArray:
        """Eigenvalue of each determinant, shape ``(dimension,)``."""
        return np.asarray(self.layout.keys(self.wires) == self.number, dtype=np.float64)

    def apply(self, states: StateArray) -> StateArray:
        """Return the projector applied to states, shape ``(n_states, dimension)``."""
        projected: StateArray = states * self.diagonal
        return projected


Observable = SectorObservable | DeterminantProjector


class Held(Operator):  # type: ignore[misc]  # PennyLane has no types
    """An observable that PennyLane passes on as it is.

    It would copy a sum of thousands of words whenever it is measured, and its identity be lost.
    """

    def __init__(self, held: Operator) -> None:
        self.held = held
        super().__init__(wires=held.wires)

    def __repr__(self) -> str:
        """Return the observable as PennyLane writes it."""
        return repr(self.held)


@qml.transform  # type: ignore[untyped-decorator]  # PennyLane has no types
def hold_observables(
    tape: QuantumScript,
) -> tuple[tuple[QuantumScript, ...], Callable[[Sequence[Any]], Any]]:
    """Return a tape whose observables are held, where no gradient by their data is wanted."""
    n_data = sum(len(operator.data) for operator in tape.operations)
    if not any(number >= n_data for number in tape.trainable_params):
        measurements = [
            type(one)(obs=Held(one.obs)) if one.obs is not None and is_mean(one) else one
            for one in tape.measurements
        ]
        trainable = tape.trainable_params
        tape = tape.copy(measurements=measurements, trainable_params=trainable)
    return (tape,), lambda results: results[0]


def is_mean(measurement: MeasurementProcess) -> bool:
    """Return whether a measurement is the mean or variance of an observable."""
    return isinstance(measurement, ExpectationMP | VarianceMP)


class Observables:
    """The sector forms of observables; the last ones are remembered, by identity."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Any, ...], tuple[Operator, Observable]] = OrderedDict()

    def of(self, operator: Operator, layout: Layout, labels: tuple[Hashable, ...]) -> Observable:
        """Return an observable among a layout's determinants; it may leave them.

        Args:
            operator: PennyLane's observable.
            layout: The wires and the electrons on them.
            labels: PennyLane's labels of wires 0, 1, 2, ...

        Raises:
            CapabilityError: If it is not made of Pauli words or a projector on a determinant.
            InputError: If it is not Hermitian, or has other wires.
        """
        operator = operator.held if isinstance(operator, Held) else operator
        key = (id(operator), layout, labels)  # the operator is kept, so its identity stays its own
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = operator, _made(operator, layout, labels)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return found[1]


def _made(operator: Operator, layout: Layout, labels: tuple[Hashable, ...]) -> Observable:
    numbers = {label: k for k, label in enumerate(labels)}
    missing = [label for label in operator.wires if label not in numbers]
    if missing:
        raise InputError(
            f"qmlmat.sector: {operator.name} on wires {missing}, which the device has not. Use "
            f"{list(labels)}."
        )
    if isinstance(operator, qml.Projector) and len(operator.data[0]) == len(operator.wires):
        bits = "".join(str(int(bit)) for bit in operator.data[0])
        wires = tuple(numbers[label] for label in operator.wires)
        return DeterminantProjector(layout, wires, int(bits, 2))
    if layout.n_wires > MAX_QUBITS:
        raise CapabilityError(
            f"qmlmat.sector: {operator.name} on a device of {layout.n_wires} wires. Pauli words "
            f"have at most {MAX_QUBITS}: make the device with as many wires as are used, or "
            "measure qml.probs."
        )
    words = from_pennylane(_in_words(operator), labels=labels)
    if not words.is_hermitian:
        raise InputError(
            f"qmlmat.sector: {operator.name} is not Hermitian. Use real coefficients of Pauli "
            "words."
        )
    return SectorObservable(layout, words)


def _in_words(operator: Operator) -> Operator:
    """Return an observable as a combination of Pauli words."""
    if operator.pauli_rep is not None:
        return operator
    if operator.has_matrix and len(operator.wires) <= MAX_MATRIX_WIRES:
        wires = operator.wires
        return qml.pauli_decompose(operator.matrix(), wire_order=wires, check_hermitian=True)
    raise CapabilityError(
        f"qmlmat.sector: {operator.name} is not made of Pauli words. Use qml.Hamiltonian, "
        "qml.pauli_decompose(matrix), or qml.Projector on a basis state."
    )
