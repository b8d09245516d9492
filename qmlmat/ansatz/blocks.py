"""The building blocks a template names: for a sector, a place and options, an ordered circuit.

Six of them are lists of excitations (``generators.py``), fermionic or of qubits, one parameter
each. The others act on both spins alike, or are circuits of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Final, Literal, cast

from qmlmat.ansatz.circuit import Circuit, Gate
from qmlmat.ansatz.excitation import Excitation, Move
from qmlmat.ansatz.generators import GENERATORS, Generator, Where
from qmlmat.ansatz.jastrow import jastrow_circuit, local_pairs
from qmlmat.ansatz.qubit_blocks import OptionValue

Place = Literal[
    "occupied_to_virtual",
    "any",
    "even_neighbours",
    "odd_neighbours",
    "even_pairs",
    "odd_pairs",
]
"""Between which orbitals a block acts; see ``orbital_moves``."""

Build = Callable[[int, tuple[int, int], Place, Mapping[str, OptionValue]], Circuit]
"""From ``(norb, nelec, where, options)`` to a circuit at one size."""

EXCITATION_PLACES: Final[tuple[Place, ...]] = ("occupied_to_virtual", "any")
"""Where a list of excitations can act."""

ORBITAL_PLACES: Final[tuple[Place, ...]] = (
    *EXCITATION_PLACES,
    "even_neighbours",
    "odd_neighbours",
    "even_pairs",
    "odd_pairs",
)
"""Where a block that moves both spins alike can act."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A building block, and what a template may ask of it."""

    build: Build
    """Makes its circuit."""
    places: tuple[Place, ...]
    """The values of ``where`` that it knows."""
    options: tuple[str, ...] = ()
    """The options of the template that it reads."""


def orbital_moves(norb: int, nelec: tuple[int, int], where: Place) -> list[Move]:
    """Return pairs of spatial orbitals ``(p, q)`` with ``p < q``.

    ``"occupied_to_virtual"``: from a doubly occupied to an empty orbital, by (from, to).
    ``"any"``: every pair. The others are the even (first, third, ...) or odd links of a chain:
    ``"..._neighbours"`` of the orbitals as they are numbered (by energy), ``"..._pairs"`` of the
    chain HOMO, LUMO, HOMO-1, LUMO+1, ..., in which every even link joins an occupied orbital to
    its virtual partner; orbitals left over, singly occupied ones last, end the chain.

    Args:
        norb: Number of spatial orbitals.
        nelec: Electrons by spin.
        where: Which pairs.

    Example:
        >>> orbital_moves(4, (2, 2), "even_pairs"), orbital_moves(4, (2, 2), "odd_pairs")
        ([(1, 2), (0, 3)], [(0, 2)])
    """
    low, high = min(nelec), max(nelec)
    if where == "occupied_to_virtual":
        return [(i, a) for i in range(low) for a in range(high, norb)]
    if where == "any":
        return list(combinations(range(norb), 2))
    chain = list(range(norb))
    if where.endswith("pairs"):
        occupied, virtual = chain[:low][::-1], chain[high:]
        n_pairs = min(len(occupied), len(virtual))
        chain = [p for pair in zip(occupied, virtual, strict=False) for p in pair]
        chain += occupied[n_pairs:] + virtual[n_pairs:] + list(range(low, high))
    first = 0 if where.startswith("even") else 1
    links = [sorted(chain[k : k + 2]) for k in range(first, norb - 1, 2)]
    return [(p, q) for p, q in links]


def paired_doubles(
    norb: int, nelec: tuple[int, int], where: Place, _: Mapping[str, OptionValue]
) -> Circuit:
    """Return moves of an electron pair, ``a†_qa a†_qb a_pb a_pa``, in the order of the moves."""
    movable = all(0 < n < norb for n in nelec)
    moves = orbital_moves(norb, nelec, where) if movable else []
    return Circuit.from_excitations(norb, nelec, [Excitation((m,), (m,)) for m in moves])


def spin_summed_singles(
    norb: int, nelec: tuple[int, int], where: Place, _: Mapping[str, OptionValue]
) -> Circuit:
    """Return orbital rotations: one angle for the same move in both spins, by the moves.

    A spin with no electron, or no hole, has nothing to move and no gate.
    """
    alpha, beta = (0 < n < norb for n in nelec)
    moves = orbital_moves(norb, nelec, where) if alpha or beta else []
    gates = [
        Gate(excitation, k)
        for k, move in enumerate(moves)
        for excitation, can in (
            (Excitation(alpha=(move,)), alpha),
            (Excitation(beta=(move,)), beta),
        )
        if can
    ]
    return Circuit(norb, nelec, tuple(gates), len(moves))


def cluster_jastrow(
    norb: int, nelec: tuple[int, int], _: Place, options: Mapping[str, OptionValue]
) -> Circuit:
    """Return one layer ``W exp(i J) W†`` with the couplings the option ``pairs`` names."""
    same, mixed = local_pairs(norb, str(options.get("pairs", "all")))
    return jastrow_circuit(norb, nelec, same_spin=same, mixed_spin=mixed)


def _excitations(generator: Generator) -> Build:
    def build(
        norb: int, nelec: tuple[int, int], where: Place, options: Mapping[str, OptionValue]
    ) -> Circuit:
        return Circuit.from_excitations(
            norb,
            nelec,
            generator(norb, nelec, cast("Where", where)),  # one of EXCITATION_PLACES
            spin_tied=bool(options.get("spin_tied", False)),
        )

    return build


BLOCKS: Final[Mapping[str, Block]] = MappingProxyType(
    {
        name: Block(build=_excitations(generator), places=EXCITATION_PLACES, options=("spin_tied",))
        for name, generator in GENERATORS.items()
    }
    | {
        "paired_doubles": Block(build=paired_doubles, places=ORBITAL_PLACES),
        "spin_summed_singles": Block(build=spin_summed_singles, places=ORBITAL_PLACES),
        "cluster_jastrow": Block(build=cluster_jastrow, places=("any",), options=("pairs",)),
    }
)
"""Every building block a template may name."""
