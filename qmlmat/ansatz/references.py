"""Circuits that prepare what a fermionic circuit starts from: a determinant, or a short sum."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Final

from qmlmat.ansatz.lowering import controlled_rotation
from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import InputError
from qmlmat.operators.mappings import QubitMapping

_ROUNDING: Final = 1e-12  # float64: amplitudes and phases smaller than this are rounding


def prepare_terms(terms: Sequence[tuple[str, complex]], mapping: QubitMapping) -> QubitCircuit:
    """Return the circuit that takes ``|0...0>`` to a sum of determinants, global phase included.

    A determinant takes X gates; two of them a rotation of one qubit and a CX for every other qubit
    in which they differ; ``m`` of them ``m - 1`` rotations, each of one qubit under controls.

    Args:
        terms: Determinants (all alpha then all beta, wire 0 on the left) and amplitudes, whose
            squares add up to 1.
        mapping: Where the occupations stand.

    Raises:
        InputError: If the amplitudes are not normalised, a determinant is there twice, or it is
            none of the mapping's.

    References:
        N. Gleinig, T. Hoefler, Proc. 58th Design Automation Conference 433 (2021),
        doi:10.1109/DAC18074.2021.9586240.

    Example:
        >>> from qmlmat.operators.mappings import qubit_mapping
        >>> terms = (("1001", 0.5**0.5), ("0110", 0.5**0.5))
        >>> [g.name for g in prepare_terms(terms, qubit_mapping("jordan_wigner", 2)).gates]
        ['ry', 'cx', 'cx', 'cx', 'x', 'x']
    """
    state = {_mask(mapping.encode(bits)): complex(amplitude) for bits, amplitude in terms}
    norm = math.fsum(abs(amplitude) ** 2 for amplitude in state.values())
    if len(state) < len(terms) or not abs(norm - 1.0) <= _ROUNDING:
        raise InputError(
            f"prepare_terms(terms={tuple(terms)}): use different determinants, with amplitudes "
            f"whose squares add up to 1 (these: {norm:.6g})."
        )
    state = {mask: amplitude for mask, amplitude in state.items() if abs(amplitude) > _ROUNDING}
    # The gates are found backwards: the state is taken to |0...0>, and every step undone.
    steps: list[list[QubitGate]] = []
    while len(state) > 1:
        state = _merge(state, steps)
    ((mask, amplitude),) = state.items()
    steps.append([QubitGate("x", (wire,)) for wire in _bits(mask)])
    if abs(cmath.phase(amplitude)) > _ROUNDING:
        steps.append([QubitGate("gphase", (), Angle(cmath.phase(amplitude)))])
    gates = _late_flips([gate for step in reversed(steps) for gate in step])
    return QubitCircuit(mapping.n_qubits, tuple(gates), name="reference")


def _merge(state: dict[int, complex], steps: list[list[QubitGate]]) -> dict[int, complex]:
    """Turn two of the basis states into one; append the gates that undo it."""
    first, path = _narrowed(list(state), [])
    split, value = path.pop()
    others = [mask for mask in _meeting(list(state), path) if mask != first]
    second, conditions = _narrowed(others, path)
    differing = [wire for wire in _bits(first ^ second) if wire != split]
    if differing and not value:
        state = {mask ^ (1 << split): amplitude for mask, amplitude in state.items()}
        first, second, value = first ^ (1 << split), second ^ (1 << split), 1
        steps.append([QubitGate("x", (split,))])
    moved = sum(1 << wire for wire in differing)
    if moved:
        state = {m ^ moved if m >> split & 1 else m: a for m, a in state.items()}
        steps.append([QubitGate("cx", (split, wire)) for wire in differing])
    low = second & ~(1 << split)
    high = low | 1 << split
    zero, one = state.pop(low), state.pop(high)
    phases = cmath.phase(zero), cmath.phase(one)
    turn = phases[1] - phases[0]
    if abs(math.sin(turn)) > _ROUNDING:
        half = cmath.exp(0.5j * turn)
        state[low] = cmath.exp(1j * phases[0]) * half * math.hypot(abs(zero), abs(one))
        angle = Angle(2.0 * math.atan2(abs(one), abs(zero)))
        undone = controlled_rotation("ry", split, conditions, angle)
        undone += controlled_rotation("rz", split, conditions, Angle(turn))
    else:  # one phase, or opposite ones: the rotation alone
        sign = 1.0 if math.cos(turn) > 0 else -1.0
        state[low] = cmath.exp(1j * phases[0]) * math.hypot(abs(zero), abs(one))
        angle = Angle(2.0 * math.atan2(sign * abs(one), abs(zero)))
        undone = controlled_rotation("ry", split, conditions, angle)
    steps.append(undone)
    return state


def _narrowed(
    masks: list[int], conditions: list[tuple[int, int]]
) -> tuple[int, list[tuple[int, int]]]:
    """Return one of the basis states, and conditions (wire, value) that only it meets of them."""
    found = list(conditions)
    while len(masks) > 1:
        _, wire, value = min(
            (sum(mask >> wire & 1 == value for mask in masks), wire, value)
            for wire in _bits(_varying(masks))
            for value in (0, 1)
        )
        found.append((wire, value))
        masks = _meeting(masks, found[-1:])
    return masks[0], found


def _varying(masks: list[int]) -> int:
    """Return the mask of the wires in which not all are equal."""
    varying = 0
    for mask in masks:
        varying |= mask ^ masks[0]
    return varying


def _meeting(masks: list[int], conditions: list[tuple[int, int]]) -> list[int]:
    return [m for m in masks if all(m >> wire & 1 == value for wire, value in conditions)]


def _late_flips(gates: list[QubitGate]) -> list[QubitGate]:
    """Return the gates with X gates moved to the end where CXs let them, and cancelled."""
    flips, kept = 0, []
    for gate in gates:
        if gate.name == "x":
            flips ^= 1 << gate.wires[0]
        elif gate.name == "cx":
            control, target = gate.wires
            flips ^= (flips >> control & 1) << target
            kept.append(gate)
        else:
            waiting = [wire for wire in gate.wires if flips >> wire & 1]
            kept += [QubitGate("x", (wire,)) for wire in waiting]
            flips &= ~sum(1 << wire for wire in waiting)
            kept.append(gate)
    return kept + [QubitGate("x", (wire,)) for wire in _bits(flips)]


def _mask(bits: str) -> int:
    return sum(1 << wire for wire, bit in enumerate(bits) if bit == "1")


def _bits(mask: int) -> list[int]:
    return [wire for wire in range(mask.bit_length()) if mask >> wire & 1]
