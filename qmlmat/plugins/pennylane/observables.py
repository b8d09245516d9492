"""PennyLane's observables on the register, and which of them are remembered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import pennylane as qml
from pennylane.measurements import ExpectationMP, MeasurementProcess, VarianceMP
from pennylane.operation import Operator
from pennylane.tape import QuantumScript

from qmlmat.backends.pennylane.operators import from_pennylane
from qmlmat.backends.register.layout import Layout
from qmlmat.backends.register.observables import (
    KEPT,
    MAX_WIRES,
    DeterminantProjector,
    Observable,
    SectorObservable,
)
from qmlmat.backends.register.recent import Recent
from qmlmat.errors import CapabilityError, InputError
from qmlmat.operators.pauli import MAX_QUBITS, PauliSum

MANY_WORDS: Final = 20
"""Words from which an observable is known by identity."""
MAX_SHOWN: Final = 4
"""Words of an observable that messages show."""
MAX_MATRIX_WIRES: Final = 5
"""Most wires of an observable given as a matrix."""


class Held(Operator):  # type: ignore[misc]  # PennyLane has no types
    """An observable that PennyLane passes on as it is.

    It would copy a sum of thousands of words whenever it is measured, and its identity be lost.
    """

    def __init__(self, held: Operator) -> None:
        self.held = held
        self._hyperparameters = {"held": held}
        super().__init__(wires=held.wires)

    def __repr__(self) -> str:
        """Return the observable as PennyLane writes it."""
        return repr(self.held)

    @property
    def hash(self) -> int:
        """The observable's own hash: PennyLane's caches tell tapes apart by it."""
        return hash(("Held", self.held.hash))

    def label(
        self,
        decimals: int | None = None,
        base_label: str | None = None,
        cache: dict[str, Any] | None = None,
    ) -> str:
        """Return what drawings call the observable."""
        text: str = self.held.label(decimals, base_label, cache)
        return text


def shown(operator: Operator) -> str:
    """Return what an observable is called in messages: itself where it is short."""
    sentence = operator.pauli_rep
    if sentence is not None and len(sentence) > MAX_SHOWN:
        return f"the {operator.name} of {len(sentence)} words"
    return " ".join(repr(operator).split())


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
    """The sector forms of observables; the last ones are remembered.

    Sums of many words by identity: reading their words takes longer than anything else. Others by
    their words, as QNodes make them anew in every call.
    """

    def __init__(self) -> None:
        self._known = Recent(KEPT)

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
        numbers = {label: k for k, label in enumerate(labels)}
        missing = [label for label in operator.wires if label not in numbers]
        if missing:
            raise InputError(
                f"qmlmat.sector: {shown(operator)} on wires {missing}, which the device has not. "
                f"Use {list(labels)}."
            )
        if isinstance(operator, qml.Projector) and len(operator.data[0]) == len(operator.wires):
            bits = "".join(str(int(bit)) for bit in operator.data[0])
            wires = tuple(numbers[label] for label in operator.wires)
            return DeterminantProjector(layout, wires, int(bits, 2))
        sentence = operator.pauli_rep
        if sentence is not None and len(sentence) >= MANY_WORDS:
            # The operator is kept, so that its identity stays its own.
            key: tuple[Hashable, ...] = (id(operator), layout, labels)
            known = self._known.get(key)
            if known is not None and known[0] is operator:
                found: Observable = known[1]
                return found
            made = _made(layout, _words(operator, labels), operator)
            self._known.put(key, (operator, made), made.size)
            return made
        words = _words(operator, labels)
        content = tuple(part.tobytes() for part in (words.x, words.z, words.coefficients))
        known = self._known.get((layout, *content))
        if known is None:
            known = _made(layout, words, operator)
            self._known.put((layout, *content), known, known.size)
        found = known
        return found


def _made(layout: Layout, words: PauliSum, operator: Operator) -> SectorObservable:
    if not words.is_hermitian:
        raise InputError(
            f"qmlmat.sector: {shown(operator)} is not Hermitian. Use real coefficients of Pauli "
            "words."
        )
    try:
        return SectorObservable(layout, words)
    except CapabilityError as error:
        raise CapabilityError(f"qmlmat.sector: {shown(operator)}: {error}") from error


def _words(operator: Operator, labels: tuple[Hashable, ...]) -> PauliSum:
    """Return an observable's words on wires 0, 1, 2, ..."""
    if len(labels) > MAX_QUBITS:
        raise CapabilityError(
            f"qmlmat.sector: {shown(operator)} on a device of {len(labels)} wires. Pauli words "
            f"have at most {MAX_WIRES}: make the device with as many wires as are used, or "
            "measure qml.probs."
        )
    return from_pennylane(_in_words(operator), labels=labels)


def _in_words(operator: Operator) -> Operator:
    """Return an observable as a combination of Pauli words."""
    if operator.pauli_rep is not None:
        return operator
    if operator.has_matrix and len(operator.wires) <= MAX_MATRIX_WIRES:
        wires = operator.wires
        return qml.pauli_decompose(operator.matrix(), wire_order=wires, check_hermitian=True)
    raise CapabilityError(
        f"qmlmat.sector: {shown(operator)} is not made of Pauli words. Use qml.Hamiltonian, "
        "qml.pauli_decompose(matrix), or qml.Projector on a basis state."
    )
