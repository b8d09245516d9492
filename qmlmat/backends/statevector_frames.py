"""Qubit circuits as rotations in moving frames: CNOTs, swaps and NOTs cost nothing.

The frame says where the circuit's qubits stand in a state's index: qubit w is the parity of
``index & rows[w]``, turned over by ``flipped[w]``, and ``index ^ flips[w]`` differs in qubit w
alone. Permutation gates change the frame instead of the state. Every other gate is a product of
rotations about X, Y and Z, of rotations under one control, of signs, and of a phase of the whole
state; rotations of one qubit that can be brought next to each other become one op.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.backends.statevector_op_kernels import DIAGONAL, GENERAL, LANES, LOW_BITS, SIGNS
from qmlmat.typing import FloatArray, IntArray

LOOK_BACK: Final = 64
"""How many ops back a rotation is brought at most, so that long circuits compile in linear time."""

_X, _Y, _Z = 0, 1, 2

_ROTATIONS: Final = {"rx": _X, "ry": _Y, "rz": _Z, "p": _Z}
_PHASES: Final = {
    name: math.pi * share
    for name, share in {"z": 1.0, "s": 0.5, "sdg": -0.5, "t": 0.25, "tdg": -0.25}.items()
}  # angles of p
_RIGHT: Final = math.pi / 2
_FIXED: Final = {
    "y": ((_Y, math.pi),),
    "h": ((_Z, math.pi), (_Y, _RIGHT)),
    "sx": ((_X, _RIGHT),),
}  # rotations, first acting first; up to the phase below
_FIXED_PHASES: Final = {"y": _RIGHT, "h": _RIGHT, "sx": math.pi / 4}


@dataclass
class _Op:
    """An op while rotations are still added to it."""

    row: int
    """The bits whose parity is the qubit."""
    control: int
    """The bits whose parity is the control; 0: none."""
    wanted: int
    """What that parity must be."""
    flip: int = 0
    """The mask that turns the qubit over; 0: no rotation does."""
    turns: list[tuple[int, int, Angle]] = field(default_factory=list)
    """Axis, sign and angle of each rotation."""
    signs: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Of an op that changes signs: masks and bits, see the kernels."""

    def commutes(self, other: _Op) -> bool:
        """Whether both act on different qubits of the frame, or on the same one diagonally."""
        return not any(
            _odd(a.flip & mask) for a, b in ((self, other), (other, self)) for mask in b.masks()
        )

    def masks(self) -> list[int]:
        """Return the masks whose parities the op depends on."""
        return [self.row, self.control, *(m for line in self.signs for m in (line[0], line[2]))]

    @property
    def touched(self) -> int:
        """The bits that a lane must not have; see the kernels."""
        mask = self.flip | self.control
        for line in self.signs:
            mask |= line[0] | line[2]
        return mask

    def move(self, places: list[int]) -> None:
        """Move every mask's bits to new places."""
        self.flip, self.row, self.control = (
            _moved(mask, places) for mask in (self.flip, self.row, self.control)
        )
        self.signs = [(_moved(a, places), x, _moved(b, places), y) for a, x, b, y in self.signs]

    def takes(self, other: _Op) -> bool:
        """Whether both are rotations of one qubit under one control, or both change signs."""
        if bool(self.signs) != bool(other.signs):
            return False
        same = (self.row, self.control, self.wanted) == (other.row, other.control, other.wanted)
        return same and (self.flip == other.flip or not (self.flip and other.flip))


@dataclass(frozen=True, eq=False)
class FramedCircuit:
    """A circuit's ops, its angles, and the frame at its end."""

    tables: tuple[IntArray, IntArray, FloatArray, IntArray]
    """``ops, turns, factors, signs`` of the kernels."""
    angles: tuple[Angle, ...]
    """The distinct angles (radians)."""
    phases: tuple[Angle, ...]
    """Phases of the whole state, to be added up (radians)."""
    begins: NDArray[np.intp]
    """The basis state whose amplitude stands at each index before, shape ``(2**n_qubits,)``."""
    places: NDArray[np.intp]
    """Where each basis state's amplitude stands at the end, shape ``(2**n_qubits,)``."""


