"""Random circuits and observables that conserve electrons, of PennyLane's operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pennylane as qml
from pennylane.pauli import PauliSentence, PauliWord

ORDERS = ("blocked", "interleaved", None)
"""Where the device may have the spin orbitals."""
STRING = ((0,), (-1,))
"""Moves of gates that take one electron from the first wire to the last, or back."""


def spin(wire, n_wires, order):
    """Return 0 for a wire of alpha electrons and 1 for one of beta; 0 without an order."""
    if order is None:
        return 0
    return wire % 2 if order == "interleaved" else wire // (n_wires // 2)


@dataclass(frozen=True)
class Kind:
    """A sort of gates."""

    make: Callable
    """The gate from its wires, its angles and a generator of random numbers."""
    sizes: tuple[int, int]
    """Fewest and most wires."""
    n_angles: int = 0
    """Number of angles."""
    moves: tuple = ()
    """Pairs of places among the wires: electrons of the first go to the second, and back."""

    def conserves(self, spins):
        """Return whether electrons only move between wires of their spin."""
        return all(
            sorted(spins[k] for k in sources) == sorted(spins[k] for k in targets)
            for sources, targets in self.moves
        )


def _gate(gate):
    return lambda wires, angles, _: gate(*angles, wires=wires)


def _halves(wires, angles, rng):
    """Two lists of at least two wires each; the ends of both are its first four wires."""
    p, q, r, s, *between = wires
    cut = int(rng.integers(len(between) + 1))
    return qml.FermionicDoubleExcitation(
        *angles, wires1=[p, *between[:cut], q], wires2=[r, *between[cut:], s]
    )


def _rotation(wires, angles, rng):
    word = "".join(rng.choice(["Z", "I"], len(wires)))
    return qml.PauliRot(*angles, word if "Z" in word else "Z" * len(wires), wires=wires)


def _projector_phase(wires, angles, rng):
    return qml.PCPhase(*angles, int(rng.integers(1, 1 << len(wires))), wires=wires)


def _adjoint(make):
    return lambda wires, angles, rng: qml.adjoint(make(wires, angles, rng))


def _controlled(make, n_controls):
    """The last wires are the controls."""

    def controlled(wires, angles, rng):
        values = [bool(value) for value in rng.integers(0, 2, n_controls)]
        inside = make(wires[:-n_controls], angles, rng)
        return qml.ctrl(inside, wires[-n_controls:], control_values=values)

    return controlled


_SWAPPED = (((0,), (1,)),)
_PAIRS = (((0, 1), (2, 3)),)
_MOVES = ((), _SWAPPED, _PAIRS)

PLAIN = {
    **{
        name: Kind(_gate(getattr(qml, name)), (2, 2), 1, _SWAPPED)
        for name in (
            "SingleExcitation",
            "SingleExcitationPlus",
            "SingleExcitationMinus",
            "FermionicSWAP",
            "IsingXY",
            "PSWAP",
        )
        if hasattr(qml, name)
    },
    **{
        name: Kind(_gate(getattr(qml, name)), (4, 4), 1, _PAIRS)
        for name in ("DoubleExcitation", "DoubleExcitationPlus", "DoubleExcitationMinus")
    },
    "OrbitalRotation": Kind(_gate(qml.OrbitalRotation), (4, 4), 1, (((0,), (2,)), ((1,), (3,)))),
    "FermionicSingleExcitation": Kind(_gate(qml.FermionicSingleExcitation), (2, 5), 1, (STRING,)),
    "FermionicDoubleExcitation": Kind(_halves, (4, 7), 1, _PAIRS),
    **{
        name: Kind(_gate(getattr(qml, name)), (2, 2), 0, _SWAPPED)
        for name in ("SWAP", "ISWAP", "SISWAP")
    },
    **{name: Kind(_gate(getattr(qml, name)), (1, 1)) for name in ("PauliZ", "S", "T", "Identity")},
    **{
        name: Kind(_gate(getattr(qml, name)), (1, 1), 1)
        for name in ("RZ", "PhaseShift", "U1", "GlobalPhase")
    },
    **{
        name: Kind(_gate(getattr(qml, name)), (2, 2), 1)
        for name in (
            "IsingZZ",
            "CPhaseShift00",
            "CPhaseShift01",
            "CPhaseShift10",
            "ControlledPhaseShift",
            "CRZ",
        )
    },
    "MultiRZ": Kind(_gate(qml.MultiRZ), (1, 5), 1),
    "PauliRot": Kind(_rotation, (1, 5), 1),
    "PCPhase": Kind(_projector_phase, (1, 4), 1),
    "CZ": Kind(_gate(qml.CZ), (2, 2)),
    "CCZ": Kind(_gate(qml.CCZ), (3, 3)),
    "CSWAP": Kind(_gate(qml.CSWAP), (3, 3), 0, (((1,), (2,)),)),
    "Barrier": Kind(_gate(qml.Barrier), (1, 3)),
}
"""Every sort of gates that the device knows, by PennyLane's names."""

