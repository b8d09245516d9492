"""What is measured: the bases of a batch, their circuits, and how shots are shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from qmlmat.ansatz.qubit_circuit import QubitCircuit, QubitGate
from qmlmat.backends.qubits.jobs import Batch
from qmlmat.errors import InputError
from qmlmat.operators.grouping import PauliGroup, allocate_shots
from qmlmat.operators.pauli import PauliSum, word_phase
from qmlmat.typing import FloatArray

PRIOR_SHARE: Final = 0.1
"""Share of a group's sum of absolute coefficients that its state may scatter by, beside what it
does in the reference."""
LEAST_SHOTS: Final = 2
"""Fewest shots of a basis of measurement: one shot does not tell its own error."""


@dataclass(frozen=True, eq=False)
class Setting:
    """One basis of measurement of a batch."""

    circuit: QubitCircuit
    """The batch's circuit, rotated into the basis and measured."""
    group: PauliGroup
    """The words measured."""
    weights: FloatArray
    """Coefficient of each word in each sum, signs included, shape ``(n_words, n_sums)``."""
    shots: int
    """Repetitions of each point."""
    fold: int
    """The noise factor."""


def settings_of(batch: Batch, groups: Sequence[PauliGroup], factor: int) -> list[Setting]:
    """Return the settings of a batch at one noise factor.

    Args:
        batch: Circuit, sums, reference and shots, which the groups share.
        groups: The groups of the sums' words.
        factor: The noise factor.

    Raises:
        InputError: If there are fewer shots than groups need.
    """
    shots = batch.shots
    assert shots is not None
    if not groups:
        return []
    least = LEAST_SHOTS * len(groups)
    if shots < least:
        raise InputError(
            f"shots={shots}: the observables are measured in {len(groups)} bases. Use at least "
            f"{least} shots; thousands give useful errors."
        )
    rest = shots - least + len(groups)  # allocate_shots gives each one of these
    share = allocate_shots(groups, rest, deviations=_expected_deviations(batch, groups))
    share += LEAST_SHOTS - 1
    reads = tuple(QubitGate("measure", (w,), bit=w) for w in range(batch.circuit.n_qubits))
    settings = []
    for group, n in zip(groups, share, strict=True):
        rotation = tuple(QubitGate(name, wires) for name, wires in group.gates)
        circuit = replace(batch.circuit, gates=batch.circuit.gates + rotation + reads)
        table = np.column_stack([_coefficients(one, group) for one in batch.sums])
        weights = table * group.signs[:, None]
        settings.append(Setting(circuit, group, weights, int(n), factor))
    return settings


def _expected_deviations(batch: Batch, groups: Sequence[PauliGroup]) -> FloatArray | None:
    """Return about how much each group's value scatters; ``None`` where nothing is known.

    States are near their reference in most chemistry: the standard deviation there, and a share of
    the sum of absolute coefficients for what the circuit adds.
    """
    if not batch.start:
        return None
    near = [_deviation(group, batch.start) for group in groups]
    bounds = [PRIOR_SHARE * group.weight for group in groups]
    return np.hypot(near, bounds)


def _deviation(group: PauliGroup, start: Sequence[tuple[int, complex]]) -> float:
    """Return the standard deviation of a group's part of the operator in a sum of basis states."""
    image: dict[int, complex] = {}
    phases = group.coefficients * word_phase(group.x, group.z)
    for bits, amplitude in start:
        signs = 1.0 - 2.0 * (np.bitwise_count(group.z & np.uint64(bits)) & 1)
        for flip, value in zip(group.x.tolist(), (phases * signs).tolist(), strict=True):
            image[bits ^ flip] = image.get(bits ^ flip, 0.0) + amplitude * value
    mean = sum(a.conjugate() * image.get(bits, 0.0) for bits, a in start)
    square = sum(abs(value) ** 2 for value in image.values())
    return float(np.sqrt(max(square - abs(mean) ** 2, 0.0)))


def _coefficients(one: PauliSum, group: PauliGroup) -> FloatArray:
    """Return a sum's coefficient of each word of a group."""
    known = {
        (x, z): c.real
        for x, z, c in zip(one.x.tolist(), one.z.tolist(), one.coefficients, strict=True)
    }
    pairs = zip(group.x.tolist(), group.z.tolist(), strict=True)
    return np.array([known.get(pair, 0.0) for pair in pairs])