def frame_circuit(circuit: QubitCircuit) -> FramedCircuit:
    """Return a measurement-free circuit as ops in frames."""
    framer = _Framer(circuit.n_qubits)
    for gate in circuit.gates:
        framer.add(gate)
    return framer.framed()


class _Framer:
    """Collects ops and moves the frame."""

    def __init__(self, n_qubits: int) -> None:
        self.rows = [1 << (n_qubits - 1 - w) for w in range(n_qubits)]
        self.flips = list(self.rows)
        self.flipped = [0] * n_qubits
        self.ops: list[_Op] = []
        self.phases: list[Angle] = []

    def add(self, gate: QubitGate) -> None:
        """Append a gate."""
        name, wires = gate.name, gate.wires
        if name == "barrier":
            return
        if name in ("x", "cx", "swap"):
            self._permute(name, wires)
        elif name == "gphase":
            self.phases.append(_angle(gate))
        elif name == "cz":
            self._append(_Op(0, 0, 0, signs=[self._both_set(*wires)]))
        elif name == "cp":
            half = _angle(gate).times(0.5)
            self._rotate(_Z, wires[0], half)
            self._rotate(_Z, wires[1], _angle(gate), control=wires[0])
            self.phases.append(half.times(0.5))
        elif name in ("crx", "cry", "crz"):
            self._rotate(_ROTATIONS[name[1:]], wires[1], _angle(gate), control=wires[0])
        elif name in ("cy", "ch"):
            self._conjugated(name, wires)
        else:
            self._one_qubit(gate)

    def _one_qubit(self, gate: QubitGate) -> None:
        (wire,) = gate.wires
        if gate.name in _FIXED:
            for axis, value in _FIXED[gate.name]:
                self._rotate(axis, wire, Angle(value))
            self.phases.append(Angle(_FIXED_PHASES[gate.name]))
            return
        angle = Angle(_PHASES[gate.name]) if gate.name in _PHASES else _angle(gate)
        self._rotate(_ROTATIONS.get(gate.name, _Z), wire, angle)
        if gate.name == "p" or gate.name in _PHASES:
            self.phases.append(angle.times(0.5))

    def _conjugated(self, name: str, wires: tuple[int, ...]) -> None:
        """Append a controlled Y or H: a controlled X or Z between opposite rotations."""
        axis, angle = (_Z, Angle(_RIGHT)) if name == "cy" else (_Y, Angle(_RIGHT / 2))
        self._rotate(axis, wires[1], -angle)
        self.add(QubitGate("cx" if name == "cy" else "cz", wires))
        self._rotate(axis, wires[1], angle)

    def _permute(self, name: str, wires: tuple[int, ...]) -> None:
        rows, flips, flipped = self.rows, self.flips, self.flipped
        if name == "x":
            flipped[wires[0]] ^= 1
            return
        a, b = wires
        if name == "swap":
            for values in (rows, flips, flipped):
                values[a], values[b] = values[b], values[a]
            return
        rows[b] ^= rows[a]
        flipped[b] ^= flipped[a]
        flips[a] ^= flips[b]

    def _both_set(self, a: int, b: int) -> tuple[int, int, int, int]:
        return self.rows[a], self.flipped[a], self.rows[b], self.flipped[b]

    def _rotate(self, axis: int, wire: int, angle: Angle, control: int | None = None) -> None:
        flipped = self.flipped[wire]
        sign = -1 if flipped and axis != _X else 1  # X Y X = -Y, X Z X = -Z
        op = _Op(self.rows[wire], 0, 0, 0 if axis == _Z else self.flips[wire])
        if control is not None:
            op.control, op.wanted = self.rows[control], 1 ^ self.flipped[control]
        op.turns.append((axis, sign, angle))
        self._append(op)

    def _append(self, new: _Op) -> None:
        """Add to the last op that takes it and that it can be brought to, else at the end."""
        for op in islice(reversed(self.ops), LOOK_BACK):
            if op.takes(new):
                op.flip |= new.flip
                op.turns += new.turns
                op.signs += new.signs
                return
            if not op.commutes(new):
                break
        self.ops.append(new)

    def framed(self) -> FramedCircuit:
        """Return what was collected, the bits that most ops leave alone lowest."""
        places = _quiet_first([op.touched for op in self.ops], len(self.rows))
        self.flips = [_moved(flip, places) for flip in self.flips]
        for op in self.ops:
            op.move(places)
        wide = len(self.rows) > LOW_BITS + 1
        tables, angles = _tables(self.ops, wide=wide)
        index = np.arange(1 << len(places))
        begins = np.zeros_like(index)
        for bit, place in enumerate(places):
            begins |= (index >> place & 1) << bit
        return FramedCircuit(tables, angles, tuple(self.phases), begins, self._places())

    def _places(self) -> NDArray[np.intp]:
        """Return where each basis state's amplitude stands."""
        n_qubits = len(self.rows)
        places = np.zeros(1, dtype=np.intp)
        for flip in self.flips:  # wire 0 first: the highest bit of the basis state
            places = np.stack([places, places ^ flip], axis=1).reshape(-1)
        start = 0  # the basis state that stands at index 0 is the one of the flipped qubits
        for w in range(n_qubits):
            start |= self.flipped[w] << (n_qubits - 1 - w)
        found: NDArray[np.intp] = places[np.arange(1 << n_qubits) ^ start]
        return found


