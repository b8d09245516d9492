"""The one circuit representation: an ordered product of exponentials with shared parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qmlmat.ansatz.excitation import (
    Excitation,
    NumberProduct,
    generator_kind,
    make_generator,
)
from qmlmat.errors import InputError


@dataclass(frozen=True)
class Gate:
    """The unitary ``exp(scale * params[param] * G)`` of one anti-Hermitian generator ``G``."""

    generator: Excitation | NumberProduct
    """An excitation ``T`` for ``G = T - T†``, or a product ``N`` of numbers for ``G = i N``."""
    param: int
    """Which parameter sets the angle."""
    scale: float = 1.0
    """Factor between parameter and angle."""


@dataclass(frozen=True)
class Circuit:
    """Gates in the order they act: ``U(params) = gate[-1] ... gate[1] gate[0]``."""

    norb: int
    """Number of spatial orbitals; the register has ``2 * norb`` qubits."""
    nelec: tuple[int, int]
    """Electrons by spin the circuit was made for."""
    gates: tuple[Gate, ...]
    """The gates, first acting first."""
    n_params: int
    """Number of parameters (radians)."""
    name: str = "custom"
    """Where the circuit comes from, for messages and records."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nelec", (int(self.nelec[0]), int(self.nelec[1])))
        object.__setattr__(self, "gates", tuple(self.gates))
        for gate in self.gates:
            if gate.generator.max_orbital >= self.norb:
                raise InputError(
                    f"Circuit(norb={self.norb}): the generator {gate.generator} leaves the "
                    f"orbitals. Use orbitals 0 to {self.norb - 1}."
                )
            if not math.isfinite(gate.scale):
                raise InputError(
                    f"Circuit(gates): the scale {gate.scale} of {gate.generator} is no finite "
                    "number. Use 1.0, or the factor from parameter to angle."
                )
        used = {gate.param for gate in self.gates}
        if used != set(range(self.n_params)):
            raise InputError(
                f"Circuit(n_params={self.n_params}): the gates use {len(used)} parameters. "
                "Number the gates' parameters from 0 without gaps and set n_params to match."
            )

    def __hash__(self) -> int:
        """Return a hash computed once: backends look circuits up in every call."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Without the name: hashes of strings differ between processes, and this one is pickled.
        return hash((self.norb, self.nelec, self.gates, self.n_params))

    @cached_property
    def is_real(self) -> bool:
        """Whether the circuit keeps real amplitudes real."""
        return all(isinstance(gate.generator, Excitation) for gate in self.gates)

    @property
    def n_qubits(self) -> int:
        """Number of qubits, two per orbital."""
        return 2 * self.norb

    def elements(self) -> list[tuple[Gate, ...]]:
        """Return the gates of each parameter, in their order: the elements of a pool."""
        found: list[list[Gate]] = [[] for _ in range(self.n_params)]
        for gate in self.gates:
            found[gate.param].append(gate)
        return [tuple(gates) for gates in found]

    def restricted(self, params: Sequence[int]) -> Circuit:
        """Return the circuit of some parameters only, numbered anew in the order given.

        Args:
            params: Which parameters to keep, each once; the gates keep their order.
        """
        place = {int(old): new for new, old in enumerate(params)}
        kept = [g for g in self.gates if g.param in place]
        gates = tuple(Gate(g.generator, place[g.param], g.scale) for g in kept)
        return Circuit(self.norb, self.nelec, gates, len(place), self.name)

    def repeated(self, n: int) -> Circuit:
        """Return the circuit applied ``n`` times, each time with parameters of its own."""
        gates = tuple(
            Gate(g.generator, layer * self.n_params + g.param, g.scale)
            for layer in range(n)
            for g in self.gates
        )
        return Circuit(self.norb, self.nelec, gates, n * self.n_params, self.name)

    def relabelled(self, order: Sequence[int]) -> Circuit:
        """Return the circuit on other orbitals: ``order[p]`` takes the place of orbital ``p``.

        Args:
            order: A permutation of the orbitals, shape ``(norb,)``.
        """
        places = [int(p) for p in order]
        gates = tuple(Gate(g.generator.relabelled(places), g.param, g.scale) for g in self.gates)
        return Circuit(self.norb, self.nelec, gates, self.n_params, self.name)

    def to_dict(self) -> dict[str, Any]:
        """Return the circuit as plain values, for files."""
        return {
            "norb": self.norb,
            "nelec": list(self.nelec),
            "n_params": self.n_params,
            "name": self.name,
            "gates": [
                [generator_kind(g.generator), g.generator.alpha, g.generator.beta, g.param, g.scale]
                for g in self.gates
            ],
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Circuit:
        """Return the circuit that ``to_dict`` wrote.

        Raises:
            InputError: If ``tree`` is not what ``to_dict`` writes.
        """
        try:
            gates = tuple(
                Gate(make_generator(kind, alpha, beta), int(param), float(scale))
                for kind, alpha, beta, param, scale in tree["gates"]
            )
            n_alpha, n_beta = tree["nelec"]
            return cls(tree["norb"], (n_alpha, n_beta), gates, tree["n_params"], name=tree["name"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"Circuit.from_dict: not a stored circuit ({error!r}). Give what "
                "Circuit.to_dict() wrote with this version."
            ) from error

    @classmethod
    def concatenate(
        cls, norb: int, nelec: tuple[int, int], parts: Sequence[Circuit], *, name: str = "custom"
    ) -> Circuit:
        """Return the circuits one after the other, first listed acting first, none sharing angles.

        Args:
            norb: Number of spatial orbitals.
            nelec: Electrons by spin.
            parts: Circuits of this size.
            name: Where the circuit comes from.
        """
        gates: list[Gate] = []
        n_params = 0
        for part in parts:
            gates += [Gate(g.generator, g.param + n_params, g.scale) for g in part.gates]
            n_params += part.n_params
        return cls(norb, nelec, tuple(gates), n_params, name)

    @classmethod
    def from_excitations(
        cls,
        norb: int,
        nelec: tuple[int, int],
        excitations: list[Excitation],
        *,
        spin_tied: bool = False,
        name: str = "custom",
    ) -> Circuit:
        """Return the product of the excitations' exponentials, first listed acting first.

        Args:
            norb: Number of spatial orbitals.
            nelec: Electrons by spin.
            excitations: The factors in order.
            spin_tied: Whether an excitation and its spin-flipped partner share one parameter
                (the spin-complemented generator). Generators that only change sign under the
                flip, and so cancel against it, are left out.
            name: Where the circuit comes from.

        Raises:
            InputError: If an excitation leaves the orbitals.
        """
        if not spin_tied:
            gates = tuple(Gate(e, k) for k, e in enumerate(excitations))
            return cls(norb, nelec, gates, len(gates), name)
        tied: list[Gate] = []
        n_params = 0
        waiting: dict[Excitation, tuple[int, float]] = {}  # partners expected further down
        for excitation in excitations:
            flipped = excitation.spin_flipped()
            upside_down = flipped.adjoint()  # the partner's generator with the other sign
            if upside_down == excitation:
                continue
            if excitation in waiting:
                param, scale = waiting.pop(excitation)
                waiting.pop(excitation.adjoint())
            else:
                param, scale = n_params, 1.0
                n_params += 1
                if flipped != excitation:
                    waiting |= {flipped: (param, 1.0), upside_down: (param, -1.0)}
            tied.append(Gate(excitation, param, scale))
        return cls(norb, nelec, tuple(tied), n_params, name)
