"""Fewer gates for bound parameters: neighbouring orbital rotations become one.

Single excitations and phases of single orbitals that follow one another are together one orbital
rotation of each spin. It takes ``norb * (norb - 1) / 2`` rotations of neighbouring orbitals in
``norb`` layers, and ``n * (norb - n)`` where it acts on the determinant of the lowest ``n``.

References:
    W. R. Clements et al., Optica 3, 1460 (2016), doi:10.1364/OPTICA.3.001460 (the network);
    Z. Jiang et al., Phys. Rev. Applied 9, 044036 (2018), doi:10.1103/PhysRevApplied.9.044036
    (on a determinant).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import rq

from qmlmat.ansatz.circuit import Circuit, Gate
from qmlmat.ansatz.excitation import Excitation, NumberProduct
from qmlmat.typing import FloatArray, StateArray

_ROUNDING: Final = 1e-13  # float64: angles that are zero up to rounding

Bound = tuple[Excitation | NumberProduct, float]
"""A generator and its angle."""


def merged_rotations(
    circuit: Circuit, params: ArrayLike, *, reference: str | None = None
) -> tuple[Circuit, FloatArray]:
    """Return a circuit that does the same at given parameters, with fewer orbital rotations.

    Runs of single excitations and phases of single orbitals are replaced where that saves
    two-qubit gates in Jordan-Wigner order. Angles that vanish are left out. Phases that follow one
    another commute; they are ordered into few layers.

    Args:
        circuit: The circuit.
        params: Its parameters, shape ``(n_params,)`` (radians).
        reference: The determinant the circuit acts on (all alpha then all beta), if only the
            action on it matters; of use where each spin has its lowest orbitals occupied.

    Returns:
        The circuit, one parameter for each gate, and the parameters (radians).
    """
    values = np.asarray(params, dtype=np.float64)
    found: list[Bound] = []
    run: list[Bound] = []
    acts_first = reference is not None
    for gate in circuit.gates:
        bound = (gate.generator, gate.scale * float(values[gate.param]))
        if _is_rotation(gate.generator):
            run.append(bound)
            continue
        found += _replaced(run, circuit.norb, reference if acts_first else None)
        run, acts_first = [], False
        found.append(bound)
    found += _replaced(run, circuit.norb, reference if acts_first else None)
    found = _layered([bound for bound in found if abs(bound[1]) > _ROUNDING])
    gates = tuple(Gate(generator, k) for k, (generator, _) in enumerate(found))
    merged = Circuit(circuit.norb, circuit.nelec, gates, len(gates), circuit.name)
    return merged, np.array([angle for _, angle in found], dtype=np.float64)


def _layered(bounds: Sequence[Bound]) -> list[Bound]:
    """Return gates with each run of phases ordered: single ones, then couplings in few layers.

    Couplings that reach beyond neighbours are sorted for devices with few links instead: those of
    an alpha orbital together, beta orbitals from the far end.
    """
    found: list[Bound] = []
    for is_phase, run in groupby(bounds, key=lambda bound: isinstance(bound[0], NumberProduct)):
        waiting = list(run)
        if is_phase:
            found += [bound for bound in waiting if not _coupled(bound[0])]
            waiting = [bound for bound in waiting if _coupled(bound[0])]
        while is_phase and all(_is_local(generator) for generator, _ in waiting) and waiting:
            busy: set[tuple[int, int]] = set()
            later: list[Bound] = []
            for phase in waiting:
                modes = _coupled(phase[0])
                if busy & modes:
                    later.append(phase)
                else:
                    found.append(phase)
                    busy |= modes
            waiting = later
        found += sorted(waiting, key=_far_first) if is_phase else waiting
    return found


def _coupled(generator: Excitation | NumberProduct) -> set[tuple[int, int]]:
    """Return the spin orbitals, by spin and orbital, that a phase couples; none for one alone."""
    assert isinstance(generator, NumberProduct)
    modes = {(0, p) for p in generator.alpha} | {(1, p) for p in generator.beta}
    return modes if len(modes) > 1 else set()


def _is_local(generator: Excitation | NumberProduct) -> bool:
    """Whether a phase couples neighbours of one spin, or the two spins of one orbital."""
    modes = sorted(_coupled(generator))
    return len(modes) == 2 and sum(abs(a - b) for a, b in zip(*modes, strict=True)) == 1


def _far_first(bound: Bound) -> tuple[int, int, int]:
    """Return where a coupling stands: same spin first, then by alpha orbital, beta descending."""
    alpha, beta = bound[0].alpha, bound[0].beta
    if isinstance(bound[0], Excitation) or not (alpha and beta):
        return 0, 0, 0
    return 1, bound[0].alpha[0], -bound[0].beta[0]


def _is_rotation(generator: Excitation | NumberProduct) -> bool:
    one = len(generator.alpha) + len(generator.beta) == 1
    return one and not (isinstance(generator, Excitation) and generator.qubit)


def _replaced(run: Sequence[Bound], norb: int, reference: str | None) -> list[Bound]:
    """Return a run of rotations of both spins, each replaced if that is cheaper."""
    found: list[Bound] = []
    for spin in (0, 1):
        own = [b for b in run if bool(b[0].beta) == bool(spin)]
        if not own:
            continue
        choices = [_network(_unitary(own, norb), spin), own]
        occupied = None if reference is None else reference[spin * norb : (spin + 1) * norb]
        if occupied is not None and occupied == "".join(sorted(occupied, reverse=True)):
            n_occupied = occupied.count("1")
            choices.append(_on_lowest(_unitary(own, norb)[:, :n_occupied], spin))
        found += min(choices, key=_cost)
    return found


def _cost(bounds: Iterable[Bound]) -> tuple[int, int]:
    """Return the number of two-qubit gates in Jordan-Wigner order, and that of all gates."""
    kept = [generator for generator, angle in bounds if abs(angle) > _ROUNDING]
    moves = [
        move
        for generator in kept
        if isinstance(generator, Excitation)
        for move in (*generator.alpha, *generator.beta)
    ]
    return sum(2 * (2 * abs(i - a) - 1) for i, a in moves), len(kept)


def _unitary(bounds: Sequence[Bound], norb: int) -> StateArray:
    """Return ``U`` of the rotation, ``a†_p -> sum_q U[q, p] a†_q``, shape ``(norb, norb)``."""
    unitary = np.eye(norb, dtype=np.complex128)
    for generator, angle in bounds:
        if isinstance(generator, NumberProduct):
            (orbital,) = generator.alpha or generator.beta
            unitary[orbital] *= cmath.exp(1j * angle)
        else:
            (move,) = generator.alpha or generator.beta
            _turn(unitary, move, angle)
    return unitary


def _turn(rows: StateArray, move: tuple[int, int], angle: float) -> None:
    """Apply the rotation of two orbitals to the rows of a matrix, in place."""
    i, a = move
    cosine, sine = math.cos(angle), math.sin(angle)
    rows[[i, a]] = cosine * rows[i] - sine * rows[a], cosine * rows[a] + sine * rows[i]


@dataclass
class _Gates:
    """Gates of one spin, in the order in which they are found."""

    spin: int
    """0 for alpha, 1 for beta."""
    found: list[Bound] = field(default_factory=list)
    """The gates."""

    def rotation(self, upper: int, angle: float) -> None:
        moves = ((upper, upper + 1),)
        generator = Excitation(beta=moves) if self.spin else Excitation(alpha=moves)
        self.found.append((generator, angle))

    def phase(self, orbital: int, angle: float) -> None:
        orbitals = (orbital,)
        generator = NumberProduct(beta=orbitals) if self.spin else NumberProduct(alpha=orbitals)
        self.found.append((generator, angle))


def _network(unitary: StateArray, spin: int) -> list[Bound]:
    """Return a rotation as phases and rotations of neighbours, in a brick wall."""
    rest, norb = unitary.copy(), len(unitary)
    first, last = _Gates(spin), _Gates(spin)  # first: as they act; last: the last one first
    for diagonal in range(norb - 1):
        for k in range(diagonal + 1):
            if diagonal % 2:
                _clear_below(rest, norb - 2 + k - diagonal, k, last)
            else:
                _clear_left(rest, diagonal - k, norb - 1 - k, first)
    middle = _Gates(spin)
    for orbital in range(norb):
        middle.phase(orbital, cmath.phase(rest[orbital, orbital]))
    return first.found + middle.found + last.found[::-1]


def _clear_below(rest: StateArray, upper: int, column: int, gates: _Gates) -> None:
    """Make ``rest[upper + 1, column]`` zero by a rotation of rows; add the gates that undo it."""
    x, y = rest[upper, column], rest[upper + 1, column]
    if abs(y) < _ROUNDING:
        return
    turn = cmath.phase(y) - cmath.phase(x) if abs(x) > _ROUNDING else 0.0
    angle = math.atan2(abs(y), abs(x))
    rest[upper + 1] *= cmath.exp(-1j * turn)
    _turn(rest, (upper, upper + 1), -angle)
    gates.phase(upper + 1, turn)
    gates.rotation(upper, angle)


def _clear_left(rest: StateArray, left: int, row: int, gates: _Gates) -> None:
    """Make ``rest[row, left]`` zero by a rotation of columns; add the gates that undo it."""
    x, y = rest[row, left + 1], rest[row, left]
    if abs(y) < _ROUNDING:
        return
    turn = cmath.phase(y) - cmath.phase(x) if abs(x) > _ROUNDING else 0.0
    angle = math.atan2(abs(y), abs(x))
    rest[:, left] *= cmath.exp(-1j * turn)
    _turn(rest.T, (left, left + 1), angle)
    gates.phase(left, turn)
    gates.rotation(left, angle)


def _on_lowest(occupied: StateArray, spin: int) -> list[Bound]:
    """Return what takes the lowest orbitals to the span of others, phase included.

    Args:
        occupied: Orthonormal columns, shape ``(norb, n_occupied)``.
        spin: 0 for alpha, 1 for beta.
    """
    norb, n_occupied = occupied.shape
    if not n_occupied:
        return []
    _, mixing = rq(occupied[norb - n_occupied :])
    rest = occupied @ mixing.conj().T  # zero below a diagonal: the columns span the same
    gates = _Gates(spin)
    for column in range(n_occupied):
        for upper in range(norb - n_occupied + column - 1, column - 1, -1):
            _clear_below(rest, upper, column, gates)
    determinant = np.linalg.det(rest[:n_occupied]) * np.linalg.det(mixing)
    gates.phase(0, cmath.phase(complex(determinant)))
    return gates.found[::-1]
