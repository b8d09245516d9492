"""Which wire is which spin orbital, and where its basis states stand in the sector's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from qmlmat.backends.register.generators import Generator, Phase
from qmlmat.backends.sector_tables import Part
from qmlmat.errors import InputError
from qmlmat.operators.sector import MAX_NORB, Sector
from qmlmat.typing import IntArray, MaskArray

SpinOrder = Literal["blocked", "interleaved"]
"""All alpha wires and then all beta wires, or alpha and beta of each orbital side by side."""

SPIN_ORDERS: Final = ("blocked", "interleaved", None)
"""What a spin order may be; ``None``: only the number of all electrons is conserved."""


@dataclass(frozen=True)
class Layout:
    """Wires 0 to ``n_wires - 1`` with a fixed number of electrons on them."""

    n_wires: int
    """Number of wires."""
    nelec: tuple[int, int]
    """Electrons by spin. Without a spin order only their sum counts."""
    spin_order: SpinOrder | None = None
    """Where the spin orbitals stand; ``None`` keeps every state with as many electrons."""

    def __post_init__(self) -> None:
        check_spin_order("Layout", self.spin_order)
        n_alpha, n_beta = int(self.nelec[0]), int(self.nelec[1])
        if self.spin_order is None:
            n_alpha, n_beta = n_alpha + n_beta, 0
        object.__setattr__(self, "nelec", (n_alpha, n_beta))
        if self.spin_order is not None and self.n_wires % 2:
            raise InputError(
                f'spin_order="{self.spin_order}" with {self.n_wires} wires: half of the wires '
                "belong to each spin. Use an even number of wires, or spin_order=None."
            )
        if not 1 <= self.norb <= MAX_NORB:
            raise InputError(
                f"{self.n_wires} wires, spin_order={self.spin_order!r}: from 1 to {MAX_NORB} wires "
                "for each spin are possible. Use as many."
            )
        if min(self.nelec) < 0 or max(self.nelec) > self.norb:
            is_total = self.spin_order is None
            raise InputError(
                f"nelec={sum(self.nelec) if is_total else self.nelec} with {self.n_wires} wires "
                f"and spin_order={self.spin_order!r}: there is room for 0 to {self.norb} electrons"
                f"{'' if is_total else ' of each spin'}. Use fewer electrons, or more wires."
            )

    def __hash__(self) -> int:
        """Return a hash computed once."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.n_wires, self.nelec, self.spin_order))

    @cached_property
    def norb(self) -> int:
        """Number of wires of one spin; without a spin order of all wires."""
        return self.n_wires if self.spin_order is None else self.n_wires // 2

    @cached_property
    def sector(self) -> Sector:
        """The determinants; without a spin order all electrons are alpha."""
        return Sector(self.norb, self.nelec)

    def place(self, wire: int) -> tuple[int, int]:
        """Return a wire's spin (0 is alpha) and orbital."""
        if self.spin_order == "interleaved":
            return wire % 2, wire // 2
        return wire // self.norb, wire % self.norb

    @cached_property
    def bits(self) -> IntArray:
        """Return each wire's bit in a mask of all alpha and then all beta orbitals."""
        places = [self.place(wire) for wire in range(self.n_wires)]
        return np.array([spin * self.norb + orbital for spin, orbital in places], dtype=np.int64)

    def electrons(self, occupied: Sequence[int]) -> tuple[int, int]:
        """Return how many of some wires belong to each spin."""
        n_beta = sum(self.place(wire)[0] for wire in occupied)
        return len(occupied) - n_beta, n_beta

    def index(self, occupied: Sequence[int]) -> int:
        """Return the flat index of the determinant with these wires occupied."""
        strings = [0, 0]
        for wire in occupied:
            spin, orbital = self.place(wire)
            strings[spin] |= 1 << orbital
        row = int(np.searchsorted(self.sector.alpha_strings, strings[0]))
        column = int(np.searchsorted(self.sector.beta_strings, strings[1]))
        return row * self.sector.shape[1] + column

    def keys(self, wires: Sequence[int]) -> MaskArray:
        """Return the bits of some wires in every determinant, as numbers.

        Args:
            wires: The wires; the first is the highest bit.

        Returns:
            Shape ``(dimension,)``.
        """
        found = []
        for spin, strings in enumerate((self.sector.alpha_strings, self.sector.beta_strings)):
            key = np.zeros(len(strings), dtype=np.uint64)
            for k, wire in enumerate(wires):
                wire_spin, orbital = self.place(wire)
                if wire_spin == spin:
                    bit = (strings >> orbital & 1).astype(np.uint64)
                    key |= bit << np.uint64(len(wires) - 1 - k)
            found.append(key)
        return np.asarray(found[0][:, None] | found[1], dtype=np.uint64).ravel()

    @cached_property
    def states(self) -> MaskArray:
        """Where each determinant stands in a state of all qubits; wire 0 is the highest bit."""
        return self.keys(range(self.n_wires))

    def parts(self, generator: Generator) -> tuple[Part, Part] | None:
        """Return what a generator does to alpha and to beta; ``None`` if it changes their numbers.

        Args:
            generator: A phase of at least one wire, or a transfer.
        """
        if isinstance(generator, Phase):
            alphas, betas = self._orbitals(generator.wires)
            return Part("number", tuple(alphas)), Part("number", tuple(betas))
        taken, made, turned = (
            self._orbitals(wires)
            for wires in (generator.sources, generator.targets, generator.parity)
        )
        if len(taken[0]) != len(made[0]):
            return None
        kind: Literal["exchange", "qubit"] = "exchange" if generator.symmetric else "qubit"
        alpha, beta = (
            Part(kind, tuple(zip(taken[s], made[s], strict=True)), tuple(turned[s])) for s in (0, 1)
        )
        return alpha, beta

    def _orbitals(self, wires: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return the orbitals of each spin that some wires are."""
        found: tuple[list[int], list[int]] = ([], [])
        for spin, orbital in map(self.place, wires):
            found[spin].append(orbital)
        return found


def layout_for(
    what: str,
    n_wires: int,
    nelec: tuple[int, int] | None,
    spin_order: SpinOrder | None,
    occupied: Sequence[int],
) -> Layout:
    """Return the layout of a circuit that starts with some wires occupied.

    Args:
        what: Who asks, for messages.
        n_wires: Number of wires.
        nelec: Electrons by spin; ``None``: those that it starts with.
        spin_order: Where the spin orbitals stand.
        occupied: The wires.

    Raises:
        InputError: If the wires cannot be halved, or do not hold the electrons.
    """
    try:
        if nelec is None:
            nelec = Layout(n_wires, (0, 0), spin_order).electrons(occupied)
        return Layout(n_wires, nelec, spin_order)
    except InputError as error:
        raise InputError(f"{what}: {error}") from error


def checked_nelec(what: str, nelec: object) -> tuple[int, int] | None:
    """Return electrons by spin, if there are any.

    Raises:
        InputError: If they are not two whole numbers.
    """
    if nelec is None:
        return None
    counts = np.asarray(nelec)
    if counts.dtype.kind not in "iu" or counts.shape != (2,) or (counts < 0).any():
        raise InputError(
            f"{what}(nelec={nelec!r}): use (n_alpha, n_beta), whole numbers, or leave it out: then "
            "the circuit's own electrons are counted."
        )
    return int(counts[0]), int(counts[1])


def check_spin_order(what: str, spin_order: object) -> None:
    """Raise unless a spin order is one.

    Raises:
        InputError: If it is not.
    """
    if spin_order not in SPIN_ORDERS:
        raise InputError(
            f'{what}(spin_order={spin_order!r}): use "blocked" (all alpha wires, then all beta), '
            '"interleaved" (alpha and beta side by side, as in qml.qchem), or None (the number of '
            "all electrons)."
        )
