"""PennyLane's tapes as circuits of the register, with the values of their angles."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.operation import Operator
from pennylane.ops import Exp, Pow, Prod
from pennylane.ops.mid_measure import MidMeasure
from pennylane.tape import QuantumScript

from qmlmat.backends.register.assembly import Assembly
from qmlmat.backends.register.layout import SpinOrder, layout_for
from qmlmat.backends.register.simulator import RegisterCircuit
from qmlmat.errors import CapabilityError, InputError
from qmlmat.plugins.pennylane.gates import NAMES, Steps, gate_steps, is_native, label
from qmlmat.typing import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Bound:
    """A tape's circuit, and the values of its angles."""

    circuit: RegisterCircuit
    """The circuit."""
    labels: tuple[Hashable, ...]
    """PennyLane's labels of wires 0, 1, 2, ..."""
    values: FloatArray
    """The angles, shape ``(n_points, n_angles)`` (radians)."""
    is_batch: bool
    """Whether an angle has values for several points."""
    angle_of: IntArray
    """Which angle each number among the operations' data is; -1 for data of the start."""


def keeps(operator: Operator) -> bool:
    """Return whether the device takes an operator as it is, if only to refuse it.

    What has a matrix is refused by its own name rather than by that of a part of it.
    """
    if isinstance(operator, MidMeasure | qml.BasisState) or is_native(operator):
        return True
    if isinstance(operator, Prod | Pow | Exp):
        return not operator.has_decomposition
    return bool(operator.has_matrix) or not operator.has_decomposition


def bind(
    tape: QuantumScript,
    wires: Sequence[Hashable] | None,
    nelec: tuple[int, int] | None,
    spin_order: SpinOrder | None,
) -> Bound:
    """Return a tape's circuit and its angles.

    Args:
        tape: The tape; of its operations those must be decomposed that are not ``keeps``.
        wires: The device's labels; those of the tape where the device has none.
        nelec: Electrons by spin; by default as many as the tape starts with.
        spin_order: Where the spin orbitals stand.

    Raises:
        CapabilityError: If a gate does not conserve the electrons, or the tape measures on the way.
        InputError: If wires or numbers of electrons do not match.
    """
    labels = tuple(_labels(tape) if wires is None else wires)
    numbers = {one: k for k, one in enumerate(labels)}
    occupied: set[int] = set()
    touched: set[int] = set()
    gates: list[tuple[Steps, int, str, tuple[int, ...]]] = []
    data: list[Any] = []
    angle_of: list[int] = []
    for operator in tape.operations:
        own = _numbered(operator, numbers)
        if isinstance(operator, qml.BasisState) or operator.name == "PauliX":
            _start(operator, own, occupied, touched)
            angle_of += [-1] * len(operator.data)
            continue
        steps = gate_steps(operator, own)
        if steps is None:
            raise CapabilityError(_refusal(operator))
        touched.update(own)
        angle_of += range(len(data), len(data) + len(operator.data))
        data += operator.data
        gates.append((steps, len(operator.data), operator.name, own))
    start = tuple(sorted(occupied))
    circuit = _assembled(len(labels), nelec, spin_order, start, tuple(gates))
    values, is_batch = _values(data)
    return Bound(circuit, labels, values, is_batch, np.array(angle_of, dtype=np.int64))


@lru_cache(maxsize=16)
def _assembled(
    n_wires: int,
    nelec: tuple[int, int] | None,
    spin_order: SpinOrder | None,
    occupied: tuple[int, ...],
    gates: tuple[tuple[Steps, int, str, tuple[int, ...]], ...],
) -> RegisterCircuit:
    assembly = Assembly()
    for steps, n_angles, name, wires in gates:
        assembly.add(steps, n_angles, f"{name} on wires {list(wires)}")
    layout = layout_for("qmlmat.sector", n_wires, nelec, spin_order, occupied)
    return assembly.circuit(layout, occupied, "qmlmat.sector")


def _labels(tape: QuantumScript) -> list[Hashable]:
    """Return the labels of a tape for a device without wires, as PennyLane orders them."""
    labels: list[Hashable] = tape.wires.tolist()
    return list(range(len(labels))) if set(labels) == set(range(len(labels))) else labels


def _numbered(operator: Operator, numbers: dict[Hashable, int]) -> tuple[int, ...]:
    try:
        return tuple([numbers[one] for one in operator.wires.labels])
    except KeyError as error:
        raise InputError(
            f"qmlmat.sector: {label(operator)}, but the device has the wires {list(numbers)}. Use "
            "these, or make the device with more wires."
        ) from error


def _start(
    operator: Operator, wires: tuple[int, ...], occupied: set[int], touched: set[int]
) -> None:
    """Let a preparation, or a PauliX that stands for one, occupy wires at the start."""
    if touched.intersection(wires):
        raise CapabilityError(
            f"qmlmat.sector: {label(operator)} after other gates does not conserve the number of "
            "electrons. Prepare the determinant first (qml.BasisState), and use "
            "qml.SingleExcitation or qml.SWAP to move electrons."
        )
    if operator.name == "PauliX":
        bits = np.ones(1, dtype=np.int64)
    else:  # PennyLane's preparations flip, too: two of them cancel
        bits = np.asarray(qml.math.unwrap([operator.data[0]])[0]).astype(np.int64)
    occupied ^= {wire for wire, bit in zip(wires, bits, strict=True) if bit}


def _refusal(operator: Operator) -> str:
    if isinstance(operator, MidMeasure):
        return (
            f"qmlmat.sector: a mid-circuit measurement ({label(operator)}). Measure at the end, or "
            'use qml.device("default.qubit").'
        )
    if isinstance(operator, qml.operation.StatePrepBase):
        return (
            f"qmlmat.sector: {label(operator)} may leave the sector. Prepare one determinant with "
            "qml.BasisState and correlate it with gates, or use another device."
        )
    return (
        f"qmlmat.sector: {label(operator)} does not conserve the number of electrons, or is not "
        f"known to. Use gates that do: {NAMES}; or run the circuit on "
        'qml.device("lightning.qubit").'
    )


def _values(data: list[Any]) -> tuple[FloatArray, bool]:
    """Return all angles, shape ``(n_points, n_angles)``, and whether there are several points."""
    try:
        flat = np.array(data, dtype=np.float64)
        if flat.ndim == 1:
            return flat[None], False
    except (TypeError, ValueError, RuntimeError):
        pass  # another framework's, or batches beside single numbers
    numbers = [np.asarray(one, dtype=np.float64) for one in qml.math.unwrap(data)]
    batch = np.broadcast_arrays(*numbers)
    if batch[0].ndim > 1:
        raise InputError(
            f"qmlmat.sector: angles of shape {batch[0].shape}. Give a number, or one axis of them."
        )
    is_batch = batch[0].ndim == 1
    return np.stack([np.atleast_1d(one) for one in batch], axis=1), is_batch
