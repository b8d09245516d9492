"""Circuits of elementary gates on qubits: what a mapping makes of a ``Circuit``, and what runs.

A ``Circuit`` is fermionic: products of exponentials on orbitals, without qubits. A mapping lowers
it to a ``QubitCircuit`` (``lowering.lower``); templates of kind ``"qubit"`` are one from the start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from qmlmat.ansatz.qubit_gates import GATE_KINDS
from qmlmat.errors import InputError, nearest


@dataclass(frozen=True)
class Angle:
    """An angle ``offset + scale * params[param]`` (radians)."""

    offset: float = 0.0
    """The constant part."""
    param: int | None = None
    """Which parameter it depends on; ``None``: on none."""
    scale: float = 1.0
    """Factor of the parameter."""

    def __neg__(self) -> Angle:
        """Return the opposite angle."""
        return self.times(-1.0)

    def times(self, factor: float) -> Angle:
        """Return the angle times a number."""
        scale = self.scale if self.param is None else factor * self.scale
        return Angle(factor * self.offset, self.param, scale)

    def value(self, params: Sequence[float]) -> float:
        """Return the angle at parameter values (radians)."""
        return self.offset + (0.0 if self.param is None else self.scale * params[self.param])


@dataclass(frozen=True)
class QubitGate:
    """One gate, measurement or reset."""

    name: str
    """One of ``GATE_KINDS``."""
    wires: tuple[int, ...]
    """The wires it acts on, controls first."""
    angle: Angle | None = None
    """Its angle, where it has one."""
    bit: int | None = None
    """The classical bit a measurement writes."""


@dataclass(frozen=True)
class QubitCircuit:
    """Gates on qubits in the order they act; every qubit starts in ``|0>``."""

    n_qubits: int
    """Number of qubits."""
    gates: tuple[QubitGate, ...]
    """The gates, first acting first."""
    n_params: int = 0
    """Number of parameters (radians)."""
    name: str = "custom"
    """Where the circuit comes from, for messages and records."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "gates", tuple(self.gates))
        for name in ("n_qubits", "n_params"):
            value = getattr(self, name)
            if not _is_count(value):
                raise InputError(f"QubitCircuit({name}={value!r}): use a whole number, 0 or more.")
            object.__setattr__(self, name, int(value))
        for gate in self.gates:
            self._check_gate(gate)

    def _check_gate(self, gate: QubitGate) -> None:
        if not isinstance(gate, QubitGate):
            raise InputError(
                f'QubitCircuit(gates): {gate!r} is no gate. Use e.g. QubitGate("cx", (0, 1)).'
            )
        kind = GATE_KINDS.get(gate.name)
        if kind is None:
            raise InputError(
                f'QubitCircuit: "{gate.name}" is no known gate. '
                f"{nearest(str(gate.name), GATE_KINDS)}"
            )
        wires = gate.wires
        right = isinstance(wires, tuple) and len(wires) == len(set(wires)) == kind.n_wires
        if not right or any(not _is_count(w) or w >= self.n_qubits for w in wires):
            raise InputError(
                f"QubitCircuit(n_qubits={self.n_qubits}): {gate.name} on wires {wires}. It takes a "
                f"tuple of {kind.n_wires} different ones from 0 to {self.n_qubits - 1}."
            )
        if kind.has_angle:
            self._check_angle(gate)
        elif gate.angle is not None:
            raise InputError(f"QubitCircuit: {gate.name} takes no angle, not {gate.angle}.")
        if (gate.name == "measure") != _is_count(gate.bit):
            raise InputError(
                f"QubitCircuit: {gate}. Measurements, and they alone, name a bit, from 0 on."
            )

    def _check_angle(self, gate: QubitGate) -> None:
        angle = gate.angle
        if not isinstance(angle, Angle):
            raise InputError(
                f"QubitCircuit: {gate.name} takes an angle, not {angle!r}. Use Angle(0.5), or "
                "Angle(param=0) for a parameter."
            )
        inside = angle.param is None or (_is_count(angle.param) and angle.param < self.n_params)
        if not (inside and _is_finite(angle.offset) and _is_finite(angle.scale)):
            raise InputError(
                f"QubitCircuit(n_params={self.n_params}): {gate.name} has the angle "
                f"{angle}. Use finite numbers and parameters from 0 to n_params - 1."
            )

    def __hash__(self) -> int:
        """Return a hash computed once: backends look circuits up in every call."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.n_qubits, self.gates, self.n_params))

    @property
    def n_bits(self) -> int:
        """Number of classical bits."""
        return 1 + max((g.bit for g in self.gates if g.bit is not None), default=-1)

    @property
    def is_unitary(self) -> bool:
        """Whether nothing is measured or reset."""
        return all(GATE_KINDS[g.name].is_unitary for g in self.gates)

    def then(self, other: QubitCircuit) -> QubitCircuit:
        """Return this circuit followed by another on the same qubits, with its own parameters.

        Raises:
            InputError: If the other has another number of qubits.
        """
        if other.n_qubits != self.n_qubits:
            raise InputError(
                f"QubitCircuit.then: {self.n_qubits} and {other.n_qubits} qubits. Use circuits on "
                "the same qubits."
            )
        moved = tuple(_shifted(gate, self.n_params) for gate in other.gates)
        name = self.name if other.name == "custom" else other.name
        return QubitCircuit(self.n_qubits, self.gates + moved, self.n_params + other.n_params, name)

    def inverse(self) -> QubitCircuit:
        """Return the inverse circuit, with the same parameters.

        Raises:
            InputError: If something is measured or reset.
        """
        if not self.is_unitary:
            raise InputError("QubitCircuit.inverse: measurements and resets have no inverse.")
        gates: list[QubitGate] = []
        for gate in reversed(self.gates):
            if gate.angle is not None:
                gates.append(replace(gate, angle=-gate.angle))
            elif gate.name == "sx":
                gates += [replace(gate, name=name) for name in ("h", "sdg", "h")]
            else:
                swapped = {"s": "sdg", "sdg": "s", "t": "tdg", "tdg": "t"}
                gates.append(replace(gate, name=swapped.get(gate.name, gate.name)))
        return QubitCircuit(self.n_qubits, tuple(gates), self.n_params, self.name)

    def bound(self, params: Sequence[float]) -> QubitCircuit:
        """Return the circuit at parameter values, without free parameters.

        Args:
            params: Shape ``(n_params,)`` (radians).

        Raises:
            InputError: If there is another number of them.
        """
        if np.shape(params) != (self.n_params,):
            raise InputError(
                f"QubitCircuit.bound: params of shape {np.shape(params)}, the circuit has "
                f"{self.n_params}. Give shape ({self.n_params},) (radians)."
            )
        gates = tuple(
            gate if gate.angle is None else replace(gate, angle=Angle(gate.angle.value(params)))
            for gate in self.gates
        )
        return QubitCircuit(self.n_qubits, gates, 0, self.name)

    def measured(self) -> QubitCircuit:
        """Return the circuit with every qubit measured at its end, wire w into bit w."""
        last = tuple(QubitGate("measure", (w,), bit=w) for w in range(self.n_qubits))
        return QubitCircuit(self.n_qubits, self.gates + last, self.n_params, self.name)

    def to_dict(self) -> dict[str, Any]:
        """Return the circuit as plain values, for files."""
        return {
            "n_qubits": self.n_qubits,
            "n_params": self.n_params,
            "name": self.name,
            "gates": [
                [
                    g.name,
                    [int(w) for w in g.wires],
                    None if g.angle is None else [g.angle.offset, g.angle.param, g.angle.scale],
                    g.bit,
                ]
                for g in self.gates
            ],
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> QubitCircuit:
        """Return the circuit that ``to_dict`` wrote.

        Raises:
            InputError: If ``tree`` is not what ``to_dict`` writes.
        """
        try:
            gates = tuple(
                QubitGate(name, tuple(wires), None if angle is None else Angle(*angle), bit)
                for name, wires, angle, bit in tree["gates"]
            )
            return cls(tree["n_qubits"], gates, tree["n_params"], tree["name"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"QubitCircuit.from_dict: not a stored circuit ({error!r}). Give what "
                "QubitCircuit.to_dict() wrote with this version."
            ) from error


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and bool(value >= 0)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(value)


def _shifted(gate: QubitGate, n_params: int) -> QubitGate:
    if gate.angle is None or gate.angle.param is None:
        return gate
    return replace(gate, angle=replace(gate.angle, param=gate.angle.param + n_params))
