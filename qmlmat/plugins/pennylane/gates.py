"""PennyLane's gates that conserve the number of electrons, as steps of the register."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from pennylane.operation import Operator
from pennylane.ops import Adjoint, Controlled

from qmlmat.backends.register.generators import (
    Phase,
    Step,
    Transfer,
    controlled_steps,
    diagonal_steps,
    indicator,
    inverse_steps,
    string_rates,
)
from qmlmat.typing import FloatArray

MAX_DIAGONAL_WIRES: Final = 8
"""Most wires of a diagonal gate: it is a polynomial of up to ``2**n_wires`` terms."""

Wires = tuple[int, ...]
Steps = tuple[Step, ...]


def _single(w: Wires) -> Steps:
    return (Step(Transfer((w[1],), (w[0],)), 0.5),)


def _double(w: Wires) -> Steps:
    return (Step(Transfer((w[2], w[3]), (w[0], w[1])), 0.5),)


def _around_single(rate: float) -> Callable[[Wires], Steps]:
    """Return a single excitation that turns the states it does not rotate."""
    rates = rate * indicator(2, "00", "11")
    return lambda w: _single(w) + diagonal_steps(w, rates)


def _around_double(rate: float) -> Callable[[Wires], Steps]:
    rates = rate * (1.0 - indicator(4, "0011", "1100"))
    return lambda w: _double(w) + diagonal_steps(w, rates)


def _orbital_rotation(w: Wires) -> Steps:
    # Alpha and beta of one orbital, then of the other: each electron passes one wire.
    return (
        Step(Transfer((w[2],), (w[0],), (w[1],)), 0.5),
        Step(Transfer((w[3],), (w[1],), (w[2],)), 0.5),
    )


def _fermionic_swap(w: Wires) -> Steps:
    return (
        Step(Transfer((w[0],), (w[1],), (), True), -0.5),
        Step(Phase((w[0],)), 0.5),
        Step(Phase((w[1],)), 0.5),
    )


def _exchange(
    rate: float, offset: float = 0.0, phases: float = 0.0, phase_rate: float = 0.0
) -> Callable[[Wires], Steps]:
    """Return ``exp(i angle (T + T†))`` with a phase of the two states that it mixes."""
    mixed = indicator(2, "01", "10")
    return lambda w: (
        Step(Transfer((w[0],), (w[1],), (), True), rate, offset),
        *diagonal_steps(w, phase_rate * mixed, phases * mixed),
    )


def _diagonal(rates: FloatArray) -> Callable[[Wires], Steps]:
    return lambda w: diagonal_steps(w, rates)


def _fixed(offsets: FloatArray) -> Callable[[Wires], Steps]:
    return lambda w: diagonal_steps(w, np.zeros_like(offsets), offsets)


_HALF_PI: Final = math.pi / 2

_MAKERS: Final[Mapping[str, Callable[[Wires], Steps]]] = MappingProxyType(
    {
        "Identity": lambda _: (),
        "Barrier": lambda _: (),
        "Snapshot": lambda _: (),
        "GlobalPhase": lambda _: (Step(Phase(()), -1.0),),
        "SingleExcitation": _single,
        "SingleExcitationPlus": _around_single(0.5),
        "SingleExcitationMinus": _around_single(-0.5),
        "DoubleExcitation": _double,
        "DoubleExcitationPlus": _around_double(0.5),
        "DoubleExcitationMinus": _around_double(-0.5),
        "FermionicSingleExcitation": lambda w: (Step(Transfer(w[:1], w[-1:], w[1:-1]), 0.5),),
        "OrbitalRotation": _orbital_rotation,
        "FermionicSWAP": _fermionic_swap,
        "IsingXY": _exchange(0.5),
        "SWAP": _exchange(0.0, -_HALF_PI, _HALF_PI),
        "ISWAP": _exchange(0.0, _HALF_PI),
        "SISWAP": _exchange(0.0, _HALF_PI / 2),
        "PSWAP": _exchange(0.0, -_HALF_PI, _HALF_PI, 1.0),
        "PauliZ": _fixed(math.pi * indicator(1, "1")),
        "S": _fixed(_HALF_PI * indicator(1, "1")),
        "T": _fixed(_HALF_PI / 2 * indicator(1, "1")),
        "PhaseShift": _diagonal(indicator(1, "1")),
        "U1": _diagonal(indicator(1, "1")),
        "RZ": _diagonal(-0.5 * string_rates(1)),
        "IsingZZ": _diagonal(-0.5 * string_rates(2)),
        "CPhaseShift00": _diagonal(indicator(2, "00")),
        "CPhaseShift01": _diagonal(indicator(2, "01")),
        "CPhaseShift10": _diagonal(indicator(2, "10")),
    }
)
"""Gates whose steps depend on their wires only, by PennyLane's names."""

