"""The building blocks of templates of kind ``"qubit"``: layers of rotations and of entanglers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from types import MappingProxyType
from typing import Final, Literal

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate

OptionValue = bool | int | str
"""What an option of a template can be set to."""

QubitPlace = Literal["qubits", "links"]
"""Where a block acts: on every qubit, or on the pairs that the option ``entangler`` names."""

QubitBuild = Callable[[int, Mapping[str, OptionValue]], QubitCircuit]
"""From ``(n_qubits, options)`` to a circuit."""


@dataclass(frozen=True, kw_only=True)
class QubitBlock:
    """A building block on qubits, and what a template may ask of it."""

    build: QubitBuild
    """Makes its circuit."""
    places: tuple[QubitPlace, ...]
    """The values of ``where`` that it knows."""
    options: tuple[str, ...] = ()
    """The options of the template that it reads."""


def linked_pairs(n_qubits: int, entangler: str) -> list[tuple[int, int]]:
    """Return pairs of qubits in the order in which they are entangled, as Qiskit has it.

    Args:
        n_qubits: Number of qubits.
        entangler: ``"linear"``: (0,1), (1,2), ...; ``"reverse_linear"``: the same from the end;
            ``"ring"``: the last with the first, then linear; ``"full"``: every pair; ``"none"``.

    Example:
        >>> linked_pairs(3, "ring"), linked_pairs(3, "reverse_linear")
        ([(2, 0), (0, 1), (1, 2)], [(1, 2), (0, 1)])
    """
    if entangler == "none":
        return []
    if entangler == "full":
        return list(combinations(range(n_qubits), 2))
    line = list(pairwise(range(n_qubits)))
    if entangler == "reverse_linear":
        return line[::-1]
    return [(n_qubits - 1, 0), *line] if entangler == "ring" and n_qubits > 2 else line


def _rotations(name: str) -> QubitBuild:
    def build(n_qubits: int, _: Mapping[str, OptionValue]) -> QubitCircuit:
        gates = tuple(QubitGate(name, (w,), Angle(0.0, w)) for w in range(n_qubits))
        return QubitCircuit(n_qubits, gates, n_qubits)

    return build


def _entanglers(name: str) -> QubitBuild:
    def build(n_qubits: int, options: Mapping[str, OptionValue]) -> QubitCircuit:
        pairs = linked_pairs(n_qubits, str(options.get("entangler", "linear")))
        return QubitCircuit(n_qubits, tuple(QubitGate(name, pair) for pair in pairs))

    return build


def _zz_rotations(n_qubits: int, options: Mapping[str, OptionValue]) -> QubitCircuit:
    """Return ``exp(-i theta/2 Z Z)`` on every linked pair, one angle each."""
    gates: list[QubitGate] = []
    pairs = linked_pairs(n_qubits, str(options.get("entangler", "linear")))
    for number, pair in enumerate(pairs):
        turn = QubitGate("rz", (pair[1],), Angle(0.0, number))
        gates += [QubitGate("cx", pair), turn, QubitGate("cx", pair)]
    return QubitCircuit(n_qubits, tuple(gates), len(pairs))


QUBIT_BLOCKS: Final[Mapping[str, QubitBlock]] = MappingProxyType(
    {
        f"{name}_rotations": QubitBlock(build=_rotations(name), places=("qubits",))
        for name in ("rx", "ry", "rz")
    }
    | {
        f"{name}_entanglers": QubitBlock(
            build=_entanglers(name), places=("links",), options=("entangler",)
        )
        for name in ("cx", "cz")
    }
    | {"zz_rotations": QubitBlock(build=_zz_rotations, places=("links",), options=("entangler",))}
)
"""Every building block a template of kind ``"qubit"`` may name."""