KINDS = {
    **PLAIN,
    **{
        f"Adjoint({name})": replace(PLAIN[name], make=_adjoint(PLAIN[name].make))
        for name in ("SingleExcitationPlus", "DoubleExcitation", "S", "T", "ISWAP", "SISWAP")
    },
    **{
        f"{n}-controlled({name})": Kind(
            _controlled(PLAIN[name].make, n),
            (PLAIN[name].sizes[0] + n, PLAIN[name].sizes[0] + n),
            PLAIN[name].n_angles,
            PLAIN[name].moves,
        )
        for n, name in (
            (1, "SingleExcitation"),
            (2, "SingleExcitation"),
            (1, "SingleExcitationMinus"),
            (1, "DoubleExcitation"),
            (1, "IsingXY"),
            (2, "ISWAP"),
            (2, "RZ"),
            (1, "MultiRZ"),
            (1, "S"),
            (2, "SWAP"),
        )
    },
    "Controlled(Adjoint(IsingXY))": Kind(
        _controlled(_adjoint(PLAIN["IsingXY"].make), 1), (3, 3), 1, _SWAPPED
    ),
    "Controlled(GlobalPhase)": Kind(
        lambda wires, angles, _: qml.ctrl(qml.GlobalPhase(*angles), wires), (1, 2), 1
    ),
}
"""The same, and some of them inverted and controlled."""
BATCHED = tuple(
    name for name in KINDS if not name.startswith(("FermionicSingle", "FermionicDouble"))
)
"""Gates that PennyLane makes of a batch of angles; others want one number."""


@dataclass(frozen=True)
class Gate:
    """A gate of a random circuit."""

    name: str
    """Its sort."""
    wires: tuple[int, ...]
    """Its wires."""
    seed: int
    """Seed of what else it needs: the order of a word, values of controls."""
    sources: tuple[int, ...]
    """Which parameter sets each angle; -1 for none."""


@dataclass(frozen=True)
class ConservingCircuit:
    """A circuit that conserves the electrons of each spin, of a spin order."""

    n_wires: int
    """Number of wires."""
    order: str | None
    """Its spin order."""
    bits: tuple[int, ...]
    """Occupation of each wire at the start."""
    gates: tuple[Gate, ...]
    """Its gates."""
    scales: np.ndarray
    """Derivative of each angle by its parameter."""
    shifts: np.ndarray
    """Each angle where its parameter is zero (radians)."""
    n_params: int
    """Number of parameters."""

    def queue(self, params, labels=None):
        """Apply the circuit to the wires with these labels, by default their numbers."""
        labels = range(self.n_wires) if labels is None else labels
        qml.BasisState(np.array(self.bits), wires=labels)
        angles = iter(self._angles(params))
        for gate in self.gates:
            own = [next(angles) for _ in gate.sources]
            wires = [labels[wire] for wire in gate.wires]
            KINDS[gate.name].make(wires, own, np.random.default_rng(gate.seed))

    def _angles(self, params):
        """Return each angle.

        All those of parameters at once, and padded: one operation for JAX to compile, of one shape.
        """
        sources = np.array([source for gate in self.gates for source in gate.sources], dtype=int)
        free = np.flatnonzero(sources >= 0)
        padded = np.append(free, np.full(-len(free) % 32, free[0])) if len(free) else free
        axes = (-1, *[1] * (len(params.shape) - 1))  # a batch may follow
        scales, shifts = (
            qml.math.convert_like(one[padded].reshape(axes), params)
            for one in (self.scales, self.shifts)
        )
        made = iter(params[sources[padded]] * scales + shifts)
        return [
            float(self.shifts[k]) if source < 0 else next(made) for k, source in enumerate(sources)
        ]


