"""Circuits that prepare the Gibbs distribution of a restricted Boltzmann machine.

A machine has ``n`` visible and ``m`` hidden units, each +1 (bit 0) or -1 (bit 1), with

    P(sigma, h) ~ exp(a . sigma + b . h + sigma . w . h).

Each unit is a qubit, turned by its own bias. Each pair turns an ancilla by an angle that depends
on the parity ``sigma_i h_j``; only shots whose ancillas all read 1 are kept. These follow
``P**(1 / k)``, where the regulator ``k`` keeps the share of such shots above ``e**-4``.

References:
    R. Xia, S. Kais, Nat. Commun. 9, 4195 (2018), doi:10.1038/s41467-018-06598-z. There the four
    values of a pair are doubly controlled rotations, 32 CX; by its parity it takes 4.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from qmlmat.ansatz.qubit_circuit import Angle, QubitCircuit, QubitGate
from qmlmat.errors import InputError
from qmlmat.typing import FloatArray


def gibbs_circuit(n_visible: int, n_hidden: int, *, reset: bool = True) -> QubitCircuit:
    """Return the circuit that serves every machine of a size: its parameters are angles.

    Wires and bits are the visible units, then the hidden ones; then follow one bit for each pair,
    ``(0, 0), (0, 1), ...``, that is 1 where the shot is kept, and the ancillas. Parameters are
    those of ``gibbs_angles``. A pair takes 4 CX.

    Args:
        n_visible: Number of visible units.
        n_hidden: Number of hidden units.
        reset: Whether one ancilla serves all pairs, measured and reset on the way
            (``n + m + 1`` qubits); else each pair has its own (``n + m + n m`` qubits).

    Raises:
        InputError: If there is no visible or no hidden unit.

    Example:
        >>> circuit = gibbs_circuit(2, 3)
        >>> circuit.n_qubits, circuit.n_bits, circuit.n_params
        (6, 11, 17)
    """
    for name, count in (("n_visible", n_visible), ("n_hidden", n_hidden)):
        if not isinstance(count, int | np.integer) or count < 1:
            raise InputError(f"gibbs_circuit({name}={count!r}): use a whole number, at least 1.")
    n_units, n_pairs = n_visible + n_hidden, n_visible * n_hidden
    gates = [QubitGate("ry", (unit,), Angle(param=unit)) for unit in range(n_units)]
    for pair in range(n_pairs):
        visible, hidden = pair // n_hidden, n_visible + pair % n_hidden
        ancilla = n_units if reset else n_units + pair
        if reset and pair:
            gates.append(QubitGate("reset", (ancilla,)))
        first = n_units + 2 * pair
        gates += [
            QubitGate("cx", (visible, hidden)),
            QubitGate("ry", (ancilla,), Angle(param=first)),
            QubitGate("cry", (hidden, ancilla), Angle(param=first + 1)),
            QubitGate("cx", (visible, hidden)),
            QubitGate("measure", (ancilla,), bit=n_units + pair),
        ]
    gates += [QubitGate("measure", (unit,), bit=unit) for unit in range(n_units)]
    n_qubits = n_units + (1 if reset else n_pairs)
    return QubitCircuit(n_qubits, tuple(gates), n_units + 2 * n_pairs, "gibbs")


def gibbs_angles(a: ArrayLike, b: ArrayLike, w: ArrayLike, regulator: float) -> FloatArray:
    """Return the parameters of ``gibbs_circuit`` for one machine.

    A unit of bias ``beta`` reads 0 with a probability ~ ``exp(beta / k)``. A pair is kept with
    probability ``exp((w sigma h - |w|) / k)``: its parameters are the ancilla's angle where
    ``sigma h = 1``, and how much larger it is where ``sigma h = -1``.

    Args:
        a: Biases of the visible units, shape ``(n,)``.
        b: Biases of the hidden units, shape ``(m,)``.
        w: Weights, shape ``(n, m)``.
        regulator: The regulator ``k``, above 0.

    Returns:
        Shape ``(n + m + 2 n m,)`` (radians).

    Raises:
        InputError: If shapes do not fit, or values are not finite.
    """
    visible, hidden, weights = checked_machine(a, b, w)
    if not (math.isfinite(regulator) and regulator > 0):
        raise InputError(
            f"gibbs_angles(regulator={regulator}): use a finite number above 0; "
            f"default_regulator(w) is {default_regulator(weights):.6g} here."
        )
    bias = np.concatenate([visible, hidden]) / regulator
    # tan(angle / 2) = exp(-bias), as a quotient in which nothing overflows
    units = 2 * np.arctan2(np.exp(-np.maximum(bias, 0)), np.exp(np.minimum(bias, 0)))
    strength = np.abs(weights) / regulator
    # asin(exp(-strength)), by its tangent: exact for weak and for strong pairs
    rarer = 2 * np.arctan2(np.exp(-strength), np.sqrt(-np.expm1(-2 * strength)))
    even = np.where(weights >= 0, np.pi, rarer)
    odd = np.where(weights >= 0, rarer, np.pi)
    pairs = np.stack([even, odd - even], axis=-1)
    return np.concatenate([units, pairs.reshape(-1)])


def default_regulator(w: ArrayLike) -> float:
    """Return ``max(1, sum |w| / 2)``: at least ``e**-4`` = 1.8 % of the shots are kept.

    The bound is ``exp(-2 sum |w| / k)`` whatever the biases; most machines keep 20 % and more.

    Args:
        w: Weights, shape ``(n, m)``.
    """
    return max(1.0, float(np.abs(np.asarray(w, dtype=np.float64)).sum()) / 2)


def checked_machine(
    a: ArrayLike, b: ArrayLike, w: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return biases and weights of a machine as float64 arrays.

    Args:
        a: Biases of the visible units, shape ``(n,)``.
        b: Biases of the hidden units, shape ``(m,)``.
        w: Weights, shape ``(n, m)``.

    Raises:
        InputError: If shapes do not fit, or values are not finite.
    """
    visible, hidden, weights = (np.asarray(one, dtype=np.float64) for one in (a, b, w))
    fits = visible.ndim == hidden.ndim == 1 and weights.shape == visible.shape + hidden.shape
    if not fits or not weights.size:
        raise InputError(
            f"Boltzmann machine: a, b, w of shapes {visible.shape}, {hidden.shape}, "
            f"{weights.shape}. Give shapes (n,), (m,), (n, m), with n and m at least 1."
        )
    for name, values in (("a", visible), ("b", hidden), ("w", weights)):
        if not np.isfinite(values).all():
            raise InputError(
                f"Boltzmann machine: {name} holds NaN or infinity. Give finite numbers."
            )
    return visible, hidden, weights
