"""Pauli sums as PennyLane's operators, and back; wires are numbers from 0."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pennylane as qml

from qmlmat.errors import InputError
from qmlmat.operators.pauli import MAX_QUBITS, PauliSum


def to_pennylane(pauli_sum: PauliSum) -> qml.ops.LinearCombination:
    """Return a sum as PennyLane's linear combination, its words in the same order.

    Args:
        pauli_sum: The sum; wires are ``0`` to ``n_qubits - 1``. Coefficients become real where all
            of them are.
    """
    words = [
        qml.pauli.PauliWord({w: letter for w, letter in enumerate(name) if letter != "I"})
        for name, _ in pauli_sum.words()
    ]
    first = range(min(1, pauli_sum.n_qubits))  # where an identity stands
    operators = [word.operation(wire_order=first) for word in words]
    values = pauli_sum.coefficients
    return qml.Hamiltonian(values.real if pauli_sum.is_hermitian else values, operators)


def from_pennylane(
    operator: qml.operation.Operator,
    n_qubits: int | None = None,
    *,
    labels: Sequence[Hashable] | None = None,
) -> PauliSum:
    """Return PennyLane's operator as a sum.

    Args:
        operator: A Pauli word, or sums, products and multiples of them.
        n_qubits: Number of qubits; by default what the largest wire needs, or one for each label.
        labels: PennyLane's labels of wires 0, 1, 2, ...; by default these numbers.

    Raises:
        InputError: If the operator is not made of Pauli words, or wires are not numbers from 0 to
            ``n_qubits - 1``, or not among the labels.
    """
    sentence = operator.pauli_rep
    if sentence is None:
        raise InputError(
            f"from_pennylane: {operator.name} is not a combination of Pauli words. Use "
            "qml.pauli_decompose(matrix) of it."
        )
    wires = list(sentence.wires)
    if labels is None:
        numbers = _whole_numbers(wires)
        size = 1 + max(numbers.values(), default=-1) if n_qubits is None else n_qubits
    else:
        numbers = {label: k for k, label in enumerate(labels)}
        size = len(labels) if n_qubits is None else n_qubits
    missing = [wire for wire in wires if wire not in numbers]
    if missing:
        raise InputError(
            f"from_pennylane: the operator has the wires {missing}, not among {list(numbers)}. Use "
            "these, or qml.map_wires."
        )
    largest = max((numbers[wire] for wire in wires), default=-1)
    if largest >= size:
        raise InputError(
            f"from_pennylane(n_qubits={n_qubits}): the operator has wire {largest}. Use "
            f"n_qubits={largest + 1}."
        )
    bits = {wire: 1 << numbers[wire] for wire in wires}
    x, z = (
        [
            sum([bits[wire] for wire, letter in word.items() if letter in letters])
            for word in sentence
        ]
        for letters in ("XY", "YZ")
    )
    try:
        values = [complex(value) for value in sentence.values()]
    except TypeError as error:
        raise InputError(
            f"from_pennylane: a coefficient of {operator.name} is no number ({error}). Give one "
            "number for each word."
        ) from error
    return PauliSum.collected(
        size, np.array(x, dtype=np.uint64), np.array(z, dtype=np.uint64), values
    )


def _whole_numbers(wires: list[Hashable]) -> dict[Hashable, int]:
    """Return wires that are numbers as their own numbers.

    Raises:
        InputError: If one is not.
    """
    numbers: dict[Hashable, int] = {}
    for wire in wires:
        if not isinstance(wire, int | np.integer) or not 0 <= wire < MAX_QUBITS:
            raise InputError(
                f"from_pennylane: wires {wires}. Use numbers from 0 to {MAX_QUBITS - 1}: "
                "qml.map_wires(operator, {label: number, ...})."
            )
        numbers[wire] = int(wire)
    return numbers