NAMES: Final = (
    "SingleExcitation, DoubleExcitation (also Plus and Minus), FermionicSingleExcitation, "
    "FermionicDoubleExcitation, OrbitalRotation, FermionicSWAP, IsingXY, SWAP, ISWAP, SISWAP, "
    "PSWAP, PauliZ, S, T, RZ, PhaseShift, IsingZZ, MultiRZ, and their controlled and adjoint forms"
)
"""Gates for messages."""


@lru_cache(maxsize=16384)
def _made(name: str, wires: Wires) -> Steps:
    return _MAKERS[name](wires)


def gate_steps(operator: Operator, wires: Sequence[int]) -> Steps | None:
    """Return one of PennyLane's gates as steps; ``None`` if it is not known to conserve.

    Args:
        operator: The gate. ``which`` of a step counts its ``data``.
        wires: The numbers of its wires.
    """
    key = tuple(wires)
    if operator.name in _MAKERS:
        return _made(operator.name, key)
    special = _SPECIAL.get(operator.name)
    if special is not None:
        return special(operator, key)
    if isinstance(operator, Adjoint):
        steps = gate_steps(operator.base, key)
        return None if steps is None else inverse_steps(steps)
    if isinstance(operator, Controlled):
        return _controlled(operator, key)
    return None


def is_native(operator: Operator) -> bool:
    """Return whether ``gate_steps`` knows a gate, without making its steps."""
    if operator.name in _MAKERS or operator.name in _SPECIAL:
        return True
    return isinstance(operator, Adjoint | Controlled) and is_native(operator.base)


def _controlled(operator: Controlled, wires: Wires) -> Steps | None:
    n_controls = len(operator.control_wires)
    inside = operator.base.wires
    own = dict(zip(operator.wires, wires, strict=True))
    steps = gate_steps(operator.base, [own[label] for label in inside])
    if steps is None:
        return None
    return controlled_steps(steps, wires[:n_controls], operator.control_values)


def _double_fermionic(operator: Operator, wires: Wires) -> Steps:
    n_first = len(operator.hyperparameters["wires1"])
    first, second = wires[:n_first], wires[n_first:]
    step = Transfer((first[0], first[-1]), (second[0], second[-1]), (*first[1:-1], *second[1:-1]))
    return (Step(step, -0.5),)


def _multi_rz(_: Operator, wires: Wires) -> Steps | None:
    if len(wires) > MAX_DIAGONAL_WIRES:
        return None
    return diagonal_steps(wires, -0.5 * string_rates(len(wires)))


def _pauli_rot(operator: Operator, wires: Wires) -> Steps | None:
    word = operator.hyperparameters["pauli_word"]
    chosen = tuple(wire for wire, letter in zip(wires, word, strict=True) if letter != "I")
    if set(word) - {"I", "Z"} or len(chosen) > MAX_DIAGONAL_WIRES:
        return None
    return diagonal_steps(chosen, -0.5 * string_rates(len(chosen)))


def _projector_phase(operator: Operator, wires: Wires) -> Steps | None:
    if len(wires) > MAX_DIAGONAL_WIRES:
        return None
    n_first, n_states = operator.hyperparameters["dimension"]
    return diagonal_steps(wires, np.where(np.arange(n_states) < n_first, 1.0, -1.0))


_SPECIAL: Final[Mapping[str, Callable[[Operator, Wires], Steps | None]]] = MappingProxyType(
    {
        "FermionicDoubleExcitation": _double_fermionic,
        "MultiRZ": _multi_rz,
        "PauliRot": _pauli_rot,
        "PCPhase": _projector_phase,
    }
)
"""Gates whose steps depend on more than their wires."""


def label(operator: Operator) -> str:
    """Return what a gate is called in messages."""
    wires: Any = operator.wires.tolist()
    return f"{operator.name} on wires {wires}"
