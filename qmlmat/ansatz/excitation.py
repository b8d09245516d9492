"""What a gate is made of: which electrons move where, or which occupations turn a phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qmlmat.errors import InputError

Kind = Literal["number", "fermionic", "qubit"]
"""A product of occupation numbers, an excitation, or one without the signs of fermions."""

Move = tuple[int, int]
"""One electron's move, ``(from_orbital, to_orbital)``."""


@dataclass(frozen=True, order=True)
class Excitation:
    """A product of one-electron moves within each spin, ``T = prod a†_to a_from``.

    Its generator is ``T - T†``, which conserves the number of electrons of each spin. The moves
    of one spin touch distinct orbitals, so they commute and the product needs no order:
    ``(i, a), (j, b)`` in alpha is ``a†_a a†_b a_j a_i``.

    A qubit excitation has the same moves without the signs of fermions, ``T = prod s†_to s_from``
    with ``s = |0><1|`` of a qubit: ``T|source>`` is always ``+|target>``. On the register it has no
    strings of Pauli Z, so its circuit needs fewer CNOTs.

    References:
        Y. S. Yordanov, D. R. M. Arvidsson-Shukur, C. H. W. Barnes, Phys. Rev. A 102, 062612 (2020),
        doi:10.1103/PhysRevA.102.062612.
    """

    alpha: tuple[Move, ...] = ()
    """Moves of alpha electrons."""
    beta: tuple[Move, ...] = ()
    """Moves of beta electrons."""
    qubit: bool = False
    """Whether the signs of fermions are left out: a qubit excitation."""

    def __post_init__(self) -> None:
        for spin, moves in (("alpha", self.alpha), ("beta", self.beta)):
            touched = [orbital for move in moves for orbital in move]
            if len(set(touched)) != len(touched):
                raise InputError(
                    f"Excitation({spin}={moves}): an orbital appears twice in one spin. "
                    "Use distinct orbitals; an excitation of lower rank says the same."
                )
            if any(orbital < 0 for orbital in touched):
                raise InputError(
                    f"Excitation({spin}={moves}): orbitals count from 0. Use indices >= 0."
                )
        if not (self.alpha or self.beta):
            raise InputError("Excitation(): moves no electron. Give at least one move.")

    @property
    def rank(self) -> int:
        """Number of electrons moved: 1 for singles, 2 for doubles."""
        return len(self.alpha) + len(self.beta)

    @property
    def max_orbital(self) -> int:
        """The highest orbital touched."""
        return max(orbital for move in self.alpha + self.beta for orbital in move)

    def spin_flipped(self) -> Excitation:
        """Return the same moves with alpha and beta exchanged."""
        return Excitation(self.beta, self.alpha, self.qubit)

    def adjoint(self) -> Excitation:
        """Return the reverse moves, ``T†``, whose generator is minus this one's."""
        return Excitation(_reversed(self.alpha), _reversed(self.beta), self.qubit)

    def relabelled(self, order: Sequence[int]) -> Excitation:
        """Return the same moves of other orbitals: ``order[p]`` takes the place of ``p``."""
        alpha, beta = (
            tuple((order[i], order[a]) for i, a in moves) for moves in (self.alpha, self.beta)
        )
        return Excitation(alpha, beta, self.qubit)

    def __str__(self) -> str:
        """Return a readable label such as ``0->2 alpha, 1->3 beta`` or ``0->2 beta (qubit)``."""
        moved = ", ".join(
            f"{i}->{a} {spin}"
            for spin, moves in (("alpha", self.alpha), ("beta", self.beta))
            for i, a in moves
        )
        return f"{moved} (qubit)" if self.qubit else moved


def _reversed(moves: tuple[Move, ...]) -> tuple[Move, ...]:
    return tuple((a, i) for i, a in moves)


@dataclass(frozen=True, order=True)
class NumberProduct:
    """A product of occupation numbers, ``N = prod n_p``, over orbitals of each spin.

    Its generator is ``i N``: the gate ``exp(i angle N)`` turns the phase of the determinants in
    which all these orbitals are occupied. One orbital makes the phases of an orbital rotation, two
    make the diagonal Coulomb evolution of a Jastrow circuit.
    """

    alpha: tuple[int, ...] = ()
    """Orbitals of alpha electrons."""
    beta: tuple[int, ...] = ()
    """Orbitals of beta electrons."""

    def __post_init__(self) -> None:
        for spin, orbitals in (("alpha", self.alpha), ("beta", self.beta)):
            if len(set(orbitals)) != len(orbitals) or any(p < 0 for p in orbitals):
                raise InputError(
                    f"NumberProduct({spin}={orbitals}): orbitals count from 0 and appear once "
                    "each. n_p n_p is n_p: name it once."
                )
        if not (self.alpha or self.beta):
            raise InputError("NumberProduct(): a global phase. Name at least one orbital.")

    @property
    def max_orbital(self) -> int:
        """The highest orbital named."""
        return max(self.alpha + self.beta)

    def spin_flipped(self) -> NumberProduct:
        """Return the same orbitals with alpha and beta exchanged."""
        return NumberProduct(self.beta, self.alpha)

    def relabelled(self, order: Sequence[int]) -> NumberProduct:
        """Return the product for other orbitals: ``order[p]`` takes the place of ``p``."""
        alpha, beta = (tuple(order[p] for p in orbitals) for orbitals in (self.alpha, self.beta))
        return NumberProduct(alpha, beta)

    def __str__(self) -> str:
        """Return a readable label such as ``n0 alpha n1 beta``."""
        return " ".join(
            f"n{p} {spin}"
            for spin, orbitals in (("alpha", self.alpha), ("beta", self.beta))
            for p in orbitals
        )


def generator_kind(generator: Excitation | NumberProduct) -> Kind:
    """Return the word by which files, and backends, know a generator's kind."""
    if isinstance(generator, NumberProduct):
        return "number"
    return "qubit" if generator.qubit else "fermionic"


def make_generator(
    kind: str, alpha: Sequence[Any], beta: Sequence[Any]
) -> Excitation | NumberProduct:
    """Return a generator from its kind and its moves or orbitals of each spin.

    Raises:
        InputError: If the kind is unknown, or the generator breaks a rule.
    """
    if kind == "number":
        return NumberProduct(tuple(int(p) for p in alpha), tuple(int(p) for p in beta))
    if kind not in ("fermionic", "qubit"):
        raise InputError(
            f'make_generator("{kind}"): no such kind. Use "fermionic", "qubit" or "number".'
        )
    return Excitation(_moves(alpha), _moves(beta), qubit=kind == "qubit")


def _moves(pairs: Sequence[Any]) -> tuple[Move, ...]:
    return tuple((int(i), int(a)) for i, a in pairs)