def _tables(
    collected: list[_Op], *, wide: bool
) -> tuple[tuple[IntArray, IntArray, FloatArray, IntArray], tuple[Angle, ...]]:
    """Return the kernels' tables and the distinct angles.

    Args:
        collected: The ops.
        wide: Whether a state is long enough for many neighbouring amplitudes at a time.
    """
    ops: list[tuple[int, ...]] = []
    turns: list[tuple[int, int, int]] = []
    factors: list[tuple[float, float]] = []
    signs: list[tuple[int, int, int, int]] = []
    numbers: dict[Angle, int] = {}
    for op in collected:
        begin = len(signs) if op.signs else len(turns)
        signs += op.signs
        for axis, sign, angle in op.turns:
            if angle.scale < 0:
                sign, angle = -sign, -angle  # noqa: PLW2901 - one number for both signs
            number = numbers.setdefault(angle, len(numbers))
            turns.append((axis, number, -1 if angle.param is None else angle.param))
            factors.append((sign, sign * angle.scale))
        end = len(signs) if op.signs else len(turns)
        kind = SIGNS if op.signs else (GENERAL if op.flip else DIAGONAL)
        pivot = max((op.flip & op.row).bit_length() - 1, 0)
        has_param = any(angle.param is not None for _, _, angle in op.turns)
        is_wide = wide and op.touched % LANES == 0
        masks = (op.flip, op.row, pivot, op.control, op.wanted)
        ops.append((kind, *masks, begin, end, int(has_param), int(is_wide)))
    tables = (
        np.array(ops, dtype=np.int64).reshape(-1, 10),
        np.array(turns, dtype=np.int64).reshape(-1, 3),
        np.array(factors, dtype=np.float64).reshape(-1, 2),
        np.array(signs, dtype=np.int64).reshape(-1, 4),
    )
    return tables, tuple(numbers)


def _quiet_first(touched: list[int], n_bits: int) -> list[int]:
    """Return a new place for each bit: lowest the one that fewest ops touch, and so on."""
    left, order = list(touched), []
    bits = list(range(n_bits))
    while bits:
        best = min(bits, key=lambda bit: sum(mask >> bit & 1 for mask in left))
        left = [mask for mask in left if not mask >> best & 1]
        order.append(best)
        bits.remove(best)
    return [order.index(bit) for bit in range(n_bits)]


def _moved(mask: int, places: list[int]) -> int:
    """Return a mask with its bits at new places."""
    return sum(1 << place for bit, place in enumerate(places) if mask >> bit & 1)


def _angle(gate: QubitGate) -> Angle:
    assert gate.angle is not None, gate
    return gate.angle


def _odd(mask: int) -> bool:
    return bool(mask.bit_count() & 1)
