"""The one circuit representation: an ordered product of exponentials with shared parameters."""

from __future__ import annotations

from dataclasses import dataclass

from qmlmat.ansatz.excitation import Excitation
from qmlmat.errors import InputError


@dataclass(frozen=True)
class Gate:
    """The rotation ``exp(scale * params[param] * (T - T†))`` of one excitation."""

    excitation: Excitation
    """The excitation ``T``."""
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
        for gate in self.gates:
            if gate.excitation.max_orbital >= self.norb:
                raise InputError(
                    f"Circuit(norb={self.norb}): the excitation {gate.excitation} leaves the "
                    f"orbitals. Use orbitals 0 to {self.norb - 1}."
                )
        used = {gate.param for gate in self.gates}
        if used != set(range(self.n_params)):
            raise InputError(
                f"Circuit(n_params={self.n_params}): the gates use {len(used)} parameters. "
                "Number the gates' parameters from 0 without gaps and set n_params to match."
            )

    @property
    def n_qubits(self) -> int:
        """Number of qubits, two per orbital."""
        return 2 * self.norb

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