def random_wires(rng, kind, n_wires, order):
    """Return random wires for a gate that conserve the spins, ``None`` if none were found."""
    low, high = kind.sizes
    if low > n_wires:
        return None
    for _ in range(20):
        size = int(rng.integers(low, min(high, n_wires) + 1))
        wires = tuple(rng.permutation(n_wires)[:size].tolist())
        if kind.conserves([spin(wire, n_wires, order) for wire in wires]):
            return wires
    return None


def random_circuit(seed, order, *, n_wires=None, n_gates=20, n_params=5, names=tuple(KINDS)):
    """Return a random circuit; angles share parameters, have factors, or are fixed.

    More than half of the gates move electrons, lest the state remain a determinant.

    Args:
        seed: Seed.
        order: The spin order.
        n_wires: Number of wires; by default from 4 to 12, even with a spin order.
        n_gates: Number of gates.
        n_params: Number of parameters.
        names: Sorts of gates, of ``KINDS``.
    """
    rng = np.random.default_rng(seed)
    if n_wires is None:
        n_wires = int(rng.integers(4, 13)) if order is None else 2 * int(rng.integers(2, 7))
    occupied: list[int] = []
    for one in {spin(wire, n_wires, order) for wire in range(n_wires)}:  # some of each spin
        own = [wire for wire in range(n_wires) if spin(wire, n_wires, order) == one]
        occupied += rng.permutation(own)[: rng.integers(1, len(own))].tolist()
    bits = tuple(int(wire in occupied) for wire in range(n_wires))
    moving = [name for name in names if KINDS[name].moves] or list(names)
    gates: list[Gate] = []
    while len(gates) < n_gates:
        chosen = moving if rng.random() < 0.6 else names
        name = chosen[rng.integers(len(chosen))]
        wires = random_wires(rng, KINDS[name], n_wires, order)
        if wires is not None:
            n_angles = KINDS[name].n_angles
            sources = tuple(rng.integers(-1, n_params, n_angles).tolist())
            gates.append(Gate(name, wires, int(rng.integers(2**31)), sources))
    n_angles = sum(len(gate.sources) for gate in gates)
    scales, shifts = rng.normal(size=(2, n_angles))
    return ConservingCircuit(n_wires, order, bits, tuple(gates), scales, shifts, n_params)


# ------------------- observables


def _ladder(wire, *, up):
    """Fill a wire, or empty it, without the signs of fermions."""
    word = PauliWord({wire: "X"}), PauliWord({wire: "Y"})
    return PauliSentence({word[0]: 0.5, word[1]: -0.5j if up else 0.5j})


def exchange(filled, emptied, factor, parity=()):
    """Return ``factor T + (factor T)†``, where T moves electrons; parity has Pauli Z beside it."""
    term = PauliSentence({PauliWord(dict.fromkeys(parity, "Z")): factor})
    for wire in filled:
        term = term @ _ladder(wire, up=True)
    for wire in emptied:
        term = term @ _ladder(wire, up=False)
    twin = PauliSentence({word: np.conj(value) for word, value in term.items()})
    return term + twin


def random_observable(seed, n_wires, order, *, n_terms=8, is_real=False, labels=None):
    """Return a random Hermitian sum that conserves the electrons, as a Hamiltonian.

    It has words of Z, hoppings of one electron (``XX + YY`` and ``XY - YX``) and of two, some with
    Pauli Z beside them.
    """
    rng = np.random.default_rng(seed)
    found = PauliSentence({PauliWord({}): rng.normal()})
    labels = range(n_wires) if labels is None else labels
    for _ in range(n_terms):
        n_moved = int(rng.integers(0, 3))
        kind = Kind(make=None, sizes=(2 * n_moved, 2 * n_moved), moves=_MOVES[n_moved])
        wires = random_wires(rng, kind, n_wires, order)
        if wires is None:
            continue
        beside = [w for w in range(n_wires) if w not in wires and rng.random() < 0.3]
        parity = [labels[w] for w in beside]
        factor = rng.normal() + (0 if is_real else 1j * rng.normal())
        if not n_moved:
            word = PauliWord(dict.fromkeys(parity, "Z"))
            found = found + PauliSentence({word: factor.real})
            continue
        moved = [labels[w] for w in wires]
        found = found + exchange(moved[:n_moved], moved[n_moved:], factor, parity)
    values = [float(np.real(value)) for value in found.values()]
    words = [word.operation(wire_order=labels[:1]) for word in found]
    return qml.Hamiltonian(values, words)
