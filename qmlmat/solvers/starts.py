"""Where a circuit's parameters begin: cluster amplitudes, or an earlier solution's angles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from qmlmat.ansatz import Circuit, Excitation, Gate, NumberProduct, QubitCircuit
from qmlmat.errors import InputError
from qmlmat.operators.sector import moved_strings
from qmlmat.solvers.base import Solution
from qmlmat.systems import Amplitudes
from qmlmat.typing import BoolArray, FloatArray

MAX_START: Final = np.pi / 8
"""Largest starting angle taken from perturbation theory, whose amplitudes blow up where
bonds break (radians)."""


def starting_params(circuit: Circuit, amplitudes: Amplitudes) -> FloatArray:
    """Return angles equal to the cluster amplitudes, the mean where gates share a parameter.

    An excitation that comes again under another parameter, as in a further layer, starts at zero
    there: its amplitude is spent.

    Args:
        circuit: The circuit; excitations that are not from occupied to virtual start at zero.
        amplitudes: Amplitudes of the same active space.

    Returns:
        Parameters clipped to ``MAX_START``, shape ``(n_params,)`` (radians).
    """
    total, count = np.zeros(circuit.n_params), np.zeros(circuit.n_params)
    owner: dict[Excitation | NumberProduct, int] = {}
    for gate in circuit.gates:
        count[gate.param] += 1
        if owner.setdefault(gate.generator, gate.param) == gate.param:
            total[gate.param] += gate.scale * cluster_amplitude(
                gate.generator, circuit.nelec, amplitudes
            )
    return np.clip(total / np.maximum(count, 1), -MAX_START, MAX_START)


def cluster_amplitude(
    generator: Excitation | NumberProduct, nelec: tuple[int, int], amplitudes: Amplitudes
) -> float:
    """Return the amplitude of a generator.

    It is 0 unless the generator moves one or two electrons out of occupied into empty orbitals.
    That of a qubit excitation has the sign with which the fermionic one acts on the Hartree-Fock
    determinant, so that both do the same to it.

    Args:
        generator: The generator.
        nelec: Electrons by spin.
        amplitudes: Amplitudes of the same active space.
    """
    if isinstance(generator, NumberProduct):
        return 0.0
    moves = ((generator.alpha, nelec[0]), (generator.beta, nelec[1]))
    if generator.rank > 2 or any(i >= n or a < n for part, n in moves for i, a in part):
        return 0.0
    sign = _fermion_sign(generator, nelec) if generator.qubit else 1.0
    alpha, beta = ([(i, a - n) for i, a in part] for part, n in moves)
    if alpha and beta:
        (i, a), (j, b) = alpha[0], beta[0]
        return sign * float(amplitudes.t2_ab[i, j, a, b])
    part = alpha or beta
    if len(part) == 1:
        return sign * float((amplitudes.t1_alpha if alpha else amplitudes.t1_beta)[part[0]])
    (i, a), (j, b) = part
    return sign * float((amplitudes.t2_aa if alpha else amplitudes.t2_bb)[i, j, a, b])


def _fermion_sign(excitation: Excitation, nelec: tuple[int, int]) -> float:
    """Return the sign fermions have when an excitation leaves the Hartree-Fock determinant."""
    spins = zip((excitation.alpha, excitation.beta), nelec, strict=True)
    signs = [moved_strings(np.array((1 << n) - 1), moves)[1] for moves, n in spins]
    return float(np.prod(signs))


def carried_over(guess: Solution, circuit: Circuit) -> tuple[FloatArray, BoolArray]:
    """Return an earlier solution's angles in another circuit, and which parameters took one.

    A gate takes the angle of the same generator, the n-th time it comes that of the n-th time: a
    circuit with fewer or more gates, or with more layers, starts from what is known. All others
    start at zero.

    Args:
        guess: A solution with parameters.
        circuit: The circuit to start.

    Returns:
        Parameters, and a mask of those carried over, both of shape ``(n_params,)``.

    Raises:
        InputError: If the guess is of another sector, or has nothing in common with the circuit.
    """
    assert guess.params is not None
    if guess.params.ndim == 2:  # angles of each state: those of the lowest
        guess = replace(guess, params=guess.params[0], inverse_hessian=None)
    assert guess.params is not None
    known = guess.circuit
    if known is None or known == circuit:
        if guess.params.shape != (circuit.n_params,):
            raise _unfit(guess, circuit)
        return guess.params.copy(), np.ones(circuit.n_params, dtype=bool)
    if not isinstance(known, Circuit) or (known.norb, known.nelec) != (circuit.norb, circuit.nelec):
        raise _unfit(guess, circuit)
    angles = {key: gate.scale * guess.params[gate.param] for key, gate in _occurrences(known)}
    params, taken = np.zeros(circuit.n_params), np.zeros(circuit.n_params, dtype=bool)
    for key, gate in _occurrences(circuit):
        if key in angles and gate.scale != 0 and not taken[gate.param]:
            params[gate.param], taken[gate.param] = angles[key] / gate.scale, True
    if circuit.n_params and not taken.any():
        raise _unfit(guess, circuit)
    return params, taken


def same_circuit(guess: Solution, circuit: Circuit | QubitCircuit) -> FloatArray:
    """Return an earlier solution's angles in the same circuit, shape ``(n_params,)`` (radians).

    Raises:
        InputError: If the guess is of another circuit.
    """
    params = guess.params
    other = guess.circuit is not None and guess.circuit != circuit
    if params is None or other or params.shape != (circuit.n_params,):
        raise _unfit(guess, circuit)
    return params.copy()


def _occurrences(
    circuit: Circuit,
) -> Iterator[tuple[tuple[Excitation | NumberProduct, int], Gate]]:
    """Yield every gate with its generator and how often that came before."""
    seen: Counter[Excitation | NumberProduct] = Counter()
    for gate in circuit.gates:
        yield (gate.generator, seen[gate.generator]), gate
        seen[gate.generator] += 1


def _unfit(guess: Solution, circuit: Circuit | QubitCircuit) -> InputError:
    size = 0 if guess.params is None else guess.params.size
    return InputError(
        f"solve(guess=...): the guess has {size} parameters, the circuit {circuit.n_params}, and "
        "they do not match. Take a guess from the same ansatz, active space and mapping."
    )
